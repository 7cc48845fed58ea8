"""Coverage rates: how much of the land or the people is served, what is not known, and the verdict.

A rate keeps its numerator, denominator, base and rows, so that a figure opens to what it counts.
"Not served" is said only where it is known: rows whose people are missing, and unserved rows whose
search circle leaves the area the facilities are known in, are "data missing". Frames are in one
projected CRS in metres; people are counts, land is m².
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gis.attributes import Text
from gis.coverage.admit import (
    Bools,
    Floats,
    Frame,
    admit_apart,
    admit_frame,
    admit_ids,
    admit_people,
    admit_radius,
)
from gis.coverage.areas import covered_areas, find_served
from gis.coverage.refusals import refuse
from gis.coverage.rulesets import Target
from gis.geometry import Geometries

LAND = "居住用地 residential land"
PLACES = "人口 places"
WHOLE = 1e-6
"""A lot is wholly served from this share of its area missing on: chords of discs are not gaps."""


class Verdict(StrEnum):
    """A rate beside its target."""

    MET = "met"
    NOT_MET = "not_met"
    CROSSES = "range_crosses_target"
    NO_TARGET = "no_target"

    @property
    def text(self) -> Text:
        """In words."""
        return _VERDICTS[self]


_VERDICTS = {
    Verdict.MET: Text(zh="达标", en="met"),
    Verdict.NOT_MET: Text(zh="未达标", en="not met"),
    Verdict.CROSSES: Text(zh="区间跨越目标值,不能判定达标", en="the range crosses the target"),
    Verdict.NO_TARGET: Text(zh="该规则未定目标值", en="the rule sets no target"),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate with what it was computed from."""

    key: str
    text: Text
    numerator: float
    denominator: float
    """Known rows only: served and not served."""
    missing: float
    """Amount (m², people) of rows for which it is not known whether they are served."""
    unit: str
    base: str
    rows: Mapping[str, npt.NDArray[np.object_]]
    """Row ids: ``served``, ``partly``, ``not_served``, ``unknown_people``, ``unknown_border``."""
    outside_only: float
    """Part of the numerator that facilities outside the base alone serve."""

    @property
    def share(self) -> float:
        """Numerator by denominator, 0 to 1; NaN where nothing is known."""
        return self.numerator / self.denominator if self.denominator > 0 else float("nan")

    @property
    def bounds(self) -> tuple[float, float]:
        """The share if all that is missing were unserved, and if it were served."""
        whole = self.denominator + self.missing
        if whole <= 0:
            return (0.0, 1.0)
        return self.numerator / whole, (self.numerator + self.missing) / whole

    @property
    def missing_share(self) -> float:
        """Missing by all of the base."""
        whole = self.denominator + self.missing
        return self.missing / whole if whole > 0 else 1.0

    def verdict(self, target: Target | None, bounds: tuple[float, float] | None = None) -> Verdict:
        """Against a target, with the range given or that of what is missing."""
        return judge(bounds or self.bounds, target)

    def facts(self) -> dict[str, Any]:
        """As a report stores it (numbers of rows, not the rows)."""
        return {
            "key": self.key,
            "text": self.text.as_dict(),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "missing": self.missing,
            "unit": self.unit,
            "base": self.base,
            "share": self.share,
            "bounds": self.bounds,
            "outside_only": self.outside_only,
            "rows": {word: len(ids) for word, ids in self.rows.items()},
        }


def judge(bounds: tuple[float, float], target: Target | None) -> Verdict:
    """Whether a range of shares (0 to 1) reaches a target as a whole, in part or not at all."""
    if target is None:
        return Verdict.NO_TARGET
    goal = target.percent / 100
    low, high = (share > goal if target.comparison == ">" else share >= goal for share in bounds)
    if low and high:
        return Verdict.MET
    return Verdict.CROSSES if high else Verdict.NOT_MET


@dataclass(frozen=True, slots=True)
class Border:
    """What lies around: the base a rate is of, and the area facilities are completely known in."""

    base: Any  # Any: a shapely polygon
    known: Any = None
    """None: everywhere (say so only if the facilities were loaded with a halo)."""
    name: str = "admin_unit"

    def is_blind(self, shapes: Geometries, radius_m: float) -> Bools:
        """Places whose circle of that radius leaves the known area."""
        if self.known is None:
            return np.zeros(len(shapes), dtype=bool)
        shapely.prepare(self.known)
        edge = shapely.boundary(self.known)
        inside: Bools = shapely.covers(self.known, shapes)
        near: Bools = shapely.dwithin(edge, shapes, radius_m)
        return ~inside | near


