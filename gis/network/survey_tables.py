"""The tables of a survey as typed columns, and what was noticed while reading them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.kinds.sewer_manhole import ManholeSystem, ManholeType
from gis.kinds.sewer_pipe import (
    FlowDirection,
    PipeLaying,
    PipeMaterial,
    PipePressure,
    PipeShape,
    PipeSystem,
)
from gis.network.survey_cells import (
    Floats,
    Objects,
    Sizes,
    as_objects,
    fold_code,
    map_distinct,
    read_codes,
    read_sizes,
    read_texts,
    read_words,
    take_objects,
)
from gis.network.survey_codes import (
    FLOW_WORDS,
    PRESSURE_WORDS,
    SIPHON,
    SYSTEM_LETTERS,
    SYSTEM_WORDS,
    load_codes,
)
from gis.network.survey_fields import Role
from gis.network.survey_findings import Findings
from gis.network.survey_grid import Grid, TableReader, note_undecodable, shown

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


@dataclass(slots=True)
class Nodes:
    """Points of the survey; levels and depths in metres, places in the plane once they are read."""

    grid: Grid
    code: Objects
    folded: Objects
    first: Floats
    second: Floats
    ground: Floats
    bottom: Floats
    depth: Floats
    system: Objects
    kind: Objects
    is_exit: Mask
    ways: Floats
    east: Floats
    north: Floats
    lon: Floats
    lat: Floats
    read_ground: Floats
    """As surveyed; ``ground`` and ``bottom`` lose what cannot be, for the checks."""
    read_bottom: Floats

    def find(self, codes: Objects) -> Index:
        """The first row of each code, -1 for none."""
        known = pd.Series(self.code).dropna().drop_duplicates()
        at = pd.Index(known.to_numpy()).get_indexer(pd.Index(codes))
        rows = np.append(known.index.to_numpy(), -1)
        found: Index = np.where(at < 0, -1, rows[at])
        return found

    def find_folded(self, codes: Objects) -> Index:
        """The first row whose code is the same but for case, width and spaces; -1 for none."""
        known = pd.Series(self.folded).dropna().drop_duplicates()
        at = pd.Index(known.to_numpy()).get_indexer(pd.Index(codes))
        rows = np.append(known.index.to_numpy(), -1)
        found: Index = np.where(at < 0, -1, rows[at])
        return found


@dataclass(slots=True)
class Pipes:
    """Pipes of the survey: ends as codes and as rows of the points (-1: none)."""

    grid: Grid
    code: Objects
    start: Objects
    end: Objects
    a: Index
    b: Index
    depth: tuple[Floats, Floats]
    invert: tuple[Floats, Floats]
    size: Sizes
    system: Objects
    pressure: Mask
    siphon: Mask
    flow: npt.NDArray[np.int8]
    """As surveyed: 1 from start to end, -1 back, 0 unknown."""
    declared_m: Floats
    year: Floats
    read_invert: tuple[Floats, Floats]
    """As surveyed; ``invert`` is worked out from the depth where it is missing, for the checks."""
    length: Floats
    """In the plane, from the points; NaN where an end has none."""


def read_nodes(grid: Grid, findings: Findings, sheet_names: Sequence[str]) -> Nodes:
    """Typed columns of the points."""
    read, codes = TableReader(grid, findings), load_codes()
    note_undecodable(grid, findings)
    code = read_codes(grid.cells("code"))
    by_degrees = "x" not in grid.raw or "y" not in grid.raw
    feature, _ = read_texts(grid.cells("feature"))
    attachment, _ = read_texts(grid.cells("attachment"))
    kind, known = _read_kind(feature, attachment, read_codes(grid.cells("element")))
    _note_kinds(findings, grid, feature, attachment, known)
    both = [feature, attachment]
    ground, bottom = read.numbers("ground"), read.numbers("bottom")
    return Nodes(
        grid=grid,
        code=code,
        folded=as_objects([None if c is None else fold_code(c) for c in code]),
        first=read.numbers("lat" if by_degrees else "x"),
        second=read.numbers("lon" if by_degrees else "y"),
        ground=ground,
        bottom=bottom,
        depth=read.numbers("depth"),
        system=_read_node_system(read, code, sheet_names),
        kind=kind,
        is_exit=_any(both, codes.exits),
        ways=np.array([codes.ways.get(str(f), np.nan) for f in feature], dtype=float),
        east=np.full(grid.count, np.nan),
        north=np.full(grid.count, np.nan),
        lon=np.full(grid.count, np.nan),
        lat=np.full(grid.count, np.nan),
        read_ground=ground,
        read_bottom=bottom,
    )


def _any(columns: Sequence[Objects], words: frozenset[str]) -> Mask:
    found = np.zeros(len(columns[0]), dtype=bool)
    for column in columns:
        found |= np.isin(column.astype(str), list(words))
    return found


def _read_kind(
    feature: Objects, attachment: Objects, element: Objects
) -> tuple[Objects, tuple[Mask, Mask]]:
    """Manhole types: by structure, else by feature, else by element code; and what was known."""
    codes = load_codes()
    spoken = [read_words(c, ManholeType, dict(codes.types)) for c in (attachment, feature)]
    by_code = as_objects([codes.elements.get(str(e)) for e in element])
    kind = spoken[0].values
    for other in (spoken[1].values, by_code):
        kind = np.where(pd.isna(kind), other, kind)
    kind = np.where(pd.isna(kind), ManholeType.INSPECTION.value, kind)
    return kind, (spoken[0].unknown, spoken[1].unknown)


def _note_kinds(
    findings: Findings, grid: Grid, feature: Objects, attachment: Objects,
    unknown: tuple[Mask, Mask],
) -> None:  # fmt: skip
    role = grid.role
    has_feature, has_structure = ~pd.isna(feature), ~pd.isna(attachment)
    both_columns = grid.has("feature") & grid.has("attachment")
    either = grid.has("feature") | grid.has("attachment")
    where = np.where(grid.has("attachment"), "attachment", "feature")
    for name in ("attachment", "feature"):
        missing = either & ~has_feature & ~has_structure & (where == name)
        findings.add("node_kind_missing", role, missing, name)
    findings.add(
        "node_kind_double", role, both_columns & has_feature & has_structure, "feature",
        value=feature, other=attachment,
    )  # fmt: skip
    findings.add("node_kind_unknown", role, unknown[0], "attachment", value=attachment)
    findings.add("node_kind_unknown", role, unknown[1], "feature", value=feature)


def _read_node_system(read: TableReader, code: Objects, sheet_names: Sequence[str]) -> Objects:
    grid, role = read.grid, Role.NODES
    system, given = read.words("system", ManholeSystem, "node_system_unknown", SYSTEM_WORDS)
    element = read_codes(grid.cells("element"))
    by_element = systems_of_elements(element)
    is_drainage = ~pd.isna(by_element)
    read.findings.add(
        "node_element_unknown", role, ~pd.isna(element) & ~is_drainage, "element", value=element
    )
    differs = is_drainage & ~pd.isna(system) & (by_element != system)
    read.findings.add(
        "node_element_conflict", role, differs, "element",
        value=element, code_system=in_words(by_element), other=in_words(system),
    )  # fmt: skip
    for other in (by_element, systems_of_codes(code), _systems_of_sheets(grid, sheet_names)):
        system = np.where(pd.isna(system) & ~given, other, system)
    read.findings.add("node_system_missing", role, pd.isna(system) & ~given, "system")
    return system


def systems_of_elements(element: Objects) -> Objects:
    """The system an element code of CJJ 61 speaks of (5201, 5202, 5203), or None."""
    table = load_codes().systems
    return as_objects([None if e is None else table.get(str(e)[:4]) for e in element])


def systems_of_codes(code: Objects) -> Objects:
    """The system a code's letters name (``YS0001``, ``2WS12``), or None."""

    def name(cell: object) -> str | None:
        found = re.match(r"^\d{0,4}(YS|WS|HS)", str(cell).upper())
        return SYSTEM_LETTERS[found[1]] if found else None

    return as_objects(map_distinct(code, name))


