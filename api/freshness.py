"""Versions, ETags and the caches they key; a listener that frees memory and wakes live pages.

A version is read from the database on every request, before the answer it covers. Caches are
keyed by it, so they can only ever hold true answers; NOTIFY merely frees memory early.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Callable, Hashable, Sequence

import psycopg
from cachetools import LRUCache
from sqlalchemy import make_url

from api.reading import Ask
from gis.errors import BusyError
from gis.attributes import Text
from gis.queries import read_versions

_log = logging.getLogger(__name__)


def read_version(ask: Ask, kinds: Sequence[str]) -> str:
    """One word for the state of some collections, e.g. ``7.12`` (in the order of ``kinds``)."""
    found: dict[str, int] = {kind: version for kind, version in ask(read_versions(kinds))}
    if len(found) < len(set(kinds)):
        raise BusyError(Text(zh="数据库尚未就绪", en="The database is not ready yet"))
    return ".".join(str(found[kind]) for kind in kinds)


def make_etag(*parts: object) -> str:
    """A strong ETag over a version and what distinguishes the representation."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]
    return f'"{digest}"'


def matches(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names this ETag (weak comparison, RFC 9110)."""
    if header is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag in tags


class TileCache:
    """Bytes by key, least recently used first out, bounded by their sum."""

    def __init__(self, megabytes: float) -> None:
        self._lock = threading.Lock()
        self._kept: LRUCache[Hashable, bytes] = LRUCache(
            max(1, int(megabytes * 2**20)), getsizeof=len
        )

    def get(self, key: Hashable) -> bytes | None:
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: Hashable, content: bytes) -> None:
        with self._lock:
            if len(content) <= self._kept.maxsize:
                self._kept[key] = content

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


class Listener:
    """One thread on LISTEN; wakes live pages (server-sent events) and frees caches."""

    def __init__(self, url: str, on_change: Callable[[], None]) -> None:
        parts = make_url(url).set(drivername="postgresql")
        self._dsn = parts.render_as_string(hide_password=False)
        self._on_change = on_change
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listen", daemon=True)
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self.closing = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.closing = True
        self._stop.set()
        self._wake()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    connection.execute("LISTEN infratrack_change")
                    while not self._stop.is_set():
                        for _ in connection.notifies(timeout=1.0, stop_after=1):
                            self._on_change()
                            self._wake()
            except psycopg.Error as error:
                _log.warning("listening for changes was interrupted: %s", error)
                self._stop.wait(1.0)

    def _wake(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    async def wait(self, seconds: float) -> bool:
        """Wait for a change; False when none came in time."""
        event = asyncio.Event()
        ticket = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiting.add(ticket)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting.discard(ticket)
        return True
