"""Where people and facilities enter the road network: places inside edges, with the way to them.

An entry is a place on an edge, not the nearest crossing: a house in the middle of a long street is
where it stands. A point equally near to several edges enters by each of them, so the order of the
rows changes nothing. Frames are in one projected CRS in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gis.coverage.admit import Bools, Floats, Frame, Ints, admit_frame, admit_positive
from gis.coverage.rates import stand_points
from gis.coverage.refusals import refuse
from gis.coverage.roads import RoadNetwork
from gis.geometry import Geometries

ALIKE_M = 0.001
"""Distances this near to each other are equal: coordinates are not surveyed finer."""
MAX_SNAP_M = 500.0
"""Farther from every road a place has no entry: it is reported, not served by a guess."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Places on edges; one owner (row of a frame) may have several, or none."""

    owner: Ints
    edge: Ints
    along_m: Floats
    """From the edge's first node."""
    snap_m: Floats
    """Straight from the owner to the place."""
    count: int
    """Rows of the frame: owners are 0 to ``count`` - 1."""
    assumed: Bools
    """Per owner: an area without known entrances, entered wherever a road passes near."""

    @property
    def owner_snap_m(self) -> Floats:
        """The shortest way to the network of each owner; NaN without an entry."""
        found = np.full(self.count, np.nan)
        order = np.argsort(-self.snap_m, kind="stable")
        found[self.owner[order]] = self.snap_m[order]
        return found

    def take(self, owners: Bools) -> Entries:
        """The entries of some owners; the numbering stays."""
        kept = owners[self.owner]
        return Entries(
            self.owner[kept], self.edge[kept], self.along_m[kept], self.snap_m[kept],
            self.count, self.assumed & owners,
        )  # fmt: skip


def snap_points(
    points: Geometries, network: RoadNetwork, *, max_snap_m: float = MAX_SNAP_M
) -> Entries:
    """Each point on its nearest passable edge; points farther than ``max_snap_m`` have no entry."""
    admit_positive(max_snap_m, "接入距离 max_snap_m")
    edges = np.flatnonzero(network.passable)
    tree = shapely.STRtree(network.lines[edges])
    (who, _), apart = tree.query_nearest(
        points, max_distance=max_snap_m, return_distance=True, all_matches=False
    )
    at, hit = tree.query(points[who], predicate="dwithin", distance=apart + ALIKE_M)
    owner, edge = who[at].astype(np.int64), edges[hit].astype(np.int64)
    lines = network.lines[edge]
    none = np.zeros(len(points), dtype=bool)
    return Entries(
        owner, edge, _locate(lines, points[owner]), shapely.distance(lines, points[owner]),
        len(points), none,
    )  # fmt: skip


def _locate(lines: Geometries, points: Geometries) -> Floats:
    """Metres along each line; within a millimetre of an end it is the end.

    Else rounding would put a house at a junction just inside a one-way street.
    """
    along_m = shapely.line_locate_point(lines, points)
    length_m = shapely.length(lines)
    along_m = np.where(along_m <= ALIKE_M, 0.0, along_m)
    located: Floats = np.where(along_m >= length_m - ALIKE_M, length_m, along_m)
    return located


def snap_places(places: Frame, network: RoadNetwork, *, max_snap_m: float = MAX_SNAP_M) -> Entries:
    """People's places on the network: points, or a point inside each area.

    InputError where none of them has an entry.
    """
    admit_frame(places, "人口 places")
    shapes: Geometries = places.geometry.to_numpy()
    entries = snap_points(stand_points(shapes), network, max_snap_m=max_snap_m)
    if not len(entries.owner):
        raise refuse("no_entry", name="人口 places", limit=max_snap_m)
    return entries


