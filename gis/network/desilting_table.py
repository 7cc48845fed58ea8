"""A contractor's table of desilting jobs (.xlsx, .xls, .csv): its rows as jobs, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gis.attributes import Text
from gis.errors import SourceError
from gis.exchange.mapping import simplify, unit_of_column
from gis.exchange.read_book import Cell, Sheet, read_book
from gis.network.desilting import MOST_ROWS, Job, Method, Refused

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "number": ("作业编号", "工单号", "工单编号", "number"),
        "pipe_code": ("管段编号", "管段", "管线编号", "pipe_code", "pipe"),
        "from_code": ("起始井号", "起点井号", "起始点号", "from_code"),
        "to_code": ("终止井号", "终点井号", "终止点号", "to_code"),
        "began_on": ("开始日期", "开工日期", "作业日期", "清淤日期", "began_on"),
        "done_on": ("完成日期", "完工日期", "结束日期", "done_on"),
        "length_m": ("清淤长度", "长度", "清淤长度m", "长度m", "length_m"),
        "method": ("清淤方法", "清淤方式", "方法", "method"),
        "unit": ("作业单位", "清淤单位", "养护单位", "施工单位", "unit"),
        "m3": ("清淤量", "清淤量m3", "清淤量m³", "体积", "体积m3", "体积m³", "m3"),
        "wet_t": ("湿重", "湿重t", "清淤湿重t", "wet_t"),
        "dry_t": ("干重", "干重t", "清淤干重t", "dry_t"),
        "note": ("备注", "note"),
    }
)
"""Headings as they are met, in any width and with a unit in brackets."""
_BY_HEADING = {simplify(heading): name for name, words in COLUMNS.items() for heading in words}
_UNITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "length_m": ("m", "米"),
        "m3": ("m3", "立方米", "立方", "方"),
        "wet_t": ("t", "吨"),
        "dry_t": ("t", "吨"),
    }
)
"""A column of figures in another unit than these is not read: tonnes are no cubic metres."""
_METHODS = {word: m for m in Method for word in (m.value, m.text.zh, m.text.en, *m.aliases)}
_NEEDED = {"began_on", "length_m"}


def read_table(path: Path, *, unit: str | None = None) -> tuple[dict[int, Job], list[Refused]]:
    """Jobs by their row on the sheet, and the rows that are none, each with the fields at fault.

    ``unit`` holds for rows that name none. SourceError where no sheet has the headings of a day
    and a length, or there are too many rows.
    """
    for sheet in read_book(path).sheets:
        for at in range(min(10, len(sheet.rows))):
            columns = _name_columns(sheet.rows[at])
            if columns.keys() >= _NEEDED:
                return _read_rows(sheet, at, columns, unit)
    raise SourceError(
        Text(
            zh="没有找到清淤表头(至少要有作业日期、清淤长度)",
            en="no headings of a desilting table (at least a day and a length)",
        )
    )


def _name_columns(cells: list[Cell]) -> dict[str, int]:
    named: dict[str, int] = {}
    for column, cell in enumerate(cells):
        heading = str(cell or "")
        name = _BY_HEADING.get(simplify(heading))
        if name is not None and _is_unit(name, heading):
            named.setdefault(name, column)
    return named


def _is_unit(name: str, heading: str) -> bool:
    unit = unit_of_column(heading)
    return unit is None or name not in _UNITS or unit.casefold() in _UNITS[name]


def _read_rows(
    sheet: Sheet, head: int, columns: Mapping[str, int], unit: str | None
) -> tuple[dict[int, Job], list[Refused]]:
    if len(sheet.rows) - head > MOST_ROWS:
        raise SourceError(
            Text(
                zh=f"超过 {MOST_ROWS} 行,请拆分", en=f"more than {MOST_ROWS} rows: split the table"
            )
        )
    jobs: dict[int, Job] = {}
    refused = []
    for at in range(head + 1, len(sheet.rows)):
        values = {n: v for n, c in columns.items() if (v := _cell(sheet.rows[at], c)) is not None}
        if not values:
            continue
        try:
            jobs[sheet.numbers[at]] = Job.model_validate(dict(_fields(values, unit)))
        except ValidationError as error:
            names = sorted({str(d["loc"][0]) if d["loc"] else d["msg"] for d in error.errors()})
            why = ", ".join(names)
            refused.append(
                Refused(sheet.numbers[at], Text(zh=f"字段有误:{why}", en=f"wrong fields: {why}"))
            )
    return jobs, refused


def _cell(row: list[Cell], column: int) -> Cell:
    value = row[column] if column < len(row) else None
    return None if value == "" else value


def _fields(
    values: Mapping[str, Cell], unit: str | None
) -> Iterator[tuple[str, Any]]:  # Any: cells
    """A row's cells as fields of a job; its claim by the first basis that is filled in."""
    if unit is not None and "unit" not in values:
        yield "unit", unit
    for basis in ("m3", "wet_t", "dry_t"):
        if basis in values:
            yield "claimed", values[basis]
            yield "basis", basis
            break
    for name, value in values.items():
        if name in ("began_on", "done_on"):
            yield name, _day(value)
        elif name == "method":
            yield name, _METHODS.get(str(value), value)
        elif name == "length_m":
            yield name, value
        elif name not in ("m3", "wet_t", "dry_t"):
            yield name, f"{value:.15g}" if isinstance(value, float) else str(value)


def _day(value: Cell) -> Cell | date:
    """ISO days, with or without a time; also 2026/6/1, 2026.6.1 and 2026年6月1日."""
    words = str(value).replace("年", "-").replace("月", "-").replace("日", "")
    words = words.replace("/", "-").replace(".", "-").split("T")[0].strip()
    try:
        return datetime.strptime(words, "%Y-%m-%d").date()  # a day, no moment
    except ValueError:
        return value