def _systems_of_sheets(grid: Grid, sheet_names: Sequence[str]) -> Objects:
    def name(words: str) -> str | None:
        upper = words.upper()
        found = [s for letters, s in SYSTEM_LETTERS.items() if letters in upper]
        found += [s for w, s in (("雨水", "storm"), ("污水", "sanitary"), ("合流", "combined"))
                  if w in words]  # fmt: skip
        return found[0] if len(set(found)) == 1 else None

    by_sheet = {s: name(sheet_names[s]) for s in grid.columns}
    return as_objects([by_sheet[int(s)] for s in grid.sheet])


def in_words(systems: Objects) -> Objects:
    """Systems in both languages, for texts."""
    words = {str(s): s.text for s in PipeSystem}
    return as_objects([words.get(str(s)) for s in systems])


def read_pipes(grid: Grid, nodes: Nodes, findings: Findings, sheet_names: Sequence[str]) -> Pipes:
    """Typed columns of the pipes; their ends are looked up among the points."""
    read = TableReader(grid, findings)
    note_undecodable(grid, findings)
    start, end = read_codes(grid.cells("start")), read_codes(grid.cells("end"))
    a, b = nodes.find(start), nodes.find(end)
    pressure, _ = read.words("pressure", PipePressure, "pipe_word_unknown", PRESSURE_WORDS)
    flow, _ = read.words("flow", FlowDirection, "pipe_word_unknown", FLOW_WORDS)
    signs = np.where(flow == "forward", 1, np.where(flow == "backward", -1, 0)).astype(np.int8)
    _note_words(read)
    invert = (read.numbers("start_invert"), read.numbers("end_invert"))
    return Pipes(
        grid=grid,
        code=read_codes(grid.cells("code")),
        start=start,
        end=end,
        a=a,
        b=b,
        depth=(read.numbers("start_depth"), read.numbers("end_depth")),
        invert=invert,
        read_invert=invert,
        size=_read_sizes(read),
        system=_read_pipe_system(read, nodes, (start, a), sheet_names),
        pressure=pressure == PipePressure.PRESSURE.value,
        siphon=_find_siphons(grid),
        flow=signs,
        declared_m=read.numbers("length"),
        year=_read_years(read),
        length=np.full(grid.count, np.nan),
    )


