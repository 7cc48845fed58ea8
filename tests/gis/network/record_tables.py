"""Record tables as contractors deliver them, made of plain lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xlsxwriter
import xlwt

Line = Sequence[object]
HEADINGS = ("距离(m)", "缺陷名称代码", "分值", "等级", "管道内部状况描述", "照片序号")


def block(
    start: str,
    end: str,
    *rows: Line,
    day: str = "2026-06-01",
    direction: str = "顺流",
    diameter: object = 800,
    length: object = 30,
    video: str = "V01.mp4",
    indices: tuple[object, object] = (None, None),
) -> list[Line]:
    """A run as a block: three lines of head, the headings, its rows, a last line."""
    return [
        ("录像文件", video, "起始井号", start, "终止井号", end),
        ("敷设年代", 2005, "起点埋深", 2.1, "终点埋深", 2.4),
        ("管段类型", "污水", "管段材质", "混凝土", "管段直径", diameter),
        ("检测方向", direction, "管道长度", length, "检测长度", length),
        ("修复指数", indices[0], "养护指数", indices[1], "检测人员", "张三"),
        ("检测地点", "人民路", "检测日期", day, None, None),
        HEADINGS,
        *rows,
        ("备注:", None, None, None, None, None),
        (),
    ]


def write_xlsx(
    path: Path, lines: Sequence[Line], *, merge: Sequence[tuple[int, int, int, int]] = ()
) -> Path:
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("记录表")
    for top, left, bottom, right in merge:
        sheet.merge_range(top, left, bottom, right, "")
    for number, line in enumerate(lines):
        for column, value in enumerate(line):
            if value is not None:
                sheet.write(number, column, value)
    book.close()
    return path


def write_xls(path: Path, lines: Sequence[Line]) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("记录表")
    for number, line in enumerate(lines):
        for column, value in enumerate(line):
            if value is not None:
                sheet.write(number, column, value)
    book.save(str(path))
    return path


def write_csv(path: Path, lines: Sequence[Line], *, encoding: str = "gb18030") -> Path:
    words = "\n".join(",".join("" if v is None else str(v) for v in line) for line in lines)
    path.write_bytes(words.encode(encoding))
    return path
