"""The season of desilting: exactly the planted jobs need a look, and the grid adds up."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import orjson
import pytest

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County
from gis.network.desilting_questions import JobFilter, list_jobs, read_jobs
from gis.network.desilting_rules import load_rules
from gis.network.progress import ProgressFilter, progress_grid
from gis.queries import Statement

RULES = load_rules()


def answer(db: PooledDatabase, statement: Statement) -> str:
    with db.read(Pool.JOBS) as connection:
        return str(connection.exec_driver_sql(statement.sql, statement.parameters).scalar_one())


def test_exactly_the_planted_jobs_are_flagged(loaded: PooledDatabase, county: County) -> None:
    oracle = county.oracle["desilting"]
    found = read_jobs(answer(loaded, list_jobs(JobFilter(), RULES, limit=1000)), RULES)
    flags: dict[str, list[str]] = defaultdict(list)
    for job in sorted(found["jobs"], key=lambda j: j["number"]):
        for flag in job["flags"]:
            flags[flag["id"]].append(job["number"])
    assert dict(flags) == oracle["flags"]
    assert found["sums"]["jobs"] == oracle["jobs"]
    assert found["sums"]["volume_m3"] == pytest.approx(oracle["volume_m3"], abs=0.02)


def test_metres_cleaned_count_once(loaded: PooledDatabase, county: County) -> None:
    year = ProgressFilter(date(2026, 1, 1), date(2026, 12, 31))
    cells = orjson.loads(answer(loaded, progress_grid(year, RULES)))
    done = {c["system"]: c["counted_m"] for c in cells
            if (c["activity"], c["state"]) == ("desilting", "completed")}  # fmt: skip
    expected = county.oracle["desilting"]["completed_m_by_system"]
    assert done == {k: pytest.approx(v, rel=1e-3, abs=2) for k, v in expected.items()}


def test_laid_metres_are_those_of_the_years_of_completion(
    loaded: PooledDatabase, county: County
) -> None:
    for year, metres in county.oracle["pipe_m_completed_by_year"].items():
        asked = ProgressFilter(date(int(year), 1, 1), date(int(year), 12, 31))
        cells = orjson.loads(answer(loaded, progress_grid(asked, RULES)))
        laid = sum(c["counted_m"] for c in cells
                   if (c["activity"], c["state"]) == ("laying", "completed"))  # fmt: skip
        assert laid == pytest.approx(metres, rel=1e-3)
