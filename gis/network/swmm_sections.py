"""Sections, roughness and inflows of a model, with what was assumed of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.network.swmm_part import Part
from gis.network.swmm_rules import Assumptions

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_DAY_S = 86_400.0
_RAIN = ("storm", "combined")


@dataclass(frozen=True, slots=True)
class Sections:
    """Of each pipe: SWMM's shape, height and width in metres (width 0 for round ones), n."""

    shape: npt.NDArray[np.object_]
    height: Floats
    width: Floats
    roughness: Floats
    size_assumed: Mask


@dataclass(frozen=True, slots=True)
class Flows:
    """Of each node, m³/s: dry weather flow of its users, and a constant base inflow."""

    dry: Floats
    base: Floats


def find_sections(part: Part, assumed: Assumptions) -> Sections:
    """Sections as recorded, else of neighbours, else by the system; roughness by material."""
    pipes = part.pipes
    diameter, width, height = (
        pipes[name].astype(float).to_numpy() / 1000
        for name in ("diameter_mm", "width_mm", "height_mm")
    )
    shape = pipes["shape"].fillna("circular").to_numpy(dtype=object)
    has_box = np.isfinite(width) & np.isfinite(height)
    round_ = np.isfinite(diameter) & (~has_box | (shape == "circular"))
    egg = (shape == "egg") & (np.isfinite(height) | np.isfinite(diameter))
    box = has_box & ~round_ & ~egg
    size, size_assumed = _fill_sizes(part, diameter, height, round_ | egg | box, assumed)
    replaced = (box & ~np.isin(shape, ("rectangular", "circular"))) | (
        ~box & ~egg & (shape != "circular")
    )
    assumed.add("shape_as_box", pipes, replaced)
    made = np.full(len(pipes), "CIRCULAR", dtype=object)
    made[box], made[egg] = "RECT_CLOSED", "EGG"
    return Sections(
        made,
        np.where(box | egg & np.isfinite(height), height, size),
        np.where(box, width, 0.0),
        _find_roughness(pipes, assumed),
        size_assumed,
    )


def _fill_sizes(
    part: Part, diameter: Floats, height: Floats, known: Mask, assumed: Assumptions
) -> tuple[Floats, Mask]:
    """Diameters in metres, and where they were assumed."""
    size = np.where(np.isfinite(diameter), diameter, height)
    size = np.where(known, size, np.nan)
    largest = np.full(len(part.nodes), np.nan)
    np.fmax.at(largest, part.target, size)
    above = largest[part.source]
    largest = np.full(len(part.nodes), np.nan)
    np.fmax.at(largest, part.source, size)
    near = np.where(np.isfinite(above), above, largest[part.target])
    rules = assumed.rules.size_mm
    default = part.pipes["system"].map(dict(rules)).astype(float).to_numpy() / 1000
    assumed.add("size_of_neighbour", part.pipes, ~known & np.isfinite(near))
    assumed.add("size_default", part.pipes, ~known & ~np.isfinite(near), **rules)
    filled = np.where(known, size, np.where(np.isfinite(near), near, default))
    return filled, ~known


def _find_roughness(pipes: pd.DataFrame, assumed: Assumptions) -> Floats:
    table = dict(assumed.rules.roughness)
    unknown = pipes["material"].isna().to_numpy()
    assumed.add("roughness", pipes, ~unknown)
    assumed.add("roughness_unknown", pipes, unknown, roughness=table["unknown"])
    return np.asarray(pipes["material"].fillna("unknown").map(table), dtype=np.float64)


def find_flows(part: Part, assumed: Assumptions) -> Flows:
    """Dry weather flow of drainage users; a small constant inflow where nothing else would run."""
    figures, users = assumed.rules.figures, part.users
    count = len(part.nodes)
    at = users["node"].to_numpy(dtype=np.intp)
    told = users["discharge_m3_per_day"].to_numpy(dtype=float) / _DAY_S
    people = users["people"].to_numpy(dtype=float)
    by_people = people * figures.discharge_l_per_day / 1000 / _DAY_S
    own = np.where(np.isfinite(told), told, by_people)
    dry = np.zeros(count)
    np.add.at(dry, at, np.nan_to_num(own))
    _note(part, at[~np.isfinite(told) & np.isfinite(people)], "per_person", assumed,
          litres=f"{figures.discharge_l_per_day:g}")  # fmt: skip
    _note(part, at[~np.isfinite(own)], "user_silent", assumed)
    base = np.zeros(count)
    head = np.bincount(part.target, minlength=count) == 0
    rain = np.zeros(count, dtype=bool)
    rain[part.source[part.pipes["system"].isin(_RAIN).to_numpy()]] = True
    for rule, where, litres in (
        ("base_inflow", head & rain, figures.base_inflow_l_per_s),
        ("nominal_inflow", head & ~rain & (dry.sum() == 0), figures.nominal_inflow_l_per_s),
    ):
        base[where] = litres / 1000
        assumed.add(rule, part.nodes, where, litres=f"{litres:g}")
    return Flows(dry, base)


def _note(
    part: Part, numbers: npt.NDArray[np.intp], rule: str, assumed: Assumptions, **facts: object
) -> None:
    where = np.zeros(len(part.nodes), dtype=bool)
    where[numbers] = True
    assumed.add(rule, part.nodes, where, **facts)
