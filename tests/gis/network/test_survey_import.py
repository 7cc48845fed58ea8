"""Survey batches in the database: loaded rows, decisions, corrected books, idempotence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from geoalchemy2.shape import from_shape
from sqlalchemy import insert, text

from gis.db import tables
from gis.db.handle import Database, PooledDatabase
from gis.db.roles import Pool
from gis.errors import ConflictError, InputError, SourceError
from gis.geometry import STORAGE_SRID
from gis.network import survey_import
from gis.network import survey_store as store
from gis.network.survey_import import SurveyReport, check_survey
from gis.network.survey_store import Decision, Deliverable, DeliverableState, Filing
from tests.gis.network.survey_books import Tables, copy_tables, demonstration, write_workbook


def open_county(db: Database) -> None:
    county, _ = demonstration(1.0)
    with db.write(actor="test", reason="county", pool=Pool.JOBS) as connection:
        connection.execute(
            insert(tables.county).values(
                code="539921", name_zh="县", name_en="county",
                extent=from_shape(county.extent, srid=STORAGE_SRID),
            )
        )  # fmt: skip


def small(count: int = 40) -> Tables:
    """The first pipes of the county that lie behind one another, with their points."""
    _, clean = demonstration(1.0)
    pipes = [dict(p) for p in clean.pipes[:count]]
    codes = {p["起始点号"] for p in pipes} | {p["终止点号"] for p in pipes}
    nodes = [dict(n) for n in clean.nodes if n["物探点号"] in codes]
    heads = {p["起始点号"] for p in pipes}
    for node in nodes:
        if node["物探点号"] not in heads:
            node["附属物"] = "出水口"
    return Tables(nodes, pipes)


TODAY = date(2026, 11, 30)


def hand_in(
    db: Database, folder: Path, book: Tables, *, name: str = "普查一标段", unit: str = "",
    claimed_m: float | None = None, batch: UUID | None = None,
) -> SurveyReport:  # fmt: skip
    path = write_workbook(folder / "book.xlsx", book)
    filing = Filing(
        file="book.xlsx", content=path.read_bytes(), name=name, unit=unit, claimed_m=claimed_m,
        batch=batch,
    )  # fmt: skip
    return survey_import.import_survey(db, filing, actor="surveyor", today=TODAY)


def count(db: Database, statement: str) -> list[Any]:
    with db.read(Pool.JOBS) as connection:
        return [tuple(r) for r in connection.execute(text(statement))]


@pytest.fixture
def county_db(fresh_database: PooledDatabase) -> PooledDatabase:
    open_county(fresh_database)
    return fresh_database


def test_a_sound_book_is_loaded_whole_and_again_changes_nothing(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    done = hand_in(county_db, tmp_path, small(), claimed_m=1000.0, unit="某测绘公司")
    assert [f.rule.id for f in done.judged.findings] == []
    assert {k: c.added for k, c in done.loaded.items()} == {
        "sewer_manhole": len(small().nodes), "sewer_pipe": 40,
    }  # fmt: skip
    lengths = count(county_db, "SELECT sum(length_m), count(*) FROM core.sewer_pipe")
    assert lengths[0][0] == pytest.approx(done.accepted_m, abs=0.01)
    row = count(
        county_db,
        "SELECT p.system, p.diameter_mm, p.material, p.built_year, p.survey_batch, m.bottom_m"
        " FROM core.sewer_pipe p JOIN core.sewer_manhole m ON m.code = p.up_node"
        " ORDER BY p.code LIMIT 1",
    )[0]
    first = small().pipes[0]
    assert row[:5] == ("storm", float(first["管径"][2:]), "concrete", 2015, "普查一标段")
    assert row[5] == small().node(first["起始点号"])["井底高程"]
    again = hand_in(county_db, tmp_path, small(), batch=done.batch)
    assert {k: (c.added, c.changed) for k, c in again.loaded.items()} == {
        "sewer_manhole": (0, 0), "sewer_pipe": (0, 0),
    }  # fmt: skip
    assert count(county_db, "SELECT number FROM core.survey_import ORDER BY 1") == [(1,), (2,)]


def spoil(book: Tables) -> Tables:
    """A gross reversed slope (can be waived), a point without X (cannot), a missing material."""
    bad = copy_tables(book)
    pipe = bad.pipes[5]
    pipe["终点高程"] = round(pipe["起点高程"] + 0.4, 3)
    pipe["终点埋深"] = round(bad.node(pipe["终止点号"])["地面高程"] - pipe["终点高程"], 3)
    bad.node(bad.pipes[20]["终止点号"])["X"] = None
    bad.pipes[30]["材质"] = None
    return bad


def test_rows_with_errors_do_not_load_until_waived_or_corrected(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    bad = spoil(small())
    done = hand_in(county_db, tmp_path, bad)
    found = {f.rule.id: f for f in done.judged.findings}
    assert {"pipe_slope_reversed_gross", "node_place_missing", "pipe_material_missing"} <= set(
        found
    )
    # One pipe has an error, two lean on a point without a place.
    assert done.loaded["sewer_pipe"].added == 37
    assert done.loaded["sewer_manhole"].added == len(bad.nodes) - 1
    assert done.held == 2
    assert done.accepted_m < done.judged.surveyed_m
    assert done.batch is not None

    def decide(key: str, decision: Decision, reason: str) -> int:
        with county_db.write(actor="officer", reason="decide") as connection:
            return store.decide(connection, done.batch, [key], decision, reason, actor="officer")  # type: ignore[arg-type]  # is a batch

    slope = found["pipe_slope_reversed_gross"].key
    with pytest.raises(InputError, match="needs a reason"):
        decide(slope, Decision.WAIVE, " ")
    with pytest.raises(InputError, match="cannot be waived"):
        decide(found["node_place_missing"].key, Decision.WAIVE, "现场不可达")
    assert decide(slope, Decision.WAIVE, "现场核实,确为逆坡") == 1
    assert decide("no such key", Decision.ACCEPT, "") == 0
    again = hand_in(county_db, tmp_path, bad, batch=done.batch)
    assert again.loaded["sewer_pipe"].added == 1
    assert count(county_db, "SELECT count(*) FROM core.sewer_pipe") == [(38,)]

    corrected = hand_in(county_db, tmp_path, small(), batch=done.batch)
    assert corrected.loaded["sewer_pipe"].added == 2
    assert corrected.loaded["sewer_pipe"].changed == 2
    assert corrected.held == 0
    assert corrected.accepted_m == pytest.approx(corrected.judged.surveyed_m)


def test_a_waiver_holds_only_while_the_cell_says_the_same(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    bad = spoil(small())
    done = hand_in(county_db, tmp_path, bad)
    key = next(f.key for f in done.judged.findings if f.rule.id == "pipe_slope_reversed_gross")
    assert done.batch is not None
    with county_db.write(actor="officer", reason="decide") as connection:
        store.decide(connection, done.batch, [key], Decision.WAIVE, "现场核实", actor="officer")
    bad.pipes[5]["终点高程"] = round(bad.pipes[5]["终点高程"] + 0.2, 3)
    bad.pipes[5]["终点埋深"] = round(bad.pipes[5]["终点埋深"] - 0.2, 3)
    again = hand_in(county_db, tmp_path, bad, batch=done.batch)
    assert again.loaded["sewer_pipe"].added == 0


def test_a_code_of_another_source_is_an_error_and_stays_theirs(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    hand_in(county_db, tmp_path, small(), name="甲")
    other = hand_in(county_db, tmp_path, small(), name="乙")
    assert {f.rule.id for f in other.judged.findings} == {"code_taken"}
    assert {c.added for c in other.loaded.values()} == {0}
    assert other.accepted_m == 0


def test_pipes_at_a_manhole_of_another_source_are_held(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    """Of 40 pipes the first ends at a manhole that is there already, and others begin there."""
    mine = small()
    shared = mine.pipes[0]["终止点号"]
    theirs = Tables([dict(mine.node(shared)) | {"附属物": "出水口"}], [])
    other = Tables([*theirs.nodes], [dict(mine.pipes[0])])
    other.nodes.append(dict(mine.node(mine.pipes[0]["起始点号"])))
    other.nodes[-1]["物探点号"] = other.pipes[0]["起始点号"] = "YS999001"
    other.pipes[0]["管段编号"] = "GX999001"
    hand_in(county_db, tmp_path, other, name="甲")
    done = hand_in(county_db, tmp_path, mine, name="乙")
    at_shared = [p for p in mine.pipes if shared in (p["起始点号"], p["终止点号"])]
    assert [f.code for f in done.judged.findings if f.rule.id == "code_taken"] == [shared]
    assert done.held == len(at_shared) > 1
    assert done.loaded["sewer_pipe"].added == 40 - len(at_shared)
    assert done.loaded["sewer_manhole"].added == len(mine.nodes) - 1
    lengths = count(
        county_db, "SELECT sum(length_m) FROM core.sewer_pipe WHERE survey_batch = '乙'"
    )
    assert lengths[0][0] == pytest.approx(done.accepted_m, abs=0.01)


def test_a_batch_is_named_once_and_a_dry_run_leaves_nothing(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    path = write_workbook(tmp_path / "book.xlsx", small())
    report = check_survey(county_db, [path], today=TODAY)
    assert report.accepted_m > 0
    assert count(county_db, "SELECT count(*) FROM core.survey_batch") == [(0,)]
    hand_in(county_db, tmp_path, small())
    with pytest.raises(ConflictError, match="there is a batch"):
        hand_in(county_db, tmp_path, small())


def test_an_unreadable_book_is_kept_with_its_reason(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    filing = Filing(file="x.xlsx", content=b"<html>", name="网页")
    with pytest.raises(SourceError):
        survey_import.import_survey(county_db, filing, actor="surveyor", today=TODAY)
    rows = count(county_db, "SELECT problem ->> 'en', counts FROM core.survey_import")
    assert rows[0][0].startswith("this is a web page")
    assert rows[0][1] is None


def test_no_transaction_waits_while_a_book_is_judged(
    county_db: PooledDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends one that idles for 15 s; a big book is judged for longer."""
    idle = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        " AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    seen: list[list[Any]] = []

    def watch(work: Callable[..., object]) -> Callable[..., object]:
        def watched(*given: object, **named: object) -> object:
            seen.append(count(county_db, idle))
            return work(*given, **named)

        return watched

    monkeypatch.setattr(survey_import, "judge_book", watch(survey_import.judge_book))
    monkeypatch.setattr(survey_import, "prepare_rows", watch(survey_import.prepare_rows))
    hand_in(county_db, tmp_path, small())
    check_survey(county_db, [tmp_path / "book.xlsx"], today=TODAY)
    assert seen == [[(0,)]] * 4


