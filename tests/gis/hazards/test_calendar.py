"""Working days against the State Council's notices, counted by hand.

2025 (notice of 12 November 2024): New Year 1 January; Spring Festival 28 January to 4 February,
worked Sunday 26 January and Saturday 8 February; Labour Day 1-5 May, worked Sunday 27 April;
National Day and Mid-autumn 1-8 October, worked Sunday 28 September and Saturday 11 October.
2026 (notice of 4 November 2025, politics.gmw.cn 2025-11/04): New Year 1-3 January, worked Sunday
4 January; Spring Festival 15-23 February, worked Saturdays 14 and 28 February; Labour Day 1-5 May,
worked Saturday 9 May; National Day 1-7 October, worked Sunday 20 September and Saturday 10 October.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import SourceError
from gis.hazards.calendar import read_calendar, read_sound_calendar
from gis.hazards.deadlines import (
    WEEKENDS_ONLY_NOTE,
    DayUnit,
    Hours,
    Limit,
    add_days,
    count_deadline,
    next_working_day,
)

WORKING = DayUnit.WORKING
PUBLISHED = read_calendar()


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        # Spring Festival 2025: Fri 24 January; Sun 26 and Mon 27 worked, then off to 4 February.
        ("2025-01-24", 1, "2025-01-26"),
        ("2025-01-24", 2, "2025-01-27"),
        ("2025-01-24", 3, "2025-02-05"),
        ("2025-01-27", 1, "2025-02-05"),
        ("2025-02-05", 3, "2025-02-08"),  # Thu 6, Fri 7, Sat 8 worked
        ("2025-02-05", 4, "2025-02-10"),
        ("2025-01-20", 10, "2025-02-08"),  # 21-24, 26, 27 January, 5-8 February
        # Spring Festival 2026: Sat 14 February worked, off Sun 15 to Mon 23, Sat 28 worked.
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 2, "2026-02-24"),
        ("2026-02-14", 5, "2026-02-28"),  # 24, 25, 26, 27 and Saturday 28
        ("2026-02-10", 10, "2026-03-02"),  # 11-14, 24-28 February, Monday 2 March
        # New Year 2026: Thu 1 to Sat 3 off, Sun 4 worked.
        ("2025-12-31", 1, "2026-01-04"),
        ("2025-12-31", 2, "2026-01-05"),
        ("2025-12-30", 1, "2025-12-31"),
        # Labour Day: Sun 27 April 2025 worked; off 1-5 May.
        ("2025-04-25", 4, "2025-04-30"),
        ("2025-04-30", 1, "2025-05-06"),
        # National Day 2026: off 1-7 October, Sat 10 worked.
        ("2026-09-30", 3, "2026-10-10"),
        # The leap day 2024 was a Thursday and worked.
        ("2024-02-28", 1, "2024-02-29"),
        ("2024-02-28", 2, "2024-03-01"),
    ],
)
def test_working_days_end_where_the_notices_say(start: str, days: int, last: str) -> None:
    end = add_days(date.fromisoformat(start), Limit(days, WORKING), calendar=PUBLISHED)
    assert end.isoformat() == last


def test_the_number_of_working_days_of_a_year_is_the_published_one() -> None:
    # 2025: 261 weekdays, 18 of them off, 5 weekend days worked; 2026: 261, 19 and 6: 248 each.
    for year in (2025, 2026):
        days = (
            date.fromordinal(n)
            for n in range(date(year, 1, 1).toordinal(), 366 + date(year, 1, 1).toordinal())
        )
        assert sum(PUBLISHED.is_working(day) for day in days if day.year == year) == 248


def test_a_deadline_beyond_the_tables_says_that_only_weekends_were_counted() -> None:
    inside = count_deadline(datetime(2026, 11, 20, 2, tzinfo=UTC), Limit(10, WORKING), PUBLISHED)
    assert (inside.due_at.isoformat(), inside.caution) == ("2026-12-04T23:59:59+08:00", None)
    over = count_deadline(datetime(2026, 12, 31, 2, tzinfo=UTC), Limit(3, WORKING), PUBLISHED)
    # Without a table of 2027, 1 January counts as a plain Friday: 1, 4, 5 January.
    assert over.due_at.isoformat() == "2027-01-05T23:59:59+08:00"
    assert over.caution is WEEKENDS_ONLY_NOTE
    assert count_deadline(datetime(2031, 1, 6, tzinfo=UTC), Limit(5), PUBLISHED).caution is None


def test_the_last_days_of_the_last_table_are_not_settled_before_the_next_notice() -> None:
    # The notice for 2019 made Saturday 29 December 2018 a working day, Monday 31 a holiday.
    assert PUBLISHED.is_working(date(2018, 12, 29))
    assert not PUBLISHED.is_working(date(2018, 12, 31))
    assert PUBLISHED.knows(date(2025, 12, 31))
    assert PUBLISHED.knows(date(2026, 12, 28))
    assert not PUBLISHED.knows(date(2026, 12, 29))
    assert not PUBLISHED.knows(date(2003, 6, 2))


def test_hours_run_through_the_night_and_the_day_is_that_of_shanghai() -> None:
    secured = count_deadline(datetime(2026, 2, 16, 15, 30, tzinfo=UTC), Hours(2), PUBLISHED)
    assert secured.due_at.isoformat() == "2026-02-17T01:30:00+08:00"
    # 16:30 UTC on 13 February is already Saturday the 14th, worked, in Shanghai.
    late = count_deadline(datetime(2026, 2, 13, 16, 30, tzinfo=UTC), Limit(1, WORKING), PUBLISHED)
    assert late.due_at.isoformat() == "2026-02-24T23:59:59+08:00"


def test_a_last_day_that_is_off_moves_to_the_next_worked_one() -> None:
    assert next_working_day(date(2026, 2, 15), calendar=PUBLISHED) == date(2026, 2, 24)
    assert next_working_day(date(2026, 2, 14), calendar=PUBLISHED) == date(2026, 2, 14)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / "calendars").mkdir(exist_ok=True)
    (folder / "calendars" / name).write_bytes(text.encode("utf-8"))
    return folder


def test_an_administrators_file_continues_the_tables(tmp_path: Path) -> None:
    write(
        tmp_path,
        "2027.csv",
        "\ufeffdate,day\r\n2026-12-31,放假\r\n2027-01-01,off\r\n2027-01-03,worked\r\n\r\n",
    )
    calendar = read_calendar(tmp_path)
    assert add_days(date(2026, 12, 30), Limit(1, WORKING), calendar=calendar) == date(2027, 1, 3)
    assert calendar.knows(date(2026, 12, 31))
    assert calendar.knows(date(2027, 12, 28))
    assert not calendar.knows(date(2028, 1, 1))
    # What the package says of 2026 stays.
    assert calendar.is_working(date(2026, 2, 14))


def test_a_file_replaces_the_packages_table_of_its_year(tmp_path: Path) -> None:
    calendar = read_calendar(write(tmp_path, "2019.csv", "date,day\n2019-01-01,off\n"))
    assert not calendar.is_working(date(2019, 1, 1))
    assert calendar.is_working(date(2019, 2, 5))  # Spring Festival is not in this file
    assert not calendar.is_working(date(2018, 12, 31))  # stated by the table before it
    assert calendar.is_working(date(2020, 1, 2))


def test_a_year_between_two_tables_without_one_is_not_known(tmp_path: Path) -> None:
    calendar = read_calendar(write(tmp_path, "2028.csv", "date,day\n2028-01-01,off\n"))
    assert not calendar.knows(date(2027, 6, 1))
    assert calendar.knows(date(2028, 6, 1))
    over = count_deadline(datetime(2026, 12, 20, tzinfo=UTC), Limit(300, WORKING), calendar)
    assert over.caution is WEEKENDS_ONLY_NOTE


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("next.csv", "date,day\n", "name must be a year"),
        ("2027.csv", "day,date\n", "line 1"),
        ("2027.csv", "date,day\n2027-02-30,off\n", "line 2"),
        ("2027.csv", "date,day\n2027-01-01,maybe\n", "line 2"),
        ("2027.csv", "date,day\n2027-01-01\n", "line 2"),
        ("2027.csv", "date,day\n2028-01-01,off\n", "not of that year"),
        ("2027.csv", "date,day\n2027-01-04,worked\n", "must be a weekend"),
        ("2027.csv", "date,day\n2027-01-02,off\n2027-01-02,worked\n", "said twice"),
        ("2027.csv", "date,day\n" + "2027-01-01,off\n" * 500, "too many lines"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_by_name_and_line(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    with pytest.raises(SourceError, match=words) as refused:
        read_calendar(write(tmp_path, name, text))
    assert name in str(refused.value)


def test_a_year_whose_file_is_wrong_counts_weekends_only_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, "2026.csv", "date,day\n2026-02-17,holiday\n")
    write(tmp_path, "2027.csv", "date,day\n2027-01-01,off\n")
    write(tmp_path, "next.csv", "date,day\n")
    calendar, faults = read_sound_calendar(tmp_path)
    assert [fault.facts["file"] for fault in faults] == ["2026.csv", "next.csv"]
    # 17 February 2026 is the first day of the Spring Festival, 14 February a worked Saturday.
    assert calendar.is_working(date(2026, 2, 17))
    assert not calendar.is_working(date(2026, 2, 14))
    due = count_deadline(datetime(2026, 2, 13, 2, tzinfo=UTC), Limit(3, WORKING), calendar)
    assert (due.due_at.date(), due.caution) == (date(2026, 2, 18), WEEKENDS_ONLY_NOTE)
    assert not calendar.is_working(date(2027, 1, 1))
    assert calendar.is_working(date(2025, 1, 26))  # a worked Sunday: 2025 is as published


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "2027.csv", "")
    (tmp_path / "calendars" / "2027.csv").write_bytes("date,day\n2027-01-01,放假".encode("gbk"))
    with pytest.raises(SourceError, match="UTF-8"):
        read_calendar(tmp_path)


@given(st.dates(date(2004, 1, 1), date(2030, 1, 1)), st.integers(1, 60))
def test_so_many_working_days_lie_between_the_start_and_the_end(start: date, days: int) -> None:
    end = add_days(start, Limit(days, WORKING), calendar=PUBLISHED)
    counted = (date.fromordinal(n) for n in range(start.toordinal() + 1, end.toordinal() + 1))
    assert sum(PUBLISHED.is_working(day) for day in counted) == days
    assert PUBLISHED.is_working(end)
