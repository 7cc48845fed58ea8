"""The portable map, opened from disk in a Chromium without a network."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
from playwright.sync_api import Page
from shapely import LineString
from sqlalchemy import text

from gis import store
from gis.attributes import Language
from gis.db.roles import Pool
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import SewerPipe
from gis.settings import Settings
from layers.map_config import MAPS
from layers.portable import hazards_map, portable_map, progress_map, save_map
from tests.browser.pages import OpenFile
from tests.conftest import OneTransaction
from tests.layers.county import HOSTILE, load_county, load_hazards, make_row

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def settings(vendor: Path) -> Settings:
    return Settings(state_folder=vendor.parent)


@pytest.fixture(autouse=True)
def patient(db: OneTransaction) -> None:
    """A browser takes its time: the test's transaction may wait for it."""
    db.connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def numbers(page: Page, selector: str) -> list[int]:
    return [int(t.replace(",", "")) for t in page.locator(selector).all_inner_texts()]


def find(page: Page, words: str) -> None:
    page.fill("#search", words)
    page.wait_for_function(
        "words => document.querySelector('#results').innerText.includes(words)", arg=words
    )
    page.press("#search", "Enter")
    page.wait_for_function(
        "words => document.querySelector('#popup .popup-head')?.innerText.includes(words)"
        " && document.querySelector('#popup .attributes')",
        arg=words,
    )


