"""Rates solved by hand on the 5 x 5 grid, what is missing beside what is not served, verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from gis.coverage.comparison import compare_rates
from gis.coverage.network_service import serve_along_roads
from gis.coverage.rates import (
    Border,
    Verdict,
    judge,
    land_rate,
    people_euclid_rate,
    people_rate,
)
from gis.coverage.roads import build_network
from gis.coverage.rulesets import Target, load_ruleset
from gis.errors import InputError
from tests.gis.coverage.towns import (
    facilities,
    frame,
    grid_lots,
    grid_places,
    grid_streets,
    whole,
)

STRIP = shapely.box(0, 0, 100, 400)


def target(percent: float, comparison: str = ">=") -> Target:
    return Target.model_validate(
        {"key": "t", "zh": "目标", "en": "target", "percent": percent, "comparison": comparison,
         "clause": "test", "mark": "memory"}
    )  # fmt: skip


def test_half_of_the_land_is_served_by_the_strip() -> None:
    rate = land_rate(grid_lots(), frame([STRIP], radius_m=[100.0]), Border(whole()))
    assert (rate.numerator, rate.denominator) == pytest.approx((80_000, 160_000))
    assert rate.share == pytest.approx(0.5)
    assert sorted(rate.rows["served"]) == sorted(f"lot{k}" for k in range(8))
    assert len(rate.rows["not_served"]) == 8
    assert rate.bounds == pytest.approx((0.5, 0.5))


def test_five_eighths_at_150_metres_with_a_column_served_in_part() -> None:
    rate = land_rate(grid_lots(), frame([STRIP], radius_m=[150.0]), Border(whole()))
    assert rate.share == pytest.approx(0.625)
    assert sorted(rate.rows["partly"]) == [f"lot{k}" for k in (10, 11, 8, 9)]


def test_land_is_cut_to_the_base() -> None:
    base = shapely.box(0, 0, 250, 400)
    rate = land_rate(grid_lots(), frame([STRIP], radius_m=[100.0]), Border(base))
    assert rate.share == pytest.approx(200 / 250)


def test_what_facilities_outside_the_base_alone_serve_is_said() -> None:
    """Ignoring facilities beyond the border lost 34 points on a trial town of ours."""
    strip = frame([shapely.box(-100, 0, -1, 400)], radius_m=[101.0])
    rate = land_rate(grid_lots(), strip, Border(whole()))
    assert rate.share == pytest.approx(0.25)
    assert rate.outside_only == pytest.approx(40_000)
    both = frame([shapely.box(-100, 0, -1, 400), STRIP], radius_m=[101.0, 100.0])
    assert land_rate(grid_lots(), both, Border(whole())).outside_only == pytest.approx(0)


def test_eight_nodes_of_25_in_a_straight_line_and_six_along_the_streets() -> None:
    places, office = grid_places(), facilities((0, 0))
    straight = people_euclid_rate(places, office, Border(whole()))
    assert (straight.numerator, straight.denominator) == (80, 250)
    service = serve_along_roads(build_network(grid_streets()), places, office)
    along = people_rate(
        places, service.served, service.served, Border(whole()), 250.0, key="people_network"
    )
    assert (along.numerator, along.denominator) == (60, 250)
    assert sorted(along.rows["served"]) == ["n0", "n1", "n10", "n2", "n5", "n6"]


def test_the_waterfall_leads_from_the_official_rate_to_that_along_roads() -> None:
    done = compare_rates(
        load_ruleset("tijian-2021"), grid_places(), facilities((0, 0)),
        build_network(grid_streets()), Border(whole()), land=grid_lots(),
    )  # fmt: skip
    quarter = math.pi * 250**2 / 4 / 160_000
    assert done.official.key == "land_euclid"
    assert done.official.share == pytest.approx(quarter, rel=5e-4)
    changes = {step.key: step.change for step in done.steps}
    assert changes["weighting"] == pytest.approx(0.32 - quarter, abs=2e-4)
    assert changes["detour"] == pytest.approx(-0.08)
    assert (changes["no_entry"], changes["unreachable"], changes["gained"]) == (0, 0, 0)
    total = done.official.share + sum(changes.values())
    assert total == pytest.approx(done.rates["people_network"].share) == pytest.approx(0.24)
    assert done.verdict() is Verdict.NO_TARGET
    assert done.facts()["rates"]["people_euclid"]["rows"]["served"] == 8


def test_an_island_and_a_place_without_a_road_are_steps_of_their_own() -> None:
    river = frame(shapely.linestrings([[(-50, 150), (450, 150)]]))
    places = grid_places()
    far = frame(
        [*places.geometry, shapely.Point(-180, 0)], id=[*places["id"], "x"], people=[10.0] * 26
    )
    done = compare_rates(
        load_ruleset("circle-15min"), far, facilities((0, 0)),
        build_network(grid_streets(), barriers=river), Border(whole(200)), max_snap_m=100,
    )  # fmt: skip
    # In a line: the eight nodes and the hut. Of them (0,2), (1,2) are across the river.
    steps = {s.key: s.people for s in done.steps}
    assert (steps["unreachable"], steps["no_entry"], steps["detour"]) == (20, 10, 10)
    assert done.audit["places_without_entry"] == 1
    assert done.audit["places_unreachable"] == 15
    assert done.official.key == "people_network"
    changes = sum(s.change for s in done.steps)
    shares = done.rates["people_network"].share - done.rates["people_euclid"].share
    assert changes == pytest.approx(shares)


def test_unserved_near_the_end_of_knowledge_is_missing_not_unserved() -> None:
    places, office = grid_places(), facilities((0, 0))
    rate = people_euclid_rate(places, office, Border(whole(), known=whole()))
    assert (rate.numerator, rate.denominator, rate.missing) == (80, 80, 170)
    assert rate.bounds == pytest.approx((80 / 250, 1.0))
    assert len(rate.rows["unknown_border"]) == 17
    with_halo = people_euclid_rate(places, office, Border(whole(), known=whole(251)))
    assert (with_halo.missing, with_halo.share) == (0, 0.32)
    lots = land_rate(grid_lots(), frame([STRIP], radius_m=[100.0]), Border(whole(), whole(50)))
    # Lots at the outer edge of columns 2 and 3 reach within 100 m of where knowledge ends.
    assert lots.missing == pytest.approx(60_000)


def test_unknown_people_are_in_neither_part_of_the_rate() -> None:
    places = grid_places()
    places.loc[[0, 24], "people"] = np.nan
    rate = people_euclid_rate(places, facilities((0, 0)), Border(whole()))
    assert (rate.numerator, rate.denominator) == (70, 230)
    assert sorted(rate.rows["unknown_people"]) == ["n0", "n24"]


def test_a_rate_is_of_people_and_not_of_points() -> None:
    """spopt's perc_cov reports the share of demand points: 35.70 % where 37.77 % were served."""
    places = frame(shapely.points([(0.0, 0.0), (10.0, 0.0), (900.0, 0.0)]), people=[1.0, 1.0, 98.0])
    rate = people_euclid_rate(places, facilities((0, 0)), Border(whole(1000)))
    assert rate.share == pytest.approx(0.02)


