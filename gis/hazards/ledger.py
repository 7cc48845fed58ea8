"""The log's rows in and out: events as entries, verdicts as outcomes, hazards as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pandas as pd
from geoalchemy2.shape import from_shape
from shapely import Point
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gis import store
from gis.attributes import Text
from gis.db.event_tables import event as event_table
from gis.db.event_tables import event_outcome
from gis.db.tables import CORE, current
from gis.errors import InputError
from gis.geometry import STORAGE_SRID, GeometryType, pass_gate
from gis.hazards.case import Case, Entry, Other, Outcome, Verdict
from gis.hazards.envelope import EvidenceNote
from gis.hazards.events import EventType, Found, HazardEvent, Imported, Role
from gis.hazards.judge import judge
from gis.kinds.hazard import Hazard, HazardState

ENTRY_COLUMNS = (
    "e.id, e.number, e.type, e.hazard_id, e.visit_id, e.campaign_id, e.task_id, e.asset_id,"
    " e.expected_version, e.at, e.actor, e.role, e.form, e.payload, e.evidence, e.township,"
    " e.settled,"
    " e.account_id IS NULL AS trusted, ST_X(e.place) AS x, ST_Y(e.place) AS y"
)


def lock_hazard(connection: Connection, hazard_id: UUID) -> None:
    """One writer per hazard until the transaction ends, also before its row exists."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 7261))"), {"id": str(hazard_id)}
    )


def lock_survivor(connection: Connection, hazard_id: UUID, word: object) -> None:
    """Lock a hazard and the one it is to be merged into, in the order of their ids.

    Two that are merged into each other at once do not both see the other going on.
    """
    others = [other.id for other in find_others(connection, [str(word)]).values()]
    for identifier in sorted({hazard_id, *others}):
        lock_hazard(connection, identifier)


