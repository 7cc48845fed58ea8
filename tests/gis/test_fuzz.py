"""Fifty thousand mutants, and no process has died: neither a worker of ours nor a backend."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
import shapely
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.db.cluster import Cluster
from gis.db.functions import FUNCTIONS
from gis.db.handle import PooledDatabase, set_context
from gis.db.roles import Pool
from gis.geometry import STORAGE_SRID, GeometryType
from gis.kinds import KINDS
from gis.queries import Filter, features_page
from gis.tiles import tile_statement
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.fuzz_corpus import wkb_mutants
from tests.gis.samples import sample_frame, sample_record

SEED = 20_240_601
WKB_COUNT, GEOJSON_COUNT, RAW_COUNT, LITERAL_COUNT = 30_000, 24_000, 4_000, 8_000
COLUMN_OF = {"POINT": "sewer_manhole", "LINE": "sewer_pipe", "AREA": "pocket_park"}


@pytest.fixture(scope="module")
def database(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[PooledDatabase]:
    made = connect_pools(cluster, clone_database())
    yield made
    made.close()


@pytest.fixture
def witness(database: PooledDatabase) -> Iterator[None]:
    """A session opened before: the postmaster ends every session when one backend dies."""
    with database.engines[Pool.FIELD].connect() as connection:
        pid = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        started = connection.exec_driver_sql("SELECT pg_postmaster_start_time()").scalar()
        connection.rollback()
        postmaster = psutil.Process(pid).parent()
        assert postmaster is not None
        # Backends come and go; these live as long as no backend died (else they are restarted).
        helpers = {child.pid for child in postmaster.children() if _is_helper(child)}
        assert len(helpers) >= 4
        yield
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == pid
        assert connection.exec_driver_sql("SELECT pg_postmaster_start_time()").scalar() == started
        assert helpers == {child.pid for child in postmaster.children() if _is_helper(child)}


def _is_helper(process: psutil.Process) -> bool:
    words = ("checkpointer", "background writer", "walwriter", "autovacuum launcher", "replication")
    try:
        return any(word in " ".join(process.cmdline()) for word in words)
    except psutil.Error:
        return False


@pytest.fixture(scope="module")
def accepted() -> list[list[str]]:
    """What the gate let through, judged in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.gis.fuzz_corpus",
         str(SEED), str(WKB_COUNT), str(GEOJSON_COUNT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]  # a negative code is the signal that ended it
    answer = json.loads(done.stdout)
    print(f"\n{WKB_COUNT} WKB and {GEOJSON_COUNT} GeoJSON mutants: {answer['verdicts']}")
    print(f"let through: {Counter(name for name, _ in answer['accepted'])}")
    assert len(answer["accepted"]) + sum(answer["verdicts"].values()) == WKB_COUNT + GEOJSON_COUNT
    result: list[list[str]] = answer["accepted"]
    return result


def test_enough_mutants_of_every_type_get_through_the_gate_to_mean_something(
    accepted: list[list[str]],
) -> None:
    counts = Counter(name for name, _ in accepted)
    assert min(counts[name] for name in COLUMN_OF) > 300
    assert len({wkb for _, wkb in accepted}) > 1000


def test_what_the_gate_lets_through_the_database_stores_and_answers(
    accepted: list[list[str]], database: PooledDatabase, witness: None
) -> None:
    for name, kind in COLUMN_OF.items():
        shapes = shapely.from_wkb([wkb for type_, wkb in accepted if type_ == name])
        frame = sample_frame(KINDS[kind], *(f"F{i}" for i in range(len(shapes))))
        frame = frame.set_geometry(shapes).set_crs(STORAGE_SRID)
        with database.write(actor="fuzz", reason="fuzz", pool=Pool.STAFF) as connection:
            assert store.load_rows(connection, kind, frame).added == len(shapes)
    for kind in COLUMN_OF.values():
        with database.read(Pool.STAFF) as connection:
            _ask_everything(connection, kind)


