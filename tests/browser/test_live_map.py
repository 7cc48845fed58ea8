"""The live map in a real browser: what an engineer clicks, reads, links and prints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Opened, OpenPage
from tests.browser.live_server import LAT, LON, Town, build_town, make_app, serve

# mapbox-vector-tile calls a function that shapely 2.2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The 'shapely.ops.transform:DeprecationWarning")

PROGRESS_LAYERS = "admin_unit,road,sewer_pipe,pocket_park,gas_site"
HOSTILE = '<img src=x onerror="window.hit=1"></script><script>window.hit=2</script>${window.hit=3}'


@pytest.fixture
def town() -> Town:
    return build_town()


@pytest.fixture
def base(town: Town, vendor: Path) -> Iterator[str]:
    with serve(make_app(town, vendor)) as address:
        yield address


def pixel(one: Opened, lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Where a place is on the screen when the map is centred on (LON, LAT); EPSG:3857 by hand."""
    box = one.page.locator("#map").bounding_box()
    assert box

    def project(x: float, y: float) -> tuple[float, float]:
        size = 256 * 2**zoom
        north = math.log(math.tan(math.pi / 4 + math.radians(y) / 2))
        return (x + 180) / 360 * size, (1 - north / math.pi) / 2 * size

    (px, py), (cx, cy) = project(lon, lat), project(LON, LAT)
    return box["x"] + box["width"] / 2 + px - cx, box["y"] + box["height"] / 2 + py - cy


def open_town(
    open_page: OpenPage, base: str, name: str, *, zoom: int, layers: str, width: int = 1440
) -> Opened:
    one = open_page(base, f"/maps/{name}#{zoom}/{LAT}/{LON}/{layers}/zh", width=width)
    one.settle()
    return one


def click_place(one: Opened, lon: float, lat: float, zoom: int, *, off: float = 0) -> None:
    x, y = pixel(one, lon, lat, zoom)
    one.page.mouse.click(x, y + off)


@pytest.mark.parametrize("name", ["progress", "hazards"])
def test_a_map_opens_without_another_host_and_without_a_complaint(
    open_page: OpenPage, base: str, name: str
) -> None:
    one = open_page(base, f"/maps/{name}")
    one.settle()
    assert (one.foreign, one.complaints, one.refused) == ([], [], [])
    assert one.page.locator("svg.leaflet-attribution-flag").count() == 0
    assert one.page.get_by_text("内部使用,不得公开", exact=True).first.is_visible()


@pytest.mark.parametrize(
    ("layer", "place", "headline"),
    [
        ("gas_site", (LON - 0.028, LAT - 0.02), "老街餐馆1"),
        ("sewer_pipe", (LON - 0.03 + 4 * 0.006 + 0.0029, LAT - 0.022 + 0.000325), "WS-0005"),
        ("pocket_park", (LON - 0.0225, LAT - 0.0096), "翠湖1号口袋公园"),
    ],
    ids=["a point", "a line", "an area"],
)
def test_a_click_on_a_feature_opens_its_card(
    open_page: OpenPage, base: str, layer: str, place: tuple[float, float], headline: str
) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers=layer)
    click_place(one, *place, 14)
    card = one.page.locator("#popup")
    assert card.locator("h2").text_content() == headline
    card.locator(".history li").first.wait_for()
    assert one.complaints == []
    one.page.keyboard.press("Escape")
    assert card.is_hidden()


def test_a_line_is_hit_five_pixels_beside_it_and_missed_twenty_beside_it(
    open_page: OpenPage, base: str
) -> None:
    one = open_town(open_page, base, "progress", zoom=15, layers="sewer_pipe")
    place = (LON + 0.0029, LAT - 0.022 + 5 * 0.004 + 0.000325)
    click_place(one, *place, 15, off=20)
    assert one.page.locator("#popup").is_hidden()
    click_place(one, *place, 15, off=5)
    assert one.page.locator("#popup h2").text_content() == "WS-0056"


def test_the_card_shows_words_units_missing_values_and_what_changed(
    open_page: OpenPage, base: str
) -> None:
    target = "sewer_pipe%3Ap0-1"
    one = open_page(base, f"/maps/progress#15/{LAT}/{LON}/sewer_pipe/en/-/{target}")
    one.settle()
    one.page.locator("#popup .history li").first.wait_for()
    text = one.page.locator("#popup").inner_text()
    assert "400 mm" in text
    assert "584.2 m" in text
    assert "Under construction" in text
    assert "No value: Note" in text
    assert "Planned → Under construction" in text
    assert "YH-0001" in text


