"""Escalation: who is told as a due date comes near and passes. Computed from the due date; that
a stage was reached is written to the log by :mod:`gis.hazards.supervision`.

The due date in force decides; the original one is shown beside it and is never overwritten.
While a repair waits for its re-inspection the climb rests where the repair was reported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gis.attributes import Text, Vocabulary
from gis.db.tables import CORE
from gis.hazards.deadlines import business_day
from gis.kinds.hazard import Hazard, HazardState, Severity


class Recipient(Vocabulary):
    """Who is told, lowest first."""

    OFFICER = ("officer", "经办人", "Case officer")
    SECTION_HEAD = ("section_head", "股室负责人", "Section head")
    BUREAU_LEADER = ("bureau_leader", "分管局领导", "Bureau leader in charge")
    SAFETY_OFFICE = ("safety_office", "县安委办", "County safety office")


@dataclass(frozen=True, slots=True)
class Stage:
    """Reached after ``share`` of the time allowed, or ``days_after`` the due date (0: on it)."""

    key: str
    text: Text
    recipient: Recipient
    share: float | None = None
    days_after: int = 0

    def begins_at(self, started_at: datetime, due_at: datetime) -> datetime:
        """When it is reached, for a limit from ``started_at`` to ``due_at``."""
        if self.share is None:
            return due_at + timedelta(days=self.days_after)
        return started_at + self.share * (due_at - started_at)


def _share(percent: int, recipient: Recipient) -> Stage:
    text = Text(zh="期限已过 {n}%", en="{n} % of the time gone").format(n=percent)
    return Stage(f"share_{percent}", text, recipient, share=percent / 100)


def _after(days: int, recipient: Recipient) -> Stage:
    if not days:
        return Stage("due", Text(zh="到期未整改", en="Due, not rectified"), recipient)
    text = Text(zh="逾期 {n} 日", en="{n} days late").format(n=days)
    return Stage(f"late_{days}", text, recipient, days_after=days)


_GENERAL = (
    _share(80, Recipient.OFFICER),
    _after(0, Recipient.SECTION_HEAD),
    _after(3, Recipient.BUREAU_LEADER),
)
STAGES: Mapping[Severity, tuple[Stage, ...]] = {
    Severity.MAJOR: (
        _share(50, Recipient.OFFICER),
        _share(80, Recipient.SECTION_HEAD),
        _after(0, Recipient.BUREAU_LEADER),
        _after(1, Recipient.BUREAU_LEADER),
        _after(3, Recipient.SAFETY_OFFICE),
    ),
    Severity.GENERAL_A: _GENERAL,
    Severity.GENERAL_B: _GENERAL,
    Severity.MINOR: (_after(0, Recipient.OFFICER), _after(3, Recipient.SECTION_HEAD)),
}
"""Stages by severity, in order: settings of the bureau, not law."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """The stage one hazard has reached; days are those of the business clock."""

    hazard: Hazard
    stage: Stage
    since: datetime
    due_at: datetime
    original_due_at: datetime
    days_late: int
    days_late_of_original: int

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it, without the hazard."""
        return {
            "stage": self.stage.key,
            "text": self.stage.text.as_dict(),
            "recipient": self.stage.recipient.value,
            "since": self.since.isoformat(),
            "days_late": self.days_late,
            "days_late_of_original": self.days_late_of_original,
        }


def find_escalation(hazard: Hazard, *, now: datetime) -> Escalation | None:
    """The stage a hazard has reached at ``now`` and since when; None: none yet, or it is over.

    The limit began with the notice; where none is on record, with the finding. A deferred
    hazard has a review date only, so no share of it is counted.
    """
    if not hazard.is_open or hazard.due_at is None:
        return None
    until = now
    if hazard.state is HazardState.SUBMITTED and hazard.fixed_at is not None:
        until = min(now, hazard.fixed_at)
    begun = hazard.notified_at or hazard.found_at
    reached = [
        (stage.begins_at(begun, hazard.due_at), stage)
        for stage in STAGES[hazard.severity]
        if stage.share is None or hazard.state is not HazardState.DEFERRED
    ]
    reached = [(at, stage) for at, stage in reached if at < until]
    if not reached:
        return None
    since, stage = reached[-1]
    original = hazard.original_due_at or hazard.due_at
    return Escalation(
        hazard=hazard,
        stage=stage,
        since=since,
        due_at=hazard.due_at,
        original_due_at=original,
        days_late=count_days_late(hazard.due_at, until),
        days_late_of_original=count_days_late(original, until),
    )


def count_days_late(due_at: datetime, now: datetime) -> int:
    """Whole days of the business clock past the due day; 0 until that day is over."""
    return max(0, (business_day(now) - business_day(due_at)).days)


def list_escalations(hazards: Iterable[Hazard], *, now: datetime) -> list[Escalation]:
    """Escalations of many hazards: highest recipient first, then the longest waiting."""
    found = [e for hazard in hazards if (e := find_escalation(hazard, now=now))]
    return sorted(found, key=lambda e: (-e.stage.recipient.order, e.since, e.hazard.code))


_JUDGED = "state, severity, is_open, due_at, original_due_at, found_at, fixed_at, notified_at, code"


def read_escalations(
    connection: Connection, identifiers: Collection[UUID], *, now: datetime
) -> dict[UUID, Escalation]:
    """The stage each of these hazards has reached at ``now``, by identifier; one statement.

    The hazards hold what a stage is found by and nothing else.
    """
    rows = connection.exec_driver_sql(
        f"SELECT id, {_JUDGED} FROM {CORE}.hazard WHERE id = ANY(%(ids)s)",
        {"ids": list(identifiers)},
    ).mappings()
    found = {row["id"]: find_escalation(_make_hazard(row), now=now) for row in rows}
    return {identifier: stage for identifier, stage in found.items() if stage is not None}


def _make_hazard(row: Mapping[Any, Any]) -> Hazard:  # Any: columns of a driver's row
    facts = {str(name): value for name, value in row.items()}
    facts |= {"state": HazardState(facts["state"]), "severity": Severity(facts["severity"])}
    # The database has checked these values when it took them.
    return Hazard.model_construct(**facts)
