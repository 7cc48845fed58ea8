"""Sewers under the streets: comb-shaped networks that fall to an outfall or a plant.

In each town the laterals run down the cross streets to the street ``i = 0`` and the trunk runs
along it to node (0, 0). Levels follow from the slope and the way to the outlet, diameters from
the length that drains through a pipe; faults are made on purpose and listed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gis.demonstration.plan import Floats, Ints, Town, ground_m
from gis.demonstration.streets import street_name

SPACING_M = 42.0
"""Wanted distance of manholes (CJJ practice 30-50 m for these diameters; unverified)."""
OUTLET_COVER_M = 2.6
TRUNK = 900
"""Batch of the pipes that collect a town's laterals."""
SLOPES = {"storm": 0.0053, "sanitary": 0.0054, "combined": 0.0053}
GROUND_SLOPE = 0.0055
"""The streets fall to the outlet a little steeper than the pipes, so cover grows upstream."""
PREFIX = {"storm": "YS", "sanitary": "WS", "combined": "HS"}
_SIDE = {"storm": 2.5, "sanitary": -2.5, "combined": 0.0}
_BREAKS_M = np.array([400.0, 1200, 3000, 8000, 20_000, 60_000])
_DIAMETERS = {
    "storm": np.array([400.0, 500, 600, 800, 1000, 1500, 2000]),
    "sanitary": np.array([300.0, 400, 500, 600, 800, 1000, 1200]),
    "combined": np.array([400.0, 600, 800, 1000, 1200, 1500, 1800]),
}


@dataclass(frozen=True, slots=True)
class Network:
    """The sewers of the county: frames with plane geometries, and the faults made on purpose."""

    manholes: pd.DataFrame
    pipes: pd.DataFrame
    faults: dict[str, list[str]]


def make_network(rng: np.random.Generator, towns: list[Town]) -> Network:
    """Every town's networks, then the faults."""
    parts = [
        _town_network(rng, town, system)
        for town in towns
        for system in (("combined",) if town.combined else ("storm", "sanitary"))
    ]
    manholes = pd.concat([p[0] for p in parts], ignore_index=True)
    pipes = pd.concat([p[1] for p in parts], ignore_index=True)
    return _spoil(rng, manholes, pipes)


def _runs(town: Town) -> tuple[Ints, Ints, Ints]:
    """Start nodes (i, j) of every street run, and whether it is a lateral (1) or trunk (0)."""
    i, j = np.meshgrid(np.arange(town.columns), np.arange(town.rows), indexing="ij")
    lateral = np.stack([i[1:, :].ravel(), j[1:, :].ravel()])
    trunk = np.stack([i[0, 1:].ravel(), j[0, 1:].ravel()])
    kind = np.r_[np.ones(lateral.shape[1], int), np.zeros(trunk.shape[1], int)]
    both = np.concatenate([lateral, trunk], axis=1)
    return both[0], both[1], kind


