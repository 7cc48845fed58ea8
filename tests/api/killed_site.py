"""An installation that a proof kills again and again: its server, its PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
from sqlalchemy import Connection, create_engine

from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, open_installation
from gis.db.handle import set_context
from gis.settings import Settings
from tests.api.bureau import PersonRole, enrol, hire

PHONES = 4
PATIENCE_S = 40.0


class Site:
    """One installation in a folder of its own: a server process over an embedded cluster."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(state_folder=folder / "state", reader="public")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.seen: Counter[str] = Counter()
        installation = open_installation(self.settings)
        for n in range(PHONES):
            hire(installation.db, f"inspector{n}", PersonRole.INSPECTOR)
        installation.close()
        self.wait()
        with httpx.Client(base_url=self.base, timeout=20) as client:
            self.handsets = [enrol(client, f"inspector{n}") for n in range(PHONES)]

    def start(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        environment = {
            **os.environ,
            "GIS_STATE_FOLDER": str(self.settings.state_folder),
            "GIS_READER": "public",
        }
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Until the server answers; started anew when it has ended."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.start()
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.base}/health", timeout=5).status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError("the server did not come back")

    def kill_server(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.seen["server killed"] += 1

    def kill_postgres(self) -> None:
        folder = str(self.settings.state_folder.resolve())
        for process in psutil.process_iter(["name", "cwd"]):
            with contextlib.suppress(psutil.Error):
                if process.info["name"] == "postgres" and folder in (process.info["cwd"] or ""):
                    process.send_signal(signal.SIGKILL)
        self.seen["PostgreSQL killed"] += 1

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@contextlib.contextmanager
def read_as_superuser(site: Site) -> Iterator[Connection]:
    """The site's own database, read beside the server."""
    with Cluster(site.settings.state_folder) as cluster:
        engine = create_engine(cluster.superuser_url(DATABASE))
        with engine.connect() as connection:
            set_context(connection, actor="test", reason="look")
            yield connection
        engine.dispose()
