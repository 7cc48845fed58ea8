"""The bureau's field work at its busiest: events and photos of many phones at once, on one server.

    python -m tests.benchmarks.field_load [--minutes 10] [--devices 200]

Every device is a closed loop: it writes a record, sends it, waits for the receipt, and pauses so
that each sends fifty in ten minutes (200 devices: 10,000 events). Beside that 600 photos of 300 kB
in ten minutes go up in pieces, each promised by a record; their pictures are queued. A real
``serve`` process over a cluster of the run's own. In the end the server's log must be the union of
what was sent, each once and byte for byte, and every photo whole.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import numpy as np
import psutil
from sqlalchemy import text

from api.serve import claim_port
from gis.db.cluster import Cluster
from gis.db.connect import Installation, open_installation
from gis.db.roles import Pool
from gis.evidence.files import EvidenceFiles
from gis.people.accounts import find_account
from gis.people.devices import enrol_device
from gis.people.login import person_of_account
from gis.people.person import PersonRole
from gis.settings import Settings
from tests.api.bureau import Handset, hire
from tests.api.tus import BYTES as PIECE
from tests.api.tus import VERSION, encode
from tests.gis.evidence.photos import make_jpeg
from tests.gis.hazards.records import Phone, id_of

PHOTO_BYTES = 300_000
EVENTS_PER_DEVICE = 50
PHOTOS_PER_DEVICE = 3
PIECES = 3
PHONES_PER_PERSON = 3
PATIENCE_S = 120.0


@dataclass
class Load:
    """What was sent, how long it took, what went wrong on the way."""

    devices: int
    minutes: float
    times: list[float] = field(default_factory=list)
    photo_times: list[float] = field(default_factory=list)
    sent: dict[UUID, bytes] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)
    peak_rss: int = 0
    waiting: int = 0
    made: int = 0
    seconds: float = 0.0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    began_under: float = field(default_factory=lambda: os.getloadavg()[0])

    def report(self) -> str:
        """The figures, a line each."""
        p50, p95, p99 = np.percentile(self.times, [50, 95, 99]) * 1000
        ours = np.percentile(self.photo_times, [50, 95]) if self.photo_times else (0.0, 0.0)
        rate = len(self.sent) / self.seconds
        return "\n".join(
            [
                f"{platform.machine()}, {os.cpu_count()} cores; load average"
                f" {self.began_under:.1f} before, {os.getloadavg()[0]:.1f} after",
                f"{len(self.sent)} events of {self.devices} devices in {self.seconds:.0f} s"
                f" ({rate:.1f}/s), {len(self.photos)} photos of {PHOTO_BYTES // 1000} kB",
                f"an event takes P50 {p50:.0f} ms, P95 {p95:.0f} ms, P99 {p99:.0f} ms,"
                f" longest {max(self.times) * 1000:.0f} ms",
                f"a photo takes P50 {ours[0]:.2f} s, P95 {ours[1]:.2f} s",
                f"lost {self.lost}, doubled {self.doubled}, photos not whole {self.torn}",
                f"retried: {dict(self.trouble) or 'nothing'}",
                f"server {self.peak_rss / 1e6:.0f} MB at most; pictures of {self.made} photos"
                f" made, {self.waiting} waiting",
            ]
        )


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--devices", type=int, default=200)
    asked = parser.parse_args()
    load = measure(minutes=asked.minutes, devices=asked.devices)
    print(load.report())
    if load.lost or load.doubled or load.torn:
        sys.exit(1)


def measure(*, minutes: float, devices: int) -> Load:
    """Run the load on a server of its own; everything is counted in the end."""
    folder = Path(tempfile.mkdtemp(prefix="infratrack-load-", dir="/var/tmp"))
    folder.chmod(0o755)  # the server of the cluster is another user
    state = folder / "state"
    try:
        installation = open_installation(Settings(state_folder=state))
        handsets = _let_in(installation, devices)
        load = Load(devices, minutes)
        with _serve(state, load) as base:
            asyncio.run(_send_all(base, handsets, load))
        _count(installation, EvidenceFiles(state), load)
        installation.close()
    finally:
        Cluster(state).stop()
        shutil.rmtree(folder)
    return load


def _let_in(installation: Installation, devices: int) -> list[Handset]:
    """Phones with their tokens, three to a person; by the gate itself, which takes no password."""
    handsets: list[Handset] = []
    now = datetime.now(UTC)
    for person_number in range(-(-devices // PHONES_PER_PERSON)):
        account = hire(installation.db, f"inspector{person_number}", PersonRole.INSPECTOR)
        with installation.db.write(actor="test", reason="load", pool=Pool.GATE) as connection:
            person = person_of_account(find_account(connection, account), address=None)
            for _ in range(min(PHONES_PER_PERSON, devices - len(handsets))):
                device = uuid4()
                issued = enrol_device(connection, person, device, "phone", now=now)
                handsets.append(Handset(account, issued.secret, device))
    return handsets


class _serve:  # noqa: N801  a context manager
    """``serve`` in a process of its own, its memory watched."""

    def __init__(self, state: Path, load: Load) -> None:
        with claim_port(0) as probe:
            port = int(probe.getsockname()[1])
        self._base, self._load = f"http://127.0.0.1:{port}", load
        environment = {**os.environ, "GIS_STATE_FOLDER": str(state)}
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch)

    def __enter__(self) -> str:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                if httpx.get(f"{self._base}/health", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
            assert time.monotonic() < until, "the server did not start"
        self._watching.start()
        return self._base

    def _watch(self) -> None:
        process = psutil.Process(self._process.pid)
        while not self._over.wait(0.5):
            self._load.peak_rss = max(self._load.peak_rss, process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.join()
        self._process.terminate()
        self._process.wait(30)


async def _send_all(base: str, handsets: list[Handset], load: Load) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=len(handsets))
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=base, timeout=30, limits=limits) as client:
        await asyncio.gather(
            *(_work(client, handset, load, n) for n, handset in enumerate(handsets))
        )
    load.seconds = time.monotonic() - began


async def _work(client: httpx.AsyncClient, handset: Handset, load: Load, number: int) -> None:
    """One phone's day in minutes; its photos go up beside its records."""
    chance = random.Random(number)
    phone = Phone(account=handset.account, id=handset.id)
    share = load.minutes / 10
    events = max(1, round(EVENTS_PER_DEVICE * share))
    pause = load.minutes * 60 / events
    photos = {n * events // PHOTOS_PER_DEVICE for n in range(round(PHOTOS_PER_DEVICE * share) or 1)}
    if number >= load.devices * min(1.0, PHOTOS_PER_DEVICE * share):
        photos = set()  # a short run: not every phone has one
    sending: list[asyncio.Task[None]] = []
    hazards: list[UUID] = []
    await asyncio.sleep(chance.uniform(0, pause))
    for n in range(events):
        began = time.monotonic()
        photo = _make_photo(number, n) if n in photos else None
        body = _write(phone, chance, hazards, photo)
        load.sent[id_of(body)] = hashlib.sha256(body).digest()
        await _put(client, handset, body, load)
        if photo is not None:
            sending.append(asyncio.create_task(_send_photo(client, handset, photo, load)))
        if n < events - 1:
            left = pause * chance.uniform(0.6, 1.4) - (time.monotonic() - began)
            await asyncio.sleep(max(0.0, left))
    await asyncio.gather(*sending)


_SCENE = make_jpeg(1, (800, 600))


def _make_photo(number: int, n: int) -> bytes:
    """Padding after the picture's end: another hash each time, and no painting to measure."""
    mark = number.to_bytes(4, "big") + n.to_bytes(4, "big")
    return _SCENE + mark + os.urandom(PHOTO_BYTES - len(_SCENE) - len(mark))


def _write(phone: Phone, chance: random.Random, hazards: list[UUID], photo: bytes | None) -> bytes:
    """Half discoveries, a quarter comments, a quarter visits; with a photo always a discovery."""
    now = datetime.now(UTC)
    dice = chance.random()
    if photo is None and dice < 0.25 and hazards:
        note = {"note": "仍在,已告知责任人"}
        return phone.write("commented", now, hazard_id=chance.choice(hazards), payload=note)
    if photo is None and dice < 0.5:
        visit = {"category": "gas", "result": "normal", "team": ["张三", "李四"]}
        return phone.write("visited", now, visit_id=uuid4(), payload=visit)
    hazards.append(uuid4())
    notes = []
    if photo is not None:
        digest = hashlib.sha256(photo).hexdigest()
        notes = [{"sha256": digest, "kind": "before_wide", "media": "image/jpeg",
                  "bytes": len(photo)}]  # fmt: skip
    found = {"category": "gas", "severity": "general_a", "description": "软管老化龟裂,未装报警器"}
    return phone.write("found", now, hazard_id=hazards[-1], payload=found, evidence=notes)


async def _ask(
    client: httpx.AsyncClient, load: Load, method: str, path: str, **sent: object
) -> httpx.Response:
    """Ask until there is an answer that is one; what was tried again is counted."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            answer = await client.request(method, path, **sent)  # type: ignore[arg-type]  # as given
        except httpx.TransportError as error:
            load.trouble[type(error).__name__] += 1
        else:
            if answer.status_code not in (423, 429, 500, 502, 503):
                return answer
            load.trouble[str(answer.status_code)] += 1
        await asyncio.sleep(0.5)
    raise AssertionError(f"no answer to {method} {path}")


async def _put(client: httpx.AsyncClient, handset: Handset, body: bytes, load: Load) -> None:
    headers = {**handset.headers, "Client-Now": datetime.now(UTC).isoformat()}
    began = time.monotonic()
    answer = await _ask(
        client, load, "PUT", f"/events/{id_of(body)}", content=body, headers=headers
    )
    load.times.append(time.monotonic() - began)
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()


async def _send_photo(
    client: httpx.AsyncClient, handset: Handset, photo: bytes, load: Load
) -> None:
    """In pieces, each with its offset; asked where it stands when a piece is not taken."""
    digest = hashlib.sha256(photo).hexdigest()
    load.photos.append(digest)
    began = time.monotonic()
    said = encode(sha256=digest, media="image/jpeg")
    headers = {**VERSION, **handset.headers}
    start = {**headers, "Upload-Length": str(len(photo)), "Upload-Metadata": said}
    begun = await _ask(client, load, "POST", "/uploads", headers=start)
    where, offset, step = begun.headers["location"], 0, -(-len(photo) // PIECES)
    while offset < len(photo):
        sent = {**headers, **PIECE, "Upload-Offset": str(offset)}
        answer = await _ask(
            client, load, "PATCH", where, content=photo[offset : offset + step], headers=sent
        )
        if answer.status_code != 204:
            load.trouble[f"piece {answer.status_code}"] += 1
            answer = await _ask(client, load, "HEAD", where, headers=headers)
        offset = int(answer.headers["upload-offset"])
    load.photo_times.append(time.monotonic() - began)


def _count(installation: Installation, files: EvidenceFiles, load: Load) -> None:
    """Compare what was sent with what is there."""
    with installation.db.read(Pool.STAFF) as connection:
        query = "SELECT id, body_sha256 FROM core.event WHERE device_id IS NOT NULL"
        rows = connection.execute(text(query)).all()
    kept = {row[0]: bytes(row[1]) for row in rows}
    load.lost = sum(kept.get(identifier) != digest for identifier, digest in load.sent.items())
    load.doubled = len(rows) - len(load.sent) + load.lost
    for digest in load.photos:
        path = files.path(digest)
        whole = path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest
        load.torn += not whole
        load.made += files.derivative(digest, "thumb").exists()
    with installation.db.read(Pool.JOBS) as connection:
        waiting = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing')"
        load.waiting = int(connection.execute(text(waiting)).scalar_one())


if __name__ == "__main__":
    main()
