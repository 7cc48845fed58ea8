"""The gate refuses what it must, says why, and lets the rest through unchanged."""

from __future__ import annotations

import json
import math
import resource
import struct
import subprocess
import sys
import time

import numpy as np
import pyproj
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon
from sqlalchemy import text

from gis.errors import GeometryError, ParameterError
from gis.geometry import (
    BBox,
    GeometryType,
    as_geometries,
    find_faults,
    fit_type,
    gauss_kruger_srid,
    parse_wkt,
    pass_gate,
    read_geojson,
    read_wkb,
)
from tests.conftest import OneTransaction

NAN, INF = float("nan"), float("inf")
SQUARE = [[99.0, 25.0], [99.1, 25.0], [99.1, 25.1], [99.0, 25.1], [99.0, 25.0]]

REFUSED_GEOJSON: list[tuple[object, str]] = [
    (None, "type"),
    ([], "type"),
    ("Point", "type"),
    ({}, "type"),
    ({"type": "Feature", "geometry": None}, "type"),
    ({"type": "GeometryCollection", "geometries": []}, "type"),
    ({"type": ["Point"], "coordinates": [99, 25]}, "type"),
    ({"type": "Point"}, "structure"),
    ({"type": "Point", "coordinates": None}, "structure"),
    ({"type": "Point", "coordinates": "99,25"}, "structure"),
    ({"type": "Point", "coordinates": ["99", "25"]}, "structure"),
    ({"type": "Point", "coordinates": [True, False]}, "structure"),
    ({"type": "Point", "coordinates": [None, 25]}, "structure"),
    ({"type": "Point", "coordinates": [99]}, "structure"),
    ({"type": "Point", "coordinates": [99, 25, 0, 0]}, "structure"),
    ({"type": "Point", "coordinates": [99, [25]]}, "structure"),
    ({"type": "Point", "coordinates": [[99, 25]]}, "structure"),
    ({"type": "Point", "coordinates": {"lon": 99}}, "structure"),
    ({"type": "LineString", "coordinates": [[[[[[99, 25]]]]]]}, "structure"),
    ({"type": "LineString", "coordinates": [[99, 25]]}, "structure"),
    ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "structure"),
    ({"type": "Point", "coordinates": []}, "empty"),
    ({"type": "MultiPolygon", "coordinates": [[]]}, "empty"),
    ({"type": "MultiPolygon", "coordinates": [[SQUARE], []]}, "empty"),
    ({"type": "Point", "coordinates": [NAN, 25]}, "finite"),
    ({"type": "Point", "coordinates": [99, INF]}, "finite"),
    ({"type": "Point", "coordinates": [-INF, 25]}, "finite"),
    ({"type": "Point", "coordinates": [10**400, 25]}, "finite"),
    ({"type": "Point", "coordinates": [10**300, 25]}, "projected"),
    ({"type": "Point", "coordinates": [25.1, 99.2]}, "swapped"),
    ({"type": "Point", "coordinates": [500000.0, 2766054.0]}, "projected"),
    ({"type": "Point", "coordinates": [180.001, 25]}, "bounds"),
    ({"type": "Point", "coordinates": [99, 85.06]}, "bounds"),
    ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, "invalid"),
    ({"type": "LineString", "coordinates": [[99, 25], [99, 25]]}, "invalid"),
    ({"type": "LineString", "coordinates": [[179.9, 0], [-179.9, 0]]}, "antimeridian"),
    ({"type": "LineString", "coordinates": [[-81, -25], [99, 25]]}, "antimeridian"),  # antipodes
]
"""GeoJSON as it comes -> the rule that refuses it."""


def allowed_for(document: object) -> GeometryType:
    name = document.get("type") if isinstance(document, dict) else None
    if name == "LineString":
        return GeometryType.LINE
    return GeometryType.POINT if name == "Point" else GeometryType.AREA


@pytest.mark.parametrize(("document", "rule"), REFUSED_GEOJSON)
def test_a_bad_geojson_is_refused_by_the_rule_that_explains_it(document: object, rule: str) -> None:
    with pytest.raises(GeometryError) as refused:
        read_geojson(document, allowed_for(document))
    assert refused.value.facts["rule"] == rule
    assert refused.value.message.zh != refused.value.message.en


def wkb(code: int, body: bytes, order: int = 1, srid: int | None = None) -> bytes:
    mark = "<" if order else ">"
    head = struct.pack(mark + "BI", order, code | (0x20000000 if srid is not None else 0))
    return head + (struct.pack(mark + "I", srid) if srid is not None else b"") + body


