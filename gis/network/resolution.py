"""Which node each end of a pipe is at, worked out whole by numpy.

The rules are those of ``core.settle_network()`` (:mod:`gis.db.network_tables`). It serves the past,
of which the database keeps no edges, and the check that the kept edges are what settling all of
them anew would give. SQL over the tables of a past day has no statistics and is planned as nested
loops; here 100,000 pipes take about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis.db.tables import CORE
from gis.network.asking import Ask
from gis.network.profile_questions import NODE_KINDS
from gis.queries import Filter, Parameters, Statement, source_clause

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
_EARTH_M = 6_371_000.0
_WIDER = 1.02
"""Neighbours are sought on a sphere, a little farther, and then measured."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends of pipes, all starts, then all ends, in the order of ``pipes``."""

    pipes: pd.DataFrame
    """Columns ``id`` (text), ``is_backward``, ``code``, ``system``, ``length_m``."""
    ends: pd.DataFrame
    """Columns ``code``, ``x``, ``y``, ``named_id``, ``place_id``."""
    nodes: pd.DataFrame
    """What a pipe can name, or lie at: ``id``, ``code``, ``rank``, ``x``, ``y``, ``system``."""


def read_tolerance(ask: Ask) -> float:
    """Within how many metres ends that name no node are one."""
    return float(ask(Statement(f"SELECT tolerance_m FROM {CORE}.network_setting", {}))[0][0])


def read_ends(ask: Ask, *, as_of: datetime | None = None) -> Ends:
    """Every pipe that was not removed and every node, now or at a moment."""
    asked = Filter(as_of=as_of)
    parameters: Parameters = {}
    columns = ", ".join(
        f"nullif(f.{code}, ''), ST_X(ST_{end}(f.geometry)), ST_Y(ST_{end}(f.geometry)),"
        f" md5('code ' || nullif(f.{code}, ''))::uuid::text,"
        f" md5(ST_AsBinary(ST_{end}(f.geometry)))::uuid::text"
        for code, end in (("up_node", "StartPoint"), ("down_node", "EndPoint"))
    )
    rows = ask(
        Statement(
            "SELECT f.id::text, coalesce(f.surveyed_flow = 'backward', false), f.code, f.system,"
            f" f.length_m, {columns} {source_clause('sewer_pipe', asked, parameters)}"
            " AND f.service_state <> 'removed'",
            parameters,
        )
    )
    pipes = pd.DataFrame(rows, columns=[*_PIPE, *(f"{n}{k}" for k in (0, 1) for n in _END)])
    ends = pd.concat(
        [pipes[[f"{n}{k}" for n in _END]].set_axis(list(_END), axis=1) for k in (0, 1)],
        ignore_index=True,
    )
    return Ends(pipes[list(_PIPE)], ends, _read_nodes(ask, asked))


_PIPE = ("id", "is_backward", "code", "system", "length_m")
_END = ("code", "x", "y", "named_id", "place_id")


def _read_nodes(ask: Ask, asked: Filter) -> pd.DataFrame:
    parameters: Parameters = {}
    arms = [
        f"SELECT f.id::text, f.code, {rank}, ST_X(f.geometry), ST_Y(f.geometry),"
        f" {'f.system' if kind == 'sewer_manhole' else 'NULL::text'}"
        f" {source_clause(kind, asked, parameters)}"
        for rank, kind in enumerate(NODE_KINDS)
    ]
    rows = ask(Statement(" UNION ALL ".join(arms), parameters))
    return pd.DataFrame(rows, columns=["id", "code", "rank", "x", "y", "system"])


def resolve_ends(given: Ends, tolerance_m: float) -> pd.DataFrame:
    """Columns ``node_id``, ``how``, ``gap_m`` (metres) of every end, in the order of the ends."""
    ends, nodes = given.ends, given.nodes
    found = pd.DataFrame(
        {"node_id": ends["named_id"].astype(object), "how": None, "gap_m": np.nan},
        index=ends.index,
    )
    coded = ends["code"].notna().to_numpy()
    found.loc[coded, "how"] = "named"
    known = nodes.sort_values("rank", kind="stable").drop_duplicates("code")
    at = pd.Index(known["code"]).get_indexer(ends["code"].where(coded, "\0"))
    by_code = coded & (at >= 0)
    found.loc[by_code, "how"] = "code"
    found.loc[by_code, "node_id"] = known["id"].to_numpy()[at[by_code]]
    if not coded.all():
        _resolve_loose(found, ends, nodes, tolerance_m)
    return found


