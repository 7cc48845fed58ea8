"""Nodes and conduits of an .inp as records of the register, judged by their kinds.

What an export of ours describes comes back as it was: identity, code, names and every attribute a
model does not carry. Values the export marked as assumed are no records and stay empty. Of anybody
else's file a node is a manhole, an outfall one of type ``outfall_node``, a conduit a pipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gis.attributes import Text
from gis.errors import InputError
from gis.exchange.judge_columns import Column, judge_columns
from gis.exchange.open_file import Values
from gis.exchange.refusals import Refusal
from gis.exchange.shapes import to_storage
from gis.geometry import Geometries, find_faults, fit_type
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.profile_questions import NODE_KINDS
from gis.network.swmm_read import Facts
from gis.network.swmm_tables import Objects, Tables
from gis.network.swmm_write import MADE

NODE_MODEL = ("ground_m", "bottom_m")
PIPE_MODEL = ("up_node", "down_node", "diameter_mm", "width_mm", "height_mm", "up_invert_m",
              "down_invert_m")  # fmt: skip
"""What a model says of a record that is known already; the rest of it is not the model's."""
_TYPES = {"OUTFALLS": "outfall_node", "STORAGE": "other"}
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Records:
    """Accepted records of one kind, plain values by attribute.

    ``ids`` are the register's, where the file knows them; ``model`` names the columns a known
    record is changed in. Where ``is_bare`` only a tag is left of the description: what was
    assumed is not known there, so nothing that is empty is filled.
    """

    kind: str
    names: list[str]
    lines: list[int]
    ids: list[str | None]
    is_bare: Mask
    columns: dict[str, Column]
    geometry: Geometries
    model: tuple[str, ...]
    refusals: list[Refusal] = field(default_factory=list)

    def keep(self, kept: Mask) -> Records:
        """Some of them."""
        chosen = np.flatnonzero(kept).tolist()
        return Records(
            self.kind,
            [self.names[i] for i in chosen],
            [self.lines[i] for i in chosen],
            [self.ids[i] for i in chosen],
            self.is_bare[kept],
            {name: column[kept] for name, column in self.columns.items()},
            self.geometry[kept],
            self.model,
            self.refusals,
        )


def list_bare_ids(tables: Tables) -> list[str]:
    """Ids of nodes that have a tag of ours and no description any more."""
    found = (_read_id(_tag(tables, "node", i)) for i in range(len(tables.nodes.names)))
    return [i for i, facts in zip(found, tables.nodes.facts, strict=True) if i and facts is None]


def make_records(
    tables: Tables,
    crs: pyproj.CRS,
    *,
    source: str,
    system: PipeSystem | None,
    kinds_by_id: Mapping[str, str],
) -> list[Records]:
    """Records by kind, nodes first; ``kinds_by_id`` of what the register knows of the bare ids.

    InputError where the system is not known.
    """
    nodes, pipes = tables.nodes, tables.pipes
    kinds = [
        None if _is_made(tables, "node", i)
        else _kind_of(facts, kinds_by_id.get(_read_id(_tag(tables, "node", i)) or ""))
        for i, facts in enumerate(nodes.facts)
    ]  # fmt: skip
    found = []
    for kind in NODE_KINDS:
        rows = [i for i, k in enumerate(kinds) if k == kind and nodes.geometry[i] is not None]
        if rows:
            cells = [_node_cells(tables, i, kind, source, system) for i in rows]
            tagged = [_tag(tables, "node", i) for i in rows]
            known = tuple(n for n in NODE_MODEL if n in KINDS[kind].model_fields)
            found.append(_judge(kind, nodes, rows, cells, tagged, crs, known))
    rows = [
        i
        for i in range(len(pipes.names))
        if pipes.geometry[i] is not None and not _is_made(tables, "link", i)
    ]
    if rows:
        codes = _codes(nodes, kinds)
        cells = [_pipe_cells(tables, i, codes, source, system) for i in rows]
        tagged = [_tag(tables, "link", i) for i in rows]
        own = all(pipes.facts[i] for i in rows)
        model = PIPE_MODEL if own else (*PIPE_MODEL, "declared_length_m")
        found.append(_judge("sewer_pipe", pipes, rows, cells, tagged, crs, model))
    return found


def _tag(tables: Tables, word: str, i: int) -> str | None:
    objects = tables.nodes if word == "node" else tables.pipes
    return tables.tags.get((word, objects.names[i].casefold()))


def _is_made(tables: Tables, word: str, i: int) -> bool:
    """Whether an export made it: it is no record."""
    facts = (tables.nodes if word == "node" else tables.pipes).facts[i]
    return _says(facts, "made") or _tag(tables, word, i) == MADE


def _says(facts: Facts | None, name: str) -> bool:
    return bool(facts and facts.get(name))


def _kind_of(facts: Facts | None, known: str | None) -> str | None:
    """The kind of a node; None for one of our making, and where no record had it."""
    if facts is None:
        return known if known in NODE_KINDS else "sewer_manhole"
    kind = facts.get("kind")
    return kind if isinstance(kind, str) and kind in NODE_KINDS else None


def _record(facts: Facts | None) -> dict[str, Any]:  # Any: values of any attribute, not judged yet
    found = facts.get("record") if facts else None
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else {}


def _assumed(facts: Facts | None) -> set[str]:
    found = facts.get("assumed") if facts else None
    return {str(name) for name in found} if isinstance(found, list) else set()


