"""The grid of works: each metre once in a cycle, months that add up, rows behind every cell.

Pipes lie along the parallel of 25°N, 0.0003° = 5.236e-6 rad long. Its radius on the ellipsoid is
a cos φ / sqrt(1 - e² sin² φ) = 6378137 x 0.906308 / 0.999402 = 5784013 m: 30.285 m.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import geopandas as gpd
import orjson
import pytest
from shapely import LineString, Point
from sqlalchemy import Connection, text

from gis import store
from gis.geometry import STORAGE_SRID
from gis.kinds.project import Project
from gis.kinds.sewer_pipe import SewerPipe
from gis.network.desilting import Job, record_jobs
from gis.network.desilting_rules import load_rules
from gis.network.inspections import Inspection, match_inspections, record_inspections
from gis.network.progress import ProgressFilter, progress_grid, progress_rows
from tests.conftest import OneTransaction

L = 30.285
RULES = load_rules("2026-11")
TODAY = date(2026, 11, 20)
YEAR = ProgressFilter(date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture
def connection(db: OneTransaction) -> Iterator[Connection]:
    with db.write(actor="t", reason="t") as connection:
        yield connection


def draw(connection: Connection, code: str, system: str = "storm", **more: object) -> UUID:
    values = {"code": code, "system": system, "up_node": f"{code}-1", "down_node": f"{code}-2"}
    record = SewerPipe.model_validate(values | more)
    return store.add(connection, record, LineString([(99.2, 25.0), (99.2003, 25.0)]))


def live(connection: Connection, code: str, *versions: tuple[datetime, dict[str, str]]) -> None:
    """A pipe with a history: since when it was what."""
    rows = []
    for since, values in versions:
        record = SewerPipe.model_validate({"code": code, "system": "storm", **values})
        rows.append({"id": str(UUID(int=7)), "valid_from": since, **record.model_dump(mode="json")})
    line = LineString([(99.2, 25.0), (99.2003, 25.0)])
    frame = gpd.GeoDataFrame(rows, geometry=[line] * len(rows), crs=STORAGE_SRID)
    store.load_versions(connection, "sewer_pipe", frame)


def clean(connection: Connection, code: str, began: str, done: str | None, **more: object) -> None:
    values: dict[str, object] = {"pipe_code": code, "began_on": began, "done_on": done}
    values |= {"length_m": 30.285, "unit": "甲", "claimed": 2.0, "basis": "m3"}
    job = Job.model_validate(values | more)
    assert record_jobs(connection, [job], source="t", today=TODAY).added == 1


def grid(connection: Connection, asked: ProgressFilter) -> dict[tuple[str, str, str], Any]:
    statement = progress_grid(asked, RULES)
    content = connection.exec_driver_sql(statement.sql, statement.parameters).scalar_one()
    return {(c["activity"], c["state"], c["system"]): c for c in orjson.loads(content)}


def metres(connection: Connection, asked: ProgressFilter) -> dict[tuple[str, str, str], float]:
    return {cell: round(c["counted_m"], 2) for cell, c in grid(connection, asked).items()}


def rows(connection: Connection, asked: ProgressFilter, **cell: str) -> list[dict[str, Any]]:
    statement = progress_rows(asked, RULES, limit=1000, **cell)  # type: ignore[arg-type]  # words
    content = connection.exec_driver_sql(statement.sql, statement.parameters).scalar_one()
    found: list[dict[str, Any]] = orjson.loads(content)  # Any: JSON
    return found


def month(number: int) -> ProgressFilter:
    last = date(2026 + number // 12, number % 12 + 1, 1) - timedelta(days=1)
    return ProgressFilter(date(2026, number, 1), last)


def test_each_metre_counts_once_a_year_and_months_add_up_to_it(connection: Connection) -> None:
    draw(connection, "P")
    draw(connection, "Q", "sanitary")
    clean(connection, "P", "2025-12-30", "2026-01-02", length_m=20)
    clean(connection, "P", "2026-03-01", "2026-03-02", length_m=20)
    clean(connection, "P", "2026-05-01", "2026-05-02", length_m=20)
    clean(connection, "Q", "2026-05-01", "2026-05-02")
    clean(connection, "Q", "2025-12-01", "2025-12-31")  # the year before is another cycle
    done, sanitary = ("desilting", "completed", "storm"), ("desilting", "completed", "sanitary")
    year = grid(connection, YEAR)
    assert year[done]["counted_m"] == pytest.approx(L, abs=0.01)
    assert (year[done]["length_m"], year[done]["rows"], year[done]["pipes"]) == (60, 3, 1)
    assert (year[done]["volume_m3"], year[sanitary]["volume_m3"]) == (6, 2)
    months = [metres(connection, month(n)).get(done, 0) for n in range(1, 13)]
    assert months[:6] == [20, 0, pytest.approx(L - 20, abs=0.01), 0, 0, 0]
    assert sum(months) == pytest.approx(L, abs=0.01)
    before = ProgressFilter(date(2025, 12, 1), date(2025, 12, 31))
    assert metres(connection, before)[sanitary] == pytest.approx(L, abs=0.01)


def test_a_job_is_under_way_until_the_day_it_is_done(connection: Connection) -> None:
    draw(connection, "P", "combined")
    clean(connection, "P", "2026-05-20", "2026-06-10")
    draw(connection, "R", "combined")
    clean(connection, "R", "2026-06-30", None, claimed=None, basis=None)
    under_way, done = (("desilting", s, "combined") for s in ("under_way", "completed"))
    may, june = grid(connection, month(5)), grid(connection, month(6))
    assert (set(may), may[under_way]["volume_m3"]) == ({under_way}, None)
    assert {cell: c["rows"] for cell, c in june.items()} == {done: 1, under_way: 1}
    assert june[done]["volume_m3"] == 2
    assert metres(connection, month(4)) == {}


def test_every_activity_has_its_source(connection: Connection) -> None:
    draw(connection, "S", surveyed_on="2026-02-03")
    draw(connection, "N", renewed_on="2026-02-04")
    draw(connection, "L", started_on="2025-11-01", completed_on="2026-02-05")
    draw(connection, "U", "sanitary", started_on="2026-02-06")
    draw(connection, "X", surveyed_on="2025-12-31")
    runs = [Inspection("S-1", "S-2", date(2026, 2, 7), inspected_length_m=12.0),
            Inspection("?", "??", date(2026, 2, 8), inspected_length_m=7.0)]  # fmt: skip
    record_inspections(connection, runs, source="t")
    match_inspections(connection)
    found = metres(connection, month(2))
    length = pytest.approx(L, abs=0.01)
    assert found == {
        ("survey", "completed", "storm"): length,
        ("repair", "completed", "storm"): length,
        ("laying", "completed", "storm"): length,
        ("laying", "under_way", "sanitary"): length,
        ("inspection", "completed", "storm"): 12.0,
        ("inspection", "completed", "unknown"): 7.0,
    }


def test_works_of_projects_count_as_repair_or_as_separation(connection: Connection) -> None:
    new, old, combined, other = (
        draw(connection, code, system, completed_on=done)
        for code, system, done in (
            ("A", "sanitary", "2026-03-01"), ("B", "combined", None),
            ("C", "combined", "2026-03-01"), ("D", "storm", "2026-03-01"),
        )
    )  # fmt: skip
    values = {"stage": "completed", "started_on": "2026-01-05", "completed_on": "2026-03-31"}
    projects = [
        store.add(connection, Project.model_validate({**values, "code": code, "name": name}),
                  Point(99.2, 25.0))
        for code, name in (("1", "老城雨污分流工程(二期)"), ("2", "管网改造"), ("3", "新区道路"))
    ]  # fmt: skip
    connection.execute(
        text("INSERT INTO core.project_asset (project_id, asset_id, work, progress) SELECT * FROM"
             " unnest(CAST(:p AS uuid[]), CAST(:a AS uuid[]), CAST(:w AS text[]),"
             " CAST(:s AS text[]))"),
        {"p": [projects[0], projects[1], projects[0], projects[2]],
         "a": [new, old, combined, other], "w": ["new", "works", "new", "new"],
         "s": ["accepted"] * 4},
    )  # fmt: skip
    march, february = grid(connection, month(3)), grid(connection, month(2))
    assert {c[:2] for c in march} == {
        ("laying", "completed"), ("separation", "completed"), ("repair", "completed"),
    }  # fmt: skip
    assert [c for c in march if c[0] != "laying"] == [
        ("repair", "completed", "combined"), ("separation", "completed", "sanitary"),
    ]  # fmt: skip
    assert set(february) == {("repair", "under_way", "combined")}


def test_a_pipe_without_days_is_laid_when_its_progress_changed(connection: Connection) -> None:
    live(
        connection,
        "P",
        (datetime(2026, 2, 3, tzinfo=UTC), {"progress": "under_construction"}),
        (datetime(2026, 4, 9, 17, tzinfo=UTC), {"progress": "completed"}),  # the 10th in China
    )
    draw(connection, "Q", progress="completed")  # stood before anybody said so
    (row,) = rows(connection, month(4), activity="laying", state="completed")
    assert (row["pipe_code"], row["day"]) == ("P", "2026-04-10")


def test_townships_and_rows_behind_a_cell(connection: Connection) -> None:
    for code, township in (("P", "539921100"), ("Q", "539921101"), ("R", None)):
        draw(connection, code, township=township)
        clean(connection, code, "2026-05-01", "2026-05-02")
    here = ProgressFilter(YEAR.first, YEAR.last, township="539921100")
    cell = {"activity": "desilting", "state": "completed", "system": "storm"}
    assert [r["pipe_code"] for r in rows(connection, here, **cell)] == ["P"]
    found = rows(connection, YEAR, **cell)
    whole = grid(connection, YEAR)["desilting", "completed", "storm"]
    assert sum(r["counted_m"] for r in found) == pytest.approx(whole["counted_m"], abs=0.01)
    assert (whole["flagged"], whole["flagged_m3"]) == (3, 6)
    assert found[0]["flags"] == ["no_evidence", "silt_unknown"]
    assert rows(connection, YEAR, **(cell | {"system": "sanitary"})) == []


def test_the_grid_of_a_past_day_is_as_it_was_and_as_it_was_known(connection: Connection) -> None:
    surveyed = {"surveyed_on": "2026-02-03"}
    live(
        connection,
        "P",
        (datetime(2026, 2, 3, tzinfo=UTC), {"system": "combined", **surveyed}),
        (datetime(2026, 6, 1, tzinfo=UTC), {"system": "storm", **surveyed}),
    )
    then = ProgressFilter(YEAR.first, YEAR.last, as_of=datetime(2026, 5, 1, tzinfo=UTC))
    assert ("survey", "completed", "storm") in grid(connection, YEAR)
    old = ProgressFilter(YEAR.first, YEAR.last, known_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert grid(connection, old) == {}
    assert set(grid(connection, then)) == {("survey", "completed", "combined")}
