"""Everything that follows from the log, worked out anew and compared with what stands.

The log alone decides: outcomes, hazards and what all other records lead to are judged again in
the order of its numbers by the same rules. ``check`` changes nothing; ``rebuild`` writes what
differs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from gis.db.tables import CORE
from gis.hazards.case import Case, Entry, Other, Outcome, Verdict
from gis.hazards.devices import find_miscounted, recount_devices
from gis.hazards.judge import judge_all
from gis.hazards.ledger import ENTRY_COLUMNS, as_entry, name_survivors, write_outcome
from gis.hazards.notices import write_notices
from gis.hazards.plot_records import find_plot_drift, rewrite_plots
from gis.hazards.record import find_drift, rebuild_projection
from gis.hazards.records import RecordType, as_record
from gis.hazards.rounds import APPLIED, apply_record

_RECORD_TABLES = (
    *("task", "visit", "campaign", "notice"),
    *("duty_shift", "flood_level", "call_out_step", "call_out", "incident_report", "incident"),
    *("flood_team", "flood_supply", "plot_step"),
)
"""Emptied in this order: what refers to another goes first."""
_NAMED = {"flood_team": "name", "flood_supply": "name || '/' || station"}
"""Tables without an ``id``, and what names their rows."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What stands otherwise than the log says: the table, and which rows of it."""

    table: str
    rows: tuple[str, ...]


