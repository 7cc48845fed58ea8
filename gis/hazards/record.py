"""Events into the database, and the projection they lead to, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import geopandas as gpd
import orjson
import pandas as pd
from shapely import Point
from sqlalchemy import Connection, insert, select, text

from gis import store
from gis.attributes import Text
from gis.db.tables import current, hazard_event
from gis.errors import ConflictError, InputError
from gis.geometry import GeometryType, pass_gate
from gis.hazards.workflow import EventType, HazardEvent, apply
from gis.kinds.hazard import Hazard

Row = Mapping[str, Any]  # Any: values of an event's columns


def read_event(row: Row) -> HazardEvent:
    """An event from plain values (a generator's, an import's, a table's)."""
    return HazardEvent(
        id=UUID(str(row["id"])),
        hazard_id=UUID(str(row["hazard_id"])),
        seq=int(row["seq"]),
        type=EventType(row["type"]),
        at=row["at"],
        actor=str(row["actor"]),
        payload=dict(row["payload"]),
        role=row.get("role"),
    )


def record_event(connection: Connection, event: HazardEvent) -> Hazard:
    """Record one event and what it leads to; the same event again changes nothing.

    Raises ConflictError when the id is known with other content or ``seq`` is not the next one,
    TransitionError when the state does not allow it.
    """
    known = (
        connection.execute(select(hazard_event).where(hazard_event.c.id == event.id))
        .mappings()
        .first()
    )
    events = [read_event(r) for r in _read_events(connection, event.hazard_id)]
    hazard = _fold(events)
    if known is not None:
        _require_same(read_event(dict(known)), event)
        if hazard is None:
            raise ConflictError(Text(zh="事件无隐患", en="an event without its hazard"))
        return hazard
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 7261))"),
        {"id": str(event.hazard_id)},
    )
    if event.seq != len(events) + 1:
        raise ConflictError(
            Text(
                zh="该隐患已有第 {seq} 号事件:请刷新后重试",
                en="this hazard already has event {seq}: refresh and retry",
            ).format(seq=event.seq),
            seq=event.seq,
            next=len(events) + 1,
        )
    after = apply(hazard, event)
    _insert_event(connection, event)
    load_projection(connection, [*events, event], last_only=hazard is not None)
    return after


def _read_events(connection: Connection, hazard_id: UUID) -> list[Row]:
    table = hazard_event
    query = select(table).where(table.c.hazard_id == hazard_id).order_by(table.c.seq)
    return [dict(row) for row in connection.execute(query).mappings()]


def _fold(events: Iterable[HazardEvent]) -> Hazard | None:
    hazard: Hazard | None = None
    for event in events:
        hazard = apply(hazard, event)
    return hazard


def _require_same(known: HazardEvent, event: HazardEvent) -> None:
    same = (known.hazard_id, known.seq, known.type, known.at, known.actor) == (
        event.hazard_id,
        event.seq,
        event.type,
        event.at,
        event.actor,
    ) and _as_json(known.payload) == _as_json(event.payload)
    if not same:
        raise ConflictError(
            Text(zh="事件编号已被另一内容占用", en="this event id is taken by other content"),
            id=str(event.id),
        )


def _as_json(payload: Mapping[str, Any]) -> bytes:  # Any: JSON
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS, default=str)


def _insert_event(connection: Connection, event: HazardEvent) -> None:
    connection.execute(
        insert(hazard_event).values(
            id=event.id,
            hazard_id=event.hazard_id,
            seq=event.seq,
            type=event.type.value,
            at=event.at,
            actor=event.actor,
            role=event.role,
            payload=orjson.loads(_as_json(event.payload)),
            recorded_by=text("current_setting('infratrack.actor')"),
        )
    )


def load_events(connection: Connection, rows: Iterable[Row]) -> int:
    """Record many new hazards with all their events at once; how many events.

    Every hazard's events are applied in order (the same function as one at a time), the events
    go in by COPY, the projection with one version per event. Needs the jobs role.
    """
    events = sorted((read_event(r) for r in rows), key=lambda e: (str(e.hazard_id), e.seq))
    if not events:
        return 0
    load_projection(connection, events)
    frame = pd.DataFrame(
        {
            "id": [str(e.id) for e in events],
            "hazard_id": [str(e.hazard_id) for e in events],
            "seq": [e.seq for e in events],
            "type": [e.type.value for e in events],
            "at": [e.at.isoformat() for e in events],
            "actor": [e.actor for e in events],
            "role": [e.role for e in events],
            "payload": [orjson.loads(_as_json(e.payload)) for e in events],
        }
    )
    store.copy_to_stage(connection, hazard_event, frame)
    columns = ", ".join(frame.columns)
    connection.execute(
        text(
            f"INSERT INTO {hazard_event} ({columns}, recorded_by)"
            f" SELECT {columns}, current_setting('infratrack.actor') FROM stage_hazard_event"
        )
    )
    connection.execute(text("DROP TABLE stage_hazard_event"))
    return len(events)


def load_projection(
    connection: Connection, events: list[HazardEvent], *, last_only: bool = False
) -> None:
    """Write the versions the events lead to; with ``last_only`` just the newest, as a change."""
    by_hazard: dict[UUID, list[HazardEvent]] = defaultdict(list)
    for event in events:
        by_hazard[event.hazard_id].append(event)
    rows = [row for own in by_hazard.values() for row in _versions(own)]
    if last_only:
        _write_change(connection, rows[-1])
        return
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=4490)
    store.load_versions(connection, "hazard", frame)


def _versions(events: list[HazardEvent]) -> list[dict[str, Any]]:  # Any: columns
    first = events[0].payload
    if first.get("lon") is None or first.get("lat") is None:
        raise InputError(Text(zh="隐患缺少位置", en="a hazard has no position"), field="lon")
    point = pass_gate(Point(float(first["lon"]), float(first["lat"])), GeometryType.POINT)
    rows: list[dict[str, Any]] = []  # Any: columns
    hazard: Hazard | None = None
    for expected, event in enumerate(events, start=1):
        if event.seq != expected:
            raise InputError(
                Text(zh="事件序号不连续", en="the events' numbers have a gap"), seq=event.seq
            )
        hazard = apply(hazard, event)
        values = hazard.model_dump(mode="json")
        rows.append(
            {"id": str(event.hazard_id), "valid_from": event.at, **values, "geometry": point}
        )
    return rows


def _write_change(connection: Connection, row: dict[str, Any]) -> None:  # Any: columns
    values = {k: v for k, v in row.items() if k not in ("id", "valid_from", "geometry")}
    connection.execute(
        text("SELECT set_config('infratrack.valid_from', :at, true)"),
        {"at": row["valid_from"].isoformat()},
    )
    store.change(connection, "hazard", UUID(row["id"]), values)


def find_drift(connection: Connection) -> list[str]:
    """Codes of hazards whose row is not what their events lead to: must be none."""
    table = hazard_event
    query = select(table).order_by(table.c.hazard_id, table.c.seq)
    folded: dict[str, Hazard] = {}
    for row in connection.execute(query).mappings():
        key = str(row["hazard_id"])
        folded[key] = apply(folded.get(key), read_event(dict(row)))
    stored = connection.execute(select(current["hazard"])).mappings().all()
    wrong = [
        str(row["code"])
        for row in stored
        if (hazard := folded.pop(str(row["id"]), None)) is None
        or any(_plain(getattr(hazard, n)) != _plain(row[n]) for n in Hazard.model_fields)
    ]
    return wrong + [hazard.code for hazard in folded.values()]


def _plain(value: object) -> object:
    return value.value if hasattr(value, "value") else value
