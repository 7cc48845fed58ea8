"""Questions about hazards, each one statement in the shape its asker needs (JSON text).

Answers carry ``due_at``, never "overdue": that changes without a commit, so the reader compares
it with the server's clock. A hazard's ``version`` is how many events were applied to it: what a
later event names as ``expected_version``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gis.db.roles import Pool, visible_attributes, visible_kinds
from gis.db.tables import CORE
from gis.geometry import STORAGE_SRID, BBox
from gis.hazards.flood_board import OPEN_CALL_OUTS
from gis.kinds import Record
from gis.kinds.hazard import Hazard
from gis.queries import Parameters, Statement

_VERSION = (
    f"(SELECT max(o.hazard_seq) FROM {CORE}.event_outcome o WHERE o.hazard_id = h.id) AS version"
)
_BRIEF = (
    f"h.id, h.code, {_VERSION}, h.state, h.severity, h.category, h.item, h.description, h.asset_id,"
    " h.township, h.found_at, h.found_by, h.due_at, h.original_due_at, h.review_on, h.fixed_at,"
    " h.closed_at, h.is_open, h.use_suspended, h.supervision_listed, h.duty_holder, h.section,"
    " h.assigned_to, h.extensions, h.returns, ST_X(h.geometry) AS lon, ST_Y(h.geometry) AS lat"
)


@dataclass(frozen=True, slots=True)
class HazardFilter:
    """Which hazards are asked for. ``equal``: attributes with their values.

    ``overdue_at`` asks for the open ones whose deadline had passed at that moment, ``words`` for
    those whose code, description, duty holder or name holds them.
    """

    bbox: BBox | None = None
    is_open: bool | None = None
    overdue_at: datetime | None = None
    due_before: datetime | None = None
    words: str | None = None
    equal: Mapping[str, object] = field(default_factory=dict)


FILTERED = (
    "state",
    "severity",
    "category",
    "item",
    "township",
    "asset_id",
    "duty_holder",
    "section",
    "assigned_to",
    "found_by",
    "origin",
    "visit_id",
)
"""Attributes :class:`HazardFilter` takes in ``equal``."""


def _conditions(asked: HazardFilter, parameters: Parameters) -> str:
    found = ["true"]
    if asked.is_open is not None:
        found.append("h.is_open" if asked.is_open else "NOT h.is_open")
    if asked.overdue_at is not None:
        parameters["overdue_at"] = asked.overdue_at
        found.append("h.is_open AND h.due_at < %(overdue_at)s")
    if asked.due_before is not None:
        parameters["due_before"] = asked.due_before
        found.append("h.is_open AND h.due_at <= %(due_before)s")
    if asked.words is not None:
        parameters["words"] = f"%{_escape(asked.words)}%"
        found.append(
            "(h.code ILIKE %(words)s OR h.description ILIKE %(words)s"
            " OR h.duty_holder ILIKE %(words)s OR h.name ILIKE %(words)s)"
        )
    for name, value in asked.equal.items():
        if name not in FILTERED:
            raise ValueError(f"no filter {name}")
        parameters[f"eq_{name}"] = value
        found.append(f"h.{name} = %(eq_{name})s")
    if asked.bbox is not None:
        found.append(_inside(asked.bbox, parameters))
    return " AND ".join(found)


def _escape(words: str) -> str:
    """Words as a pattern that means only itself."""
    return re.sub(r"([\\%_])", r"\\\1", words)


def _inside(box: BBox, parameters: Parameters) -> str:
    arms = []
    for i, part in enumerate(box.parts):
        parameters |= {
            f"w{i}": part.west, f"s{i}": part.south, f"e{i}": part.east, f"n{i}": part.north,
        }  # fmt: skip
        arms.append(
            f"h.geometry && ST_MakeEnvelope(%(w{i})s, %(s{i})s, %(e{i})s, %(n{i})s, {STORAGE_SRID})"
        )
    return f"({' OR '.join(arms)})"


class Order(StrEnum):
    """In which order a list comes: by identity, by due date (none last), the newest first."""

    ID = "id"
    DUE = "due"
    NEWEST = "newest"


# The place of a row in each order: what grows from row to row, at the end without ties.
_PLACES: Mapping[Order, str] = {
    Order.ID: "h.id",
    Order.DUE: "coalesce(h.due_at, 'infinity'::timestamptz), h.id",
    Order.NEWEST: "-extract(epoch FROM h.found_at), h.id",
}


def list_hazards(
    asked: HazardFilter, *, limit: int, after: UUID | None, order: Order = Order.ID
) -> Statement:
    """One page: (JSON array as text, last id, whether there are more)."""
    parameters: Parameters = {"limit": limit, "more": limit + 1}
    conditions, place = _conditions(asked, parameters), _PLACES[order]
    if after is not None:
        parameters["after"] = after
        last = f"(SELECT {place} FROM {CORE}.hazard h WHERE h.id = %(after)s)"
        conditions += " AND h.id > %(after)s" if order is Order.ID else f" AND ({place}) > {last}"
    return Statement(
        f"WITH page AS MATERIALIZED (SELECT {_BRIEF}, row_number() OVER (ORDER BY {place}) AS line"
        f" FROM {CORE}.hazard h WHERE {conditions} ORDER BY {place} LIMIT %(more)s),"
        " kept AS (SELECT * FROM page ORDER BY line LIMIT %(limit)s)"
        " SELECT coalesce(json_agg(to_jsonb(k) - 'line' ORDER BY k.line), '[]')::text,"
        " (array_agg(k.id ORDER BY k.line DESC))[1], (SELECT count(*) FROM page) > %(limit)s"
        " FROM kept k",
        parameters,
    )


def brief_hazards(identifiers: Sequence[UUID]) -> Statement:
    """Hazards by identifier, as one JSON array in the order of the identifiers."""
    return Statement(
        "SELECT coalesce(json_agg(to_jsonb(x) - 'line' ORDER BY x.line), '[]')::text FROM"
        f" (SELECT {_BRIEF}, w.line FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY w (id, line)"
        f" JOIN {CORE}.hazard h ON h.id = w.id) x",
        {"ids": list(identifiers)},
    )


def count_hazards(asked: HazardFilter) -> Statement:
    """How many there are."""
    parameters: Parameters = {}
    where = _conditions(asked, parameters)
    return Statement(f"SELECT count(*) FROM {CORE}.hazard h WHERE {where}", parameters)


def one_hazard(identifier: UUID, pool: Pool) -> Statement:
    """One hazard with everything the pool sees of it, what it may recur from, and what waits."""
    columns = ", ".join(f"h.{name}" for name in visible_attributes(Hazard, pool))
    return Statement(
        f"SELECT row_to_json(x)::text FROM (SELECT h.id, {columns}, {_VERSION},"
        " ST_X(h.geometry) AS lon, ST_Y(h.geometry) AS lat,"
        # The same item at the same asset, closed within the year before: it came back.
        f" (SELECT r.code FROM {CORE}.hazard r WHERE r.asset_id = h.asset_id AND r.item = h.item"
        " AND r.id <> h.id AND r.state = 'closed'"
        " AND r.closed_at BETWEEN h.found_at - interval '1 year' AND h.found_at"
        " ORDER BY r.closed_at DESC LIMIT 1) AS recurrence_of,"
        f" (SELECT count(*) FROM {CORE}.event_outcome w WHERE w.hazard_id = h.id"
        " AND w.outcome = 'waiting') AS waiting,"
        # When each kind of event last took effect: what clocks are read off.
        " (SELECT json_object_agg(m.type, m.at) FROM (SELECT e.type, max(o.applied_at) AS at"
        f" FROM {CORE}.event_outcome o JOIN {CORE}.event e ON e.id = o.event_id"
        " WHERE o.hazard_id = h.id AND o.outcome = 'applied' GROUP BY e.type) m) AS moments"
        f" FROM {CORE}.hazard h WHERE h.id = %(id)s) x",
        {"id": identifier},
    )


def timeline_of(identifier: UUID) -> Statement:
    """Everything that was sent about one hazard, applied or not, in the server's order."""
    stored = (
        f"EXISTS (SELECT 1 FROM {CORE}.event s WHERE s.type = 'evidence_stored'"
        " AND s.payload ->> 'sha256' = n ->> 'sha256')"
    )
    return Statement(
        "SELECT coalesce(json_agg(row_to_json(t) ORDER BY t.number), '[]')::text FROM"
        " (SELECT e.id, e.number, e.type, e.at, e.device_at, e.skew_ms, e.recorded_at, e.actor,"
        " e.role, e.form, e.payload, e.visit_id, e.asset_choice, e.accuracy_m, e.fix_source,"
        " ST_X(e.geom_raw) AS raw_lon, ST_Y(e.geom_raw) AS raw_lat,"
        " o.outcome, o.hazard_seq AS version, nullif(o.reason, '{}'::jsonb) AS reason,"
        " e.settled -> 'caution' AS caution,"
        f" (SELECT coalesce(json_agg(n || jsonb_build_object('stored', {stored})), '[]')"
        " FROM jsonb_array_elements(e.evidence) n) AS evidence"
        f" FROM {CORE}.event e JOIN {CORE}.event_outcome o ON o.event_id = e.id"
        " WHERE e.hazard_id = %(id)s) t",
        {"id": identifier},
    )


