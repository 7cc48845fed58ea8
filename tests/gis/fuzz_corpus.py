"""Seeded mutants of WKB and GeoJSON; run as a module it judges them and prints what passed.

``python -m tests.gis.fuzz_corpus SEED WKB_COUNT GEOJSON_COUNT`` is its own process, so that a
parser that dies is seen as its exit status.
"""

from __future__ import annotations

import json
import random
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterator

import shapely

from gis.errors import GeometryError
from gis.geometry import GeometryType, read_geojson, read_wkb

SEEDS = [
    "POINT (99.1 25.1)",
    "POINT EMPTY",
    "POINT Z (99.1 25.1 1650)",
    "MULTIPOINT ((99.1 25.1))",
    "MULTIPOINT ((99.1 25.1), (99.2 25.2))",
    "LINESTRING (99.1 25.1, 99.2 25.2)",
    "LINESTRING (99.1 25.1, 99.2 25.2, 99.2 25.1, 99.1 25.2, 99.1 25.1)",
    "LINESTRING Z (99.1 25.1 1, 99.2 25.2 2, 99.3 25.1 3)",
    "LINESTRING (-180 -85, 0 0, 180 85)",
    "LINESTRING EMPTY",
    "MULTILINESTRING ((99.1 25.1, 99.2 25.2), (99.3 25.3, 99.4 25.4))",
    "MULTILINESTRING ((99.1 25.1, 99.2 25.2))",
    "POLYGON ((99 25, 99.1 25, 99.1 25.1, 99 25.1, 99 25))",
    "POLYGON ((99 25, 99.4 25, 99.4 25.4, 99 25.4, 99 25),"
    " (99.1 25.1, 99.2 25.1, 99.2 25.2, 99.1 25.1))",
    "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))",
    "POLYGON ((99 25, 99.1 25, 99.1 25.1, 99 25), EMPTY)",
    "MULTIPOLYGON (((99 25, 99.1 25, 99.1 25.1, 99 25)), ((98 24, 98.1 24, 98.1 24.1, 98 24)))",
    "MULTIPOLYGON (((99 25, 99.1 25, 99.1 25.1, 99 25)), EMPTY)",
    "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING EMPTY)",
    "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POINT (99 25)), POLYGON ((0 0, 1 0, 1 1, 0 0)))",
]
NUMBERS = [
    0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, 1e-17, 25.0, 99.0, 85.0511287798066, 90.0, 179.9999999,
    180.0, -180.0, 180.0000001, 360.0, 1e6, 1e17, 1e154, 1e155, 1e300, 1.7976931348623157e308,
    float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
COUNTS = [0, 1, 2, 3, 4, 5, 7, 255, 65_536, 2**24, 2**31 - 1, 2**31, 2**32 - 1]
TYPES = [*range(18), 1001, 2003, 3006, 0x80000001, 0x40000002, 0xC0000006, 0x20000001, 0xE0000003]
TYPED = {
    "Point": GeometryType.POINT, "MultiPoint": GeometryType.POINT,
    "LineString": GeometryType.LINE, "MultiLineString": GeometryType.LINE,
}  # fmt: skip


def wkb_mutants(seed: int, count: int) -> Iterator[bytes]:
    """``count`` WKB values, each one to four mutations away from a seed geometry."""
    rng = random.Random(seed)
    seeds = [
        bytes(shapely.to_wkb(shapely.set_srid(shapely.from_wkt(s), srid), include_srid=srid > 0,
                             byte_order=order, flavor=flavor))
        for s in SEEDS for srid in (0, 4490) for order in (0, 1)
        for flavor in ("extended", *(("iso",) if srid == 0 else ()))
    ]  # fmt: skip
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            # Most mutants keep their structure, or few would get past the first lines of a parser.
            (_mutate_number if rng.random() < 0.7 else _mutate)(rng, data, seeds)
        yield bytes(data)


def _mutate_number(rng: random.Random, data: bytearray, _seeds: list[bytes]) -> None:
    """Replace a double that looks like a coordinate, everywhere it stands if it closes a ring."""
    mark = "<" if data[:1] == b"\x01" else ">"
    found = {
        bytes(data[at : at + 8])
        for at in range(5, len(data) - 7)
        if 0.1 < abs(struct.unpack_from(mark + "d", data, at)[0]) < 200
    }
    if not found:
        return _mutate(rng, data, _seeds)
    number = rng.choice((rng.choice(NUMBERS), rng.uniform(-180, 180), *(rng.gauss(99, 0.1),) * 3))
    old, new = rng.choice(sorted(found)), struct.pack(mark + "d", number)
    data[:] = data.replace(old, new, -1 if rng.random() < 0.7 else 1)
    return None


def _mutate(rng: random.Random, data: bytearray, seeds: list[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    match rng.randrange(10):
        case 0 if data:
            data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
        case 1:
            del data[at:]
        case 2:
            data[at:at] = rng.randbytes(rng.randint(1, 9))
        case 3:
            data[at : at + rng.randint(1, 16)] = b""
        case 4:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other)) :]
        case 5:
            data[at:at] = data[rng.randrange(len(data) + 1) :][:200]
        case 6:
            data[1:5] = struct.pack(rng.choice("<>") + "I", rng.choice(TYPES))
        case 7:
            data[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.choice(COUNTS))
        case _:
            data[at : at + 8] = struct.pack("<d", rng.choice(NUMBERS))


