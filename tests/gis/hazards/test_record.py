"""What is recorded is there once, in order, and its row is the fold of its events."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import Point
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ConflictError, InputError, TransitionError
from gis.hazards.events import HazardEvent
from gis.hazards.record import (
    find_drift,
    import_hazards,
    load_events,
    rebuild_projection,
    record_event,
)
from gis.kinds.hazard import Hazard, HazardState
from tests.conftest import OneTransaction
from tests.gis.hazards.lives import LEGAL, START, as_rows, events_of, make_event

LONG = "found registered notified rectifying submitted returned rectifying submitted closed"


def test_bulk_events_leave_one_version_each_in_valid_time(db: OneTransaction) -> None:
    events = events_of(LONG)
    with db.write(actor="test", reason="bulk") as connection:
        assert load_events(connection, as_rows(events)) == 9
        rows = connection.execute(
            text("SELECT state, lower(valid) AS at FROM history.hazard ORDER BY version")
        ).all()
        assert find_drift(connection) == []
    assert [row.state for row in rows] == LONG.split()
    assert [row.at for row in rows] == [event.at for event in events]


def test_loading_the_same_events_twice_changes_nothing(db: OneTransaction) -> None:
    rows = as_rows(events_of(LONG))
    with db.write(actor="test", reason="bulk") as connection:
        load_events(connection, rows)
        assert load_events(connection, pd.DataFrame(rows)) == 0
        versions = connection.execute(text("SELECT count(*) FROM history.hazard")).scalar()
    assert versions == 9


def test_events_added_in_bulk_to_a_known_hazard_move_it_on(db: OneTransaction) -> None:
    events = events_of(LONG)
    with db.write(actor="test", reason="first") as connection:
        load_events(connection, as_rows(events[:3]))
        assert load_events(connection, as_rows(events)) == 6
        state = connection.execute(text("SELECT state FROM core.hazard")).scalar()
        assert find_drift(connection) == []
    assert state == "closed"


def test_a_bulk_load_with_a_gap_or_backward_time_writes_nothing(db: OneTransaction) -> None:
    first, second, third = events_of("found registered notified")
    early = second.model_copy(update={"at": START - timedelta(days=1)})
    with db.write(actor="test", reason="bad") as connection:
        for bad in ([first, third], [first, early]):
            with pytest.raises(InputError):
                load_events(connection, as_rows(bad))
        assert connection.execute(text("SELECT count(*) FROM core.event")).scalar() == 0


def test_one_by_one_each_event_is_a_version_valid_from_its_moment(
    fresh_database: PooledDatabase,
) -> None:
    events = events_of(LONG)
    for event in events:
        with fresh_database.write(actor="test", reason="one", pool=Pool.JOBS) as connection:
            record_event(connection, event)
    with fresh_database.read(Pool.JOBS) as connection:
        rows = connection.execute(
            text("SELECT state, lower(valid) AS at FROM history.hazard ORDER BY version")
        ).all()
        assert find_drift(connection) == []
    assert [(row.state, row.at) for row in rows] == [
        (name, event.at) for name, event in zip(LONG.split(), events, strict=True)
    ]


def test_recording_a_hazard_does_not_move_the_valid_time_of_other_writes(
    db: OneTransaction,
) -> None:
    first, second = events_of("found registered")
    with db.write(actor="test", reason="both") as connection:
        record_event(connection, first)
        record_event(connection, second)
        left = connection.execute(
            text("SELECT current_setting('infratrack.valid_from', true)")
        ).scalar()
    assert left == ""


def test_the_same_event_twice_changes_nothing_and_another_under_its_id_is_refused(
    db: OneTransaction,
) -> None:
    first, second = events_of("found registered")
    with db.write(actor="test", reason="replay") as connection:
        record_event(connection, first)
        record_event(connection, second)
        assert record_event(connection, second).state is HazardState.REGISTERED
        assert connection.execute(text("SELECT count(*) FROM core.event")).scalar() == 2
        forged = second.model_copy(update={"actor": "李四"})
        with pytest.raises(ConflictError):
            record_event(connection, forged)
        with pytest.raises(ConflictError):
            load_events(connection, as_rows([forged]))


def test_an_event_based_on_an_old_version_is_a_conflict(db: OneTransaction) -> None:
    first, second = events_of("found registered")
    stale = make_event("dismissed", 2, hazard_id=first.hazard_id)
    with db.write(actor="test", reason="race") as connection:
        record_event(connection, first)
        record_event(connection, second)
        with pytest.raises(ConflictError) as conflict:
            record_event(connection, stale)
    assert conflict.value.facts["next"] == 3


def test_of_two_people_who_decide_at_once_one_wins_and_the_other_is_told(
    fresh_database: PooledDatabase,
) -> None:
    first = events_of("found")[0]
    with fresh_database.write(actor="test", reason="one", pool=Pool.JOBS) as connection:
        record_event(connection, first)
    rivals = [
        make_event(name, 2, hazard_id=first.hazard_id) for name in ("registered", "dismissed")
    ]
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def decide(event: HazardEvent) -> None:
        start.wait()
        try:
            with fresh_database.write(actor="test", reason="x", pool=Pool.JOBS) as connection:
                record_event(connection, event)
            outcomes.append("won")
        except ConflictError:
            outcomes.append("told")

    threads = [threading.Thread(target=decide, args=(event,)) for event in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["told", "won"]


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE", "TRUNCATE"])
def test_events_cannot_be_changed_or_removed(db: OneTransaction, statement: str) -> None:
    sql = f"{statement} core.event" + (" SET number = 9" if statement == "UPDATE" else "")
    with db.write(actor="test", reason="event") as connection:
        record_event(connection, events_of("found")[0])
        with (
            pytest.raises(DBAPIError, match=r"append-only|permission denied"),
            connection.begin_nested(),
        ):
            connection.execute(text(sql))


def test_a_row_that_drifted_is_found_and_written_anew(db: OneTransaction) -> None:
    with db.write(actor="test", reason="drift") as connection:
        load_events(connection, as_rows(events_of("found registered")))
        connection.execute(text("UPDATE core.hazard SET severity = 'major', note = 'by hand'"))
        assert find_drift(connection) == ["H-1"]
        assert rebuild_projection(connection) == 1
        assert find_drift(connection) == []
        severity = connection.execute(text("SELECT severity FROM core.hazard")).scalar()
        assert severity == "general_a"
        assert rebuild_projection(connection) == 0


STANDING = {
    "extended",
    "imported",
    "deferred",
    "passed",
    "controlled",
    "commented",
    "escalated",
    "evidence_lost",
    "plan_filed",
}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 9), min_size=0, max_size=8), st.integers(1, 9))
def test_the_projection_is_the_fold_of_any_legal_life(
    db: OneTransaction, choices: list[int], cut: int
) -> None:
    path, state = ["found"], "found"
    for choice in choices:
        moving = set(LEGAL[state].split()) - STANDING
        legal = [name for name in LEGAL[state].split() if name in moving]
        if not legal:
            break
        path.append(legal[choice % len(legal)])
        state = path[-1]
    events = events_of(" ".join(path))
    savepoint = db.connection.begin_nested()
    with db.write(actor="test", reason="life") as connection:
        load_events(connection, as_rows(events[:cut]))
        load_events(connection, as_rows(events))
        assert find_drift(connection) == []
        assert connection.execute(text("SELECT state FROM core.hazard")).scalar() == state
    savepoint.rollback()


def register(**changes: object) -> gpd.GeoDataFrame:
    record = {
        "code": "Z-9",
        "source": "州隐患系统",
        "source_code": "9",
        "category": "gas",
        "severity": "major",
        "state": "notified",
        "found_at": "2026-02-01T00:00:00Z",
        "due_at": "2026-02-16T00:00:00Z",
    }
    row = Hazard.model_validate(record | changes).model_dump(mode="json")
    return gpd.GeoDataFrame([row], geometry=[Point(99.1, 25.0)], crs=4490)


def test_a_foreign_register_comes_in_as_events_and_only_its_news(db: OneTransaction) -> None:
    march, april = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    with db.write(actor="test", reason="register") as connection:
        first = import_hazards(connection, register(), stated_at=march)
        again = import_hazards(connection, register(), stated_at=april)
        news = import_hazards(connection, register(state="closed"), stated_at=april)
        rows = connection.execute(text("SELECT state, is_open FROM core.hazard")).all()
        types = connection.execute(text("SELECT type FROM core.event")).scalars().all()
        assert find_drift(connection) == []
    assert (first.added, again.unchanged, news.changed) == (1, 1, 1)
    assert [tuple(row) for row in rows] == [("closed", False)]
    assert types == ["imported", "imported"]


def test_a_register_cannot_reopen_what_was_closed_here(db: OneTransaction) -> None:
    with db.write(actor="test", reason="register") as connection:
        import_hazards(connection, register(state="closed"), stated_at=START)
        with pytest.raises(TransitionError):
            import_hazards(
                connection, register(state="notified"), stated_at=START + timedelta(days=1)
            )


def test_a_register_row_without_its_own_number_is_refused(db: OneTransaction) -> None:
    with (
        pytest.raises(InputError),
        db.write(actor="test", reason="register") as connection,
    ):
        import_hazards(connection, register(source_code=None), stated_at=START)


def test_two_thousand_hazards_load_in_one_go(db: OneTransaction) -> None:
    rows = [
        row
        for number in range(2000)
        for row in as_rows(events_of(LONG, UUID(int=number + 1), code=f"H-{number}"))
    ]
    with db.write(actor="test", reason="bulk") as connection:
        began = datetime.now(UTC)
        assert load_events(connection, rows) == 18000
        took = datetime.now(UTC) - began
        assert find_drift(connection) == []
    assert took < timedelta(seconds=30)
