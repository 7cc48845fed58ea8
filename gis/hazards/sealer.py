"""A thread of ``serve`` that seals the log each minute."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import InfratrackError
from gis.hazards.seal import seal_events

EVERY_S = 60.0
_log = logging.getLogger(__name__)


class Sealer:
    """Seals what was appended, every ``EVERY_S`` seconds; a busy log is tried again later."""

    def __init__(self, db: Database, *, every_s: float = EVERY_S) -> None:
        self._db = db
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; a block being sealed is finished first."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                with self._db.write(actor="sealer", reason="seal", pool=Pool.JOBS) as connection:
                    seal_events(connection)
            except (SQLAlchemyError, InfratrackError) as error:  # the latter: a full disk
                _log.warning("the log was not sealed this time: %s", type(error).__name__)
