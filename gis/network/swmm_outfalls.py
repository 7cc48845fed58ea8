"""Where a model's water leaves it: SWMM wants an outfall, and one conduit only at each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.network.swmm_part import Part
from gis.network.swmm_rules import Assumptions

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outfalls:
    """``is_outfall``: nodes that are outfalls themselves; ``stubs``: nodes joined to a made one."""

    is_outfall: Mask
    stubs: npt.NDArray[np.intp]


def find_outfalls(part: Part, invert: Floats, assumed: Assumptions) -> Outfalls:
    """Sinks, and the lowest node of every connected part that has none."""
    count = len(part.nodes)
    leaving = np.bincount(part.source, minlength=count)
    coming = np.bincount(part.target, minlength=count)
    kind, manhole = part.nodes["kind"], part.nodes["manhole_type"]
    recorded = ((kind == "sewage_facility") | (manhole == "outfall_node")).to_numpy(dtype=bool)
    sink = leaving == 0
    lowest = _lowest_without_sink(part, invert, sink)
    stub = sink & (coming > 1)
    assumed.add("facility_passed", part.nodes, recorded & ~sink)
    assumed.add("sink_as_outfall", part.nodes, sink & ~recorded)
    assumed.add("no_sink", part.nodes, lowest)
    length = assumed.rules.figures.stub_length_m
    assumed.add("outfall_stub", part.nodes, stub, stub=f"{length:g}")
    return Outfalls(sink & (coming == 1), np.flatnonzero(stub | lowest))


def _lowest_without_sink(part: Part, invert: Floats, sink: Mask) -> Mask:
    count = len(part.nodes)
    ones = np.ones(len(part.pipes))
    graph = coo_array((ones, (part.source, part.target)), shape=(count, count)).tocsr()
    _, group = connected_components(graph, directed=False)
    closed = ~np.isin(group, group[sink])
    order = pd.DataFrame({"group": group, "invert": invert, "id": part.nodes["id"]})[closed]
    first = order.sort_values(["group", "invert", "id"]).drop_duplicates("group").index
    mask = np.zeros(count, dtype=bool)
    mask[first] = True
    return mask
