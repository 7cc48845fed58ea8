"""From an empty server to a migrated database with exactly the rights the code declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, text

from gis.attributes import Text
from gis.db.functions import compare_function_grants, function_grants
from gis.db.grants import SCHEMAS, readable_columns, table_grants
from gis.db.roles import OWNER, Pool
from gis.db.tables import CORE
from gis.errors import SetupError
from gis.kinds.hazard import NEXT_STATES

__all__ = [
    "alembic_config",
    "create_database",
    "database_statements",
    "migrate",
    "newest_revision",
    "prepare_database",
    "readable_columns",
    "reapply_grants",
    "role_statements",
    "table_grants",
]

EXTENSIONS = ("postgis", "pg_trgm")
_SETUP_LOCK = 7261001
"""Advisory lock: two programs starting at once prepare and migrate one after the other."""
ROLE_SETTINGS: dict[Pool, dict[str, str]] = {
    Pool.PUBLIC: {"statement_timeout": "5s"},
    Pool.FIELD: {"statement_timeout": "5s"},
    Pool.STAFF: {"statement_timeout": "10s"},
    Pool.JOBS: {"statement_timeout": "600s"},
    Pool.GATE: {"statement_timeout": "5s"},
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
    for schema in SCHEMAS:
        yield f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {OWNER}"
    yield f"GRANT SELECT ON spatial_ref_sys, geometry_columns TO {OWNER}, {_all_pools()}"
    yield f"GRANT USAGE ON SCHEMA public TO {OWNER}, {_all_pools()}"
    # Only our roles may connect, and only those that load rows may make temporary tables.
    temporary = f"{Pool.STAFF.role}, {Pool.JOBS.role}"
    named = "quote_ident(current_database())"
    for right in (
        f"'REVOKE ALL ON DATABASE ' || {named} || ' FROM PUBLIC, {_all_pools()}'",
        f"'GRANT CONNECT ON DATABASE ' || {named} || ' TO {OWNER}, {_all_pools()}'",
        f"'GRANT TEMPORARY ON DATABASE ' || {named} || ' TO {temporary}'",
    ):
        yield f"DO $$ BEGIN EXECUTE {right}; END $$"


def create_database(superuser_url: str, name: str) -> None:
    """Create the roles and an empty, prepared database (embedded cluster and tests)."""
    engine = create_engine(superuser_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # Two commands started at once: CREATE ROLE and CREATE DATABASE know no IF NOT EXISTS.
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_SETUP_LOCK})")
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
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})")
    for statement in database_statements():
        connection.exec_driver_sql(statement)
    # Granting what is granted would still rewrite 800 rows of the catalogue at every start.
    if compare_function_grants(connection):
        for statement in function_grants():
            connection.exec_driver_sql(statement)


def reapply_grants(superuser: Connection, owner: Connection) -> None:
    """Leave every role exactly the declared rights, in a database that is already migrated.

    For after a restore: a dump carries the rights of the day it was made. Both connections are
    to the same database; their transactions are the caller's.
    """
    prepare_database(superuser)
    for statement in table_grants():
        owner.exec_driver_sql(statement)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for our migrations, over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


def newest_revision() -> str:
    """The migration this program was written for."""
    head = _scripts().get_current_head()
    if head is None:
        raise SetupError(Text(zh="程序中没有数据库迁移文件", en="there are no migrations"))
    return head


def migrate(owner: Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision`` and the grants to what the code declares."""
    with owner.begin() as connection:
        _require_prepared(connection)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})")
        _require_known_revision(connection)
        command.upgrade(alembic_config(connection), revision)
        for statement in (*guard_statements(), *table_grants()):
            connection.exec_driver_sql(statement)


def _require_known_revision(connection: Connection) -> None:
    """Refuse a database that a newer program has migrated: its tables are not ours to touch."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": CORE})
    found = context.get_current_revision()
    try:
        if found:
            _scripts().get_revision(found)
    except CommandError as error:
        raise SetupError(
            Text(
                zh="数据库结构是 {found},本程序只认到 {newest}:"
                "请使用更新的程序,或恢复该程序版本的备份",
                en="the database has schema {found}, this program knows up to {newest}: use the"
                " newer program, or restore a backup made with this one",
            ).format(found=str(found), newest=newest_revision()),
            found=found,
        ) from error


def guard_statements() -> Iterator[str]:
    """What the guard of hazards allows, from the one declaration of the states (idempotent)."""
    pairs = [(a.value, b.value) for a, following in NEXT_STATES.items() for b in following]
    rows = ", ".join(f"('{a}', '{b}')" for a, b in sorted(pairs))
    table = f"{CORE}.hazard_transition"
    yield f"DELETE FROM {table} WHERE (from_state, to_state) NOT IN (VALUES {rows})"
    yield f"INSERT INTO {table} (from_state, to_state) VALUES {rows} ON CONFLICT DO NOTHING"


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
                zh="数据库缺少扩展 {missing}:"
                "请管理员执行 `python3 -m gis migrate --print-sql` 的输出",
                en="the database lacks {missing}: have an administrator run what"
                " `python3 -m gis migrate --print-sql` prints",
            ).format(missing=", ".join(missing)),
            missing=missing,
        )


def _all_pools() -> str:
    return ", ".join(pool.role for pool in Pool)
