"""Phones over a network that loses, doubles and reorders, against a server that is killed.

``python -m tests.api.lossy_network [--examples 50] [--steps 40]`` runs it long and prints what
happened; the test beside it runs it short. At the end of every run the server's log must be the
union of the phones' logs, each record once, byte for byte.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import httpx
import psutil
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import create_engine, text

from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, open_installation
from gis.db.handle import set_context
from gis.hazards.rebuild import check
from gis.hazards.seal import find_broken_seals
from gis.settings import Settings
from tests.api.bureau import Handset, PersonRole, enrol, hire
from tests.gis.hazards.records import Phone, id_of

PHONES = 4
PATIENCE_S = 40.0


@dataclass
class Field:
    """A phone as the app behaves: what is in its store survives, what is in memory does not.

    A record leaves the store only after a 2xx whose body repeats its id and hash.
    """

    phone: Phone
    handset: Handset
    store: dict[UUID, bytes] = field(default_factory=dict)
    written: dict[UUID, bytes] = field(default_factory=dict)
    hazards: list[tuple[UUID, int]] = field(default_factory=list)
    last: str = ""

    def log(self, type_: str, **members: object) -> None:
        body = self.phone.write(type_, datetime.now(UTC), **members)
        self.store[id_of(body)] = self.written[id_of(body)] = body

    def settle(self, body: bytes, answer: httpx.Response) -> None:
        self.last = f"{answer.status_code} {answer.text[:200]}"
        if answer.status_code not in (200, 201):
            return
        receipt = answer.json()
        if receipt["sha256"] == hashlib.sha256(body).hexdigest():
            self.store.pop(UUID(receipt["id"]), None)


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


class LossyNetwork(RuleBasedStateMachine):
    """Steps of phones, network and server in any order."""

    site: ClassVar[Site]

    def __init__(self) -> None:
        super().__init__()
        self.site.wait()
        self.client = httpx.Client(base_url=self.site.base, timeout=20)
        self.fields: list[Field] = []
        for handset in self.site.handsets:
            self.fields.append(Field(Phone(account=handset.account), handset))

    @rule(n=st.integers(0, PHONES - 1), found=st.integers(1, 4))
    def log_hazards(self, n: int, found: int) -> None:
        for _ in range(found):
            hazard = uuid4()
            payload = {"category": "gas", "severity": "minor", "description": "<b>${x}"}
            self.fields[n].log("found", hazard_id=hazard, payload=payload)
            self.fields[n].hazards.append((hazard, 1))

    @rule(n=st.integers(0, PHONES - 1), other=st.integers(0, PHONES - 1), at=st.integers(0, 99))
    def add_to_a_hazard(self, n: int, other: int, at: int) -> None:
        """A comment, perhaps on another phone's hazard that has not arrived yet."""
        if known := self.fields[other].hazards:
            hazard, _ = known[at % len(known)]
            self.fields[n].log("commented", hazard_id=hazard, payload={"note": "仍在"})

    @rule(n=st.integers(0, PHONES - 1))
    def visit(self, n: int) -> None:
        payload = {"category": "gas", "result": "normal", "team": ["甲", "乙"]}
        self.fields[n].log("visited", visit_id=uuid4(), payload=payload)

    @rule(
        n=st.integers(0, PHONES - 1),
        fate=st.sampled_from(["deliver", "drop request", "drop answer", "double", "reorder"]),
        few=st.integers(1, 5),
    )
    def send(self, n: int, fate: str, few: int) -> None:
        phone = self.fields[n]
        bodies = list(phone.store.values())[:few]
        if fate == "reorder":
            bodies.reverse()
        for body in bodies:
            self.site.seen[fate] += 1
            if fate == "drop request":
                continue
            for _ in range(2 if fate == "double" else 1):
                answer = self._put(phone, body)
                if answer is not None and fate != "drop answer":
                    phone.settle(body, answer)

    @rule(n=st.integers(0, PHONES - 1))
    def kill_server_while_sending(self, n: int) -> None:
        phone = self.fields[n]
        bodies = list(phone.store.values())[:10]
        asked = {"events": [body.decode() for body in bodies]}
        with contextlib.suppress(httpx.HTTPError), httpx.Client(timeout=0.05) as hasty:
            hasty.post(f"{self.site.base}/sync", json=asked, headers=phone.handset.headers)
        self.site.kill_server()

    @rule()
    def kill_postgres(self) -> None:
        self.site.kill_postgres()

    @rule(n=st.integers(0, PHONES - 1))
    def kill_app(self, n: int) -> None:
        """What was under way is forgotten; the store is as the last transaction left it."""
        self.site.seen["app killed"] += 1
        self.fields[n].store = dict(self.fields[n].store)

    def _put(self, phone: Field, body: bytes) -> httpx.Response | None:
        try:
            return self.client.put(
                f"/events/{id_of(body)}", content=body, headers=phone.handset.headers
            )
        except httpx.HTTPError:
            self.site.seen["no answer"] += 1
            return None

    def teardown(self) -> None:
        """The network heals; every store empties; both sides hold the same."""
        self.site.wait()
        until = time.monotonic() + PATIENCE_S
        while any(phone.store for phone in self.fields) and time.monotonic() < until:
            for phone in self.fields:
                for body in list(phone.store.values()):
                    answer = self._put(phone, body)
                    if answer is not None:
                        phone.settle(body, answer)
                    else:
                        self.site.wait()
        self.client.close()
        self._compare()

    def _compare(self) -> None:
        sent = {i: b for phone in self.fields for i, b in phone.written.items()}
        kept = [phone.last for phone in self.fields if phone.store]
        assert not kept, f"a record was never taken: {kept}"
        with read_as_superuser(self.site) as connection:
            rows = connection.execute(
                text("SELECT id, body_sha256 FROM core.event WHERE id = ANY(:ids)"),
                {"ids": list(sent)},
            ).all()
            devices = [phone.phone.id for phone in self.fields]
            own = connection.execute(
                text("SELECT count(*) FROM core.event WHERE device_id = ANY(:d)"), {"d": devices}
            ).scalar_one()
        assert len(rows) == own == len(sent)
        for identifier, digest in rows:
            assert bytes(digest) == hashlib.sha256(sent[identifier]).digest()
        self.site.seen["records"] += len(sent)


@contextlib.contextmanager
def read_as_superuser(site: Site):  # type: ignore[no-untyped-def]  # noqa: ANN201  a context manager
    """The site's own database, read beside the server."""
    with Cluster(site.settings.state_folder) as cluster:
        engine = create_engine(cluster.superuser_url(DATABASE))
        with engine.connect() as connection:
            set_context(connection, actor="test", reason="look")
            yield connection
        engine.dispose()


def run(*, examples: int, steps: int) -> Counter[str]:
    """Run the machine; what happened, counted. AssertionError where a record is lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="lossy-", dir="/var/tmp") as scratch:
        Path(scratch).chmod(0o755)
        site = Site(Path(scratch))
        LossyNetwork.site = site
        try:
            run_state_machine_as_test(
                LossyNetwork,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
            with read_as_superuser(site) as connection:
                assert check(connection) == []
                assert find_broken_seals(connection) == []
        finally:
            site.stop()
        return site.seen


def main() -> None:
    """Run it long and print the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    began = time.monotonic()
    for what, count in sorted(run(examples=given.examples, steps=given.steps).items()):
        print(f"{what}: {count}")
    print(f"seconds: {time.monotonic() - began:.0f}; lost: 0; doubled: 0")


if __name__ == "__main__":
    main()