def test_lateness_is_counted_by_the_servers_clock_not_the_readers(
    open_page: OpenPage, base: str, town: Town
) -> None:
    due = town.layers["hazard"][0].properties["due_at"]
    town.now = town.now.fromisoformat(due).replace(hour=20)
    town.now = town.now.replace(year=town.now.year + 1)
    days = (town.now - town.now.fromisoformat(due)).days
    one = open_page(base, f"/maps/hazards#14/{LAT}/{LON}/hazard/zh/-/hazard:h0")
    one.settle()
    words = one.page.locator("#popup .chip-late").text_content()
    assert words in (f"超期 {days} 天", f"超期 {days + 1} 天")


def test_closed_hazards_are_listed_only_when_asked_for(open_page: OpenPage, base: str) -> None:
    one = open_town(open_page, base, "hazards", zoom=13, layers="hazard")
    one.page.click("#tab-list")
    assert one.page.locator(".list-row").count() == 20
    one.page.click("#tab-layers")
    one.page.check("#show-closed")
    one.page.click("#tab-list")
    assert one.page.locator(".list-row").count() == 24


def test_the_language_changes_in_the_page_and_stays_in_the_link(
    open_page: OpenPage, base: str
) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers="road")
    page = one.page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("#tree").get_by_text("道路").count() > 0
    page.click("#language")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title() == "Progress map · Infratrack"
    assert page.locator("#tree").get_by_text("Sewer pipes").count() == 1
    assert page.locator("#search").get_attribute("placeholder") == "Find by code or name"
    page.reload()
    one.settle()
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_link_brings_back_place_layers_date_language_and_card(
    open_page: OpenPage, base: str, town: Town
) -> None:
    link = "#16/25.10100/99.20300/road,gas_site/en/2025-03-04/gas_site%3Ag0"
    one = open_page(base, f"/maps/progress{link}")
    one.settle()
    assert one.page.evaluate("location.hash") == link
    checked = one.page.locator("#tree input:checked")
    assert [box.get_attribute("data-layer") for box in checked.all()] == ["road", "gas_site"]
    assert one.page.locator("#as-of").input_value() == "2025-03-04"
    assert one.page.locator("#popup h2").text_content() == "老街餐馆1"
    assert set(town.seen) == {"as-of=2025-03-04"}


def test_the_search_finds_by_code_and_opens_the_card(open_page: OpenPage, base: str) -> None:
    one = open_town(open_page, base, "progress", zoom=13, layers="road")
    one.page.fill("#search", "ws-0042")
    one.page.locator("#results [role=option]").first.wait_for()
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    one.settle()
    assert one.page.locator("#popup h2").text_content() == "WS-0042"
    assert one.page.locator("[data-layer=sewer_pipe]").is_checked()
    assert one.page.evaluate("location.hash").startswith("#17/")


def test_the_map_can_be_used_with_the_keyboard_alone(open_page: OpenPage, base: str) -> None:
    one = open_page(base, f"/maps/progress#16/{LAT - 0.02}/{LON - 0.028}/gas_site/zh")
    one.settle()
    page = one.page
    page.focus("#map")
    page.keyboard.press("Enter")
    assert page.locator("#popup h2").text_content() == "老街餐馆1"
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "map"
    before = page.evaluate("location.hash")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => location.hash !== before", arg=before)


def test_legend_counts_follow_the_layers_and_are_those_of_the_town(
    open_page: OpenPage, base: str, town: Town
) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers="road,sewer_pipe")
    expected = sum(
        feature.properties["progress"] == "planned"
        for kind in ("road", "sewer_pipe")
        for feature in town.layers[kind]
    )
    planned = one.page.locator("#legend [data-value=planned] .count")
    assert planned.text_content() == str(expected)
    one.page.uncheck("[data-layer=sewer_pipe]")
    assert planned.text_content() == "3"


def test_a_value_switched_off_in_the_legend_leaves_the_map(open_page: OpenPage, base: str) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers="gas_site")
    one.page.click("#legend [data-value=planned]")
    click_place(one, LON - 0.028, LAT - 0.02, 14)
    assert one.page.locator("#popup").is_hidden()


