"""Events into the database, and the projection they lead to, in one transaction.

The event is the truth; the row in ``core.hazard`` is what :func:`gis.hazards.workflow.fold`
makes of a hazard's events, one version per recorded event, valid from the event's moment. The
projection is written by the jobs role: no other may write it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import geopandas as gpd
import orjson
import pandas as pd
from shapely import Point
from sqlalchemy import Connection, text

from gis import store
from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import ConflictError, InputError, TransitionError
from gis.geometry import STORAGE_SRID
from gis.hazards.case import Entry
from gis.hazards.events import EventType, Found, HazardEvent, Imported, Role, read_event
from gis.hazards.ledger import (
    BESIDE_COLUMNS,
    Standing,
    as_row,
    copy_events,
    lock_hazard,
    place_of,
    read_projection,
)
from gis.hazards.settle import read_payload
from gis.hazards.workflow import apply, fold
from gis.kinds.hazard import Hazard

Row = Mapping[str, Any]  # Any: values of an event's columns
_EVENT_COLUMNS = ("id", "hazard_id", "seq", "type", "at", "actor", "role", "payload")
_IMPORT_NAMESPACE = UUID("5a1d8a3e-6f0b-5c52-9a3c-3f0f6a1f8b11")


def record_event(connection: Connection, event: HazardEvent) -> Hazard:
    """Record one event and what it leads to; the same event again changes nothing.

    ``event.seq`` must be the hazard's next: it is the version the writer based the event on.
    Several events of one hazard in one transaction leave one version of its row.

    Raises ConflictError when the id is known with other content or ``seq`` is not the next one,
    TransitionError when the state does not allow it.
    """
    lock_hazard(connection, event.hazard_id)
    past = _read_events(connection, [event.hazard_id])[event.hazard_id]
    if not _pick_fresh(connection, [event]):  # it is known
        return fold(past)
    if event.seq != len(past) + 1:
        raise ConflictError(
            Text(
                zh="该隐患的下一事件序号为 {next},收到 {seq}:请刷新后重试",
                en="the hazard's next event is number {next}, got {seq}: refresh and retry",
            ).format(next=len(past) + 1, seq=event.seq),
            seq=event.seq,
            next=len(past) + 1,
        )
    _require_order([*past, event])
    after = fold([*past, event])
    copy_events(connection, [event])
    _write_projection(connection, {event.hazard_id: past}, {event.hazard_id: [event]})
    return after


def load_events(connection: Connection, rows: Iterable[Row] | pd.DataFrame) -> int:
    """Record many events at once; how many were new.

    ``rows`` have the keys id, hazard_id, seq, type, at (aware), actor, payload and optionally
    role, visit_id, asset_id, township, form, evidence (notes of files, as JSON). Every
    hazard's events are applied in the order of ``seq`` by the same function as one at a time.
    A new hazard gets one version per event, one already on record a single version for all that
    is new. Events already recorded are passed over, so loading twice changes nothing. Needs the
    jobs role.

    Raises RowError for an event that cannot be read, ConflictError for an id known with other
    content, InputError for a gap in ``seq`` or moments that run backwards, TransitionError for
    what the workflow refuses. Nothing is written then.
    """
    given = _as_mappings(rows)
    fresh = _pick_fresh(connection, _read_rows(given))
    if not fresh:
        return 0
    added = _by_hazard(fresh)
    past = _read_events(connection, list(added))
    for hazard_id, events in added.items():
        _require_order([*past[hazard_id], *events])
    _write_projection(connection, past, added)
    beside = {UUID(str(row["id"])): {n: row.get(n) for n in BESIDE_COLUMNS} for row in given}
    copy_events(connection, fresh, beside)
    return len(fresh)


def import_hazards(
    connection: Connection, frame: gpd.GeoDataFrame, *, stated_at: datetime
) -> store.LoadCounts:
    """Take over a foreign register as events of type ``imported``.

    ``frame`` holds attribute columns of the kind, validated, with ``source`` and ``source_code``
    set, and points (lon/lat). ``stated_at`` (aware) is when the register said so: the moment
    from which the state is held true. What the register says again is left alone.

    Raises TransitionError where the register speaks of a hazard that has ended here.
    """
    events = [_as_import(row, stated_at) for row in frame.to_dict("records")]
    past = _read_events(connection, [event.hazard_id for event in events])
    news: list[HazardEvent] = []
    for event in events:
        known = past[event.hazard_id]
        said = [e.payload for e in known if e.type is EventType.IMPORTED]
        if said and said[-1] == event.payload:
            continue
        news.append(_renumber(event, len(known) + 1))
    load_events(connection, [as_row(event) for event in news])
    added = sum(event.seq == 1 for event in news)
    return store.LoadCounts(
        added=added, changed=len(news) - added, unchanged=len(events) - len(news)
    )


def find_drift(connection: Connection) -> list[str]:
    """Codes of hazards whose row is not what their events lead to: must be none."""
    folded, stored = _fold_all(connection), read_projection(connection)
    return sorted(
        (stored.get(key) or folded[key])[0].code
        for key in folded.keys() | stored.keys()
        if folded.get(key) != stored.get(key)
    )


def rebuild_projection(connection: Connection) -> int:
    """Write anew every row that is not what its events lead to; how many.

    The repair is itself a version, so what was shown before stays on record. Rows without
    events are voided.
    """
    events = _read_events(connection)
    stored = read_projection(connection)
    wrong = {key: own for key, own in events.items() if stored.get(key) != _stand(own)}
    for key in wrong.keys() & stored.keys():
        _change_row(connection, wrong[key])
    missing = {key: own for key, own in wrong.items() if key not in stored}
    _write_projection(connection, defaultdict(list), missing)
    store.delete(connection, "hazard", list(orphans := stored.keys() - events.keys()))
    return len(wrong) + len(orphans)


def _as_mappings(rows: Iterable[Row] | pd.DataFrame) -> list[Row]:
    if not isinstance(rows, pd.DataFrame):
        return list(rows)
    plain = rows.astype(object).where(rows.notna(), None)
    return [dict(zip(plain.columns, row, strict=True)) for row in plain.to_numpy()]


def _read_rows(rows: Iterable[Row]) -> list[HazardEvent]:
    events = [read_event({n: row[n] for n in _EVENT_COLUMNS if n in row}) for row in rows]
    return sorted(events, key=lambda event: (event.hazard_id, event.seq))


def _pick_fresh(connection: Connection, events: Sequence[HazardEvent]) -> list[HazardEvent]:
    """The events not on record; one on record must be the same."""
    ids = [event.id for event in events]
    rows = connection.execute(text(f"{_APPLIED} AND e.id = ANY(:ids)"), {"ids": ids}).mappings()
    seen = {row["id"]: _read_applied(dict(row)) for row in rows}
    fresh: list[HazardEvent] = []
    for event in events:
        if event.id in seen:
            _require_same(seen[event.id], event)
            continue
        seen[event.id] = event
        fresh.append(event)
    return fresh


def _require_same(known: HazardEvent, event: HazardEvent) -> None:
    if known != event:
        raise ConflictError(
            Text(
                zh="事件编号 {id} 已被另一内容占用",
                en="the event id {id} is taken by other content",
            ).format(id=event.id),
            id=str(event.id),
        )


def _require_order(events: Sequence[HazardEvent]) -> None:
    for number, event in enumerate(events, start=1):
        if event.seq != number:
            raise InputError(
                Text(
                    zh="隐患 {id} 的事件序号不连续:应为 {number},收到 {seq}",
                    en="the events of hazard {id} have a gap: expected {number}, got {seq}",
                ).format(id=event.hazard_id, number=number, seq=event.seq),
                seq=event.seq,
            )
        if number > 1 and event.at < events[number - 2].at:
            raise InputError(
                Text(
                    zh="隐患 {id} 的第 {seq} 号事件早于前一事件",
                    en="event {seq} of hazard {id} is earlier than the one before",
                ).format(id=event.hazard_id, seq=event.seq),
                seq=event.seq,
            )


def _by_hazard(events: Iterable[HazardEvent]) -> dict[UUID, list[HazardEvent]]:
    found: dict[UUID, list[HazardEvent]] = defaultdict(list)
    for event in events:
        found[event.hazard_id].append(event)
    return found


# An event on record, as the step of its hazard it was applied as.
_APPLIED = (
    "SELECT e.id, o.hazard_id, o.hazard_seq AS seq, e.type, o.applied_at AS at, e.actor, e.role,"
    " e.payload, e.visit_id, e.asset_id, e.township, e.form, e.settled,"
    " ST_X(e.place) AS x, ST_Y(e.place) AS y,"
    f" e.number FROM {CORE}.event_outcome o JOIN {CORE}.event e ON e.id = o.event_id"
    " WHERE o.outcome = 'applied' AND o.hazard_id IS NOT NULL"
)


def _read_events(
    connection: Connection, hazard_ids: Sequence[UUID] | None = None
) -> dict[UUID, list[HazardEvent]]:
    """Events applied, by hazard, in order; of all hazards when none is named."""
    which = "" if hazard_ids is None else " AND o.hazard_id = ANY(:ids)"
    query = text(f"{_APPLIED}{which} ORDER BY o.hazard_id, o.hazard_seq")
    values = {} if hazard_ids is None else {"ids": list(hazard_ids)}
    rows = connection.execute(query, values).mappings()
    return _by_hazard(_read_applied(dict(row)) for row in rows)


def _read_applied(row: Row) -> HazardEvent:
    entry = Entry(
        id=row["id"],
        number=row["number"],
        type=row["type"],
        hazard_id=row["hazard_id"],
        at=row["at"],
        actor=row["actor"],
        visit_id=row["visit_id"],
        asset_id=row["asset_id"],
        payload=row["payload"],
        place=None if row["x"] is None else Point(row["x"], row["y"]),
        township=row["township"],
        form=row["form"],
        settled=row["settled"],
    )
    return read_event({n: row[n] for n in _EVENT_COLUMNS} | {"payload": read_payload(entry)})


def _fold_all(connection: Connection) -> dict[UUID, Standing]:
    return {key: _stand(own) for key, own in _read_events(connection).items()}


def _stand(events: list[HazardEvent]) -> Standing:
    place = _find_place(events)
    return fold(events), place.x, place.y


def _write_projection(
    connection: Connection,
    past: Mapping[UUID, list[HazardEvent]],
    added: Mapping[UUID, list[HazardEvent]],
) -> None:
    """New hazards with a version per event; others changed to what all their events lead to."""
    rows: list[dict[str, Any]] = []  # Any: values of any column
    for hazard_id, events in added.items():
        if past[hazard_id]:
            _change_row(connection, [*past[hazard_id], *events])
        else:
            rows.extend(_make_versions(events))
    if rows:
        frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=STORAGE_SRID)
        store.load_versions(connection, "hazard", frame)


def _make_versions(events: Sequence[HazardEvent]) -> Iterable[dict[str, Any]]:  # Any: columns
    hazard: Hazard | None = None
    for number, event in enumerate(events, start=1):
        hazard = apply(hazard, event)
        yield {
            "id": str(event.hazard_id),
            "valid_from": event.at,
            **hazard.model_dump(mode="json"),
            "geometry": _find_place(events[:number]),
        }


def _find_place(events: Sequence[HazardEvent]) -> Point:
    """Where the last event that says so puts the hazard."""
    for event in reversed(events):
        if isinstance(event.payload, Found | Imported):
            return place_of(event)
    raise TransitionError(
        Text(zh="隐患须先被发现或导入", en="a hazard begins by being found or imported")
    )


def _change_row(connection: Connection, events: Sequence[HazardEvent]) -> None:
    last = events[-1]
    before = connection.execute(
        text("SELECT coalesce(current_setting('infratrack.valid_from', true), '')")
    ).scalar_one()
    values = fold(list(events)).model_dump(mode="json") | {"geometry": _find_place(events)}
    _set_valid_from(connection, last.at.isoformat())
    store.change(connection, "hazard", last.hazard_id, values)
    # What else this transaction writes is valid from the moment its own author gave.
    _set_valid_from(connection, before)


def _set_valid_from(connection: Connection, moment: str) -> None:
    connection.execute(
        text("SELECT set_config('infratrack.valid_from', :at, true)"), {"at": moment}
    )


def _as_import(row: Row, stated_at: datetime) -> HazardEvent:
    facts = {n: v for n in Hazard.model_fields if not _is_missing(v := row.get(n))}
    record = Hazard.model_validate(facts)
    if not record.source_code:
        raise InputError(
            Text(
                zh="隐患 {code} 缺少来源编号,再次导入时无法识别",
                en="hazard {code} has no source code: a second import could not recognise it",
            ).format(code=record.code),
            field="source_code",
        )
    place: Point = row["geometry"]
    hazard_id = uuid5(_IMPORT_NAMESPACE, f"{record.source}\n{record.source_code}")
    return HazardEvent(
        id=hazard_id,
        hazard_id=hazard_id,
        seq=1,
        type=EventType.IMPORTED,
        at=stated_at,
        actor=record.source,
        role=Role.SYSTEM,
        payload=Imported(lon=place.x, lat=place.y, record=record),
    )


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _renumber(event: HazardEvent, seq: int) -> HazardEvent:
    """The event as the hazard's number ``seq``; its id follows from number and content."""
    content = orjson.dumps(event.stored_payload(), option=orjson.OPT_SORT_KEYS).decode()
    return event.model_copy(update={"seq": seq, "id": uuid5(event.hazard_id, f"{seq}\n{content}")})
