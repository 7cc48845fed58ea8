"""The rows of a profile: two statements, one for the way and one for the pipes that cross it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from gis.db.roles import Pool, visible_attributes
from gis.kinds import KINDS
from gis.queries import Filter, Parameters, Statement, source_clause

NODE_KINDS = ("sewer_manhole", "storm_inlet", "sewage_facility", "drainage_user")
"""Kinds a pipe can name as its end; where several have a code, the first of these has it."""
_PIPE = (
    *("code", "system", "progress", "service_state", "material", "pressure"),
    *("diameter_mm", "width_mm", "height_mm", "up_invert_m", "down_invert_m"),
)
_NODE = ("code", "ground_m", "bottom_m", "cover_state")


def pipes_question(pool: Pool, pipes: Sequence[UUID], asked: Filter) -> Statement:
    """Rows (JSON, geometry as WKB) of the pipes; levels only for readers who may see them."""
    parameters: Parameters = {"pipes": list(pipes)}
    clause = source_clause("sewer_pipe", asked, parameters)
    return Statement(
        f"SELECT {_row('sewer_pipe', _PIPE, pool, 'length_m')}, ST_AsBinary(f.geometry) {clause}"
        " AND f.id = ANY(%(pipes)s)",
        parameters,
        gives_bytes=True,
    )


def nodes_question(pool: Pool, nodes: Sequence[UUID], asked: Filter) -> Statement:
    """Rows (JSON) of the nodes of the way, whatever their kind."""
    parameters: Parameters = {"nodes": list(nodes)}
    arms = [
        f"SELECT {_row(kind, _NODE, pool)} {source_clause(kind, asked, parameters)}"
        " AND f.id = ANY(%(nodes)s)"
        for kind in NODE_KINDS
    ]
    return Statement(" UNION ALL ".join(arms), parameters)


def crossing_question(pool: Pool, pipes: Sequence[UUID], asked: Filter) -> Statement:
    """Rows (JSON, geometry as WKB) of other pipes that meet one of the way's pipes in plan."""
    parameters: Parameters = {"pipes": list(pipes)}
    clause = source_clause("sewer_pipe", asked, parameters)
    return Statement(
        f"WITH way AS MATERIALIZED (SELECT f.geometry {clause} AND f.id = ANY(%(pipes)s))"
        " SELECT DISTINCT ON (x.id) x.row, x.line FROM way w CROSS JOIN LATERAL"
        f" (SELECT f.id, {_row('sewer_pipe', _PIPE, pool, 'length_m')} AS row,"
        f" ST_AsBinary(f.geometry) AS line {clause} AND f.id <> ALL(%(pipes)s)"
        " AND f.service_state IS DISTINCT FROM 'removed'"
        " AND f.geometry && w.geometry AND ST_Intersects(f.geometry, w.geometry)) x"
        " ORDER BY x.id",
        parameters,
        gives_bytes=True,
    )


def _row(kind: str, wanted: Sequence[str], pool: Pool, *more: str) -> str:
    """A JSON object of the wanted attributes: null for what the reader may not see."""
    seen = set(visible_attributes(KINDS[kind], pool))
    declared = KINDS[kind].model_fields
    columns = [
        f"f.{name}" if name in seen and name in declared else f"NULL AS {name}" for name in wanted
    ]
    listed = ", ".join(("f.id", f"'{kind}' AS kind", *columns, *(f"f.{name}" for name in more)))
    return f"(SELECT row_to_json(r) FROM (SELECT {listed}) r)"
