"""Real sewers as a graph: their ends find the manholes their publishers' notes say, traces agree
with a walk over the raw names.

Expected shares are those published with the files; traces are held against a walk over the raw
GeoJSON, which knows neither our tables nor our code.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from gis.exchange.import_file import import_file
from gis.network.asking import Ask, asking
from gis.network.components import describe_components
from gis.network.topology import check_topology, topology_statement
from gis.network.trace import Direction, trace
from gis.network.way_profile import read_profile
from gis.network.ways import find_way
from tests.conftest import OneTransaction
from tests.gis.network.test_topology import settle
from tests.real.test_real_import import (
    NEW_WESTMINSTER_PIPES,
    NEW_WESTMINSTER_WORDS,
    VICTORIA_WORDS,
)

VICTORIA = {"code": "AssetID", "up_node": "UpstreamNodeID", "down_node": "DownstreamNodeID"}
PENTICTON = {
    "code": "assetid", "up_node": "us_feat", "down_node": "ds_feat", "diameter_mm": "",
    "material": "", "shape": "", "service_state": "",
}  # fmt: skip
CITIES = {
    "victoria": (
        "sanitary_mains", "sanitary_manholes", "sanitary", VICTORIA, VICTORIA_WORDS,
        {"code": "AssetID"}, 528, 500, (0.93, 0.95),
    ),
    "penticton": (
        "sanitary_mains", "sanitary_manholes", "sanitary", PENTICTON, {},
        {"code": "assetid"}, 415, 372, (0.90, 0.92),
    ),
    "newwestminster": (
        "combined_mains", "combined_manholes", "combined", NEW_WESTMINSTER_PIPES,
        NEW_WESTMINSTER_WORDS, {"code": "FACILITYID"}, 276, 225, (0.86, 0.91),
    ),
}  # fmt: skip
OTTAWA = {"code": "STRUCT_ID", "service_state": "", "material": "", "width_mm": ""}
Load = Callable[[str], tuple[Connection, Ask]]


@pytest.fixture
def load(db: OneTransaction, real_folder: Path, tmp_path: Path) -> Load:
    """Bring a city's manholes and pipes in, and settle them."""

    def load(city: str) -> tuple[Connection, Ask]:
        mains, manholes, system, mapping, words, own, _, count, _ = CITIES[city]
        folder = real_folder / "sewer_canada" / city
        import_file(
            db, folder / f"{manholes}.geojson", "sewer_manhole", actor="t", mapping=own,
            fixed={"system": system}, words=VICTORIA_WORDS if city == "victoria" else {},
            source=f"{city} nodes", refused_folder=tmp_path,
        )  # fmt: skip
        import_file(
            db, folder / f"{mains}.geojson", "sewer_pipe", actor="t", mapping=mapping,
            fixed={"system": system}, words=words, source=f"{city} pipes", refused_folder=tmp_path,
        )  # fmt: skip
        settle(db.connection)
        found = db.connection.execute(text("SELECT count(*) FROM core.sewer_manhole")).scalar_one()
        assert found == count
        return db.connection, asking(db.connection)

    return load


def read_raw(folder: Path, city: str) -> dict[str, tuple[str | None, str | None]]:
    """(upper, lower) name of each pipe as published."""
    mains, _, _, mapping = CITIES[city][:4]
    path = folder / "sewer_canada" / city / f"{mains}.geojson"
    rows = [f["properties"] for f in json.loads(path.read_text("utf-8"))["features"]]
    return {
        str(row[mapping["code"]]): (row[mapping["up_node"]], row[mapping["down_node"]])
        for row in rows
    }


@pytest.mark.parametrize("city", CITIES)
def test_ends_find_the_manholes_they_name(load: Load, city: str) -> None:
    connection, ask = load(city)
    low, high = CITIES[city][8]
    report = json.loads(ask(topology_statement(5))[0][0])
    ends: dict[str, int] = report["ends"]
    assert ends.get("unsettled", 0) == 0
    # Four mains of several parts are refused in New Westminster, abandoned ones stay.
    assert sum(ends.values()) / 2 == pytest.approx(CITIES[city][6], abs=4)
    assert low <= ends["code"] / sum(ends.values()) <= high
    assert check_topology(connection).is_sound


@pytest.mark.parametrize("city", CITIES)
def test_traces_are_those_of_a_walk_over_the_published_names(
    load: Load, real_folder: Path, city: str
) -> None:
    connection, ask = load(city)
    stored = set(connection.execute(text("SELECT code FROM core.sewer_pipe")).scalars())
    raw = {code: ends for code, ends in read_raw(real_folder, city).items() if code in stored}
    upward: dict[str, list[str]] = defaultdict(list)
    for code, (_, lower) in raw.items():
        if lower:
            upward[lower].append(code)
    named = {code for code, ends in raw.items() if all(ends)}
    loose = len(raw) - len(named)
    largest: tuple[int, str] = (0, "")
    for node in list(upward):
        largest = max(largest, (len(walk(node, upward, raw)), node))
    document = trace(ask, largest[1], Direction.UP).as_document()
    found = {
        f["properties"]["code"]
        for f in document["features"]
        if f["properties"]["kind"] == "sewer_pipe"
    }
    expected = walk(largest[1], upward, raw)
    assert len(expected) > 20
    # Pipes without a name are found by their place, which the walk over names cannot see.
    assert expected <= found
    assert len(found - expected) <= loose


def walk(node: str, upward: dict[str, list[str]], raw: dict[str, tuple[Any, Any]]) -> set[str]:
    found: set[str] = set()
    front = [node]
    while front:
        for code in upward.get(front.pop(), []):
            if code not in found:
                found.add(code)
                if raw[code][0]:
                    front.append(raw[code][0])
    return found


def test_a_profile_of_a_real_way(load: Load) -> None:
    connection, ask = load("victoria")
    rows = connection.execute(
        text(
            "SELECT p.code, q.code FROM core.network_edge e JOIN core.network_edge g"
            " ON g.source_id = e.target_id JOIN core.sewer_pipe p ON p.id = e.pipe_id"
            " JOIN core.sewer_pipe q ON q.id = g.pipe_id WHERE e.source_id <> g.target_id"
            " ORDER BY 1, 2 LIMIT 1"
        )
    ).one()
    way = find_way(ask, rows[0], rows[1])
    made = read_profile(ask, way)
    assert made.length_m == pytest.approx(way.length_m, abs=0.01)
    assert [r.code for r in made.reaches] == [rows[0], rows[1]]


def test_ottawa_has_no_manholes_and_is_joined_by_place(
    db: OneTransaction, real_folder: Path, tmp_path: Path
) -> None:
    path = real_folder / "sewer_canada/ottawa/sanitary_pipes.geojson"
    report = import_file(
        db, path, "sewer_pipe", actor="t", fixed={"system": "sanitary"}, source="ottawa",
        mapping=OTTAWA, refused_folder=tmp_path,
    )  # fmt: skip
    assert (report.read, report.accepted) == (507, 507)
    settle(db.connection)
    ask = asking(db.connection)
    topology = json.loads(ask(topology_statement(5))[0][0])
    assert topology["ends"] == {"place": 2 * 507}
    assert check_topology(db.connection).is_sound
    found = describe_components(ask)
    # Joined by place, far fewer components than pipes.
    assert found["count"] < 120
    assert found["components"][0]["pipes"] > 100
