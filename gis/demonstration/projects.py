"""Projects: what each builds or repairs, its stages in valid time, its money, its works.

Works come in batches (a street's sewers, a street, a set of parks, a village). A batch belongs to
one project and takes its moments from it: planned when the project is approved, begun between
its start and its main works, done by its completion, accepted with it. So the progress of an
asset, of its row in ``core.project_asset`` and of the project never contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.demonstration.lives import Life
from gis.demonstration.plan import AS_OF, COUNTY_CODE, SURVEYED, Floats, Town, make_identities

STAGES = ("approved", "tender", "started", "main_works", "completed", "accepted")
_STARTED, _MAIN_WORKS, _COMPLETED, _ACCEPTED = 2, 3, 4, 5
_GAPS_DAYS = ((30, 120), (20, 90), (90, 260), (60, 180), (60, 200))
"""Shortest and longest time from each stage to the next."""
_APPROVED_WITHIN_DAYS = 1080
_BATCHES = 3
"""Batches a project holds; a town with more has its works in phases."""
_PHASES = "一二三四五六七八九十"
_SOURCES = ("special_bond", "central", "superior", "loan", "private")
_OWN_SHARE = 0.3
"""The county's own part of a project's money; the rest has one other source."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A sort of project: which works it takes in, and whether they are new."""

    name: str
    works: str
    """First part of the keys of its works."""
    share: float
    """Part of the batches it takes in."""
    work: str
    towns: frozenset[int] | None = None
    """Only there; None: everywhere."""
    except_towns: frozenset[int] = frozenset()

    def is_in(self, town: Town) -> bool:
        """Whether the town has such projects."""
        only = self.towns is None or town.number in self.towns
        return only and town.number not in self.except_towns


