"""Rates as ranges: seeded, with what moves them and what they mean beside a target."""

from __future__ import annotations

import numpy as np
import pytest

from gis.coverage.ranges import Setting, Spread, Walks, vary, vary_minutes
from gis.coverage.rates import Verdict
from gis.errors import InputError
from tests.gis.coverage.test_rates import target

SPREAD = Spread(speed_m_per_s=(0.8, 1.2), snap_m=(50, 150), units=("dwelling", "cell"))
LINE = Walks(np.arange(100, 2100, 100.0), np.full(20, 20.0), np.full(20, 5.0))
COARSE = Walks(np.array([700.0, 1500.0]), np.array([100.0, 20.0]), np.array([50.0, 50.0]))


def test_the_middle_and_the_ends_are_those_solved_by_hand() -> None:
    # 15 minutes at 0.8, 1.0, 1.2 m/s: 720, 900, 1,080 m, so 7, 9, 10 of the 20 places.
    found = vary_minutes({"dwelling": LINE, "cell": COARSE}, 15, SPREAD, seed=7)
    assert found.middle == pytest.approx(9 / 20)
    bars = {swing.key: (swing.low, swing.high) for swing in found.tornado}
    assert bars["speed"] == pytest.approx((7 / 20, 10 / 20))
    assert bars["unit"] == pytest.approx((9 / 20, 0.5))
    assert bars["snap"] == pytest.approx((9 / 20, 9 / 20))
    assert [swing.key for swing in found.tornado] == ["speed", "unit", "snap"]
    assert 0 <= found.low <= found.median <= found.high <= 0.5


def test_the_same_seed_gives_the_same_figures_to_the_last_digit() -> None:
    walks = {"dwelling": LINE, "cell": COARSE}
    first = vary_minutes(walks, 15, SPREAD, seed=7, draws=300)
    again = vary_minutes(walks, 15, SPREAD, seed=7, draws=300)
    assert first.draws.tobytes() == again.draws.tobytes()
    other = vary_minutes(walks, 15, SPREAD, seed=8, draws=300)
    assert first.draws.tobytes() != other.draws.tobytes()


def test_a_range_that_crosses_its_target_is_neither_met_nor_missed() -> None:
    found = vary(lambda s: 0.85 * s.speed_m_per_s, SPREAD, seed=1)
    assert found.low < 0.85 < found.high
    assert found.verdict(target(85)) is Verdict.CROSSES
    assert found.verdict(target(60)) is Verdict.MET
    assert (
        vary(lambda s: s.speed_m_per_s / 2, SPREAD, seed=1).verdict(target(85)) is Verdict.NOT_MET
    )


def test_draws_stay_in_their_ranges_and_use_every_unit() -> None:
    seen: list[Setting] = []

    def note(setting: Setting) -> float:
        seen.append(setting)
        return 0.5

    vary(note, SPREAD, seed=3, draws=200)
    assert {s.unit for s in seen} == {"dwelling", "cell"}
    assert all(0.8 <= s.speed_m_per_s <= 1.2 and 50 <= s.snap_m <= 150 for s in seen)


def test_wrong_ranges_and_units_are_refused() -> None:
    with pytest.raises(InputError, match="no range"):
        Spread((1.2, 0.8), (50, 150), ("dwelling",))
    with pytest.raises(InputError, match="does not exist"):
        vary_minutes({"dwelling": LINE}, 15, SPREAD, seed=1)
    with pytest.raises(InputError, match="no people"):
        Walks(np.zeros(1), np.zeros(1), np.zeros(1))
