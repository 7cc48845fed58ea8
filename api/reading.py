"""Hot reads: raw statements on the reader's pool, in a thread, cancelled when the client leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import psycopg
from psycopg.abc import QueryNoTemplate
from psycopg_pool import ConnectionPool
from sqlalchemy import make_url
from starlette.requests import Request

from gis.attributes import Text
from gis.db.roles import Pool
from gis.errors import BusyError
from gis.queries import Statement

Row = tuple[Any, ...]  # Any: columns of any type
Ask = Callable[[Statement], list[Row]]
T = TypeVar("T")
PATIENCE_S = 5.0
"""Seconds a request waits for a connection before it is told to come back."""
GRACE_S = 0.02
"""Seconds a question may take before its client is watched."""


class ClientLeftError(Exception):
    """The client closed its connection before there was an answer."""


# Parsing is worth saving, a plan is not: a tile of the whole county and one of a street differ.
# A parallel worker takes 10 ms to start, more than most answers take (measured: a tile of 1,557
# pipes 9.5 ms with one, 2.9 ms without).
_OPTIONS = (
    "-c default_transaction_read_only=on -c plan_cache_mode=force_custom_plan"
    " -c max_parallel_workers_per_gather=0"
)


def connection_address(url: str) -> str:
    """An SQLAlchemy URL as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def connection_options(pool: Pool, *, prepare: bool) -> dict[str, Any]:  # Any: options of psycopg
    """How a connection that only reads is opened."""
    return {
        "autocommit": True,
        "prepare_threshold": 3 if prepare else None,
        "application_name": f"infratrack_read_{pool}",
        # A pooler between us and the server refuses start-up options.
        **({"options": _OPTIONS} if prepare else {}),
    }


class Reader:
    """Read-only, autocommitting connections of one role; safe to share between threads.

    Autocommit is right here: a version is read before the answer it covers, and each answer is
    one statement. ``prepare`` stays off behind a transaction pooler.
    """

    def __init__(self, url: str, pool: Pool, *, size: int, prepare: bool) -> None:
        self.pool = pool
        self._size = size
        self._connections = ConnectionPool(
            connection_address(url),
            min_size=1,
            max_size=size,
            timeout=PATIENCE_S,
            open=False,
            kwargs=connection_options(pool, prepare=prepare),
            name=f"read-{pool}",
        )
        self._turns: anyio.Semaphore | None = None

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
                return connection.execute(
                    query, statement.parameters, binary=statement.gives_bytes
                ).fetchall()

            if hold is not None:
                hold.take(connection)
            try:
                yield fetch
            finally:
                if hold is not None:
                    hold.drop()

    async def run(self, request: Request, work: Callable[[Ask], T]) -> T:
        """Run ``work`` in a thread; when the client leaves, cancel its statement at the server."""
        if self._turns is None:
            self._turns = anyio.Semaphore(self._size)
        hold = _Hold()
        with anyio.CancelScope() as scope, _Watch(request, hold, scope):
            try:
                async with _take_turn(self._turns):
                    return await anyio.to_thread.run_sync(self._work, hold, work)
            except psycopg.Error:
                if not hold.left:
                    raise
        raise ClientLeftError

    def _work(self, hold: _Hold, work: Callable[[Ask], T]) -> T:
        with self.ask(hold) as ask:
            return work(ask)

    async def ask_aside(self, work: Callable[[Ask], T]) -> T:
        """Run ``work`` in a thread for a stream, whose client is watched elsewhere."""

        def in_thread() -> T:
            with self.ask() as ask:
                return work(ask)

        return await anyio.to_thread.run_sync(in_thread)


class _Watch:
    """Watches for the client to leave while a question takes longer than GRACE_S.

    A task and a cancel scope around every question would cost a tile of a few pipes a fifth of
    its time (measured); most answers are there before anyone could have left.
    """

    def __init__(self, request: Request, hold: _Hold, scope: anyio.CancelScope) -> None:
        self._request = request
        self._hold = hold
        self._scope = scope
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(GRACE_S, self._begin)

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        """Cancel the client's statement when it leaves, or its place in the queue."""
        while (await self._request.receive())["type"] != "http.disconnect":
            continue
        await anyio.to_thread.run_sync(self._hold.cancel)
        self._scope.cancel()


@asynccontextmanager
async def _take_turn(turns: anyio.Semaphore) -> AsyncIterator[None]:
    """Wait for a connection to be free, without a thread; BusyError when it takes too long."""
    try:
        turns.acquire_nowait()
    except anyio.WouldBlock:
        with anyio.move_on_after(PATIENCE_S) as waiting:
            await turns.acquire()
        if waiting.cancelled_caught:
            busy = Text(zh="系统繁忙,请稍后重试", en="The system is busy; retry shortly")
            raise BusyError(busy) from None
    try:
        yield
    finally:
        turns.release()


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
