"""Rows of a judged survey as rows of the register: manholes and pipes without an open error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from gis.db.tables import current
from gis.exchange.import_file import load_frame
from gis.exchange.judge_columns import judge_columns
from gis.exchange.open_file import Values
from gis.geometry import STORAGE_SRID, Geometries
from gis.kinds.vocabularies import vocabulary_of
from gis.network.survey_cells import Objects, as_objects, read_dates, read_texts, read_words
from gis.network.survey_check import Judgement
from gis.network.survey_codes import PRESSURE_WORDS
from gis.network.survey_fields import FIELDS, Role, Sort
from gis.network.survey_grid import Grid
from gis.network.survey_rules import Severity
from gis.store import LoadCounts

Mask = npt.NDArray[np.bool_]
_OWN = ("code", "start", "end", "size", "width", "height", "system", "attachment", "ground",
        "bottom", "start_invert", "end_invert", "length", "year", "flow")  # fmt: skip
"""Fields that are read by the checks already."""
_MORE_WORDS: Mapping[str, dict[str, str]] = {"pressure": PRESSURE_WORDS}


@dataclass(slots=True)
class Loadable:
    """What of a survey may go into the register, by role; ``held`` pipes wait for a manhole."""

    frames: dict[Role, gpd.GeoDataFrame]
    touched: dict[Role, list[str]]
    rows: dict[Role, npt.NDArray[np.intp]]
    held: int
    accepted_m: float


def choose_rows(judged: Judgement, waived: frozenset[str]) -> dict[Role, Mask]:
    """Rows without an error, or with every one waived; none while a whole table is wrong."""
    chosen: dict[Role, Mask] = {}
    blocked = any(
        rule.severity is Severity.ERROR and row is None
        for rule, _, row, *_ in judged.found.on_sheets
    )
    for role, grid in ((Role.NODES, judged.nodes.grid), (Role.PIPES, judged.pipes.grid)):
        errors = judged.found.count_errors(role, grid.count)
        for finding in judged.findings:
            if finding.role is role and finding.rule.severity is Severity.ERROR:
                errors[finding.at] -= finding.rule.waivable and finding.key in waived
        chosen[role] = (errors <= 0) & (not blocked)
    return chosen


def prepare_rows(judged: Judgement, source: str, batch: str, waived: frozenset[str]) -> Loadable:
    """The rows of both kinds as frames, judged by the kinds; what these refuse is a finding.

    ``source`` and the codes are the identity of the rows: a corrected book changes them. A pipe
    is held while one of its manholes is.
    """
    chosen = choose_rows(judged, waived)
    nodes, pipes = judged.nodes, judged.pipes
    placed = np.isfinite(nodes.lon)
    fit = chosen[Role.NODES] & placed & ~pd.isna(nodes.code) & ~pd.isna(nodes.system)
    points = np.full(nodes.grid.count, None, dtype=object)
    points[placed] = shapely.points(nodes.lon[placed], nodes.lat[placed])
    node_cells = _node_cells(judged)
    fit &= _judge(judged, Role.NODES, node_cells, fit)
    there = np.append(fit, False)
    both = there[pipes.a] & there[pipes.b]
    whole = chosen[Role.PIPES] & (pipes.a >= 0) & (pipes.b >= 0) & (pipes.a != pipes.b)
    whole &= ~pd.isna(pipes.system)
    ready = whole & both
    pipe_cells = _pipe_cells(judged)
    ready &= _judge(judged, Role.PIPES, pipe_cells, ready)
    lines = np.full(pipes.grid.count, None, dtype=object)
    lines[ready] = _draw(judged, ready)
    return Loadable(
        frames={
            Role.NODES: _frame(Role.NODES, node_cells, fit, points, source, batch),
            Role.PIPES: _frame(Role.PIPES, pipe_cells, ready, lines, source, batch),
        },
        touched={
            Role.NODES: [*node_cells, "source", "source_code", "survey_batch", "geometry"],
            Role.PIPES: [*pipe_cells, "source", "source_code", "survey_batch", "geometry"],
        },
        rows={Role.NODES: np.flatnonzero(fit), Role.PIPES: np.flatnonzero(ready)},
        held=int((whole & ~both).sum()),
        accepted_m=float(np.nansum(judged.lengths()[ready])),
    )


def _draw(judged: Judgement, ready: Mask) -> Geometries:
    nodes, pipes = judged.nodes, judged.pipes
    ends = [np.column_stack([nodes.lon[i], nodes.lat[i]]) for i in (pipes.a[ready], pipes.b[ready])]
    lines: Geometries = shapely.linestrings(np.stack(ends, axis=1))
    return lines


def _node_cells(judged: Judgement) -> dict[str, Objects]:
    nodes = judged.nodes
    return {
        "code": nodes.code,
        "system": nodes.system,
        "manhole_type": nodes.kind,
        "ground_m": _or_none(nodes.read_ground),
        "bottom_m": _or_none(nodes.read_bottom),
        **_other_cells(nodes.grid),
    }


def _pipe_cells(judged: Judgement) -> dict[str, Objects]:
    pipes = judged.pipes
    words = {1: "forward", -1: "backward"}
    flow = as_objects([words.get(f) for f in pipes.flow.tolist()])
    return {
        "code": _pipe_codes(judged),
        "system": pipes.system,
        "up_node": pipes.start,
        "down_node": pipes.end,
        "diameter_mm": _or_none(pipes.size.diameter),
        "width_mm": _or_none(pipes.size.width),
        "height_mm": _or_none(pipes.size.height),
        "up_invert_m": _or_none(pipes.read_invert[0]),
        "down_invert_m": _or_none(pipes.read_invert[1]),
        "declared_length_m": _or_none(pipes.declared_m),
        "built_year": as_objects([None if y != y else int(y) for y in pipes.year]),  # noqa: PLR0124
        "surveyed_flow": flow,
        **_other_cells(pipes.grid),
    }


def _pipe_codes(judged: Judgement) -> Objects:
    """A pipe's own code, else those of its ends; a second pipe between them counts on."""
    pipes = judged.pipes
    ends = [f"{s}-{e}" for s, e in zip(pipes.start, pipes.end, strict=True)]
    number = pd.Series(ends).groupby(ends).cumcount().to_numpy() + 1
    named = [e if n == 1 else f"{e}#{n}" for e, n in zip(ends, number, strict=True)]
    return as_objects([c or n for c, n in zip(pipes.code, named, strict=True)])


