"""The structure of WKB, WKT and GeoJSON, walked before GEOS parses them.

GEOS's readers recurse as deep as the input nests: a megabyte of nested collections ends the
process (seen with GEOS 3.14). These walks do not recurse, stop at a limit, and read nothing twice.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

_SIMPLE = {1: 0, 2: 1, 3: 2}
"""Point, LineString, Polygon -> how deep their counts nest."""
_MULTI = {4: 1, 5: 2, 6: 3}
"""MultiPoint, MultiLineString, MultiPolygon -> the type of their parts."""
_HAS_SRID, _HAS_M, _HAS_Z = 0x20000000, 0x40000000, 0x80000000
MAX_NESTING = 8
"""Brackets a WKT may nest; a multipolygon in a collection needs four."""


class StructureError(ValueError):
    """The bytes or words are not one of the six simple types, or end too early."""


class TooManyPointsError(StructureError):
    """More points than the limit; ``count`` is how many were seen or announced."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} points")
        self.count = count


class _Walk:
    """A position in WKB, and what was counted up to it."""

    def __init__(self, wkb: bytes, limit: int) -> None:
        self.wkb, self.limit = wkb, limit
        self.at = self.points = 0
        self.srid = 0

    def read(self, form: str) -> int:
        try:
            (value,) = struct.unpack_from(form, self.wkb, self.at)
        except struct.error:
            raise StructureError("the WKB ends too early") from None
        self.at += struct.calcsize(form)
        return int(value)

    def read_header(self) -> tuple[str, int, int]:
        """(byte order, type 1-7, numbers per position); keeps the SRID."""
        order = self.read("B")
        if order not in (0, 1):
            raise StructureError("unknown byte order")
        mark = ">" if order == 0 else "<"
        code = self.read(mark + "I")
        if code & _HAS_SRID:
            self.srid = self.read(mark + "I")
        plain = code & 0x0FFFFFFF
        thousands, kind = divmod(plain, 1000)
        if thousands > 3:
            raise StructureError("unknown type")
        flags = bool(code & _HAS_Z) + bool(code & _HAS_M)
        return mark, kind, 2 + max(flags, (0, 1, 1, 2)[thousands])

    def skip_points(self, count: int, size: int) -> None:
        self.points += count
        if self.points > self.limit:
            raise TooManyPointsError(self.points)
        self.at += count * size * 8
        if self.at > len(self.wkb):
            raise StructureError("the WKB ends too early")

    def count_parts(self, mark: str) -> int:
        count = self.read(mark + "I")
        if count > self.limit:
            raise TooManyPointsError(count)
        return count

    def walk_simple(self, mark: str, kind: int, size: int) -> None:
        if kind == 1:
            self.skip_points(1, size)
        elif kind == 2:
            self.skip_points(self.read(mark + "I"), size)
        else:
            for _ in range(self.count_parts(mark)):
                self.skip_points(self.read(mark + "I"), size)


def count_wkb_points(wkb: bytes, *, limit: int) -> tuple[int, int]:
    """(Points, SRID or 0) of a WKB or EWKB of one of the six simple types.

    Raises TooManyPointsError over ``limit`` (before reading them), StructureError for any other
    type, a part of another type, bytes missing or bytes left over.
    """
    walk = _Walk(wkb, limit)
    mark, kind, size = walk.read_header()
    if kind in _SIMPLE:
        walk.walk_simple(mark, kind, size)
    elif kind in _MULTI:
        for _ in range(walk.count_parts(mark)):
            part_mark, part, part_size = walk.read_header()
            if part != _MULTI[kind]:
                raise StructureError("a part of another type")
            walk.walk_simple(part_mark, part, part_size)
    else:
        raise StructureError("not a simple type")
    if walk.at != len(wkb):
        raise StructureError("bytes left over")
    return walk.points, walk.srid


def count_wkt_nesting(wkt: str) -> int:
    """How deep the brackets of a WKT nest; stops counting past MAX_NESTING.

    >>> count_wkt_nesting("POLYGON((0 0, 1 0, 1 1, 0 0))")
    2
    """
    depth = deepest = 0
    for character in wkt:
        if character == "(":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_NESTING:
                break
        elif character == ")":
            depth -= 1
    return deepest


def count_positions(coordinates: object, *, limit: int) -> int:
    """Positions in a GeoJSON ``coordinates`` array (an empty array counts as one).

    Raises TooManyPointsError over ``limit``, OverflowError for a number that is not finite, and
    StructureError for anything but numbers in at most four levels of arrays.
    """
    count = 0
    open_arrays: list[Iterator[object]] = [iter((coordinates,))]
    while open_arrays:
        value = next(open_arrays[-1], open_arrays)
        if value is open_arrays:  # this array is done
            open_arrays.pop()
            continue
        if not isinstance(value, list) or len(open_arrays) > 4:
            raise StructureError("not an array of positions")
        if value and isinstance(value[0], list):
            open_arrays.append(iter(value))
            continue
        if value:
            _check_position(value)
        count += 1
        if count > limit:
            raise TooManyPointsError(count)
    return count


def _check_position(value: list[object]) -> None:
    if not 2 <= len(value) <= 3:
        raise StructureError("a position has two or three numbers")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise StructureError("a coordinate is not a number")
        if not math.isfinite(number):  # OverflowError by itself for an int beyond double
            raise OverflowError("a coordinate is not finite")
