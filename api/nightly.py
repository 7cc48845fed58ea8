"""The nightly backup under ``serve``: one per night, whatever the number of processes."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text

from gis.backup import back_up, prune_backups
from gis.db.connect import Installation
from gis.errors import InfratrackError
from gis.settings import Settings

_LOCK = 7_261_003
_log = logging.getLogger(__name__)


def find_next(now: datetime, hour: int) -> datetime:
    """The next time the clock shows ``hour``, in the zone of ``now``.

    >>> find_next(datetime(2026, 11, 20, 3, 0), 2)
    datetime.datetime(2026, 11, 21, 2, 0)
    """
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


class Nightly:
    """A thread that waits for the hour and makes the backup, if no other process does."""

    def __init__(self, settings: Settings, installation: Installation) -> None:
        self._settings = settings
        self._installation = installation
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nightly", daemon=True)

    def start(self) -> None:
        """Begin waiting."""
        self._thread.start()

    def stop(self) -> None:
        """Stop waiting."""
        self._stop.set()

    def _run(self) -> None:
        zone = ZoneInfo(self._settings.timezone)
        while True:
            now = datetime.now(zone)
            due = find_next(now, self._settings.backup_hour)
            if self._stop.wait((due - now).total_seconds()):
                return
            try:
                self.make(due)
            except (InfratrackError, OSError):
                _log.exception("the nightly backup failed")

    def make(self, due: datetime) -> bool:
        """Make the backup of one night; False when another process makes or made it."""
        folder = self._settings.state_folder / "backups"
        target = folder / f"nightly-{due:%Y%m%d}.tar"
        engine = create_engine(self._installation.owner_url)
        try:
            with engine.connect() as connection:
                mine = connection.execute(
                    text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}
                ).scalar()
                if not mine or target.exists():
                    return False
                back_up(
                    self._installation,
                    self._settings.state_folder,
                    target,
                    progress=lambda _words, _share: None,
                )
        finally:
            engine.dispose()
        prune_backups(folder, self._settings.backups_kept)
        return True