@pytest.mark.parametrize("name", list(MAPS))
def test_counts_of_tree_and_legend_are_those_of_the_database(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path, name: str
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=13)
        severities = [
            connection.execute(
                text("SELECT count(*) FROM core.hazard WHERE severity = :s"), {"s": s}
            ).scalar()
            for s in ("major", "general_a", "general_b", "minor")
        ]
    save_map(portable_map(db, name, settings=settings), tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    assert numbers(page, "#tree .count") == [13] * len(MAPS[name].kinds)
    if name == "hazards":
        assert numbers(page, "#legend .legend-block:first-child .count") == severities


@pytest.mark.parametrize("kind", list(KINDS))
def test_hostile_text_of_every_kind_stays_text(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path, kind: str
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=len(HOSTILE))
    name = "hazards" if kind == "hazard" else "progress"
    save_map(portable_map(db, name, settings=settings, kinds=[kind]), tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    for number, words in enumerate(HOSTILE):
        find(page, make_row(KINDS[kind], number)["code"])
        assert words in page.inner_text("#popup")
    assert page.evaluate("window.hit") is None
    assert page.locator("#popup img, #results img, #popup b").count() == 0
    assert "云<b>溪</b>县" in page.inner_text("#title")
    assert "云<b>溪</b>县" in page.title()


def test_the_reader_changes_the_language_and_every_word_follows(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=5, name="云溪县")
    drawn = progress_map(db, settings=settings, language=Language.EN)
    save_map(drawn, tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    assert page.get_attribute("html", "lang") == "en"
    assert page.inner_text("#title") == "Progress map · Yunxi"
    assert page.inner_text("#approval") == "Internal use; not for publication"
    assert "EPSG:4490" in page.inner_text(".foot")
    find(page, "road-0")
    assert "Attributes" in page.inner_text("#popup")
    page.click("#language")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert page.inner_text("#title") == "云溪县建设进度图"
    assert page.inner_text("#approval") == "内部使用,不得公开"
    assert "制图" in page.inner_text(".foot")
    page.wait_for_selector("#popup .attributes")
    assert "属性" in page.inner_text("#popup")
    assert "Attributes" not in page.inner_text("#popup")


def test_lateness_is_by_the_readers_clock_not_the_files(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path
) -> None:
    today = datetime.now(UTC)
    nine = timedelta(days=9)
    with db.write(actor="t", reason="t") as connection:
        dues = {"YH-LATE": today - nine, "YH-DUE": today + nine, "YH-FREE": None}
        load_hazards(connection, dues)
    # Made a month ago, when none of them was late.
    made = today - timedelta(days=30)
    save_map(
        portable_map(db, "hazards", settings=settings, generated_at=made), tmp_path / "map.html"
    )
    page = open_file(tmp_path / "map.html")
    find(page, "YH-LATE")
    assert page.inner_text("#popup .chip-late") == "超期 9 天"
    for code in ("YH-DUE", "YH-FREE"):
        find(page, code)
        page.wait_for_function(f"document.querySelector('#popup h2').innerText === '{code}'")
        assert page.locator("#popup .chip-late").count() == 0


def test_a_click_on_the_map_opens_what_lies_there(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_hazards(connection, {"YH-1": None, "YH-2": None})
    save_map(hazards_map(db, settings=settings), tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    page.evaluate("map.setView([25.0, 99.102], 17, {animate: false})")
    page.wait_for_timeout(200)
    stage = page.locator("#map").bounding_box()
    assert stage is not None
    page.mouse.click(stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)
    page.wait_for_selector("#popup .attributes")
    assert page.inner_text("#popup h2") == "YH-2"


def test_an_asset_names_its_open_hazards(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=1)
        load_hazards(connection, {"YH-7": None})
        connection.execute(
            text(
                "UPDATE core.hazard SET asset_id = (SELECT id::text FROM core.gas_site)"
                " WHERE code = 'YH-7'"
            )
        )
        site = connection.execute(text("SELECT code FROM core.gas_site")).scalar_one()
    save_map(hazards_map(db, settings=settings), tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    find(page, site)
    page.wait_for_selector("#popup .popup-hazards")
    page.wait_for_function("document.querySelector('#popup').innerText.includes('YH-7')")
    find(page, "YH-7")
    page.wait_for_function("document.querySelector('#popup h2').innerText === 'YH-7'")
    page.wait_for_function(
        "code => document.querySelector('#popup .attributes').innerText.includes(code)", arg=site
    )


def test_two_renders_are_the_same_bytes_and_name_no_host(
    db: OneTransaction, settings: Settings, tmp_path: Path
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=3)
    texts = []
    for name in ("one.html", "two.html"):
        drawn = portable_map(db, "progress", settings=settings, generated_at=NOW)
        save_map(drawn, tmp_path / name)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]
    assert not re.search(rb"<link|<script[^>]+src|<iframe|url\((?!data:|#)", texts[0])
    assert b"user-scalable" not in texts[0]
    assert list(tmp_path.glob(".*")) == []


def test_the_approval_number_is_printed_where_there_is_one(
    db: OneTransaction, vendor: Path, open_file: OpenFile, tmp_path: Path
) -> None:
    approved = Settings(state_folder=vendor.parent, map_approval_no="云S(2026)001号")
    save_map(progress_map(db, settings=approved), tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    assert page.inner_text("#approval") == "审图号:云S(2026)001号"
    assert page.locator(".leaflet-control-attribution").count() == 0


def test_a_past_state_says_so(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path
) -> None:
    past = datetime(2025, 6, 30, 4, 0, tzinfo=UTC)
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=2)
    save_map(progress_map(db, settings=settings, as_of=past), tmp_path / "map.html")
    page = open_file(tmp_path / "map.html")
    assert "2025-06-30 12:00 的状态" in page.inner_text(".foot")
    assert numbers(page, "#tree .count") == []


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_out_of_the_page(
    db: OneTransaction, settings: Settings, open_file: OpenFile, tmp_path: Path, width: int
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=3)
    for language in Language:
        path = tmp_path / f"{language}.html"
        save_map(hazards_map(db, settings=settings, language=language), path)
        page = open_file(path, width=width, height=844)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for selector in ("#title", "#language", "#approval", ".foot .made:visible"):
            spot = page.locator(selector).first.bounding_box()
            assert spot is not None, selector
            assert spot["x"] >= 0, selector
            assert spot["y"] + spot["height"] <= 844, selector


# Anchors measured with a plain GeoJSON file: 1.33 MB at 5,000 and 6.8 MB at 50,000 features.
@pytest.mark.parametrize(("count", "megabytes", "seconds"), [(5_000, 1.5, 5), (50_000, 8, 20)])
def test_a_county_of_pipes_stays_small_and_opens_fast(
    db: OneTransaction,
    settings: Settings,
    open_file: OpenFile,
    tmp_path: Path,
    count: int,
    megabytes: float,
    seconds: float,
) -> None:
    with db.write(actor="t", reason="t") as connection:
        store.load_rows(connection, "sewer_pipe", make_pipes(count))
    path = tmp_path / "map.html"
    save_map(progress_map(db, settings=settings, pool=Pool.STAFF), path)
    began = time.monotonic()
    page = open_file(path)
    took = time.monotonic() - began
    assert numbers(page, "#tree .count") == [count]
    assert path.stat().st_size <= megabytes * 1e6
    # An idle machine takes a fifth: this is for one that is busy.
    assert took <= seconds


def make_pipes(count: int) -> gpd.GeoDataFrame:
    """Pipes of four places each along a grid of streets, with the attributes of a survey."""
    words = ["planned", "under_construction", "completed", "accepted"]
    first = SewerPipe.model_validate({"code": "x", "system": "storm"}).model_dump(mode="json")
    rows, lines = [], []
    for number in range(count):
        code = f"WS{number:06d}"
        facts = {
            "code": code,
            "source_code": code,
            "progress": words[number % 4],
            "diameter_mm": 300 + 100 * (number % 6),
            "up_node": f"W{number:06d}",
            "down_node": f"W{number + 1:06d}",
            "road": f"春城{number % 90}路",
            "survey_unit": "测绘一队",
        }
        rows.append({**first, **facts})
        x, y = 99.0 + 0.0004 * (number % 250), 24.9 + 0.0006 * (number // 250)
        lines.append(
            LineString([(x, y), (x + 1.1e-4, y + 2e-5), (x + 2.4e-4, y + 1e-5), (x + 3.6e-4, y)])
        )
    return gpd.GeoDataFrame(rows, geometry=lines, crs=4490)
