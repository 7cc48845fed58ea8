"""Tiles and pages beside tipg, in one run, on one database, as ratios.

    python -m tests.benchmarks.compare_tipg --tipg-python PATH [--scale 33] [--rounds 3]

``--tipg-python`` is a Python with ``tests/benchmarks/requirements.lock`` installed. The
demonstration county is loaded into a cluster of the run's own; both servers read it through the
same socket, one process each, uncompressed answers, one request at a time, alternating. Ours runs
without its tile cache unless the row says otherwise. tipg reads as superuser (it needs to), ours
as the staff role with its column grants.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np
from sqlalchemy import create_engine, text

from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, open_installation
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
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
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
            _our_server(settings, 8602, cache_mb=128) as warm,
            _tipg_server(given.tipg_python, cluster, 8603) as tipg,
        ):
            print(_header(count))
            _compare_tiles(ours, warm, tipg, tiles, given.rounds)
            _compare_pages(ours, tipg, count, given.rounds)
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
def _our_server(settings: Settings, port: int, *, cache_mb: int) -> Iterator[str]:
    environment = {
        **os.environ,
        "GIS_STATE_FOLDER": str(settings.state_folder),
        "GIS_TILE_CACHE_MB": str(cache_mb),
    }
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
    yield from _running(command, environment, port, f"http://127.0.0.1:{port}", "/health")


@contextmanager
def _tipg_server(python: str, cluster: Cluster, port: int) -> Iterator[str]:
    host = quote(str(cluster.socket_folder), safe="")
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://postgres@{host}/{DATABASE}",
        "TIPG_DB_SCHEMAS": '["core"]',
        "TIPG_CATALOG_TTL": "3600",
        "PYTHONPATH": "",
    }
    command = [python, "-m", "uvicorn", "tipg.main:app", "--port", str(port),
               "--log-level", "warning"]  # fmt: skip
    yield from _running(command, environment, port, f"http://127.0.0.1:{port}", "/healthz")


def _running(
    command: list[str], environment: dict[str, str], port: int, base: str, probe: str
) -> Iterator[str]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(base + probe, timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise SystemExit(f"nothing answers on port {port}")
        yield base
    finally:
        process.terminate()
        process.wait(20)


def _fetch(url: str) -> tuple[float, bytes]:
    begun = time.perf_counter()
    with urllib.request.urlopen(url, timeout=120) as answer:
        content: bytes = answer.read()
    return time.perf_counter() - begun, content


def _median_ms(urls: list[str], rounds: int) -> tuple[float, int]:
    """Median milliseconds over all addresses and rounds; mean bytes."""
    times, sizes = [], []
    for _ in range(rounds):
        for url in urls:
            seconds, content = _fetch(url)
            times.append(seconds * 1000)
            sizes.append(len(content))
    return statistics.median(times), int(statistics.mean(sizes))


def _header(count: int) -> str:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.processor())  # fmt: skip
    return (
        f"{count:,} pipes; {os.cpu_count()} cores ({cpu}), Python {platform.python_version()},"
        f" {time.strftime('%Y-%m-%d')}\n"
    )


def _compare_tiles(
    ours: str, warm: str, tipg: str, tiles: dict[int, list[Address]], rounds: int
) -> None:
    print("| tile at zoom | tipg ms | ours ms (no cache) | tipg / ours | ours, cached ms |"
          " tipg KB | ours KB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for zoom, addresses in tiles.items():
        mine = [ours + _tile_path(a) for a in addresses]
        kept = [warm + _tile_path(a) for a in addresses]
        theirs = [
            f"{tipg}/collections/core.{KIND}/tiles/WebMercatorQuad/{z}/{column}/{row}"
            "?geom-column=geometry_3857"
            for z, row, column in addresses
        ]
        for urls in (mine, kept, theirs):
            _median_ms(urls[:2], 1)
        _median_ms(kept, 1)
        their_ms, their_bytes = _median_ms(theirs, rounds)
        my_ms, my_bytes = _median_ms(mine, rounds)
        kept_ms, _ = _median_ms(kept, rounds)
        cells = (
            str(zoom),
            f"{their_ms:.1f}",
            f"{my_ms:.1f}",
            f"{their_ms / my_ms:.1f}",
            f"{kept_ms:.1f}",
            f"{their_bytes / 1000:.0f}",
            f"{my_bytes / 1000:.0f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _tile_path(address: Address) -> str:
    return f"/collections/{KIND}/tiles/WebMercatorQuad/" + "/".join(map(str, address))


def _compare_pages(ours: str, tipg: str, count: int, rounds: int) -> None:
    print("\n| 1,000 features from row | tipg ms | ours ms | tipg / ours |")
    print("|---|---|---|---|")
    for share in (0.0, 0.5, 0.95):
        offset = int(count * share) // PAGE * PAGE
        mine = [_page_at(ours, offset)]
        theirs = [f"{tipg}/collections/core.{KIND}/items?limit={PAGE}&offset={offset}&f=geojson"]
        _median_ms(mine, 1)
        _median_ms(theirs, 1)
        their_ms, _ = _median_ms(theirs, rounds * 4)
        my_ms, _ = _median_ms(mine, rounds * 4)
        print(f"| {offset:,} | {their_ms:.0f} | {my_ms:.0f} | {their_ms / my_ms:.1f} |", flush=True)


def _page_at(base: str, offset: int) -> str:
    """The address of the page that begins ``offset`` rows in, found by following next links."""
    url = f"{base}/collections/{KIND}/items?limit={PAGE}"
    for _ in range(offset // PAGE):
        _, content = _fetch(url)
        links = json.loads(content)["links"]
        url = next(link["href"] for link in links if link["rel"] == "next")
    return url


if __name__ == "__main__":
    main()
