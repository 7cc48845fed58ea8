"""Ways through the network: between two places, to the nearest outfall, whole components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import NotFoundError
from gis.network.asking import Ask
from gis.network.inquiry import Place, find_place
from gis.network.profile import Step
from gis.network.profile_questions import NODE_KINDS
from gis.network.trace import Direction, Walk, walk_from, walk_of
from gis.queries import Parameters, Statement, source_clause

_LEAST_M = 1e-6
"""Of a pipe without length: a zero in a sparse matrix is no pipe."""


class Along(StrEnum):
    """How a way follows the water: with it, against it, or now with it and now against it."""

    FLOW = "flow"
    AGAINST = "against"
    MIXED = "mixed"


class Goal(StrEnum):
    """What is looked for downstream."""

    OUTFALL = "outfall"
    MANHOLE = "manhole"


@dataclass(frozen=True, slots=True)
class Way:
    """Pipes in order from a node to a node."""

    steps: tuple[Step, ...]
    along: Along
    length_m: float
    back: tuple[bool, ...]
    """Whether the water flows against the drawing, pipe by pipe."""
    as_of: datetime | None = None

    @property
    def pipes(self) -> list[UUID]:
        """Its pipes in order."""
        return [step.pipe for step in self.steps]

    @property
    def nodes(self) -> list[UUID]:
        """Its nodes in order, one more than pipes."""
        return [self.steps[0].start, *(step.end for step in self.steps)] if self.steps else []

    def as_walk(self) -> Walk:
        """Its pipes, for the statement that draws a trace."""
        passed = list(zip(self.steps, self.back, strict=True))
        return walk_of(
            [str(step.pipe) for step in self.steps],
            [str(s.start if s.forward != back else s.end) for s, back in passed],
            [str(s.end if s.forward != back else s.start) for s, back in passed],
            list(self.back),
            as_of=self.as_of,
        )


def walk_component(place: Place) -> Walk:
    """Every pipe that is connected with a place, whichever way the water flows."""
    edge = "e.pipe_id, e.source_id, e.target_id, e.is_backward"
    table = f"{CORE}.network_edge e"
    nodes = [place.source, place.target] if place.is_pipe else [place.id]
    return Walk(
        f"WITH RECURSIVE walk (pipe_id, source_id, target_id, is_backward) AS (SELECT {edge} FROM"
        f" {table} WHERE e.source_id = ANY(%(at)s) OR e.target_id = ANY(%(at)s) UNION"
        " SELECT e.* FROM (SELECT DISTINCT v.id FROM walk w CROSS JOIN LATERAL"
        " (VALUES (w.source_id), (w.target_id)) v (id)) w CROSS JOIN LATERAL"
        f" (SELECT {edge} FROM {table} WHERE e.source_id = w.id UNION ALL"
        f" SELECT {edge} FROM {table} WHERE e.target_id = w.id OFFSET 0) e)",
        {"at": nodes},
    )


def read_edges(ask: Ask, walk: Walk) -> pd.DataFrame:
    """Columns ``pipe``, ``source``, ``target`` (UUID), ``back`` and ``length_m`` of a walk."""
    parameters: Parameters = dict(walk.parameters)
    clause = source_clause("sewer_pipe", walk.asked, parameters)
    rows = ask(
        Statement(
            f"{walk.sql} SELECT w.pipe_id, w.source_id, w.target_id, w.is_backward, f.length_m"
            f" FROM walk w CROSS JOIN LATERAL (SELECT f.length_m {clause} AND f.id = w.pipe_id"
            " LIMIT 1) f",
            parameters,
        )
    )
    return pd.DataFrame(rows, columns=["pipe", "source", "target", "back", "length_m"])


def find_way(ask: Ask, start: str, goal: str, *, as_of: datetime | None = None) -> Way:
    """The shortest way between two places: along the flow, else against it, else either way.

    A pipe is passed whole, whichever end the way comes to; from a place to itself there are no
    pipes, or the one pipe. NotFoundError where nothing connects them.
    """
    first, walks = _places(ask, start, as_of)
    last, back = _places(ask, goal, as_of)
    ends = Ends(first, last)
    way = ends.connect(read_edges(ask, walks(Direction.DOWN)), Along.FLOW, as_of)
    if way is None:
        against = ends.turned().connect(read_edges(ask, back(Direction.DOWN)), Along.FLOW, as_of)
        way = None if against is None else _turn(against)
    if way is None:
        way = ends.connect(read_edges(ask, walks(Direction.BOTH)), Along.MIXED, as_of)
    if way is None:
        raise NotFoundError(
            Text(
                zh="{start} 与 {goal} 之间没有连通的管段:中间有断开处",
                en="nothing connects {start} with {goal}: there is a gap between them",
            ).format(start=start[:64], goal=goal[:64])
        )
    return way


_Passed = tuple[Way, UUID]
"""A pipe that is passed whole (no pipe at a node), and the node where the way goes on."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The two places of a way."""

    first: Place
    last: Place

    def turned(self) -> Ends:
        """The way back."""
        return Ends(self.last, self.first)

    def connect(self, edges: pd.DataFrame, along: Along, as_of: datetime | None) -> Way | None:
        """The shortest way through these edges, or None."""
        if self.first.id == self.last.id:
            passed = _pass(edges, self.first, Along.FLOW, as_of, leaves=True)
            return passed[0][0] if passed else None
        best: Way | None = None
        for head, from_ in _pass(edges, self.first, along, as_of, leaves=True):
            for tail, to in _pass(edges, self.last, along, as_of, leaves=False):
                inner: Way | None = Way((), along, 0.0, (), as_of)
                if from_ != to:
                    inner = _shortest(edges, from_, [to], along, as_of)
                if inner is None:
                    continue
                whole = _join((head, inner, tail), along, as_of)
                if best is None or whole.length_m < best.length_m:
                    best = whole
        return best


