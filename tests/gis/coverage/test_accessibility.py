"""Accessibility: supply is shared out and given back, and who reaches nothing scores zero."""

from __future__ import annotations

import numpy as np
import pytest

from gis.coverage.accessibility import enhanced_two_step, two_step
from gis.coverage.travel import Pairs
from gis.errors import InputError

# Places 0, 1 reach facility 0; place 1 reaches facility 1 too; place 2 reaches nothing.
PAIRS = Pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([100.0, 0.0, 400.0]), 3, 3)
PEOPLE = np.array([60.0, 40.0, 100.0])
SUPPLY = np.array([50.0, 20.0, 7.0])


def test_two_step_is_that_solved_by_hand() -> None:
    # Facility 0: 50 / 100 people; facility 1: 20 / 40; facility 2: nobody in reach.
    found = two_step(PAIRS, PEOPLE, SUPPLY, limit=500)
    assert found.score.tolist() == pytest.approx([0.5, 1.0, 0.0])
    assert found.idle.tolist() == [False, False, True]
    assert (found.score * PEOPLE).sum() == pytest.approx(70)


def test_who_reaches_nothing_is_zero_and_lowers_the_mean() -> None:
    """access gives NaN, so that a mean skips the worst served."""
    found = two_step(PAIRS, PEOPLE, SUPPLY, limit=500)
    assert found.score[2] == 0
    assert found.mean == pytest.approx(70 / 200)


def test_a_pair_at_distance_zero_is_a_pair() -> None:
    assert two_step(PAIRS, PEOPLE, SUPPLY, limit=50).score.tolist() == pytest.approx([0, 1.25, 0])


def test_zones_weigh_and_conserve() -> None:
    found = enhanced_two_step(PAIRS, PEOPLE, SUPPLY, zones=[(50, 1.0), (300, 0.5), (500, 0.25)])
    # Facility 0: 50 / (30 + 40); facility 1: 20 / (40 / 4).
    assert found.score.tolist() == pytest.approx([0.5 * 5 / 7, 5 / 7 + 0.25 * 2, 0])
    assert (found.score * PEOPLE).sum() == pytest.approx(70)


def test_unknown_people_compete_with_nobody_and_are_not_in_the_mean() -> None:
    found = two_step(PAIRS, np.array([np.nan, 40.0, 100.0]), SUPPLY, limit=500)
    assert found.score.tolist() == pytest.approx([1.25, 1.75, 0])
    assert found.mean == pytest.approx(40 * 1.75 / 140)


def test_zones_out_of_order_are_refused() -> None:
    for zones in ([(300, 1.0), (100, 0.5)], [(100, 0.5), (300, 1.0)], []):
        with pytest.raises(InputError):
            enhanced_two_step(PAIRS, PEOPLE, SUPPLY, zones=zones)