def _read_years(read: TableReader) -> Floats:
    cells = read.grid.cells("year")
    plain = as_objects(map_distinct(cells, _year_of))
    read.grid.raw["year"] = plain if "year" in read.grid.raw else cells
    return read.numbers("year")


def _year_of(cell: object) -> object:
    """The year of ``2015年``, ``2015-06-01`` or a date; any other cell as it is."""
    found = re.match(r"^\s*((?:1[89]|2[01])\d{2})\s*(?:年|[-/.])", str(cell))
    return float(found[1]) if found and not isinstance(cell, float) else cell


def _find_siphons(grid: Grid) -> Mask:
    found = np.zeros(grid.count, dtype=bool)
    for name in ("feature", "laying", "note", "shape"):
        cells = grid.cells(name)
        found |= np.fromiter((isinstance(c, str) and SIPHON in c for c in cells), bool, grid.count)
    return found


def _note_words(read: TableReader) -> None:
    role, grid = Role.PIPES, read.grid
    _, given = read.words("material", PipeMaterial, "pipe_material_unknown", {})
    read.findings.add("pipe_material_missing", role, grid.has("material") & ~given, "material")
    read.words("laying", PipeLaying, "pipe_laying_unknown", {SIPHON: "other", "倒虹吸": "other"})


def _read_sizes(read: TableReader) -> Sizes:
    """Sizes from the size column, else from width and height; what was noticed of them."""
    grid, role, findings = read.grid, Role.PIPES, read.findings
    sizes = read_sizes(grid.cells("size"))
    width, height = read.numbers("width"), read.numbers("height")
    use = ~sizes.given & np.isfinite(width) & np.isfinite(height)
    sizes.width = np.where(use, width, sizes.width)
    sizes.height = np.where(use, height, sizes.height)
    sizes.given = sizes.given | use
    raw = shown(grid.cells("size"))
    notes = sizes.notes
    findings.add("pipe_size_unreadable", role, notes["unreadable"], "size", value=raw)
    findings.add("pipe_size_in_metres", role, notes["metres"], "size", value=raw,
                 other=sizes.largest)  # fmt: skip
    findings.add("pipe_size_barrels", role, notes["barrels"], "size", value=raw)
    findings.add("sentinel_value", role, notes["sentinel"], "size", value=raw)
    column = grid.has("size") | (grid.has("width") & grid.has("height"))
    missing = column & ~sizes.given & ~notes["sentinel"]
    findings.add("pipe_size_missing", role, missing & grid.has("size"), "size")
    findings.add("pipe_size_missing", role, missing & ~grid.has("size"), "width")
    shape, _ = read.words("shape", PipeShape, "pipe_word_unknown", {"倒虹": "other"})
    round_ = shape == PipeShape.CIRCULAR.value
    boxy = np.isin(shape.astype(str), ["rectangular", "trapezoid"])
    conflict = (round_ & np.isfinite(sizes.width)) | (boxy & np.isfinite(sizes.diameter))
    findings.add("pipe_shape_conflict", role, conflict, "shape",
                 value=shown(grid.cells("shape")), other=raw)  # fmt: skip
    return sizes


def _read_pipe_system(
    read: TableReader, nodes: Nodes, start: tuple[Objects, Index], sheet_names: Sequence[str]
) -> Objects:
    system, given = read.words("system", PipeSystem, "pipe_system_unknown", SYSTEM_WORDS)
    codes, a = start
    of_node = take_objects(nodes.system, a)
    for other in (systems_of_codes(codes), of_node, _systems_of_sheets(read.grid, sheet_names)):
        system = np.where(pd.isna(system) & ~given, other, system)
    read.findings.add("pipe_system_missing", Role.PIPES, pd.isna(system) & ~given, "system")
    return system
