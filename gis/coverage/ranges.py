"""A rate as a range: walking speed, snap distance and population unit varied by seeded draws.

One figure hides its choices: on a town of ours 0.8 to 1.2 m/s moved a rate from 42 to 76 %. The
range is the 5th to the 95th percentile of the draws; the tornado says which choice moves it. The
same seed gives the same figures to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gis.attributes import Text
from gis.coverage.admit import Floats, admit_amounts, admit_people, admit_positive
from gis.coverage.rates import Verdict, judge
from gis.coverage.refusals import refuse
from gis.coverage.rulesets import Target

LOW, HIGH = 5.0, 95.0
"""Percentiles of the range."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What is not known better: each range is drawn from evenly, each unit is as likely."""

    speed_m_per_s: tuple[float, float]
    snap_m: tuple[float, float]
    units: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, (low, high) in (("speed", self.speed_m_per_s), ("snap", self.snap_m)):
            if not 0 < low <= high < float("inf"):
                raise refuse("range", name=name, low=low, high=high)
        if not self.units:
            raise refuse("rows", name="人口单元 units")

    @property
    def middle(self) -> Setting:
        """The setting everything is held at while one choice moves."""
        return Setting(sum(self.speed_m_per_s) / 2, sum(self.snap_m) / 2, self.units[0])


@dataclass(frozen=True, slots=True)
class Setting:
    """One draw."""

    speed_m_per_s: float
    snap_m: float
    unit: str


@dataclass(frozen=True, slots=True)
class Swing:
    """A bar of the tornado: the share at both ends of one choice, the others in the middle."""

    key: str
    text: Text
    low: float
    high: float

    @property
    def width(self) -> float:
        """How far the choice moves the share."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Range:
    """A share (0 to 1) with its range."""

    low: float
    median: float
    high: float
    middle: float
    """At the middle setting: the figure that is printed."""
    draws: Floats
    tornado: tuple[Swing, ...]
    """Widest first."""
    seed: int

    def verdict(self, target: Target | None) -> Verdict:
        """Whether the whole range reaches the target."""
        return judge((self.low, self.high), target)


@dataclass(frozen=True, slots=True)
class Walks:
    """Ways of the places of one population unit: metres along roads with snaps, snaps, people."""

    metres: Floats
    snap_m: Floats
    people: Floats

    def __post_init__(self) -> None:
        admit_people(self.people, "人口 people", len(self.people))
        for name, values in (("metres", self.metres), ("snap_m", self.snap_m)):
            if len(values) != len(self.people):
                raise refuse("lengths", name=name, wanted=len(self.people), count=len(values))
        admit_amounts(np.where(np.isinf(self.metres), 0, self.metres), "metres", len(self.metres))

    def share(self, limit_m: float, snap_limit_m: float) -> float:
        """Known people whose way is at most ``limit_m``, of all known people."""
        known = ~np.isnan(self.people)
        served = (self.metres <= limit_m) & (self.snap_m <= snap_limit_m) & known
        return float(self.people[served].sum() / self.people[known].sum())


def vary_minutes(
    walks: Mapping[str, Walks], minutes: float, spread: Spread, *, seed: int, draws: int = 1000
) -> Range:
    """The share within ``minutes`` of walking over the spread; one search serves all draws.

    ``walks`` has one entry per unit of the spread, measured in metres with the largest snap.
    """
    admit_positive(minutes, "分钟 minutes")
    for unit in spread.units:
        if unit not in walks:
            raise refuse("unit", name="walks", value=unit)

    def evaluate(setting: Setting) -> float:
        limit_m = setting.speed_m_per_s * minutes * 60
        return walks[setting.unit].share(limit_m, setting.snap_m)

    return vary(evaluate, spread, seed=seed, draws=draws)


def vary(
    evaluate: Callable[[Setting], float], spread: Spread, *, seed: int, draws: int = 1000
) -> Range:
    """A share over the spread, by ``evaluate``; deterministic in the seed."""
    admit_positive(draws, "抽样次数 draws")
    chance = np.random.default_rng(seed)
    speeds = chance.uniform(*spread.speed_m_per_s, draws)
    snaps = chance.uniform(*spread.snap_m, draws)
    units = chance.integers(0, len(spread.units), draws)
    shares = np.array(
        [
            evaluate(Setting(float(v), float(s), spread.units[u]))
            for v, s, u in zip(speeds, snaps, units, strict=True)
        ]
    )
    low, median, high = np.percentile(shares, [LOW, 50.0, HIGH])
    return Range(
        float(low), float(median), float(high), evaluate(spread.middle), shares,
        _tornado(evaluate, spread), seed,
    )  # fmt: skip


def _tornado(evaluate: Callable[[Setting], float], spread: Spread) -> tuple[Swing, ...]:
    middle = spread.middle
    settings = {
        "speed": [Setting(v, middle.snap_m, middle.unit) for v in spread.speed_m_per_s],
        "snap": [Setting(middle.speed_m_per_s, s, middle.unit) for s in spread.snap_m],
        "unit": [Setting(middle.speed_m_per_s, middle.snap_m, u) for u in spread.units],
    }
    swings = []
    for key, tried in settings.items():
        shares = [evaluate(setting) for setting in tried]
        swings.append(Swing(key, _FACTORS[key], min(shares), max(shares)))
    return tuple(sorted(swings, key=lambda swing: -swing.width))


_FACTORS = {
    "speed": Text(zh="步行速度", en="walking speed"),
    "snap": Text(zh="接入路网的距离", en="distance to the network"),
    "unit": Text(zh="人口单元", en="population unit"),
}
