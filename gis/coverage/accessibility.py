"""Accessibility scores: two-step floating catchments (2SFCA, E2SFCA), with supply conserved.

A_i = sum_j W_ij S_j / sum_k P_k W_kj (Luo & Wang 2003; weights by zone: Luo & Qi 2009). 3SFCA is
left out: its maintainers elsewhere advise against it. A place with no facility in reach scores 0,
not "missing", so a mean does not skip the worst served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gis.coverage.admit import Bools, Floats, admit_amounts, admit_people, admit_positive
from gis.coverage.refusals import refuse
from gis.coverage.travel import Pairs


@dataclass(frozen=True, slots=True)
class Accessibility:
    """Scores per place, in units of supply per person."""

    score: Floats
    """0 where no facility is in reach."""
    ratio: Floats
    """Supply per weighted person of each facility; NaN where nobody is in its reach (idle)."""
    idle: Bools
    people: Floats
    """As counted: NaN where not known."""

    @property
    def mean(self) -> float:
        """Mean score of the known people, the unserved included."""
        known = ~np.isnan(self.people)
        return float((self.score[known] * self.people[known]).sum() / self.people[known].sum())


def two_step(pairs: Pairs, people: Floats, supply: Floats, *, limit: float) -> Accessibility:
    """2SFCA: everything within ``limit`` (the measure of the pairs) counts alike."""
    return enhanced_two_step(pairs, people, supply, zones=[(limit, 1.0)])


def enhanced_two_step(
    pairs: Pairs, people: Floats, supply: Floats, *, zones: Sequence[tuple[float, float]]
) -> Accessibility:
    """E2SFCA: ``zones`` are (cost up to, weight), rising in cost and not rising in weight.

    ``people`` per place (NaN: unknown, competes with nobody), ``supply`` per facility. Summed over
    people the scores give back the supply of all facilities that are not idle.
    """
    counted = admit_people(people, "人口 people", pairs.places)
    offered = admit_amounts(supply, "供给 supply", pairs.facilities)
    weights = _weigh(pairs.cost, zones)
    shape = (pairs.places, pairs.facilities)
    matrix = csr_array((weights, (pairs.place, pairs.facility)), shape=shape)
    demand = matrix.T @ np.where(np.isnan(counted), 0.0, counted)
    idle = demand <= 0
    ratio = np.full(pairs.facilities, np.nan)
    ratio[~idle] = offered[~idle] / demand[~idle]
    score = matrix @ np.where(np.isnan(ratio), 0.0, ratio)
    return Accessibility(np.asarray(score), ratio, idle, counted)


def _weigh(cost: Floats, zones: Sequence[tuple[float, float]]) -> Floats:
    limits = np.array([admit_positive(limit, "圈层 zone") for limit, _ in zones])
    weights = np.array([admit_positive(weight, "权重 weight") for _, weight in zones])
    if not len(limits) or (np.diff(limits) <= 0).any() or (np.diff(weights) > 0).any():
        raise refuse("range", name="圈层 zones", low=list(limits), high=list(weights))
    at = np.searchsorted(limits, cost, side="left")
    found: Floats = np.append(weights, 0.0)[at]
    return found