def _ask_everything(connection: Connection, kind: str) -> None:
    declared = KINDS[kind]
    asked = features_page(declared, Pool.STAFF, Filter(), limit=10_000, after=None)
    features, count, _, more = connection.exec_driver_sql(asked.sql, asked.parameters).one()
    assert not more
    assert len(json.loads(f"[{features}]")) == count > 300
    for zoom, x, y in ((0, 0, 0), (6, 49, 27), (12, 3175, 1753), (14, 12_702, 7012)):
        tile = tile_statement([declared], Pool.STAFF, zoom=zoom, row=y, column=x)
        assert connection.exec_driver_sql(tile.sql, tile.parameters).scalar() is not None
    for tolerance in (0.0, 1e-300, 1.0, 1e5, 1e300):
        connection.execute(
            text(
                "SELECT ST_AsMVTGeom(ST_Simplify(geometry_3857, :t, true),"
                " ST_TileEnvelope(0, 0, 0), 4096, 64, true),"
                " ST_SnapToGrid(geometry_3857, :t), ST_AsBinary(geometry), ST_AsEWKB(geometry),"
                " ST_Intersects(geometry, ST_MakeEnvelope(99, 25, 99.2, 25.2, 4490))"
                f" FROM core.{kind}"
            ),
            {"t": tolerance},
        ).all()
    if declared.geometry_type is not GeometryType.POINT:
        measure = "length_m" if declared.geometry_type is GeometryType.LINE else "area_m2"
        values = connection.exec_driver_sql(f"SELECT {measure} FROM core.{kind}").scalars()
        assert all(math.isfinite(value) and value >= 0 for value in values)


def test_raw_mutants_at_the_table_end_no_backend(database: PooledDatabase, witness: None) -> None:
    """No gate here: PostGIS's parser, the generated columns and the CHECKs meet them alone."""
    verdicts: Counter[str] = Counter()
    mutants = wkb_mutants(SEED + 2, RAW_COUNT)
    with database.engines[Pool.STAFF].connect() as connection:
        set_context(connection, actor="fuzz", reason="raw")
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        statements = {kind: _insert_of(kind) for kind in (*COLUMN_OF.values(), "population")}
        for i, wkb in enumerate(mutants):
            for kind in statements if i % 10 == 0 else [_likely_kind(wkb)]:
                savepoint = connection.begin_nested()
                try:
                    statement, record = statements[kind]
                    code = {"code": f"R{i}", "source_code": f"R{i}", "wkb": wkb.hex()}
                    connection.execute(statement, record | code)
                    savepoint.commit()
                    verdicts["taken"] += 1
                except DBAPIError as error:
                    savepoint.rollback()
                    state = str(getattr(error.orig, "sqlstate", None))
                    assert not state.startswith(("08", "57P")), state
                    verdicts[state] += 1
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == pid
        for kind in COLUMN_OF.values():
            connection.exec_driver_sql(
                "SELECT ST_AsMVTGeom(ST_Simplify(geometry_3857, 10, true),"
                " ST_TileEnvelope(0, 0, 0), 4096, 64, true), ST_AsGeoJSON(geometry, 7, 0)"
                f" FROM core.{kind} WHERE source = 'raw'"
            ).all()
        connection.rollback()
    print(f"\n{RAW_COUNT} raw mutants: {dict(verdicts)}")
    assert sum(verdicts.values()) >= RAW_COUNT
    assert verdicts["taken"] > 100
    assert verdicts["23514"] > 100


