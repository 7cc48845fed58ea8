"""The life of an asset in valid time: planned, under construction, completed, accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from gis.demonstration.plan import AS_OF, SURVEYED

STEPS = ("planned", "under_construction", "completed", "accepted")


@dataclass(frozen=True, slots=True)
class Life:
    """When each step of a batch of works began; steps after ``AS_OF`` are not there."""

    moments: tuple[datetime, ...]

    @property
    def progress(self) -> str:
        """The step reached as of the demonstration's today."""
        return STEPS[len(self.moments) - 1]


def draw_life(rng: np.random.Generator) -> Life:
    """Planned within three years, then at plausible intervals, as far as today."""
    at = SURVEYED + timedelta(days=int(rng.integers(0, 1080)))
    moments = [at]
    for low, high in ((60, 200), (90, 300), (20, 80)):
        at = at + timedelta(days=int(rng.integers(low, high)))
        if at > AS_OF:
            break
        moments.append(at)
    return Life(tuple(moments))


def unfold(frame: pd.DataFrame, lives: list[Life | None]) -> pd.DataFrame:
    """Rows of versions from rows of assets: one per step reached, oldest first.

    Adds ``valid_from``, ``progress``, ``progress_percent`` and the dates of the steps.
    """
    reached = np.array([1 if life is None else len(life.moments) for life in lives])
    row = np.repeat(np.arange(len(frame)), reached)
    step = np.arange(len(row)) - np.repeat(np.cumsum(reached) - reached, reached)
    out = frame.iloc[row].reset_index(drop=True)
    dates: dict[str, list[str | None]] = {"started_on": [], "completed_on": [], "accepted_on": []}
    progress, percent, valid = [], [], []
    for at, s in zip(row, step, strict=True):
        life = lives[at]
        if life is None:
            progress.append("accepted")
            percent.append(100.0)
            valid.append(SURVEYED)
            for days in dates.values():
                days.append(None)
            continue
        progress.append(STEPS[s])
        percent.append((0.0, 45.0, 100.0, 100.0)[s])
        valid.append(life.moments[s])
        for n, name in enumerate(dates, start=1):
            day = life.moments[n].astimezone(UTC).date().isoformat() if s >= n else None
            dates[name].append(day)
    return out.assign(
        progress=progress,
        progress_percent=percent,
        valid_from=valid,
        started_on=pd.array(dates["started_on"], dtype=object),
        completed_on=pd.array(dates["completed_on"], dtype=object),
        accepted_on=pd.array(dates["accepted_on"], dtype=object),
    )
