"""A real PostGIS for every test: one cluster, one migrated template, one clone per worker.

``db`` gives each test a database whose transactions are rolled back at its end (triggers that
wait for the commit are fired by ``SET CONSTRAINTS ALL IMMEDIATE`` where a test needs them).
``fresh_database`` gives a clone of its own to tests that must commit.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase, set_context
from gis.db.roles import OWNER, Pool
from gis.db.setup import create_database, migrate, prepare_database

pytest_plugins = ["tests.browser.pages"]

TEMPLATE = "infratrack_template"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The session's own PostGIS cluster, shared by the workers, gone when the last one leaves.

    pytest's own folders are closed to other users, so as root the server could not enter them.
    """
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    mark = hashlib.sha256(str(shared).encode()).hexdigest()[:12]
    folder = Path("/var/tmp") / f"infratrack-tests-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o755, exist_ok=True)
    with Cluster(folder / "state") as cluster:
        yield cluster
    if cluster.status().state == "stopped":
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated, empty database; made once, by whoever comes first."""
    import fcntl

    with (cluster.socket_folder.parent / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        create_database(cluster.superuser_url(), TEMPLATE)
        superuser = create_engine(cluster.superuser_url(TEMPLATE))
        with superuser.begin() as connection:
            prepare_database(connection)
        superuser.dispose()
        owner = create_engine(cluster.url(OWNER, TEMPLATE))
        migrate(owner)
        owner.dispose()
    return TEMPLATE


CloneDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def clone_database(cluster: Cluster, template: str) -> Iterator[CloneDatabase]:
    """Make a clone of the template; its name. Dropped when the session ends."""
    superuser = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def clone() -> str:
        name = f"clone_{uuid4().hex[:12]}"
        with superuser.connect() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_lock(7261002)")
            connection.exec_driver_sql(
                f'CREATE DATABASE "{name}" TEMPLATE {template} OWNER {OWNER}'
            )
            connection.exec_driver_sql("SELECT pg_advisory_unlock(7261002)")
        made.append(name)
        return name

    yield clone
    with superuser.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    superuser.dispose()


def connect_pools(cluster: Cluster, name: str) -> PooledDatabase:
    return PooledDatabase({pool: cluster.url(pool.role, name) for pool in Pool})


@pytest.fixture(scope="session")
def worker_database(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[PooledDatabase]:
    database = connect_pools(cluster, clone_database())
    yield database
    database.close()


@pytest.fixture
def fresh_database(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[PooledDatabase]:
    """A database of the test's own, for what must really commit."""
    database = connect_pools(cluster, clone_database())
    yield database
    database.close()


class OneTransaction:
    """A database whose reads and writes are savepoints of one transaction, never committed.

    All of it runs as the jobs role: rights are tested on ``fresh_database``.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @contextmanager
    def read(self, pool: Pool = Pool.STAFF) -> Iterator[Connection]:
        with self.connection.begin_nested():
            yield self.connection

    @contextmanager
    def write(
        self,
        *,
        actor: str,
        reason: str,
        valid_from: datetime | None = None,
        pool: Pool = Pool.STAFF,
    ) -> Iterator[Connection]:
        with self.connection.begin_nested():
            set_context(self.connection, actor=actor, reason=reason, valid_from=valid_from)
            yield self.connection


@pytest.fixture
def db(worker_database: PooledDatabase) -> Iterator[OneTransaction]:
    with worker_database.engines[Pool.JOBS].connect() as connection:
        transaction = connection.begin()
        yield OneTransaction(connection)
        transaction.rollback()
