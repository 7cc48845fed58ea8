"""The tables refuse bad geometry by themselves: every statement here goes round the gate."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase, set_context
from gis.db.roles import Pool
from gis.geometry import MAX_VERTICES, STORAGE_SRID, GeometryType
from gis.kinds import KINDS, Record
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.samples import sample_geometry, sample_record

NANS = [
    struct.unpack("<d", struct.pack("<Q", bits))[0]
    for bits in (
        0x7FF8000000000000, 0xFFF8000000000000,  # quiet
        0x7FF0000000000001, 0xFFF0000000000001,  # signalling
        0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF,  # all ones
        0x7FF8DEADBEEF0000, 0x7FF4000000000000,  # with a payload
    )
]  # fmt: skip
SIZES = [
    math.inf, 1.7976931348623157e308, 1e308, 1e300, 1e200, 1.4e154, 1e100, 3.5e38, 1e38, 1e30,
    1e20, 2.0**64, 2.0**63, 2.0**53, 2.0**32, 2.0**31, 1e9, 20037508.342789244, 5e5, 3600.0,
    360.0, 181.0, math.nextafter(180.0, math.inf),
]  # fmt: skip
SPECIAL = [*NANS, *SIZES, *(-size for size in SIZES)]
"""Numbers that are no coordinate: 8 NaNs, infinities, and sizes outside the world."""
HARMLESS = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-17, 85.0511287798066, -85.0]
"""Numbers as odd that are places, and stay what they are."""


def test_the_table_of_special_numbers_is_long_enough() -> None:
    assert len(SPECIAL) >= 40


each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


@pytest.fixture(scope="module")
def database(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[PooledDatabase]:
    made = connect_pools(cluster, clone_database())
    yield made
    made.close()


class Writer:
    """A writing role in one transaction, that tries geometries in savepoints."""

    def __init__(self, connection: Connection, kind: type[Record]) -> None:
        self.connection, self.kind = connection, kind
        record = sample_record(kind).model_dump(mode="json", exclude={"missing", "money"})
        columns = ", ".join(record)
        values = ", ".join(f":{name}" for name in record)
        self.record = record
        self.sql = (
            f"INSERT INTO core.{kind.kind} (id, {columns}, geometry) VALUES"
            f" (gen_random_uuid(), {values}, {{geometry}})"
        )
        self.pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()

    def try_sql(self, expression: str, **values: object) -> str | None:
        """SQLSTATE of the refusal, None when the row was taken."""
        savepoint = self.connection.begin_nested()
        try:
            self.connection.execute(
                text(self.sql.format(geometry=expression)), self.record | values
            )
        except DBAPIError as error:
            return str(getattr(error.orig, "sqlstate", None))
        finally:
            savepoint.rollback()
        return None

    def try_wkb(self, wkb: bytes) -> str | None:
        return self.try_sql("CAST(:wkb AS geometry)", wkb=wkb.hex())

    def is_alive(self) -> bool:
        pid = self.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        return bool(pid == self.pid)


@pytest.fixture
def writer(kind: type[Record], database: PooledDatabase) -> Iterator[Writer]:
    pool = Pool.JOBS if kind.written_by_events else Pool.STAFF
    with database.engines[pool].connect() as connection:
        set_context(connection, actor="tester", reason="go round the gate")
        writer = Writer(connection, kind)
        yield writer
        assert writer.is_alive()
        connection.rollback()


def as_wkb(shape: BaseGeometry, srid: int = STORAGE_SRID) -> bytes:
    return bytes(shapely.to_wkb(shapely.set_srid(shape, srid), include_srid=True))


def with_number(shape: BaseGeometry, place: int, axis: int, number: float) -> bytes:
    """The WKB with one vertex's coordinate replaced byte by byte (twice where it closes a ring)."""
    old = shapely.get_coordinates(shape)[place].tolist()
    new = [number if i == axis else value for i, value in enumerate(old)]
    return as_wkb(shape).replace(struct.pack("<dd", *old), struct.pack("<dd", *new))


