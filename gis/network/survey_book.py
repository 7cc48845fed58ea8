"""The marked workbook: the surveyor's sheets as they came, coloured where something was found,
then the findings as a sheet, and the rules with their counts."""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from gis.attributes import Language, Text
from gis.network.survey_findings import Finding
from gis.network.survey_read import Book, Sheet
from gis.network.survey_rules import RuleBook, Severity

MOST_LISTED = 1_000_000
MOST_LINKED = 20_000
"""Findings with a link to their cell: a spreadsheet takes 65,530 in a sheet."""
COLOURS = {Severity.ERROR: "#F8B4B4", Severity.WARNING: "#FFE08A", Severity.NOTICE: "#BFDDF5"}
_MOMENTS: tuple[tuple[type, str], ...] = (
    (datetime.datetime, "yyyy-mm-dd hh:mm:ss"),
    (datetime.date, "yyyy-mm-dd"),
    (datetime.time, "hh:mm:ss"),
)
_TITLES = {
    "findings": Text(zh="检查结果", en="Findings"),
    "rules": Text(zh="检查规则", en="Rules"),
}
_COLUMNS = (
    (Text(zh="规则", en="Rule"), 26),
    (Text(zh="级别", en="Severity"), 8),
    (Text(zh="工作表", en="Sheet"), 14),
    (Text(zh="行", en="Row"), 7),
    (Text(zh="列", en="Column"), 6),
    (Text(zh="单元格", en="Cell"), 9),
    (Text(zh="编号", en="Code"), 24),
    (Text(zh="原值", en="Value"), 16),
    (Text(zh="说明(中文)", en="Chinese"), 60),
    (Text(zh="说明(英文)", en="English"), 60),
    (Text(zh="处理", en="Decision"), 12),
    (Text(zh="理由", en="Reason"), 24),
)
_BAD_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
Decisions = Mapping[str, tuple[str, str]]
"""By a finding's key its decision and the reason."""


class _Formats:
    """Cell formats by severity and by how a moment is written, made once each."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.made: dict[tuple[Severity | None, str], Format | None] = {(None, ""): None}

    def get(self, severity: Severity | None, pattern: str = "") -> Format | None:
        key = (severity, pattern)
        if key not in self.made:
            how: dict[str, Any] = {}  # Any: xlsxwriter's properties
            if severity is not None:
                how["bg_color"] = COLOURS[severity]
            if pattern:
                how["num_format"] = pattern
            self.made[key] = self.book.add_format(how)
        return self.made[key]


def write_book(
    path: Path,
    book: Book,
    findings: Sequence[Finding],
    rules: RuleBook,
    counts: Mapping[str, int],
    *,
    decisions: Decisions | None = None,
    language: Language = Language.ZH,
) -> None:
    """Write the marked workbook to ``path`` row by row; the memory it takes does not grow."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as out:
        formats = _Formats(out)
        names = name_sheets(book, language)
        marks = _mark_cells(findings)
        for sheet, name in zip(book.sheets, names[:-2], strict=True):
            _write_sheet(out.add_worksheet(name), sheet, marks.get(sheet.name, {}), formats)
        own_names = dict(zip((s.name for s in book.sheets), names, strict=False))
        page = out.add_worksheet(names[-2])
        _write_findings(page, findings, own_names, formats, decisions or {}, language)
        _write_rules(out.add_worksheet(names[-1]), rules, counts, formats, language)


def name_sheets(book: Book, language: Language) -> list[str]:
    """Names a spreadsheet takes, all different: those of the book, then the two of ours."""
    wished = [s.name for s in book.sheets] + [t.get(language) for t in _TITLES.values()]
    taken: set[str] = set()
    names = []
    for wish in wished:
        plain = _BAD_NAME.sub("_", wish).strip("'")[:31] or "Sheet"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain[:26]}({number})"
        taken.add(name.casefold())
        names.append(name)
    return names


def _mark_cells(findings: Sequence[Finding]) -> dict[str, dict[int, dict[int, Severity]]]:
    """Sheet -> row -> column -> the gravest severity there; a whole row marks its first cell."""
    marks: dict[str, dict[int, dict[int, Severity]]] = defaultdict(lambda: defaultdict(dict))
    for finding in findings:
        if not finding.row:
            continue
        column = _column_number(finding.column)
        row = marks[finding.sheet][finding.row - 1]
        worst = row.get(column)
        if worst is None or finding.rule.severity.order < worst.order:
            row[column] = finding.rule.severity
    return marks


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return max(number - 1, 0)


def _write_sheet(
    page: Worksheet, sheet: Sheet, marks: Mapping[int, Mapping[int, Severity]], formats: _Formats
) -> None:
    for area in _plain_merges(sheet):
        page.merge.append(list(area))
    none: Mapping[int, Severity] = {}
    for row, cells in enumerate(zip(*sheet.columns, strict=True)):
        marked = marks.get(row, none)
        for column, cell in enumerate(cells):
            if cell is not None or column in marked:
                _write_cell(page, row, column, cell, marked.get(column), formats)


