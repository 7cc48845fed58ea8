"""Records the office makes itself: campaigns, their targets, who visits them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import InputError, NotFoundError
from gis.hazards import ledger
from gis.hazards.case import Outcome
from gis.hazards.log import Author
from gis.hazards.records import CampaignOpened, Record, RecordType
from gis.hazards.rounds import apply_record, draw_targets

_NAME = text(f"SELECT name FROM {CORE}.account WHERE login = :login")
_NO_CAMPAIGN = Text(zh="没有此专项检查,或已结束", en="no such campaign, or it is over")


def record_office(
    connection: Connection,
    type_: RecordType,
    payload: dict[str, Any],  # Any: judged by type
    *,
    campaign_id: UUID,
    author: Author,
    now: datetime,
) -> None:
    """Append one record of the office and write what it leads to; InputError where it is wrong."""
    event_id = UUID(str(uuid_utils.uuid7()))
    number = ledger.write_event(
        connection,
        {
            "id": event_id,
            "type": type_.value,
            "campaign_id": campaign_id,
            "at": now,
            "actor": author.login,
            "account_id": author.account_id,
            "role": "officer",
            "payload": payload,
        },
    )
    record = Record(
        id=event_id,
        number=number,
        type=type_,
        at=now,
        actor=author.login,
        payload=payload,
        campaign_id=campaign_id,
    )
    verdict = apply_record(connection, record)
    if verdict.outcome is not Outcome.APPLIED and verdict.reason is not None:
        raise InputError(verdict.reason.text, rule=verdict.reason.rule)
    ledger.write_outcome(connection, event_id, None, verdict)


def open_campaign(
    connection: Connection,
    asked: dict[str, Any],  # Any: judged by CampaignOpened
    *,
    author: Author,
    now: datetime,
) -> UUID:
    """Open a campaign and draw its targets at once; its id."""
    campaign_id = UUID(str(uuid_utils.uuid7()))
    options: dict[str, Any] = {"campaign_id": campaign_id, "author": author, "now": now}
    record_office(connection, RecordType.CAMPAIGN_OPENED, asked, **options)
    opened = CampaignOpened.model_validate(asked).model_dump(mode="json")
    payload = {"strata": draw_strata(connection, opened["rules"])}
    record_office(connection, RecordType.TARGETS_DRAWN, payload, **options)
    return campaign_id


def draw_strata(
    connection: Connection,
    rules: list[dict[str, Any]],  # Any: target rules as JSON
) -> list[dict[str, Any]]:
    """What each rule draws; a site that two rules of a category reach is counted and drawn once."""
    counted: dict[str, set[UUID]] = defaultdict(set)
    strata = []
    for rule in rules:
        known = counted[rule["category"]]
        sites, drawn = draw_targets(connection, rule)
        new = set(sites) - known
        assets = [str(site) for site in drawn if site in new]
        strata.append({"category": rule["category"], "population": len(new), "assets": assets})
        known |= new
    return strata


def assign_targets(
    connection: Connection,
    campaign_id: UUID,
    tasks: list[str],
    to: str | None,
    *,
    author: Author,
    now: datetime,
) -> None:
    """Give targets to an inspector (a login), or take them back (None)."""
    _require_open(connection, campaign_id)
    name = connection.execute(_NAME, {"login": to}).scalar()
    payload = {"tasks": tasks, "to": to, **({"name": name} if name else {})}
    record_office(
        connection,
        RecordType.TARGETS_ASSIGNED,
        payload,
        campaign_id=campaign_id,
        author=author,
        now=now,
    )


def close_campaign(
    connection: Connection, campaign_id: UUID, *, author: Author, now: datetime
) -> None:
    """End a campaign; what was not visited stays visible as such."""
    _require_open(connection, campaign_id)
    record_office(
        connection,
        RecordType.CAMPAIGN_CLOSED,
        {},
        campaign_id=campaign_id,
        author=author,
        now=now,
    )


def _require_open(connection: Connection, campaign_id: UUID) -> None:
    found = connection.execute(
        text(f"SELECT 1 FROM {CORE}.campaign WHERE id = :id AND is_open"), {"id": campaign_id}
    ).scalar()
    if not found:
        raise NotFoundError(_NO_CAMPAIGN)
