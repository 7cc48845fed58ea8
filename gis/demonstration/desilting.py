"""A season of desilting in the seat: inspections, jobs, and the jobs that need a look on purpose.

Drawn from a stream of its own after everything else. Each pipe was inspected in spring and cleaned
in summer; what was claimed fits what the pipe could hold, but for the planted jobs, of which the
oracle knows pipe and flag. Claims are worked out with the pipe's plane length and its own formula.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gis.demonstration.evidence import JPEG, Album
from gis.demonstration.photos import imagine_scene, photograph
from gis.demonstration.plan import AS_OF
from gis.geometry import as_geometries
from gis.network.desilting import Job, Reply, record_jobs, record_reply
from gis.network.inspections import (
    Inspection,
    Observation,
    grade_inspections,
    match_inspections,
    record_inspections,
)

STREAM = 78
PLANTED = (
    *["above_bound"] * 3, *["repeat"] * 2, *["beyond_pipe"] * 2, *["no_evidence"] * 3,
    *["silt_unknown"] * 2, "no_volume",
)  # fmt: skip
"""Flag of each job that was made to have it."""
SOUND, UNDER_WAY = 14, 3
SOURCE = "demonstration"
INSPECTED_ON, BEGUN_ON = date(2026, 3, 2), date(2026, 5, 11)
_COMPANIES = ("云屏县洁源管道养护有限公司", "滇西清流环境工程有限公司")
_METHODS = ("jetting", "suction", "winch")
_MOST_SHARE = {1: 0.3, 2: 0.4, 3: 0.5}
"""Thickest deposit of a grade, as a share of the diameter."""
_M3_PER_WET_T = 0.714


@dataclass(frozen=True, slots=True)
class Season:
    """Inspections and jobs to record, the photos they promise, and what must come out."""

    inspections: tuple[Inspection, ...]
    jobs: tuple[Job, ...]
    files: dict[str, tuple[str, bytes]]
    figures: dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class _Task:
    """One pipe of the season; ``holds_m3`` is the most silt it can have had."""

    number: int
    pipe: Mapping[Hashable, Any]  # Any: a row of pipes
    grade: int
    flag: str | None
    is_done: bool

    @property
    def holds_m3(self) -> float:
        """Area of the filled bottom of a circle by its half angle, times the length."""
        radius = self.pipe["diameter_mm"] / 2000
        half = math.acos(1 - 2 * _MOST_SHARE[self.grade])
        area = radius**2 * (half - math.sin(half) * math.cos(half))
        return float(area * self.pipe["length_m"])

    @property
    def begun_on(self) -> date:
        """Jobs begin two days apart; those still under way, last week."""
        if self.is_done:
            return BEGUN_ON + timedelta(days=2 * self.number)
        return AS_OF.date() - timedelta(days=3)


def plan_desilting(seed: int, township: str, pipes: pd.DataFrame, faults: set[str]) -> Season:
    """The season; ``pipes`` are the current ones with plane geometries."""
    rng, album = np.random.default_rng([seed, STREAM]), Album()
    tasks = _choose(rng, township, pipes, faults)
    inspections = [_inspect(task) for task in tasks if task.flag != "silt_unknown"]
    jobs = [job for task in tasks for job in _claim(rng, album, task)]
    return Season(tuple(inspections), tuple(jobs), album.files, _figures(tasks, jobs))


def _choose(
    rng: np.random.Generator, township: str, pipes: pd.DataFrame, faults: set[str]
) -> list[_Task]:
    """Pipes of the township that stood before the survey, are sound and lie alone."""
    mine = pipes[(pipes["township"] == township) & pipes["started_on"].isna()]
    mine = mine[~mine["code"].isin(faults) & mine["diameter_mm"].notna()]
    mine = mine.assign(length_m=shapely.length(as_geometries(mine["geometry"])))
    mine = mine[~mine.duplicated(["up_node", "down_node"], keep=False)].sort_values("code")
    flags: list[str | None] = [*PLANTED, *[None] * (SOUND + UNDER_WAY)]
    rows = rng.permutation(len(mine))[: len(flags)]
    grades = rng.integers(1, 4, len(flags))
    chosen = mine.iloc[rows].to_dict("records")
    return [
        _Task(n, pipe, int(grades[n]), flags[n], is_done=n < len(flags) - UNDER_WAY)
        for n, pipe in enumerate(chosen)
    ]


def _inspect(task: _Task) -> Inspection:
    length = round(task.pipe["length_m"], 1)
    seen = Observation(round(length * 0.2, 1), "CJ", task.grade, end_m=round(length * 0.7, 1))
    return Inspection(
        task.pipe["up_node"],
        task.pipe["down_node"],
        INSPECTED_ON + timedelta(days=task.number),
        direction="with_flow",
        unit="滇西地下管线探测队",
        pipe_length_m=length,
        inspected_length_m=length,
        diameter_mm=task.pipe["diameter_mm"],
        observations=(seen,),
    )


def _claim(rng: np.random.Generator, album: Album, task: _Task) -> list[Job]:
    """The jobs of a pipe: one, or two where it is cleaned again within the year."""
    share = 1.6 if task.flag == "above_bound" else float(rng.uniform(0.3, 0.45))
    wet = task.number % 3 == 1
    claimed = round(task.holds_m3 * share / (_M3_PER_WET_T if wet else 1), 3)
    stretch = 1.3 if task.flag == "beyond_pipe" else 0.99
    values: dict[str, Any] = {  # Any: fields of a job
        "pipe_code": task.pipe["code"],
        "length_m": round(task.pipe["length_m"] * stretch, 1),
        "method": _METHODS[task.number % 3],
        "unit": _COMPANIES[task.number % 2],
        "claimed": None if task.flag == "no_volume" or not task.is_done else claimed,
    }
    values["basis"] = None if values["claimed"] is None else "wet_t" if wet else "m3"
    count = 2 if task.flag == "repeat" else 1
    return [_job(rng, album, task, values, turn) for turn in range(count)]


def _job(
    rng: np.random.Generator, album: Album, task: _Task, values: dict[str, Any], turn: int
) -> Job:  # Any: fields of a job
    began = task.begun_on + timedelta(days=60 * turn)
    number = f"QY2026-{task.number + 1:03d}{'-2' if turn else ''}"
    sides = ["before", "after"] if task.is_done and task.flag != "no_evidence" else ["before"]
    photos = {f"{side}_sha256": [_photo(rng, album, number, side)] for side in sides}
    done = began + timedelta(days=1) if task.is_done else None
    return Job.model_validate(
        values | photos | {"number": number, "began_on": began, "done_on": done}
    )


def _photo(rng: np.random.Generator, album: Album, number: str, side: str) -> str:
    scene = imagine_scene(rng, "flood")
    content = photograph(scene, f"{number}  {side}", repaired=side == "after")
    return str(album.keep(content, JPEG)["sha256"])


def _figures(tasks: list[_Task], jobs: list[Job]) -> dict[str, Any]:  # Any: JSON
    """Planted jobs by flag, completed metres by system (each once), volumes as converted."""
    flags: dict[str, list[str]] = defaultdict(list)
    metres: dict[str, float] = defaultdict(float)
    for task in tasks:
        if task.flag is not None:
            again = "-2" if task.flag == "repeat" else ""
            flags[task.flag].append(f"QY2026-{task.number + 1:03d}{again}")
        if task.is_done:
            whole = 1.0 if task.flag in ("repeat", "beyond_pipe") else 0.99
            metres[task.pipe["system"]] += task.pipe["length_m"] * whole
    volumes = [
        round(j.claimed * (_M3_PER_WET_T if j.basis == "wet_t" else 1), 2)
        for j in jobs
        if j.claimed is not None
    ]
    return {
        "jobs": len(jobs),
        "flags": dict(flags),
        "completed_m_by_system": {k: round(v, 1) for k, v in metres.items()},
        "volume_m3": round(sum(volumes), 2),
    }


def load_desilting(connection: Connection, season: Season) -> None:
    """Record the season, and what a company said about the first claim in question."""
    today = AS_OF.date()
    runs = record_inspections(connection, season.inspections, source=SOURCE)
    match_inspections(connection)
    grade_inspections(connection, runs.ids)
    done = record_jobs(connection, season.jobs, source=SOURCE, today=today)
    ids: dict[str | None, UUID | None] = {
        job.number: identifier for job, identifier in zip(season.jobs, done.ids, strict=True)
    }
    asked = ids.get(season.figures["flags"]["above_bound"][0])
    if asked is not None:
        reply = Reply(
            unit=_COMPANIES[0],
            replied_on=today - timedelta(days=30),
            flags=("above_bound",),
            text="清淤量含两侧雨水口及连接管清出的淤泥,过磅单随后补交。",
        )
        record_reply(connection, asked, reply, today=today)
