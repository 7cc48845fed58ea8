"""What an import noticed (findings) and what it refused, as a file to correct and send again."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely

from gis.attributes import Text
from gis.exchange.mapping import REFUSED_COLUMNS
from gis.exchange.read_file import SourceTable
from gis.geometry import Geometries

_PLAIN_NUMBER = re.compile(r"^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a row was refused; ``row`` counts data rows from 1."""

    row: int
    field: str
    value: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed in rows that were read: how many, and the first few of them (from 1)."""

    rule: str
    field: str
    value: str
    count: int
    rows: tuple[int, ...]
    text: Text


def make_finding(rule: str, field: str, value: str, rows: Sequence[int], text: Text) -> Finding:
    """A finding over rows counted from 0."""
    first = tuple(row + 1 for row in rows[:5])
    return Finding(rule=rule, field=field, value=value, count=len(rows), rows=first, text=text)


def neutralize_formula(value: object) -> str:
    """A cell no spreadsheet executes: text that starts like a formula gets a leading ``'``."""
    words = "" if value is None else str(value)
    if words.startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.match(words):
        return f"'{words}"
    return words


def restore_formula(value: object) -> object:
    """The text :func:`neutralize_formula` was given, when our own file comes back."""
    if isinstance(value, str) and value[:1] == "'" and value[1:].startswith(_FORMULA_STARTS):
        return value[1:]
    return value


def write_refused(
    path: Path, table: SourceTable, geometries: Geometries, refusals: Sequence[Refusal], source: str
) -> None:
    """Write refused rows: the original columns and WKT, and why (UTF-8 with BOM).

    One line per row, its reasons joined; the geometry is in the CRS of the original file. The
    ``source`` column keeps a corrected row under the identity of the first import.
    """
    by_row: dict[int, list[Refusal]] = {}
    for refusal in refusals:
        by_row.setdefault(refusal.row, []).append(refusal)
    own = [n for n in table.names if n not in (*REFUSED_COLUMNS, "geometry_wkt")]
    indexes = [table.names.index(n) for n in own]
    extra = [] if "source" in own else ["source"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*REFUSED_COLUMNS, *own, *extra, "geometry_wkt"])
        for row, reasons in sorted(by_row.items()):
            why = [
                row,
                ";".join(r.field for r in reasons),
                ";".join(r.value for r in reasons),
                ";".join(r.reason.zh for r in reasons),
                "; ".join(r.reason.en for r in reasons),
            ]
            cells = [table.columns[i][row - 1] for i in indexes] + ([source] if extra else [])
            shape = geometries[row - 1]
            wkt = "" if shape is None else shapely.to_wkt(shape, rounding_precision=-1)
            writer.writerow([neutralize_formula(c) for c in (*why, *cells, wkt)])
