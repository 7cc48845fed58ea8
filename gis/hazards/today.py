"""今日盯办: what is overdue or due within days, by section and person; one statement.

Hazards, land plots and projects with a date that has passed or comes near. Late is counted in
days of the business clock at a given moment and never stored. Whose it is: the section and
person of the case, else those of the site it was found at; what a pool may not read stays empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gis.attributes import Text
from gis.db.roles import Pool, visible_attributes, visible_kinds
from gis.db.tables import CORE
from gis.errors import ForbiddenError
from gis.hazards.deadlines import business_day, end_of_day
from gis.kinds import Asset

DAYS_AHEAD = 3
NOBODY = Text(zh="未指定", en="Not assigned")
_COLUMNS = (
    "kind, id, code, title, state, severity, category, unit, township, section, person,"
    " due_at, original_due_at"
)
_ZONE = "AT TIME ZONE 'Asia/Shanghai'"
# Anything else in a reference is no identifier of ours; a cast would fail the whole list.
_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"


@dataclass(frozen=True, slots=True)
class Pressing:
    """One thing that is late or nearly: ``days_late`` > 0 past its due day, else days left."""

    kind: str
    id: UUID
    code: str
    title: str | None
    state: str
    severity: str | None
    category: str | None
    unit: str | None
    township: str | None
    section: str | None
    person: str | None
    due_at: datetime
    original_due_at: datetime
    is_overdue: bool
    days_late: int
    days_left: int
    clock: Text | None = None
    """The limit that runs out, where it is not the date of the thing itself."""

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it."""
        plain = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in ((n, getattr(self, n)) for n in self.__slots__)
        }
        return plain | {"id": str(self.id), "clock": self.clock and self.clock.as_dict()}


def list_pressing(
    connection: Connection,
    *,
    now: datetime,
    pool: Pool = Pool.STAFF,
    days_ahead: int = DAYS_AHEAD,
    section: str | None = None,
    person: str | None = None,
    limit: int = 5_000,
) -> list[Pressing]:
    """What is overdue at ``now`` (aware) or due by the end of ``days_ahead`` days after today.

    Sorted by section, person and due date; what belongs to nobody comes last. ``pool`` is the
    one ``connection`` reads as: it decides which columns are asked for. ForbiddenError where
    it may read nothing of it.
    """
    parameters: dict[str, Any] = {  # Any: values of any column
        "now": now,
        "horizon": end_of_day(business_day(now) + timedelta(days=days_ahead)),
        "limit": limit,
    }
    conditions = ["due_at <= %(horizon)s"]
    for name, value in (("section", section), ("person", person)):
        if value is not None:
            parameters[name] = value
            conditions.append(f"{name} = %({name})s")
    late = f"(%(now)s {_ZONE})::date - (due_at {_ZONE})::date"
    sources = list(_sources(pool))
    if not sources:
        raise ForbiddenError(
            Text(zh="无权读取盯办清单", en="this role may not read what is pressing")
        )
    sql = (
        f"WITH due ({_COLUMNS}) AS ({' UNION ALL '.join(sources)})"
        f" SELECT {_COLUMNS}, due_at < %(now)s,"
        f" greatest({late}, 0), greatest(-({late}), 0) FROM due"
        f" WHERE {' AND '.join(conditions)}"
        " ORDER BY section NULLS LAST, person NULLS LAST, due_at, code LIMIT %(limit)s"
    )
    return [Pressing(*row) for row in connection.exec_driver_sql(sql, parameters).all()]


def _sources(pool: Pool) -> Iterable[str]:
    """One SELECT per kind of thing with a date, of those the pool may read."""
    kinds = {kind.kind for kind in visible_kinds(pool)}
    if "hazard" in kinds:
        yield f"{_hazards(pool)} AND f.due_at IS NOT NULL"
    if "land_plot" in kinds:
        yield (
            "SELECT 'land_plot', f.id, f.code, f.name, f.stage, NULL, 'land',"
            " f.rectifying_party, f.township, f.section,"
            f" {_person_column('land_plot', pool)}, {_end_of('f.due_on')}, {_end_of('f.due_on')}"
            f" FROM {CORE}.land_plot f WHERE f.stage <> 'closed' AND f.due_on IS NOT NULL"
        )
        if pool is not Pool.PUBLIC:
            yield _windows(pool)
    if "project" in kinds:
        date = "f.planned_completion_on"
        yield (
            "SELECT 'project', f.id, f.code, f.name, f.stage, NULL, NULL, f.contractor,"
            f" f.township, NULL, NULL, {_end_of(date)}, {_end_of(date)}"
            f" FROM {CORE}.project f WHERE f.completed_on IS NULL AND {date} IS NOT NULL"
        )


