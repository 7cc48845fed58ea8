"""Campaigns and rounds of the bureau: who was to be visited, and who was, when, by whom.

Two campaigns are over (one visited all there are, one a drawn sample), one is running and leaves
``demo.inspector`` the sites of one neighbourhood. Beside them are rounds in two nights of rain.
Everything is drawn from a stream of its own, so the rest of the county is the same without it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.demonstration.plan import make_identities, to_storage
from gis.geometry import as_geometries

STREAM = 74
INSPECTOR, OFFICER, LEADER = "demo.inspector", "demo.officer", "demo.leader"
"""Logins of the accounts ``demo`` makes."""
TO_GO = 8
"""Targets of the running campaign that are ``demo.inspector``'s and not done."""
KINDS = {"gas": "gas_site", "flood": "flood_point", "village_fire": "traditional_village"}
DRAW_SEED = 2026
SAMPLE_RATE = 0.15


@dataclass(frozen=True, slots=True)
class Site:
    """What is visited: place in metres on the county plane, and as lon/lat."""

    id: str
    code: str
    name: str
    category: str
    township: str
    type: str
    xy: tuple[float, float]
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Team:
    """Who goes together; the first one's login writes the record."""

    login: str
    names: tuple[str, ...]
    joint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of one site; ``flood`` is the reading of a round in the rain."""

    id: str
    at: datetime
    site: Site
    team: Team
    result: str = "normal"
    campaign: str | None = None
    flood: Mapping[str, Any] | None = None  # Any: JSON
    found: tuple[str, ...] = ()
    """Items of the checklist that failed."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with the targets its rules choose; ``closed_at`` None: it is running."""

    id: str
    name: str
    document: str
    rules: tuple[Mapping[str, Any], ...]  # Any: JSON
    starts_on: date
    due_on: date
    closed_at: datetime | None
    population: Mapping[str, int]
    targets: tuple[Site, ...]
    assigned: Mapping[str, tuple[Site, ...]] = field(default_factory=dict)

    @property
    def opened_at(self) -> datetime:
        """The evening (business clock) before it starts."""
        return datetime.combine(self.starts_on, datetime.min.time(), UTC) - timedelta(hours=15)


FLOOD_TEAM = Team("he.feng", ("何枫", "段立"))
VILLAGE_TEAM = Team("yang.mei", ("杨梅", "李松"), ("县消防救援大队",))
GAS_TEAMS = (
    Team("duan.li", ("段立", "赵青")),
    Team("zhao.qing", ("赵青", "何枫"), ("县市场监督管理局",)),
)
OWN_TEAM = Team(INSPECTOR, ("演示检查人员", "李松"))


def list_sites(last: Mapping[str, pd.DataFrame]) -> dict[str, list[Site]]:
    """Sites to be visited by category, from the current rows of their kinds (plane geometries)."""
    due = {
        "gas_site": last["gas_site"]["operating_state"] == "open",
        "flood_point": last["flood_point"]["treatment"] != "eliminated",
    }
    return {
        category: list(_read_sites(category, last[kind][due.get(kind, slice(None))]))
        for category, kind in KINDS.items()
    }


def _read_sites(category: str, frame: pd.DataFrame) -> Iterator[Site]:
    plane = shapely.get_coordinates(as_geometries(frame["geometry"]))
    lonlat = shapely.get_coordinates(to_storage(as_geometries(frame["geometry"])))
    for row, xy, degrees in zip(frame.to_dict("records"), plane, lonlat, strict=True):
        yield Site(
            id=str(row["id"]),
            code=str(row["code"]),
            name=str(row["name"]),
            category=category,
            township=str(row["township"]),
            type=str(row.get("site_type") or ""),
            xy=(float(xy[0]), float(xy[1])),
            lon=float(degrees[0]),
            lat=float(degrees[1]),
        )


