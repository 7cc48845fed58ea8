"""Where the networks end: a plant for sanitary sewers, an outfall for storm and combined ones.

A town with the river below it sends its storm water there through a main of drop manholes, the
others into a brook at their edge. The mains are added after everything else was drawn, from no
stream but their own, so that the rest of the county is the same without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.demonstration.plan import RIVER_LEVEL_M, Floats, Town, ground_m, make_identities, river_y
from gis.demonstration.sewers import OUTLET_COVER_M, PREFIX, SLOPES, SPACING_M, Network

STREAM = 76
RIVER_REACH_M = 2500.0
"""A town farther from the river than this has a brook nearer by."""
_BANK_M = 25.0
_PLANT_AWAY, _BROOK_AWAY = (-60.0, -40.0), (-18.0, -38.0)
_SILL_M = 0.3
"""How far above the facility's bottom a main arrives."""
_LEAST_FALL_M = 1.0
"""What the ground must fall more than the pipes before drop manholes are built."""
_DROP_COVER_M = 4.5
"""Depth of a drop manhole: the pipe that arrives above still lies a metre under the ground."""
_BUILT = 2012
Row = dict[str, Any]  # Any: values of any attribute


@dataclass(frozen=True, slots=True)
class Outlet:
    """The facility at which one network of a town ends; metres, heights above the datum."""

    town: Town
    system: str
    code: str
    name: str
    type: str
    xy: tuple[float, float]
    bottom_m: float
    water: str | None


def plan_outlets(towns: list[Town]) -> list[Outlet]:
    """One facility for every network of every town."""
    outlets = []
    for town in towns:
        if town.combined:
            outlets.append(_plan_outfall(town, "combined", "合流排放口"))
        else:
            outlets.append(_plan_plant(town))
            outlets.append(_plan_outfall(town, "storm", "雨水排放口"))
    return outlets


def _plan_plant(town: Town) -> Outlet:
    x, y = town.nodes[0, 0] + np.array(_PLANT_AWAY)
    fall = SLOPES["sanitary"] * float(np.hypot(*_PLANT_AWAY))
    name = f"{_stem(town)}污水处理厂"
    place = (round(float(x), 2), round(float(y), 2))
    bottom = round(_outlet_invert(town) - fall - _SILL_M, 3)
    return Outlet(
        town, "sanitary", f"PS{town.place}C", name, "treatment_plant", place, bottom, None
    )


def _plan_outfall(town: Town, system: str, word: str) -> Outlet:
    x, y = map(float, town.nodes[0, 0])
    bank = float(river_y(x)) + _BANK_M
    name, code = f"{_stem(town)}{word}", f"PS{town.place}K"
    if 0 < y - bank <= RIVER_REACH_M:
        bottom = round(RIVER_LEVEL_M - 0.0011 * x, 3)
        place = (round(x, 2), round(bank, 2))
        return Outlet(town, system, code, name, "outfall", place, bottom, "云屏河")
    fall = SLOPES[system] * float(np.hypot(*_BROOK_AWAY))
    place = (round(x + _BROOK_AWAY[0], 2), round(y + _BROOK_AWAY[1], 2))
    bottom = round(_outlet_invert(town) - fall - _SILL_M, 3)
    return Outlet(
        town, system, code, name, "outfall", place, bottom, f"{_stem(town).removesuffix('溪')}溪"
    )


def _stem(town: Town) -> str:
    """The town's name without the word for what it is."""
    return town.name.removesuffix("片区").removesuffix("镇").removesuffix("乡")


def _outlet_invert(town: Town) -> float:
    """Invert at the lowest street corner, where the network under the streets ends."""
    return float(ground_m(*town.nodes[0, 0].reshape(2, 1))[0]) - OUTLET_COVER_M


