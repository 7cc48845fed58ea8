"""The text of an .inp file as tables, one for each section that is used, with line numbers.

The file is untrusted: its size, lines and cells are bounded, and whatever SWMM itself would refuse
in a section we use is an InputError that names the line. Other sections are only counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

from gis.attributes import Text
from gis.errors import InputError, SourceError
from gis.network.swmm_write import MARK, MORE

MOST_BYTES = 100 * 1024**2
MOST_LINES = 3_000_000
MOST_LETTERS = 10_000
"""Of a line; SWMM itself reads 1,024."""
MOST_OBJECTS = 500_000
SECTIONS = (
    *("OPTIONS", "JUNCTIONS", "OUTFALLS", "STORAGE", "DIVIDERS", "CONDUITS", "WEIRS", "PUMPS"),
    *("ORIFICES", "OUTLETS", "XSECTIONS", "COORDINATES", "VERTICES", "TAGS"),
)
"""Sections that are read; SWMM knows them by their first four letters."""
_DESCRIBED = ("JUNCTIONS", "OUTFALLS", "STORAGE", "DIVIDERS", "CONDUITS")
_TOKEN = re.compile(r'"([^"]*)"|([^\s"]+)')
_NAMED = {name[:4]: name for name in SECTIONS}
Facts = dict[str, object]


@dataclass(slots=True)
class Section:
    """Rows of a section: their cells, their lines (from 1), and what is described above them."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    facts: list[Facts | None] = field(default_factory=list)

    def texts(self, column: int, name: str) -> list[str]:
        """A column every row must have."""
        for row, line in zip(self.rows, self.lines, strict=True):
            if len(row) <= column:
                raise refuse_line(
                    line, f"[{self.name}] 缺少“{name}”", f"[{self.name}] lacks {name}"
                )
        return [row[column] for row in self.rows]

    def optional(self, column: int) -> list[str | None]:
        """A column a row may end before."""
        return [row[column] if len(row) > column else None for row in self.rows]

    def numbers(
        self, column: int, name: str, *, default: float | None = None
    ) -> npt.NDArray[np.float64]:
        """A column of finite numbers; ``*`` and what is not there are the default."""
        cells: Sequence[str | None] = self.optional(column)
        if default is None:
            cells = self.texts(column, name)
        given = np.array([c is not None and (c != "*" or default is None) for c in cells], bool)
        values = np.full(len(cells), np.nan if default is None else default)
        said = pd.Series(np.array(cells, dtype=object)[given], dtype=object)
        values[given] = pd.to_numeric(said, errors="coerce").to_numpy(dtype=float)
        wrong = given & ~np.isfinite(values)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            shown = str(cells[at])[:40]
            raise refuse_line(
                self.lines[at],
                f"[{self.name}] 的“{name}”应为有限数值,而不是“{shown}”",
                f"[{self.name}] {name} is to be a finite number, not “{shown}”",
            )
        return values


@dataclass(slots=True)
class InpFile:
    """What a file holds; ``counts`` are rows of every section, read or not."""

    sections: dict[str, Section]
    counts: dict[str, int]
    header: Facts | None
    encoding: str

    def section(self, name: str) -> Section:
        """A section; empty where the file has none."""
        return self.sections.get(name) or Section(name)

    def options(self) -> dict[str, str]:
        """Options by name, capitals."""
        rows = self.section("OPTIONS").rows
        return {row[0].upper(): row[1].upper() for row in rows if len(row) > 1}


def refuse_line(line: int, zh: str, en: str) -> InputError:
    """An error at a line (from 1)."""
    return InputError(Text(zh=f"第 {line} 行:{zh}", en=f"line {line}: {en}"), line=line)


