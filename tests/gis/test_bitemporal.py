"""Histories made at random are read back as a plain list of assertions says they must be.

The model knows nothing of SQL: a history is a list of "from this moment on it was so" in the order
they were recorded. What was true at T, as known at K, is the last of them that was recorded by K
and begins by T. Time is a scale of our own: fixed moments of the past, then the ticks of the
server's clock (asked between transactions, so that each lies between two of them), then the
nearest future.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg import errors
from shapely import LineString
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from gis import frames, queries, store
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase, set_context
from gis.db.roles import OWNER, Pool
from gis.errors import ConflictError
from gis.geometry import STORAGE_SRID
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import SewerPipe
from gis.queries import Filter
from tests.gis.samples import sample_frame

KIND = "sewer_pipe"
YEARS = (2019, 2021, 2023)
HOURS = (2, 11, 20)
EXAMPLES, STEPS = 30, 20


# --- the model ----------------------------------------------------------------------------------


class Moment(NamedTuple):
    """A place on the scale of time: epoch 0 holds years, 1 ticks of the server's clock, 2 hours
    from the beginning of the trial. Tuples compare as the moments do."""

    epoch: int
    number: int


@dataclass(frozen=True)
class State:
    """What one assertion says of a pipe."""

    code: str
    note: str
    east: int
    """Thousandths of a degree its line is moved by."""


@dataclass(frozen=True)
class Assertion:
    """From ``begins`` on it was ``state`` (None: it never was); said at ``recorded``."""

    version: int
    begins: Moment
    recorded: Moment
    state: State | None


class Model:
    """Assertions by record, in the order they were made."""

    def __init__(self) -> None:
        self.said: dict[UUID, list[Assertion]] = {}

    def truth(self, at: Moment, known: Moment) -> dict[UUID, tuple[State, int]]:
        """State and version of every record that there was ``at``, as far as ``known``."""
        found: dict[UUID, tuple[State, int]] = {}
        for identifier, assertions in self.said.items():
            covering = [a for a in assertions if a.recorded <= known and a.begins <= at]
            if covering and covering[-1].state is not None:
                found[identifier] = (covering[-1].state, covering[-1].version)
        return found

    def live(self) -> dict[UUID, State]:
        """What the last word on each record is."""
        last = {identifier: said[-1].state for identifier, said in self.said.items()}
        return {identifier: state for identifier, state in last.items() if state is not None}


ALWAYS = Moment(-1, 0)
FOREVER = Moment(3, 0)


# --- the trial ----------------------------------------------------------------------------------

words = st.sampled_from(["a", "b", "c"])
places = st.integers(0, 3)
picks = st.integers(0, 99)
starts = st.one_of(
    st.none(),
    st.sampled_from([Moment(0, year) for year in YEARS]),
    st.sampled_from([Moment(2, hour) for hour in HOURS[:2]]),
)
"""Since when a change is true; None is left to the server: now."""


def line_of(state: State) -> LineString:
    west = 99 + state.east / 1000
    return LineString([(west, 25), (west + 0.01, 25)])


class Trial(RuleBasedStateMachine):
    """One database and one model, told the same."""

    db: PooledDatabase
    owner: Engine

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.codes = 0
        self.ticks: list[datetime] = []
        self.recorded: dict[tuple[UUID, int], str] = {}
        with self.owner.begin() as connection:  # replica: no trigger, so history can be emptied
            for table in (f"core.{KIND}", f"history.{KIND}", "core.asset"):
                connection.execute(text(f"DELETE FROM {table}"))
        self.tick()
        self.began = self.ticks[0]

    # time

    def tick(self) -> Moment:
        """A moment between the transaction before and the one after."""
        with self.db.read(Pool.JOBS) as connection:
            self.ticks.append(connection.execute(text("SELECT clock_timestamp()")).scalar_one())
        return Moment(1, len(self.ticks) - 1)

    def clock(self, moment: Moment) -> datetime:
        if moment.epoch == 0:
            return datetime(moment.number, 3, 1, tzinfo=UTC)
        if moment.epoch == 1:
            return self.ticks[moment.number]
        return self.began + timedelta(hours=moment.number)

    def next_tick(self) -> Moment:
        """The first tick after the transaction that is to come."""
        return Moment(1, len(self.ticks))

    @contextmanager
    def write(self, begins: Moment | None = None) -> Iterator[Connection]:
        valid_from = self.clock(begins) if begins else None
        with self.db.write(
            actor="trial", reason="test", valid_from=valid_from, pool=Pool.JOBS
        ) as connection:
            yield connection
        self.tick()

    # what is told to both

    def new_state(self, note: str, east: int) -> State:
        self.codes += 1
        return State(code=f"P{self.codes}", note=note, east=east)

    def pick(self, number: int) -> UUID:
        live = list(self.model.live())
        return live[number % len(live)]

    def say_new(self, identifier: UUID, state: State, begins: Moment | None) -> None:
        now = self.next_tick()
        assertion = Assertion(version=1, begins=begins or now, recorded=now, state=state)
        self.model.said[identifier] = [assertion]

    def say(
        self,
        identifier: UUID,
        state: State,
        begins: Moment | None,
        *,
        recorded: Moment | None = None,
        now: Moment | None = None,
    ) -> None:
        now = now or self.next_tick()
        said = self.model.said[identifier]
        said.append(
            Assertion(
                version=len(said) + 1,
                # a change that names no time never reaches further back than what it changes
                begins=begins or max(now, said[-1].begins),
                recorded=recorded or now,
                state=state,
            )
        )

    # rules

    @rule(note=words, east=places, begins=starts)
    def add(self, note: str, east: int, begins: Moment | None) -> None:
        state = self.new_state(note, east)
        record = SewerPipe(
            code=state.code, source="t", source_code=state.code, note=note, system="storm"
        )
        with self.write(begins) as connection:
            identifier = store.add(connection, record, line_of(state))
            self.say_new(identifier, state, begins)

    @precondition(lambda self: self.model.live())
    @rule(number=picks, note=words, east=st.none() | places, begins=starts, stale=st.booleans())
    def change(
        self, number: int, note: str, east: int | None, begins: Moment | None, stale: bool
    ) -> None:
        identifier = self.pick(number)
        state = replace(self.model.live()[identifier], note=note)
        changes: dict[str, Any] = {"note": note}  # Any: values of any column
        if east is not None:
            state = replace(state, east=east)
            changes["geometry"] = line_of(state)
        version = len(self.model.said[identifier])
        if stale:
            with pytest.raises(ConflictError), self.write(begins) as connection:
                store.change(connection, KIND, identifier, changes, expected_version=version - 1)
            self.tick()
            return
        with self.write(begins) as connection:
            found = store.change(connection, KIND, identifier, changes, expected_version=version)
            assert found == version + 1
            self.say(identifier, state, begins)

    @precondition(lambda self: self.model.live())
    @rule(number=picks, first=words, then=words, begins=starts, forget=st.booleans())
    def change_twice(
        self, number: int, first: str, then: str, begins: Moment | None, forget: bool
    ) -> None:
        """Both are one version, true from where the first said, also if the second says nothing."""
        identifier = self.pick(number)
        with self.write(begins) as connection:
            one = store.change(connection, KIND, identifier, {"note": first})
            if forget:
                set_context(connection, actor="trial", reason="test")
            assert store.change(connection, KIND, identifier, {"note": then}) == one
            self.say(identifier, replace(self.model.live()[identifier], note=then), begins)

    @rule(note=words, then=words, begins=starts)
    def add_and_change(self, note: str, then: str, begins: Moment | None) -> None:
        state = self.new_state(note, 0)
        record = SewerPipe(
            code=state.code, source="t", source_code=state.code, note=note, system="storm"
        )
        with self.write(begins) as connection:
            identifier = store.add(connection, record, line_of(state))
            assert store.change(connection, KIND, identifier, {"note": then}) == 1
            self.say_new(identifier, replace(state, note=then), begins)

    @precondition(lambda self: self.model.live())
    @rule(number=picks, note=words, begins=starts)
    def give_up(self, number: int, note: str, begins: Moment | None) -> None:
        """A transaction that fails at its end has said nothing."""
        with suppress(ZeroDivisionError), self.write(begins) as connection:
            store.change(connection, KIND, self.pick(number), {"note": note})
            store.delete(connection, KIND, [self.pick(number + 1)])
            raise ZeroDivisionError
        self.tick()

    @precondition(lambda self: self.model.live())
    @rule(number=picks, days=st.sampled_from([1.01, 400]))
    def prophesy(self, number: int, days: float) -> None:
        identifier = self.pick(number)
        far = self.ticks[-1] + timedelta(days=days)
        with (
            pytest.raises(DBAPIError) as refused,
            self.db.write(actor="trial", reason="test", valid_from=far) as connection,
        ):
            store.change(connection, KIND, identifier, {"note": "prophecy"})
        assert getattr(refused.value.orig, "sqlstate", "") == "IT002"

    @precondition(lambda self: self.model.live())
    @rule(number=picks, again=st.booleans(), changed=st.booleans())
    def void(self, number: int, again: bool, changed: bool) -> None:
        """Delete; perhaps change it first, perhaps add it again under another identity."""
        identifier = self.pick(number)
        state = self.model.live()[identifier]
        with self.write() as connection:
            if changed:
                store.change(connection, KIND, identifier, {"note": "doomed"})
                self.say(identifier, replace(state, note="doomed"), None)
            assert store.delete(connection, KIND, [identifier]) == 1
            assert store.delete(connection, KIND, [identifier]) == 0
            said = self.model.said[identifier]
            said.append(Assertion(len(said) + 1, ALWAYS, self.next_tick(), None))
            if again:
                record = SewerPipe(
                    code=state.code, source="t", source_code=state.code, note="new",
                    system="storm",
                )  # fmt: skip
                fresh = replace(state, note="new")
                self.say_new(store.add(connection, record, line_of(fresh)), fresh, None)

    @rule(
        numbers=st.lists(picks, max_size=3, unique=True),
        new=st.integers(0, 2),
        note=words,
        begins=starts,
    )
    def load(self, numbers: list[int], new: int, note: str, begins: Moment | None) -> None:
        """A survey again: rows that differ change, rows that do not stay, unknown ones come."""
        live = self.model.live()
        known = list(dict.fromkeys(self.pick(n) for n in numbers)) if live else []
        states = [replace(live[i], note=note) for i in known]
        fresh = [self.new_state(note, 1) for _ in range(new)]
        if not known and not fresh:
            return
        with self.write(begins) as connection:
            counts = store.load_rows(connection, KIND, frame_of([*states, *fresh]))
            changed = [(i, s) for i, s in zip(known, states, strict=True) if live[i] != s]
            assert counts == store.LoadCounts(new, len(changed), len(known) - len(changed))
            for identifier, state in changed:
                self.say(identifier, state, begins)
            for state in fresh:
                identifier = connection.execute(
                    text(f"SELECT id FROM core.{KIND} WHERE code = :code"), {"code": state.code}
                ).scalar_one()
                self.say_new(identifier, state, begins)

    @rule(
        lives=st.lists(st.lists(words, min_size=1, max_size=len(YEARS)), min_size=1, max_size=2),
    )
    def load_lives(self, lives: list[list[str]]) -> None:
        """Whole histories of new records, all recorded at once."""
        identifiers = [UUID(i) for i in store.make_ids(len(lives))]
        parts = []
        for identifier, notes in zip(identifiers, lives, strict=True):
            state = self.new_state("", 2)
            frame = frame_of([replace(state, note=note) for note in notes])
            frame["id"] = str(identifier)
            begins = [Moment(0, year) for year in YEARS[: len(notes)]]
            frame["valid_from"] = [self.clock(moment) for moment in begins]
            parts.append(frame)
            self.model.said[identifier] = [
                Assertion(n, moment, self.next_tick(), replace(state, note=note))
                for n, (moment, note) in enumerate(zip(begins, notes, strict=True), 1)
            ]
        with self.write() as connection:
            whole = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=STORAGE_SRID)
            assert store.load_versions(connection, KIND, whole) == sum(map(len, lives))

    @precondition(lambda self: self.model.live())
    @rule(number=picks, other=picks, slow=words, quick=words)
    def overtake(self, number: int, other: int, slow: str, quick: str) -> None:
        """A transaction that began first, and changes a row that a quicker one changed since."""
        contested, alone = self.pick(number), self.pick(other)
        with self.db.engines[Pool.JOBS].begin() as first:
            set_context(first, actor="trial", reason="slow")
            began = self.tick()  # its now() lies before this tick
            with self.write() as second:
                store.change(second, KIND, contested, {"note": quick})
                self.say(contested, replace(self.model.live()[contested], note=quick), None)
            store.change(first, KIND, contested, {"note": slow})
            said = replace(self.model.live()[contested], note=slow)
            self.say(contested, said, None, recorded=self.next_tick(), now=began)
            if alone != contested:
                store.change(first, KIND, alone, {"note": slow})
                said = replace(self.model.live()[alone], note=slow)
                self.say(alone, said, None, recorded=began, now=began)
        self.tick()

    # what must hold

    @rule(
        at=st.one_of(
            st.sampled_from([Moment(0, 2018), *(Moment(0, year) for year in YEARS)]),
            st.builds(Moment, st.just(1), st.integers(0, 60)),
            st.sampled_from([Moment(2, hour) for hour in HOURS]),
        ),
        known=st.integers(0, 60),
    )
    def look_back(self, at: Moment, known: int) -> None:
        """Every way to ask tells what the model tells."""
        at = Moment(1, at.number % len(self.ticks)) if at.epoch == 1 else at
        self.compare_all(at, Moment(1, known % len(self.ticks)))

    @invariant()
    def nothing_that_was_recorded_is_ever_edited(self) -> None:
        with self.owner.connect() as connection:
            rows = connection.execute(
                text(f"SELECT id, version, f::text AS whole FROM history.{KIND} f")
            ).all()
        found = {(row.id, row.version): row.whole for row in rows}
        assert {key: found.get(key) for key in self.recorded} == self.recorded
        assert set(found) == {
            (identifier, assertion.version)
            for identifier, said in self.model.said.items()
            for assertion in said
        }
        self.recorded = found

    @invariant()
    def the_present_is_the_last_word(self) -> None:
        assert self.ask(Filter()) == {
            identifier: (state, len(self.model.said[identifier]))
            for identifier, state in self.model.live().items()
        }
        soon = Filter(as_of=self.clock(Moment(2, HOURS[-1])))
        assert self.ask(soon) == self.ask(Filter())
        with self.db.read(Pool.JOBS) as connection:
            assets = connection.execute(text("SELECT id, code, voided FROM core.asset")).all()
        last = {
            i: [a.state.code for a in said if a.state][-1] for i, said in self.model.said.items()
        }
        live = self.model.live()
        assert {(a.id, a.code, a.voided) for a in assets} == {
            (identifier, code, identifier not in live) for identifier, code in last.items()
        }

    def teardown(self) -> None:
        for number in range(len(self.ticks)):
            tick = Moment(1, number)
            self.compare(tick, FOREVER)
            self.compare(tick, tick)
            for year in (2018, *YEARS):
                self.compare(Moment(0, year), tick)
        for identifier in self.model.said:
            self.compare_versions(identifier)

    # asking

    def filter_of(self, at: Moment, known: Moment) -> Filter:
        return Filter(
            as_of=self.clock(at), known_at=None if known == FOREVER else self.clock(known)
        )

    def fetch(self, statement: queries.Statement) -> Any:  # noqa: ANN401 - Any: one row
        with self.db.read() as connection:
            cursor = connection.connection.cursor()
            row = cursor.execute(statement.sql, statement.parameters).fetchone()
            cursor.close()
            return row

    def ask(self, asked: Filter) -> dict[UUID, tuple[State, int]]:
        page = self.fetch(
            queries.features_page(SewerPipe, Pool.STAFF, asked, limit=1000, after=None)
        )
        return {UUID(f["id"]): read_feature(f) for f in json.loads(f"[{page[0]}]")}

    def compare(self, at: Moment, known: Moment) -> None:
        assert self.ask(self.filter_of(at, known)) == self.model.truth(at, known), (at, known)

    def compare_all(self, at: Moment, known: Moment) -> None:
        truth = self.model.truth(at, known)
        asked = self.filter_of(at, known)
        self.compare(at, known)
        assert self.fetch(queries.count_features(SewerPipe, asked))[0] == len(truth)
        if at == known:
            alone = Filter(known_at=self.clock(known))
            assert self.ask(alone) == truth
        for identifier in self.model.said:
            row = self.fetch(queries.one_feature(SewerPipe, Pool.STAFF, identifier, asked))
            found = read_feature(json.loads(row[0])) if row else None
            assert found == truth.get(identifier)
        frame = frames.read(KIND, as_of=asked.as_of, known_at=asked.known_at, db=self.db)
        assert {
            UUID(str(i)): (State(code, note, round((shape.bounds[0] - 99) * 1000)), version)
            for i, code, note, shape, version in zip(
                frame.index, frame["code"], frame["note"], frame.geometry, frame["version"],
                strict=True,
            )
        } == truth  # fmt: skip

    def compare_versions(self, identifier: UUID) -> None:
        """The list of versions: newest first, each until a later one takes over."""
        said = self.model.said[identifier]
        row = self.fetch(queries.versions_of(SewerPipe, Pool.STAFF, identifier))
        listed = json.loads(row[0])
        assert [v["version"] for v in listed] == list(range(len(said), 0, -1))
        for version, assertion in zip(listed, reversed(said), strict=True):
            assert version["deleted"] == (assertion.state is None)
            assert (version["recorded_by"], version["reason"] in ("test", "slow")) == (
                "trial",
                True,
            )
            later = [a.begins for a in said[assertion.version :]]
            takes_over = max(min(later), assertion.begins) if later else None
            was_known = any(a.recorded < assertion.recorded for a in said)
            assert version["restated"] == (was_known and assertion.begins < assertion.recorded)
            self.compare_moment(version["valid_from"], assertion.begins)
            self.compare_moment(version["valid_to"], takes_over)
            if assertion.state is not None:
                assert version["properties"]["note"] == assertion.state.note

    def compare_moment(self, told: str | None, moment: Moment | None) -> None:
        """A moment of the server is the model's, or lies between the same two ticks."""
        if moment is None or moment == ALWAYS:
            assert told is None
            return
        assert told is not None
        exact = datetime.fromisoformat(told)
        if moment.epoch != 1:
            assert exact == self.clock(moment)
            return
        assert self.ticks[moment.number - 1] < exact < self.ticks[moment.number]


