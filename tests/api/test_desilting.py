"""The desilting ledger and the grid of works over the API: sent in, looked at, replied to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from shapely import LineString

from gis import store
from gis.db.roles import Pool
from gis.kinds.sewer_pipe import SewerPipe
from tests.api.crowd import Crowd

HEADINGS = ["作业编号", "管段编号", "作业日期", "完成日期", "清淤长度(m)", "清淤方法",
            "清淤量(m³)", "湿重(t)", "备注"]  # fmt: skip
LINES: list[list[Any]] = [
    ["Q1", "D-1", date(2026, 6, 1), date(2026, 6, 2), 30, "高压冲洗", 2.5, None, "夜间"],
    ["Q2", "D-2", "2026/6/3", "2026年6月4日", 40, "吸污车", None, 3.455, None],
    ["Q3", "没有", "2026-06-05", None, 12, None, 1, None, None],
    ["Q4", "D-1", "去年", None, 12, None, 1, None, None],
]


def write_table(path: Path) -> bytes:
    """The table beneath a title, as contractors deliver it."""
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("清淤台账")
    sheet.write_string(0, 0, "2026 年度清淤台账")
    for row, cells in enumerate([HEADINGS, *LINES], 1):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    book.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def officer(crowd: Crowd, tmp_path_factory: pytest.TempPathFactory) -> httpx.Client:
    """The office, after it has sent a table in."""
    with crowd.db.write(actor="t", reason="t", pool=Pool.STAFF) as connection:
        for code, system in (("D-1", "storm"), ("D-2", "sanitary")):
            pipe = SewerPipe.model_validate({"code": code, "system": system, "township": "D"})
            store.add(connection, pipe, LineString([(99.2, 25.0), (99.2003, 25.0)]))
    client = crowd.log_in("officer")
    table = write_table(tmp_path_factory.mktemp("t") / "t.xlsx")
    answer = client.post("/desilting", params={"name": "六月.xlsx", "unit": "甲"}, content=table)
    assert answer.status_code == 200, answer.text
    client.report = answer.json()  # type: ignore[attr-defined]  # for the tests that look at it
    return client


def jobs(client: httpx.Client, **asked: str) -> dict[str, Any]:
    found = client.get("/desilting", params={"township": "D", **asked}).json()["jobs"]
    return {job["number"]: job for job in found}


def test_a_table_is_taken_in_and_every_refused_row_says_why(officer: httpx.Client) -> None:
    report: dict[str, Any] = officer.report  # type: ignore[attr-defined]  # set by the fixture
    assert (report["added"], report["unchanged"]) == (2, 0)
    assert [(r["row"], r["text"]["zh"]) for r in report["refused"]] == [
        (5, "没有此管段"), (6, "字段有误:began_on"),
    ]  # fmt: skip
    found = jobs(officer)
    assert (found["Q1"]["method"], found["Q1"]["unit"], found["Q1"]["note"]) == (
        "jetting", "甲", "夜间",
    )  # fmt: skip
    assert (found["Q2"]["began_on"], found["Q2"]["done_on"]) == ("2026-06-03", "2026-06-04")
    assert (found["Q2"]["claimed"], found["Q2"]["basis"], found["Q2"]["volume_m3"]) == (
        3.455, "wet_t", 2.47,
    )  # fmt: skip


def test_jobs_are_filtered_by_flag_and_paged(officer: httpx.Client) -> None:
    assert list(jobs(officer, flag="beyond_pipe")) == ["Q2"]
    assert set(jobs(officer, flag="silt_unknown")) == {"Q1", "Q2"}
    assert jobs(officer, flag="none") == {}
    assert list(jobs(officer, system="storm")) == ["Q1"]
    page = officer.get("/desilting?township=D&limit=1").json()
    assert [j["number"] for j in page["jobs"]] == ["Q2"]
    assert (page["sums"]["jobs"], page["sums"]["volume_m3"]) == (2, 4.97)
    rest = officer.get(
        "/desilting", params={"township": "D", "limit": 1, "cursor": page["cursor"]}
    ).json()
    assert ([j["number"] for j in rest["jobs"]], rest["cursor"]) == (["Q1"], None)
    assert page["rules"]["mark"] == "unverified"


def test_a_job_by_form_is_corrected_and_replied_to(officer: httpx.Client) -> None:
    job = {"pipe_code": "D-1", "number": "F", "began_on": "2024-06-01", "length_m": 10,
           "done_on": "2024-06-02", "unit": "乙", "claimed": 1, "basis": "dry_t"}  # fmt: skip
    made = officer.post("/desilting", json={"jobs": [job]}).json()
    assert (made["added"], made["refused"]) == (1, [])
    (identifier,) = made["ids"]
    correction = job | {"claimed": 2, "corrects": identifier, "reason": "过磅单更正"}
    assert officer.post("/desilting", json={"jobs": [correction]}).json()["corrected"] == 1
    reply = {"unit": "乙", "replied_on": "2024-07-01", "text": "已补过磅单"}
    assert officer.post(f"/desilting/{identifier}/replies", json=reply).status_code == 201
    found = officer.get(f"/desilting/{identifier}").json()
    assert [v["claimed"] for v in found["versions"]] == [2, 1]
    assert (found["job"]["volume_m3"], found["job"]["version"]) == (3.57, 2)
    assert [(r["text"], r["recorded_by"]) for r in found["replies"]] == [("已补过磅单", "officer")]


def test_what_does_not_fit_is_named(officer: httpx.Client) -> None:
    job = {"pipe_code": "D-1", "began_on": "2024-06-01", "length_m": -1, "unit": "乙", "x": 1}
    answer = officer.post("/desilting", json={"jobs": [job]})
    assert (answer.status_code, answer.json()["fields"]) == (400, ["jobs.0", "jobs.0.length_m"])
    assert officer.post("/desilting", content=b"nothing of a table").status_code == 400
    nothing = uuid4()
    assert officer.get(f"/desilting/{nothing}").status_code == 404
    reply = {"unit": "乙", "replied_on": "2024-07-01", "text": "x"}
    assert officer.post(f"/desilting/{nothing}/replies", json=reply).status_code == 404
    for path in ("/desilting?flag=odd", "/desilting?from=2026-02-01&to=2026-01-01",
                 "/network/progress?to=x", "/network/progress/rows?activity=x",
                 "/network/progress/rows?offset=-1", "/desilting?pipe=x"):  # fmt: skip
        assert officer.get(path).status_code == 400, path


def test_the_grid_opens_to_its_rows(officer: httpx.Client) -> None:
    asked = "township=D&from=2026-06-01&to=2026-06-30"
    grid = officer.get(f"/network/progress?{asked}").json()
    cells = {(c["activity"], c["state"], c["system"]): c for c in grid["cells"]}
    assert set(cells) == {
        ("desilting", "completed", "storm"), ("desilting", "completed", "sanitary"),
    }  # fmt: skip
    # 30 m of the first pipe; the second is 30.285 m long, whatever was claimed.
    assert cells["desilting", "completed", "storm"]["counted_m"] == 30
    assert cells["desilting", "completed", "sanitary"]["counted_m"] == pytest.approx(
        30.285, abs=2e-3
    )
    rows = officer.get(f"/network/progress/rows?{asked}&activity=desilting&system=sanitary").json()
    assert [r["id"] for r in rows["rows"]] == [jobs(officer)["Q2"]["id"]]
    assert grid["activities"]["desilting"]["basis"]["zh"] == "清淤台账"


def test_the_grid_is_a_workbook_for_who_may_export(
    officer: httpx.Client, crowd: Crowd, tmp_path: Path
) -> None:
    path = "/network/progress?township=D&from=2026-06-01&to=2026-06-30&f=xlsx&lang=zh"
    answer = officer.get(path)
    assert answer.status_code == 200
    (tmp_path / "b.xlsx").write_bytes(answer.content)
    book = CalamineWorkbook.from_path(str(tmp_path / "b.xlsx"))
    sheets: list[Any] = [book.get_sheet_by_index(n).to_python() for n in range(3)]
    grid, rows, basis = sheets
    assert [line[0] for line in grid[2:]] == ["测绘", "检测", "清淤", "修复", "敷设", "雨污分流"]
    head, desilting = grid[1], grid[4]
    line = dict(zip(head, desilting, strict=True))
    assert (line["已完工 雨水"], line["已完工 污水"]) == (0.03, pytest.approx(0.030285, abs=2e-6))
    assert (line["已完工 合计"], line["清淤量 m³"]) == (pytest.approx(0.060285, abs=2e-6), 4.97)
    assert {r[3] for r in rows[1:]} == {"D-1", "D-2"}
    assert "未对照标准原文核对" in basis[1][0]
    assert crowd.log_in("viewer").get(path).status_code == 403


def test_a_workbook_that_does_not_hold_every_work_says_so(
    officer: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/network/progress?township=D&from=2026-06-01&to=2026-06-30&f=xlsx&lang=zh"
    whole = len(read_rows(officer, path, tmp_path))
    monkeypatch.setattr("api.routes.desilting.MOST_IN_FILE", whole - 1)
    assert len(read_rows(officer, path, tmp_path)) == whole  # its head, and all works
    monkeypatch.setattr("api.routes.desilting.MOST_IN_FILE", whole - 2)
    said, head, *rows = read_rows(officer, path, tmp_path)
    assert f"只列最近的 {whole - 2} 条" in said[0]
    assert (head[0], len(rows)) == ("工作内容", whole - 2)


def read_rows(client: httpx.Client, path: str, folder: Path) -> list[list[Any]]:
    (folder / "b.xlsx").write_bytes(client.get(path).content)
    rows: list[list[Any]] = (
        CalamineWorkbook.from_path(str(folder / "b.xlsx")).get_sheet_by_index(1).to_python()
    )
    return rows


def test_who_only_reads_records_nothing(officer: httpx.Client, crowd: Crowd) -> None:
    viewer = crowd.log_in("viewer")
    assert viewer.get("/desilting?township=D").status_code == 200
    assert viewer.get("/network/progress?township=D").status_code == 200
    for who in ("viewer", "leader", "planner"):
        assert crowd.log_in(who).post("/desilting", content=b"x").status_code == 403
