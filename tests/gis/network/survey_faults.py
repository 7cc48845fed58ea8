"""Faults planted in a clean survey, each with exactly the findings it must lead to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from tests.gis.network.survey_books import (
    NODE_COLUMNS,
    PIPE_COLUMNS,
    End,
    Row,
    Tables,
    copy_tables,
    make_pipe,
)

Expected = tuple[str, str, str]
"""Rule, sheet, cell."""


@dataclass
class Site:
    """A pipe with the one above and the one below it: places no other fault touches."""

    pipe: int
    up: int | None
    down: int
    start: int
    end: int


@dataclass
class Planting:
    """Tables with faults, and what they must lead to."""

    tables: Tables
    sites: Iterator[Site]
    heads: Iterator[Site]
    expected: list[Expected] = field(default_factory=list)
    counter: int = 0

    def at(self, rule: str, kind: str, row: int, column: str) -> None:
        columns = NODE_COLUMNS if kind == "点表" else PIPE_COLUMNS
        self.expected.append((rule, kind, f"{chr(65 + columns.index(column))}{row + 2}"))

    def node(self, rule: str, row: int, column: str = "物探点号", **values: object) -> None:
        self.tables.nodes[row].update(values)
        self.at(rule, "点表", row, column)

    def pipe(self, rule: str, row: int, column: str, **values: object) -> None:
        self.tables.pipes[row].update(values)
        self.at(rule, "线表", row, column)

    def end_of(self, row: int) -> End:
        n = self.tables.nodes[row]
        return n["物探点号"], (n["X"], n["Y"]), n["地面高程"], round(n["井底高程"] + 0.05, 3)

    def add_node(
        self, near: int, north: float, east: float, rise: float = 0.0, **more: object
    ) -> int:
        """A new point beside another; its levels are ``rise`` higher."""
        self.counter += 1
        old = self.tables.nodes[near]
        new: Row = dict(old)
        new["物探点号"] = f"{str(old['物探点号'])[:2]}9{self.counter:05d}"
        new["附属物"] = "检查井"
        for column, step in (("X", north), ("Y", east), ("地面高程", rise), ("井底高程", rise)):
            new[column] = round(new[column] + step, 3)
        new.update(more)
        self.tables.nodes.append(new)
        return len(self.tables.nodes) - 1

    def add_pipe(self, start: int, end: int, size: float, **more: object) -> int:
        self.counter += 1
        system = self.tables.nodes[end]["管线类型"]
        row = make_pipe(
            f"GX{self.counter:06d}", self.end_of(start), self.end_of(end), size, system, **more
        )
        self.tables.pipes.append(row)
        return len(self.tables.pipes) - 1


def size_of(row: Row) -> float:
    return float(str(row["管径"]).removeprefix("DN"))


def shift(row: Row, end: str, by: float) -> dict[str, object]:
    """Values that raise one end's invert, its depth going with it."""
    return {
        f"{end}高程": round(row[f"{end}高程"] + by, 3),
        f"{end}埋深": round(row[f"{end}埋深"] - by, 3),
    }


def swap_ends(row: Row) -> dict[str, object]:
    pairs = [("起始点号", "终止点号"), ("起点埋深", "终点埋深"), ("起点高程", "终点高程")]
    return {a: row[b] for a, b in pairs} | {b: row[a] for a, b in pairs}


# --- faults: each takes the planting and plants itself once --------------------------------------


def simple_node(rule: str, column: str, value: object) -> Callable[[Planting], None]:
    def plant(p: Planting) -> None:
        site = next(p.sites)
        p.node(rule, site.end, column, **{column: value})

    return plant


def simple_pipe(rule: str, column: str, value: object) -> Callable[[Planting], None]:
    def plant(p: Planting) -> None:
        site = next(p.sites)
        p.pipe(rule, site.pipe, column, **{column: value})

    return plant


def node_code_missing(p: Planting) -> None:
    row = p.add_node(next(p.sites).start, 4, 3)
    p.node("node_code_missing", row, 物探点号=None)


def node_code_repeated(p: Planting) -> None:
    site = next(p.sites)
    row = p.add_node(site.start, 4, 3)
    p.node("node_code_repeated", row, 物探点号=p.tables.nodes[site.start]["物探点号"])


def node_code_similar(p: Planting) -> None:
    site = next(p.sites)
    row = p.add_node(site.start, 4, 3)
    p.node("node_code_similar", row, 物探点号=str(p.tables.nodes[site.start]["物探点号"]).lower())


