"""The job queue: work put into it in the caller's own transaction, looked at and cancelled.

The queue is procrastinate's, in schema ``jobs``; its worker is :mod:`gis.jobs.worker`. Whoever
only queues or asks needs nothing but SQL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.evidence_tables import JOBS
from gis.db.tables import CORE
from gis.errors import NotFoundError

_ENQUEUE = text(f"SELECT {JOBS}.enqueue(:task, CAST(:arguments AS jsonb), :once)")
_READ = text(
    "SELECT j.id, j.task_name AS task, j.status::text AS status, j.attempts,"
    " coalesce(r.progress, 0) AS progress, r.result, r.problem"
    f" FROM {JOBS}.procrastinate_jobs j LEFT JOIN {CORE}.job_report r ON r.job_id = j.id"
    " WHERE j.id = :id"
)
_CANCEL = text(f"SELECT {JOBS}.procrastinate_cancel_job_v1(:id, true, false)")
_REPORT = text(
    f"INSERT INTO {CORE}.job_report AS r (job_id, progress, result, problem)"
    " VALUES (:id, :progress, CAST(:result AS jsonb), CAST(:problem AS jsonb))"
    " ON CONFLICT (job_id) DO UPDATE SET progress = excluded.progress, result = excluded.result,"
    " problem = excluded.problem, at = now()"
)


class JobState(StrEnum):
    """Where a job is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_STATES = {
    "todo": JobState.WAITING,
    "doing": JobState.RUNNING,
    "succeeded": JobState.DONE,
    "failed": JobState.FAILED,
    "cancelled": JobState.CANCELLED,
    "aborting": JobState.RUNNING,
    "aborted": JobState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as people see it; ``progress`` is the share done, ``problem`` says why it failed."""

    id: int
    task: str
    state: JobState
    attempts: int
    progress: float
    result: dict[str, Any] | None  # Any: JSON
    problem: dict[str, Any] | None  # Any: JSON

    def as_dict(self) -> dict[str, object]:
        """For ``GET /jobs/{id}``."""
        return {
            "id": self.id,
            "task": self.task,
            "state": self.state.value,
            "attempts": self.attempts,
            "progress": self.progress,
            "result": self.result,
            "problem": self.problem,
        }


def enqueue(
    connection: Connection, task: str, arguments: Mapping[str, object], *, once: str | None = None
) -> int | None:
    """Queue a task; it exists when, and only when, the caller's transaction commits.

    ``once``: while a job under the same word waits, no other is added. The number of the job;
    None when the one that waited has just begun.
    """
    word = once if once is not None else f"{task}:{json.dumps(arguments, sort_keys=True)}"
    values = {"task": task, "arguments": json.dumps(arguments), "once": word}
    number: int | None = connection.execute(_ENQUEUE, values).scalar()
    return number


def read_job(connection: Connection, number: int) -> Job:
    """One job, or NotFoundError (also for one that ended long ago)."""
    row = connection.execute(_READ, {"id": number}).one_or_none()
    if row is None:
        raise NotFoundError(Text(zh="没有此任务", en="there is no such job"))
    return Job(
        id=row.id,
        task=row.task,
        state=_STATES[row.status],
        attempts=row.attempts,
        progress=1.0 if row.status == "succeeded" else row.progress,
        result=row.result,
        problem=row.problem,
    )


def cancel_job(connection: Connection, number: int) -> bool:
    """Cancel a job that waits, or ask one that runs to stop; whether there was anything to do."""
    return connection.execute(_CANCEL, {"id": number}).scalar() is not None


def report_job(
    connection: Connection,
    number: int,
    *,
    progress: float,
    result: Mapping[str, object] | None = None,
    problem: Mapping[str, object] | None = None,
) -> None:
    """Say how far a job is, or how it ended."""
    connection.execute(
        _REPORT,
        {
            "id": number,
            "progress": progress,
            "result": json.dumps(result) if result is not None else None,
            "problem": json.dumps(problem) if problem is not None else None,
        },
    )