def find_others(connection: Connection, words: Sequence[str]) -> dict[str, Other]:
    """The hazards of these codes or ids, as they stand."""
    rows = connection.execute(
        text(
            "SELECT w.word, h.id, h.state FROM unnest(CAST(:words AS text[])) AS w (word)"
            f" JOIN {CORE}.hazard h ON h.code = w.word OR h.id = CASE WHEN w.word ~* :uuid"
            " THEN CAST(w.word AS uuid) END"
        ),
        {"words": list(words), "uuid": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    )
    return {row[0]: Other(row[1], HazardState(row[2])) for row in rows}


def name_survivors(entries: Iterable[Entry]) -> list[str]:
    """The hazards that these events would merge theirs into."""
    return sorted(
        {str(e.payload.get("survivor")) for e in entries if e.type == EventType.DUPLICATE}
    )


def as_entry(row: Mapping[str, Any]) -> Entry:  # Any: columns of any type
    """A row of the log (columns of :data:`ENTRY_COLUMNS`) as it is judged."""
    role = row["role"]
    known_role = Role(role) if role in set(Role) else None
    return Entry(
        id=row["id"],
        number=row["number"],
        type=row["type"],
        hazard_id=row["hazard_id"],
        at=row["at"],
        actor=row["actor"],
        role=known_role,
        visit_id=row["visit_id"],
        asset_id=row["asset_id"],
        expected_version=row["expected_version"],
        payload=row["payload"],
        evidence=tuple(EvidenceNote.model_validate(note) for note in row["evidence"]),
        place=None if row["x"] is None else Point(row["x"], row["y"]),
        township=row["township"],
        form=row["form"],
        settled=row["settled"],
        trusted=row["trusted"],
    )


# UNION ALL: an OR over both tables would keep either index from being used.
_CASE = (
    f"SELECT {ENTRY_COLUMNS}, o.outcome, o.hazard_seq FROM {CORE}.event e"
    f" JOIN {CORE}.event_outcome o ON o.event_id = e.id"
    " WHERE o.hazard_id = :id AND o.outcome <> 'refused'"
    f" UNION ALL SELECT {ENTRY_COLUMNS}, 'waiting', NULL FROM {CORE}.event e WHERE e.id = :fresh"
    " ORDER BY hazard_seq NULLS LAST, number"
)


def read_case(
    connection: Connection, hazard_id: UUID, *, fresh: UUID | None = None
) -> tuple[Case, list[Entry]]:
    """(what was applied to a hazard, what still waits for it), in two or three statements.

    ``fresh``: an event that was just appended and is not judged yet; it waits last.
    """
    rows = connection.execute(text(_CASE), {"id": hazard_id, "fresh": fresh}).mappings()
    applied, waiting = [], []
    for row in rows:
        entry = as_entry(dict(row))
        if row["outcome"] == Outcome.WAITING:
            waiting.append(entry)
        else:
            applied.append(entry)
    promised = {n.sha256 for entry in (*applied, *waiting) for n in entry.evidence}
    case = replay(applied, find_stored(connection, promised))
    if words := name_survivors(waiting):
        case = replace(case, others=find_others(connection, words))
    return case, waiting


def replay(applied: Iterable[Entry], stored: frozenset[str]) -> Case:
    """The case that entries lead to which were all applied before: without the rules."""
    case = Case(stored=stored)
    for entry in applied:
        settled = _trust(entry)
        verdict = judge(case, settled)
        if verdict.outcome is not Outcome.APPLIED:
            raise ValueError(f"event {entry.id} was applied once and is not now")
        case = case.after(entry, verdict)
    return case


def _trust(entry: Entry) -> Entry:
    return replace(entry, trusted=True)


def find_stored(connection: Connection, hashes: Iterable[str]) -> frozenset[str]:
    """Which of these files of evidence the server has."""
    wanted = sorted(hashes)
    if not wanted:
        return frozenset()
    rows = connection.execute(
        text(
            f"SELECT payload ->> 'sha256' FROM {CORE}.event"
            " WHERE type = 'evidence_stored' AND payload ->> 'sha256' = ANY(:hashes)"
        ),
        {"hashes": wanted},
    )
    return frozenset(rows.scalars())


def write_event(connection: Connection, values: Mapping[str, Any]) -> int:  # Any: columns
    """Append one event; its number in the log. Points are shapely, lon/lat."""
    row = {
        name: from_shape(value, srid=STORAGE_SRID) if isinstance(value, Point) else value
        for name, value in values.items()
    }
    statement = insert(event_table).values(**row).returning(event_table.c.number)
    return int(connection.execute(statement).scalar_one())


_LOG_COLUMNS = ("id", "hazard_id", "type", "at", "actor", "role", "payload")
BESIDE_COLUMNS = ("visit_id", "asset_id", "township", "form", "evidence")
"""What the log keeps of a hazard's event beside what the workflow reads."""


def copy_events(
    connection: Connection,
    events: Sequence[HazardEvent],
    beside: Mapping[UUID, Mapping[str, Any]] | None = None,  # Any: values of columns
) -> None:
    """Append events and that they were applied; their order in the log is the one given.

    ``beside``: values of :data:`BESIDE_COLUMNS` by event; ConflictError for an id that is known.
    """
    empty = dict.fromkeys(BESIDE_COLUMNS)
    rows = [as_row(event) | empty | dict((beside or {}).get(event.id, {})) for event in events]
    frame = pd.DataFrame(
        {n: [row[n] for row in rows] for n in (*_LOG_COLUMNS, *BESIDE_COLUMNS)}, dtype=object
    )
    frame["evidence"] = [row["evidence"] or [] for row in rows]
    for name in ("id", "hazard_id", "type", "role", "visit_id", "asset_id"):
        frame[name] = [None if row[name] is None else str(row[name]) for row in rows]
    frame["at"] = [event.at.isoformat() for event in events]
    frame["number"] = range(len(events))
    outcomes = pd.DataFrame(
        {
            "event_id": frame["id"],
            "outcome": "applied",
            "hazard_id": frame["hazard_id"],
            "hazard_seq": [event.seq for event in events],
            "applied_at": frame["at"],
        }
    )
    store.copy_to_stage(connection, event_table, frame)
    store.copy_to_stage(connection, event_outcome, outcomes)
    columns = ", ".join((*_LOG_COLUMNS, *BESIDE_COLUMNS))
    try:
        connection.execute(
            text(
                f"INSERT INTO {event_table} ({columns}, recorded_by)"
                f" SELECT {columns}, current_setting('infratrack.actor') FROM stage_event"
                " ORDER BY number"
            )
        )
        judged = ", ".join(outcomes.columns)
        connection.execute(
            text(f"INSERT INTO {event_outcome} ({judged}) SELECT {judged} FROM stage_event_outcome")
        )
    except Exception as error:
        raise store.explain_conflict(error) from error
    connection.execute(text("DROP TABLE stage_event, stage_event_outcome"))


def as_row(event: HazardEvent) -> dict[str, Any]:  # Any: values of any column
    """An event as a row of plain values, its number in the hazard among them."""
    return {
        "id": event.id,
        "hazard_id": event.hazard_id,
        "seq": event.seq,
        "type": event.type.value,
        "at": event.at,
        "actor": event.actor,
        "role": event.role.value if event.role else None,
        "payload": event.stored_payload(),
    }


def write_outcomes(
    connection: Connection, before: Case, entries: Sequence[Entry], verdicts: Mapping[UUID, Verdict]
) -> None:
    """The judgement of each entry, and the hazard's row after each that was applied."""
    seq = before.version
    by_application = sorted(
        entries, key=lambda e: (v.seq if (v := verdicts[e.id].event) else 0, e.number)
    )
    for entry in by_application:
        verdict = verdicts[entry.id]
        if verdict.event is not None:
            seq = verdict.event.seq
        write_outcome(connection, entry.id, entry.hazard_id, verdict)
        if verdict.event is not None and verdict.hazard is not None:
            _write_row(connection, verdict.event, verdict.hazard, is_new=seq == 1, entry=entry)


def write_outcome(
    connection: Connection, event_id: UUID, hazard_id: UUID | None, verdict: Verdict
) -> None:
    """One judgement; a later one takes the place of one that waited."""
    values = {
        "outcome": verdict.outcome.value,
        "hazard_id": hazard_id,
        "hazard_seq": verdict.event.seq if verdict.event else None,
        "applied_at": verdict.event.at if verdict.event else None,
        "reason": verdict.reason.as_json() if verdict.reason else {},
    }
    values["reason"] = orjson.loads(orjson.dumps(values["reason"], default=str))
    statement = upsert(event_outcome).values(event_id=event_id, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["event_id"],
            set_={**values, "decided_at": text("now()"), "decided_tx": _THIS_TX},
        )
    )


