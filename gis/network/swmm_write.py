"""A model as the text of an .inp file: UTF-8, names in ASCII, everything else in ``;`` comments.

Before each object stands its description: JSON of what the register says of it and which of the
model's values were assumed, cut into lines the solver has room for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import shapely

from gis.geometry import Geometries
from gis.network.plane import choose_plane
from gis.network.swmm_part import NODE_CARRIED, PIPE_CARRIED

if TYPE_CHECKING:
    from gis.network.swmm_export import Model

MARK = "@infratrack"
MADE = "infratrack-made"
"""The tag of what is no record of the register."""
MORE = "+"
"""Begins a comment that goes on with the one before it."""
_LINE_BYTES = 900
"""SWMM reads lines of 1,024 bytes."""
_NEAR_M = 1e-3
_SHOWN = 20
_OPTIONS = """FLOW_UNITS           CMS
INFILTRATION         HORTON
FLOW_ROUTING         DYNWAVE
LINK_OFFSETS         ELEVATION
MIN_SLOPE            0
ALLOW_PONDING        NO
SKIP_STEADY_STATE    NO
IGNORE_RAINFALL      YES
START_DATE           01/01/2026
START_TIME           00:00:00
REPORT_START_DATE    01/01/2026
REPORT_START_TIME    00:00:00
END_DATE             01/01/2026
END_TIME             12:00:00
REPORT_STEP          00:15:00
WET_STEP             00:05:00
DRY_STEP             00:05:00
ROUTING_STEP         5
INERTIAL_DAMPING     PARTIAL
NORMAL_FLOW_LIMITED  BOTH
FORCE_MAIN_EQUATION  H-W
VARIABLE_STEP        0.75
LENGTHENING_STEP     0
MIN_SURFAREA         1.167
MAX_TRIALS           20
HEAD_TOLERANCE       0.0015
MINIMUM_STEP         0.5
THREADS              1"""
Rows = Iterable[str]


def write_model(model: Model) -> str:
    """The whole file."""
    crs, points, lines = _project(model)
    body = [
        *_head(model, crs),
        *_section("TITLE", "", ["Infratrack model for EPA SWMM"]),
        *_section("OPTIONS", "", [_OPTIONS]),
        *_section("JUNCTIONS", "Name Invert MaxDepth InitDepth SurDepth Aponded",
                  _junctions(model)),
        *_section("OUTFALLS", "Name Invert Type Gated", _outfalls(model)),
        *_section("CONDUITS", "Name From To Length Roughness InOffset OutOffset InitFlow MaxFlow",
                  _conduits(model, points, lines)),
        *_section("XSECTIONS", "Link Shape Geom1 Geom2 Geom3 Geom4 Barrels", _xsections(model)),
        *_section("DWF", "Node Item Value", _inflows(model, base=False)),
        *_section("INFLOWS", "Node Item Series Type Mfactor Sfactor Baseline",
                  _inflows(model, base=True)),
        *_section("REPORT", "", ["INPUT NO\nCONTROLS NO\nCONTINUITY YES"]),
        *_section("TAGS", "", _tags(model)),
        *_section("MAP", "", ["UNITS Meters"]),
        *_section("COORDINATES", "Node X Y", _coordinates(model, points)),
        *_section("VERTICES", "Link X Y", _vertices(model, points, lines)),
    ]  # fmt: skip
    return "\n".join(body) + "\n"


def _project(model: Model) -> tuple[str, Geometries, Geometries]:
    """The plane's CRS, nodes and pipes along their flow in it (metres)."""
    part = model.part
    back = part.pipes["is_backward"].to_numpy(dtype=bool)
    flowing = np.where(back, shapely.reverse(part.lines), part.lines)
    points = part.points.copy()
    for ends, numbers in (
        (shapely.get_point(flowing, 0), part.source),
        (shapely.get_point(flowing, -1), part.target),
    ):
        # The place of a virtual node is the first pipe's end there.
        first, at = np.unique(numbers, return_index=True)
        bare = shapely.is_missing(points[first])
        points[first[bare]] = ends[at[bare]]
    crs, moved = choose_plane(np.concatenate([points, flowing]))
    return crs, moved[: len(points)], moved[len(points) :]


