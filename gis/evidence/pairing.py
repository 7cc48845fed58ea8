"""Whether two photos can be before and after of one thing: near each other, one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from gis.attributes import Text

LEAST_RADIUS_M = 30.0
"""Two honest fixes of one spot lie this far apart among houses; the phone seeks assets so, too."""
_A, _E2 = 6_378_137.0, 0.006_694_380_022_900_787
"""GRS 80, the ellipsoid of CGCS2000: equatorial radius in metres, first eccentricity squared."""
_TOO_FAR = Text(
    zh="整改后照片距整改前照片 {distance:.0f} 米(允许 {allowed:.0f} 米)",
    en="the after-photo was taken {distance:.0f} m from the before-photo ({allowed:.0f} m allowed)",
)
_NOT_LATER = Text(
    zh="整改后照片不晚于整改前照片", en="the after-photo is not later than the before-photo"
)
_NO_PLACE = Text(zh="照片没有位置,无法核对", en="a photo has no position to compare")
_NO_TIME = Text(zh="照片没有时间,无法核对", en="a photo has no time to compare")


@dataclass(frozen=True, slots=True)
class Shot:
    """When and where a photo was taken: aware time, degrees (CGCS2000), metres of accuracy."""

    taken_at: datetime | None
    lon: float | None
    lat: float | None
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class PairFinding:
    """Why two photos do not make a pair; ``rule`` is the stable word."""

    rule: str
    text: Text
    facts: dict[str, float]


def judge_pair(before: Shot, after: Shot) -> PairFinding | None:
    """The first thing that is wrong with a pair of photos, or None.

    ``after`` must be later, and within max(30 m, 2 x accuracy) of ``before``; the accuracy is
    that of the worse fix, and none is told for a tapped point. It is for people to weigh.
    """
    if before.taken_at is None or after.taken_at is None:
        return PairFinding("pair-time-unknown", _NO_TIME, {})
    if after.taken_at <= before.taken_at:
        seconds = (before.taken_at - after.taken_at).total_seconds()
        return PairFinding("pair-not-later", _NOT_LATER, {"seconds": seconds})
    if before.lon is None or before.lat is None or after.lon is None or after.lat is None:
        return PairFinding("pair-place-unknown", _NO_PLACE, {})
    distance = distance_m(before.lon, before.lat, after.lon, after.lat)
    worse = max(before.accuracy_m or 0.0, after.accuracy_m or 0.0)
    allowed = max(LEAST_RADIUS_M, 2 * worse)
    if distance <= allowed:
        return None
    facts = {"distance_m": round(distance, 1), "allowed_m": allowed}
    return PairFinding("pair-too-far", _TOO_FAR.format(distance=distance, allowed=allowed), facts)


def distance_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Metres between two points that are near each other (exact to 1 cm within a kilometre).

    By the ellipsoid's radii of curvature at the middle latitude; far apart it is only far.

    >>> round(distance_m(99.0, 25.0, 99.001, 25.0), 2)
    100.95
    """
    middle = math.radians((lat + other_lat) / 2)
    root = math.sqrt(1 - _E2 * math.sin(middle) ** 2)
    north = math.radians(other_lat - lat) * _A * (1 - _E2) / root**3
    turn = (other_lon - lon + 180) % 360 - 180  # the short way round
    east = math.radians(turn) * _A / root * math.cos(middle)
    return math.hypot(north, east)
