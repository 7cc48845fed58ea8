"""When a hazard is due: rules by severity, counted on the business clock.

The limits are settings of the bureau, not law (research: a county's customary limits; a notice
may always name its own date). A limit of n days ends with the n-th day after the day it
starts: 23:59:59 on the business clock; a limit of hours runs around the clock, to the second.
Overdue is never stored: a reader compares ``due_at`` with a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gis.attributes import Text
from gis.kinds.hazard import Severity

BUSINESS_CLOCK = ZoneInfo("Asia/Shanghai")
LAST_SECOND = time(23, 59, 59)
MAX_DEFERRAL_DAYS = 90

WEEKENDS_ONLY_NOTE = Text(
    zh="工作日仅按周末推算,未计法定节假日和调休,请核对",
    en="Working days count weekends only, not public holidays or make-up days; please check",
)
"""Shown wherever a working-day deadline is shown and the calendar does not know its days."""


class DayUnit(StrEnum):
    """How the days of a limit are counted."""

    CALENDAR = "calendar"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many days, of which kind."""

    days: int
    unit: DayUnit = DayUnit.CALENDAR


@dataclass(frozen=True, slots=True)
class Hours:
    """So many hours, day and night."""

    hours: float


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Public holidays and worked weekends; where they are not known, weekends only.

    ``known_until``: per year with a published table, the last day that table settles.
    """

    holidays: frozenset[date] = frozenset()
    worked_weekends: frozenset[date] = frozenset()
    known_until: Mapping[int, date] = field(default_factory=dict)

    def is_working(self, day: date) -> bool:
        """Whether ``day`` is worked."""
        if day in self.worked_weekends:
            return True
        return day.weekday() < 5 and day not in self.holidays

    def knows(self, day: date) -> bool:
        """Whether ``day`` was counted by a published calendar (else show WEEKENDS_ONLY_NOTE)."""
        last = self.known_until.get(day.year)
        return last is not None and day <= last

    def knows_all(self, first: date, last: date) -> bool:
        """Whether every day from ``first`` to ``last`` is settled."""
        return all(self.knows(first + timedelta(days=n)) for n in range((last - first).days + 1))


WEEKENDS_ONLY = WorkCalendar()

RECTIFICATION_LIMITS: Mapping[Severity, Limit] = {
    Severity.MAJOR: Limit(15),
    Severity.GENERAL_A: Limit(7),
    Severity.GENERAL_B: Limit(15),
    # The customary list names no limit below general B; works needing a budget start at 30 days.
    Severity.MINOR: Limit(30),
}
"""Default time to rectify after the notice; bureau settings, not law."""

REGISTRATION_LIMIT = Limit(1, DayUnit.WORKING)
DESK_REVIEW_LIMIT = Limit(3, DayUnit.WORKING)
REINSPECTION_LIMIT = Limit(10, DayUnit.WORKING)
"""Read for special equipment (10 working days); a default elsewhere."""


def business_day(moment: datetime) -> date:
    """The day of an aware moment on the business clock."""
    return moment.astimezone(BUSINESS_CLOCK).date()


def end_of_day(day: date) -> datetime:
    """The last second of a day on the business clock."""
    return datetime.combine(day, LAST_SECOND, BUSINESS_CLOCK)


def add_days(start: date, limit: Limit, *, calendar: WorkCalendar = WEEKENDS_ONLY) -> date:
    """The last day of a limit that starts on ``start`` (itself not counted).

    >>> add_days(date(2026, 1, 30), Limit(3, DayUnit.WORKING))  # a Friday
    datetime.date(2026, 2, 4)
    """
    if limit.unit is DayUnit.CALENDAR:
        return start + timedelta(days=limit.days)
    day, left = start, limit.days
    while left:
        day += timedelta(days=1)
        left -= calendar.is_working(day)
    return day


def due_at(
    start: datetime, limit: Limit | Hours, *, calendar: WorkCalendar = WEEKENDS_ONLY
) -> datetime:
    """The moment a limit ends that starts at ``start`` (aware), on the business clock."""
    if isinstance(limit, Hours):
        return start.astimezone(BUSINESS_CLOCK) + timedelta(hours=limit.hours)
    return end_of_day(add_days(business_day(start), limit, calendar=calendar))


@dataclass(frozen=True, slots=True)
class Deadline:
    """When something is due; ``caution`` says what to show beside it (None: nothing)."""

    due_at: datetime
    caution: Text | None = None


def count_deadline(start: datetime, limit: Limit | Hours, calendar: WorkCalendar) -> Deadline:
    """The deadline of a limit that starts at ``start``, with WEEKENDS_ONLY_NOTE where due.

    The note is there as soon as one counted working day lies beyond the published tables.
    """
    due = due_at(start, limit, calendar=calendar)
    if isinstance(limit, Hours) or limit.unit is DayUnit.CALENDAR:
        return Deadline(due)
    settled = calendar.knows_all(business_day(start) + timedelta(days=1), due.date())
    return Deadline(due, None if settled else WEEKENDS_ONLY_NOTE)


def next_working_day(day: date, *, calendar: WorkCalendar = WEEKENDS_ONLY) -> date:
    """``day`` itself when it is worked, else the first worked day after it."""
    while not calendar.is_working(day):
        day += timedelta(days=1)
    return day


def is_overdue(due: datetime | None, *, is_open: bool, now: datetime) -> bool:
    """Whether a hazard is late at ``now``: open, with a deadline that has passed."""
    return is_open and due is not None and due < now
