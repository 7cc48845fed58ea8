"""Lives of hazards for tests: the workflow written down by hand, and events along a path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from gis.hazards.events import HazardEvent, read_event

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DUE = START + timedelta(days=7)
PLAN = {
    "leader": "王建国",
    "measures": "更换全部软管,加装报警器",
    "money": "自筹 1.2 万元",
    "person": "李强",
    "deadline": "2026-03-08",
    "contingency": "停气、疏散、现场值守",
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "found": {
        "code": "H-1",
        "category": "gas",
        "severity": "general_a",
        "description": "软管老化 <img onerror=alert(1)> ${x}",
        "lon": 99.2,
        "lat": 24.9,
    },
    "imported": {
        "lon": 99.2,
        "lat": 24.9,
        "record": {
            "code": "H-1",
            "source": "州隐患系统",
            "source_code": "88",
            "category": "gas",
            "severity": "general_a",
            "state": "rectifying",
            "found_at": START.isoformat(),
        },
    },
    "notified": {"due_at": DUE.isoformat(), "duty_holder": "云溪饭店"},
    "extended": {"due_at": (START + timedelta(days=20)).isoformat(), "reason": "备件未到"},
    "deferred": {"review_on": "2026-04-01", "reason": "列入年度改造"},
    "transferred": {"to": "消防救援大队"},
    "dismissed": {"reason": "误报"},
    "duplicate": {"survivor": "H-0"},
    "plan_filed": PLAN,
    "evidence_lost": {"files": ["0" * 64], "reason": "手机损坏"},
    "escalated": {
        "stage": "due",
        "recipient": "section_head",
        "since": DUE.isoformat(),
        "due_at": DUE.isoformat(),
        "to": ["leader"],
    },
}
# Written by hand from the workflow of the bureau: state -> what may follow.
LEGAL = {
    "": "found imported",
    "found": "fixed_on_spot registered dismissed duplicate transferred imported controlled"
    " commented escalated evidence_lost",
    "registered": "notified transferred duplicate deferred imported controlled"
    " commented escalated evidence_lost",
    "notified": "rectifying extended deferred imported controlled commented"
    " escalated plan_filed evidence_lost",
    "rectifying": "submitted extended deferred imported controlled commented"
    " escalated plan_filed evidence_lost",
    "submitted": "returned closed imported passed controlled commented escalated evidence_lost",
    "returned": "rectifying extended deferred imported controlled commented"
    " escalated plan_filed evidence_lost",
    "fixed_on_spot": "closed registered imported passed controlled commented"
    " escalated evidence_lost",
    "deferred": "notified rectifying deferred imported controlled commented"
    " escalated plan_filed evidence_lost",
    "closed": "commented",
    "transferred": "commented",
    "dismissed": "commented",
    "duplicate": "commented",
}
PATHS = {
    "": "",
    "found": "found",
    "registered": "found registered",
    "notified": "found registered notified",
    "rectifying": "found registered notified rectifying",
    "submitted": "found registered notified rectifying submitted",
    "returned": "found registered notified rectifying submitted returned",
    "fixed_on_spot": "found fixed_on_spot",
    "deferred": "found registered deferred",
    "closed": "found fixed_on_spot closed",
    "transferred": "found transferred",
    "dismissed": "found dismissed",
    "duplicate": "found duplicate",
}


def make_event(name: str, seq: int, **changes: object) -> HazardEvent:
    """One event, an hour later than the one before."""
    values = {
        "id": uuid4(),
        "hazard_id": uuid4(),
        "seq": seq,
        "type": name,
        "at": START + timedelta(hours=seq - 1),
        "actor": "张三",
        "payload": PAYLOADS.get(name, {}),
    }
    return read_event(values | changes)


def events_of(path: str, hazard_id: UUID | None = None, code: str = "H-1") -> list[HazardEvent]:
    """Events of one hazard along a path such as ``found registered``."""
    hazard_id = hazard_id or uuid4()
    events = []
    for seq, name in enumerate(path.split(), start=1):
        payload = dict(PAYLOADS.get(name, {}))
        if name == "found":
            payload["code"] = code
        events.append(make_event(name, seq, hazard_id=hazard_id, payload=payload))
    return events


def as_rows(events: list[HazardEvent]) -> list[dict[str, Any]]:
    """Events as the plain rows a generator or a file gives."""
    return [
        {
            "id": str(event.id),
            "hazard_id": str(event.hazard_id),
            "seq": event.seq,
            "type": event.type.value,
            "at": event.at,
            "actor": event.actor,
            "payload": event.stored_payload(),
        }
        for event in events
    ]