def _identity(
    kind: str,
    record: Mapping[str, Any],
    name: str,
    line: int,
    source: str,
    system: PipeSystem | None,
) -> dict[str, Any]:
    """Code, source and system of a record."""
    made = {"code": name, **record}
    made["source"] = record.get("source") or source
    made["source_code"] = record.get("source_code") or made["code"]
    if "system" in KINDS[kind].model_fields and made.get("system") is None:
        if system is None:
            raise InputError(
                Text(
                    zh=f"第 {line} 行:SWMM 文件不分雨污,请用 --system storm|sanitary|combined 说明",
                    en=f"line {line}: a SWMM file knows no system:"
                    " state it with --system storm|sanitary|combined",
                ),
                line=line,
            )
        made["system"] = system.value
    return made


def _node_cells(
    tables: Tables, i: int, kind: str, source: str, system: PipeSystem | None
) -> dict[str, Any]:
    nodes, facts = tables.nodes, tables.nodes.facts[i]
    sort = str(nodes.columns["sort"][i])
    record = _record(facts)
    cells = _identity(kind, record, nodes.names[i], nodes.lines[i], source, system)
    if facts is None and sort in _TYPES:
        cells["manhole_type"] = _TYPES[sort]
    invert, depth = float(nodes.columns["invert"][i]), float(nodes.columns["depth"][i])
    said = {"bottom_m": invert, "ground_m": invert + depth}
    for name in {*NODE_MODEL} - _assumed(facts):
        if np.isfinite(said[name]):
            cells[name] = said[name]
    return cells


def _codes(nodes: Objects, kinds: Sequence[str | None]) -> list[str | None]:
    """The code each node is named by; None for a place that no record has."""
    return [
        (_record(f).get("code") if f else name) if kind or f else None
        for name, kind, f in zip(nodes.names, kinds, nodes.facts, strict=True)
    ]


def _pipe_cells(
    tables: Tables, i: int, codes: Sequence[str | None], source: str, system: PipeSystem | None
) -> dict[str, Any]:
    pipes, facts = tables.pipes, tables.pipes.facts[i]
    record, assumed = _record(facts), _assumed(facts)
    cells = _identity("sewer_pipe", record, pipes.names[i], pipes.lines[i], source, system)
    ends = [int(pipes.columns[name][i]) for name in ("from", "to")]
    levels = [float(pipes.columns[name][i]) for name in ("inlet", "outlet")]
    between = facts.get("between") if facts else None
    if between != [tables.nodes.names[at] for at in ends]:
        named = [codes[at] for at in ends]
        cells["up_node"], cells["down_node"] = named[::-1] if _says(facts, "back") else named
    up, down = levels[::-1] if _says(facts, "back") else levels
    for name, value in (("up_invert_m", up), ("down_invert_m", down)):
        if name not in assumed:
            cells[name] = value
    if "size" not in assumed:
        for name in ("diameter_mm", "width_mm", "height_mm"):
            value = float(pipes.columns[name][i])
            if np.isfinite(value):
                cells[name] = value
        # Of an egg a model knows one size: the one the record has.
        has = record.get
        if has("shape") == "egg" and has("diameter_mm") and not has("height_mm"):
            cells["diameter_mm"] = cells.pop("height_mm", has("diameter_mm"))
    if facts is None:
        cells["shape"] = pipes.columns["shape"][i]
        cells["declared_length_m"] = float(pipes.columns["length"][i])
        if pipes.columns["is_pressure"][i]:
            cells["pressure"] = "pressure"
    return cells


def _judge(
    kind: str,
    objects: Objects,
    rows: list[int],
    cells: list[dict[str, Any]],
    tagged: list[str | None],
    crs: pyproj.CRS,
    model: tuple[str, ...],
) -> Records:
    """Every attribute through its kind, every geometry through the gate."""
    declared = KINDS[kind]
    columns: dict[str, Values] = {
        name: [row.get(name) for row in cells]
        for name in declared.model_fields
        if name != "missing" and any(name in row for row in cells)
    }
    judged, faults = judge_columns(declared, columns, len(rows))
    turned = _turn(objects, rows)
    geometry = fit_type(to_storage(turned, crs), declared.geometry_type)
    reasons: dict[int, tuple[str, Text]] = {}
    for name, wrong in faults.items():
        for row, fault in wrong.items():
            said = str(fault["msg"])[:200]
            reasons[row] = (name, Text(zh=f"值无效:{said}", en=f"not valid: {said}"))
    for row, error in find_faults(geometry, declared.geometry_type).items():
        reasons[row] = ("geometry", error.message)
    names, lines = [objects.names[i] for i in rows], [objects.lines[i] for i in rows]
    facts = [objects.facts[i] for i in rows]
    ids = [_read_id(f.get("id") if f else tag) for f, tag in zip(facts, tagged, strict=True)]
    bare = np.array([f is None and i is not None for f, i in zip(facts, ids, strict=True)], bool)
    made = Records(kind, names, lines, ids, bare, judged, geometry, model)
    made.refusals = [
        Refusal(row=lines[row], field=name, value=names[row], reason=reason)
        for row, (name, reason) in sorted(reasons.items())
    ]
    return made.keep(~np.isin(np.arange(len(rows)), list(reasons)))


def _turn(objects: Objects, rows: list[int]) -> Geometries:
    """Lines as they were drawn: a conduit of ours runs along the flow."""
    back = np.array([_says(objects.facts[i], "back") for i in rows], dtype=bool)
    lines = objects.geometry[rows]
    turned: Geometries = np.where(back, shapely.reverse(lines), lines)
    return turned


def _read_id(word: object) -> str | None:
    try:
        return str(UUID(word)) if isinstance(word, str) and len(word) == 36 else None
    except ValueError:
        return None
