"""People put where they live, with the totals of their census units kept.

Frames are in one projected CRS in metres. A unit's people go to its dwellings by floor area
(dasymetric), where it has none to its residential land by area, where it has neither to its own
area; the method is said per place. Unknown people (NaN) stay unknown, and are never 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gis.coverage.admit import (
    Bools,
    Floats,
    Frame,
    Ints,
    add_up,
    admit_amounts,
    admit_apart,
    admit_frame,
    admit_ids,
    admit_people,
)
from gis.coverage.refusals import refuse
from gis.geometry import Geometries

CONSERVED = 1e-9
"""Relative difference a total may have after assignment."""
UNITS = "人口单元 population units"
DWELLINGS = "住宅 dwellings"


@dataclass(frozen=True, slots=True)
class _Shares:
    """Pairs of unit and holder of people with their weight and the shape people stand on."""

    unit: Ints
    holder: Ints
    weight: Floats
    shapes: Geometries


def assign_people(units: Frame, dwellings: Frame = None, land: Frame = None) -> Frame:
    """Places with ``unit``, ``people``, ``method`` and geometry (EPSG as given, metres).

    ``units`` need ``people`` (NaN: unknown) and may have ``id``. ``dwellings`` are points or
    footprints; ``floor_area_m2`` weighs them, else their footprint (points: alike). A footprint
    in two units belongs to each by its area there. ``land`` is residential land. ``method`` is
    ``dwellings``, ``land``, ``unit`` or ``missing``. Sums per unit are conserved to 1e-9.
    InputError for negative people, overlapping units, and where no unit knows its people.
    """
    admit_frame(units, UNITS, columns=["people"])
    ids = admit_ids(units, UNITS)
    people = admit_people(units["people"], UNITS, len(units))
    admit_apart(units, UNITS)
    shapes: Geometries = units.geometry.to_numpy()
    layers = [("dwellings", _by_dwellings(shapes, dwellings, units))]
    layers += [("land", _by_land(shapes, land, units)), ("unit", _by_unit(shapes))]
    open_units = np.ones(len(units), dtype=bool)
    unit, amount, method, places = [], [], [], []
    for word, shares in layers:
        total = add_up(shares.unit, shares.weight, len(units))
        kept = open_units[shares.unit] & (shares.weight > 0)
        at = shares.unit[kept]
        unit.append(at)
        amount.append(people[at] * (shares.weight[kept] / total[at]))
        method.append(np.where(np.isnan(people[at]), "missing", word))
        places.append(shares.shapes[kept])
        open_units &= ~(total > 0)
    at, found = np.concatenate(unit), np.concatenate(amount)
    _require_conserved(people, add_up(at, found, len(units)))
    frame = {"unit": ids[at], "people": found, "method": np.concatenate(method)}
    placed = gpd.GeoDataFrame(frame, geometry=np.concatenate(places), crs=units.crs)
    return placed.iloc[np.argsort(at, kind="stable")].reset_index(drop=True)


def _require_conserved(before: Floats, after: Floats) -> None:
    known = ~np.isnan(before)
    off = np.abs(after[known] - before[known])
    if (off > CONSERVED * np.maximum(before[known], 1.0)).any():
        raise AssertionError("people were lost or made while being assigned")


def _by_dwellings(shapes: Geometries, dwellings: Frame, units: Frame) -> _Shares:
    if dwellings is None or len(dwellings) == 0:
        return _none()
    admit_frame(dwellings, DWELLINGS, like=units)
    homes: Geometries = dwellings.geometry.to_numpy()
    is_area = shapely.get_dimensions(homes) == 2
    size = np.where(is_area, shapely.area(homes), 1.0)
    weight = size
    if "floor_area_m2" in dwellings:
        floors = admit_amounts(dwellings["floor_area_m2"], DWELLINGS, len(homes))
        weight = np.where(np.isnan(floors), size, floors)
    home, unit = shapely.STRtree(shapes).query(homes, predicate="intersects")
    first = np.ones(len(home), dtype=bool)
    first[1:] = home[1:] != home[:-1]
    kept = is_area[home] | first  # a point on a border lives in one of the two units
    home, unit = home[kept], unit[kept]
    pieces = homes[home].copy()
    areal = is_area[home]
    pieces[areal] = shapely.intersection(pieces[areal], shapes[unit[areal]])
    part = np.where(areal, shapely.area(pieces) / size[home], 1.0)
    return _Shares(unit.astype(np.int64), home.astype(np.int64), weight[home] * part, pieces)


def _by_land(shapes: Geometries, land: Frame, units: Frame) -> _Shares:
    if land is None or len(land) == 0:
        return _none()
    admit_frame(land, "居住用地 residential land", like=units)
    admit_apart(land, "居住用地 residential land")
    lots: Geometries = land.geometry.to_numpy()
    lot, unit = shapely.STRtree(shapes).query(lots, predicate="intersects")
    pieces = shapely.intersection(lots[lot], shapes[unit])
    return _Shares(unit.astype(np.int64), lot.astype(np.int64), shapely.area(pieces), pieces)


def _by_unit(shapes: Geometries) -> _Shares:
    every = np.arange(len(shapes))
    return _Shares(every, every, np.maximum(shapely.area(shapes), 1.0), shapes)


def _none() -> _Shares:
    empty = np.empty(0, dtype=np.int64)
    return _Shares(empty, empty, np.empty(0), np.empty(0, dtype=object))


@dataclass(frozen=True, slots=True)
class Interpolated:
    """People of target areas, and those who live outside all of them."""

    people: Floats
    """Per target; NaN where nothing is known of any part of it."""
    unknown_share: Floats
    """Share of each target's area whose people are unknown or that no unit covers."""
    outside: float
    """People of the units' parts no target covers: they are not moved into the targets."""


