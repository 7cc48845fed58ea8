"""Coordinates: reference systems, axis order, boxes, and the gate every geometry passes.

The only module that names an SRID or an axis order. Everything here is lon, lat (x, y) in
degrees unless a name says otherwise. CRS84/WGS 84 and CGCS2000 are treated as one datum.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.attributes import Text
from gis.errors import GeometryError, ParameterError
from gis.geometry_rules import explain_invalid
from gis.geometry_rules import refuse as refuse  # noqa: PLC0414 - part of this module's face
from gis.wellknown import (
    MAX_NESTING,
    StructureError,
    TooManyPointsError,
    count_positions,
    count_wkb_points,
    count_wkt_nesting,
)

STORAGE_SRID = 4490
"""CGCS2000 geographic; PostGIS holds lon, lat."""
TILE_SRID = 3857
"""Web Mercator, for tiles only: never for a length or an area."""
WGS84_SRID = 4326
CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
TILE_LATITUDE_LIMIT = 85.0511287798066
MAX_VERTICES = 100_000
"""Vertices one geometry may have (a bigger one is split at its source, not stored)."""
MAX_API_VERTICES = 10_000
DATUM_NOTE = Text(
    zh="CGCS2000 经纬度 (EPSG:4490);高程 1985 国家高程基准",
    en="CGCS2000 lon/lat (EPSG:4490); heights in the 1985 national height datum",
)

Geometries = npt.NDArray[np.object_]


class GeometryType(StrEnum):
    """What a kind's geometry column holds."""

    POINT = "Point"
    LINE = "LineString"
    AREA = "MultiPolygon"
    POINT_OR_AREA = "Geometry"

    @property
    def allowed(self) -> tuple[str, ...]:
        """GeoJSON type names the column accepts."""
        if self is GeometryType.POINT_OR_AREA:
            return ("Point", "MultiPolygon")
        return (self.value,)


