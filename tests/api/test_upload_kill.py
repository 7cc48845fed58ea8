"""Uploads survive what happens to servers: SIGKILL at any moment, a full disk, little memory."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.evidence.files import EvidenceFiles
from gis.evidence.sweep import find_damaged, find_unclaimed
from tests.api.bureau import Handset, PersonRole, enrol, hire
from tests.api.tus import begin, send, tell, upload
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.evidence.photos import bomb_png, make_jpeg, sha256

PROGRAM = "tests.api.serve_process"


@pytest.fixture
def database(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[PooledDatabase]:
    found = connect_pools(cluster, clone_database())
    hire(found, "officer", PersonRole.OFFICER)
    yield found
    found.close()


class Server:
    """A server in a process of its own, that can be killed and comes back at another port."""

    def __init__(
        self, database: PooledDatabase, state: Path, *before: str, reserve_mb: int = 1
    ) -> None:
        self._environment = {**os.environ, "GIS_DISK_RESERVE_MB": str(reserve_mb)}
        urls = {
            p.value: e.url.render_as_string(hide_password=False)
            for p, e in database.engines.items()
        }
        words = [sys.executable, "-m", PROGRAM, json.dumps(urls), str(state)]
        self._words = [*before, *words]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._words, stdout=subprocess.PIPE, text=True, env=self._environment
        )
        assert self.process.stdout is not None
        port = int(self.process.stdout.readline())
        self.base = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def enrol(self) -> Handset:
        """The officer's phone."""
        with httpx.Client(base_url=self.base, timeout=20) as client:
            return enrol(client, "officer")

    def client(self, phone: Handset, *, timeout: float = 20) -> httpx.Client:
        """The phone, talking to the server where it is now."""
        return httpx.Client(base_url=self.base, timeout=timeout, headers=phone.headers)


PHOTOS, KILLS = 60, 8


def send_stubbornly(server: Server, phone: Handset, photo: bytes, until: float) -> int:
    """Send a photo as a phone does, through every outage; how often it was broken off."""
    where, broken = None, 0
    while time.monotonic() < until:
        try:
            with server.client(phone, timeout=5) as client:
                if where is None:
                    begun = begin(client, photo)
                    begun.raise_for_status()
                    where = begun.headers["location"]
                answer = tell(client, where)
                if answer.status_code == 404:
                    where = None
                    continue
                answer.raise_for_status()
                offset = int(answer.headers["upload-offset"])
                while offset < len(photo):
                    answer = send(client, where, offset, photo[offset : offset + 40_000])
                    answer.raise_for_status()
                    offset = int(answer.headers["upload-offset"])
                    time.sleep(0.05)
                return broken
        except (httpx.TransportError, httpx.HTTPStatusError):
            broken += 1
            time.sleep(0.05)
    raise AssertionError("not sent in time")


def test_uploads_end_with_every_byte_right_however_often_the_server_is_killed(
    database: PooledDatabase, tmp_path: Path
) -> None:
    scene = make_jpeg(9000, (1600, 1200))
    photos = [scene + os.urandom(300_000 - len(scene)) for _ in range(PHOTOS)]
    until = time.monotonic() + 300
    chance = random.Random(5)
    with Server(database, tmp_path / "state") as server, ThreadPoolExecutor(6) as phones:
        phone = server.enrol()
        sent = [phones.submit(send_stubbornly, server, phone, photo, until) for photo in photos]
        kills = 0
        while kills < KILLS and not all(s.done() for s in sent):
            # from the middle of the first request to after several photos
            time.sleep(chance.uniform(0.0, 0.6))
            server.kill()
            kills += 1
            server.start()
        broken = sum(s.result() for s in sent)
    files = EvidenceFiles(tmp_path / "state")
    print(f"{kills} kills, {broken} requests broken off, {PHOTOS} photos of {len(photos[0])} bytes")
    assert kills >= 5
    assert broken >= 5
    for photo in photos:
        assert files.path(sha256(photo)).read_bytes() == photo
    with database.read(Pool.STAFF) as connection:
        assert find_damaged(connection, files) == []
        assert find_unclaimed(connection, files) == []
        counts = "SELECT (SELECT count(*) FROM core.blob), count(*) FROM core.upload"
        assert connection.execute(text(counts)).one()[0] == PHOTOS
    with database.read(Pool.JOBS) as connection:
        queued = connection.execute(text("SELECT args->>'sha256' FROM jobs.procrastinate_jobs"))
        assert sorted(queued.scalars()) == sorted(map(sha256, photos))


def test_a_full_disk_is_a_507_and_the_upload_goes_on_when_there_is_room(
    database: PooledDatabase, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=6m tmpfs "$1" && shift && exec "$@"'
    space = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(small))
    photo = make_jpeg(77) + b"\x00" * 2_000_000
    with (
        Server(database, small / "state", *space, reserve_mb=5) as server,
        server.client(server.enrol()) as client,
    ):
        assert begin(client, photo).status_code == 507  # 6 MB, of which 5 are to stay free
    with (
        Server(database, small / "state", *space, reserve_mb=0) as server,
        server.client(server.enrol()) as client,
    ):
        inside = Path(f"/proc/{server.process.pid}/root") / str(small).lstrip("/")
        where = begin(client, photo).headers["location"]
        assert send(client, where, 0, photo[:500_000]).status_code == 204
        filler = inside / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\x00" * 4096)
        answer = send(client, where, 500_000, photo[500_000:])
        assert answer.status_code == 507
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/health").status_code == 200
        offset = int(tell(client, where).headers["upload-offset"])
        assert 500_000 <= offset < len(photo)
        filler.unlink()
        assert send(client, where, offset, photo[offset:]).status_code == 204
        assert client.get(f"/evidence/{sha256(photo)}").content == photo


def test_bombs_leave_the_server_below_300_mb(database: PooledDatabase, tmp_path: Path) -> None:
    peaks = [0]
    stopped = threading.Event()

    def watch(process: psutil.Process) -> None:
        while not stopped.wait(0.02):
            peaks.append(process.memory_info().rss)

    with (
        Server(database, tmp_path / "state") as server,
        server.client(server.enrol(), timeout=60) as client,
    ):
        watching = threading.Thread(target=watch, args=(psutil.Process(server.process.pid),))
        watching.start()
        for side in (7_000, 12_000, 18_000, 60_000):
            bomb = bomb_png(side)
            done = upload(client, bomb, media="image/png").answer
            assert done.status_code == (204 if side == 7_000 else 400)
            shown = client.get(f"/evidence/{sha256(bomb)}?size=thumb").status_code
            assert shown == (200 if side == 7_000 else 404)
        stopped.set()
        watching.join()
    print(f"peak RSS {max(peaks) / 1e6:.0f} MB")
    assert 50e6 < max(peaks) < 300e6