def open_hazards_of_asset(asset_id: UUID) -> Statement:
    """What is open at one asset: shown before a new hazard is logged there."""
    return Statement(
        "SELECT coalesce(json_agg(row_to_json(x) ORDER BY x.found_at), '[]')::text FROM"
        f" (SELECT {_BRIEF} FROM {CORE}.hazard h WHERE h.is_open AND h.asset_id = %(id)s) x",
        {"id": str(asset_id)},
    )


def hazard_of_evidence(sha256: str) -> Statement:
    """Rows of the hazards (and, where there is none, of the visits' authors) a file belongs to."""
    return Statement(
        f"SELECT e.hazard_id, e.account_id FROM {CORE}.event e WHERE e.evidence @>"
        " jsonb_build_array(jsonb_build_object('sha256', %(sha)s::text))",
        {"sha": sha256},
    )


MAX_TASKS = 500
"""A day's work and far more; the phone is no copy of the county."""
_LAG = "interval '10 minutes'"
"""A slower transaction may have drawn a lower number: the cursor stays behind the newest."""


def _site_type(kind: type[Record], pool: Pool) -> str:
    """What an item's ``applies_to`` speaks of, where a kind has it."""
    return "f.site_type" if "site_type" in visible_attributes(kind, pool) else "NULL::text"


