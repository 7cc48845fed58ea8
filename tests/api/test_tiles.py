"""Tiles: what is in them by zoom, their seams, their sums, their validators."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import httpx
import mapbox_vector_tile
import pytest

from gis.kinds import KINDS
from tests.api.conftest import Served
from tests.api.county import COUNTS, HAZARDS, LAT, LIFE_ID, LON, PIPES, PROGRESS
from tests.api.tiling import read_layer, tile_at, tiles_over

COUNTY = (LON - 0.2, LAT - 0.2, LON + 0.2, LAT + 0.2)
PIPE_TILES = "/collections/sewer_pipe/tiles/WebMercatorQuad"


@pytest.mark.parametrize("zoom", range(6, 13))
def test_the_grid_counts_every_pipe_once_at_every_zoom(client: httpx.Client, zoom: int) -> None:
    assert zoom < KINDS["sewer_pipe"].zoom.features_from
    total, length, values = 0, 0.0, Counter[str]()
    for address in tiles_over(zoom, *COUNTY):
        for cell in read_layer(client.get(f"{PIPE_TILES}/{address}"), "sewer_pipe"):
            assert cell["cells"] is True
            total += cell["count"]
            length += cell["length_m"]
            values.update({n: cell.get(f"n_{n}", 0) for n in PROGRESS})
    assert total == PIPES
    assert values == dict.fromkeys(PROGRESS, PIPES // 5)
    # 50 streets of 50 pipes; the parallel shrinks by 0.04 % from the first street to the last.
    assert length == pytest.approx(PIPES * 80.76, rel=5e-4)


def test_cells_lie_inside_the_tile_and_are_no_more_than_its_grid(client: httpx.Client) -> None:
    row, column = tile_at(12, LON + 0.02, LAT + 0.02)
    tile = mapbox_vector_tile.decode(client.get(f"{PIPE_TILES}/12/{row}/{column}").content)
    layer = tile["sewer_pipe"]
    assert 0 < len(layer["features"]) <= 16 * 16
    for feature in layer["features"]:
        x, y = feature["geometry"]["coordinates"]
        assert 0 <= x <= layer["extent"]
        assert 0 <= y <= layer["extent"]


@pytest.mark.parametrize("zoom", [13, 15, 17])
def test_features_from_their_zoom_on_are_all_there(client: httpx.Client, zoom: int) -> None:
    west, south, east, north = LON, LAT, LON + 0.0099, LAT + 0.0019
    query = {"bbox": f"{west},{south},{east},{north}", "limit": 1000}
    items = client.get("/collections/sewer_pipe/items", params=query).json()["features"]
    assert {f"WS-{i:05d}" for i in (*range(10), *range(50, 60))} <= {
        item["properties"]["code"] for item in items
    }
    found = set[str]()
    for address in tiles_over(zoom, west, south, east, north):
        layer = read_layer(client.get(f"{PIPE_TILES}/{address}"), "sewer_pipe")
        found |= {feature["id"] for feature in layer}
    assert {item["id"] for item in items} <= found


def test_first_what_draws_then_what_names_and_all_from_the_detail_zoom_on(
    client: httpx.Client,
) -> None:
    shown = {}
    for zoom in (13, 14, 15, 16):
        row, column = tile_at(zoom, LON + 0.0004, LAT + 0.00001)
        features = read_layer(client.get(f"{PIPE_TILES}/{zoom}/{row}/{column}"), "sewer_pipe")
        shown[zoom] = set().union(*features)
    assert shown[13] == shown[14] == {"id", "progress", "system"}
    # A name that nobody gave is in no tile.
    assert {"id", "progress", "system", "code"} <= shown[15] <= {*shown[14], "code", "name"}
    assert {"diameter_mm", "length_m", "responsible", "source"} <= shown[16]


def test_a_line_over_a_seam_is_drawn_by_both_tiles_beyond_the_seam(client: httpx.Client) -> None:
    """Both copies reach past the edge: a stroke of 8 pixels is not cut (margin 64 of 4096)."""
    zoom = 16
    north, column = tile_at(zoom, LON, LAT + 0.0501)
    road = "/collections/road/tiles/WebMercatorQuad"
    spans = []
    for step in (0, 1):
        answer = client.get(f"{road}/{zoom}/{north}/{column + step}")
        layer = mapbox_vector_tile.decode(answer.content)["road"]
        spans.append([x for f in layer["features"] for x, _ in f["geometry"]["coordinates"]])
    assert max(spans[0]) == 4096 + 64
    assert min(spans[1]) == -64


def test_several_kinds_share_one_tile(client: httpx.Client) -> None:
    row, column = tile_at(15, LON + 0.0004, LAT + 0.0002)
    path = f"/tiles/WebMercatorQuad/15/{row}/{column}"
    names = ["road", "sewer_pipe", "gas_site"]
    several = mapbox_vector_tile.decode(
        client.get(path, params={"collections": ",".join(names)}).content
    )
    assert set(several) == set(names)
    for name in names:
        alone = client.get(f"/collections/{name}{path}")
        assert several[name] == mapbox_vector_tile.decode(alone.content)[name]
    assert set(names) <= set(mapbox_vector_tile.decode(client.get(path).content))


def test_hazards_carry_what_lateness_is_computed_from(client: httpx.Client) -> None:
    path = "/collections/hazard/tiles/WebMercatorQuad"
    found = {
        f["code"]: f
        for address in tiles_over(14, LON, LAT + 0.0195, LON + 0.016, LAT + 0.0205)
        for f in read_layer(client.get(f"{path}/{address}"), "hazard")
    }
    assert len(found) == HAZARDS
    assert found["YH-003"]["due_at"] == "2026-06-04T16:00:00Z"
    assert found["YH-003"]["is_open"] is True
    assert found["YH-002"]["is_open"] is False
    assert {f["severity"] for f in found.values()} == {
        "major", "general_a", "general_b", "minor"
    }  # fmt: skip
    row, column = tile_at(8, LON + 0.008, LAT + 0.02)
    cells = read_layer(client.get(f"{path}/8/{row}/{column}"), "hazard")
    assert sum(cell["count"] for cell in cells) == HAZARDS
    assert sum(cell["open"] for cell in cells) == HAZARDS // 2
    assert min(cell["due_at"] for cell in cells) == "2026-06-02T16:00:00Z"


def test_cells_count_open_and_closed_apart_and_say_when_each_falls_due(
    client: httpx.Client,
) -> None:
    """Sixteen hazards, every other one open: the open ones are general A and minor."""
    row, column = tile_at(8, LON + 0.008, LAT + 0.02)
    path = f"/collections/hazard/tiles/WebMercatorQuad/8/{row}/{column}"
    cells = read_layer(client.get(path), "hazard")
    sums = {
        name: sum(cell.get(name, 0) for cell in cells)
        for state in ("n", "closed")
        for name in (f"{state}_{s}" for s in ("major", "general_a", "general_b", "minor"))
    }
    assert sums == {
        "n_major": 0, "n_general_a": 4, "n_general_b": 0, "n_minor": 4,
        "closed_major": 4, "closed_general_a": 0, "closed_general_b": 4, "closed_minor": 0,
    }  # fmt: skip
    due = sorted(
        pair for cell in cells for pair in cell.get("due_general_a", "").split(",") if pair
    )
    days = [datetime(2026, 6, 1 + i, 16, tzinfo=UTC) for i in (1, 5, 9, 13)]
    assert due == [f"{int(day.timestamp())}*1" for day in days]
    assert not any("due_major" in cell for cell in cells)


def test_a_ranked_kind_shows_its_lesser_members_later(client: httpx.Client) -> None:
    """Townships from zoom 8 on, the county before."""
    path = "/collections/admin_unit/tiles/WebMercatorQuad"
    levels = {}
    for zoom in (7, 9):
        row, column = tile_at(zoom, LON - 0.05, LAT + 0.05)
        shown = read_layer(client.get(f"{path}/{zoom}/{row}/{column}"), "admin_unit")
        levels[zoom] = {feature["code"] for feature in shown}
    assert levels == {7: {"539921"}, 9: {"539921", "539921101"}}


def test_a_tile_shows_the_past_when_asked(client: httpx.Client) -> None:
    row, column = tile_at(14, LON - 0.075, LAT)
    path = f"/collections/road/tiles/WebMercatorQuad/14/{row}/{column}"
    seen = {}
    for day in ("2023-01-01", "2023-06-01", "2024-06-01", "2025-06-01", None):
        answer = client.get(path, params={"as-of": day} if day else {})
        seen[day] = [(f["id"], f["progress"]) for f in read_layer(answer, "road")]
    assert seen == {
        "2023-01-01": [],
        "2023-06-01": [(LIFE_ID, "planned")],
        "2024-06-01": [(LIFE_ID, "under_construction")],
        "2025-06-01": [(LIFE_ID, "completed")],
        None: [(LIFE_ID, "completed")],
    }


def test_a_tile_with_nothing_in_it_is_a_204(client: httpx.Client) -> None:
    answer = client.get("/tiles/WebMercatorQuad/12/0/0")
    assert (answer.status_code, answer.content) == (204, b"")
    tag = answer.headers["etag"]
    assert client.get(answer.url, headers={"If-None-Match": tag}).status_code == 304


def test_a_tile_is_compressed_once_and_the_same_either_way(client: httpx.Client) -> None:
    row, column = tile_at(14, LON + 0.02, LAT + 0.02)
    path = f"{PIPE_TILES}/14/{row}/{column}"
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        packed_tag = answer.headers["etag"]
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content
    assert packed_tag != plain.headers["etag"]
    assert not packed_tag.startswith("W/")
    for tag in (packed_tag, plain.headers["etag"]):
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_an_unchanged_tile_costs_one_look_at_the_version(served: Served) -> None:
    row, column = tile_at(14, LON + 0.021, LAT + 0.021)
    path = f"{PIPE_TILES}/14/{row}/{column}"
    first = served.client.get(path)
    counted = served.app.metrics.tiles

    def counts() -> dict[str, float]:
        words = ("made", "cached", "unchanged")
        return {word: counted.labels(word)._value.get() for word in words}

    before = counts()
    served.client.get(path)
    served.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    after = counts()
    assert {word: after[word] - before[word] for word in before} == {
        "made": 0, "cached": 1, "unchanged": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "23/0/0",
        "3/8/0",
        "3/0/8",
        "-1/0/0",
        "3/x/0",
        "3/0/0.5",
        "3/1e1/0",
        "99999999999/0/0",
        "٣/0/0",
    ],
)
def test_a_tile_outside_the_scheme_is_a_404(client: httpx.Client, address: str) -> None:
    answer = client.get(f"/tiles/WebMercatorQuad/{address}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_tile_of_an_unknown_collection_or_parameter_is_refused(client: httpx.Client) -> None:
    path = "/tiles/WebMercatorQuad/3/3/6"
    assert client.get(path, params={"collections": "road,nothing"}).status_code == 404
    assert client.get(path, params={"collections": ""}).status_code == 404
    assert client.get(path, params={"colour": "red"}).status_code == 400
    assert client.get(path, params={"as-of": "soon"}).status_code == 400


def test_links_lead_from_the_list_of_tilesets_to_a_tile(client: httpx.Client) -> None:
    for base in ("/tiles", "/collections/road/tiles"):
        listed = client.get(base).json()["tilesets"][0]
        assert listed["tileMatrixSetURI"].endswith("/WebMercatorQuad")
        own = next(k["href"] for k in listed["links"] if k["rel"] == "self")
        tileset = client.get(own).json()
        links = {k["rel"]: k for k in tileset["links"]}
        scheme = client.get(
            links["http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"]["href"]
        ).json()
        assert [m["matrixWidth"] for m in scheme["tileMatrices"][:4]] == [1, 2, 4, 8]
        for finer, coarser in pairwise(reversed(scheme["tileMatrices"])):
            assert coarser["scaleDenominator"] == pytest.approx(2 * finer["scaleDenominator"])
        assert links["item"]["templated"] is True
        row, column = tile_at(13, LON + 0.02, LAT)
        address = links["item"]["href"].format(tileMatrix=13, tileRow=row, tileCol=column)
        tile = client.get(address)
        assert tile.headers["content-type"] == links["item"]["type"]
        assert read_layer(tile, "road")


def test_every_kind_with_rows_has_tiles_at_every_zoom(client: httpx.Client) -> None:
    for kind in COUNTS:
        for zoom in (0, 5, 10, 14, 18, 22):
            row, column = tile_at(zoom, LON, LAT)
            answer = client.get(f"/collections/{kind}/tiles/WebMercatorQuad/{zoom}/{row}/{column}")
            assert answer.status_code in (200, 204), (kind, zoom, answer.text)
