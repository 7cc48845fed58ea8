"""How fast a sewer network is traced, beside pgRouting and NetworkX in the same run, as ratios.

    python -m tests.benchmarks.traces [--pipes 100000] [--rounds 5] [--networkx-python PATH]

A tree of pipes with 1 % of bifurcations is loaded into a cluster of the run's own and served by
one process. "served" is ``GET /network/trace`` as uncompressed GeoJSON over the loopback to the
last byte, on a warm connection, the people apart; "psql" the same statement through psql. The peers
find the pipes only: pgr_drivingDistance over the whole table with its edges joined again, for
it gives a spanning tree (needs Debian's postgresql-15-pgrouting), and NetworkX reading an edge
list, reversed as desktop plugins do it, or with the graph kept in memory
(``--networkx-python``: a Python with ``tests/benchmarks/networkx.lock`` installed). Everything is
measured in turn, in three blocks: another load on the machine falls on all alike.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import psycopg
import shapely
from sqlalchemy import create_engine

from api.reading import connection_address
from gis import store
from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, Installation, open_installation
from gis.db.roles import Pool
from gis.geometry import STORAGE_SRID
from gis.kinds import KINDS
from gis.network.asking import asking
from gis.network.inquiry import find_place
from gis.network.topology import check_topology
from gis.network.trace import Direction, trace_statement, walk_from
from gis.settings import Settings

SEED = 20_261_130
WANTED = 2_000
BLOCKS = 3
Ints = npt.NDArray[np.int64]
Times = dict[str, list[float]]
"""Seconds of each round by what was measured; none where it is not installed."""


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networkx-python")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        installation = open_installation(Settings(state_folder=folder / "state"))
        if installation.cluster is None:
            raise SystemExit("the benchmark uses a cluster of its own")
        try:
            _compare(installation, installation.cluster, folder, given)
        finally:
            installation.close()


def make_tree(count: int) -> tuple[Ints, Ints]:
    """(upper, lower node) of each pipe: a tree towards node 0, and 1 % of bifurcations."""
    chance = np.random.default_rng(SEED)
    upper = np.arange(1, count - count // 100 + 1)
    lower = np.maximum(0, upper - 1 - chance.geometric(0.02, len(upper)))
    extra = chance.integers(100, len(upper), count - len(upper))
    below = np.maximum(0, extra - 1 - chance.integers(1, 60, len(extra)))
    return np.concatenate([upper, extra]), np.concatenate([lower, below])


def _places(count: int) -> npt.NDArray[np.float64]:
    at = np.arange(count)
    return np.column_stack([99 + (at % 320) * 4e-4, 25 + (at // 320) * 4e-4])


def _load(installation: Installation, upper: Ints, lower: Ints) -> None:
    places = _places(int(upper.max()) + 1)
    chance = np.random.default_rng(SEED)
    codes = np.char.add("J", np.arange(len(places)).astype(str))
    manholes = _frame("sewer_manhole", codes, shapely.points(places), system="sanitary")
    names = np.char.add("P", np.arange(len(upper)).astype(str))
    lines = shapely.linestrings(np.stack([places[upper], places[lower]], axis=1))
    pipes = _frame("sewer_pipe", names, lines, system="sanitary").assign(
        up_node=codes[upper],
        down_node=codes[lower],
        diameter_mm=chance.choice([300.0, 400, 600], len(upper)),
        up_invert_m=np.round(1600 + chance.random(len(upper)), 3),
        down_invert_m=np.round(1599 - chance.random(len(upper)), 3),
    )
    for kind, frame in (("sewer_manhole", manholes), ("sewer_pipe", pipes)):
        with installation.db.write(actor="benchmark", reason="load", pool=Pool.JOBS) as connection:
            store.load_rows(connection, kind, frame)


def _frame(
    kind: str, codes: npt.NDArray[np.str_], shapes: object, **values: str
) -> gpd.GeoDataFrame:
    one = KINDS[kind].model_validate({"code": "x", "source": "bench", "source_code": "x"} | values)
    frame = gpd.GeoDataFrame(geometry=shapes, crs=STORAGE_SRID)
    for name, value in one.model_dump(mode="json").items():
        frame[name] = [value] * len(frame) if isinstance(value, dict) else value
    return frame.assign(code=codes, source_code=codes)


def find_start(upper: Ints, lower: Ints, wanted: int) -> int:
    """A node with at least so many upstream pipes, and hardly more."""
    order = np.argsort(lower, kind="stable")
    begins = np.searchsorted(lower[order], np.arange(int(upper.max()) + 2))

    def count(node: int) -> int:
        seen, front = {node}, [node]
        found = 0
        while front:
            at = front.pop()
            pipes = order[begins[at] : begins[at + 1]]
            found += len(pipes)
            above = set(upper[pipes].tolist()) - seen
            seen |= above
            front += above
        return found

    # By size without what bifurcations bring, which is a lower bound; then counted.
    own = np.zeros(int(upper.max()) + 1, dtype=np.int64)
    first = np.unique(upper, return_index=True)[1]
    for node, below in zip(upper[first][::-1].tolist(), lower[first][::-1].tolist(), strict=True):
        own[below] += own[node] + 1
    near = np.argsort(np.abs(own - wanted * 0.8))[:50].tolist()
    sizes = {n: count(n) for n in [0, *near]}
    at = min((n for n in sizes if sizes[n] >= wanted), key=sizes.__getitem__)
    while True:
        above = set(upper[order[begins[at] : begins[at + 1]]].tolist())
        fewer = [n for n in above if count(n) >= wanted]
        if not fewer:
            return int(at)
        at = fewer[0]


def _compare(
    installation: Installation, cluster: Cluster, folder: Path, given: argparse.Namespace
) -> None:
    load = _load_average()
    upper, lower = make_tree(given.pipes)
    _load(installation, upper, lower)
    superuser = create_engine(cluster.superuser_url(DATABASE), isolation_level="AUTOCOMMIT")
    with superuser.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    superuser.dispose()
    with installation.db.read() as connection:
        assert check_topology(connection).is_sound
    cases = {
        "upstream": f"J{find_start(upper, lower, min(WANTED, given.pipes // 2))}",
        "whole network": "J0",
    }
    versions = _versions(cluster)
    with _serve(installation, folder) as port:
        for name, start in cases.items():
            _measure(installation, cluster, folder, port, name, start, given)
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.processor())  # fmt: skip
    print(
        f"\n{given.pipes:,} pipes, {BLOCKS} x {given.rounds} rounds; {os.cpu_count()} processors"
        f" ({cpu}), load {load} before, {_load_average()} after;"
        f" Python {platform.python_version()}, {versions}"
    )


def _measure(
    installation: Installation,
    cluster: Cluster,
    folder: Path,
    port: int,
    name: str,
    start: str,
    given: argparse.Namespace,
) -> None:
    size, pipes = 0, 0

    def ask(client: http.client.HTTPConnection) -> None:
        nonlocal size
        client.request("GET", f"/network/trace?from={start}&direction=up")
        response = client.getresponse()
        size = len(response.read())
        assert response.status == 200

    with installation.db.read() as connection:
        asker = asking(connection)
        place = find_place(asker, start)
        statement = trace_statement(
            walk_from(place, Direction.UP), Pool.STAFF, says_dead_ends=False
        )
        pipes = json.loads(asker(statement)[0][2])["pipes"]
    with psycopg.connect(connection_address(cluster.url(Pool.STAFF.role, DATABASE))) as raw:
        sql = psycopg.ClientCursor(raw).mogrify(statement.sql.encode(), statement.parameters)
    target = str(place.id)
    times: Times = {}
    for _ in range(BLOCKS):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        block = {
            SERVED: _time(partial(ask, client), given.rounds),
            "the same SQL in psql": _time_psql(cluster, folder, sql, given.rounds),
            "pgr_drivingDistance, re-joined": _time_pgrouting(cluster, target, given.rounds),
            **_time_networkx(cluster, folder, target, given),
        }
        client.close()
        for words, taken in block.items():
            times.setdefault(words, []).extend(taken)
    print(f"\n{name}: {pipes:,} pipes, {size / 1e6:.2f} MB")
    served = statistics.median(times[SERVED])
    for words, taken in times.items():
        if taken:
            median = statistics.median(taken)
            print(
                f"  {words:44} median {median * 1e3:8.1f} ms, least {min(taken) * 1e3:8.1f} ms,"
                f" {median / served:7.2f} x served"
            )
        else:
            print(f"  {words:44} not installed")


SERVED = "served to the last byte"


def _load_average() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _time(work: Callable[[], None], rounds: int) -> list[float]:
    """Seconds of each round, after two warm-ups."""
    for _ in range(2):
        work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def _time_psql(cluster: Cluster, folder: Path, sql: str, rounds: int) -> list[float]:
    """What psql's own clock says, of one session."""
    script = folder / "trace.sql"
    script.write_text("\\timing on\n\\o /dev/null\n" + f"{sql};\n" * (rounds + 2), "utf-8")
    url = connection_address(cluster.url(Pool.STAFF.role, DATABASE))
    psql = shutil.which("psql") or "psql"
    done = subprocess.run(
        [psql, "-XAtq", url, "-f", str(script)], capture_output=True, text=True, check=True
    )
    times = [float(t) for t in re.findall(r"(?:Time|时间)\D*([\d.]+)", done.stdout + done.stderr)]
    return [t / 1e3 for t in times[2:]]