def plan_campaigns(
    rng: np.random.Generator, sites: Mapping[str, list[Site]], seat: str
) -> tuple[Campaign, Campaign, Campaign]:
    """All flood points and villages in spring, a sample of gas sites, the seat's gas sites now."""
    spring, summer, winter = make_identities(rng, 3)
    everywhere = [
        {"category": c, "kind": KINDS[c], "mode": "all"} for c in ("flood", "village_fire")
    ]
    sample = {
        "category": "gas", "kind": "gas_site", "mode": "sample",
        "rate": SAMPLE_RATE, "seed": DRAW_SEED,
    }  # fmt: skip
    local = {"category": "gas", "kind": "gas_site", "mode": "all", "township": seat}
    over = _campaign(
        spring, ("2026年汛前全覆盖检查", "屏建发〔2026〕12号"), everywhere,
        (date(2026, 4, 7), date(2026, 5, 20)), datetime(2026, 5, 22, 2, tzinfo=UTC), sites,
    )  # fmt: skip
    drawn = _campaign(
        summer, ("2026年三季度燃气安全抽检", "屏建发〔2026〕31号"), [sample],
        (date(2026, 8, 3), date(2026, 9, 18)), datetime(2026, 9, 21, 2, tzinfo=UTC), sites,
    )  # fmt: skip
    running = _campaign(
        winter, ("2026年冬季燃气安全专项检查", "屏建发〔2026〕47号"), [local],
        (date(2026, 11, 2), date(2026, 12, 31)), None, sites,
    )  # fmt: skip
    return (
        replace(
            over,
            assigned=_share_by(over.targets, {"flood": FLOOD_TEAM, "village_fire": VILLAGE_TEAM}),
        ),
        replace(drawn, assigned=_alternate(drawn.targets, [t.login for t in GAS_TEAMS])),
        replace(running, assigned=_share_running(running.targets)),
    )


def _campaign(
    identifier: str,
    named: tuple[str, str],
    rules: Sequence[Mapping[str, Any]],  # Any: JSON
    days: tuple[date, date],
    closed_at: datetime | None,
    sites: Mapping[str, list[Site]],
) -> Campaign:
    drawn = [draw_sites(sites[str(rule["category"])], rule) for rule in rules]
    return Campaign(
        id=identifier,
        name=named[0],
        document=named[1],
        rules=tuple(rules),
        starts_on=days[0],
        due_on=days[1],
        closed_at=closed_at,
        population={str(r["category"]): n for r, (n, _) in zip(rules, drawn, strict=True)},
        targets=tuple(site for _, chosen in drawn for site in chosen),
    )


def draw_sites(
    sites: Iterable[Site], rule: Mapping[str, Any]
) -> tuple[int, list[Site]]:  # Any: JSON
    """(how many there are, those drawn): what the product's draw must come to as well."""
    township = rule.get("township")
    there = [site for site in sites if township in (None, site.township)]
    salt = str(rule.get("seed") or 0)
    there.sort(
        key=lambda s: hashlib.md5(f"{salt}{s.id}".encode(), usedforsecurity=False).hexdigest()
    )
    share = float(rule.get("rate") or 1.0)
    return len(there), there[: math.ceil(round(share * len(there), 6))]


def _share_by(targets: Sequence[Site], teams: Mapping[str, Team]) -> dict[str, tuple[Site, ...]]:
    return {
        team.login: tuple(s for s in targets if s.category == category)
        for category, team in teams.items()
    }


def _alternate(targets: Sequence[Site], logins: Sequence[str]) -> dict[str, tuple[Site, ...]]:
    return {login: tuple(targets[n :: len(logins)]) for n, login in enumerate(logins)}


def _share_running(targets: Sequence[Site]) -> dict[str, tuple[Site, ...]]:
    """The sites of the closest neighbourhood are ``demo.inspector``'s, the rest the teams'."""
    near = find_neighbourhood(targets, TO_GO)
    rest = [site for site in targets if site not in near]
    return {INSPECTOR: near} | _alternate(rest, [t.login for t in GAS_TEAMS])


def find_neighbourhood(sites: Sequence[Site], count: int) -> tuple[Site, ...]:
    """The ``count`` sites that lie nearest to each other around one of them, nearest first."""
    xy = np.array([site.xy for site in sites])
    away = np.hypot(*np.moveaxis(xy[:, None, :] - xy[None, :, :], -1, 0))
    ordered = np.argsort(away, axis=1, kind="stable")[:, :count]
    middle = int(np.take_along_axis(away, ordered[:, -1:], axis=1).argmin())
    return tuple(sites[int(n)] for n in ordered[middle])


