"""A profile that is asked for shows what the latest inspections saw, at its chainage on the way.

Both pipes are 30.28 m (0.0003° along the parallel of 25°N), the second drawn against the way:

    A ---- P1, DN600, drawn A to B ---- B ---- P2, DN800, drawn C to B ---- C
    run A to B: PL2 at 6 m, CJ1 10-20 m     run B to C: CJ4 at 5 m
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from shapely import LineString
from sqlalchemy import Connection

from gis import store
from gis.db.handle import PooledDatabase
from gis.kinds.sewer_pipe import SewerPipe
from gis.network.asking import asking
from gis.network.inspections import (
    Inspection,
    Observation,
    match_inspections,
    record_inspections,
)
from gis.network.profile import Profile, Step
from gis.network.profile_json import as_json
from gis.network.way_profile import read_profile
from gis.network.ways import Along, Way
from tests.conftest import OneTransaction

A, B, C = (UUID(int=n) for n in (1, 2, 3))
FIRST = Inspection(
    "A", "B", date(2026, 6, 1), diameter_mm=600.0,
    observations=(Observation(6.0, "PL", 2), Observation(10.0, "CJ", 1, end_m=20.0)),
)  # fmt: skip
SECOND = Inspection("B", "C", date(2026, 7, 1), observations=(Observation(5.0, "CJ", 4),))


@pytest.fixture
def connection(db: OneTransaction) -> Iterator[Connection]:
    with db.write(actor="t", reason="t") as connection:
        yield connection


def draw(connection: Connection, code: str, start: float, end: float, **values: object) -> UUID:
    record = SewerPipe.model_validate({"code": code, "system": "sanitary", **values})
    return store.add(connection, record, LineString([(start, 25.0), (end, 25.0)]))


@pytest.fixture
def way(connection: Connection) -> Way:
    first = draw(connection, "P1", 99.2, 99.2003, up_node="A", down_node="B", diameter_mm=600.0)
    second = draw(connection, "P2", 99.2006, 99.2003, up_node="C", down_node="B", diameter_mm=800.0)
    steps = (Step(first, A, B, True), Step(second, B, C, False))
    return Way(steps, Along.MIXED, 60.56, (False, False))


def record(connection: Connection, *runs: Inspection) -> None:
    record_inspections(connection, runs, source="t")
    match_inspections(connection)


def read(connection: Connection, way: Way, on: date | None = None) -> Profile:
    return read_profile(asking(connection), way, on=on)


def test_defects_and_silt_lie_at_the_chainage_worked_by_hand(
    connection: Connection, way: Way
) -> None:
    record(connection, FIRST, SECOND)
    first, second = as_json(read(connection, way))["reaches"]
    assert [(d["code"], d["grade"]) for d in first["defects"]] == [("PL", 2), ("CJ", 1)]
    assert first["defects"][0]["chainage_m"] == pytest.approx(6.0, abs=0.01)
    # 20 to 30 % of 600 mm from 10 to 20 m; the middle of it for who wants one figure
    (silt,) = first["silt"]
    assert (silt["start_m"], silt["end_m"]) == pytest.approx((10.0, 20.0), abs=0.01)
    assert (silt["least_m"], silt["most_m"]) == (0.12, 0.18)
    assert (first["silt_m"], first["silt_on"], first["inspected_on"]) == (
        0.15, "2026-06-01", "2026-06-01",
    )  # fmt: skip
    # 5 m from B, where the second pipe of the way begins: 30.28 + 5; 50 to 100 % of 800 mm
    (deposit,) = second["defects"]
    assert deposit["chainage_m"] == pytest.approx(35.28, abs=0.02)
    (silt,) = second["silt"]
    assert silt["start_m"] == silt["end_m"] == deposit["chainage_m"]
    assert (silt["least_m"], silt["most_m"], second["silt_m"]) == (0.4, 0.8, 0.6)


def test_a_run_that_saw_nothing_is_not_a_pipe_nobody_looked_into(
    connection: Connection, way: Way
) -> None:
    record(connection, replace(SECOND, observations=()))
    first, second = read(connection, way).reaches
    assert (first.inspected_on, first.silt_m, first.defects) == (None, None, ())
    assert (second.inspected_on, second.silt_m, second.defects) == ("2026-07-01", None, ())


def test_a_past_day_knows_nothing_of_later_runs(connection: Connection, way: Way) -> None:
    cleaned = replace(FIRST, inspected_on=date(2026, 8, 1), observations=())
    record(connection, FIRST, cleaned)
    assert read(connection, way).reaches[0].silt == ()
    then = read(connection, way, date(2026, 7, 31)).reaches[0]
    assert (then.silt_m, then.inspected_on) == (0.15, "2026-06-01")
    assert read(connection, way, date(2026, 5, 31)).reaches[0].inspected_on is None


def test_a_past_way_is_measured_by_the_pipe_of_that_day(fresh_database: PooledDatabase) -> None:
    """Drawn anew since, twice as long: then the deposit, 5 m from B, was 25.28 m from C."""
    with fresh_database.write(actor="t", reason="t") as connection:
        pipe = draw(connection, "P2", 99.2006, 99.2003, up_node="C", down_node="B", diameter_mm=800)
        record(connection, SECOND)
    before = datetime.now(UTC)
    longer = LineString([(99.2009, 25.0), (99.2003, 25.0)])
    with fresh_database.write(actor="t", reason="t") as connection:
        store.change(connection, "sewer_pipe", pipe, {"geometry": longer})
    steps = (Step(pipe, B, C, False),)
    with fresh_database.read() as connection:
        for as_of in (before, None):
            way = Way(steps, Along.MIXED, 30.28, (False,), as_of)
            (deposit,) = read(connection, way).reaches[0].defects
            assert deposit.chainage_m == pytest.approx(5.0, abs=0.01)


def test_what_the_reader_may_not_see_is_not_read(connection: Connection, way: Way) -> None:
    record(connection, FIRST)
    made = read_profile(asking(connection), way, inspected=False)
    assert (made.reaches[0].defects, made.reaches[0].silt, made.reaches[0].inspected_on) == (
        (), (), None,
    )  # fmt: skip
