"""What records of flood duty lead to: rows of shifts, levels, call-outs, incidents, stocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Table, insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gis.attributes import Text, Vocabulary
from gis.db.flood_tables import (
    call_out,
    call_out_step,
    duty_shift,
    flood_level,
    flood_supply,
    flood_team,
    incident,
    incident_report,
)
from gis.db.tables import CORE
from gis.hazards.case import Outcome, Reason, Verdict
from gis.hazards.events import Payload
from gis.hazards.flood_duty import (
    STEPS,
    ActionTaken,
    CalledOut,
    CallOut,
    CallOutCancelled,
    CallOutStep,
    IncidentNoted,
    IncidentReported,
    ResponseChanged,
    ShiftCancelled,
    ShiftPlanned,
    SupplyCounted,
    TeamListed,
    WaterMeasured,
    find_moment_breach,
    find_report_breach,
    find_shift_breach,
    find_step_breach,
)
from gis.hazards.profiles import IncidentReport
from gis.hazards.record_types import RecordType
from gis.hazards.records import Record

P = TypeVar("P", bound=Payload)
_APPLIED = Verdict(Outcome.APPLIED)
_LOCK = 7264


def lock_duty(connection: Connection) -> None:
    """One writer of flood duty at a time, before its number is drawn: the log's order judges."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key, 0)"), {"key": _LOCK})


def _refuse(rule: str, zh: str, en: str) -> Verdict:
    return Verdict(Outcome.REFUSED, Reason(rule, Text(zh=zh, en=en)))


def _judge(breach: Reason | None) -> Verdict | None:
    return None if breach is None else Verdict(Outcome.REFUSED, breach)


def _as(model: type[P], payload: Payload) -> P:
    if not isinstance(payload, model):
        raise TypeError(f"{model.__name__} expected, not {type(payload).__name__}")
    return payload


def _value(word: Vocabulary | None) -> str | None:
    return None if word is None else word.value


def _is_flood_point(connection: Connection, record: Record) -> bool:
    found = connection.execute(
        text(f"SELECT kind FROM {CORE}.asset WHERE id = :id"), {"id": record.asset_id}
    ).scalar()
    return bool(found == "flood_point")


_NO_POINT = ("point", "请指明易涝点", "it names no flood point")


def _plan_shift(connection: Connection, record: Record, payload: Payload) -> Verdict:
    shift = _as(ShiftPlanned, payload)
    if (refusal := _judge(find_shift_breach(shift, record.at))) is not None:
        return refusal
    connection.execute(
        insert(duty_shift).values(
            id=record.id,
            event_id=record.id,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            leader=shift.leader,
            phone=shift.phone,
            members=list(shift.members),
            response=_value(shift.response),
        )
    )
    return _APPLIED


def _cancel_shift(connection: Connection, record: Record, payload: Payload) -> Verdict:
    cancelled = _as(ShiftCancelled, payload)
    done = connection.execute(
        update(duty_shift)
        .where(duty_shift.c.id == cancelled.shift, duty_shift.c.cancelled_at.is_(None))
        .values(cancelled_at=record.at, cancelled_because=cancelled.reason, event_id=record.id)
    )
    if done.rowcount:
        return _APPLIED
    return _refuse("shift", "没有此班次,或已撤销", "no such shift, or it is cancelled")


def _change_level(connection: Connection, record: Record, payload: Payload) -> Verdict:
    level = _as(ResponseChanged, payload)
    since = level.since or record.at
    if (refusal := _judge(find_moment_breach(since, record.at))) is not None:
        return refusal
    last = connection.execute(
        text(f"SELECT since, response, warning FROM {CORE}.flood_level ORDER BY since DESC LIMIT 1")
    ).first()
    if last is not None and since <= last.since:
        return _refuse(
            "level-order", "早于最近一次变更", "it is not after the change that is on record"
        )
    before = (last.response, last.warning) if last is not None else (None, None)
    if before == (_value(level.response), _value(level.warning)):
        return _refuse("same-level", "与现行预警响应相同", "warning and response are these already")
    connection.execute(
        insert(flood_level).values(
            id=record.id,
            event_id=record.id,
            since=since,
            response=_value(level.response),
            warning=_value(level.warning),
            document=level.document,
            note=level.note,
            actor=record.actor,
        )
    )
    return _APPLIED


def _call(connection: Connection, record: Record, payload: Payload) -> Verdict:
    called = _as(CalledOut, payload)
    if not _is_flood_point(connection, record):
        return _refuse(*_NO_POINT)
    at = called.at or record.at
    if (refusal := _judge(find_moment_breach(at, record.at))) is not None:
        return refusal
    connection.execute(
        insert(call_out).values(
            id=record.id,
            event_id=record.id,
            asset_id=record.asset_id,
            team=called.team,
            warning=_value(called.warning),
            called_at=at,
        )
    )
    return _APPLIED


_CALL_OUT = text(
    "SELECT c.called_at, c.arrived_at, c.water_gone_at, c.cancelled_at,"
    f" (SELECT max(s.at) FROM {CORE}.call_out_step s WHERE s.call_out_id = c.id"
    " AND s.step IN ('water_measured', 'action_taken')) AS seen_at"
    f" FROM {CORE}.call_out c WHERE c.id = :id"
)
_MARKS = {
    RecordType.TEAM_ARRIVED: "arrived_at",
    RecordType.WATER_GONE: "water_gone_at",
    RecordType.CALL_OUT_CANCELLED: "cancelled_at",
}


