"""Traces: all that drains to a place, or that it drains to; nothing cut off, nothing hidden.

The walk is a recursive CTE whose UNION keeps each pipe once: cycles end, parallel pipes stay. Its
arms are lateral with OFFSET 0, for the planner knows nothing of a working table and would hash all
edges once for every step. The answer is GeoJSON made by PostGIS in the same statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from gis.db.roles import Pool, visible_attributes
from gis.db.tables import CORE
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.asking import Ask
from gis.network.inquiry import Place, find_place
from gis.network.profile_questions import NODE_KINDS
from gis.queries import Filter, Parameters, Statement, source_clause


class Direction(StrEnum):
    """Which way from the place; ``both`` is one and the other, not the whole component."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Walk:
    """SQL of CTEs that end in ``walk (pipe_id, source_id, target_id, is_backward)``."""

    sql: str
    parameters: Parameters
    as_of: datetime | None = None

    @property
    def asked(self) -> Filter:
        """The moment its rows are read at."""
        return Filter(as_of=self.as_of)


_EDGE = "e.pipe_id, e.source_id, e.target_id, e.is_backward"
_STEP = {
    Direction.UP: ("target_id", "source_id"),
    Direction.DOWN: ("source_id", "target_id"),
}
"""The end a pipe is entered at, and the one it is left at."""


def walk_from(place: Place, direction: Direction, system: PipeSystem | None = None) -> Walk:
    """The walk from a place in the present network; of one system only where it is given."""
    parameters: Parameters = {"at": place.id}
    edges = f"{CORE}.network_edge e"
    if system is not None:
        parameters["system"] = system.value
        edges += f" JOIN {CORE}.sewer_pipe q ON q.id = e.pipe_id AND q.system = %(system)s"
    ways = [direction] if direction in _STEP else list(_STEP)
    arms = []
    for way in ways:
        enter, leave = _STEP[way]
        first = f"SELECT {_EDGE} FROM {CORE}.network_edge e WHERE e.pipe_id = %(at)s"
        if not place.is_pipe:
            first = f"SELECT {_EDGE} FROM {edges} WHERE e.{enter} = %(at)s"
        arms.append(
            f"{way} (pipe_id, source_id, target_id, is_backward) AS ({first} UNION"
            f" SELECT e.* FROM (SELECT DISTINCT {leave} AS node_id FROM {way}) w CROSS JOIN LATERAL"
            f" (SELECT {_EDGE} FROM {edges} WHERE e.{enter} = w.node_id OFFSET 0) e)"
        )
    whole = " UNION ".join(f"SELECT * FROM {way}" for way in ways)
    return Walk(f"WITH RECURSIVE {', '.join(arms)}, walk AS MATERIALIZED ({whole})", parameters)


def walk_of(
    pipes: Sequence[str],
    sources: Sequence[str],
    targets: Sequence[str],
    backward: Sequence[bool],
    *,
    as_of: datetime | None,
) -> Walk:
    """A walk that is known already."""
    return Walk(
        "WITH walk AS MATERIALIZED (SELECT * FROM unnest(%(walk_pipes)s::uuid[],"
        " %(walk_sources)s::uuid[], %(walk_targets)s::uuid[], %(walk_backward)s::boolean[])"
        " w (pipe_id, source_id, target_id, is_backward))",
        {
            "walk_pipes": list(pipes),
            "walk_sources": list(sources),
            "walk_targets": list(targets),
            "walk_backward": list(backward),
        },
        as_of,
    )


