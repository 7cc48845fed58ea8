"""Where to build next: new sites that reach the most people, at once and then with proof.

Existing facilities stay. Greedy answers at once; the optimum of the maximal covering problem (MCLP,
Church & ReVelle 1974) is a sparse integer programme solved by HiGHS inside scipy with a time
limit, and the plan says how far it can be from the optimum. A floor gives every township its part.
Amounts are people and yuan; pairs come from :mod:`gis.coverage.travel` or :func:`pairs_by_line`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

from gis.coverage.admit import (
    Bools,
    Floats,
    Frame,
    Ints,
    add_up,
    admit_amounts,
    admit_fraction,
    admit_frame,
    admit_people,
    admit_positive,
)
from gis.coverage.rates import stand_points
from gis.coverage.refusals import refuse
from gis.coverage.travel import MAX_PAIRS, Pairs

MAX_CANDIDATES = 20_000
PROVEN = 1e-6
"""Relative gap from which on a plan is called the optimum."""
ROUNDING = 1e-9


def admit_candidates(count: int) -> None:
    """Refuse what no solver should be asked: thin candidates first."""
    if count > MAX_CANDIDATES:
        raise refuse("candidates", count=count, limit=MAX_CANDIDATES)


def pairs_by_line(places: Frame, candidates: Frame, radius_m: float) -> Pairs:
    """Places within the radius of a candidate's boundary, in a straight line; metres."""
    admit_candidates(len(candidates))
    admit_frame(places, "人口 places")
    admit_frame(candidates, "候选点 candidates", like=places)
    admit_positive(radius_m, "半径 radius_m")
    points = stand_points(places.geometry.to_numpy())
    shapes = candidates.geometry.to_numpy()
    tree = shapely.STRtree(points)
    site, place = tree.query(shapes, predicate="dwithin", distance=radius_m)
    if len(site) > MAX_PAIRS:
        raise refuse("pairs", count=len(site), limit=MAX_PAIRS)
    cost = shapely.distance(shapes[site], points[place])
    return Pairs(place.astype(np.int64), site.astype(np.int64), cost, len(points), len(shapes))


@dataclass(frozen=True, slots=True)
class Problem:
    """What can be reached from where, who is served already, and what must hold."""

    pairs: Pairs
    """Places and candidates within the limit of each other."""
    people: Floats
    """Per place; NaN: unknown, counts nowhere."""
    served: Bools
    """By existing facilities, which stay."""
    township: npt.NDArray[np.object_] | None = None
    cost_yuan: Floats | None = None
    """Per candidate; NaN where not known."""

    def __post_init__(self) -> None:
        admit_candidates(self.pairs.facilities)
        if self.pairs.facilities == 0:
            raise refuse("rows", name="候选点 candidates")
        admit_people(self.people, "人口 people", self.pairs.places)
        if len(self.served) != self.pairs.places:
            raise refuse("lengths", name="served", wanted=self.pairs.places, count=len(self.served))
        if self.township is not None and len(self.township) != self.pairs.places:
            raise refuse(
                "lengths", name="township", wanted=self.pairs.places, count=len(self.township)
            )
        if self.cost_yuan is not None:
            admit_amounts(self.cost_yuan, "造价 cost_yuan", self.pairs.facilities)

    @property
    def weights(self) -> Floats:
        """Known people per place."""
        return np.where(np.isnan(self.people), 0.0, self.people)


@dataclass(frozen=True, slots=True)
class Plan:
    """Chosen sites, in order of the people each adds."""

    sites: Ints
    added: Floats
    """People each site adds to those before it."""
    cost_per_person: Floats
    """Yuan per newly served person of each site; NaN where the cost is not known."""
    before: float
    """People served by existing facilities."""
    after: float
    bound: float
    """No choice of as many sites serves more people."""
    townships: dict[str, tuple[float, float]]
    """Share served before and after, per township."""
    method: str
    seconds: float

    @property
    def gap(self) -> float:
        """How far the plan can be from the optimum, relative to it; 0 is proven best."""
        room = self.bound - self.after
        return max(0.0, room / self.bound) if self.bound > 0 else 0.0

    @property
    def is_proven(self) -> bool:
        """Whether no other choice can be better."""
        return self.gap <= PROVEN


@dataclass(frozen=True, slots=True)
class _Model:
    """Places still to serve, those alike as one: matrix group x candidate, people, township."""

    matrix: csr_array
    people: Floats
    town: Ints
    names: tuple[str, ...]
    total: Floats
    """People per township."""
    have: Floats
    """Of them served already."""


