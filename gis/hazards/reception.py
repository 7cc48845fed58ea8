"""What the server settles once, when a record comes in: place, township, date of a notice, preset.

All of it depends on settings, calendars or other tables of that day; it is kept with the event
(columns ``place``, ``township``, ``settled``), so that judging the log anew asks none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shapely import Point
from sqlalchemy import Connection, text

from gis.db.tables import CORE, current
from gis.errors import NotFoundError
from gis.geometry import STORAGE_SRID
from gis.hazards import deadlines
from gis.hazards.catalogue import find_item, item_deadline
from gis.hazards.deadlines import WEEKENDS_ONLY, Deadline, WorkCalendar
from gis.hazards.events import EventType
from gis.hazards.presets import Preset
from gis.kinds.hazard import Severity


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What a bureau works by: who may be the second person, which days are worked."""

    preset: Preset = Preset.STRICT
    calendar: WorkCalendar = WEEKENDS_ONLY


DEFAULT_RULES = HouseRules()


def settle_facts(
    connection: Connection, type_: str, hazard_id: UUID | None, at: datetime, rules: HouseRules
) -> dict[str, Any]:  # Any: JSON
    """What an event's judgement takes from the settings of the day it came in."""
    if type_ in (EventType.PASSED, EventType.CLOSED):
        return {"preset": rules.preset.value}
    if type_ != EventType.NOTIFIED or hazard_id is None:
        return {}
    row = connection.execute(
        text(f"SELECT item, severity, order_due_on FROM {CORE}.hazard WHERE id = :id"),
        {"id": hazard_id},
    ).first()
    if row is None:
        return {}
    if row.order_due_on is not None and row.order_due_on >= deadlines.business_day(at):
        return {"due_at": deadlines.end_of_day(row.order_due_on).isoformat()}
    deadline = _count_notice(row.item, Severity(row.severity), at, rules.calendar)
    if deadline is None:
        return {}
    caution = {"caution": deadline.caution.as_dict()} if deadline.caution else {}
    return {"due_at": deadline.due_at.isoformat(), **caution}


def _count_notice(
    item: str | None, severity: Severity, at: datetime, calendar: WorkCalendar
) -> Deadline | None:
    """The deadline of a notice given at ``at``: by the item's rule, else by the severity's."""
    by_severity = deadlines.RECTIFICATION_LIMITS[severity]
    if item is not None:
        try:
            found = item_deadline(find_item(item), at, calendar)
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
    inside = [p for p in points if p is not None and _is_in_county(connection, p)]
    place = inside[0] if inside else _find_asset_place(connection, asset_id)
    if place is None:
        return None, None
    township = connection.execute(
        text(
            f"SELECT code FROM {CORE}.admin_unit WHERE level = 'township'"
            " AND ST_Intersects(geometry, ST_SetSRID(ST_MakePoint(:x, :y), :srid)) LIMIT 1"
        ),
        {"x": place.x, "y": place.y, "srid": STORAGE_SRID},
    ).scalar()
    return place, township


def _is_in_county(connection: Connection, point: Point) -> bool:
    """Within the county's box, grown by a tenth; anywhere but 0, 0 where no county is set."""
    if point.x == 0 and point.y == 0:
        return False
    row = connection.execute(
        text(
            "SELECT ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent)"
            f" FROM {CORE}.county LIMIT 1"
        )
    ).first()
    if row is None:
        return True
    west, south, east, north = row
    dx, dy = (east - west) / 10, (north - south) / 10
    return bool(west - dx <= point.x <= east + dx and south - dy <= point.y <= north + dy)


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
