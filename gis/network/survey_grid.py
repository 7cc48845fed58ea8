"""Rows of a survey's tables by role, and the reader that turns their cells into typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gis.attributes import Vocabulary
from gis.network.survey_cells import (
    Floats,
    Numbers,
    Objects,
    as_objects,
    read_numbers,
    read_texts,
    read_words,
)
from gis.network.survey_fields import FIELDS, Role, Sort
from gis.network.survey_findings import Findings
from gis.network.survey_header import Table
from gis.network.survey_read import Book

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
_ZERO_IS_MISSING = frozenset(
    ["x", "y", "lon", "lat", "ground", "start_x", "start_y", "end_x", "end_y", "width", "height",
     "year", "cover_size"]
)  # fmt: skip


@dataclass(slots=True)
class Grid:
    """Rows of one role from all its sheets: where they stand, and their cells by field."""

    role: Role
    sheet: Index
    row: Index
    columns: dict[int, dict[str, int]]
    raw: dict[str, Objects]

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.row)

    def has(self, field: str) -> Mask:
        """Rows whose sheet has the column."""
        sheets = [s for s, names in self.columns.items() if field in names]
        return np.isin(self.sheet, sheets)

    def cells(self, field: str) -> Objects:
        """The cells of a field; None where a sheet lacks it."""
        found = self.raw.get(field)
        return found if found is not None else np.full(self.count, None, dtype=object)


def gather(book: Book, tables: Sequence[Table], role: Role) -> Grid:
    """All rows of a role, in the order of the book."""
    own = [t for t in tables if t.role is role]
    fields = [f for f in FIELDS[role] if any(f in t.columns for t in own)]
    parts: dict[str, list[Objects]] = {f: [] for f in fields}
    for table in own:
        sheet = book.sheets[table.sheet]
        for name in fields:
            at = table.columns.get(name)
            if at is None:
                parts[name].append(np.full(len(table.rows), None, dtype=object))
            else:
                column = sheet.columns[at]
                parts[name].append(as_objects([column[r] for r in table.rows]))
    return Grid(
        role=role,
        sheet=np.repeat([t.sheet for t in own], [len(t.rows) for t in own]).astype(np.intp),
        row=np.array([r for t in own for r in t.rows], dtype=np.intp),
        columns={t.sheet: t.columns for t in own},
        raw={name: np.concatenate(blocks) for name, blocks in parts.items()},
    )


class TableReader:
    """Reads columns of one role; what is wrong with cells becomes findings."""

    def __init__(self, grid: Grid, findings: Findings) -> None:
        self.grid, self.findings = grid, findings

    def numbers(self, field: str) -> Floats:
        """A column of numbers."""
        read: Numbers = read_numbers(
            self.grid.cells(field), zero_is_missing=field in _ZERO_IS_MISSING
        )
        raw = shown(self.grid.cells(field))
        self.findings.add("number_unreadable", self.grid.role, read.unreadable, field, value=raw)
        self.findings.add("sentinel_value", self.grid.role, read.sentinel, field, value=raw)
        return read.values

    def texts(self, field: str) -> Objects:
        """A column of texts."""
        texts, sentinel = read_texts(self.grid.cells(field))
        raw = shown(self.grid.cells(field))
        self.findings.add("sentinel_value", self.grid.role, sentinel, field, value=raw)
        return texts

    def words(
        self, field: str, vocabulary: type[Vocabulary], rule: str, more: dict[str, str]
    ) -> tuple[Objects, Mask]:
        """A column of words, and where there is one; ``rule`` for those that are unknown."""
        read = read_words(self.grid.cells(field), vocabulary, more)
        raw = shown(self.grid.cells(field))
        self.findings.add(rule, self.grid.role, read.unknown, field, value=raw)
        return read.values, read.given


def shown(cells: Objects) -> Objects:
    """Cells as texts for a finding."""
    return as_objects(["" if c is None else str(c)[:80] for c in cells.tolist()])


def note_undecodable(grid: Grid, findings: Findings) -> None:
    """Cells with the mark of a character that did not decode."""
    for name, cells in grid.raw.items():
        if FIELDS[grid.role][name].sort is not Sort.NUMBER:
            bad = np.fromiter(
                (isinstance(c, str) and "\ufffd" in c for c in cells), bool, grid.count
            )
            findings.add("text_undecodable", grid.role, bad, name, value=shown(cells))
