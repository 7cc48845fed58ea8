"""A thread that looks after the embedded server while it is served.

It starts the server again when it has ended (a log that could not grow, a kill for want of
memory), and gives it the reserve when a full disk keeps new sessions out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from gis.db.cluster import DATABASE, Cluster
from gis.db.handle import is_disk_full
from gis.errors import SetupError

EVERY_S = 2.0
"""Seconds between two looks."""
_log = logging.getLogger(__name__)


@contextmanager
def keep_running(cluster: Cluster | None) -> Iterator[None]:
    """Look after ``cluster`` until the block ends; a server by URL (None) has its own keepers."""
    if cluster is None:
        yield
        return
    keeper = Keeper(cluster)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class Keeper:
    """Looks every two seconds whether the server of ``cluster`` takes a session."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cluster-keeper", daemon=True)
        self._said = ""

    def start(self) -> None:
        """Begin looking."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a start that has begun is finished first."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        address = make_url(self._cluster.superuser_url(DATABASE)).set(drivername="postgresql")
        try:
            psycopg.connect(address.render_as_string(), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if is_disk_full(error):
                self._say("the disk is full: the server gets the room kept for it")
                self._cluster.reserve.give_up()
            elif self._cluster.status().state == "stopped":
                self._start_again()
        else:
            self._said = ""

    def _start_again(self) -> None:
        self._say("the database server has ended: starting it again")
        try:
            self._cluster.ensure()
        except SetupError as error:
            self._say(error.message.en)

    def _say(self, words: str) -> None:
        if words != self._said:  # not every two seconds
            _log.warning(words)
        self._said = words
