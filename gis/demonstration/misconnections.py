"""Misconnections made on purpose: short branches of one system that end in another's manhole.

Six of them in the seat, two of each kind (污→雨, 雨→污, 合流→分流), each with a known length that
drains through it. They are added after everything else was drawn, from a stream of their own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.demonstration.plan import Floats, Town, make_identities
from gis.demonstration.sewers import PREFIX, SLOPES, Network

STREAM = 77
PLANTED = (
    ("sanitary", "storm", 3), ("sanitary", "storm", 2), ("storm", "sanitary", 4),
    ("storm", "sanitary", 2), ("combined", "storm", 3), ("combined", "sanitary", 3),
)  # fmt: skip
"""System of the branch, system it ends in, pipes of the branch."""
PIPE_M = 24.0
_ABOVE_M = 0.4
"""How far above the other manhole's invert the branch arrives."""
_COVER_M = 1.8
_SIZE_MM = {"sanitary": 300.0, "storm": 400.0, "combined": 400.0}
_BUILT = 2003
Row = dict[str, Any]  # Any: values of any attribute


def plant_branches(seed: int, seat: Town, network: Network) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Manholes and pipes of the branches."""
    rng = np.random.default_rng([seed, STREAM])
    manholes: list[Row] = []
    pipes: list[Row] = []
    for n in range(len(PLANTED)):
        more, laid = _plant(seat, network, n)
        manholes += more
        pipes += laid
    return (
        pd.DataFrame(manholes).assign(id=make_identities(rng, len(manholes)), works=None),
        pd.DataFrame(pipes).assign(id=make_identities(rng, len(pipes)), works=None),
    )


def _plant(seat: Town, network: Network, n: int) -> tuple[list[Row], list[Row]]:
    """One branch, from inside a block to a manhole at the corner of its street."""
    system, other, count = PLANTED[n]
    i, j = 1 + 2 * n % (seat.columns - 2), 1 + n % (seat.rows - 2)
    corner = seat.nodes[i, j]
    end = _find_manhole(network.manholes, other, corner)
    target = shapely.get_coordinates(end["geometry"])[0]
    inward = seat.nodes[i + 1, j + 1] - corner
    step = PIPE_M * inward / float(np.hypot(*inward))
    # From the end upwards, so that the first of the codes is the highest, as in the streets.
    xy = np.round(target + np.arange(count, -1, -1)[:, None] * step, 3)
    codes = [f"{PREFIX[system]}{seat.place}9{n:02d}{k:03d}" for k in range(1, count + 1)]
    joint = float(end["bottom_m"]) + 0.05 + _ABOVE_M
    inverts = np.round(joint + SLOPES[system] * PIPE_M * np.arange(count, -1, -1), 3)
    shared = {"system": system, "road": end["road"], "township": seat.township}
    manholes = [shared | _manhole(codes[k], float(inverts[k]), xy[k]) for k in range(count)]
    nodes = [*codes, str(end["code"])]
    return manholes, [
        shared | _pipe(nodes[k : k + 2], inverts[k : k + 2], xy[k : k + 2], _SIZE_MM[system])
        for k in range(count)
    ]


def _find_manhole(manholes: pd.DataFrame, system: str, corner: Floats) -> pd.Series:
    """The manhole of a system that is nearest to a street corner."""
    own = manholes[manholes["system"] == system]
    away = shapely.distance(own["geometry"].to_numpy(), shapely.Point(corner))
    return own.iloc[int(away.argmin())]


def _manhole(code: str, invert: float, xy: Floats) -> Row:
    return {
        "code": code,
        "manhole_type": "inspection",
        "ground_m": round(invert + _COVER_M, 3),
        "bottom_m": round(invert - 0.05, 3),
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
        "material": "pvc",
        "built_year": _BUILT,
        "geometry": shapely.LineString(xy),
    }


def list_misconnections(manholes: pd.DataFrame, pipes: pd.DataFrame) -> list[Row]:
    """Every pipe that ends in a manhole of another system, for the oracle; by code.

    ``upstream_m`` is the length of all pipes whose water passes the place, the pipe itself
    included; ``outlet`` the last node its water reaches.
    """
    system_of = dict(zip(manholes["code"], manholes["system"], strict=True))
    below = dict(zip(pipes["up_node"], pipes["down_node"], strict=True))
    above: dict[str, list[str]] = defaultdict(list)
    for up, down in below.items():
        above[down].append(up)
    length = dict(zip(pipes["up_node"], shapely.length(pipes["geometry"].to_numpy()), strict=True))
    found = []
    for code, own, up, down in zip(
        *(pipes[name] for name in ("code", "system", "up_node", "down_node")), strict=True
    ):
        if system_of.get(down, own) == own:
            continue
        drained, open_nodes = 0.0, [up]
        while open_nodes:
            node = open_nodes.pop()
            drained += float(length[node])
            open_nodes += above.get(node, [])
        end = down
        while isinstance(below.get(end), str):
            end = below[end]
        found.append(
            {
                "pipe": code, "node": down, "from": own, "to": system_of[down],
                "upstream_m": round(drained, 3), "outlet": end,
                "planted": up[4] == "9",
            }
        )  # fmt: skip
    return sorted(found, key=lambda row: str(row["pipe"]))
