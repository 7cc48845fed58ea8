"""Where the points of a survey lie: zone, axes and offsets of their coordinates.

CJJ 61 writes X for northing and Y for easting, in metres and without a zone prefix; surveyors
also write them the other way round, with a prefix, with leading digits left off, or in degrees.
The county's extent tells which it is. Nothing is repaired silently: what was assumed is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from gis.attributes import Text
from gis.errors import SourceError
from gis.exchange.shapes import choose_crs
from gis.geometry import (
    STORAGE_SRID,
    WGS84_SRID,
    as_geometries,
    gauss_kruger_srid,
    zone_srid,
)
from gis.network.plane import project_to

Floats = npt.NDArray[np.float64]
_SAMPLE = 2000
_NEAR_DEGREES = 0.05
_ENOUGH = 0.5
"""Share of points in the county from which a reading of the coordinates is believed."""
_OFFSETS_EAST = (0.0, 500_000.0, -500_000.0)
_OFFSETS_NORTH = (0.0, 1e6, 2e6, 3e6, 4e6)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the coordinate columns are read. ``srid`` is the plane all lengths are measured in."""

    srid: int
    degrees: bool = False
    swapped: bool = False
    prefix: bool = False
    east_offset: float = 0.0
    north_offset: float = 0.0

    @property
    def is_offset(self) -> bool:
        """Whether the coordinates reach the county only with a shift."""
        return bool(self.east_offset or self.north_offset)

    def to_plane(self, first: Floats, second: Floats) -> tuple[Floats, Floats]:
        """(east, north) in metres of columns X and Y (or latitude and longitude)."""
        north, east = (second, first) if self.swapped else (first, second)
        if self.degrees:
            return _transform(STORAGE_SRID, self.srid, east, north)
        east = strip_prefix(east) if self.prefix else east
        return east + self.east_offset, north + self.north_offset

    def to_degrees(self, east: Floats, north: Floats) -> tuple[Floats, Floats]:
        """(longitude, latitude) of metres in the plane."""
        return _transform(self.srid, STORAGE_SRID, east, north)


@dataclass(frozen=True, slots=True)
class County:
    """The extent points are expected in (lon/lat), as far as it is known."""

    extent: BaseGeometry

    @property
    def longitude(self) -> float:
        """Of its middle."""
        return float(self.extent.centroid.x)


def choose_reading(
    first: Floats, second: Floats, county: County | None, crs: str | None
) -> Reading:
    """The reading of columns X and Y that puts the points into the county.

    Without a county ``crs`` must be given. SourceError when there is neither, or a CRS that
    is no plane or degrees of CGCS2000.
    """
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known][:_SAMPLE], second[known][:_SAMPLE]
    if county is None and crs is None:
        raise SourceError(
            Text(
                zh="尚未登记本县范围:请用 --crs 说明坐标系,例如 EPSG:4542",
                en="the county's extent is not known: state the CRS with --crs, e.g. EPSG:4542",
            )
        )
    given = _given_srid(crs, second) if crs is not None else None
    readings = list(_possible(first, second, county, given))
    if county is None or not first.size:
        return readings[0]
    shares = [_share_inside(r, first, second, county) for r in readings]
    best = int(np.argmax(shares))
    if shares[best] >= _ENOUGH:
        return readings[best]
    shifted = list(_shifted(readings[0]))
    shares = [_share_inside(r, first, second, county) for r in shifted]
    if shifted and max(shares) >= _ENOUGH:
        return shifted[int(np.argmax(shares))]
    return readings[0]


def _given_srid(crs: str, second: Floats) -> int:
    chosen = choose_crs(None, crs)
    code = chosen.to_epsg()
    if chosen.is_geographic and code in (STORAGE_SRID, WGS84_SRID):
        return gauss_kruger_srid(float(np.nanmedian(second)) if second.size else 105.0)
    if code is None or not chosen.is_projected:
        raise SourceError(
            Text(
                zh="坐标系 {name} 不适用:请给出 CGCS2000 三度带(EPSG:4534-4554)或经纬度",
                en="{name} does not fit: give a 3-degree zone of CGCS2000 (EPSG:4534-4554) or"
                " degrees",
            ).format(name=chosen.name[:80])
        )
    return code


def _possible(
    first: Floats, second: Floats, county: County | None, given: int | None
) -> Iterator[Reading]:
    """Every way to read the columns, the customary first."""
    a, b = (float(np.median(np.abs(v))) if v.size else 0.0 for v in (first, second))
    if a <= 180 and b <= 180 and first.size:
        longitude = county.longitude if county else max(a, b)
        own = gauss_kruger_srid(longitude)
        yield Reading(own, degrees=True)
        yield Reading(own, degrees=True, swapped=True)
        return
    longitude = county.longitude if county else 105.0
    zones = [given] if given is not None else _neighbouring_planes(longitude)
    # No northing of China has a first figure of two digits: one before an easting is a zone.
    for swapped in (False, True) if county or not _is_swapped(a, b) else (True,):
        east = first if swapped else second
        zone = int(np.median(east) // 1e6) if east.size else 0
        named = zone_srid(zone)
        if named is not None:
            yield Reading(named if given is None else given, swapped=swapped, prefix=True)
        else:
            for srid in zones:
                yield Reading(srid, swapped=swapped)


def _neighbouring_planes(longitude: float) -> list[int]:
    """The plane of a longitude's 3-degree zone, then those of its neighbours."""
    zone = round(longitude / 3)
    planes = (zone_srid(z) for z in (zone, zone - 1, zone + 1) if z >= 25)
    return [srid for srid in planes if srid is not None]


def _is_swapped(first: float, second: float) -> bool:
    return first < 1e6 <= second < 7e6


def _shifted(reading: Reading) -> Iterator[Reading]:
    if reading.degrees:
        return
    for north in _OFFSETS_NORTH:
        for east in _OFFSETS_EAST:
            if east or north:
                yield Reading(reading.srid, east_offset=east, north_offset=north)


def _share_inside(reading: Reading, first: Floats, second: Floats, county: County) -> float:
    with np.errstate(all="ignore"):
        lon, lat = reading.to_degrees(*reading.to_plane(first, second))
    near = county.extent.buffer(_NEAR_DEGREES)
    shapely.prepare(near)
    return float(shapely.contains_xy(near, lon, lat).mean())


def strip_prefix(east: Floats) -> Floats:
    """Eastings without the zone number before their six digits."""
    return np.where(np.abs(east) >= 1e6, np.mod(east, 1e6), east)


def measure_outside(reading: Reading, east: Floats, north: Floats, county: County) -> Floats:
    """Metres from each point to the county; 0 inside, NaN without coordinates."""
    outline = project_to(as_geometries([county.extent]), reading.srid)[0]
    shapely.prepare(outline)
    known = np.isfinite(east) & np.isfinite(north)
    out = np.full(len(east), np.nan)
    out[known] = shapely.distance(outline, shapely.points(east[known], north[known]))
    return out


def _transform(source: int, target: int, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    change = _transformer(source, target)
    bad = ~(np.isfinite(x) & np.isfinite(y))
    px, py = change.transform(np.where(bad, 0.0, x), np.where(bad, 0.0, y))
    lost = bad | ~np.isfinite(px) | ~np.isfinite(py)
    return np.where(lost, np.nan, px), np.where(lost, np.nan, py)


@lru_cache(maxsize=16)
def _transformer(source: int, target: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)
