"""Checks of the survey as a network: flow, sizes along it, junctions, systems, groups, loops.

A consequence of a fault that is told elsewhere is not told again: where an end of a pipe is
unknown, nothing is concluded from the flow that seems to be missing there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.attributes import Text
from gis.network.survey_cells import Floats, Objects, as_objects, fold_code, take_objects
from gis.network.survey_check_pipes import ROUNDING
from gis.network.survey_fields import Role
from gis.network.survey_findings import Findings
from gis.network.survey_rules import Limits
from gis.network.survey_tables import Nodes, Pipes, in_words

N, P = Role.NODES, Role.PIPES
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
_BROKEN = ("pipe_end_missing", "pipe_end_unknown", "pipe_end_similar", "pipe_to_itself")
_LEAVES = ("outfall_node", "septic_tank", "grease_trap")


@dataclass(frozen=True, slots=True)
class Flow:
    """Whole pipes in the direction of flow: surveyed where known, else as drawn."""

    pipe: Index
    """Rows of the table of pipes."""
    source: Index
    target: Index
    in_level: Floats
    """Invert where the water enters."""
    out_level: Floats
    size: Floats
    system: Objects
    open_nodes: Mask
    """Points at which a pipe's end is in doubt."""


def make_flow(nodes: Nodes, pipes: Pipes, findings: Findings) -> Flow:
    """The network as the checks see it; a pipe that is there twice counts once."""
    out = findings.find_rows(P, "pipe_repeated", "pipe_opposite")
    whole = (pipes.a >= 0) & (pipes.b >= 0) & (pipes.a != pipes.b)
    whole[out] = False
    rows = np.flatnonzero(whole)
    backward = pipes.flow[rows] < 0
    a, b = pipes.a[rows], pipes.b[rows]
    first, last = pipes.invert[0][rows], pipes.invert[1][rows]
    return Flow(
        pipe=rows,
        source=np.where(backward, b, a),
        target=np.where(backward, a, b),
        in_level=np.where(backward, last, first),
        out_level=np.where(backward, first, last),
        size=pipes.size.equivalent[rows],
        system=pipes.system[rows],
        open_nodes=_find_open(nodes, pipes, findings),
    )


def _find_open(nodes: Nodes, pipes: Pipes, findings: Findings) -> Mask:
    found = np.zeros(nodes.grid.count, dtype=bool)
    broken = findings.find_rows(P, *_BROKEN)
    doubtful = np.union1d(broken, findings.find_rows(P, "flow_against_inverts"))
    ends = np.concatenate([pipes.a[doubtful], pipes.b[doubtful]])
    found[ends[ends >= 0]] = True
    twins = findings.find_rows(N, "node_code_repeated", "node_code_similar")
    found[twins] = True
    alike = nodes.find_folded(nodes.folded[twins])
    found[alike[alike >= 0]] = True
    codes = np.concatenate([pipes.start[broken], pipes.end[broken]])
    meant = nodes.find_folded(as_objects([None if c is None else fold_code(c) for c in codes]))
    found[meant[meant >= 0]] = True
    return found


def check_network(nodes: Nodes, pipes: Pipes, findings: Findings, limits: Limits) -> None:
    """Everything that needs more than one pipe."""
    _check_witnesses(pipes, findings, limits)
    flow = make_flow(nodes, pipes, findings)
    _check_systems(flow, nodes, pipes, findings)
    if not flow.pipe.size:
        return
    _check_junctions(flow, nodes, pipes, findings, limits)
    in_loop = _check_loops(flow, nodes, findings)
    _check_exits(flow, nodes, findings, in_loop)


def _check_witnesses(pipes: Pipes, findings: Findings, limits: Limits) -> None:
    """Surveyed flow, inverts and drawing order, kept apart: a conflict is told, none is mended."""
    fall = pipes.invert[0] - pipes.invert[1]
    with np.errstate(invalid="ignore"):
        inverts = np.where(np.abs(fall) * 1000 <= limits.reversed_slight_mm, 0, np.sign(fall))
    inverts = np.nan_to_num(inverts)
    free = ~pipes.pressure & ~pipes.siphon
    surveyed = pipes.flow.astype(float)
    against = free & (surveyed != 0) & (inverts != 0) & (surveyed != inverts)
    with_survey = Text(zh="与实测流向一致", en="agrees with the survey")
    with_inverts = Text(zh="与管底高程一致", en="agrees with the inverts")
    drawn = as_objects([with_survey if s > 0 else with_inverts for s in surveyed])
    findings.add(
        "flow_against_inverts", P, against, "flow", rise_mm=-1000 * fall * surveyed, drawn=drawn
    )
    reversed_ = free & (surveyed < 0) & ~against
    findings.add("flow_against_drawing", P, reversed_, "flow")


