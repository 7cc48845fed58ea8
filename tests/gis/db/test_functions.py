"""Our roles can call what we use and nothing that ends the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from gis import queries, tiles
from gis.db.cluster import Cluster
from gis.db.functions import DENIED_BUILT_IN, FUNCTIONS, compare_function_grants, our_roles
from gis.db.grants import compare_table_grants
from gis.db.handle import PooledDatabase
from gis.db.roles import OWNER, Pool, visible_kinds
from gis.db.setup import reapply_grants
from gis.geometry import BBox
from gis.kinds import KINDS
from tests.conftest import CloneDatabase

EVERYONE = [OWNER, *(pool.role for pool in Pool)]

DENIED = {
    # measured: on PostGIS 3.3 each of these, given such a geometry, ends every session
    "a crash by ST_MakeValid": "SELECT ST_MakeValid(ST_GeomFromText("
    "'POLYGON((0 0,1 1,1 0,0 1,0 0))', 4490))",
    "a crash by ST_PointOnSurface": "SELECT ST_PointOnSurface(ST_GeomFromText("
    "'GEOMETRYCOLLECTION(POINT(1 1),LINESTRING EMPTY)', 4490))",
    "a crash by the distance operator": "SELECT ST_MakePoint(0, 0) <-> ST_MakePoint(1, 1)",
    "a crash by ST_Distance": "SELECT ST_Distance(ST_MakePoint(0, 0), ST_MakePoint(1, 1))",
    "a function deaf to cancelling": "SELECT ST_HausdorffDistance("
    "ST_MakePoint(0, 0), ST_MakePoint(1, 1))",
    "polygonize": "SELECT ST_Polygonize(ST_MakePoint(0, 0))",
    "union": "SELECT ST_UnaryUnion(ST_MakePoint(0, 0))",
    "buffer": "SELECT ST_Buffer(ST_MakePoint(0, 0), 1)",
    "segmentize": "SELECT ST_Segmentize(ST_MakePoint(0, 0), 1)",
    "dump": "SELECT (ST_DumpPoints(ST_MakePoint(0, 0))).geom",
    "schema changes": "SELECT AddGeometryColumn('core', 'road', 'g2', 4490, 'POINT', 2)",
    "sleep": "SELECT pg_sleep(0)",
    "sleep for": "SELECT pg_sleep_for('0')",
    "SQL as text": "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SQL as text, a table": "SELECT table_to_xml('core.county', true, true, '')",
    "SQL as text by text search": "SELECT * FROM ts_stat('SELECT ''a''::tsvector')",
    "a file": "SELECT pg_read_file('/etc/passwd')",
    "a folder": "SELECT pg_ls_dir('.')",
    "a large object": "SELECT lo_create(0)",
    "a large object of bytes": "SELECT lo_from_bytea(0, 'x')",
    "a file as a large object": "SELECT lo_import('/etc/passwd')",
    "a message in the log of writes": "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "a file written": "COPY (SELECT 1) TO '/tmp/infratrack-must-not-exist'",
    "configuration": "SELECT pg_reload_conf()",
    "more rights": "ALTER ROLE infratrack_public SUPERUSER",
    "another role": "SET ROLE postgres",
    "a superuser's setting": "SELECT set_config('session_preload_libraries', 'x', false)",
    "an extension": "CREATE EXTENSION dblink",
}


@pytest.fixture(scope="module", params=EVERYONE)
def as_role(
    request: pytest.FixtureRequest, cluster: Cluster, clone_database: CloneDatabase
) -> Iterator[tuple[str, Connection]]:
    engine = create_engine(cluster.url(request.param, clone_database()))
    with engine.connect() as connection:
        yield request.param, connection
    engine.dispose()


@pytest.mark.parametrize("statement", DENIED.values(), ids=DENIED.keys())
def test_what_could_harm_the_server_is_denied_to_every_role(
    as_role: tuple[str, Connection], statement: str
) -> None:
    _, connection = as_role
    with connection.begin() as transaction:
        before = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        savepoint = connection.begin_nested()
        with pytest.raises(DBAPIError) as refused:
            connection.exec_driver_sql(statement)
        assert getattr(refused.value.orig, "sqlstate", None) == "42501"  # insufficient_privilege
        savepoint.rollback()
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == before
        transaction.rollback()


def test_the_allow_list_is_exactly_what_the_catalogue_has(fresh_database: PooledDatabase) -> None:
    for pool in Pool:
        with fresh_database.read(pool) as connection:
            assert compare_function_grants(connection) == []
    assert len(set(FUNCTIONS)) == len(FUNCTIONS)


def test_the_counts_of_the_catalogue_agree_with_the_list(fresh_database: PooledDatabase) -> None:
    # Asked another way: not by reading the rights, but by asking the server for each function.
    question = text(
        "SELECT count(*) FILTER (WHERE has_function_privilege(:role, oid, 'EXECUTE')), count(*)"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    denied = text(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND proname = ANY (:names) AND has_function_privilege(:role, oid, 'EXECUTE')"
    )
    with fresh_database.read(Pool.JOBS) as connection:
        for role in our_roles():
            allowed, all_ = connection.execute(question, {"role": role}).one()
            assert allowed == len(FUNCTIONS)
            assert all_ > 700  # PostGIS 3.3 alone has that many
            names = {"role": role, "names": list(DENIED_BUILT_IN)}
            assert connection.execute(denied, names).scalar() == 0


def test_a_right_too_many_or_too_few_is_found_and_reapplied(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    name = clone_database()
    superuser = create_engine(cluster.superuser_url(name))
    owner = create_engine(cluster.url(OWNER, name))
    with superuser.begin() as connection:
        connection.exec_driver_sql(
            "GRANT EXECUTE ON FUNCTION st_makevalid(geometry) TO infratrack_public"
        )
        connection.exec_driver_sql("GRANT EXECUTE ON FUNCTION pg_sleep(float8) TO PUBLIC")
        connection.exec_driver_sql(
            "REVOKE EXECUTE ON FUNCTION st_x(geometry) FROM infratrack_field"
        )
    with owner.begin() as connection:
        connection.exec_driver_sql("GRANT SELECT ON core.project TO infratrack_public")
        connection.exec_driver_sql("REVOKE SELECT ON core.county FROM infratrack_public")
        assert [str(d) for d in compare_function_grants(connection)] == [
            "+ PUBLIC: pg_sleep(double precision)",
            "+ infratrack_public: st_makevalid(geometry)",
            "- infratrack_field: st_x(geometry)",
        ]
        extra, lacking = compare_table_grants(connection)
        assert [str(p) for p in extra] == ["infratrack_public: SELECT core.project"]
        assert [str(p) for p in lacking] == ["infratrack_public: SELECT core.county"]
    with superuser.begin() as as_superuser, owner.begin() as as_owner:
        reapply_grants(as_superuser, as_owner)
    with owner.begin() as connection:
        assert compare_function_grants(connection) == []
        assert compare_table_grants(connection) == ([], [])
    superuser.dispose()
    owner.dispose()


@pytest.mark.parametrize("pool", Pool)
def test_every_question_we_ask_works_as_every_role(
    pool: Pool, fresh_database: PooledDatabase
) -> None:
    asked = queries.Filter(bbox=BBox(98, 24, 100, 26))
    with fresh_database.read(pool) as connection:
        for kind in visible_kinds(pool):
            for statement in (
                queries.features_page(kind, pool, asked, limit=10, after=None),
                queries.count_features(kind, asked),
                *(
                    tiles.tile_statement([kind], pool, zoom=z, row=0, column=0)
                    for z in (0, 5, 10, 14, 22)
                ),
            ):
                connection.exec_driver_sql(statement.sql, statement.parameters).all()


OPERATIONS = """
SELECT 'SRID=4490;POINT(1 2)'::geometry && ST_MakeEnvelope(0, 0, 3, 3, 4490)
SELECT ST_MakePoint(1, 2) = ST_MakePoint(1, 2)
SELECT ST_X(ST_MakePoint(1, 2)), ST_Y(ST_MakePoint(1, 2))
SELECT ST_SRID(ST_SetSRID(ST_MakePoint(1, 2), 4490))
SELECT ST_Extent(g) FROM (VALUES (ST_MakePoint(1, 2)), (ST_MakePoint(3, 4))) v (g)
SELECT ST_SnapToGrid(ST_MakePoint(1.23, 2), 0.1), ST_AsText(ST_MakePoint(1, 2))
SELECT ST_GeomFromWKB(ST_AsBinary(ST_MakePoint(1, 2)), 4490)
SELECT ST_GeomFromEWKT('SRID=4490;POINT(1 2)')
SELECT ST_AsEWKB(ST_GeomFromText('LINESTRING(1 2, 3 4)', 4490))
SELECT 'abc' %% 'abd', similarity('abc', 'abd'), 'abc' <%% 'abcd', word_similarity('a', 'ab')
SELECT 'abc' <-> 'abd', 'abc' <<-> 'abd'
SELECT f_table_schema, f_geometry_column, coord_dimension, srid, type FROM geometry_columns
SELECT srid FROM spatial_ref_sys WHERE srid = 4490
SELECT postgis_lib_version(), postgis_geos_version(), postgis_proj_version()
SELECT ST_Length(ST_GeomFromText('LINESTRING(99 25, 99 26)', 4490)::geography)
SELECT ST_Transform(ST_GeomFromText('POINT(99 25)', 4490), 3857)
""".strip().splitlines()


@pytest.mark.parametrize("statement", OPERATIONS)
def test_every_operation_on_the_list_works_as_every_role(
    as_role: tuple[str, Connection], statement: str
) -> None:
    role, connection = as_role
    with connection.begin() as transaction:
        rows = connection.exec_driver_sql(statement).all()
        # The view lists the tables one may read, and the gate reads no kind.
        assert bool(rows) != (role == Pool.GATE.role and "geometry_columns" in statement)
        transaction.rollback()


def test_the_owner_finds_the_kinds_in_the_view_gdal_reads(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    # PostGIS lists there what the reader may SELECT as a whole table: column rights do not count.
    owner = create_engine(cluster.url(OWNER, clone_database()))
    with owner.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT f_table_name, srid FROM geometry_columns WHERE f_table_schema = 'core'"
            " AND f_geometry_column = 'geometry'"
        ).all()
    owner.dispose()
    assert {tuple(row) for row in rows} == {(kind, 4490) for kind in KINDS}
