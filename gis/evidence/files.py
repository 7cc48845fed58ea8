"""The content-addressed store: ``evidence/<aa>/<sha256>``, written once, never changed.

A file gets its name only when all of it is on the disk; the name is its hash, so that what is
there is right or can be shown to be wrong. Uploads grow in ``evidence/.uploads`` (one file system
with the rest); pictures made of evidence lie in ``derivatives``, outside the backup.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from gis.attributes import Text
from gis.db.cluster_files import sync_folder
from gis.errors import InFlightError, StorageFullError

SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_log = logging.getLogger(__name__)


class EvidenceFiles:
    """The files below a state folder; uploads leave ``reserve`` bytes of the disk free.

    Safe between threads and processes.
    """

    def __init__(self, state_folder: Path, *, reserve: int = 0) -> None:
        self.folder = state_folder / "evidence"
        self.uploads = self.folder / ".uploads"
        self.derivatives = state_folder / "derivatives"
        self._reserve = reserve

    def path(self, sha256: str) -> Path:
        """Where the bytes of a hash are, or would be."""
        if not SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hexadecimal")
        return self.folder / sha256[:2] / sha256

    def derivative(self, sha256: str, size: str) -> Path:
        """Where a picture made of a blob is, or would be."""
        return self.derivatives / self.path(sha256).parent.name / f"{sha256}.{size}.jpg"

    def partial(self, upload: UUID) -> Path:
        """Where an upload grows."""
        return self.uploads / str(upload)

    def has(self, sha256: str, size: int) -> bool:
        """Whether a file of that name and size is there (its hash is not read again)."""
        try:
            return self.path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def require_room(self, size: int) -> None:
        """Raise StorageFullError unless ``size`` more bytes leave the reserve untouched.

        Where PostgreSQL cannot write its log, nobody can write anything.
        """
        self.uploads.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.uploads).free < size + self._reserve:
            raise _full()

    @contextmanager
    def open_upload(self, upload: UUID) -> Iterator[int]:
        """The descriptor of an upload's file, held by nobody else; InFlightError when it is.

        The lock is the kernel's, so that a process that was killed holds nothing.
        """
        self.uploads.mkdir(parents=True, exist_ok=True)
        with name_full_disk():
            handle = _open_partial(self.partial(upload))
        try:
            _lock(handle)
            yield handle
        finally:
            os.close(handle)

    def keep(self, handle: int, partial: Path, sha256: str) -> None:
        """Give an upload's whole and verified file its name in the store; idempotent.

        The bytes reach the disk before the name does, and are closed to writing. A file that has
        the name already is never overwritten; if its bytes are not what its name says, it is put
        aside under another.
        """
        goal = self.path(sha256)
        os.fsync(handle)
        os.fchmod(handle, 0o444)
        with name_full_disk():
            if not goal.parent.is_dir():
                goal.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(goal.parent.parent)
            try:
                _give_name(partial, goal)
            except FileExistsError:
                if not os.path.samestat(os.fstat(handle), goal.lstat()):
                    self._doubt(goal, partial, sha256)
            sync_folder(goal.parent)

    def _doubt(self, goal: Path, partial: Path, sha256: str) -> None:
        """The name is taken: by the same bytes, or by a damaged file that makes way."""
        if hash_file(goal) == sha256:
            return
        aside = goal.with_name(f".{sha256}.damaged-{int(time.time())}")
        _log.error("evidence %s was damaged; it was put aside and stored again", sha256)
        goal.rename(aside)
        _give_name(partial, goal)

    def drop_upload(self, upload: UUID) -> None:
        """Remove an upload's file; the stored one is another name of it and stays."""
        self.partial(upload).unlink(missing_ok=True)

    def list_uploads(self) -> dict[UUID, Path]:
        """Files of uploads by the upload they belong to."""
        found = {}
        for path in self.uploads.glob("*"):
            with suppress(ValueError):
                found[UUID(path.name)] = path
        return found

    def find_damage(self, sha256: str, size: int, *, thorough: bool) -> Text | None:
        """What is wrong with a stored file, if anything; ``thorough`` reads all of it."""
        path = self.path(sha256)
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            return Text(zh="文件缺失", en="the file is missing")
        if found != size:
            return Text(zh="文件大小不符", en="the file has another size")
        if thorough and hash_file(path) != sha256:
            return Text(zh="文件内容与哈希不符", en="the file's bytes do not match its hash")
        return None


def _open_partial(path: Path) -> int:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError:
        # Whole, and closed to writing since it has its name in the store: only its row is missing.
        return os.open(path, flags | os.O_RDONLY)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InFlightError(
            Text(zh="此上传正被另一连接占用", en="another connection holds this upload")
        ) from None


def hash_file(path: Path | int) -> str:
    """SHA-256 of a file (a path, or an open descriptor from its beginning), hex."""
    handle = os.dup(path) if isinstance(path, int) else os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        file.seek(0)
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()


@contextmanager
def name_full_disk() -> Iterator[None]:
    """Raise StorageFullError where the system says that no space is left."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full() from error
        raise


def _full() -> StorageFullError:
    return StorageFullError(
        Text(zh="磁盘已满:暂不能接收照片", en="the disk is full: no photos can be taken in")
    )


def _give_name(partial: Path, goal: Path) -> None:
    """A second name for a file, FileExistsError where it is taken.

    Linking cannot overwrite, renaming would; where a file system has no links it has to do.
    """
    try:
        os.link(partial, goal, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if goal.exists():
            raise FileExistsError(errno.EEXIST, "there already", str(goal)) from error
        partial.rename(goal)
