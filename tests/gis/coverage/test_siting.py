"""Sites: the best choice is the one every other choice was tried against."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import shapely

from gis.coverage.admit import Bools
from gis.coverage.siting import (
    MAX_CANDIDATES,
    Plan,
    Problem,
    choose_exactly,
    choose_greedily,
    pairs_by_line,
)
from gis.coverage.travel import Pairs
from gis.errors import InputError
from tests.gis.coverage.towns import facilities, frame, grid_places


def random_problem(seed: int, places: int = 40, sites: int = 9) -> Problem:
    chance = np.random.default_rng(seed)
    homes = frame(shapely.points(chance.random((places, 2)) * 1000), people=[1.0] * places)
    land = frame(shapely.points(chance.random((sites, 2)) * 1000))
    people = chance.integers(0, 50, places).astype(float)
    people[chance.random(places) < 0.1] = np.nan
    served = chance.random(places) < 0.2
    return Problem(
        pairs_by_line(homes, land, 250.0), people, served,
        chance.choice(["a", "b", "c"], places).astype(object),
        chance.random(sites) * 1e6,
    )  # fmt: skip


def covered_by(problem: Problem, sites: tuple[int, ...]) -> Bools:
    reached = problem.served.copy()
    reached[problem.pairs.place[np.isin(problem.pairs.facility, sites)]] = True
    return reached


def brute(problem: Problem, count: int, floor: float) -> float | None:
    """The most people any choice serves; None where no choice keeps the floor."""
    assert problem.township is not None
    people, best = problem.weights, None
    for sites in combinations(range(problem.pairs.facilities), count):
        reached = covered_by(problem, sites)
        fair = all(
            people[reached & (problem.township == t)].sum()
            >= floor * people[problem.township == t].sum() - 1e-9
            for t in set(problem.township)
        )
        value = float(people[reached].sum())
        if fair and (best is None or value > best):
            best = value
    return best


def check(problem: Problem, plan: Plan) -> None:
    people = problem.weights
    reached = covered_by(problem, tuple(plan.sites))
    assert plan.before == pytest.approx(people[problem.served].sum())
    assert plan.after == pytest.approx(people[reached].sum())
    assert plan.added.sum() == pytest.approx(plan.after - plan.before)
    assert plan.after <= plan.bound + 1e-6


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_exact_choice_is_the_best_of_all_and_the_greedy_one_is_bounded(
    seed: int, count: int
) -> None:
    problem = random_problem(seed)
    best = brute(problem, count, 0.0)
    exact, greedy = choose_exactly(problem, count), choose_greedily(problem, count)
    assert exact.after == pytest.approx(best)
    assert exact.is_proven
    assert best is not None
    assert greedy.after - greedy.before >= 0.63 * (best - greedy.before) - 1e-9
    assert greedy.bound >= best - 1e-9
    for plan in (exact, greedy):
        check(problem, plan)


@pytest.mark.parametrize("seed", range(6))
def test_a_floor_gives_every_township_its_part_or_is_refused(seed: int) -> None:
    problem = random_problem(seed)
    for floor in (0.3, 0.5, 0.7):
        best = brute(problem, 3, floor)
        if best is None:
            with pytest.raises(InputError, match="every township"):
                choose_exactly(problem, 3, floor=floor)
            continue
        plan = choose_exactly(problem, 3, floor=floor)
        assert plan.after == pytest.approx(best)
        assert all(after >= floor - 1e-9 for _, after in plan.townships.values())
        check(problem, plan)


def test_existing_facilities_stay_and_their_people_are_not_won_twice() -> None:
    pairs = Pairs(np.array([0, 1, 2]), np.array([0, 0, 1]), np.zeros(3), 3, 2)
    problem = Problem(pairs, np.array([100.0, 1, 5]), np.array([True, False, False]))
    plan = choose_exactly(problem, 1)
    assert plan.sites.tolist() == [1]
    assert (plan.before, plan.after) == (100, 105)


def test_a_site_at_the_door_costs_nothing_to_reach_and_counts() -> None:
    pairs = pairs_by_line(grid_places(), facilities((0, 0)), 1.0)
    assert pairs.cost.tolist() == [0.0]
    assert (
        choose_greedily(Problem(pairs, np.full(25, 10.0), np.zeros(25, dtype=bool)), 1).after == 10
    )


def test_cost_is_per_newly_served_person() -> None:
    pairs = Pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), np.zeros(3), 2, 3)
    problem = Problem(
        pairs, np.array([30.0, 10.0]), np.array([False, False]),
        cost_yuan=np.array([8000.0, 10.0, np.nan]),
    )  # fmt: skip
    plan = choose_greedily(problem, 3)
    assert plan.sites.tolist() == [0]
    assert plan.cost_per_person.tolist() == [200.0]


def test_a_million_candidates_are_refused_with_what_to_do() -> None:
    pairs = Pairs(np.array([0]), np.array([0]), np.zeros(1), 1, 1_000_000)
    with pytest.raises(InputError, match="thin them first") as refused:
        Problem(pairs, np.ones(1), np.zeros(1, dtype=bool))
    assert refused.value.facts["limit"] == MAX_CANDIDATES
    assert "先" in refused.value.message.zh
    homes = grid_places()
    many = frame(shapely.points(np.zeros((MAX_CANDIDATES + 1, 2))))
    with pytest.raises(InputError, match="thin them first"):
        pairs_by_line(homes, many, 100.0)


def test_a_wrong_number_of_sites_or_floor_is_refused() -> None:
    problem = random_problem(1)
    for sites in (0, 10):
        with pytest.raises(InputError, match="number of new sites"):
            choose_exactly(problem, sites)
    with pytest.raises(InputError, match="between 0 and 1"):
        choose_greedily(problem, 2, floor=85)


def test_a_plan_cut_short_says_how_far_it_may_be_from_the_best() -> None:
    chance = np.random.default_rng(5)
    homes = frame(shapely.points(chance.random((1500, 2)) * 10_000), people=[1.0] * 1500)
    land = frame(shapely.points(chance.random((300, 2)) * 10_000))
    problem = Problem(
        pairs_by_line(homes, land, 900.0), chance.integers(1, 99, 1500).astype(float),
        np.zeros(1500, dtype=bool),
    )  # fmt: skip
    short = choose_exactly(problem, 12, seconds=0.05)
    greedy = choose_greedily(problem, 12)
    assert short.after >= greedy.after
    assert 0 <= short.gap < 0.3
    assert 0 < greedy.gap < 0.3
