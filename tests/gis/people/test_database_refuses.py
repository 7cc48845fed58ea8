"""What a forgotten check lets through the database does not: each role, each table of people."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import errors
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from gis.db.cluster import Cluster
from gis.db.handle import set_context
from gis.db.roles import OWNER, Pool
from gis.errors import SetupError
from gis.people.audit import prune_audit
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.people.conftest import Bureau

TABLES = (
    "account", "password", "second_factor", "recovery_code", "device", "token", "enrolment",
    "login_attempt", "audit_event",
)  # fmt: skip
PUBLIC_FACTS = {"id", "login", "name", "roles", "townships", "section", "disabled_at"}
"""What staff may know of a colleague, to hand out work."""
OTHERS = [pool for pool in Pool if pool is not Pool.GATE]


@pytest.fixture(scope="module")
def standing(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[Bureau]:
    """A bureau nothing in this module changes: every attempt is refused or rolled back."""
    database = connect_pools(cluster, clone_database())
    bureau = Bureau(database)
    bureau.add("zhang.san", "inspector")
    yield bureau
    database.close()


def is_denied(bureau: Bureau, pool: Pool, statement: str) -> bool:
    with bureau.db.engines[pool].connect() as connection:
        set_context(connection, actor="intruder", reason="try")
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            return isinstance(error.orig, errors.InsufficientPrivilege)
        finally:
            connection.rollback()
    return False


@pytest.mark.parametrize("pool", OTHERS)
@pytest.mark.parametrize("table", TABLES)
def test_no_other_role_reads_what_is_secret(table: str, pool: Pool, standing: Bureau) -> None:
    columns = standing.ask(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = ('core.' || :t)::regclass"
        " AND attnum > 0 AND NOT attisdropped",
        t=table,
    )
    facts = PUBLIC_FACTS if table == "account" and pool in (Pool.STAFF, Pool.JOBS) else set()
    for (column,) in columns:
        denied = is_denied(standing, pool, f"SELECT {column} FROM core.{table}")
        assert denied == (column not in facts), column


@pytest.mark.parametrize("pool", OTHERS)
@pytest.mark.parametrize("table", TABLES)
def test_no_other_role_writes_them(table: str, pool: Pool, standing: Bureau) -> None:
    for statement in (
        f"INSERT INTO core.{table} DEFAULT VALUES",
        f"DELETE FROM core.{table}",
        f"TRUNCATE core.{table} CASCADE",
        f"LOCK TABLE core.{table} IN ACCESS EXCLUSIVE MODE",
    ):
        assert is_denied(standing, pool, statement), statement
    column = {"account": "roles = '{officer}'", "token": "revoked_at = NULL"}.get(table)
    if column:
        assert is_denied(standing, pool, f"UPDATE core.{table} SET {column}")


def test_the_gate_reads_no_kind_and_moves_nobodys_history(standing: Bureau) -> None:
    for statement in (
        "SELECT id FROM core.sewer_pipe",
        "SELECT id FROM history.sewer_pipe",
        "SELECT id FROM core.road",
        "SELECT id FROM core.event",
        "DELETE FROM core.account",
        "DELETE FROM core.password",
        "UPDATE core.audit_event SET login = 'x'",
        "DELETE FROM core.audit_event",
        "INSERT INTO core.audit_event (at, login, action, outcome)"
        " VALUES (now() - interval '1 day', 'x', 'x', 'done')",
        "INSERT INTO core.audit_event (number, login, action, outcome)"
        " OVERRIDING SYSTEM VALUE VALUES (1, 'x', 'x', 'done')",
    ):
        assert is_denied(standing, Pool.GATE, statement), statement


def test_the_audit_trail_only_grows_even_for_its_owner(bureau: Bureau, cluster: Cluster) -> None:
    bureau.add("zhang.san", "inspector")
    owner = create_engine(cluster.url(OWNER, str(bureau.db.engines[Pool.GATE].url.database)))
    for statement in (
        "UPDATE core.audit_event SET login = 'nobody'",
        "DELETE FROM core.audit_event",
        "TRUNCATE core.audit_event",
        # Saying so does not help while the lines are young.
        "SELECT set_config('infratrack.prune_audit', 'on', true); DELETE FROM core.audit_event",
    ):
        with owner.connect() as connection:
            set_context(connection, actor="owner", reason="tamper")
            with pytest.raises(DBAPIError) as refused:
                connection.exec_driver_sql(statement)
            assert getattr(refused.value.orig, "sqlstate", "") == "IT003", statement
    owner.dispose()
    assert bureau.ask("SELECT count(*) FROM core.audit_event") == [(1,)]


def test_lines_older_than_asked_are_pruned_and_none_younger_than_half_a_year(
    bureau: Bureau, cluster: Cluster
) -> None:
    owner = create_engine(cluster.url(OWNER, str(bureau.db.engines[Pool.GATE].url.database)))
    with owner.begin() as connection:
        for days in (1, 183, 185, 400, 2000):
            connection.execute(
                text(
                    "INSERT INTO core.audit_event (at, login, action, outcome)"
                    " VALUES (now() - :days * interval '1 day', :name, 'x', 'done')"
                ),
                {"days": days, "name": f"day{days}"},
            )
    with owner.begin() as connection, pytest.raises(SetupError):
        prune_audit(connection, days=183)
    with owner.begin() as connection:
        assert prune_audit(connection, days=1095) == 1
    with owner.begin() as connection:
        assert prune_audit(connection, days=184) == 2
    owner.dispose()
    left = bureau.ask("SELECT login FROM core.audit_event ORDER BY number")
    assert left == [("day1",), ("day183",)]


def test_nothing_about_people_is_written_without_an_actor(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    for statement in (
        "UPDATE core.account SET name = 'x'",
        "UPDATE core.password SET changed_at = now()",
        f"INSERT INTO core.account (id, login, name, roles, created_at, created_by) VALUES"
        f" ('{uuid4()}', 'new', 'x', '{{viewer}}', now(), 'x')",
    ):
        with bureau.db.engines[Pool.GATE].connect() as connection:
            with pytest.raises(DBAPIError) as refused:
                connection.exec_driver_sql(statement)
            assert getattr(refused.value.orig, "sqlstate", "") == "IT001", statement
