"""Streets and roads: town grids, roads between the towns, an expressway along the river."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import LineString

from gis.demonstration.plan import Town, river_y
from gis.geometry import Geometries, as_geometries

# fmt: off
_STREET = (
    "文昌", "云岭", "龙泉", "青松", "向阳", "翠屏", "兴贤", "环翠", "茶园", "迎春",
    "金穗", "学府", "石桥", "澄江", "永和", "建业", "南屏", "观澜", "紫薇", "玉兰",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Street:
    """One segment of road; ``line`` on the county plane."""

    code: str
    name: str
    road_class: str
    town: int
    township: str
    width_m: float
    line: LineString
    batch: int
    """Street number in its town: what is built together."""


def street_name(town: Town, number: int, *, across: bool) -> str:
    """The name of a street of a town's grid; the same words, another suffix per direction."""
    word = _STREET[(number + 3 * town.number) % len(_STREET)]
    more = "" if number < len(_STREET) else "一二三四五六七八九"[(number // len(_STREET) - 1) % 9]
    return f"{word}{more}{'街' if across else '路'}"


def make_streets(rng: np.random.Generator, towns: list[Town]) -> list[Street]:
    """All road segments, split where they meet."""
    streets: list[Street] = []
    for town in towns:
        streets.extend(_grid_streets(town))
    streets.extend(_country_roads(rng, towns))
    streets.extend(_expressway(max(1.0, max(abs(t.x) for t in towns) / 23_500)))
    return _split_at_junctions(streets)


def _split_at_junctions(streets: list[Street]) -> list[Street]:
    """Every road cut where another meets or crosses it, so that junctions are ends of segments."""
    lines = lines_of(streets)
    left, right = shapely.STRtree(lines).query(lines, predicate="crosses")
    crossing: dict[int, list[int]] = {}
    for a, b in zip(left, right, strict=True):
        crossing.setdefault(int(a), []).append(int(b))
    split: list[Street] = []
    for at, street in enumerate(streets):
        if at not in crossing:
            split.append(street)
            continue
        cutters = shapely.union_all(lines[crossing[at]])
        parts = shapely.get_parts(shapely.difference(street.line, cutters))
        split.extend(
            replace(street, code=f"{street.code}{n:02d}", line=part) for n, part in enumerate(parts)
        )
    return split


def _grid_streets(town: Town) -> list[Street]:
    found = []
    middle_i, middle_j = town.columns // 2, town.rows // 2
    for across in (False, True):
        ends = town.nodes[:, :-1], town.nodes[:, 1:]
        if not across:
            ends = town.nodes[:-1, :], town.nodes[1:, :]
        lines = shapely.linestrings(np.stack(ends, axis=2).reshape(-1, 2, 2))
        count_j = ends[0].shape[1]
        for at, line in enumerate(lines):
            i, j = divmod(at, count_j)
            number = i if across else j
            main = (i == middle_i) if across else (j == middle_j)
            class_ = "arterial" if main and town.number == 0 else "secondary" if main else "branch"
            name = street_name(town, number, across=across)
            code = f"DL{town.place}{'J' if across else 'L'}{number:03d}{(j if across else i):03d}"
            width = {"arterial": 32.0, "secondary": 20.0, "branch": 12.0}[class_]
            found.append(
                Street(code, name, class_, town.number, town.township, width, line, number)
            )
    return found


def _country_roads(rng: np.random.Generator, towns: list[Town]) -> list[Street]:
    """A road from each town to the seat, winding, in three segments."""
    found = []
    seat = towns[0]
    for town in towns[1:]:
        start, end = town.nodes[0, 0], _entrance(seat, town)
        share = np.linspace(0, 1, 19)
        bend = rng.normal(0, 1, 19).cumsum()
        bend = (bend - np.linspace(bend[0], bend[-1], 19)) * np.hypot(*(end - start)) * 0.012
        side = np.array([-(end - start)[1], (end - start)[0]]) / np.hypot(*(end - start))
        xy = start + share[:, None] * (end - start) + bend[:, None] * side
        xy = np.round(xy, 2)
        for part in range(3):
            line = LineString(xy[part * 6 : part * 6 + 7])
            code = f"DLX{town.place}{part:02d}"
            name = f"云{town.name[0]}公路"
            found.append(
                Street(code, name, "arterial", town.number, town.township, 16.0, line, part)
            )
    return found


def _entrance(seat: Town, town: Town) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The corner of the seat's grid nearest to a town."""
    corners = seat.nodes.reshape(-1, 2)
    nearest: np.ndarray[tuple[int], np.dtype[np.float64]] = corners[
        np.hypot(*(corners - np.array([town.x, town.y])).T).argmin()
    ]
    return nearest


def _expressway(spread: float) -> list[Street]:
    x = np.linspace(-26_000, 26_000, 131) * spread
    xy = np.round(np.column_stack([x, river_y(x) - 1500]), 2)
    return [
        Street(
            f"DLK{part:03d}", "云屏高速", "expressway", 0, "", 26.0,
            LineString(xy[part * 13 : part * 13 + 14]), part,
        )
        for part in range(10)
    ]  # fmt: skip


def lines_of(streets: list[Street]) -> Geometries:
    """The segments' lines, in order."""
    return as_geometries(s.line for s in streets)
