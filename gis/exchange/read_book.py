"""A workbook as contractors deliver it (.xlsx, .xls, .csv), with every cell in its place.

Judged by its bytes, never by its name, and opened in a child with limits. A password, macros and
what unpacks to too much are refused before that.
"""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gis.attributes import Text
from gis.errors import SourceError, StorageFullError
from gis.exchange.open_file import UNPACKED_BYTES
from gis.exchange.read_file import (
    MAX_RATIO,
    WALL_SECONDS,
    child_environment,
    explain_end,
    sniff_driver,
    too_costly,
)

MAX_BYTES = 50 * 1024**2
_CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Compound file: an old .xls, or a .xlsx behind a password."""
_MAX_ENTRIES = 20_000
"""Photos of defects are entries too."""
Cell = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet that hold something; ``numbers`` are theirs on the sheet, from 1.

    ``merged`` are ranges (first row, first column, last row, last column), from 0.
    """

    name: str
    numbers: list[int]
    rows: list[list[Cell]]
    merged: list[tuple[int, int, int, int]]

    def address(self, at: int, column: int) -> str:
        """The address of a cell: ``at`` counts rows here, ``column`` from 0."""
        return f"{self.name}!{name_column(column)}{self.numbers[at]}"


@dataclass(frozen=True, slots=True)
class Book:
    """The visible sheets of a workbook; ``left_out`` names the hidden ones."""

    sheets: list[Sheet]
    left_out: list[str]


def name_column(column: int) -> str:
    """A column as spreadsheets name it.

    >>> name_column(0), name_column(25), name_column(26), name_column(701)
    ('A', 'Z', 'AA', 'ZZ')
    """
    name = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def read_book(path: Path) -> Book:
    """Read a workbook; SourceError says why it is not one, or is not opened."""
    if not path.is_file():
        raise SourceError(
            Text(zh="没有此文件:{path}", en="no such file: {path}").format(path=path.name)
        )
    driver = _judge(path)
    with tempfile.TemporaryDirectory(prefix="infratrack-book-") as name:
        folder = Path(name)
        try:
            copy = folder / f"source.{driver.lower()}"
            shutil.copyfile(path, copy)
            return _run_child(copy, driver, folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError(
                    Text(zh="临时目录空间不足", en="no space left for a temporary copy")
                ) from error
            raise


def _judge(path: Path) -> str:
    """XLSX, XLS or CSV by the bytes; what must not be opened is refused."""
    if path.stat().st_size > MAX_BYTES:
        raise SourceError(
            Text(zh="文件超过 50 MB,请拆分", en="the file is over 50 MB: split it"), limit=MAX_BYTES
        )
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise SourceError(Text(zh="文件为空", en="the file is empty"))
    if head.startswith(_CFB):
        _check_compound(path)
        return "XLS"
    driver = sniff_driver(head)
    if driver == "zip":
        _check_package(path)
        return "XLSX"
    if driver == "CSV" and not head.startswith(b"\x1f\x8b"):
        return "CSV"
    raise SourceError(
        Text(
            zh="不是可识别的表格(支持 .xlsx、.xls、.csv)",
            en="not a table we read (.xlsx, .xls, .csv)",
        )
    )


_MACROS = Text(
    zh="文件含宏,不予打开:请另存为不含宏的 .xlsx",
    en="the file holds macros and is not opened: save it as .xlsx without them",
)
_PASSWORD = Text(zh="文件有密码保护:请去除密码后再导入", en="the file has a password: remove it")


def _check_compound(path: Path) -> None:
    """Names in a compound file's directory are UTF-16: a locked package and macros have theirs."""
    content = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise SourceError(_PASSWORD)
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise SourceError(_MACROS)


def _check_package(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise SourceError(Text(zh="文件已损坏", en="the file is damaged")) from error
    names = [entry.filename.casefold() for entry in entries]
    if any(entry.flag_bits & 1 for entry in entries):
        raise SourceError(_PASSWORD)
    if any(name.endswith("vbaproject.bin") for name in names):
        raise SourceError(_MACROS)
    if not any(name.startswith("xl/workbook") for name in names):
        raise SourceError(Text(zh="压缩包不是表格文件", en="the zip is no workbook"))
    unpacked = sum(entry.file_size for entry in entries)
    too_big = unpacked > UNPACKED_BYTES or unpacked > MAX_RATIO * path.stat().st_size
    if len(entries) > _MAX_ENTRIES or too_big:
        raise too_costly()


def _run_child(copy: Path, driver: str, folder: Path) -> Book:
    result = folder / "result"
    result.mkdir()
    request = {"path": str(copy), "driver": driver, "result": str(result)}
    try:
        ended = subprocess.run(  # our own interpreter and module, no shell
            [sys.executable, "-P", "-m", "gis.exchange.open_book"],
            input=json.dumps(request).encode(),
            env=child_environment("CSV", folder),
            cwd=folder,
            timeout=WALL_SECONDS,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise too_costly() from error
    if ended.returncode != 0 or not (result / "table.json").exists():
        explain_end(ended.returncode, ended.stderr.decode(errors="replace"))
    answer: dict[str, Any] = orjson.loads((result / "table.json").read_bytes())  # Any: plain JSON
    if "error" in answer:
        raise SourceError(Text(**answer["error"]), **answer["facts"])
    sheets = [
        Sheet(s["name"], s["numbers"], s["rows"], [tuple(m) for m in s["merged"]])
        for s in answer["sheets"]
    ]
    return Book(sheets, answer["left_out"])
