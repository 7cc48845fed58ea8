"""The worker writes what the escalation has reached, by itself, every few minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api import background
from gis.hazards.supervision import TASKS
from gis.jobs.queue import JobState
from gis.settings import Settings
from tests.gis.hazards.test_log import NOON
from tests.gis.hazards.test_supervision import inbox, order, staff_up, stages_of
from tests.gis.jobs.conftest import OpenInstallation
from tests.gis.jobs.test_worker import queue, wait_for, working


def test_the_job_writes_each_stage_once_however_often_it_comes(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    staff_up(installation.db)
    hazard = order(installation.db, due=NOON + timedelta(days=1))
    assert datetime.now(UTC) > NOON + timedelta(days=5)
    with working(installation, settings, *TASKS):
        first, again = (queue(installation, "escalate") for _ in range(2))
        assert wait_for(installation, first, JobState.DONE).result == {"escalated": 1}
        assert wait_for(installation, again, JobState.DONE).result == {"escalated": 0}
    ((stage, recipient, to, _),) = stages_of(installation.db, hazard)
    assert (stage, recipient, to) == ("late_3", "bureau_leader", ["lead"])
    assert inbox(installation.db, "lead")["unread"] == 1


def test_serve_has_it_among_its_tasks_and_it_comes_by_itself(
    open_clone: OpenInstallation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Noted(background.Worker):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]  # passed on as they come
            seen.extend(task.name for task in given[2] if task.cron)  # type: ignore[attr-defined]  # tasks

    monkeypatch.setattr(background, "Worker", Noted)
    with background.run_background(open_clone(), settings):
        pass
    assert "escalate" in seen
