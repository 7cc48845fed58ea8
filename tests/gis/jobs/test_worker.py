"""The worker does what is queued: once, after a failure again, after its own death as well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.roles import Pool
from gis.errors import SourceError
from gis.jobs.housekeeping import find_stuck, forget_old_jobs
from gis.jobs.queue import Job, JobState, cancel_job, enqueue, read_job
from gis.jobs.worker import Task, Work, Worker
from gis.settings import PROJECT_FOLDER, Settings
from tests.gis.jobs.conftest import OpenInstallation


def queue(installation: Installation, task: str, **arguments: object) -> int:
    """Put a task of the test's own into the queue, as procrastinate would."""
    with installation.db.write(actor="tester", reason="queue", pool=Pool.JOBS) as connection:
        return int(
            connection.execute(
                text(
                    "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, args)"
                    " VALUES ('default', :task, :args) RETURNING id"
                ),
                {"task": task, "args": json.dumps(arguments)},
            ).scalar_one()
        )


def see(installation: Installation, number: int) -> Job:
    with installation.db.read(Pool.STAFF) as connection:
        return read_job(connection, number)


def wait_for(
    installation: Installation, number: int, *states: JobState, seconds: float = 30
) -> Job:
    until = time.monotonic() + seconds
    while (job := see(installation, number)).state not in states:
        assert time.monotonic() < until, f"still {job}"
        time.sleep(0.05)
    return job


def finish(work: Work) -> Mapping[str, object]:
    return {"done": True}


