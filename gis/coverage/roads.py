"""The road graph: centre lines noded at shared ends, with times both ways along each edge.

Frames are in one projected CRS in metres. Ends nearer than the tolerance are one node; lines that
cross without a shared end do not meet (bridges stay bridges), and ends that stop short in the
middle of another line are counted as ``loose_ends``, not repaired. What a barrier crosses is
closed, unless marked ``bridge``. Walking ignores one-way marks, driving obeys them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis.coverage.admit import Bools, Floats, Frame, Ints, add_up, admit_frame, admit_positive
from gis.coverage.refusals import refuse
from gis.exchange.convert import TRUE
from gis.geometry import Geometries

ROADS = "道路 roads"
_YES = [*TRUE, "1.0"]


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to travel: its speed where a road names none, and whether one-way binds it."""

    key: str
    speed_m_per_s: float
    obeys_oneway: bool
    uses_road_speed: bool = False


WALKING = Mode("walking", 1.0, obeys_oneway=False)
"""1.0 m/s, a convention (unverified): 0.8 to 1.2 are usual, and move rates by tens of percent."""
DRIVING = Mode("driving", 30 / 3.6, obeys_oneway=True, uses_road_speed=True)
"""30 km/h where a road names no speed (unverified)."""


@dataclass(frozen=True, slots=True)
class RoadNetwork:
    """Edges between nodes; ``forward``/``backward`` are seconds per metre, inf where closed."""

    nodes: Floats
    """(n, 2) metres: easting, northing."""
    source: Ints
    target: Ints
    lines: Geometries
    length_m: Floats
    forward: Floats
    backward: Floats
    row: Ints
    """Position of each edge's road in the frame it came from."""
    component: Ints
    """Weakly connected component of each node; 0 is the longest."""
    mode: Mode
    crs: Any  # Any: pyproj's CRS
    audit: dict[str, float]
    """Counts for the report: closed edges, islands, loose ends, the widest node."""

    @property
    def passable(self) -> Bools:
        """Edges that can be travelled one way at least."""
        return np.isfinite(self.forward) | np.isfinite(self.backward)


def build_network(
    roads: Frame, mode: Mode = WALKING, *, tolerance_m: float = 0.1, barriers: Frame = None
) -> RoadNetwork:
    """The graph of road centre lines.

    Columns read where present: ``oneway`` (``yes``/True/1/``forward``: as drawn, ``-1``/
    ``backward``: against it), ``speed_m_per_s``, ``closed``, ``bridge``. ``barriers`` are lines,
    areas or points (a gate closes the edges within the tolerance of it). InputError without a
    passable road.
    """
    admit_frame(roads, ROADS)
    admit_positive(tolerance_m, "容差 tolerance_m")
    lines, row = _simple_lines(roads)
    closed = _flags(roads, "closed")[row]
    if barriers is not None and len(barriers):
        admit_frame(barriers, "阻隔 barriers", like=roads)
        open_bridge = _flags(roads, "bridge")[row]
        closed |= _find_blocked(lines, barriers.geometry.to_numpy(), tolerance_m) & ~open_bridge
    nodes, source, target, widest = _node_ends(lines, tolerance_m)
    forward, backward = _paces(roads, mode, row)
    forward, backward = np.where(closed, np.inf, forward), np.where(closed, np.inf, backward)
    if not (np.isfinite(forward) | np.isfinite(backward)).any():
        raise refuse("no_network")
    length_m = shapely.length(lines)
    component, sizes = _components(len(nodes), source, target, length_m, closed)
    audit = {
        "edges": len(lines),
        "closed": int(closed.sum()),
        "islands": len(sizes) - 1,
        "island_km": float(sizes[1:].sum()) / 1000,
        "loose_ends": count_loose_ends(lines, nodes, source, target, tolerance_m),
        "widest_node_m": widest,
    }
    return RoadNetwork(
        nodes, source, target, lines, length_m, forward, backward, row, component, mode,
        roads.crs, audit,
    )  # fmt: skip


def _simple_lines(roads: Frame) -> tuple[Geometries, Ints]:
    """Single lines with the row each is of; a line without length is no valid geometry."""
    parts, row = shapely.get_parts(roads.geometry.to_numpy(), return_index=True)
    is_line = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
    if not is_line.all():
        bad = int(row[np.flatnonzero(~is_line)[0]])
        raise refuse("geometry", name=ROADS, count=int((~is_line).sum()), row=bad)
    return parts, row.astype(np.int64)


def _flags(frame: Frame, column: str) -> Bools:
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    words = [str(v).casefold() for v in frame[column]]
    return np.isin(words, _YES)


