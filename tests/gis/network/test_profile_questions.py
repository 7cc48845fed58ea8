"""A profile from rows of the database: levels for who may see them, the pipes that cross."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from shapely import LineString, Point
from sqlalchemy import Connection

from gis import store
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.kinds import KINDS
from gis.network.profile import Profile, Step, lay_out
from gis.network.profile_questions import crossing_question, nodes_question, pipes_question
from gis.queries import Filter, Statement
from tests.conftest import OneTransaction

A, B = (99.2, 25.0), (99.2003, 25.0)


@pytest.fixture
def drawn(db: OneTransaction) -> Iterator[tuple[Connection, dict[str, UUID]]]:
    with db.write(actor="t", reason="t") as connection:
        yield connection, draw_crossing(connection)


def draw_crossing(connection: Connection) -> dict[str, UUID]:
    """A pipe from A to B, about 30 m, and a storm pipe that crosses it half-way."""

    def add(kind: str, geometry: Point | LineString, **values: object) -> UUID:
        return store.add(connection, KINDS[kind].model_validate(values), geometry)

    return {
        "A": add("sewer_manhole", Point(A), code="A", system="sanitary", ground_m=105.0),
        "B": add("sewer_manhole", Point(B), code="B", system="sanitary", bottom_m=101.5),
        "AB": add(
            "sewer_pipe", LineString([A, B]), code="AB", system="sanitary",
            diameter_mm=600, up_invert_m=102.0, down_invert_m=101.85,
        ),
        "X": add(
            "sewer_pipe", LineString([(99.20015, 25.0002), (99.20015, 24.9998)]), code="X",
            system="storm", width_mm=800, height_mm=500, up_invert_m=103.0, down_invert_m=102.0,
        ),
    }  # fmt: skip


def ask(connection: Connection, statement: Statement) -> Sequence[Any]:
    return connection.exec_driver_sql(statement.sql, statement.parameters).all()


def profile(
    connection: Connection, ids: dict[str, UUID], pool: Pool, asked: Filter | None = None
) -> Profile:
    moment = asked or Filter()
    pipes, nodes = [ids["AB"]], [ids["A"], ids["B"]]
    return lay_out(
        [Step(ids["AB"], ids["A"], ids["B"], True)],
        [
            {**row, "geometry": wkb}
            for row, wkb in ask(connection, pipes_question(pool, pipes, moment))
        ],
        [row for (row,) in ask(connection, nodes_question(pool, nodes, moment))],
        crossing=[
            {**row, "geometry": wkb}
            for row, wkb in ask(connection, crossing_question(pool, pipes, moment))
        ],
    )


def test_staff_sees_levels_nodes_and_what_crosses(
    drawn: tuple[Connection, dict[str, UUID]],
) -> None:
    connection, ids = drawn
    made = profile(connection, ids, Pool.STAFF)
    (reach,) = made.reaches
    # 0.0003 degrees of longitude at 25 degrees north: 0.0003 * 100,950 m on the ellipsoid
    assert reach.length_m == pytest.approx(30.28, abs=0.02)
    assert (reach.start_invert_m, reach.end_invert_m, reach.size) == (102.0, 101.85, "DN600")
    assert [(s.code, s.ground_m, s.bottom_m) for s in made.stations] == [
        ("A", 105.0, None),
        ("B", None, 101.5),
    ]
    (crossing,) = made.crossings
    assert (crossing.code, crossing.size) == ("X", "800×500")
    assert crossing.chainage_m == pytest.approx(15.14, abs=0.02)
    assert crossing.invert_m == pytest.approx(102.5, abs=0.01)


def test_who_may_not_see_inverts_gets_none_of_them(
    drawn: tuple[Connection, dict[str, UUID]],
) -> None:
    made = profile(*drawn, Pool.FIELD)
    assert (made.reaches[0].start_invert_m, made.reaches[0].end_invert_m) == (None, None)
    assert [s.bottom_m for s in made.stations] == [None, None]
    assert made.stations[0].ground_m == 105.0
    assert made.crossings[0].invert_m is None


def test_a_day_before_the_pipe_has_none_of_its_rows(
    drawn: tuple[Connection, dict[str, UUID]],
) -> None:
    connection, ids = drawn
    before = Filter(as_of=datetime(2000, 1, 1, tzinfo=UTC))
    assert ask(connection, pipes_question(Pool.STAFF, [ids["AB"]], before)) == []
    assert ask(connection, nodes_question(Pool.STAFF, [ids["A"]], before)) == []


def test_a_pipe_that_was_taken_out_crosses_nothing(
    drawn: tuple[Connection, dict[str, UUID]],
) -> None:
    connection, ids = drawn
    store.change(connection, "sewer_pipe", ids["X"], {"service_state": "removed"})
    assert profile(connection, ids, Pool.STAFF).crossings == ()


def test_what_crossed_on_a_day_is_judged_by_where_the_way_lay_that_day(
    fresh_database: PooledDatabase,
) -> None:
    """The way moves 100 m away afterwards; that day it was crossed, today it is not."""
    with fresh_database.write(actor="t", reason="t") as connection:
        ids = draw_crossing(connection)
        then = connection.exec_driver_sql("SELECT now()").scalar_one()
    with fresh_database.write(actor="t", reason="t") as connection:
        moved = LineString([(99.201, 25.0), (99.2013, 25.0)])
        store.change(connection, "sewer_pipe", ids["AB"], {"geometry": moved})
    with fresh_database.read() as connection:
        past = profile(connection, ids, Pool.STAFF, Filter(as_of=then))
        today = profile(connection, ids, Pool.STAFF)
    assert [c.code for c in past.crossings] == ["X"]
    assert today.crossings == ()
