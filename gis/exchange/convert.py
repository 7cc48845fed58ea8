"""Cells of a survey file -> values of an attribute, with what was noticed on the way."""

from __future__ import annotations

import re
import types
import typing
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from gis.attributes import MM, Attribute, M, Text, Vocabulary
from gis.exchange.open_file import Values
from gis.kinds import Record, declared

SENTINEL_WORDS = frozenset(
    [
        "n/a",
        "na",
        "#n/a",
        "null",
        "<null>",
        "none",
        "nan",
        "nil",
        "unknown",
        "-",
        "--",
        "—",
        "/",
        "\\",
        "无",
        "不详",
        "未知",
        "不明",
        "空",
        "待定",
    ]
)
_LOW_SENTINELS = (-1.0, -99.0, -999.0, -9999.0)
_HIGH_SENTINELS = (9999.0, 99999.0)
_NUMBER = re.compile(
    r"^(?:dn|d|φ|ø|Φ)?\s*([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:e[-+]?\d+)?)\s*(\D*)$", re.I
)
_FACTORS: dict[str, dict[str, float]] = {
    "mm": {
        "mm": 1,
        "毫米": 1,
        "cm": 10,
        "厘米": 10,
        "m": 1000,
        "米": 1000,
        "in": 25.4,
        "inch": 25.4,
        "英寸": 25.4,
        '"': 25.4,
    },
    "m": {
        "m": 1,
        "米": 1,
        "mm": 0.001,
        "毫米": 0.001,
        "cm": 0.01,
        "km": 1000,
        "ft": 0.3048,
        "英尺": 0.3048,
    },
    "km": {"km": 1, "公里": 1, "m": 0.001, "米": 0.001},
    "m²": {"m2": 1, "m²": 1, "平方米": 1, "㎡": 1, "ha": 1e4, "公顷": 1e4, "亩": 2000 / 3},
    "元": {"元": 1, "yuan": 1, "万元": 1e4, "亿元": 1e8},
    "%": {"%": 1},
}
"""How many of the attribute's unit one of the file's unit is (1 亩 = 2000/3 m², exactly)."""
TRUE = frozenset(["1", "true", "t", "yes", "y", "是", "有", "真"])
"""What is read as yes, in any case of letters."""
_FALSE = frozenset(["0", "false", "f", "no", "n", "否", "无", "假"])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cell:
    """One converted cell. ``rule`` names what was noticed; ``fault`` refuses the row."""

    value: Any = None  # Any: of the attribute's type
    missing: str | None = None
    rule: str | None = None
    fault: Text | None = None
    year: int | None = None

    @property
    def is_remarkable(self) -> bool:
        """Whether there is anything to say of it beyond its value."""
        said = (self.fault, self.missing, self.rule, self.year)
        return any(word is not None for word in said)


@dataclass(slots=True)
class ConvertedColumn:
    """A column as values, by row the faults and reasons of absence, by (rule, raw) the rows."""

    values: Values
    faults: dict[int, Text] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)
    years: dict[int, int] = field(default_factory=dict)
    noticed: dict[tuple[str, str], list[int]] = field(default_factory=dict)


Convert = Callable[[Any], Cell]  # Any: a raw cell: text, number, truth value


def convert_column(
    kind: type[Record],
    name: str,
    raw: Values,
    *,
    words: Mapping[str, str] | None = None,
    unit: str | None = None,
) -> ConvertedColumn:
    """Convert a column to the type of the attribute; each distinct cell is judged once.

    ``words`` translates the file's words into the vocabulary's (``"*"`` any other word);
    ``unit`` is the one the header states.
    """
    convert = make_converter(kind, name, words=words, unit=unit)
    keys = list(zip(map(type, raw), raw, strict=True))  # True is not 1
    cells = {key: convert(key[1]) for key in dict.fromkeys(keys)}
    plain = {key: cell.value for key, cell in cells.items()}
    column = ConvertedColumn(values=list(map(plain.__getitem__, keys)))
    remarkable = {key: cell for key, cell in cells.items() if cell.is_remarkable}
    if not remarkable:
        return column
    for i, key in enumerate(keys):
        cell = remarkable.get(key)
        if cell is None:
            continue
        if cell.fault is not None:
            column.faults[i] = cell.fault
        if cell.missing is not None:
            column.missing[i] = cell.missing
        if cell.rule is not None:
            column.noticed.setdefault((cell.rule, str(raw[i])[:100]), []).append(i)
        if cell.year is not None:
            column.years[i] = cell.year
    return column


