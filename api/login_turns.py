"""Who logs in waits for a turn, without a thread: hashing a password is slow on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from gis.attributes import Text
from gis.errors import BusyError

T = TypeVar("T")
AT_ONCE = 2
MOST_WAITING = 200
_BUSY = Text(zh="登录人数过多,请稍后重试", en="too many are logging in; retry shortly")


class LoginTurns:
    """Two at once, the others in the order they came, and no endless queue."""

    def __init__(self) -> None:
        self._turns: anyio.Semaphore | None = None
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread when its turn has come; BusyError when too many wait."""
        if self._turns is None:
            self._turns = anyio.Semaphore(AT_ONCE)
        if self._waiting >= MOST_WAITING:
            raise BusyError(_BUSY)
        self._waiting += 1
        try:
            async with self._turns:
                return await anyio.to_thread.run_sync(work)
        finally:
            self._waiting -= 1