_SHOWN = (
    *("code", "system", "diameter_mm", "width_mm", "height_mm", "material", "length_m"),
    *("progress", "service_state"),
)
# Joined as text: row_to_json over a subselect takes twice as long (100,000 pipes).
_PIPE_TEXT = (
    """concat('{"type":"Feature","id":"', w.pipe_id, '","geometry":',"""
    """ ST_AsGeoJSON(f.geometry, 7, 0), ',"properties":{"kind":"sewer_pipe","code":',"""
    """ to_json(f.code), ',"system":"', f.system, '","diameter_mm":', """
    """coalesce(f.diameter_mm::text, 'null'), ',"width_mm":', coalesce(f.width_mm::text, 'null'),"""
    """ ',"height_mm":', coalesce(f.height_mm::text, 'null'), ',"material":',"""
    """ coalesce('"' || f.material || '"', 'null'), ',"length_m":',"""
    """ round(f.length_m::numeric, 2), ',"progress":',"""
    """ coalesce('"' || f.progress || '"', 'null'), ',"service_state":"',"""
    """ f.service_state, '","source_id":"', w.source_id, '","target_id":"', w.target_id,"""
    """ '","is_backward":', CASE WHEN w.is_backward THEN 'true' ELSE 'false' END, ',"crossed":',"""
    """ CASE WHEN f.crossed = '{}' THEN '[]' ELSE array_to_json(f.crossed)::text END, '}}')"""
)
_NODE_TEXT = (
    """concat('{"type":"Feature","id":"', n.id, '","geometry":', ST_AsGeoJSON(n.geometry, 7, 0),"""
    """ ',"properties":{"kind":', coalesce('"' || n.kind || '"', 'null'), ',"code":',"""
    """ coalesce(to_json(n.code)::text, 'null'), ',"type":',"""
    """ coalesce('"' || n.type || '"', 'null'), '}}')"""
)


def _flags(pool: Pool) -> str:
    """What is to be said of a pipe, as an array of words; inverts for who may read them."""
    words = [
        ("f.progress IN ('planned', 'designed')", "planned"),
        ("f.progress = 'under_construction'", "under_construction"),
        ("f.service_state = 'abandoned'", "abandoned"),
        ("f.service_state = 'suspended'", "suspended"),
        (f"f.id IN (SELECT d.id FROM {CORE}.network_dirty d)", "dirty"),
    ]
    against = "f.surveyed_flow = 'backward'"
    if _sees_inverts(pool):
        lacks = "f.up_invert_m IS NULL OR f.down_invert_m IS NULL"
        words.append((lacks, "no_invert"))
        # Drawn is from up to down: whoever says otherwise contradicts the drawing.
        against += " OR f.down_invert_m > f.up_invert_m AND f.pressure IS DISTINCT FROM 'pressure'"
    words.append((against, "direction"))
    cases = ", ".join(f"CASE WHEN {test} THEN '{word}' END" for test, word in words)
    return f"array_remove(ARRAY[{cases}], NULL)"


def _sees_inverts(pool: Pool) -> bool:
    return "up_invert_m" in visible_attributes(KINDS["sewer_pipe"], pool)


def _found(walk: Walk, pool: Pool, parameters: Parameters) -> str:
    """CTEs of the pipes and the nodes of a walk."""
    clause = source_clause("sewer_pipe", walk.asked, parameters)
    columns = ", ".join(f"f.{name}" for name in _SHOWN)
    kept = "f.system, f.diameter_mm, f.width_mm, f.height_mm, f.length_m, f.crossed, f.geometry"
    end = "ST_{}Point(p.geometry)"
    start, last = end.format("Start"), end.format("End")
    return (
        # Read twice below, each time all of it: a wide row a pipe, once, and no wider.
        f"{walk.sql}, found AS MATERIALIZED (SELECT w.*, {kept}, {_PIPE_TEXT} AS feature"
        f" FROM walk w CROSS JOIN LATERAL (SELECT f.geometry, {columns}, {_flags(pool)} AS crossed"
        f" {clause} AND f.id = w.pipe_id LIMIT 1) f),"
        " ends AS MATERIALIZED (SELECT n.id, a.kind FROM"
        " (SELECT source_id AS id FROM walk UNION SELECT target_id FROM walk) n"
        f" LEFT JOIN LATERAL (SELECT a.kind FROM {CORE}.asset a WHERE a.id = n.id LIMIT 1) a"
        " ON true),"
        # The place of a virtual node is that of a pipe's own end there.
        " virtual AS (SELECT DISTINCT ON (v.id) v.id, v.point FROM found p CROSS JOIN LATERAL"
        f" (VALUES (p.source_id, CASE WHEN p.is_backward THEN {last} ELSE {start} END),"
        f" (p.target_id, CASE WHEN p.is_backward THEN {start} ELSE {last} END)) v (id, point)"
        " WHERE EXISTS (SELECT 1 FROM ends WHERE kind IS NULL)"
        " AND v.id IN (SELECT id FROM ends WHERE kind IS NULL) ORDER BY v.id, p.pipe_id),"
        f" nodes AS MATERIALIZED ({_nodes(walk, parameters)})"
    )


