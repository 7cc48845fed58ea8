"""What a kill -9 of everything costs: no acknowledged row, and at most two seconds."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from gis.db.cluster import Cluster
from gis.db.cluster_process import list_processes

HARNESS = Path(__file__).with_name("kill_harness.py")
WRITERS = 4
ROUNDS = 20
CONTROL_ROUNDS = 3
WRITING_SECONDS = 0.3
RECOVERY_SECONDS = 2.0


@dataclass
class Toll:
    """What the rounds came to: rows by what became of them, and seconds to be up again."""

    acknowledged: int
    lost: int
    doubled: int
    never_sent: int
    recoveries: list[float]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="infratrack-kill-", dir="/var/tmp"))
    folder.chmod(0o711)
    made = Cluster(folder / "state")
    made.ensure()
    yield made
    made.stop()
    shutil.rmtree(folder)


def connect(cluster: Cluster) -> psycopg.Connection[tuple[int, int, int]]:
    return psycopg.connect(
        host=str(cluster.socket_folder), user="postgres", dbname="postgres", autocommit=True
    )


def kill_everything(cluster: Cluster, writers: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the server's processes and the writers, in the order they happen to have."""
    victims = [*list_processes(cluster.data), writers.pid]
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    writers.wait()


def run_round(cluster: Cluster, number: int, notes: Path, mode: str) -> float:
    """Write, kill, start again; returns the seconds the start took."""
    writers = subprocess.Popen(
        [sys.executable, HARNESS, str(cluster.socket_folder), str(number), str(notes), mode]
    )
    files = [Path(f"{notes}.{writer}") for writer in range(WRITERS)]
    deadline = time.monotonic() + 20
    while not all(file.exists() and file.stat().st_size for file in files):
        assert writers.poll() is None, "the writers could not begin"
        assert time.monotonic() < deadline, "the writers do not write"
        time.sleep(0.01)
    time.sleep(WRITING_SECONDS)
    kill_everything(cluster, writers)
    began = time.monotonic()
    cluster.ensure()
    return time.monotonic() - began


def run_rounds(cluster: Cluster, folder: Path, *, rounds: int, mode: str) -> Toll:
    with connect(cluster) as connection:
        # no key: a row written twice must show, not be refused
        connection.execute("create table written (round int, writer int, number int)")
        connection.execute("checkpoint")
    acknowledged: list[tuple[int, int, int]] = []
    recoveries: list[float] = []
    for number in range(rounds):
        notes = folder / f"round-{number}"
        recoveries.append(run_round(cluster, number, notes, mode))
        for writer in range(WRITERS):
            lines = Path(f"{notes}.{writer}").read_text().split()
            acknowledged += [(number, writer, int(line)) for line in lines]
    with connect(cluster) as connection:
        found = Counter(connection.execute("select round, writer, number from written").fetchall())
    last = Counter((row[0], row[1]) for row in acknowledged)
    return Toll(
        acknowledged=len(acknowledged),
        lost=len(set(acknowledged) - set(found)),
        doubled=sum(times > 1 for times in found.values()),
        # one row per writer may be committed and its answer cut off by the kill
        never_sent=sum(row[2] > last[row[0], row[1]] + 1 for row in found),
        recoveries=recoveries,
    )


def report(name: str, toll: Toll) -> None:
    print(
        f"\n{name}: {len(toll.recoveries)} kills, {toll.acknowledged} rows acknowledged, "
        f"{toll.lost} lost, {toll.doubled} doubled; recovery median "
        f"{statistics.median(toll.recoveries):.2f} s, max {max(toll.recoveries):.2f} s"
    )


def test_no_acknowledged_row_is_lost_or_doubled_by_twenty_kills(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toll = run_rounds(cluster, tmp_path, rounds=ROUNDS, mode="on")
    with capsys.disabled():
        report("synchronous_commit=on", toll)
    assert len(toll.recoveries) == ROUNDS
    assert toll.acknowledged > ROUNDS * WRITERS * 10
    assert (toll.lost, toll.doubled, toll.never_sent) == (0, 0, 0)
    assert max(toll.recoveries) <= RECOVERY_SECONDS
    with connect(cluster) as connection:
        connection.execute("create extension amcheck")
        connection.execute(
            "select bt_index_check(indexrelid) from pg_index join pg_class on oid = indexrelid"
            " join pg_am on pg_am.oid = relam where amname = 'btree' and relpersistence = 'p'"
        )


def test_the_harness_sees_rows_that_are_lost(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(cluster) as connection:
        # the log stays in the server's memory for 10 s, so a kill after 0.3 s takes it along
        connection.execute("alter system set wal_writer_delay = '10s'")
        connection.execute("alter system set wal_writer_flush_after = '1GB'")
        connection.execute("select pg_reload_conf()")
    time.sleep(0.5)
    toll = run_rounds(cluster, tmp_path, rounds=CONTROL_ROUNDS, mode="off")
    with capsys.disabled():
        report("control, synchronous_commit=off", toll)
    assert toll.acknowledged > CONTROL_ROUNDS * WRITERS * 10
    assert toll.lost > 0
    assert (toll.doubled, toll.never_sent) == (0, 0)
