"""Administrative units: villages partition townships, townships the county, edge on edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from gis.demonstration.plan import (
    COUNTY_CODE,
    COUNTY_NAME,
    HALF_HEIGHT_M,
    HALF_WIDTH_M,
    Floats,
    Ints,
    Town,
)
from gis.geometry import Geometries, as_geometries

_FIRST = "上下前后大小新老东西南北中"
_MIDDLE = "河石松竹茶桃柏云龙麻水麦柳梨杏樱枫荷兰泉"
_LAST = "村坪寨坝营箐湾塘岭屯"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit; ``area`` on the county plane."""

    code: str
    name: str
    level: str
    parent: str | None
    area: MultiPolygon


@dataclass(frozen=True, slots=True)
class Units:
    """All units, and the places of the villages (metres) with their codes and names."""

    units: list[Unit]
    seats: Floats
    village_codes: list[str]
    village_names: list[str]


def county_outline(rng: np.random.Generator, spread: float) -> Polygon:
    """An irregular outline around the county's middle."""
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    reach = 1 + 0.05 * np.sin(3 * turn + 1) + 0.04 * np.sin(7 * turn) + rng.uniform(-0.02, 0.02, 72)
    xy = np.column_stack([np.cos(turn) * HALF_WIDTH_M, np.sin(turn) * HALF_HEIGHT_M])
    return Polygon(np.round(xy * reach[:, None] * spread, 1))


def make_units(rng: np.random.Generator, towns: list[Town], spread: float) -> Units:
    """Voronoi-like units whose common edges are the very same lines."""
    outline = county_outline(rng, spread)
    seats = _village_seats(rng, outline, towns)
    centres = np.array([[t.x, t.y] for t in towns if not t.combined])
    owner = _nearest(seats, centres)
    faces = _cut_faces(outline, [centres, seats])
    middles = shapely.get_coordinates(shapely.point_on_surface(faces))
    township_of = _nearest(middles, centres)
    village_of = np.empty(len(faces), dtype=int)
    for township in range(len(centres)):
        mine, own = township_of == township, np.flatnonzero(owner == township)
        village_of[mine] = own[_nearest(middles[mine], seats[own])]
    return _name_units(rng, towns, faces, township_of, village_of, seats, owner)


def _village_seats(rng: np.random.Generator, outline: Polygon, towns: list[Town]) -> Floats:
    west, south, east, north = outline.bounds
    places = rng.uniform([west, south], [east, north], (160, 2))
    inside = shapely.contains_xy(outline.buffer(-600), places[:, 0], places[:, 1])
    own = np.array([[t.x + 120, t.y + 90] for t in towns if not t.combined])
    return np.round(np.vstack([own, places[inside][:80]]), 1)


def _nearest(points: Floats, seats: Floats) -> Ints:
    away = ((points[:, None, :] - seats[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(away.argmin(axis=1), dtype=np.int64)


def _cut_faces(outline: Polygon, seeds: list[Floats]) -> Geometries:
    lines = [outline.exterior]
    for seed in seeds:
        cells = shapely.voronoi_polygons(
            shapely.multipoints(seed), extend_to=outline.buffer(9000), only_edges=True
        )
        lines.append(shapely.intersection(cells, outline))
    noded = shapely.set_precision(shapely.union_all(as_geometries(lines)), 0.01)
    faces = shapely.get_parts(shapely.polygonize([shapely.node(noded)]))
    kept: Geometries = faces[shapely.area(faces) > 1]
    return kept


def _name_units(
    rng: np.random.Generator,
    towns: list[Town],
    faces: Geometries,
    township_of: Ints,
    village_of: Ints,
    seats: Floats,
    owner: Ints,
) -> Units:
    named = [t for t in towns if not t.combined]
    names = _village_names(rng, len(seats), [f"{t.name[:-1]}社区" for t in named])
    codes = [f"{named[o].township}{200 + i:03d}" for i, o in enumerate(owner)]
    units = [Unit(COUNTY_CODE, COUNTY_NAME[0], "county", None, _join(faces))]
    for i, town in enumerate(named):
        area = _join(faces[township_of == i])
        units.append(Unit(town.township, town.name, "township", COUNTY_CODE, area))
    for i, code in enumerate(codes):
        mine = faces[village_of == i]
        if len(mine):
            units.append(Unit(code, names[i], "village", code[:9], _join(mine)))
    return Units(units, seats, codes, names)


def _join(faces: Geometries) -> MultiPolygon:
    joined = shapely.union_all(faces)
    return joined if isinstance(joined, MultiPolygon) else MultiPolygon([joined])


def _village_names(rng: np.random.Generator, count: int, first: list[str]) -> list[str]:
    names = list(first)
    while len(names) < count:
        name = rng.choice(list(_FIRST)) + rng.choice(list(_MIDDLE)) + rng.choice(list(_LAST))
        if name not in names:
            names.append(str(name))
    return names