def _pass(
    edges: pd.DataFrame, place: Place, along: Along, as_of: datetime | None, *, leaves: bool
) -> list[_Passed]:
    """The ways a place is passed, each with the node where the way leaves or comes to it."""
    if not place.is_pipe:
        return [(Way((), along, 0.0, (), as_of), place.id)]
    found = []
    for row in np.flatnonzero((edges["pipe"] == place.id).to_numpy()):
        for turned in (False, True) if along is Along.MIXED else (False,):
            step = _step(edges, int(row), turned=turned)
            length_m = round(max(float(edges["length_m"].iloc[row]), _LEAST_M), 3)
            way = Way((step,), along, length_m, (bool(edges["back"].iloc[row]),), as_of)
            found.append((way, step.end if leaves else step.start))
    return found


def _join(ways: Sequence[Way], along: Along, as_of: datetime | None) -> Way:
    return Way(
        tuple(step for way in ways for step in way.steps),
        along,
        round(sum(way.length_m for way in ways), 3),
        tuple(back for way in ways for back in way.back),
        as_of,
    )


class _Walks:
    """Walks from a place of a moment; both ways means the whole component."""

    def __init__(self, ask: Ask, words: str, as_of: datetime) -> None:
        from gis.network.past import Network

        self.network = Network.read(ask, as_of=as_of)
        self.place, self._node, self._pipe = self.network.find(words)
        self._as_of = as_of

    def __call__(self, direction: Direction) -> Walk:
        from gis.network.past import as_walk, find_component, find_seeds

        if direction is Direction.BOTH:
            pipes = find_component(self.network, self._node, self._pipe)
        else:
            allowed = np.ones(len(self.network.source), dtype=bool)
            seeds = find_seeds(self.network, direction, self._node, self._pipe, allowed)
            pipes = self.network.walk(seeds, direction, allowed)
        return as_walk(self.network, pipes, as_of=self._as_of)


class _Walk:
    """Walks from a place of the present."""

    def __init__(self, ask: Ask, words: str) -> None:
        self.place = find_place(ask, words)

    def __call__(self, direction: Direction) -> Walk:
        if direction is Direction.BOTH:
            return walk_component(self.place)
        return walk_from(self.place, direction)


def _places(ask: Ask, words: str, as_of: datetime | None) -> tuple[Place, _Walk | _Walks]:
    walks = _Walk(ask, words) if as_of is None else _Walks(ask, words, as_of)
    return walks.place, walks


def find_downstream(
    ask: Ask, start: str, goal: Goal = Goal.OUTFALL, *, as_of: datetime | None = None
) -> Way:
    """The way to the nearest outfall, or manhole, downstream. NotFoundError where there is none."""
    place, walks = _places(ask, start, as_of)
    edges = read_edges(ask, walks(Direction.DOWN))
    from_ = place.source or place.id
    wanted = _goals(ask, goal, edges["target"].drop_duplicates().tolist(), as_of, but=from_)
    way = _shortest(edges, from_, wanted, Along.FLOW, as_of)
    if way is None:
        raise NotFoundError(
            Text(
                zh="{start} 下游没有{what}:追溯可见其尽头",
                en="there is no {what} downstream of {start}: a trace shows where it ends",
            ).format(start=start[:64], what=goal.value)
        )
    return way


