"""How far each place is from its nearest facility along the roads, both places inside edges.

Edges are split where facilities enter, one multi-source Dijkstra (scipy, ``min_only``) answers for
all nodes at once, and a place inside an edge takes the better of its two ends. What cannot be
reached is infinitely far, never "as far as we looked". The direction is always said: ``towards``
the facility (people go there) or ``from`` it (a crew comes out).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gis.coverage.admit import Bools, Floats, Ints, admit_positive
from gis.coverage.entries import Entries
from gis.coverage.refusals import refuse
from gis.coverage.roads import WALKING, RoadNetwork, assemble

Direction = Literal["towards", "from"]
Measure = Literal["seconds", "metres"]
BATCH = 100
"""Facilities solved at once: scipy answers with dense rows of all nodes."""
MAX_PAIRS = 20_000_000


@dataclass(frozen=True, slots=True)
class Reach:
    """The way of each place to its nearest facility."""

    cost: Floats
    """In ``measure``, the ways to and from the network included; inf where there is none."""
    facility: Ints
    """Position of that facility; -1 without."""
    snap_m: Floats
    """Straight to the network; NaN where farther than allowed."""
    reason: npt.NDArray[np.object_]
    """``reached``, ``unreachable`` (roads do not lead there) or ``no_entry`` (too far from one)."""
    measure: Measure
    direction: Direction


@dataclass(frozen=True, slots=True)
class Pairs:
    """Places and facilities within a limit of each other; a cost of 0 is a pair like any other."""

    place: Ints
    facility: Ints
    cost: Floats
    places: int
    facilities: int


@dataclass(frozen=True, slots=True)
class _Split:
    """The graph with facilities in it: nodes, then one node per entry, then one per way to it."""

    matrix: csr_array
    starts: Ints
    """Node to start from, per entry."""
    first: Ints
    last: Ints
    key: Floats
    """Start of each stretch on a line through all edges, for finding a place's stretch."""
    base: Floats
    length_m: Floats
    ahead: Floats
    back: Floats
    """Cost per metre from the first to the last node of a stretch, and against it."""


def travel(
    network: RoadNetwork,
    places: Entries,
    facilities: Entries,
    *,
    direction: Direction = "towards",
    measure: Measure = "seconds",
    snap_speed_m_per_s: float = WALKING.speed_m_per_s,
) -> Reach:
    """The nearest facility of every place along the roads, without a limit."""
    split = _split(network, facilities, direction, measure, snap_speed_m_per_s)
    cost, _, source = dijkstra(
        split.matrix, indices=split.starts, min_only=True, return_predecessors=True
    )
    first, last, ahead, back = _ends(split, places)
    from_first, from_last = cost[first] + ahead, cost[last] + back
    entry_cost = np.minimum(from_first, from_last) + _snap_cost(
        places.snap_m, measure, snap_speed_m_per_s
    )
    node = np.where(from_first <= from_last, first, last)
    best = _first_of_each(places.owner, entry_cost)
    owner = places.owner[best]
    result = np.full(places.count, np.inf)
    result[owner] = entry_cost[best]
    facility = np.full(places.count, -1, dtype=np.int64)
    entry = source[node[best]] - split.starts[0]
    found = np.isfinite(entry_cost[best])
    facility[owner[found]] = facilities.owner[entry[found]]
    snap_m = places.owner_snap_m
    reason = np.where(np.isfinite(result), "reached", "unreachable").astype(object)
    reason[np.isnan(snap_m)] = "no_entry"
    return Reach(result, facility, snap_m, reason, measure, direction)


def pairs_within(
    network: RoadNetwork,
    places: Entries,
    facilities: Entries,
    limit: float,
    *,
    direction: Direction = "towards",
    measure: Measure = "seconds",
    snap_speed_m_per_s: float = WALKING.speed_m_per_s,
) -> Pairs:
    """Every pair of place and facility whose cost is at most ``limit``, by rows of both."""
    admit_positive(limit, "上限 limit")
    split = _split(network, facilities, direction, measure, snap_speed_m_per_s)
    ends = _ends(split, places)
    snap = _snap_cost(places.snap_m, measure, snap_speed_m_per_s)
    found = list(_solve_batches(split, ends, snap, limit))
    entry = np.concatenate([f[0] for f in found])
    at = np.concatenate([f[1] for f in found])
    cost = np.concatenate([f[2] for f in found])
    place, facility = places.owner[at], facilities.owner[entry]
    order = np.lexsort((cost, facility, place))
    place, facility, cost = place[order], facility[order], cost[order]
    new = np.ones(len(place), dtype=bool)
    new[1:] = (place[1:] != place[:-1]) | (facility[1:] != facility[:-1])
    return Pairs(place[new], facility[new], cost[new], places.count, facilities.count)


