"""Survey tables as surveyors deliver them: headers, zones, sizes, codes, encodings, bad files."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from gis.errors import SourceError
from gis.network.survey_book import write_book
from gis.network.survey_cells import as_objects, read_sizes
from gis.network.survey_check import Judgement, judge_book
from gis.network.survey_fields import Role
from gis.network.survey_header import find_table
from gis.network.survey_place import County, choose_reading
from gis.network.survey_read import Book, Sheet, read_book
from gis.network.survey_rules import load_rules

COUNTY = County(box(98.9, 24.5, 99.4, 24.9))
"""Around 99.12°E 24.71°N: the 3-degree zone of 99°E, EPSG:4542."""
NORTH, EAST = 2_734_000.0, 512_000.0
"""A place in that county, by EPSG:4542: 24.71°N, 99.12°E to the hundredth of a degree."""


def sheet(
    name: str, rows: list[list[Any]], merged: list[tuple[int, int, int, int]] | None = None
) -> Sheet:
    width = max(map(len, rows))
    columns = [[r[c] if c < len(r) and r[c] != "" else None for r in rows] for c in range(width)]
    return Sheet(name, columns, len(rows), merged=merged or [])


NODES: list[list[Any]] = [
    ["物探点号", "X", "Y", "地面高程", "附属物"],
    ["YS1", NORTH, EAST, 1500.0, "检查井"],
    ["YS2", NORTH - 40, EAST, 1499.8, "出水口"],
]
PIPES: list[list[Any]] = [
    ["起点点号", "终点点号", "起点高程", "终点高程", "管径", "材质"],
    ["YS1", "YS2", 1497.5, 1497.2, 400.0, "PE"],
]


TODAY = date(2026, 11, 30)


def judge(
    *sheets: Sheet,
    county: County | None = COUNTY,
    crs: str | None = None,
    today: date = TODAY,
) -> Judgement:
    return judge_book(Book("book.xlsx", list(sheets)), county=county, crs=crs, today=today)


def rules(judged: Judgement) -> list[str]:
    return sorted(f.rule.id for f in judged.findings)


def test_two_small_tables_are_read_without_a_finding() -> None:
    judged = judge(sheet("点", NODES), sheet("线", PIPES))
    assert rules(judged) == []
    assert judged.pipes.length.tolist() == [40.0]
    assert judged.nodes.lon == pytest.approx([99.12, 99.12], abs=0.01)
    assert judged.nodes.lat == pytest.approx([24.71, 24.71], abs=0.01)


# --- headers ------------------------------------------------------------------------------------


def test_a_header_of_two_merged_lines_under_a_title_is_read() -> None:
    rows = [
        ["云屏县排水管线成果表", "", "", "", "", ""],
        ["起点", "", "终点", "", "管径", "材质"],
        ["点号", "高程", "点号", "高程", "(mm)", ""],
        ["YS1", 1497.5, "YS2", 1497.2, 400.0, "PE"],
        ["合计", "", "", "", 1.0, ""],
    ]
    merged = [(0, 0, 0, 5), (1, 0, 1, 1), (1, 2, 1, 3), (1, 5, 2, 5)]
    table = find_table(0, sheet("线", rows, merged=merged))
    assert table is not None
    assert table.role is Role.PIPES
    assert table.columns == {
        "start": 0, "start_invert": 1, "end": 2, "end_invert": 3, "size": 4, "material": 5,
    }  # fmt: skip
    assert (table.rows, table.skipped) == ([3], [4])


def test_a_header_of_two_lines_in_a_text_file_needs_no_merged_cells() -> None:
    rows = [
        ["起点", "", "终点", ""],
        ["点号", "埋深", "点号", "埋深"],
        ["YS1", "2.5", "YS2", "2.6"],
    ]
    table = find_table(0, sheet("线", rows))
    assert table is not None
    assert table.columns == {"start": 0, "start_depth": 1, "end": 2, "end_depth": 3}


def test_codes_units_and_numbers_below_a_header_belong_to_it() -> None:
    rows = [
        ["起始管点标识码", "终止管点标识码", "起始管底高程", "终止管底高程"],
        ["START_USID", "END_USID", "BEG_H", "END_H"],
        ["", "", "m", "m"],
        ["1", "2", "3", "4"],
        ["YS1", "YS2", 1.0, 0.9],
    ]
    table = find_table(0, sheet("线", rows))
    assert table is not None
    assert (table.rows, list(table.header)) == ([4], [0, 1, 2, 3])


def test_units_and_remarks_in_full_width_are_read_as_such() -> None:
    rows = [
        ["起点点号", "终点点号", "起点高程", "管径"],
        ["", "", "\uff08m\uff09", "\uff08mm\uff09"],
        ["YS1", "YS2", 1.0, 400.0],
        ["注\uff1a高程为1985国家高程基准"],
        ["说明\uff1a另见附图"],
        ["注:ASCII"],
    ]
    table = find_table(0, sheet("线", rows))
    assert table is not None
    assert (list(table.header), table.rows, table.skipped) == ([0, 1], [2], [3, 4, 5])


def test_municipal_codes_alone_name_the_columns() -> None:
    node_head = ["USID", "X", "Y", "SUR_H", "BOTTOM_H", "SUBTYPE", "SORT", "FCODE"]
    pipe_head = ["START_USID", "END_USID", "BEG_H", "END_H", "D_S", "MATERIAL", "IS_PRESS"]
    nodes, pipes = (
        find_table(0, sheet("a", [node_head, [""] * 8])),
        find_table(1, sheet("b", [pipe_head, [""] * 7])),
    )
    assert nodes is not None
    assert pipes is not None
    assert list(nodes.columns) == [
        "code", "x", "y", "ground", "bottom", "attachment", "system", "element",
    ]  # fmt: skip
    assert list(pipes.columns) == [
        "start", "end", "start_invert", "end_invert", "size", "material", "pressure",
    ]  # fmt: skip


def test_a_label_that_contradicts_its_code_is_told_and_the_first_line_followed() -> None:
    rows = [
        ["终点编码", "起点编码", "起点管底标高", "终点管底标高", "管径", "管材"],
        ["In_JuncID", "Out_JuncID", "In_Elev", "Out_Elev", "Shape_Data1", "Material"],
        ["YS2", "YS1", 1497.5, 1497.2, 400.0, "PE"],
    ]
    judged = judge(sheet("点", NODES), sheet("线", rows))
    assert Counter(rules(judged))["header_conflict"] == 2


def test_sheets_of_other_things_and_unknown_columns_are_told() -> None:
    nodes = [[*r, w] for r, w in zip(NODES, ["风水", "好", "坏"], strict=True)]
    judged = judge(sheet("点", nodes), sheet("线", PIPES), sheet("说明", [["本表由某单位探测"]]))
    assert rules(judged) == ["column_unknown", "sheet_not_read"]
    assert [f.cell for f in judged.findings] == ["F1", ""]


def test_a_book_without_tables_is_refused() -> None:
    with pytest.raises(SourceError, match="no table of points"):
        judge(sheet("a", [["甲", "乙"], [1.0, 2.0]]))


# --- places -------------------------------------------------------------------------------------

XY = np.array([NORTH, NORTH + 900]), np.array([EAST, EAST + 700])


def test_x_is_northing_and_the_zone_follows_from_the_county() -> None:
    reading = choose_reading(*XY, COUNTY, None)
    assert (reading.srid, reading.swapped, reading.prefix, reading.is_offset) == (
        4542, False, False, False,
    )  # fmt: skip


def test_swapped_axes_a_prefix_and_an_offset_are_recognised() -> None:
    north, east = XY
    assert choose_reading(east, north, COUNTY, None).swapped
    assert choose_reading(north, east + 33e6, COUNTY, None).prefix
    offset = choose_reading(north - 2e6, east - 500_000, COUNTY, None)
    assert (offset.north_offset, offset.east_offset) == (2e6, 500_000.0)


def test_the_six_degree_zone_of_a_prefix_is_the_plane_of_its_meridian() -> None:
    # Zone 17 of 6 degrees has its meridian at 99°E: 6 * 17 - 3.
    reading = choose_reading(XY[0], XY[1] + 17e6, COUNTY, None)
    assert (reading.srid, reading.prefix) == (4542, True)


def test_degrees_are_read_as_degrees() -> None:
    reading = choose_reading(np.array([24.71]), np.array([99.12]), COUNTY, None)
    assert (reading.degrees, reading.swapped) == (True, False)


def test_without_a_county_the_crs_must_be_stated() -> None:
    with pytest.raises(SourceError, match="--crs"):
        choose_reading(*XY, None, None)
    assert choose_reading(*XY, None, "EPSG:4542").srid == 4542
    assert choose_reading(XY[1], XY[0], None, "EPSG:4542").swapped


def test_a_table_with_its_axes_swapped_is_read_and_told() -> None:
    rows = [NODES[0], *([r[0], r[2], r[1], *r[3:]] for r in NODES[1:])]
    judged = judge(sheet("点", rows), sheet("线", PIPES))
    assert rules(judged) == ["axes_swapped"]
    assert judged.pipes.length.tolist() == [40.0]


# --- cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (400.0, (400, None, None)), ("DN400", (400, None, None)), ("φ300", (300, None, None)),
        ("300 mm", (300, None, None)), ("800×600", (None, 800, 600)), ("800*600", (None, 800, 600)),
        ("B×H=2000×1500", (None, 2000, 1500)), ("0.4", (400, None, None)),
        ("2.0x1.5", (None, 2000, 1500)), ("2-DN600", (600, None, None)),
        ("1.2m", (1200, None, None)),
        ("800X600", (None, 800, 600)), ("d600", (600, None, None)), ("很粗", (None, None, None)),
        ("", (None, None, None)), ("1e999", (None, None, None)), (True, (None, None, None)),
    ],
)  # fmt: skip
def test_sizes_are_read_as_they_are_written(cell: object, expected: tuple[Any, ...]) -> None:
    sizes = read_sizes(as_objects([cell]))
    read = (sizes.diameter[0], sizes.width[0], sizes.height[0])
    assert [None if np.isnan(v) else v for v in read] == list(expected)


def test_codes_of_cjj_61_become_words() -> None:
    nodes = [
        ["点号", "X", "Y", "点编码", "特征", "附属物", "地面高程"],
        ["1", NORTH, EAST, "52022201", "", "窨井", 1500.0],
        ["2", NORTH - 40, EAST, "52022105", "出水口", "", 1500.0],
        ["3", NORTH + 40, EAST, "52022215", "", "", 1500.0],
    ]
    judged = judge(sheet("点", nodes))
    assert judged.nodes.system.tolist() == ["sanitary"] * 3
    assert judged.nodes.kind.tolist() == ["inspection", "outfall_node", "septic_tank"]


# --- files --------------------------------------------------------------------------------------


def write_rows(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
    return path


def test_an_xls_and_text_in_gb18030_or_utf_8_read_the_same(tmp_path: Path) -> None:
    old = xlwt.Workbook()
    for name, rows in (("点", NODES), ("线", PIPES)):
        page = old.add_sheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                page.write(r, c, cell)
    old.save(str(tmp_path / "book.xls"))
    books = [read_book([tmp_path / "book.xls"])]
    for encoding in ("gb18030", "utf-8-sig", "utf-16"):
        paths = []
        for name, rows in (("点", NODES), ("线", PIPES)):
            paths.append(tmp_path / f"{name}-{encoding}.csv")
            words = "\n".join(",".join(map(str, row)) for row in rows)
            paths[-1].write_bytes(words.encode(encoding))
        books.append(read_book(paths))
    packed = tmp_path / "tables.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(tmp_path.glob("*-gb18030.csv")):
            archive.write(path, path.name)
    books.append(read_book([packed]))
    for book in books:
        judged = judge_book(book, county=COUNTY, today=TODAY)
        assert rules(judged) == []
        assert judged.nodes.code.tolist() == ["YS1", "YS2"]
        assert judged.pipes.length.tolist() == [40.0]


def test_formulas_give_their_saved_values_and_errors_are_told(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in (("点", NODES), ("线", PIPES)):
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
            if name == "点":
                page.write_formula(1, 3, "=1400+100", None, 1500.0)
                page.write_formula(2, 3, "=1/0", None, "#DIV/0!")
            else:
                page.write_formula(1, 4, "=300+100", None, "")
    judged = judge_book(read_book([path]), county=COUNTY, today=TODAY)
    assert judged.nodes.ground[0] == 1500.0
    found = Counter((f.rule.id, f.cell) for f in judged.findings)
    assert found == Counter(
        {
            ("book_formulas", ""): 2, ("cell_is_error", "D3"): 1, ("node_ground_missing", "D3"): 1,
            ("formula_without_value", "E2"): 1, ("pipe_size_missing", "E2"): 1,
        }
    )  # fmt: skip


def test_a_million_formatted_empty_rows_are_read_within_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        grey = book.add_format({"bg_color": "#EEEEEE"})
        for name, rows in (("点", NODES), ("线", PIPES)):
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
            for number in range(len(rows), 1_000_000 if name == "点" else 10):
                page.write_blank(number, 0, None, grey)
    judged = judge_book(read_book([path]), county=COUNTY, today=TODAY)
    assert rules(judged) == []


def test_a_stray_word_in_the_last_row_is_no_reason_to_hang(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet("点")
        for number, row in enumerate(NODES):
            page.write_row(number, 0, row)
        page.write_string(1_048_575, 16_383, "x")
    with pytest.raises(SourceError):
        read_book([path])


def with_macro(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"not a real macro")


def test_macros_are_told_and_not_kept(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "book.xlsm", {"点": NODES, "线": PIPES})
    with_macro(path)
    judged = judge_book(read_book([path]), county=COUNTY, today=TODAY)
    assert rules(judged) == ["book_macros"]
    write_book(tmp_path / "out.xlsx", judged.book, judged.findings, judged.rules, {})
    assert b"vbaProject" not in (tmp_path / "out.xlsx").read_bytes()


# The head of a compound file whose directory names an encrypted package, as Office saves one.
def encrypted() -> bytes:
    sector = 512
    names = ("Root Entry", "EncryptedPackage")
    directory = b""
    for n, name in enumerate(names):
        entry = name.encode("utf-16-le").ljust(64, b"\0")
        entry += (len(name) * 2 + 2).to_bytes(2, "little") + bytes([5 if n == 0 else 2, 1])
        entry += (0xFFFFFFFF).to_bytes(4, "little") * 2
        entry += (1 if n == 0 else 0xFFFFFFFF).to_bytes(4, "little") + b"\0" * 36
        entry += (0xFFFFFFFE).to_bytes(4, "little") + (0).to_bytes(8, "little")
        directory += entry
    directory = directory.ljust(sector, b"\0")
    fat = [0xFFFFFFFD, 0xFFFFFFFE] + [0xFFFFFFFF] * 126
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += b"\x3e\x00\x03\x00\xfe\xff\x09\x00\x06\x00" + b"\0" * 6
    for number in (0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0):
        head += number.to_bytes(4, "little")
    head += b"".join(n.to_bytes(4, "little") for n in [0xFFFFFFFF] * 108)
    return (
        head[:512].ljust(512, b"\xff") + b"".join(f.to_bytes(4, "little") for f in fat) + directory
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.xlsx", b""),
        ("page.xls", b"<html><table><tr><td>1</td></tr></table></html>"),
        ("cut.xlsx", b"PK\x03\x04" + b"\0" * 100),
        ("locked.xlsx", encrypted()),
        ("noise.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 20),
        ("nul.csv", b"a,b\0c\n1,2"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        read_book([path])
    assert refused.value.message.zh
    assert str(tmp_path) not in refused.value.message.en


def test_a_password_is_named(tmp_path: Path) -> None:
    path = tmp_path / "locked.xlsx"
    path.write_bytes(encrypted())
    with pytest.raises(SourceError, match="password"):
        read_book([path])


def test_a_billion_laughs_in_a_workbook_end_within_the_limits(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "book.xlsx", {"点": NODES, "线": PIPES})
    bomb = '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(12)
    )
    bomb += "]><Relationships>&m;</Relationships>"
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as new:
        for entry in old.infolist():
            is_it = entry.filename == "xl/_rels/workbook.xml.rels"
            new.writestr(entry.filename, bomb if is_it else old.read(entry.filename))
    path.write_bytes(packed.getvalue())
    with pytest.raises(SourceError):
        read_book([path])


# --- the marked book ----------------------------------------------------------------------------


def test_the_marked_book_has_the_sheets_columns_rows_and_values_of_the_surveyors(
    tmp_path: Path,
) -> None:
    path = tmp_path / "book.xlsx"
    rows = [*NODES, ["=1+1", "'X", True, "@x", "出水口"]]
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        for name, content in (("点", rows), ("线", PIPES), ("其他", [["https://x", 1.5]])):
            page = book.add_worksheet(name)
            for number, row in enumerate(content):
                page.write_row(number, 0, row)
        page.merge_range(3, 0, 3, 2, "合并", book.add_format())
    judged = judge_book(read_book([path]), county=COUNTY, today=TODAY)
    out = tmp_path / "marked.xlsx"
    write_book(out, judged.book, judged.findings, judged.rules, judged.found.count())
    again = read_book([out])
    assert [s.name for s in again.sheets] == ["点", "线", "其他", "检查结果", "检查规则"]
    for before, after in zip(judged.book.sheets, again.sheets, strict=False):
        assert after.columns == before.columns
        assert after.merged == before.merged
        assert after.formulas == 0
    listed = again.sheets[3]
    assert listed.rows == len(judged.findings) + 1
    with zipfile.ZipFile(out) as archive:
        assert b"FFF8B4B4" in archive.read("xl/styles.xml")


def test_every_rule_speaks_both_languages_and_is_marked_unverified_where_it_is() -> None:
    book = load_rules()
    assert len(book.rules) >= 90
    for rule in book.rules:
        assert any("\u4e00" <= c <= "\u9fff" for c in rule.title.zh)
        assert any("\u4e00" <= c <= "\u9fff" for c in rule.text.zh)
        assert not any("\u4e00" <= c <= "\u9fff" for c in rule.title.en + rule.text.en)
    assert all(book.is_unverified(rule) == (rule.clause != "house") for rule in book.rules)


# --- anything at all ----------------------------------------------------------------------------

CELLS = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.integers(-(10**9), 10**9),
    st.text(max_size=12), st.sampled_from(["YS1", "YS2", "=A1", "9999", "无", "DN300", "1e400"]),
)  # fmt: skip
NODE_ROWS = st.lists(st.tuples(*[CELLS] * 5), max_size=8)
PIPE_ROWS = st.lists(st.tuples(*[CELLS] * 6), max_size=8)


@settings(max_examples=150, deadline=None)
@given(nodes=NODE_ROWS, pipes=PIPE_ROWS)
def test_no_cell_breaks_the_checks(nodes: list[Any], pipes: list[Any]) -> None:
    tables = (
        sheet("点", [NODES[0], *map(list, NODES[1:]), *map(list, nodes)]),
        sheet("线", [PIPES[0], *map(list, PIPES[1:]), *map(list, pipes)]),
    )
    judged = judge(*tables)
    assert len({f.key for f in judged.findings}) == len(judged.findings)


def test_what_is_late_is_late_by_the_day_that_is_handed_in() -> None:
    nodes = [[*NODES[0], "探测日期"], [*NODES[1], "2026-03-02"], [*NODES[2], "2026-03-01"]]
    pipes = [[*PIPES[0], "建设年代"], [*PIPES[1], 2026.0]]
    book = sheet("点", nodes), sheet("线", pipes)
    assert rules(judge(*book, today=date(2026, 3, 2))) == []
    assert rules(judge(*book, today=date(2026, 3, 1))) == ["date_in_future"]
    assert rules(judge(*book, today=date(2025, 12, 31))) == [
        "date_in_future", "date_in_future", "pipe_year_impossible",
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["\uff39\uff33\uff12", "ys\u30002", "y s2"])
def test_where_a_code_is_nearly_right_no_consequence_is_told(code: str) -> None:
    """By case, width and any space: the point that is meant is not called a sink."""
    nodes = [
        *NODES[:2],
        ["YS2", NORTH - 40, EAST, 1499.8, "检查井"],
        ["YS3", NORTH - 80, EAST, 1499.6, "出水口"],
    ]
    pipes = [*PIPES, [code, "YS3", 1497.2, 1496.9, 400.0, "PE"]]
    found = set(rules(judge(sheet("点", nodes), sheet("线", pipes))))
    # A code that begins otherwise does not say its system.
    assert found - {"pipe_system_missing"} == {"pipe_end_similar"}