def test_a_book_on_which_the_program_fails_says_so_and_the_job_fails(
    county_db: PooledDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(survey_import, "prepare_rows", fail)
    with pytest.raises(ZeroDivisionError):
        hand_in(county_db, tmp_path, small())
    ((problem, counts),) = count(
        county_db, "SELECT problem ->> 'en', counts FROM core.survey_import"
    )
    assert problem.startswith("internal error")
    assert counts is None


def test_decisions_and_deliverables_are_only_added(
    county_db: PooledDatabase, tmp_path: Path
) -> None:
    done = hand_in(county_db, tmp_path, small())
    assert done.batch is not None
    with county_db.write(actor="officer", reason="note") as connection:
        store.note_deliverable(
            connection, done.batch, Deliverable.MAP, DeliverableState.DELIVERED, "", actor="officer"
        )
    for statement in ("UPDATE core.survey_deliverable SET note = 'x'",
                      "DELETE FROM core.survey_deliverable"):  # fmt: skip
        with (
            pytest.raises(Exception, match="permission denied"),
            county_db.write(actor="x", reason="x", pool=Pool.JOBS) as connection,
        ):
            connection.execute(text(statement))


@pytest.mark.parametrize("name", ["..", "../x.xlsx", "x" * 201, "点" * 67])
def test_a_book_under_no_file_name_is_not_kept(county_db: PooledDatabase, name: str) -> None:
    with pytest.raises(InputError, match="file name"):
        survey_import.import_survey(
            county_db, Filing(file=name, content=b"x", name="坏名"), actor="surveyor", today=TODAY
        )
    assert count(county_db, "SELECT count(*) FROM core.survey_batch") == [(0,)]
