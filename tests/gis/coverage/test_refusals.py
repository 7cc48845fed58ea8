"""Bad input is refused in both languages, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.coverage import refusals
from gis.coverage.admit import admit_period, facilities_open
from gis.coverage.areas import qualify, service_areas
from gis.coverage.comparison import compare_rates
from gis.coverage.density import find_hot_spots, line_density
from gis.coverage.entries import snap_facilities, snap_places
from gis.coverage.gaps import find_gaps
from gis.coverage.network_service import serve_along_roads
from gis.coverage.population import assign_people
from gis.coverage.rates import Border, land_rate, people_euclid_rate
from gis.coverage.roads import DRIVING, build_network
from gis.coverage.rulesets import load_ruleset
from gis.coverage.travel import pairs_within
from gis.errors import InputError, NotFoundError
from gis.geometry import TILE_SRID, WGS84_SRID
from tests.gis.coverage.towns import (
    facilities,
    frame,
    grid_lots,
    grid_places,
    grid_streets,
    whole,
)

PLACES, OFFICE, STREETS = grid_places(), facilities((0, 0)), grid_streets()
BASE = Border(whole())
NONE = np.zeros(25, dtype=bool)
CASES: dict[str, tuple[str, Callable[[], object]]] = {
    "no places": ("rows", lambda: people_euclid_rate(PLACES[:0], OFFICE, BASE)),
    "no facilities": ("rows", lambda: people_euclid_rate(PLACES, OFFICE[:0], BASE)),
    "no people column": (
        "column", lambda: people_euclid_rate(PLACES.drop(columns="people"), OFFICE, BASE),
    ),
    "all people unknown": (
        "no_people", lambda: people_euclid_rate(PLACES.assign(people=np.nan), OFFICE, BASE),
    ),
    "nobody": ("no_people", lambda: people_euclid_rate(PLACES.assign(people=0.0), OFFICE, BASE)),
    "nobody inside the base": (
        "no_people",
        lambda: people_euclid_rate(
            PLACES, facilities((9e3, 0)), Border(shapely.box(9e3, 0, 1e4, 9))),
    ),
    "negative people": (
        "negative", lambda: people_euclid_rate(PLACES.assign(people=-1.0), OFFICE, BASE),
    ),
    "infinite people": ("negative", lambda: assign_people(grid_lots().assign(people=np.inf))),
    "degrees": (
        "crs", lambda: people_euclid_rate(PLACES.set_crs(WGS84_SRID, allow_override=True),
                                          OFFICE, BASE),
    ),
    "a plane for tiles": (
        "crs", lambda: people_euclid_rate(PLACES.set_crs(TILE_SRID, allow_override=True),
                                          OFFICE, BASE),
    ),
    "a day in words": (
        "date", lambda: facilities_open(OFFICE.assign(closed_on="2020-01-01"), date(2025, 1, 1)),
    ),
    "gaps of another list": (
        "lengths",
        lambda: find_gaps(grid_lots().geometry.to_numpy(), PLACES, NONE[:3], OFFICE,
                          min_area_m2=1.0, radius_m=100.0),
    ),
    "no crs": ("crs", lambda: service_areas(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]), 9.0)),
    "another zone": (
        "crs_differs",
        lambda: people_euclid_rate(PLACES, OFFICE.set_crs(4549, allow_override=True), BASE),
    ),
    "invalid lot": (
        "geometry",
        lambda: land_rate(
            frame([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])]), OFFICE, BASE),
    ),
    "radius 0": ("radius", lambda: people_euclid_rate(PLACES, OFFICE.assign(radius_m=0.0), BASE)),
    "facilities far outside": (
        "facilities_outside", lambda: people_euclid_rate(PLACES, facilities((9e5, 9e5)), BASE),
    ),
    "no land inside": (
        "no_land",
        lambda: land_rate(frame([shapely.box(800, 0, 900, 9)]), facilities((0, 0)), BASE),
    ),
    "overlapping lots": (
        "overlap", lambda: land_rate(frame([whole(), whole()]), OFFICE, BASE),
    ),
    "overlapping areas": ("overlap", lambda: line_density(STREETS, frame([whole(), whole()]))),
    "no road": ("rows", lambda: build_network(STREETS[:0])),
    "every road closed": ("no_network", lambda: build_network(STREETS.assign(closed=True))),
    "roads of no length": (
        "geometry", lambda: build_network(frame([shapely.LineString([(0, 0), (0, 0)])])),
    ),
    "roads as points": ("geometry", lambda: build_network(PLACES)),
    "road speed 0": (
        "positive", lambda: build_network(STREETS.assign(speed_m_per_s=0.0), DRIVING),
    ),
    "everybody far from roads": (
        "no_entry",
        lambda: snap_places(frame(shapely.points([(9e4, 0.0)])), build_network(STREETS)),
    ),
    "every facility far from roads": (
        "no_entry", lambda: snap_facilities(facilities((9e4, 0)), build_network(STREETS)),
    ),
    "an id twice": (
        "ids", lambda: people_euclid_rate(PLACES.assign(id="x"), OFFICE, BASE),
    ),
    "an id missing": (
        "ids", lambda: qualify(frame([whole()], id=[None]), load_ruleset("county-old")),
    ),
    "closed before opened": (
        "period",
        lambda: facilities_open(
            OFFICE.assign(opened_on=[date(2025, 1, 1)], closed_on=[date(2024, 1, 1)]),
            date(2025, 6, 1),
        ),
    ),
    "a period turned round": ("period", lambda: admit_period(date(2025, 1, 2), date(2025, 1, 1))),
    "flags of other rows": (
        "lengths",
        lambda: find_hot_spots(grid_lots(), np.zeros(3), band_m=100),
    ),
    "a limit of 0": (
        "positive",
        lambda: pairs_within(
            n := build_network(STREETS), snap_places(PLACES, n), snap_facilities(OFFICE, n), 0.0),
    ),
    "gaps of radius 0": (
        "positive",
        lambda: find_gaps(
            np.array([whole()]), PLACES, NONE, OFFICE, min_area_m2=1, radius_m=0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_by_its_rule(name: str) -> None:
    rule, work = CASES[name]
    with pytest.raises(InputError) as refused:
        work()
    assert refused.value.facts["rule"] == rule
    assert re.search(r"[一-鿿]", refused.value.message.zh)
    assert "{" not in refused.value.message.zh + refused.value.message.en


def test_every_reason_says_the_same_facts_in_both_languages() -> None:
    for rule, text in refusals.rules().items():
        facts = [set(re.findall(r"\{(\w+)", words)) for words in (text.zh, text.en)]
        assert facts[0] == facts[1], rule
        assert re.search(r"[::,]|须|应|不", text.zh), rule


def test_islands_are_computed_and_said_rather_than_refused() -> None:
    island = frame([*STREETS.geometry, shapely.LineString([(5000, 0), (5100, 0)])])
    done = compare_rates(load_ruleset("circle-15min"), PLACES, OFFICE, build_network(island), BASE)
    assert done.audit["islands"] == 1
    assert done.audit["island_km"] == pytest.approx(0.1)


def test_what_is_given_is_not_changed() -> None:
    places, streets, lots = grid_places(), grid_streets(), grid_lots()
    copies = [f.copy(deep=True) for f in (places, streets, lots)]
    compare_rates(
        load_ruleset("tijian-2021"), places, OFFICE, build_network(streets), BASE, land=lots
    )
    serve_along_roads(build_network(streets), places, OFFICE)
    for given, copy in zip((places, streets, lots), copies, strict=True):
        assert given.equals(copy)


def test_a_day_takes_the_facilities_open_on_it() -> None:
    some = facilities((0, 0), (1, 0), (2, 0)).assign(
        opened_on=[date(2024, 1, 1), None, date(2025, 7, 1)],
        closed_on=[date(2025, 1, 1), None, None],
    )
    assert facilities_open(some, date(2024, 12, 31))["id"].tolist() == ["f0", "f1"]
    assert facilities_open(some, date(2025, 1, 1))["id"].tolist() == ["f1"]
    assert facilities_open(some, date(2025, 7, 1))["id"].tolist() == ["f1", "f2"]


def test_people_and_gates_at_points_of_several_parts_are_where_they_are() -> None:
    """A one-part multipoint is its point; a facility of several is entered at each."""
    network, several = build_network(STREETS), PLACES.copy()
    several.geometry = [shapely.MultiPoint([point]) for point in PLACES.geometry]
    plain, same = (people_euclid_rate(p, OFFICE, BASE) for p in (PLACES, several))
    assert (same.numerator, same.denominator) == (plain.numerator, plain.denominator)
    assert snap_places(several, network).along_m == pytest.approx(
        snap_places(PLACES, network).along_m
    )
    gates = facilities((0, 0))
    gates.geometry = [shapely.MultiPoint([(50, 0), (350, 0)])]
    assert snap_facilities(gates, network).owner.tolist() == [0, 0]


def test_where_nobody_is_known_the_steps_are_unknown_too() -> None:
    """Nobody is served, and the end of knowledge is near to all of them."""
    far = PLACES[PLACES.geometry.x > 100]
    office, edge = facilities((-250, 0), radius_m=260.0), Border(whole(), known=whole())
    done = compare_rates(load_ruleset("circle-15min"), far, office, build_network(STREETS), edge)
    assert done.rates["people_euclid"].denominator == 0
    assert all(np.isnan(step.change) for step in done.steps)


def test_a_target_there_is_not_and_a_rate_without_its_land_are_refused() -> None:
    rules = load_ruleset("yuanlin-2022")
    with pytest.raises(NotFoundError):
        rules.find_target("eco_garden")
    done = compare_rates(load_ruleset("tijian-2021"), PLACES, OFFICE, build_network(STREETS), BASE)
    with pytest.raises(InputError) as refused:
        _ = done.official
    assert refused.value.facts["rule"] == "no_land"
