"""Each role reads and writes exactly what the kinds' sensitivity lets it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import errors
from sqlalchemy import Connection, create_engine, insert, text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.attributes import Sensitivity
from gis.db.cluster import Cluster
from gis.db.grants import compare_table_grants
from gis.db.handle import PooledDatabase, set_context
from gis.db.roles import OWNER, Pool
from gis.db.tables import CORE, HISTORY, current, history, metadata
from gis.kinds import KINDS, declared, sensitivity_of
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.samples import sample_geometry, sample_record

CLEARANCE = {  # domain.md 4, written out a second time: the test does not ask the code
    Pool.PUBLIC: {Sensitivity.PUBLIC},
    Pool.FIELD: {Sensitivity.PUBLIC, Sensitivity.INTERNAL},
    Pool.STAFF: set(Sensitivity),
    Pool.JOBS: set(Sensitivity),
    Pool.GATE: set(),
}
EVERYONE_READS = {
    "id", "version", "valid", "recorded_at", "geometry", "geometry_3857",
    "middle_lon", "middle_lat",
}  # fmt: skip
MEASURES = {"length_m", "area_m2"}
AUTHORS = {"recorded_by", "recorded_tx", "reason"}
each_pool = pytest.mark.parametrize("pool", Pool)


@pytest.fixture(scope="module")
def filled(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[PooledDatabase]:
    """One full record of every kind, committed; restricted words hold a canary."""
    database = connect_pools(cluster, clone_database())
    with database.write(actor="tester", reason="fill", pool=Pool.JOBS) as connection:
        for kind in KINDS.values():
            record = sample_record(kind, full=True)
            for name in declared(kind):
                if isinstance(getattr(record, name), str) and name not in ("code", "source"):
                    hidden = sensitivity_of(kind, name) is Sensitivity.RESTRICTED
                    if hidden and type(getattr(record, name)) is str:
                        record = record.model_copy(update={name: "CANARY-" + name})
            store.add(connection, record, sample_geometry(kind))
        connection.execute(
            insert(metadata.tables["core.event"]).values(
                id=uuid4(), hazard_id=uuid4(), type="imported", at=text("now()"),
                actor="x", recorded_by="forged",
            )
        )  # fmt: skip
    yield database
    database.close()


def expected_columns(name: str, pool: Pool) -> set[str]:
    kind = KINDS[name]
    cleared = CLEARANCE[pool]
    if kind.sensitivity not in cleared:
        return set()
    columns = {n for n in declared(kind) if sensitivity_of(kind, n) in cleared}
    columns |= EVERYONE_READS | (MEASURES & set(current[name].columns.keys()))
    return columns | (AUTHORS if pool in (Pool.STAFF, Pool.JOBS) else set())


@each_pool
@pytest.mark.parametrize("name", KINDS)
def test_a_role_reads_exactly_the_columns_of_its_clearance(
    name: str, pool: Pool, filled: PooledDatabase
) -> None:
    for schema, table in ((CORE, current[name]), (HISTORY, history[name])):
        expected = expected_columns(name, pool)
        if expected and schema == HISTORY:
            expected = expected | {"deleted"}
        with filled.read(pool) as connection:
            for column in (c.name for c in table.columns):
                try:
                    with connection.begin_nested():
                        rows = connection.exec_driver_sql(
                            f"SELECT {column} FROM {schema}.{name}"
                        ).all()
                    assert len(rows) == 1
                    readable = True
                except DBAPIError as error:
                    readable = not isinstance(error.orig, errors.InsufficientPrivilege)
                assert readable == (column in expected), f"{pool} {schema}.{name}.{column}"


def attempts(name: str) -> dict[str, str]:
    """Statement by what it tries, as (schema, table) sees it; NULL rows never reach the end."""
    return {
        "insert": f"INSERT INTO core.{name} (id, code, source) VALUES"
        " (gen_random_uuid(), 'x', 'x')",
        "insert version": f"INSERT INTO core.{name} (id, version) VALUES (gen_random_uuid(), 9)",
        "insert author": f"INSERT INTO core.{name} (id, recorded_by) VALUES"
        " (gen_random_uuid(), 'me')",
        "update": f"UPDATE core.{name} SET note = 'x'",
        "update id": f"UPDATE core.{name} SET id = gen_random_uuid()",
        "update version": f"UPDATE core.{name} SET version = 7",
        "update author": f"UPDATE core.{name} SET recorded_by = 'me'",
        "update valid": f"UPDATE core.{name} SET valid = tstzrange('2000-01-01', NULL)",
        "delete": f"DELETE FROM core.{name}",
        "truncate": f"TRUNCATE core.{name}",
        "lock": f"LOCK TABLE core.{name} IN ACCESS EXCLUSIVE MODE",
        "alter": f"ALTER TABLE core.{name} DISABLE TRIGGER ALL",
        "drop": f"DROP TABLE core.{name}",
        "history insert": f"INSERT INTO history.{name} (id, version) VALUES (gen_random_uuid(), 1)",
        "history insert deleted": f"INSERT INTO history.{name} (id, deleted) VALUES"
        " (gen_random_uuid(), true)",
        "history update": f"UPDATE history.{name} SET note = 'x'",
        "history delete": f"DELETE FROM history.{name}",
        "history truncate": f"TRUNCATE history.{name}",
    }


def may(pool: Pool, name: str) -> set[str]:
    if pool is Pool.JOBS:
        return {"insert", "insert version", "update", "delete", "history insert", "lock"}
    if pool is Pool.STAFF and name != "hazard":
        return {"insert", "update", "delete", "lock"}
    if pool in (Pool.STAFF, Pool.FIELD) and name == "hazard":
        return {"insert", "update"}  # a guard asks for the event that led to it
    return set()


@each_pool
@pytest.mark.parametrize("name", KINDS)
def test_a_role_writes_only_what_it_may(name: str, pool: Pool, filled: PooledDatabase) -> None:
    for attempt, statement in attempts(name).items():
        with filled.engines[pool].connect() as connection:
            set_context(connection, actor="tester", reason="try")
            try:
                connection.exec_driver_sql(statement)
                denied = False
            except DBAPIError as error:
                # Any other refusal (a missing value, say) came after the right was granted.
                denied = isinstance(error.orig, errors.InsufficientPrivilege)
            connection.rollback()
        assert denied == (attempt not in may(pool, name)), f"{pool}: {attempt}"


def test_the_catalogue_has_the_declared_rights_and_no_other(filled: PooledDatabase) -> None:
    for pool in Pool:
        with filled.read(pool) as connection:
            assert compare_table_grants(connection) == ([], [])


@pytest.mark.parametrize("pool", [Pool.PUBLIC, Pool.FIELD])
def test_no_planted_restricted_value_reaches_a_reader_below_it(
    pool: Pool, filled: PooledDatabase
) -> None:
    with filled.read(Pool.JOBS) as connection:
        planted = connection.exec_driver_sql(
            "SELECT count(*) FROM core.gas_site WHERE contact LIKE 'CANARY%%'"
        ).scalar()
    assert planted == 1  # the canaries are there to be found
    seen = []
    with filled.read(pool) as connection:
        tables = connection.exec_driver_sql(
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname"
            "  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            "  JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm')"
            "   AND has_column_privilege(c.oid, a.attnum, 'SELECT')"
            "   AND n.nspname NOT IN ('information_schema')"
        ).all()
        for table, column in tables:
            with connection.begin_nested() as savepoint:
                try:
                    found = connection.exec_driver_sql(
                        f'SELECT count(*) FROM {table} WHERE "{column}"::text LIKE %s',
                        ("%CANARY%",),
                    ).scalar()
                except DBAPIError:
                    savepoint.rollback()
                    continue
                # Its own running statement holds the word it looks for.
                if found and table != "pg_catalog.pg_stat_activity":
                    seen.append(f"{table}.{column}")
    assert len(tables) > 500
    assert seen == []


@each_pool
def test_statistics_do_not_tell_restricted_values(
    pool: Pool, filled: PooledDatabase, cluster: Cluster
) -> None:
    with filled.engines[pool].connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT tablename, attname FROM pg_stats WHERE schemaname IN ('core', 'history')"
        ).all()
    for table, column in rows:
        if table in KINDS:
            assert column in expected_columns(table, pool) | {"deleted"}


def test_nothing_is_written_without_an_actor(filled: PooledDatabase) -> None:
    statements = [
        *(f"UPDATE core.{name} SET note = 'x'" for name in KINDS),
        *(f"DELETE FROM core.{name}" for name in KINDS),
        "INSERT INTO core.county (code, name_zh, name_en, extent) VALUES"
        " ('1', '县', 'C', ST_MakeEnvelope(98, 24, 100, 26, 4490))",
        "INSERT INTO core.project_asset (project_id, asset_id, work) SELECT id, id, 'new' FROM"
        " core.asset",
        "INSERT INTO core.event (id, hazard_id, type, at, actor, recorded_by) VALUES"
        " (gen_random_uuid(), gen_random_uuid(), 'imported', now(), 'x', 'x')",
        *(
            f"INSERT INTO history.{name} (id, version, valid, recorded_at, recorded_by,"
            f" recorded_tx) VALUES (gen_random_uuid(), 1, tstzrange(now(), NULL), now(), 'x',"
            " pg_current_xact_id())"
            for name in KINDS
        ),
    ]
    for statement in statements:
        with filled.engines[Pool.JOBS].connect() as connection:
            with pytest.raises(DBAPIError) as refused:
                connection.exec_driver_sql(statement)
            assert getattr(refused.value.orig, "sqlstate", "") == "IT001", statement


@pytest.mark.parametrize("schema_table", [*(f"history.{k}" for k in KINDS), "core.event"])
def test_history_and_events_are_append_only_even_for_their_owner(
    schema_table: str, filled: PooledDatabase, cluster: Cluster
) -> None:
    url = cluster.url(OWNER, str(filled.engines[Pool.JOBS].url.database))
    owner = create_engine(url)
    column = "note" if schema_table.startswith("history") else "actor"
    for statement in (
        f"UPDATE {schema_table} SET {column} = 'x'",
        f"DELETE FROM {schema_table}",
        f"TRUNCATE {schema_table} CASCADE",
    ):
        with owner.connect() as connection:
            set_context(connection, actor="owner", reason="tamper")
            with pytest.raises(DBAPIError) as refused:
                connection.exec_driver_sql(statement)
            assert getattr(refused.value.orig, "sqlstate", "") == "IT003"
    owner.dispose()


def test_who_and_when_of_an_event_are_the_servers_word(filled: PooledDatabase) -> None:
    with filled.read(Pool.JOBS) as connection:
        by, age = connection.exec_driver_sql(
            "SELECT recorded_by, now() - recorded_at < interval '1 hour' FROM core.event"
        ).one()
    assert (by, age) == ("tester", True)


@pytest.mark.parametrize(
    "forged",
    [
        "recorded_by = 'somebody else'",
        "recorded_at = now() - interval '1 day'",
        "recorded_at = now() + interval '1 day'",
        "recorded_tx = '1'",
        "valid = tstzrange(now() + interval '2 days', NULL)",
    ],
)
def test_a_bulk_load_cannot_forge_who_when_or_the_future(
    forged: str, filled: PooledDatabase
) -> None:
    column, value = forged.split(" = ")
    values = {
        "id": "gen_random_uuid()", "version": "1", "valid": "tstzrange(now(), NULL)",
        "recorded_at": "now()", "recorded_by": "'tester'", "code": "'x'", "source": "'x'",
        "recorded_tx": "pg_current_xact_id()", "road_class": "'arterial'",
        "verification": "'unverified'", "service_state": "'in_use'",
        "geometry": "ST_GeomFromText('LINESTRING(99 25, 99.1 25)', 4490)",
    }  # fmt: skip

    def load(connection: Connection, row: dict[str, str]) -> None:
        connection.exec_driver_sql(
            f"INSERT INTO history.road ({', '.join(row)}) VALUES ({', '.join(row.values())})"
        )

    with filled.engines[Pool.JOBS].connect() as connection:
        set_context(connection, actor="tester", reason="load")
        load(connection, values)  # the honest row is taken
        with pytest.raises(DBAPIError) as refused:
            load(connection, values | {column: value})
        assert getattr(refused.value.orig, "sqlstate", "") in ("IT002", "IT003")


def test_our_roles_are_neither_superuser_nor_owner_nor_members_of_others(
    filled: PooledDatabase,
) -> None:
    with filled.read(Pool.JOBS) as connection:
        roles = connection.exec_driver_sql(
            "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication"
            " OR rolbypassrls AS mighty FROM pg_roles WHERE rolname LIKE 'infratrack%%'"
        ).all()
        assert {tuple(r) for r in roles} == {
            (name, False) for name in (OWNER, *(p.role for p in Pool))
        }
        owned = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE r.rolname LIKE 'infratrack%%' AND r.rolname <> 'infratrack_owner'"
        ).scalar()
        members = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
            " WHERE r.rolname LIKE 'infratrack%%'"
        ).scalar()
    assert (owned, members) == (0, 0)


@each_pool
def test_only_loading_roles_make_temporary_tables_and_nobody_makes_others(
    pool: Pool, cluster: Cluster, fresh_database: PooledDatabase
) -> None:
    # A clone does not inherit the rights on the database itself: they are put back first.
    from gis.db.setup import reapply_grants

    name = str(fresh_database.engines[pool].url.database)
    superuser = create_engine(cluster.superuser_url(name))
    owner = create_engine(cluster.url(OWNER, name))
    with superuser.begin() as as_superuser, owner.begin() as as_owner:
        reapply_grants(as_superuser, as_owner)
    superuser.dispose()
    owner.dispose()
    for statement, allowed in (
        ("CREATE TEMP TABLE t (a int)", pool in (Pool.STAFF, Pool.JOBS)),
        ("CREATE TABLE public.t (a int)", False),
        ("CREATE TABLE core.t (a int)", False),
        ("CREATE SCHEMA mine", False),
        ("CREATE FUNCTION core.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", False),
        ("SELECT core.attach_kind('road')", False),
    ):
        with fresh_database.engines[pool].connect() as connection:
            try:
                connection.exec_driver_sql(statement)
                done = True
            except DBAPIError as error:
                done = not isinstance(error.orig, errors.InsufficientPrivilege)
            connection.rollback()
        assert done == allowed, statement
