"""Pictures for the screen made of evidence, and what is read from it once: in a child process."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gis.attributes import Text
from gis.db.cluster_files import sync_folder
from gis.db.evidence_tables import blob, derivative
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import NotFoundError
from gis.evidence.examine_picture import SIZES, TOO_HEAVY
from gis.evidence.files import EvidenceFiles, name_full_disk
from gis.evidence.sniff import Medium

ALIKE_BITS = 4
"""Of 64: a re-encoded or slightly cropped copy differs in up to four, another scene in dozens."""
WALL_SECONDS = 40
_ACTOR = Pool.JOBS.role
_PROJECT_FOLDER = Path(__file__).resolve().parents[2]
_log = logging.getLogger(__name__)
_NO_PICTURE = Text(zh="此文件没有可显示的图片", en="no picture can be made of this file")


@dataclass(frozen=True, slots=True)
class Alike:
    """Another stored picture that is nearly the same: ``distance`` bits of 64 differ."""

    sha256: str
    distance: int
    stored_at: datetime


class Deriver:
    """Makes pictures of stored evidence; safe between threads."""

    def __init__(self, database: Database, files: EvidenceFiles) -> None:
        self._database = database
        self._files = files
        self._at_work = threading.Lock()

    def try_derive(self, sha256: str) -> bool:
        """Make the pictures now; False when another is being made and this has to wait.

        Raises what :meth:`derive` does, and NotFoundError where no picture can be made.
        """
        if not self._at_work.acquire(blocking=False):
            return False
        try:
            reason = self.derive(sha256)
        finally:
            self._at_work.release()
        if reason is not None:
            raise NotFoundError(reason)
        return True

    def derive(self, sha256: str) -> Text | None:
        """Make the pictures of a blob and read its notes; why not, if it cannot be done.

        Done again it does no harm. Raises NotFoundError where there is no such blob, and
        StorageFullError.
        """
        with self._database.read(Pool.JOBS) as connection:
            known = select(blob.c.media).where(blob.c.sha256 == sha256)
            media = connection.execute(known).scalar()
        if media is None:
            raise NotFoundError(Text(zh="没有此证据", en="there is no such evidence"))
        if not Medium(media).has_picture:
            return _NO_PICTURE
        goal = self._files.derivative(sha256, "thumb").parent
        with name_full_disk():
            goal.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".making-", dir=goal) as scratch:
                answer = _run_child(self._files.path(sha256), media, Path(scratch))
                damaged = "damage" in answer
                placed = {} if damaged else _place(self._files, sha256, Path(scratch))
        reason = "derivatives"
        with self._database.write(actor=_ACTOR, reason=reason, pool=Pool.JOBS) as connection:
            _record(connection, sha256, answer, placed)
        return Text(**answer["damage"]) if damaged else None


def find_alike(connection: Connection, sha256: str) -> list[Alike]:
    """Other pictures nearly the same as this one, nearest first: for people to look at.

    A watermarked copy is nearly its original; whoever asks knows which belongs to which.
    """
    rows = connection.execute(
        text(
            "SELECT b.sha256, bit_count((b.dhash # a.dhash)::bit(64)) AS distance, b.stored_at"
            " FROM core.blob a JOIN core.blob b ON b.sha256 <> a.sha256"
            " AND bit_count((b.dhash # a.dhash)::bit(64)) <= :most"
            " WHERE a.sha256 = :sha256 ORDER BY distance, b.stored_at LIMIT 50"
        ),
        {"sha256": sha256, "most": ALIKE_BITS},
    )
    return [Alike(row.sha256, row.distance, row.stored_at) for row in rows]


def _run_child(path: Path, medium: str, folder: Path) -> dict[str, Any]:  # Any: JSON
    """The child's answer; a child that the system ended has exceeded its limits."""
    request = {"path": str(path), "medium": medium, "folder": str(folder)}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "gis.evidence.examine_picture"],
            input=json.dumps(request).encode(),
            capture_output=True,
            cwd=folder,
            env={"PYTHONPATH": str(_PROJECT_FOLDER), "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"damage": TOO_HEAVY.as_dict()}
    if done.returncode < 0:
        return {"damage": TOO_HEAVY.as_dict()}
    if done.returncode > 0:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    answer: dict[str, Any] = json.loads(done.stdout)  # Any: JSON
    if "cause" in answer:
        _log.info("no picture of %s: %s", path.name, answer["cause"])
    return answer


def _place(files: EvidenceFiles, sha256: str, scratch: Path) -> dict[str, int]:
    """Put what the child made where it is looked for, whole; bytes by size."""
    placed = {}
    for size in SIZES:
        made = scratch / f"{size}.jpg"
        with made.open("rb+") as file:
            os.fsync(file.fileno())
        placed[size] = made.stat().st_size
        made.rename(files.derivative(sha256, size))
    sync_folder(files.derivative(sha256, "thumb").parent)
    return placed


def _record(
    connection: Connection,
    sha256: str,
    answer: dict[str, Any],  # Any: JSON
    placed: dict[str, int],
) -> None:
    exif = answer.get("exif", {})
    connection.execute(
        update(blob)
        .where(blob.c.sha256 == sha256)
        .values(
            examined_at=func.now(),
            damage=answer.get("damage"),
            exif_at=datetime.fromisoformat(exif["at"]) if exif.get("at") else None,
            exif_lon=exif.get("lon"),
            exif_lat=exif.get("lat"),
            dhash=answer.get("dhash"),
        )
    )
    for size, count in placed.items():
        width, height = answer["sizes"][size]
        row = upsert(derivative).values(
            sha256=sha256, size=size, bytes=count, width=width, height=height
        )
        connection.execute(
            row.on_conflict_do_update(
                index_elements=["sha256", "size"],
                set_={"bytes": count, "width": width, "height": height, "made_at": func.now()},
            )
        )