def node_axes_swapped(p: Planting) -> None:
    row = next(p.sites).end
    n = p.tables.nodes[row]
    p.node("node_axes_swapped", row, "X", X=n["Y"], Y=n["X"])


def node_far_away(p: Planting) -> None:
    row = next(p.sites).end
    p.node("node_far_away", row, "X", X=p.tables.nodes[row]["X"] + 200_000)


def node_outside_county(p: Planting) -> None:
    row = p.add_node(next(p.sites).start, 40_000, 0)
    p.node("node_outside_county", row, "X")
    p.at("node_without_pipe", "点表", row, "物探点号")


def node_place_shared(p: Planting) -> None:
    row = p.add_node(next(p.sites).start, 0.02, 0)
    p.node("node_place_shared", row, "X")
    p.at("node_without_pipe", "点表", row, "物探点号")


def node_without_pipe(p: Planting) -> None:
    p.node("node_without_pipe", p.add_node(next(p.sites).start, 5, 5))


def node_system_missing(p: Planting) -> None:
    row = p.add_node(next(p.sites).start, 5, 5)
    p.node("node_system_missing", row, "管线类型", 管线类型=None, 物探点号=f"QT{p.counter}")
    p.at("node_without_pipe", "点表", row, "物探点号")


def node_kind_double(p: Planting) -> None:
    p.node("node_kind_double", next(p.sites).end, "特征", 特征="弯头")


def node_fitting_ways(p: Planting) -> None:
    p.node("node_fitting_ways", next(p.sites).end, "特征", 特征="三通", 附属物=None)


def node_element_conflict(p: Planting) -> None:
    row = next(p.sites).end
    other = "52022201" if p.tables.nodes[row]["管线类型"] != "WS" else "52012201"
    p.node("node_element_conflict", row, "点编码", 点编码=other)


def node_ground_step(p: Planting) -> None:
    row = next(p.sites).end
    p.node("node_ground_step", row, "地面高程", 地面高程=p.tables.nodes[row]["地面高程"] + 100)


def node_bottom_above_ground(p: Planting) -> None:
    row = next(p.sites).end
    p.node(
        "node_bottom_above_ground", row, "井底高程", 井底高程=p.tables.nodes[row]["地面高程"] + 1
    )


def node_depth_excessive(p: Planting) -> None:
    row = next(p.sites).end
    deep = round(p.tables.nodes[row]["地面高程"] - 20, 3)
    p.node("node_depth_excessive", row, "井深", 井深=20.0, 井底高程=deep)


def node_level_identity(p: Planting) -> None:
    row = next(p.sites).end
    p.node("node_level_identity", row, "井深", 井深=p.tables.nodes[row]["井深"] + 0.3)


def node_many_pipes(p: Planting) -> None:
    site = next(p.sites)
    for n in range(7):
        row = p.add_node(site.end, 8 * np.cos(n), 8 * np.sin(n), 0.1)
        p.add_pipe(row, site.end, 200)
    p.at("node_many_pipes", "点表", site.end, "物探点号")


def pipe_end_similar(p: Planting) -> None:
    row = next(p.sites).pipe
    spelt = str(p.tables.pipes[row]["终止点号"]).lower()
    p.pipe("pipe_end_similar", row, "终止点号", 终止点号=spelt)


def pipe_to_itself(p: Planting) -> None:
    row = next(p.sites).pipe
    p.pipe("pipe_to_itself", row, "终止点号", 终止点号=p.tables.pipes[row]["起始点号"])
    p.tables.pipes[row].update(长度=None, **shift_to(p.tables.pipes[row]))


def shift_to(row: Row) -> dict[str, object]:
    return {"终点埋深": row["起点埋深"], "终点高程": row["起点高程"]}


def copy_pipe(p: Planting, row: int, **more: object) -> int:
    p.counter += 1
    p.tables.pipes.append({**p.tables.pipes[row], "管段编号": f"GC{p.counter:06d}", **more})
    return len(p.tables.pipes) - 1


def pipe_repeated(p: Planting) -> None:
    p.at("pipe_repeated", "线表", copy_pipe(p, next(p.sites).pipe), "起始点号")


def pipe_opposite(p: Planting) -> None:
    row = next(p.sites).pipe
    again = copy_pipe(p, row, **swap_ends(p.tables.pipes[row]), 流向="反向")
    p.at("pipe_opposite", "线表", again, "起始点号")
    p.at("flow_against_drawing", "线表", again, "流向")