def _windows(pool: Pool) -> str:
    """Plots whose time to sue is running or over and of which nothing was recorded since."""
    return (
        "SELECT 'land_plot', f.id, f.code, f.name, 'litigation_window', NULL, 'land',"
        " f.enforcer, f.township, f.section,"
        f" {_person_column('land_plot', pool)}, p.due_at, p.due_at"
        f" FROM {CORE}.plot_step p JOIN {CORE}.land_plot f ON f.id = p.asset_id"
        " WHERE p.step = 'decision_served' AND p.due_at IS NOT NULL AND f.stage <> 'closed'"
        " AND p.withdrawn_because IS NULL AND f.court_applied_on IS NULL"
        f" AND f.restored_on IS NULL AND NOT EXISTS (SELECT 1 FROM {CORE}.plot_step q"
        " WHERE q.asset_id = p.asset_id AND q.step = 'sued' AND q.withdrawn_because IS NULL)"
    )


def _end_of(day: str) -> str:
    """The last second of a day on the business clock."""
    return f"(({day} + 1)::timestamp - interval '1 second') {_ZONE}"


def _hazards(pool: Pool) -> str:
    return (
        "SELECT 'hazard', f.id, f.code, coalesce(f.description, f.name), f.state, f.severity,"
        " f.category, f.duty_holder, f.township, coalesce(f.section, s.section),"
        " coalesce(f.assigned_to, s.person), f.due_at, coalesce(f.original_due_at, f.due_at)"
        f" FROM {CORE}.hazard f LEFT JOIN LATERAL ({_site_sql(pool)}) s ON true"
        " WHERE f.is_open"
    )


def desk_columns(pool: Pool) -> str:
    """A SELECT of every open hazard as a row of the list, with or without a date."""
    return f"SELECT * FROM ({_hazards(pool)}) AS listed ({_COLUMNS})"


def find_desk(
    connection: Connection, hazard_id: UUID, *, pool: Pool
) -> tuple[str | None, str | None]:
    """(section, person) on whose desk a hazard with a due date lies."""
    row = connection.exec_driver_sql(
        f"SELECT section, person FROM ({desk_columns(pool)}) d"
        " WHERE id = %(id)s AND due_at IS NOT NULL",
        {"id": hazard_id},
    ).first()
    return (None, None) if row is None else (row[0], row[1])


def _site_sql(pool: Pool) -> str:
    """Section and person of the asset a hazard was found at, whatever kind it is."""
    site = f"CASE WHEN f.asset_id ~ {_UUID} THEN f.asset_id::uuid END"
    return " UNION ALL ".join(
        f"SELECT a.section, {_person_column(kind.kind, pool, 'a')} AS person"
        f" FROM {CORE}.{kind.kind} a WHERE a.id = {site}"
        for kind in visible_kinds(pool)
        if issubclass(kind, Asset)
    )


def _person_column(kind: str, pool: Pool, alias: str = "f") -> str:
    """The responsible person, where the pool may read who that is."""
    known = next(k for k in visible_kinds(pool) if k.kind == kind)
    return f"{alias}.responsible" if "responsible" in visible_attributes(known, pool) else "NULL"


def _place_of(row: Pressing) -> tuple[bool, str, bool, str, datetime, str]:
    no_section, no_person = row.section is None, row.person is None
    return no_section, row.section or "", no_person, row.person or "", row.due_at, row.code


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on one person's desk."""

    section: str | None
    person: str | None
    rows: tuple[Pressing, ...]

    @property
    def overdue(self) -> int:
        """How many are late."""
        return sum(row.is_overdue for row in self.rows)


def group_by_desk(rows: Iterable[Pressing]) -> list[Desk]:
    """Rows by section and person, what belongs to nobody last, the most pressing first."""
    rows = sorted(rows, key=_place_of)
    return [
        Desk(section, person, tuple(own))
        for (section, person), own in groupby(rows, key=lambda row: (row.section, row.person))
    ]
