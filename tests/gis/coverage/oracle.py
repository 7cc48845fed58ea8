"""Dijkstra with a heap, as the textbook has it: what the sparse search is held against."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable

import numpy as np

from gis.coverage.entries import Entries
from gis.coverage.roads import RoadNetwork

Arcs = dict[Hashable, list[tuple[Hashable, float]]]


def walk(arcs: Arcs, starts: Iterable[tuple[float, Hashable]]) -> dict[Hashable, float]:
    """Least cost of every node that can be reached from the starts."""
    done: dict[Hashable, float] = {}
    heap = [(cost, k, node) for k, (cost, node) in enumerate(starts)]
    heapq.heapify(heap)
    tick = len(heap)
    while heap:
        cost, _, node = heapq.heappop(heap)
        if node in done:
            continue
        done[node] = cost
        for other, step in arcs.get(node, ()):
            if other not in done:
                tick += 1
                heapq.heappush(heap, (cost + step, tick, other))
    return done


def arcs_of(network: RoadNetwork, places: Entries, facilities: Entries) -> Arcs:
    """The whole town as arcs: edges cut at every place and facility, ways to them both ways."""
    arcs: Arcs = defaultdict(list)
    for edge in range(len(network.lines)):
        stops: list[tuple[float, int, Hashable]] = [
            (0.0, 0, int(network.source[edge])),
            (float(network.length_m[edge]), 2, int(network.target[edge])),
        ]
        for word, found in (("place", places), ("facility", facilities)):
            for k in np.flatnonzero(found.edge == edge):
                door = (word, "door", int(k))
                stops.append((float(found.along_m[k]), 1, door))
                snap = float(found.snap_m[k])
                arcs[door].append(((word, int(found.owner[k])), snap))
                arcs[(word, int(found.owner[k]))].append((door, snap))
        stops.sort(key=lambda s: (s[0], s[1]))
        for (a, _, first), (b, _, last) in zip(stops, stops[1:], strict=False):
            if b == a or np.isfinite(network.forward[edge]):
                arcs[first].append((last, (b - a) * float(network.forward[edge]) if b > a else 0))
            if b == a or np.isfinite(network.backward[edge]):
                arcs[last].append((first, (b - a) * float(network.backward[edge]) if b > a else 0))
    return arcs


def turned(arcs: Arcs) -> Arcs:
    back: Arcs = defaultdict(list)
    for node, ends in arcs.items():
        for other, cost in ends:
            back[other].append((node, cost))
    return back
