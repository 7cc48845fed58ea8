"""How fast coverage is computed, beside its peers in the same run, as ratios.

    python -m tests.benchmarks.coverage [--side 141] [--lots 20000] [--rounds 5]
        [--peers-python PATH]

Three questions: the nearest of some hundred facilities for every node of a street grid; the land of
lots within the radius of parks; the best ten of some hundred sites. geopandas' overlay runs in this
process; NetworkX, pandana (AGPL: a peer, never a dependency) and spopt run in the Python of
``--peers-python``, where ``tests/benchmarks/coverage-requirements.lock`` is installed. Every peer's
answer is compared with ours and the difference is printed. No database takes part.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.coverage.areas import covered_areas
from gis.coverage.entries import snap_facilities, snap_places
from gis.coverage.roads import build_network
from gis.coverage.siting import Problem, choose_exactly, choose_greedily, pairs_by_line
from gis.coverage.travel import travel
from gis.geometry import gauss_kruger_srid

SEED = 20_261_130
CRS = gauss_kruger_srid(99)
STEP_M = 100.0


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=141)
    parser.add_argument("--facilities", type=int, default=200)
    parser.add_argument("--lots", type=int, default=20_000)
    parser.add_argument("--parks", type=int, default=300)
    parser.add_argument("--places", type=int, default=2_000)
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers-python")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as scratch:
        folder = Path(scratch)
        compare_ways(given, folder)
        compare_land(given)
        compare_sites(given, folder)
    print(
        f"\nmedian of {given.rounds}; {os.cpu_count()} processors, {platform.machine()},"
        f" load {os.getloadavg()[0]:.1f}, Python {platform.python_version()},"
        f" shapely {shapely.__version__}, geopandas {gpd.__version__}"
    )


def compare_ways(given: argparse.Namespace, folder: Path) -> None:
    side = given.side
    number = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    head = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    nodes = np.stack(np.divmod(np.arange(side * side), side), axis=1) * STEP_M
    chance = np.random.default_rng(SEED)
    nodes = nodes + chance.uniform(-20, 20, nodes.shape)
    chosen = np.sort(chance.choice(side * side, given.facilities, replace=False))
    roads = gpd.GeoDataFrame(
        geometry=shapely.linestrings(np.stack([nodes[tail], nodes[head]], axis=1)), crs=CRS
    )
    homes = gpd.GeoDataFrame(geometry=shapely.points(nodes), crs=CRS)
    offices = homes.iloc[chosen].reset_index(drop=True)
    print(f"nearest of {given.facilities} facilities, {len(nodes):,} nodes, {len(roads):,} streets")
    build = measure(lambda: build_network(roads), given.rounds)
    network = build_network(roads)
    snap = measure(lambda: snap_places(homes, network), given.rounds)
    places, doors = snap_places(homes, network), snap_facilities(offices, network)
    solve = measure(lambda: travel(network, places, doors, measure="metres"), given.rounds)
    metres = travel(network, places, doors, measure="metres").cost
    show("ours: build (noding, components, loose ends)", build, build)
    show("ours: snap every node inside edges", snap, build)
    show("ours: solve, the serving facility named", solve, solve)
    length_m = np.hypot(*(nodes[tail] - nodes[head]).T)
    np.savez(folder / "ways.npz", nodes=nodes, tail=tail, head=head, length_m=length_m,
             chosen=chosen, metres=metres)  # fmt: skip
    for words, found in ask_peers(given, WAYS, folder / "ways.npz").items():
        show(f"{words}: build", found["build"], build)
        show(f"{words}: solve", found["solve"], solve)
        print(f"      largest difference {found['off']:.6f} m")


def compare_land(given: argparse.Namespace) -> None:
    side = round(given.lots**0.5)
    x, y = (v.ravel() * 50.0 for v in np.meshgrid(np.arange(side), np.arange(side)))
    lots = gpd.GeoDataFrame(geometry=shapely.box(x, y, x + 40, y + 40), crs=CRS)
    chance = np.random.default_rng(SEED)
    at = chance.random((given.parks, 2)) * side * 50
    size_m = chance.uniform(20, 80, given.parks)
    parks = shapely.box(at[:, 0], at[:, 1], at[:, 0] + size_m, at[:, 1] + size_m)
    radii = np.where(size_m**2 >= 5000, 500.0, 300.0)
    shapes = lots.geometry.to_numpy()
    print(f"\nland of {len(lots):,} lots within the radius of {given.parks} parks")
    ours = measure(lambda: covered_areas(shapes, parks, radii), given.rounds)
    area = float(covered_areas(shapes, parks, radii).sum())
    show("ours", ours, ours)
    discs = gpd.GeoDataFrame(geometry=shapely.buffer(parks, radii, quad_segs=32), crs=CRS)

    def overlay() -> float:
        union = gpd.GeoDataFrame(geometry=[discs.union_all()], crs=CRS)
        return float(gpd.overlay(lots, union, how="intersection").area.sum())

    show("gpd.overlay with the dissolved union", measure(overlay, min(given.rounds, 2), 0), ours)
    print(f"      relative difference {abs(overlay() - area) / area:.2e}")
    double = float(gpd.overlay(lots, discs, how="intersection").area.sum())
    print(f"      gpd.overlay without dissolving: {double / lots.area.sum():.1%} of the land")


def compare_sites(given: argparse.Namespace, folder: Path) -> None:
    chance = np.random.default_rng(SEED)
    homes = gpd.GeoDataFrame(
        geometry=shapely.points(chance.random((given.places, 2)) * 10_000), crs=CRS
    )
    land = gpd.GeoDataFrame(
        geometry=shapely.points(chance.random((given.sites, 2)) * 10_000), crs=CRS
    )
    people = chance.integers(1, 100, given.places).astype(float)
    nobody = np.zeros(given.places, dtype=bool)
    radius_m, count = 800.0, 10

    def pose() -> Problem:
        return Problem(pairs_by_line(homes, land, radius_m), people, nobody)

    print(f"\nbest {count} of {given.sites} sites for {given.places:,} places")
    greedy = measure(lambda: choose_greedily(pose(), count), given.rounds)
    exact = measure(lambda: choose_exactly(pose(), count, seconds=120), min(given.rounds, 3))
    first = choose_greedily(pose(), count)
    best = choose_exactly(pose(), count, seconds=120)
    show("ours: greedy, pairs included", greedy, exact)
    print(f"      {first.after:,.0f} people, at most {first.gap:.2%} below the best")
    show("ours: exact, pairs included", exact, exact)
    print(f"      {best.after:,.0f} people, gap {best.gap:.2%}")
    x, y = (shapely.get_coordinates(f.geometry.to_numpy()) for f in (homes, land))
    np.savez(folder / "sites.npz", places=x, sites=y, people=people, radius_m=radius_m, count=count)
    for words, found in ask_peers(given, SITES, folder / "sites.npz").items():
        show(f"{words}: build and solve", found["solve"], exact)
        print(f"      {found['people']:,.0f} people")


def measure(work: Callable[[], object], rounds: int, warm_ups: int = 1) -> float:
    """Median seconds."""
    for _ in range(warm_ups):
        work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def show(words: str, seconds: float, beside: float) -> None:
    print(f"  {words:46} {seconds * 1e3:10.1f} ms  x{seconds / beside:.2f}")


def ask_peers(given: argparse.Namespace, program: str, data: Path) -> dict[str, dict[str, float]]:
    """What the peers took and answered; nothing where there is no Python of theirs."""
    if not given.peers_python:
        print("  peers: not installed (--peers-python)")
        return {}
    done = subprocess.run(
        [given.peers_python, "-W", "ignore", "-c", PEER + program, str(data), str(given.rounds)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


PEER = """
import json, statistics, sys, time
import numpy as np
data, rounds = np.load(sys.argv[1]), int(sys.argv[2])
def timed(work, n):
    taken = []
    for _ in range(n):
        began = time.perf_counter(); answer = work(); taken.append(time.perf_counter() - began)
    return statistics.median(taken), answer
