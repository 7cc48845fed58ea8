"""The child process that opens a surveyor's workbook: ``python -P -m gis.network.survey_open``.

It reads one JSON request on standard input, sets its own limits, reads every sheet with calamine
(which runs no macro and no formula) or a CSV as text, and leaves plain cells as JSON.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gis.attributes import Text
from gis.errors import SourceError
from gis.exchange.open_file import Values, detect_encoding, set_limits

MEMORY_BYTES = 1024**3
MAX_CELLS = 16_000_000
"""Cells of one sheet: 100,000 rows of 160 columns; a stray cell in the last row is more."""
MAX_SHEETS = 200
MAX_TEXT = 32_767
"""Characters a cell of a workbook can hold."""
_PLAIN = (str, float, int, bool)
_CELL = re.compile(
    rb'<c r="([A-Z]{1,3}\d{1,7})"([^>]*?)(?:/>|>(.*?)</c>)', re.DOTALL
)  # cells do not nest
_NO_VALUE = re.compile(rb"<f[\s>/].*?(?:</f>|/>)\s*(?:<v\s*/>|<v></v>)?\s*$", re.DOTALL)
_MOST_LISTED = 1000
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""What Office names the stream of a workbook with a password; calamine knows it by suffix only."""


def main() -> int:
    """Serve one request; 0 when an answer (sheets or a refusal) was written."""
    set_limits(MEMORY_BYTES)
    request = json.load(sys.stdin)
    folder = Path(request["result"])
    try:
        read = _read_csv if request["driver"] == "CSV" else _read_workbook
        answer = read(Path(request["path"]), folder)
    except SourceError as error:
        answer = {"error": error.message.as_dict()}
    (folder / "book.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


# --- workbooks ----------------------------------------------------------------------------------


def _read_workbook(path: Path, folder: Path) -> dict[str, Any]:  # Any: plain JSON
    import python_calamine as calamine

    if _ENCRYPTED in path.read_bytes():
        raise _locked()
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = [m.name for m in book.sheets_metadata if m.typ is calamine.SheetTypeEnum.WorkSheet]
        if len(names) > MAX_SHEETS:
            raise _too_many(len(names))
        sheets = []
        for number, name in enumerate(names):
            sheet = book.get_sheet_by_name(name)
            last = sheet.end  # of an .xls its total_height is one short
            cells = 0 if last is None else (last[0] + 1) * (last[1] + 1)
            if cells > MAX_CELLS:
                raise _too_big(name, cells)
            merged = sheet.merged_cell_ranges or []
            rows = [] if cells == 0 else sheet.to_python(skip_empty_area=False)
            sheets.append(_keep(folder, number, name, rows) | {"merged": merged[:5000]})
            del rows
    except calamine.PasswordError as error:
        raise _locked() from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _unreadable(error) from error
    notes = _scan_archive(path, names) if zipfile.is_zipfile(path) else {}
    noted = [sheet | notes.get(sheet["name"], {}) for sheet in sheets]
    return {"sheets": noted, "macros": "" in notes}


def _too_many(count: int) -> SourceError:
    return SourceError(
        Text(
            zh="工作簿有 {count} 个工作表,上限 {most}", en="{count} sheets: {most} are the most"
        ).format(count=count, most=MAX_SHEETS)
    )


def _too_big(name: str, cells: int) -> SourceError:
    return SourceError(
        Text(
            zh="工作表“{name}”的范围有 {cells} 格(可能在最末行列有零散内容):请删除空行后重存",
            en="sheet “{name}” spans {cells} cells (perhaps of a stray entry in the last rows):"
            " delete the empty rows and save it again",
        ).format(name=name[:60], cells=cells)
    )


def _locked() -> SourceError:
    return SourceError(
        Text(
            zh="工作簿有打开密码:请另存为不加密的 .xlsx",
            en="the workbook asks for a password: save it without one",
        )
    )


def _unreadable(error: Exception) -> SourceError:
    words = str(error)
    if "assword" in words or "ncrypt" in words:
        return _locked()
    return SourceError(
        Text(zh="工作簿无法读取:{reason}", en="the workbook cannot be read: {reason}").format(
            reason=words[:200]
        )
    )


def _keep(
    folder: Path, number: int, name: str, rows: list[list[Any]]
) -> dict[str, Any]:  # Any: cells, plain JSON
    """Write a sheet's columns to a file of its own; rows and columns without a word at the end
    are left off."""
    import orjson

    while rows and all(v == "" or v is None for v in rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    columns: list[Values] = []
    for at in range(width):
        columns.append([_plain(row[at]) if at < len(row) else None for row in rows])
    while columns and all(v is None for v in columns[-1]):
        columns.pop()
    (folder / f"sheet-{number}.json").write_bytes(orjson.dumps(columns))
    return {"name": name, "rows": len(rows), "file": f"sheet-{number}.json"}


def _plain(cell: Any) -> Any:  # noqa: ANN401 - Any: what calamine gives, what JSON takes
    """A cell as JSON has it; moments are marked, so that they can be written back as such."""
    if cell == "":
        return None
    if type(cell) is str:
        return cell if len(cell) <= MAX_TEXT else cell[:MAX_TEXT]
    if type(cell) in _PLAIN:
        return cell
    return {"moment": str(cell), "type": type(cell).__name__}


def _scan_archive(path: Path, names: list[str]) -> dict[str, dict[str, Any]]:  # Any: plain JSON
    """By sheet: formulas, those without a saved result, and error values; under "" macros.

    calamine gives neither: it reads both as blank.
    """
    found: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(path) as archive:
        entries = set(archive.namelist())
        if any(name.endswith("vbaProject.bin") for name in entries):
            found[""] = {}
        for name, part in _list_parts(archive, entries):
            if name in names:
                found[name] = _scan_sheet(archive, part)
    return found


def _list_parts(archive: zipfile.ZipFile, entries: set[str]) -> Iterable[tuple[str, str]]:
    """Sheet names with the parts that hold them, as the workbook's relations say."""
    from xml.etree import ElementTree

    try:
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - limits are set
    except (KeyError, ElementTree.ParseError):
        return
    targets = {r.get("Id"): str(r.get("Target")) for r in relations}
    for sheet in book.iter():
        if not sheet.tag.endswith("}sheet"):
            continue
        key = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
        part = "xl/" + targets.get(key, "").removeprefix("/xl/")
        if part in entries:
            yield str(sheet.get("name")), part


def _scan_sheet(archive: zipfile.ZipFile, part: str) -> dict[str, Any]:  # Any: plain JSON
    content = archive.read(part)
    answer: dict[str, Any] = {"formulas": 0, "errors": [], "unvalued": []}  # Any: as above
    has_formula, has_error = b"<f" in content, b't="e"' in content
    if not (has_formula or has_error):
        return answer
    for cell in _CELL.finditer(content):
        address, marks, inside = cell[1].decode(), cell[2], cell[3] or b""
        if b't="e"' in marks and len(answer["errors"]) < _MOST_LISTED:
            answer["errors"].append(address)
        if inside.startswith(b"<f"):
            answer["formulas"] += 1
            if _NO_VALUE.match(inside) and len(answer["unvalued"]) < _MOST_LISTED:
                answer["unvalued"].append(address)
    return answer


# --- text ---------------------------------------------------------------------------------------


def _read_csv(path: Path, folder: Path) -> dict[str, Any]:  # Any: plain JSON
    raw = path.read_bytes()
    is_utf_16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if is_utf_16 else detect_encoding(raw)
    words = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    del raw
    if "\x00" in words:
        raise SourceError(Text(zh="不是文本文件", en="not a text file"))
    if words.lstrip()[:1] == "<":
        raise SourceError(
            Text(
                zh="这是网页(HTML/XML)而不是表格:请在 Excel 中打开后另存为 .xlsx",
                en="this is a web page (HTML or XML), not a table: open it in Excel and save it"
                " as .xlsx",
            )
        )
    head = words[:4000]
    separator = max(",;\t", key=head.count)
    csv.field_size_limit(10 * MAX_TEXT)
    try:
        rows: list[list[Any]] = list(
            csv.reader(io.StringIO(words, newline=""), delimiter=separator)
        )
    except csv.Error as error:
        raise _unreadable(error) from error
    cells = len(rows) * max(map(len, rows), default=0)
    if cells > MAX_CELLS:
        raise _too_big(path.name, cells)
    answer = _keep(folder, 0, "", rows) | {"merged": []}
    return {"sheets": [answer], "macros": False}


if __name__ == "__main__":
    sys.exit(main())
