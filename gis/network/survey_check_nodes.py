"""Checks of survey points: codes, places, levels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from gis.network.survey_cells import Floats, Objects, as_objects
from gis.network.survey_fields import Role
from gis.network.survey_findings import Findings
from gis.network.survey_place import County, Reading, measure_outside
from gis.network.survey_rules import Limits
from gis.network.survey_tables import Nodes, Pipes

N = Role.NODES


def check_codes(nodes: Nodes, findings: Findings) -> None:
    """Codes that are missing, repeated, or the same but for case, width and spaces."""
    grid = nodes.grid
    missing = pd.isna(nodes.code)
    findings.add("node_code_missing", N, missing, "code")
    first = nodes.find(nodes.code)
    repeated = ~missing & (first != np.arange(grid.count))
    rows = grid.row[first] + 1
    findings.add("node_code_repeated", N, repeated, "code", value=nodes.code, other=rows)
    alike = nodes.find_folded(nodes.folded)
    similar = ~missing & ~repeated & (alike != np.arange(grid.count))
    findings.add("node_code_similar", N, similar, "code", value=nodes.code, other=nodes.code[alike])


def check_places(
    nodes: Nodes, reading: Reading, county: County | None, findings: Findings, limits: Limits
) -> None:
    """Coordinates that are missing, swapped, outside the county, or shared."""
    field = "lat" if "x" not in nodes.grid.raw else "x"
    unread = findings.find_rows(N, "number_unreadable")
    missing = ~(np.isfinite(nodes.east) & np.isfinite(nodes.north))
    missing[unread] = False
    findings.add("node_place_missing", N, missing, field)
    if county is not None and not reading.is_offset:
        _check_extent(nodes, reading, county, findings, limits, field)
    _check_shared(nodes, findings, limits, field)


def _check_extent(
    nodes: Nodes, reading: Reading, county: County, findings: Findings, limits: Limits, field: str
) -> None:
    with np.errstate(invalid="ignore"):
        outside = measure_outside(reading, nodes.east, nodes.north, county)
        is_out = outside > 0
    if not is_out.any():
        return
    other = Reading(
        reading.srid, degrees=reading.degrees, swapped=not reading.swapped, prefix=reading.prefix
    )
    east, north = other.to_plane(nodes.first, nodes.second)
    with np.errstate(invalid="ignore"):
        swapped = is_out & (measure_outside(other, east, north, county) == 0)
        far = is_out & ~swapped & (outside > limits.far_away_km * 1000)
    kilometres = outside / 1000
    findings.add("node_axes_swapped", N, swapped, field)
    findings.add("node_far_away", N, far, field, distance=kilometres)
    findings.add("node_outside_county", N, is_out & ~swapped & ~far, field, distance=kilometres)
    wrong = swapped | far
    for values in (nodes.east, nodes.north, nodes.lon, nodes.lat):
        values[wrong] = np.nan


def _check_shared(nodes: Nodes, findings: Findings, limits: Limits, field: str) -> None:
    """Two points at one place: the later one names its nearest earlier neighbour."""
    placed = np.flatnonzero(np.isfinite(nodes.east) & np.isfinite(nodes.north))
    placed = np.setdiff1d(placed, findings.find_rows(N, "node_code_repeated"))
    if placed.size < 2:
        return
    tree = cKDTree(np.column_stack([nodes.east[placed], nodes.north[placed]]))
    pairs = tree.query_pairs(limits.same_place_m, output_type="ndarray")
    if not len(pairs):
        return
    one, two = placed[pairs.min(axis=1)], placed[pairs.max(axis=1)]
    gap = np.hypot(nodes.east[one] - nodes.east[two], nodes.north[one] - nodes.north[two])
    nearest = pd.DataFrame({"two": two, "one": one, "gap": gap}).drop_duplicates("two")
    other = np.full(nodes.grid.count, None, dtype=object)
    distance = np.full(nodes.grid.count, np.nan)
    other[nearest["two"]] = nodes.code[nearest["one"]]
    distance[nearest["two"]] = nearest["gap"]
    findings.add(
        "node_place_shared", N, nearest["two"].to_numpy(), field, other=other, distance=distance
    )


def check_levels(nodes: Nodes, pipes: Pipes, findings: Findings, limits: Limits) -> None:
    """Ground, bottom and depth: missing, impossible, at odds with each other or neighbours."""
    grid, ground, bottom, depth = nodes.grid, nodes.ground, nodes.bottom, nodes.depth
    unread = np.zeros(grid.count, dtype=bool)
    unread[findings.find_rows(N, "number_unreadable", "sentinel_value")] = True
    findings.add(
        "node_ground_missing", N, grid.has("ground") & np.isnan(ground) & ~unread, "ground"
    )
    low, high = limits.ground_low_m, limits.ground_high_m
    with np.errstate(invalid="ignore"):
        impossible = (ground < low) | (ground > high)
        findings.add(
            "node_ground_impossible", N, impossible, "ground", value=ground, low=low, high=high
        )
        plausible = np.where(impossible, np.nan, ground)
        stepped = _check_steps(nodes, pipes, plausible, findings, limits)
        plausible = np.where(stepped, np.nan, plausible)
        above = bottom > plausible
        findings.add("node_bottom_above_ground", N, above, "bottom", value=bottom, other=plausible)
        findings.add("node_depth_negative", N, depth < 0, "depth", value=depth)
        deep = np.where(np.isnan(depth), plausible - bottom, depth)
        field = "depth" if "depth" in grid.raw else "bottom"
        findings.add(
            "node_depth_excessive", N, deep > limits.depth_most_m, field,
            value=deep, limit=limits.depth_most_m,
        )  # fmt: skip
        difference = plausible - depth - bottom
        differs = (np.abs(difference) > limits.level_tolerance_m + 1e-9) & ~above & (depth >= 0)
    findings.add(
        "node_level_identity", N, differs, "depth",
        ground=ground, depth=depth, bottom=bottom, difference=difference,
    )  # fmt: skip
    nodes.ground = plausible
    nodes.bottom = np.where(above, np.nan, bottom)


def _check_steps(
    nodes: Nodes, pipes: Pipes, ground: Floats, findings: Findings, limits: Limits
) -> npt.NDArray[np.bool_]:
    """Ground levels far from those of every neighbour; of two at odds the one with fewer
    neighbours may be the sound one, and is not told."""
    count = nodes.grid.count
    whole = (pipes.a >= 0) & (pipes.b >= 0) & (pipes.a != pipes.b)
    own = np.concatenate([pipes.a[whole], pipes.b[whole]])
    other = np.concatenate([pipes.b[whole], pipes.a[whole]])
    gap = np.abs(ground[own] - ground[other])
    known = np.isfinite(gap)
    own, other, gap = own[known], other[known], gap[known]
    nearest = np.full(count, np.inf)
    np.minimum.at(nearest, own, gap)
    around = np.bincount(own, minlength=count)
    odd = np.isfinite(nearest) & (nearest > limits.ground_step_m)
    more = np.zeros(count, dtype=np.intp)
    np.maximum.at(more, own, np.where(odd[other], around[other], 0))
    stepped: npt.NDArray[np.bool_] = odd & (around >= more)
    middle = np.full(count, np.nan)
    by_node = pd.Series(ground[other]).groupby(own).median()
    middle[by_node.index.to_numpy(dtype=np.intp)] = by_node.to_numpy()
    findings.add(
        "node_ground_step", N, stepped, "ground",
        value=ground, other=middle, difference=np.abs(ground - middle),
    )  # fmt: skip
    return stepped


def check_ways(nodes: Nodes, pipes: Pipes, findings: Findings, limits: Limits) -> None:
    """How many pipes meet at a point: none, too many, or not as its feature says."""
    touched = count_pipes(nodes, pipes)
    open_ends = findings.find_rows(Role.PIPES, "pipe_end_missing", "pipe_end_unknown",
                                   "pipe_end_similar", "pipe_to_itself")  # fmt: skip
    faulty = findings.find_rows(N, "node_code_missing", "node_code_repeated", "node_code_similar")
    judged = np.ones(nodes.grid.count, dtype=bool)
    judged[faulty] = False
    spoken = _spoken_of(pipes, open_ends)
    lonely = judged & (touched == 0) & ~np.isin(nodes.folded.astype(str), spoken)
    if pipes.grid.count:
        findings.add("node_without_pipe", N, lonely, "code")
    with np.errstate(invalid="ignore"):
        wrong = judged & (nodes.ways != touched) & np.isfinite(nodes.ways) & (touched > 0)
    feature = nodes.grid.cells("feature")
    findings.add(
        "node_fitting_ways", N, wrong, "feature",
        value=feature, expected=as_objects([_whole(w) for w in nodes.ways]), count=touched,
    )  # fmt: skip
    many = judged & (touched >= limits.many_pipes)
    findings.add("node_many_pipes", N, many, "code", count=touched)


def _whole(number: float) -> object:
    return None if np.isnan(number) else int(number)


def _spoken_of(pipes: Pipes, rows: npt.NDArray[np.intp]) -> list[str]:
    """Folded codes that pipes with an unknown end name: their points are not alone."""
    from gis.network.survey_cells import fold_code

    ends: Objects = np.concatenate([pipes.start[rows], pipes.end[rows]])
    return [fold_code(e) for e in ends if e is not None]


def count_pipes(nodes: Nodes, pipes: Pipes) -> npt.NDArray[np.intp]:
    """How many pipe ends are at each point."""
    ends = np.concatenate([pipes.a[pipes.a >= 0], pipes.b[pipes.b >= 0]])
    return np.bincount(ends, minlength=nodes.grid.count)
