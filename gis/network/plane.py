"""From stored degrees to metres of a Gauss-Krüger zone, whole arrays at a time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from gis.geometry import STORAGE_SRID, Geometries


def project(geometries: Geometries, srid: int) -> Geometries:
    """Geometries in EPSG:4490 (longitude, latitude) in the plane of ``srid``: metres, easting
    first. Distances differ from ellipsoidal ones by less than 0.05 % inside a 3-degree zone."""
    change = _transformer(srid)

    def move(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(change.transform(points[:, 0], points[:, 1]))

    moved: Geometries = shapely.transform(geometries, move)
    return moved


@lru_cache(maxsize=8)
def _transformer(srid: int) -> Transformer:
    return Transformer.from_crs(STORAGE_SRID, srid, always_xy=True)
