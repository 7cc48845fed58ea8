"""Hot reads: raw statements on the reader's pool, in a thread, cancelled when the client leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import psycopg
from psycopg.abc import QueryNoTemplate
from psycopg_pool import ConnectionPool
from sqlalchemy import make_url
from starlette.requests import Request

from gis.db.roles import Pool
from gis.queries import Statement

Row = tuple[Any, ...]  # Any: columns of any type
Ask = Callable[[Statement], list[Row]]
T = TypeVar("T")


class ClientLeftError(Exception):
    """The client closed its connection before there was an answer."""


# Parsing is worth saving, a plan is not: a tile of the whole county and one of a street differ.
_OPTIONS = "-c default_transaction_read_only=on -c plan_cache_mode=force_custom_plan"


class Reader:
    """Read-only, autocommitting connections of one role; safe to share between threads.

    Autocommit is right here: a version is read before the answer it covers, and each answer is
    one statement. ``prepare`` stays off behind a transaction pooler.
    """

    def __init__(self, url: str, pool: Pool, *, size: int, prepare: bool) -> None:
        self.pool = pool
        self._size = size
        parts = make_url(url).set(drivername="postgresql")
        self._connections = ConnectionPool(
            parts.render_as_string(hide_password=False),
            min_size=1,
            max_size=size,
            timeout=5,
            open=False,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 3 if prepare else None,
                "application_name": f"infratrack_read_{pool}",
                # A pooler between us and the server refuses start-up options.
                **({"options": _OPTIONS} if prepare else {}),
            },
            name=f"read-{pool}",
        )
        self._limiter: anyio.CapacityLimiter | None = None

    def open(self) -> None:
        """Begin to connect (in the background: a database that is down does not stop a start)."""
        self._connections.open()

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    @contextmanager
    def ask(self, hold: _Hold | None = None) -> Iterator[Ask]:
        """Statements on one connection, one after the other."""
        with self._connections.connection() as connection:

            def fetch(statement: Statement) -> list[Row]:
                query: QueryNoTemplate = statement.sql.encode()
                return connection.execute(query, statement.parameters).fetchall()

            if hold is not None:
                hold.take(connection)
            try:
                yield fetch
            finally:
                if hold is not None:
                    hold.drop()

    async def run(self, request: Request, work: Callable[[Ask], T]) -> T:
        """Run ``work`` in a thread; when the client leaves, cancel its statement at the server."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._size)
        hold = _Hold()
        results: list[T] = []

        def in_thread() -> None:
            with self.ask(hold) as ask:
                results.append(work(ask))

        failure: Exception | None = None
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                while (await request.receive())["type"] != "http.disconnect":
                    continue
                await anyio.to_thread.run_sync(hold.cancel)

            group.start_soon(watch)
            try:
                await anyio.to_thread.run_sync(in_thread, limiter=self._limiter)
            except Exception as error:  # it must leave the task group as itself
                failure = error
            group.cancel_scope.cancel()
        if hold.left:
            raise ClientLeftError
        if failure is not None:
            raise failure
        return results[0]

    async def ask_aside(self, work: Callable[[Ask], T]) -> T:
        """Run ``work`` in a thread for a stream, whose client is watched elsewhere."""

        def in_thread() -> T:
            with self.ask() as ask:
                return work(ask)

        return await anyio.to_thread.run_sync(in_thread)


class _Hold:
    """The connection a request is using, so that another thread may cancel its statement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Row] | None = None
        self.left = False

    def take(self, connection: psycopg.Connection[Row]) -> None:
        with self._lock:
            if self.left:
                raise ClientLeftError
            self._connection = connection

    def drop(self) -> None:
        with self._lock:
            self._connection = None

    def cancel(self) -> None:
        with self._lock:
            self.left = True
            if self._connection is not None:
                self._connection.cancel_safe(timeout=2)
