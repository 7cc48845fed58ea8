"""One record into the log, and what it leads to, in one transaction.

The same bytes under the same id change nothing and get the same answer; other bytes are a
conflict. What the workflow refuses is kept, with its reason. What has not arrived is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from shapely import Point
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import ConflictError, InFlightError
from gis.hazards import ledger
from gis.hazards.admission import REFUSED, Admission, Author, admit
from gis.hazards.case import RULES, Outcome, Reason, Verdict
from gis.hazards.devices import find_double
from gis.hazards.envelope import Envelope, correct_moment, hash_body, read_envelope
from gis.hazards.events import EventType, Role
from gis.hazards.faults import explain_fault, is_records_own, log_fault
from gis.hazards.flood_duty import FLOOD_PAYLOADS
from gis.hazards.flood_records import lock_duty
from gis.hazards.judge import judge_all
from gis.hazards.plot_records import lock_plot, settle_plot, write_plot_row
from gis.hazards.plots import PLOT_PAYLOADS
from gis.hazards.receipt import Receipt, make_receipt
from gis.hazards.reception import (
    DEFAULT_RULES,
    HouseRules,
    settle_facts,
    settle_order,
    settle_place,
)
from gis.hazards.records import Record, RecordType, as_record
from gis.hazards.rounds import apply_record

__all__ = ["Author", "lock_evidence", "note_evidence", "receive", "settle_hazard"]
_EVIDENCE_NAMESPACE = UUID("0d9c1f6a-7a53-5a0c-8f0e-3f9d7f2b6a11")


def receive(
    connection: Connection,
    body: bytes,
    *,
    author: Author,
    now: datetime,
    client_now: datetime | None = None,
    expected_id: UUID | None = None,
    rules: HouseRules = DEFAULT_RULES,
) -> Receipt:
    """Take one record in; commit when the block ends means it is kept.

    Raises InputError (not a record), InFlightError (the same id is being taken in right now),
    ConflictError (the id is known with other bytes), ForbiddenError (not his record).
    """
    envelope = read_envelope(body)
    if expected_id is not None and envelope.id != expected_id:
        raise ConflictError(
            Text(zh="地址中的编号与记录不符", en="the address names another record")
        )
    _claim(connection, envelope.id)
    digest = hash_body(body)
    if (known := _read_known(connection, envelope.id)) is not None:
        _require_same(known, digest, envelope)
        return make_receipt(connection, envelope.id, is_new=False)
    admission = admit(envelope, digest, author)
    arrival = _Arrival(envelope, digest, now, client_now, rules)
    if admission.objection is None:
        admission = replace(admission, objection=find_double(connection, envelope))
    if admission.objection is None:
        admission = _settle(connection, arrival, admission)
    if admission.objection is not None:
        _refuse(connection, arrival, admission, admission.objection)
    return make_receipt(connection, envelope.id, is_new=True)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A record as it comes in: its bytes' hash, when by our clock and by the device's."""

    envelope: Envelope
    digest: bytes
    now: datetime
    client_now: datetime | None
    rules: HouseRules

    @property
    def hazard_id(self) -> UUID | None:
        """The hazard it is a step of; a discovery without one begins a hazard of its own id."""
        if self.envelope.type not in set(EventType):
            return None
        return self.envelope.hazard_id or self.envelope.id


def _settle(connection: Connection, arrival: _Arrival, admission: Admission) -> Admission:
    """Append and judge a record; with what stands against it where that cannot be done.

    What waited for it may be at fault as well: then it is judged without that.
    """
    for alone in (False, True):
        try:
            with connection.begin_nested():
                _append(connection, arrival, admission, alone=alone)
        except Exception as error:
            objection = explain_fault(error, arrival.envelope.id)
        else:
            return admission
    return replace(admission, objection=objection)


def _refuse(
    connection: Connection, arrival: _Arrival, admission: Admission, objection: Reason
) -> None:
    """Keep a record that is refused at the door; the refusal is in the log with it."""
    values = _as_row(arrival, admission) | {"settled": {REFUSED: objection.as_json()}}
    ledger.write_event(connection, values)
    verdict = Verdict(Outcome.REFUSED, objection)
    ledger.write_outcome(connection, arrival.envelope.id, arrival.hazard_id, verdict)


