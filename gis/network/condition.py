"""The condition of inspected sewers by CJJ 181-2012: F, G, RI, MI, densities, grades, classes.

Formulas (clause 8.3 for structural defects, 8.4 with G, Y, β and MI for functional ones)::

    S   = (Σ P1 + α Σ P2) / n          mean over all defects, P2 of those near another
    F   = max(S_max, S)
    S_M = (Σ P1 L1 + α Σ P2 L2) / (S L)
    RI  = 0.7 F + 0.1 K + 0.05 E + 0.15 T;  MI = 0.8 G + 0.15 K + 0.05 E

Defects at most 1.0 m apart are one defect with the sum of their scores (at most 10); one is near
where its nearest neighbour is more than 1.0 m and at most 1.5 m away, measured from end to start.
Whole arrays at a time: 100,000 runs take a second. Parameters are of :mod:`condition_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gis.network.condition_rules import (
    Band,
    Category,
    Gate,
    Level,
    Rules,
    Weights,
    find_level,
)

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]
_BEYOND_M = 1e6
"""Longer than any sewer: keeps the chainages of runs apart in one array. Not longer than that:
of the 100,000th run a centimetre has to remain."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A defect seen: where it begins (and ends, if it goes on), metres from the run's start."""

    chainage_m: float
    code: str
    grade: int | None
    end_m: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """An inspected pipe: length (m), diameter (mm) and what the rules ask of its place.

    None is not known: the density has no value without a length; an index without diameter,
    importance or soil is given as the least and the most it can be.
    """

    length_m: float | None
    diameter_mm: float | None
    importance: str | None = None
    soil: str | None = None
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class Clusters:
    """Defects after merging, in order of run and chainage; ``first`` counts rows of ``rows``."""

    rows: Whole
    """Rows of the observations that are computed, sorted."""
    first: Whole
    run: Whole
    start_m: Floats
    end_m: Floats
    total: Floats
    """Sum of the scores, before the cap."""
    score: Floats
    distance_m: Floats
    """To the nearest neighbour; infinite where there is none."""
    near: Flags


@dataclass(frozen=True, slots=True)
class Part:
    """The structural or the functional half, one value for each run."""

    clusters: Clusters
    n_apart: Whole
    n_near: Whole
    mean: Floats
    """S or Y."""
    worst: Floats
    """S_max or Y_max."""
    parameter: Floats
    """F or G."""
    density: Floats
    """S_M or Y_M; NaN without a length, 0 without a defect."""
    grade: Names


@dataclass(frozen=True, slots=True)
class Index:
    """RI or MI, one value for each run: the least and, where something is not known, the most."""

    least: Floats
    most: Floats
    class_least: Names
    class_most: Names


@dataclass(frozen=True, slots=True)
class Levels:
    """K, E and T of each run; NaN where not known."""

    importance: Floats
    diameter: Floats
    soil: Floats


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything computed, arrays with one value for each run."""

    structural: Part
    functional: Part
    levels: Levels
    repair: Index
    maintenance: Index
    method: Names
    scores: Floats = field(repr=False)
    """The score of each observation in the order given; NaN where it is not computed."""


def assess(runs: Sequence[Run], rules: Rules) -> Assessment:
    """Assess every run by the rules; what has no score by them is left out of the figures."""
    table = _Observations.of(runs)
    scores, categories = _score(table, rules)
    length = np.array([_or_nan(r.length_m) for r in runs], dtype=np.float64)
    structural = _assess_part(
        table, np.where(categories == "structural", scores, np.nan), length, rules, "structural"
    )
    functional = _assess_part(
        table, np.where(categories == "functional", scores, np.nan), length, rules, "functional"
    )
    levels = _find_levels(runs, rules)
    repair = _index(structural.parameter, levels, rules, "structural")
    maintenance = _index(functional.parameter, levels, rules, "functional")
    method = _choose_method(repair.least, structural, rules)
    return Assessment(structural, functional, levels, repair, maintenance, method, scores)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


@dataclass(frozen=True, slots=True)
class _Observations:
    """All observations of all runs as columns."""

    count: int
    run: Whole
    start_m: Floats
    end_m: Floats
    code: Names
    grade: Whole

    @classmethod
    def of(cls, runs: Sequence[Run]) -> _Observations:
        """Columns of the runs' observations; a grade that is None is 0."""
        seen = [s for r in runs for s in r.seen]
        start = np.array([s.chainage_m for s in seen], dtype=np.float64)
        end = np.array([_or_nan(s.end_m) for s in seen], dtype=np.float64)
        return cls(
            count=len(runs),
            run=np.repeat(np.arange(len(runs)), [len(r.seen) for r in runs]).astype(np.int64),
            start_m=np.fmin(start, end),
            end_m=np.fmax(start, end),
            code=np.array([s.code for s in seen], dtype=np.str_),
            grade=np.array([s.grade or 0 for s in seen], dtype=np.int64),
        )


