"""What evidence needs by itself: leftovers cleared, missing pictures queued, bytes checked.

Nothing here removes a stored file, known or not: a file without a row may be the only copy of
something that a restored database no longer speaks of.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, delete, func, or_, select

from gis.attributes import Text
from gis.db.evidence_tables import blob, upload
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import InFlightError
from gis.evidence.derive import Deriver
from gis.evidence.files import SHA256, EvidenceFiles
from gis.evidence.receive import KEPT
from gis.evidence.sniff import Medium
from gis.jobs.queue import enqueue
from gis.jobs.worker import Task, Work

_TOLD = timedelta(days=1)
"""How long an expired upload is still known, so that its sender is told 410 and not 404."""
_STRAY_S = 86_400
_MOST_QUEUED = 1_000


@dataclass(frozen=True, slots=True)
class Damage:
    """A blob whose bytes are not in the store as its row says."""

    sha256: str
    text: Text


def sweep_uploads(database: Database, files: EvidenceFiles) -> int:
    """Forget uploads that expired or ended long ago, and files no upload claims; how many."""
    found = files.list_uploads()  # before the rows: an upload is a row first
    with database.write(actor=Pool.JOBS.role, reason="sweep", pool=Pool.JOBS) as connection:
        gone = or_(
            upload.c.completed_at.is_(None) & (upload.c.expires_at < func.now() - _TOLD),
            upload.c.completed_at < func.now() - KEPT,
        )
        dropped = connection.execute(delete(upload).where(gone)).rowcount
        unfinished = select(upload.c.id).where(upload.c.completed_at.is_(None))
        claimed = set(connection.execute(unfinished).scalars())
    strays = [known for known in found if known not in claimed]
    removed = sum(_remove_stray(files, stray, found[stray]) for stray in strays)
    for folder in files.derivatives.glob("*/.making-*"):
        if _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)
    return int(dropped) + removed


def queue_missing(database: Database) -> int:
    """Queue the pictures nobody has made yet (a queue that was lost, a restored backup)."""
    shown = [medium.value for medium in Medium if medium.has_picture]
    waiting = select(blob.c.sha256).where(blob.c.examined_at.is_(None), blob.c.media.in_(shown))
    with database.write(actor=Pool.JOBS.role, reason="sweep", pool=Pool.JOBS) as connection:
        found = connection.execute(waiting.limit(_MOST_QUEUED)).scalars().all()
        for sha256 in found:
            enqueue(connection, "make_derivatives", {"sha256": sha256})
    return len(found)


def find_damaged(
    connection: Connection, files: EvidenceFiles, *, thorough: int | None = None
) -> list[Damage]:
    """Blobs whose file is missing or has another size, or other bytes: none in a sound store.

    All are looked for; ``thorough`` is how many, chosen at random, are read through (None: all).
    """
    read = set()
    if thorough is not None:
        chosen = select(blob.c.sha256).order_by(func.random()).limit(thorough)
        read = set(connection.execute(chosen).scalars())
    rows = connection.execute(select(blob.c.sha256, blob.c.bytes).order_by(blob.c.sha256))
    found = []
    for row in rows:
        all_of_it = thorough is None or row.sha256 in read
        damage = files.find_damage(row.sha256, row.bytes, thorough=all_of_it)
        if damage is not None:
            found.append(Damage(row.sha256, damage))
    return found


def find_unclaimed(connection: Connection, files: EvidenceFiles) -> list[str]:
    """Stored files that no row speaks of; kept, and worth knowing."""
    known = set(connection.execute(select(blob.c.sha256)).scalars())
    return sorted(name for name in _stored_names(files.folder) if name not in known)


def _stored_names(folder: Path) -> Iterator[str]:
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        if SHA256.fullmatch(path.name):
            yield path.name


def _remove_stray(files: EvidenceFiles, known: UUID, path: Path) -> bool:
    if not _is_old(path):
        return False
    try:
        with files.open_upload(known):
            files.drop_upload(known)
    except InFlightError:
        return False
    return True


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _STRAY_S
    except FileNotFoundError:
        return False


def _make_derivatives(work: Work, *, sha256: str) -> Mapping[str, object]:
    files = EvidenceFiles(work.settings.state_folder)
    damage = Deriver(work.db, files).derive(sha256)
    return {"damage": damage.as_dict()} if damage is not None else {"made": True}


def _sweep_uploads(work: Work) -> Mapping[str, object]:
    files = EvidenceFiles(work.settings.state_folder)
    return {"removed": sweep_uploads(work.db, files), "queued": queue_missing(work.db)}


TASKS = (
    Task("make_derivatives", _make_derivatives),
    Task("sweep_uploads", _sweep_uploads, cron="23 * * * *"),
)
"""What the worker can do for evidence."""