NODE_TYPE = {"sewer_manhole": "f.manhole_type", "sewage_facility": "f.facility_type"}


def _nodes(walk: Walk, parameters: Parameters) -> str:
    arms = [
        f"SELECT n.id, n.kind, f.code, f.type, f.geometry FROM ends n CROSS JOIN LATERAL"
        f" (SELECT f.code, {NODE_TYPE.get(kind, 'NULL::text')} AS type, f.geometry"
        f" {source_clause(kind, walk.asked, parameters)} AND f.id = n.id LIMIT 1) f"
        f" WHERE n.kind = '{kind}'"
        for kind in NODE_KINDS
    ]
    arms.append("SELECT v.id, NULL, NULL, NULL, v.point FROM virtual v")
    return " UNION ALL ".join(arms)


_OUTFALL = "(n.kind = 'sewage_facility' OR n.type = 'outfall_node')"
_NAMED = "json_build_object('id', n.id, 'kind', n.kind, 'code', n.code, 'type', n.type)"


def _summary(pool: Pool) -> str:
    counted = ["planned", "under_construction", "abandoned", "suspended", "direction", "dirty"]
    crossed = ", ".join(
        f"'{word}', count(*) FILTER (WHERE '{word}' = ANY(p.crossed))"
        for word in (*counted, *(["no_invert"] if _sees_inverts(pool) else []))
    )
    return (
        "json_build_object('pipes', count(*),"
        " 'nodes', (SELECT count(*) FROM nodes),"
        " 'length_m', coalesce(round(sum(p.length_m)::numeric, 2), 0),"
        " 'by_system', (SELECT coalesce(json_agg(row_to_json(s)), '[]') FROM (SELECT system,"
        " diameter_mm, width_mm, height_mm, count(*) AS pipes,"
        " round(sum(length_m)::numeric, 2) AS length_m FROM found"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4) s),"
        f" 'outfalls', (SELECT coalesce(json_agg({_NAMED} ORDER BY n.code), '[]') FROM nodes n"
        f" WHERE {_OUTFALL}),"
        f" 'dead_ends', (SELECT coalesce(json_agg({_NAMED} ORDER BY n.code, n.id), '[]')"
        f" FROM nodes n WHERE NOT {_OUTFALL} AND %(says_dead_ends)s"
        " AND n.id NOT IN (SELECT source_id FROM walk)),"
        f" 'crossed', json_build_object({crossed}))"
    )


def trace_statement(walk: Walk, pool: Pool, *, says_dead_ends: bool) -> Statement:
    """(features of pipes, of nodes, each joined by commas as text, summary as JSON text)."""
    parameters: Parameters = {**walk.parameters, "says_dead_ends": says_dead_ends}
    return Statement(
        f"{_found(walk, pool, parameters)} SELECT string_agg(p.feature, ','),"
        f" (SELECT string_agg({_NODE_TEXT}, ',') FROM nodes n), {_summary(pool)}::text"
        " FROM found p",
        parameters,
    )