_THIS_TX = text("pg_current_xact_id()::text")


def _write_row(
    connection: Connection, event: HazardEvent, hazard: Hazard, *, is_new: bool, entry: Entry
) -> None:
    """The hazard's row as an event leaves it, valid from the event's moment."""
    table = current["hazard"]
    values = hazard.model_dump(mode="json")
    if is_new or isinstance(event.payload, Imported):
        place = place_of(event)
        values["geometry"] = from_shape(place, srid=STORAGE_SRID)
    before = _swap_valid_from(connection, event.at.isoformat())
    if is_new:
        connection.execute(insert(table).values(id=entry.hazard_id, **values))
    else:
        connection.execute(update(table).where(table.c.id == entry.hazard_id).values(**values))
    # What else this transaction writes is valid from the moment its own author gave.
    _swap_valid_from(connection, before)


def place_of(event: HazardEvent) -> Point:
    """Where an event that begins a hazard puts it (lon/lat)."""
    payload = event.payload
    if not isinstance(payload, Found | Imported) or payload.lon is None or payload.lat is None:
        raise InputError(Text(zh="隐患没有位置", en="the hazard has no position"), field="lon")
    return pass_gate(Point(payload.lon, payload.lat), GeometryType.POINT)


def _swap_valid_from(connection: Connection, moment: str) -> str:
    row = connection.execute(
        text(
            "SELECT coalesce(current_setting('infratrack.valid_from', true), ''),"
            " set_config('infratrack.valid_from', :at, true)"
        ),
        {"at": moment},
    ).one()
    return str(row[0])


Standing = tuple[Hazard, float, float]
"""A hazard as it stands, and where (lon, lat)."""


def read_projection(connection: Connection) -> dict[UUID, Standing]:
    """Every hazard's row."""
    table = current["hazard"]
    place = func.ST_X(table.c.geometry).label("lon"), func.ST_Y(table.c.geometry).label("lat")
    query = select(table.c.id, *(table.c[name] for name in Hazard.model_fields), *place)
    return {
        row["id"]: (
            Hazard.model_validate({n: row[n] for n in Hazard.model_fields}),
            row["lon"],
            row["lat"],
        )
        for row in connection.execute(query).mappings()
    }
