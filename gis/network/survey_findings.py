"""Findings of a survey book, gathered a column at a time and turned into rows once at the end."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gis.attributes import Text
from gis.network.survey_fields import FIELDS, Role, is_restricted
from gis.network.survey_rules import Rule, RuleBook, Severity

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Facts = Mapping[str, Any]  # Any: an array with a fact per row, or one fact for all
MOST_PER_RULE = 20_000
"""Findings of one rule that are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``key`` tells it again in a corrected book: rule, object and column, no row.

    ``row`` counts from 1 as a spreadsheet does, 0 for a whole sheet or book; ``cell`` is its
    address. ``geometry`` is GeoJSON in lon/lat.
    """

    key: str
    rule: Rule
    sheet: str
    row: int
    column: str
    cell: str
    field: str
    code: str
    value: str
    text: Text
    restricted: bool
    role: Role | None = None
    at: int = -1
    """Which row of its table."""
    geometry: dict[str, Any] | None = None  # Any: GeoJSON


@dataclass(frozen=True, slots=True)
class _Block:
    rule: Rule
    role: Role | None
    rows: Rows
    field: str
    facts: dict[str, Any]  # Any: as Facts


@dataclass(slots=True)
class Findings:
    """What the checks found so far."""

    rules: RuleBook
    blocks: list[_Block] = field(default_factory=list)
    on_sheets: list[tuple[Rule, int, int | None, int | None, dict[str, Any]]] = field(
        default_factory=list
    )  # Any: facts

    def add(
        self,
        rule: str,
        role: Role,
        where: Mask | Sequence[int] | npt.NDArray[Any],  # Any: a mask or row numbers
        field: str,
        **facts: Any,  # noqa: ANN401 - Any: arrays over all rows, or one value
    ) -> None:
        """Findings of one rule at rows of a table; facts are arrays over the *whole* table."""
        rows = np.asarray(where)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
        if rows.size:
            own = {k: v[rows] if isinstance(v, np.ndarray) else v for k, v in facts.items()}
            self.blocks.append(_Block(self.rules.rule(rule), role, rows, field, own))

    def add_at(
        self, rule: str, sheet: int, row: int | None = None, column: int | None = None,
        **facts: object,
    ) -> None:  # fmt: skip
        """A finding at a cell, a row, a column's header or a sheet (-1: the book)."""
        self.on_sheets.append((self.rules.rule(rule), sheet, row, column, dict(facts)))

    def find_rows(self, role: Role, *rules: str) -> Rows:
        """Rows of a table that any of these rules spoke of."""
        found = [b.rows for b in self.blocks if b.role is role and b.rule.id in rules]
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.intp)

    def count_errors(self, role: Role, count: int) -> npt.NDArray[np.intp]:
        """By row of a table of ``count`` rows how many errors it has, listed or not."""
        errors = np.zeros(count, dtype=np.intp)
        for block in self.blocks:
            if block.role is role and block.rule.severity is Severity.ERROR:
                np.add.at(errors, block.rows, 1)
        return errors

    def count(self) -> dict[str, int]:
        """By rule how many findings there are, also those that are not listed."""
        counts: dict[str, int] = {}
        for block in self.blocks:
            counts[block.rule.id] = counts.get(block.rule.id, 0) + len(block.rows)
        for rule, *_ in self.on_sheets:
            counts[rule.id] = counts.get(rule.id, 0) + 1
        return counts


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's rows lie in the book and on the ground, for the listing of findings."""

    sheet: npt.NDArray[np.intp]
    row: npt.NDArray[np.intp]
    column: Mapping[int, Mapping[str, int]]
    """By sheet: field -> column."""
    code: npt.NDArray[np.object_]
    raw: Mapping[str, npt.NDArray[np.object_]]
    """By field the cells as they stand."""
    geometry: npt.NDArray[np.object_]
    """GeoJSON per row, or None."""