def _time_pgrouting(cluster: Cluster, target: str, rounds: int) -> list[float]:
    """The whole table given to pgr_drivingDistance at each question, as its users do."""
    address = connection_address(cluster.superuser_url(DATABASE))
    with psycopg.connect(address, autocommit=True) as connection:
        known = "SELECT 1 FROM pg_available_extensions WHERE name = 'pgrouting'"
        if connection.execute(known).fetchone() is None:
            return []
        connection.execute("CREATE EXTENSION IF NOT EXISTS pgrouting SCHEMA public")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.bench_arc AS WITH n AS (SELECT id, row_number()"
            " OVER () AS k FROM (SELECT source_id AS id FROM core.network_edge UNION SELECT"
            " target_id FROM core.network_edge) a) SELECT row_number() OVER () AS id, e.pipe_id,"
            " s.k AS source, t.k AS target, t.id AS target_id FROM core.network_edge e"
            " JOIN n s ON s.id = e.source_id JOIN n t ON t.id = e.target_id"
        )
        connection.execute("ANALYZE public.bench_arc")
        row = connection.execute(
            "SELECT target FROM public.bench_arc WHERE target_id = %s LIMIT 1", [target]
        ).fetchone()
        asked = (
            "SELECT a.pipe_id FROM pgr_drivingDistance('SELECT id, target AS source, source AS"
            " target, 1::float8 AS cost FROM public.bench_arc', %s::bigint, 1e9::float8, true) d"
            " JOIN public.bench_arc a ON a.target = d.node"
        )
        return _time(lambda: _drain(connection, asked, row), rounds)