def _head(model: Model, crs: str) -> Iterator[str]:
    facts = {"version": 1, "crs": crs, "rules": model.rules.version,
             "as_of": model.as_of.isoformat() if model.as_of else None}  # fmt: skip
    yield f";{MARK} {orjson.dumps(facts).decode()}"
    yield "; 城建一张图导出的 EPA SWMM 模型;以下为假定,数值未核实,逐项见各对象前的说明"
    yield "; Model for EPA SWMM of Infratrack; assumed (unverified), object by object below:"
    names = model.name_of()
    for assumption in model.assumptions:
        yield f"; [{assumption.rule}] {assumption.text.zh}"
        yield f";   {assumption.text.en}"
        shown = [names.get(i, i) for i in assumption.ids[:_SHOWN]]
        more = len(assumption.ids) - len(shown)
        yield f";   {' '.join(shown)}{f' … +{more}' if more else ''}"


def _section(title: str, columns: str, rows: Rows) -> Iterator[str]:
    yield f"\n[{title}]"
    if columns:
        yield f";;{columns}"
    yield from rows


def _describe(facts: dict[str, Any]) -> str:  # Any: JSON
    """Comment lines before an object."""
    words = orjson.dumps(facts, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    lines: list[str] = []
    while words:
        piece = words.encode()[:_LINE_BYTES].decode(errors="ignore")
        lines.append(f";{MORE if lines else ''}{piece}")
        words = words[len(piece) :]
    return "\n".join(lines)


def _carried(table: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:  # Any: JSON
    """Of each row what the register says."""
    rows = table[list(names)].to_dict("records")
    return [{str(k): v for k, v in row.items() if not pd.isna(v)} for row in rows]


def _node_lines(model: Model, *, outfalls: bool) -> Iterator[tuple[str, float, float]]:
    part, levels, depths = model.part, model.levels, model.depths
    carried = _carried(part.nodes, NODE_CARRIED)
    for i in np.flatnonzero(model.outfalls.is_outfall == outfalls).tolist():
        kind = part.nodes["kind"].iat[i]
        assumed = [
            name
            for name, where in (
                ("bottom_m", levels.bottom_assumed[i]),
                ("ground_m", depths.ground_assumed[i] or outfalls),
            )
            if where
        ]
        facts = {
            "id": part.nodes["id"].iat[i],
            "kind": kind if isinstance(kind, str) else None,
            "assumed": assumed,
            "record": carried[i],
        }
        head = f"{_describe(facts)}\n{model.node_names[i]:<16}"
        yield head, float(levels.invert[i]), float(depths.depth[i])


def _junctions(model: Model) -> Iterator[str]:
    for head, invert, depth in _node_lines(model, outfalls=False):
        yield f"{head} {invert:.4f} {depth:.4f} 0 0 0"


def _stub_name(model: Model, node: int) -> str:
    identifier = str(model.part.nodes["id"].iat[node])
    return f"OUT-{identifier.replace('-', '')[-16:]}"


def _outfalls(model: Model) -> Iterator[str]:
    for head, invert, _ in _node_lines(model, outfalls=True):
        yield f"{head} {invert:.4f} FREE NO"
    for node in model.outfalls.stubs.tolist():
        invert = model.levels.invert[node] - 0.01
        yield f"{_describe({'made': True})}\n{_stub_name(model, node):<16} {invert:.4f} FREE NO"


def _conduits(model: Model, points: Geometries, lines: Geometries) -> Iterator[str]:
    part, levels = model.part, model.levels
    carried = _carried(part.pipes, PIPE_CARRIED)
    ends = zip(part.source, part.target, _loose_ends(model, points, lines), strict=True)
    for i, (source, target, loose) in enumerate(ends):
        back = bool(part.pipes["is_backward"].iat[i])
        up, down = ("down", "up") if back else ("up", "down")
        assumed = [
            name
            for name, where in (
                (f"{up}_invert_m", levels.inlet_assumed[i]),
                (f"{down}_invert_m", levels.outlet_assumed[i]),
                ("size", model.sections.size_assumed[i]),
            )
            if where
        ]
        names = model.node_names[source], model.node_names[target]
        facts = {
            "id": part.pipes["id"].iat[i], "kind": "sewer_pipe", "assumed": assumed, "back": back,
            "between": names, "loose": loose, "record": carried[i],
        }  # fmt: skip
        yield (
            f"{_describe(facts)}\n{model.pipe_names[i]:<16} {names[0]:<16} {names[1]:<16}"
            f" {model.lengths[i]:.3f} {model.sections.roughness[i]:.4f}"
            f" {levels.inlet[i]:.4f} {levels.outlet[i]:.4f} 0 0"
        )
    length = model.rules.figures.stub_length_m
    n = model.rules.roughness["unknown"]
    for node in model.outfalls.stubs.tolist():
        name, invert = _stub_name(model, node), model.levels.invert[node]
        yield (
            f"{_describe({'made': True})}\n{name:<16} {model.node_names[node]:<16} {name:<16}"
            f" {length:.3f} {n:.4f} {invert:.4f} {invert - 0.01:.4f} 0 0"
        )


def _loose_ends(model: Model, points: Geometries, lines: Geometries) -> list[tuple[bool, bool]]:
    """Of each pipe, whether its first and its last position are not those of its nodes."""
    first = shapely.distance(shapely.get_point(lines, 0), points[model.part.source])
    last = shapely.distance(shapely.get_point(lines, -1), points[model.part.target])
    return list(zip((first > _NEAR_M).tolist(), (last > _NEAR_M).tolist(), strict=True))


def _xsections(model: Model) -> Iterator[str]:
    made = model.sections
    for name, shape, height, width in zip(
        model.pipe_names, made.shape, made.height, made.width, strict=True
    ):
        yield f"{name:<16} {shape} {height:.4f} {width:.4f} 0 0 1"
    largest = np.zeros(len(model.part.nodes))
    np.maximum.at(largest, model.part.source, np.maximum(made.height, made.width))
    np.maximum.at(largest, model.part.target, np.maximum(made.height, made.width))
    for node in model.outfalls.stubs.tolist():
        yield f"{_stub_name(model, node):<16} CIRCULAR {largest[node]:.4f} 0 0 0 1"


def _inflows(model: Model, *, base: bool) -> Iterator[str]:
    flow = model.flows.base if base else model.flows.dry
    for i in np.flatnonzero(flow > 0):
        name = f"{model.node_names[i]:<16}"
        yield f'{name} FLOW "" FLOW 1.0 1.0 {flow[i]:.8f}' if base else f"{name} FLOW {flow[i]:.8f}"


def _tags(model: Model) -> Iterator[str]:
    for word, names, table in (
        ("Node", model.node_names, model.part.nodes),
        ("Link", model.pipe_names, model.part.pipes),
    ):
        for name, identifier in zip(names, table["id"], strict=True):
            yield f"{word} {name:<16} {identifier}"
        for node in model.outfalls.stubs.tolist():
            yield f"{word} {_stub_name(model, node):<16} {MADE}"


def _coordinates(model: Model, points: Geometries) -> Iterator[str]:
    xy = shapely.get_coordinates(points)
    for name, (x, y) in zip(model.node_names, xy, strict=True):
        yield f"{name:<16} {x:.4f} {y:.4f}"
    for node in model.outfalls.stubs.tolist():
        x, y = xy[node]
        yield f"{_stub_name(model, node):<16} {x + model.rules.figures.stub_length_m:.4f} {y:.4f}"


def _vertices(model: Model, points: Geometries, lines: Geometries) -> Iterator[str]:
    """Positions between the ends, and an end itself where its node lies elsewhere."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.r_[True, np.diff(owner) > 0]
    last = np.r_[np.diff(owner) > 0, True]
    loose = np.array(_loose_ends(model, points, lines))
    shown = np.where(first, loose[owner, 0], np.where(last, loose[owner, 1], True))
    for i, (x, y) in zip(owner[shown], xy[shown], strict=True):
        yield f"{model.pipe_names[i]:<16} {x:.4f} {y:.4f}"
