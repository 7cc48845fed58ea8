"""The life of an asset in valid time: planned, under construction, completed, accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from gis.demonstration.plan import SURVEYED

STEPS = ("planned", "under_construction", "completed", "accepted")
PERCENT = (0.0, 45.0, 100.0, 100.0)
"""How far works are at each step; within a step the demonstration does not tell."""
_DATES = ("started_on", "completed_on", "accepted_on")


@dataclass(frozen=True, slots=True)
class Life:
    """When each step of a batch of works began, as far as today; at least the first one has."""

    moments: tuple[datetime, ...]

    @property
    def progress(self) -> str:
        """The step reached as of the demonstration's today."""
        return STEPS[len(self.moments) - 1]

    @property
    def percent(self) -> float:
        """How far the works are as of the demonstration's today."""
        return PERCENT[len(self.moments) - 1]

    def percent_at(self, moment: datetime) -> float:
        """How far the works were at a moment; 0 before they were planned."""
        reached = sum(1 for m in self.moments if m <= moment)
        return PERCENT[reached - 1] if reached else 0.0


def unfold(frame: pd.DataFrame, lives: Sequence[Life | None]) -> pd.DataFrame:
    """Rows of versions from rows of assets: one per step reached, oldest first.

    Adds ``valid_from``, ``progress``, ``progress_percent`` and the dates of the steps; what has a
    life was not built before it, so its ``built_year`` is that of its completion. Without a life
    an asset stood before the survey.
    """
    distinct = list(dict.fromkeys(lives))
    number = {life: n for n, life in enumerate(distinct)}
    steps = pd.concat(
        [_steps_of(life).assign(life=n) for n, life in enumerate(distinct)], ignore_index=True
    )
    first = np.searchsorted(steps["life"].to_numpy(), np.arange(len(distinct)))
    reached = np.bincount(steps["life"].to_numpy(), minlength=len(distinct))
    of = np.array([number[life] for life in lives], dtype=int)
    row = np.repeat(np.arange(len(frame)), reached[of])
    step = np.arange(len(row)) - np.repeat(np.cumsum(reached[of]) - reached[of], reached[of])
    told = steps.iloc[first[of][row] + step].reset_index(drop=True)
    out = frame.iloc[row].reset_index(drop=True).assign(**told[[*_TOLD]])
    if "built_year" in frame:
        out["built_year"] = out["built_year"].where(~told["is_new"], told["completed_year"])
    return out


_TOLD = ("progress", "progress_percent", "valid_from", *_DATES)


def _steps_of(life: Life | None) -> pd.DataFrame:
    """What the versions of one life say, a row per step."""
    rows = []
    for step, moment in enumerate(life.moments if life else (SURVEYED,)):
        days = [m.astimezone(UTC).date() for m in life.moments[1 : step + 1]] if life else []
        dates = {name: str(day) for name, day in zip(_DATES, days, strict=False)}
        rows.append(
            dict.fromkeys(_DATES)
            | dates
            | {
                "progress": STEPS[step] if life else "accepted",
                "progress_percent": PERCENT[step] if life else 100.0,
                "valid_from": moment,
                "is_new": life is not None,
                "completed_year": float(days[1].year) if len(days) > 1 else None,
            }
        )
    return pd.DataFrame(rows).astype(dict.fromkeys(_DATES, object))