def _paces(roads: Frame, mode: Mode, row: Ints) -> tuple[Floats, Floats]:
    """Seconds per metre along and against each line, before closures."""
    speed = np.full(len(roads), admit_positive(mode.speed_m_per_s, "速度 speed"))
    if mode.uses_road_speed and "speed_m_per_s" in roads:
        own = np.asarray(roads["speed_m_per_s"], dtype=np.float64)
        wrong = ~np.isnan(own) & ~(np.isfinite(own) & (own > 0))
        if wrong.any():
            admit_positive(float(own[wrong][0]), "道路车速 speed_m_per_s")
        speed = np.where(np.isnan(own), speed, own)
    forward, backward = 1 / speed, 1 / speed
    if mode.obeys_oneway and "oneway" in roads:
        words = np.array([str(v).casefold() for v in roads["oneway"]], dtype=object)
        backward = np.where(np.isin(words, [*_YES, "forward"]), np.inf, backward)
        forward = np.where(np.isin(words, ["-1", "-1.0", "backward", "reverse"]), np.inf, forward)
    return forward[row], backward[row]


def _node_ends(lines: Geometries, tolerance_m: float) -> tuple[Floats, Ints, Ints, float]:
    """Nodes at the ends; ends joined by steps within the tolerance are one, at their mean.

    The last figure is how far the farthest end was moved: a chain of near ends can reach farther
    than the tolerance, and then says so.
    """
    begin = shapely.get_coordinates(shapely.get_point(lines, 0))
    end = shapely.get_coordinates(shapely.get_point(lines, -1))
    ends = np.concatenate([begin, end])
    places, at = np.unique(ends, axis=0, return_inverse=True)
    pairs = cKDTree(places).query_pairs(tolerance_m, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(places), len(places))
    )
    count, group = connected_components(links.tocsr(), directed=False)
    number = np.bincount(group, minlength=count)
    nodes = np.column_stack([add_up(group, places[:, axis], count) / number for axis in (0, 1)])
    node = group[at.ravel()].astype(np.int64)
    moved = float(np.hypot(*(ends - nodes[node]).T).max())
    return nodes, node[: len(lines)], node[len(lines) :], moved


def _find_blocked(lines: Geometries, barriers: Geometries, tolerance_m: float) -> Bools:
    blocked = np.zeros(len(lines), dtype=bool)
    tree = shapely.STRtree(lines)
    is_point = shapely.get_dimensions(barriers) == 0
    blocked[tree.query(barriers[~is_point], predicate="intersects")[1]] = True
    gates = tree.query(barriers[is_point], predicate="dwithin", distance=tolerance_m)
    blocked[gates[1]] = True
    return blocked


def _components(
    count: int, source: Ints, target: Ints, length_m: Floats, closed: Bools
) -> tuple[Ints, Floats]:
    """Weak component of each node, longest first, and the metres of road in each."""
    is_open = ~closed
    links = coo_array(
        (np.ones(is_open.sum()), (source[is_open], target[is_open])), shape=(count, count)
    )
    found, group = connected_components(links.tocsr(), directed=False)
    metres = add_up(group[source[is_open]], length_m[is_open], found)
    order = np.argsort(-metres, kind="stable")
    rank = np.empty(found, dtype=np.int64)
    rank[order] = np.arange(found)
    sizes = metres[order]
    return rank[group], sizes[sizes > 0]


def count_loose_ends(
    lines: Geometries, nodes: Floats, source: Ints, target: Ints, tolerance_m: float
) -> int:
    """Ends of one line only that touch the inside of another within the tolerance."""
    degree = np.bincount(np.concatenate([source, target]), minlength=len(nodes))
    single = np.flatnonzero(degree == 1)
    points = shapely.points(nodes[single])
    at, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=tolerance_m)
    other = (source[line] != single[at]) & (target[line] != single[at])
    return len(np.unique(at[other]))


def assemble(count: int, arcs: Sequence[tuple[Any, Any, Any]]) -> csr_array:
    """The matrix of arcs (from, to, cost): infinite ones left out, of parallel ones the least.

    scipy adds up entries of one place, which would make two parallel streets one slow street; and
    it keeps zero costs only as explicit entries, so none is dropped here.
    """
    tail = np.concatenate([np.asarray(a[0], dtype=np.int64) for a in arcs])
    head = np.concatenate([np.asarray(a[1], dtype=np.int64) for a in arcs])
    cost = np.concatenate([np.asarray(a[2], dtype=np.float64) for a in arcs])
    kept = np.isfinite(cost) & (tail != head)
    tail, head, cost = tail[kept], head[kept], cost[kept]
    order = np.lexsort((cost, head, tail))
    tail, head, cost = tail[order], head[order], cost[order]
    first: npt.NDArray[np.bool_] = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    counts = np.bincount(tail[first], minlength=count)
    pointer = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((cost[first], head[first], pointer), shape=(count, count))