def choose_greedily(problem: Problem, sites: int, *, floor: float = 0.0) -> Plan:
    """The site that adds most people, again and again; townships below ``floor`` come first.

    Of sites that add alike the first candidate is taken. The bound is what is served plus the
    largest additions still open, which no plan can exceed (Nemhauser, Wolsey & Fisher 1978).
    Without a floor at least 63 % of the optimum is reached.
    """
    began = time.monotonic()
    _admit_choice(problem, sites, floor)
    model = _build(problem)
    chosen = _greedy(model, sites, floor)
    bound = _submodular_bound(model, chosen, sites)
    return _describe(problem, model, chosen, bound, "greedy", time.monotonic() - began)


def choose_exactly(
    problem: Problem, sites: int, *, floor: float = 0.0, seconds: float = 30.0
) -> Plan:
    """The best choice, or the best found in ``seconds`` with the gap that is left.

    ``floor`` is the share of its people every township must have served. InputError where no
    choice can give it, or none was found in time.
    """
    began = time.monotonic()
    _admit_choice(problem, sites, floor)
    admit_positive(seconds, "时限 seconds")
    model = _build(problem)
    greedy = _greedy(model, sites, floor)
    answer = _solve(model, sites, floor, seconds)
    if answer.status == 2:
        raise refuse("floor", sites=sites, floor=f"{floor:.0%}")
    chosen = greedy
    value = _value(model, greedy) if _keeps_floor(model, greedy, floor) else -1.0
    if answer.x is not None:
        found = np.flatnonzero(answer.x[: model.matrix.shape[1]] > 0.5)
        if _value(model, found) > value:
            chosen, value = found, _value(model, found)
    if value < 0:
        raise refuse("time_limit", seconds=seconds)
    bound = -float(answer.mip_dual_bound) if answer.mip_dual_bound is not None else np.inf
    bound = max(min(bound, _submodular_bound(model, greedy, sites)), value)
    return _describe(problem, model, chosen, bound, "exact", time.monotonic() - began)


def _submodular_bound(model: _Model, chosen: Ints, sites: int) -> float:
    """The least, over the steps of the choice, of its value and the largest gains beyond it."""
    bound = float(model.people.sum())
    for count in range(len(chosen) + 1):
        covered = np.zeros(len(model.people), dtype=bool)
        if count:
            covered = _covered(model, chosen[:count])
        gains = np.sort(model.matrix.T @ np.where(covered, 0.0, model.people))[::-1]
        bound = min(bound, float(model.people[covered].sum() + gains[:sites].sum()))
    return bound


def _admit_choice(problem: Problem, sites: int, floor: float) -> None:
    if not 1 <= sites <= problem.pairs.facilities:
        raise refuse("sites", count=sites, limit=problem.pairs.facilities)
    admit_fraction(floor, "保底 floor")


def _build(problem: Problem) -> _Model:
    """Places with the same candidates and township are one, which shrinks the programme."""
    names, town = _townships(problem)
    weights = problem.weights
    total = add_up(town, weights, len(names))
    have = add_up(town, np.where(problem.served, weights, 0.0), len(names))
    pairs = problem.pairs
    kept = ~problem.served[pairs.place] & (weights[pairs.place] > 0)
    place, site = pairs.place[kept], pairs.facility[kept]
    mark = np.random.default_rng(0).integers(0, 2**63, (pairs.facilities, 2), dtype=np.uint64)
    marks = np.zeros((pairs.places, 3), dtype=np.uint64)
    for column in (0, 1):  # equal sets of candidates have equal sums; others by a chance of 2^-126
        np.add.at(marks[:, column], place, mark[site, column])
    marks[:, 2] = town
    reached = np.unique(place)
    _, first, group = np.unique(marks[reached], axis=0, return_index=True, return_inverse=True)
    number = np.full(pairs.places, -1, dtype=np.int64)
    number[reached] = group.ravel()
    leads = np.zeros(pairs.places, dtype=bool)
    leads[reached[first]] = True
    of_lead = leads[place]
    rows, columns = number[place[of_lead]], site[of_lead]
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(first), pairs.facilities))
    matrix.data[:] = 1.0
    people = add_up(group.ravel(), weights[reached], len(first))
    return _Model(matrix, people, town[reached[first]], names, total, have)


