"""One record into the log, and what it leads to, in one transaction.

The same bytes under the same id change nothing and get the same answer; other bytes are a
conflict. What the workflow refuses is kept, with its reason. What has not arrived is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from shapely import Point
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import ConflictError, ForbiddenError, InFlightError
from gis.hazards import ledger
from gis.hazards.case import Outcome, Reason, Verdict
from gis.hazards.envelope import Envelope, correct_moment, hash_body, read_envelope
from gis.hazards.events import EventType, Role
from gis.hazards.flood_duty import FIELD_STEPS, FLOOD_PAYLOADS
from gis.hazards.flood_records import lock_duty
from gis.hazards.judge import judge_all
from gis.hazards.plot_records import lock_plot, settle_plot, write_plot_row
from gis.hazards.plots import PLOT_PAYLOADS
from gis.hazards.receipt import Receipt, make_receipt
from gis.hazards.reception import DEFAULT_RULES, HouseRules, settle_facts, settle_place
from gis.hazards.records import Record, RecordType
from gis.hazards.rounds import apply_record

_EVIDENCE_NAMESPACE = UUID("0d9c1f6a-7a53-5a0c-8f0e-3f9d7f2b6a11")


@dataclass(frozen=True, slots=True)
class Author:
    """Who sends a record, and in which capacities he may act.

    ``others``: the people (account: login) whose records he may hand in (an exported outbox).
    """

    account_id: UUID
    login: str
    roles: frozenset[Role]
    others: Mapping[UUID, str] = field(default_factory=dict)
    hazard_id: UUID | None = None


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
    _require_author(envelope, author)
    _append(connection, envelope, digest, author, now=now, client_now=client_now, rules=rules)
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


def _require_author(envelope: Envelope, author: Author) -> None:
    if envelope.account != author.account_id:
        if envelope.account in author.others:
            return
        raise ForbiddenError(
            Text(
                zh="此记录属于另一人:请由其本人登录后上传,或由办公室导入",
                en="this is another person's record: let that person log in and send it,"
                " or have the office import it",
            ),
            rule="not-yours",
        )
    if author.hazard_id is not None and envelope.hazard_id != author.hazard_id:
        raise ForbiddenError(
            Text(zh="链接只用于另一隐患", en="the link is for another hazard"), rule="other-hazard"
        )
    if not _may_say(envelope, author.roles):
        raise ForbiddenError(
            Text(zh="你没有以此身份办理的权限", en="you may not act in this role"), rule="role"
        )


_OFFICE = frozenset({Role.OFFICER, Role.LEADER})


def _may_say(envelope: Envelope, roles: frozenset[Role]) -> bool:
    """Whether one of these roles may send such a record; what we do not know yet, anyone may."""
    if envelope.type in set(EventType):
        return envelope.role in roles and envelope.role is not Role.SYSTEM
    if envelope.type == RecordType.VISITED:
        return Role.INSPECTOR in roles
    if envelope.type in FIELD_STEPS:
        return bool(({Role.INSPECTOR} | _OFFICE) & roles)
    return envelope.type not in set(RecordType) or bool(_OFFICE & roles)


def _append(
    connection: Connection,
    envelope: Envelope,
    digest: bytes,
    author: Author,
    *,
    now: datetime,
    client_now: datetime | None,
    rules: HouseRules,
) -> None:
    hazard_id = _hazard_of(envelope)
    lock_evidence(connection, (note.sha256 for note in envelope.evidence), shared=True)
    if hazard_id is not None:
        ledger.lock_hazard(connection, hazard_id)
    _lock_subject(connection, envelope)
    at, skew_ms = correct_moment(envelope.device.at, client_now=client_now, now=now)
    fix = envelope.fix
    raw = Point(fix.lon, fix.lat) if fix else None
    place, township = settle_place(connection, envelope.asset_id, _payload_point(envelope), raw)
    actor = author.others.get(envelope.account, author.login)
    settled = _settle(connection, envelope, hazard_id, at, rules)
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
            "actor": actor,
            "account_id": envelope.account,
            "device_id": envelope.device.id,
            "device_seq": envelope.device.seq,
            "prev_hash": bytes.fromhex(envelope.prev_hash) if envelope.prev_hash else None,
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
        _take_record(connection, envelope, number, at, actor, township, settled)


def _lock_subject(connection: Connection, envelope: Envelope) -> None:
    """Of two records about one thing the log's order decides: its number is drawn under a lock."""
    if envelope.type in FLOOD_PAYLOADS:
        lock_duty(connection)
    elif envelope.type in PLOT_PAYLOADS and envelope.asset_id is not None:
        lock_plot(connection, envelope.asset_id)


def _settle(
    connection: Connection,
    envelope: Envelope,
    hazard_id: UUID | None,
    at: datetime,
    rules: HouseRules,
) -> dict[str, Any]:  # Any: JSON
    if envelope.type in PLOT_PAYLOADS:
        given = (envelope.type, envelope.asset_id, envelope.payload)
        return settle_plot(connection, *given, rules.calendar)
    return settle_facts(connection, envelope.type, hazard_id, at, rules)


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


def _take_record(
    connection: Connection,
    envelope: Envelope,
    number: int,
    at: datetime,
    actor: str,
    township: str | None,
    settled: Mapping[str, Any],  # Any: JSON
) -> None:
    if envelope.type not in set(RecordType) or envelope.type == RecordType.EVIDENCE_STORED:
        unknown = Text(
            zh="本程序不认识这类记录", en="this program does not know this kind of record"
        )
        verdict = Verdict(Outcome.REFUSED, Reason("type", unknown))
        return ledger.write_outcome(connection, envelope.id, None, verdict)
    record = Record(
        id=envelope.id,
        number=number,
        type=RecordType(envelope.type),
        at=at,
        actor=actor,
        payload=envelope.payload,
        visit_id=envelope.visit_id,
        campaign_id=envelope.campaign_id,
        task_id=envelope.task_id,
        asset_id=envelope.asset_id,
        township=township,
        settled=settled,
    )
    return settle_record(connection, record)


def settle_record(connection: Connection, record: Record) -> None:
    """Judge a record that was just appended and write what it leads to."""
    verdict = apply_record(connection, record)
    ledger.write_outcome(connection, record.id, None, verdict)
    if verdict.outcome is Outcome.APPLIED:
        write_plot_row(connection, record)


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
