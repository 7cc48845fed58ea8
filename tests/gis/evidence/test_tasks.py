"""What the worker does for evidence, from the queue to the picture on the disk."""

from __future__ import annotations

import time
from pathlib import Path

from gis.db.connect import Installation
from gis.evidence.sweep import TASKS
from gis.jobs.queue import Job, JobState, read_job
from gis.jobs.worker import Worker
from gis.settings import Settings
from tests.gis.evidence.conftest import Room
from tests.gis.evidence.photos import make_jpeg


def work_off(room: Room, state: Path, number: int) -> Job:
    """Let a worker run until a job has ended."""
    urls = {
        pool: engine.url.render_as_string(hide_password=False)
        for pool, engine in room.db.engines.items()
    }
    installation = Installation(
        db=room.db, urls=urls, owner_url="", cluster=None, close=lambda: None
    )
    worker = Worker(installation, Settings(state_folder=state), TASKS)
    worker.start()
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with room.db.read() as connection:
                job = read_job(connection, number)
            if job.state not in (JobState.WAITING, JobState.RUNNING):
                return job
            time.sleep(0.05)
        raise AssertionError(job)
    finally:
        worker.stop()


def newest_job(room: Room) -> int:
    found = room.ask("SELECT max(id) FROM jobs.procrastinate_jobs")[0][0]
    assert isinstance(found, int)
    return found


def test_a_stored_photo_gets_its_pictures_by_a_job(room: Room, tmp_path: Path) -> None:
    name = room.take(make_jpeg(51))
    job = work_off(room, tmp_path / "state", newest_job(room))
    assert (job.state, job.result) == (JobState.DONE, {"made": True})
    assert room.files.derivative(name, "thumb").exists()
    assert room.files.derivative(name, "screen").exists()


def test_a_damaged_photo_ends_its_job_with_the_reason_and_is_not_tried_again(
    room: Room, tmp_path: Path
) -> None:
    room.take(make_jpeg(52)[:9000])
    job = work_off(room, tmp_path / "state", newest_job(room))
    assert job.state is JobState.DONE
    assert job.attempts == 1
    assert job.result == {
        "damage": {
            "zh": "图片无法解码(文件已损坏)",
            "en": "the picture cannot be decoded (damaged)",
        }
    }
