"""A receiver over a database and a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.evidence.derive import Deriver
from gis.evidence.files import EvidenceFiles
from gis.evidence.receive import Blob, Promise, Receiver, Sender
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.evidence.photos import sha256


@dataclass
class Room:
    """Everything a test of evidence needs."""

    db: PooledDatabase
    files: EvidenceFiles
    sender: Sender
    stored: list[Blob] = field(default_factory=list)

    @property
    def receiver(self) -> Receiver:
        return Receiver(self.db, self.files, on_stored=self.note)

    @property
    def deriver(self) -> Deriver:
        return Deriver(self.db, self.files)

    def note(self, _connection: Connection, blob: Blob) -> None:
        self.stored.append(blob)

    def take(self, content: bytes, media: str = "image/jpeg") -> str:
        """Upload in one piece; the hash."""
        promise = Promise(sha256(content), len(content), media)
        standing = self.receiver.begin(promise, self.sender)
        if not standing.is_complete:
            with self.receiver.hold(standing.id, self.sender) as held:
                held.append(content)
                held.settle()
        return promise.sha256

    def ask(self, question: str, **values: object) -> list[tuple[object, ...]]:
        with self.db.read(Pool.JOBS) as connection:
            return [tuple(row) for row in connection.execute(text(question), values)]


@pytest.fixture(scope="module")
def module_database(
    cluster: Cluster, clone_database: CloneDatabase
) -> Iterator[tuple[PooledDatabase, Engine]]:
    """One database for a module's tests, and its superuser."""
    name = clone_database()
    database = connect_pools(cluster, name)
    superuser = create_engine(cluster.superuser_url(name))
    yield database, superuser
    superuser.dispose()
    database.close()


@pytest.fixture
def room(module_database: tuple[PooledDatabase, Engine], tmp_path: Path) -> Room:
    database, superuser = module_database
    with superuser.begin() as connection:  # blobs refuse this to everyone else
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "TRUNCATE core.blob, core.upload, core.job_report, jobs.procrastinate_jobs CASCADE"
            )
        )
    sender = Sender(account=uuid4(), login="inspector", pool=Pool.FIELD)
    return Room(database, EvidenceFiles(tmp_path / "state"), sender)