def geojson_mutants(seed: int, count: int) -> Iterator[str]:
    """``count`` GeoJSON texts, each one to four mutations of its tokens or bytes away."""
    rng = random.Random(seed)
    seeds = [str(shapely.to_geojson(shapely.from_wkt(s))) for s in SEEDS]
    tokens = ["[", "]", "[[", "]]", "{", "}", ",", ":", "null", "true", "1e999", "-1e999", "NaN",
              "Infinity", "1" * 400, "0.1", '"99"', '"Point"', '"MultiPolygon"', '"LineString"',
              '"Polygon"', '"coordinates"', "[99,25]", "[99,25,1]", "[99,25,1,2]", "[[]]", "\u0000",
              "[" * 50, "]" * 50]  # fmt: skip
    for _ in range(count):
        text = rng.choice(seeds)
        for _ in range(rng.randint(1, 4)):
            number = repr(rng.choice((rng.choice(NUMBERS), *(rng.gauss(99, 0.1),) * 4)))
            numbers = sorted(set(re.findall(r"\d+\.\d+", text)))
            if numbers and rng.random() < 0.7:
                text = text.replace(rng.choice(numbers), number, rng.choice((-1, -1, 1)))
                continue
            at = rng.randrange(len(text) + 1)
            until = at + rng.choice((0, 0, 1, 2, 5, 12))
            text = text[:at] + rng.choice((rng.choice(tokens), number, "")) + text[until:]
        yield text


def _wanted(name: str) -> GeometryType:
    return TYPED.get(name, GeometryType.AREA)


def _wkb_type(wkb: bytes) -> GeometryType:
    """The column type a WKB is most likely to fit."""
    code = int.from_bytes(wkb[1:5], "little" if wkb[:1] == b"\x01" else "big") % 1000 & 0xFF
    return {1: GeometryType.POINT, 4: GeometryType.POINT, 2: GeometryType.LINE,
            5: GeometryType.LINE}.get(code, GeometryType.AREA)  # fmt: skip


def judge(seed: int, wkb_count: int, geojson_count: int) -> tuple[list[list[str]], Counter[str]]:
    """([column type, hex WKB] of what the gate let through, verdicts counted by rule)."""
    accepted: list[list[str]] = []
    verdicts: Counter[str] = Counter()
    for wkb in wkb_mutants(seed, wkb_count):
        allowed = _wkb_type(wkb)
        try:
            shape = read_wkb(wkb, allowed)
            accepted.append([allowed.name, str(shapely.to_wkb(shape, hex=True))])
        except GeometryError as error:
            verdicts[str(error.facts["rule"])] += 1
    for document in geojson_mutants(seed + 1, geojson_count):
        try:
            parsed = json.loads(document)
        except (ValueError, RecursionError):
            verdicts["not json"] += 1
            continue
        name = str(parsed.get("type")) if isinstance(parsed, dict) else ""
        try:
            shape = read_geojson(parsed, _wanted(name))
            accepted.append([_wanted(name).name, str(shapely.to_wkb(shape, hex=True))])
        except GeometryError as error:
            verdicts[str(error.facts["rule"])] += 1
    return accepted, verdicts


if __name__ == "__main__":
    seed_, wkb_count_, geojson_count_ = map(int, sys.argv[1:])
    accepted_, verdicts_ = judge(seed_, wkb_count_, geojson_count_)
    print(json.dumps({"accepted": accepted_, "verdicts": verdicts_}))
