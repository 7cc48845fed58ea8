"""Real surveys on the maps: in the tiles, drawn and found by a click, live and in a file.

Sewers of Victoria and New Westminster, roads of Futian, parks of Singapore, food premises of
Chicago taken for gas sites, counties of Yunnan and Zhejiang: six places in one database, so a
layer that is drawn in the wrong place shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import httpx
import pytest
import shapely
from playwright.sync_api import Page

import gis
from api.app import create_app
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ParameterError
from gis.exchange.import_file import import_file
from gis.kinds import KINDS
from gis.settings import Settings
from layers.payload import MAX_FEATURES
from layers.portable import portable_map, save_map
from tests.api.tiling import read_layer, tile_at, tiles_over
from tests.browser.live_server import serve
from tests.browser.pages import OpenFile, OpenPage
from tests.conftest import CloneDatabase
from tests.real.test_real_import import (
    NEW_WESTMINSTER_PIPES,
    NEW_WESTMINSTER_WORDS,
    VICTORIA_WORDS,
)

SYSTEMS = ("combined", "storm", "sanitary")
SHOWN = {
    "sewer_pipe": 16,
    "sewer_manhole": 17,
    "road": 15,
    "pocket_park": 14,
    "gas_site": 15,
    "admin_unit": 8,
}
"""Kinds, and the zoom of tiles that carry every one of their records."""
CLICKED = [kind for kind in SHOWN if kind != "admin_unit"]
"""Units are the ground of the map: they are not found by a click, but by their names."""


@dataclass
class Site:
    """The served database, its rows by kind, and how many each file brought."""

    base: str
    client: httpx.Client
    database: PooledDatabase
    settings: Settings
    frames: dict[str, gpd.GeoDataFrame]
    brought: dict[str, int]


@pytest.fixture(scope="module")
def site(
    cluster: Cluster,
    clone_database: CloneDatabase,
    vendor: Path,
    real_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    database = PooledDatabase(urls)
    brought = dict.fromkeys(SHOWN, 0)
    refused = tmp_path_factory.mktemp("refused")
    for file, kind, options in describe_files():
        report = import_file(
            database, real_folder / file, kind, actor="test", refused_folder=refused,
            **cast("Any", options),
        )  # fmt: skip
        brought[kind] += report.accepted
    frames = {kind: gis.read(kind, db=database) for kind in SHOWN}
    settings = Settings(state_folder=vendor.parent)
    with serve(create_app(urls, settings)) as base, httpx.Client(base_url=base) as client:
        yield Site(base, client, database, settings, frames, brought)
    database.close()


def describe_files() -> Iterator[tuple[str, str, dict[str, object]]]:
    """(file, kind, how to read it) of everything shown."""
    nodes = {"code": "AssetID", "up_node": "UpstreamNodeID", "down_node": "DownstreamNodeID"}
    canada = "sewer_canada/victoria"
    for file, kind, system in (
        ("sanitary_mains", "sewer_pipe", "sanitary"),
        ("sanitary_manholes", "sewer_manhole", "sanitary"),
        ("mains", "sewer_pipe", "storm"),
        ("manholes", "sewer_manhole", "storm"),
    ):
        mapping = nodes if kind == "sewer_pipe" else {"code": "AssetID"}
        yield f"{canada}/{file}.geojson", kind, {
            "source": f"victoria {file}", "mapping": mapping, "fixed": {"system": system},
            "words": VICTORIA_WORDS,
        }  # fmt: skip
    for system in SYSTEMS:
        folder = "sewer_canada/newwestminster"
        yield f"{folder}/{system}_mains.geojson", "sewer_pipe", {
            "source": f"new westminster {system}", "mapping": NEW_WESTMINSTER_PIPES,
            "fixed": {"system": system}, "words": NEW_WESTMINSTER_WORDS,
        }  # fmt: skip
        yield f"{folder}/{system}_manholes.geojson", "sewer_manhole", {
            "source": f"new westminster {system}", "mapping": {"code": "FACILITYID"},
            "fixed": {"system": system},
        }  # fmt: skip
    yield "roads_shenzhen_futian/futian_osm_drive.gpkg", "road", {
        "layer": "edges", "source": "osm futian",
    }  # fmt: skip
    yield "parks_singapore/parks_singapore.gpkg", "pocket_park", {
        "layer": "parks_sgp", "source": "osm singapore",
        "mapping": {"code": "id", "declared_area_m2": "area", "park_type": "leisure"},
        "words": {"park_type": {"nature_reserve": "other"}},
    }  # fmt: skip
    yield "inspections_chicago/food_inspections_2011_2014.csv.gz", "gas_site", {
        "crs": "EPSG:4326", "source": "chicago premises",
        "mapping": {"code": "License", "name": "DBA_Name", "site_type": "Facility_Type"},
        "words": {"site_type": {"Restaurant": "restaurant", "*": "other_non_residential"}},
    }  # fmt: skip
    yield "admin_china/yunnan_zhejiang_admin.gpkg", "admin_unit", {
        "layer": "counties", "source": "AMap boundaries (GCJ-02, 250-350 m off)",
        "mapping": {"code": "adcode", "name": "name", "parent_code": "", "township": ""},
        "fixed": {"level": "县"},
    }  # fmt: skip


def test_every_record_is_in_the_tiles_of_its_place(site: Site) -> None:
    for kind, zoom in SHOWN.items():
        frame = site.frames[kind]
        assert len(frame) == site.brought[kind] > 200
        boxes = shapely.bounds(frame.geometry.to_numpy())
        wanted = set(itertools.chain.from_iterable(tiles_over(zoom, *box) for box in boxes))
        path = f"/collections/{kind}/tiles/WebMercatorQuad"
        found = {
            str(feature["id"])
            for address in sorted(wanted)
            for feature in read_layer(site.client.get(f"{path}/{address}"), kind)
        }
        assert found == set(map(str, frame.index)), kind


def test_grids_at_low_zoom_count_every_record_once(site: Site) -> None:
    for kind in ("sewer_pipe", "sewer_manhole", "road", "pocket_park", "gas_site"):
        boxes = shapely.bounds(site.frames[kind].geometry.to_numpy())
        wanted = {address for box in boxes for address in tiles_over(5, *box)}
        path = f"/collections/{kind}/tiles/WebMercatorQuad"
        cells = [
            cell
            for address in wanted
            for cell in read_layer(site.client.get(f"{path}/{address}"), kind)
        ]
        assert sum(cell["count"] for cell in cells) == site.brought[kind], kind


def pick_alone(frame: gpd.GeoDataFrame) -> tuple[str, float, float]:
    """(code, lon, lat) of the record farthest from its neighbours, at a place on it."""
    shapes = frame.geometry.to_numpy()
    places = shapely.point_on_surface(shapes)
    lines = shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING
    places[lines] = shapely.line_interpolate_point(shapes[lines], 0.5, normalized=True)
    tree = shapely.STRtree(shapes)
    _, away = tree.query_nearest(places, exclusive=False, return_distance=True, all_matches=False)
    assert away.max() < 1e-6  # each place lies on its own record
    rooms = [
        min((shapely.distance(place, shapes[n]) for n in near if n != own), default=1.0)
        for own, place in enumerate(places)
        if (near := tree.query(place.buffer(0.002))) is not None
    ]
    best = max(range(len(rooms)), key=rooms.__getitem__)
    row = frame.iloc[best]
    return str(row["code"]), float(places[best].x), float(places[best].y)


# Whether anything is drawn in the middle of the map; what the canvas leaves out is transparent.
INK = """() => {
  const canvas = document.querySelector("#map canvas");
  const box = canvas.getBoundingClientRect();
  const stage = document.querySelector("#map").getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const x = (stage.x + stage.width / 2 - box.x) * ratio;
  const y = (stage.y + stage.height / 2 - box.y) * ratio;
  const copy = new OffscreenCanvas(7, 7).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, x - 3, y - 3, 7, 7, 0, 0, 7, 7);
  const pixels = copy.getImageData(0, 0, 7, 7).data;
  return pixels.some((value, at) => at % 4 === 3 && value > 40);
}"""


def click_middle(page: Page) -> None:
    stage = page.locator("#map").bounding_box()
    assert stage is not None
    page.mouse.click(stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)


@pytest.mark.parametrize("kind", CLICKED)
def test_the_live_map_draws_real_records_and_a_click_finds_them(
    open_page: OpenPage, site: Site, kind: str
) -> None:
    code, lon, lat = pick_alone(site.frames[kind])
    one = open_page(site.base, f"/maps/progress#18/{lat}/{lon}/{kind}/zh")
    one.settle()
    assert one.page.evaluate(INK), code
    one.page.uncheck(f"[data-layer={kind}]")
    one.page.wait_for_timeout(200)
    assert not one.page.evaluate(INK), code
    one.page.check(f"[data-layer={kind}]")
    one.settle()
    click_middle(one.page)
    one.page.locator("#popup .history li").first.wait_for()
    assert code in one.page.locator("#popup .popup-head").inner_text()
    shown = int(one.page.locator(f"[data-layer={kind}] ~ .count").inner_text().replace(",", ""))
    assert shown == site.brought[kind]
    assert (one.complaints, one.refused) == ([], [])


def test_the_live_map_shows_counties_and_finds_them_by_name(
    open_page: OpenPage, site: Site
) -> None:
    one = open_page(site.base, "/maps/progress#7/25/101.5/admin_unit/zh")
    one.settle()
    assert one.page.evaluate(INK)
    one.page.click("#search")
    one.page.keyboard.type("瑞丽市")
    one.page.keyboard.press("Enter")
    one.page.locator("#popup .history li").first.wait_for()
    assert "AMap" in one.page.locator("#popup").inner_text()
    assert one.complaints == []


def test_a_file_of_real_records_opens_offline_and_draws_each_of_them(
    open_file: OpenFile, site: Site, tmp_path: Path
) -> None:
    total = sum(site.brought.values())
    assert total <= MAX_FEATURES
    path = tmp_path / "real.html"
    drawn = portable_map(site.database, "progress", settings=site.settings, kinds=list(SHOWN))
    save_map(drawn, path)
    assert path.stat().st_size < 12e6
    page = open_file(path)
    counts = page.locator("#tree .count").all_inner_texts()
    assert sum(int(count.replace(",", "")) for count in counts) == total
    for kind in CLICKED:
        code, lon, lat = pick_alone(site.frames[kind])
        for other in SHOWN:
            page.set_checked(f"[data-layer={other}]", other == kind)
        page.evaluate(f"map.setView([{lat}, {lon}], 18, {{animate: false}})")
        page.wait_for_timeout(300)
        assert page.evaluate(INK), (kind, code)
        click_middle(page)
        page.wait_for_function(
            "code => document.querySelector('#popup .popup-head')?.innerText.includes(code)",
            arg=code,
        )


def test_a_file_above_its_budget_is_refused_and_says_to_use_the_live_map(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No county of the real files is above the budget: the budget is put below Chicago."""
    monkeypatch.setattr("layers.payload.MAX_FEATURES", site.brought["gas_site"] - 1)
    with pytest.raises(ParameterError, match="live map"):
        portable_map(site.database, "progress", settings=site.settings, kinds=["gas_site"])
    assert KINDS["gas_site"].zoom.features_from > 5
    row, column = tile_at(5, -87.7, 41.85)
    answer = site.client.get(f"/collections/gas_site/tiles/WebMercatorQuad/5/{row}/{column}")
    assert len(answer.content) < 20_000