@each_kind
def test_an_empty_inner_ring_is_refused_which_would_end_the_server(writer: Writer) -> None:
    ring = struct.pack("<I8d", 4, 99, 25, 99.1, 25, 99.1, 25.1, 99, 25)
    hollow = struct.pack("<BII", 1, 3, 2) + ring + struct.pack("<I", 0)
    multi = struct.pack("<BIII", 1, 0x20000006, STORAGE_SRID, 1) + hollow
    assert writer.try_wkb(multi) in REFUSAL


REFUSAL = {"23514", "22023", "XX000", "22P02", "22003"}
"""A CHECK, a type modifier or PostGIS's own parser said no; not a crash (57P0x, 08xxx)."""


@each_kind
def test_a_good_geometry_is_taken(writer: Writer) -> None:
    assert writer.try_wkb(as_wkb(sample_geometry(writer.kind))) is None


@each_kind
def test_special_numbers_are_refused_in_every_vertex_and_axis(writer: Writer) -> None:
    shape = sample_geometry(writer.kind)
    count = int(shapely.get_num_coordinates(shape))
    taken = []
    for place in {0, count // 2, count - 1}:
        for axis in (0, 1):
            for number in SPECIAL:
                state = writer.try_wkb(with_number(shape, place, axis, number))
                if state not in REFUSAL:
                    taken.append((place, axis, number, state))
    assert taken == []


@pytest.mark.parametrize("kind", [KINDS["gas_site"]], ids=["gas_site"])
def test_odd_numbers_that_are_places_are_stored_as_they_are(writer: Writer) -> None:
    for number in HARMLESS:
        assert writer.try_wkb(as_wkb(shapely.Point(99.0, number))) is None
    for number in (180.0, -180.0):
        assert writer.try_wkb(as_wkb(shapely.Point(number, 25.0))) is None
    assert (
        writer.try_wkb(as_wkb(shapely.Point(99, math.nextafter(85.0511287798066, 90)))) == "23514"
    )


SPELLED = [
    "POINT(1e999 25)", "POINT(99 -1e999)", "POINT(nan nan)", "POINT(inf 25)", "POINT EMPTY",
    "POINT(25 99)", "POINT(500000 2766054)", "LINESTRING EMPTY", "LINESTRING(99 25, 1e999 25)",
    "LINESTRING(99 25, 99 25)", "LINESTRING(99 25, nan nan, 99.1 25)", "LINESTRING(25 99, 25 100)",
    "MULTIPOLYGON EMPTY", "MULTIPOLYGON(EMPTY)",
    "MULTIPOLYGON(((99 25,99.1 25,99.1 25.1,99 25)),EMPTY)",
    "MULTIPOLYGON(EMPTY,((99 25,99.1 25,99.1 25.1,99 25)),EMPTY)",
    "MULTIPOLYGON(((0 0,1 1,1 0,0 1,0 0)))",  # bowtie
    "MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((1 0.5,3 0.5,3 2,1 0.5)))",  # one inside another
    "MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0),(5 5,6 5,6 6,5 5)))",  # a hole outside
    "MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0),(1 1,nan 1,2 2,1 1)))",
    "MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0),(1 1,1 1,1 1,1 1)))",
    "MULTIPOLYGON(((99 25,99 25,99 25,99 25)))",
    "MULTIPOLYGON(((25 99,25 99.1,25.1 99.1,25 99)))",
    "POLYGON EMPTY", "MULTIPOINT(EMPTY)", "MULTILINESTRING(EMPTY)", "GEOMETRYCOLLECTION EMPTY",
    "GEOMETRYCOLLECTION(POINT(1 1),LINESTRING EMPTY)",
    "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)))",
    "CIRCULARSTRING(0 0, 1 1, 2 0)", "COMPOUNDCURVE((0 0, 1 1))", "CURVEPOLYGON((0 0,1 0,1 1,0 0))",
    "MULTICURVE((0 0, 1 1))", "MULTISURFACE(((0 0,1 0,1 1,0 0)))", "TRIANGLE((0 0,1 0,1 1,0 0))",
    "TIN(((0 0,1 0,1 1,0 0)))", "POLYHEDRALSURFACE(((0 0,1 0,1 1,0 0)))",
    "POINT Z(99 25 1)", "POINT M(99 25 1)", "POINT ZM(99 25 1 1)",
    "LINESTRING Z(99 25 1, 99.1 25 1)", "LINESTRING M(99 25 1, 99.1 25 1)",
    "MULTIPOLYGON Z(((99 25 1,99.1 25 1,99.1 25.1 1,99 25 1)))",
]  # fmt: skip
"""Refused by every kind: no column holds it, or its CHECK does."""


@each_kind
def test_geometries_no_kind_may_hold_are_refused(writer: Writer) -> None:
    taken = {}
    for wkt in SPELLED:
        state = writer.try_sql("ST_GeomFromText(:wkt, 4490)", wkt=wkt)
        if state not in REFUSAL:
            taken[wkt] = state
    assert taken == {}


@each_kind
def test_a_geometry_of_another_type_or_srid_is_refused(writer: Writer) -> None:
    for other in KINDS.values():
        allowed = writer.kind.geometry_type.allowed
        shape = sample_geometry(other)
        if shape.geom_type not in allowed:
            assert writer.try_wkb(as_wkb(shape)) in REFUSAL
    for srid in (0, 3857, 4326, 4542, 999999, -1):
        shape = sample_geometry(writer.kind)
        wkb = as_wkb(shape, srid) if srid > 0 else bytes(shapely.to_wkb(shape))
        # PostGIS gives a geometry without SRID the column's; that is what the column says it is.
        assert (writer.try_wkb(wkb) in REFUSAL) == (srid > 0), srid


@each_kind
def test_more_vertices_than_the_limit_are_refused(writer: Writer) -> None:
    if writer.kind.geometry_type is GeometryType.POINT:
        return
    for vertices, taken in ((MAX_VERTICES, True), (MAX_VERTICES + 1, False)):
        angles = np.linspace(0, 2 * np.pi, vertices - 1, endpoint=False)
        ring = np.column_stack([99 + np.cos(angles) / 9, 25 + np.sin(angles) / 9])
        ring = np.vstack([ring, ring[:1]])
        shape = (
            shapely.LineString(ring)
            if writer.kind.geometry_type is GeometryType.LINE
            else shapely.multipolygons([shapely.Polygon(ring)])
        )
        assert (writer.try_wkb(as_wkb(shape)) is None) == taken


@each_kind
def test_a_correction_is_checked_like_a_new_row(
    kind: type[Record], database: PooledDatabase
) -> None:
    pool = Pool.JOBS if kind.written_by_events else Pool.STAFF
    with database.engines[pool].connect() as connection:
        set_context(connection, actor="tester", reason="correct")
        writer = Writer(connection, kind)
        good = as_wkb(sample_geometry(kind)).hex()
        connection.execute(
            text(writer.sql.format(geometry="CAST(:wkb AS geometry)")),
            writer.record | {"wkb": good},
        )
        for wkt in SPELLED:
            savepoint = connection.begin_nested()
            with pytest.raises(DBAPIError):
                connection.execute(
                    text(f"UPDATE core.{kind.kind} SET geometry = ST_GeomFromText(:wkt, 4490)"),
                    {"wkt": wkt},
                )
            savepoint.rollback()
        assert writer.is_alive()
        connection.rollback()


@each_kind
def test_history_is_checked_too(kind: type[Record], database: PooledDatabase) -> None:
    with database.engines[Pool.JOBS].connect() as connection:
        set_context(connection, actor="tester", reason="history")
        for number in (*NANS, math.inf, 181.0):
            wkb = with_number(sample_geometry(kind), 0, 0, number)
            record = sample_record(kind).model_dump(mode="json", exclude={"missing", "money"})
            savepoint = connection.begin_nested()
            with pytest.raises(DBAPIError, match=f"ck_{kind.kind}_geometry"):
                connection.execute(
                    text(
                        f"INSERT INTO history.{kind.kind} (id, {', '.join(record)}, geometry,"
                        " version, valid, recorded_at, recorded_by, recorded_tx) VALUES"
                        f" (gen_random_uuid(), {', '.join(f':{n}' for n in record)},"
                        " CAST(:wkb AS geometry), 1, tstzrange(now(), NULL), now(), 'tester',"
                        " pg_current_xact_id())"
                    ),
                    record | {"wkb": wkb.hex()},
                )
            savepoint.rollback()
        connection.rollback()