def _resolve_loose(
    found: pd.DataFrame, ends: pd.DataFrame, nodes: pd.DataFrame, tolerance_m: float
) -> None:
    """Ends that name no node: by what is near them, place by place."""
    loose = found["how"].isna().to_numpy()
    places, place_of = _distinct(ends.loc[loose, ["x", "y"]].to_numpy(dtype=float))
    ids, gaps = _nearest(places, nodes, tolerance_m)
    near = pd.Series(ids).notna().to_numpy()
    how = np.full(len(places), None, dtype=object)
    how[near] = "near"
    anchored = found.loc[~loose, ["node_id"]].join(ends[["x", "y"]])
    at_node = ends.loc[loose, ["x", "y"]].assign(node_id=ids[place_of])[near[place_of]]
    anchors = pd.concat([anchored, at_node]).drop_duplicates().rename(columns={"node_id": "id"})
    left = np.flatnonzero(~near)
    ids[left], gaps[left] = _nearest(places[left], anchors, tolerance_m)
    how[left[pd.Series(ids[left]).notna().to_numpy()]] = "touch"
    free = np.flatnonzero(pd.Series(how).isna().to_numpy())
    first = _first_of_each(places[free], tolerance_m)
    place_ids = ends.loc[loose, "place_id"].to_numpy(dtype=object)
    one_end = np.zeros(len(places), dtype=np.intp)
    one_end[place_of] = np.arange(len(place_of))
    ids[free] = place_ids[one_end[free[first]]]
    gaps[free] = _metres(places[free[first]], places[free])
    how[free] = "place"
    found.loc[loose, "node_id"] = ids[place_of]
    found.loc[loose, "how"] = how[place_of]
    found.loc[loose, "gap_m"] = gaps[place_of]


def _distinct(xy: Floats) -> tuple[Floats, Ints]:
    places, place_of = np.unique(xy, axis=0, return_inverse=True)
    return places, place_of.reshape(-1)


def _nearest(
    places: Floats, nodes: pd.DataFrame, tolerance_m: float
) -> tuple[npt.NDArray[np.object_], Floats]:
    """The nearest node of each place and its distance; None and NaN where there is none.

    Of several at one distance the one with the smallest id.
    """
    ids, gaps = np.full(len(places), None, dtype=object), np.full(len(places), np.nan)
    xy = nodes[["x", "y"]].to_numpy(dtype=float)
    place, node = _pairs(places, xy, tolerance_m)
    if len(place) == 0:
        return ids, gaps
    gap = _metres(xy[node], places[place])
    near = pd.DataFrame({"place": place, "gap": gap, "id": nodes["id"].to_numpy()[node]})
    best = near[gap <= tolerance_m].sort_values(["place", "gap", "id"]).drop_duplicates("place")
    ids[best["place"]] = best["id"]
    gaps[best["place"]] = best["gap"]
    return ids, gaps


def _pairs(a: Floats, b: Floats, tolerance_m: float) -> tuple[Ints, Ints]:
    """Pairs of positions of ``a`` and ``b`` that may be within the tolerance."""
    if len(a) == 0 or len(b) == 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    reach = max(tolerance_m * _WIDER, 1e-6)
    found = cKDTree(_on_sphere(a)).sparse_distance_matrix(
        cKDTree(_on_sphere(b)), reach, output_type="ndarray"
    )
    return found["i"].astype(np.intp), found["j"].astype(np.intp)


def _on_sphere(xy: Floats) -> Floats:
    lon, lat = np.radians(xy).T
    return _EARTH_M * np.column_stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    )


def _metres(a: Floats, b: Floats) -> Floats:
    """Metres between near points: series of GRS 80 for a degree of latitude and longitude."""
    middle = np.radians((a[:, 1] + b[:, 1]) / 2)
    north = 111132.954 - 559.822 * np.cos(2 * middle) + 1.175 * np.cos(4 * middle)
    east = 111412.84 * np.cos(middle) - 93.5 * np.cos(3 * middle) + 0.118 * np.cos(5 * middle)
    return np.asarray(np.hypot((a[:, 0] - b[:, 0]) * east, (a[:, 1] - b[:, 1]) * north))


def _first_of_each(places: Floats, tolerance_m: float) -> Ints:
    """For each place the first (west, then south) of those it is connected with.

    ``places`` are sorted so, as ``numpy.unique`` leaves them.
    """
    count = len(places)
    i, j = _pairs(places, places, tolerance_m)
    kept = _metres(places[i], places[j]) <= tolerance_m
    graph = coo_array((np.ones(kept.sum()), (i[kept], j[kept])), shape=(count, count))
    groups, group = connected_components(graph.tocsr(), directed=False)
    first = np.full(groups, count, dtype=np.intp)
    np.minimum.at(first, group, np.arange(count))
    return np.asarray(first[group])