def join_features(*parts: str | None) -> str:
    """Features of pipes and of nodes as one text."""
    return ",".join(part for part in parts if part)


def people_statement(walk: Walk) -> Statement:
    """People upstream as JSON text: drainage users at the walk's nodes, or that name them."""
    parameters: Parameters = dict(walk.parameters)
    clause = source_clause("drainage_user", walk.asked, parameters)
    return Statement(
        f"{walk.sql}, ends AS (SELECT source_id AS id FROM walk UNION SELECT target_id FROM walk),"
        f" codes AS (SELECT a.code FROM ends n JOIN {CORE}.asset a ON a.id = n.id"
        f" WHERE a.kind = ANY(%(node_kinds)s)) SELECT json_build_object('users', count(*),"
        " 'people', coalesce(sum(u.people), 0), 'users_without_people',"
        " count(*) FILTER (WHERE u.people IS NULL), 'discharge_m3_per_day',"
        " coalesce(sum(u.discharge_m3_per_day), 0), 'source', 'drainage_user')::text FROM"
        f" (SELECT f.id, f.node, f.people, f.discharge_m3_per_day {clause}"
        " AND f.service_state <> 'removed') u"
        " WHERE u.id IN (SELECT id FROM ends) OR u.node IN (SELECT code FROM codes)",
        parameters | {"node_kinds": list(NODE_KINDS)},
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace as GeoJSON: features (pipes, then nodes) as text, and what they add up to."""

    start: Place
    direction: Direction
    features: str
    summary: str
    people: str | None = None
    as_of: datetime | None = None

    def as_bytes(self) -> bytes:
        """A FeatureCollection, ready to be drawn and sent."""
        head = {
            "type": "FeatureCollection",
            "from": self.start.as_document(),
            "direction": self.direction.value,
            "as_of": self.as_of.isoformat() if self.as_of else None,
        }
        people = f',"people":{self.people}' if self.people else ""
        return b"".join(
            (
                orjson.dumps(head)[:-1],
                b',"summary":',
                self.summary.encode(),
                people.encode(),
                b',"features":[',
                self.features.encode(),
                b"]}",
            )
        )

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """The same as Python values."""
        document: dict[str, Any] = orjson.loads(self.as_bytes())  # Any: JSON
        return document


def trace(
    ask: Ask,
    start: str,
    direction: Direction,
    *,
    pool: Pool = Pool.STAFF,
    system: PipeSystem | None = None,
    people: bool = False,
    as_of: datetime | None = None,
) -> Trace:
    """Trace from a node or a pipe, given by id or code.

    A removed pipe is no part of the network; planned, abandoned and contradictory ones are
    followed and counted in the summary's ``crossed``. NotFoundError, GoneError for the start.
    """
    place, walk = start_walk(ask, start, direction, system=system, as_of=as_of)
    return answer_walk(ask, place, direction, walk, pool=pool, people=people)


def start_walk(
    ask: Ask,
    start: str,
    direction: Direction,
    *,
    system: PipeSystem | None = None,
    as_of: datetime | None = None,
) -> tuple[Place, Walk]:
    """The place of an id or code and the walk from it, now or at a moment."""
    if as_of is None:
        place = find_place(ask, start)
        return place, walk_from(place, direction, system)
    from gis.network.past import walk_past  # it brings pandas and scipy

    return walk_past(ask, start, direction, system=system, as_of=as_of)


def answer_walk(
    ask: Ask, place: Place, direction: Direction, walk: Walk, *, pool: Pool, people: bool = False
) -> Trace:
    """What a walk found, as a trace."""
    says = direction is not Direction.UP
    pipes, nodes, summary = ask(trace_statement(walk, pool, says_dead_ends=says))[0]
    upstream = ask(people_statement(walk))[0][0] if people else None
    return Trace(place, direction, join_features(pipes, nodes), summary, upstream, walk.as_of)
