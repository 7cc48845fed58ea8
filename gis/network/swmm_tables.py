"""Nodes and conduits of an .inp in metres and metres above datum, whatever units it was written in.

Coordinates stay in the units of the file's own CRS. Names are compared as SWMM does: capitals and
small letters are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import Text
from gis.exchange.refusals import Finding
from gis.geometry import Geometries
from gis.network.swmm_read import Facts, InpFile, Section, refuse_line

FOOT_M = 0.3048
_US_UNITS = ("CFS", "GPM", "MGD")
_SI_UNITS = ("CMS", "LPS", "MLD")
_NODES = ("JUNCTIONS", "OUTFALLS", "STORAGE", "DIVIDERS")
_OTHER_LINKS = ("PUMPS", "ORIFICES", "WEIRS", "OUTLETS")
_ROUND = ("CIRCULAR", "FILLED_CIRCULAR", "FORCE_MAIN")
_SHAPES = {
    **dict.fromkeys(_ROUND, "circular"),
    "RECT_CLOSED": "rectangular",
    "RECT_OPEN": "rectangular",
    "TRAPEZOIDAL": "trapezoid",
    "EGG": "egg",
    "ARCH": "arch",
    **dict.fromkeys(("MODBASKETHANDLE", "BASKETHANDLE", "HORSESHOE", "GOTHIC"), "arch"),
}
"""SWMM's shapes in words of the register; any other is ``other``."""
_WIDE = ("rectangular", "trapezoid", "arch")
_SIZES_MM = (20.0, 20_000.0)
"""What the register takes as a size."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(slots=True)
class Objects:
    """Nodes or conduits of a file: name, line, description, and columns by name."""

    names: list[str]
    lines: list[int]
    facts: list[Facts | None]
    columns: dict[str, npt.NDArray[np.generic]]
    geometry: Geometries

    def at(self, names: Sequence[str]) -> Ints:
        """Numbers of named objects; -1 where there is none."""
        found: Ints = pd.Index(_fold(self.names)).get_indexer(pd.Index(_fold(names)))
        return found


@dataclass(slots=True)
class Tables:
    """Nodes and conduits of a file, and what was noticed of them."""

    nodes: Objects
    pipes: Objects
    tags: dict[tuple[str, str], str]
    """``("node" or "link", folded name)`` -> tag."""
    findings: list[Finding] = field(default_factory=list)

    def note(self, rule: str, lines: Sequence[int], text: Text, value: str = "") -> None:
        """A finding over lines of the file; of none nothing is said."""
        if len(lines):
            told = text.format(count=len(lines), value=value)
            self.findings.append(
                Finding(rule, "", value, len(lines), tuple(map(int, lines[:5])), told)
            )


def _fold(names: Sequence[str]) -> list[str]:
    return [name.casefold() for name in names]


def read_tables(file: InpFile) -> Tables:
    """Nodes and conduits. InputError at a line for what SWMM itself would refuse."""
    options = file.options()
    units = options.get("FLOW_UNITS", "CFS")
    if units not in _US_UNITS + _SI_UNITS:
        section = file.section("OPTIONS")
        line = next(n for r, n in zip(section.rows, section.lines, strict=True)
                    if r[0].upper() == "FLOW_UNITS")  # fmt: skip
        raise refuse_line(line, f"未知的流量单位 {units[:20]}", f"unknown flow units {units[:20]}")
    metres = FOOT_M if units in _US_UNITS else 1.0
    nodes = _read_nodes(file, metres)
    made = Tables(nodes, _empty(), _read_tags(file.section("TAGS")))
    _refuse_repeats(_all_links(file))
    made.pipes = _read_conduits(file, made, metres, options.get("LINK_OFFSETS") == "ELEVATION")
    _note_losses(file, made)
    if not made.nodes.names and not made.pipes.names:
        raise refuse_line(1, "文件里没有节点和管道", "the file holds no nodes and no conduits")
    return made


def _empty() -> Objects:
    return Objects([], [], [], {}, np.empty(0, dtype=object))


def _all_links(file: InpFile) -> list[tuple[str, int]]:
    return [
        pair
        for name in ("CONDUITS", *_OTHER_LINKS)
        for pair in zip(file.section(name).texts(0, "name"), file.section(name).lines, strict=True)
    ]


def _refuse_repeats(named: Sequence[tuple[str, int]]) -> None:
    first: dict[str, int] = {}
    for name, line in named:
        earlier = first.setdefault(name.casefold(), line)
        if earlier != line:
            raise refuse_line(
                line,
                f"名称“{name[:40]}”与第 {earlier} 行重复",
                f"the name “{name[:40]}” is that of line {earlier}",
            )


# --- nodes --------------------------------------------------------------------------------------


def _read_nodes(file: InpFile, metres: float) -> Objects:
    names: list[str] = []
    lines: list[int] = []
    facts: list[Facts | None] = []
    invert, depth, sort = [], [], []
    for title in _NODES:
        section = file.section(title)
        names += section.texts(0, "name")
        lines += section.lines
        facts += section.facts
        invert.append(section.numbers(1, "invert", default=0.0) * metres)
        has_depth = title in ("JUNCTIONS", "STORAGE")
        given = (
            section.numbers(2, "depth", default=0.0) if has_depth else np.zeros(len(section.rows))
        )
        depth.append(np.where(given > 0, given * metres, np.nan))
        sort += [title] * len(section.rows)
    _refuse_repeats(list(zip(names, lines, strict=True)))
    made = Objects(
        names, lines, facts,
        {"invert": np.concatenate(invert), "depth": np.concatenate(depth),
         "sort": np.array(sort, dtype=object)},
        np.full(len(names), None, dtype=object),
    )  # fmt: skip
    place = file.section("COORDINATES")
    xy = np.column_stack([place.numbers(1, "x"), place.numbers(2, "y")])
    at = made.at(place.texts(0, "node"))
    made.geometry[at[at >= 0]] = shapely.points(xy[at >= 0])
    return made


def _read_tags(section: Section) -> dict[tuple[str, str], str]:
    return {(r[0].casefold(), r[1].casefold()): r[2] for r in section.rows if len(r) > 2}


# --- conduits -----------------------------------------------------------------------------------


def _read_conduits(file: InpFile, made: Tables, metres: float, is_elevation: bool) -> Objects:
    section = file.section("CONDUITS")
    names = section.texts(0, "name")
    ends = [_find_ends(made.nodes, section, column) for column in (1, 2)]
    invert = made.nodes.columns["invert"].astype(float)
    levels = []
    for at, column, word in zip(ends, (5, 6), ("in offset", "out offset"), strict=True):
        offset = section.numbers(column, word, default=np.nan) * metres
        own = invert[at] if len(at) else np.empty(0)
        level = offset if is_elevation else own + offset
        levels.append(np.where(np.isfinite(level), level, own))
    length = section.numbers(3, "length") * metres
    if (length <= 0).any():
        line = section.lines[int(np.flatnonzero(length <= 0)[0])]
        raise refuse_line(line, "管长应大于 0", "the length is to be more than 0")
    pipes = Objects(
        names, section.lines, section.facts,
        {"from": ends[0], "to": ends[1], "length": length, "inlet": levels[0],
         "outlet": levels[1], **_read_sections(file, names, section.lines, made, metres)},
        np.full(len(names), None, dtype=object),
    )  # fmt: skip
    loop = ends[0] == ends[1]
    made.note(
        "self_loop", np.array(section.lines)[loop].tolist(),
        Text(zh="{count} 段管道两端为同一节点,不导入",
             en="{count} conduits begin and end at one node: not imported"),
    )  # fmt: skip
    _draw(pipes, made, file.section("VERTICES"))
    return pipes


def _find_ends(nodes: Objects, section: Section, column: int) -> Ints:
    names = section.texts(column, "node")
    at = nodes.at(names)
    if (at < 0).any():
        row = int(np.flatnonzero(at < 0)[0])
        raise refuse_line(
            section.lines[row],
            f"没有节点“{names[row][:40]}”",
            f"there is no node “{names[row][:40]}”",
        )
    return at


def _read_sections(
    file: InpFile, names: Sequence[str], lines: Sequence[int], made: Tables, metres: float
) -> dict[str, npt.NDArray[np.generic]]:
    """Shape (a word of the register) and sizes in millimetres of the conduits."""
    section = file.section("XSECTIONS")
    links, shapes = section.texts(0, "link"), [s.upper() for s in section.texts(1, "shape")]
    measured = [i for i, shape in enumerate(shapes) if shape in _SHAPES]
    sized = Section("XSECTIONS", [section.rows[i] for i in measured],
                    [section.lines[i] for i in measured])  # fmt: skip
    table = pd.DataFrame({"shape": [_SHAPES.get(s, "other") for s in shapes], "swmm": shapes})
    for k, name in ((2, "high"), (3, "wide")):
        table[name] = np.nan
        table.loc[measured, name] = sized.numbers(k, f"Geom{k - 1}", default=0.0) * metres * 1000
    table.index = pd.Index(_fold(links))
    table = table[~table.index.duplicated()].reindex(_fold(names))
    made.note(
        "no_section", np.array(lines)[table["shape"].isna().to_numpy()].tolist(),
        Text(zh="{count} 段管道没有断面", en="{count} conduits have no cross section"),
    )  # fmt: skip
    made.note(
        "other_section", np.array(lines)[(table["shape"] == "other").to_numpy()].tolist(),
        Text(zh="{count} 段管道的断面({value})没有单一尺寸,尺寸留空",
             en="the sections ({value}) of {count} conduits have no one size: left empty"),
        ", ".join(sorted(set(table.loc[table["shape"] == "other", "swmm"])))[:80],
    )  # fmt: skip
    round_, wide = table["shape"] == "circular", table["shape"].isin(_WIDE)
    sizes = {
        "diameter_mm": table["high"].where(round_),
        "height_mm": table["high"].where(~round_),
        "width_mm": table["wide"].where(wide & (table["wide"] > 0)),
    }
    for name, values in sizes.items():
        outside = values.notna() & ~values.between(*_SIZES_MM)
        made.note(
            "size", np.array(lines)[outside.to_numpy()].tolist(),
            Text(zh="{count} 段管道的尺寸不在 20-20000 毫米内({value}),留空",
                 en="a size ({value}) of {count} conduits is not within 20-20000 mm: left empty"),
            name,
        )  # fmt: skip
        sizes[name] = values.mask(outside)
    return {
        "shape": table["shape"].to_numpy(dtype=object),
        "is_pressure": (table["swmm"] == "FORCE_MAIN").to_numpy(dtype=bool),
        **{name: values.to_numpy(dtype=float) for name, values in sizes.items()},
    }


def _draw(pipes: Objects, made: Tables, section: Section) -> None:
    """Lines from node to node over the vertices; an end described as loose is a vertex itself."""
    owner = pipes.at(section.texts(0, "link"))
    xy = np.column_stack([section.numbers(1, "x"), section.numbers(2, "y")])[owner >= 0]
    owner = owner[owner >= 0]
    count = len(pipes.names)
    placed = ~shapely.is_missing(made.nodes.geometry)
    at = np.full((len(placed), 2), np.nan)
    at[placed] = shapely.get_coordinates(made.nodes.geometry[placed])
    source = pipes.columns["from"].astype(np.intp)
    target = pipes.columns["to"].astype(np.intp)
    loose = np.array([_loose(f) for f in pipes.facts], dtype=bool).reshape(count, 2)
    first, last = np.flatnonzero(~loose[:, 0]), np.flatnonzero(~loose[:, 1])
    whose = np.concatenate([first, owner, last])
    rank = np.repeat([0, 1, 2], [len(first), len(owner), len(last)])
    places = np.concatenate([at[source[first]], xy, at[target[last]]])
    order = np.lexsort((np.arange(len(whose)), rank, whose))
    whose, places = whose[order], places[order]
    bad = np.zeros(count, dtype=bool)
    bad[whose[~np.isfinite(places).all(axis=1)]] = True
    good = ~bad & (np.bincount(whose, minlength=count) > 1) & (source != target)
    kept = good[whose]
    number = np.cumsum(good) - 1
    if good.any():
        pipes.geometry[good] = shapely.linestrings(places[kept], indices=number[whose[kept]])
    lines = np.array(pipes.lines, dtype=int)
    made.note(
        "no_place", lines[~good & (source != target)].tolist(),
        Text(zh="{count} 段管道缺少位置(节点或折点),不导入",
             en="{count} conduits lack the place of a node or vertex: not imported"),
    )  # fmt: skip
    made.note(
        "node_without_place", np.array(made.nodes.lines, dtype=int)[~placed].tolist(),
        Text(zh="{count} 个节点没有坐标,不导入",
             en="{count} nodes have no coordinates: not imported"),
    )  # fmt: skip


def _loose(facts: Facts | None) -> tuple[bool, bool]:
    found = facts.get("loose") if facts else None
    if isinstance(found, list) and len(found) == 2:
        return bool(found[0]), bool(found[1])
    return False, False


def _note_losses(file: InpFile, made: Tables) -> None:
    """What of the model is no asset of the register, with counts."""
    for name in _OTHER_LINKS:
        made.note(
            "link_left_out", file.section(name).lines,
            Text(zh="[{value}] 的 {count} 个连接不是管段,不导入",
                 en="{count} links of [{value}] are no pipes: not imported"), name,
        )  # fmt: skip
    made.note(
        "storage", file.section("STORAGE").lines,
        Text(zh="{count} 个调蓄节点按“其他”类检查井导入,不含其容积曲线",
             en="{count} storage nodes become manholes of type “other”, without their curves"),
    )  # fmt: skip
