"""Straight-line service: from the boundary, by class, every square metre once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from gis.coverage.areas import (
    covered_areas,
    find_served,
    group_parts,
    nearest,
    qualify,
    service_areas,
)
from gis.coverage.rulesets import load_ruleset
from gis.errors import InputError
from tests.gis.coverage.towns import facilities, frame, grid_lots, grid_places


def test_a_strip_serves_two_columns_of_lots_and_half_a_third() -> None:
    strip = np.array([shapely.box(0, 0, 100, 400)])
    lots = grid_lots().geometry.to_numpy()
    assert covered_areas(lots, strip, np.array([100.0])).sum() == pytest.approx(80_000)
    assert covered_areas(lots, strip, np.array([150.0])).sum() == pytest.approx(100_000)


def test_eight_of_25_nodes_lie_within_250_metres_of_the_corner() -> None:
    points = grid_places().geometry.to_numpy()
    served = find_served(points, shapely.points([(0.0, 0.0)]), np.array([250.0]))
    assert served.sum() == 8


def test_a_disc_has_the_area_of_a_circle_to_half_a_thousandth() -> None:
    one = service_areas(facilities((0, 0)), 100.0)
    assert one.area[0] == pytest.approx(math.pi * 100**2, rel=5e-4)


def test_the_radius_begins_at_the_boundary_and_inside_is_served() -> None:
    park = np.array([shapely.box(0, 0, 300, 300)])
    points = shapely.points([(150.0, 150.0), (390.0, 150.0), (410.0, 150.0)])
    assert find_served(points, park, np.array([100.0])).tolist() == [True, True, False]


def test_overlapping_discs_count_once() -> None:
    """gpd.overlay on undissolved discs reports 202.5 % of the land as covered."""
    lots = grid_lots().geometry.to_numpy()
    discs = shapely.points([(200.0, 200.0), (210.0, 200.0), (200.0, 190.0)])
    radii = np.full(3, 5000.0)
    assert covered_areas(lots, discs, radii).sum() == pytest.approx(160_000)
    radii = np.full(3, 120.0)
    union = shapely.union_all(shapely.buffer(discs, radii, quad_segs=32))
    exact = shapely.area(shapely.intersection(lots, union)).sum()
    assert covered_areas(lots, discs, radii).sum() == pytest.approx(exact, rel=1e-12)


def test_dissolved_areas_are_one_polygon_where_they_touch() -> None:
    parks = facilities((0, 0), (150, 0), (1000, 0))
    assert len(service_areas(parks, 100.0, dissolve=True)) == 2
    assert service_areas(parks, 100.0)["id"].tolist() == ["f0", "f1", "f2"]


@pytest.mark.parametrize("radius", [0.0, -5.0, math.nan, math.inf])
def test_a_radius_of_zero_is_refused(radius: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        service_areas(facilities((0, 0)), radius)


def test_of_equally_near_facilities_the_first_is_named() -> None:
    which, apart = nearest(
        shapely.points([(0.0, 0.0)]), shapely.points([(0.0, 10.0), (10.0, 0.0), (99.0, 0.0)])
    )
    assert which.tolist() == [0]
    assert apart.tolist() == [10.0]
    which, apart = nearest(shapely.points([(0.0, 0.0)]), np.empty(0, dtype=object))
    assert which.tolist() == [-1]
    assert np.isinf(apart).all()


def test_parts_apart_are_judged_apart_and_parts_within_the_gap_together() -> None:
    """The class of a park in several parts must not depend on how it was drawn."""
    two = shapely.MultiPolygon([shapely.box(0, 0, 50, 50), shapely.box(60, 0, 110, 50)])
    shapes = np.array([two, shapely.box(500, 0, 600, 50)])
    apart, owner = group_parts(shapes, 0.0)
    assert shapely.area(apart).tolist() == [2500, 2500, 5000]
    assert owner.tolist() == [0, 0, 1]
    together, owner = group_parts(shapes, 10.0)
    assert shapely.area(together).tolist() == [5000, 5000]
    assert owner.tolist() == [0, 1]


def test_a_rule_set_takes_the_parks_of_its_classes() -> None:
    sides = [40.0, 50.0, 71.0]  # 1,600, 2,500 and 5,041 m²
    parks = frame([shapely.box(0, 0, s, s) for s in sides], id=["a", "b", "c"])
    taken = qualify(parks, load_ruleset("tijian-2021"))
    assert taken["id"].tolist() == ["b", "c"]
    assert taken["radius_m"].tolist() == [300.0, 500.0]
    assert qualify(parks, load_ruleset("yuanlin-2022"))["id"].tolist() == ["a", "b", "c"]
    assert qualify(parks, load_ruleset("county-old"))["radius_m"].tolist() == [500.0] * 3
    historic = parks.assign(setting=["historic_quarter", None, None])
    taken = qualify(historic, load_ruleset("gbt50563-2010"))
    assert dict(zip(taken["id"], taken["radius_m"], strict=True)) == {"a": 300.0, "c": 500.0}
