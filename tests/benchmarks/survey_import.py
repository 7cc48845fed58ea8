"""How long a survey book takes: reading, every rule, the marked workbook, by number of pipes.

    python -m tests.benchmarks.survey_import [--pipes 20000 100000] [--faults 200]

The book is the demonstration county's as a surveyor would deliver it, with planted faults. No
database takes part. The limits are those of the issue: 20,000 pipes in 20 s, 100,000 in 100 s.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from gis.network.survey_book import write_book
from gis.network.survey_check import judge_book
from gis.network.survey_read import read_book
from tests.gis.network.survey_books import Tables, demonstration, write_workbook
from tests.gis.network.survey_faults import plant_faults

PIPES_PER_SCALE = 3100
LIMITS = {20_000: 20.0, 100_000: 100.0}


def measure(pipes: int, faults: int, folder: Path) -> float:
    county, clean = demonstration(pipes / PIPES_PER_SCALE)
    tables: Tables = plant_faults(clean, faults, 1).tables
    path = write_workbook(folder / "book.xlsx", tables)
    started = time.perf_counter()
    book = read_book([path])
    read = time.perf_counter()
    judged = judge_book(book, county=county, today=date(2026, 11, 30))
    asked = time.perf_counter()
    marked = folder / "marked.xlsx"
    write_book(marked, book, judged.findings, judged.rules, judged.found.count())
    ended = time.perf_counter()
    print(
        f"{judged.pipes.grid.count:>7} pipes {judged.nodes.grid.count:>7} points"
        f" {len(judged.findings):>6} findings  read {read - started:6.2f} s"
        f"  rules {asked - read:6.2f} s  marked book {ended - asked:6.2f} s"
        f"  all {ended - started:6.2f} s  ({path.stat().st_size / 1e6:.1f} MB)"
    )
    return ended - started


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipes", type=int, nargs="+", default=list(LIMITS))
    parser.add_argument("--faults", type=int, default=200)
    asked = parser.parse_args()
    late = False
    for pipes in asked.pipes:
        with tempfile.TemporaryDirectory() as folder:
            took = measure(pipes, asked.faults, Path(folder))
        late |= took > LIMITS.get(pipes, float("inf"))
    own, child = (resource.getrusage(w).ru_maxrss / 1024 for w in (0, -1))
    print(f"memory at most {own:.0f} MB here, {child:.0f} MB in the reading child;", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
