"""A survey book judged: read into tables, every rule asked, every finding at its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import pyproj

from gis.attributes import Text
from gis.errors import SourceError
from gis.network import survey_check_network as network
from gis.network import survey_check_nodes as on_nodes
from gis.network import survey_check_pipes as on_pipes
from gis.network.survey_cells import Floats, Objects, as_objects, read_dates
from gis.network.survey_fields import FIELDS, REQUIRED, Role
from gis.network.survey_findings import Finding, Findings, Place, list_findings
from gis.network.survey_grid import Grid, gather
from gis.network.survey_header import Table, find_table
from gis.network.survey_place import County, Reading, choose_reading
from gis.network.survey_read import Book
from gis.network.survey_rules import RuleBook, load_rules
from gis.network.survey_tables import Nodes, Pipes, read_nodes, read_pipes

_EXPECTED = {
    Role.NODES: (("ground",), ("attachment", "feature", "element")),
    Role.PIPES: (
        ("size", "width"),
        ("material",),
        ("start_invert", "start_depth"),
        ("end_invert", "end_depth"),
    ),
}
"""Columns a table ought to have: one of each set."""
_GEOD = pyproj.Geod(ellps="GRS80")
"""The ellipsoid of CGCS2000, to less than a tenth of a millimetre."""


@dataclass(slots=True)
class Judgement:
    """A book with everything found in it."""

    book: Book
    rules: RuleBook
    tables: list[Table]
    nodes: Nodes
    pipes: Pipes
    found: Findings
    reading: Reading | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def sheet_names(self) -> list[str]:
        """Names of the sheets, in order."""
        return [s.name for s in self.book.sheets]

    @property
    def surveyed_m(self) -> float:
        """Length on the ellipsoid of all pipes whose ends have a place, each once."""
        return float(np.nansum(self.lengths()))

    def lengths(self) -> Floats:
        """Metres of each pipe; NaN without a place or for one that is there twice."""
        lon, lat = (np.append(v, np.nan) for v in (self.nodes.lon, self.nodes.lat))
        a, b = self.pipes.a, self.pipes.b
        known = np.isfinite(lon[a]) & np.isfinite(lon[b])
        out = np.full(len(a), np.nan)
        _, _, out[known] = _GEOD.inv(lon[a][known], lat[a][known], lon[b][known], lat[b][known])
        out[self.found.find_rows(Role.PIPES, "pipe_repeated")] = np.nan
        return out

    def list_again(self) -> None:
        """Work the listing out anew, after findings were added."""
        places = {
            Role.NODES: _place_nodes(self.nodes),
            Role.PIPES: _place_pipes(self.pipes, self.nodes),
        }
        self.findings = list_findings(self.found, places, self.sheet_names)


def judge_book(
    book: Book,
    *,
    county: County | None = None,
    crs: str | None = None,
    claimed_m: float | None = None,
    version: str | None = None,
    today: date,
) -> Judgement:
    """Ask every rule of a book; ``today`` is the business clock's.

    SourceError when it holds no table or has no known place.
    """
    rules = load_rules(version) if version else load_rules()
    found = Findings(rules)
    tables = [t for n, s in enumerate(book.sheets) if s.rows and (t := find_table(n, s))]
    if not tables:
        raise SourceError(
            Text(
                zh="没有找到点表或线表:点表须有 点号、X、Y,线表须有 起点点号、终点点号",
                en="no table of points (code, X, Y) or pipes (start, end) was found",
            )
        )
    _note_book(book, tables, found)
    names = [s.name for s in book.sheets]
    nodes = read_nodes(gather(book, tables, Role.NODES), found, names)
    reading = _place(nodes, county, crs, found)
    pipes = read_pipes(gather(book, tables, Role.PIPES), nodes, found, names)
    for grid in (nodes.grid, pipes.grid):
        _note_cells(book, grid, found)
    _measure(nodes, pipes)
    judged = Judgement(book, rules, tables, nodes, pipes, found, reading)
    with np.errstate(all="ignore"):  # what is no number is a finding, not a warning
        _ask(judged, county, today)
    _note_claim(judged, claimed_m)
    judged.list_again()
    return judged


def _ask(judged: Judgement, county: County | None, today: date) -> None:
    nodes, pipes, found, limits = judged.nodes, judged.pipes, judged.found, judged.rules.limits
    on_nodes.check_codes(nodes, found)
    if judged.reading is not None:
        on_nodes.check_places(nodes, judged.reading, county, found, limits)
        _measure(nodes, pipes)
    on_nodes.check_levels(nodes, pipes, found, limits)
    _note_dates(nodes.grid, found, today)
    _note_dates(pipes.grid, found, today)
    if pipes.grid.count:
        on_pipes.check_ends(pipes, nodes, found)
        on_pipes.check_repeats(pipes, found)
        on_pipes.check_same_lines(pipes, nodes, found, limits)
        on_pipes.check_sizes(pipes, found, limits, today)
        on_pipes.check_levels(pipes, nodes, found, limits)
        on_pipes.check_slopes(pipes, nodes, found, limits)
        on_pipes.check_lengths(pipes, nodes, judged.reading, found, limits)
    on_nodes.check_ways(nodes, pipes, found, limits)
    if pipes.grid.count and nodes.grid.count:
        network.check_network(nodes, pipes, found, limits)


def _note_book(book: Book, tables: Sequence[Table], found: Findings) -> None:
    """What is to be said of the book and its sheets as such."""
    if book.has_macros:
        found.add_at("book_macros", -1)
    roles = {t.role for t in tables}
    if Role.NODES not in roles:
        found.add_at("no_manhole_table", -1)
    if Role.PIPES not in roles:
        found.add_at("no_pipe_table", -1)
    by_sheet = {t.sheet: t for t in tables}
    for number, sheet in enumerate(book.sheets):
        if sheet.formulas:
            found.add_at("book_formulas", number, count=sheet.formulas)
        table = by_sheet.get(number)
        if table is None:
            if sheet.rows:
                found.add_at("sheet_not_read", number)
            continue
        _note_columns(book, table, found)


def _note_cells(book: Book, grid: Grid, found: Findings) -> None:
    """Error values and formulas without a result, in the rows and columns that were read."""
    for number, columns in grid.columns.items():
        sheet = book.sheets[number]
        fields = {at: name for name, at in columns.items()}
        rows = {int(r): n for n, r in enumerate(grid.row) if grid.sheet[n] == number}
        for rule, cells in (
            ("cell_is_error", sheet.errors),
            ("formula_without_value", sheet.unvalued),
        ):
            for row, column in map(read_address, cells):
                if row in rows and column in fields:
                    found.add(rule, grid.role, [rows[row]], fields[column])


def _note_columns(book: Book, table: Table, found: Findings) -> None:
    sheet, top = book.sheets[table.sheet], table.header[-1]

    def header_of(at: int) -> str:
        parts = [str(v) for row in table.header if (v := sheet.columns[at][row]) is not None]
        return " / ".join(parts)

    for at in table.unknown:
        if any(sheet.columns[at][r] is not None for r in table.rows):
            found.add_at("column_unknown", table.sheet, top, at, value=header_of(at))
    for at, first in table.repeated.items():
        found.add_at(
            "column_repeated", table.sheet, top, at,
            value=header_of(at), other=header_of(first),
        )  # fmt: skip
    for at in table.conflicts:
        found.add_at("header_conflict", table.sheet, top, at, value=header_of(at))
    for choice in _EXPECTED[table.role]:
        if not set(choice) & table.columns.keys():
            field_ = FIELDS[table.role][choice[0]]
            found.add_at("column_missing", table.sheet, top, field=field_.text.zh)
    for row in table.skipped:
        found.add_at("row_not_data", table.sheet, row)


def read_address(address: str) -> tuple[int, int]:
    """Row and column, from 0, of a cell's address.

    >>> read_address("AB12")
    (11, 27)
    """
    letters = address.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(address[len(letters) :]) - 1, column - 1


def _place(nodes: Nodes, county: County | None, crs: str | None, found: Findings) -> Reading | None:
    if not nodes.grid.count:
        return None
    reading = choose_reading(nodes.first, nodes.second, county, crs)
    with np.errstate(all="ignore"):
        nodes.east, nodes.north = reading.to_plane(nodes.first, nodes.second)
        nodes.lon, nodes.lat = reading.to_degrees(nodes.east, nodes.north)
    pair = next(p for p in REQUIRED[Role.NODES] if set(p) <= set(nodes.grid.raw))
    for sheet, columns in nodes.grid.columns.items():
        if reading.swapped and not reading.degrees:
            found.add_at("axes_swapped", sheet, None, columns.get(pair[1]))
        if reading.is_offset:
            found.add_at(
                "coordinates_offset", sheet, None, columns.get(pair[1]),
                east=reading.east_offset, north=reading.north_offset,
            )  # fmt: skip
    return reading


def _measure(nodes: Nodes, pipes: Pipes) -> None:
    """Lengths in the plane: within 0.05 % of those on the ellipsoid."""
    east, north = np.append(nodes.east, np.nan), np.append(nodes.north, np.nan)
    pipes.length = np.hypot(east[pipes.a] - east[pipes.b], north[pipes.a] - north[pipes.b])


def _note_dates(grid: Grid, found: Findings, today: date) -> None:
    if "surveyed_on" not in grid.raw:
        return
    cells = grid.cells("surveyed_on")
    days, bad = read_dates(grid.role.kind, "surveyed_on", cells)
    shown = as_objects(["" if c is None else str(c)[:40] for c in cells])
    found.add("date_unreadable", grid.role, bad, "surveyed_on", value=shown)
    latest = today.isoformat()
    future = np.fromiter((d is not None and d > latest for d in days), bool, grid.count)
    found.add("date_in_future", grid.role, future, "surveyed_on", value=days)


def _note_claim(judged: Judgement, claimed_m: float | None) -> None:
    surveyed = judged.surveyed_m
    limit = 1 + judged.rules.limits.claimed_share
    if claimed_m is not None and claimed_m > surveyed * limit:
        judged.found.add_at("length_overclaimed", -1, value=claimed_m / 1000, other=surveyed / 1000)


# --- where findings lie -------------------------------------------------------------------------


def _place_nodes(nodes: Nodes) -> Place:
    grid = nodes.grid
    lon, lat = np.round(nodes.lon, 7).tolist(), np.round(nodes.lat, 7).tolist()
    points = [
        {"type": "Point", "coordinates": [x, y]} if x == x and y == y else None  # noqa: PLR0124
        for x, y in zip(lon, lat, strict=True)
    ]
    return _place_of(grid, nodes.code, as_objects(points))


def _place_pipes(pipes: Pipes, nodes: Nodes) -> Place:
    grid = pipes.grid
    code = as_objects(
        [
            c if c is not None else f"{s or '?'}-{e or '?'}"
            for c, s, e in zip(pipes.code, pipes.start, pipes.end, strict=True)
        ]
    )
    lon, lat = (np.append(np.round(v, 7), np.nan) for v in (nodes.lon, nodes.lat))
    ends = np.stack([lon[pipes.a], lat[pipes.a], lon[pipes.b], lat[pipes.b]], axis=1)
    return _place_of(grid, code, as_objects([_line(*e) for e in ends.tolist()]))


def _line(x1: float, y1: float, x2: float, y2: float) -> dict[str, object] | None:
    """The line of a pipe; a point where only one end has a place."""
    ends = [[x, y] for x, y in ((x1, y1), (x2, y2)) if x == x]  # noqa: PLR0124 - not NaN
    if len(ends) == 2 and ends[0] != ends[1]:
        return {"type": "LineString", "coordinates": ends}
    return {"type": "Point", "coordinates": ends[0]} if ends else None


def _place_of(grid: Grid, code: Objects, geometry: Objects) -> Place:
    code = as_objects([None if pd.isna(c) else c for c in code])
    return Place(
        sheet=grid.sheet, row=grid.row, column=grid.columns, code=code, raw=grid.raw,
        geometry=geometry,
    )  # fmt: skip