def _goals(
    ask: Ask, goal: Goal, nodes: Sequence[UUID], as_of: datetime | None, *, but: UUID
) -> list[UUID]:
    rows = read_nodes(ask, nodes, as_of)
    found = rows["kind"] == "sewer_manhole"
    if goal is Goal.OUTFALL:
        found = (rows["kind"] == "sewage_facility") | (rows["type"] == "outfall_node")
    return [node for node in rows.loc[found, "id"] if node != but]


def read_nodes(ask: Ask, nodes: Iterable[UUID], as_of: datetime | None) -> pd.DataFrame:
    """Columns ``id``, ``kind``, ``code``, ``type`` of those nodes that have a record."""
    from gis.network.trace import NODE_TYPE
    from gis.queries import Filter

    parameters: Parameters = {"nodes": list(nodes)}
    asked = Filter(as_of=as_of)
    arms = [
        f"SELECT f.id, '{kind}', f.code, {NODE_TYPE.get(kind, 'NULL::text')}"
        f" {source_clause(kind, asked, parameters)} AND f.id = ANY(%(nodes)s)"
        for kind in NODE_KINDS
    ]
    rows = ask(Statement(" UNION ALL ".join(arms), parameters))
    return pd.DataFrame(rows, columns=["id", "kind", "code", "type"])


def _shortest(
    edges: pd.DataFrame, start: UUID, goals: Sequence[UUID], along: Along, as_of: datetime | None
) -> Way | None:
    """The shortest way from a node to the nearest of others; of parallel pipes the shorter."""
    number, ids = pd.factorize(
        np.concatenate([edges["source"].to_numpy(), edges["target"].to_numpy()])
    )
    at = {node: k for k, node in enumerate(ids)}
    if start not in at:
        return None
    count = len(edges)
    arcs = pd.DataFrame(
        {"from": number[:count], "to": number[count:], "row": np.arange(count), "turned": False}
    )
    if along is Along.MIXED:
        turned = arcs.rename(columns={"from": "to", "to": "from"}).assign(turned=True)
        arcs = pd.concat([arcs, turned], ignore_index=True)
    arcs["length_m"] = edges["length_m"].to_numpy()[arcs["row"]].clip(min=_LEAST_M)
    arcs = arcs.sort_values(["length_m", "row"]).drop_duplicates(["from", "to"])
    graph = csr_array((arcs["length_m"], (arcs["from"], arcs["to"])), shape=(len(ids), len(ids)))
    far, before = dijkstra(graph, indices=at[start], return_predecessors=True)
    reached = [
        at[goal] for goal in goals if goal in at and goal != start and np.isfinite(far[at[goal]])
    ]
    if not reached:
        return None
    end = min(reached, key=lambda node: (far[node], str(ids[node])))
    passed = _list_arcs(arcs, before, at[start], end)
    steps = [_step(edges, row, turned=turned) for row, turned in passed]
    back = tuple(bool(edges["back"].iloc[row]) for row, _ in passed)
    return Way(tuple(steps), along, round(float(far[end]), 3), back, as_of)


def _list_arcs(
    arcs: pd.DataFrame, before: npt.NDArray[np.int_], start: int, end: int
) -> list[tuple[int, bool]]:
    by_ends = {
        (int(a), int(b)): (int(row), bool(turned))
        for a, b, row, turned in arcs[["from", "to", "row", "turned"]].itertuples(index=False)
    }
    found = []
    while end != start:
        found.append(by_ends[int(before[end]), end])
        end = int(before[end])
    return found[::-1]


def _step(edges: pd.DataFrame, row: int, *, turned: bool) -> Step:
    pipe, source, target, back, _ = edges.iloc[row]
    start, end = (target, source) if turned else (source, target)
    return Step(pipe, start, end, forward=bool(back) == turned)


def _turn(way: Way) -> Way:
    """The same way from its end."""
    steps = [Step(s.pipe, s.end, s.start, not s.forward) for s in reversed(way.steps)]
    return Way(tuple(steps), Along.AGAINST, way.length_m, way.back[::-1], way.as_of)
