"""Tiles and pages beside tipg, in one run, on one database, as ratios.

    python -m tests.benchmarks.compare_tipg --tipg-python PATH [--scale 33] [--rounds 8] [--runs 1]

``--tipg-python`` is a Python with ``tests/benchmarks/requirements.lock`` installed. The
demonstration county is loaded into a cluster of the run's own; both servers read it through the
same socket, one process each, uvicorn with asyncio and h11 for both. Each tile is asked for in
turn, there and back: tipg, ours without a cache, ours with it, over kept connections,
uncompressed, one request at a time, so that what else the machine does meets all alike; medians.
tipg reads as superuser (it needs to), ours as the staff role with its column grants. tipg gives
what it gives by default for the table (all columns, at most 10,000 features a tile: the first by
id), in its favour from the stored Web Mercator geometry and without the two columns that exist
for our grids.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
from sqlalchemy import create_engine, text

from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, open_installation
from gis.db.tables import MIDDLE, current
from gis.demonstration.county import build_county, load_county
from gis.settings import Settings

KIND = "sewer_pipe"
ZOOMS = range(9, 18)
TILES_PER_ZOOM = 12
PAGE = 1000
Address = tuple[int, int, int]


def main() -> None:
    """Run the comparison and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tipg-python", required=True)
    parser.add_argument("--scale", type=float, default=33)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end with it
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        Path(scratch).chmod(0o755)
        settings = Settings(state_folder=Path(scratch) / "state")
        installation = open_installation(settings)
        county = build_county(1, given.scale)
        load_county(installation.db, county, actor="benchmark", progress=lambda *_: None)
        cluster = installation.cluster
        if cluster is None:
            raise SystemExit("the benchmark uses a cluster of its own")
        _analyze(cluster)
        count, tiles = _choose_tiles(cluster)
        with (
            _our_server(settings, 8601, cache_mb=0) as ours,
            _our_server(settings, 8602, cache_mb=128) as kept,
            _tipg_server(given.tipg_python, cluster, 8603) as tipg,
        ):
            print(_header(count))
            for _ in range(given.runs):
                _compare_tiles(tipg, ours, kept, tiles, given.rounds)
                _compare_pages(tipg, ours, count, given.rounds)
        installation.close()


def _analyze(cluster: Cluster) -> None:
    engine = create_engine(cluster.superuser_url(DATABASE), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _choose_tiles(cluster: Cluster) -> tuple[int, dict[int, list[Address]]]:
    """The fullest tiles of each zoom: (z, row, column)."""
    engine = create_engine(cluster.superuser_url(DATABASE))
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT ST_X(ST_Centroid(geometry_3857)), ST_Y(ST_Centroid(geometry_3857))"
                f" FROM core.{KIND}"
            )
        ).all()
    engine.dispose()
    xy = np.array(rows, dtype=float)
    half = 20037508.3427892
    chosen = {}
    for zoom in ZOOMS:
        side = 2 * half / 2**zoom
        column = np.floor((xy[:, 0] + half) / side).astype(int)
        row = np.floor((half - xy[:, 1]) / side).astype(int)
        found, counts = np.unique(np.stack([row, column]), axis=1, return_counts=True)
        fullest = np.argsort(-counts)[:TILES_PER_ZOOM]
        chosen[zoom] = [(zoom, int(found[0, i]), int(found[1, i])) for i in fullest]
    return len(xy), chosen


@contextmanager
def _our_server(settings: Settings, port: int, *, cache_mb: int) -> Iterator[Client]:
    environment = {
        **os.environ,
        "GIS_STATE_FOLDER": str(settings.state_folder),
        "GIS_TILE_CACHE_MB": str(cache_mb),
    }
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
    yield from _running(command, environment, port, "/health")


@contextmanager
def _tipg_server(python: str, cluster: Cluster, port: int) -> Iterator[Client]:
    host = quote(str(cluster.socket_folder), safe="")
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://postgres@{host}/{DATABASE}",
        "TIPG_DB_SCHEMAS": '["core"]',
        "TIPG_CATALOG_TTL": "3600",
        "PYTHONPATH": "",
    }
    command = [python, "-m", "uvicorn", "tipg.main:app", "--port", str(port),
               "--log-level", "warning", "--loop", "asyncio", "--http", "h11"]  # fmt: skip
    yield from _running(command, environment, port, "/healthz")


def _running(
    command: list[str], environment: dict[str, str], port: int, probe: str
) -> Iterator[Client]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise SystemExit(f"the server on port {port} ended; is the port taken?")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}", timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise SystemExit(f"nothing answers on port {port}")
        yield Client(port)
    finally:
        process.terminate()
        process.wait(20)


