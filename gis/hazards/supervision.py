"""督办: a stage of the escalation that is reached is written to the log once, with who is told.

The event's identity follows from hazard, stage and the due date in force, so a job that is killed
and comes back, or two at once, write nothing twice. An extension sets a new date, and its stages
are reached anew.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from gis.db.handle import Database
from gis.db.roles import Pool
from gis.db.tables import CORE
from gis.hazards import ledger
from gis.hazards.escalation import Escalation, Recipient, read_escalations
from gis.hazards.events import Escalated, EventType, Role
from gis.hazards.log import settle_hazard
from gis.hazards.notices import write_notices
from gis.hazards.today import find_desk
from gis.jobs.worker import Task, Work

ACTOR = "system"
EVERY = "*/5 * * * *"
_NAMESPACE = UUID("6b3f5a0c-51d2-5d0e-9a44-7a3c1f0e2d58")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who can be told."""

    login: str
    section: str | None
    is_leader: bool
    is_officer: bool


def escalate(db: Database, *, now: datetime) -> int:
    """Write every stage reached at ``now`` (aware) that is not on record; how many were new.

    One transaction for each hazard: what was written stays, whatever ends the rest.
    """
    with db.read(Pool.JOBS) as connection:
        reached = _find_new(connection, now)
        staff = read_staff(connection) if reached else []
    written = 0
    for hazard_id in sorted(reached):
        try:
            with db.write(actor=ACTOR, reason="escalation", pool=Pool.JOBS) as connection:
                written += _escalate_one(connection, hazard_id, staff, now)
        except OperationalError as error:  # a busy hazard: the next run takes it
            # By class, never by message: PostgreSQL's messages repeat rows and values.
            kind = type(error.orig).__name__
            _log.warning("hazard %s was not escalated this time: %s", hazard_id, kind)
    return written


def _find_new(connection: Connection, now: datetime) -> dict[UUID, UUID]:
    """Hazards with the event of the stage they have reached, where it is not on record."""
    ids = connection.execute(
        text(f"SELECT id FROM {CORE}.hazard WHERE is_open AND due_at IS NOT NULL")
    ).scalars()
    stages = read_escalations(connection, list(ids), now=now)
    events = {hazard_id: name_event(hazard_id, one) for hazard_id, one in stages.items()}
    known = connection.execute(
        text(f"SELECT id FROM {CORE}.event WHERE id = ANY(:ids)"), {"ids": list(events.values())}
    ).scalars()
    there = set(known)
    return {hazard_id: event for hazard_id, event in events.items() if event not in there}


def name_event(hazard_id: UUID, escalation: Escalation) -> UUID:
    """The identity of the record of a stage: always the same for hazard, stage and due date."""
    due = escalation.due_at.astimezone(UTC).isoformat()
    return uuid5(_NAMESPACE, f"{hazard_id}\n{escalation.stage.key}\n{due}")


def _escalate_one(
    connection: Connection, hazard_id: UUID, staff: Sequence[Colleague], now: datetime
) -> int:
    """Write the stage as it stands under the hazard's lock; 0 when nothing is left to say."""
    ledger.lock_hazard(connection, hazard_id)
    escalation = read_escalations(connection, [hazard_id], now=now).get(hazard_id)
    if escalation is None:
        return 0
    event_id = name_event(hazard_id, escalation)
    known = text(f"SELECT 1 FROM {CORE}.event WHERE id = :id")
    if connection.execute(known, {"id": event_id}).scalar():
        return 0
    section, person = find_desk(connection, hazard_id, pool=Pool.JOBS)
    to, copies = choose_people(escalation.stage.recipient, section, person, staff)
    payload = Escalated(
        stage=escalation.stage.key,
        recipient=escalation.stage.recipient.value,
        since=escalation.since,
        due_at=escalation.due_at,
        section=section,
        to=tuple(to),
        copies=tuple(copies),
    )
    ledger.write_event(
        connection,
        {
            "id": event_id,
            "type": EventType.ESCALATED.value,
            "hazard_id": hazard_id,
            "at": now,
            "actor": ACTOR,
            "role": Role.SYSTEM.value,
            "payload": payload.model_dump(mode="json", exclude_none=True),
        },
    )
    settle_hazard(connection, hazard_id, new_event=event_id)
    write_notices(connection, event_id)
    return 1


_STAFF = text(
    f"SELECT login, section, roles FROM {CORE}.account WHERE disabled_at IS NULL"
    " AND roles && ARRAY['officer', 'leader'] ORDER BY login"
)


def read_staff(connection: Connection) -> list[Colleague]:
    """Officers and leaders who may log in."""
    return [
        Colleague(row.login, row.section, "leader" in row.roles, "officer" in row.roles)
        for row in connection.execute(_STAFF)
    ]


def choose_people(
    recipient: Recipient, section: str | None, person: str | None, staff: Sequence[Colleague]
) -> tuple[list[str], list[str]]:
    """(whom a stage is for, who below gets a copy), as logins.

    The case officer is whom the case is assigned to, else the officers of its section; the section
    head a leader of that section; the bureau leader one without a section. Where a bureau has
    nobody of the kind, the next wider circle stands in: nothing is told to nobody. The county's
    safety office has no login here: the bureau's leader is told, and reports on.
    """
    levels = {level: _find_people(level, section, person, staff) for level in Recipient}
    to = levels[recipient]
    below = {
        login for level in Recipient if level.order < recipient.order for login in levels[level]
    }
    return sorted(to), sorted(below - to)


def _find_people(
    recipient: Recipient, section: str | None, person: str | None, staff: Sequence[Colleague]
) -> set[str]:
    officers = [one for one in staff if one.is_officer]
    leaders = [one for one in staff if one.is_leader]
    wide = [one for one in leaders if one.section is None]
    here = section is not None
    circles: Mapping[Recipient, Sequence[Sequence[Colleague]]] = {
        Recipient.OFFICER: (
            [one for one in staff if one.login == person],
            [one for one in officers if here and one.section == section],
            officers,
        ),
        Recipient.SECTION_HEAD: (
            [one for one in leaders if here and one.section == section], wide, leaders,
        ),
        Recipient.BUREAU_LEADER: (wide, leaders),
        Recipient.SAFETY_OFFICE: (wide, leaders),
    }  # fmt: skip
    return next(({one.login for one in circle} for circle in circles[recipient] if circle), set())


def _run(work: Work) -> Mapping[str, Any]:  # Any: JSON
    return {"escalated": escalate(work.db, now=datetime.now(UTC))}


TASKS = (Task("escalate", _run, cron=EVERY),)