def make_converter(
    kind: type[Record],
    name: str,
    *,
    words: Mapping[str, str] | None = None,
    unit: str | None = None,
) -> Convert:
    """The function that converts one cell of an attribute."""
    info = kind.model_fields[name]
    plain, nullable = _plain_type(info.annotation)
    about = declared(kind)[name]
    if issubclass(plain, Vocabulary):
        known = vocabulary_words(plain)
        told = {fold(k): v for k, v in (words or {}).items()}
        inner: Convert = lambda raw: _to_word(raw, known, told, nullable=nullable)  # noqa: E731
    elif plain is bool:
        inner = _to_truth
    elif plain is date or plain is datetime:
        inner = _to_date
    elif plain in (int, float):
        inner = _number_converter(about, name, info.metadata, unit, whole=plain is int)
    else:
        inner = _to_text
    return lambda raw: Cell() if _is_blank(raw) else inner(raw)


def vocabulary_words(vocabulary: type[Vocabulary]) -> dict[str, str]:
    """Every spelling of a vocabulary's words -> the stored value."""
    known: dict[str, str] = {}
    for member in vocabulary:
        spellings = (str(member), member.text.zh, member.text.en, *member.aliases)
        for spelling in spellings:
            known.setdefault(fold(spelling), str(member))
    return known


def _plain_type(annotation: object) -> tuple[type, bool]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arms = [a for a in typing.get_args(annotation) if a is not type(None)]
        plain = arms[0] if len(arms) == 1 else str
        return (typing.get_origin(plain) or plain), len(arms) < len(typing.get_args(annotation))
    plain = typing.get_origin(annotation) or annotation
    return (plain if isinstance(plain, type) else str), False


def fold(word: str) -> str:
    """A word as words are compared: no case, no width, no spaces around it."""
    if word.isascii():  # nothing to normalise
        return word.strip().casefold()
    return unicodedata.normalize("NFKC", word).strip().casefold()


def _is_blank(raw: object) -> bool:
    return raw is None or (isinstance(raw, str) and not raw.strip())


def as_words(raw: object) -> str:
    """A cell as text; a whole number read as float loses its ``.0``."""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 2**53:
        return str(int(raw))
    return str(raw).strip()


def _absent(raw: object) -> Cell:
    return Cell(missing=f"sentinel:{as_words(raw)[:100]}", rule="sentinel")


def _to_text(raw: object) -> Cell:
    words = as_words(raw)
    return _absent(raw) if fold(words) in SENTINEL_WORDS else Cell(value=words)


def _to_word(
    raw: object, known: Mapping[str, str], told: Mapping[str, str], *, nullable: bool
) -> Cell:
    words = as_words(raw)
    folded = fold(words)
    value = told.get(folded)
    value = known.get(folded) if value is None else known.get(fold(value), value)
    if value is not None:
        return Cell(value=value)
    if folded in SENTINEL_WORDS:
        return _absent(raw)
    if "*" in told:
        return Cell(value=known.get(fold(told["*"]), told["*"]))
    if nullable:
        return Cell(missing=f"unknown_word:{words[:100]}", rule="unknown_word")
    listed = ", ".join(sorted(set(known.values())))
    return Cell(
        fault=Text(
            zh="“{words}”不在词表中;可用:{listed}",
            en="“{words}” is not in the vocabulary: {listed}",
        ).format(words=words[:80].replace("{", "("), listed=listed)
    )


def _to_truth(raw: object) -> Cell:
    folded = fold(as_words(raw))
    if folded in TRUE:
        return Cell(value=True)
    if folded in _FALSE:
        return Cell(value=False)
    if folded in SENTINEL_WORDS:
        return _absent(raw)
    return Cell(fault=_not_a(raw, Text(zh="是/否", en="a yes or no")))


def _not_a(raw: object, what: Text) -> Text:
    shown = as_words(raw)[:80]
    return Text(zh=f"“{shown}”不是{what.zh}", en=f"“{shown}” is not {what.en}")


# --- numbers ------------------------------------------------------------------------------------