def _step(connection: Connection, record: Record, payload: Payload) -> Verdict:
    step = _as(CallOutStep, payload)
    row = connection.execute(_CALL_OUT, {"id": step.call_out}).mappings().first()
    if row is None:
        return _refuse("call-out", "没有此次调派", "no such call-out")
    at = step.at or record.at
    breach = find_moment_breach(at, record.at) or find_step_breach(
        CallOut(**row), RecordType(record.type), at
    )
    if (refusal := _judge(breach)) is not None:
        return refusal
    _write_step(connection, record, step, at)
    return _APPLIED


def _write_step(connection: Connection, record: Record, step: CallOutStep, at: datetime) -> None:
    words = step.note
    if isinstance(step, ActionTaken):
        words = step.action
    elif isinstance(step, CallOutCancelled):
        words = step.reason
    connection.execute(
        insert(call_out_step).values(
            id=record.id,
            event_id=record.id,
            call_out_id=step.call_out,
            step=record.type,
            at=at,
            depth_m=step.depth_m if isinstance(step, WaterMeasured) else None,
            words=words,
            actor=record.actor,
        )
    )
    if (name := _MARKS.get(RecordType(record.type))) is not None:
        connection.execute(
            update(call_out)
            .where(call_out.c.id == step.call_out)
            .values({name: at, "event_id": record.id})
        )


def _note_incident(connection: Connection, record: Record, payload: Payload) -> Verdict:
    noted = _as(IncidentNoted, payload)
    if record.asset_id is not None and not _is_flood_point(connection, record):
        return _refuse(*_NO_POINT)
    if (refusal := _judge(find_moment_breach(noted.happened_at, record.at))) is not None:
        return refusal
    connection.execute(
        insert(incident).values(
            id=record.id,
            event_id=record.id,
            asset_id=record.asset_id,
            happened_at=noted.happened_at,
            words=noted.what,
            actor=record.actor,
        )
    )
    return _APPLIED


_REPORTS = text(
    "SELECT i.happened_at, coalesce((SELECT array_agg(r.serial ORDER BY r.number)"
    f" FROM {CORE}.incident_report r WHERE r.incident_id = i.id), '{{}}') AS serials,"
    f" (SELECT max(r.at) FROM {CORE}.incident_report r WHERE r.incident_id = i.id) AS last_at"
    f" FROM {CORE}.incident i WHERE i.id = :id"
)


def _report(connection: Connection, record: Record, payload: Payload) -> Verdict:
    report = _as(IncidentReported, payload)
    row = connection.execute(_REPORTS, {"id": report.incident}).first()
    if row is None:
        return _refuse("incident", "没有此险情", "no such incident")
    at = report.at or record.at
    serials = [*map(IncidentReport, row.serials), report.serial]
    if (words := find_report_breach(serials)) is not None:
        return Verdict(Outcome.REFUSED, Reason("report-order", words))
    if at < (row.last_at or row.happened_at):
        return _refuse(
            "report-time",
            "早于险情发生或上一次报告",
            "it is before the incident, or the report before it",
        )
    if (refusal := _judge(find_moment_breach(at, record.at))) is not None:
        return refusal
    _write_report(connection, record, report, at, len(serials))
    return _APPLIED


def _write_report(
    connection: Connection, record: Record, report: IncidentReported, at: datetime, number: int
) -> None:
    connection.execute(
        insert(incident_report).values(
            id=record.id,
            event_id=record.id,
            incident_id=report.incident,
            number=number,
            serial=report.serial.value,
            at=at,
            sent_to=report.sent_to,
            is_upward=report.is_upward,
            words=report.what,
            actor=record.actor,
        )
    )


def _list_team(connection: Connection, record: Record, payload: Payload) -> Verdict:
    team = _as(TeamListed, payload).model_dump(exclude={"note"})
    return _put(connection, flood_team, ["name"], team, record.id)


def _count_supply(connection: Connection, record: Record, payload: Payload) -> Verdict:
    supply = _as(SupplyCounted, payload).model_dump(exclude={"note"})
    return _put(connection, flood_supply, ["name", "station"], supply, record.id)


def _put(
    connection: Connection,
    table: Table,
    key: list[str],
    values: dict[str, Any],  # Any: columns
    event_id: UUID,
) -> Verdict:
    row = {**values, "event_id": event_id}
    statement = upsert(table).values(**row)
    changed = {name: value for name, value in row.items() if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))
    return _APPLIED


FLOOD_EFFECTS: Mapping[RecordType, Callable[[Connection, Record, Payload], Verdict]] = {
    RecordType.SHIFT_PLANNED: _plan_shift,
    RecordType.SHIFT_CANCELLED: _cancel_shift,
    RecordType.RESPONSE_CHANGED: _change_level,
    RecordType.CALLED_OUT: _call,
    **dict.fromkeys(STEPS, _step),
    RecordType.INCIDENT_NOTED: _note_incident,
    RecordType.INCIDENT_REPORTED: _report,
    RecordType.TEAM_LISTED: _list_team,
    RecordType.SUPPLY_COUNTED: _count_supply,
}
