"""Cells of survey columns -> numbers, codes, words and sizes, a column at a time.

What was noticed is kept beside the values: rows of sentinels, of cells that are no number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gis.attributes import Vocabulary
from gis.exchange.convert import (
    SENTINEL_WORDS,
    as_words,
    fold,
    make_converter,
    parse_number,
    vocabulary_words,
)
from gis.exchange.open_file import Values
from gis.kinds import Record

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]
T = TypeVar("T")
MOST = 1e9
"""No figure of a survey is greater; a zone prefix before an easting makes 4.5e7."""
_SENTINELS = (-1.0, -99.0, -999.0, -9999.0, 9999.0, 99999.0)
_TWO = re.compile(
    r"^(?:b|宽)?\s*[x×*✕╳]?\s*(?:h|高)?\s*[=::]?\s*(\d+(?:\.\d+)?)\s*(mm|m|cm|毫米|米)?\s*[x×*✕╳/]\s*"
    r"(\d+(?:\.\d+)?)\s*(mm|m|cm|毫米|米)?$"
)
_BARRELS = re.compile(r"^(\d{1,2})\s*(?:[-x×*]\s*(?:dn|d|φ|ø)|[-孔])\s*(.+)$")


@dataclass(slots=True)
class Numbers:
    """A column of numbers: NaN where there is none; masks of what was noticed."""

    values: Floats
    unreadable: npt.NDArray[np.bool_]
    sentinel: npt.NDArray[np.bool_]


def as_objects(values: Values) -> Objects:
    """Cells as an array, whatever they are."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def take_objects(values: Objects, rows: npt.NDArray[np.intp]) -> Objects:
    """Values at rows; None where a row is -1."""
    longer = np.full(len(values) + 1, None, dtype=object)
    longer[:-1] = values
    return longer[rows]


def take_numbers(values: Floats, rows: npt.NDArray[np.intp]) -> Floats:
    """Numbers at rows; NaN where a row is -1."""
    longer = np.full(len(values) + 1, np.nan)
    longer[:-1] = values
    return longer[rows]


def map_distinct(values: Values | Objects, change: Callable[[Any], T]) -> list[T]:
    """``change`` of every cell; each distinct one is changed once."""
    cells = values.tolist() if isinstance(values, np.ndarray) else values
    keys = list(zip(map(type, cells), cells, strict=True))  # True is not 1
    changed = {key: change(key[1]) for key in dict.fromkeys(keys)}
    return [changed[key] for key in keys]


def read_numbers(values: Objects, *, zero_is_missing: bool = False) -> Numbers:
    """Numbers of a column; texts are read too (``"1,200.5"``, ``"300 mm"``)."""
    count = len(values)
    kinds = np.fromiter((type(v) in (float, int) for v in values), dtype=bool, count=count)
    out = np.full(count, np.nan)
    out[kinds] = values[kinds].astype(float)
    odd = np.flatnonzero(~kinds & (values != None))  # noqa: E711 - of an array
    unreadable, sentinel = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for at, (value, said) in zip(odd, map_distinct(values[odd], _read_number), strict=True):
        out[at] = value
        unreadable[at] = said == "unreadable"
        sentinel[at] = said == "sentinel"
    with np.errstate(invalid="ignore"):
        absurd = np.abs(out) > MOST
    unreadable |= absurd
    stand_in = np.isin(out, _SENTINELS) | (zero_is_missing & (out == 0))
    sentinel |= stand_in
    out[stand_in | absurd] = np.nan
    return Numbers(out, unreadable, sentinel)


def _read_number(cell: object) -> tuple[float, str]:
    words = as_words(cell)
    if not words:
        return np.nan, "blank"
    if isinstance(cell, bool | date | datetime):
        return np.nan, "unreadable"
    number, _unit = parse_number(cell)
    if number is not None:
        return number, ""
    return np.nan, "sentinel" if fold(words) in SENTINEL_WORDS else "unreadable"


def read_texts(values: Objects) -> tuple[Objects, npt.NDArray[np.bool_]]:
    """Trimmed texts, None where a cell is blank or a stand-in for missing; and where the latter."""
    read = map_distinct(values, _read_text)
    texts = as_objects([t for t, _ in read])
    return texts, np.fromiter((s for _, s in read), dtype=bool, count=len(read))


def _read_text(cell: object) -> tuple[str | None, bool]:
    words = "" if cell is None else as_words(cell)
    if not words:
        return None, False
    return (None, True) if fold(words) in SENTINEL_WORDS else (words, False)


def read_codes(values: Objects) -> Objects:
    """Point and pipe codes as they stand, trimmed; blank ones are None. No code is a sentinel."""
    return as_objects(map_distinct(values, _code))


def _code(cell: object) -> str | None:
    if cell is None or isinstance(cell, bool):
        return None
    words = as_words(cell)
    return None if words in ("", "-", "--", "/") else words[:200]


def fold_code(code: object) -> str:
    """A code without case, width and spaces: by this two spellings are the same.

    >>> fold_code("ys 01")
    'YS01'
    """
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(code))).upper()


