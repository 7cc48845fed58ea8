"""An unfinished upload is its author's and the office's, whatever SQL the field role sends."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import errors
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import OWNER, Pool

MINE, THEIRS = uuid4(), uuid4()
INSERT = text(
    "INSERT INTO core.upload (id, sha256, bytes, media, account, expires_at)"
    " VALUES (:id, repeat('a', 64), 10, 'image/jpeg', :account, now() + interval '1 day')"
)


def add_upload(connection: Connection, account: UUID | None) -> UUID:
    identifier = uuid4()
    connection.execute(INSERT, {"id": identifier, "account": account})
    return identifier


@pytest.fixture
def filled(fresh_database: PooledDatabase) -> PooledDatabase:
    """One upload of each of two inspectors."""
    for account in (MINE, THEIRS):
        with fresh_database.write(
            actor="x", reason="x", pool=Pool.FIELD, account=account
        ) as connection:
            add_upload(connection, account)
    return fresh_database


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM core.upload")).scalar_one())


def test_the_field_role_sees_the_uploads_of_the_account_it_names_and_no_other(
    filled: PooledDatabase,
) -> None:
    for account, seen in ((MINE, [MINE]), (THEIRS, [THEIRS]), (uuid4(), []), (None, [])):
        with filled.read(Pool.FIELD, account=account) as connection:
            found = connection.execute(text("SELECT account FROM core.upload")).scalars().all()
        assert found == seen


def test_what_one_transaction_named_is_forgotten_in_the_next(filled: PooledDatabase) -> None:
    with filled.read(Pool.FIELD, account=MINE) as connection:
        assert count(connection) == 1
        before = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    with filled.read(Pool.FIELD) as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar() == before
        assert count(connection) == 0
    with filled.write(actor="x", reason="x", pool=Pool.FIELD) as connection:
        assert count(connection) == 0


@pytest.mark.parametrize("pool", [Pool.STAFF, Pool.JOBS])
def test_the_office_and_the_worker_see_them_all(pool: Pool, filled: PooledDatabase) -> None:
    with filled.read(pool) as connection:
        assert count(connection) == 2


def test_the_owner_sees_them_all_so_that_a_backup_is_whole(
    filled: PooledDatabase, cluster: Cluster
) -> None:
    owner = create_engine(cluster.url(OWNER, str(filled.engines[Pool.GATE].url.database)))
    with owner.connect() as connection:
        assert count(connection) == 2
    owner.dispose()


def test_nobody_ends_drops_or_makes_an_upload_in_anothers_name(filled: PooledDatabase) -> None:
    with filled.write(actor="x", reason="x", pool=Pool.FIELD, account=MINE) as connection:
        for statement in (
            "UPDATE core.upload SET completed_at = now() WHERE account = :theirs",
            "DELETE FROM core.upload WHERE account = :theirs",
        ):
            assert connection.execute(text(statement), {"theirs": THEIRS}).rowcount == 0
        assert connection.execute(text("DELETE FROM core.upload")).rowcount == 1
    for account in (THEIRS, None):
        with (
            pytest.raises(DBAPIError) as refused,
            filled.write(actor="x", reason="x", pool=Pool.FIELD, account=MINE) as connection,
        ):
            add_upload(connection, account)
        assert isinstance(refused.value.orig, errors.InsufficientPrivilege)
    with filled.read(Pool.STAFF) as connection:
        left = connection.execute(text("SELECT account FROM core.upload")).scalars().all()
    assert left == [THEIRS]


def test_no_login_role_can_step_around_the_rules(filled: PooledDatabase) -> None:
    with filled.read(Pool.FIELD) as connection:
        roles = connection.execute(
            text(
                "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'infratrack%'"
                " AND (rolbypassrls OR rolsuper)"
            )
        ).scalar()
        assert roles == 0
    with (
        pytest.raises(DBAPIError) as refused,
        filled.read(Pool.FIELD, account=MINE) as connection,
    ):
        connection.exec_driver_sql("SET LOCAL row_security = off; SELECT FROM core.upload")
    assert isinstance(refused.value.orig, errors.InsufficientPrivilege)
