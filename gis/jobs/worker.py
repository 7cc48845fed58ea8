"""The worker: a thread of ``serve`` that does what is in the queue, one job after the other.

Of all processes that serve one database one has the worker (an advisory lock). It comes back by
itself when the database does, and what a killed worker left half done is done again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import procrastinate
import psycopg
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.worker import Worker as QueueWorker
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.evidence_tables import JOBS
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import InfratrackError
from gis.jobs.queue import report_job
from gis.settings import Settings

_LOCK = 7_261_005
"""Advisory lock: of two processes that serve one database, one works."""
MAX_ATTEMPTS = 5
_BACK_OFF = procrastinate.RetryStrategy(max_attempts=MAX_ATTEMPTS - 1, exponential_wait=4)
"""Tried again after 4, 16, 64 and 256 seconds: a full disk or a restart is over by then."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_GRACE_S = 10.0
_TICK_S, _TICKS_PER_LOOK = 0.25, 40
_INTERNAL = Text(zh="内部错误,已记录", en="internal error; it was logged")
# What a killed worker was doing waits again; a job that has killed MAX_ATTEMPTS of them does not.
_TAKE_OVER = (
    f"SELECT CASE WHEN attempts + 1 < {MAX_ATTEMPTS}"
    f" THEN {JOBS}.procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)::text"
    f" ELSE {JOBS}.procrastinate_finish_job_v1(id, 'failed', false)::text END"
    f" FROM {JOBS}.procrastinate_jobs WHERE status = 'doing'"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What a task has at hand: the database, the settings, and how to say how far it is."""

    db: Database
    settings: Settings
    number: int
    is_cancelled: Callable[[], bool]

    def report(self, progress: float) -> None:
        """Say which share is done; ends the task here when it was cancelled."""
        if self.is_cancelled():
            raise JobAborted
        self.conclude(progress=progress)

    def conclude(
        self,
        *,
        progress: float,
        result: Mapping[str, object] | None = None,
        problem: Text | None = None,
    ) -> None:
        """Write the report of the job."""
        words = problem.as_dict() if problem is not None else None
        with self.db.write(actor=Pool.JOBS.role, reason="job", pool=Pool.JOBS) as connection:
            report_job(connection, self.number, progress=progress, result=result, problem=words)


@dataclass(frozen=True, slots=True)
class Task:
    """Something the worker can do: its name in the queue; ``cron`` (UTC) if it comes by itself."""

    name: str
    run: Callable[..., Mapping[str, object]]
    cron: str | None = None


class Worker:
    """The thread; ``start`` never fails, whatever the state of the database."""

    def __init__(
        self, installation: Installation, settings: Settings, tasks: Sequence[Task]
    ) -> None:
        self._installation = installation
        self._settings = settings
        self._tasks = tasks
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin to work, or to wait until no other process does."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; the job at work is finished first."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                with self._alone() as connection:
                    if connection is not None:
                        asyncio.run(self._work(connection))
                        pause = _FIRST_PAUSE
            except (SQLAlchemyError, psycopg.Error, ConnectorException, OSError) as error:
                _log.warning("the worker lost the database, and comes back: %s", error)
            self._stopped.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    @contextmanager
    def _alone(self) -> Iterator[Connection | None]:
        """The connection whose lock makes this the only worker; None while another has it."""
        engine = create_engine(self._url("postgresql+psycopg"), poolclass=NullPool)
        try:
            with engine.connect() as connection:
                mine = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK})
                is_mine = mine.scalar()
                if is_mine:
                    connection.execute(text(_TAKE_OVER))
                connection.commit()  # a session's lock outlives it
                yield connection if is_mine else None
        finally:
            engine.dispose()

    async def _work(self, lock: Connection) -> None:
        app = self._make_app()
        async with app.open_async():
            worker = QueueWorker(
                app,
                concurrency=1,
                install_signal_handlers=False,
                shutdown_graceful_timeout=_GRACE_S,
            )
            watching = asyncio.create_task(self._watch(worker, lock))
            try:
                await worker.run()  # type: ignore[no-untyped-call]  # procrastinate annotates in part
            finally:
                watching.cancel()

    async def _watch(self, worker: QueueWorker, lock: Connection) -> None:
        """End the work when this thread is to stop, or no longer has the lock."""
        ticks = 0
        while True:
            await asyncio.sleep(_TICK_S)
            ticks += 1
            if self._stopped.is_set():
                worker.stop()  # type: ignore[no-untyped-call]  # procrastinate annotates in part
            elif ticks % _TICKS_PER_LOOK == 0 and not await asyncio.to_thread(_is_alive, lock):
                _log.warning("the worker lost its lock, and stops")
                worker.stop()  # type: ignore[no-untyped-call]  # procrastinate annotates in part

    def _make_app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._url("postgresql"),
            min_size=1,
            max_size=3,
            kwargs={"prepare_threshold": None, "application_name": "infratrack_worker"},
            configure=_set_path,
        )
        app = procrastinate.App(connector=connector)
        for task in self._tasks:
            queued = app.task(name=task.name, retry=_BACK_OFF, pass_context=True)(self._wrap(task))
            if task.cron is not None:
                app.periodic(cron=task.cron)(queued)
        return app

    def _wrap(self, task: Task) -> Callable[..., None]:
        """A task that leaves a report, whatever becomes of it."""

        def run(context: JobContext, **arguments: object) -> None:
            arguments.pop("timestamp", None)  # what a periodic job is given
            number = context.job.id or 0
            work = Work(self._installation.db, self._settings, number, context.should_abort)
            try:
                work.report(0.0)
                work.conclude(progress=1.0, result=task.run(work, **arguments))
            except InfratrackError as error:
                work.conclude(progress=0.0, problem=error.message)
                raise
            except JobAborted:
                raise
            except Exception:
                work.conclude(progress=0.0, problem=_INTERNAL)
                raise

        return run

    def _url(self, driver: str) -> str:
        url = make_url(self._installation.urls[Pool.JOBS]).set(drivername=driver)
        return url.render_as_string(hide_password=False)


async def _set_path(connection: psycopg.AsyncConnection[Any]) -> None:  # Any: rows of any type
    await connection.execute(f"SET search_path = {JOBS}, pg_temp".encode())
    await connection.commit()


def _is_alive(connection: Connection) -> bool:
    try:
        connection.execute(text("SELECT 1"))
        connection.commit()
    except SQLAlchemyError:
        return False
    return True
