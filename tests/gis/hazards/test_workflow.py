"""A hazard goes where the table says, and nowhere else; its row is the fold of its events."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gis.errors import ConflictError, InputError, TransitionError
from gis.hazards.record import find_drift, load_events, read_event, record_event
from gis.hazards.workflow import EventType, HazardEvent, apply
from gis.kinds.hazard import HazardState
from tests.conftest import OneTransaction

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
FOUND = {
    "code": "H-1",
    "category": "gas",
    "severity": "general_a",
    "description": "软管老化 <img onerror=alert(1)> ${x}",
    "lon": 99.2,
    "lat": 24.9,
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "found": FOUND,
    "notified": {"due_at": (START + timedelta(days=7)).isoformat()},
    "extended": {"due_at": (START + timedelta(days=20)).isoformat(), "reason": "备件未到"},
    "deferred": {"review_on": "2026-04-01"},
    "transferred": {"to": "消防救援大队"},
    "dismissed": {"reason": "误报"},
    "duplicate": {"survivor": "H-0"},
}
# Written by hand from the workflow of the bureau: state -> what may follow.
LEGAL = {
    "found": "fixed_on_spot registered dismissed duplicate transferred",
    "registered": "notified transferred duplicate deferred",
    "notified": "rectifying extended deferred",
    "rectifying": "submitted extended deferred",
    "submitted": "returned closed",
    "returned": "rectifying extended deferred",
    "fixed_on_spot": "closed registered",
    "deferred": "rectifying",
    "closed": "",
    "transferred": "",
    "dismissed": "",
    "duplicate": "",
}
PATHS = {
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


def events_of(path: str, hazard: UUID | None = None) -> list[HazardEvent]:
    hazard = hazard or uuid4()
    return [
        HazardEvent(
            id=uuid4(),
            hazard_id=hazard,
            seq=i + 1,
            type=EventType(name),
            at=START + timedelta(hours=i),
            actor="张三",
            payload=PAYLOADS.get(name, {}),
        )
        for i, name in enumerate(path.split())
    ]


@pytest.mark.parametrize("state", [s.value for s in HazardState])
@pytest.mark.parametrize("event", [e.value for e in EventType])
def test_a_state_allows_exactly_the_events_of_the_table(state: str, event: str) -> None:
    hazard = None
    for past in events_of(PATHS[state]):
        hazard = apply(hazard, past)
    assert hazard is not None
    assert hazard.state.value == state
    following = events_of(f"{PATHS[state]} {event}")[-1]
    if event in LEGAL[state].split():
        apply(hazard, following)
    else:
        with pytest.raises(TransitionError):
            apply(hazard, following)


def test_an_extension_keeps_the_original_deadline_and_comes_once() -> None:
    hazard = None
    for event in events_of("found registered notified rectifying extended"):
        hazard = apply(hazard, event)
    assert hazard is not None
    assert hazard.original_due_at == START + timedelta(days=7)
    assert hazard.due_at == START + timedelta(days=20)
    with pytest.raises(TransitionError):
        apply(hazard, events_of("found extended")[-1])


def test_a_deferral_beyond_ninety_days_is_refused() -> None:
    hazard = None
    for event in events_of("found registered"):
        hazard = apply(hazard, event)
    late = read_event(
        {
            "id": uuid4(),
            "hazard_id": uuid4(),
            "seq": 3,
            "type": "deferred",
            "at": START,
            "actor": "x",
            "payload": {"review_on": "2026-06-01"},
        }
    )
    with pytest.raises(InputError):
        apply(hazard, late)


def test_events_one_by_one_and_all_at_once_lead_to_the_same_rows(db: OneTransaction) -> None:
    path = "found registered notified rectifying submitted returned rectifying submitted closed"
    with db.write(actor="test", reason="one by one") as connection:
        for event in events_of(path):
            record_event(connection, event)
        one = connection.execute(
            text("SELECT state, returns, is_open, version FROM core.hazard")
        ).one()
        assert find_drift(connection) == []
    assert tuple(one) == ("closed", 1, False, 1)


def test_bulk_events_leave_one_version_each_in_valid_time(db: OneTransaction) -> None:
    path = "found registered notified rectifying submitted closed"
    rows = [
        {
            "id": e.id,
            "hazard_id": e.hazard_id,
            "seq": e.seq,
            "type": e.type.value,
            "at": e.at,
            "actor": e.actor,
            "payload": e.payload,
        }
        for e in events_of(path)
    ]
    with db.write(actor="test", reason="bulk") as connection:
        assert load_events(connection, rows) == 6
        states = connection.execute(
            text("SELECT state FROM history.hazard ORDER BY version")
        ).scalars()
        assert list(states) == ["found", "registered", "notified", "rectifying", "submitted",
                                "closed"]  # fmt: skip
        assert find_drift(connection) == []


def test_the_same_event_twice_changes_nothing_and_another_under_its_id_is_refused(
    db: OneTransaction,
) -> None:
    first, second = events_of("found registered")
    with db.write(actor="test", reason="replay") as connection:
        record_event(connection, first)
        record_event(connection, second)
        assert record_event(connection, second).state is HazardState.REGISTERED
        count = connection.execute(text("SELECT count(*) FROM core.hazard_event")).scalar()
        assert count == 2
        forged = HazardEvent(second.id, second.hazard_id, 2, second.type, second.at, "李四", {})
        with pytest.raises(ConflictError):
            record_event(connection, forged)


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE", "TRUNCATE"])
def test_events_cannot_be_changed_or_removed(db: OneTransaction, statement: str) -> None:
    sql = f"{statement} core.hazard_event" + (" SET seq = 9" if statement == "UPDATE" else "")
    with db.write(actor="test", reason="event") as connection:
        record_event(connection, events_of("found")[0])
        with pytest.raises(DBAPIError, match="append-only|permission denied"):
            with connection.begin_nested():
                connection.execute(text(sql))