def interpolate_people(units: Frame, targets: Frame) -> Interpolated:
    """Area-weighted people of targets (cells, service areas) from units; both in metres.

    Inside plus outside is the total. Targets and units must not overlap among themselves.
    """
    admit_frame(units, UNITS, columns=["people"])
    admit_frame(targets, "目标区 targets", like=units)
    people = admit_people(units["people"], UNITS, len(units))
    admit_apart(units, UNITS)
    admit_apart(targets, "目标区 targets")
    shapes: Geometries = units.geometry.to_numpy()
    goals: Geometries = targets.geometry.to_numpy()
    goal, unit = shapely.STRtree(shapes).query(goals, predicate="intersects")
    area = shapely.area(shapely.intersection(goals[goal], shapes[unit]))
    known = ~np.isnan(people[unit])
    share = np.where(known, people[unit], 0.0) * area / shapely.area(shapes[unit])
    inside = add_up(goal, share, len(goals))
    known_m2 = add_up(goal, np.where(known, area, 0.0), len(goals))
    inside[known_m2 == 0] = np.nan
    unknown = np.clip(1 - known_m2 / shapely.area(goals), 0.0, 1.0)
    return Interpolated(inside, unknown, float(np.nansum(people) - share.sum()))


def round_people(people: Floats, unit: npt.NDArray[np.object_]) -> Floats:
    """Whole people per place, with each unit's rounded total kept (largest remainder).

    Unknown stays NaN. Of equal remainders the earlier row gets the person.

    >>> round_people(np.array([1.5, 1.5, 2.0]), np.array(["a", "a", "a"], dtype=object)).tolist()
    [2.0, 1.0, 2.0]
    """
    if len(people) != len(unit):
        raise refuse("lengths", name=UNITS, wanted=len(people), count=len(unit))
    whole = np.floor(people)
    known: Bools = ~np.isnan(people)
    _, group = np.unique(unit.astype(str), return_inverse=True)
    total = np.bincount(group[known], people[known])
    floor = np.bincount(group[known], whole[known], len(total))
    spare = np.rint(total).astype(np.int64) - floor.astype(np.int64)
    at = np.flatnonzero(known)
    order = at[np.lexsort((at, -(people - whole)[at], group[at]))]
    starts = np.searchsorted(group[order], group[order], side="left")
    rank = np.arange(len(order)) - starts
    whole[order[rank < spare[group[order]]]] += 1
    return whole