def _score(table: _Observations, rules: Rules) -> tuple[Floats, Names]:
    """Score and category of each observation; NaN for what the rules do not compute."""
    codes, place = np.unique(table.code, return_inverse=True)
    most = max(len(d.grade) for d in rules.defect)
    values = np.full((len(codes), most + 1), np.nan)
    categories = np.full(len(codes), "", dtype="<U10")
    for row, code in enumerate(codes.tolist()):
        for grade in range(1, most + 1):
            values[row, grade] = rules.scores.get((code, grade), np.nan)
        if code in rules.defects:
            categories[row] = rules.defects[code].category
    known = np.where((table.grade >= 0) & (table.grade <= most), table.grade, 0)
    return values[place, known], categories[place]


def _assess_part(
    table: _Observations, scores: Floats, length: Floats, rules: Rules, category: Category
) -> Part:
    clusters = _merge(table, scores, rules)
    run, count = clusters.run, table.count
    coefficient = rules.coefficient(category).value
    weighed = clusters.score * np.where(clusters.near, coefficient, 1.0)
    n_near = np.bincount(run[clusters.near], minlength=count)
    n = np.bincount(run, minlength=count)
    mean = _divide(_total(run, weighed, count), n.astype(np.float64))
    worst = np.zeros(count)
    np.maximum.at(worst, run, clusters.score)
    extent = np.maximum(clusters.end_m - clusters.start_m, rules.length.least_m)
    spread = _total(run, weighed * extent, count)
    density = np.where(n == 0, 0.0, _divide(spread, mean * np.where(length > 0, length, np.nan)))
    parameter = _rounded(np.maximum(worst, mean))
    bands = rules.structural_grade if category == "structural" else rules.functional_grade
    return Part(
        clusters,
        n_apart=n - n_near,
        n_near=n_near,
        mean=_rounded(mean),
        worst=worst,
        parameter=parameter,
        density=_rounded(density),
        grade=name_bands(parameter, bands),
    )


def _total(run: Whole, values: Floats, count: int) -> Floats:
    """The sum of the values of each run."""
    return np.bincount(run, weights=values, minlength=count).astype(np.float64)


def _divide(above: Floats, below: Floats) -> Floats:
    """0 where nothing is divided by nothing; NaN where the divisor is not known."""
    return np.divide(above, below, out=np.zeros(len(above)), where=below != 0)


def _rounded(values: Floats) -> Floats:
    """To six digits: limits are compared with what a person would compute, not with binary."""
    rounded: Floats = np.round(values, 6)
    return rounded


def _merge(table: _Observations, scores: Floats, rules: Rules) -> Clusters:
    """One cluster for all defects of a run each at most ``near_m`` from what comes before it."""
    rows = np.flatnonzero(~np.isnan(scores))
    rows = rows[np.lexsort((table.end_m[rows], table.start_m[rows], table.run[rows]))]
    run, start, end = table.run[rows], table.start_m[rows], table.end_m[rows]
    reached = np.maximum.accumulate(end + run * _BEYOND_M) - run * _BEYOND_M
    gap = np.full(len(rows), np.inf)
    same_run = run[1:] == run[:-1]
    # Chainage is read to the centimetre: 2.1 - 1.1 is one metre, whatever binary makes of it.
    gap[1:] = np.where(same_run, np.round(start[1:] - reached[:-1], 4), np.inf)
    first = np.flatnonzero(gap > rules.spacing.near_m)
    total = np.add.reduceat(scores[rows], first) if len(first) else np.zeros(0)
    before = gap[first]
    after = np.append(before[1:], np.inf) if len(first) else before
    distance = np.minimum(before, after)
    return Clusters(
        rows=rows,
        first=first,
        run=run[first],
        start_m=start[first],
        end_m=np.maximum.reduceat(end, first) if len(first) else np.zeros(0),
        total=total,
        score=np.minimum(_rounded(total), rules.merge.cap),
        distance_m=distance,
        near=distance <= rules.spacing.apart_m,
    )


