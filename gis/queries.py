"""Questions to PostGIS, each one statement in the shape its asker needs.

Statements are built from our own names and bound parameters only; spatial filters leave the
indexed column bare. Every function names the columns its reader may see, never ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from gis.db.roles import Pool, visible_attributes, visible_kinds
from gis.db.tables import CORE, HISTORY, MEASURES
from gis.geometry import STORAGE_SRID, BBox
from gis.kinds import Record

Parameters = dict[str, Any]  # Any: values of any column, bound by the driver


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with ``%(name)s`` placeholders, and their values.

    ``gives_bytes``: the answer is best sent in binary form; as text, bytes travel in hexadecimal.
    """

    sql: str
    parameters: Parameters
    gives_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time; an end that is None is open."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which features are asked for. ``equal`` maps attribute names to typed values.

    ``as_of`` reads valid time, ``known_at`` recorded time (exact to 0.1 s: what a transaction
    wrote counts from its start, or from its end where it took longer); both None is the present.
    """

    bbox: BBox | None = None
    valid: Interval | None = None
    equal: Mapping[str, object] = field(default_factory=dict)
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_past(self) -> bool:
        """Whether the answer comes from history."""
        return self.as_of is not None or self.known_at is not None


def source_clause(kind: str, asked: Filter, parameters: Parameters) -> str:
    """FROM … WHERE … of the rows asked for, aliased ``f``."""
    conditions = ["true"]
    if asked.is_past:
        table = f"{HISTORY}.{kind} f"
        conditions.append(_past_condition(kind, asked, parameters))
    else:
        table = f"{CORE}.{kind} f"
    if asked.bbox is not None:
        conditions.append(_inside(asked.bbox, parameters))
    if asked.valid is not None:
        parameters |= {"valid_start": asked.valid.start, "valid_end": asked.valid.end}
        conditions.append(
            "f.valid && tstzrange(%(valid_start)s::timestamptz, %(valid_end)s::timestamptz, '[]')"
        )
    for name, value in asked.equal.items():
        parameters[f"eq_{name}"] = value
        conditions.append(f"f.{name} = %(eq_{name})s")
    return f"FROM {table} WHERE {' AND '.join(conditions)}"


def _past_condition(kind: str, asked: Filter, parameters: Parameters) -> str:
    """The last assertion known at ``known_at`` that covers ``as_of``, unless a tombstone."""
    at = asked.as_of or asked.known_at
    parameters |= {"as_of": at}
    known, later_known = "", ""
    if asked.known_at is not None:
        parameters |= {"known_at": asked.known_at}
        known, later_known = _known("f"), _known("l")
    return (
        f"f.valid @> %(as_of)s::timestamptz AND NOT f.deleted{known} AND NOT EXISTS"
        f" (SELECT 1 FROM {HISTORY}.{kind} l WHERE l.id = f.id AND l.version > f.version"
        f" AND l.valid @> %(as_of)s::timestamptz{later_known})"
    )


def _known(alias: str) -> str:
    """What was recorded by then, and could be seen: a long transaction shows from its end on.

    Its list is asked once, and holds what was being written at that very moment: as a rule
    nothing.
    """
    unseen = (
        f"SELECT w.began_at FROM {CORE}.long_write w"
        " WHERE w.began_at <= %(known_at)s AND w.ended_at > %(known_at)s"
    )
    return (
        f" AND {alias}.recorded_at <= %(known_at)s AND {alias}.recorded_at <> ALL(ARRAY({unseen}))"
    )


def _inside(box: BBox, parameters: Parameters) -> str:
    boxes = []
    for i, part in enumerate(box.parts):
        parameters |= {
            f"w{i}": part.west, f"s{i}": part.south, f"e{i}": part.east, f"n{i}": part.north,
        }  # fmt: skip
        envelope = f"ST_MakeEnvelope(%(w{i})s, %(s{i})s, %(e{i})s, %(n{i})s, {STORAGE_SRID})"
        boxes.append(f"(f.geometry && {envelope} AND ST_Intersects(f.geometry, {envelope}))")
    return f"({' OR '.join(boxes)})"


def feature_columns(kind: type[Record], pool: Pool) -> list[str]:
    """Properties of a feature, in order: attributes the reader may see, measure, version."""
    measure = MEASURES.get(kind.geometry_type)
    return [
        *visible_attributes(kind, pool),
        *([measure] if measure else []),
        "version",
        "valid_from",
        "recorded_at",
    ]


def _properties(names: Sequence[str]) -> str:
    """An object of columns as SQL. A row has no limit of arguments, and keeps its keys' order."""
    columns = ", ".join(
        "lower(f.valid) AS valid_from" if name == "valid_from" else f"f.{name}" for name in names
    )
    return f"(SELECT row_to_json(p) FROM (SELECT {columns}) p)"