def land_rate(land: Frame, facilities: Frame, border: Border) -> Rate:
    """The official rate: residential land within the class radius of a qualifying facility.

    ``facilities`` as :func:`gis.coverage.areas.qualify` gives them (``radius_m``), those outside
    the base included. Land is cut to the base. InputError for overlapping lots and no land.
    """
    admit_frame(land, LAND)
    admit_apart(land, LAND)
    shapes, radii = _admit_facilities(facilities, land, border)
    ids = admit_ids(land, LAND)
    lots, kept = cut_to(land.geometry.to_numpy(), border.base)
    if not kept.any():
        raise refuse("no_land")
    lots, ids = lots[kept], ids[kept]
    area_m2 = shapely.area(lots)
    covered_m2 = covered_areas(lots, shapes, radii)
    inner = shapely.intersects(shapes, border.base)
    inner_m2 = covered_areas(lots, shapes[inner], radii[inner])
    blind = border.is_blind(lots, float(radii.max())) & (covered_m2 < area_m2 * (1 - WHOLE))
    # What is unserved of a lot near the end of knowledge may be served from beyond it.
    missing_m2 = np.where(blind, area_m2 - covered_m2, 0.0)
    whole = covered_m2 >= area_m2 * (1 - WHOLE)
    some = ~whole & (covered_m2 > 0)
    return Rate(
        "land_euclid",
        Text(zh="居住用地覆盖率(直线)", en="residential land served (straight line)"),
        float(covered_m2.sum()),
        float((area_m2 - missing_m2).sum()),
        float(missing_m2.sum()),
        "m²",
        border.name,
        {
            "served": ids[whole],
            "partly": ids[some & ~blind],
            "not_served": ids[~whole & ~some & ~blind],
            "unknown_people": ids[:0],
            "unknown_border": ids[blind],
        },
        float((covered_m2 - inner_m2).sum()),
    )


def people_rate(
    places: Frame, served: Bools, inner: Bools, border: Border, radius_m: float, *, key: str
) -> Rate:
    """A rate of people from whether each place is served (and served from inside the base).

    Places (``people``, NaN unknown) outside the base are left out; an area belongs to the base by
    a point inside it. ``radius_m`` is how far the search for facilities went.
    """
    admit_frame(places, PLACES, columns=["people"])
    for name, flags in (("served", served), ("inner", inner)):
        if len(flags) != len(places):
            raise refuse("lengths", name=name, wanted=len(places), count=len(flags))
    ids = admit_ids(places, PLACES)
    points = stand_points(places.geometry.to_numpy())
    within = stands_in(points, border.base)
    if not within.any():
        raise refuse("no_people")
    people = admit_people(
        np.asarray(places["people"], dtype=np.float64)[within], PLACES, int(within.sum())
    )
    ids, yes, near = ids[within], served[within], inner[within]
    unknown = np.isnan(people)
    blind = border.is_blind(points[within], radius_m) & ~yes & ~unknown
    no = ~yes & ~unknown & ~blind
    counted = np.where(unknown, 0.0, people)
    return Rate(
        key,
        _PEOPLE_TEXT[key],
        float(counted[yes].sum()),
        float(counted[yes].sum() + counted[no].sum()),
        float(counted[blind].sum()),
        "people",
        border.name,
        {
            "served": ids[yes & ~unknown],
            "partly": ids[:0],
            "not_served": ids[no],
            "unknown_people": ids[unknown],
            "unknown_border": ids[blind],
        },
        float(counted[yes & ~near].sum()),
    )


_PEOPLE_TEXT = {
    "people_euclid": Text(zh="人口覆盖率(直线)", en="people served (straight line)"),
    "people_network": Text(zh="人口覆盖率(路网)", en="people served (along roads)"),
}


def people_euclid_rate(places: Frame, facilities: Frame, border: Border) -> Rate:
    """People within the class radius of a facility's boundary, in a straight line."""
    admit_frame(places, PLACES, columns=["people"])
    shapes, radii = _admit_facilities(facilities, places, border)
    points = stand_points(places.geometry.to_numpy())
    served = find_served(points, shapes, radii)
    inner = shapely.intersects(shapes, border.base)
    near = find_served(points, shapes[inner], radii[inner])
    return people_rate(places, served, near, border, float(radii.max()), key="people_euclid")


def _admit_facilities(facilities: Frame, like: Frame, border: Border) -> tuple[Geometries, Floats]:
    """Boundaries and radii; refused where none can reach the base."""
    name = "设施 facilities"
    admit_frame(facilities, name, like=like, columns=["radius_m"])
    radii = admit_radius(np.asarray(facilities["radius_m"], dtype=np.float64), len(facilities))
    shapes: Geometries = facilities.geometry.to_numpy()
    shapely.prepare(border.base)
    if not shapely.dwithin(border.base, shapes, radii).any():
        raise refuse("facilities_outside", halo=float(radii.max()))
    return shapes, radii


def cut_to(shapes: Geometries, base: shapely.Geometry) -> tuple[Geometries, Bools]:
    """Polygons cut to the base, and which of them have area in it."""
    shapely.prepare(base)
    cut = shapes.copy()
    crossing = ~shapely.covers(base, shapes)
    cut[crossing] = shapely.intersection(shapes[crossing], base)
    kept: Bools = shapely.area(cut) > 0
    return cut, kept


def stand_points(shapes: Geometries) -> Geometries:
    """Where the people of each place stand: the point, or a point inside the area."""
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    points: Geometries = np.where(is_point, shapes, shapely.point_on_surface(shapes))
    return points


def stands_in(points: Geometries, base: shapely.Geometry) -> Bools:
    """Points in the base; those on its border are in."""
    shapely.prepare(base)
    inside: Bools = shapely.intersects_xy(base, shapely.get_x(points), shapely.get_y(points))
    return inside
