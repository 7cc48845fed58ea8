"""Which column of a file is which attribute of a kind: proposed by name, settled by the person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gis.attributes import Text
from gis.errors import SourceError
from gis.kinds import Record, declared

COORDINATES: dict[str, tuple[str, ...]] = {
    "x": ("lon", "lng", "long", "longitude", "经度", "x", "xcoord", "x坐标"),
    "y": ("lat", "latitude", "纬度", "y", "ycoord", "y坐标"),
    "wkt": ("wkt", "geometrywkt", "geometry", "geom", "thegeom", "几何"),
}
"""Pseudo attributes of a table without geometries; mapped like any other (``x=东坐标``)."""
_NOT_FROM_FILES = ("missing",)
REFUSED_COLUMNS = (
    "refused_row",
    "refused_field",
    "refused_value",
    "refused_reason_zh",
    "refused_reason_en",
)
_BRACKETS = re.compile(r"[((\[【]([^))\]】]*)[))\]】]")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """``columns``: attribute (or x, y, wkt) -> column; ``explicit``: those a person gave."""

    columns: dict[str, str]
    explicit: frozenset[str]
    unmapped: tuple[str, ...]


def propose_mapping(
    kind: type[Record],
    names: Iterable[str],
    *,
    given: Mapping[str, str] | None = None,
    taken: Iterable[str] = (),
    coordinates: bool = False,
    truncated: bool = False,
) -> ColumnMapping:
    """Match columns to attributes by key, aliases, then zh and en labels, ignoring case and spaces.

    ``given`` wins over every proposal (an empty column means: do not map); ``taken`` are
    attributes that need no column. With ``coordinates`` x, y or wkt columns are looked for too;
    with ``truncated`` a name of a shapefile's full length matches as the beginning of a word.
    Raises SourceError for an attribute or a column that does not exist.
    """
    columns = list(names)
    given = dict(given or {})
    _check_given(kind, columns, given)
    chosen = {field: column for field, column in given.items() if column}
    free = [c for c in columns if c not in chosen.values() and c not in REFUSED_COLUMNS]
    skipped = {*given, *taken}
    for rank in range(4):
        for field, words in _candidates(kind, coordinates=coordinates).items():
            if field in skipped or field in chosen:
                continue
            wanted = {simplify(w) for w in words[rank]}
            match = next((c for c in free if simplify(c) in wanted), None)
            if match is not None:
                chosen[field] = match
                free.remove(match)
    if truncated:
        _match_beginnings(_candidates(kind, coordinates=False), chosen, free, skipped)
    unmapped = tuple(c for c in columns if c not in chosen.values() and c not in REFUSED_COLUMNS)
    return ColumnMapping(columns=chosen, explicit=frozenset(given), unmapped=unmapped)


def _match_beginnings(
    candidates: Mapping[str, tuple[tuple[str, ...], ...]],
    chosen: dict[str, str],
    free: list[str],
    skipped: set[str],
) -> None:
    """Map what a .dbf cut to ten bytes, where only one attribute can be meant."""
    for column in list(free):
        # Ten bytes hold three Chinese characters in UTF-8, five in GB18030.
        if len(column.encode()) < 8:
            continue
        start = simplify(column)
        meant = {
            field
            for field, ranks in candidates.items()
            if field not in skipped
            and field not in chosen
            and any(simplify(w).startswith(start) for rank in ranks for w in rank)
        }
        if len(meant) == 1:
            chosen[meant.pop()] = column
            free.remove(column)


def simplify(word: str) -> str:
    """A name without case, spaces, separators and bracketed units: how names are compared."""
    plain = _BRACKETS.sub("", unicodedata.normalize("NFKC", word))
    return re.sub(r"[\s_\-.:]+", "", plain).casefold()


def unit_of_column(name: str) -> str | None:
    """The unit a header carries in brackets: ``管径(mm)`` -> ``mm``."""
    found = _BRACKETS.search(unicodedata.normalize("NFKC", name))
    return found.group(1).strip() or None if found else None


def _candidates(kind: type[Record], *, coordinates: bool) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Words by which each attribute may be found, in four ranks: key, aliases, zh, en."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    if coordinates:
        found |= {name: (words, (), (), ()) for name, words in COORDINATES.items()}
    for name, about in declared(kind).items():
        if name in _NOT_FROM_FILES:
            continue
        # Half of a record's identity: taken from a file only under its own name.
        by_name_only = name == "source"
        words = ((name,), about.aliases, (about.text.zh,), (about.text.en,))
        found[name] = (words[0], (), (), ()) if by_name_only else words
    return found


def _check_given(kind: type[Record], columns: list[str], given: Mapping[str, str]) -> None:
    fields = [n for n in (*declared(kind), *COORDINATES) if n not in _NOT_FROM_FILES]
    for field, column in given.items():
        if field not in fields:
            raise SourceError(
                Text(
                    zh="{kind} 没有属性 {field};可用:{known}",
                    en="{kind} has no attribute {field}; there are: {known}",
                ).format(kind=kind.kind, field=field[:64], known=", ".join(fields))
            )
        if column and column not in columns:
            raise SourceError(
                Text(
                    zh="文件没有列“{column}”;现有:{known}",
                    en="the file has no column “{column}”; there are: {known}",
                ).format(column=column[:64], known=", ".join(columns)[:2000])
            )
