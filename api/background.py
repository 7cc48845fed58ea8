"""What runs beside the answers under ``serve``: backup, worker, sealer, keeper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gis.db.cluster_keeper import keep_running
from gis.db.connect import Installation
from gis.evidence.sweep import TASKS as EVIDENCE_TASKS
from gis.hazards.sealer import Sealer
from gis.hazards.supervision import TASKS as SUPERVISION_TASKS
from gis.jobs.housekeeping import TASKS as QUEUE_TASKS
from gis.jobs.nightly import Nightly
from gis.jobs.worker import Worker
from gis.network.inspection_upkeep import TASKS as INSPECTION_TASKS
from gis.network.survey_import import TASKS as SURVEY_TASKS
from gis.settings import Settings

WORKED = (*EVIDENCE_TASKS, *SUPERVISION_TASKS, *SURVEY_TASKS, *INSPECTION_TASKS, *QUEUE_TASKS)
"""Everything the worker can do."""


@contextmanager
def run_background(installation: Installation, settings: Settings) -> Iterator[None]:
    """Backup, worker and the server's keeper at work; at the end all finish what they are at."""
    nightly = Nightly(installation, settings)
    worker = Worker(installation, settings, WORKED)
    sealer = Sealer(installation.db)
    nightly.start()
    worker.start()
    sealer.start()
    try:
        with keep_running(installation.cluster):
            yield
    finally:
        sealer.stop()
        worker.stop()
        nightly.stop()
