"""Two statistics the figures need: an interval for a share, and times with open cases censored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Z_95 = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""
SMALL_SAMPLE = 100
"""Below this denominator a rate is shown with its interval."""


def wilson_interval(successes: int, total: int, *, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a share, without continuity correction.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n); E. B. Wilson, JASA 22 (1927) 209-212.
    Raises ValueError for a share of nothing, or more successes than cases.

    >>> [round(end, 4) for end in wilson_interval(15, 148)]
    [0.0624, 0.1605]
    """
    if total <= 0 or not 0 <= successes <= total:
        raise ValueError(f"no share: {successes} of {total}")
    p, z2 = successes / total, z * z
    middle = p + z2 / (2 * total)
    reach = z * ((p * (1 - p) + z2 / (4 * total)) / total) ** 0.5
    low, high = (middle - reach) / (1 + z2 / total), (middle + reach) / (1 + z2 / total)
    # The ends at 0 and at all are exact; rounding would leave 1e-17 there.
    return (0.0 if successes == 0 else low, 1.0 if successes == total else high)


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan-Meier estimate: at each time something ended, the share still going on after it."""

    times: Floats
    shares: Floats
    ended: int
    censored: int

    def quantile(self, share: float) -> float | None:
        """By when ``share`` of the cases had ended; None when the cases do not reach that far.

        The smallest time at which the share still going on is at most 1 - ``share``.
        """
        # 1e-12: products of fractions that should meet the bound exactly.
        reached = np.flatnonzero(self.shares <= 1 - share + 1e-12)
        return float(self.times[reached[0]]) if len(reached) else None


def estimate_survival(
    durations: Sequence[float] | Floats, ended: Sequence[bool] | npt.NDArray[np.bool_]
) -> Survival:
    """The Kaplan-Meier estimate of durations, of which those not ``ended`` are censored.

    S(t) = Π (1 - dᵢ/nᵢ) over the times tᵢ ≤ t; E. L. Kaplan, P. Meier, JASA 53 (1958) 457-481.
    A case censored at a time counts as still at risk then. Negative durations count as 0.

    >>> estimate_survival([1, 2, 3, 4], [True, True, False, True]).quantile(0.5)
    2.0
    """
    times = np.maximum(np.asarray(durations, dtype=float), 0.0)
    marks = np.asarray(ended, dtype=bool)
    moments, deaths = np.unique(times[marks], return_counts=True)
    ordered = np.sort(times)
    at_risk = len(times) - np.searchsorted(ordered, moments, side="left")
    shares = np.asarray(np.cumprod(1.0 - deaths / at_risk), dtype=np.float64)
    return Survival(moments, shares, int(marks.sum()), int((~marks).sum()))
