"""What the records that are no step of a hazard lead to: visits, campaigns, tasks, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid5

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, case, insert, text, update

from gis.attributes import Text
from gis.db.event_tables import campaign, task, visit
from gis.db.tables import CORE
from gis.hazards.admission import read_refusal
from gis.hazards.case import Outcome, Reason, Verdict
from gis.hazards.deadlines import business_day
from gis.hazards.events import Payload
from gis.hazards.flood_records import FLOOD_EFFECTS
from gis.hazards.forms import find_answer_breach
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
from gis.hazards.sites import list_due_sites
from gis.kinds import get_kind

APPLIED = Verdict(Outcome.APPLIED)
"""What happens as it was recorded."""


def apply_record(connection: Connection, record: Record) -> Verdict:
    """Write what a record leads to; the verdict on it."""
    if (refusal := read_refusal(record.settled)) is not None:
        return Verdict(Outcome.REFUSED, refusal)
    if record.type not in _EFFECTS:
        return _refuse(
            "type",
            Text(zh="本程序不认识这类记录", en="this program does not know this kind of record"),
        )
    type_ = RecordType(record.type)
    try:
        payload = RECORDS[type_].model_validate(dict(record.payload))
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) or "payload"
        return _refuse(
            "payload",
            Text(zh="记录内容的 {where} 有误", en="the record's {where} is wrong").format(
                where=where[:80]
            ),
        )
    return _EFFECTS[type_](connection, record, payload)


def _refuse(rule: str, words: Text) -> Verdict:
    return Verdict(Outcome.REFUSED, Reason(rule, words))


def _visit(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, Visited):
        raise TypeError("a visit carries Visited")
    if record.visit_id is None:
        return _refuse("visit", Text(zh="缺少检查编号", en="it names no visit"))
    if record.rules >= 2 and (breach := find_answer_breach(record.form, payload)) is not None:
        return _refuse("answers", breach)
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
    done = _finish_tasks(connection, record, payload)
    if record.task_id is None or record.task_id in done or record.rules < 2:
        return APPLIED
    return Verdict(Outcome.APPLIED, _explain_task(connection, record, payload))


_NO_CAMPAIGN = Text(zh="缺少专项检查", en="it names no campaign")
_VISIT_COLUMNS = ("category", "result", "team", "joint", "accompanied_by", "checklist", "flood")
_IS_THEIRS = (
    "(t.assigned_to IS NULL OR t.assigned_to = :actor OR t.assigned_to = ANY(:team)"
    " OR t.assigned_name = ANY(:team))"
)


def _finish_tasks(connection: Connection, record: Record, payload: Visited) -> set[UUID]:
    """A visit serves the open tasks of its asset and category which are given to somebody of its
    team, or to nobody yet; their ids. (Under the first rules, whatever task it named.)
    """
    entered = payload.result is not VisitResult.NO_ENTRY
    rows = connection.execute(
        text(
            f"UPDATE {CORE}.task t SET state = :state, visit_id = :visit, changed_number = :number"
            f" FROM {CORE}.campaign c WHERE c.id = t.campaign_id"
            " AND t.state IN ('todo', 'no_entry') AND c.starts_on <= :day"
            " AND (:first_rules AND t.id = :task OR t.asset_id = :asset AND t.category = :category"
            f" AND (c.is_open OR t.id = :task) AND (:first_rules OR {_IS_THEIRS})) RETURNING t.id"
        ),
        {
            "state": "done" if entered else "no_entry",
            "visit": record.visit_id,
            "number": record.number,
            "day": business_day(record.at),
            "first_rules": record.rules < 2,
            **_name_visit(record, payload),
        },
    )
    return set(rows.scalars())


def _name_visit(record: Record, payload: Visited) -> dict[str, object]:
    return {
        "task": record.task_id,
        "asset": record.asset_id,
        "category": payload.category.value,
        "actor": record.actor,
        "team": [name.strip() for name in payload.team],
    }


def _explain_task(connection: Connection, record: Record, payload: Visited) -> Reason:
    """Why the task a visit names is not done by it; the visit stands all the same."""
    row = connection.execute(
        text(
            "SELECT t.asset_id IS NOT DISTINCT FROM :asset AS same_asset,"
            f" t.category = :category AS same_category, {_IS_THEIRS} AS theirs,"
            f" coalesce(t.assigned_name, t.assigned_to) AS whose FROM {CORE}.task t"
            " WHERE t.id = :task"
        ),
        _name_visit(record, payload),
    ).first()
    if row is None:
        why = Text(zh="没有此任务", en="there is no such task")
    elif not row.same_asset:
        why = Text(zh="任务属于另一设施", en="the task is for another asset")
    elif not row.same_category:
        why = Text(zh="任务属于另一检查类别", en="the task is for another category")
    elif not row.theirs:
        why = Text(
            zh="任务分派给 {whose},而其不在检查组中", en="the task is {whose}'s, who was not there"
        ).format(whose=row.whose)
    else:
        why = Text(zh="任务已完成或未到时间", en="the task is done already, or not due yet")
    told = Text(
        zh="检查已登记,但任务未完成:{zh}", en="the visit counts, the task is not done: {en}"
    )
    return Reason("task-open", told.format(zh=why.zh, en=why.en))


def _open(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, CampaignOpened):
        raise TypeError("an opening carries CampaignOpened")
    if record.campaign_id is None:
        return _refuse("campaign", _NO_CAMPAIGN)
    known = text(f"SELECT 1 FROM {CORE}.campaign WHERE id = :id")
    if connection.execute(known, {"id": record.campaign_id}).scalar():
        return _refuse(
            "exists", Text(zh="此专项检查已登记", en="this campaign is on record already")
        )
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
    return APPLIED


def make_task_id(campaign_id: UUID, asset_id: UUID, category: str) -> UUID:
    """The same target of the same campaign is the same task, however often it is drawn."""
    return uuid5(campaign_id, f"{asset_id}\n{category}")


def _draw(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, TargetsDrawn) or record.campaign_id is None:
        return _refuse("campaign", _NO_CAMPAIGN)
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
    population: dict[str, int] = {}
    for stratum in payload.strata:
        key = stratum.category.value
        population[key] = population.get(key, 0) + stratum.population
    connection.execute(
        update(campaign).where(campaign.c.id == record.campaign_id).values(population=population)
    )
    return APPLIED


def _assign(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, TargetsAssigned):
        raise TypeError("an assignment carries TargetsAssigned")
    connection.execute(
        update(task)
        .where(task.c.campaign_id == record.campaign_id)
        .where(task.c.id == text("ANY(:ids)").bindparams(ids=list(payload.tasks)))
        .values(assigned_to=payload.to, assigned_name=payload.name, changed_number=record.number)
    )
    return APPLIED


def _close(connection: Connection, record: Record, _payload: Payload) -> Verdict:
    connection.execute(
        update(campaign).where(campaign.c.id == record.campaign_id).values(is_open=False)
    )
    connection.execute(
        update(task)
        .where(task.c.campaign_id == record.campaign_id)
        .where(task.c.state.in_(("todo", "no_entry")))
        .values(
            state=case((task.c.state == "todo", "dropped"), else_=task.c.state),
            changed_number=record.number,
        )
    )
    return APPLIED


def _acknowledge(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, Acknowledged):
        raise TypeError("an acknowledgement carries Acknowledged")
    notice_id = payload.notice
    is_his = acknowledge(
        connection, notice_id, record.actor, at=record.at, before_number=record.number
    )
    if is_his:
        return APPLIED
    return _refuse(
        "notice", Text(zh="没有发给本人的此督办通知", en="no such notice to this person")
    )


_EFFECTS: Mapping[RecordType, Callable[[Connection, Record, Payload], Verdict]] = {
    RecordType.VISITED: _visit,
    RecordType.CAMPAIGN_OPENED: _open,
    RecordType.TARGETS_DRAWN: _draw,
    RecordType.TARGETS_ASSIGNED: _assign,
    RecordType.CAMPAIGN_CLOSED: _close,
    RecordType.ACKNOWLEDGED: _acknowledge,
    **FLOOD_EFFECTS,
    **PLOT_EFFECTS,
}


def draw_targets(
    connection: Connection,
    rules: Mapping[str, Any],  # Any: a TargetRule as JSON
) -> tuple[list[UUID], list[UUID]]:
    """(what there is to choose from, what is drawn) by one rule: the sites of a kind that are to
    be visited, perhaps of one township.

    A sample takes ``ceil(rate × population)`` by the order of a hash of seed and id, so the same
    seed draws the same assets and nobody chooses.
    """
    kind = get_kind(str(rules["kind"])).kind
    sites = list_due_sites(
        connection, kind, township=rules.get("township"), seed=str(rules.get("seed") or 0)
    )
    if rules.get("mode") == "sample":
        share = -(-len(sites) * round(float(rules["rate"]) * 1_000_000) // 1_000_000)
        return sites, sites[:share]
    return sites, sites


def as_json(payload: Payload) -> dict[str, Any]:  # Any: JSON
    """A payload as the log keeps it."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(payload.model_dump(mode="json")))
    return plain
