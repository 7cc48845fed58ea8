"""The desilting ledger: claims kept as given, converted once, held against what a pipe holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from shapely import LineString
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.errors import InputError, NotFoundError
from gis.kinds.sewer_pipe import SewerPipe
from gis.network.desilting import Job, Recorded, Reply, record_jobs, record_reply
from gis.network.desilting_questions import JobFilter, list_jobs, one_job, read_job, read_jobs
from gis.network.desilting_rules import load_rules
from gis.network.desilting_table import read_table
from gis.network.inspections import (
    Inspection,
    Observation,
    match_inspections,
    record_inspections,
)
from tests.conftest import OneTransaction
from tests.gis.network.record_tables import write_xlsx

TODAY = date(2026, 11, 20)
RULES = load_rules("2026-11")
PROOF = {"before_sha256": ("a" * 64,), "after_sha256": ("b" * 64,)}


@pytest.fixture
def connection(db: OneTransaction) -> Iterator[Connection]:
    with db.write(actor="t", reason="t") as connection:
        connection.execute(
            text(
                "INSERT INTO core.blob (sha256, bytes, media) SELECT repeat(c, 64), 9,"
                " 'image/jpeg' FROM unnest(ARRAY['a', 'b']) c"
            )
        )
        yield connection


def draw(connection: Connection, code: str, **more: object) -> UUID:
    """A pipe of 30.285 m along the parallel of 25°N."""
    values = {"code": code, "system": "sanitary", "diameter_mm": 600.0, **more}
    values |= {"up_node": f"{code}-1", "down_node": f"{code}-2"}
    record = SewerPipe.model_validate(values)
    return store.add(connection, record, LineString([(99.2, 25.0), (99.2003, 25.0)]))


def inspect(connection: Connection, code: str, on: date, *seen: Observation) -> None:
    run = Inspection(f"{code}-1", f"{code}-2", on, observations=seen)
    record_inspections(connection, [run], source="t")
    match_inspections(connection)


def job(code: str, began: date, m3: float | None = None, **more: object) -> Job:
    values: dict[str, object] = {"pipe_code": code, "began_on": began, "done_on": began}
    values |= {
        "length_m": 30.0,
        "unit": "甲公司",
        "claimed": m3,
        "basis": None if m3 is None else "m3",
        **PROOF,
    }
    return Job.model_validate(values | more)


def record(connection: Connection, *jobs: Job) -> Recorded:
    return record_jobs(connection, jobs, source="t", today=TODAY)


def listed(connection: Connection, flag: str | None = None) -> list[dict[str, Any]]:  # Any: JSON
    statement = list_jobs(JobFilter(flag=flag), RULES, limit=100)
    content = connection.exec_driver_sql(statement.sql, statement.parameters).scalar_one()
    found: list[dict[str, Any]] = read_jobs(content, RULES)["jobs"]
    return found


def flags(connection: Connection) -> dict[str, list[str]]:
    return {f"{j['pipe_code']} {j['began_on']}": [f["id"] for f in j["flags"]]
            for j in listed(connection)}  # fmt: skip


def one(connection: Connection, identifier: UUID) -> dict[str, Any]:  # Any: JSON
    statement = one_job(identifier, RULES)
    content = connection.exec_driver_sql(statement.sql, statement.parameters).scalar_one()
    return read_job(content, RULES)


@pytest.mark.parametrize(
    ("claimed", "basis", "m3"),
    [
        (12.5, "m3", "12.500"),
        (0.125, "m3", "0.130"),  # half a hundredth goes up
        (3.455, "wet_t", "2.470"),  # 3.455 x 0.714 = 2.46687
        (1.25, "dry_t", "2.230"),  # 1.25 x 1.786 = 2.2325
    ],
)
def test_a_claim_is_kept_and_converted_once(
    connection: Connection, claimed: float, basis: str, m3: str
) -> None:
    draw(connection, "P")
    done = record(connection, job("P", date(2026, 6, 1), claimed, basis=basis))
    row = connection.execute(text("SELECT * FROM core.desilting_job")).one()
    assert (row.claimed, row.basis, row.volume_m3) == (claimed, basis, Decimal(m3))
    assert (row.rule_version, row.id, done.added) == ("2026-11", done.ids[0], 1)


def test_the_same_row_again_is_the_same_job_and_a_correction_is_another_version(
    connection: Connection,
) -> None:
    draw(connection, "P")
    first = record(connection, job("P", date(2026, 6, 1), 1.0))
    again = record(connection, job("P", date(2026, 6, 1), 1.0), job("Q", date(2026, 6, 1), 1.0))
    assert (again.added, again.unchanged, again.ids) == (0, 1, (first.ids[0], None))
    assert [(r.row, r.text.zh) for r in again.refused] == [(2, "没有此管段")]
    better = job("P", date(2026, 6, 1), 0.8, corrects=first.ids[0], reason="误填")
    assert record(connection, better).corrected == 1
    assert record(connection, better).unchanged == 1
    assert first.ids[0] is not None
    found = one(connection, first.ids[0])
    assert [(v["version"], v["claimed"]) for v in found["versions"]] == [(2, 0.8), (1, 1.0)]
    assert found["job"]["volume_m3"] == 0.8
    gone = job("P", date(2026, 6, 1), 0.8, corrects=first.ids[0], reason="重复", withdrawn=True)
    record(connection, gone)
    assert listed(connection) == []
    found = one(connection, first.ids[0])
    assert (found["job"], len(found["versions"])) == (None, 3)


def test_nothing_of_the_ledger_is_edited(connection: Connection) -> None:
    draw(connection, "P")
    done = record(connection, job("P", date(2026, 6, 1), 1.0))
    assert done.ids[0] is not None
    reply = Reply(unit="甲公司", replied_on=TODAY, text="含两侧雨水口连接管")
    record_reply(connection, done.ids[0], reply, today=TODAY)
    for statement in (
        "UPDATE core.desilting_job SET claimed = 0",
        "DELETE FROM core.desilting_reply",
        "TRUNCATE core.desilting_reply",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), connection.begin_nested():
            connection.exec_driver_sql(statement)
    found = one(connection, done.ids[0])
    assert [(r["text"], r["job_version"]) for r in found["replies"]] == [("含两侧雨水口连接管", 1)]
    with pytest.raises(NotFoundError):
        record_reply(connection, uuid4(), reply, today=TODAY)
    with pytest.raises(InputError):
        record_reply(connection, done.ids[0], reply, today=date(2026, 11, 19))


@pytest.mark.parametrize(
    "wrong",
    [
        {"basis": None},
        {"length_m": 0},
        {"done_on": "2026-05-31"},
        {"reason": "x"},
        {"withdrawn": True},
        {"pipe_code": None},
        {"before_sha256": ["A" * 64]},
        {"unit": "甲\x00"},
        {"claimed": float("inf")},
    ],
)
def test_a_row_without_sense_is_refused_at_the_door(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        job("P", date(2026, 6, 1), 1.0, **wrong)


def test_a_job_of_tomorrow_or_of_two_pipes_is_refused(connection: Connection) -> None:
    draw(connection, "P")
    draw(connection, "Q", name="x")
    connection.exec_driver_sql("UPDATE core.sewer_pipe SET up_node = 'A', down_node = 'B'")
    both = {"pipe_code": None, "from_code": "B", "to_code": "A"}
    done = record(
        connection, job("P", date(2026, 11, 21), 1.0), job("P", date(2026, 6, 1), 1.0, **both)
    )
    assert [r.row for r in done.refused] == [1, 2]
    assert "several" in done.refused[1].text.en


# Areas by hand: DN600 at 30 %: θ = 2 arccos 0.4 = 2.3186, 0.36/8 (θ - sin θ) = 0.0713 m²;
# DN800 at 50 %: half of π 0.8²/4 = 0.2513 m²; DN1000 full: 0.7854 m²; a box of 2 x 1.5 m at 20 %:
# 0.6 m². Lengths: 30.285 m of pipe, but no more than was cleaned.
@pytest.mark.parametrize(
    ("pipe", "grade", "length_m", "area_m2", "holds_m3"),
    [
        ({"diameter_mm": 600.0}, 1, 30.0, 0.0713, 2.140),
        ({"diameter_mm": 600.0}, 1, 60.0, 0.0713, 2.160),
        ({"diameter_mm": 800.0}, 3, 30.0, 0.2513, 7.540),
        ({"diameter_mm": 1000.0}, 4, 30.0, 0.7854, 23.562),
        ({"diameter_mm": None, "shape": "rectangular", "width_mm": 2000.0, "height_mm": 1500.0},
         None, 30.0, 0.6, 18.0),
    ],
)  # fmt: skip
def test_a_claim_is_held_against_what_the_pipe_could_hold(
    connection: Connection,
    pipe: dict[str, object],
    grade: int | None,
    length_m: float,
    area_m2: float,
    holds_m3: float,
) -> None:
    draw(connection, "P", **pipe)
    draw(connection, "Q", **pipe)
    seen = [] if grade is None else [Observation(3.0, "CJ", grade, end_m=20.0)]
    for code in "PQ":
        inspect(connection, code, date(2026, 3, 1), *seen)
    begun = date(2026, 6, 1)
    record(
        connection,
        job("P", begun, round(holds_m3 - 0.02, 2), length_m=length_m),
        job("Q", begun, round(holds_m3 + 0.02, 2), length_m=length_m),
    )
    within, above = sorted(listed(connection), key=lambda j: j["pipe_code"])
    assert "above_bound" not in [f["id"] for f in within["flags"]]
    assert above["flags"][0]["id"] == "above_bound"
    assert above["facts"]["area_m2"] == area_m2
    assert above["facts"]["bound_m3"] == pytest.approx(holds_m3, abs=0.003)
    calculation = above["flags"][0]["text"]["zh"]
    assert f"断面 {area_m2:g} m²" in calculation
    assert "2026-03-01 检测" in calculation


def test_what_was_claimed_since_the_inspection_adds_up_until_the_next_one(
    connection: Connection,
) -> None:
    draw(connection, "P")
    inspect(connection, "P", date(2025, 1, 10), Observation(3.0, "CJ", 1))  # holds 2.14 m³
    record(
        connection,
        job("P", date(2025, 2, 1), 1.5),
        job("P", date(2026, 3, 1), 1.5),  # 3.0 m³ in all: more than it held
        job("P", date(2026, 6, 1), 1.5),  # inspected in between
    )
    inspect(connection, "P", date(2026, 5, 1), Observation(3.0, "CJ", 1))
    assert flags(connection) == {
        "P 2025-02-01": [],
        "P 2026-03-01": ["above_bound"],
        "P 2026-06-01": ["repeat"],
    }
    assert "累计申报 3 m³" in listed(connection)[1]["flags"][0]["text"]["zh"]


def test_metres_cleaned_again_within_a_year_are_flagged_and_two_halves_are_not(
    connection: Connection,
) -> None:
    for code in "PQR":
        draw(connection, code)
        inspect(connection, code, date(2025, 1, 1), Observation(3.0, "CJ", 4))
    record(
        connection,
        job("P", date(2025, 6, 1), 1.0),
        job("P", date(2026, 6, 1), 1.0),  # a year later, to the day: still within
        job("Q", date(2025, 6, 1), 1.0),
        job("Q", date(2026, 6, 2), 1.0),
        job("R", date(2026, 6, 1), 1.0, length_m=15.0),
        job("R", date(2026, 6, 8), 1.0, length_m=15.0),
    )
    assert {k: f for k, f in flags(connection).items() if f} == {"P 2026-06-01": ["repeat"]}
    shown = next(j for j in listed(connection) if j["flags"])["flags"][0]["text"]["en"]
    assert shown == (
        "the same pipe was cleaned within 12 months: 2025-06-01 30 m; 60 m together, the pipe is"
        " 30.29 m"
    )


def test_lengths_beyond_the_pipe_and_missing_proof_are_flagged(connection: Connection) -> None:
    for code in "PQRST":
        draw(connection, code)
        inspect(connection, code, date(2026, 1, 1), Observation(3.0, "CJ", 4))
    begun = date(2026, 6, 1)
    record(
        connection,
        job("P", begun, 1.0, length_m=31.38),  # 30.285 + 0.5 + 2 % = 31.39 m
        job("Q", begun, 1.0, length_m=31.50),
        job("R", begun, 1.0, after_sha256=()),
        job("S", begun, 1.0, after_sha256=(), done_on=None),  # under way: nothing after it yet
        job("T", begun, None, after_sha256=("c" * 64,)),
    )
    assert flags(connection) == {
        "P 2026-06-01": [],
        "Q 2026-06-01": ["beyond_pipe"],
        "R 2026-06-01": ["no_evidence"],
        "S 2026-06-01": [],
        "T 2026-06-01": ["no_evidence", "no_volume"],
    }
    text_of = {j["pipe_code"]: j["flags"][0]["text"]["zh"] for j in listed(connection, flag="any")}
    assert text_of["Q"] == "申报 31.5 m,管长 30.29 m,允许差 1.11 m,多 1.21 m"
    assert text_of["T"] == "清淤前影像 1 份,清淤后影像 1 份,其中 1 份尚未收到"


def silt_cases() -> Sequence[tuple[str, dict[str, object], list[Any], str]]:
    on, old = date(2026, 1, 1), date(2024, 5, 31)
    same = date(2026, 6, 1)
    return [
        ("never inspected", {}, [], "清淤前没有检测记录"),
        ("the same day", {}, [(same, Observation(1.0, "CJ", 1))], "清淤前没有检测记录"),
        ("old", {}, [(old, Observation(1.0, "CJ", 1))], "最近一次检测(2024-05-31)超过 24 个月"),
        ("no grade", {}, [(on, Observation(1.0, "CJ"))], "2026-01-01 检测有未分级的沉积"),
        ("no size", {"diameter_mm": None}, [(on, Observation(1.0, "CJ", 1))], "缺管径"),
        ("egg", {"shape": "egg"}, [(on, Observation(1.0, "CJ", 1))], "断面不是圆形、矩形"),
    ]  # fmt: skip


@pytest.mark.parametrize(("case", "pipe", "runs", "why"), silt_cases())
def test_where_silt_is_unknown_that_is_said_and_no_claim_is_called_odd(
    connection: Connection, case: str, pipe: dict[str, object], runs: list[Any], why: str
) -> None:
    draw(connection, "P", **pipe)
    for on, seen in runs:
        inspect(connection, "P", on, seen)
    record(connection, job("P", date(2026, 6, 1), 500.0))
    (found,) = listed(connection)
    assert [(f["id"], f["severity"]) for f in found["flags"]] == [("silt_unknown", "open")], case
    assert why in found["flags"][0]["text"]["zh"]


@pytest.mark.parametrize(
    ("length", "volume"),
    [
        ("清淤长度\uff08m\uff09", "清淤量\uff08m\u00b3\uff09"),
        ("清淤长度 (m)", "清淤量(m3)"),
        ("清淤长度\uff08米\uff09", "清淤量\uff08立方米\uff09"),
        ("清淤长度m", "清淤量m\u00b3"),
        ("长度[m]", "体积[m\u00b3]"),
    ],
)
def test_headings_of_a_table_are_known_in_any_width(
    tmp_path: Path, length: str, volume: str
) -> None:
    lines = [("管段编号", "作业日期", length, volume), ("P1", "2026-06-01", 30, 2.5)]
    jobs, refused = read_table(write_xlsx(tmp_path / "t.xlsx", lines), unit="甲")
    (only,) = jobs.values()
    assert refused == []
    assert (only.length_m, only.claimed, only.basis) == (30.0, 2.5, "m3")


def test_a_volume_in_tonnes_is_not_read_as_cubic_metres(tmp_path: Path) -> None:
    lines = [
        ("管段编号", "作业日期", "清淤长度(m)", "清淤量\uff08t\uff09", "湿重\uff08吨\uff09"),
        ("P1", "2026-06-01", 30, 2.5, 3),
    ]
    jobs, _ = read_table(write_xlsx(tmp_path / "t.xlsx", lines), unit="甲")
    (only,) = jobs.values()
    assert (only.claimed, only.basis) == (3.0, "wet_t")