def test_people_outside_the_base_are_left_out() -> None:
    rate = people_euclid_rate(grid_places(), facilities((0, 0)), Border(shapely.box(0, 0, 200, 99)))
    assert (rate.numerator, rate.denominator) == (30, 30)


@pytest.mark.parametrize(
    ("bounds", "percent", "comparison", "verdict"),
    [
        ((0.85, 0.85), 85, ">=", Verdict.MET), ((0.8, 0.8), 80, ">", Verdict.NOT_MET),
        ((0.81, 0.89), 85, ">=", Verdict.CROSSES), ((0.81, 0.85), 85, ">=", Verdict.CROSSES),
        ((0.81, 0.849), 85, ">=", Verdict.NOT_MET), ((0.86, 0.94), 85, ">=", Verdict.MET),
    ],
)  # fmt: skip
def test_a_range_that_crosses_the_target_is_not_met(
    bounds: tuple[float, float], percent: float, comparison: str, verdict: Verdict
) -> None:
    assert judge(bounds, target(percent, comparison)) is verdict
    assert judge(bounds, None) is Verdict.NO_TARGET
    assert verdict.text.zh


def test_overlapping_lots_are_refused_and_no_rate_exceeds_one() -> None:
    """gpd.overlay on undissolved buffers reports 202.5 % of the land."""
    lots = grid_lots()
    twice = frame([*lots.geometry, lots.geometry[0]], id=[*lots["id"], "again"])
    with pytest.raises(InputError, match="count twice"):
        land_rate(twice, frame([STRIP], radius_m=[100.0]), Border(whole()))
    many = frame([STRIP] * 5, radius_m=[1000.0] * 5)
    assert land_rate(lots, many, Border(whole())).share == pytest.approx(1)
    assert land_rate(lots, many, Border(whole())).share <= 1


def test_a_class_limit_in_minutes_is_walked_in_time() -> None:
    office = facilities((0, 0), radius_m=1000.0, minutes=[200 / 60])
    service = serve_along_roads(build_network(grid_streets()), grid_places(), office)
    assert service.served.sum() == 6  # 200 s at 1.0 m/s


def test_a_small_park_near_does_not_hide_a_large_one_in_reach() -> None:
    parks = frame(
        shapely.points([(100.0, 0.0), (400.0, 0.0)]), id=["s", "l"], radius_m=[50.0, 500.0]
    )
    service = serve_along_roads(build_network(grid_streets()), grid_places(), parks)
    assert service.served[0]
    assert service.facility[0] == 1
    assert service.cost[0] == pytest.approx(400)
