"""From an empty server to a migrated database with exactly the rights the code declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text

from gis.attributes import Text
from gis.db.functions import function_grants
from gis.db.roles import OWNER, SYSTEM_VISIBLE, Pool, visible_attributes, visible_kinds
from gis.db.tables import CORE, HISTORY, MEASURES, current
from gis.errors import SetupError
from gis.kinds import KINDS

EXTENSIONS = ("postgis", "pg_trgm")
ROLE_SETTINGS: dict[Pool, dict[str, str]] = {
    Pool.PUBLIC: {"statement_timeout": "5s"},
    Pool.FIELD: {"statement_timeout": "5s"},
    Pool.STAFF: {"statement_timeout": "10s"},
    Pool.JOBS: {"statement_timeout": "600s"},
}
COMMON_SETTINGS = {
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "15s",
    "work_mem": "16MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "search_path": f"{CORE}, public",
    "TimeZone": "UTC",
}
_PLAIN_TABLES_READ = {
    "collection_version": tuple(Pool),
    "county": tuple(Pool),
    "project_asset": (Pool.STAFF, Pool.JOBS),
    "asset": (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    "hazard_event": (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    "alembic_version": tuple(Pool),
}
_PLAIN_TABLES_WRITE = {
    "project_asset": (Pool.STAFF, Pool.JOBS),
    "county": (Pool.JOBS,),
}


def role_statements() -> Iterator[str]:
    """What a superuser runs once per server: the roles and their limits (idempotent)."""
    for role in (OWNER, *(pool.role for pool in Pool)):
        yield (
            f"DO $$ BEGIN CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;"
            " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
    yield f"ALTER ROLE {OWNER} SET search_path = {CORE}, public"
    yield f"ALTER ROLE {OWNER} SET TimeZone = 'UTC'"
    for pool, settings in ROLE_SETTINGS.items():
        for name, value in {**COMMON_SETTINGS, **settings}.items():
            literal = value if name == "search_path" else f"'{value}'"
            yield f"ALTER ROLE {pool.role} SET {name} = {literal}"
        if pool is not Pool.JOBS:
            yield f"ALTER ROLE {pool.role} SET temp_file_limit = '512MB'"


def database_statements() -> Iterator[str]:
    """What a superuser runs once in the new database, before anything else is in it.

    EXECUTE is taken from PUBLIC *before* the extensions exist, so that no function of theirs is
    open to anyone; :func:`gis.db.functions.function_grants` then opens the few we use.
    """
    yield "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    for extension in EXTENSIONS:
        yield f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public"
    for schema in (CORE, HISTORY):
        yield f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {OWNER}"
    yield f"GRANT SELECT ON spatial_ref_sys, geometry_columns TO {OWNER}, {_all_pools()}"
    yield f"GRANT USAGE ON SCHEMA public TO {OWNER}, {_all_pools()}"


def create_database(superuser_url: str, name: str) -> None:
    """Create the roles and an empty, prepared database (embedded cluster and tests)."""
    engine = create_engine(superuser_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in role_statements():
            connection.exec_driver_sql(statement)
        known = connection.execute(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
        ).scalar()
        if not known:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER {OWNER}')
    engine.dispose()


def prepare_database(connection: Connection) -> None:
    """Extensions, schemas and function rights, as superuser inside the database."""
    for statement in (*database_statements(), *function_grants()):
        connection.exec_driver_sql(statement)


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(owner: Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision`` and the grants to what the code declares."""
    with owner.begin() as connection:
        _require_prepared(connection)
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7261001)")
        command.upgrade(alembic_config(connection), revision)
        for statement in table_grants():
            connection.exec_driver_sql(statement)


def _require_prepared(connection: Connection) -> None:
    missing = [
        e
        for e in EXTENSIONS
        if not connection.execute(
            text("SELECT 1 FROM pg_extension WHERE extname = :name"), {"name": e}
        ).scalar()
    ]
    if missing:
        raise SetupError(
            Text(
                zh="数据库缺少扩展 {missing}:请管理员执行 `python3 -m gis migrate --print-sql` 的输出",
                en="the database lacks {missing}: have an administrator run what"
                " `python3 -m gis migrate --print-sql` prints",
            ).format(missing=", ".join(missing)),
            missing=missing,
        )


def table_grants() -> Iterator[str]:
    """Every table and column grant, from the kinds' sensitivity; run as owner, idempotent."""
    pools = _all_pools()
    for schema in (CORE, HISTORY):
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {pools}"
        yield f"GRANT USAGE ON SCHEMA {schema} TO {pools}"
    yield f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {CORE} FROM PUBLIC, {pools}"
    for pool in Pool:
        yield from _kind_grants(pool)
    for table, readers in _PLAIN_TABLES_READ.items():
        yield f"GRANT SELECT ON {CORE}.{table} TO {', '.join(p.role for p in readers)}"
    for table, writers in _PLAIN_TABLES_WRITE.items():
        roles = ", ".join(p.role for p in writers)
        yield f"GRANT INSERT, UPDATE, DELETE ON {CORE}.{table} TO {roles}"
    event_writers = f"{Pool.FIELD.role}, {Pool.STAFF.role}, {Pool.JOBS.role}"
    yield f"GRANT INSERT ON {CORE}.hazard_event TO {event_writers}"


def _kind_grants(pool: Pool) -> Iterator[str]:
    for kind in visible_kinds(pool):
        columns = ", ".join(readable_columns(kind.kind, pool))
        yield f"GRANT SELECT ({columns}) ON {CORE}.{kind.kind} TO {pool.role}"
        yield f"GRANT SELECT ({columns}, deleted) ON {HISTORY}.{kind.kind} TO {pool.role}"
        may_write = pool is Pool.JOBS or (pool is Pool.STAFF and not kind.written_by_events)
        if may_write:
            yield f"GRANT INSERT, UPDATE, DELETE ON {CORE}.{kind.kind} TO {pool.role}"
        if pool is Pool.JOBS:
            yield f"GRANT INSERT ON {HISTORY}.{kind.kind} TO {pool.role}"


def readable_columns(name: str, pool: Pool) -> list[str]:
    """Columns of a kind's table the pool may SELECT: visible attributes, measures, versions."""
    kind = KINDS[name]
    columns = [*visible_attributes(kind, pool), *SYSTEM_VISIBLE]
    if measure := MEASURES.get(kind.geometry_type):
        columns.append(measure)
    if pool in (Pool.STAFF, Pool.JOBS):
        columns += ["recorded_by", "recorded_tx", "reason"]
    return [c.name for c in current[name].columns if c.name in columns]


def _all_pools() -> str:
    return ", ".join(pool.role for pool in Pool)
