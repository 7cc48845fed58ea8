"""Room kept aside on the disk of the embedded server, for the hour when the disk is full.

A server whose log cannot grow ends, and to recover it must begin a new segment of that log (16 MB):
on a full disk it does not come up again, and reading ends with writing. So a file of some segments
lies beside it. It is given up when the server needs the room, and until it can be put back nothing
is written: reads go on, and the reserve is not eaten by the next load.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

SEGMENT_BYTES = 16 * 2**20
"""What the server's log grows by at once."""
RESERVE_BYTES = 4 * SEGMENT_BYTES
"""Four segments of the log: one for the end of the recovery, three for what reading still logs."""
MARGIN_BYTES = 32 * 2**20
"""What must be free beside the reserve before it is put back, so that not all room is taken."""


class Reserve:
    """The file that keeps room, on the file system of the server's log."""

    def __init__(self, data: Path) -> None:
        self._data = data

    @property
    def path(self) -> Path:
        """Where the file is: beside the data folder, or beside a log that was moved elsewhere."""
        log = self._data / "pg_wal"
        home = log.resolve().parent if log.is_symlink() else self._data.parent
        return home / "reserve"

    def hold(self) -> bool:
        """Whether room is kept; puts the file (back) where there is room for it."""
        path = self.path
        if path.exists():
            return True
        (self._data.parent / path.name).unlink(missing_ok=True)  # of a log that was moved since
        if shutil.disk_usage(path.parent).free < RESERVE_BYTES + MARGIN_BYTES:
            return False
        handle, name = tempfile.mkstemp(prefix=".reserve-", dir=path.parent)
        made = Path(name)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
            made.rename(path)
        except OSError:  # somebody else took the room meanwhile
            made.unlink()
            return False
        finally:
            os.close(handle)
        return True

    def has_room(self) -> bool:
        """Whether something may be written: room is kept, and the log can still grow without it."""
        return self.hold() and shutil.disk_usage(self.path.parent).free >= SEGMENT_BYTES

    def give_up(self) -> None:
        """Give the room to the server."""
        self.path.unlink(missing_ok=True)

    def give_up_when_full(self) -> None:
        """Give the room to a server about to start, when it would not have enough otherwise."""
        if shutil.disk_usage(self.path.parent).free < RESERVE_BYTES:
            self.give_up()