class Client:
    """One kept connection to a server, as a browser keeps it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def fetch(self, path: str) -> tuple[float, bytes]:
        """Milliseconds to the last byte, and the bytes."""
        try:
            spent, answer, content = self._ask(path)
        except ConnectionError:  # the server let go of a connection that was idle
            self._connection.close()
            spent, answer, content = self._ask(path)
        if answer.status not in (200, 204):
            raise SystemExit(f"{answer.status} {path}: {content[:300]!r}")
        return spent, content

    def _ask(self, path: str) -> tuple[float, http.client.HTTPResponse, bytes]:
        if self._connection.sock is None:
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.perf_counter()
        self._connection.request("GET", path, headers={"Accept-Encoding": "identity"})
        answer = self._connection.getresponse()
        content = answer.read()
        return (time.perf_counter() - begun) * 1000, answer, content


Asked = list[tuple[Client, str]]


def _median_ms(turns: list[Asked], rounds: int) -> list[tuple[float, int]]:
    """Per place in a turn: median milliseconds over all turns and rounds, mean bytes.

    A first round, not counted, fills caches and prepares statements (after five askings).
    """
    times: list[list[float]] = [[] for _ in turns[0]]
    sizes: list[list[int]] = [[] for _ in turns[0]]
    for this_round in range(-1, rounds):
        for turn in turns:
            # There and back, so that nobody always comes after the heaviest, its caches gone.
            places = range(len(turn)) if this_round % 2 else reversed(range(len(turn)))
            for place in places:
                client, path = turn[place]
                spent, content = client.fetch(path)
                if this_round >= 0:
                    times[place].append(spent)
                    sizes[place].append(len(content))
    return [
        (statistics.median(t), int(statistics.mean(n))) for t, n in zip(times, sizes, strict=True)
    ]


def _header(count: int) -> str:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.processor())  # fmt: skip
    return (
        f"{count:,} pipes; {os.cpu_count()} cores ({cpu}), Python {platform.python_version()},"
        f" {time.strftime('%Y-%m-%d')}\n"
    )


def _compare_tiles(
    tipg: Client, ours: Client, kept: Client, tiles: dict[int, list[Address]], rounds: int
) -> None:
    print("| tile at zoom | tipg ms | ours ms, made | tipg / ours | ours ms, kept | tipg / ours |"
          " tipg kB | ours kB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for zoom, addresses in tiles.items():
        turns = [
            [(tipg, _their_tile(a)), (ours, _our_tile(a)), (kept, _our_tile(a))] for a in addresses
        ]
        (their_ms, their_bytes), (my_ms, my_bytes), (kept_ms, _) = _median_ms(turns, rounds)
        cells = (
            str(zoom),
            f"{their_ms:.1f}",
            f"{my_ms:.2f}",
            f"{their_ms / my_ms:.1f}",
            f"{kept_ms:.2f}",
            f"{their_ms / kept_ms:.1f}",
            f"{their_bytes / 1000:.0f}",
            f"{my_bytes / 1000:.0f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _our_tile(address: Address) -> str:
    return f"/collections/{KIND}/tiles/WebMercatorQuad/" + "/".join(map(str, address))


def _their_tile(address: Address) -> str:
    zoom, row, column = address
    return (
        f"/collections/core.{KIND}/tiles/WebMercatorQuad/{zoom}/{column}/{row}"
        f"?geom-column=geometry_3857&properties={_their_columns()}"
    )


def _their_columns() -> str:
    shapes = {"geometry", "geometry_3857"}
    return ",".join(c.name for c in current[KIND].columns if c.name not in {*shapes, *MIDDLE})


def _compare_pages(tipg: Client, ours: Client, count: int, rounds: int) -> None:
    print("\n| 1,000 features from row | tipg ms | ours ms | tipg / ours |")
    print("|---|---|---|---|")
    for share in (0.0, 0.5, 0.95):
        offset = int(count * share) // PAGE * PAGE
        theirs = (
            f"/collections/core.{KIND}/items?limit={PAGE}&offset={offset}&f=geojson"
            f"&properties={_their_columns()}"
        )
        turns: list[Asked] = [[(tipg, theirs), (ours, _page_at(ours, offset))]]
        (their_ms, _), (my_ms, _) = _median_ms(turns, rounds * 2)
        print(f"| {offset:,} | {their_ms:.0f} | {my_ms:.0f} | {their_ms / my_ms:.1f} |", flush=True)


def _page_at(ours: Client, offset: int) -> str:
    """The address of the page that begins ``offset`` rows in, found by following next links."""
    path = f"/collections/{KIND}/items?limit={PAGE}"
    for _ in range(offset // PAGE):
        _, content = ours.fetch(path)
        links = json.loads(content)["links"]
        href = urlsplit(next(link["href"] for link in links if link["rel"] == "next"))
        path = f"{href.path}?{href.query}"
    return path


if __name__ == "__main__":
    main()