def read_inp(path: Path) -> InpFile:
    """Read a file. SourceError (not such a file, too big, undecodable); InputError at a line."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SourceError(
                Text(zh="超过 {most} MB", en="larger than {most} MB").format(
                    most=MOST_BYTES // 1024**2
                )
            )
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise SourceError(
            Text(zh="没有此文件:{path}", en="no such file: {path}").format(path=path.name)
        ) from error
    return parse_inp(*_decode(raw))


def _decode(raw: bytes) -> tuple[str, str]:
    if b"\x00" in raw:
        raise SourceError(
            Text(
                zh="不是 UTF-8 或 GB18030 文本(含 NUL 字节;可能是 UTF-16)",
                en="no text in UTF-8 or GB18030: it holds NUL bytes (UTF-16, perhaps)",
            )
        )
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    # What does not decode may stand in comments, not in what is read.
    return raw.decode("utf-8-sig", errors="replace"), "utf-8?"


def parse_inp(text: str, encoding: str = "utf-8") -> InpFile:
    """Tables of a text."""
    if text.count("\n") >= MOST_LINES:
        raise SourceError(
            Text(zh="超过 {most} 行", en="more than {most} lines").format(most=MOST_LINES)
        )
    made = InpFile({}, {}, None, encoding)
    comments: list[str] = []
    current: Section | None = None
    for number, line in _lines(text):
        if line.startswith(";"):
            comments.append(line[1:])
            if current is None and line.startswith(f";{MARK}"):
                made.header = _read_facts(line[1 + len(MARK) :])
        elif line.startswith("["):
            current, comments = _open_section(made, number, line), []
        elif current is None:
            raise refuse_line(
                number,
                "不是 SWMM 的 .inp:第一个 [节] 之前有内容",
                "no .inp of SWMM: text before the first [section]",
            )
        else:
            _add_row(made, current, number, line, comments)
            comments = []
    return made


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, stripped, by number from 1."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MOST_LETTERS:
            raise refuse_line(
                number, f"超过 {MOST_LETTERS} 个字符", f"longer than {MOST_LETTERS} characters"
            )
        stripped = line.strip()
        if stripped:
            yield number, stripped


def _open_section(made: InpFile, number: int, line: str) -> Section:
    title = line[1:].split("]", 1)[0].strip().upper()
    if "]" not in line or not title or len(title) > 40:
        raise refuse_line(number, "节名有误", "a damaged name of a section")
    name = _NAMED.get(title[:4], title)
    made.counts.setdefault(name, 0)
    if len(made.counts) > 200:
        raise refuse_line(number, "节太多", "too many sections")
    if name in SECTIONS:
        return made.sections.setdefault(name, Section(name))
    return Section(name)


def _add_row(
    made: InpFile, current: Section, number: int, line: str, comments: Sequence[str]
) -> None:
    made.counts[current.name] += 1
    if current.name not in made.sections:
        return
    if made.counts[current.name] > MOST_OBJECTS:
        raise refuse_line(number, f"[{current.name}] 太大", f"[{current.name}] is too big")
    plain = line.split(";", 1)[0] if ";" in line else line
    if '"' in plain:
        cells = [quoted or bare for quoted, bare in _TOKEN.findall(plain)]
    else:
        cells = plain.split()
    if made.encoding == "utf-8?" and "\ufffd" in plain:
        raise refuse_line(
            number, "文字既不是 UTF-8 也不是 GB18030", "text in neither UTF-8 nor GB18030"
        )
    current.rows.append(cells)
    current.lines.append(number)
    described = current.name in _DESCRIBED and bool(comments)
    current.facts.append(_read_description(comments) if described else None)


def _read_description(comments: Sequence[str]) -> Facts | None:
    """The JSON an export of ours puts before an object; None for anybody else's words."""
    words = ""
    for comment in comments:
        if comment.startswith("{"):
            words = comment
        elif words and comment.startswith(MORE):
            words += comment[len(MORE) :]
    return _read_facts(words) if words else None


def _read_facts(words: str) -> Facts | None:
    try:
        found = orjson.loads(words)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
