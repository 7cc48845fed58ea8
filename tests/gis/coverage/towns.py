"""Small towns whose figures are solved by hand: a 5 x 5 grid of streets, and what stands in it.

Nodes at (100 i, 100 j), i and j from 0 to 4: 40 streets of 100 m. Ten people live at each node.
"""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import shapely

from gis.coverage.admit import Frame
from gis.geometry import gauss_kruger_srid

CRS = gauss_kruger_srid(99)
STEP_M = 100.0
SIDE = 5


def frame(shapes: Iterable[object], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


def grid_streets(side: int = SIDE, step_m: float = STEP_M) -> gpd.GeoDataFrame:
    lines = []
    for i in range(side):
        for j in range(side):
            if i + 1 < side:
                lines.append([(i * step_m, j * step_m), ((i + 1) * step_m, j * step_m)])
            if j + 1 < side:
                lines.append([(i * step_m, j * step_m), (i * step_m, (j + 1) * step_m)])
    return frame(shapely.linestrings(lines))


def grid_places(side: int = SIDE, step_m: float = STEP_M, people: float = 10.0) -> Frame:
    at = [(i * step_m, j * step_m) for i in range(side) for j in range(side)]
    count = side * side
    return frame(shapely.points(at), id=[f"n{k}" for k in range(count)], people=[people] * count)


def grid_lots(side: int = SIDE - 1, step_m: float = STEP_M) -> gpd.GeoDataFrame:
    cells = [
        shapely.box(i * step_m, j * step_m, (i + 1) * step_m, (j + 1) * step_m)
        for i in range(side)
        for j in range(side)
    ]
    return frame(cells, id=[f"lot{k}" for k in range(side * side)])


def facilities(*at: tuple[float, float], radius_m: float = 250.0, **columns: object) -> Frame:
    ids = [f"f{k}" for k in range(len(at))]
    return frame(shapely.points(at), id=ids, radius_m=[radius_m] * len(at), **columns)


def whole(margin_m: float = 0.0) -> shapely.Polygon:
    last = (SIDE - 1) * STEP_M
    return shapely.box(-margin_m, -margin_m, last + margin_m, last + margin_m)


def random_town(seed: int, count: int = 60) -> tuple[Frame, Frame, Frame]:
    """Streets of a grid with gaps and one-ways, places and facilities anywhere in it."""
    chance = np.random.default_rng(seed)
    streets = grid_streets(7)
    streets = streets[chance.random(len(streets)) < 0.85].reset_index(drop=True)
    streets["oneway"] = chance.choice(["no", "no", "yes", "-1"], len(streets))
    streets["speed_m_per_s"] = chance.choice([np.nan, 5.0, 10.0], len(streets))
    places = frame(
        shapely.points(chance.random((count, 2)) * 600),
        id=list(range(count)),
        people=chance.integers(1, 100, count).astype(float),
    )
    return streets, places, facilities(*(chance.random((5, 2)) * 600), radius_m=300.0)
