"""The area a place serves: what lies within a distance of the pipes that drain to it.

Drawn from pipes, not from terrain: it says who is connected, not where rain would run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from gis.network.asking import Ask
from gis.network.plane import meridian_of, project
from gis.network.trace import Walk
from gis.queries import Parameters, Statement, source_clause

NEAR_M = 30.0
"""Half-width of the strip a pipe is taken to serve where none is asked for: about a plot's depth
on both sides (a convention, unverified)."""
MOST_M = 200.0


def read_area(ask: Ask, walk: Walk, *, near_m: float = NEAR_M) -> tuple[str | None, float]:
    """(area as GeoJSON geometry, its square metres) within ``near_m`` metres of a walk's pipes.

    None and 0 where nothing drains to the place. Measured in the local plane.
    """
    lines = _read_lines(ask, walk)
    if not lines:
        return None, 0.0
    stored = np.array(shapely.from_wkb(lines), dtype=object)
    meridian = meridian_of(stored[0])
    strips = shapely.buffer(project(stored, meridian), near_m, quad_segs=4)
    area = shapely.simplify(shapely.union_all(strips), near_m / 20)
    drawn = project(area, meridian, back=True)
    rounded = shapely.set_precision(drawn, 1e-7)
    return str(shapely.to_geojson(rounded)), round(float(shapely.area(area)), 1)


def _read_lines(ask: Ask, walk: Walk) -> Sequence[bytes]:
    parameters: Parameters = dict(walk.parameters)
    clause = source_clause("sewer_pipe", walk.asked, parameters)
    rows = ask(
        Statement(
            f"{walk.sql} SELECT f.line FROM walk w CROSS JOIN LATERAL"
            f" (SELECT ST_AsBinary(f.geometry) AS line {clause} AND f.id = w.pipe_id LIMIT 1) f",
            parameters,
            gives_bytes=True,
        )
    )
    return [bytes(row[0]) for row in rows]