@dataclass(slots=True)
class Words:
    """A column of words of a vocabulary: None where there is none."""

    values: Objects
    given: npt.NDArray[np.bool_]
    unknown: npt.NDArray[np.bool_]


def read_words(
    values: Objects, vocabulary: type[Vocabulary], more: Mapping[str, str] | None = None
) -> Words:
    """Stored values of a vocabulary's words; ``more`` gives further spellings."""
    known = vocabulary_words(vocabulary) | {fold(k): v for k, v in (more or {}).items()}

    def read(cell: object) -> tuple[str | None, str]:
        words = "" if cell is None else fold(as_words(cell))
        if not words or words in SENTINEL_WORDS:
            return None, ""
        value = known.get(words) or known.get(re.sub(r"[\s((].*$", "", words))
        return value, "known" if value else "unknown"

    found = map_distinct(values, read)
    return Words(
        as_objects([v for v, _ in found]),
        np.fromiter((s != "" for _, s in found), dtype=bool, count=len(found)),
        np.fromiter((s == "unknown" for _, s in found), dtype=bool, count=len(found)),
    )


def read_dates(
    kind: type[Record], attribute: str, values: Objects
) -> tuple[Objects, npt.NDArray[np.bool_]]:
    """Days as ISO text, and where a cell is no day."""
    convert = make_converter(kind, attribute)

    def read(cell: object) -> tuple[str | None, bool]:
        if isinstance(cell, date):
            return cell.isoformat()[:10], False
        if isinstance(cell, float) and 20_000 < cell < 80_000:  # days a spreadsheet counts
            return date.fromordinal(int(cell) + 693_594).isoformat(), False
        found = convert(cell)
        return (found.value.isoformat() if found.value else None), found.fault is not None

    days = map_distinct(values, read)
    bad = np.fromiter((b for _, b in days), dtype=bool, count=len(days))
    return as_objects([d for d, _ in days]), bad


@dataclass(slots=True)
class Sizes:
    """Sizes in millimetres: of round pipes a diameter, of others width and height."""

    diameter: Floats
    width: Floats
    height: Floats
    given: npt.NDArray[np.bool_]
    notes: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """``unreadable``, ``metres``, ``barrels``: where that was so."""

    @property
    def largest(self) -> Floats:
        """The diameter, or the greater side."""
        return np.where(np.isnan(self.diameter), np.fmax(self.width, self.height), self.diameter)

    @property
    def equivalent(self) -> Floats:
        """The diameter, or that of a circle of the same area."""
        area = self.width * self.height
        return np.where(np.isnan(self.diameter), np.sqrt(4 * area / np.pi), self.diameter)


def read_sizes(values: Objects) -> Sizes:
    """``DN300``, ``300 mm``, ``800×600``, ``2-DN600``, ``0.3`` (metres), ``B×H=2000×1500``."""
    found = map_distinct(values, _read_size)
    sides = np.array([f[0] for f in found], dtype=float).reshape(-1, 3)
    said = [f[1] for f in found]
    notes = {
        note: np.fromiter((note in s for s in said), dtype=bool, count=len(said))
        for note in ("unreadable", "metres", "barrels", "sentinel")
    }
    given = np.fromiter(("blank" not in s for s in said), dtype=bool, count=len(said))
    return Sizes(sides[:, 0], sides[:, 1], sides[:, 2], given, notes)


_NO_SIZE = (np.nan, np.nan, np.nan)


def _read_size(cell: object) -> tuple[tuple[float, float, float], tuple[str, ...]]:
    words = "" if cell is None else fold(as_words(cell))
    if not words:
        return _NO_SIZE, ("blank",)
    if words in SENTINEL_WORDS or words in ("0", "-1", "9999"):
        return _NO_SIZE, ("blank", "sentinel")
    notes: tuple[str, ...] = ()
    if (barrels := _BARRELS.match(words)) is not None:
        notes, words = ("barrels",), barrels[2].strip()
    if (pair := _TWO.match(words)) is not None and len(words) < 40:
        sides = [float(pair[1]), float(pair[3])]
        factor = _factor(pair[4] or pair[2] or "", max(sides))
        metres = ("metres",) if factor == 1000 and not (pair[4] or pair[2]) else ()
        return (np.nan, sides[0] * factor, sides[1] * factor), (*notes, *metres)
    number, unit = parse_number(words) if not isinstance(cell, bool | date) else (None, "")
    if number is None or not 0 < number < MOST or unit not in _UNITS:
        return _NO_SIZE, ("unreadable",)
    factor = _factor(unit, number)
    metres = ("metres",) if factor == 1000 and not unit else ()
    return (number * factor, np.nan, np.nan), (*notes, *metres)


_UNITS = {"": 1.0, "mm": 1.0, "毫米": 1.0, "cm": 10.0, "m": 1000.0, "米": 1000.0}


def _factor(unit: str, number: float) -> float:
    """Millimetres in one; a bare number below ten can only be metres."""
    return _UNITS[unit] if unit else (1000.0 if number < 10 else 1.0)
