"""A survey of the demonstration county as a surveyor would deliver it: clean, or with faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
import xlsxwriter

from gis.demonstration.county import build_county
from gis.network.survey_place import County

NODE_COLUMNS = (
    "物探点号", "X", "Y", "地面高程", "井深", "井底高程", "管线类型", "特征", "附属物", "点编码",
    "所在道路", "探测日期",
)  # fmt: skip
PIPE_COLUMNS = (
    "管段编号", "起始点号", "终止点号", "起点埋深", "终点埋深", "起点高程", "终点高程", "管径",
    "断面形式", "材质", "埋设方式", "管线类型", "流向", "长度", "建设年代", "压力类型",
)  # fmt: skip
_LETTERS = {"storm": "YS", "sanitary": "WS", "combined": "HS"}
Row = dict[str, Any]


@dataclass
class Tables:
    """Rows of the two tables, in order; by code the row of a point."""

    nodes: list[Row]
    pipes: list[Row]
    extra: dict[str, list[list[Any]]] = field(default_factory=dict)

    def node(self, code: str) -> Row:
        return next(n for n in self.nodes if n["物探点号"] == code)


def _leave_out(
    manholes: gpd.GeoDataFrame, pipes: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Without the branches planted in the wrong system, and the pipes into a plant or outfall."""
    manholes = manholes[manholes["code"].str[4] != "9"]
    ends = pipes["code"].str.split("-", expand=True)
    return manholes, pipes[ends.isin(set(manholes["code"])).all(axis=1)]


@cache
def demonstration(scale: float) -> tuple[County, Tables]:
    """The county's extent and its sewers as clean tables: planted faults are undone."""
    county = build_county(1, scale)
    frames = {
        k: county.frames[k].drop_duplicates("id", keep="last")
        for k in ("sewer_manhole", "sewer_pipe")
    }
    manholes, pipes = _leave_out(frames["sewer_manhole"], frames["sewer_pipe"])
    plane = pyproj.Transformer.from_crs(4490, 4542, always_xy=True)
    points = manholes.geometry.to_numpy()
    east, north = plane.transform(shapely.get_x(points), shapely.get_y(points))
    place = {
        c: (round(n, 3), round(e, 3)) for c, n, e in zip(manholes["code"], north, east, strict=True)
    }
    ground = dict(zip(manholes["code"], manholes["ground_m"], strict=True))
    invert = dict(zip(manholes["code"], (manholes["bottom_m"] + 0.05).round(3), strict=True))
    heads = {str(c).split("-")[0] for c in pipes["code"]}
    nodes = [
        {
            "物探点号": code, "X": place[code][0], "Y": place[code][1],
            "地面高程": ground[code], "井底高程": round(invert[code] - 0.05, 3),
            "井深": round(ground[code] - round(invert[code] - 0.05, 3), 3),
            "管线类型": _LETTERS[system], "附属物": "检查井" if code in heads else "出水口",
            "所在道路": road, "探测日期": "2026-03-12",
        }
        for code, system, road in zip(
            manholes["code"], manholes["system"], manholes["road"], strict=True
        )
    ]  # fmt: skip
    size = {
        str(c).split("-")[0]: s for c, s in zip(pipes["code"], pipes["diameter_mm"], strict=True)
    }
    down = dict(str(c).split("-") for c in pipes["code"])
    rows = []
    for number, (code, system) in enumerate(zip(pipes["code"], pipes["system"], strict=True)):
        start, end = str(code).split("-")
        wide = start
        while size[wide] == 150:
            wide = down[wide]
        rows.append(
            make_pipe(
                f"GD{number:06d}", (start, place[start], ground[start], invert[start]),
                (end, place[end], ground[end], invert[end]), size[wide], _LETTERS[system],
            )
        )  # fmt: skip
    return County(county.extent), Tables(nodes, rows)


End = tuple[str, tuple[float, float], float, float]


def make_pipe(code: str, start: End, end: End, size: float, system: str, **more: object) -> Row:
    """One row of the table of pipes, whose figures agree."""
    length = float(np.hypot(start[1][0] - end[1][0], start[1][1] - end[1][1]))
    return {
        "管段编号": code, "起始点号": start[0], "终止点号": end[0],
        "起点埋深": round(start[2] - start[3], 3), "终点埋深": round(end[2] - end[3], 3),
        "起点高程": start[3], "终点高程": end[3], "管径": f"DN{size:g}", "断面形式": "圆形",
        "材质": "混凝土", "埋设方式": "直埋", "管线类型": system, "长度": round(length, 2),
        "建设年代": 2015.0, **more,
    }  # fmt: skip


def copy_tables(tables: Tables) -> Tables:
    return Tables([dict(n) for n in tables.nodes], [dict(p) for p in tables.pipes])


def write_workbook(
    path: Path, tables: Tables, node_columns: Sequence[str] = NODE_COLUMNS,
    pipe_columns: Sequence[str] = PIPE_COLUMNS,
) -> Path:  # fmt: skip
    """The tables as a workbook of the sheets 点表 and 线表, headers in the first row."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        for name, columns, rows in (
            ("点表", node_columns, tables.nodes),
            ("线表", pipe_columns, tables.pipes),
        ):
            page = book.add_worksheet(name)
            page.write_row(0, 0, columns)
            for number, row in enumerate(rows, 1):
                for at, column in enumerate(columns):
                    if row.get(column) not in (None, ""):
                        page.write(number, at, row[column])
        for name, cells in tables.extra.items():
            page = book.add_worksheet(name)
            for number, row_cells in enumerate(cells):
                page.write_row(number, 0, row_cells)
    return path


Plant = Callable[..., list[tuple[str, str, int, str]]]