def _drain(
    connection: psycopg.Connection[tuple[object, ...]], sql: str, values: Sequence[object] | None
) -> None:
    connection.execute(sql.encode(), values).fetchall()


_NETWORKX = """
import csv, json, sys, time, networkx as nx
path, target, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
def read():
    graph = nx.MultiDiGraph()
    with open(path) as file:
        graph.add_edges_from((s, t, p, {"weight": 1}) for p, s, t in csv.reader(file))
    return graph
def plugin():
    graph = read().reverse()
    nx.single_source_bellman_ford_path(graph, target)
kept = read()
def memory():
    above = nx.ancestors(kept, target) | {target}
    list(kept.in_edges(above, keys=True))
out = {}
for name, work, n in (("NetworkX, read, reversed, Bellman-Ford", plugin, 1),
                      ("NetworkX, graph kept in memory", memory, rounds)):
    taken = []
    for _ in range(n):
        began = time.perf_counter(); work(); taken.append(time.perf_counter() - began)
    out[name] = taken
print(json.dumps(out))
"""


def _time_networkx(cluster: Cluster, folder: Path, target: str, given: argparse.Namespace) -> Times:
    if not given.networkx_python:
        return {"NetworkX (--networkx-python)": []}
    edges = folder / "edges.csv"
    address = connection_address(cluster.superuser_url(DATABASE))
    with psycopg.connect(address) as connection, edges.open("w", newline="") as file:
        rows = connection.execute("SELECT pipe_id, source_id, target_id FROM core.network_edge")
        csv.writer(file).writerows(rows)
    done = subprocess.run(
        [given.networkx_python, "-c", _NETWORKX, str(edges), target, str(given.rounds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: Times = json.loads(done.stdout)
    return found


@contextmanager
def _serve(installation: Installation, folder: Path) -> Iterator[int]:
    """A server in a process of its own; its port."""
    urls = json.dumps({pool.value: url for pool, url in installation.urls.items()})
    command = [sys.executable, "-m", "tests.api.serve_process", urls, str(folder / "served")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.terminate()
            server.wait(20)


def _versions(cluster: Cluster) -> str:
    address = connection_address(cluster.superuser_url(DATABASE))
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT 'PostgreSQL ' || current_setting('server_version'), 'PostGIS ' ||"
            " postgis_lib_version(), 'pgRouting ' || coalesce((SELECT default_version FROM"
            " pg_available_extensions WHERE name = 'pgrouting'), 'not installed')"
        ).fetchone()
    lock = (Path(__file__).parent / "networkx.lock").read_text("utf-8")
    networkx = lock.split(maxsplit=1)[0].replace("networkx==", "NetworkX ")
    return ", ".join([*map(str, row or ()), networkx])


if __name__ == "__main__":
    main()