def pipe_parallel(p: Planting) -> None:
    p.at("pipe_parallel", "线表", copy_pipe(p, next(p.sites).pipe, 管径="DN200"), "管径")


def pipe_same_line(p: Planting) -> None:
    site = next(p.sites)
    one = p.add_node(site.start, 0, 0)
    two = p.add_node(site.end, 0, 0, 附属物="出水口")
    row = p.add_pipe(one, two, 300)
    for node in (one, two):
        p.at("node_place_shared", "点表", node, "X")
    p.at("pipe_same_line", "线表", row, "起始点号")


def pipe_code_repeated(p: Planting) -> None:
    site = next(p.sites)
    code = p.tables.pipes[site.pipe]["管段编号"]
    p.tables.pipes[site.down]["管段编号"] = code
    p.at("pipe_code_repeated", "线表", max(site.pipe, site.down), "管段编号")


def pipe_size_in_metres(p: Planting) -> None:
    row = next(p.sites).pipe
    size = size_of(p.tables.pipes[row]) / 1000
    p.pipe("pipe_size_in_metres", row, "管径", 管径=size)


def pipe_size_unusual(p: Planting) -> None:
    p.pipe("pipe_size_unusual", next(p.heads).pipe, "管径", 管径="DN290")


def pipe_size_barrels(p: Planting) -> None:
    row = next(p.sites).pipe
    p.pipe("pipe_size_barrels", row, "管径", 管径=f"2-{p.tables.pipes[row]['管径']}")


def pipe_level_missing(p: Planting) -> None:
    p.pipe("pipe_level_missing", next(p.sites).pipe, "起点高程", 起点高程=None, 起点埋深=None)


def pipe_level_identity(p: Planting) -> None:
    row = next(p.sites).pipe
    depth = p.tables.pipes[row]["起点埋深"] + 0.1
    p.pipe("pipe_level_identity", row, "起点埋深", 起点埋深=depth)


def pipe_level_identity_gross(p: Planting) -> None:
    row = next(p.sites).pipe
    depth = p.tables.pipes[row]["终点埋深"] + 2
    p.pipe("pipe_level_identity_gross", row, "终点埋深", 终点埋深=depth)


def pipe_ends_crossed(p: Planting) -> None:
    while True:
        row = next(p.sites).pipe
        old = p.tables.pipes[row]
        grounds = [round(old[f"{e}埋深"] + old[f"{e}高程"], 3) for e in ("起点", "终点")]
        if abs(grounds[0] - grounds[1]) > 0.1:
            break
    values = {
        "起点埋深": old["终点埋深"], "终点埋深": old["起点埋深"],
        "起点高程": old["终点高程"], "终点高程": old["起点高程"],
    }  # fmt: skip
    p.pipe("pipe_ends_crossed", row, "起点埋深", **values)


def pipe_invert_above_ground(p: Planting) -> None:
    row = next(p.sites).pipe
    old = p.tables.pipes[row]
    high = round(old["起点高程"] + old["起点埋深"] + 1, 3)
    p.pipe("pipe_invert_above_ground", row, "起点高程", 起点高程=high)


def pipe_invert_below_bottom(p: Planting) -> None:
    site = next(p.sites)
    values = shift(p.tables.pipes[site.pipe], "终点", -0.3)
    p.pipe("pipe_invert_below_bottom", site.pipe, "终点高程", **values)
    p.at("invert_rises_at_node", "线表", site.down, "起点高程")


def pipe_depth_excessive(p: Planting) -> None:
    site = next(p.sites)
    old = p.tables.pipes[site.pipe]
    p.pipe(
        "pipe_depth_excessive", site.pipe, "终点埋深", **shift(old, "终点", old["终点埋深"] - 18)
    )
    p.at("pipe_invert_below_bottom", "线表", site.pipe, "终点高程")
    p.at("pipe_slope_excessive", "线表", site.pipe, "终点高程")
    p.at("invert_rises_at_node", "线表", site.down, "起点高程")


def pipe_cover_shallow(p: Planting) -> None:
    row = next(p.heads).pipe
    values = shift(p.tables.pipes[row], "起点", p.tables.pipes[row]["起点埋深"] - 0.4)
    p.pipe("pipe_cover_shallow", row, "起点埋深", **values)


def rise_by(rule: str, by: float) -> Callable[[Planting], None]:
    def plant(p: Planting) -> None:
        row = next(p.sites).pipe
        old = p.tables.pipes[row]
        fall = old["起点高程"] - old["终点高程"]
        p.pipe(rule, row, "终点高程", **shift(old, "终点", round(fall + by, 3)))
        if fall + by > 0.5:
            p.at("drop_without_drop_manhole", "线表", row, "终点高程")

    return plant