@dataclass(frozen=True, slots=True)
class BBox:
    """A box in lon/lat degrees: west, south, east, north. West > east crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, text: str) -> BBox:
        """Read ``w,s,e,n`` (or six numbers: heights are ignored, as Part 1 permits).

        Raises ParameterError for anything that is not a box on the globe.

        >>> BBox.parse("98.9,25.0,99.3,25.4").west
        98.9
        """
        parts = text.split(",")
        try:
            numbers = [float(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) == 6:
            numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
        if len(numbers) != 4 or not all(np.isfinite(numbers)):
            raise ParameterError(
                Text(
                    zh="bbox 需为四个数:西,南,东,北(经纬度)",
                    en="bbox takes four numbers: west,south,east,north (degrees)",
                ),
                parameter="bbox",
            )
        box = cls(*numbers)
        box._check()
        return box

    def _check(self) -> None:
        if self.south > self.north:
            raise ParameterError(
                Text(
                    zh="bbox 的南界大于北界:顺序为 西,南,东,北",
                    en="bbox is reversed: its south is above its north (west,south,east,north)",
                ),
                parameter="bbox",
            )
        if not (
            -180 <= self.west <= 180
            and -180 <= self.east <= 180
            and self.south >= -90
            and self.north <= 90
        ):
            raise ParameterError(
                Text(
                    zh="bbox 超出经纬度范围(经度 ±180,纬度 ±90);是否经纬颠倒?",
                    en="bbox is outside the globe (lon ±180, lat ±90); are the axes swapped?",
                ),
                parameter="bbox",
            )

    @property
    def parts(self) -> tuple[BBox, ...]:
        """The box as boxes that do not cross the antimeridian."""
        if self.west <= self.east:
            return (self,)
        return (
            BBox(self.west, self.south, 180.0, self.north),
            BBox(-180.0, self.south, self.east, self.north),
        )

    def as_list(self) -> list[float]:
        """West, south, east, north, as GeoJSON writes a bbox."""
        return [self.west, self.south, self.east, self.north]


def gauss_kruger_srid(longitude: float) -> int:
    """EPSG code of the CGCS2000 3-degree Gauss-Krüger zone (no zone prefix) of a longitude.

    EPSG:4534 has its central meridian at 75°E, EPSG:4554 at 135°E (EPSG registry).

    >>> gauss_kruger_srid(99.2), gauss_kruger_srid(120.0)
    (4542, 4549)
    """
    zone = round(longitude / 3)
    if not 25 <= zone <= 45:
        raise GeometryError(
            Text(
                zh="经度 {longitude} 不在 CGCS2000 三度带范围内(73.5°E-136.5°E)",
                en="longitude {longitude} has no CGCS2000 3-degree zone (73.5°E-136.5°E)",
            ).format(longitude=longitude)
        )
    return 4534 + zone - 25


def zone_srid(zone: int) -> int | None:
    """EPSG code of the plane of a zone: 25-45 of 3 degrees, 13-23 of 6 (the same meridians).

    >>> zone_srid(33), zone_srid(17), zone_srid(3)
    (4542, 4542, None)
    """
    zone = 2 * zone - 1 if 13 <= zone <= 23 else zone
    return 4534 + zone - 25 if 25 <= zone <= 45 else None


_QUIET = np.errstate(all="ignore")
"""NaN and 1e999 are for the gate to refuse, not for numpy to warn of."""
_WIDEST_DEGREES = 179.0
"""From here on a geometry crosses 180° the wrong way, or PostGIS refuses to measure it: an edge
between antipodes has no one length."""
_FLAT_TYPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_BLOCK_VERTICES = 1_000_000
"""Vertices judged at once: bounds the memory a file of any size takes here to some 50 MB."""


@_QUIET
def fit_type(geometries: Geometries, allowed: GeometryType) -> Geometries:
    """Bring geometries to the column's type where that loses nothing; heights are dropped.

    A polygon becomes a one-part multipolygon, a one-part multi becomes its part.
    """
    flat: Geometries = shapely.force_2d(geometries)
    types = shapely.get_type_id(flat)
    parts = shapely.get_num_geometries(flat)
    if GeometryType.AREA.value in allowed.allowed:
        promote = np.flatnonzero(types == shapely.GeometryType.POLYGON)
        if promote.size:
            flat[promote] = shapely.multipolygons(flat[promote], indices=np.arange(promote.size))
    for single, multi in (("Point", "MULTIPOINT"), ("LineString", "MULTILINESTRING")):
        if single in allowed.allowed:
            demote = (types == shapely.GeometryType[multi]) & (parts == 1)
            flat[demote] = shapely.get_geometry(flat[demote], 0)
    return flat


@_QUIET
def find_faults(
    geometries: Geometries, allowed: GeometryType, *, max_vertices: int = MAX_VERTICES
) -> dict[int, GeometryError]:
    """Judge an array of geometries (storage CRS, degrees); position -> why it is refused.

    The order matters: cheap bounds come before the GEOS validity test, so that nothing hostile
    reaches a costly algorithm. Validity itself is linear-log in vertices (measured 1-2 ms at
    2,500 crossing segments) and does not crash, unlike repair, which is never done here.
    """
    faults: dict[int, GeometryError] = {}
    counts = shapely.get_num_coordinates(geometries)
    empty = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    faults.update({int(i): refuse("empty") for i in np.flatnonzero(empty)})
    big = ~empty & (counts > max_vertices)
    for i in np.flatnonzero(big):
        faults[int(i)] = refuse("vertices", count=int(counts[i]), limit=max_vertices)
    faults.update(_find_type_faults(geometries, allowed, ~empty & ~big))
    for block in _split_blocks(counts, faults):
        faults.update(_find_coordinate_faults(geometries, block))
        sound = np.array([i for i in block if i not in faults], dtype=int)
        for i in sound[~shapely.is_valid(geometries[sound])]:
            faults[int(i)] = explain_invalid(str(shapely.is_valid_reason(geometries[i])))
    return faults


def _split_blocks(
    counts: npt.NDArray[np.int_], faults: Mapping[int, object]
) -> Iterator[npt.NDArray[np.int_]]:
    """Positions without a fault yet, in blocks of about a million vertices."""
    kept = np.array([i for i in range(len(counts)) if i not in faults], dtype=int)
    if kept.size:
        block = np.cumsum(counts[kept]) // _BLOCK_VERTICES
        yield from np.split(kept, np.flatnonzero(np.diff(block)) + 1)


def _find_type_faults(
    geometries: Geometries, allowed: GeometryType, judged: npt.NDArray[np.bool_]
) -> dict[int, GeometryError]:
    faults: dict[int, GeometryError] = {}
    wanted = [shapely.GeometryType[name.upper()] for name in allowed.allowed]
    wrong = judged & ~np.isin(shapely.get_type_id(geometries), wanted)
    for i in np.flatnonzero(wrong):
        geometry: BaseGeometry = geometries[i]
        parts = int(shapely.get_num_geometries(geometry))
        if parts > 1 and geometry.geom_type.removeprefix("Multi") in allowed.allowed:
            faults[int(i)] = refuse("multi", parts=parts)
        else:
            faults[int(i)] = refuse("type", allowed="/".join(allowed.allowed))
    for i in _find_hollow(geometries, np.flatnonzero(judged & ~wrong)):
        faults[int(i)] = refuse("empty")
    return faults


def _find_hollow(geometries: Geometries, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Positions of geometries with an empty part or an empty inner ring.

    Both are valid to GEOS, and end the server in functions of PostGIS 3.3 that stumble on them
    (seen: ST_PointOnSurface on the first, ST_Distance on the second).
    """
    parts, owner = shapely.get_parts(geometries[positions], return_index=True)
    hollow = positions[owner[shapely.is_empty(parts)]]
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    rings, part = shapely.get_rings(parts[holed], return_index=True)
    found: npt.NDArray[np.intp] = np.union1d(
        hollow, positions[owner[holed[part[shapely.is_empty(rings)]]]]
    )
    return found