def snap_facilities(
    facilities: Frame,
    network: RoadNetwork,
    *,
    entrances: Frame = None,
    max_snap_m: float = MAX_SNAP_M,
    gate_m: float = 20.0,
) -> Entries:
    """Facilities on the network, by all their entrances.

    ``entrances`` are points with a column ``facility`` (an id of the facilities). A point without
    entrances is its own. An area without them is entered from every edge within ``gate_m`` of it,
    at the edge's nearest place (``assumed``), else from its nearest edge. InputError where no
    facility has an entry, or an entrance names none.
    """
    admit_frame(facilities, "设施 facilities")
    shapes: Geometries = facilities.geometry.to_numpy()
    given = _given(facilities, entrances, network, max_snap_m)
    has_given = np.isin(np.arange(len(shapes)), given.owner)
    is_area = shapely.get_dimensions(shapes) > 0
    points = _enter_points(shapes, ~has_given & ~is_area, network, max_snap_m)
    areas = _enter_areas(shapes, ~has_given & is_area, network, max_snap_m, gate_m)
    entries = _join([given, points, areas], len(shapes))
    if not len(entries.owner):
        raise refuse("no_entry", name="设施 facilities", limit=max_snap_m)
    return entries


def _given(facilities: Frame, entrances: Frame, network: RoadNetwork, max_snap_m: float) -> Entries:
    if entrances is None or len(entrances) == 0:
        return _join([], len(facilities))
    admit_frame(entrances, "出入口 entrances", like=facilities, columns=["facility"])
    owner = _owners(facilities, entrances)
    found = snap_points(entrances.geometry.to_numpy(), network, max_snap_m=max_snap_m)
    return Entries(
        owner[found.owner], found.edge, found.along_m, found.snap_m, len(facilities),
        np.zeros(len(facilities), dtype=bool),
    )  # fmt: skip


def _owners(facilities: Frame, entrances: Frame) -> Ints:
    """The row each entrance belongs to; of several parts of one facility the nearest."""
    ids = np.asarray(facilities.get("id", facilities.index), dtype=object)
    shapes: Geometries = facilities.geometry.to_numpy()
    owner = np.empty(len(entrances), dtype=np.int64)
    for at, (value, gate) in enumerate(
        zip(entrances["facility"], entrances.geometry.to_numpy(), strict=True)
    ):
        rows = np.flatnonzero(ids == value)
        if not len(rows):
            raise refuse("facility", name="出入口 entrances", value=value)
        owner[at] = rows[int(np.argmin(shapely.distance(shapes[rows], gate)))]
    return owner


def _enter_points(
    shapes: Geometries, chosen: Bools, network: RoadNetwork, max_snap_m: float
) -> Entries:
    gates, gate_of = shapely.get_parts(shapes[chosen], return_index=True)
    at = np.flatnonzero(chosen)[gate_of]
    found = snap_points(gates, network, max_snap_m=max_snap_m)
    none = np.zeros(len(shapes), dtype=bool)
    return Entries(
        at[found.owner].astype(np.int64), found.edge, found.along_m, found.snap_m, len(shapes), none
    )


def _enter_areas(
    shapes: Geometries, chosen: Bools, network: RoadNetwork, max_snap_m: float, gate_m: float
) -> Entries:
    at = np.flatnonzero(chosen)
    edges = np.flatnonzero(network.passable)
    tree = shapely.STRtree(network.lines[edges])
    near = tree.query(shapes[at], predicate="dwithin", distance=min(gate_m, max_snap_m))
    far = np.setdiff1d(np.arange(len(at)), near[0])
    alone = tree.query_nearest(shapes[at][far], max_distance=max_snap_m, all_matches=True)
    who = at[np.concatenate([near[0], far[alone[0]]])]
    edge = edges[np.concatenate([near[1], alone[1]])]
    ways = shapely.shortest_line(network.lines[edge], shapes[who])
    along_m = _locate(network.lines[edge], shapely.get_point(ways, 0))
    return Entries(
        who.astype(np.int64), edge.astype(np.int64), along_m, shapely.length(ways), len(shapes),
        chosen.copy(),
    )  # fmt: skip


def _join(parts: list[Entries], count: int) -> Entries:
    floats, ints = np.empty(0), np.empty(0, dtype=np.int64)
    assumed = np.zeros(count, dtype=bool)
    for part in parts:
        assumed |= part.assumed
    return Entries(
        np.concatenate([ints, *(p.owner for p in parts)]),
        np.concatenate([ints, *(p.edge for p in parts)]),
        np.concatenate([floats, *(p.along_m for p in parts)]),
        np.concatenate([floats, *(p.snap_m for p in parts)]),
        count,
        assumed,
    )