def read_day(login: str, pool: Pool, *, since: int | None) -> Statement:
    """An inspector's day as one JSON document: tasks, assets, open hazards and call-outs.

    ``since`` (a cursor of an earlier answer) leaves out what has not changed. Assets carry place
    and words only: no inverts, no network.
    """
    arms = " UNION ALL ".join(
        f"SELECT f.id, '{kind.kind}' AS kind, f.code, f.name, f.township,"
        " (ST_XMin(f.geometry) + ST_XMax(f.geometry)) / 2 AS lon,"
        " (ST_YMin(f.geometry) + ST_YMax(f.geometry)) / 2 AS lat,"
        f" {_site_type(kind, pool)} AS site_type"
        f" FROM {CORE}.{kind.kind} f WHERE f.id IN (SELECT id FROM wanted)"
        for kind in visible_kinds(pool)
        if kind is not Hazard
    )
    changed = " AND (%(since)s::bigint IS NULL OR t.changed_number > %(since)s)"
    touched = (
        f" AND (%(since)s::bigint IS NULL OR EXISTS (SELECT 1 FROM {CORE}.event e"
        " WHERE e.hazard_id = h.id AND e.number > %(since)s)"
        # What stands open at an asset is news to whoever is sent there only now.
        " OR h.asset_id IN (SELECT asset_id::text FROM mine WHERE changed_number > %(since)s))"
    )
    own = (
        "(h.found_by = %(login)s OR h.assigned_to = %(login)s"
        " OR h.asset_id IN (SELECT asset_id::text FROM mine))"
    )
    sql = (
        f"WITH mine AS (SELECT t.*, c.name AS campaign FROM {CORE}.task t"
        f" JOIN {CORE}.campaign c ON c.id = t.campaign_id WHERE t.assigned_to = %(login)s"
        " AND t.state IN ('todo', 'no_entry') AND c.is_open"
        f" ORDER BY t.due_on, t.id LIMIT {MAX_TASKS}),"
        f" cases AS (SELECT {_BRIEF} FROM {CORE}.hazard h WHERE h.is_open AND {own}{touched}),"
        # A call-out is everybody's: who is sent there may have no task at the point.
        f" calls AS ({OPEN_CALL_OUTS}),"
        " wanted AS (SELECT asset_id AS id FROM mine UNION SELECT asset_id FROM calls UNION"
        " SELECT asset_id::uuid FROM cases WHERE asset_id ~ '^[0-9a-f-]{36}$'),"
        f" places AS ({arms}),"
        f" left_tasks AS (SELECT t.id, t.asset_id FROM {CORE}.task t WHERE %(since)s::bigint"
        " IS NOT NULL AND t.changed_number > %(since)s AND t.id NOT IN (SELECT id FROM mine)"
        " AND (t.assigned_to IS DISTINCT FROM %(login)s OR t.state IN ('done', 'dropped')"
        f" OR EXISTS (SELECT 1 FROM {CORE}.campaign c WHERE c.id = t.campaign_id"
        " AND NOT c.is_open))),"
        f" left_cases AS (SELECT h.id, h.asset_id FROM {CORE}.hazard h WHERE %(since)s::bigint"
        f" IS NOT NULL AND (h.is_open AND {own}) IS NOT TRUE"
        f" AND EXISTS (SELECT 1 FROM {CORE}.event e WHERE e.hazard_id = h.id"
        " AND e.number > %(since)s)),"
        # What is deleted, and what nothing of the inspector's is at any more.
        " left_assets AS (SELECT id::text FROM wanted WHERE id NOT IN (SELECT id FROM places)"
        " UNION (SELECT asset_id::text FROM left_tasks UNION SELECT asset_id FROM left_cases"
        " EXCEPT SELECT id::text FROM wanted"
        f" EXCEPT SELECT h.asset_id FROM {CORE}.hazard h WHERE h.is_open AND {own})),"
        " gone AS (SELECT json_build_object("
        " 'tasks', coalesce((SELECT json_agg(id) FROM left_tasks), '[]'),"
        " 'hazards', coalesce((SELECT json_agg(id) FROM left_cases), '[]'),"
        " 'assets', coalesce((SELECT json_agg(id) FROM left_assets WHERE id IS NOT NULL"
        " AND %(since)s::bigint IS NOT NULL), '[]')) AS x)"
        " SELECT json_build_object("
        " 'tasks', coalesce((SELECT json_agg(json_build_object('id', t.id, 'campaign_id',"
        " t.campaign_id, 'campaign', t.campaign, 'asset_id', t.asset_id, 'category', t.category,"
        f" 'due_on', t.due_on, 'state', t.state) ORDER BY t.due_on, t.id) FROM mine t WHERE true"
        f"{changed}), '[]'),"
        " 'assets', coalesce((SELECT json_agg(row_to_json(p) ORDER BY p.code) FROM places p),"
        " '[]'),"
        " 'hazards', coalesce((SELECT json_agg(row_to_json(h) ORDER BY h.found_at) FROM cases h),"
        " '[]'), 'call_outs', coalesce((SELECT json_agg(row_to_json(c) ORDER BY c.called_at)"
        " FROM calls c), '[]'), 'removed', (SELECT x FROM gone),"
        f" 'to_go', (SELECT count(*) FROM mine),"
        f" 'cursor', coalesce((SELECT max(e.number) FROM {CORE}.event e"
        f" WHERE e.recorded_at < now() - {_LAG}), 0))::text"
    )
    return Statement(sql, {"login": login, "since": since})


