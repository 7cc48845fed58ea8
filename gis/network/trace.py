"""Traces: all that drains to a place, or that it drains to; nothing cut off, nothing hidden.

The walk is a recursive CTE whose UNION keeps each pipe once: cycles end, parallel pipes stay. Its
arms are lateral with OFFSET 0, for the planner knows nothing of a working table and would hash all
edges once for every step. The answer is GeoJSON made by PostGIS in the same statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


_SIZE = ("system", "diameter_mm", "width_mm", "height_mm")
_SHOWN = (*_SIZE, "code", "material", "length_m", "progress", "service_state")


def _number(column: str) -> str:
    return f"coalesce({column}::text, 'null')"


def _word(column: str) -> str:
    """A word of a closed list: nothing in it needs an escape."""
    return f"""coalesce('"' || {column} || '"', 'null')"""


def _feature(
    alias: str, identifier: str, values: Mapping[str, str], words: Mapping[str, str] | None = None
) -> str:
    """A GeoJSON feature as SQL text, of values that are JSON and words that are always there.

    Joined: row_to_json over a subselect takes twice as long (100,000 pipes).
    """
    parts = [
        """'{"type":"Feature","id":"'""",
        identifier,
        """'","geometry":'""",
        f"ST_AsGeoJSON({alias}.geometry, 7, 0)",
    ]
    lead = ',"properties":{'
    for name, word in (words or {}).items():
        parts += [f"""'{lead}"{name}":"'""", word]
        lead = '",'
    for name, value in values.items():
        parts += [f"""'{lead}"{name}":'""", value]
        lead = ","
    return f"concat({', '.join(parts)}, '}}}}')"


def _flags(pool: Pool) -> dict[str, str]:
    """What is to be said of a pipe, and its test; inverts for who may read them."""
    tests = {
        "planned": "f.progress IN ('planned', 'designed')",
        "under_construction": "f.progress = 'under_construction'",
        "abandoned": "f.service_state = 'abandoned'",
        "suspended": "f.service_state = 'suspended'",
        "direction": "f.surveyed_flow = 'backward'",
        "dirty": f"f.id IN (SELECT d.id FROM {CORE}.network_dirty d)",
    }
    if "up_invert_m" in visible_attributes(KINDS["sewer_pipe"], pool):
        tests["no_invert"] = "f.up_invert_m IS NULL OR f.down_invert_m IS NULL"
        # Drawn is from up to down: whoever says otherwise contradicts the drawing.
        tests["direction"] += (
            " OR f.down_invert_m > f.up_invert_m AND f.pressure IS DISTINCT FROM 'pressure'"
        )
    return tests


def _pipes(walk: Walk, pool: Pool, parameters: Parameters) -> str:
    """The pipes of a walk: a row a system and size, with its features, numbers and length.

    Each is read and written once, and its text kept nowhere but in the answer.
    """
    flags = _flags(pool)
    clause = source_clause("sewer_pipe", walk.asked, parameters)
    columns = ", ".join(f"f.{name}" for name in _SHOWN)
    tests = ", ".join(f"({test}) AS is_{word}" for word, test in flags.items())
    words = ", ".join(f"CASE WHEN f.is_{word} THEN '{word}' END" for word in flags)
    is_crossed = " OR ".join(f"f.is_{word}" for word in flags)
    crossed = f"array_to_json(array_remove(ARRAY[{words}], NULL))::text"
    feature = _feature(
        "f",
        "w.pipe_id",
        {
            "code": "to_json(f.code)",
            "diameter_mm": _number("f.diameter_mm"),
            "width_mm": _number("f.width_mm"),
            "height_mm": _number("f.height_mm"),
            "material": _word("f.material"),
            "length_m": "round(f.length_m * 100) / 100",
            "progress": _word("f.progress"),
            "is_backward": "CASE WHEN w.is_backward THEN 'true' ELSE 'false' END",
            "crossed": f"CASE WHEN {is_crossed} THEN {crossed} ELSE '[]' END",
        },
        {
            "kind": "'sewer_pipe'",
            "system": "f.system",
            "service_state": "f.service_state",
            "source_id": "w.source_id",
            "target_id": "w.target_id",
        },
    )
    counts = ", ".join(f"count(*) FILTER (WHERE f.is_{word}) AS {word}" for word in flags)
    size = ", ".join(f"f.{name}" for name in _SIZE)
    return (
        f"SELECT {size}, count(*) AS pipes, sum(f.length_m) AS length_m, {counts},"
        f" string_agg({feature}, ',') AS features FROM walk w CROSS JOIN LATERAL"
        f" (SELECT f.geometry, {columns}, {tests} {clause} AND f.id = w.pipe_id LIMIT 1) f"
        f" GROUP BY {size}"
    )


NODE_TYPE = {"sewer_manhole": "f.manhole_type", "sewage_facility": "f.facility_type"}


def _nodes(walk: Walk, parameters: Parameters) -> str:
    """CTEs that end in ``nodes (id, kind, code, type, geometry)``; most are manholes."""

    def record(kind: str) -> str:
        return (
            f"SELECT f.id AS known, f.code, {NODE_TYPE.get(kind, 'NULL::text')} AS type, f.geometry"
            f" {source_clause(kind, walk.asked, parameters)} AND f.id = n.id LIMIT 1"
        )

    first, *rest = NODE_KINDS
    arms = [
        f"SELECT id, '{first}' AS kind, code, type, geometry FROM likely WHERE known IS NOT NULL",
        *(
            f"SELECT n.id, n.kind, f.code, f.type, f.geometry FROM others n"
            f" CROSS JOIN LATERAL ({record(kind)}) f WHERE n.kind = '{kind}'"
            for kind in rest
        ),
        "SELECT v.id, NULL, NULL, NULL, v.point FROM virtual v",
    ]
    pipe = source_clause("sewer_pipe", walk.asked, parameters)
    return (
        "likely AS MATERIALIZED (SELECT n.id, f.* FROM (SELECT source_id AS id FROM walk UNION"
        f" SELECT target_id FROM walk) n LEFT JOIN LATERAL ({record(first)}) f ON true),"
        " others AS MATERIALIZED (SELECT n.id, a.kind FROM likely n LEFT JOIN LATERAL"
        f" (SELECT a.kind FROM {CORE}.asset a WHERE a.id = n.id LIMIT 1) a ON true"
        " WHERE n.known IS NULL),"
        # The place of a virtual node is that of a pipe's own end there.
        " virtual AS (SELECT v.id, CASE WHEN v.at_start THEN ST_StartPoint(f.geometry)"
        " ELSE ST_EndPoint(f.geometry) END AS point FROM (SELECT DISTINCT ON (v.id) v.*, w.pipe_id"
        " FROM walk w CROSS JOIN LATERAL (VALUES (w.source_id, NOT w.is_backward),"
        " (w.target_id, w.is_backward)) v (id, at_start) WHERE EXISTS (SELECT 1 FROM others)"
        " AND v.id IN (SELECT id FROM others WHERE kind IS NULL) ORDER BY v.id, w.pipe_id) v"
        f" CROSS JOIN LATERAL (SELECT f.geometry {pipe} AND f.id = v.pipe_id LIMIT 1) f),"
        f" nodes AS ({' UNION ALL '.join(arms)})"
    )


def _pairs(alias: str, *names: str) -> str:
    return ", ".join(f"'{name}', {alias}.{name}" for name in names)


_OUTFALL = "(n.kind = 'sewage_facility' OR n.type = 'outfall_node')"
_NAMED = f"json_build_object({_pairs('n', 'id', 'kind', 'code', 'type')})"
_NODE_FEATURE = _feature(
    "n",
    "n.id",
    {
        "kind": _word("n.kind"),
        "code": "coalesce(to_json(n.code)::text, 'null')",
        "type": _word("n.type"),
    },
)
_BY_SIZE = (
    f"json_build_object({_pairs('p', *_SIZE, 'pipes')}, 'length_m', round(p.length_m::numeric, 2))"
)


def trace_statement(walk: Walk, pool: Pool, *, says_dead_ends: bool) -> Statement:
    """(features of pipes, of nodes, each joined by commas as text, summary as JSON text)."""
    parameters: Parameters = {**walk.parameters, "says_dead_ends": says_dead_ends}
    crossed = ", ".join(f"'{word}', coalesce(sum(p.{word}), 0)" for word in _flags(pool))
    order = ", ".join(f"p.{name}" for name in _SIZE)
    return Statement(
        f"{walk.sql}, pipes AS ({_pipes(walk, pool, parameters)}),"
        f" {_nodes(walk, parameters)} SELECT p.features, n.features, json_build_object("
        "'pipes', p.pipes, 'nodes', n.nodes, 'length_m', p.length_m, 'by_system', p.by_system,"
        " 'outfalls', n.outfalls, 'dead_ends', n.dead_ends, 'crossed', p.crossed)::text FROM"
        " (SELECT string_agg(p.features, ',') AS features, coalesce(sum(p.pipes), 0) AS pipes,"
        " coalesce(round(sum(p.length_m)::numeric, 2), 0) AS length_m,"
        f" coalesce(json_agg({_BY_SIZE} ORDER BY {order}), '[]') AS by_system,"
        f" json_build_object({crossed}) AS crossed FROM pipes p) p CROSS JOIN"
        f" (SELECT string_agg({_NODE_FEATURE}, ',') AS features, count(*) AS nodes,"
        f" coalesce(json_agg({_NAMED} ORDER BY n.code) FILTER (WHERE {_OUTFALL}), '[]')"
        f" AS outfalls, coalesce(json_agg({_NAMED} ORDER BY n.code, n.id) FILTER (WHERE"
        f" NOT {_OUTFALL} AND %(says_dead_ends)s AND n.id NOT IN (SELECT source_id FROM walk)),"
        " '[]') AS dead_ends FROM nodes n) n",
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
