"""Vector tiles: one statement a tile, in the shape the kind's zoom contract declares.

A tile of zoom z is the square (z, row, column) of WebMercatorQuad, 4096 units wide, cut with a
margin so that symbols meet without seams. Below ``features_from`` it carries a live grid of
counts; from there on features, with code and name from ``named_from`` and all visible attributes
from ``detail_from``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import get_args

from gis.db.roles import Pool, visible_attributes
from gis.db.tables import BANDS_PER_DEGREE, MEASURES, MIDDLE_BAND
from gis.geometry import STORAGE_SRID, TILE_LATITUDE_LIMIT, TILE_SRID, GeometryType
from gis.kinds import Record
from gis.queries import Filter, Parameters, Statement, source_clause

EXTENT = 4096
MARGIN = 64
"""Tile units around the tile that geometries are cut at: half of the widest symbol."""
CELLS = 16
"""Grid cells along a tile's side at low zoom (16 pixels each on a 256-pixel tile)."""
_BANDS_FROM = 8
"""From this zoom on a tile is a few bands, each read between its edges; before, all of them."""
MAX_ZOOM = 22
WORLD_M = 40_075_016.6855785
"""Circumference of the Web Mercator plane in its metres (EPSG:3857)."""


def tile_statement(
    kinds: Sequence[type[Record]],
    pool: Pool,
    *,
    zoom: int,
    row: int,
    column: int,
    as_of: datetime | None = None,
) -> Statement:
    """The SQL whose single value is the tile's bytes (layers of ``kinds``, concatenated)."""
    parameters: Parameters = {"z": zoom, "x": column, "y": row}
    if as_of is not None:
        parameters["as_of"] = as_of
    if any(zoom < kind.zoom.features_from for kind in kinds):
        parameters |= _grid_parameters(zoom, row, column)
    sql = _tile_sql(tuple(kinds), pool, zoom, is_past=as_of is not None)
    return Statement(sql, parameters, gives_bytes=True)


def _grid_parameters(zoom: int, row: int, column: int) -> Parameters:
    west, south, east, north = tile_box(zoom, row, column)
    first, last = (math.floor(lat * BANDS_PER_DEGREE) for lat in (south, north))
    box: Parameters = {"west": west, "south": south, "east": east, "north": north}
    if zoom < _BANDS_FROM:
        return box | {"first": float(first), "last": float(last)}
    return box | {"bands": [float(band) for band in range(first, last + 1)]}


@lru_cache(maxsize=256)  # whatever collections are asked for together
def _tile_sql(kinds: tuple[type[Record], ...], pool: Pool, zoom: int, *, is_past: bool) -> str:
    # Which moment is asked for is bound by the caller: the text is the same for every one.
    asked = Filter(as_of=datetime.max if is_past else None)
    arms = [
        _grid_layer(kind, zoom, asked)
        if zoom < kind.zoom.features_from
        else _feature_layer(kind, pool, zoom, asked)
        for kind in kinds
    ]
    return f"SELECT {' || '.join(f'({arm})' for arm in arms)}"


_TILE = "ST_TileEnvelope(%(z)s, %(x)s, %(y)s)"
_WIDE = f"ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {MARGIN / EXTENT})"


def _feature_layer(kind: type[Record], pool: Pool, zoom: int, asked: Filter) -> str:
    clause = source_clause(kind.kind, asked, {})
    shape = "f.geometry_3857"
    if zoom < kind.zoom.simplify_below and kind.geometry_type is not GeometryType.POINT:
        # A pixel of a 256-pixel tile, in metres of the plane.
        shape = f"ST_Simplify(f.geometry_3857, {WORLD_M / 2**zoom / 512!r}, true)"
    columns = "".join(f", {_column(kind, n)}" for n in tile_attributes(kind, pool, zoom))
    # OFFSET 0 keeps the planner from working out each shape twice, once to test it for NULL.
    return (
        f"SELECT coalesce(ST_AsMVT(t, '{kind.kind}', {EXTENT}, 'geom'), ''::bytea) FROM"
        f" (SELECT ST_AsMVTGeom({shape}, {_TILE}, {EXTENT}, {MARGIN}, true) AS geom,"
        f" f.id::text AS id{columns} {clause} AND f.geometry_3857 && {_WIDE}"
        f"{_rank_condition(kind, zoom)} OFFSET 0) t WHERE t.geom IS NOT NULL"
    )


def _column(kind: type[Record], name: str) -> str:
    """A column as tiles carry it: MVT has no moments, and PostgreSQL's spelling is not ISO 8601."""
    field = kind.model_fields.get(name)
    if field is not None and datetime in (field.annotation, *get_args(field.annotation)):
        return f"{_moment(f'f.{name}')} AS {name}"
    return f"f.{name}"


def _moment(sql: str) -> str:
    return f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def tile_attributes(kind: type[Record], pool: Pool, zoom: int) -> list[str]:
    """Attributes a tile of this zoom carries: those that draw, then that name, later all."""
    visible = visible_attributes(kind, pool)
    if zoom >= kind.zoom.detail_from:
        plain = [n for n in visible if n not in ("missing", "money")]
        return [*plain, *([m] if (m := MEASURES.get(kind.geometry_type)) else [])]
    drawn = {kind.style.color_by, *kind.tile_extras}
    if zoom >= kind.zoom.named_from:
        drawn |= {"code", "name"}
    return [n for n in visible if n in drawn]