# --- systems ------------------------------------------------------------------------------------


def _check_systems(flow: Flow, nodes: Nodes, pipes: Pipes, findings: Findings) -> None:
    """Where systems meet wrongly: the cause, not what lies downstream of it."""
    own, into = flow.system, nodes.system[flow.target]
    node = nodes.code[flow.target]
    known = ~pd.isna(own) & ~pd.isna(into)
    differs = known & (own != into)
    told = np.zeros(pipes.grid.count, dtype=bool)
    for rule, mask in (
        ("system_sanitary_to_storm", differs & (own == "sanitary") & (into == "storm")),
        ("system_storm_to_sanitary", differs & (own == "storm") & (into == "sanitary")),
        ("system_combined_to_separate", differs & (own == "combined")),
    ):
        told[flow.pipe[mask]] = True
        findings.add(
            rule, P, flow.pipe[mask], "end",
            node=_spread(pipes, flow, node), other=_spread(pipes, flow, in_words(into)),
        )  # fmt: skip
    for field, rows in (("start", pipes.a), ("end", pipes.b)):
        there = take_objects(nodes.system, rows)
        odd = ~pd.isna(pipes.system) & ~pd.isna(there) & (pipes.system != there) & ~told
        # Storm and sanitary sewers lead into combined ones: that is how they end.
        odd &= ~((there == "combined") & (field == "end"))
        findings.add(
            "pipe_system_unlike_nodes", P, odd, field, node=take_objects(nodes.code, rows),
            value=in_words(pipes.system), other=in_words(there),
        )  # fmt: skip


def _spread(pipes: Pipes, flow: Flow, values: Objects) -> Objects:
    """Values per pipe of the flow, over the whole table."""
    whole = np.full(pipes.grid.count, None, dtype=object)
    whole[flow.pipe] = values
    return whole


# --- junctions ----------------------------------------------------------------------------------


def _check_junctions(
    flow: Flow, nodes: Nodes, pipes: Pipes, findings: Findings, limits: Limits
) -> None:
    """Each pipe with those that flow into its head: smaller, higher, or far lower than they."""
    count = nodes.grid.count
    biggest, lowest = np.full(count, -np.inf), np.full(count, np.inf)
    highest_out = np.full(count, -np.inf)
    known = np.isfinite(flow.size)
    np.maximum.at(biggest, flow.target[known], flow.size[known])
    level = np.isfinite(flow.out_level)
    np.minimum.at(lowest, flow.target[level], flow.out_level[level])
    head = np.isfinite(flow.in_level)
    np.maximum.at(highest_out, flow.source[head], flow.in_level[head])
    # A pipe that is wide enough beside a narrow one leads the water on.
    widest_out = np.full(count, -np.inf)
    np.maximum.at(widest_out, flow.source[known], flow.size[known])
    shrinks = known & (flow.size < biggest[flow.source] - ROUNDING)
    shrinks &= widest_out[flow.source] <= flow.size + ROUNDING
    row = pipes.grid.row[flow.pipe[_biggest_giver(flow, count)[flow.source]]] + 1
    _add(findings, flow, "size_shrinks", shrinks, "size", value=flow.size,
         other=np.where(shrinks, biggest[flow.source], np.nan), other_row=row)  # fmt: skip
    lowest_head = np.full(count, np.inf)
    np.minimum.at(lowest_head, flow.source[head], flow.in_level[head])
    rises = head & (flow.in_level > lowest[flow.source] + limits.level_tolerance_m + ROUNDING)
    rises &= flow.in_level <= lowest_head[flow.source] + ROUNDING
    code = nodes.code[flow.source]
    _add(findings, flow, "invert_rises_at_node", rises, "start_invert", value=flow.in_level,
         other=lowest[flow.source], node=code)  # fmt: skip
    fall = flow.out_level - highest_out[flow.target]
    drops = level & np.isfinite(fall) & (fall > limits.drop_m + ROUNDING)
    drops &= nodes.kind[flow.target] != "drop"
    _add(findings, flow, "drop_without_drop_manhole", drops, "end_invert", value=fall,
         limit=limits.drop_m, node=nodes.code[flow.target])  # fmt: skip


