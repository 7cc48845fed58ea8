"""Connected components of the whole network, and what hangs on nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.network.asking import Ask
from gis.network.past import Network
from gis.network.profile_questions import NODE_KINDS
from gis.network.trace import NODE_TYPE
from gis.queries import Filter, Parameters, Statement, source_clause

Document = dict[str, Any]  # Any: JSON


def describe_components(ask: Ask, *, limit: int = 100, as_of: datetime | None = None) -> Document:
    """Components by length, longest first, and orphans, at most ``limit`` of each kind.

    A component without an outfall has nowhere to drain to; an orphan is a node no pipe is at, or
    a pipe that is a component of its own. Lengths in metres (ellipsoidal).
    """
    network = Network.read(ask, as_of=as_of)
    pipes = network.given.pipes
    count = len(network.node_ids)
    graph = coo_array((np.ones(len(pipes)), (network.source, network.target)), shape=(count, count))
    groups, group = connected_components(graph.tocsr(), directed=False)
    outfalls = read_outfalls(ask, as_of)
    is_outfall = pd.Series(network.node_ids).isin(outfalls)
    frame = pipes.assign(group=group[network.source] if count else 0)
    table = frame.groupby("group").agg(
        pipe=("id", "min"), pipes=("id", "size"), length_m=("length_m", "sum")
    )
    table["length_m"] = table["length_m"].round(2)
    table["nodes"] = pd.Series(group).value_counts()
    table["outfalls"] = is_outfall.groupby(group).sum().reindex(table.index, fill_value=0)
    table = table.sort_values(["length_m", "pipe"], ascending=[False, True])
    systems = frame.groupby(["group", "system"])["length_m"].sum().round(2)
    single = frame[frame["group"].map(table["pipes"]) == 1] if len(table) else frame
    nodes = network.given.nodes
    alone = nodes[~nodes["id"].isin(network.node_ids)].sort_values(["rank", "code"])
    kinds = np.array(NODE_KINDS, dtype=object)[alone["rank"].to_numpy(dtype=int)]
    alone = alone.assign(kind=kinds).rename(columns={"x": "lon", "y": "lat"})
    return {
        "as_of": as_of.isoformat() if as_of else None,
        "count": int(groups),
        "without_outfall": int((table["outfalls"] == 0).sum()),
        "components": [
            {**row, "systems": systems.loc[at].to_dict()}
            for at, row in zip(table.index, table.head(limit).to_dict("records"), strict=False)
        ],
        "orphans": {
            "pipes": {
                "count": len(single),
                "rows": single[["id", "code", "system"]].head(limit).to_dict("records"),
            },
            "nodes": {
                "count": len(alone),
                "rows": alone.head(limit)[["id", "kind", "code", "lon", "lat"]].to_dict("records"),
            },
        },
    }


def read_outfalls(ask: Ask, as_of: datetime | None) -> list[str]:
    """Ids (text) of plants, stations, outfalls and manholes that are an outlet."""
    parameters: Parameters = {}
    asked = Filter(as_of=as_of)
    arms = [
        f"SELECT f.id::text {source_clause(kind, asked, parameters)}"
        + ("" if kind == "sewage_facility" else f" AND {NODE_TYPE[kind]} = 'outfall_node'")
        for kind in NODE_TYPE
    ]
    return [row[0] for row in ask(Statement(" UNION ALL ".join(arms), parameters))]