def stretch(rule: str, factor: float, plus: float) -> Callable[[Planting], None]:
    def plant(p: Planting) -> None:
        row = next(p.sites).pipe
        p.pipe(rule, row, "长度", 长度=round(p.tables.pipes[row]["长度"] * factor + plus, 2))

    return plant


def pipe_short(p: Planting) -> None:
    site = next(p.sites)
    row = p.add_pipe(p.add_node(site.start, 0.2, 0, 0.002), site.start, 200)
    p.at("pipe_short", "线表", row, "起始点号")


def pipe_long(p: Planting) -> None:
    site = next(p.sites)
    row = p.add_pipe(p.add_node(site.start, 60, 80, 0.5), site.start, 300)
    p.at("pipe_long", "线表", row, "终止点号")


def flow_against_drawing(p: Planting) -> None:
    row = next(p.sites).pipe
    p.pipe("flow_against_drawing", row, "流向", **swap_ends(p.tables.pipes[row]), 流向="反向")


def invert_rises_at_node(p: Planting) -> None:
    row = next(p.sites).pipe
    p.pipe("invert_rises_at_node", row, "起点高程", **shift(p.tables.pipes[row], "起点", 0.1))


def drop_without_drop_manhole(p: Planting) -> None:
    row = next(p.heads).pipe
    values = shift(p.tables.pipes[row], "起点", 0.6) | shift(p.tables.pipes[row], "终点", 0.6)
    p.pipe("drop_without_drop_manhole", row, "终点高程", **values)


def pipe_system_unlike_nodes(p: Planting) -> None:
    site = next(p.sites)
    while p.tables.nodes[site.end]["管线类型"] == "HS":
        site = next(p.sites)
    p.tables.nodes[site.end]["管线类型"] = "合流"
    p.at("pipe_system_unlike_nodes", "线表", site.down, "起始点号")


def misconnect(rule: str, water: str, of: tuple[str, ...]) -> Callable[[Planting], None]:
    def plant(p: Planting) -> None:
        site = next(p.sites)
        while p.tables.nodes[site.end]["管线类型"] not in of:
            site = next(p.sites)
        p.pipe(rule, site.pipe, "终止点号", 管线类型=water)

    return plant


def node_is_sink(p: Planting) -> None:
    site = next(p.sites)
    row = p.add_node(site.start, 15, 15, -0.12)
    p.add_pipe(site.start, row, size_of(p.tables.pipes[site.pipe]))
    p.at("node_is_sink", "点表", row, "物探点号")


def group_without_outfall(p: Planting) -> None:
    site = next(p.sites)
    one, two = p.add_node(site.start, 15, 15), p.add_node(site.start, 15, 35, -0.12)
    p.add_pipe(one, two, 300)
    p.at("group_without_outfall", "点表", two, "物探点号")


def flow_loop(p: Planting) -> None:
    site = next(p.sites)
    ring = [p.add_node(site.start, *at) for at in ((12, 12), (12, 32), (30, 20))]
    for one, two in zip(ring, [*ring[1:], ring[0]], strict=True):
        row = p.add_pipe(one, two, 300, 压力类型="压力")
        p.at("flow_loop", "线表", row, "起始点号")
    p.at("group_without_outfall", "点表", ring[0], "物探点号")


