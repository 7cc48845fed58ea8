"""Once a minute: what is noted by the hundred is noted once, first thing in its minute."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

_MOST_KEPT = 10_000


class Minutes:
    """What was noted in the running minute already."""

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._seen: set[Hashable] = set()

    def is_first(self, key: Hashable, now: datetime) -> bool:
        """Whether this is the first time in this minute."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute or len(self._seen) > _MOST_KEPT:
            self._minute, self._seen = minute, set()
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
