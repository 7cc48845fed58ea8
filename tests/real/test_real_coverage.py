"""Coverage on real roads and parks: exact beside a textbook search over the publishers' own ids.

The search (:func:`tests.gis.coverage.oracle.walk`) knows the raw ``u`` and ``v`` of the edges and
nothing of our noding, snapping or splitting. Areas and people are those published with the files.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.coverage.admit import Frame
from gis.coverage.areas import covered_areas, find_served, qualify
from gis.coverage.density import line_density
from gis.coverage.entries import snap_points
from gis.coverage.population import assign_people
from gis.coverage.rates import Border, people_euclid_rate, stand_points
from gis.coverage.roads import DRIVING, WALKING, Mode, build_network
from gis.coverage.rulesets import parse_ruleset
from gis.coverage.travel import pairs_within, travel
from tests.gis.coverage.oracle import Arcs, walk

CITIES = {
    "futian": ("roads_shenzhen_futian/futian_osm_drive.gpkg", 4547),
    "stockholm": ("roads_stockholm/stockholm_osm_drive.gpkg", 3006),
}
SOURCES = 100
LIMIT_M = 1500.5
SINGAPORE_UTM = 32648


def read_roads(folder: Path, city: str) -> tuple[Frame, Frame]:
    name, srid = CITIES[city]
    layers = (gpd.read_file(folder / name, layer=layer) for layer in ("edges", "nodes"))
    edges, nodes = (layer.to_crs(srid) for layer in layers)
    return edges.assign(oneway="yes"), nodes  # each row is one direction


def arcs_of_publisher(edges: Frame, mode: Mode) -> Arcs:
    arcs: Arcs = defaultdict(list)
    for u, v, metres in zip(edges["u"], edges["v"], edges.length, strict=True):
        arcs[str(u)].append((str(v), metres))
        if not mode.obeys_oneway:
            arcs[str(v)].append((str(u), metres))
    return arcs


@pytest.mark.parametrize("mode", [WALKING, DRIVING], ids=["walking", "driving"])
@pytest.mark.parametrize("city", CITIES)
def test_service_areas_of_100_sources_are_exactly_those_of_a_heap_search(
    city: str, mode: Mode, real_folder: Path
) -> None:
    edges, nodes = read_roads(real_folder, city)
    network = build_network(edges, mode)
    ids = nodes["osmid"].astype(str).to_numpy()
    points = nodes.geometry.to_numpy()
    chosen = np.sort(np.random.default_rng(20_261_130).choice(len(ids), SOURCES, replace=False))
    at_nodes, at_sources = snap_points(points, network), snap_points(points[chosen], network)
    pairs = pairs_within(network, at_nodes, at_sources, LIMIT_M, direction="from", measure="metres")
    reach = travel(network, at_nodes, at_sources, direction="from", measure="metres")
    arcs = arcs_of_publisher(edges, mode)
    nearest = np.full(len(ids), math.inf)
    for k, source in enumerate(ids[chosen]):
        found = walk(arcs, [(0.0, source)])
        metres = np.array([found.get(i, math.inf) for i in ids])
        nearest = np.minimum(nearest, metres)
        mine = pairs.facility == k
        assert pairs.place[mine].tolist() == np.flatnonzero(metres <= LIMIT_M).tolist()
        assert pairs.cost[mine] == pytest.approx(metres[metres <= LIMIT_M], abs=1e-6)
    assert reach.cost == pytest.approx(nearest, abs=1e-6)
    assert (reach.reason == "unreachable").sum() == np.isinf(nearest).sum()


def test_the_way_back_is_the_way_on_streets_turned_round(real_folder: Path) -> None:
    edges, nodes = read_roads(real_folder, "futian")
    network = build_network(edges, DRIVING)
    ids = nodes["osmid"].astype(str).to_numpy()
    points = nodes.geometry.to_numpy()
    office = snap_points(points[[700]], network)
    back = travel(network, snap_points(points, network), office, measure="metres")
    turned: Arcs = defaultdict(list)
    for u, ends in arcs_of_publisher(edges, DRIVING).items():
        for v, metres in ends:
            turned[v].append((u, metres))
    found = walk(turned, [(0.0, ids[700])])
    assert back.cost == pytest.approx([found.get(i, math.inf) for i in ids], abs=1e-6)


def test_the_density_of_futian_is_its_length_by_its_area(real_folder: Path) -> None:
    edges, _ = read_roads(real_folder, "futian")
    box = gpd.GeoDataFrame(
        {"id": ["futian"]}, geometry=[shapely.box(*edges.total_bounds)], crs=edges.crs
    )
    found = line_density(edges, box)
    assert found["length_km"][0] == pytest.approx(337, abs=1)  # as its publisher's notes say


def read_singapore(folder: Path, layer: str) -> Frame:
    frame = gpd.read_file(folder / "parks_singapore/parks_singapore.gpkg", layer=layer)
    return frame.to_crs(SINGAPORE_UTM)


def singapore_people(folder: Path) -> tuple[Frame, Frame]:
    """Subzones of 2020 with their people, and the people at their buildings."""
    zones = read_singapore(folder, "pop_sgp")
    zones = zones[zones["year"] == 2020].reset_index(drop=True)
    zones = zones.assign(id=zones["subzone_c"], people=zones["pop_count"])
    homes = read_singapore(folder, "buildings_pop_sgp")
    return zones, assign_people(zones, homes.assign(floor_area_m2=homes["popcount"]))


def test_the_parks_of_singapore_have_the_area_that_is_published(real_folder: Path) -> None:
    parks = read_singapore(real_folder, "parks_sgp")
    assert parks.area.sum() / 1e6 == pytest.approx(33.33, abs=0.005)
    assert parks.area.to_numpy() == pytest.approx(parks["area"].to_numpy(), rel=1e-6)
    assert (parks.area < 10_000).sum() == 444


def test_the_people_of_every_subzone_are_all_placed(real_folder: Path) -> None:
    zones, placed = singapore_people(real_folder)
    assert placed["people"].sum() == pytest.approx(4_051_500, rel=1e-9)
    sums = placed.groupby("unit")["people"].sum().reindex(zones["id"])
    assert sums.to_numpy() == pytest.approx(zones["people"].to_numpy(), rel=1e-9, abs=1e-9)
    assert set(placed["method"]) == {"dwellings", "unit"}


@pytest.mark.parametrize("radius_m", [300.0, 500.0])
def test_people_near_a_park_under_a_hectare_by_subzone(radius_m: float, real_folder: Path) -> None:
    zones, placed = singapore_people(real_folder)
    parks = read_singapore(real_folder, "parks_sgp")
    pocket = parks[parks.area < 10_000].assign(radius_m=radius_m).reset_index(drop=True)
    base = shapely.union_all(zones.geometry.to_numpy())
    rate = people_euclid_rate(placed, pocket, Border(base))
    assert rate.denominator == pytest.approx(4_051_500, rel=1e-9)
    points = stand_points(placed.geometry.to_numpy())
    served = find_served(points, pocket.geometry.to_numpy(), np.full(len(pocket), radius_m))
    # Another way to the same: the distance to all parks as one geometry.
    other = shapely.distance(shapely.union_all(pocket.geometry.to_numpy()), points) <= radius_m
    assert (served == other).all()
    by_zone = placed.assign(near=np.where(served, placed["people"], 0.0)).groupby("unit")
    near = by_zone["near"].sum().reindex(zones["id"]).to_numpy()
    assert near.sum() == pytest.approx(rate.numerator, rel=1e-9)
    assert (near <= zones["people"].to_numpy() * (1 + 1e-9)).all()
    assert 0 < rate.share < 1


def test_the_land_near_pocket_parks_is_that_of_an_overlay(real_folder: Path) -> None:
    zones, _ = singapore_people(real_folder)
    parks = read_singapore(real_folder, "parks_sgp")
    rules = parse_ruleset(POCKET)
    pocket = qualify(parks, rules)
    covered = covered_areas(
        zones.geometry.to_numpy(), pocket.geometry.to_numpy(), pocket["radius_m"].to_numpy()
    )
    union = shapely.union_all(shapely.buffer(pocket.geometry.to_numpy(), 300.0, quad_segs=32))
    exact = shapely.area(shapely.intersection(zones.geometry.to_numpy(), union))
    assert covered == pytest.approx(exact, rel=1e-9, abs=1e-3)


POCKET = """
version = "own-pocket"
standard = "test"
title = { zh = "口袋公园", en = "Pocket parks" }
[base]
denominator = "people"
within = "admin_unit"
measured_from = "boundary"
distance = "euclid"
clause = "test"
mark = "memory"
[parts]
gap_m = 1000000.0
clause = "test"
mark = "memory"
[[facility_class]]
key = "pocket"
zh = "口袋公园"
en = "Pocket parks"
max_area_m2 = 10000.0
radius_m = 300.0
clause = "test"
mark = "memory"
"""