FAULTS: tuple[Callable[[Planting], None], ...] = (
    node_code_missing, node_code_repeated, node_code_similar, node_axes_swapped, node_far_away,
    node_outside_county, node_place_shared, node_without_pipe, node_system_missing,
    node_kind_double, node_fitting_ways, node_element_conflict, node_ground_step,
    node_bottom_above_ground, node_depth_excessive, node_level_identity, node_many_pipes,
    simple_node("node_place_missing", "X", None),
    simple_node("node_ground_missing", "地面高程", None),
    simple_node("node_ground_impossible", "地面高程", 9000.5),
    simple_node("node_system_unknown", "管线类型", "给水"),
    simple_node("node_kind_missing", "附属物", None),
    simple_node("node_kind_unknown", "附属物", "飞碟"),
    simple_node("node_element_unknown", "点编码", "99999999"),
    simple_node("node_depth_negative", "井深", -1.5),
    simple_node("number_unreadable", "地面高程", "约一千五"),
    simple_node("sentinel_value", "地面高程", 9999.0),
    simple_node("date_unreadable", "探测日期", "去年夏天"),
    simple_node("date_in_future", "探测日期", "2199-01-01"),
    simple_node("text_undecodable", "所在道路", "\ufffd\ufffd路"),
    pipe_end_similar, pipe_to_itself, pipe_repeated, pipe_opposite, pipe_parallel, pipe_same_line,
    pipe_code_repeated, pipe_size_in_metres, pipe_size_unusual, pipe_size_barrels,
    simple_pipe("pipe_end_missing", "终止点号", None),
    simple_pipe("pipe_end_unknown", "终止点号", "ZZ999999"),
    simple_pipe("pipe_system_unknown", "管线类型", "燃气"),
    simple_pipe("pipe_size_missing", "管径", None),
    simple_pipe("pipe_size_unreadable", "管径", "很粗"),
    simple_pipe("pipe_size_impossible", "管径", "DN20"),
    simple_pipe("pipe_shape_conflict", "断面形式", "矩形"),
    simple_pipe("pipe_material_missing", "材质", None),
    simple_pipe("pipe_material_unknown", "材质", "黄金"),
    simple_pipe("pipe_laying_unknown", "埋设方式", "漂浮"),
    simple_pipe("pipe_word_unknown", "流向", "左右"),
    simple_pipe("pipe_year_impossible", "建设年代", 1700.0),
    simple_pipe("pipe_depth_negative", "起点埋深", -2.5),
    simple_pipe("sentinel_value", "管径", "不详"),
    simple_pipe("flow_against_inverts", "流向", "反向"),
    simple_pipe("size_shrinks", "管径", "DN200"),
    pipe_level_missing, pipe_level_identity, pipe_level_identity_gross, pipe_ends_crossed,
    pipe_invert_above_ground, pipe_invert_below_bottom, pipe_depth_excessive, pipe_cover_shallow,
    rise_by("pipe_slope_reversed_slight", 0.01), rise_by("pipe_slope_reversed", 0.1),
    rise_by("pipe_slope_reversed_gross", 0.4), rise_by("pipe_slope_flat", -0.01),
    stretch("pipe_length_mismatch", 1.0, 3.0), stretch("pipe_length_gross", 2.0, 0.0),
    pipe_short, pipe_long, flow_against_drawing, invert_rises_at_node, drop_without_drop_manhole,
    pipe_system_unlike_nodes,
    misconnect("system_sanitary_to_storm", "污水", ("YS",)),
    misconnect("system_storm_to_sanitary", "雨水", ("WS",)),
    misconnect("system_combined_to_separate", "合流", ("YS", "WS")),
    node_is_sink, group_without_outfall, flow_loop,
    simple_node("outfall_flows_on", "附属物", "出水口"),
)  # fmt: skip


def plant_faults(clean: Tables, count: int, seed: int) -> Planting:
    """``count`` faults, of every kind in turn, at places that do not touch each other."""
    tables = copy_tables(clean)
    sites, heads = find_sites(tables, np.random.default_rng(seed))
    planting = Planting(tables, iter(sites), iter(heads))
    for n in range(count):
        FAULTS[n % len(FAULTS)](planting)
    return planting


def find_sites(tables: Tables, rng: np.random.Generator) -> tuple[list[Site], list[Site]]:
    """Pipes inside a run, and pipes at its head, with nothing in common."""
    row_of = {n["物探点号"]: r for r, n in enumerate(tables.nodes)}
    into: dict[str, list[int]] = defaultdict(list)
    out: dict[str, list[int]] = defaultdict(list)
    for r, pipe in enumerate(tables.pipes):
        into[pipe["终止点号"]].append(r)
        out[pipe["起始点号"]].append(r)
    used: set[str] = set()
    inside: list[Site] = []
    heads: list[Site] = []
    for r in rng.permutation(len(tables.pipes)).tolist():
        pipe = tables.pipes[r]
        start, end = pipe["起始点号"], pipe["终止点号"]
        ups, downs = into[start], out[end]
        if len(downs) != 1 or len(into[end]) != 1 or len(ups) > 1:
            continue
        below = tables.pipes[downs[0]]["终止点号"]
        above = [tables.pipes[u]["起始点号"] for u in ups]
        touched = {start, end, below, *above}
        if touched & used or len(into[below]) > 1 or not out[below]:
            continue
        used |= touched
        site = Site(r, ups[0] if ups else None, downs[0], row_of[start], row_of[end])
        (inside if ups else heads).append(site)
    return inside, heads
