"""Which sheets of a book are tables of points or pipes, where their headers are, what each
column is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gis.exchange.open_file import Values
from gis.network.survey_fields import REQUIRED, Role, known_names, simplify_name
from gis.network.survey_read import Sheet

_SEARCHED_ROWS = 30
_DEEPEST = 3
"""Lines a header may have."""
_UNITS = frozenset(["m", "mm", "米", "毫米", "‰", "度", "cm", "年", "m/s", "-", "/"])
_START, _END = (
    re.compile(r"起|始|^s_|beg|start|^in_", re.I),
    re.compile(r"终|止|^e_|end|^out_", re.I),
)
_NOT_DATA = re.compile(
    r"^(合计|总计|小计|制表|填表|检查|审核|校核|复核|探测者|测量者|(?:注|说明)[:\uff1a]"
    r"|第\s*\d+\s*页|共\s*\d+\s*页|total|sum\b)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a sheet: by field its column; the rows of its data, from 0 in the sheet."""

    sheet: int
    role: Role
    header: range
    columns: dict[str, int]
    rows: list[int]
    skipped: list[int] = field(default_factory=list)
    """Rows with words in them that are no data."""
    unknown: list[int] = field(default_factory=list)
    repeated: dict[int, int] = field(default_factory=dict)
    """A column -> the earlier one that means the same."""
    conflicts: list[int] = field(default_factory=list)
    """Columns whose header lines name different ends."""


def find_table(number: int, sheet: Sheet) -> Table | None:
    """The table a sheet holds, or None."""
    best: tuple[int, int, int, Role] | None = None
    for top in range(min(sheet.rows, _SEARCHED_ROWS)):
        for span in range(1, min(_DEEPEST, sheet.rows - top) + 1):
            for role in Role:
                found = _name_columns(sheet, range(top, top + span), role)[0]
                if any(set(need) <= found.keys() for need in REQUIRED[role]):
                    rank = (len(found), -span, -top, role)
                    if best is None or rank[:3] > best[:3]:
                        best = rank
    if best is None:
        return None
    _, less_span, less_top, role = best
    header = _extend_header(sheet, range(-less_top, -less_top - less_span), role)
    columns, unknown, repeated = _name_columns(sheet, header, role)
    rows, skipped = _find_rows(sheet, header, columns, role)
    return Table(
        sheet=number,
        role=role,
        header=header,
        columns=columns,
        rows=rows,
        skipped=skipped,
        unknown=unknown,
        repeated=repeated,
        conflicts=_find_conflicts(sheet, header, columns),
    )


def _name_columns(
    sheet: Sheet, header: range, role: Role
) -> tuple[dict[str, int], list[int], dict[int, int]]:
    """(field -> column, columns of no field, column -> the earlier column of its field)."""
    names = known_names(role)
    found: dict[str, int] = {}
    unknown: list[int] = []
    repeated: dict[int, int] = {}
    for at in range(len(sheet.columns)):
        labels = _labels(sheet, header, at)
        name = next((names[word] for word in labels if word in names), None)
        if name is None:
            if labels:
                unknown.append(at)
        elif name in found:
            repeated[at] = found[name]
        else:
            found[name] = at
    return found, unknown, repeated


def _labels(sheet: Sheet, header: range, at: int) -> list[str]:
    """What a column may be called, the most telling first: all lines together, then each."""
    parts = [str(p).strip() for row in header if (p := _header_cell(sheet, header, row, at))]
    parts = [p for n, p in enumerate(parts) if p not in parts[:n]]
    joined = [*(("".join(parts), parts[0] + parts[-1]) if len(parts) > 1 else ()), *reversed(parts)]
    return [word for part in joined if (word := simplify_name(part))]


def _header_cell(sheet: Sheet, header: range, row: int, at: int) -> object:
    """A cell of a header; one that is merged into its neighbours says what they say."""
    value = sheet.columns[at][row]
    if value is not None:
        return value
    for top, left, bottom, right in sheet.merged:
        if top <= row <= bottom and left <= at <= right and top in header:
            return sheet.columns[left][top]
    if sheet.merged or row == header[-1] or sheet.columns[at][header[-1]] is None:
        return None
    # A text file knows no merged cells: a blank one above a label continues its left neighbour.
    left_of = (sheet.columns[c][row] for c in range(at - 1, -1, -1))
    return next((v for v in left_of if v is not None), None)


def _extend_header(sheet: Sheet, header: range, role: Role) -> range:
    """The header with the lines below it that are codes of fields, units or column numbers."""
    names, last = known_names(role), header.stop
    while last < min(sheet.rows, header.stop + _DEEPEST):
        cells = [str(v).strip() for v in sheet.row(last) if v is not None]
        folded = [re.sub(r"[()\uff08\uff09\[\]]", "", c).casefold() for c in cells]
        counted = [c.removesuffix(".0") for c in cells]
        is_units = bool(cells) and all(c in _UNITS for c in folded)
        is_numbers = len(cells) > 2 and counted == [str(n + 1) for n in range(len(cells))]
        known = sum(simplify_name(c) in names for c in cells)
        if not (is_units or is_numbers or (known >= 3 and 2 * known >= len(cells))):
            break
        last += 1
    return range(header.start, last)


def _find_rows(
    sheet: Sheet, header: range, columns: dict[str, int], role: Role
) -> tuple[list[int], list[int]]:
    """Rows of data, and rows that hold words but no data."""
    keys = ("code",) if role is Role.NODES else ("start", "end")
    key_columns = [sheet.columns[columns[k]] for k in keys if k in columns]
    labels = {simplify_name(str(c[row])) for c in key_columns for row in header if c[row]}
    has_words = _any_word(sheet.columns, header.stop, sheet.rows)
    rows: list[int] = []
    skipped: list[int] = []
    for row in range(header.stop, sheet.rows):
        if not has_words[row - header.stop]:
            continue
        own = [c[row] for c in key_columns]
        is_label = isinstance(own[0], str) and simplify_name(own[0]) in labels
        if is_label or _is_remark(sheet, row, own):
            skipped.append(row)
        else:
            rows.append(row)
    return rows, skipped


def _any_word(columns: list[Values], first: int, rows: int) -> list[bool]:
    found = [False] * max(rows - first, 0)
    for column in columns:
        found = [a or v is not None for a, v in zip(found, column[first:], strict=True)]
    return found


def _is_remark(sheet: Sheet, row: int, own: Iterable[object]) -> bool:
    """Whether a row is a total, a signature or a remark: its first word says so."""
    plain = [v for v in own if v is not None and not (isinstance(v, str) and _NOT_DATA.match(v))]
    if plain:
        return False
    first = next((v for v in sheet.row(row) if v is not None), None)
    return isinstance(first, str) and _NOT_DATA.match(first.strip()) is not None


def _find_conflicts(sheet: Sheet, header: range, columns: dict[str, int]) -> list[int]:
    """Columns of one end whose lines name both: a deployed schema labels In_JuncID 终点编码."""
    found = []
    for name, at in columns.items():
        if name.startswith(("start", "end")):
            parts = [str(v) for row in header if (v := sheet.columns[at][row]) is not None]
            starts = any(_START.search(p) and not _END.search(p) for p in parts)
            ends = any(_END.search(p) and not _START.search(p) for p in parts)
            if starts and ends:
                found.append(at)
    return found
