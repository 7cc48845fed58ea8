"""Inspections over the API: a table sent in, its runs, conditions and repairs read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook
from shapely import LineString

from gis import store
from gis.db.roles import Pool
from gis.kinds.sewer_pipe import SewerPipe
from tests.api.crowd import Crowd
from tests.gis.network.record_tables import block, write_xlsx

TABLE = [
    *block("W1", "W2", (3.0, "PL", 10, 4, "坍塌"), (20.0, "CJ", 10, 4, "满管沉积")),
    *block("W2", "W3", (3.0, "PL", 2, 2, "裂口"), (10.0, "PL", 2, 2, "裂口"), video="V02"),
    *block("W8", "W9", (3.0, "QQ", 1, 1, "?"), video="V03", direction="逆流"),
]


@pytest.fixture(scope="module")
def officer(crowd: Crowd, tmp_path_factory: pytest.TempPathFactory) -> httpx.Client:
    """The office, after it has sent the table in; the first pipe is known."""
    with crowd.db.write(actor="t", reason="t", pool=Pool.STAFF) as connection:
        pipe = SewerPipe.model_validate(
            {"code": "P-W1", "system": "sanitary", "up_node": "W1", "down_node": "W2",
             "diameter_mm": 800.0, "road": "人民路"}
        )  # fmt: skip
        store.add(connection, pipe, LineString([(99.2, 25.0), (99.2003, 25.0)]))
    client = crowd.log_in("officer")
    path = write_xlsx(tmp_path_factory.mktemp("t") / "t.xlsx", TABLE)
    asked = {"name": "检测.xlsx", "importance": "centre", "soil": "ordinary"}
    answer = client.post("/inspections/import", params=asked, content=path.read_bytes())
    assert answer.status_code == 200, answer.text
    client.report = answer.json()  # type: ignore[attr-defined]  # for the tests that look at it
    return client


def test_the_table_comes_back_with_a_verdict_on_every_row_in_doubt(officer: httpx.Client) -> None:
    report: dict[str, Any] = officer.report  # type: ignore[attr-defined]  # set by the fixture
    assert (report["runs"], report["added"], report["matched"], report["graded"]) == (3, 3, 1, 3)
    (doubt,) = report["verdicts"]
    assert doubt["verdict"] == "doubtful"
    assert doubt["findings"][0]["rule"] == "code-unknown"
    assert doubt["findings"][0]["cell"] == "记录表!B30"
    assert doubt["findings"][0]["text"]["zh"]


def test_runs_are_listed_with_their_grade_and_a_cursor(officer: httpx.Client) -> None:
    page = officer.get("/inspections?limit=2").json()
    assert page["rules"] == {
        "version": "cjj181-2012", "standard": "CJJ 181-2012", "original_read": False,
    }  # fmt: skip
    rest = officer.get("/inspections", params={"limit": 2, "cursor": page["cursor"]}).json()
    runs = {r["from_code"]: r for r in (*page["inspections"], *rest["inspections"])}
    assert set(runs) == {"W1", "W2", "W8"}
    # 7 + 0.1·10 + 0.05·3; 0.7·2
    assert (runs["W1"]["grade"]["ri"], runs["W2"]["grade"]["ri"]) == (8.15, 1.4)
    assert runs["W1"]["pipe_code"] == "P-W1"
    waiting = officer.get("/inspections?matched=false&code=QQ").json()["inspections"]
    assert [r["from_code"] for r in waiting] == ["W8"]


@pytest.mark.parametrize(
    "query",
    ["method=x", "from=2026-13-01", "from=2026-02-01&to=2026-01-01", "matched=1", "pipe=x",
     "repair-class=5", "cursor=x", "no-such=1", "code=%00"],
)  # fmt: skip
def test_a_wrong_parameter_is_named(query: str, officer: httpx.Client) -> None:
    answer = officer.get(f"/inspections?{query}")
    assert answer.status_code == 400
    assert "parameter" in answer.json() or "cursor" in answer.json()["type"]


def test_a_run_is_explained_term_by_term(officer: httpx.Client) -> None:
    run = officer.get("/inspections?repair-class=Ⅳ").json()["inspections"][0]
    found = officer.get(f"/inspections/{run['id']}").json()
    terms = {(t["part"], t["symbol"]): t for t in found["explain"]}
    assert terms["structural", "RI"]["value"] == 8.15
    assert terms["structural", "RI"]["rules"][0]["clause"] == "8.3.5"
    assert not terms["structural", "RI"]["unverified"]
    assert terms["functional", "MI"]["unverified"]
    crack, _ = found["observations"]["features"]
    assert crack["geometry"]["type"] == "Point"
    assert crack["properties"]["description"] == "坍塌"
    assert found["raw"]["敷设年代"] == "2005.0"


def test_every_inspected_pipe_has_its_latest_class(officer: httpx.Client) -> None:
    run = officer.get("/inspections?matched=true").json()["inspections"][0]
    found = officer.get("/inspections/classes").json()
    # RI is 8.15, above 7: class Ⅳ; the runs that no pipe is known of are on no map.
    assert {pipe: row[0] for pipe, row in found["pipes"].items()} == {run["pipe_id"]: "Ⅳ"}
    assert [word["value"] for word in found["words"]] == ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ"]
    assert found["rules"]["original_read"] is False
    assert officer.get("/inspections/classes?on=2020-01-01").json()["pipes"] == {}


def test_what_is_not_there_is_a_404(officer: httpx.Client) -> None:
    nothing = "019a0000-0000-7000-8000-000000000000"
    for path in (f"/inspections/{nothing}", "/inspections/x", f"/pipes/{nothing}/condition"):
        assert officer.get(path).status_code == 404
    assert officer.get("/inspections?rules=cjj181-2099").status_code == 404


def test_a_pipe_shows_its_condition_to_who_sees_pipes_only(
    officer: httpx.Client, crowd: Crowd
) -> None:
    run = officer.get("/inspections?matched=true").json()["inspections"][0]
    path = f"/pipes/{run['pipe_id']}/condition"
    found = officer.get(path).json()
    assert found["pipe"]["code"] == "P-W1"
    assert found["latest"]["grade"]["repair_class"] == "Ⅳ"
    assert len(found["defects"]["features"]) == 2
    before = officer.get(f"{path}?on=2020-01-01").json()
    assert (before["latest"], before["pacp"]) == (None, None)
    # A collapse is 5, deposits of more than half are 5: beside CJJ 181, not in its place
    pacp = found["pacp"]
    assert (pacp["structural"]["quick"], pacp["om"]["quick"]) == ("5100", "5100")
    assert (pacp["overall"]["rating"], pacp["overall"]["quick"]) == (10, "5200")
    assert pacp["rules"]["original_read"] is False
    assert all(term["text"]["zh"] and term["rules"] for term in pacp["explain"])
    assert crowd.log_in("viewer").get(path).status_code == 200
    assert crowd.visitor().get(path).status_code == 401
    assert crowd.log_in("audit_officer").get(path).status_code == 403


def test_repairs_come_most_urgent_first_with_quantities(officer: httpx.Client) -> None:
    found = officer.get("/inspections/repairs").json()
    assert [(p["from_code"], p["repair_class"], p["repair_method"]) for p in found["pipes"]] == [
        ("W1", "Ⅳ", "local"), ("W2", "Ⅱ", "none"),
    ]  # fmt: skip
    # W1 is cleaned as well (MI 9.65); W2 with F = 2 is not repaired. 30.28 m is the drawn length.
    counted = ("method", "diameter_mm", "pipes", "places")
    assert [tuple(q[name] for name in counted) for q in found["quantities"]] == [
        ("cleaning", 800.0, 1, None), ("local", 800.0, 1, 1),
    ]  # fmt: skip
    assert found["quantities"][0]["length_m"] == pytest.approx(30.28, abs=0.02)
    assert officer.get("/inspections/repairs?road=无名路").json()["pipes"] == []


def test_repairs_as_a_workbook_hold_the_same_and_say_what_they_rest_on(
    officer: httpx.Client, tmp_path: Path
) -> None:
    answer = officer.get("/inspections/repairs?f=xlsx&lang=zh")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    path = tmp_path / "r.xlsx"
    path.write_bytes(answer.content)
    book = CalamineWorkbook.from_path(str(path))
    assert book.sheet_names == ["修复清单", "工程量", "依据"]
    head, first, second = book.get_sheet_by_name("修复清单").to_python()
    row = dict(zip(head, first, strict=True))
    assert (row["管段编号"], row["修复指数 RI"], row["修复方式"]) == ("P-W1", 8.15, "局部修复")
    assert second[head.index("类型")] == ""
    quantities = book.get_sheet_by_name("工程量").to_python()
    assert quantities[1][:3] == ["清疏养护", 800.0, 1.0]
    assert "未对照标准原文" in str(book.get_sheet_by_name("依据").to_python()[1][0])


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "为空"), (b"<html>", "不是可识别"), (b"a,b\n1,2\n", "没有检测记录")],
)
def test_a_file_that_is_no_record_table_is_refused_with_a_reason(
    content: bytes, words: str, officer: httpx.Client
) -> None:
    answer = officer.post("/inspections/import?lang=zh", content=content)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_only_the_office_brings_tables_in(crowd: Crowd) -> None:
    for who in ("viewer", "inspector", "planner", "leader"):
        assert crowd.log_in(who).post("/inspections/import", content=b"x").status_code == 403


def test_a_workbook_of_repairs_leaves_the_house_only_with_who_may_export(crowd: Crowd) -> None:
    for who, status in (("leader", 200), ("planner", 200), ("viewer", 403), ("inspector", 403)):
        client = crowd.log_in(who)
        assert client.get("/inspections/repairs").status_code == 200
        assert client.get("/inspections/repairs?f=xlsx").status_code == status
