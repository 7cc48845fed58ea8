"""The audit trail: who did, was refused or read what. Insert-only; the database holds it to that.

A note is written by the transaction of what it speaks of where that is the gate's, and before the
answer where there is no such transaction (a refusal, a read). Hazard events are noted by a trigger
of the database itself. Nothing secret goes in: no password, token or typed name nobody bears.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, text

from gis.attributes import Text
from gis.db.people_tables import audit_event
from gis.errors import SetupError
from gis.people.person import Person

LEAST_DAYS = 184
"""Six months: Cybersecurity Law, article 21 (not read in the original); a trigger holds it, too."""
PAGE = 100


def note(
    connection: Connection,
    person: Person,
    action: str,
    *,
    refused: bool = False,
    subject: str = "",
    **detail: object,
) -> None:
    """Write one line; the moment is the database's."""
    connection.execute(
        insert(audit_event).values(
            account_id=person.account_id,
            login=person.login,
            action=action,
            outcome="refused" if refused else "done",
            subject=subject,
            detail=detail,
            address=person.address,
            credential=person.credential.value,
        )
    )


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines are asked for; ``before`` is the number a page begins below."""

    before: int | None = None
    login: str | None = None
    action: str | None = None
    outcome: str | None = None


def read_audit(
    connection: Connection, asked: AuditFilter, *, limit: int = PAGE
) -> list[dict[str, Any]]:  # Any: columns of any type
    """Lines, newest first."""
    question = select(audit_event).order_by(audit_event.c.number.desc()).limit(limit)
    if asked.before is not None:
        question = question.where(audit_event.c.number < asked.before)
    for name in ("login", "action", "outcome"):
        if (value := getattr(asked, name)) is not None:
            question = question.where(audit_event.c[name] == value)
    return [
        {str(name): value for name, value in row._mapping.items()}
        for row in connection.execute(question)
    ]


def prune_audit(owner: Connection, *, days: int) -> int:
    """Delete lines older than ``days`` (never fewer than 184), as the owner; how many."""
    if days < LEAST_DAYS:
        raise SetupError(
            Text(
                zh="审计日志至少保留 {days} 天",
                en="the audit trail is kept for at least {days} days",
            ).format(days=LEAST_DAYS)
        )
    owner.execute(text("SELECT set_config('infratrack.prune_audit', 'on', true)"))
    old = audit_event.delete().where(
        audit_event.c.at < text("now() - :kept").bindparams(kept=timedelta(days=days))
    )
    return owner.execute(old).rowcount