@dataclass(slots=True)
class _Judged:
    """The log judged in memory: the case of every hazard, the verdict on every event."""

    cases: dict[UUID, Case] = field(default_factory=dict)
    waiting: dict[UUID, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[UUID, Verdict] = field(default_factory=dict)
    hazard_of: dict[UUID, UUID] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    promised: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    codes: dict[str, UUID] = field(default_factory=dict)

    def settle(self, hazard_id: UUID) -> None:
        case = self.cases.get(hazard_id, Case())
        open_entries = self.waiting[hazard_id]
        hashes = {n.sha256 for e in open_entries for n in e.evidence}
        hashes |= {n.sha256 for n in case.evidence()}
        case = replace(
            case, stored=frozenset(hashes & self.stored), others=self._find_others(open_entries)
        )
        case, verdicts = judge_all(case, open_entries)
        self.cases[hazard_id] = case
        if case.hazard is not None:
            self.codes[case.hazard.code] = hazard_id
        self.verdicts |= verdicts
        self.waiting[hazard_id] = [
            e for e in open_entries if verdicts[e.id].outcome is Outcome.WAITING
        ]

    def _find_others(self, entries: list[Entry]) -> dict[str, Other]:
        """What :func:`gis.hazards.ledger.find_others` would have found at this point of the log."""
        found = {}
        for word in name_survivors(entries):
            key = self.codes.get(word) or _as_id(word)
            case = self.cases.get(key) if key is not None else None
            if key is not None and case is not None and case.hazard is not None:
                found[word] = Other(key, case.hazard.state)
        return found

    def take(self, entry: Entry) -> None:
        for note in entry.evidence:
            self.promised[note.sha256].add(entry.hazard_id)
        self.hazard_of[entry.id] = entry.hazard_id
        self.waiting[entry.hazard_id].append(entry)
        self.settle(entry.hazard_id)

    def store(self, sha256: str) -> None:
        self.stored.add(sha256)
        for hazard_id in sorted(self.promised.get(sha256, ())):
            self.settle(hazard_id)


def _as_id(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None


def judge_log(connection: Connection) -> _Judged:
    """Judge every event of a hazard in the log's order, in memory."""
    judged = _Judged()
    rows = connection.execute(
        text(f"SELECT {ENTRY_COLUMNS} FROM {CORE}.event e ORDER BY e.number")
    ).mappings()
    for row in rows:
        if row["type"] == RecordType.EVIDENCE_STORED:
            judged.store(str(row["payload"]["sha256"]))
        elif row["hazard_id"] is not None:
            judged.take(as_entry(dict(row)))
    return judged


def check(connection: Connection) -> list[Difference]:
    """What stands otherwise than the log says; nothing in a sound database, and no change."""
    outcomes = _compare_outcomes(connection, judge_log(connection))
    savepoint = connection.begin_nested()
    before = {name: _digest(connection, name) for name in _RECORD_TABLES}
    decided = _read_decisions(connection)
    _replay_records(connection)
    outcomes += _differ(decided, _read_decisions(connection))
    after = {name: _digest(connection, name) for name in _RECORD_TABLES}
    savepoint.rollback()
    found = [
        Difference("event_outcome", tuple(outcomes)),
        Difference("hazard", tuple(find_drift(connection))),
        Difference("device_count", tuple(find_miscounted(connection))),
    ]
    for name in _RECORD_TABLES:
        wrong = before[name] ^ after[name]
        rows = {row.rpartition(" ")[0] for row in wrong}
        found.append(Difference(name, tuple(sorted(rows))))
    found.append(Difference("land_plot", tuple(sorted(find_plot_drift(connection).values()))))
    return [difference for difference in found if difference.rows]


def rebuild(connection: Connection) -> list[Difference]:
    """Write anew what differs (jobs role); what did."""
    found = check(connection)
    if not found:
        return []
    judged = judge_log(connection)
    wrong = {d.table: set(d.rows) for d in found}
    outcomes = wrong.get("event_outcome", set())
    for event_id, verdict in judged.verdicts.items():
        if str(event_id) in outcomes:
            write_outcome(connection, event_id, judged.hazard_of[event_id], verdict)
    rebuild_projection(connection)
    if "device_count" in wrong:
        recount_devices(connection)
    projected = {*_RECORD_TABLES, "land_plot"}
    if wrong.keys() & projected or outcomes - set(map(str, judged.verdicts)):
        _replay_records(connection)
        rewrite_plots(connection)
    return found


_Decisions = dict[str, tuple[str | None, str | None]]


def _read_decisions(connection: Connection) -> _Decisions:
    """What was decided on every record that is no step of a hazard: outcome and rule."""
    rows = connection.execute(
        text(
            "SELECT e.id::text, o.outcome, o.reason ->> 'rule' AS rule FROM"
            f" {CORE}.event e LEFT JOIN {CORE}.event_outcome o ON o.event_id = e.id"
            " WHERE e.hazard_id IS NULL"
        )
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _differ(before: _Decisions, after: _Decisions) -> list[str]:
    return sorted(key for key, decided in after.items() if before[key] != decided)


def _compare_outcomes(connection: Connection, judged: _Judged) -> list[str]:
    rows = connection.execute(
        text(
            "SELECT event_id, outcome, hazard_seq, applied_at FROM"
            f" {CORE}.event_outcome WHERE hazard_id IS NOT NULL"
        )
    )
    stored = {row[0]: (row[1], row[2], row[3]) for row in rows}
    wrong = [
        str(event_id)
        for event_id, verdict in judged.verdicts.items()
        if stored.pop(event_id, None) != _as_row(verdict)
    ]
    return [*wrong, *map(str, stored)]


def _as_row(verdict: Verdict) -> tuple[Any, ...]:  # Any: columns of an outcome
    event = verdict.event
    return (
        verdict.outcome.value,
        event.seq if event else None,
        event.at if event else None,
    )


def _digest(connection: Connection, name: str) -> set[str]:
    row = _NAMED.get(name, "id")
    query = text(f"SELECT {row} || ' ' || md5(to_jsonb(t)::text) FROM {CORE}.{name} t")
    return set(connection.execute(query).scalars())


def _replay_records(connection: Connection) -> None:
    """Empty what records lead to, and apply them again in the log's order."""
    for name in _RECORD_TABLES:
        connection.execute(text(f"DELETE FROM {CORE}.{name}"))
    write_notices(connection)
    rows = (
        connection.execute(
            text(
                f"SELECT {ENTRY_COLUMNS} FROM {CORE}.event e WHERE e.hazard_id IS NULL"
                " ORDER BY e.number"
            )
        )
        .mappings()
        .all()
    )
    for row in rows:
        is_arrival = row["trusted"] and row["type"] == RecordType.EVIDENCE_STORED
        verdict = APPLIED if is_arrival else apply_record(connection, as_record(dict(row)))
        write_outcome(connection, row["id"], None, verdict)