def make_visits(rng: np.random.Generator, campaigns: Sequence[Campaign]) -> list[Visit]:
    """The visits of the three campaigns; a few find nobody, a few targets are left."""
    over, drawn, running = campaigns
    flood, village = over.assigned[FLOOD_TEAM.login], over.assigned[VILLAGE_TEAM.login]
    visits = [
        *walk(over, flood[:-2], FLOOD_TEAM, date(2026, 4, 8), per_day=7),
        *walk(over, village, VILLAGE_TEAM, date(2026, 4, 13), per_day=3, no_entry=(1, 6)),
        *walk(over, village[1:2], VILLAGE_TEAM, date(2026, 5, 6), per_day=1),
    ]
    for n, team in enumerate(GAS_TEAMS):
        mine = drawn.assigned[team.login]
        visits += walk(drawn, mine[: len(mine) - n], team, date(2026, 8, 4 + n), per_day=4,
                       every=7, no_entry=(2, 9))  # fmt: skip
        visits += walk(drawn, mine[2:3], team, date(2026, 9, 15), per_day=1)
        done = running.assigned[team.login]
        visits += walk(running, done[: len(done) * 3 // 5], team, date(2026, 11, 3 + n), per_day=6,
                       every=2, no_entry=(4, 17))  # fmt: skip
    own = running.assigned[INSPECTOR]
    visits += walk(running, own[-1:], OWN_TEAM, date(2026, 11, 18), per_day=1, no_entry=(0,))
    ids = make_identities(rng, len(visits))
    return [replace(visit, id=i) for visit, i in zip(visits, ids, strict=True)]


def walk(
    campaign: Campaign | None,
    sites: Sequence[Site],
    team: Team,
    first: date,
    *,
    per_day: int,
    every: int = 1,
    no_entry: tuple[int, ...] = (),
) -> list[Visit]:
    """Visits in the order of the sites, so many a working day from nine o'clock on.

    A day of visits every ``every`` working days; ``no_entry``: at which of them nobody opened.
    """
    days = pd.bdate_range(first, periods=(len(sites) // per_day + 1) * every)[::every]
    nine = timedelta(hours=1)  # nine o'clock on the business clock, in UTC
    made = []
    for n, site in enumerate(sites):
        day, turn = divmod(n, per_day)
        at = datetime.combine(days[day].date(), datetime.min.time(), UTC) + nine
        made.append(
            Visit(
                id="",
                at=at + timedelta(minutes=40 * turn + 5 * (n % 3)),
                site=site,
                team=team,
                result="no_entry" if n in no_entry else "normal",
                campaign=campaign.id if campaign else None,
            )
        )
    return made


_NIGHTS = (
    (datetime(2026, 7, 9, 12, 30, tzinfo=UTC), "蓝色"),
    (datetime(2026, 8, 21, 14, 0, tzinfo=UTC), "黄色"),
)
ROUND_POINTS = 10


def make_flood_rounds(rng: np.random.Generator, sites: Sequence[Site]) -> list[Visit]:
    """Two nights of rain: ten points each, the third of them with water, the others dry."""
    visits = []
    for night, (begun, level) in enumerate(_NIGHTS):
        for n, site in enumerate(sites[night : night + ROUND_POINTS]):
            at = begun + timedelta(minutes=18 * n)
            wet = n == 2
            flood: dict[str, Any] = {"level": level, "depth_m": 0.28 if wet else 0.0}  # Any: JSON
            if wet:
                flood |= {
                    "called_out_at": (at - timedelta(minutes=35)).isoformat(),
                    "arrived_at": (at - timedelta(minutes=4)).isoformat(),
                    "water_gone_at": (at + timedelta(minutes=50)).isoformat(),
                    "action": "设置围挡,清掏雨水口,移动泵车抽排",
                }
            visits.append(Visit("", at, site, FLOOD_TEAM, "dry", flood=flood))
    ids = make_identities(rng, len(visits))
    return [replace(visit, id=i) for visit, i in zip(visits, ids, strict=True)]