def _find_coordinate_faults(
    geometries: Geometries, positions: npt.NDArray[np.int_]
) -> dict[int, GeometryError]:
    xy, owner = shapely.get_coordinates(geometries[positions], return_index=True)
    faults: dict[int, GeometryError] = {}
    infinite = ~np.isfinite(xy).all(axis=1)
    for i in np.unique(owner[infinite]):
        faults[int(positions[i])] = refuse("finite")
    outside = ~infinite & ((np.abs(xy[:, 0]) > 180) | (np.abs(xy[:, 1]) > TILE_LATITUDE_LIMIT))
    rows, first = np.unique(owner[outside], return_index=True)
    for i, at in zip(rows, np.flatnonzero(outside)[first], strict=True):
        faults.setdefault(int(positions[i]), _explain_outside(*xy[at].tolist()))
    bounds = shapely.bounds(geometries[positions])
    width = bounds[:, 2] - bounds[:, 0]
    for i in np.flatnonzero((width >= _WIDEST_DEGREES) & (width <= 360)):
        faults.setdefault(int(positions[i]), refuse("antimeridian", width=round(float(width[i]))))
    return faults


def _explain_outside(x: float, y: float) -> GeometryError:
    """Why a position is not lon/lat: swapped axes, metres, or neither for sure."""
    at = {"x": round(x, 3), "y": round(y, 3)}
    if abs(x) <= TILE_LATITUDE_LIMIT and abs(y) <= 180:
        return refuse("swapped", **at)
    if max(abs(x), abs(y)) > 1000:
        return refuse("projected", **at)
    return refuse("bounds", **at)


def read_geojson(
    document: object,
    allowed: GeometryType,
    *,
    max_vertices: int = MAX_API_VERTICES,
) -> BaseGeometry:
    """One GeoJSON geometry object through the gate, or GeometryError."""
    if not isinstance(document, dict) or document.get("type") not in _FLAT_TYPES:
        raise refuse("type", allowed="/".join(allowed.allowed))
    coordinates = document.get("coordinates")
    try:
        count_positions(coordinates, limit=max_vertices)
        plain = {"type": document["type"], "coordinates": coordinates}
        geometry = shapely.from_geojson(json.dumps(plain))
    except TooManyPointsError as error:
        raise refuse("vertices", count=error.count, limit=max_vertices) from error
    except OverflowError as error:
        raise refuse("finite") from error
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise refuse("structure") from error
    return pass_gate(geometry, allowed, max_vertices=max_vertices)


def read_wkb(
    wkb: bytes, allowed: GeometryType, *, max_vertices: int = MAX_API_VERTICES
) -> BaseGeometry:
    """One WKB or EWKB geometry through the gate, or GeometryError."""
    try:
        _, srid = count_wkb_points(wkb, limit=max_vertices)
        if srid not in (0, STORAGE_SRID, WGS84_SRID):
            raise refuse("srid", srid=srid)
        geometry = _QUIET(shapely.from_wkb)(wkb)
    except TooManyPointsError as error:
        raise refuse("vertices", count=error.count, limit=max_vertices) from error
    except (StructureError, shapely.errors.ShapelyError) as error:
        raise refuse("structure") from error
    return pass_gate(shapely.set_srid(geometry, 0), allowed, max_vertices=max_vertices)


def parse_wkt(texts: Iterable[str | None]) -> Geometries:
    """Geometries of many WKT texts, None where one is none; not yet judged by the gate.

    A text that nests deeper than any geometry of ours is None too: GEOS's reader would recurse
    into it until the process ends.
    """
    words = [t if t and count_wkt_nesting(t) <= MAX_NESTING else None for t in texts]
    parsed: Geometries = _QUIET(shapely.from_wkt)(
        np.array(words, dtype=object), on_invalid="ignore"
    )
    return parsed


def pass_gate(
    geometry: BaseGeometry | None,
    allowed: GeometryType,
    *,
    max_vertices: int = MAX_API_VERTICES,
) -> BaseGeometry:
    """One geometry fitted to the column's type and judged; raises its first fault."""
    if geometry is None:
        raise refuse("empty")
    fitted = fit_type(np.array([geometry], dtype=object), allowed)
    faults = find_faults(fitted, allowed, max_vertices=max_vertices)
    if faults:
        raise faults[0]
    accepted: BaseGeometry = fitted[0]
    return accepted


def as_geometries(values: Iterable[BaseGeometry | None]) -> Geometries:
    """An object array of geometries, safe for sequences numpy would unpack."""
    items: Sequence[BaseGeometry | None] = list(values)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array
