"""A disk that really becomes full: a load stops cleanly, reads go on, writing resumes by itself.

The disk is a small file system of its own; the app is served and fed as a person does it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from gis.db.cluster import Cluster
from tests.api.test_cli import Shell, fetch, find_port, make_folder

FEW, MANY = 20, 24_000
BALLAST = 60 * 2**20
PATIENCE_S = 20


def write_survey(folder: Path, name: str, rows: int) -> str:
    note = "井" * 150
    lines = (f"{name}-{i},storm,{99 + i / 1e6:.6f},25,{note}" for i in range(rows))
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["code,system,lon,lat,note", *lines, ""]), encoding="utf-8")
    return str(path)


def load(shell: Shell, survey: str, code: int) -> str:
    done = shell.run("import", survey, "--kind", "sewer_manhole", "--crs", "EPSG:4490", code=code)
    return done.stderr


def count_rows(cluster: Cluster) -> tuple[int, int]:
    """Current rows and versions, asked of the server itself."""
    with psycopg.connect(
        host=str(cluster.socket_folder), user="postgres", dbname="infratrack"
    ) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM core.sewer_manhole),"
            " (SELECT count(*) FROM history.sewer_manhole)"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


class Reading:
    """A map that never stops asking: when it was answered, and when it was not."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}/collections/sewer_manhole/items?limit=5"
        self.failures: list[int] = []
        self.answers = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def once(self) -> int:
        try:
            with urllib.request.urlopen(self.address, timeout=10) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            return error.code

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            status = self.once()
            if status == 200:
                self.answers += 1
            else:
                self.failures.append(status)

    def __enter__(self) -> Reading:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir(mode=0o755)
    options = f"size={megabytes}m,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def served(shell: Shell) -> Iterator[Reading]:
    port = find_port()
    process = shell.start("serve", "--port", str(port))
    try:
        fetch(f"http://127.0.0.1:{port}/health")
        yield Reading(port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def move_log(cluster: Cluster, to: Path) -> None:
    """Put the server's log on another disk, as administrators do."""
    log = cluster.data / "pg_wal"
    shutil.copytree(log, to)
    owner = log.stat()
    for path in (to, *to.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    to.chmod(0o700)
    shutil.rmtree(log)
    log.symlink_to(to)
    os.chown(log, owner.st_uid, owner.st_gid, follow_symlinks=False)


def wait_for_reading(reading: Reading) -> None:
    until = time.monotonic() + PATIENCE_S
    while reading.once() != 200:
        assert time.monotonic() < until, "reading did not resume"
        time.sleep(0.2)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_folder()
    yield made
    shutil.rmtree(made)


@contextmanager
def installed(state: Path, log: Path) -> Iterator[Shell]:
    """An installation whose log lies in ``log``."""
    state.mkdir(mode=0o755)
    shell = Shell(state)
    try:
        shell.run("migrate")
        move_log(Cluster(state), log)
        yield shell
    finally:
        Cluster(state).stop()


if os.geteuid() == 0:  # mounts take root's rights to try

    def test_a_load_that_fills_the_disk_of_the_tables_stops_and_reads_go_on(folder: Path) -> None:
        with (
            mounted(folder / "small", 150) as small,
            installed(small / "state", folder / "log") as shell,
            served(shell) as reading,
        ):
            cluster = Cluster(shell.folder)
            load(shell, write_survey(folder, "first", FEW), 0)
            ballast = small / "ballast"
            ballast.write_bytes(bytes(BALLAST))
            big = write_survey(folder, "big", MANY)
            with reading:
                assert "Storage full" in load(shell, big, 1)
                chinese = Shell(shell.folder, {"GIS_LANGUAGE": "zh"})
                assert "存储空间不足" in load(chinese, big, 1)
            assert reading.answers > 10
            assert reading.failures == []
            assert count_rows(cluster) == (FEW, FEW)
            ballast.unlink()
            load(shell, write_survey(folder, "second", FEW), 0)
            assert count_rows(cluster) == (2 * FEW, 2 * FEW)

    def test_a_disk_without_a_free_byte_is_named_and_read_from(folder: Path) -> None:
        """Whoever begins a session then cannot, unless the room kept aside is given up."""
        with (
            mounted(folder / "small", 260) as small,
            installed(small / "state", small / "log") as shell,
            served(shell) as reading,
        ):
            cluster = Cluster(shell.folder)
            load(shell, write_survey(folder, "first", FEW), 0)
            few = write_survey(folder, "second", FEW)
            ballast = small / "ballast"
            with ballast.open("wb", buffering=0) as file:
                while file.write(bytes(2**16)) == 2**16:
                    pass
            assert shutil.disk_usage(small).free < 2**16
            with reading:
                assert "Storage full" in load(shell, few, 1)
                time.sleep(5)
                assert "Storage full" in load(shell, few, 1)
            assert reading.failures == []
            assert count_rows(cluster) == (FEW, FEW)
            ballast.unlink()
            load(shell, few, 0)
            assert count_rows(cluster) == (2 * FEW, 2 * FEW)

    def test_a_log_that_cannot_grow_ends_the_server_which_recovers_by_itself(folder: Path) -> None:
        with (
            mounted(folder / "small", 200) as small,
            installed(folder / "state", small / "log") as shell,
            served(shell) as reading,
        ):
            cluster = Cluster(shell.folder)
            load(shell, write_survey(folder, "first", FEW), 0)
            ballast = small / "ballast"
            ballast.write_bytes(bytes(BALLAST))
            assert "Storage full" in load(shell, write_survey(folder, "big", MANY), 1)
            wait_for_reading(reading)
            assert "PANIC" in next(cluster.folder.glob("log/*.log")).read_text()
            few = write_survey(folder, "second", FEW)
            with reading:
                assert "Storage full" in load(shell, few, 1)
                assert count_rows(cluster) == (FEW, FEW)
                ballast.unlink()
                load(shell, few, 0)
            assert reading.failures == []
            assert count_rows(cluster) == (2 * FEW, 2 * FEW)
