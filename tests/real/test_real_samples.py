"""Two sample networks of other products, as graphs: Sant Boi (Giswater) and Aletsch (TEKSI).

Counts are those of the notes published beside the files; traces and ways are held against a walk
over the raw table, which knows neither our tables nor our code.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from sqlalchemy import Connection, text

from gis.exchange.import_file import ImportReport, import_file
from gis.network.asking import Ask, asking
from gis.network.topology import check_topology, topology_statement
from gis.network.trace import Direction, trace
from gis.network.way_profile import read_profile
from gis.network.ways import find_way
from tests.conftest import OneTransaction
from tests.gis.network.test_topology import settle

SANT_BOI = "sewer_giswater_santboi/giswater_ud_santboi.gpkg"
ALETSCH = "sewer_teksi_aletsch/teksi_aletsch.gpkg"
GIVEN = {
    "santboi": (
        SANT_BOI, "nodes", {"code": "node_id", "ground_m": "top_elev"}, 196, "arcs",
        {"code": "arc_id", "up_node": "node_1", "down_node": "node_2", "up_invert_m": "elev1",
         "down_invert_m": "elev2"}, 206,
    ),
    "aletsch": (
        ALETSCH, "raw_wastewater_node", {"code": "obj_id"}, 88, "pipes",
        {"code": "obj_id", "up_node": "from_element", "down_node": "to_element",
         "up_invert_m": "level_from", "down_invert_m": "level_to"}, 102,
    ),
}  # fmt: skip
Load = Callable[[str], tuple[Connection, Ask, gpd.GeoDataFrame, tuple[ImportReport, ImportReport]]]


@pytest.fixture
def load(db: OneTransaction, real_folder: Path, tmp_path: Path) -> Load:
    """Bring a network's nodes and pipes in, and settle them."""

    def load(
        name: str,
    ) -> tuple[Connection, Ask, gpd.GeoDataFrame, tuple[ImportReport, ImportReport]]:
        file, nodes, own, _, arcs, mapping, _ = GIVEN[name]
        path = real_folder / file

        def bring(layer: str, kind: str, mapping: dict[str, str]) -> ImportReport:
            frame = gpd.read_file(path, layer=layer)
            frame = frame[[*mapping.values(), "geometry"]]
            part = tmp_path / f"{layer}.gpkg"
            frame.to_file(part, driver="GPKG")
            return import_file(
                db, part, kind, actor="t", mapping=mapping, fixed={"system": "combined"},
                source=f"{name} {layer}", refused_folder=tmp_path,
            )  # fmt: skip

        first = bring(nodes, "sewer_manhole", own)
        second = bring(arcs, "sewer_pipe", mapping)
        settle(db.connection)
        raw = gpd.read_file(path, layer=arcs)
        return db.connection, asking(db.connection), raw, (first, second)

    return load


@pytest.mark.parametrize("name", GIVEN)
def test_every_row_comes_in_and_named_ends_find_their_nodes(load: Load, name: str) -> None:
    connection, ask, raw, (nodes, pipes) = load(name)
    _, _, _, node_count, _, mapping, pipe_count = GIVEN[name]
    assert (nodes.read, nodes.accepted, pipes.read) == (node_count, node_count, pipe_count)
    assert pipes.accepted == pipe_count
    named = int(raw[[mapping["up_node"], mapping["down_node"]]].notna().sum().sum())
    ends: dict[str, int] = json.loads(ask(topology_statement(5))[0][0])["ends"]
    assert sum(ends.values()) == 2 * pipe_count
    assert ends.get("unsettled", 0) == 0
    # 412 of 412 ends name a node in Sant Boi; 11 of Aletsch's 102 pipes do not say where they begin
    assert named == {"santboi": 412, "aletsch": 2 * 102 - 11}[name]
    assert ends["code"] + ends.get("named", 0) == named
    assert check_topology(connection).is_sound


@pytest.mark.parametrize("name", GIVEN)
def test_the_largest_trace_is_that_of_a_walk_over_the_raw_table(load: Load, name: str) -> None:
    connection, ask, raw, _ = load(name)
    mapping = GIVEN[name][5]
    columns = raw[[mapping["code"], mapping["up_node"], mapping["down_node"]]]
    ends = {str(c): (u, d) for c, u, d in columns.itertuples(index=False)}
    upward: dict[str, list[str]] = defaultdict(list)
    for code, (_, lower) in ends.items():
        upward[str(lower)].append(code)
    known = set(connection.execute(text("SELECT code FROM core.sewer_manhole")).scalars())
    size, node = max((len(walk(n, upward, ends)), n) for n in upward if n in known)
    assert size > 20
    found = {
        f["properties"]["code"]
        for f in trace(ask, node, Direction.UP).as_document()["features"]
        if f["properties"]["kind"] == "sewer_pipe"
    }
    expected = walk(node, upward, ends)
    assert expected <= found
    # Ends without a name are found by their place, which names cannot see.
    assert len(found - expected) <= sum(not isinstance(up, str) for up, _ in ends.values())


def walk(
    node: str, upward: dict[str, list[str]], ends: dict[str, tuple[object, object]]
) -> set[str]:
    found: set[str] = set()
    front = [node]
    while front:
        for code in upward.get(front.pop(), []):
            if code not in found:
                found.add(code)
                front.append(str(ends[code][0]))
    return found


def test_a_profile_of_sant_boi_has_the_levels_of_its_table(load: Load) -> None:
    _, ask, raw, _ = load("santboi")
    rows = {r.arc_id: r for r in raw.itertuples()}
    below = {r.node_1: r.arc_id for r in raw.itertuples() if r.arc_type == "CONDUIT"}
    # 190 runs from 98 to 97: inverts 38.15 and 37.98, 40.0 m by its two points
    first, second = "190", below[rows["190"].node_2]
    way = find_way(ask, first, second)
    made = read_profile(ask, way)
    assert [r.code for r in made.reaches] == [first, second]
    assert (made.reaches[0].start_invert_m, made.reaches[0].end_invert_m) == (38.15, 37.98)
    # sqrt(1.545² + 39.97²) on the plane of UTM, whose scale is 0.99968 there
    assert made.reaches[0].length_m == pytest.approx(40.0, abs=0.03)
    assert made.stations[0].ground_m == 39.66
    # A fall of 0.17 m over 40 m; the file's own slope is 0.0043
    assert made.reaches[0].slope_per_mille == pytest.approx(4.3, abs=0.1)
    assert made.length_m == pytest.approx(way.length_m, abs=0.01)
