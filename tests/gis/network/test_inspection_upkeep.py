"""Runs that find their pipe after their grading are graded by it, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import text

from api.background import WORKED
from gis import store
from gis.db.handle import PooledDatabase
from gis.jobs.worker import Work
from gis.network.inspection_upkeep import TASKS, find_left_behind
from gis.network.inspections import (
    Inspection,
    Observation,
    grade_inspections,
    match_inspections,
    record_inspections,
)
from gis.settings import Settings
from tests.gis.network.test_topology import add_pipe, at

RUN = Inspection(
    "A", "B", date(2026, 6, 1), importance="centre", soil="ordinary",
    observations=(Observation(6.0, "PL", 3),),
)  # fmt: skip


def upkeep(database: PooledDatabase) -> object:
    work = Work(database, Settings(), 1, lambda: False)
    return TASKS[0].run(work)["graded"]


def grades(database: PooledDatabase) -> list[tuple[object, ...]]:
    with database.read() as connection:
        rows = connection.execute(
            text(
                "SELECT number, ri, condition #>> '{structural,density}' FROM core.pipe_grade"
                " ORDER BY number"
            )
        )
        return [tuple(row) for row in rows]


def test_a_run_is_graded_by_the_pipe_it_finds_later(fresh_database: PooledDatabase) -> None:
    with fresh_database.write(actor="t", reason="t") as connection:
        runs = record_inspections(connection, [RUN, replace(RUN, to_code="Z")], source="t").ids
        grade_inspections(connection, runs[:1])
    assert upkeep(fresh_database) == 0  # nothing is known of either's pipe
    with fresh_database.write(actor="t", reason="t") as connection:
        pipe = add_pipe(connection, "P", at(0), at(30), up_node="A", down_node="B", diameter_mm=800)
    assert upkeep(fresh_database) == 1
    # F = 5; RI = 0.7·5 + 0.1·10, and now E = 3 is known: + 0.05·3. S_M = 5·1/(5·30).
    (first, second) = grades(fresh_database)
    assert first[:2] == (1, pytest.approx(4.5))
    assert second[:2] == (2, pytest.approx(4.65))
    assert (first[2], float(str(second[2]))) == (None, pytest.approx(1 / 30, abs=1e-4))
    assert upkeep(fresh_database) == 0
    with fresh_database.write(actor="t", reason="t") as connection:
        store.change(connection, "sewer_pipe", pipe, {"diameter_mm": 1200})
        assert len(find_left_behind(connection)) == 1
    assert upkeep(fresh_database) == 1


def test_a_run_that_was_never_graded_is_graded_when_its_pipe_comes(
    fresh_database: PooledDatabase,
) -> None:
    with fresh_database.write(actor="t", reason="t") as connection:
        record_inspections(connection, [RUN], source="t")
        add_pipe(connection, "P", at(0), at(30), up_node="A", down_node="B")
    assert upkeep(fresh_database) == 1
    assert upkeep(fresh_database) == 0  # a diameter nobody knows is the same the second time


def test_matching_tells_which_runs_found_their_pipe(fresh_database: PooledDatabase) -> None:
    with fresh_database.write(actor="t", reason="t") as connection:
        add_pipe(connection, "P", at(0), at(30), up_node="A", down_node="B")
        runs: tuple[UUID, ...] = record_inspections(
            connection, [RUN, replace(RUN, to_code="Z")], source="t"
        ).ids
        assert match_inspections(connection) == runs[:1]


def test_the_server_does_it_by_itself() -> None:
    assert set(TASKS) <= set(WORKED)
