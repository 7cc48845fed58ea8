"""Resumable uploads on the loopback address: megabytes per second, and how long one photo takes.

    python -m tests.benchmarks.uploads [--photos 600] [--phones 8] [--pieces 3]

A cluster and a server process of the run's own; each phone sends one photo of 300 kB after the
other, in pieces, each photo different. A photo's time is from its beginning to the answer that
says it is stored: hashed, flushed to the disk, recorded in the database, its pictures queued.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from gis.db.cluster import Cluster
from gis.db.connect import open_installation
from gis.settings import Settings
from tests.api.bureau import Handset, PersonRole, enrol, hire
from tests.api.tus import upload
from tests.gis.evidence.photos import make_jpeg

BYTES = 300_000


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--phones", type=int, default=8)
    parser.add_argument("--pieces", type=int, default=3)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="infratrack-uploads-", dir="/var/tmp"))
    folder.chmod(0o755)  # the server of the cluster is another user
    try:
        times, elapsed = measure(folder / "state", given.photos, given.phones, given.pieces)
    finally:
        Cluster(folder / "state").stop()
        shutil.rmtree(folder)
    report(times, elapsed, given.phones)


def measure(state: Path, photos: int, phones: int, pieces: int) -> tuple[list[float], float]:
    """Seconds of each photo, and of all of them."""
    installation = open_installation(Settings(state_folder=state))
    urls = json.dumps({pool.value: url for pool, url in installation.urls.items()})
    words = [sys.executable, "-m", "tests.api.serve_process", urls, str(state)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        hire(installation.db, "inspector", PersonRole.INSPECTOR)
        with httpx.Client(base_url=base, timeout=60) as client:
            phone = enrol(client, "inspector")
        shares = [range(phone, photos, phones) for phone in range(phones)]
        began = time.perf_counter()
        with ThreadPoolExecutor(phones) as pool:
            done = pool.map(lambda share: send_all(base, phone, share, pieces), shares)
            times = [seconds for each in done for seconds in each]
        elapsed = time.perf_counter() - began
        server.terminate()
    installation.close()
    return times, elapsed


def send_all(base: str, phone: Handset, numbers: range, pieces: int) -> list[float]:
    """What one phone does; seconds of each photo."""
    scene = make_jpeg(1, (1600, 1200))
    took = []
    with httpx.Client(base_url=base, timeout=60, headers=phone.headers) as client:
        for number in numbers:
            # Padding after the picture's end: another hash each time, and no painting to measure.
            photo = scene + number.to_bytes(4, "big") + os.urandom(BYTES - len(scene) - 4)
            began = time.perf_counter()
            done = upload(client, photo, chunk=-(-BYTES // pieces))
            took.append(time.perf_counter() - began)
            assert done.answer.status_code == 204, done.answer.text
    return took


def report(times: list[float], elapsed: float, phones: int) -> None:
    """Print the figures."""
    p50, p95, p99 = np.percentile(times, [50, 95, 99]) * 1000
    print(f"{platform.machine()}, {os.cpu_count()} cores, {phones} phones at once")
    rate, speed = len(times) / elapsed, len(times) * BYTES / elapsed / 1e6
    print(f"{len(times)} photos of {BYTES // 1000} kB in {elapsed:.1f} s: {speed:.1f} MB/s,")
    print(f"{rate:.0f} photos/s")
    print(f"a photo takes p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")


if __name__ == "__main__":
    main()