_OLD_QUARTER = frozenset({1})
THEMES = (
    Theme("雨污分流工程", "sewer", 0.36, "new", except_towns=_OLD_QUARTER),
    Theme("老旧管网改造工程", "sewer", 0.6, "works", _OLD_QUARTER),
    Theme("市政道路提升工程", "road", 0.36, "new"),
    Theme("口袋公园建设项目", "park", 0.75, "new"),
    Theme("传统村落保护项目", "village", 0.5, "works"),
    Theme("污水处理厂扩建工程", "plant", 0.4, "works"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Works done together; ``life`` holds the steps reached as of the demonstration's today."""

    key: str
    work: str
    life: Life


@dataclass(frozen=True, slots=True)
class Project:
    """A project; ``moments`` of all its stages, those after today included."""

    id: str
    number: int
    town: Town
    name: str
    moments: tuple[datetime, ...]
    batches: list[Batch]

    @property
    def code(self) -> str:
        """Its code: the year of its approval and a running number."""
        return f"XM{self.moments[0].year}{self.number:03d}"


def works_key(works: str, town: int, batch: object) -> str:
    """What names a batch of works: its sort, the town's number, and which of them."""
    return f"{works}/{town}/{batch}"


def plan_projects(
    rng: np.random.Generator, towns: Sequence[Town], keys: Sequence[str]
) -> list[Project]:
    """Projects for a part of the works that could be done (``keys``), as the themes say."""
    chosen: list[tuple[Theme, Town, list[str], datetime]] = []
    for theme in THEMES:
        mine: list[tuple[Town, list[str]]] = []
        for town in (t for t in towns if theme.is_in(t)):
            prefix = works_key(theme.works, town.number, "")
            taken = [k for k in keys if k.startswith(prefix) and rng.random() < theme.share]
            mine += [(town, taken[at : at + _BATCHES]) for at in range(0, len(taken), _BATCHES)]
        approved = _spread_approvals(rng, len(mine))
        chosen += [(theme, *works, at) for works, at in zip(mine, approved, strict=True)]
    ids = make_identities(rng, len(chosen))
    phases: dict[str, int] = {}
    projects = []
    for n, (theme, town, own, approved_at) in enumerate(chosen):
        name = _name_project(theme, town, phases)
        moments = _plan_stages(rng, approved_at)
        batches = [
            Batch(key, theme.work, _plan_batch(moments, i / len(own), (i + 1) / len(own)))
            for i, key in enumerate(own)
        ]
        projects.append(Project(ids[n], n + 1, town, name, moments, batches))
    return projects


def _spread_approvals(rng: np.random.Generator, count: int) -> list[datetime]:
    """Moments over three years in any order, so that a sort of works is seen at every stage."""
    shares = (np.arange(count) + rng.random(count)) / max(1, count)
    days = rng.permutation(np.floor(shares * _APPROVED_WITHIN_DAYS))
    return [SURVEYED + timedelta(days=int(day)) for day in days]


def _name_project(theme: Theme, town: Town, phases: dict[str, int]) -> str:
    """The town's and the theme's words; a second project of the same name is its second phase."""
    place = "老城" if town.combined else town.name[:-1]
    name = f"{place}{theme.name}"
    phase = phases[name] = phases.get(name, 0) + 1
    if phase == 1:
        return name
    return f"{name}({_PHASES[phase - 1] if phase <= len(_PHASES) else phase}期)"


def _plan_stages(rng: np.random.Generator, approved_at: datetime) -> tuple[datetime, ...]:
    gaps = [int(rng.integers(low, high)) for low, high in _GAPS_DAYS]
    return tuple(approved_at + timedelta(days=int(d)) for d in (0, *np.cumsum(gaps)))


def _plan_batch(stages: Sequence[datetime], begun: float, done: float) -> Life:
    """One batch's life: begun and done at shares of the project's time for each."""
    main, completed = stages[_MAIN_WORKS], stages[_COMPLETED]
    moments = (
        stages[0],
        _at_nine(stages[_STARTED] + begun * (main - stages[_STARTED])),
        completed if done == 1 else _at_nine(main + done * (completed - main)),
        stages[_ACCEPTED],
    )
    return Life(tuple(m for i, m in enumerate(moments) if i == 0 or m <= AS_OF))


def _at_nine(moment: datetime) -> datetime:
    """The day's beginning of work (9:00 in China), as all moments of projects are."""
    return moment.replace(hour=SURVEYED.hour, minute=0, second=0, microsecond=0)


def lives_by_key(projects: Sequence[Project]) -> dict[str, tuple[Project, Batch]]:
    """Whose works each key is."""
    return {batch.key: (project, batch) for project in projects for batch in project.batches}


def link_assets(
    projects: Sequence[Project], assets: Mapping[str, tuple[pd.Series, pd.Series]]
) -> pd.DataFrame:
    """Rows of ``core.project_asset``; ``assets`` gives per kind identities and works' keys."""
    identities = pd.concat([ids for ids, _ in assets.values()], ignore_index=True)
    keys = pd.concat([keys for _, keys in assets.values()], ignore_index=True)
    known = pd.DataFrame(
        [
            {
                "key": batch.key,
                "project_id": project.id,
                "work": batch.work,
                "progress": batch.life.progress,
                "progress_percent": round(batch.life.percent),
            }
            for project in projects
            for batch in project.batches
        ]
    )
    works = pd.DataFrame({"asset_id": identities, "key": keys}).dropna()
    return works.merge(known, on="key", how="inner").drop(columns="key")


def make_projects(
    rng: np.random.Generator, projects: Sequence[Project], places: Mapping[str, Floats]
) -> pd.DataFrame:
    """The projects as rows of versions: one per stage or step of works.

    ``places`` gives per works' key the middles of its assets in metres, shape (n, 2): a project
    lies at the one nearest to the middle of all, and is as far as its works are on average.
    """
    rows: list[dict[str, Any]] = []  # Any: columns of many types
    for project in projects:
        weights = [len(places[b.key]) for b in project.batches]
        xy = np.vstack([places[b.key] for b in project.batches])
        nearest = np.hypot(*(xy - xy.mean(axis=0)).T).argmin()
        fixed = _fixed_columns(rng, project, shapely.Point(*np.round(xy[nearest], 2)))
        moments = {m for b in project.batches for m in b.life.moments}
        moments |= {m for m in project.moments if m <= AS_OF}
        for moment in sorted(moments):
            lives = [b.life.percent_at(moment) for b in project.batches]
            done = round(float(np.average(lives, weights=weights)), 1)
            rows.append(fixed | _moving_columns(project, fixed, moment, done))
    return pd.DataFrame(rows)


def _fixed_columns(
    rng: np.random.Generator, project: Project, place: shapely.Point
) -> dict[str, Any]:  # Any: columns of many types
    planned = project.moments[_STARTED] - timedelta(days=int(rng.integers(0, 40)))
    n = project.number
    return {
        "id": project.id,
        "code": project.code,
        "name": project.name,
        "state_code": f"2{n:03d}-{COUNTY_CODE}-78-01-{100000 + n}",
        "delivery": ("epc", "own", "concession")[n % 3],
        "client": "云屏县住房和城乡建设局",
        "planned_start_on": planned.date().isoformat(),
        "planned_completion_on": (planned + timedelta(days=240)).date().isoformat(),
        "total_investment_yuan": float(rng.integers(300, 9000)) * 1e4,
        "township": project.town.township,
        "geometry": place,
    }


def _moving_columns(
    project: Project,
    fixed: Mapping[str, Any],  # Any: columns of many types
    moment: datetime,
    done: float,
) -> dict[str, Any]:  # Any: columns of many types
    stage = sum(1 for m in project.moments if m <= moment) - 1
    total: float = fixed["total_investment_yuan"]
    paid = float(round(total * done / 100 * 0.8))
    return {
        "valid_from": moment,
        "stage": STAGES[stage],
        "contractor": "滇西云岭建设有限公司" if stage >= 1 else None,
        "started_on": _day(project.moments[_STARTED]) if stage >= _STARTED else None,
        "completed_on": _day(project.moments[_COMPLETED]) if stage >= _COMPLETED else None,
        "progress_percent": done,
        "annual_plan_yuan": float(round(total * 0.4)),
        "completed_by_progress_yuan": float(round(total * done / 100)),
        "completed_by_payment_yuan": paid,
        "completed_in_statistics_yuan": float(round(total * done / 100 * 0.9)),
        "money": _split_money(_SOURCES[project.number % len(_SOURCES)], total, paid, stage),
    }


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _split_money(source: str, total: float, paid: float, stage: int) -> dict[str, dict[str, float]]:
    """Money by source and step; what is paid adds up to the payments of the project."""
    own_paid = float(round(paid * _OWN_SHARE))
    money = {}
    for name, part, out in (
        ("county", total * _OWN_SHARE, own_paid),
        (source, total * (1 - _OWN_SHARE), paid - own_paid),
    ):
        approved = float(round(part * 0.9))
        received = float(round(approved * 0.6)) if stage >= 1 else 0.0
        money[name] = {
            "applied": float(round(part)),
            "approved": approved,
            "received": max(received, out),
            "paid": out,
        }
    return money
