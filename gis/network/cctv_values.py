"""Single cells of a CCTV record table as values: dates, sizes, codes, grades, words of a list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

METHODS: Mapping[str, tuple[str, ...]] = {
    "cctv": ("cctv", "电视", "电视检测", "管道闭路电视", "闭路电视", "机器人", "1"),
    "sonar": ("sonar", "声纳", "声呐", "2"),
    "qv": ("qv", "潜望镜", "管道潜望镜", "电子潜望镜", "3"),
    "other": ("other", "其他", "其它", "4"),
}
DIRECTIONS: Mapping[str, tuple[str, ...]] = {
    "with_flow": ("顺流", "顺水流", "顺流向", "顺", "with flow", "downstream", "1"),
    "against_flow": ("逆流", "逆水流", "逆流向", "逆", "against flow", "upstream", "2"),
}
_ROMAN = {"Ⅰ": 1, "Ⅱ": 2, "Ⅲ": 3, "Ⅳ": 4, "一": 1, "二": 2, "三": 3, "四": 4,
          "I": 1, "II": 2, "III": 3, "IV": 4}  # fmt: skip
_DATE = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_MOST = 100_000.0
"""No length, index or size of a record is more."""
_SECTION = re.compile(r"\d\s*[x×*]\s*\d", re.IGNORECASE)


def read_words(value: object) -> str | None:
    """A cell as text, full-width letters as plain ones; whole numbers without their ``.0``."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    words = unicodedata.normalize("NFKC", str(value)).strip()
    return words[:500] or None


def read_number(value: object) -> float | None:
    """A finite number of at least 0 from a cell such as ``12.5``, ``12.5m`` or ``L=12.5``."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        number = float(value)
    else:
        found = _NUMBER.findall(read_words(value) or "")
        if len(found) != 1:
            return None
        number = float(found[0])
    return number if 0 <= number <= _MOST else None  # NaN is neither


def read_diameter(value: object) -> float | None:
    """A round pipe's diameter, mm (``DN800``, ``φ800``); None for other sections."""
    words = read_words(value)
    if words is None or _SECTION.search(words):
        return None
    number = read_number(words)
    return number if number is not None and 20 <= number <= 20_000 else None


def read_date(value: object) -> date | None:
    """A day: an ISO date of a cell, or as people write it.

    >>> read_date("2025年6月1日"), read_date("20250601"), read_date("2025.13.1")
    (datetime.date(2025, 6, 1), datetime.date(2025, 6, 1), None)
    """
    words = read_words(value) or ""
    found = _DATE.match(words) or _COMPACT.fullmatch(words)
    if found is None:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


def read_word(value: object, words: Mapping[str, tuple[str, ...]]) -> str | None:
    """The key of a list whose word the cell holds."""
    asked = (read_words(value) or "").casefold()
    for key, aliases in words.items():
        if asked == key or asked in aliases:
            return key
    return None


def read_grade(value: object) -> int | None:
    """A grade written as 3, 3级, Ⅲ or 三级; None where there is no such thing."""
    if isinstance(value, bool) or value is None:
        return None
    raw = str(value).strip().removesuffix("级")
    if raw in _ROMAN:
        return _ROMAN[raw]
    words = (read_words(value) or "").removesuffix("级")
    if words in _ROMAN:
        return _ROMAN[words]
    return int(words) if re.fullmatch(r"[1-9]", words) else None


def read_clock(value: object) -> tuple[str | None, bool]:
    """A clock position as four digits, and whether it could be read: ``0507`` is from 5 to 7.

    A cell of a number has lost its first zero.
    """
    words = read_words(value)
    if words is None:
        return None, True
    digits = words.zfill(4) if re.fullmatch(r"\d{3,4}", words) else words
    is_clock = re.fullmatch(r"\d{4}", digits) is not None and all(
        int(half) <= 12 for half in (digits[:2], digits[2:])
    )
    return digits[:16], is_clock


def split_code(value: object, begin: str, end: str) -> tuple[str | None, str | None, str]:
    """(code, begin or end marker, its number) of a cell such as ``PL``, ``FS KS01`` or ``JS01``.

    The code is the two letters of the standard where there are such, else the text as it is.

    >>> split_code("FS(KS01)", "KS", "JS"), split_code("破裂PL", "KS", "JS")
    (('FS', 'KS', '01'), ('PL', None, ''))
    """
    words = (read_words(value) or "").upper()
    marker = re.search(rf"({begin}|{end})\s*-?\s*(\d{{1,2}})", words)
    rest = words if marker is None else words[: marker.start()] + " " + words[marker.end() :]
    letters = re.findall(r"(?<![A-Z])[A-Z]{2}(?![A-Z])", rest)
    code = letters[0] if letters else rest.strip(" ()-,;") or None
    if marker is None:
        return (code[:20] if code else None), None, ""
    return (code[:20] if code else None), marker[1], marker[2].zfill(2)
