"""Files and locks in a folder that may belong to another user than ours."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of the folder's owner (0600) atomically and durably; untouched when it is equal.

    By a new file and a rename: as root we must never follow a link in another user's folder.
    """
    try:
        if not path.is_symlink() and path.read_bytes() == content:
            return
    except OSError:
        pass  # missing or unreadable: write it
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            _give_to_owner(file.fileno(), path.parent)
        made.rename(path)
    except OSError:
        made.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_lock(path: Path, *, shared: bool = False, seconds: float = 0.0) -> int | None:
    """An flock on ``path`` as an open descriptor, or None when not free within ``seconds``.

    Give it up by closing it: LOCK_UN would also unlock the copies other processes inherited.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    _give_to_owner(handle, path.parent)
    wish = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, wish)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                return None
            time.sleep(0.01)
        except BaseException:
            os.close(handle)
            raise
        else:
            return handle


def _give_to_owner(handle: int, folder: Path) -> None:
    """As root, hand a file to the owner of its folder, who may have to open it without us."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