POSITION = struct.pack("<dd", 99.0, 25.0)
HUGE = struct.pack("<I", 0xFFFFFFFF)
REFUSED_WKB = [
    (b"", "structure"),
    (b"\x01", "structure"),
    (wkb(1, POSITION[:-1]), "structure"),
    (wkb(1, POSITION + b"\x00"), "structure"),
    (wkb(1, POSITION, order=2), "structure"),
    (wkb(0, POSITION), "structure"),
    (wkb(99, POSITION), "structure"),
    (wkb(4001, POSITION), "structure"),
    (wkb(8, HUGE), "structure"),  # CIRCULARSTRING
    (wkb(7, struct.pack("<I", 1) + wkb(1, POSITION)), "structure"),  # GEOMETRYCOLLECTION
    (wkb(2, HUGE), "vertices"),
    (wkb(3, HUGE), "vertices"),
    (wkb(6, HUGE), "vertices"),
    (wkb(3, struct.pack("<II", 1, 0xFFFFFFF0)), "vertices"),
    (wkb(2, struct.pack("<I", 9) + POSITION), "structure"),
    (wkb(6, struct.pack("<I", 1) + wkb(1, POSITION)), "structure"),  # a point in a multipolygon
    (wkb(1, POSITION, srid=3857), "srid"),
    (wkb(1, POSITION, srid=4542), "srid"),
    (wkb(1, struct.pack("<dd", NAN, NAN)), "empty"),  # how WKB spells POINT EMPTY
    (wkb(1, struct.pack("<dd", NAN, 25.0)), "finite"),
    (wkb(1, struct.pack("<dd", 99.0, INF)), "finite"),
    (wkb(1, struct.pack("<dd", 25.0, 99.0)), "swapped"),
    (wkb(2, struct.pack("<I", 0)), "empty"),
    (wkb(3, struct.pack("<II8dI", 2, 4, 0, 0, 1, 0, 1, 1, 0, 0, 0)), "empty"),  # an inner ring
]


@pytest.mark.parametrize(("data", "rule"), REFUSED_WKB)
def test_a_bad_wkb_is_refused_by_the_rule_that_explains_it(data: bytes, rule: str) -> None:
    wanted = {b"\x02": GeometryType.LINE, b"\x03": GeometryType.AREA, b"\x06": GeometryType.AREA}
    with pytest.raises(GeometryError) as refused:
        read_wkb(data, wanted.get(data[1:2], GeometryType.POINT))
    assert refused.value.facts["rule"] == rule


@pytest.mark.parametrize(
    "data",
    [
        wkb(1, POSITION),
        wkb(1, POSITION, srid=4490),
        wkb(1, POSITION, srid=4326),
        wkb(1, struct.pack(">dd", 99.0, 25.0), order=0),
        wkb(1001, POSITION + struct.pack("<d", 1650.5)),
        wkb(0x80000001, POSITION + struct.pack("<d", 1650.5)),
        wkb(0xC0000001, POSITION + struct.pack("<dd", 1650.5, 7)),
        wkb(3001, POSITION + struct.pack("<dd", 1650.5, 7)),
        wkb(4, struct.pack("<I", 1) + wkb(1, POSITION)),
    ],
)
def test_every_spelling_of_one_point_in_wkb_is_that_point(data: bytes) -> None:
    assert shapely.to_wkt(read_wkb(data, GeometryType.POINT)) == "POINT (99 25)"


@pytest.mark.parametrize("kind", [4, 5, 6, 7])
def test_wkb_nested_a_million_deep_does_not_end_the_process(kind: int) -> None:
    # GEOS 3.14 itself overflows its stack here: seen as a segmentation fault.
    deep = wkb(kind, struct.pack("<I", 1)) * 1_000_000 + wkb(1, POSITION)
    with pytest.raises(GeometryError):
        read_wkb(deep, GeometryType.AREA)


def test_geojson_and_wkt_nested_deep_do_not_end_the_process() -> None:
    coordinates: list[object] = [99.0, 25.0]
    for _ in range(200_000):
        coordinates = [coordinates]
    with pytest.raises(GeometryError):
        read_geojson({"type": "MultiPolygon", "coordinates": coordinates}, GeometryType.AREA)
    while isinstance(coordinates[0], list):  # taken apart, or freeing it would recurse as deep
        coordinates = coordinates[0]
    deep = "GEOMETRYCOLLECTION(" * 1_000_000 + "POINT(1 1)" + ")" * 1_000_000
    assert parse_wkt([deep, "POINT (99 25)", None, "POINT (99", "x"]).tolist() == [
        None,
        Point(99, 25),
        None,
        None,
        None,
    ]


