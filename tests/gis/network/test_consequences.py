"""What follows from the graph: blockages, components, catchments, the report of what was snapped.

The network is the drawn one (tests/gis/network/drawn.py); expectations are told by looking at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from shapely.geometry import shape
from sqlalchemy import Connection

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import InputError
from gis.network.asking import asking
from gis.network.catchment import read_area
from gis.network.components import describe_components
from gis.network.isolation import isolate
from gis.network.topology import topology_statement
from gis.network.trace import Direction, answer_walk, start_walk
from tests.conftest import OneTransaction
from tests.gis.network.drawn import draw
from tests.gis.network.test_topology import EAST_M, add_manhole, add_pipe, at, settle
from tests.gis.network.test_trace import pipes

Drawn = tuple[Connection, dict[str, UUID]]


@pytest.fixture
def drawn(db: OneTransaction) -> Iterator[Drawn]:
    with db.write(actor="t", reason="t") as connection:
        yield connection, draw(connection)


def stopped(connection: Connection, pipe: str, **more: object) -> tuple[set[str], int]:
    ask = asking(connection)
    found = isolate(ask, pipe, **more)  # type: ignore[arg-type]  # as_of or nothing
    document = answer_walk(
        ask, found.blocked, Direction.UP, found.stopped, pool=Pool.STAFF
    ).as_document()
    return pipes(document), found.diverted_pipes


@pytest.mark.parametrize(
    ("pipe", "expected", "diverted"),
    [
        # 5 lies beside it, so all that is above goes on: 1, and by the loop 3, 5, 6, 7, 8.
        ("2", "2", 6),
        ("4", "1 2 3 4 5 6 7 8", 0),
        ("3", "1 2 3 5 6 7 8", 0),  # 7 leads from D to B, and so nowhere
        ("6", "6", 0),
        ("1", "1", 0),
    ],
)
def test_a_blockage_stops_what_has_no_other_way(
    drawn: Drawn, pipe: str, expected: str, diverted: int
) -> None:
    assert stopped(drawn[0], pipe) == (set(expected.split()), diverted)


def test_only_a_pipe_is_blocked(drawn: Drawn) -> None:
    with pytest.raises(InputError):
        isolate(asking(drawn[0]), "C")


def test_a_past_blockage_is_judged_by_the_network_of_that_day(
    fresh_database: PooledDatabase,
) -> None:
    with fresh_database.write(actor="t", reason="t") as connection:
        draw(connection)
        then = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    with fresh_database.read() as connection:
        for pipe in ("2", "3", "4"):
            assert stopped(connection, pipe, as_of=then) == stopped(connection, pipe)


def test_components_and_orphans(drawn: Drawn) -> None:
    add_manhole(drawn[0], "ALONE", at(500))
    settle(drawn[0])
    found = describe_components(asking(drawn[0]))
    assert (found["count"], found["without_outfall"]) == (2, 1)
    assert [(c["pipes"], c["nodes"], c["outfalls"]) for c in found["components"]] == [
        (8, 7, 1), (1, 2, 0),
    ]  # fmt: skip
    assert set(found["components"][0]["systems"]) == {"sanitary", "storm"}
    assert [row["code"] for row in found["orphans"]["pipes"]["rows"]] == ["9"]
    alone = {row["code"]: row["kind"] for row in found["orphans"]["nodes"]["rows"]}
    # R hangs on a pipe that is removed; users drain by the code of their node.
    users = dict.fromkeys(("U1", "U2", "U3", "U4"), "drainage_user")
    assert alone == {"ALONE": "sewer_manhole", "R": "sewer_manhole", **users}


def test_a_catchment_is_the_strip_beside_what_drains(drawn: Drawn) -> None:
    ask = asking(drawn[0])
    _, walk = start_walk(ask, "G", Direction.UP)
    assert read_area(ask, walk) == (None, 0.0)
    _, walk = start_walk(ask, "F", Direction.UP)
    geometry, area = read_area(ask, walk, near_m=10)
    # 30 m by 20 m and two half discs of 10 m (four segments a quarter: 2.6 % less than round)
    assert area == pytest.approx(600 + 306, rel=0.01)
    polygon = shape(json.loads(geometry or ""))
    assert polygon.bounds[0] == pytest.approx(at(-10)[0], abs=0.2 / EAST_M)


def test_the_report_says_what_was_snapped_how_far_and_which_names_are_unknown(
    drawn: Drawn,
) -> None:
    connection = drawn[0]
    add_pipe(connection, "S1", at(0, 400), at(30, 400))
    add_pipe(connection, "S2", at(30.06, 400), at(60, 400), down_node="NOBODY")
    add_pipe(connection, "S3", at(60, 402), at(90, 400), up_node="A")
    settle(connection)
    report = json.loads(asking(connection)(topology_statement(10))[0][0])
    assert report["tolerance_m"] == 0.1
    assert report["ends"] == {"code": 19, "named": 1, "place": 4}
    (row,) = report["snapped"]["rows"]
    assert (row["pipe"], row["side"]) == ("S2", "start")
    assert row["gap_m"] == pytest.approx(0.06, abs=0.001)
    assert [r["code"] for r in report["unknown"]["rows"]] == ["NOBODY"]
    far = report["far"]["rows"][0]
    # S3 names A, which is 60 m west and 402 m south of where it begins.
    assert (far["pipe"], far["code"]) == ("S3", "A")
    assert far["metres"] == pytest.approx(406.5, abs=1)
