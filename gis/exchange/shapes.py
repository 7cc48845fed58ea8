"""Geometries of a source table: from its own column, from coordinates or WKT, into storage CRS."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.exceptions import CRSError, ProjError

from gis.attributes import Text
from gis.errors import GeometryError, SourceError
from gis.exchange.mapping import ColumnMapping
from gis.exchange.read_file import SourceTable
from gis.geometry import (
    MAX_VERTICES,
    STORAGE_SRID,
    WGS84_SRID,
    Geometries,
    GeometryType,
    find_faults,
    fit_type,
    refuse,
)

_SHIFTED = re.compile(r"gcj|bd-?09|火星", re.IGNORECASE)


def build_geometries(table: SourceTable, mapping: ColumnMapping) -> tuple[Geometries, set[int]]:
    """Geometries in the file's CRS and the rows whose geometry could not be parsed."""
    if table.geometries is not None:
        return table.geometries, set(table.broken)
    columns = mapping.columns
    if "wkt" in columns:
        return _parse_wkt(table.column(columns["wkt"]))
    if "x" in columns and "y" in columns:
        x, y = (_as_numbers(table.column(columns[n])) for n in ("x", "y"))
        shapes: Geometries = np.full(table.count, None, dtype=object)
        given = ~(np.isnan(x[0]) & ~x[1]) & ~(np.isnan(y[0]) & ~y[1])
        shapes[given] = shapely.points(x[0][given], y[0][given])
        return shapes, set()
    raise SourceError(
        Text(
            zh="表中没有坐标列:需要 经度/纬度、x/y 或 WKT(可用 --map x=列 --map y=列 指定)",
            en="the table has no coordinates: it needs lon/lat, x/y or WKT"
            " (name them with --map x=column --map y=column)",
        )
    )


def _parse_wkt(texts: list[object]) -> tuple[Geometries, set[int]]:
    words = np.array([str(t).strip() if t else None for t in texts] or [None], dtype=object)
    words = words[: len(texts)]
    # A PostGIS export writes the SRID before the text.
    words = np.array([re.sub(r"^SRID=\d+;", "", w) if w else None for w in words], dtype=object)
    with np.errstate(all="ignore"):  # 1e999 overflows to infinity, which the gate refuses
        shapes: Geometries = shapely.from_wkt(words, on_invalid="ignore")
    given = np.array([bool(w) for w in words], dtype=bool)
    return shapes, set(np.flatnonzero(given & shapely.is_missing(shapes)).tolist())


def _as_numbers(
    texts: list[object],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Numbers (NaN where none), and where the cell does say NaN or infinity itself."""
    numbers = np.full(len(texts), np.nan)
    spoken = np.zeros(len(texts), dtype=bool)
    for i, cell in enumerate(texts):
        try:
            numbers[i] = float(str(cell))
            spoken[i] = not np.isfinite(numbers[i])
        except ValueError:
            continue
    return numbers, spoken


def choose_crs(declared: str | None, given: str | None) -> pyproj.CRS:
    """The file's CRS: the given one, else the declared one; SourceError when there is neither."""
    word = given or declared
    if word is None:
        raise SourceError(
            Text(
                zh="文件没有坐标系:请用 --crs 说明,例如 --crs EPSG:4490",
                en="the file has no CRS: state it, for example --crs EPSG:4490",
            )
        )
    if _SHIFTED.search(word[:40]):
        raise SourceError(
            Text(
                zh="不接收 GCJ-02/BD-09 偏移坐标:请先还原为 CGCS2000 或 WGS 84",
                en="shifted coordinates (GCJ-02, BD-09) are not taken:"
                " restore CGCS2000 or WGS 84 first",
            )
        )
    try:
        return pyproj.CRS.from_user_input(word)
    except CRSError as error:
        raise SourceError(
            Text(
                zh="不认识的坐标系:{word}(写法如 EPSG:4490)",
                en="unknown CRS: {word} (write it like EPSG:4490)",
            ).format(word=word[:80])
        ) from error


def to_storage(geometries: Geometries, crs: pyproj.CRS) -> Geometries:
    """Geometries in lon/lat of the storage CRS; a new array, one vectorised transformation."""
    if crs.to_epsg() in (STORAGE_SRID, WGS84_SRID) or crs.to_authority() == ("OGC", "CRS84"):
        return geometries
    try:
        change = pyproj.Transformer.from_crs(crs, STORAGE_SRID, always_xy=True)
    except ProjError as error:
        raise SourceError(
            Text(
                zh="此坐标系无法转换到 CGCS2000:{name}",
                en="no transformation from this CRS to CGCS2000: {name}",
            ).format(name=crs.name[:80])
        ) from error

    def transform(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(change.transform(xy[:, 0], xy[:, 1]))

    with np.errstate(all="ignore"):
        moved: Geometries = shapely.transform(geometries, transform)
    return moved


def judge_geometries(
    table: SourceTable, geometries: Geometries, broken: set[int], allowed: GeometryType
) -> tuple[Geometries, dict[int, GeometryError]]:
    """Geometries fitted to the kind's type, and by row why the gate refuses some of them."""
    with np.errstate(all="ignore"):
        fitted = fit_type(geometries, allowed)
        faults = find_faults(fitted, allowed)
    for row in broken:
        faults[row] = refuse("invalid", reason="WKB/WKT")
    for row, count in table.vertices.items():
        faults[row] = refuse("vertices", count=count, limit=MAX_VERTICES)
    return fitted, faults