def make_mains(seed: int, towns: list[Town], network: Network) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Manholes and pipes from the last manhole of each network to its facility."""
    rng = np.random.default_rng([seed, STREAM])
    parts = [_lay_main(outlet, network) for outlet in plan_outlets(towns)]
    manholes = pd.DataFrame([row for made, _ in parts for row in made])
    pipes = pd.DataFrame([row for _, made in parts for row in made])
    return (
        manholes.assign(id=make_identities(rng, len(manholes)), works=None),
        pipes.assign(id=make_identities(rng, len(pipes)), works=None),
    )


def _lay_main(outlet: Outlet, network: Network) -> tuple[list[Row], list[Row]]:
    town, system = outlet.town, outlet.system
    own = (network.manholes["town"] == town.number) & (network.manholes["system"] == system)
    last = network.manholes[own].iloc[-1]
    upstream = network.pipes[
        (network.pipes["town"] == town.number) & (network.pipes["system"] == system)
    ]
    start = shapely.get_coordinates(last["geometry"])[0]
    way = np.asarray(outlet.xy) - start
    pieces = max(1, round(float(np.hypot(*way)) / SPACING_M))
    xy = np.round(start + np.linspace(0, 1, pieces + 1)[:, None] * way, 3)
    xy[-1] = outlet.xy
    first = int(str(last["code"])[4:])
    codes = [
        str(last["code"]),
        *(f"{PREFIX[system]}{town.place}{first + n:06d}" for n in range(1, pieces)),
        outlet.code,
    ]
    inverts, drop = _levels(float(last["bottom_m"]) + 0.05, outlet, xy)
    shared = {"system": system, "road": last["road"], "township": town.township}
    size = float(upstream["diameter_mm"].max())
    manholes = [shared | _manhole(codes[n], inverts[n, 0], xy[n], drop) for n in range(1, pieces)]
    pipes = [
        shared | _pipe(codes[n : n + 2], inverts[n], xy[n : n + 2], size) for n in range(pieces)
    ]
    return manholes, pipes


def _levels(start_m: float, outlet: Outlet, xy: Floats) -> tuple[Floats, float]:
    """(up and down invert of every piece, the fall inside each manhole between them).

    The pipes keep the slope of their network; what the ground falls more is left to the manholes.
    """
    pieces = len(xy) - 1
    along = SLOPES[outlet.system] * np.hypot(*np.diff(xy, axis=0).T)
    spare = start_m - outlet.bottom_m - _SILL_M - float(along.sum())
    drop = spare / (pieces - 1) if pieces > 1 and spare > _LEAST_FALL_M else 0.0
    up = start_m - np.r_[0.0, np.cumsum(along[:-1])] - drop * np.arange(pieces)
    return np.round(np.column_stack([up, up - along]), 3), drop


def _manhole(code: str, invert: float, xy: Floats, drop: float) -> Row:
    is_drop = drop > 0
    return {
        "code": code,
        "manhole_type": "drop" if is_drop else "inspection",
        "ground_m": round(float(invert) + (_DROP_COVER_M if is_drop else OUTLET_COVER_M), 3),
        "bottom_m": round(float(invert) - 0.05, 3),
        "cover_state": "good",
        "geometry": shapely.Point(xy),
    }


def _pipe(codes: list[str], inverts: Floats, xy: Floats, size: float) -> Row:
    return {
        "code": f"{codes[0]}-{codes[1]}",
        "up_node": codes[0],
        "down_node": codes[1],
        "diameter_mm": size,
        "up_invert_m": float(inverts[0]),
        "down_invert_m": float(inverts[1]),
        "material": "concrete" if size >= 800 else "hdpe",
        "built_year": _BUILT,
        "geometry": shapely.LineString(xy),
    }


def measure_network(
    manholes: pd.DataFrame, pipes: pd.DataFrame, facilities: pd.DataFrame
) -> dict[str, Any]:  # Any: JSON
    """The oracle's graph: how many parts it falls into, and what drains to which facility.

    Flow is followed by ``down_node`` alone; every node has one way down at most.
    """
    ends = facilities.loc[facilities["facility_type"] != "pumping_station", "code"]
    below = dict(zip(pipes["up_node"], pipes["down_node"], strict=True))
    reached: dict[str, float] = {str(code): 0.0 for code in ends}
    lost = 0.0
    for down, length in zip(pipes["down_node"], _lengths(pipes), strict=True):
        node = down
        while node in below:
            node = below[node]
        if node in reached:
            reached[node] += float(length)
        else:
            lost += float(length)
    return {
        "components": _count_components([*manholes["code"], *ends], pipes),
        "outlets": {code: round(length, 3) for code, length in reached.items()},
        "m_to_nowhere": round(lost, 3),
    }


def _lengths(pipes: pd.DataFrame) -> Floats:
    lengths: Floats = shapely.length(pipes["geometry"].to_numpy())
    return lengths


def _count_components(nodes: list[str], pipes: pd.DataFrame) -> int:
    """Parts of the undirected graph, by union of the ends of every pipe that has both."""
    parent = {node: node for node in nodes}

    def find(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for up, down in zip(pipes["up_node"], pipes["down_node"], strict=True):
        if isinstance(down, str):
            parent[find(up)] = find(down)
    return len({find(node) for node in nodes})