def _or_none(values: npt.NDArray[np.float64]) -> Objects:
    return as_objects([None if v != v else v for v in values.tolist()])  # noqa: PLR0124


def _other_cells(grid: Grid) -> dict[str, Objects]:
    """Columns the checks have no opinion on: texts, dates, words of the kinds."""
    found: dict[str, Objects] = {}
    for name, field in FIELDS[grid.role].items():
        if name in _OWN or field.attribute is None or name not in grid.raw:
            continue
        cells = grid.cells(name)
        vocabulary = vocabulary_of(grid.role.kind, field.attribute)
        if field.sort is Sort.DATE:
            found[field.attribute] = read_dates(grid.role.kind, field.attribute, cells)[0]
        elif vocabulary is not None:
            words = read_words(cells, vocabulary, _MORE_WORDS.get(name))
            given = pd.notna(words.values)
            if given.any() and not grid.role.kind.model_fields[field.attribute].is_required():
                default = grid.role.kind.model_fields[field.attribute].default
                found[field.attribute] = np.where(given, words.values, default)
        elif field.sort is Sort.TEXT:
            found[field.attribute] = read_texts(cells)[0]
    return found


def _judge(judged: Judgement, role: Role, cells: Mapping[str, Objects], fit: Mask) -> Mask:
    """Rows the kind takes; the others get a finding at the cell of their first fault."""
    grid = judged.nodes.grid if role is Role.NODES else judged.pipes.grid
    columns: dict[str, Values] = {n: list(c) for n, c in cells.items()}
    columns["source"] = ["survey"] * grid.count
    _, faults = judge_columns(role.kind, columns, grid.count)
    taken = np.ones(grid.count, dtype=bool)
    by_attribute = {f.attribute: f.name for f in FIELDS[role].values() if f.attribute}
    for attribute, wrong in faults.items():
        rows = np.array([r for r in wrong if fit[r] and taken[r]], dtype=np.intp)
        taken[rows] = False
        reasons = np.full(grid.count, "", dtype=object)
        reasons[rows] = [str(wrong[int(r)]["msg"])[:200] for r in rows]
        judged.found.add("row_refused", role, rows, by_attribute.get(attribute, "code"),
                         value=reasons)  # fmt: skip
    return taken


def _frame(
    role: Role, cells: Mapping[str, Objects], fit: Mask, shapes: Objects, source: str, batch: str
) -> gpd.GeoDataFrame:
    count = int(fit.sum())
    given: dict[str, Values] = {n: c[fit].tolist() for n, c in cells.items()}
    given |= {
        "source": [source] * count,
        "source_code": given["code"],
        "survey_batch": [batch] * count,
    }
    judged, _ = judge_columns(role.kind, given, count)
    columns: dict[str, Any] = {n: pd.Series(c, dtype=object) for n, c in judged.items()}  # Any
    return gpd.GeoDataFrame(columns, geometry=shapes[fit], crs=STORAGE_SRID)


def refuse_taken_codes(connection: Connection, judged: Judgement, rows: Loadable) -> None:
    """Drop rows whose code another source has, with a finding each; their pipes are held."""
    for role, frame in rows.frames.items():
        if frame.empty:
            continue
        found = connection.execute(
            text(
                f"SELECT code FROM {current[role.value]}"
                " WHERE code = ANY(:codes) AND source <> :source"
            ),
            {"codes": frame["code"].tolist(), "source": frame["source"].iloc[0]},
        )
        taken = set(found.scalars())
        if taken:
            mask = frame["code"].isin(taken).to_numpy()
            grid = judged.nodes.grid if role is Role.NODES else judged.pipes.grid
            values = np.full(grid.count, "", dtype=object)
            values[rows.rows[role]] = frame["code"].to_numpy()
            field = "code" if "code" in grid.raw else "start"
            judged.found.add("code_taken", role, rows.rows[role][mask], field, value=values)
            _keep(rows, role, ~mask)
    pipes, left = rows.rows[Role.PIPES], rows.rows[Role.NODES]
    joined = np.isin(judged.pipes.a[pipes], left) & np.isin(judged.pipes.b[pipes], left)
    rows.held += int((~joined).sum())
    _keep(rows, Role.PIPES, joined)
    lengths = judged.lengths()[rows.rows[Role.PIPES]]
    rows.accepted_m = float(np.nansum(lengths))


def _keep(rows: Loadable, role: Role, mask: Mask) -> None:
    rows.frames[role] = rows.frames[role].loc[mask].reset_index(drop=True)
    rows.rows[role] = rows.rows[role][mask]


def load_rows(connection: Connection, rows: Loadable) -> dict[str, LoadCounts]:
    """Write them: by kind how many were added, changed, and the same."""
    connection.execute(text("SET LOCAL enable_bitmapscan = off"))  # as import_file does
    return {
        role.value: load_frame(connection, role.kind, frame, rows.touched[role])
        for role, frame in rows.frames.items()
    }