def _claim(connection: Connection, event_id: UUID) -> None:
    claimed = connection.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:id, 7262))"),
        {"id": str(event_id)},
    ).scalar()
    if not claimed:
        raise InFlightError(
            Text(zh="该记录正在接收,请稍后重试", en="this record is being taken in; retry shortly")
        )


def _read_known(connection: Connection, event_id: UUID) -> bytes | None:
    row = connection.execute(
        text(f"SELECT coalesce(body_sha256, ''::bytea) FROM {CORE}.event WHERE id = :id"),
        {"id": event_id},
    ).first()
    return None if row is None else bytes(row[0])


def _require_same(known: bytes, digest: bytes, envelope: Envelope) -> None:
    if known != digest:
        raise ConflictError(
            Text(
                zh="事件编号 {id} 已被另一内容占用",
                en="the event id {id} is taken by other content",
            ).format(id=envelope.id),
            id=str(envelope.id),
        )


def _append(
    connection: Connection, arrival: _Arrival, admission: Admission, *, alone: bool
) -> None:
    """Append a record and judge it (``alone``: and nothing that waited for it)."""
    envelope, hazard_id = arrival.envelope, arrival.hazard_id
    lock_evidence(connection, (note.sha256 for note in envelope.evidence), shared=True)
    if envelope.type == EventType.DUPLICATE and hazard_id is not None:
        ledger.lock_survivor(connection, hazard_id, envelope.payload.get("survivor"))
    elif hazard_id is not None:
        ledger.lock_hazard(connection, hazard_id)
    _lock_subject(connection, envelope)
    values = _as_row(arrival, admission)
    place, township = settle_place(
        connection, envelope.asset_id, _payload_point(envelope), values["geom_raw"]
    )
    settled = _settle_subject(connection, arrival, values["at"])
    values |= {"place": place, "township": township, "settled": {"rules": RULES, **settled}}
    values["number"] = ledger.write_event(connection, values)
    if hazard_id is not None:
        settle_hazard(connection, hazard_id, new_event=envelope.id, alone=alone)
    else:
        settle_record(connection, as_record(values))


def _lock_subject(connection: Connection, envelope: Envelope) -> None:
    """Of two records about one thing the log's order decides: its number is drawn under a lock."""
    if envelope.type in FLOOD_PAYLOADS:
        lock_duty(connection)
    elif envelope.type in PLOT_PAYLOADS and envelope.asset_id is not None:
        lock_plot(connection, envelope.asset_id)


def _settle_subject(
    connection: Connection, arrival: _Arrival, at: datetime
) -> dict[str, Any]:  # Any: JSON
    envelope = arrival.envelope
    if envelope.type in PLOT_PAYLOADS:
        given = (envelope.type, envelope.asset_id, envelope.payload)
        return settle_plot(connection, *given, arrival.rules.calendar)
    if envelope.type == EventType.FOUND:
        return settle_order(envelope.payload, envelope.form, at, arrival.rules)
    return settle_facts(connection, envelope.type, arrival.hazard_id, at, arrival.rules)


def _as_row(arrival: _Arrival, admission: Admission) -> dict[str, Any]:  # Any: columns
    """The columns of a record that follow from its bytes and its sender alone."""
    envelope, fix = arrival.envelope, arrival.envelope.fix
    at, skew_ms = correct_moment(envelope.device.at, client_now=arrival.client_now, now=arrival.now)
    own = {"device_id": envelope.device.id, "device_seq": envelope.device.seq}
    if envelope.prev_hash:
        own["prev_hash"] = bytes.fromhex(envelope.prev_hash)
    return {
        **envelope.model_dump(mode="json", include=_AS_SENT),
        **(own if admission.is_of_device else {}),
        **{name: getattr(envelope, name) for name in _IDENTIFIERS},
        "hazard_id": arrival.hazard_id,
        "evidence": [n.model_dump(mode="json", exclude_none=True) for n in envelope.evidence],
        "at": at,
        "device_at": envelope.device.at,
        "skew_ms": skew_ms,
        "actor": admission.actor,
        "account_id": admission.account_id,
        "body_sha256": arrival.digest,
        "geom_raw": Point(fix.lon, fix.lat) if fix else None,
        "accuracy_m": fix.accuracy_m if fix else None,
        "accuracy_level": fix.level if fix else None,
        "fix_source": fix.source.value if fix else None,
        "fix_at": fix.at if fix else None,
    }


