"""What a phone may leave open, settled the same way every time an event is read.

Everything here follows from the event's own columns, never from the clock or from other tables,
so that a log judged anew comes to the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from gis.errors import NotFoundError
from gis.hazards.catalogue import severity_of
from gis.hazards.deadlines import business_day
from gis.hazards.events import PAYLOADS, EventType
from gis.kinds.hazard import Severity

if TYPE_CHECKING:
    from gis.hazards.case import Entry


def make_code(hazard_id: UUID, at: datetime) -> str:
    """The code of a hazard found by phone: its day and eight digits of its random identity.

    The phone works out the same without a signal, so it stands in the photo's watermark.

    >>> from datetime import UTC
    >>> late = datetime(2026, 3, 2, 17, tzinfo=UTC)  # the day after, on the business clock
    >>> make_code(UUID("0190c0de-0000-7000-8000-00001a2b3c4d"), late)
    'YH260303-1A2B3C4D'
    """
    return f"YH{business_day(at):%y%m%d}-{hazard_id.hex[-8:].upper()}"


def settle_severity(item: object, form: str | None) -> str:
    """The severity that follows from the checklist's item, in the version its form names.

    What stands in no catalogue is a general hazard of the lesser class until it is registered.
    """
    version = form.partition("@")[2] if form else None
    try:
        severity = severity_of(str(item), version=version or None)
    except NotFoundError:
        severity = Severity.GENERAL_B
    return str(severity.value)


def read_payload(entry: Entry) -> dict[str, Any]:  # Any: a payload, checked by its type
    """The payload as it is judged: settled, and without what only a newer phone knows.

    That stays in the log, unjudged. A register's statement may stand flat (``Imported``).
    """
    payload = settle_payload(entry)
    if entry.type == EventType.IMPORTED or entry.type not in set(EventType):
        return payload
    known = PAYLOADS[EventType(entry.type)].model_fields
    return {name: value for name, value in payload.items() if name in known}


def settle_payload(entry: Entry) -> dict[str, Any]:  # Any: a payload, checked by its type
    """The payload with what the event's columns say where a discovery leaves it open."""
    payload = dict(entry.payload)
    if entry.type == EventType.NOTIFIED and not payload.get("due_at"):
        payload |= {name: entry.settled[name] for name in ("due_at",) if name in entry.settled}
    if entry.type != EventType.FOUND:
        return payload
    payload.setdefault("code", make_code(entry.hazard_id, entry.at))
    if entry.place is not None:
        payload["lon"], payload["lat"] = entry.place.x, entry.place.y
    if payload.get("item"):  # severity follows from the item, it is not typed
        payload["severity"] = settle_severity(payload["item"], entry.form)
    for name, value in (
        ("asset_id", entry.asset_id),
        ("visit_id", entry.visit_id),
        ("township", entry.township),
        ("severity", Severity.GENERAL_B.value),
    ):
        if payload.get(name) is None and value is not None:
            payload[name] = str(value)
    return payload
