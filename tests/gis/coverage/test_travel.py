"""Ways along roads: exact, with both places inside edges, and infinite where there is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely

from gis.coverage.entries import snap_facilities, snap_places, snap_points
from gis.coverage.roads import DRIVING, WALKING, Mode, assemble, build_network
from gis.coverage.travel import Direction, pairs_within, travel
from gis.errors import InputError
from tests.gis.coverage.oracle import arcs_of, turned, walk
from tests.gis.coverage.towns import facilities, frame, grid_places, grid_streets, random_town


def test_every_node_of_the_grid_is_as_far_as_its_steps() -> None:
    network = build_network(grid_streets())
    reach = travel(
        network, snap_places(grid_places(), network), snap_facilities(facilities((0, 0)), network)
    )
    steps = [100.0 * (i + j) for i in range(5) for j in range(5)]
    assert reach.cost.tolist() == pytest.approx(steps)
    assert set(reach.facility) == {0}


def test_places_and_facilities_inside_one_street_meet_without_a_detour() -> None:
    network = build_network(grid_streets())
    places = snap_places(frame(shapely.points([(30.0, 7.0)]), people=[1.0]), network)
    reach = travel(network, places, snap_facilities(facilities((70, 0)), network))
    assert reach.cost.tolist() == pytest.approx([47.0])
    assert reach.snap_m.tolist() == pytest.approx([7.0])


@pytest.mark.parametrize("direction", ["towards", "from"])
@pytest.mark.parametrize("mode", [WALKING, DRIVING])
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_heap_search_in_random_towns(
    seed: int, mode: Mode, direction: Direction
) -> None:
    streets, homes, offices = random_town(seed)
    network = build_network(streets, mode)
    places, doors = snap_places(homes, network), snap_facilities(offices, network)
    reach = travel(network, places, doors, direction=direction)
    arcs = arcs_of(network, places, doors)
    starts: list[Any] = [(0.0, ("facility", k)) for k in range(len(offices))]
    found = walk(arcs if direction == "from" else turned(arcs), starts)
    expected = [found.get(("place", k), math.inf) for k in range(len(homes))]
    assert reach.cost.tolist() == pytest.approx(expected, abs=1e-9)
    alone = [
        walk(arcs if direction == "from" else turned(arcs), [(0.0, ("facility", k))])
        for k in range(len(offices))
    ]
    for at, facility in enumerate(reach.facility):
        if facility >= 0:
            assert alone[facility][("place", at)] == pytest.approx(reach.cost[at], abs=1e-9)
    pairs = pairs_within(network, places, doors, 60.0, direction=direction)
    listed = dict(zip(zip(pairs.place, pairs.facility, strict=True), pairs.cost, strict=True))
    wanted = {
        (p, f): alone[f][("place", p)]
        for p in range(len(homes))
        for f in range(len(offices))
        if alone[f].get(("place", p), math.inf) <= 60.0
    }
    assert listed == pytest.approx(wanted, abs=1e-9)


def test_a_one_way_street_is_long_one_way_only() -> None:
    ring = [
        shapely.LineString([(0, 0), (100, 0)]),
        shapely.LineString([(100, 0), (100, 300), (0, 0)]),
    ]
    network = build_network(frame(ring, oneway=["yes", "no"]), DRIVING)
    places = snap_places(frame(shapely.points([(100.0, 0.0)]), people=[1.0]), network)
    office = snap_facilities(facilities((0, 0)), network)
    out = travel(network, places, office, direction="from", measure="metres")
    back = travel(network, places, office, direction="towards", measure="metres")
    assert out.cost[0] == pytest.approx(100)
    assert back.cost[0] == pytest.approx(300 + math.hypot(100, 300))


def test_parallel_streets_keep_the_quicker_and_free_steps_stay() -> None:
    matrix = assemble(3, [([0, 0, 1], [1, 1, 2], [5.0, 3.0, 0.0])])
    assert matrix[0, 1] == 3.0
    assert matrix.nnz == 2


def test_unreachable_is_infinite_and_an_average_is_not_polluted() -> None:
    """pandana writes the search cap into nodes it cannot reach (3 isolated nodes, 3,000 m)."""
    streets = grid_streets()
    island = frame(shapely.linestrings([[(5000, 0), (5100, 0)]]))
    both = frame([*streets.geometry, *island.geometry])
    network = build_network(both)
    homes = frame(shapely.points([(100, 0), (5050, 0), (90_000, 0)]), people=[1.0, 1, 1])
    reach = travel(
        network, snap_places(homes, network), snap_facilities(facilities((0, 0)), network)
    )
    assert reach.cost.tolist() == [100.0, math.inf, math.inf]
    assert reach.reason.tolist() == ["reached", "unreachable", "no_entry"]
    assert reach.facility.tolist() == [0, -1, -1]
    assert np.isnan(reach.snap_m[2])
    assert network.audit["islands"] == 1


def test_no_reachable_place_is_dropped_and_the_nearest_is_named() -> None:
    """pgRouting 3.4.2 with equicost named a farther start for 508 of 99,336 nodes."""
    streets, homes, offices = random_town(11, count=400)
    network = build_network(streets)
    places, doors = snap_places(homes, network), snap_facilities(offices, network)
    reach = travel(network, places, doors)
    pairs = pairs_within(network, places, doors, 1e6)
    least = np.full(len(homes), np.inf)
    np.minimum.at(least, pairs.place, pairs.cost)
    assert reach.cost.tolist() == pytest.approx(least.tolist())


def test_a_barrier_closes_what_crosses_it_but_not_a_bridge() -> None:
    streets = grid_streets()
    river = frame(shapely.linestrings([[(150, -50), (150, 450)]]))
    homes, office = grid_places(), facilities((0, 0))
    crosses = shapely.intersects(streets.geometry.to_numpy(), river.geometry[0])
    top = streets.geometry.bounds.miny.to_numpy() == 400
    network = build_network(streets.assign(bridge=crosses & top), barriers=river)
    assert network.audit["closed"] == 4
    reach = travel(network, snap_places(homes, network), snap_facilities(office, network))
    assert reach.cost[10] == pytest.approx(400 + 200 + 400)  # (2, 0) by the bridge at the top
    closed = build_network(streets, barriers=river)
    cut = travel(closed, snap_places(homes, closed), snap_facilities(office, closed))
    assert np.isinf(cut.cost[10:]).all()
    gate = frame(shapely.points([(50.0, 0.0)]))
    assert build_network(streets, barriers=gate).audit["closed"] == 1


def test_ends_within_the_tolerance_meet_and_crossings_without_a_node_do_not() -> None:
    lines = [[(0, 0), (100, 0)], [(100.05, 0), (200, 0)], [(50, -50), (50, 50)]]
    network = build_network(frame(shapely.linestrings(lines)), tolerance_m=0.1)
    assert network.audit["islands"] == 1
    assert network.audit["widest_node_m"] == pytest.approx(0.025)
    assert build_network(frame(shapely.linestrings(lines)), tolerance_m=0.01).audit["islands"] == 2
    stub = frame(shapely.linestrings([[(0, 0), (100, 0)], [(50, 0), (50, 50)]]))
    assert build_network(stub).audit["loose_ends"] == 1


def test_a_park_is_entered_by_the_nearest_of_its_gates() -> None:
    network = build_network(grid_streets())
    park = frame([shapely.box(110, 110, 290, 190)], id=["p"], radius_m=[250.0])
    homes = frame(shapely.points([(100.0, 100.0)]), people=[1.0])
    places = snap_places(homes, network)
    gates = frame(shapely.points([(300.0, 150.0), (200.0, 200.0)]), facility=["p", "p"])
    given = travel(network, places, snap_facilities(park, network, entrances=gates))
    assert given.cost[0] == pytest.approx(200)
    assumed = snap_facilities(park, network)
    assert assumed.assumed.tolist() == [True]
    # Every street within 20 m of it is a way in: that of x = 100 at its corner.

    assert travel(network, places, assumed).cost[0] == pytest.approx(math.hypot(10, 10))
    wrong = frame(shapely.points([(300.0, 150.0)]), facility=["q"])
    with pytest.raises(InputError, match="not among the facilities"):
        snap_facilities(park, network, entrances=wrong)


def test_the_way_to_the_network_goes_at_the_speed_that_is_said() -> None:
    network = build_network(grid_streets(), Mode("walk", 2.0, obeys_oneway=False))
    places = snap_points(shapely.points([(50.0, 30.0)]), network)
    office = snap_facilities(facilities((0, 0)), network)
    assert travel(network, places, office).cost[0] == pytest.approx(50 / 2 + 30 / 1)
    slow = travel(network, places, office, snap_speed_m_per_s=0.5)
    assert slow.cost[0] == pytest.approx(50 / 2 + 30 / 0.5)
