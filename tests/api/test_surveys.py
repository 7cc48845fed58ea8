"""Survey batches over the API: handing in, looking, deciding, and who sees levels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.network.survey_import import judge_import
from gis.network.survey_read import read_book
from tests.api.crowd import Crowd, gather
from tests.conftest import CloneDatabase
from tests.gis.network.survey_books import write_workbook
from tests.gis.network.test_survey_import import open_county, small, spoil


@pytest.fixture(scope="module")
def bureau(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, tmp_path_factory.mktemp("state"), county=False) as crowd:
        open_county(crowd.db)
        yield crowd


def hand_in(client: httpx.Client, content: bytes, **query: str) -> httpx.Response:
    media = {"Content-Type": "application/octet-stream"}
    return client.post("/surveys/batches", params=query, content=content, headers=media)


@pytest.fixture(scope="module")
def batch(bureau: Crowd, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A batch of the officer's with three errors in its first book, judged."""
    path = write_workbook(tmp_path_factory.mktemp("book") / "book.xlsx", spoil(small()))
    officer = bureau.log_in("officer")
    answer = hand_in(
        officer, path.read_bytes(), file="book.xlsx", name="一标段", **{"claimed-km": "2.5"}
    )
    assert answer.status_code == 202, answer.text
    filed = answer.json()
    job = officer.get(f"/jobs/{filed['job']}").json()
    assert (job["task"], job["state"]) == ("judge_survey", "waiting")
    judge_import(bureau.db, UUID(filed["import"]), actor="officer", today=date(2026, 11, 30))
    return str(filed["batch"])


def test_a_batch_shows_its_book_its_counts_and_its_lengths(bureau: Crowd, batch: str) -> None:
    listed = bureau.log_in("viewer").get("/surveys/batches").json()
    assert listed["may_edit"] is False
    found = next(b for b in listed["batches"] if b["id"] == batch)
    assert (found["name"], found["claimed_m"], found["last"]["number"]) == ("一标段", 2500, 1)
    counts = found["last"]["counts"]
    assert counts["node_place_missing"] == 1
    assert counts["length_overclaimed"] == 1
    assert 0 < found["last"]["accepted_m"] < found["last"]["surveyed_m"] < 2500
    assert listed["rules"]["node_place_missing"]["waivable"] is False
    assert listed["rules"]["size_shrinks"]["unverified"] is True


def test_findings_are_filtered_and_lead_to_their_cells(bureau: Crowd, batch: str) -> None:
    officer = bureau.log_in("officer")
    at = f"/surveys/batches/{batch}/findings"
    errors = officer.get(at, params={"severity": "error"}).json()["findings"]
    assert {f["rule"] for f in errors} == {"pipe_slope_reversed_gross", "node_place_missing"}
    slope = officer.get(at, params={"rule": "pipe_slope_reversed_gross"}).json()["findings"][0]
    assert (slope["sheet"], slope["cell"]) == ("线表", "G7")
    assert slope["zh"].startswith("沿流向升高 400 mm")
    assert slope["geometry"]["type"] == "LineString"
    first = officer.get(at, params={"limit": "1"}).json()
    second = officer.get(at, params={"limit": "1", "after": str(first["next"])}).json()
    assert first["findings"][0]["key"] != second["findings"][0]["key"]
    assert officer.get(at, params={"severity": "awful"}).status_code == 400
    assert officer.get(at, params={"sheet": "点表", "state": "waive"}).json()["findings"] == []


@pytest.mark.parametrize("who", ["viewer", "inspector"])
def test_who_is_not_cleared_for_levels_sees_rule_and_place_only(
    bureau: Crowd, batch: str, who: str
) -> None:
    client = bureau.log_in(who)
    rows = client.get(f"/surveys/batches/{batch}/findings").json()["findings"]
    assert rows
    assert {(r["value"], r["zh"], r["en"]) for r in rows} == {(None, None, None)}
    placed = client.get(f"/surveys/batches/{batch}/features").json()["features"]
    assert placed
    assert all("zh" not in f["properties"] for f in placed)
    assert client.get(f"/surveys/batches/{batch}/book").status_code == 403


def test_the_marked_book_is_a_workbook(bureau: Crowd, batch: str, tmp_path: Path) -> None:
    answer = bureau.log_in("officer").get(f"/surveys/batches/{batch}/book")
    assert answer.status_code == 200
    path = tmp_path / "marked.xlsx"
    path.write_bytes(io.BytesIO(answer.content).getvalue())
    assert [s.name for s in read_book([path]).sheets] == ["点表", "线表", "检查结果", "检查规则"]