@contextmanager
def working(installation: Installation, settings: Settings, *tasks: Task) -> Iterator[Worker]:
    worker = Worker(installation, settings, tasks)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def test_a_job_is_done_and_says_how_it_ended(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()

    def count(work: Work, *, upto: int) -> Mapping[str, object]:
        seen.append(work.number)
        work.report(0.5)
        half.append(see(installation, work.number).progress)
        return {"sum": sum(range(upto + 1))}

    seen: list[int] = []
    half: list[float] = []
    number = queue(installation, "count", upto=4)
    assert see(installation, number).state is JobState.WAITING
    with working(installation, settings, Task("count", count)):
        job = wait_for(installation, number, JobState.DONE)
    assert (job.progress, job.result, job.problem) == (1.0, {"sum": 10}, None)
    assert (seen, half) == ([number], [0.5])


def test_a_failed_job_says_why_and_is_tried_again_later(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    tries: list[float] = []

    def stumble(work: Work) -> Mapping[str, object]:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise SourceError(Text(zh="读不了", en="unreadable"))
        return {}

    number = queue(installation, "stumble")
    with working(installation, settings, Task("stumble", stumble)):
        while not see(installation, number).problem:
            time.sleep(0.05)
        assert see(installation, number).problem == {"zh": "读不了", "en": "unreadable"}
        job = wait_for(installation, number, JobState.DONE)
    assert job.problem is None
    assert 3.5 <= tries[1] - tries[0] < 15  # 4 s, and the queue is looked at every 5 s


def test_a_fault_of_ours_tells_people_nothing_of_the_inside(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()

    def fail(work: Work) -> Mapping[str, object]:
        raise RuntimeError("a secret of the inside")

    number = queue(installation, "fail")
    with working(installation, settings, Task("fail", fail)):
        while not (job := see(installation, number)).problem:
            time.sleep(0.05)
    assert job.problem == {"zh": "内部错误,已记录", "en": "internal error; it was logged"}


def test_a_waiting_job_is_cancelled_and_a_running_one_is_asked_to_stop(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    begun, steps = threading.Event(), []

    def toil(work: Work) -> Mapping[str, object]:
        begun.set()
        for step in range(200):
            steps.append(step)
            work.report(step / 200)
            time.sleep(0.1)
        return {}

    running, waiting = queue(installation, "toil"), queue(installation, "toil")
    with working(installation, settings, Task("toil", toil)):
        assert begun.wait(20)
        for number in (waiting, running):
            with installation.db.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
                assert cancel_job(connection, number)
        assert wait_for(installation, waiting, JobState.CANCELLED)
        assert wait_for(installation, running, JobState.CANCELLED)
    assert len(steps) < 150
    with installation.db.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        assert not cancel_job(connection, running)


def test_of_two_processes_one_works_and_the_other_takes_over(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    by: list[str] = []

    def sign(name: str) -> Callable[..., Mapping[str, object]]:
        def run(work: Work) -> Mapping[str, object]:
            by.append(name)
            return {}

        return run

    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        first.enter_context(working(installation, settings, Task("sign", sign("first"))))
        wait_for(installation, queue(installation, "sign"), JobState.DONE)
        stack.enter_context(working(installation, settings, Task("sign", sign("second"))))
        for _ in range(5):
            wait_for(installation, queue(installation, "sign"), JobState.DONE)
        assert by == ["first"] * 6
        first.close()
        wait_for(installation, queue(installation, "sign"), JobState.DONE)
    assert by == ["first"] * 6 + ["second"]


KILLED = """
import json, sys, time
from pathlib import Path
from gis.db.connect import Installation
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.jobs.worker import Task, Worker
from gis.settings import Settings
urls = {Pool(k): v for k, v in json.loads(sys.argv[1]).items()}
db = PooledDatabase(urls)
installation = Installation(db=db, urls=urls, owner_url="", cluster=None, close=db.close)
def hang(work):
    Path(sys.argv[2]).write_text("begun")
    time.sleep(600)
Worker(installation, Settings(state_folder=Path("/nonexistent")), [Task("hang", hang)]).start()
time.sleep(600)
"""


def test_what_a_killed_worker_was_doing_is_done_by_the_next(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    installation = open_clone()
    number = queue(installation, "hang")
    mark = tmp_path / "mark"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, json.dumps(installation.urls), str(mark)],
        env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
    )
    try:
        while not mark.exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert see(installation, number).state is JobState.RUNNING
    with working(installation, settings, Task("hang", finish)):
        assert wait_for(installation, number, JobState.DONE).result == {"done": True}


def test_a_job_that_kills_every_worker_is_given_up(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    number = queue(installation, "deadly")
    with installation.db.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        killed_four_times = "UPDATE jobs.procrastinate_jobs SET status = 'doing', attempts = 4"
        connection.execute(text(killed_four_times))
    with working(installation, settings, Task("deadly", finish)):
        wait_for(installation, number, JobState.FAILED)


def test_a_worker_without_a_database_starts_waits_and_stops(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    nowhere = dict.fromkeys(Pool, "postgresql://nobody@127.0.0.1:1/nothing")
    began = time.monotonic()
    with working(replace(installation, urls=nowhere), settings):
        time.sleep(1)
    assert time.monotonic() - began < 10


def test_stuck_and_failed_jobs_are_found_and_old_ones_forgotten(
    open_clone: OpenInstallation,
) -> None:
    installation = open_clone()
    numbers = [queue(installation, name) for name in ("lost", "late", "failed", "fresh", "old")]
    lost, late, failed, _, old = numbers
    with installation.db.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        for change in (
            f"status = 'doing' WHERE id IN ({lost}, {failed}, {old})",
            f"status = 'failed' WHERE id IN ({failed}, {old})",
            f"scheduled_at = now() - interval '2 hours' WHERE id = {late}",
        ):
            connection.execute(text(f"UPDATE jobs.procrastinate_jobs SET {change}"))
    owner = create_engine(installation.owner_url)
    with owner.begin() as connection:
        aged = "UPDATE jobs.procrastinate_events SET at = now() - interval '31 days'"
        connection.execute(text(f"{aged} WHERE job_id = {old}"))
    owner.dispose()
    with installation.db.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        assert find_stuck(connection) == [
            f"lost {lost}: doing", f"late {late}: todo", f"failed {failed}: failed",
        ]  # fmt: skip
        assert forget_old_jobs(connection) == 1
        left = connection.execute(text("SELECT id FROM jobs.procrastinate_jobs ORDER BY id"))
        assert list(left.scalars()) == numbers[:4]


@pytest.mark.parametrize("pool", [Pool.FIELD, Pool.STAFF])
def test_people_queue_only_what_they_may_and_once_while_it_waits(
    pool: Pool, open_clone: OpenInstallation
) -> None:
    installation = open_clone()
    with installation.db.write(actor="x", reason="x", pool=pool) as connection:
        first = enqueue(connection, "make_derivatives", {"sha256": "a"})
        assert enqueue(connection, "make_derivatives", {"sha256": "a"}) == first
        assert enqueue(connection, "make_derivatives", {"sha256": "b"}) != first
    for statement in (
        "SELECT jobs.enqueue('sweep_uploads', '{}', 'x')",
        "SELECT jobs.procrastinate_cancel_job_v1(1, true, true)",
        "SELECT args FROM jobs.procrastinate_jobs",
        "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name) VALUES ('x', 'x')",
    ):
        with (
            pytest.raises(DBAPIError, match=r"permission denied|no task"),
            installation.db.write(actor="x", reason="x", pool=pool) as connection,
        ):
            connection.execute(text(statement))
