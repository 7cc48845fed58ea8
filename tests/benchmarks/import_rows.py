"""How fast a survey is imported, beside geopandas and ogr2ogr in the same run, as ratios.

    python -m tests.benchmarks.import_rows [--rows 100000] [--rounds 3]

A GeoPackage of pipes is loaded into a cluster of the run's own. "own" is what our processes
compute (reading in the child, mapping, converting, validating, writing COPY's text): the
processors' time of this process and its child. The rest of the wall is the database: its copy,
its checks, both kinds of time, the identities, the indexes.

The peers write the same file into a bare table with one spatial index. What they do not do:
judge a row or a geometry (they load what they are given), map names and words, keep history or
who wrote it, know a row again (a second run doubles them or replaces the table), hand back what
was refused.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Engine, create_engine, text

from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, Installation, open_installation
from gis.exchange.import_file import import_file
from gis.geometry import STORAGE_SRID
from gis.settings import Settings

SEED = 20_240_601
KIND = "sewer_pipe"


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        survey = folder / "pipes.gpkg"
        make_survey(given.rows).to_file(survey, driver="GPKG", layer="pipes")
        installation = open_installation(Settings(state_folder=folder / "state"))
        if installation.cluster is None:
            raise SystemExit("the benchmark uses a cluster of its own")
        try:
            _compare(installation, installation.cluster, survey, given.rows, given.rounds)
        finally:
            installation.close()


def make_survey(rows: int) -> gpd.GeoDataFrame:
    """Pipes as a surveyor delivers them: Chinese headers and words, every cell filled."""
    chance = np.random.default_rng(SEED)
    west, south = 99 + chance.random(rows) * 0.3, 25 + chance.random(rows) * 0.3
    places = [(west, south), (west + 3e-4, south + 2e-4), (west + 6e-4, south)]
    inverts = np.round(1600 + chance.random((2, rows)) * 50, 3)
    days = pd.to_timedelta(chance.integers(0, 3000, rows), unit="D")
    numbers = range(rows)
    return gpd.GeoDataFrame(
        {
            "编号": [f"PS{i:07d}" for i in numbers],
            "管线类型": chance.choice(["污水", "雨水", "合流"], rows),
            "管径": chance.choice([300, 400, 500, 600, 800], rows),
            "材质": chance.choice(["HDPE", "混凝土", "PE"], rows),
            "起点井号": [f"J{i}" for i in numbers],
            "终点井号": [f"J{i + 1}" for i in numbers],
            "起点管底高程": inverts[0],
            "终点管底高程": inverts[1],
            "竣工日期": pd.to_datetime("2015-01-01") + days,
            "权属单位": "住建局",
            "备注": [f"井间{i}" for i in numbers],
        },
        geometry=shapely.linestrings(np.stack([np.stack(p, axis=1) for p in places], axis=1)),
        crs=STORAGE_SRID,
    )


def _compare(
    installation: Installation, cluster: Cluster, survey: Path, rows: int, rounds: int
) -> None:
    superuser = create_engine(cluster.superuser_url(DATABASE))
    ours, own, again, frames, translated = [], [], [], [], []
    for number in range(rounds):
        source = f"round {number}"
        _empty(superuser)
        wall, busy = _clock(lambda: _import(installation, survey, source, added=rows))  # noqa: B023 - called at once
        ours.append(wall)
        own.append(busy)
        again.append(_clock(lambda: _import(installation, survey, source, added=0))[0])  # noqa: B023 - as above
        frames.append(_clock(lambda: _write_frame(superuser, survey))[0])
        translated.append(_clock(lambda: _translate(cluster, survey))[0])
    superuser.dispose()
    print(
        f"{rows:,} pipes, {survey.stat().st_size / 1e6:.0f} MB GeoPackage, median of {rounds};"
        f" {os.cpu_count()} processors, Python {platform.python_version()}"
    )
    whole = statistics.median(ours)
    for name, seconds in (
        ("import", whole),
        ("  own part", statistics.median(own)),
        ("  database", whole - statistics.median(own)),
        ("import again (nothing changes)", statistics.median(again)),
        ("geopandas read_file, to_postgis", statistics.median(frames)),
        ("ogr2ogr (COPY)", statistics.median(translated)),
    ):
        print(f"{name:32} {seconds:7.2f} s {rows / seconds:9,.0f} rows/s  x{whole / seconds:.2f}")


def _empty(superuser: Engine) -> None:
    """Each round begins with empty tables; triggers refuse that to everybody else."""
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        tables = f"core.{KIND}, history.{KIND}, core.asset"
        connection.execute(text(f"TRUNCATE {tables} CASCADE"))


def _clock(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the wall, and seconds this process and its ended children computed."""
    began, used = time.perf_counter(), _used()
    work()
    return time.perf_counter() - began, _used() - used


def _used() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _import(installation: Installation, survey: Path, source: str, *, added: int) -> None:
    report = import_file(installation.db, survey, KIND, actor="benchmark", source=source)
    if (report.refused, report.added, report.changed) != (0, added, 0):
        raise SystemExit(f"not what the survey holds: {report.summary().en}")


def _write_frame(superuser: Engine, survey: Path) -> None:
    frame = gpd.read_file(survey)
    frame.to_postgis("peer_geopandas", superuser, if_exists="replace")


def _translate(cluster: Cluster, survey: Path) -> None:
    target = f"PG:host={cluster.socket_folder} user=postgres dbname={DATABASE}"
    command = ["ogr2ogr", "-f", "PostgreSQL", target, str(survey), "-nln", "peer_ogr2ogr"]
    subprocess.run(
        [*command, "-overwrite", "-lco", "GEOMETRY_NAME=geometry"],
        env={**os.environ, "PG_USE_COPY": "YES"},
        check=True,
    )


if __name__ == "__main__":
    main()
