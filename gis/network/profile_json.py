"""A profile as JSON, the same for the web panel, a script and a notebook."""

from __future__ import annotations

from typing import Any

from gis.network.profile import Crossing, Profile, Reach, Station
from gis.network.profile_seen import Defect, Silt


def as_json(profile: Profile) -> dict[str, Any]:  # Any: JSON
    """The profile as JSON: levels and chainage in metres, slopes in per mille, notes by code."""
    return {
        "length_m": profile.length_m,
        "fall_m": profile.fall_m,
        "stations": [
            {
                **{name: getattr(s, name) for name in _STATION_FIELDS},
                "id": str(s.id),
                "sump_m": s.sump_m,
                "depth_m": _depth(s),
                "notes": [n.code for n in s.notes],
            }
            for s in profile.stations
        ],
        "reaches": [_reach_json(r) for r in profile.reaches],
        "crossings": [
            {**{n: getattr(c, n) for n in Crossing.__slots__}, "id": str(c.id)}
            for c in profile.crossings
        ],
    }


_STATION_FIELDS = (
    *("chainage_m", "kind", "code", "ground_m", "bottom_m", "lowest_invert_m", "cover_state"),
)


def _depth(station: Station) -> float | None:
    """埋深: from the ground to the lowest invert."""
    if station.ground_m is None or station.lowest_invert_m is None:
        return None
    return round(station.ground_m - station.lowest_invert_m, 3)


_LISTS = ("silt", "defects", "notes")


def _reach_json(reach: Reach) -> dict[str, Any]:  # Any: JSON
    plain = {n: getattr(reach, n) for n in Reach.__slots__ if n not in _LISTS}
    return {
        **plain,
        "id": str(reach.id),
        "end_m": round(reach.end_m, 3),
        "start_crown_m": _rounded(reach.crown(reach.start_invert_m)),
        "end_crown_m": _rounded(reach.crown(reach.end_invert_m)),
        "slope_per_mille": reach.slope_per_mille,
        "silt_m": reach.silt_m,
        "silt_on": reach.silt_on,
        "silt": [{n: getattr(s, n) for n in Silt.__slots__} for s in reach.silt],
        "defects": [{n: getattr(d, n) for n in Defect.__slots__} for d in reach.defects],
        "notes": [n.code for n in reach.notes],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
