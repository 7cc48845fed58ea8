"""Gaps: land nobody serves, with the people in it, the nearest facility and why, known over years.

Frames are in one projected CRS in metres. A gap keeps its id as long as it overlaps what it was, so
that closing one is countable; a gap that splits leaves its id to its largest part.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.attributes import Text
from gis.coverage.admit import (
    Bools,
    Floats,
    Frame,
    Ints,
    add_up,
    admit_amounts,
    admit_frame,
    admit_period,
    admit_positive,
    admit_radius,
)
from gis.coverage.areas import QUARTER_SEGMENTS, nearest
from gis.coverage.rates import stand_points
from gis.coverage.refusals import refuse
from gis.geometry import Geometries

SAME_SHARE = 0.3
"""Part of the smaller of two gaps that must overlap for them to be the same gap."""


class Reason(StrEnum):
    """Why the people of a gap are not served."""

    DISTANCE = "distance"
    BARRIER = "barrier"
    DETOUR = "detour"
    NO_ROAD = "no_road"
    HOURS = "hours"
    CAPACITY = "capacity"
    SIZE = "size"

    @property
    def text(self) -> Text:
        """In words."""
        return _REASONS[self]


_REASONS = {
    Reason.DISTANCE: Text(zh="周边无设施", en="no facility near enough"),
    Reason.BARRIER: Text(zh="道路不连通", en="no road leads to one"),
    Reason.DETOUR: Text(zh="绕行过远", en="the way round is too long"),
    Reason.NO_ROAD: Text(zh="离路网过远", en="too far from any road"),
    Reason.HOURS: Text(zh="开放时间不符", en="one is near, but closed at that time"),
    Reason.CAPACITY: Text(zh="容量不足", en="one is near, but full"),
    Reason.SIZE: Text(zh="规模不达标", en="one is near, but too small to count"),
}


def unserved_land(land: Frame, facilities: Frame) -> Geometries:
    """What of each lot lies in no class radius (``radius_m``); empty pieces are left out."""
    admit_frame(land, "居住用地 residential land")
    admit_frame(facilities, "设施 facilities", like=land, columns=["radius_m"])
    radii = admit_radius(np.asarray(facilities["radius_m"], dtype=np.float64), len(facilities))
    lots: Geometries = land.geometry.to_numpy().copy()
    discs = shapely.buffer(facilities.geometry.to_numpy(), radii, quad_segs=QUARTER_SEGMENTS)
    disc, lot = shapely.STRtree(lots).query(discs, predicate="intersects")
    order = np.argsort(lot, kind="stable")
    touched, starts = np.unique(lot[order], return_index=True)
    for at, of in zip(touched, np.split(disc[order], starts[1:]), strict=False):
        lots[at] = shapely.difference(lots[at], shapely.union_all(discs[of]))
    parts: Geometries = shapely.get_parts(lots)
    kept: Geometries = parts[shapely.area(parts) > 0]
    return kept


def unserved_places(places: Frame, served: Bools, *, spread_m: float = 50.0) -> Geometries:
    """The ground of unserved places: areas as they are, points with ``spread_m`` around them."""
    admit_frame(places, "人口 places")
    admit_positive(spread_m, "spread_m")
    if len(served) != len(places):
        raise refuse("lengths", name="served", wanted=len(places), count=len(served))
    shapes: Geometries = places.geometry.to_numpy()[~served]
    is_area = shapely.get_dimensions(shapes) > 0
    ground: Geometries = np.where(is_area, shapes, shapely.buffer(shapes, spread_m))
    return ground


def find_gaps(
    unserved: Geometries,
    places: Frame,
    served: Bools,
    facilities: Frame,
    *,
    min_area_m2: float,
    radius_m: float,
    join_m: float = 1.0,
    way: npt.NDArray[np.object_] | None = None,
    not_counted: Frame = None,
) -> tuple[Frame, float]:
    """Gaps with people, most people first, and the m² of pieces too small to be one.

    Pieces nearer than ``join_m`` are one gap. ``people`` counts unserved places in it,
    ``unknown`` those whose people are not known. ``way`` is the reason of travel per place
    (:class:`gis.coverage.network_service.NetworkService`); ``not_counted`` are facilities left out
    with a column ``reason`` (``hours``, ``capacity``, ``size``). The reason of a gap is that of
    most of its people.
    """
    admit_frame(places, "人口 places", columns=["people"])
    admit_frame(facilities, "设施 facilities", like=places)
    admit_positive(radius_m, "半径 radius_m")
    shapes, dropped_m2 = _join(unserved, join_m, min_area_m2)
    points = stand_points(places.geometry.to_numpy())
    people = admit_amounts(places["people"], "人口 places", len(places))
    for name, given in (("served", served), ("way", way)):
        if given is not None and len(given) != len(places):
            raise refuse("lengths", name=name, wanted=len(places), count=len(given))
    place, gap = _place_in(points, ~served, shapes)
    reasons = _reasons(points, facilities, radius_m, way, not_counted)
    which, apart = nearest(shapes, facilities.geometry.to_numpy())
    ids = np.asarray(facilities.get("id", facilities.index), dtype=object)
    counted = np.where(np.isnan(people), 0.0, people)
    frame = gpd.GeoDataFrame(
        {
            "people": add_up(gap, counted[place], len(shapes)),
            "unknown": add_up(gap, np.isnan(people[place]), len(shapes)).astype(np.int64),
            "area_m2": shapely.area(shapes),
            "nearest": ids[which] if len(shapes) else ids[:0],
            "nearest_m": apart,
            "reason": _most(gap, reasons[place], counted[place], len(shapes)),
        },
        geometry=shapes,
        crs=places.crs,
    )
    order = np.lexsort((-frame["area_m2"], -frame["people"]))
    return frame.iloc[order].reset_index(drop=True), dropped_m2


def _join(shapes: Geometries, join_m: float, min_area_m2: float) -> tuple[Geometries, float]:
    parts = shapely.get_parts(shapes)
    if not len(parts):
        return parts, 0.0
    first, second = shapely.STRtree(parts).query(parts, predicate="dwithin", distance=join_m)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(parts), len(parts)))
    count, group = connected_components(links.tocsr(), directed=False)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(1, count))
    joined = np.array([shapely.union_all(p) for p in np.split(parts[order], starts)])
    areas = shapely.area(joined)
    return joined[areas >= min_area_m2], float(areas[areas < min_area_m2].sum())


def _place_in(points: Geometries, chosen: Bools, shapes: Geometries) -> tuple[Ints, Ints]:
    """(place, gap) of the chosen points that lie in a gap; each in one."""
    at = np.flatnonzero(chosen)
    if not len(shapes) or not len(at):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    who, gap = shapely.STRtree(shapes).query(points[at], predicate="intersects")
    _, first = np.unique(who, return_index=True)
    return at[who[first]].astype(np.int64), gap[first].astype(np.int64)


def _reasons(
    points: Geometries,
    facilities: Frame,
    radius_m: float,
    way: npt.NDArray[np.object_] | None,
    not_counted: Frame,
) -> npt.NDArray[np.object_]:
    """Why each place would not be served."""
    found = np.full(len(points), Reason.DISTANCE.value, dtype=object)
    if not_counted is not None and len(not_counted):
        admit_frame(not_counted, "未计入设施 not counted", like=facilities, columns=["reason"])
        left, apart = nearest(points, not_counted.geometry.to_numpy())
        words = np.array([Reason(w).value for w in not_counted["reason"]], dtype=object)
        near = apart <= radius_m
        found[near] = words[left[near]]
    if way is not None:
        _, apart = nearest(points, facilities.geometry.to_numpy())
        inside = apart <= radius_m
        found[inside & (way == "reached")] = Reason.DETOUR.value
        found[inside & (way == "unreachable")] = Reason.BARRIER.value
        found[way == "no_entry"] = Reason.NO_ROAD.value
    return found


def _most(
    gap: Ints, words: npt.NDArray[np.object_], people: Floats, count: int
) -> npt.NDArray[np.object_]:
    """The word most people of each gap have; the distance where nobody lives."""
    keys = [reason.value for reason in Reason]
    code = np.array([keys.index(w) for w in words], dtype=np.int64)
    table = add_up(gap * len(keys) + code, people + 1e-9, count * len(keys))
    best = table.reshape(count, len(keys)).argmax(axis=1)
    most: npt.NDArray[np.object_] = np.array(keys, dtype=object)[best]
    return most


@dataclass(frozen=True, slots=True)
class Followed:
    """Gaps with ids, and what became of those before."""

    gaps: Frame
    """With ``id``, ``since`` (date), ``parent`` (id it split from) and ``absorbed`` (ids)."""
    closed: tuple[str, ...]
    """Ids of earlier gaps that no present gap continues."""


def follow_gaps(
    gaps: Frame, on: date, previous: Frame = None, before: date | None = None
) -> Followed:
    """Give gaps their ids: those of the earlier gaps they continue, else new ones.

    ``previous`` has ``id``, ``since`` and geometry of the day ``before``; InputError where that
    is after ``on``. The result does not depend on the order of the rows.
    """
    ids: list[str | None] = [None] * len(gaps)
    since: list[date] = [on] * len(gaps)
    parent: list[str | None] = [None] * len(gaps)
    absorbed: list[list[str]] = [[] for _ in ids]
    closed: list[str] = []
    if previous is not None and len(previous):
        admit_period(before or on, on)
        old = [str(value) for value in previous["id"]]
        pairs = _same_ground(gaps.geometry.to_numpy(), previous.geometry.to_numpy(), old)
        continued = _continue(pairs, ids)
        for at, was in pairs:
            if ids[at] is None:
                parent[at] = parent[at] or old[was]
            elif was not in continued:
                absorbed[at].append(old[was])
        for at, was in ((at, was) for was, at in continued.items()):
            ids[at], since[at] = old[was], previous["since"].iloc[was]
        gone = {word for words in absorbed for word in words}
        closed = [i for was, i in enumerate(old) if was not in continued and i not in gone]
    named = [i or _new_id(gaps.geometry.iloc[at], on) for at, i in enumerate(ids)]
    frame = gaps.assign(
        id=named, since=since, parent=parent, absorbed=[tuple(sorted(a)) for a in absorbed]
    )
    return Followed(frame, tuple(sorted(closed)))


def _continue(pairs: list[tuple[int, int]], ids: list[str | None]) -> dict[int, int]:
    """Earlier gap -> the present one that keeps its id: one each, the largest shared first."""
    continued: dict[int, int] = {}
    for at, was in pairs:
        if ids[at] is None and was not in continued:
            continued[was] = at
            ids[at] = "continued"
    return continued


def _same_ground(now: Geometries, then: Geometries, old: list[str]) -> list[tuple[int, int]]:
    """(present, earlier) gaps that share enough of the smaller, most shared m² first."""
    if not len(now):
        return []
    was, at = shapely.STRtree(now).query(then, predicate="intersects")
    area = shapely.area(shapely.intersection(now[at], then[was]))
    least = np.minimum(shapely.area(now[at]), shapely.area(then[was]))
    kept = np.flatnonzero((area > 0) & (area >= SAME_SHARE * least))
    west = shapely.bounds(now)[:, 0]
    names = np.array(old)
    order = kept[np.lexsort((west[at[kept]], names[was[kept]], -area[kept]))]
    return [(int(at[k]), int(was[k])) for k in order]


def _new_id(shape: shapely.Geometry, on: date) -> str:
    """From the place (to the metre) and the day it was first seen."""
    point = shapely.point_on_surface(shape)
    words = f"{on.isoformat()} {point.x:.0f} {point.y:.0f}"
    return "gap-" + hashlib.sha256(words.encode()).hexdigest()[:10]