def _town_network(
    rng: np.random.Generator, town: Town, system: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    i, j, lateral = _runs(town)
    to_i, to_j = i - lateral, j - (1 - lateral)
    start, end = town.nodes[i, j], town.nodes[to_i, to_j]
    length = np.hypot(*(end - start).T)
    pieces = np.maximum(1, np.round(length / SPACING_M)).astype(int)
    way = _way_to_outlet(town)
    run = np.repeat(np.arange(len(i)), pieces)
    step = np.arange(len(run)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = step / pieces[run]
    number = np.arange(len(run)) + 1
    # Each piece begins at a manhole of its own; the last manhole of a run is the next run's first.
    first = np.cumsum(pieces) - pieces
    node_of = np.full((town.columns, town.rows), -1)
    node_of[i, j] = first
    node_of[0, 0] = len(run)
    down = np.where(step + 1 < pieces[run], np.arange(len(run)) + 1, node_of[to_i, to_j][run])
    xy = start[run] + share[:, None] * (end - start)[run]
    xy = np.vstack([xy, town.nodes[0, 0]])
    away = np.r_[way[i, j][run] - share * length[run], 0.0]
    turn = np.array([np.cos(town.angle + 0.8), np.sin(town.angle + 0.8)])
    xy = np.round(xy + _SIDE[system] * turn, 3)
    outlet = float(ground_m(*town.nodes[0, 0].reshape(2, 1))[0])
    ground = outlet + GROUND_SLOPE * away + rng.uniform(0, 0.35, len(away))
    invert = outlet - OUTLET_COVER_M + SLOPES[system] * away
    codes = np.array([f"{PREFIX[system]}{town.place}{n:06d}" for n in np.r_[number, len(run) + 1]])
    batch = np.where(lateral == 1, j, TRUNK)[run]
    streets = np.array(
        [street_name(town, int(b), across=False) if b < TRUNK else street_name(town, 0, across=True)
         for b in np.where(lateral == 1, j, TRUNK)]
    )  # fmt: skip
    manholes = pd.DataFrame(
        {
            "code": codes,
            "system": system,
            "manhole_type": "inspection",
            "ground_m": np.round(ground, 3),
            "bottom_m": np.round(invert - 0.05, 3),
            "road": np.concatenate([streets[run], streets[-1:]]),
            "township": town.township,
            "town": town.number,
            "batch": np.r_[batch, TRUNK],
            "geometry": shapely.points(xy),
        }
    )
    drained = _drained_length(down, np.hypot(*(xy[down] - xy[:-1]).T))
    size = _DIAMETERS[system][np.searchsorted(_BREAKS_M, drained)]
    pipes = pd.DataFrame(
        {
            "code": np.char.add(np.char.add(codes[:-1], "-"), codes[down]),
            "system": system,
            "up_node": codes[:-1],
            "down_node": codes[down],
            "diameter_mm": size,
            "up_invert_m": np.round(invert[:-1], 3),
            "down_invert_m": np.round(invert[down], 3),
            "material": np.where(size >= 800, "concrete", rng.choice(["hdpe", "pvc"], len(size))),
            "built_year": rng.integers(1996, 2022, len(i))[run],
            "road": streets[run],
            "township": town.township,
            "town": town.number,
            "batch": batch,
            "geometry": shapely.linestrings(np.stack([xy[:-1], xy[down]], axis=1)),
        }
    )
    return manholes, pipes


def _way_to_outlet(town: Town) -> Floats:
    """Metres along the network from each street corner to node (0, 0)."""
    steps_i = np.hypot(*np.moveaxis(np.diff(town.nodes, axis=0), -1, 0))
    steps_j = np.hypot(*np.diff(town.nodes[0], axis=0).T)
    along = np.vstack([np.zeros(town.rows), np.cumsum(steps_i, axis=0)])
    return np.asarray(along + np.r_[0.0, np.cumsum(steps_j)][None, :])


def _drained_length(down: Ints, length: Floats) -> Floats:
    """Metres of pipe that flow through each pipe, itself included (by order of depth)."""
    depth = _depths(down)
    total = length.copy()
    for level in range(int(depth.max()), 0, -1):
        at = np.flatnonzero(depth == level)
        np.add.at(total, down[at], total[at])
    return total


def _depths(down: Ints) -> Ints:
    """How many pipes lie between each pipe and the outlet."""
    last = len(down)
    depth = np.zeros(last + 1, dtype=np.int64)
    here = down.copy()
    while (here != last).any():
        going = here != last
        depth[:-1][going] += 1
        here[going] = down[here[going]]
    return depth[:-1]


def _spoil(rng: np.random.Generator, manholes: pd.DataFrame, pipes: pd.DataFrame) -> Network:
    """Faults as surveys find them, each on rows of its own, listed by code."""
    count = max(3, len(pipes) // 300)
    rows = rng.permutation(len(pipes))[: 5 * count].reshape(5, count)
    faults: dict[str, list[str]] = {}
    adverse, missing, shrunk, misjoined, loose = rows
    up, down = pipes["up_invert_m"].to_numpy().copy(), pipes["down_invert_m"].to_numpy().copy()
    size = pipes["diameter_mm"].to_numpy().copy()
    target = pipes["down_node"].to_numpy(dtype=object).copy()
    code = pipes["code"].to_numpy(dtype=object)
    up[adverse], down[adverse] = down[adverse], up[adverse] + 0.2
    faults["adverse_slope"] = list(code[adverse])
    up[missing] = np.nan
    faults["missing_invert"] = list(code[missing])
    size[shrunk] = 150.0
    faults["diameter_shrinks"] = list(code[shrunk])
    misjoined = misjoined[pipes["system"].to_numpy()[misjoined] == "sanitary"]
    target[misjoined] = ["YS" + str(node)[2:] for node in target[misjoined]]
    places = dict(zip(manholes["code"], manholes["geometry"], strict=True))
    lines = pipes["geometry"].to_numpy(dtype=object).copy()
    for at in misjoined:
        start = shapely.get_point(lines[at], 0)
        lines[at] = shapely.linestrings([*start.coords, *places[target[at]].coords])
    faults["misconnection"] = list(code[misjoined])
    target[loose] = None
    faults["loose_end"] = list(code[loose])
    pipes = pipes.assign(
        up_invert_m=up, down_invert_m=down, diameter_mm=size, down_node=target, geometry=lines
    )
    covers = rng.permutation(len(manholes))[:count]
    state = np.full(len(manholes), "good", dtype=object)
    state[covers] = "missing"
    manholes = manholes.assign(cover_state=state)
    faults["cover_missing"] = list(manholes["code"].iloc[covers])
    return Network(manholes, pipes, faults)