def _biggest_giver(flow: Flow, count: int) -> Index:
    """By point the place in the flow of the biggest pipe that flows into it, -1 for none."""
    order = np.argsort(np.nan_to_num(flow.size, nan=-1.0), kind="stable")
    giver = np.full(count, -1, dtype=np.intp)
    giver[flow.target[order]] = order
    return giver


def _add(
    findings: Findings, flow: Flow, rule: str, mask: Mask, field: str, **facts: object
) -> None:
    """Findings at pipes of the flow, with facts per pipe of the flow."""
    size = int(flow.pipe.max()) + 1
    whole: dict[str, object] = {}
    for name, values in facts.items():
        if isinstance(values, np.ndarray):
            spread = np.full(size, None, dtype=object)
            spread[flow.pipe] = values
            whole[name] = spread
        else:
            whole[name] = values
    findings.add(rule, P, flow.pipe[mask], field, **whole)


# --- loops, groups and exits --------------------------------------------------------------------


def _check_loops(flow: Flow, nodes: Nodes, findings: Findings) -> Mask:
    """Pipes on a closed loop of flow; points on one."""
    count = nodes.grid.count
    ones = np.ones(len(flow.pipe), dtype=np.int8)
    graph = coo_array((ones, (flow.source, flow.target)), shape=(count, count)).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong")
    inside = label[flow.source] == label[flow.target]
    sizes = np.bincount(label[flow.source][inside], minlength=int(label.max()) + 1)
    _add(findings, flow, "flow_loop", inside, "start", count=sizes[label[flow.source]])
    in_loop = np.zeros(count, dtype=bool)
    in_loop[flow.source[inside]] = True
    return in_loop


def _check_exits(flow: Flow, nodes: Nodes, findings: Findings, in_loop: Mask) -> None:
    """Points where the flow ends without an exit, and groups that have none."""
    count = nodes.grid.count
    outgoing = np.bincount(flow.source, minlength=count)
    incoming = np.bincount(flow.target, minlength=count)
    leaves = nodes.is_exit | np.isin(nodes.kind.astype(str), _LEAVES)
    outfall = nodes.kind == "outfall_node"
    field = next((f for f in ("attachment", "feature") if f in nodes.grid.raw), "code")
    findings.add("outfall_flows_on", N, outfall & (outgoing > 0) & (incoming > 0), field)
    ones = np.ones(len(flow.pipe), dtype=np.int8)
    graph = coo_array((ones, (flow.source, flow.target)), shape=(count, count)).tocsr()
    groups, label = connected_components(graph, directed=False)
    has_way = np.bincount(label, weights=leaves | flow.open_nodes, minlength=groups) > 0
    sinks = (incoming > 0) & (outgoing == 0) & ~leaves & ~flow.open_nodes
    # Where the whole group has no exit, that is told once, not at each end of it.
    findings.add("node_is_sink", N, sinks & has_way[label], "code")
    pipes = np.bincount(label[flow.source], minlength=groups)
    length = np.zeros(groups)
    np.add.at(length, label[flow.source], _length(flow, nodes))
    lost = ~has_way & (pipes > 0)
    first = np.full(groups, -1, dtype=np.intp)
    last_told = np.where(sinks | (in_loop & ~_groups_of(label, sinks, groups)[label]))[0][::-1]
    first[label[last_told]] = last_told
    told = first[lost & (first >= 0)]
    findings.add("group_without_outfall", N, told, "code", count=pipes[label], length=length[label])


def _groups_of(label: Index, mask: Mask, groups: int) -> Mask:
    found = np.zeros(groups, dtype=bool)
    found[label[mask]] = True
    return found


def _length(flow: Flow, nodes: Nodes) -> Floats:
    dx = nodes.east[flow.source] - nodes.east[flow.target]
    dy = nodes.north[flow.source] - nodes.north[flow.target]
    return np.nan_to_num(np.hypot(dx, dy))