def _feature_text(kind: type[Record], pool: Pool) -> str:
    """One GeoJSON feature as SQL text; joined as text, for a cast to json would parse it again."""
    return (
        """'{"type":"Feature","id":"' || f.id || '","geometry":' ||"""
        """ ST_AsGeoJSON(f.geometry, 7, 0) || ',"properties":' || """
        f"""{_properties(feature_columns(kind, pool))} || '}}'"""
    )


def features_page(
    kind: type[Record], pool: Pool, asked: Filter, *, limit: int, after: UUID | None
) -> Statement:
    """One page: (features joined by commas as text, how many, last id, whether there are more)."""
    parameters: Parameters = {"limit": limit, "more": limit + 1}
    clause = source_clause(kind.kind, asked, parameters)
    if after is not None:
        parameters["after"] = after
        clause += " AND f.id > %(after)s"
    sql = (
        f"WITH page AS MATERIALIZED (SELECT f.* FROM (SELECT {_page_columns(kind, pool)} {clause}"
        " ORDER BY f.id LIMIT %(more)s) f),"
        " kept AS (SELECT * FROM page ORDER BY id LIMIT %(limit)s)"
        f" SELECT coalesce(string_agg({_feature_text(kind, pool)}, ',' ORDER BY f.id), ''),"
        " count(*), (array_agg(f.id ORDER BY f.id DESC))[1],"
        " (SELECT count(*) FROM page) > %(limit)s FROM kept f"
    )
    return Statement(sql, parameters)


def _page_columns(kind: type[Record], pool: Pool) -> str:
    names = [n for n in feature_columns(kind, pool) if n != "valid_from"]
    return ", ".join(f"f.{n}" for n in ("id", "geometry", "valid", *names))


def one_feature(kind: type[Record], pool: Pool, identifier: UUID, asked: Filter) -> Statement:
    """One feature as GeoJSON text."""
    parameters: Parameters = {"id": identifier}
    clause = source_clause(kind.kind, asked, parameters)
    return Statement(f"SELECT {_feature_text(kind, pool)} {clause} AND f.id = %(id)s", parameters)


def count_features(kind: type[Record], asked: Filter) -> Statement:
    """How many features a filter matches, exactly."""
    parameters: Parameters = {}
    clause = source_clause(kind.kind, asked, parameters)
    return Statement(f"SELECT count(*) {clause}", parameters)


def count_values(kind: type[Record], asked: Filter) -> Statement:
    """Rows of (value, is open, due, count): the figures of a legend.

    ``value`` is of what colours the kind, None where nothing does. Where a kind has deadlines the
    open ones are counted by theirs (epoch seconds), so that a reader's clock can tell the late.
    """
    parameters: Parameters = {}
    clause = source_clause(kind.kind, asked, parameters)
    value = f"f.{kind.style.color_by}" if kind.style.color_by else "NULL::text"
    is_open, due = "true", "NULL::bigint"
    if "due_at" in kind.model_fields:
        is_open = "f.is_open"
        due = "CASE WHEN f.is_open THEN extract(epoch FROM f.due_at)::bigint END"
    return Statement(
        f"SELECT {value}, {is_open}, {due}, count(*) {clause} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        parameters,
    )


