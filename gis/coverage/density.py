"""Density of lines per area or cell, and hot spots that survive correction.

Frames are in one projected CRS in metres. Length along a border two areas share is half each's, so
that areas add up to the whole. Hot spots are Getis-Ord Gi* (Ord & Getis 1995) with the false
discovery rate kept (Benjamini & Hochberg 1995): without it one cell in twenty of pure noise is hot.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.spatial import cKDTree
from scipy.stats import false_discovery_control, norm

from gis.coverage.admit import (
    Bools,
    Floats,
    Frame,
    add_up,
    admit_apart,
    admit_fraction,
    admit_frame,
    admit_ids,
    admit_positive,
)
from gis.coverage.refusals import refuse
from gis.geometry import Geometries

MAX_CELLS = 1_000_000


def make_cells(area: shapely.Geometry, crs: object, size_m: float) -> Frame:
    """Squares of ``size_m`` on whole multiples of it, cut to the area; ``id`` is column_row."""
    admit_positive(size_m, "网格边长 size_m")
    west, south, east, north = (v / size_m for v in shapely.bounds(area))
    columns = np.arange(np.floor(west), np.ceil(east))
    rows = np.arange(np.floor(south), np.ceil(north))
    if len(columns) * len(rows) > MAX_CELLS:
        raise refuse("cells", count=len(columns) * len(rows), limit=MAX_CELLS)
    x, y = (v.ravel() for v in np.meshgrid(columns, rows, indexing="ij"))
    boxes = shapely.box(x * size_m, y * size_m, (x + 1) * size_m, (y + 1) * size_m)
    shapely.prepare(area)
    cut = shapely.intersection(boxes, area)
    kept = shapely.area(cut) > 0
    ids = [f"{int(c)}_{int(r)}" for c, r in zip(x[kept], y[kept], strict=True)]
    return gpd.GeoDataFrame({"id": ids}, geometry=cut[kept], crs=crs)


def line_density(lines: Frame, areas: Frame, *, by: str | None = None) -> Frame:
    """Kilometres and km/km² of lines in each area, with a row per class where ``by`` names one.

    Result: ``area`` (id), the class, ``length_km``, ``area_km2``, ``density_km_per_km2``; areas
    without lines have 0. InputError for areas that overlap.
    """
    admit_frame(lines, "线 lines", columns=[by] if by else [])
    admit_frame(areas, "分区 areas", like=lines)
    admit_apart(areas, "分区 areas")
    ids = admit_ids(areas, "分区 areas")
    shapes: Geometries = areas.geometry.to_numpy()
    classes = np.asarray(lines[by], dtype=object) if by else np.full(len(lines), "all", object)
    words, code = np.unique(classes.astype(str), return_inverse=True)
    line, area, length_m = _lengths(lines.geometry.to_numpy(), shapes)
    at = area * len(words) + code[line]
    km = add_up(at, length_m, len(shapes) * len(words)) / 1000
    km2 = np.repeat(shapely.area(shapes) / 1e6, len(words))
    return pd.DataFrame(
        {
            "area": np.repeat(ids, len(words)),
            by or "class": np.tile(words, len(shapes)),
            "length_km": km,
            "area_km2": km2,
            "density_km_per_km2": km / km2,
        }
    )


def _lengths(lines: Geometries, shapes: Geometries) -> tuple[Floats, Floats, Floats]:
    """(line, area, metres inside); what runs along a shared border is divided."""
    line, area = shapely.STRtree(shapes).query(lines, predicate="intersects")
    length_m = shapely.length(shapely.intersection(lines[line], shapes[area]))
    along = shapely.intersection(lines[line], shapely.boundary(shapes[area]))
    on_border = np.flatnonzero(shapely.length(along) > 0)
    if len(on_border):
        first, second = _pairs_of_one_line(line[on_border])
        both = shapely.intersection(along[on_border[first]], along[on_border[second]])
        shared = shapely.length(both)
        length_m = length_m - add_up(on_border[first], shared / 2, len(length_m))
    return line, area, length_m


def _pairs_of_one_line(line: Floats) -> tuple[Floats, Floats]:
    """Ordered pairs of different positions with the same line."""
    same = pd.DataFrame({"line": line, "at": np.arange(len(line))})
    pairs = same.merge(same, on="line")
    pairs = pairs[pairs["at_x"] != pairs["at_y"]]
    return pairs["at_x"].to_numpy(), pairs["at_y"].to_numpy()


@dataclass(frozen=True, slots=True)
class HotSpots:
    """Gi* of every cell: z, the p of both sides, p corrected, and what is hot or cold."""

    z: Floats
    p: Floats
    p_corrected: Floats
    """NaN where the cell's value is missing."""
    hot: Bools
    cold: Bools


def find_hot_spots(cells: Frame, values: Floats, *, band_m: float, level: float = 0.05) -> HotSpots:
    """Gi* with every cell whose middle is within ``band_m`` weighing 1, itself included.

    Missing values (NaN) are left out, not taken for 0. Where all values are equal nothing is hot.
    """
    admit_frame(cells, "网格 cells")
    admit_positive(band_m, "邻域 band_m")
    admit_fraction(level, "显著性 level")
    amounts = np.asarray(values, dtype=np.float64)
    if amounts.shape != (len(cells),):
        raise refuse("lengths", name="values", wanted=len(cells), count=amounts.size)
    known = np.flatnonzero(np.isfinite(amounts))
    if len(known) < 3:
        raise refuse("rows", name="有值的网格 cells with values")
    middle = shapely.get_coordinates(shapely.centroid(cells.geometry.to_numpy()[known]))
    z = np.full(len(cells), np.nan)
    z[known] = _gi_star(amounts[known], _weights(middle, band_m))
    p = np.full(len(cells), np.nan)
    p[known] = 2 * norm.sf(np.abs(z[known]))
    corrected = np.full(len(cells), np.nan)
    corrected[known] = false_discovery_control(p[known], method="bh")
    sure = np.nan_to_num(corrected, nan=1.0) <= level
    return HotSpots(z, p, corrected, sure & (z > 0), sure & (z < 0))


def _weights(middle: Floats, band_m: float) -> csr_array:
    pairs = cKDTree(middle).query_pairs(band_m, output_type="ndarray")
    every = np.arange(len(middle))
    row = np.concatenate([pairs[:, 0], pairs[:, 1], every])
    column = np.concatenate([pairs[:, 1], pairs[:, 0], every])
    return coo_array((np.ones(len(row)), (row, column)), shape=(len(middle),) * 2).tocsr()


def _gi_star(values: Floats, weights: csr_array) -> Floats:
    """z = (sum w x - mean W) / (s sqrt((n sum w² - W²) / (n - 1))), with w of 1 or 0."""
    count, deviation = len(values), values.std()
    if deviation <= 1e-12 * np.abs(values).max():  # equal but for rounding
        return np.zeros(count)
    total = np.asarray(weights.sum(axis=1)).ravel()
    root = np.sqrt((count * total - total**2) / (count - 1))
    excess = weights @ values - values.mean() * total
    z: Floats = np.divide(excess, deviation * root, out=np.zeros(count), where=root > 0)
    return z