def _write_cell(
    page: Worksheet, row: int, column: int, cell: object, severity: Severity | None,
    formats: _Formats,
) -> None:  # fmt: skip
    if isinstance(cell, str):
        page.write_string(row, column, cell, formats.get(severity))
    elif isinstance(cell, bool):
        page.write_boolean(row, column, cell, formats.get(severity))
    elif isinstance(cell, float | int):
        page.write_number(row, column, cell, formats.get(severity))
    elif cell is None:
        page.write_blank(row, column, None, formats.get(severity))
    else:
        pattern = next((p for t, p in _MOMENTS if isinstance(cell, t)), "")
        if pattern:
            page.write_datetime(row, column, cell, formats.get(severity, pattern))
        else:
            page.write_string(row, column, str(cell), formats.get(severity))


def _plain_merges(sheet: Sheet) -> list[tuple[int, int, int, int]]:
    """Merged cells of the head of a sheet; those that overlap would damage the file."""
    kept: list[tuple[int, int, int, int]] = []
    for area in sheet.merged[:500]:
        top, left, bottom, right = area
        overlaps = any(
            top <= b and t <= bottom and left <= r and le <= right for t, le, b, r in kept
        )
        if bottom < 40 and (bottom, right) != (top, left) and not overlaps:
            kept.append(area)
    return kept


def _write_findings(
    page: Worksheet,
    findings: Sequence[Finding],
    names: Mapping[str, str],
    formats: _Formats,
    decisions: Decisions,
    language: Language,
) -> None:
    page.freeze_panes(1, 0)
    bold = formats.book.add_format({"bold": True, "bottom": 1})
    for column, (title, width) in enumerate(_COLUMNS):
        page.set_column(column, column, width)
        page.write_string(0, column, title.get(language), bold)
    listed = findings[:MOST_LISTED]
    page.autofilter(0, 0, max(len(listed), 1), len(_COLUMNS) - 1)
    for row, finding in enumerate(listed, 1):
        rule = finding.rule
        colour = formats.get(rule.severity)
        page.write_string(row, 0, rule.title.text.get(language))
        page.write_string(row, 1, rule.severity.text.get(language), colour)
        page.write_string(row, 2, finding.sheet)
        if finding.row:
            page.write_number(row, 3, finding.row)
        page.write_string(row, 4, finding.column)
        if finding.cell and row <= MOST_LINKED:
            quoted = names[finding.sheet].replace("'", "''")
            page.write_url(row, 5, f"internal:'{quoted}'!{finding.cell}", string=finding.cell)
        else:
            page.write_string(row, 5, finding.cell)
        decision, reason = decisions.get(finding.key, ("", ""))
        for column, words in (
            (6, finding.code), (7, finding.value), (8, finding.text.zh), (9, finding.text.en),
            (10, decision), (11, reason),
        ):  # fmt: skip
            page.write_string(row, column, words)


def _write_rules(
    page: Worksheet, rules: RuleBook, counts: Mapping[str, int], formats: _Formats,
    language: Language,
) -> None:  # fmt: skip
    """Every rule with its count, gravest first, and where it comes from."""
    words = (
        Text(zh="规则", en="Rule"), Text(zh="级别", en="Severity"), Text(zh="数量", en="Findings"),
        Text(zh="名称", en="Title"), Text(zh="依据", en="From"), Text(zh="核实", en="Verified"),
    )  # fmt: skip
    bold = formats.book.add_format({"bold": True, "bottom": 1})
    for column, (word, width) in enumerate(zip(words, (30, 8, 8, 28, 60, 12), strict=True)):
        page.set_column(column, column, width)
        page.write_string(0, column, word.get(language), bold)
    unverified = Text(zh="未核对原文", en="not verified").get(language)
    order = sorted(rules.rules, key=lambda r: (r.severity.order, -counts.get(r.id, 0)))
    for row, rule in enumerate(order, 1):
        page.write_string(row, 0, rule.id)
        page.write_string(row, 1, rule.severity.text.get(language), formats.get(rule.severity))
        page.write_number(row, 2, counts.get(rule.id, 0))
        page.write_string(row, 3, rule.title.text.get(language))
        page.write_string(row, 4, rules.clauses[rule.clause].title.text.get(language))
        page.write_string(row, 5, unverified if rules.is_unverified(rule) else "")
    note = Text(zh="规则版本 {version}", en="Rules, version {version}")
    page.write_string(len(order) + 2, 0, note.format(version=rules.version).get(language))


def as_features(findings: Sequence[Finding]) -> dict[str, Any]:  # Any: GeoJSON
    """Findings that have a place, as a GeoJSON FeatureCollection in lon/lat (CGCS2000)."""
    features = [
        {
            "type": "Feature",
            "id": finding.key,
            "geometry": finding.geometry,
            "properties": {
                "rule": finding.rule.id,
                "severity": finding.rule.severity.value,
                "title": finding.rule.title.text.as_dict(),
                "sheet": finding.sheet,
                "row": finding.row,
                "cell": finding.cell,
                "code": finding.code,
                "value": finding.value,
                "text": finding.text.as_dict(),
            },
        }
        for finding in findings
        if finding.geometry is not None
    ]
    return {"type": "FeatureCollection", "features": features}
