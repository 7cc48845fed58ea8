"""Limits of procedure on today's list: what is to be registered, secured, reviewed, and by when.

The date of a notice is the list's own (:mod:`gis.hazards.today`). Beside it a hazard has limits
before and after its notice: registered within a day, a manhole cover back within six hours, a
plan, a re-inspection. They are read off its events, as on the page of the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gis.db.roles import Pool, visible_kinds
from gis.db.tables import CORE
from gis.hazards.clocks import RunningClock
from gis.hazards.deadlines import WorkCalendar, business_day, end_of_day
from gis.hazards.running import list_running
from gis.hazards.today import DAYS_AHEAD, Pressing, desk_columns
from gis.kinds.hazard import Hazard

NOTICE = "rectify"
"""The clock of the notice's date: on the list already."""


def list_pressing_clocks(
    connection: Connection,
    calendar: WorkCalendar,
    *,
    now: datetime,
    pool: Pool = Pool.STAFF,
    days_ahead: int = DAYS_AHEAD,
) -> list[Pressing]:
    """A row per limit that runs out by the end of ``days_ahead`` days after today, or has.

    ``now`` is aware; ``pool`` is the one ``connection`` reads as. None of what it may not read.
    """
    if Hazard not in visible_kinds(pool):
        return []
    horizon = end_of_day(business_day(now) + timedelta(days=days_ahead))
    rows = connection.exec_driver_sql(_question(pool)).scalars()
    return [pressing for row in rows for pressing in _read_row(row, calendar, now, horizon)]


def _question(pool: Pool) -> str:
    """Open hazards as JSON: whose they are, and when each kind of event last took effect."""
    return (
        "SELECT json_build_object('id', d.id, 'code', d.code, 'title', d.title, 'state', d.state,"
        " 'severity', d.severity, 'category', d.category, 'unit', d.unit, 'township', d.township,"
        " 'section', d.section, 'person', d.person, 'item', h.item, 'due_at', h.due_at,"
        " 'plan_filed_at', h.plan_filed_at, 'moments', m.moments)"
        f" FROM ({desk_columns(pool)}) d JOIN {CORE}.hazard h ON h.id = d.id"
        " CROSS JOIN LATERAL (SELECT json_object_agg(t.type, t.at) AS moments FROM"
        " (SELECT e.type, max(o.applied_at) AS at FROM"
        f" {CORE}.event_outcome o JOIN {CORE}.event e ON e.id = o.event_id"
        " WHERE o.hazard_id = h.id AND o.outcome = 'applied' GROUP BY e.type) t) m"
        " WHERE h.is_open"
    )


def _read_row(
    row: Mapping[str, Any],  # Any: JSON
    calendar: WorkCalendar,
    now: datetime,
    horizon: datetime,
) -> Iterator[Pressing]:
    for running in _still_running(list_running(row, calendar)):
        due_at = running.deadline.due_at if running.deadline else horizon
        if running.deadline is None or due_at > horizon:
            continue
        days = (business_day(now) - business_day(due_at)).days
        yield Pressing(
            kind="hazard",
            id=UUID(row["id"]),
            **{name: row[name] for name in _SAME},
            due_at=due_at,
            original_due_at=due_at,
            is_overdue=running.is_late(now),
            days_late=max(days, 0),
            days_left=max(-days, 0),
            clock=running.clock.text,
        )


_SAME = (
    *("code", "title", "state", "severity", "category", "unit", "township", "section"),
    "person",
)


def _still_running(clocks: Iterable[RunningClock]) -> Iterator[RunningClock]:
    return (c for c in clocks if c.stopped_at is None and c.clock.key != NOTICE)