def _bounds(metadata: list[Any]) -> tuple[float, float]:  # Any: Pydantic's marks
    low, high = float("-inf"), float("inf")
    for mark in metadata:
        match mark:
            case Ge(ge=value) | Gt(gt=value):
                low = float(value)  # type: ignore[arg-type]  # declared as a number
            case Le(le=value) | Lt(lt=value):
                high = float(value)  # type: ignore[arg-type]  # declared as a number
    return low, high


def _number_converter(
    about: Attribute, name: str, metadata: list[Any], unit: str | None, *, whole: bool
) -> Convert:
    low, high = _bounds(metadata)
    is_level = about.unit is M and low < 0
    """A length in metres that may be negative is a height above the datum."""
    zero_is_missing = about.unit is MM or is_level or low > 0
    is_year = whole and (name == "year" or name.endswith("_year"))
    factors = _FACTORS.get(about.unit.symbol, {}) if about.unit else {}

    def is_sentinel(number: float) -> bool:
        if number == 0:
            return zero_is_missing
        if number in _LOW_SENTINELS:
            return about.unit is not None or number < low
        return number in _HIGH_SENTINELS and (about.unit in (MM, M) or number > high)

    def measure(raw: object, number: float, given_unit: str) -> Cell:
        factor = factors.get(given_unit or (fold(unit) if unit else ""))
        if given_unit and factor is None:
            return Cell(fault=_not_a(raw, Text(zh="此单位的数", en="a number in a known unit")))
        value = number * (factor or 1)
        if whole and value.is_integer():
            return Cell(value=int(value))
        return Cell(value=value, rule="unit" if factor not in (None, 1) else None)

    def convert(raw: object) -> Cell:
        number, given_unit = parse_number(raw)
        if number is None:
            if fold(as_words(raw)) in SENTINEL_WORDS:
                return _absent(raw)
            return _to_year(raw) if is_year else _no_number(raw)
        if is_sentinel(number):
            return _absent(number)
        # No year has nine digits: this is a moment in milliseconds.
        return _to_year(raw) if is_year and abs(number) > 1e8 else measure(raw, number, given_unit)

    return convert


def _no_number(raw: object) -> Cell:
    return Cell(fault=_not_a(raw, Text(zh="数字", en="a number")))


def _to_year(raw: object) -> Cell:
    """The year of a full date or of epoch milliseconds."""
    day = _to_date(raw)
    if day.year is not None:
        return Cell(value=day.year)
    if day.value is None:
        return _no_number(raw)
    return Cell(value=day.value.year, rule="year_of_date")


def parse_number(raw: object) -> tuple[float | None, str]:
    """(number, unit as written) of ``300 mm``, ``DN300``, ``1,200.5``; (None, "") otherwise."""
    if isinstance(raw, bool):
        return None, ""
    if isinstance(raw, (int, float)):
        return float(raw), ""
    found = _NUMBER.match(unicodedata.normalize("NFKC", str(raw)).strip())
    if found is None or not any(c.isdigit() for c in found.group(1)):
        return None, ""
    try:
        return float(found.group(1).replace(",", "")), fold(found.group(2))
    except ValueError:
        return None, ""


# --- dates --------------------------------------------------------------------------------------

_DATE = re.compile(
    r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?$", re.DOTALL
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_EPOCH_MS = re.compile(r"^-?\d{9,14}(?:\.0+)?$")
_YEAR = re.compile(r"^(1[89]\d{2}|2[01]\d{2})(?:\.0+)?年?$")


def _to_date(raw: object) -> Cell:
    """A day from ISO text, Chinese text, ``yyyymmdd`` or epoch milliseconds (negative too).

    A bare year is no day: it is kept as :attr:`Cell.year`, the date is missing for that reason.
    Epoch zero is the "no date" of many exports.
    """
    words = unicodedata.normalize("NFKC", as_words(raw))
    if fold(words) in SENTINEL_WORDS or words in ("0", "-1", "9999", "99999999"):
        return _absent(raw)
    if found := _YEAR.match(words):
        year = int(found.group(1))
        return Cell(missing=f"year_only:{year}", rule="year_only", year=year)
    not_a_date = Cell(fault=_not_a(raw, Text(zh="日期", en="a date")))
    try:
        if found := (_DATE.match(words) or _COMPACT.match(words)):
            return Cell(value=date(*(int(part) for part in found.groups()[:3])))
        if _EPOCH_MS.match(words):
            return Cell(value=(_EPOCH + timedelta(milliseconds=float(words))).date())
    except (ValueError, OverflowError):
        return not_a_date
    return not_a_date