def test_ten_million_vertices_are_refused_in_a_second_and_little_memory() -> None:
    program = """
import resource, struct, time, numpy as np
from gis.errors import GeometryError
from gis.geometry import GeometryType, read_wkb, read_geojson
n = 10_000_000
body = np.zeros((n, 2)).tobytes()
polygon = struct.pack("<BIII", 1, 3, 1, n) + body
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
for data in (polygon, struct.pack("<BII", 1, 2, n) + body):
    try:
        read_wkb(data, GeometryType.AREA)
        raise SystemExit("accepted")
    except GeometryError as error:
        assert error.facts["rule"] == "vertices", error.facts
        assert error.facts["count"] == n
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(time.process_time() - start, grown)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    seconds, grown_kb = map(float, done.stdout.split())
    assert seconds < 1
    assert grown_kb < 400_000  # the second input itself is 160 MB


def ring(vertices: int) -> Polygon:
    angles = np.linspace(0, 2 * math.pi, vertices, endpoint=False)
    shell = np.column_stack([99 + 0.1 * np.cos(angles), 25 + 0.1 * np.sin(angles)])
    return Polygon(shell)


@pytest.mark.parametrize(("count", "passes"), [(9_999, True), (10_000, False)])
def test_the_vertex_limit_is_exact_in_every_format(count: int, *, passes: bool) -> None:
    shape = ring(count)  # closed: count + 1 positions
    assert shapely.get_num_coordinates(shape) == count + 1
    for read, data in (
        (read_wkb, shapely.to_wkb(shape)),
        (read_geojson, json.loads(shapely.to_geojson(shape))),
        (pass_gate, shape),
    ):
        if passes:
            assert read(data, GeometryType.AREA).area == pytest.approx(shape.area)
        else:
            with pytest.raises(GeometryError) as refused:
                read(data, GeometryType.AREA)
            assert refused.value.facts["rule"] == "vertices"


def test_judging_a_hundred_thousand_lines_takes_seconds_not_minutes() -> None:
    xy = np.random.default_rng(1).uniform([98, 24], [100, 26], (100_000, 5, 2))
    lines = shapely.linestrings(xy)
    start = time.perf_counter()
    assert find_faults(lines, GeometryType.LINE) == {}
    assert time.perf_counter() - start < 5


def test_every_row_of_a_mixed_array_gets_its_own_verdict_and_blocks_lose_none() -> None:
    good, bowtie = Polygon(SQUARE), Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    big = ring(90_000)
    pattern = [
        good,
        None,
        bowtie,
        big,
        Point(99, 25),
        Polygon(),
        Polygon([(25, 99), (25, 98), (26, 99)]),
    ]
    array = as_geometries(pattern * 15)  # 1.35 million vertices: more than one block
    fitted = fit_type(array, GeometryType.AREA)
    rules = {i: e.facts["rule"] for i, e in find_faults(fitted, GeometryType.AREA).items()}
    expected = [None, "empty", "invalid", None, "type", "empty", "swapped"] * 15
    assert [rules.get(i) for i in range(len(array))] == expected


def test_fitting_loses_nothing_but_height_and_leaves_its_input_alone() -> None:
    given = as_geometries([Polygon(SQUARE), shapely.from_wkt("MULTIPOINT Z ((1 2 3))"), None])
    before = shapely.to_wkt(given).tolist()
    areas = fit_type(given, GeometryType.AREA)
    points = fit_type(given, GeometryType.POINT)
    assert areas[0].geom_type == "MultiPolygon"
    assert areas[0].equals(Polygon(SQUARE))
    assert shapely.to_wkt(points[1]) == "POINT (1 2)"
    assert points[2] is None
    assert shapely.to_wkt(given).tolist() == before


def test_several_parts_in_a_row_of_lines_are_named_not_joined() -> None:
    two = shapely.from_wkt("MULTILINESTRING ((99 25, 99.1 25), (99.2 25, 99.3 25))")
    with pytest.raises(GeometryError) as refused:
        pass_gate(two, GeometryType.LINE)
    assert refused.value.facts == {"rule": "multi", "parts": 2}


def test_an_invalid_geometry_is_refused_with_its_place_in_both_languages() -> None:
    with pytest.raises(GeometryError) as refused:
        pass_gate(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), GeometryType.AREA)
    assert "0.5" in refused.value.message.en
    assert "Self-intersection" in refused.value.message.en
    assert "自相交(0.5, 0.5)" in refused.value.message.zh


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ("99,26,100,25", "reversed"),
        ("25,99,26,100", "swapped"),
        ("nan,25,100,26", "four numbers"),
        ("99,25,inf,26", "four numbers"),
        ("99,25,100", "four numbers"),
        ("", "four numbers"),
        ("1,2,3,4,5", "four numbers"),
        ("-181,0,0,1", "outside"),
        ("99,25,1e999,26", "four numbers"),
    ],
)
def test_a_bad_box_is_refused_with_the_reason(box: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        BBox.parse(box)


def test_a_box_over_the_antimeridian_is_two_boxes_and_heights_are_ignored() -> None:
    box = BBox.parse("170,-10,0,-170,10,5")
    assert [part.as_list() for part in box.parts] == [[170, -10, 180, 10], [-180, -10, -170, 10]]


# Zones of GB/T CGCS2000: central meridian = 3 x zone number; EPSG registry names them one by one.
@pytest.mark.parametrize(
    ("longitude", "srid", "meridian"),
    [(75.0, 4534, 75), (98.4, 4542, 99), (99.2, 4542, 99), (100.6, 4543, 102), (135, 4554, 135)],
)
def test_the_gauss_kruger_zone_is_the_registrys(longitude: float, srid: int, meridian: int) -> None:
    assert gauss_kruger_srid(longitude) == srid
    zone = pyproj.CRS.from_epsg(srid)
    assert zone.name == f"CGCS2000 / 3-degree Gauss-Kruger CM {meridian}E"


def test_a_longitude_outside_china_has_no_zone() -> None:
    with pytest.raises(GeometryError):
        gauss_kruger_srid(2.35)


# Half axes of CGCS2000 (GB 22021-2008): a = 6378137 m, 1/f = 298.257222101.
CGCS2000 = pyproj.Geod(a=6378137, rf=298.257222101)


def simpson_meridian_degree(south: float) -> float:
    """One degree of the meridian by hand: M = a(1-e²)/(1-e²sin²φ)^1.5 under Simpson's rule."""
    a, e2 = 6378137.0, 0.00669438002290
    radius: list[float] = [
        a * (1 - e2) / (1 - e2 * math.sin(math.radians(south + i / 4)) ** 2) ** 1.5
        for i in range(5)
    ]
    weighted = radius[0] + 4 * radius[1] + 2 * radius[2] + 4 * radius[3] + radius[4]
    return weighted * math.radians(0.25) / 3