def _solve_batches(
    split: _Split, ends: tuple[Ints, Ints, Floats, Floats], snap: Floats, limit: float
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """(entry, place's entry, cost) within the limit, a batch of facilities at a time."""
    first, last, ahead, back = ends
    kept = 0
    for begin in range(0, len(split.starts), BATCH):
        cost = dijkstra(split.matrix, indices=split.starts[begin : begin + BATCH], limit=limit)
        whole = np.minimum(cost[:, first] + ahead, cost[:, last] + back) + snap
        entry, at = np.nonzero(whole <= limit)
        kept += len(entry)
        if kept > MAX_PAIRS:
            raise refuse("pairs", count=kept, limit=MAX_PAIRS)
        yield (entry + begin).astype(np.int64), at.astype(np.int64), whole[entry, at]


def _split(
    network: RoadNetwork,
    facilities: Entries,
    direction: Direction,
    measure: Measure,
    snap_speed_m_per_s: float,
) -> _Split:
    admit_positive(snap_speed_m_per_s, "接入速度 snap_speed_m_per_s")
    if not len(facilities.owner):
        raise refuse("rows", name="设施入口 facility entries")
    ahead, back = network.forward, network.backward
    if measure == "metres":
        ahead, back = (np.where(np.isfinite(p), 1.0, np.inf) for p in (ahead, back))
    if direction == "towards":  # the same search on the graph turned round
        ahead, back = back, ahead
    stations = _stations(network, facilities)
    edge, along_m, node = stations
    same = edge[1:] == edge[:-1]
    first, last = node[:-1][same], node[1:][same]
    on, start_m = edge[:-1][same], along_m[:-1][same]
    length_m = np.maximum(along_m[1:][same] - start_m, 0.0)
    count, entries = len(network.nodes), len(facilities.owner)
    inner = np.arange(count, count + entries)
    starts = inner + entries
    matrix = assemble(
        count + 2 * entries,
        [
            (first, last, _times(length_m, ahead[on])),
            (last, first, _times(length_m, back[on])),
            (starts, inner, _snap_cost(facilities.snap_m, measure, snap_speed_m_per_s)),
        ],
    )
    base = np.concatenate([[0.0], np.cumsum(network.length_m + 1.0)[:-1]])
    return _Split(
        matrix, starts, first, last, base[on] + start_m, base, length_m, ahead[on], back[on]
    )


def _stations(network: RoadNetwork, facilities: Entries) -> tuple[Ints, Floats, Ints]:
    """(edge, metres along, node) of every end and entry, in order along each edge."""
    edges, count = len(network.lines), len(network.nodes)
    every = np.arange(edges)
    edge = np.concatenate([every, facilities.edge, every])
    length_m = network.length_m[facilities.edge]
    along_m = np.concatenate(
        [np.zeros(edges), np.clip(facilities.along_m, 0, length_m), network.length_m]
    )
    inner = np.arange(count, count + len(facilities.owner))
    node = np.concatenate([network.source, inner, network.target])
    rank = np.repeat([0, 1, 2], [edges, len(inner), edges])
    order = np.lexsort((rank, along_m, edge))
    # An entry at the very end sorts by rank, so it stays between the two ends.
    return edge[order], along_m[order], node[order]


def _ends(split: _Split, places: Entries) -> tuple[Ints, Ints, Floats, Floats]:
    """The nodes around each place's entry and the cost from each of them to it."""
    key = split.base[places.edge] + places.along_m
    at = np.maximum(np.searchsorted(split.key, key, side="right") - 1, 0)
    offset_m = np.clip(key - split.key[at], 0.0, split.length_m[at])
    ahead = _times(offset_m, split.ahead[at])
    back = _times(split.length_m[at] - offset_m, split.back[at])
    return split.first[at], split.last[at], ahead, back


def _times(length_m: Floats, pace: Floats) -> Floats:
    """Cost of a stretch; one without length costs nothing even where the edge is closed."""
    is_open: Bools = np.isfinite(pace)
    cost = np.where(is_open, length_m * np.where(is_open, pace, 0.0), np.inf)
    return np.where(length_m > 0, cost, 0.0)


def _snap_cost(snap_m: Floats, measure: Measure, speed_m_per_s: float) -> Floats:
    return snap_m if measure == "metres" else snap_m / speed_m_per_s


def _first_of_each(owner: Ints, cost: Floats) -> Ints:
    """Positions of the least cost of each owner."""
    order = np.lexsort((cost, owner))
    sorted_owner = owner[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = sorted_owner[1:] != sorted_owner[:-1]
    chosen: Ints = order[new]
    return chosen
