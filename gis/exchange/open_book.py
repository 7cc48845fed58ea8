"""The child process that opens an untrusted workbook: ``python -P -m gis.exchange.open_book``.

As :mod:`gis.exchange.open_file`, for .xlsx, .xls and .csv with everything in its place: the sheets
as rows of plain cells with their row numbers, and the merged ranges. Formulas are read as the
value that was stored with them; nothing is computed or run.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.attributes import Text
from gis.errors import SourceError
from gis.exchange.open_file import detect_encoding, set_limits, write_answer

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_ROWS = 200_000
"""Rows with something in them, of all sheets."""
MAX_COLUMNS = 256
MAX_CELL = 10_000
_MANY = Text(
    zh="表格过大:上限 {rows} 行、{columns} 列",
    en="the table is too big: at most {rows} rows and {columns} columns",
)
Row = list[Any]  # Any: a cell is text, a number, a truth value or nothing


def main() -> int:
    """Serve one request; 0 when an answer (sheets or a refusal) was written."""
    set_limits()
    request = json.load(sys.stdin)
    path, folder = Path(request["path"]), Path(request["result"])
    try:
        answer = _read_csv(path) if request["driver"] == "CSV" else _read_workbook(path)
    except SourceError as error:
        answer = {"error": error.message.as_dict(), "facts": error.facts}
    write_answer(folder, answer)
    return 0


def _read_workbook(path: Path) -> dict[str, Any]:  # Any: plain JSON
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        hidden = {
            s.name
            for s in book.sheets_metadata
            if s.visible is not calamine.SheetVisibleEnum.Visible
            or s.typ is not calamine.SheetTypeEnum.WorkSheet
        }
        left = MAX_ROWS
        sheets = []
        for name in book.sheet_names:
            if name not in hidden:
                sheet = _read_sheet(book.get_sheet_by_name(name), name, left)
                left -= len(sheet["rows"])
                sheets.append(sheet)
    except calamine.PasswordError as error:
        raise SourceError(
            Text(zh="文件有密码保护:请去除密码后再导入", en="the file has a password: remove it")
        ) from error
    except calamine.CalamineError as error:
        raise SourceError(
            Text(zh="表格已损坏:{reason}", en="the workbook is damaged: {reason}").format(
                reason=str(error)[:200]
            )
        ) from error
    return {"sheets": sheets, "left_out": sorted(hidden)}


def _read_sheet(sheet: CalamineSheet, name: str, left: int) -> dict[str, Any]:  # Any: plain JSON
    if sheet.start is None:
        return {"name": name, "numbers": [], "rows": [], "merged": []}
    column = sheet.start[1]
    if sheet.width + column > MAX_COLUMNS:
        raise _too_many()
    numbers: list[int] = []
    rows: list[Row] = []
    # iter_rows gives every row from the first of the sheet on, one at a time; but columns only
    # from the first that holds something.
    blank: Row = [None] * column
    for number, cells in enumerate(sheet.iter_rows(), 1):
        plain = [*blank, *map(_plain, cells)]
        if any(cell is not None for cell in plain):
            if len(rows) >= left:
                raise _too_many()
            numbers.append(number)
            rows.append(plain)
    merged = [[*top, *bottom] for top, bottom in sheet.merged_cell_ranges or []]
    return {"name": name, "numbers": numbers, "rows": rows, "merged": merged[:10_000]}


def _plain(cell: object) -> object:
    """A cell as JSON has it: text without space around it, numbers, ISO dates, or nothing."""
    if isinstance(cell, bool) or cell is None:
        return cell
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, int | float):
        return cell
    words = str(cell).replace("\x00", "").strip()
    return words[:MAX_CELL] or None


def _too_many() -> SourceError:
    return SourceError(_MANY.format(rows=MAX_ROWS, columns=MAX_COLUMNS))


def _read_csv(path: Path) -> dict[str, Any]:  # Any: plain JSON
    raw = path.read_bytes()
    is_utf_16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if is_utf_16 else detect_encoding(raw)
    words = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    if "\x00" in words:
        raise SourceError(Text(zh="不是文本文件", en="not a text file"))
    if words.count("\ufffd") > len(words) // 100:
        raise SourceError(
            Text(
                zh="文字编码无法识别:请另存为 UTF-8 或 .xlsx",
                en="the encoding is not known: save it as UTF-8 or .xlsx",
            )
        )
    head = words[:4000]
    separator = max(",;\t", key=head.count)
    numbers: list[int] = []
    rows: list[Row] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(words), delimiter=separator), 1):
            plain: Row = [_plain(cell) for cell in cells]
            if any(cell is not None for cell in plain):
                if len(rows) >= MAX_ROWS or len(plain) > MAX_COLUMNS:
                    raise _too_many()
                numbers.append(number)
                rows.append(plain)
    except csv.Error as error:
        raise SourceError(
            Text(zh="CSV 无法解析:{reason}", en="the CSV cannot be parsed: {reason}").format(
                reason=str(error)[:200]
            )
        ) from error
    sheet = {"name": "CSV", "numbers": numbers, "rows": rows, "merged": []}
    return {"sheets": [sheet], "left_out": []}


if __name__ == "__main__":
    sys.exit(main())
