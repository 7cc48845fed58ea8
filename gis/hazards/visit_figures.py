"""Coverage of sites by category, with 次, 家次 and 家 told apart.

次 is one team's dated outing, 家次 a visit that got in, 家 a distinct site. A visit nobody opened
the door to is no pass: it has its own count and covers nothing. The denominator is every site
that is in service and due to be visited, visited or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import ParameterError
from gis.hazards.deadlines import BUSINESS_CLOCK
from gis.hazards.sites import site_kinds, visited_condition
from gis.hazards.statistics import SMALL_SAMPLE, wilson_interval
from gis.kinds.hazard import HazardCategory

OUTINGS = Text(zh="次", en="outings")
VISITS = Text(zh="家次", en="visits")
UNITS = Text(zh="家", en="sites")
VISIT_COLUMNS = ("asset_id", "category", "result", "at", "team")
NO_ENTRY = "no_entry"


@dataclass(frozen=True, slots=True)
class SiteCoverage:
    """What was visited of one category. ``covered`` of ``sites`` had a visit that got in."""

    category: HazardCategory
    outings: int
    visits: int
    units: int
    no_entry: int
    unproven: int
    """Visits that got in without a position at the site or with an unfinished checklist."""
    sites: int
    covered: int
    interval: tuple[float, float] | None
    left: tuple[str, ...]
    """Sites nobody has been in, by identifier: the rows behind the gap."""

    @property
    def rate(self) -> float | None:
        """Share of sites covered; None where there are none to cover."""
        return self.covered / self.sites if self.sites else None

    @property
    def no_entry_share(self) -> float | None:
        """Share of attempts at which nobody opened; None without any attempt."""
        attempts = self.visits + self.no_entry
        return self.no_entry / attempts if attempts else None

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it."""
        return {
            "category": self.category.value,
            "outings": self.outings,
            "visits": self.visits,
            "units": self.units,
            "no_entry": self.no_entry,
            "no_entry_share": self.no_entry_share,
            "unproven": self.unproven,
            "numerator": self.covered,
            "denominator": self.sites,
            "rate": self.rate,
            "interval": list(self.interval) if self.interval else None,
            "left": list(self.left),
        }


def list_sites(
    connection: Connection,
    categories: Iterable[HazardCategory] | None = None,
    *,
    township: str | None = None,
) -> pd.DataFrame:
    """Sites due to be visited now, in one statement: columns ``id`` (text) and ``category``."""
    kinds = site_kinds()
    wanted = list(categories) if categories is not None else list(kinds)
    selects = [
        f"SELECT f.id::text AS id, '{category}' AS category FROM {CORE}.{kinds[category]} f"
        f" WHERE {visited_condition(kinds[category])}"
        " AND (%(township)s::text IS NULL OR f.township = %(township)s)"
        for category in wanted
        if category in kinds
    ]
    if not selects:
        return pd.DataFrame({"id": [], "category": []}, dtype=object)
    rows = connection.exec_driver_sql(" UNION ALL ".join(selects), {"township": township}).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=["id", "category"], dtype=object)


def count_coverage(sites: pd.DataFrame, visits: pd.DataFrame) -> list[SiteCoverage]:
    """Coverage of every category that has sites or visits, in the categories' order.

    ``sites``: ``id`` and ``category`` of all that are to be visited. ``visits`` of the period:
    ``asset_id`` (None: no site of ours), ``category``, ``result``, ``at`` (aware moments) and
    ``team`` (names in any order, or one text); an optional ``is_valid`` leaves out visits too
    far from their site or with an unfinished checklist. Neither frame is changed.
    Raises ParameterError for missing columns.
    """
    missing = [n for n in VISIT_COLUMNS if n not in visits] + [
        n for n in ("id", "category") if n not in sites
    ]
    if missing:
        raise ParameterError(
            Text(zh="缺少列 {names}", en="missing columns {names}").format(
                names=", ".join(missing)
            ),
            missing=missing,
        )
    made = _describe(visits)
    return [
        _count(category, sites[sites["category"] == category.value], own)
        for category in HazardCategory
        if len(own := made[made["category"] == category.value])
        or (sites["category"] == category.value).any()
    ]


def _describe(visits: pd.DataFrame) -> pd.DataFrame:
    """Each visit with its day on the business clock, its team, and what it counts as."""
    at = pd.to_datetime(visits["at"], utc=True).dt.tz_convert(BUSINESS_CLOCK)
    got_in = visits["result"].astype(str) != NO_ENTRY
    valid = visits["is_valid"].astype(bool) if "is_valid" in visits else True
    return pd.DataFrame(
        {
            "asset_id": [None if pd.isna(v) else str(v) for v in visits["asset_id"]],
            "category": visits["category"].astype(str).to_numpy(),
            "day": at.dt.date.to_numpy(),
            "team": [_name_team(team) for team in visits["team"]],
            "got_in": got_in.to_numpy(),
            "covers": (got_in & valid).to_numpy(),
        }
    )


def _name_team(team: object) -> str:
    """The same people in another order are the same team."""
    if isinstance(team, list | tuple | set | frozenset):
        return "\n".join(sorted(str(name).strip() for name in team))
    return str(team)


def _count(category: HazardCategory, sites: pd.DataFrame, visits: pd.DataFrame) -> SiteCoverage:
    inside = visits[visits["got_in"]]
    reached = set(visits.loc[visits["covers"], "asset_id"].dropna())
    ids = sites["id"].astype(str)
    covered = int(ids.isin(reached).sum())
    small = 0 < len(ids) < SMALL_SAMPLE
    return SiteCoverage(
        category=category,
        outings=len(visits[["team", "day"]].drop_duplicates()),
        visits=len(inside),
        units=int(inside["asset_id"].nunique()),
        no_entry=len(visits) - len(inside),
        unproven=int((inside["asset_id"].notna() & ~inside["covers"]).sum()),
        sites=len(ids),
        covered=covered,
        interval=wilson_interval(covered, len(ids)) if small else None,
        left=tuple(sorted(ids[~ids.isin(reached)])),
    )