@pytest.mark.parametrize("name", ["progress", "hazards"])
def test_hostile_words_in_every_place_stay_words(
    open_page: OpenPage, vendor: Path, name: str
) -> None:
    layer, item = {"progress": ("gas_site", "g0"), "hazards": ("hazard", "h0")}[name]
    with serve(make_app(build_town(hostile=HOSTILE), vendor)) as base:
        one = open_page(base, f"/maps/{name}#17/{LAT - 0.02}/{LON - 0.028}/{layer},admin_unit/en")
        one.settle()
        page = one.page
        page.fill("#search", "onerror")
        page.locator("#results [role=option]").first.wait_for()
        page.keyboard.press("Escape")
        page.click("#tab-list")
        page.click("#language")
        page.goto(f"{base}/maps/{name}#17/{LAT}/{LON}/{layer}/zh/-/{layer}:{item}")
        page.locator("#popup .history li").first.wait_for()
        assert HOSTILE in (page.locator("#popup").text_content() or "")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("window.hit") is None
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 4
        assert one.complaints == []


def test_a_commit_reaches_an_open_page(open_page: OpenPage, base: str, town: Town) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers="gas_site")
    town.layers["gas_site"][0].properties["name"] = "新名字"
    town.version = "2"
    one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    one.page.locator("[data-notice=refreshed]").wait_for()
    one.settle()
    click_place(one, LON - 0.028, LAT - 0.02, 14)
    assert one.page.locator("#popup h2").text_content() == "新名字"


def test_failing_tiles_are_told_and_can_be_asked_for_again(
    open_page: OpenPage, base: str, town: Town
) -> None:
    town.failing = True
    one = open_page(base, f"/maps/progress#14/{LAT}/{LON}/gas_site/zh")
    notice = one.page.locator("[data-notice=tiles_failed]")
    notice.wait_for(timeout=20_000)
    assert "未能加载" in notice.inner_text()
    town.failing = False
    notice.get_by_role("button").click()
    one.settle()
    notice.wait_for(state="detached")
    click_place(one, LON - 0.028, LAT - 0.02, 14)
    assert one.page.locator("#popup h2").text_content() == "老街餐馆1"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_phone_scrolls_nothing_sideways_and_shows_cards_from_below(
    open_page: OpenPage, base: str, lang: str
) -> None:
    one = open_page(base, f"/maps/progress#14/{LAT}/{LON}/{PROGRESS_LAYERS}/{lang}", width=390)
    one.settle()
    page = one.page
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) == 390
    page.click("#open-layers")
    assert page.locator("#tree").is_visible()
    page.click("[data-close]")
    page.locator("#panel").wait_for(state="hidden")
    x, y = pixel(one, LON - 0.028 + 14 * 0.0019, LAT - 0.02 + 2 * 0.0013, 14)
    page.touchscreen.tap(x, y)
    card = page.locator("#popup")
    assert card.locator("h2").text_content() == "老街餐馆3"
    box = card.bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, 390)
    assert page.evaluate(wide) == 390


def test_paper_carries_title_datum_approval_and_legend(open_page: OpenPage, base: str) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers="road")
    one.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    block = one.page.locator(".print-block").inner_text()
    for words in (
        "建设进度一张图",
        "CGCS2000",
        "EPSG:4490",
        "内部使用,不得公开",
        "制图时间",
        "在建",
    ):
        assert words in block
    assert one.page.locator(".bar").is_hidden()
    assert one.page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") <= 1


def test_enter_before_the_list_is_there_takes_what_was_typed_not_what_was_found_before(
    open_page: OpenPage, base: str
) -> None:
    one = open_town(open_page, base, "progress", zoom=14, layers="road")
    page = one.page
    page.click("#search")
    page.keyboard.type("R-0003")
    page.locator("#results [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    assert page.locator("#popup h2").text_content() == "春城3路"
    page.click("#search", click_count=3)
    # No pause: the answer to the first words is still in the list when Enter comes.
    page.keyboard.type("R-0007")
    page.keyboard.press("Enter")
    page.locator("#popup h2", has_text="春城7路").wait_for()
    page.click("#search", click_count=3)
    page.keyboard.type("nothing of the kind")
    page.keyboard.press("Enter")
    page.locator("#results", has_text="没有找到").wait_for()
    assert page.locator("#popup h2").text_content() == "春城7路"