EXPRESSIONS = (
    "g::geography", "ST_Area(g::geography)", "ST_Length(g::geography)", "ST_Transform(g, 3857)",
    "box3d(g)", "box2d(g)", "GeometryType(g)", "ST_IsEmpty(g)", "ST_IsValid(g)", "ST_NPoints(g)",
    "ST_XMin(g)", "g = g", "g && g", "ST_AsBinary(g)", "ST_AsEWKB(g)", "ST_AsGeoJSON(g, 7, 0)",
    "ST_AsMVTGeom(g, ST_TileEnvelope(0, 0, 0), 4096, 64, true)",
    "ST_AsMVTGeom(g, ST_MakeEnvelope(98, 24, 100, 26, 4490), 4096, 64, true)",
    "ST_AsText(g)", "ST_AsText(g, 0)", "ST_Extent(g)", "ST_Intersects(g, g)",
    "ST_Intersects(g, ST_MakeEnvelope(99, 25, 99.2, 25.2, 4490))", "ST_SetSRID(g, 4326)",
    "ST_Simplify(g, 0, true)", "ST_Simplify(g, 0.01, true)", "ST_SnapToGrid(g, 0.1)",
    "ST_StartPoint(g)", "ST_EndPoint(g)", "ST_LineInterpolatePoint(g, 0.5)",
    "ST_LineSubstring(g, 0.2, 0.7)", "ST_SRID(g)", "ST_X(g)", "ST_Y(g)",
    "g::geometry(Geometry, 4490)",
)  # fmt: skip
"""Every function of the allow-list that takes a geometry."""


def test_the_expressions_name_every_allowed_function_that_takes_a_geometry() -> None:
    called = {word.casefold() for word in re.findall(r"\w+(?=\()", " ".join(EXPRESSIONS))}
    takes = {f.split("(")[0] for f in FUNCTIONS if "geometry" in f.split("(")[1]}
    takes |= {f.split("(")[0] for f in FUNCTIONS if "geography" in f.split("(")[1]}
    operators = {"geometry", "geography", "geometry_eq", "geometry_overlaps"}
    assert takes - operators <= called | {"st_tileenvelope"}


def test_no_allowed_function_ends_a_backend_on_a_mutant_that_no_table_has_seen(
    database: PooledDatabase, witness: None
) -> None:
    """What a role could do with SQL of its own: any mutant as a literal, into any function."""
    mutants = list(wkb_mutants(SEED + 3, LITERAL_COUNT))
    with database.engines[Pool.STAFF].connect() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        connection.exec_driver_sql(
            "CREATE TEMP TABLE mutant AS SELECT unnest(%s::bytea[]) AS wkb", (mutants,)
        )
        connection.exec_driver_sql("CREATE TEMP TABLE done (expression int, answered int)")
        connection.exec_driver_sql("SET LOCAL client_min_messages = error")
        for i, expression in enumerate(EXPRESSIONS):
            connection.exec_driver_sql(
                "DO $$ DECLARE m record; g geometry; answered int := 0; BEGIN"
                " FOR m IN SELECT wkb FROM mutant LOOP BEGIN"
                f" g := ST_GeomFromWKB(m.wkb, 4490); PERFORM {expression};"
                " answered := answered + 1; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP;"
                f" INSERT INTO done VALUES ({i}, answered); END $$"
            )
        answered = connection.exec_driver_sql("SELECT answered FROM done").scalars().all()
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == pid
        connection.rollback()
    print(f"\n{LITERAL_COUNT} literals into {len(EXPRESSIONS)} functions: {answered} answered")
    assert len(answered) == len(EXPRESSIONS)
    assert min(answered) > LITERAL_COUNT / 20  # not refused before the function was reached


def _likely_kind(wkb: bytes) -> str:
    code = int.from_bytes(wkb[1:5], "little" if wkb[:1] == b"\x01" else "big") & 0xFF
    return {1: "sewer_manhole", 2: "sewer_pipe", 6: "pocket_park"}.get(code % 1000, "population")


def _insert_of(kind: str) -> tuple[TextClause, dict[str, object]]:
    record = sample_record(KINDS[kind]).model_dump(mode="json", exclude={"missing", "money"})
    record["source"] = "raw"
    values = ", ".join(f":{name}" for name in record)
    return text(
        f"INSERT INTO core.{kind} (id, {', '.join(record)}, geometry)"
        f" VALUES (gen_random_uuid(), {values}, CAST(:wkb AS geometry))"
    ), record
