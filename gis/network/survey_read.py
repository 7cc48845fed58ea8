"""A surveyor's workbook, or the tables that stand for one, as plain sheets."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from gis.attributes import Text
from gis.errors import SourceError
from gis.exchange.open_file import Values
from gis.exchange.read_file import check_archive, extract_entry, plain_environment, run_child
from gis.network.survey_open import MAX_SHEETS

MAX_BYTES = 200 * 1024**2
_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".txt", ".tsv")
_MOMENTS = {
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: columns of equal length, None where a cell is blank; rows and columns from 0.

    ``errors`` and ``unvalued`` are addresses of error values and of formulas without a result.
    """

    name: str
    columns: list[Values]
    rows: int
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """First row, first column, last row, last column."""
    formulas: int = 0
    errors: list[str] = field(default_factory=list)
    unvalued: list[str] = field(default_factory=list)

    def row(self, number: int) -> Values:
        """The cells of a row."""
        return [column[number] for column in self.columns]


@dataclass(frozen=True, slots=True)
class Book:
    """What was handed in: its name and its sheets, in order."""

    name: str
    sheets: list[Sheet]
    has_macros: bool = False


def read_book(paths: Sequence[Path]) -> Book:
    """Read a workbook (.xlsx .xls .xlsm .xlsb .ods), CSV files, or a zip of them.

    Raises SourceError (no such file, not a table, a password, damaged, over the limits) and
    StorageFullError.
    """
    if not paths:
        raise SourceError(Text(zh="没有文件", en="no file"))
    with tempfile.TemporaryDirectory(prefix="infratrack-survey-") as name:
        folder = Path(name)
        parts: list[Book] = []
        for number, path in enumerate(paths):
            own = folder / str(number)
            own.mkdir()
            parts += [_read_one(p, own / str(n)) for n, p in enumerate(_unpack(path, own))]
    sheets = _with_own_names([s for part in parts for s in part.sheets])
    if not any(s.rows for s in sheets):
        raise SourceError(
            Text(zh="“{name}”里没有内容", en="“{name}” is empty").format(name=paths[0].name[:100])
        )
    return Book(
        name=paths[0].name,
        sheets=sheets,
        has_macros=any(p.has_macros for p in parts),
    )


def _unpack(path: Path, folder: Path) -> list[Path]:
    """The tables of an archive, or the file itself."""
    if not path.is_file():
        raise SourceError(
            Text(zh="没有此文件:{path}", en="no such file: {path}").format(path=path.name)
        )
    if path.stat().st_size > MAX_BYTES:
        raise SourceError(Text(zh="文件超过 200 MB", en="the file is bigger than 200 MB"))
    if not zipfile.is_zipfile(path):
        return [path]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            if {"[Content_Types].xml", "mimetype"} & {e.filename for e in entries}:
                return [path]
            check_archive(entries, path.stat().st_size)
            found = []
            for number, entry in enumerate(entries):
                inside = Path(_entry_name(entry))
                if inside.suffix.casefold() in _SUFFIXES:
                    (folder / f"in-{number}").mkdir()
                    target = folder / f"in-{number}" / inside.name[-100:]
                    extract_entry(archive, entry, target)
                    found.append(target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise SourceError(
            Text(zh="压缩包已损坏或加密", en="the zip is damaged or encrypted")
        ) from error
    if not found:
        raise SourceError(Text(zh="压缩包里没有表格", en="the zip holds no table"))
    return found


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The last part of an entry's name; old Windows archives write it in GB18030."""
    name = entry.filename.replace("\\", "/").rsplit("/", 1)[-1]
    if entry.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("gb18030")
    except UnicodeError:
        return name


def _read_one(path: Path, folder: Path) -> Book:
    driver = _sniff(path)
    folder.mkdir()
    copy = folder / ("source.csv" if driver == "CSV" else "source.bin")
    shutil.copyfile(path, copy)
    result = folder / "result"
    result.mkdir()
    request = {"path": str(copy), "driver": driver, "result": str(result)}
    run_child("gis.network.survey_open", request, plain_environment(folder), folder)
    answer: dict[str, Any] = orjson.loads((result / "book.json").read_bytes())  # Any: plain JSON
    if "error" in answer:
        raise SourceError(Text(**answer["error"]), file=path.name)
    sheets = [_load_sheet(result, s) for s in answer["sheets"]]
    if driver == "CSV":
        sheets = [replace(sheets[0], name=path.stem[:31])]
    return Book(path.name, sheets, has_macros=answer["macros"])


def _sniff(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise SourceError(
            Text(zh="文件“{name}”为空", en="“{name}” is empty").format(name=path.name[:100])
        )
    is_workbook = head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x09\x08"))
    return "WORKBOOK" if is_workbook else "CSV"


def _load_sheet(folder: Path, answer: dict[str, Any]) -> Sheet:  # Any: plain JSON
    columns: list[Values] = orjson.loads((folder / answer["file"]).read_bytes())
    for at, column in enumerate(columns):
        if any(type(cell) is dict for cell in column):
            columns[at] = [_moment(cell) if type(cell) is dict else cell for cell in column]
    return Sheet(
        name=answer["name"],
        columns=columns,
        rows=answer["rows"] if columns else 0,
        merged=[(a, b, c, d) for (a, b), (c, d) in answer["merged"]],
        formulas=answer.get("formulas", 0),
        errors=answer.get("errors", []),
        unvalued=answer.get("unvalued", []),
    )


def _moment(cell: dict[str, str]) -> object:
    read = _MOMENTS.get(cell["type"])
    return read(cell["moment"]) if read else cell["moment"]


def _with_own_names(sheets: list[Sheet]) -> list[Sheet]:
    """Sheets of several files under names of their own, as a workbook demands."""
    if len(sheets) > MAX_SHEETS:
        raise SourceError(Text(zh="工作表过多", en="too many sheets"))
    taken: set[str] = set()
    named = []
    for sheet in sheets:
        name, number = sheet.name or "Sheet", 1
        while name.casefold() in taken:
            number += 1
            name = f"{sheet.name[:27]}({number})"
        taken.add(name.casefold())
        named.append(replace(sheet, name=name))
    return named