def _rank_condition(kind: type[Record], zoom: int) -> str:
    if kind.zoom.ranked is None:
        return ""
    name, first_zoom = kind.zoom.ranked
    hidden = ", ".join(f"'{value}'" for value, first in first_zoom.items() if zoom < first)
    return f" AND coalesce(f.{name}, '') NOT IN ({hidden})" if hidden else ""


def _grid_layer(kind: type[Record], zoom: int, asked: Filter) -> str:
    """Counts per cell, placed at the mean of what they count; one point per cell."""
    by = kind.style.color_by
    measure = MEASURES.get(kind.geometry_type)
    sums = f", sum(c.{measure}) AS {measure}" if measure else ""
    has_deadlines = "due_at" in kind.model_fields
    count_value = _open_value if has_deadlines else _plain_value
    values = "".join(f", {count_value(by, value)}" for value in kind.style.strokes)
    due = f", sum(c.open)::bigint AS open, {_moment('min(c.due_at)')} AS due_at"
    extras = due if has_deadlines else ""
    return (
        f"SELECT coalesce(ST_AsMVT(t, '{kind.kind}', {EXTENT}, 'geom'), ''::bytea) FROM"
        " (SELECT ST_AsMVTGeom(ST_Transform(ST_SetSRID(ST_MakePoint("
        f"sum(c.lon) / sum(c.n), sum(c.lat) / sum(c.n)), {STORAGE_SRID}), {TILE_SRID}),"
        f" {_TILE}, {EXTENT}, 0, false) AS geom, true AS cells, sum(c.n)::bigint AS count"
        f"{sums}{values}{extras} FROM ({_cell_values(kind, zoom, asked)}) c"
        " GROUP BY c.i, c.j OFFSET 0) t WHERE t.geom IS NOT NULL"
    )


def _plain_value(by: str | None, value: str) -> str:
    return f"nullif(sum(c.n) FILTER (WHERE c.{by} = '{value}'), 0)::bigint AS n_{value}"


def _open_value(by: str | None, value: str) -> str:
    """Open and closed ones apart, and when the open ones fall due: ``epoch*count,...``.

    Never how many are late: that changes without a commit, so the reader's page counts it.
    """
    mine = f"FILTER (WHERE c.{by} = '{value}')"
    return (
        f"nullif(sum(c.open) {mine}, 0)::bigint AS n_{value},"
        f" nullif(sum(c.n - c.open) {mine}, 0)::bigint AS closed_{value},"
        f" max(c.dues) {mine} AS due_{value}"  # one row of c for each cell and value
    )


_DUES = (
    "(SELECT string_agg(concat(extract(epoch FROM d.at)::bigint, '*', d.count), ',' ORDER BY d.at)"
    " FROM (SELECT u.at, count(*) AS count FROM unnest(array_agg(f.due_at)"
    " FILTER (WHERE f.is_open AND f.due_at IS NOT NULL)) AS u(at) GROUP BY u.at) d) AS dues"
)


def _cell_values(kind: type[Record], zoom: int, asked: Filter) -> str:
    """Counts and sums per cell and value: one pass over the index of middles.

    Each record is counted in the one tile that holds its middle, so sums over tiles are exact.
    Splitting by value here and turning the values into columns above costs a third of testing
    each record for each value (measured: 19 ms against 54 ms over 108,777 pipes).
    """
    by = kind.style.color_by
    measure = MEASURES.get(kind.geometry_type)
    sums = f", sum(f.{measure}) AS {measure}" if measure else ""
    if "due_at" in kind.model_fields:
        is_open = "FILTER (WHERE f.is_open)"
        sums += f", count(*) {is_open} AS open, min(f.due_at) {is_open} AS due_at, {_DUES}"
    return (
        f"SELECT floor((f.middle_lon - %(west)s) / (%(east)s - %(west)s) * {CELLS}) AS i,"
        f" floor((f.middle_lat - %(south)s) / (%(north)s - %(south)s) * {CELLS}) AS j,"
        f" {f'f.{by}' if by else 'NULL::text'} AS {by or 'every'}, count(*) AS n,"
        f" sum(f.middle_lon) AS lon, sum(f.middle_lat) AS lat{sums}"
        f" {source_clause(kind.kind, asked, {})}{_middle_condition(zoom, asked)} GROUP BY 1, 2, 3"
    )


def _middle_condition(zoom: int, asked: Filter) -> str:
    """Whose middle lies in the tile; history has no index of middles, but one of boxes."""
    inside = (
        " AND f.middle_lon >= %(west)s AND f.middle_lon < %(east)s"
        " AND f.middle_lat >= %(south)s AND f.middle_lat < %(north)s"
    )
    if asked.is_past:
        return f"{inside} AND f.geometry_3857 && {_WIDE}"
    if zoom < _BANDS_FROM:
        return f"{inside} AND {MIDDLE_BAND} BETWEEN %(first)s AND %(last)s"
    return f"{inside} AND {MIDDLE_BAND} = ANY(%(bands)s::double precision[])"


def tile_box(zoom: int, row: int, column: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a WebMercatorQuad tile in degrees.

    Neighbours share their edge to the last bit and the rim of the plane lies inside its tiles, so
    half-open boxes put each point of the plane into exactly one tile of a zoom.
    """
    across = 2**zoom
    last = across - 1
    rim = TILE_LATITUDE_LIMIT + 1e-9
    return (
        column / across * 360 - 180,
        _latitude(row + 1, across) if row < last else -rim,
        (column + 1) / across * 360 - 180 if column < last else math.nextafter(180, math.inf),
        _latitude(row, across) if row else rim,
    )


def _latitude(row: int, across: int) -> float:
    """Latitude of the upper edge of a row of tiles."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / across))))