def list_findings(
    found: Findings, places: Mapping[Role, Place], sheet_names: Sequence[str]
) -> list[Finding]:
    """Every finding as a row: by sheet and row, those of the book first."""
    listed = [_at_sheet(f, sheet_names) for f in found.on_sheets]
    left: dict[str, int] = {}
    for block in found.blocks:
        if block.role is not None:
            room = MOST_PER_RULE - left.get(block.rule.id, 0)
            left[block.rule.id] = left.get(block.rule.id, 0) + min(room, len(block.rows))
            listed += _of_block(block, places[block.role], sheet_names, room)
    order = {name: n for n, name in enumerate(sheet_names)}
    listed.sort(key=lambda f: (order.get(f.sheet, -1), f.row, f.column.rjust(4), f.rule.id))
    return _with_own_keys(listed)


def _of_block(block: _Block, place: Place, sheet_names: Sequence[str], room: int) -> list[Finding]:
    role, rule = block.role, block.rule
    if role is None:
        return []
    known = FIELDS[role].get(block.field)
    restricted = is_restricted(role, block.field) or rule.group == "level"
    rows = []
    for n, at in enumerate(block.rows[:room].tolist()):
        facts = {
            k: _plain(v[n] if isinstance(v, np.ndarray) else v) for k, v in block.facts.items()
        }
        facts.setdefault("field", known.text.zh if known else block.field)
        sheet = int(place.sheet[at])
        column = place.column[sheet].get(block.field)
        raw = place.raw[block.field][at] if block.field in place.raw else None
        code = str(place.code[at] or "")
        row = int(place.row[at])
        letter = "" if column is None else column_letter(column)
        rows.append(
            Finding(
                key=_make_key(rule.id, role.value, code or f"#{row}", block.field),
                rule=rule,
                sheet=sheet_names[sheet],
                row=row + 1,
                column=letter,
                cell=f"{letter or 'A'}{row + 1}",
                field=block.field,
                code=code,
                value="" if raw is None else show(raw),
                text=_fill(rule, facts),
                restricted=restricted,
                role=role,
                at=at,
                geometry=place.geometry[at],
            )
        )
    return rows


def _at_sheet(
    found: tuple[Rule, int, int | None, int | None, dict[str, Any]],  # Any: facts
    sheet_names: Sequence[str],
) -> Finding:
    rule, sheet, row, column, facts = found
    name = sheet_names[sheet] if sheet >= 0 else ""
    letter = "" if column is None else column_letter(column)
    number = 0 if row is None else row + 1
    value = facts.get("value", "")
    return Finding(
        key=_make_key(rule.id, name, f"{letter}{number}"),
        rule=rule,
        sheet=name,
        row=number,
        column=letter,
        cell=f"{letter or 'A'}{number}" if number else "",
        field="",
        code="",
        value=show(value),
        text=_fill(rule, {"sheet": name, **facts}),
        restricted=False,
    )


def _with_own_keys(listed: list[Finding]) -> list[Finding]:
    """Keys that occur twice (a rule that speaks twice of one cell) get a number."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    own = []
    for finding in listed:
        number = seen[finding.key] = seen.get(finding.key, 0) + 1
        own.append(finding if number == 1 else replace(finding, key=f"{finding.key}-{number}"))
    return own


def _fill(rule: Rule, facts: Facts) -> Text:
    return Text(
        zh=rule.text.zh.format_map(_InWords(facts, "zh")),
        en=rule.text.en.format_map(_InWords(facts, "en")),
    )


class _InWords(dict[str, Any]):  # Any: facts
    """Facts for a template; a fact that is words in both languages gives the one asked for."""

    def __init__(self, facts: Facts, language: str) -> None:
        super().__init__({k: _shorten(v) for k, v in facts.items()})
        self.language = language

    def __missing__(self, key: str) -> str:
        return "?"


def _shorten(value: Any) -> Any:  # noqa: ANN401 - Any: a fact
    return value[:80] if isinstance(value, str) else value


def _plain(value: Any) -> Any:  # noqa: ANN401 - Any: a fact
    return value.item() if isinstance(value, np.generic) else value


def show(value: object) -> str:
    """A cell as people see it: a whole number without its ``.0``.

    >>> show(300.0), show("雨水")
    ('300', '雨水')
    """
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else str(value)
    return str(value)[:200]


def column_letter(column: int) -> str:
    """The name a spreadsheet gives a column, from 0.

    >>> column_letter(0), column_letter(27)
    ('A', 'AB')
    """
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _make_key(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()
