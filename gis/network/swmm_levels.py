"""Levels of a model: what is recorded, and what stands in for what is not (metres)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from gis.network.swmm_part import Part
from gis.network.swmm_rules import Assumptions

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_TINY_M = 5e-4
"""Half of what a level is surveyed to."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Inverts of both ends of each pipe along its flow, and of each node; which were assumed."""

    inlet: Floats
    outlet: Floats
    invert: Floats
    inlet_assumed: Mask
    outlet_assumed: Mask
    bottom_assumed: Mask


@dataclass(frozen=True, slots=True)
class Depths:
    """From each node's invert to the ground; whether the ground was assumed."""

    depth: Floats
    ground_assumed: Mask


def find_levels(part: Part, lengths: Floats, assumed: Assumptions) -> Levels:
    """Recorded inverts; missing ones from their node, else interpolated along the way.

    The interpolation minimises ``sum((z_s - z_t - i L)^2 / L)`` over pipes with an unknown node:
    between two known levels it is linear in the length, beyond the last one it goes on at the
    slope ``i`` of the rules.
    """
    source, target = part.source, part.target
    back = part.pipes["is_backward"].to_numpy(dtype=bool)
    up, down = (_numbers(part, name) for name in ("up_invert_m", "down_invert_m"))
    inlet, outlet = np.where(back, down, up), np.where(back, up, down)
    bottom = part.nodes["bottom_m"].astype(float).to_numpy()
    lowest = _lowest(part, inlet, outlet)
    at_node = np.where(np.isfinite(lowest), lowest, bottom)
    no_inlet, no_outlet = ~np.isfinite(inlet), ~np.isfinite(outlet)
    unknown = ~np.isfinite(at_node)
    level = _interpolate(part, lengths, inlet, outlet, at_node, assumed)
    inlet = np.where(no_inlet, level[source], inlet)
    outlet = np.where(no_outlet, level[target], outlet)
    guessed = no_inlet & unknown[source] | no_outlet & unknown[target]
    assumed.add("invert_of_node", part.pipes, (no_inlet | no_outlet) & ~guessed)
    slope = assumed.rules.figures.slope_per_mille
    assumed.add("invert_interpolated", part.pipes, guessed, slope=f"{slope:g}")
    lowest = _lowest(part, inlet, outlet)
    above = bottom > lowest + _TINY_M
    assumed.add("bottom_above_invert", part.nodes, above)
    known_bottom = np.isfinite(bottom) & ~above
    return Levels(
        inlet, outlet, np.where(known_bottom, np.minimum(bottom, lowest), lowest),
        no_inlet, no_outlet, ~known_bottom,
    )  # fmt: skip


def _numbers(part: Part, name: str) -> Floats:
    return part.pipes[name].to_numpy(dtype=np.float64)


def _lowest(part: Part, inlet: Floats, outlet: Floats) -> Floats:
    """The lowest pipe end at each node; NaN where no end has a level."""
    lowest = np.full(len(part.nodes), np.nan)
    np.fmin.at(lowest, part.source, inlet)
    np.fmin.at(lowest, part.target, outlet)
    return lowest


def _interpolate(
    part: Part, lengths: Floats, inlet: Floats, outlet: Floats, known: Floats, assumed: Assumptions
) -> Floats:
    """Levels of all nodes: the known ones as they are."""
    source, target = part.source, part.target
    unknown = ~np.isfinite(known)
    level = known.copy()
    if not unknown.any():
        return level
    number = np.cumsum(unknown) - 1
    used = (unknown[source] | unknown[target]) & (source != target)
    s, t, weight = source[used], target[used], 1 / lengths[used]
    fall = np.full(len(s), assumed.rules.figures.slope_per_mille / 1000)
    free_s, free_t = unknown[s], unknown[t]
    # What the known end of a pipe says of it goes before what its node says.
    top = np.where(np.isfinite(inlet[used]), inlet[used], known[s])
    low = np.where(np.isfinite(outlet[used]), outlet[used], known[t])
    size = int(unknown.sum())
    diagonal, right = np.zeros(size), np.zeros(size)
    np.add.at(diagonal, number[s[free_s]], weight[free_s])
    np.add.at(diagonal, number[t[free_t]], weight[free_t])
    np.add.at(right, number[s[free_s]], fall[free_s])
    np.add.at(right, number[t[free_t]], -fall[free_t])
    to_low, to_top = free_s & ~free_t, free_t & ~free_s
    np.add.at(right, number[s[to_low]], (weight * low)[to_low])
    np.add.at(right, number[t[to_top]], (weight * top)[to_top])
    both = free_s & free_t
    i, j, w = number[s[both]], number[t[both]], weight[both]
    links = coo_array((np.r_[w, w], (np.r_[i, j], np.r_[j, i])), shape=(size, size)).tocsr()
    held = np.zeros(size, dtype=bool)
    held[number[s[to_low]]] = True
    held[number[t[to_top]]] = True
    anchor, at = _anchors(part, links, held, np.flatnonzero(unknown), assumed)
    # A stiff spring to its anchor holds a part that no known level does.
    stiff = 1e6 * max(float(weight.max(initial=0.0)), 1.0)
    diagonal[anchor] += stiff
    right[anchor] += stiff * at
    system = csr_array(diags_array(diagonal)) - links
    level[unknown] = spsolve(system.tocsc(), right)
    return level


def _anchors(
    part: Part,
    links: csr_array,
    held: Mask,
    nodes: npt.NDArray[np.intp],
    assumed: Assumptions,
) -> tuple[npt.NDArray[np.intp], Floats]:
    """Unknown nodes, by number, that are given a level because nothing holds their part."""
    count, group = connected_components(links, directed=False)
    loose = ~np.isin(group, group[held])
    ground = part.nodes["ground_m"].astype(float).to_numpy()[nodes]
    by_ground = loose & np.isfinite(ground)
    left = loose & ~np.isin(group, group[by_ground])
    first = np.full(count, -1, dtype=np.intp)
    first[group[::-1]] = np.arange(len(group))[::-1]
    by_datum = np.zeros(len(group), dtype=bool)
    by_datum[first] = left[first]
    depth = assumed.rules.figures.depth_m
    assumed.add("invert_below_ground", part.nodes, _among(part, nodes[by_ground]), depth=depth)
    assumed.add("datum", part.nodes, _among(part, nodes[left]))
    anchor = np.flatnonzero(by_ground | by_datum)
    return anchor, np.where(by_ground, ground - depth, 0.0)[anchor]


def _among(part: Part, numbers: npt.NDArray[np.intp]) -> Mask:
    mask = np.zeros(len(part.nodes), dtype=bool)
    mask[numbers] = True
    return mask


def find_depths(part: Part, levels: Levels, heights: Floats, assumed: Assumptions) -> Depths:
    """Depths to the ground, never less than to the highest crown; ``heights`` of pipes in m."""
    crown = np.full(len(part.nodes), -np.inf)
    np.fmax.at(crown, part.source, levels.inlet + heights)
    np.fmax.at(crown, part.target, levels.outlet + heights)
    ground = part.nodes["ground_m"].astype(float).to_numpy()
    unknown = ~np.isfinite(ground)
    below = ground < crown
    cover = assumed.rules.figures.cover_m
    assumed.add("ground_assumed", part.nodes, unknown, cover=cover)
    assumed.add("ground_below_crown", part.nodes, below)
    top = np.where(unknown, crown + cover, np.fmax(ground, crown))
    return Depths(top - levels.invert, unknown | below)
