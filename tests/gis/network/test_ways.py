"""Ways through the drawn network (tests/gis/network/drawn.py), told by looking at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import Connection

from gis import store
from gis.attributes import Language
from gis.db.handle import PooledDatabase
from gis.errors import NotFoundError
from gis.network.asking import asking
from gis.network.way_profile import read_profile
from gis.network.ways import Along, Goal, Way, find_downstream, find_way
from tests.conftest import OneTransaction
from tests.gis.network.drawn import draw
from tests.gis.network.test_topology import settle

Drawn = tuple[Connection, dict[str, UUID]]


@pytest.fixture
def drawn(db: OneTransaction) -> Iterator[Drawn]:
    with db.write(actor="t", reason="t") as connection:
        yield connection, draw(connection)


def name(drawn: Drawn, way: Way) -> str:
    codes = {identifier: code for code, identifier in drawn[1].items()}
    return " ".join(codes[pipe] for pipe in way.pipes)


@pytest.mark.parametrize(
    ("start", "goal", "pipes", "along"),
    [
        ("A", "OUT", "1 2 3 4", Along.FLOW),  # 2 is straight, 5 beside it bends
        ("OUT", "A", "4 3 2 1", Along.AGAINST),
        ("E", "X", "6 8", Along.MIXED),
        ("1", "3", "1 2 3", Along.FLOW),
        ("G", "F", "9", Along.FLOW),
        ("F", "G", "9", Along.AGAINST),
        ("D", "C", "7 2", Along.FLOW),
        ("B", "B", "", Along.FLOW),
        ("2", "2", "2", Along.FLOW),
        ("A", "5", "1 5", Along.FLOW),  # 5 itself, not 2 beside it
        ("5", "OUT", "5 3 4", Along.FLOW),
        ("5", "3", "5 3", Along.FLOW),
        ("2", "7", "2 3 7", Along.FLOW),
        ("B", "1", "1", Along.AGAINST),
        ("3", "A", "3 2 1", Along.AGAINST),
        ("3", "1", "3 2 1", Along.AGAINST),
        ("6", "8", "6 8", Along.MIXED),
        ("E", "8", "6 8", Along.MIXED),
    ],
)
def test_a_way_goes_along_the_flow_where_it_can(
    drawn: Drawn, start: str, goal: str, pipes: str, along: Along
) -> None:
    way = find_way(asking(drawn[0]), start, goal)
    assert (name(drawn, way), way.along) == (pipes, along)
    for before, after in zip(way.steps, way.steps[1:], strict=False):
        assert before.end == after.start


def test_a_step_says_whether_it_follows_the_drawing(drawn: Drawn) -> None:
    ask, ids = asking(drawn[0]), drawn[1]
    (surveyed,) = find_way(ask, "G", "F").steps
    assert (surveyed.start, surveyed.end, surveyed.forward) == (ids["G"], ids["F"], False)
    (turned,) = find_way(ask, "F", "G").steps
    assert (turned.start, turned.end, turned.forward) == (ids["F"], ids["G"], True)
    assert [s.forward for s in find_way(ask, "E", "X").steps] == [True, False]


def test_a_gap_is_said_and_not_jumped(drawn: Drawn) -> None:
    with pytest.raises(NotFoundError) as refused:
        find_way(asking(drawn[0]), "A", "F")
    assert "断开" in refused.value.text(Language.ZH)


def test_the_nearest_downstream(drawn: Drawn) -> None:
    ask = asking(drawn[0])
    assert name(drawn, find_downstream(ask, "E")) == "6 3 4"
    assert name(drawn, find_downstream(ask, "E", Goal.MANHOLE)) == "6"
    assert name(drawn, find_downstream(ask, "3", Goal.MANHOLE)) == "3"
    with pytest.raises(NotFoundError):
        find_downstream(ask, "G")


def test_a_profile_of_a_way_has_its_levels_at_their_chainage(drawn: Drawn) -> None:
    ask = asking(drawn[0])
    made = read_profile(ask, find_way(ask, "A", "D"))
    assert [s.code for s in made.stations] == ["A", "B", "C", "D"]
    assert [s.chainage_m for s in made.stations] == pytest.approx([0, 30, 60, 90], abs=0.1)
    assert [(r.start_invert_m, r.end_invert_m) for r in made.reaches] == [
        (100.0, 99.8), (99.8, 99.6), (99.6, 99.9),
    ]  # fmt: skip
    against = read_profile(ask, find_way(ask, "C", "A"))
    assert [(r.start_invert_m, r.end_invert_m) for r in against.reaches] == [
        (99.6, 99.8), (99.8, 100.0),
    ]  # fmt: skip


def test_a_way_of_a_past_day(fresh_database: PooledDatabase) -> None:
    with fresh_database.write(actor="t", reason="t") as connection:
        ids = draw(connection)
        then: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    with fresh_database.write(actor="t", reason="t") as connection:
        store.change(connection, "sewer_pipe", ids["2"], {"service_state": "removed"})
        settle(connection)
        ask, codes = asking(connection), {v: k for k, v in ids.items()}
        past = find_way(ask, "A", "OUT", as_of=then)
        assert [codes[p] for p in past.pipes] == ["1", "2", "3", "4"]
        assert [codes[p] for p in find_way(ask, "E", "X", as_of=then).pipes] == ["6", "8"]
        assert [codes[p] for p in find_way(ask, "A", "OUT").pipes] == ["1", "5", "3", "4"]
        assert read_profile(ask, past).length_m == pytest.approx(120, abs=0.3)
