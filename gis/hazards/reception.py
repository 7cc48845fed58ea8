"""What the server settles once, when a record comes in: place, township, date of a notice, preset.

All of it depends on settings, calendars or other tables of that day; it is kept with the event
(columns ``place``, ``township``, ``settled``), so that judging the log anew asks none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shapely import Point
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE, current
from gis.errors import NotFoundError
from gis.geometry import STORAGE_SRID
from gis.hazards import deadlines
from gis.hazards.catalogue import find_item, item_deadline
from gis.hazards.deadlines import WEEKENDS_ONLY, Deadline, WorkCalendar
from gis.hazards.events import EventType
from gis.hazards.presets import Preset, is_sampled
from gis.hazards.settle import settle_severity
from gis.kinds.hazard import Severity


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What a bureau works by: who may be the second person, which days are worked, and which share
    (percent) of the repairs on the spot is seen again, drawn by its secret ``seed``."""

    preset: Preset = Preset.STRICT
    calendar: WorkCalendar = WEEKENDS_ONLY
    sample_percent: int = 0
    seed: str = ""


DEFAULT_RULES = HouseRules()


def settle_facts(
    connection: Connection, type_: str, hazard_id: UUID | None, at: datetime, rules: HouseRules
) -> dict[str, Any]:  # Any: JSON
    """What an event's judgement takes from the settings of the day it came in."""
    if type_ in (EventType.PASSED, EventType.CLOSED):
        drawn = hazard_id is not None and is_sampled(
            hazard_id, percent=rules.sample_percent, seed=rules.seed
        )
        return {"preset": rules.preset.value, **({"sampled": True} if drawn else {})}
    if type_ != EventType.NOTIFIED or hazard_id is None:
        return {}
    row = connection.execute(
        text(f"SELECT item, severity, order_due_on FROM {CORE}.hazard WHERE id = :id"),
        {"id": hazard_id},
    ).first()
    if row is None:
        return {}
    limit = _count_limit(row.item, Severity(row.severity), at, rules.calendar)
    ordered: date | None = row.order_due_on
    if ordered is None or ordered < deadlines.business_day(at):
        caution = {"caution": limit.caution.as_dict()} if limit.caution else {}
        return {"due_at": limit.due_at.isoformat(), **caution}
    due_at = deadlines.end_of_day(ordered)
    if ordered == deadlines.business_day(
        limit.due_at
    ):  # the order names the day, the rule the hour
        due_at = min(due_at, limit.due_at)
    return {"due_at": due_at.isoformat(), **_weigh_order(ordered, limit)}


_LATE_ORDER = Text(
    zh="现场责令期限 {ordered} 晚于规定期限 {limit},按责令日期记录,请核对",
    en="the date ordered on the spot, {ordered}, is later than the rule's, {limit}; kept as"
    " ordered: please check",
)


def settle_order(
    payload: Mapping[str, Any], form: str | None, at: datetime, rules: HouseRules
) -> dict[str, Any]:  # Any: JSON
    """What is to be said of the date a discovery orders (``order_due_on``), found at ``at``.

    A date later than the rule allows stays as it was ordered; ``caution`` says so, in words, and
    ``rule_due_at`` what the rule would give.
    """
    ordered, item = _read_day(payload.get("order_due_on")), payload.get("item")
    if ordered is None:
        return {}
    severity = settle_severity(item, form) if item else payload.get("severity")
    known = Severity(severity) if severity in set(Severity) else Severity.GENERAL_B
    version = form.partition("@")[2] if form else None
    limit = _count_limit(str(item) if item else None, known, at, rules.calendar, version=version)
    return _weigh_order(ordered, limit)


def _read_day(words: object) -> date | None:
    try:
        return date.fromisoformat(str(words))
    except ValueError:  # judged with the rest of the payload
        return None


def _weigh_order(ordered: date, limit: Deadline) -> dict[str, Any]:  # Any: JSON
    allowed = deadlines.business_day(limit.due_at)
    if ordered <= allowed:
        return {}
    words = _LATE_ORDER.format(ordered=ordered.isoformat(), limit=_write(limit.due_at))
    return {"caution": words.as_dict(), "rule_due_at": limit.due_at.isoformat()}


