"""What is affected when a pipe is blocked: what drains through it and has no other way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import InputError
from gis.network.asking import Ask
from gis.network.inquiry import Place, find_place
from gis.network.trace import Direction, Walk, walk_from, walk_of
from gis.network.ways import read_edges

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Isolation:
    """Pipes upstream of a blockage: those that are stopped, how many find another way."""

    blocked: Place
    stopped: Walk
    diverted_pipes: int
    diverted_m: float


def isolate(ask: Ask, words: str, *, as_of: datetime | None = None) -> Isolation:
    """What is affected when a pipe, given by id or code, lets nothing through.

    Water leaves the network at a node nothing leads on from. What could reach one before and
    can reach none without the pipe is stopped, the pipe itself included.
    """
    place, walk = _walk_around(ask, words, as_of)
    if not place.is_pipe or place.source is None or place.target is None:
        raise InputError(
            Text(zh="堵塞分析需指定一根管段", en="it is a pipe that is blocked: name one"),
            id=str(place.id),
        )
    edges = read_edges(ask, walk)
    number, ids = pd.factorize(
        np.concatenate([edges["source"].to_numpy(), edges["target"].to_numpy()])
    )
    source, target = number[: len(edges)], number[len(edges) :]
    blocked = (edges["pipe"] == place.id).to_numpy()
    at = {node: k for k, node in enumerate(ids)}
    upstream = _reach(target, source, np.array([at[place.source]]), len(ids))
    leaves = np.ones(len(ids), dtype=bool)
    leaves[source] = False
    free = _reach(target[~blocked], source[~blocked], np.flatnonzero(leaves), len(ids))
    above = upstream[target] & ~blocked
    stopped = (above & ~free[target]) | blocked
    diverted = above & free[target]
    rows = edges[stopped]
    return Isolation(
        place,
        walk_of(
            rows["pipe"].astype(str).tolist(),
            rows["source"].astype(str).tolist(),
            rows["target"].astype(str).tolist(),
            rows["back"].astype(bool).tolist(),
            as_of=as_of,
        ),
        int(diverted.sum()),
        round(float(edges.loc[diverted, "length_m"].sum()), 2),
    )


def _walk_around(ask: Ask, words: str, as_of: datetime | None) -> tuple[Place, Walk]:
    """What drains to the pipe, and all that it can drain to instead."""
    if as_of is not None:
        from gis.network.past import Network, as_walk

        network = Network.read(ask, as_of=as_of)
        place, _, pipe = network.find(words)
        every = np.ones(len(network.source), dtype=bool)
        first = np.array([] if pipe is None else [pipe], dtype=np.intp)
        up = network.walk(first, Direction.UP, every)
        seeds = np.flatnonzero(np.isin(network.source, network.source[up]))
        return place, as_walk(network, network.walk(seeds, Direction.DOWN, every), as_of=as_of)
    place = find_place(ask, words)
    up_walk = walk_from(place, Direction.UP)
    edge = "e.pipe_id, e.source_id, e.target_id, e.is_backward"
    sql = (
        up_walk.sql.replace("walk AS MATERIALIZED", "above AS MATERIALIZED")
        + ", walk (pipe_id, source_id, target_id, is_backward) AS ("
        f"SELECT {edge} FROM (SELECT DISTINCT source_id FROM above) a JOIN {CORE}.network_edge e"
        " ON e.source_id = a.source_id UNION SELECT e.* FROM"
        " (SELECT DISTINCT target_id FROM walk) w CROSS JOIN LATERAL"
        f" (SELECT {edge} FROM {CORE}.network_edge e WHERE e.source_id = w.target_id OFFSET 0) e)"
    )
    return place, Walk(sql, up_walk.parameters)


def _reach(enter: Ints, leave: Ints, first: Ints, count: int) -> npt.NDArray[np.bool_]:
    """Nodes reached from others, going from ``enter`` to ``leave`` of each edge."""
    order = np.argsort(enter, kind="stable")
    begins = np.searchsorted(enter[order], np.arange(count + 1))
    seen = np.zeros(count, dtype=bool)
    front = first
    seen[front] = True
    while front.size:
        counts = begins[front + 1] - begins[front]
        at = np.repeat(begins[front] - np.r_[0, np.cumsum(counts)[:-1]], counts)
        found = np.unique(leave[order[at + np.arange(counts.sum())]])
        front = found[~seen[found]]
        seen[front] = True
    return seen
