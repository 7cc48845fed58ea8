"""Checks of single survey pipes: ends, sizes, levels, slopes, lengths."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.network.survey_cells import (
    Floats,
    Objects,
    as_objects,
    fold_code,
    take_numbers,
    take_objects,
)
from gis.network.survey_fields import Role
from gis.network.survey_findings import Findings
from gis.network.survey_place import Reading
from gis.network.survey_rules import Limits
from gis.network.survey_tables import Nodes, Pipes

P = Role.PIPES
Mask = npt.NDArray[np.bool_]
_ENDS = ("start", "end")
ROUNDING = 1e-9


def check_ends(pipes: Pipes, nodes: Nodes, findings: Findings) -> None:
    """Ends that are missing, unknown, spelt differently, or the same."""
    for name, codes, found in (("start", pipes.start, pipes.a), ("end", pipes.end, pipes.b)):
        missing = pd.isna(codes)
        findings.add("pipe_end_missing", P, missing, name)
        unknown = ~missing & (found < 0)
        folded = as_objects([None if c is None else fold_code(c) for c in codes])
        alike = np.where(unknown, nodes.find_folded(folded), -1)
        other = take_objects(nodes.code, alike)
        if nodes.grid.count:
            findings.add("pipe_end_similar", P, alike >= 0, name, value=codes, other=other)
            findings.add("pipe_end_unknown", P, unknown & (alike < 0), name, value=codes)
    same = ~pd.isna(pipes.start) & (pipes.start == pipes.end)
    findings.add("pipe_to_itself", P, same, "end", value=pipes.start)


def check_repeats(pipes: Pipes, findings: Findings) -> None:
    """Codes and pairs of points that occur twice."""
    row = pipes.grid.row + 1
    named = pd.Series(pipes.code).dropna()
    first = pd.Series(named.index, index=named.index).groupby(named).transform("first")
    twice = first[first != first.index]
    other = np.zeros(pipes.grid.count, dtype=np.intp)
    other[twice.index] = row[twice.to_numpy()]
    findings.add(
        "pipe_code_repeated", P, twice.index.to_numpy(), "code", value=pipes.code, other=other
    )
    size = np.nan_to_num(pipes.size.largest, nan=-1.0)
    pairs = pd.DataFrame({"s": pipes.start, "e": pipes.end, "size": size}).dropna()
    pairs = pairs[(pairs["s"] != pairs["e"]) & ~pairs.index.isin(twice.index)]
    _note_pairs(pairs, row, findings)


def _note_pairs(pairs: pd.DataFrame, row: npt.NDArray[np.intp], findings: Findings) -> None:
    position = pd.Series(pairs.index, index=pairs.index)
    first = position.groupby([pairs["s"], pairs["e"]]).transform("first")
    other = np.zeros(len(row), dtype=np.intp)
    other[pairs.index] = row[first.to_numpy()]
    again = pairs.index[first != position]
    same = pairs["size"].to_numpy() == pairs["size"].reindex(first.to_numpy()).to_numpy()
    is_same = pd.Series(same, index=pairs.index)[again].to_numpy()
    findings.add("pipe_repeated", P, again[is_same].to_numpy(), "start", other=other)
    findings.add("pipe_parallel", P, again[~is_same].to_numpy(), "size", other=other)
    firsts = pairs[first == position]
    back = firsts.reset_index().merge(
        firsts.reset_index(), left_on=["s", "e"], right_on=["e", "s"], suffixes=("", "_other")
    )
    back = back[back["index"] > back["index_other"]]
    other[back["index"]] = row[back["index_other"]]
    findings.add("pipe_opposite", P, back["index"].to_numpy(), "start", other=other)


def check_same_lines(pipes: Pipes, nodes: Nodes, findings: Findings, limits: Limits) -> None:
    """Pipes between other points at the very same two places."""
    whole = np.flatnonzero((pipes.a >= 0) & (pipes.b >= 0) & np.isfinite(pipes.length))
    a, b = pipes.a[whole], pipes.b[whole]
    step = limits.same_place_m
    ends = np.stack([
        np.column_stack([np.round(nodes.east[i] / step), np.round(nodes.north[i] / step)])
        for i in (a, b)
    ])  # fmt: skip
    turned = (ends[0] > ends[1])[:, 0] | (
        (ends[0][:, 0] == ends[1][:, 0]) & (ends[0][:, 1] > ends[1][:, 1])
    )
    low = np.where(turned[:, None], ends[1], ends[0])
    high = np.where(turned[:, None], ends[0], ends[1])
    keys = pd.DataFrame(np.column_stack([low, high]))
    codes = np.sort(np.column_stack([a, b]), axis=1)
    place = pd.Series(np.arange(len(keys)))
    first = place.groupby([keys[n] for n in range(4)]).transform("first")
    differs = (codes != codes[first.to_numpy()]).any(axis=1)
    again = (first != place).to_numpy() & differs & (pipes.length[whole] > 0)
    other = np.zeros(pipes.grid.count, dtype=np.intp)
    other[whole] = pipes.grid.row[whole[first.to_numpy()]] + 1
    findings.add("pipe_same_line", P, whole[again], "start", other=other)


def check_sizes(pipes: Pipes, findings: Findings, limits: Limits, today: date) -> None:
    """Sizes and years that cannot be."""
    largest = pipes.size.largest
    low, high = limits.size_low_mm, limits.size_high_mm
    smallest = np.fmin(pipes.size.largest, np.fmin(pipes.size.width, pipes.size.height))
    with np.errstate(invalid="ignore"):
        impossible = (largest > high) | (smallest < low)
        odd = ~impossible & np.isfinite(pipes.size.diameter)
        odd &= ~np.isin(np.round(pipes.size.diameter, 3), limits.usual_sizes_mm)
    shown = np.where(largest > high, largest, smallest)
    by_size = pipes.grid.has("size") & ~(pipes.grid.has("width") & np.isfinite(pipes.size.width))
    for field, mask in (("size", by_size), ("width", ~by_size)):
        findings.add(
            "pipe_size_impossible", P, impossible & mask, field, value=shown, low=low, high=high
        )
    findings.add("pipe_size_unusual", P, odd, "size", value=pipes.size.diameter)
    for sides in (pipes.size.diameter, pipes.size.width, pipes.size.height):
        sides[impossible] = np.nan
    latest = today.year
    with np.errstate(invalid="ignore"):
        wrong = (pipes.year < limits.year_low) | (pipes.year > latest)
    findings.add(
        "pipe_year_impossible", P, wrong, "year",
        value=pipes.year, low=float(limits.year_low), high=float(latest),
    )  # fmt: skip


def check_levels(pipes: Pipes, nodes: Nodes, findings: Findings, limits: Limits) -> None:
    """Depths, inverts and ground against each other; levels that are missing are worked out from
    the depth for the checks that follow, never for what is loaded."""
    crossed = _check_crossed(pipes, nodes, findings, limits)
    worked_out = []
    for n, (name, rows) in enumerate(zip(_ENDS, (pipes.a, pipes.b), strict=True)):
        ground = take_numbers(nodes.ground, rows)
        bottom = take_numbers(nodes.bottom, rows)
        code = take_objects(nodes.code, rows)
        wrong = _check_end(pipes, n, name, (ground, bottom, code), findings, limits, crossed)
        depth, invert = pipes.depth[n], pipes.invert[n]
        known = np.where(np.isnan(invert), ground - depth, invert)
        worked_out.append(np.where(wrong | crossed, np.nan, known))
        _note_missing(pipes, name, known, rows, findings)
    pipes.invert = (worked_out[0], worked_out[1])


def _note_missing(
    pipes: Pipes, name: str, known: Floats, rows: npt.NDArray[np.intp], findings: Findings
) -> None:
    unread = np.zeros(pipes.grid.count, dtype=bool)
    unread[findings.find_rows(P, "number_unreadable", "sentinel_value")] = True
    invert, depth = f"{name}_invert", f"{name}_depth"
    has = pipes.grid.has(invert)
    missing = np.isnan(known) & (rows >= 0) & ~unread
    findings.add("pipe_level_missing", P, missing & has, invert)
    findings.add("pipe_level_missing", P, missing & ~has & pipes.grid.has(depth), depth)


def _check_end(
    pipes: Pipes, n: int, name: str, there: tuple[Floats, Floats, Objects],
    findings: Findings, limits: Limits, crossed: Mask,
) -> Mask:  # fmt: skip
    """One end of every pipe; where its level cannot be believed."""
    ground, bottom, code = there
    depth, invert = pipes.depth[n], pipes.invert[n]
    with np.errstate(invalid="ignore"):
        negative = depth < 0
        findings.add("pipe_depth_negative", P, negative, f"{name}_depth", value=depth)
        above = ~crossed & (invert > ground + ROUNDING) & ~negative
        findings.add(
            "pipe_invert_above_ground", P, above, f"{name}_invert",
            value=invert, ground=ground, other=code,
        )  # fmt: skip
        difference = ground - depth - invert
        size = np.abs(difference)
        differs = (size > limits.level_tolerance_m + ROUNDING) & ~above & ~negative & ~crossed
        gross = differs & (size > limits.level_gross_m)
        facts = {"ground": ground, "depth": depth, "invert": invert, "difference": difference}
        findings.add("pipe_level_identity", P, differs & ~gross, f"{name}_depth", **facts)
        findings.add("pipe_level_identity_gross", P, gross, f"{name}_depth", **facts)
        deep = depth > limits.depth_most_m
        findings.add(
            "pipe_depth_excessive", P, deep & ~gross, f"{name}_depth",
            value=depth, limit=limits.depth_most_m,
        )  # fmt: skip
        wrong = above | gross | negative
        below = ~wrong & ~crossed & (invert < bottom - limits.level_tolerance_m - ROUNDING)
        findings.add(
            "pipe_invert_below_bottom", P, below, f"{name}_invert",
            value=invert, bottom=bottom, other=code,
        )  # fmt: skip
        cover = depth - np.fmax(pipes.size.diameter, pipes.size.height) / 1000
        shallow = (cover < limits.cover_least_m) & ~wrong & ~crossed & ~pipes.pressure
    findings.add(
        "pipe_cover_shallow", P, shallow & ~differs, f"{name}_depth",
        value=cover, limit=limits.cover_least_m,
    )  # fmt: skip
    return wrong


def _check_crossed(pipes: Pipes, nodes: Nodes, findings: Findings, limits: Limits) -> Mask:
    """Pipes whose start fits the ground at the end's point and the other way round."""
    whole = (pipes.a >= 0) & (pipes.b >= 0)
    ground = [take_numbers(nodes.ground, np.where(whole, i, -1)) for i in (pipes.a, pipes.b)]
    total = [d + i for d, i in zip(pipes.depth, pipes.invert, strict=True)]
    near = limits.level_tolerance_m + ROUNDING
    with np.errstate(invalid="ignore"):
        own = (np.abs(total[0] - ground[0]) <= near) | (np.abs(total[1] - ground[1]) <= near)
        crossed = (np.abs(total[0] - ground[1]) <= near) & (np.abs(total[1] - ground[0]) <= near)
    crossed &= ~own
    other = take_objects(nodes.code, pipes.b)
    field = "start_depth" if "start_depth" in pipes.grid.raw else "start_invert"
    findings.add("pipe_ends_crossed", P, crossed, field, other=other)
    return crossed


