"""One record into the log, and what it leads to, in one transaction.

The same bytes under the same id change nothing and get the same answer; other bytes are a
conflict. What the workflow refuses is kept, with its reason. What has not arrived is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid5

from shapely import Point
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import ConflictError, InFlightError
from gis.hazards import ledger
from gis.hazards.admission import REFUSED, Admission, Author, admit
from gis.hazards.case import Outcome, Verdict
from gis.hazards.envelope import Envelope, correct_moment, hash_body, read_envelope
from gis.hazards.events import EventType, Role
from gis.hazards.judge import judge_all
from gis.hazards.receipt import Receipt, make_receipt
from gis.hazards.reception import DEFAULT_RULES, HouseRules, settle_facts, settle_place
from gis.hazards.records import RecordType
from gis.hazards.rounds import Record, apply_record

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
    _append(connection, envelope, digest, admission, now=now, client_now=client_now, rules=rules)
    return make_receipt(connection, envelope.id, is_new=True)


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
    connection: Connection,
    envelope: Envelope,
    digest: bytes,
    admission: Admission,
    *,
    now: datetime,
    client_now: datetime | None,
    rules: HouseRules,
) -> None:
    hazard_id = _hazard_of(envelope)
    lock_evidence(connection, (note.sha256 for note in envelope.evidence), shared=True)
    if hazard_id is not None:
        ledger.lock_hazard(connection, hazard_id)
    at, skew_ms = correct_moment(envelope.device.at, client_now=client_now, now=now)
    fix = envelope.fix
    raw = Point(fix.lon, fix.lat) if fix else None
    place, township = settle_place(connection, envelope.asset_id, _payload_point(envelope), raw)
    settled = settle_facts(connection, envelope.type, hazard_id, at, rules)
    if admission.objection is not None:
        settled[REFUSED] = admission.objection.as_json()
    device = envelope.device if admission.is_of_device else None
    number = ledger.write_event(
        connection,
        {
            **envelope.model_dump(
                mode="json",
                include={
                    "id",
                    "type",
                    "role",
                    "visit_id",
                    "campaign_id",
                    "task_id",
                    "asset_id",
                    "asset_choice",
                    "expected_version",
                    "form",
                    "payload",
                },
            ),
            "hazard_id": hazard_id,
            "evidence": [n.model_dump(mode="json", exclude_none=True) for n in envelope.evidence],
            "at": at,
            "device_at": envelope.device.at,
            "skew_ms": skew_ms,
            "actor": admission.actor,
            "account_id": admission.account_id,
            "device_id": device.id if device else None,
            "device_seq": device.seq if device else None,
            "prev_hash": bytes.fromhex(envelope.prev_hash)
            if envelope.prev_hash and device
            else None,
            "body_sha256": digest,
            "geom_raw": raw,
            "accuracy_m": fix.accuracy_m if fix else None,
            "accuracy_level": fix.level if fix else None,
            "fix_source": fix.source.value if fix else None,
            "fix_at": fix.at if fix else None,
            "township": township,
            "place": place,
            "settled": settled,
        },
    )
    if hazard_id is not None:
        settle_hazard(connection, hazard_id, new_event=envelope.id)
    else:
        record = Record(
            id=envelope.id,
            number=number,
            type=envelope.type,
            at=at,
            actor=admission.actor,
            payload=envelope.payload,
            visit_id=envelope.visit_id,
            campaign_id=envelope.campaign_id,
            task_id=envelope.task_id,
            asset_id=envelope.asset_id,
            township=township,
            settled=settled,
        )
        ledger.write_outcome(connection, envelope.id, None, apply_record(connection, record))


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


def _hazard_of(envelope: Envelope) -> UUID | None:
    """The hazard a record is a step of; a discovery without one begins a hazard of its own id."""
    if envelope.type not in set(EventType):
        return None
    return envelope.hazard_id or envelope.id


def _payload_point(envelope: Envelope) -> Point | None:
    lon, lat = envelope.payload.get("lon"), envelope.payload.get("lat")
    if not (isinstance(lon, int | float) and isinstance(lat, int | float)):
        return None
    return Point(float(lon), float(lat)) if abs(lon) <= 180 and abs(lat) <= 85 else None


def settle_hazard(
    connection: Connection, hazard_id: UUID, *, new_event: UUID | None = None
) -> None:
    """Judge what waits for a hazard (and the event just appended); the caller holds its lock."""
    case, waiting = ledger.read_case(connection, hazard_id, fresh=new_event)
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
        settle_hazard(connection, hazard_id)
    return True
