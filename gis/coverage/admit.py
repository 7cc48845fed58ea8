"""The door of the analyses: what a frame, an array or a period must be before it is computed with.

Every function raises InputError (:mod:`gis.coverage.refusals`) and returns plain arrays. Frames
are geopandas frames in one projected CRS in metres, easting first; none is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.coverage.refusals import refuse
from gis.geometry import TILE_SRID, Geometries

Frame = Any  # Any: geopandas has no types
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
OVERLAP_M2 = 1.0
OVERLAP_SHARE = 1e-6
"""Slivers of drawing up to this size in all, or this share of all land, are no overlap (the 332
subzones of Singapore overlap by 3.4 m² of 780 km²)."""


def admit_frame(
    frame: Frame, name: str, *, like: Frame = None, columns: Sequence[str] = ()
) -> None:
    """Refuse a frame without rows, metres, sound geometries or the columns asked for."""
    if len(frame) == 0:
        raise refuse("rows", name=name)
    crs = frame.crs
    is_metric = crs is not None and crs.is_projected and crs.axis_info[0].unit_name == "metre"
    if not is_metric or crs.to_epsg() == TILE_SRID:
        raise refuse("crs", name=name, crs="?" if crs is None else crs.to_string()[:60])
    if like is not None and crs != like.crs:
        raise refuse("crs_differs", name=name, crs=crs.to_string()[:60], other=str(like.crs)[:60])
    for column in columns:
        if column not in frame.columns:
            raise refuse("column", name=name, column=column)
    shapes: Geometries = frame.geometry.to_numpy()
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    if bad.any():
        raise refuse("geometry", name=name, count=int(bad.sum()), row=int(np.flatnonzero(bad)[0]))


def add_up(owner: npt.ArrayLike, values: npt.ArrayLike, count: int) -> Floats:
    """The sum of the values of each owner (positions from 0); 0 where it has none.

    >>> add_up([0, 2, 2], [1.0, 2.0, 3.0], 3).tolist()
    [1.0, 0.0, 5.0]
    """
    at, amounts = np.asarray(owner, dtype=np.int64), np.asarray(values, dtype=np.float64)
    return np.asarray(np.bincount(at, amounts, count), dtype=np.float64)


def admit_ids(frame: Frame, name: str) -> npt.NDArray[np.object_]:
    """The ids of a frame (column ``id``, else its index); missing and double ones are refused."""
    ids = np.asarray(frame["id"] if "id" in frame.columns else frame.index, dtype=object)
    seen: set[object] = set()
    for value in ids:
        if pd.isna(value) or value in seen:
            raise refuse("ids", name=name, value=value)
        seen.add(value)
    return ids


def admit_amounts(values: npt.ArrayLike, name: str, count: int) -> Floats:
    """Amounts per row (people, m², capacity); NaN is "data missing", negative is refused."""
    amounts = np.asarray(values, dtype=np.float64)
    if amounts.shape != (count,):
        raise refuse("lengths", name=name, wanted=count, count=amounts.size)
    bad = (amounts < 0) | np.isinf(amounts)
    if bad.any():
        raise refuse("negative", name=name, count=int(bad.sum()), row=int(np.flatnonzero(bad)[0]))
    return amounts


def admit_people(values: npt.ArrayLike, name: str, count: int) -> Floats:
    """As :func:`admit_amounts`; refused where nothing at all is known."""
    people = admit_amounts(values, name, count)
    if not np.nansum(people) > 0:
        raise refuse("no_people")
    return people


def admit_radius(radius_m: npt.ArrayLike, count: int) -> Floats:
    """One radius per facility in metres, each finite and above 0."""
    radii = np.asarray(np.broadcast_to(np.asarray(radius_m, dtype=np.float64), (count,)))
    bad = ~(np.isfinite(radii) & (radii > 0))
    if bad.any():
        raise refuse("radius", radius=float(radii[bad][0]))
    return radii


def admit_positive(value: float, name: str) -> float:
    """A finite number above 0."""
    if not (np.isfinite(value) and value > 0):
        raise refuse("positive", name=name, value=value)
    return float(value)


def admit_fraction(value: float, name: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= value <= 1:
        raise refuse("fraction", name=name, value=value)
    return float(value)


def admit_period(begin: date, end: date) -> tuple[date, date]:
    """A period that does not end before it begins."""
    if end < begin:
        raise refuse("period", begin=begin.isoformat(), end=end.isoformat())
    return begin, end


def admit_apart(frame: Frame, name: str) -> None:
    """Refuse polygons that overlap by more than slivers: their land would count twice."""
    shapes: Geometries = frame.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    inside = ~shapely.touches(shapes[first], shapes[second])
    first, second = first[inside], second[inside]
    areas = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    if areas.sum() > max(OVERLAP_M2, OVERLAP_SHARE * float(shapely.area(shapes).sum())):
        worst = int(np.argmax(areas))
        raise refuse(
            "overlap",
            name=name,
            count=int((areas > 0).sum()),
            row=int(first[worst]),
            other=int(second[worst]),
            area=round(float(areas.sum()), 1),
        )


def facilities_open(frame: Frame, on: date) -> Frame:
    """The facilities open on a day: ``opened_on`` <= day < ``closed_on``; unknown is open.

    A facility that closes before it opens is refused as a reversed period.
    """
    opened = [_day(v) for v in frame["opened_on"]] if "opened_on" in frame else [None] * len(frame)
    closed = [_day(v) for v in frame["closed_on"]] if "closed_on" in frame else [None] * len(frame)
    for begin, end in zip(opened, closed, strict=True):
        if begin is not None and end is not None:
            admit_period(begin, end)
    is_open = [
        (b is None or b <= on) and (e is None or on < e)
        for b, e in zip(opened, closed, strict=True)
    ]
    return frame[np.array(is_open, dtype=bool)]


def _day(value: object) -> date | None:
    if value is None or value is pd.NaT or value != value:  # noqa: PLR0124  NaN is not itself
        return None
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, date):
        raise refuse("date", value=value)
    return value
