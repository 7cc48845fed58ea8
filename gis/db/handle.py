"""The database handle: one pool of connections per login role, transactions at the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from gis.db.roles import Pool

_SET_CONTEXT = text(
    "SELECT set_config('infratrack.actor', :actor, true),"
    " set_config('infratrack.reason', :reason, true),"
    " set_config('infratrack.valid_from', :valid_from, true),"
    " set_config('infratrack.account', :account, true)"
)
_SET_ACCOUNT = text("SELECT set_config('infratrack.account', :account, true)")


class Database(Protocol):
    """What the rest of the house knows of a database."""

    def read(
        self, pool: Pool = Pool.STAFF, *, account: UUID | None = None
    ) -> AbstractContextManager[Connection]:
        """A read-only transaction as ``pool``; rolled back at the end.

        ``account``: whose own rows it may see where the database keeps them apart.
        """
        ...

    def write(
        self,
        *,
        actor: str,
        reason: str,
        valid_from: datetime | None = None,
        pool: Pool = Pool.STAFF,
        account: UUID | None = None,
    ) -> AbstractContextManager[Connection]:
        """A transaction in the name of ``actor``; committed at the end of the block."""
        ...


class PooledDatabase:
    """Engines per role, made lazily connecting; safe to share between threads.

    ``urls`` maps pools to SQLAlchemy URLs. ``prepare_threshold=None`` keeps the driver usable
    behind PgBouncer in transaction pooling. ``require_room`` is asked before every write, and
    raises where there is no room for one.
    """

    def __init__(
        self,
        urls: Mapping[Pool, str],
        *,
        pool_size: int = 4,
        require_room: Callable[[], None] | None = None,
    ) -> None:
        self._require_room = require_room
        self.engines: dict[Pool, Engine] = {
            pool: create_engine(
                make_url(url).set(drivername="postgresql+psycopg"),
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=5,
                pool_pre_ping=False,
                pool_recycle=1800,
                hide_parameters=True,  # an error's text ends in logs: no values in it
                connect_args={
                    "prepare_threshold": None,
                    "application_name": f"infratrack_{pool}",
                },
            )
            for pool, url in urls.items()
        }

    @contextmanager
    def read(self, pool: Pool = Pool.STAFF, *, account: UUID | None = None) -> Iterator[Connection]:
        """A read-only transaction as ``pool``; rolled back at the end."""
        with self.engines[pool].connect() as connection:
            reading = connection.execution_options(postgresql_readonly=True)
            with reading.begin():
                if account is not None:
                    reading.execute(_SET_ACCOUNT, {"account": str(account)})
                yield reading

    @contextmanager
    def write(
        self,
        *,
        actor: str,
        reason: str,
        valid_from: datetime | None = None,
        pool: Pool = Pool.STAFF,
        account: UUID | None = None,
    ) -> Iterator[Connection]:
        """A transaction in the name of ``actor``; committed at the end of the block."""
        if self._require_room is not None:
            self._require_room()
        try:
            with self.engines[pool].begin() as connection:
                set_context(
                    connection, actor=actor, reason=reason, valid_from=valid_from, account=account
                )
                yield connection
        except (DBAPIError, psycopg.OperationalError) as error:
            # A log that cannot grow ends the server, and its sessions are told of a crash only.
            if self._require_room is not None and _is_lost(error):
                self._require_room()
            raise

    def close(self) -> None:
        """Close every connection."""
        for engine in self.engines.values():
            engine.dispose()


def _is_lost(error: Exception) -> bool:
    """Whether the session ended under us (a crash, a shutdown), not only its statement."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.OperationalError) and (
        cause.sqlstate is None or cause.sqlstate.startswith("57P")
    )


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the server says that its disk is full, also to one who cannot even connect.

    A session that begins on a full disk is refused without a code of its own.
    """
    if isinstance(error, psycopg.errors.DiskFull):
        return True
    words = ("No space left on device", "could not write init file")
    return isinstance(error, psycopg.OperationalError) and any(w in str(error) for w in words)


def set_context(
    connection: Connection,
    *,
    actor: str,
    reason: str,
    valid_from: datetime | None = None,
    account: UUID | None = None,
) -> None:
    """Say who writes and why, for this transaction only (safe behind a transaction pooler)."""
    connection.execute(
        _SET_CONTEXT,
        {
            "actor": actor,
            "reason": reason,
            "valid_from": valid_from.isoformat() if valid_from else "",
            "account": str(account) if account else "",
        },
    )