_VISIT_DAY = "(v.at AT TIME ZONE 'Asia/Shanghai')::date"


def list_campaigns() -> Statement:
    """Campaigns, newest first, each with its coverage per category.

    家 = distinct targets visited, 家次 = visits that got in, 次 = outings (one team's dated
    outing); ``population`` is what there was to choose from, the true denominator of full coverage.
    Of one that is over, visits after its last day are another's.
    """
    return Statement(
        "SELECT coalesce(json_agg(row_to_json(x) ORDER BY x.starts_on DESC, x.name), '[]')::text"
        " FROM (SELECT c.id, c.name, c.document, c.rules, c.population, c.starts_on, c.due_on,"
        " c.is_open, (SELECT coalesce(json_object_agg(s.category, row_to_json(s)), '{}') FROM"
        " (SELECT t.category, count(*) AS targets,"
        " count(*) FILTER (WHERE t.state = 'done') AS visited,"
        " count(*) FILTER (WHERE t.state = 'no_entry') AS no_entry,"
        " count(*) FILTER (WHERE t.assigned_to IS NULL AND t.state = 'todo') AS unassigned,"
        " (SELECT json_build_object('visits', count(*) FILTER (WHERE v.result <> 'no_entry'),"
        " 'units', count(DISTINCT v.asset_id) FILTER (WHERE v.result <> 'no_entry'),"
        " 'outings', count(DISTINCT (ARRAY(SELECT jsonb_array_elements_text(v.team) ORDER BY 1),"
        f" {_VISIT_DAY})))"
        f" FROM {CORE}.visit v WHERE v.category = t.category AND v.asset_id IN (SELECT a.asset_id"
        f" FROM {CORE}.task a WHERE a.campaign_id = c.id AND a.category = t.category)"
        f" AND {_VISIT_DAY} >= c.starts_on AND (c.is_open OR {_VISIT_DAY} <= c.due_on)) AS visits"
        f" FROM {CORE}.task t WHERE t.campaign_id = c.id GROUP BY t.category) s) AS coverage"
        f" FROM {CORE}.campaign c) x",
        {},
    )


def tasks_of(campaign_id: UUID) -> Statement:
    """The targets of one campaign with their state and whose they are."""
    return Statement(
        "SELECT coalesce(json_agg(json_build_object('id', t.id, 'asset_id', t.asset_id,"
        " 'code', a.code, 'kind', a.kind, 'category', t.category, 'assigned_to', t.assigned_to,"
        " 'due_on', t.due_on, 'state', t.state, 'visit_id', t.visit_id) ORDER BY a.code), '[]')"
        f"::text FROM {CORE}.task t LEFT JOIN {CORE}.asset a ON a.id = t.asset_id"
        " WHERE t.campaign_id = %(id)s",
        {"id": campaign_id},
    )
