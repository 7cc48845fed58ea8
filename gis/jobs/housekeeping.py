"""The queue's own upkeep: jobs that ended long ago are forgotten; what is stuck is found."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from gis.db.evidence_tables import JOBS
from gis.db.roles import Pool
from gis.db.tables import CORE
from gis.jobs.worker import Task, Work

_DAYS_KEPT = 30
_FORGET_JOBS = text(
    f"DELETE FROM {JOBS}.procrastinate_jobs j WHERE status NOT IN ('todo', 'doing') AND NOT EXISTS"
    f" (SELECT 1 FROM {JOBS}.procrastinate_events e WHERE e.job_id = j.id"
    f" AND e.at > now() - interval '{_DAYS_KEPT} days')"
)
_FORGET_REPORTS = text(
    f"DELETE FROM {CORE}.job_report r WHERE NOT EXISTS"
    f" (SELECT 1 FROM {JOBS}.procrastinate_jobs j WHERE j.id = r.job_id)"
)
_STUCK = text(
    f"SELECT j.id, j.task_name AS task, j.status::text AS status FROM {JOBS}.procrastinate_jobs j"
    f" LEFT JOIN {JOBS}.procrastinate_workers w ON w.id = j.worker_id"
    " WHERE j.status = 'doing' AND coalesce(w.last_heartbeat < now() - interval '1 minute', true)"
    " OR j.status = 'todo' AND coalesce(j.scheduled_at,"
    f" (SELECT max(e.at) FROM {JOBS}.procrastinate_events e WHERE e.job_id = j.id))"
    " < now() - interval '1 hour'"
    f" OR j.status = 'failed' AND EXISTS (SELECT 1 FROM {JOBS}.procrastinate_events e"
    " WHERE e.job_id = j.id AND e.at > now() - interval '7 days') ORDER BY j.id"
)


def forget_old_jobs(connection: Connection) -> int:
    """Delete jobs that ended more than 30 days ago, and reports without a job; how many jobs."""
    count = connection.execute(_FORGET_JOBS).rowcount
    connection.execute(_FORGET_REPORTS)
    return int(count)


def find_stuck(connection: Connection) -> list[str]:
    """Jobs whose worker is gone, that wait for over an hour, or that failed this week."""
    return [f"{row.task} {row.id}: {row.status}" for row in connection.execute(_STUCK)]


def _forget_old_jobs(work: Work) -> Mapping[str, object]:
    with work.db.write(actor=Pool.JOBS.role, reason="sweep", pool=Pool.JOBS) as connection:
        return {"forgotten": forget_old_jobs(connection)}


TASKS = (Task("forget_old_jobs", _forget_old_jobs, cron="41 3 * * *"),)