def read_feature(feature: dict[str, Any]) -> tuple[State, int]:  # Any: GeoJSON
    properties = feature["properties"]
    west = feature["geometry"]["coordinates"][0][0]
    # 0.01 degrees of the parallel of 25 degrees north; the measure follows every geometry.
    assert properties["length_m"] == pytest.approx(1009.50, abs=0.01)
    state = State(properties["code"], properties["note"], round((west - 99) * 1000))
    return state, properties["version"]


def frame_of(states: list[State]) -> gpd.GeoDataFrame:
    rows = [
        SewerPipe(
            code=s.code, source="t", source_code=s.code, note=s.note, system="storm"
        ).model_dump(mode="json")
        for s in states
    ]
    return gpd.GeoDataFrame(rows, geometry=[line_of(s) for s in states], crs=STORAGE_SRID)


@pytest.fixture
def owner(fresh_database: PooledDatabase, cluster: Cluster) -> Iterator[Engine]:
    """The superuser with triggers switched off: only so can a trial begin with no history."""
    name = str(fresh_database.engines[Pool.JOBS].url.database)
    engine = create_engine(
        cluster.superuser_url(name),
        connect_args={"options": "-c session_replication_role=replica"},
    )
    yield engine
    engine.dispose()


@pytest.fixture
def voided(fresh_database: PooledDatabase) -> UUID:
    """A pipe of two versions, and a third that says it never was."""
    state = State("A", "first", 0)
    record = SewerPipe(code="A", source="t", source_code="A", note="first", system="storm")
    with fresh_database.write(actor="t", reason="add") as connection:
        identifier = store.add(connection, record, line_of(state))
    with fresh_database.write(actor="t", reason="change") as connection:
        store.change(connection, KIND, identifier, {"note": "second"})
    with fresh_database.write(actor="t", reason="void") as connection:
        store.delete(connection, KIND, [identifier])
    return identifier