def check_slopes(pipes: Pipes, nodes: Nodes, findings: Findings, limits: Limits) -> None:
    """Slopes along the flow; pressure pipes and siphons rise as they please, and a drop manhole
    explains a steep one. The direction is that surveyed, else that of drawing."""
    along = np.where(pipes.flow == 0, 1, pipes.flow)
    fall = (pipes.invert[0] - pipes.invert[1]) * along
    with np.errstate(invalid="ignore", divide="ignore"):
        per_mille = 1000 * fall / pipes.length
    judged = np.isfinite(per_mille) & ~pipes.pressure & ~pipes.siphon
    size = pipes.size.equivalent
    step = np.searchsorted([s.size_mm for s in limits.by_size], np.nan_to_num(size, nan=300.0))
    step = np.clip(step, 0, len(limits.by_size) - 1)
    least = np.array([s.slope_least_per_mille for s in limits.by_size])[step]
    most = np.array([s.slope_most_per_mille for s in limits.by_size])[step]
    facts = {"slope": per_mille, "size": np.nan_to_num(size, nan=300.0), "rise_mm": -1000 * fall}
    unasked = pipes.flow == 0  # surveyed flow against inverts is told apart, in the network
    with np.errstate(invalid="ignore"):
        rises = judged & (fall < -ROUNDING)
        gross = rises & (-1000 * fall > limits.reversed_gross_mm)
        gross |= (
            rises
            & (-per_mille > limits.reversed_gross_per_mille)
            & (-1000 * fall > limits.reversed_slight_mm + ROUNDING)
        )
        slight = rises & ~gross & (-1000 * fall <= limits.reversed_slight_mm + ROUNDING)
        field = "end_invert" if "end_invert" in pipes.grid.raw else "end_depth"
        findings.add("pipe_slope_reversed_slight", P, slight & unasked, field, **facts)
        plain = rises & ~gross & ~slight & unasked
        findings.add("pipe_slope_reversed", P, plain, field, **facts)
        findings.add("pipe_slope_reversed_gross", P, gross & unasked, field, **facts)
        flat = judged & ~rises & (per_mille < least - ROUNDING)
        findings.add("pipe_slope_flat", P, flat, field, limit=least, **facts)
        steep = judged & (per_mille > most + ROUNDING) & ~_is_at_drop(pipes, nodes)
    findings.add("pipe_slope_excessive", P, steep, field, limit=most, **facts)