LINES = [
    [(99.0, 25.0), (99.0, 26.0)],
    [(99.0, 25.0), (100.0, 25.0)],
    [(98.5, 24.7), (98.9, 25.1), (99.4, 24.9)],
    [(99.1, 25.1), (99.1001, 25.10005)],
]


def test_lengths_of_the_database_are_those_of_geographiclib(db: OneTransaction) -> None:
    with db.read() as connection:
        for line in LINES:
            measured = connection.execute(
                text("SELECT ST_Length(ST_GeomFromText(:wkt, 4490)::geography)"),
                {"wkt": LineString(line).wkt},
            ).scalar_one()
            x, y = zip(*line, strict=True)
            assert measured == pytest.approx(CGCS2000.line_length(x, y), rel=1e-9)
            if line == LINES[0]:
                assert measured == pytest.approx(simpson_meridian_degree(25.0), abs=0.01)


def test_areas_of_the_database_are_those_of_geographiclib(db: OneTransaction) -> None:
    shapes = [
        Polygon(SQUARE),
        Polygon([(99, 25), (99.001, 25), (99.001, 25.001), (99, 25.001)]),
        MultiPolygon([Polygon(SQUARE, [[(99.02, 25.02), (99.04, 25.02), (99.04, 25.04)]])]),
    ]
    with db.read() as connection:
        for shape in shapes:
            measured = connection.execute(
                text("SELECT ST_Area(ST_GeomFromText(:wkt, 4490)::geography)"),
                {"wkt": shape.wkt},
            ).scalar_one()
            expected = abs(CGCS2000.geometry_area_perimeter(shapely.orient_polygons(shape))[0])
            assert measured == pytest.approx(expected, rel=1e-6)


def test_memory_of_the_gate_does_not_grow_with_the_file() -> None:
    lines = shapely.linestrings(
        np.random.default_rng(2).uniform([98, 24], [100, 26], (3_000, 2_000, 2))
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert find_faults(lines, GeometryType.LINE) == {}  # six million vertices, 96 MB
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 150_000