def test_no_version_of_a_deleted_record_still_holds(
    fresh_database: PooledDatabase, voided: UUID
) -> None:
    statement = queries.versions_of(SewerPipe, Pool.STAFF, voided)
    with fresh_database.read() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(statement.sql, statement.parameters)
        last, second, first = json.loads((cursor.fetchone() or "[]")[0])
        cursor.close()
    assert (last["deleted"], last["valid_from"], last["valid_to"]) == (True, None, None)
    assert first["valid_to"] == first["valid_from"]
    assert second["valid_to"] == second["valid_from"]
    assert [v["restated"] for v in (first, second, last)] == [False, False, True]


@pytest.mark.parametrize("role", [*(pool.role for pool in Pool), OWNER])
def test_nobody_edits_what_was_recorded(
    fresh_database: PooledDatabase, voided: UUID, cluster: Cluster, role: str
) -> None:
    """No login role has the right, and the owner of the tables is refused by a trigger."""
    name = str(fresh_database.engines[Pool.JOBS].url.database)
    engine = create_engine(cluster.url(role, name))
    state = "IT003" if role == OWNER else errors.InsufficientPrivilege.sqlstate
    sample = sample_frame(KINDS["road"], "R1")
    with fresh_database.write(actor="t", reason="road", pool=Pool.JOBS) as connection:
        store.load_rows(connection, "road", sample)
    for kind in (KIND, "road"):
        for attempt in (
            f"UPDATE history.{kind} SET note = 'forged'",
            f"UPDATE history.{kind} SET deleted = NOT deleted",
            f"DELETE FROM history.{kind}",
            f"TRUNCATE history.{kind}",
        ):
            with engine.connect() as connection:
                set_context(connection, actor="t", reason="tamper")
                with pytest.raises(DBAPIError) as refused:
                    connection.exec_driver_sql(attempt)
            assert getattr(refused.value.orig, "sqlstate", "") == state, attempt
    engine.dispose()


def test_the_past_is_what_a_list_of_assertions_says(
    fresh_database: PooledDatabase, owner: Engine
) -> None:
    """What takes long is known from its end (test_long_writes); the list knows no such delay, and
    on a busy machine a short write can be a long one."""
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION core.forget() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER forget BEFORE INSERT ON core.long_write"
            " FOR EACH ROW EXECUTE FUNCTION core.forget()"
        )
    trial = type("Trial", (Trial,), {"db": fresh_database, "owner": owner})
    run_state_machine_as_test(
        trial,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
