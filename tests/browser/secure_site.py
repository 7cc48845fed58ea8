"""`serve --tls` as a process of its own on a name, a database of its own, and the wire to it.

Phones reach the server through :class:`Wire`, a relay of bytes it cannot read. What happens to
networks and machines happens there: no answer at all, a reply lost after the work was done, a
server killed in the middle of a photo.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from shapely import Point
from sqlalchemy import text

from gis import store
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.kinds.gas_site import GasSite, GasSiteType
from tests.api.bureau import PASSWORD, PersonRole, hire
from tests.browser.field_office import LAT, LON
from tests.gis.samples import sample_record

NAME = "gis.lan"
PATIENCE_S = 40.0
_PIECE = 16_384


def find_port() -> int:
    """A port nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Wire:
    """A relay in front of ``target``. A fault strikes once: the first connection that sends
    ``after`` bytes after it was armed hears nothing more, and is cut when the fault is done."""

    target: int
    port: int = 0
    is_down: bool = False
    fault: Callable[[], None] | None = None
    after: int = 0
    struck: int = 0
    _armed: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, fault: Callable[[], None], *, after: int) -> None:
        """See above; ``fault`` may wait for what the server is to have done."""
        self.fault, self.after, self._armed = fault, after, self._armed + 1

    def go_down(self, *, down: bool = True) -> None:
        """No signal: what is open is cut, what comes is hung up on."""
        self.is_down = down
        for one in self._open if down else []:
            _cut(one)

    def close(self) -> None:
        """Take it away."""
        self.go_down()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near: socket.socket) -> None:
        far = None if self.is_down else _reach(self.target)
        if far is None:
            _cut(near)
            return
        self._open += [near, far]
        struck = threading.Event()
        threading.Thread(target=_pump, args=(far, near, struck.is_set), daemon=True).start()
        armed, sent = self._armed, 0

        def count(size: int) -> None:
            nonlocal armed, sent
            armed, sent = self._armed, (sent if armed == self._armed else 0) + size
            if self.fault is not None and sent >= self.after:
                fault, self.fault = self.fault, None
                struck.set()  # nothing of what the server answers gets through any more
                threading.Thread(target=self._strike, args=(fault, near), daemon=True).start()

        _pump(near, far, lambda: False, count)

    def _strike(self, fault: Callable[[], None], near: socket.socket) -> None:
        fault()
        self.struck += 1
        _cut(near)


def _reach(port: int) -> socket.socket | None:
    try:
        return socket.create_connection(("127.0.0.1", port))
    except OSError:
        return None


def _pump(
    source: socket.socket,
    goal: socket.socket,
    is_lost: Callable[[], bool],
    count: Callable[[int], None] = lambda _size: None,
) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            count(len(piece))
            if not is_lost():
                goal.sendall(piece)
    _cut(source)
    _cut(goal)


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@dataclass
class SecureSite:
    """The installation: its database, its server, the wire phones come in by."""

    urls: dict[Pool, str]
    owner_url: str
    superuser_url: str
    state: Path
    db: PooledDatabase
    port: int = field(default_factory=find_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.wire = Wire(self.port)
        self.base = f"https://{NAME}:{self.wire.port}"

    def start(self) -> None:
        """As the README says: an authority of our own, a name of the office's network."""
        environment = {
            **os.environ,
            "GIS_STATE_FOLDER": str(self.state),
            "GIS_READER": "public",
            "GIS_DATABASE_URL": self.owner_url,
            **{f"GIS_DATABASE_URL_{pool.value.upper()}": url for pool, url in self.urls.items()},
        }
        command = [sys.executable, "-m", "api.cli", "serve", "--tls", "--name", NAME]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError, OSError), self.client() as client:
                if client.get("/health").status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Take everything down."""
        self.wire.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def client(self) -> httpx.Client:
        """Somebody of the office, who trusts the authority; past the wire."""
        trust = ssl.create_default_context(cafile=self.state / "tls" / "ca.crt")
        base = f"https://127.0.0.1:{self.port}"
        headers = {"X-Infratrack": "1", "Origin": base}
        return httpx.Client(base_url=base, verify=trust, timeout=20, headers=headers)

    @contextlib.contextmanager
    def log_in(self, login: str) -> Iterator[httpx.Client]:
        """The same, logged in."""
        with self.client() as client:
            answer = client.post("/login", data={"login": login, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            yield client

    def ask(self, question: str, **values: object) -> list[tuple[object, ...]]:
        """Rows of the database itself."""
        with self.db.read(Pool.JOBS) as connection:
            return [tuple(row) for row in connection.execute(text(question), values)]


def fill_bureau(site: SecureSite) -> None:
    """An inspector, an officer, and three sites to visit."""
    hire(site.db, "zhang", PersonRole.INSPECTOR)
    hire(site.db, "wang", PersonRole.OFFICER)
    with site.db.write(actor="test", reason="sites") as connection:
        for number, (name, kind) in enumerate(SITES):
            facts = {"code": f"RQ-{number + 1:04d}", "source_code": f"RQ-{number + 1:04d}"}
            record = sample_record(GasSite).model_copy(
                update={**facts, "name": name, "site_type": kind}
            )
            store.add(connection, record, Point(LON + number * 0.004, LAT))


SITES = (
    ("老街火锅店", GasSiteType.RESTAURANT),
    ("城东门站", GasSiteType.GATE_STATION),
    ("翠湖小区", GasSiteType.RESIDENTIAL_AREA),
)


def assign_everything(client: httpx.Client, login: str) -> None:
    """A campaign over every gas site, all of it somebody's."""
    today = datetime.now(UTC).date().isoformat()
    rules = [{"category": "gas", "kind": "gas_site", "mode": "all"}]
    asked = {"name": "冬季燃气专项检查", "starts_on": today, "due_on": "2099-12-31", "rules": rules}
    opened = client.post("/campaigns", json=asked)
    assert opened.status_code == 201, opened.text
    where = opened.headers["location"]
    tasks = [task["id"] for task in client.get(where).json()]
    given = client.post(where, json={"tasks": tasks, "to": login})
    assert given.status_code == 204, given.text