def name_bands(values: Floats, bands: Sequence[Band]) -> Names:
    """The key of the band each value lies in; empty for NaN."""
    names = np.where(np.isnan(values), "", bands[-1].key).astype("<U12")
    for band in reversed(bands[:-1]):
        limit = band.most if band.below is None else band.below
        inside = values <= limit if band.below is None else values < limit
        names[inside] = band.key
    return names


def _find_levels(runs: Sequence[Run], rules: Rules) -> Levels:
    def of(levels: Sequence[Level], words: list[str | None]) -> Floats:
        known = {w: find_level(levels, w) for w in set(words)}
        return np.array([np.nan if (f := known[w]) is None else f.value for w in words])

    diameter = np.array([_or_nan(r.diameter_mm) for r in runs], dtype=np.float64)
    value = np.where(np.isnan(diameter), np.nan, 0.0)
    for level in rules.diameter:
        over = diameter >= level.over_mm if level.included else diameter > level.over_mm
        value[over] = level.value
    return Levels(
        importance=of(rules.importance, [r.importance for r in runs]),
        diameter=value,
        soil=of(rules.soil, [r.soil for r in runs]),
    )


def _index(parameter: Floats, levels: Levels, rules: Rules, category: Category) -> Index:
    is_structural = category == "structural"
    weights = rules.weights.repair if is_structural else rules.weights.maintenance
    bands = rules.repair_class if is_structural else rules.maintenance_class
    least = _sum_up(
        parameter, levels, weights, _gate(rules.gate, category), Levels(*_zeros(levels))
    )
    most = _sum_up(parameter, levels, weights, _gate(rules.gate, category), _highest(rules, levels))
    return Index(least, most, name_bands(least, bands), name_bands(most, bands))


def _gate(gate: Gate, category: Category) -> float:
    return gate.structural if category == "structural" else gate.functional


def _zeros(levels: Levels) -> tuple[Floats, Floats, Floats]:
    zero = np.zeros(len(levels.soil))
    return zero, zero, zero


def _highest(rules: Rules, levels: Levels) -> Levels:
    tables = (rules.importance, rules.diameter, rules.soil)
    highest = (max(level.value for level in table) for table in tables)
    return Levels(*(np.full(len(levels.soil), value) for value in highest))


def _sum_up(
    parameter: Floats, levels: Levels, weights: Weights, gate: float, unknown: Levels
) -> Floats:
    """The index with ``unknown`` in the place of what is not known."""
    importance = np.where(np.isnan(levels.importance), unknown.importance, levels.importance)
    diameter = np.where(np.isnan(levels.diameter), unknown.diameter, levels.diameter)
    soil = np.where(np.isnan(levels.soil), unknown.soil, levels.soil)
    total = (
        weights.parameter * parameter
        + np.where(parameter >= gate, weights.importance * importance, 0.0)
        + np.where(parameter >= gate, weights.diameter * diameter, 0.0)
        + np.where(parameter > 0, weights.soil * soil, 0.0)
    )
    return _rounded(total)


def _choose_method(index: Floats, part: Part, rules: Rules) -> Names:
    """none, local or whole; undecided where the density is not known."""
    method = np.where(part.density < rules.method.local_density, "local", "whole").astype("<U9")
    method[np.isnan(part.density)] = "undecided"
    is_slight = (index <= rules.method.plan_ri) & (part.parameter <= rules.method.none_f)
    method[(index <= rules.method.none_ri) | is_slight] = "none"
    return method