def _townships(problem: Problem) -> tuple[tuple[str, ...], Ints]:
    if problem.township is None:
        return ("",), np.zeros(problem.pairs.places, dtype=np.int64)
    names, town = np.unique(problem.township.astype(str), return_inverse=True)
    return tuple(str(n) for n in names), town.ravel().astype(np.int64)


def _lacking(model: _Model, covered: Bools, floor: float) -> Floats:
    """People each township still lacks to its floor."""
    served = model.have + add_up(model.town, model.people * covered, len(model.names))
    return np.maximum(floor * model.total * (1 - ROUNDING) - served, 0.0)


def _greedy(model: _Model, sites: int, floor: float) -> Ints:
    covered = np.zeros(len(model.people), dtype=bool)
    chosen: list[int] = []
    for _ in range(sites):
        left = np.where(covered, 0.0, model.people)
        poor = _lacking(model, covered, floor) > 0
        urgent = model.matrix.T @ np.where(poor[model.town], left, 0.0)
        gains = urgent if urgent.max(initial=0.0) > 0 else model.matrix.T @ left
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        chosen.append(best)
        covered |= (model.matrix[:, [best]].toarray() > 0).ravel()
    return np.array(chosen, dtype=np.int64)


def _covered(model: _Model, sites: Ints) -> Bools:
    reached: Bools = np.asarray(model.matrix[:, sites].sum(axis=1)).ravel() > 0
    return reached


def _value(model: _Model, sites: Ints) -> float:
    return float(model.people[_covered(model, sites)].sum()) if len(sites) else 0.0


def _keeps_floor(model: _Model, sites: Ints, floor: float) -> bool:
    covered = _covered(model, sites) if len(sites) else np.zeros(len(model.people), dtype=bool)
    return not bool((_lacking(model, covered, floor) > 0).any())


def _solve(model: _Model, sites: int, floor: float, seconds: float) -> _Answer:
    """max sum people y, y <= A x, sum x <= sites, townships at their floor; x whole, y in 0..1."""
    groups, candidates = model.matrix.shape
    count = candidates + groups
    reach = LinearConstraint(hstack([-model.matrix, eye_array(groups)], format="csr"), ub=0.0)
    number = csr_array((np.ones(candidates), (np.zeros(candidates), np.arange(candidates))),
                       shape=(1, count))  # fmt: skip
    rules = [reach, LinearConstraint(number, ub=float(sites))]
    need = floor * model.total * (1 - ROUNDING) - model.have
    if (need > 0).any():
        rows = csr_array(
            (model.people, (model.town, candidates + np.arange(groups))),
            shape=(len(model.names), count),
        )
        rules.append(LinearConstraint(rows, lb=np.where(need > 0, need, 0.0)))
    answer: _Answer = milp(
        np.concatenate([np.zeros(candidates), -model.people]),
        integrality=np.concatenate([np.ones(candidates), np.zeros(groups)]),
        bounds=Bounds(0, 1),
        constraints=rules,
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    return answer


class _Answer:
    """What scipy's milp gives back (its own type has no annotations)."""

    status: int
    x: Floats | None
    mip_dual_bound: float | None


def _describe(
    problem: Problem, model: _Model, chosen: Ints, bound: float, method: str, seconds: float
) -> Plan:
    """The plan with its sites in greedy order among themselves."""
    order, added = _rank(model, chosen)
    covered = _covered(model, order) if len(order) else np.zeros(len(model.people), dtype=bool)
    gained = add_up(model.town, model.people * covered, len(model.names))
    cost = np.full(len(order), np.nan)
    if problem.cost_yuan is not None:
        cost = problem.cost_yuan[order]
    total = np.where(model.total > 0, model.total, np.nan)
    shares = zip(model.have / total, (model.have + gained) / total, strict=True)
    before = float(model.have.sum())
    return Plan(
        order, added, cost / np.where(added > 0, added, np.nan), before,
        before + float(added.sum()), before + bound,
        {n: (float(a), float(b)) for n, (a, b) in zip(model.names, shares, strict=True)},
        method, seconds,
    )  # fmt: skip


def _rank(model: _Model, chosen: Ints) -> tuple[Ints, Floats]:
    left, order, added = model.people.copy(), list[int](), list[float]()
    waiting = sorted(int(c) for c in chosen)
    while waiting:
        gains = model.matrix[:, waiting].T @ left
        best = int(np.argmax(gains))
        site = waiting.pop(best)
        order.append(site)
        added.append(float(gains[best]))
        left[(model.matrix[:, [site]].toarray() > 0).ravel()] = 0.0
    return np.array(order, dtype=np.int64), np.array(added)
