"""The nightly backup under ``serve``: one per night, whatever the number of processes."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from gis.db.connect import Installation
from gis.errors import InfratrackError
from gis.jobs.backup import backup_folder, make_backup
from gis.people.audit import prune_audit
from gis.people.throttle import drop_old
from gis.people.tokens import drop_expired
from gis.settings import Settings

_LOCK = 7_261_003
"""Advisory lock: of two processes that serve one database, one makes the backup."""
_RETRY = timedelta(hours=1)
_SETTLE = timedelta(minutes=1)
"""A missed night is made up for after the start, not in the middle of it."""
_log = logging.getLogger(__name__)


def find_last_due(now: datetime, hour: int) -> datetime:
    """The latest moment at which a nightly backup was due, in the zone of ``now``.

    >>> find_last_due(datetime(2026, 11, 20, 1, 30), 2)
    datetime.datetime(2026, 11, 19, 2, 0)
    """
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def name_nightly(due: datetime) -> str:
    """The file name of one night's backup: the night, not the moment, so there is one of it.

    >>> name_nightly(datetime(2026, 11, 19, 2, 0))
    'nightly-20261119.tar'
    """
    return f"nightly-{due:%Y%m%d}.tar"


def make_nightly(installation: Installation, settings: Settings, due: datetime) -> Path | None:
    """Make the backup of one night and drop the oldest; None when another process does or did."""
    folder = backup_folder(settings)
    target = folder / name_nightly(due)
    engine = create_engine(installation.owner_url)
    try:
        with engine.connect() as connection:
            lock = text("SELECT pg_try_advisory_lock(:key)")
            mine = connection.execute(lock, {"key": _LOCK}).scalar()
            connection.commit()  # a session's lock outlives it; no transaction stays open for long
            if not mine or target.exists():
                return None
            make_backup(installation, settings, target)
            drop_oldest(folder, settings.backups_kept)
            _forget_the_past(connection, settings)
            return target
    finally:
        engine.dispose()


def _forget_the_past(owner: Connection, settings: Settings) -> None:
    """Drop what need not be kept any more: it is in the backup that was just made."""
    now = datetime.now(UTC)
    prune_audit(owner, days=settings.audit_days)
    drop_expired(owner, now=now)
    drop_old(owner, now=now)
    owner.commit()


def drop_oldest(folder: Path, kept: int) -> list[Path]:
    """Remove the oldest nightly backups beyond ``kept``; backups made by hand are not touched."""
    dropped = sorted(folder.glob("nightly-*.tar"))[:-kept]
    for path in dropped:
        path.unlink(missing_ok=True)
    return dropped


class Nightly:
    """A thread that waits for the hour; a night missed while nobody served is made up for."""

    def __init__(self, installation: Installation, settings: Settings) -> None:
        self._installation = installation
        self._settings = settings
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nightly-backup", daemon=True)

    def start(self) -> None:
        """Begin waiting."""
        self._thread.start()

    def stop(self) -> None:
        """Stop waiting; a backup at work is finished first."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        zone = ZoneInfo(self._settings.timezone)
        wait = _SETTLE
        while not self._stopped.wait(wait.total_seconds()):
            wait = self._make_due(datetime.now(zone))

    def _make_due(self, now: datetime) -> timedelta:
        """Make the backup that is due; how long to wait then."""
        due = find_last_due(now, self._settings.backup_hour)
        if not (backup_folder(self._settings) / name_nightly(due)).exists():
            try:
                make_nightly(self._installation, self._settings, due)
            except (InfratrackError, SQLAlchemyError, OSError):
                _log.exception("the nightly backup failed; it is tried again in an hour")
                return _RETRY
        return min(due + timedelta(days=1) - now + _SETTLE, _RETRY)
