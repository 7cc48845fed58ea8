"""What the records that are no step of a hazard lead to: visits, campaigns, tasks, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid5

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, insert, text, update

from gis.attributes import Text
from gis.db.event_tables import campaign, task, visit
from gis.db.tables import CORE
from gis.hazards.case import Outcome, Reason, Verdict
from gis.hazards.deadlines import business_day
from gis.hazards.events import Payload
from gis.hazards.flood_records import FLOOD_EFFECTS
from gis.hazards.notices import acknowledge
from gis.hazards.plot_records import PLOT_EFFECTS
from gis.hazards.records import (
    RECORDS,
    Acknowledged,
    CampaignOpened,
    Record,
    RecordType,
    TargetsAssigned,
    TargetsDrawn,
    Visited,
    VisitResult,
)

_APPLIED = Verdict(Outcome.APPLIED)


def apply_record(connection: Connection, record: Record) -> Verdict:
    """Write what a record leads to; the verdict on it."""
    try:
        payload = RECORDS[record.type].model_validate(dict(record.payload))
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) or "payload"
        return _refuse(
            "payload",
            Text(zh="记录内容的 {where} 有误", en="the record's {where} is wrong").format(
                where=where[:80]
            ),
        )
    return _EFFECTS[record.type](connection, record, payload)


def _refuse(rule: str, words: Text) -> Verdict:
    return Verdict(Outcome.REFUSED, Reason(rule, words))


def _visit(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, Visited):
        raise TypeError("a visit carries Visited")
    if record.visit_id is None:
        return _refuse("visit", Text(zh="缺少检查编号", en="it names no visit"))
    known = connection.execute(
        text(f"SELECT 1 FROM {CORE}.visit WHERE id = :id"), {"id": record.visit_id}
    ).scalar()
    if known:
        return _refuse("exists", Text(zh="此检查已登记", en="this visit is on record already"))
    plain = payload.model_dump(mode="json")
    connection.execute(
        insert(visit).values(
            id=record.visit_id,
            event_id=record.id,
            asset_id=record.asset_id,
            task_id=record.task_id,
            at=record.at,
            actor=record.actor,
            township=record.township,
            **{name: plain[name] for name in _VISIT_COLUMNS},
        )
    )
    _finish_tasks(connection, record, payload)
    return _APPLIED


_VISIT_COLUMNS = ("category", "result", "team", "joint", "accompanied_by", "checklist", "flood")


def _finish_tasks(connection: Connection, record: Record, payload: Visited) -> None:
    """A visit serves the task it names, or every open one of its asset and category that day."""
    entered = payload.result is not VisitResult.NO_ENTRY
    connection.execute(
        text(
            f"UPDATE {CORE}.task t SET state = :state, visit_id = :visit, changed_number = :number"
            f" FROM {CORE}.campaign c WHERE c.id = t.campaign_id"
            " AND t.state IN ('todo', 'no_entry')"
            " AND c.starts_on <= :day AND (t.id = :task OR t.asset_id = :asset"
            " AND t.category = :category AND c.is_open)"
        ),
        {
            "state": "done" if entered else "no_entry",
            "visit": record.visit_id,
            "number": record.number,
            "day": business_day(record.at),
            "task": record.task_id,
            "asset": record.asset_id,
            "category": payload.category.value,
        },
    )


def _open(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, CampaignOpened):
        raise TypeError("an opening carries CampaignOpened")
    plain = payload.model_dump(mode="json", exclude_none=True)
    connection.execute(
        insert(campaign).values(
            id=record.campaign_id,
            name=payload.name,
            document=payload.document,
            rules=plain["rules"],
            starts_on=payload.starts_on,
            due_on=payload.due_on,
        )
    )
    return _APPLIED


def make_task_id(campaign_id: UUID, asset_id: UUID, category: str) -> UUID:
    """The same target of the same campaign is the same task, however often it is drawn."""
    return uuid5(campaign_id, f"{asset_id}\n{category}")


def _draw(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, TargetsDrawn) or record.campaign_id is None:
        return _refuse("payload", Text(zh="缺少专项检查", en="it names no campaign"))
    rows = [
        (make_task_id(record.campaign_id, asset, stratum.category.value), asset, stratum.category)
        for stratum in payload.strata
        for asset in stratum.assets
    ]
    connection.execute(
        text(
            f"INSERT INTO {CORE}.task (id, campaign_id, asset_id, category, due_on, changed_number)"
            " SELECT r.id, c.id, r.asset, r.category, c.due_on, :number FROM"
            " unnest(CAST(:ids AS uuid[]), CAST(:assets AS uuid[]), CAST(:categories AS text[]))"
            f" AS r(id, asset, category), {CORE}.campaign c WHERE c.id = :campaign"
            " ON CONFLICT DO NOTHING"
        ),
        {
            "number": record.number,
            "campaign": record.campaign_id,
            "ids": [str(row[0]) for row in rows],
            "assets": [str(row[1]) for row in rows],
            "categories": [row[2].value for row in rows],
        },
    )
    population = {s.category.value: s.population for s in payload.strata}
    connection.execute(
        update(campaign).where(campaign.c.id == record.campaign_id).values(population=population)
    )
    return _APPLIED


def _assign(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, TargetsAssigned):
        raise TypeError("an assignment carries TargetsAssigned")
    connection.execute(
        update(task)
        .where(task.c.campaign_id == record.campaign_id)
        .where(task.c.id == text("ANY(:ids)").bindparams(ids=list(payload.tasks)))
        .values(assigned_to=payload.to, changed_number=record.number)
    )
    return _APPLIED


def _close(connection: Connection, record: Record, _payload: Payload) -> Verdict:
    connection.execute(
        update(campaign).where(campaign.c.id == record.campaign_id).values(is_open=False)
    )
    connection.execute(
        update(task)
        .where(task.c.campaign_id == record.campaign_id)
        .where(task.c.state == "todo")
        .values(state="dropped", changed_number=record.number)
    )
    return _APPLIED


def _note(_connection: Connection, _record: Record, _payload: Payload) -> Verdict:
    return _APPLIED


def _acknowledge(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, Acknowledged):
        raise TypeError("an acknowledgement carries Acknowledged")
    notice_id = payload.notice
    is_his = acknowledge(
        connection, notice_id, record.actor, at=record.at, before_number=record.number
    )
    if is_his:
        return _APPLIED
    return _refuse(
        "notice", Text(zh="没有发给本人的此督办通知", en="no such notice to this person")
    )


_EFFECTS: Mapping[RecordType, Callable[[Connection, Record, Payload], Verdict]] = {
    RecordType.VISITED: _visit,
    RecordType.CAMPAIGN_OPENED: _open,
    RecordType.TARGETS_DRAWN: _draw,
    RecordType.TARGETS_ASSIGNED: _assign,
    RecordType.CAMPAIGN_CLOSED: _close,
    RecordType.EVIDENCE_STORED: _note,
    RecordType.ACKNOWLEDGED: _acknowledge,
    **FLOOD_EFFECTS,
    **PLOT_EFFECTS,
}


def draw_targets(
    connection: Connection,
    rules: Mapping[str, Any],  # Any: a TargetRule as JSON
) -> tuple[int, list[UUID]]:
    """(how many there are, those drawn) by one rule: assets of a kind, perhaps of one township.

    A sample takes ``ceil(rate × population)`` by the order of a hash of seed and id, so the same
    seed draws the same assets and nobody chooses.
    """
    from gis.kinds import get_kind

    kind = get_kind(str(rules["kind"])).kind
    rows = (
        connection.execute(
            text(
                f"SELECT id FROM {CORE}.{kind} WHERE (CAST(:township AS text) IS NULL"
                " OR township = :township) ORDER BY md5(:seed || id::text)"
            ),
            {"township": rules.get("township"), "seed": str(rules.get("seed") or 0)},
        )
        .scalars()
        .all()
    )
    if rules.get("mode") == "sample":
        share = -(-len(rows) * round(float(rules["rate"]) * 1_000_000) // 1_000_000)
        return len(rows), list(rows[:share])
    return len(rows), list(rows)


def as_json(payload: Payload) -> dict[str, Any]:  # Any: JSON
    """A payload as the log keeps it."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(payload.model_dump(mode="json")))
    return plain
