"""Deadlines against dates counted by hand on a calendar."""

from datetime import UTC, date, datetime

import pytest

from gis.hazards.deadlines import (
    RECTIFICATION_LIMITS,
    DayUnit,
    Limit,
    WorkCalendar,
    add_days,
    due_at,
    is_overdue,
)
from gis.kinds.hazard import Severity

WORKING, CALENDAR = DayUnit.WORKING, DayUnit.CALENDAR


@pytest.mark.parametrize(
    ("start", "days", "unit", "last"),
    [
        ("2026-11-20", 3, CALENDAR, "2026-11-23"),  # Friday to Monday
        ("2026-11-20", 1, WORKING, "2026-11-23"),  # Friday; next working day is Monday
        ("2026-11-20", 3, WORKING, "2026-11-25"),
        ("2026-11-21", 1, WORKING, "2026-11-23"),  # starts on a Saturday
        ("2026-11-16", 10, WORKING, "2026-11-30"),  # Monday, two weekends between
        ("2026-12-31", 1, WORKING, "2027-01-01"),  # weekends only: New Year's Day is a Friday
        ("2026-12-31", 2, WORKING, "2027-01-04"),
        ("2026-12-25", 15, CALENDAR, "2027-01-09"),
        ("2028-02-22", 7, CALENDAR, "2028-02-29"),  # leap year
    ],
)
def test_a_limit_ends_on_the_day_counted_by_hand(
    start: str, days: int, unit: DayUnit, last: str
) -> None:
    assert add_days(date.fromisoformat(start), Limit(days, unit)).isoformat() == last


def test_a_published_calendar_moves_the_end_and_says_how_far_it_knows() -> None:
    # Shape of a published year: 1 January 2027 off, Sunday 3 January worked.
    calendar = WorkCalendar(
        holidays=frozenset({date(2027, 1, 1)}),
        worked_weekends=frozenset({date(2027, 1, 3)}),
        known_until={2027: date(2027, 12, 31)},
    )
    end = add_days(date(2026, 12, 31), Limit(1, WORKING), calendar=calendar)
    assert end == date(2027, 1, 3)
    assert calendar.knows(end)
    assert not calendar.knows(date(2028, 1, 1))
    assert not WorkCalendar().knows(end)


def test_the_day_begins_at_midnight_in_shanghai_not_in_greenwich() -> None:
    # 15:59 UTC is 23:59 in Shanghai, 16:00 UTC the next day there.
    before = due_at(datetime(2026, 12, 30, 15, 59, tzinfo=UTC), Limit(1))
    after = due_at(datetime(2026, 12, 30, 16, 0, tzinfo=UTC), Limit(1))
    assert before.isoformat() == "2026-12-31T23:59:59+08:00"
    assert after.isoformat() == "2027-01-01T23:59:59+08:00"


def test_every_severity_has_a_limit_of_the_bureau() -> None:
    days = {s.value: RECTIFICATION_LIMITS[s].days for s in Severity}
    assert days == {"major": 15, "general_a": 7, "general_b": 15, "minor": 30}


def test_late_is_open_and_past_its_moment() -> None:
    due = datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC)
    assert not is_overdue(due, is_open=True, now=due)
    assert is_overdue(due, is_open=True, now=datetime(2026, 3, 9, 16, 0, tzinfo=UTC))
    assert not is_overdue(due, is_open=False, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert not is_overdue(None, is_open=True, now=due)
