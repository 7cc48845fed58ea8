"""Default deadlines by severity: settings of a bureau, not law; counted on its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gis.attributes import Text
from gis.kinds.hazard import Severity


class DayCount(StrEnum):
    """How the days of a period are counted."""

    CALENDAR = "calendar"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class Period:
    """A number of days of one sort."""

    days: int
    count: DayCount


DEFAULT_PERIODS: dict[Severity, Period] = {
    Severity.MAJOR: Period(15, DayCount.CALENDAR),
    Severity.GENERAL_A: Period(7, DayCount.CALENDAR),
    Severity.GENERAL_B: Period(15, DayCount.CALENDAR),
    Severity.MINOR: Period(10, DayCount.WORKING),
}
WORKING_DAY_NOTE = Text(
    zh="工作日按周一至周五计,未计法定节假日与调休",
    en="working days are Monday to Friday; public holidays and swaps are not counted",
)


def find_due(start: datetime, period: Period, zone: ZoneInfo) -> datetime:
    """The last moment in time: the end of the last day, on the business clock.

    The day of ``start`` (in ``zone``) is day 0.

    >>> shanghai = ZoneInfo("Asia/Shanghai")
    >>> notice = datetime(2026, 11, 20, 9, 0, tzinfo=shanghai)  # a Friday
    >>> find_due(notice, Period(3, DayCount.WORKING), shanghai).isoformat()
    '2026-11-25T23:59:59+08:00'
    >>> find_due(notice, Period(3, DayCount.CALENDAR), shanghai).isoformat()
    '2026-11-23T23:59:59+08:00'
    """
    day = start.astimezone(zone).date()
    left = period.days
    while left > 0:
        day += timedelta(days=1)
        if period.count is DayCount.CALENDAR or day.weekday() < 5:
            left -= 1
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone)


def is_overdue(due_at: datetime | None, *, is_open: bool, now: datetime) -> bool:
    """Whether a hazard is late at ``now``: open, with a deadline that has passed."""
    return is_open and due_at is not None and due_at < now