def test_a_waiver_needs_a_reason_and_lets_the_row_load(bureau: Crowd, batch: str) -> None:
    officer = bureau.log_in("officer")
    at = f"/surveys/batches/{batch}"
    slope = officer.get(f"{at}/findings", params={"rule": "pipe_slope_reversed_gross"}).json()
    asked = {"keys": [slope["findings"][0]["key"]], "decision": "waive"}
    refused = officer.post(f"{at}/decisions", json=asked)
    assert refused.status_code == 400
    assert "needs a reason" in refused.text or "须写明理由" in refused.text
    assert officer.post(f"{at}/decisions", json={**asked, "decision": "bless"}).status_code == 400
    done = officer.post(f"{at}/decisions", json={**asked, "reason": "现场核实"})
    assert done.json() == {"decided": 1}
    waived = officer.get(f"{at}/findings", params={"state": "waive"}).json()["findings"]
    assert [(f["decided_by"], f["reason"], f["holds"]) for f in waived] == [
        ("officer", "现场核实", True)
    ]
    again = officer.post(f"{at}/judgements").json()
    before = officer.get(at).json()["imports"][0]["result"]["loaded"]["sewer_pipe"]
    judge_import(bureau.db, UUID(again["import"]), actor="officer", today=date(2026, 11, 30))
    after = officer.get(at).json()["imports"][0]["result"]["loaded"]["sewer_pipe"]
    assert (sum(before.values()), sum(after.values())) == (37, 38)


def test_a_corrected_book_shows_what_is_new_gone_and_the_same(
    bureau: Crowd, batch: str, tmp_path: Path
) -> None:
    officer = bureau.log_in("officer")
    book = spoil(small())
    book.pipes[30]["材质"] = "混凝土"
    book.pipes[31]["管径"] = "很粗"
    path = write_workbook(tmp_path / "book.xlsx", book)
    filed = hand_in(officer, path.read_bytes(), file="改正.xlsx", batch=batch).json()
    assert filed["batch"] == batch
    judge_import(bureau.db, UUID(filed["import"]), actor="officer", today=date(2026, 11, 30))
    one = officer.get(f"/surveys/batches/{batch}").json()
    assert one["difference"]["new"] == 1
    assert one["difference"]["gone"] == 1
    assert one["difference"]["same"] >= 3
    for change, rule in (("new", "pipe_size_unreadable"), ("gone", "pipe_material_missing")):
        rows = officer.get(f"/surveys/batches/{batch}/findings", params={"change": change}).json()[
            "findings"
        ]
        assert [r["rule"] for r in rows] == [rule]


def test_deliverables_are_noted_and_the_last_note_holds(bureau: Crowd, batch: str) -> None:
    officer = bureau.log_in("officer")
    at = f"/surveys/batches/{batch}/deliverables"
    for word in ("in_progress", "delivered"):
        assert officer.post(at, json={"item": "map", "state": word}).status_code == 204
    assert officer.post(at, json={"item": "cake", "state": "delivered"}).status_code == 400
    standing = officer.get(f"/surveys/batches/{batch}").json()["deliverables"]["map"]
    assert (standing["state"], standing["by"]) == ("delivered", "officer")
    nowhere = f"/surveys/batches/{UUID(int=0)}/deliverables"
    assert officer.post(nowhere, json={"item": "map", "state": "delivered"}).status_code == 404


def test_what_is_no_book_is_kept_with_its_reason(bureau: Crowd) -> None:
    officer = bureau.log_in("officer")
    filed = hand_in(officer, b"<html></html>", file="x.xls", name="网页").json()
    with pytest.raises(Exception, match="web page"):
        judge_import(bureau.db, UUID(filed["import"]), actor="officer", today=date(2026, 11, 30))
    one = officer.get(f"/surveys/batches/{filed['batch']}").json()
    assert one["imports"][0]["problem"]["en"].startswith("this is a web page")
    assert hand_in(officer, b"", name="空").status_code == 400
    assert hand_in(officer, b"x", name="网页").status_code == 409
    assert hand_in(officer, b"x", batch=str(UUID(int=0))).status_code == 404
    assert hand_in(officer, b"x", batch="none").status_code == 400


@pytest.mark.parametrize(
    "file", ["../book.xlsx", "..", ".", "a/b.xlsx", "a\\b.xlsx", "线" * 100 + ".xlsx", "a\n.xlsx"]
)
def test_a_file_name_that_is_none_is_refused_in_words_and_nothing_is_kept(
    bureau: Crowd, file: str
) -> None:
    officer = bureau.log_in("officer")
    before = len(officer.get("/surveys/batches").json()["batches"])
    for lang, word in (("zh", "文件名"), ("en", "file name")):
        answer = hand_in(officer, b"x", file=file, name="坏名", lang=lang)
        assert answer.status_code == 400, answer.text
        assert word in answer.json()["detail"]
    assert len(officer.get("/surveys/batches").json()["batches"]) == before
