"""Gaps: who is in them, why, and that they are the same gaps next year."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely

from gis.coverage.admit import Frame
from gis.coverage.areas import find_served
from gis.coverage.gaps import Reason, find_gaps, follow_gaps, unserved_land, unserved_places
from gis.coverage.network_service import serve_along_roads
from gis.coverage.roads import build_network
from gis.errors import InputError
from tests.gis.coverage.towns import facilities, frame, grid_lots, grid_places, grid_streets

STRIP = frame([shapely.box(0, 0, 100, 400)], id=["strip"], radius_m=[150.0])


def test_the_unserved_half_is_one_gap_with_its_people() -> None:
    land = unserved_land(grid_lots(), STRIP)
    places = grid_places()
    served = find_served(places.geometry.to_numpy(), STRIP.geometry.to_numpy(), np.array([150.0]))
    gaps, dropped = find_gaps(land, places, served, STRIP, min_area_m2=1000, radius_m=150)
    assert len(gaps) == 1
    assert dropped == 0
    assert gaps["area_m2"][0] == pytest.approx(150 * 400)
    assert gaps["people"][0] == 100  # ten nodes at x = 300 and 400
    assert gaps["nearest"][0] == "strip"
    assert gaps["nearest_m"][0] == pytest.approx(150)
    assert gaps["reason"][0] == Reason.DISTANCE


def test_pieces_too_small_are_counted_apart() -> None:
    pieces = np.array([shapely.box(0, 0, 100, 100), shapely.box(500, 0, 510, 10)])
    gaps, dropped = find_gaps(
        pieces, grid_places(), np.zeros(25, dtype=bool), STRIP, min_area_m2=500, radius_m=150
    )
    assert len(gaps) == 1
    assert dropped == pytest.approx(100)


def test_the_reason_is_that_of_most_of_its_people() -> None:
    river = frame(shapely.linestrings([[(-50, 150), (450, 150)]]))
    places, office = grid_places(), facilities((0, 0))
    service = serve_along_roads(build_network(grid_streets(), barriers=river), places, office)
    ground = unserved_places(places, service.served, spread_m=30)
    gaps, _ = find_gaps(
        ground, places, service.served, office, min_area_m2=1, radius_m=250, way=service.reason
    )
    assert len(gaps) == 20
    assert gaps["people"].sum() == 200
    at = {(round(p.x), round(p.y)): r for p, r in zip(gaps.centroid, gaps["reason"], strict=True)}
    assert at[(0, 200)] == Reason.BARRIER
    assert at[(200, 100)] == Reason.DETOUR
    assert at[(400, 400)] == Reason.DISTANCE


def test_a_facility_near_that_does_not_count_is_the_reason() -> None:
    places, office = grid_places(), facilities((0, 0))
    full = facilities((400, 400)).assign(reason=["capacity"])
    served = np.zeros(25, dtype=bool)
    gaps, _ = find_gaps(
        unserved_places(places, served, spread_m=10), places, served, office,
        min_area_m2=1, radius_m=150, not_counted=full,
    )  # fmt: skip
    assert sorted(gaps["reason"]).count(Reason.CAPACITY) == 4


def some(*boxes: tuple[float, float, float, float]) -> Frame:
    return frame([shapely.box(*b) for b in boxes])


def test_a_gap_keeps_its_id_while_it_shrinks_and_is_counted_when_closed() -> None:
    first = follow_gaps(some((0, 0, 100, 100), (500, 0, 600, 100)), date(2024, 12, 31))
    assert len(set(first.gaps["id"])) == 2
    second = follow_gaps(
        some((0, 0, 60, 100)), date(2025, 12, 31), first.gaps, before=date(2024, 12, 31)
    )
    assert second.gaps["id"].tolist() == [first.gaps["id"][0]]
    assert second.gaps["since"].tolist() == [date(2024, 12, 31)]
    assert second.closed == (first.gaps["id"][1],)


def test_a_gap_that_splits_leaves_its_id_to_the_larger_part() -> None:
    first = follow_gaps(some((0, 0, 100, 100)), date(2024, 12, 31)).gaps
    split = follow_gaps(some((0, 0, 30, 100), (50, 0, 100, 100)), date(2025, 12, 31), first)
    assert split.gaps["id"][1] == first["id"][0]
    assert split.gaps["parent"][0] == first["id"][0]
    assert split.gaps["since"][0] == date(2025, 12, 31)
    assert split.closed == ()


def test_gaps_that_merge_keep_the_larger_id_and_name_the_other() -> None:
    first = follow_gaps(some((0, 0, 60, 100), (70, 0, 100, 100)), date(2024, 12, 31)).gaps
    merged = follow_gaps(some((0, 0, 100, 100)), date(2025, 12, 31), first)
    assert merged.gaps["id"].tolist() == [first["id"][0]]
    assert merged.gaps["absorbed"][0] == (first["id"][1],)
    assert merged.closed == ()


def test_ids_do_not_depend_on_the_order_of_rows() -> None:
    boxes = [(0, 0, 100, 100), (500, 0, 600, 100), (900, 0, 950, 100)]
    first = follow_gaps(some(*boxes), date(2024, 12, 31)).gaps
    again = follow_gaps(some(*boxes[::-1]), date(2025, 12, 31), first.iloc[::-1]).gaps
    assert again["id"].tolist() == first["id"].tolist()[::-1]


def test_a_later_past_is_refused_as_a_reversed_period() -> None:
    first = follow_gaps(some((0, 0, 100, 100)), date(2025, 12, 31)).gaps
    with pytest.raises(InputError, match="reversed"):
        follow_gaps(some((0, 0, 100, 100)), date(2024, 12, 31), first, before=date(2025, 12, 31))


def test_no_gap_at_all_closes_every_earlier_one() -> None:
    first = follow_gaps(some((0, 0, 100, 100)), date(2024, 12, 31)).gaps
    office = facilities((0, 0))
    none, _ = find_gaps(
        np.empty(0, dtype=object), grid_places(), np.ones(25, dtype=bool), office,
        min_area_m2=1, radius_m=250,
    )  # fmt: skip
    after = follow_gaps(none, date(2025, 12, 31), first)
    assert len(after.gaps) == 0
    assert after.closed == (first["id"][0],)