def _write(moment: datetime) -> str:
    """To the minute on the business clock; the end of a day is the day."""
    local = moment.astimezone(deadlines.BUSINESS_CLOCK)
    is_day = local.time() == deadlines.LAST_SECOND
    return local.date().isoformat() if is_day else f"{local:%Y-%m-%d %H:%M}"


def _count_limit(
    item: str | None,
    severity: Severity,
    at: datetime,
    calendar: WorkCalendar,
    *,
    version: str | None = None,
) -> Deadline:
    """The deadline of an order or notice given at ``at``: the item's rule, else the severity's."""
    by_severity = deadlines.RECTIFICATION_LIMITS[severity]
    if item is not None:
        try:
            found = item_deadline(find_item(item, version=version), at, calendar)
        except NotFoundError:
            found = None
        # What was to be mended on the spot and was not goes by its severity.
        if found is not None and found.due_at > at:
            return found
    return deadlines.count_deadline(at, by_severity, calendar)


def settle_place(
    connection: Connection, asset_id: UUID | None, *points: Point | None
) -> tuple[Point | None, str | None]:
    """(the first usable point, else the asset's; the township it lies in).

    A fix at 0, 0 is what a phone without one says; outside the county's extent a point is kept
    as raw but not used when the asset is known (an asset in the county is surer than a fix in
    the sea).
    """
    known = [point for point in points if point is not None]
    found = _locate(connection, known) if known else None
    if found is None and (middle := _find_asset_place(connection, asset_id)) is not None:
        found = _locate(connection, [middle], anywhere=True)
    return found if found is not None else (None, None)


# Within the county's box, grown by a tenth; anywhere but 0, 0 where no county is set.
_LOCATE = text(
    "SELECT p.x, p.y,"
    f" (SELECT u.code FROM {CORE}.admin_unit u WHERE u.level = 'township'"
    " AND ST_Intersects(u.geometry, ST_SetSRID(ST_MakePoint(p.x, p.y), :srid)) LIMIT 1)"
    " FROM unnest(CAST(:xs AS float8[]), CAST(:ys AS float8[])) WITH ORDINALITY AS p (x, y, n)"
    " LEFT JOIN (SELECT ST_XMin(extent) AS w, ST_YMin(extent) AS s, ST_XMax(extent) AS e,"
    f" ST_YMax(extent) AS n FROM {CORE}.county LIMIT 1) c ON true"
    " WHERE :anywhere OR ((p.x <> 0 OR p.y <> 0) AND (c.w IS NULL OR ("
    " p.x BETWEEN c.w - (c.e - c.w) / 10 AND c.e + (c.e - c.w) / 10"
    " AND p.y BETWEEN c.s - (c.n - c.s) / 10 AND c.n + (c.n - c.s) / 10)))"
    " ORDER BY p.n LIMIT 1"
)


def _locate(
    connection: Connection, points: list[Point], *, anywhere: bool = False
) -> tuple[Point, str | None] | None:
    """The first usable of the points and its township, in one statement."""
    row = connection.execute(
        _LOCATE,
        {
            "xs": [p.x for p in points],
            "ys": [p.y for p in points],
            "anywhere": anywhere,
            "srid": STORAGE_SRID,
        },
    ).first()
    return None if row is None else (Point(row[0], row[1]), row[2])


def _find_asset_place(connection: Connection, asset_id: UUID | None) -> Point | None:
    """The middle of an asset's box (lon/lat): the place itself for what is a point."""
    if asset_id is None:
        return None
    kind = connection.execute(
        text(f"SELECT kind FROM {CORE}.asset WHERE id = :id AND NOT voided"), {"id": asset_id}
    ).scalar()
    if kind is None or kind not in current:
        return None
    row = connection.execute(
        text(
            "SELECT (ST_XMin(geometry) + ST_XMax(geometry)) / 2,"
            f" (ST_YMin(geometry) + ST_YMax(geometry)) / 2 FROM {CORE}.{kind} WHERE id = :id"
        ),
        {"id": asset_id},
    ).first()
    return None if row is None else Point(*row)