def _is_at_drop(pipes: Pipes, nodes: Nodes) -> Mask:
    found: Mask = take_objects(nodes.kind, pipes.a) == "drop"
    found |= take_objects(nodes.kind, pipes.b) == "drop"
    return found


def check_lengths(
    pipes: Pipes, nodes: Nodes, reading: Reading | None, findings: Findings, limits: Limits
) -> None:
    """Lengths against coordinates, and ends against their manholes."""
    length, declared = pipes.length, pipes.declared_m
    with np.errstate(invalid="ignore"):
        difference = np.abs(declared - length)
        allowed = np.maximum(limits.length_tolerance_m, limits.length_tolerance_share * length)
        most = np.maximum(limits.length_gross_m, limits.length_gross_share * length)
        gross = difference > most
        facts = {"value": declared, "other": length}
        mismatch = (difference > allowed) & ~gross
        findings.add("pipe_length_mismatch", P, mismatch, "length", **facts)
        findings.add("pipe_length_gross", P, gross, "length", **facts)
        measured = np.where(np.isnan(length), declared, length)
        same = pipes.a == pipes.b
        short = (measured < limits.length_short_m) & ~same & ~gross
        size = np.nan_to_num(pipes.size.equivalent, nan=300.0)
        step = np.searchsorted([s.size_mm for s in limits.by_size], size)
        step = np.clip(step, 0, len(limits.by_size) - 1)
        longest = np.array([s.length_most_m for s in limits.by_size])[step]
        long = (measured > longest) & ~pipes.pressure & ~pipes.siphon
    short_facts = {"value": measured, "limit": limits.length_short_m}
    findings.add("pipe_short", P, short, "start", **short_facts)
    findings.add("pipe_long", P, long & ~gross, "end", value=measured, limit=longest, size=size)
    if reading is not None:
        _check_own_ends(pipes, nodes, reading, findings, limits)


def _check_own_ends(
    pipes: Pipes, nodes: Nodes, reading: Reading, findings: Findings, limits: Limits
) -> None:
    """Coordinates of ends that the table of pipes gives itself."""
    from gis.network.survey_cells import read_numbers

    for name, rows in (("start", pipes.a), ("end", pipes.b)):
        if f"{name}_x" not in pipes.grid.raw or f"{name}_y" not in pipes.grid.raw:
            continue
        x, y = (
            read_numbers(pipes.grid.cells(f"{name}_{axis}"), zero_is_missing=True).values
            for axis in "xy"
        )
        east, north = reading.to_plane(x, y)
        code = take_objects(nodes.code, rows)
        there = [take_numbers(v, rows) for v in (nodes.east, nodes.north)]
        distance = np.hypot(east - there[0], north - there[1])
        with np.errstate(invalid="ignore"):
            far = (rows >= 0) & (distance > limits.end_far_m)
        findings.add("pipe_end_far", P, far, f"{name}_x", other=code, distance=distance)
