"""Runs in the database: recorded as delivered, matched when their pipe comes, graded for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import pytest
from shapely import LineString
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.kinds.sewer_pipe import SewerPipe
from gis.network import inspection_questions as questions
from gis.network import inspections as module
from gis.network.asking import asking
from gis.network.condition_rules import load_rules
from gis.network.inspections import (
    Inspection,
    Observation,
    grade_inspections,
    match_inspections,
    record_inspections,
)
from gis.network.silt import read_silt
from gis.queries import Statement
from tests.conftest import OneTransaction

RUN = Inspection(
    "A", "B", date(2026, 6, 1), direction="with_flow", pipe_length_m=30.0, diameter_mm=600.0,
    importance="centre", soil="ordinary",
    observations=(Observation(6.0, "PL", 2, photo="1"), Observation(10.0, "CJ", 1, end_m=20.0)),
)  # fmt: skip


@pytest.fixture
def connection(db: OneTransaction) -> Iterator[Connection]:
    with db.write(actor="t", reason="t") as connection:
        yield connection


def draw(connection: Connection, code: str, start: str, end: str, **more: object) -> UUID:
    """A pipe of 30.28 m along the parallel of 25°N, from west to east."""
    values = {"code": code, "system": "sanitary", "up_node": start, "down_node": end, **more}
    record = SewerPipe.model_validate(values)
    return store.add(connection, record, LineString([(99.2, 25.0), (99.2003, 25.0)]))


def ask(connection: Connection, asked: Statement) -> dict[str, Any]:
    answer = connection.exec_driver_sql(asked.sql, asked.parameters).scalar()
    found = orjson.loads(answer) if isinstance(answer, str) else answer
    assert isinstance(found, dict)
    return found


def count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM core.{table}")).scalar_one())


def test_the_same_delivery_twice_changes_nothing_and_a_corrected_one_keeps_the_first(
    connection: Connection,
) -> None:
    first = record_inspections(connection, [RUN], source="a.xlsx")
    again = record_inspections(connection, [RUN], source="renamed.xlsx")
    assert (first.added, again.unchanged, again.ids) == (1, 1, first.ids)
    better = replace(RUN, observations=(Observation(6.0, "PL", 3),))
    done = record_inspections(connection, [better], source="b.xlsx")
    assert (done.added, done.superseded) == (0, 1)
    rows = connection.execute(
        text("SELECT id, superseded_by FROM core.pipe_inspection ORDER BY superseded_by NULLS LAST")
    ).all()
    assert [tuple(r) for r in rows] == [(first.ids[0], done.ids[0]), (done.ids[0], None)]
    assert count(connection, "pipe_observation") == 3


def test_a_run_waits_for_its_pipe_and_takes_it_when_it_is_drawn(connection: Connection) -> None:
    (identifier,) = record_inspections(connection, [RUN], source="t").ids
    assert not match_inspections(connection)
    pipe = draw(connection, "P1", "A", "B")
    found = connection.execute(
        text("SELECT pipe_id, as_drawn FROM core.pipe_inspection WHERE id = :id"),
        {"id": identifier},
    ).one()
    assert tuple(found) == (pipe, True)


def test_a_pipe_that_was_there_is_found_set_wise_also_against_its_drawing(
    connection: Connection,
) -> None:
    pipe = draw(connection, "P1", "B", "A")
    record_inspections(connection, [RUN], source="t")
    assert len(match_inspections(connection)) == 1
    found = connection.execute(text("SELECT pipe_id, as_drawn FROM core.pipe_inspection")).one()
    assert tuple(found) == (pipe, False)


def test_of_two_pipes_between_the_same_manholes_the_one_of_its_diameter_is_taken(
    connection: Connection,
) -> None:
    draw(connection, "P1", "A", "B", diameter_mm=300.0)
    same = draw(connection, "P2", "A", "B", diameter_mm=600.0)
    record_inspections(connection, [RUN], source="t")
    assert len(match_inspections(connection)) == 1
    assert connection.execute(text("SELECT pipe_id FROM core.pipe_inspection")).scalar() == same


def test_of_two_alike_neither_is_taken(connection: Connection) -> None:
    draw(connection, "P1", "A", "B", diameter_mm=600.0)
    draw(connection, "P2", "A", "B", diameter_mm=600.0)
    record_inspections(connection, [RUN], source="t")
    assert not match_inspections(connection)


def test_a_grade_is_appended_once_and_again_only_when_its_inputs_change(
    connection: Connection,
) -> None:
    run = replace(RUN, pipe_length_m=None)
    ids = record_inspections(connection, [run], source="t").ids
    assert grade_inspections(connection, ids) == 1
    assert grade_inspections(connection) == 0
    draw(connection, "P1", "A", "B")  # gives the length the record lacks
    assert grade_inspections(connection) == 1
    rows = connection.execute(
        text(
            "SELECT number, f, ri, condition #>> '{structural,density}' FROM core.pipe_grade"
            " ORDER BY number"
        )
    ).all()
    # One crack of grade 2: F = 2, RI = 0.7·2; S_M = 2·1/(2·30.28)
    assert [(r[0], r[1], r[2]) for r in rows] == [(1, 2.0, 1.4), (2, 2.0, 1.4)]
    assert rows[0][3] is None
    assert float(rows[1][3]) == pytest.approx(1 / 30.28, abs=1e-4)


def test_another_version_of_the_rules_leaves_the_earlier_grade(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = load_rules("cjj181-2012")
    coefficient = rules.weights.repair.model_copy(update={"parameter": 0.8})
    weights = rules.weights.model_copy(update={"repair": coefficient})
    later = rules.model_copy(update={"version": "cjj181-later", "weights": weights})
    ids = record_inspections(connection, [RUN], source="t").ids
    grade_inspections(connection, ids)
    monkeypatch.setattr(module, "load_rules", lambda _version: later)
    assert grade_inspections(connection, ids, version="cjj181-later") == 1
    rows = connection.execute(
        text("SELECT rule_version, ri FROM core.pipe_grade ORDER BY rule_version")
    ).all()
    assert [tuple(r) for r in rows] == [("cjj181-2012", 1.4), ("cjj181-later", 1.6)]
    for change in ("UPDATE core.pipe_grade SET ri = 0", "DELETE FROM core.pipe_grade",
                   "UPDATE core.pipe_observation SET grade = 1"):  # fmt: skip
        with pytest.raises(DBAPIError, match=r"append-only|denied"), connection.begin_nested():
            connection.execute(text(change))


@pytest.mark.parametrize(
    ("start", "end", "east"),
    [("A", "B", 6.0), ("B", "A", 30.28 - 6.0)],
    ids=["as drawn", "against"],
)
def test_a_defect_lies_by_the_chainage_of_its_run_whichever_way_the_pipe_is_drawn(
    connection: Connection, start: str, end: str, east: float
) -> None:
    """The crack 6 m from A, the silt from 10 to 20 m."""
    pipe = draw(connection, "P1", start, end)
    record_inspections(connection, [RUN], source="t")
    match_inspections(connection)
    grade_inspections(connection)
    condition = ask(connection, questions.pipe_condition(pipe))
    crack, silt = condition["defects"]["features"]
    lon, lat = crack["geometry"]["coordinates"]
    assert lat == pytest.approx(25.0, abs=1e-6)
    # 100,950 m of ellipsoid to a degree of longitude at 25°N
    assert (lon - 99.2) * 100_950 == pytest.approx(east, abs=0.05)
    ends = [(x - 99.2) * 100_950 for x, _ in silt["geometry"]["coordinates"]]
    places = (10.0, 20.0) if start == "A" else (10.28, 20.28)
    assert sorted(ends) == pytest.approx(places, abs=0.05)
    assert condition["latest"]["grade"]["repair_class"] == "Ⅱ"
    along = ask(connection, questions.defects_along([pipe]))
    assert along["along_m"] == pytest.approx(east, abs=0.05)


def test_a_run_without_a_pipe_has_its_observations_without_a_place(connection: Connection) -> None:
    (identifier,) = record_inspections(connection, [RUN], source="t").ids
    grade_inspections(connection)
    found = ask(connection, questions.one_inspection(identifier))
    assert [f["geometry"] for f in found["observations"]["features"]] == [None, None]
    assert found["grade"]["f"] == 2.0
    assert found["grades"][0]["condition"]["functional"]["parameter"] == 0.5


def test_the_condition_of_a_day_knows_nothing_of_later_runs(connection: Connection) -> None:
    pipe = draw(connection, "P1", "A", "B")
    later = replace(RUN, inspected_on=date(2026, 9, 1), observations=())
    record_inspections(connection, [RUN, later], source="t")
    match_inspections(connection)
    grade_inspections(connection)
    now = ask(connection, questions.pipe_condition(pipe))
    assert (now["latest"]["grade"]["f"], len(now["history"])) == (0.0, 2)
    then = ask(connection, questions.pipe_condition(pipe, on=date(2026, 7, 1)))
    assert (then["latest"]["grade"]["f"], len(then["history"])) == (2.0, 1)
    before = ask(connection, questions.pipe_condition(pipe, on=date(2020, 1, 1)))
    assert (before["latest"], before["defects"]["features"]) == (None, [])


def test_runs_are_listed_newest_first_by_what_is_asked(connection: Connection) -> None:
    draw(connection, "P1", "A", "B")
    runs = [
        RUN,
        replace(RUN, to_code="C", inspected_on=date(2026, 7, 1), method="qv"),
        replace(RUN, from_code="D", inspected_on=date(2026, 5, 1), observations=()),
    ]
    record_inspections(connection, runs, source="t")
    match_inspections(connection)
    grade_inspections(connection)

    def ends(asked: questions.InspectionFilter) -> list[str]:
        found = ask(connection, questions.list_inspections(asked, limit=10))
        return [r["from_code"] + r["to_code"] for r in found["inspections"]]

    assert ends(questions.InspectionFilter()) == ["AC", "AB", "DB"]
    assert ends(questions.InspectionFilter(is_matched=True)) == ["AB"]
    assert ends(questions.InspectionFilter(method="qv")) == ["AC"]
    assert ends(questions.InspectionFilter(code="PL")) == ["AC", "AB"]
    assert ends(questions.InspectionFilter(repair_class="Ⅰ")) == ["DB"]
    assert ends(questions.InspectionFilter(first=date(2026, 6, 1), last=date(2026, 6, 30))) == [
        "AB"
    ]
    first = ask(connection, questions.list_inspections(questions.InspectionFilter(), limit=1))
    after = UUID(first["inspections"][0]["id"])
    rest = ask(
        connection,
        questions.list_inspections(questions.InspectionFilter(), limit=10, after=after),
    )
    assert [r["from_code"] + r["to_code"] for r in rest["inspections"]] == ["AB", "DB"]


def test_silt_is_the_latest_runs_as_shares_of_the_diameter(connection: Connection) -> None:
    pipe = draw(connection, "P1", "A", "B")
    record_inspections(connection, [RUN], source="t")
    match_inspections(connection)
    (section,) = read_silt(asking(connection), [pipe])
    # Grade 1 is 20 to 30 % of 600 mm; 30 % holds 0.071 m³ a metre.
    assert (section.least_share, section.most_share) == (0.2, 0.3)
    assert section.most_area_m2 == pytest.approx(0.0713, abs=5e-5)
    assert [(r.from_m, r.to_m) for r in section.reaches] == [(10.0, 20.0)]
    cleaned = replace(RUN, inspected_on=date(2026, 8, 1), observations=())
    record_inspections(connection, [cleaned], source="t")
    match_inspections(connection)
    (section,) = read_silt(asking(connection))
    # What is thinner than a fifth is not graded: none was seen, so at most that.
    assert (section.least_share, section.most_share, section.reaches) == (0.0, 0.2, ())
    assert read_silt(asking(connection), on=date(2026, 7, 1))[0].most_share == 0.3


def test_a_thousand_runs_are_as_many_statements_as_one(connection: Connection) -> None:
    runs = [replace(RUN, from_code=f"A{n}", to_code=f"B{n}") for n in range(1000)]
    recorded = record_inspections(connection, runs, source="t")
    assert recorded.added == 1000
    assert grade_inspections(connection, recorded.ids) == 1000
    assert count(connection, "pipe_observation") == 2000
