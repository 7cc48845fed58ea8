"""Where things stand in a CCTV record table: runs with their heads, and rows with their columns.

Two layouts are read. Blocks: for each run a head of labels with their values beside them, then a
line of column headings and a row for each defect, one beneath the other. Lists: one line of
headings and a row for each defect that names its run as well (once, where cells are merged). A
heading may take two lines. Nothing is judged here; every text keeps its address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gis.exchange.read_book import Cell, Sheet
from gis.network.cctv_labels import IDENTITY, head_field, row_field
from gis.network.cctv_values import read_number


@dataclass(frozen=True, slots=True)
class Place:
    """A cell's value and where it stands."""

    value: Cell
    address: str


@dataclass(slots=True)
class RawRow:
    """A row beneath a head: its cells by field, and the sheet's row."""

    sheet: str
    number: int
    cells: dict[str, Place]


@dataclass(slots=True)
class RawRun:
    """A run as it stands in the table."""

    sheet: str
    number: int
    head: dict[str, Place] = field(default_factory=dict)
    rows: list[RawRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Columns:
    rows: Mapping[str, int]
    heads: Mapping[str, int]
    lines: int


def find_runs(sheet: Sheet) -> list[RawRun]:
    """The runs of a sheet, in order; none where it is no record table."""
    runs: list[RawRun] = []
    columns: _Columns | None = None
    at = 0
    while at < len(sheet.rows):
        found = _find_columns(sheet, at)
        if found is not None:
            columns, at = found, at + found.lines
            continue
        labels = {} if columns and columns.heads else _find_labels(sheet, at)
        if labels and _begins_run(labels, runs, columns):
            runs.append(RawRun(sheet.name, sheet.numbers[at]))
            columns = None
        if labels:
            _fill(runs, labels)
        elif columns is not None:
            _take_row(sheet, at, columns, runs)
        at += 1
    return [run for run in runs if run.head or run.rows]


def _begins_run(labels: Mapping[str, Place], runs: list[RawRun], columns: _Columns | None) -> bool:
    """A head goes on until its rows begin; after them, it is another run's or a last line."""
    if not runs:
        return True
    if columns is None:
        return False
    return bool(IDENTITY & labels.keys()) or any(name in runs[-1].head for name in labels)


def _fill(runs: list[RawRun], labels: Mapping[str, Place]) -> None:
    for name, place in labels.items():
        if place.value is not None:
            runs[-1].head.setdefault(name, place)


def _find_columns(sheet: Sheet, at: int) -> _Columns | None:
    """The columns where a line, or two, are the headings of rows: a distance and a code."""
    one = _name_columns([sheet.rows[at]])
    if one is not None:
        return one
    is_next = at + 1 < len(sheet.rows) and sheet.numbers[at + 1] == sheet.numbers[at] + 1
    if not is_next:
        return None
    both = _name_columns([_spread_merged(sheet, at), sheet.rows[at + 1]])
    alone = _name_columns([sheet.rows[at + 1]])
    # The line above the headings of a block is the last of its head, not theirs.
    names_runs = both is not None and {"from_code", "to_code"} <= both.heads.keys()
    return both if alone is None or names_runs else None


def _name_columns(lines: list[list[Cell]]) -> _Columns | None:
    rows: dict[str, int] = {}
    heads: dict[str, int] = {}
    for column in range(max(map(len, lines))):
        words = [line[column] for line in lines if column < len(line)]
        for heading in _headings([w for w in words if isinstance(w, str)]):
            if (name := row_field(heading)) is not None:
                rows.setdefault(name, column)
                break
            if (name := head_field(heading)) is not None:
                heads.setdefault(name, column)
                break
    if not {"chainage", "code"} <= rows.keys():
        return None
    return _Columns(rows, heads if IDENTITY & heads.keys() else {}, len(lines))


def _headings(words: list[str]) -> Iterator[str]:
    """What a heading over one or two lines may say: each of them, and both together."""
    yield from reversed(words)
    if len(words) == 2:
        yield words[0] + words[1]
        yield words[1] + words[0]


def _spread_merged(sheet: Sheet, at: int) -> list[Cell]:
    """A line with merged cells filled to their end."""
    line = list(sheet.rows[at])
    row = sheet.numbers[at] - 1
    for top, left, bottom, right in sheet.merged:
        if top <= row <= bottom and left < len(line) and right - left < len(line):
            line[left : right + 1] = [line[left]] * (right + 1 - left)
    return line


def _find_labels(sheet: Sheet, at: int) -> dict[str, Place]:
    """Labels of a line with the values beside them (or after a colon in the same cell)."""
    line = sheet.rows[at]
    found: dict[str, Place] = {}
    for column, cell in enumerate(line):
        if not isinstance(cell, str):
            continue
        name = head_field(cell)
        if name is not None:
            beside = _value_beside(line, column)
            value = None if beside is None else line[beside]
            found[name] = Place(value, sheet.address(at, column if beside is None else beside))
            continue
        label, colon, value = cell.replace("\uff1a", ":").partition(":")
        name = head_field(label) if colon else None
        if name is not None and value.strip():
            found[name] = Place(value.strip(), sheet.address(at, column))
    return found


def _value_beside(line: list[Cell], column: int) -> int | None:
    """The next cell that holds something, unless it is a label itself."""
    for beside in range(column + 1, len(line)):
        cell = line[beside]
        if cell is not None:
            return None if head_field(cell) is not None else beside
    return None


def _take_row(sheet: Sheet, at: int, columns: _Columns, runs: list[RawRun]) -> None:
    line, number = sheet.rows[at], sheet.numbers[at]

    def places(wanted: Mapping[str, int]) -> dict[str, Place]:
        return {
            name: Place(line[column], sheet.address(at, column))
            for name, column in wanted.items()
            if column < len(line) and line[column] is not None
        }

    cells, head = places(columns.rows), places(columns.heads)
    if columns.heads and _names_another(head, runs):
        earlier = runs[-1].head if runs else {}
        carried = {} if {"from_code", "to_code"} <= head.keys() else earlier
        runs.append(RawRun(sheet.name, number, {**carried, **head}))
    if cells and runs and not _is_remark(cells):
        runs[-1].rows.append(RawRow(sheet.name, number, cells))


def _is_remark(cells: Mapping[str, Place]) -> bool:
    """Words beneath the rows (备注…), alone in the column of distances."""
    return set(cells) == {"chainage"} and read_number(cells["chainage"].value) is None


def _names_another(head: Mapping[str, Place], runs: list[RawRun]) -> bool:
    """Whether a list's row begins another run: any of what names one is said, and differs."""
    if not runs:
        return True
    before = runs[-1].head
    naming = ("video", "from_code", "to_code", "inspected_on", "direction", "method")
    return any(
        name in head and (name not in before or before[name].value != head[name].value)
        for name in naming
    )
