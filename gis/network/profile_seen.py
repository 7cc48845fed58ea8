"""What an inspection saw, at its place on a way: defects, and silt as a range of thickness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]  # Any: columns of any type, as the database gives them


@dataclass(frozen=True, slots=True)
class Defect:
    """A finding of an inspection at its place on the way; ``end_m`` for one that goes on."""

    chainage_m: float
    code: str
    grade: int | None
    end_m: float | None = None


@dataclass(frozen=True, slots=True)
class Silt:
    """A deposit from chainage to chainage; its grade stands for a thickness from least to most.

    A deposit that was seen at one place only ends where it starts: how far it goes is not known.
    """

    start_m: float
    end_m: float
    least_m: float
    most_m: float

    @property
    def middle_m(self) -> float:
        """One figure for the thickness: the middle of what the grade stands for."""
        return round((self.least_m + self.most_m) / 2, 3)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a pipe lies on the way, and whether it is passed as it is drawn."""

    start_m: float
    length_m: float
    forward: bool

    def at(self, along_m: float) -> float:
        """The chainage of a place of the pipe, metres along it as it is drawn."""
        within = min(max(along_m, 0.0), self.length_m)
        return round(self.start_m + (within if self.forward else self.length_m - within), 3)


def place_defect(row: Row, span: Span) -> Defect:
    """A defect's place on the way; ``along_m`` is measured along the pipe as it is drawn."""
    first, last = span.at(row["along_m"]), row.get("along_end_m")
    if last is None:
        return Defect(first, row["code"], row["grade"])
    ends = sorted((first, span.at(last)))
    return Defect(ends[0], row["code"], row["grade"], ends[1])


def place_silt(row: Row, span: Span) -> Silt:
    """A deposit's place on the way, ``from_m`` and ``to_m`` along the pipe as it is drawn."""
    ends = sorted((span.at(row["from_m"]), span.at(row["to_m"])))
    return Silt(ends[0], ends[1], row["least_m"], row["most_m"])