out = {}
"""
WAYS = """
import networkx as nx, pandana, pandas as pd
tail, head, length, chosen = (data[k] for k in ("tail", "head", "length_m", "chosen"))
def build():
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(tail.tolist(), head.tolist(), length.tolist()))
    return graph
b, graph = timed(build, rounds)
s, found = timed(lambda: nx.multi_source_dijkstra_path_length(graph, set(chosen.tolist())), rounds)
mine = np.array([found[k] for k in range(len(data["nodes"]))])
out["NetworkX " + nx.__version__] = {"build": b, "solve": s,
                                    "off": float(abs(mine - data["metres"]).max())}
x, y = (pd.Series(v) for v in data["nodes"].T)
def net():
    made = pandana.Network(x, y, pd.Series(tail), pd.Series(head), pd.DataFrame({"m": length}))
    made.set_pois("office", 20_000, 1, x[chosen], y[chosen])
    return made
b, made = timed(net, 1)
s, found = timed(lambda: made.nearest_pois(20_000, "office", num_pois=1), rounds)
out["pandana " + pandana.__version__] = {"build": b, "solve": s,
    "off": float(abs(found[1].to_numpy() - data["metres"]).max())}
print(json.dumps(out))
"""
SITES = """
import pulp, spopt
from scipy.spatial.distance import cdist
from spopt.locate import MCLP
def solve():
    cost = cdist(data["places"], data["sites"])
    model = MCLP.from_cost_matrix(cost, data["people"], float(data["radius_m"]),
                                  p_facilities=int(data["count"]))
    return model.solve(pulp.HiGHS(msg=False))
s, model = timed(solve, 1)
covered = np.array([len(c) > 0 for c in model.cli2fac])
out["spopt " + spopt.__version__ + " with HiGHS"] = {"solve": s,
    "people": float(data["people"][covered].sum())}
print(json.dumps(out))
"""

if __name__ == "__main__":
    main()
