"""Record tables as contractors deliver them: every row gets a verdict, every doubt its cell."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from gis.db.handle import Database
from gis.errors import SourceError
from gis.exchange.read_book import read_book
from gis.network.cctv_findings import RULES, Verdict
from gis.network.cctv_import import CctvReport, import_cctv
from gis.network.cctv_judge import Given
from tests.conftest import OneTransaction
from tests.gis.network.record_tables import (
    HEADINGS,
    Line,
    block,
    write_csv,
    write_xls,
    write_xlsx,
)

TODAY = date(2026, 7, 1)
CLEAN = [
    *block("W1", "W2", (3.2, "PL", 2, 2, "裂口", 1), (10.5, "FS", 0.5, 1, "轻微剥落", 2)),
    *block("W2", "W3", (1.0, "CJ", 2, 2, "沉积", 3), direction="逆流", video="V02.mp4"),
]


def take(db: Database, path: Path, *, dry_run: bool = False, **given: str) -> CctvReport:
    return import_cctv(db, path, actor="t", today=TODAY, given=Given(**given), dry_run=dry_run)


def findings(report: CctvReport) -> list[tuple[str, str]]:
    return [(f.rule, f.address) for v in report.verdicts for f in v.findings]


def judge(db: Database, folder: Path, lines: Sequence[Line]) -> list[tuple[str, str]]:
    return findings(take(db, write_xlsx(folder / "t.xlsx", lines), dry_run=True))


def count(db: OneTransaction, table: str) -> int:
    return int(db.connection.execute(text(f"SELECT count(*) FROM core.{table}")).scalar_one())


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "csv"])
def test_a_table_of_blocks_is_read_whole_from_every_format(
    suffix: str, db: OneTransaction, tmp_path: Path
) -> None:
    write = {"xlsx": write_xlsx, "xls": write_xls, "csv": write_csv}[suffix]
    report = take(db, write(tmp_path / f"记录.{suffix}", CLEAN))
    assert findings(report) == []
    assert report.rows == {"accepted": 5, "doubtful": 0, "refused": 0}  # two heads, three rows
    assert (report.runs, report.observations, report.graded) == (2, 3, 2)
    rows = db.connection.execute(
        text(
            "SELECT from_code, to_code, direction, diameter_mm, pipe_length_m, place, operator,"
            " inspected_on, video FROM core.pipe_inspection ORDER BY from_code"
        )
    ).all()
    assert [tuple(r) for r in rows] == [
        ("W1", "W2", "with_flow", 800.0, 30.0, "人民路", "张三", date(2026, 6, 1), "V01.mp4"),
        ("W2", "W3", "against_flow", 800.0, 30.0, "人民路", "张三", date(2026, 6, 1), "V02.mp4"),
    ]
    seen = db.connection.execute(
        text(
            "SELECT chainage_m, code, grade, description, photo FROM core.pipe_observation"
            " ORDER BY inspection_id, number"
        )
    ).all()
    assert sorted(tuple(r) for r in seen)[1] == (3.2, "PL", 2, "裂口", "1")


@pytest.mark.parametrize("write", [write_xlsx, write_xls])
def test_blank_columns_on_the_left_shift_no_address(
    write: Callable[[Path, list[Line]], Path], db: OneTransaction, tmp_path: Path
) -> None:
    lines = block("W1", "W2", (None, "PL", 2, 2), (3.2, "QQ", 2, 2))
    plain = findings(take(db, write(tmp_path / "a", lines), dry_run=True))
    assert plain == [("row-without-chainage", "记录表!B8"), ("code-unknown", "记录表!B9")]
    moved = write(tmp_path / "b", [(None, None, *line) for line in lines])
    found = findings(take(db, moved, dry_run=True))
    assert found == [("row-without-chainage", "记录表!D8"), ("code-unknown", "记录表!D9")]


@pytest.mark.parametrize("write", [write_xlsx, write_xls])
def test_a_blank_sheet_holds_no_rows(
    write: Callable[[Path, list[Line]], Path], tmp_path: Path
) -> None:
    (sheet,) = read_book(write(tmp_path / "t", [])).sheets
    assert (sheet.numbers, sheet.rows) == ([], [])


def test_a_second_time_changes_nothing_and_a_dry_run_never(
    db: OneTransaction, tmp_path: Path
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", CLEAN)
    report = take(db, path, dry_run=True)
    assert (report.recorded.added, count(db, "pipe_inspection")) == (2, 0)
    take(db, path)
    again = take(db, path)
    assert (again.recorded.added, again.recorded.unchanged, again.graded) == (0, 2, 0)
    assert count(db, "pipe_inspection") == 2


def test_a_list_with_two_lines_of_merged_headings_carries_what_is_merged_down(
    db: OneTransaction, tmp_path: Path
) -> None:
    lines: list[Line] = [
        ("管道检测成果表",),
        ("井号", None, "检测日期", "管径", "管道长度", "缺陷", None, None, None),
        ("起始", "终止", None, None, None, "距离(m)", "代码", "等级", "描述"),
        ("Y1", "Y2", "2026年6月3日", "DN600", "25.0m", 4.5, "CK", "Ⅱ", "错口"),
        (None, None, None, None, None, 8, "TJ", "2级", "脱节"),
        ("Y2", "Y3", "20260603", 600, 31, 2, "QF", 1, "起伏"),
    ]
    path = write_xlsx(tmp_path / "b.xlsx", lines, merge=[(1, 0, 1, 1), (1, 5, 1, 8)])
    report = take(db, path)
    assert report.runs == 2
    assert report.observations == 3
    assert {rule for rule, _ in findings(report)} == {"direction-unknown"}
    rows = db.connection.execute(
        text(
            "SELECT r.from_code, r.to_code, r.diameter_mm, r.pipe_length_m, o.code, o.grade"
            " FROM core.pipe_inspection r JOIN core.pipe_observation o ON o.inspection_id = r.id"
            " ORDER BY 1, o.number"
        )
    ).all()
    assert [tuple(r) for r in rows] == [
        ("Y1", "Y2", 600.0, 25.0, "CK", 2),
        ("Y1", "Y2", 600.0, 25.0, "TJ", 2),
        ("Y2", "Y3", 600.0, 31.0, "QF", 1),
    ]


def test_rows_in_doubt_are_kept_and_say_where(db: OneTransaction, tmp_path: Path) -> None:
    # Rows of the sheet: head 1-6, headings 7, then these from 8 on.
    lines = block(
        "W1", "W2",
        (1.0, "PL", 5, 2, "", ""),  # the rules say 2
        (2.0, "XQ", 1, 1, "", ""),  # no such code
        (3.0, "FS", 10, 4, "", ""),  # corrosion has three grades
        (4.0, "CK", None, None, "", ""),
        (5.0, "FZ", None, 2, "", ""),
        (45.0, "PL", 0.5, 1, "", ""),  # the pipe is 30 m long
        (1.0, "PL", 2, 2, "", ""),  # as the first
        (9.0, "YJ", None, None, "检查井", ""),  # no defect, but known
    )  # fmt: skip
    assert judge(db, tmp_path, lines) == [
        ("score-differs", "记录表!C8"),
        ("code-unknown", "记录表!B9"),
        ("grade-unknown", "记录表!D10"),
        ("grade-missing", "记录表!B11"),
        ("recorded-only", "记录表!B12"),
        ("beyond-pipe", "记录表!A13"),
        ("row-twice", "记录表!B14"),
    ]
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert report.observations == 8
    assert report.rows == {"accepted": 3, "doubtful": 6, "refused": 0}
    # Only the two cracks of 2 at one place (merged: 4) and the slight one have a score.
    f, left_out = db.connection.execute(
        text("SELECT f, (condition ->> 'left_out')::int FROM core.pipe_grade")
    ).one()
    assert (f, left_out) == (4.0, 5)


def test_what_cannot_be_kept_is_refused_and_says_why(db: OneTransaction, tmp_path: Path) -> None:
    lines = [
        *block("W1", "W2", ("约3米多", "PL", 2, 2), (None, "PL", 2, 2, "裂口"), (4.0, None, 2, 2)),
        *block("W2", "W2", (1.0, "PL", 2, 2)),
        *block("W3", "W4", (1.0, "PL", 2, 2), day="六月"),
        *block("W4", "W5", (1.0, "PL", 2, 2), day="2027-01-01"),
    ]
    path = write_xlsx(tmp_path / "t.xlsx", lines)
    report = take(db, path)
    # "约3米多" is one number with words around it: it is read. The next two rows are not.
    rules = [rule for rule, _ in findings(report)]
    assert rules == [
        "row-without-chainage", "row-without-code", "run-to-itself", "run-undated",
        "run-in-the-future",
    ]  # fmt: skip
    assert (report.runs, report.refused_runs, count(db, "pipe_inspection")) == (4, 3, 1)
    refused = [v for v in report.verdicts if v.verdict is Verdict.REFUSED]
    assert len(refused) == 2 + 3 + 3  # two rows; three heads with the row of each


def test_names_and_numbers_without_end_are_judged_not_stored(
    db: OneTransaction, tmp_path: Path
) -> None:
    lines = [
        *block("W" * 65, "W2", (1.0, "PL", 2, 2)),
        *block("W3", "W4", (1e300, "PL", 2, 2), (-1, "PL", 2, 2), (2.0, "坑" * 900, 2, 2),
               video="录" * 3000, length="很长"),
    ]  # fmt: skip
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert [rule for rule, _ in findings(report)] == [
        "code-too-long", "head-unreadable", "head-unreadable", "row-without-chainage",
        "row-without-chainage", "code-unknown",
    ]  # fmt: skip
    assert (report.refused_runs, report.observations) == (1, 1)


def test_the_index_a_contractor_computed_is_compared(db: OneTransaction, tmp_path: Path) -> None:
    """Two cracks 7 m apart: the sum and an ungated K give 3.95, the standard 1.4."""
    rows = ((3.0, "PL", 2, 2), (10.0, "PL", 2, 2))
    lines = [
        *block("W1", "W2", *rows, indices=(3.95, 0)),
        *block("W2", "W3", *rows, indices=(1.4, 0)),
    ]
    path = write_xlsx(tmp_path / "t.xlsx", lines)
    report = take(db, path, importance="中心商业", soil="一般土层", dry_run=True)
    (only,) = [f for v in report.verdicts for f in v.findings]
    assert (only.rule, only.address, only.value) == ("index-differs", "记录表!B5", "3.95")
    assert only.text.zh == "上报 RI 与按规则计算的 1.4 不符"
    # Where the soil is not known the index has a range: 1.4 to 1.4 + 0.15·10.
    unsure = take(db, path, dry_run=True)
    (only,) = [f for v in unsure.verdicts for f in v.findings]
    assert "1.4–2.9" in only.text.en


def test_a_label_with_its_value_after_a_full_width_colon_is_read(
    db: OneTransaction, tmp_path: Path
) -> None:
    head = ("起始井号\uff1aW1", "终止井号\uff1aW2", "检测日期\uff1a2026-06-01", "检测方向:顺流")
    lines: list[Line] = [head, HEADINGS, (3.2, "PL", 2, 2, "裂口", 1)]
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert (report.runs, report.refused_runs, findings(report)) == (1, 0, [])
    row = db.connection.execute(
        text("SELECT from_code, to_code, inspected_on, direction FROM core.pipe_inspection")
    ).one()
    assert tuple(row) == ("W1", "W2", date(2026, 6, 1), "with_flow")


def test_defects_that_go_on_are_joined_by_their_markers(db: OneTransaction, tmp_path: Path) -> None:
    lines = block(
        "W1", "W2",
        (2.0, "FS KS01", 0.5, 1), (4.0, "CJ(KS02)", 2, 2), (6.5, "PL", 2, 2),
        (12.0, "FS JS01", 2, 2), (20.0, "JS02", None, None),
        (25.0, "SL KS03", 0.5, 1), (28.0, "JS04", None, None),
    )  # fmt: skip
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert findings(report) == [("never-ends", "记录表!B13"), ("never-began", "记录表!B14")]
    rows = db.connection.execute(
        text("SELECT code, chainage_m, end_m, grade FROM core.pipe_observation ORDER BY number")
    ).all()
    # The worse grade of both ends counts.
    assert [tuple(r) for r in rows] == [
        ("FS", 2.0, 12.0, 2), ("CJ", 4.0, 20.0, 2), ("PL", 6.5, None, 2), ("SL", 25.0, None, 1),
    ]  # fmt: skip


def seen(db: OneTransaction) -> list[tuple[object, ...]]:
    rows = db.connection.execute(
        text("SELECT code, chainage_m, end_m, grade FROM core.pipe_observation ORDER BY number")
    )
    return [tuple(row) for row in rows]


def test_markers_of_three_defects_at_one_place_each_take_their_own(
    db: OneTransaction, tmp_path: Path
) -> None:
    """Markers in rows of their own: each belongs to a finding there that has none yet."""
    lines = block(
        "W1", "W2",
        (5.0, "PL", 2, 2), (5.0, "FS", 0.5, 1), (5.0, "SL", 0.5, 1),
        (5.0, "KS01", None, None), (5.0, "KS02", None, None), (5.0, "KS03", None, None),
        (5.0, "KS04", None, None),
        (8.0, "JS01", None, None), (9.0, "JS02", None, None), (12.0, "JS03", None, None),
    )  # fmt: skip
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert findings(report) == [("row-without-code", "记录表!B14")]  # nothing is left for KS04
    assert seen(db) == [("PL", 5.0, 8.0, 2), ("FS", 5.0, 9.0, 1), ("SL", 5.0, 12.0, 1)]


def test_a_number_that_begins_twice_leaves_the_first_without_an_end(
    db: OneTransaction, tmp_path: Path
) -> None:
    lines = block("W1", "W2", (2.0, "FS KS01", 0.5, 1), (5.0, "PL KS01", 2, 2), (9.0, "JS01"))
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert findings(report) == [("never-ends", "记录表!B8")]
    assert seen(db) == [("FS", 2.0, None, 1), ("PL", 5.0, 9.0, 2)]


def test_the_end_of_another_defect_ends_nothing(db: OneTransaction, tmp_path: Path) -> None:
    lines = block("W1", "W2", (2.0, "FS KS01", 0.5, 1), (5.0, "PL JS01", 2, 2))
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert findings(report) == [("never-ends", "记录表!B8"), ("never-began", "记录表!B9")]
    assert seen(db) == [("FS", 2.0, None, 1), ("PL", 5.0, None, 2)]


def test_an_end_beyond_the_pipe_is_told_where_it_ends(db: OneTransaction, tmp_path: Path) -> None:
    lines = block("W1", "W2", (2.0, "FS KS01", 0.5, 1), (45.0, "JS01", None, None))
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert findings(report) == [("beyond-pipe", "记录表!A9")]


def test_a_run_twice_in_a_file_counts_once_and_is_told(db: OneTransaction, tmp_path: Path) -> None:
    lines = [*block("W1", "W2", (1.0, "PL", 2, 2)), *block("W1", "W2", (1.0, "PL", 5, 3))]
    report = take(db, write_xlsx(tmp_path / "t.xlsx", lines))
    assert findings(report) == [("run-twice", "记录表!D1")]
    assert db.connection.execute(text("SELECT f FROM core.pipe_grade")).scalars().all() == [5.0]


def test_a_word_the_rules_do_not_know_is_refused_before_the_file_is_opened(
    db: OneTransaction, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="soil takes one of"):
        take(db, tmp_path / "none.xlsx", soil="月壤")


def test_every_rule_says_itself_in_both_languages() -> None:
    for rule, (_, words) in RULES.items():
        assert words.zh != words.en, rule


# what is not opened


def test_a_workbook_that_is_none_is_refused_with_a_reason(
    db: OneTransaction, tmp_path: Path
) -> None:
    cases: dict[str, tuple[bytes, str]] = {
        "empty.xlsx": (b"", "empty"),
        "text.xlsx": (b"no table at all", "not a table"),
        "locked.xlsx": (_compound("EncryptedPackage"), "password"),
        "macros.xls": (_compound("_VBA_PROJECT"), "macros"),
        "cut.xls": (_compound("Workbook"), "damaged"),
        "cut.xlsx": (b"PK\x03\x04" + b"\x00" * 100, "damaged"),
        "page.xls": (b"<html><table></table></html>", "not a table"),
        "other.csv": (b"a,b,c\n1,2,3\n", "holds no record"),
        "odd.csv": (b"a,b\n" + bytes(range(128, 255)) * 20, "encoding"),
    }
    for name, (content, reason) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SourceError, match=reason):
            take(db, path)


def _compound(stream: str) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    return head + b"\x00" * 1000 + stream.encode("utf-16-le") + b"\x00" * 1000


def test_macros_and_what_unpacks_to_too_much_are_refused_unopened(
    db: OneTransaction, tmp_path: Path
) -> None:
    path = write_xlsx(tmp_path / "m.xlsx", CLEAN)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    with pytest.raises(SourceError, match="macros"):
        take(db, path)
    bomb = write_xlsx(tmp_path / "b.xlsx", CLEAN)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/photo.bmp", b"\x00" * 300_000_000)
    with pytest.raises(SourceError, match="too big"):
        take(db, bomb)


def test_a_million_empty_rows_are_no_burden(db: OneTransaction, tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    lines: list[Line] = [*CLEAN]
    write_xlsx(path, lines)
    _stretch(path, 1_048_576)
    assert take(db, path, dry_run=True).observations == 3


def _stretch(path: Path, rows: int) -> None:
    """Empty rows to the end of the sheet, as a formatted column leaves them."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    empty = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(100, rows + 1))
    parts[name] = parts[name].replace(b"</sheetData>", empty.encode() + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


def test_a_formula_is_the_value_stored_with_it_and_nothing_is_computed(
    db: OneTransaction, tmp_path: Path
) -> None:
    import xlsxwriter

    path = tmp_path / "f.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("记录表")
    head = block("W1", "W2")[:6]
    for number, line in enumerate([*head, HEADINGS]):
        for column, value in enumerate(line):
            if value is not None:
                sheet.write(number, column, value)
    sheet.write_formula(7, 0, "=1+1", None, 4.5)
    sheet.write_row(7, 1, ["PL", 2, 2])
    sheet.write_formula(8, 0, '=HYPERLINK("http://x")', None, "")
    sheet.write_row(8, 1, ["PL", 2, 2])
    book.close()
    report = take(db, path)
    assert findings(report) == [("row-without-chainage", "记录表!B9")]
    chainage = db.connection.execute(text("SELECT chainage_m FROM core.pipe_observation")).scalar()
    assert chainage == 4.5
