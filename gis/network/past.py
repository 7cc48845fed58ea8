"""The network of a past moment: its ends resolved by numpy, walked as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.kinds.sewer_pipe import PipeSystem
from gis.network.asking import Ask
from gis.network.inquiry import Place, missing_place
from gis.network.profile_questions import NODE_KINDS
from gis.network.resolution import Ends, read_ends, read_tolerance, resolve_ends
from gis.network.trace import Direction, Walk, walk_of

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Network:
    """The edges of a moment: node numbers of each pipe along its flow."""

    given: Ends
    node_ids: npt.NDArray[np.object_]
    source: Ints
    target: Ints

    @classmethod
    def read(cls, ask: Ask, *, as_of: datetime | None = None) -> Network:
        """The network now or at a moment, by the rules the database settles it by."""
        given = read_ends(ask, as_of=as_of)
        node_id = resolve_ends(given, read_tolerance(ask))["node_id"].to_numpy(dtype=object)
        number, ids = pd.factorize(node_id)
        count = len(given.pipes)
        start, end = number[:count], number[count:]
        back = given.pipes["is_backward"].to_numpy(dtype=bool)
        return cls(
            given,
            np.asarray(ids, dtype=object),
            np.where(back, end, start),
            np.where(back, start, end),
        )

    def walk(self, first: Ints, direction: Direction, allowed: npt.NDArray[np.bool_]) -> Ints:
        """Numbers of the pipes reached from the pipes ``first``, themselves included."""
        enter, leave = self.target, self.source
        if direction is Direction.DOWN:
            enter, leave = leave, enter
        order = np.argsort(enter, kind="stable")
        begins = np.searchsorted(enter[order], np.arange(len(self.node_ids) + 1))
        reached = np.zeros(len(enter), dtype=bool)
        seen = np.zeros(len(self.node_ids), dtype=bool)
        reached[first] = True
        front = first
        while front.size:
            nodes = np.unique(leave[front])
            nodes = nodes[~seen[nodes]]
            seen[nodes] = True
            counts = begins[nodes + 1] - begins[nodes]
            at = np.repeat(begins[nodes] - np.r_[0, np.cumsum(counts)[:-1]], counts)
            found = order[at + np.arange(counts.sum())]
            front = found[allowed[found] & ~reached[found]]
            reached[front] = True
        return np.flatnonzero(reached)

    def find(self, words: str) -> tuple[Place, int | None, int | None]:
        """The place of an id or code, with its number as a node, or as a pipe."""
        nodes, pipes = self.given.nodes, self.given.pipes
        word = words.lower()
        node = _first(nodes.sort_values("rank"), lambda f: (f["id"] == word) | (f["code"] == words))
        if node is not None:
            number = np.flatnonzero(self.node_ids == node["id"])
            kind = NODE_KINDS[int(node["rank"])]
            return (
                Place(UUID(node["id"]), kind, node["code"]),
                int(number[0]) if len(number) else None,
                None,
            )
        at = np.flatnonzero(((pipes["id"] == word) | (pipes["code"] == words)).to_numpy())
        if len(at):
            number_ = int(at[0])
            ends = (self.node_ids[self.source[number_]], self.node_ids[self.target[number_]])
            row = pipes.iloc[number_]
            place = Place(UUID(row["id"]), "sewer_pipe", row["code"], *map(UUID, ends))
            return place, None, number_
        ends_frame = self.given.ends
        named = ends_frame.loc[ends_frame["code"] == words, "named_id"]
        wanted = named.iloc[0] if len(named) else word
        at = np.flatnonzero(self.node_ids == wanted)
        if not len(at):
            raise missing_place(words)
        code = words if len(named) else None
        return Place(UUID(str(wanted)), None, code), int(at[0]), None


def _first(
    frame: pd.DataFrame, test: Callable[[pd.DataFrame], pd.Series[bool]]
) -> pd.Series[str] | None:
    found = frame[test(frame)]
    return found.iloc[0] if len(found) else None


def walk_past(
    ask: Ask,
    start: str,
    direction: Direction,
    *,
    system: PipeSystem | None,
    as_of: datetime,
) -> tuple[Place, Walk]:
    """The walk from a place in the network of a moment; NotFoundError where it was not yet."""
    network = Network.read(ask, as_of=as_of)
    place, node, pipe = network.find(start)
    allowed = np.ones(len(network.source), dtype=bool)
    if system is not None:
        allowed = (network.given.pipes["system"] == system.value).to_numpy()
    ways = [direction] if direction is not Direction.BOTH else [Direction.UP, Direction.DOWN]
    reached = np.unique(
        np.concatenate(
            [network.walk(find_seeds(network, w, node, pipe, allowed), w, allowed) for w in ways]
        )
    )
    return place, as_walk(network, reached, as_of=as_of)


def find_seeds(
    network: Network,
    direction: Direction,
    node: int | None,
    pipe: int | None,
    allowed: npt.NDArray[np.bool_],
) -> Ints:
    """Numbers of the pipes a walk begins with."""
    if pipe is not None:
        return np.array([pipe], dtype=np.intp)
    if node is None:  # a node no pipe of that day was at
        return np.empty(0, dtype=np.intp)
    enter = network.target if direction is Direction.UP else network.source
    return np.flatnonzero((enter == node) & allowed)


def find_component(network: Network, node: int | None, pipe: int | None) -> Ints:
    """Numbers of all pipes that are connected with a node or a pipe."""
    count = len(network.node_ids)
    ones = np.ones(len(network.source))
    graph = coo_array((ones, (network.source, network.target)), shape=(count, count))
    _, group = connected_components(graph.tocsr(), directed=False)
    at = network.source[pipe] if pipe is not None else node
    if at is None:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(group[network.source] == group[at])


def as_walk(network: Network, pipes: Ints, *, as_of: datetime | None) -> Walk:
    """Pipes of a network, by number, as a walk."""
    rows = network.given.pipes.iloc[pipes]
    return walk_of(
        rows["id"].tolist(),
        network.node_ids[network.source[pipes]].tolist(),
        network.node_ids[network.target[pipes]].tolist(),
        rows["is_backward"].tolist(),
        as_of=as_of,
    )
