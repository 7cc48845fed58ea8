"""Before and after: later in time, and near in place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gis.evidence.pairing import Shot, distance_m, judge_pair

MOMENT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
BEFORE = Shot(MOMENT, 99.2, 25.11, 8.0)


# pyproj 3.8 Geod(ellps="GRS80").inv, to the centimetre
@pytest.mark.parametrize(
    ("to", "metres"),
    [
        ((99.2001, 25.11), 10.09),
        ((99.2, 25.1101), 11.08),
        ((99.2003, 25.1103), 44.94),
        ((99.21, 25.11), 1008.60),
    ],
)
def test_a_distance_is_that_on_the_ellipsoid(to: tuple[float, float], metres: float) -> None:
    assert distance_m(99.2, 25.11, *to) == pytest.approx(metres, abs=0.01)


def test_the_short_way_leads_across_the_date_line() -> None:
    assert distance_m(179.9999, 0, -179.9999, 0) == pytest.approx(22.26, abs=0.01)


def after(minutes: float = 60, lon: float = 99.2, lat: float = 25.11, accuracy: float = 8) -> Shot:
    return Shot(MOMENT + timedelta(minutes=minutes), lon, lat, accuracy)


def test_a_later_photo_of_the_same_spot_is_a_pair() -> None:
    assert judge_pair(BEFORE, after()) is None


@pytest.mark.parametrize(
    ("lat", "accuracy", "is_pair"),
    [
        (25.11027, 8.0, True),  # 29.91 m, 30 allowed
        (25.11028, 8.0, False),  # 31.02 m
        (25.11028, 16.0, True),  # 2 x 16 = 32 allowed
        (25.1108, 40.0, False),  # 88.62 m, 80 allowed
        (25.1108, 45.0, True),  # 90 allowed
    ],
)
def test_how_far_apart_depends_on_the_worse_fix(lat: float, accuracy: float, is_pair: bool) -> None:
    for before, later in (
        (BEFORE, after(lat=lat, accuracy=accuracy)),
        (Shot(MOMENT, 99.2, 25.11, accuracy), after(lat=lat, accuracy=0.0)),
    ):
        finding = judge_pair(before, later)
        assert (finding is None) == is_pair
        assert is_pair or (finding and finding.rule == "pair-too-far")


def test_a_finding_says_how_far_in_both_languages() -> None:
    finding = judge_pair(BEFORE, after(lat=25.1108))
    assert finding is not None
    assert finding.facts == {"distance_m": 88.6, "allowed_m": 30.0}
    assert "89 米" in finding.text.zh
    assert "89 m" in finding.text.en


@pytest.mark.parametrize("minutes", [0, -1, -60 * 24 * 365 * 30])
def test_an_after_photo_that_is_not_later_is_found(minutes: float) -> None:
    finding = judge_pair(BEFORE, after(minutes))
    assert finding is not None
    assert finding.rule == "pair-not-later"


def test_what_is_unknown_is_said_and_a_missing_fix_at_0_0_is_far() -> None:
    rules = [
        judge_pair(Shot(None, 99.2, 25.11), after()),
        judge_pair(BEFORE, Shot(MOMENT + timedelta(1), None, None)),
        judge_pair(BEFORE, after(lon=0.0, lat=0.0)),
    ]
    assert [r.rule for r in rules if r] == [
        "pair-time-unknown", "pair-place-unknown", "pair-too-far",
    ]  # fmt: skip


def test_a_tapped_point_without_accuracy_has_the_least_radius() -> None:
    tapped = Shot(MOMENT, 99.2, 25.11, None)
    assert judge_pair(tapped, Shot(MOMENT + timedelta(1), 99.2, 25.11027, None)) is None
    assert judge_pair(tapped, Shot(MOMENT + timedelta(1), 99.2, 25.11028, None)) is not None
