"""Who is served along the roads, with the limit of each facility's class, and why others are not.

A class limits metres (``radius_m``) or minutes (``minutes``, where the rule set has them). Each
class is travelled apart, so a small park near does not hide a large one in reach. Frames are in one
projected CRS in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gis.coverage.admit import Bools, Floats, Frame, Ints, admit_frame, admit_positive
from gis.coverage.entries import MAX_SNAP_M, Entries, snap_facilities, snap_places
from gis.coverage.roads import WALKING, RoadNetwork
from gis.coverage.travel import Direction, Measure, travel


@dataclass(frozen=True, slots=True)
class Limit:
    """One class of facilities: which rows, and how far they reach."""

    rows: Bools
    amount: float
    measure: Measure


@dataclass(frozen=True, slots=True)
class NetworkService:
    """Per place: whether and how far it is served along the roads."""

    served: Bools
    ratio: Floats
    """Least cost by limit over the classes; at most 1 is served, inf is unreachable."""
    cost: Floats
    """Of that class, in its measure."""
    facility: Ints
    """Row of the facility of that class that is nearest; -1 without."""
    snap_m: Floats
    """Straight to the network; NaN: too far from every road."""
    reason: npt.NDArray[np.object_]
    """``reached``, ``unreachable`` or ``no_entry``; that of the way, not of the limit."""
    facility_snap_m: Floats
    """Per facility; NaN where it has no entry."""
    assumed_entrances: Bools
    """Per facility: an area whose entrances were not given."""


def limits_of(facilities: Frame) -> list[Limit]:
    """The limits in a frame of :func:`gis.coverage.areas.qualify`, most distant first."""
    radius_m = np.asarray(facilities["radius_m"], dtype=np.float64)
    minutes = np.full(len(radius_m), np.nan)
    if "minutes" in facilities:
        minutes = np.asarray(facilities["minutes"], dtype=np.float64)
    in_time = ~np.isnan(minutes)
    times = [Limit(minutes == m, float(m) * 60, "seconds") for m in np.unique(minutes[in_time])]
    metres = [
        Limit(~in_time & (radius_m == r), float(r), "metres") for r in np.unique(radius_m[~in_time])
    ]
    return sorted([*times, *metres], key=lambda limit: -limit.amount)


def serve(
    network: RoadNetwork,
    places: Entries,
    facilities: Entries,
    limits: list[Limit],
    *,
    direction: Direction = "towards",
    snap_speed_m_per_s: float = WALKING.speed_m_per_s,
) -> NetworkService:
    """The best class for every place; a facility without an entry serves nobody."""
    ratio, cost = np.full(places.count, np.inf), np.full(places.count, np.inf)
    facility = np.full(places.count, -1, dtype=np.int64)
    snap_m = places.owner_snap_m
    reason = np.where(np.isnan(snap_m), "no_entry", "unreachable").astype(object)
    for limit in limits:
        admit_positive(limit.amount, "上限 limit")
        of_class = facilities.take(limit.rows)
        if not len(of_class.owner):
            continue
        reach = travel(
            network, places, of_class, direction=direction, measure=limit.measure,
            snap_speed_m_per_s=snap_speed_m_per_s,
        )  # fmt: skip
        better = reach.cost / limit.amount < ratio
        ratio[better] = reach.cost[better] / limit.amount
        cost[better] = reach.cost[better]
        facility[better] = reach.facility[better]
        reason[reach.reason == "reached"] = "reached"
    return NetworkService(
        ratio <= 1, ratio, cost, facility, snap_m, reason, facilities.owner_snap_m,
        facilities.assumed,
    )  # fmt: skip


def serve_along_roads(
    network: RoadNetwork,
    places: Frame,
    facilities: Frame,
    *,
    entrances: Frame = None,
    max_snap_m: float = MAX_SNAP_M,
    direction: Direction = "towards",
) -> NetworkService:
    """Places served by qualifying facilities (``radius_m``, ``minutes``) along the roads.

    InputError where no place or no facility has an entry to the network.
    """
    admit_frame(facilities, "设施 facilities", like=places, columns=["radius_m"])
    at_places = snap_places(places, network, max_snap_m=max_snap_m)
    at_facilities = snap_facilities(facilities, network, entrances=entrances, max_snap_m=max_snap_m)
    return serve(network, at_places, at_facilities, limits_of(facilities), direction=direction)