_AS_SENT = {"type", "role", "asset_choice", "expected_version", "form", "payload"}
_IDENTIFIERS = ("id", "visit_id", "campaign_id", "task_id", "asset_id")


def lock_evidence(connection: Connection, hashes: Iterable[str], *, shared: bool) -> None:
    """Of a record that promises a file and the file's arrival, one sees the other.

    Taken before any hazard's lock and in sorted order: no two writers wait for each other.
    """
    how = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    wanted = sorted(set(hashes))
    if wanted:
        connection.execute(
            text(
                f"SELECT {how}(hashtextextended(h, 7263)) FROM"
                " (SELECT unnest(CAST(:hashes AS text[])) AS h ORDER BY 1) o"
            ),
            {"hashes": wanted},
        )


def _payload_point(envelope: Envelope) -> Point | None:
    lon, lat = envelope.payload.get("lon"), envelope.payload.get("lat")
    if not (isinstance(lon, int | float) and isinstance(lat, int | float)):
        return None
    return Point(float(lon), float(lat)) if abs(lon) <= 180 and abs(lat) <= 85 else None


def settle_record(connection: Connection, record: Record) -> None:
    """Judge a record that was just appended and write what it leads to."""
    verdict = apply_record(connection, record)
    ledger.write_outcome(connection, record.id, None, verdict)
    if verdict.outcome is Outcome.APPLIED:
        write_plot_row(connection, record)


def settle_hazard(
    connection: Connection,
    hazard_id: UUID,
    *,
    new_event: UUID | None = None,
    alone: bool = False,
) -> None:
    """Judge what waits for a hazard and the event just appended (``alone``: only that).

    The caller holds the hazard's lock.
    """
    case, waiting = ledger.read_case(connection, hazard_id, fresh=new_event)
    if any(entry.id != new_event for entry in waiting if entry.type == EventType.DUPLICATE):
        for other in sorted(other.id for other in case.others.values()):
            ledger.lock_hazard(connection, other)
        case, waiting = ledger.read_case(connection, hazard_id, fresh=new_event)
    if alone:
        waiting = [entry for entry in waiting if entry.id == new_event]
    if not waiting:
        return
    _, verdicts = judge_all(case, waiting)
    changed = [
        entry
        for entry in waiting
        if entry.id == new_event or verdicts[entry.id].outcome is not Outcome.WAITING
    ]
    ledger.write_outcomes(connection, case, changed, verdicts)


def note_evidence(
    connection: Connection, sha256: str, *, size: int, media: str, actor: str, now: datetime
) -> bool:
    """Say in the log that a promised file has arrived, and settle what waited for it.

    Whether it was news: a file arrives once, whoever sends it again.
    """
    event_id = uuid5(_EVIDENCE_NAMESPACE, sha256)
    lock_evidence(connection, [sha256], shared=False)
    if _read_known(connection, event_id) is not None:
        return False
    # Sorted, so that two files that wake the same hazards do not wait for each other.
    hazards = connection.execute(
        text(
            f"SELECT DISTINCT hazard_id FROM {CORE}.event WHERE hazard_id IS NOT NULL"
            " AND evidence @> jsonb_build_array(jsonb_build_object('sha256', CAST(:h AS text)))"
            " ORDER BY 1"
        ),
        {"h": sha256},
    ).scalars()
    hazard_ids = list(hazards)
    for hazard_id in hazard_ids:
        ledger.lock_hazard(connection, hazard_id)
    ledger.write_event(
        connection,
        {
            "id": event_id,
            "type": RecordType.EVIDENCE_STORED.value,
            "at": now,
            "actor": actor,
            "role": Role.SYSTEM.value,
            "payload": {"sha256": sha256, "bytes": size, "media": media},
        },
    )
    ledger.write_outcome(connection, event_id, None, Verdict(Outcome.APPLIED))
    for hazard_id in hazard_ids:
        _wake(connection, hazard_id)
    return True


def _wake(connection: Connection, hazard_id: UUID) -> None:
    """Judge what waited for a file; a fault there does not turn the file away."""
    try:
        with connection.begin_nested():
            settle_hazard(connection, hazard_id)
    except Exception as error:
        if not is_records_own(error):
            raise
        log_fault(error, f"hazard {hazard_id}")