def versions_of(kind: type[Record], pool: Pool, identifier: UUID) -> Statement:
    """Every assertion about one record, newest first, as a JSON array.

    ``valid_to`` is where a later assertion takes over (that of ``valid_from`` itself when a
    correction or a deletion replaced the whole of it), null for the one that holds now.
    ``restated`` marks what was said later than it is true from, when an earlier version had
    already been known: answers given in between have changed.
    """
    who = "f.recorded_by, f.reason, " if _sees_authors(pool) else ""
    return Statement(
        "SELECT coalesce(json_agg(row_to_json(v) ORDER BY v.version DESC), '[]')::text FROM"
        " (SELECT f.version, lower(f.valid) AS valid_from,"
        " CASE WHEN n.later < lower(f.valid) THEN lower(f.valid) ELSE n.later END AS valid_to,"
        f" f.recorded_at, {who}f.deleted, n.known AND"
        " coalesce(lower(f.valid), '-infinity') < f.recorded_at AS restated,"
        f" {_properties(visible_attributes(kind, pool))} AS properties"
        f" FROM {HISTORY}.{kind.kind} f CROSS JOIN LATERAL"
        # a tombstone has no lower bound, and min() would pass over its NULL
        " (SELECT min(coalesce(lower(l.valid), '-infinity')) FILTER (WHERE l.version > f.version)"
        " AS later, bool_or(l.recorded_at < f.recorded_at) AS known"
        f" FROM {HISTORY}.{kind.kind} l WHERE l.id = f.id) n"
        " WHERE f.id = %(id)s) v",
        {"id": identifier},
    )


def _sees_authors(pool: Pool) -> bool:
    return pool in (Pool.STAFF, Pool.JOBS)


def collection_extent(kind: type[Record]) -> Statement:
    """West, south, east, north of a kind's current rows, and the earliest valid moment."""
    return Statement(
        "SELECT min(ST_XMin(f.geometry)), min(ST_YMin(f.geometry)), max(ST_XMax(f.geometry)),"
        f" max(ST_YMax(f.geometry)), min(lower(f.valid)), count(*) FROM {CORE}.{kind.kind} f",
        {},
    )


def county_extent() -> Statement:
    """West, south, east, north, names of the county this installation serves."""
    return Statement(
        "SELECT ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent),"
        f" name_zh, name_en FROM {CORE}.county LIMIT 1",
        {},
    )


def read_versions(kinds: Sequence[str]) -> Statement:
    """(kind, version) of collections: one indexed statement, before any answer."""
    return Statement(
        f"SELECT kind, version FROM {CORE}.collection_version WHERE kind = ANY(%(kinds)s)",
        {"kinds": list(kinds)},
    )


_IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def search_records(pool: Pool, words: str, *, limit: int) -> Statement:
    """Records of all visible kinds whose code or name holds the words; exact codes first.

    Words that are an identity find the record that has it.
    """
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    match = "f.code ILIKE %(holds)s OR f.name ILIKE %(holds)s"
    if _IDENTITY.fullmatch(words):
        match = "f.id = %(words)s::uuid"
    arms = " UNION ALL ".join(
        f"(SELECT f.id, '{kind.kind}' AS kind, f.code, f.name,"
        " (ST_XMin(f.geometry) + ST_XMax(f.geometry)) / 2 AS lon,"
        " (ST_YMin(f.geometry) + ST_YMax(f.geometry)) / 2 AS lat,"
        " CASE WHEN f.code = %(words)s THEN 0 WHEN f.name = %(words)s THEN 1"
        " WHEN f.code ILIKE %(starts)s THEN 2 ELSE 3 END AS rank"
        f" FROM {CORE}.{kind.kind} f WHERE {match}"
        " ORDER BY rank, code LIMIT %(limit)s)"
        for kind in visible_kinds(pool)
    )
    return Statement(
        "SELECT coalesce(json_agg(json_build_object('id', r.id, 'kind', r.kind, 'code', r.code,"
        " 'name', r.name, 'lon', r.lon, 'lat', r.lat) ORDER BY r.rank, r.code), '[]')::text"
        f" FROM (SELECT * FROM ({arms}) a ORDER BY rank, code LIMIT %(limit)s) r",
        {"words": words, "starts": f"{escaped}%", "holds": f"%{escaped}%", "limit": limit},
    )


def schema_revision() -> Statement:
    """The migration the database is at."""
    return Statement(f"SELECT version_num FROM {CORE}.alembic_version", {})
