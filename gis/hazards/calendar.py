"""Working-day calendars as data: the published holiday tables, and an administrator's files.

The tables up to 2026 come from the package ``chinesecalendar``, which types the State Council's
yearly notices. A year that is missing or wrong there is given by a file
``<state folder>/calendars/<year>.csv`` with the header ``date,day`` and one line per exception::

    date,day
    2027-01-01,off
    2027-01-03,worked

``off`` (放假) is a holiday, ``worked`` (上班) a worked weekend; plain weekends need no line. The
file replaces the package's table of its year. Lines dated in the December before are taken too:
a notice may begin there. Nothing is read at import; :func:`read_calendar` reads when asked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gis.attributes import Text
from gis.errors import SourceError
from gis.hazards.deadlines import WorkCalendar

FOLDER = "calendars"
_WORDS = {
    "off": "off",
    "放假": "off",
    "休": "off",
    "worked": "worked",
    "上班": "worked",
    "班": "worked",
}
_MAX_LINES = 200
"""A year has about thirty exceptions; anything longer is another file."""

LAST_SURE_DAY = (12, 28)
"""The next year's notice may still move the last days of December: it made 29 December 2007 and
2018 working Saturdays and 31 December 2018 a holiday. So a year is settled to its end only once
the next one's table is there."""


@dataclass(slots=True)
class _Tables:
    """The exceptions, and the years whose tables state them."""

    off: set[date]
    worked: set[date]
    years: set[int]


def read_calendar(state_folder: Path | None = None) -> WorkCalendar:
    """The calendar as published, changed and continued by the files of ``state_folder``.

    Raises SourceError for a file that cannot be understood, naming file and line: a wrong table
    would move legal deadlines without anybody noticing.
    """
    calendar, faults = read_sound_calendar(state_folder)
    if faults:
        raise faults[0]
    return calendar


def read_sound_calendar(
    state_folder: Path | None = None,
) -> tuple[WorkCalendar, tuple[SourceError, ...]]:
    """The calendar for what must go on, and what is wrong with the files of ``state_folder``.

    A year whose file cannot be understood is a year without a table: weekends only are counted,
    and every deadline that rests on it says so.
    """
    tables, faults = _published(), []
    folder = state_folder / FOLDER if state_folder else None
    for path in sorted(folder.glob("*.csv")) if folder is not None and folder.is_dir() else ():
        try:
            year = _year_of(path)
        except SourceError as fault:
            faults.append(fault)
            continue
        try:
            _replace_year(tables, year, _read_file(path))
        except SourceError as fault:
            faults.append(fault)
            _forget_year(tables, year)
    calendar = WorkCalendar(
        holidays=frozenset(tables.off),
        worked_weekends=frozenset(tables.worked),
        known_until=_find_known(tables.years),
    )
    return calendar, tuple(faults)


def _published() -> _Tables:
    # Imported here: a table of twenty years is wanted only by who counts working days.
    from chinese_calendar.constants import holidays, workdays

    return _Tables(set(holidays), set(workdays), {day.year for day in holidays})


def _find_known(years: Iterable[int]) -> Mapping[int, date]:
    known = set(years)
    return {
        year: date(year, 12, 31) if year + 1 in known else date(year, *LAST_SURE_DAY)
        for year in sorted(known)
    }


def _replace_year(tables: _Tables, year: int, lines: Mapping[date, str]) -> None:
    for days, own in ((tables.off, "off"), (tables.worked, "worked")):
        days -= {day for day in days if day.year == year or day in lines}
        days |= {day for day, word in lines.items() if word == own}
    tables.years.add(year)


def _forget_year(tables: _Tables, year: int) -> None:
    _replace_year(tables, year, {})
    tables.years.discard(year)


def _year_of(path: Path) -> int:
    if path.stem.isascii() and path.stem.isdigit() and len(path.stem) == 4:
        return int(path.stem)
    raise _refuse(
        path, 0, Text(zh="文件名应为年份,如 2027.csv", en="the name must be a year, 2027.csv")
    )


def _read_file(path: Path) -> dict[date, str]:
    try:
        # Excel writes a byte-order mark; utf-8-sig takes it off.
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refuse(
            path, 0, Text(zh="无法读取(须为 UTF-8)", en="cannot be read (UTF-8)")
        ) from error
    if not rows or [cell.strip() for cell in rows[0][:2]] != ["date", "day"]:
        raise _refuse(path, 1, Text(zh="首行应为 date,day", en="the first line must be date,day"))
    if len(rows) > _MAX_LINES:
        raise _refuse(path, _MAX_LINES, Text(zh="行数过多", en="too many lines"))
    found: dict[date, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            day, word = _read_line(path, number, row)
            if found.setdefault(day, word) != word:
                raise _refuse(path, number, Text(zh="同一天两种说法", en="the day is said twice"))
    return found


def _read_line(path: Path, number: int, row: list[str]) -> tuple[date, str]:
    year = _year_of(path)
    try:
        day = date.fromisoformat(row[0].strip())
        word = _WORDS[row[1].strip().casefold()]
    except (ValueError, KeyError, IndexError):
        what = Text(zh="应为 2027-01-01,off 或 worked", en="expected 2027-01-01,off or worked")
        raise _refuse(path, number, what) from None
    if day.year != year and (day.year, day.month) != (year - 1, 12):
        raise _refuse(path, number, Text(zh="日期不属于该年度", en="the day is not of that year"))
    if word == "worked" and day.weekday() < 5:
        raise _refuse(path, number, Text(zh="上班日应为周末", en="a worked day must be a weekend"))
    return day, word


def _refuse(path: Path, line: int, what: Text) -> SourceError:
    message = Text(zh="工作日历 {file} 第 {line} 行:{zh}", en="calendar {file}, line {line}: {en}")
    return SourceError(
        message.format(file=path.name, line=line, zh=what.zh, en=what.en), file=path.name, line=line
    )
