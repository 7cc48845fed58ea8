"""The sewer network on the live map, on the demonstration county: traced, read, taken away.

The county has branches planted with known lengths (:mod:`gis.demonstration.misconnections`): the
first is three pipes of 24 m of sanitary sewer that end in the storm manhole YS00000004.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.demonstration.county import build_county, load_county
from gis.evidence.files import EvidenceFiles
from gis.network.inspections import (
    Inspection,
    Observation,
    match_inspections,
    record_inspections,
)
from tests.api.crowd import WORD, Crowd, gather
from tests.browser.conftest import Opened, OpenPage
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.network.record_tables import block, write_xlsx

HEAD, LAST = "WS00900001-WS00900002", "WS00900003-YS00000004"
BRANCH = [HEAD, "WS00900002-WS00900003", LAST]
LAYERS = "admin_unit,road,sewer_pipe,sewer_manhole"


@pytest.fixture(scope="module")
def bureau(
    cluster: Cluster, clone_database: CloneDatabase, vendor: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Crowd]:  # fmt: skip
    name = clone_database()
    database = connect_pools(cluster, name)
    files = EvidenceFiles(tmp_path_factory.mktemp("evidence"))
    load_county(database, build_county(1, 1), actor="test", progress=lambda *_: None, files=files)
    database.close()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, vendor.parent, county=False) as crowd:
        yield crowd


def come_in(
    bureau: Crowd, open_page: OpenPage, *,
    pipe: str = LAST, lang: str = "zh", width: int = 1440, who: str = "officer",
) -> Opened:  # fmt: skip
    """The progress map as an officer sees it, the card of a pipe open."""
    one = open_page(bureau.base, f"/login?lang={lang}&next=/account", width=width)
    one.page.fill("#login", who)
    one.page.fill("#password", WORD)
    one.page.click("button[type=submit]")
    one.page.wait_for_url("**/account*")
    found = one.page.request.get(f"{bureau.base}/search?q={pipe}").json()
    place = next(row for row in found if row["code"] == pipe)
    at = f"{place['lat']}/{place['lon']}"
    target = f"{place['kind']}:{place['id']}"
    one.page.goto(f"{bureau.base}/maps/progress#17/{at}/{LAYERS}/{lang}/-/{target}")
    one.settle()
    one.page.wait_for_selector(".popup-network")
    return one


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    page.wait_for_selector("#network .figures")


def figures(page: Page) -> list[str]:
    return page.locator("#network .figure dd").all_inner_texts()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_trace_upstream_shows_the_planted_branch_and_its_length(
    bureau: Crowd, open_page: OpenPage, lang: str, width: int
) -> None:
    one = come_in(bureau, open_page, lang=lang, width=width)
    words = {"zh": "上游追踪", "en": "Upstream"}[lang]
    one.page.locator(".popup-network").get_by_role("button", name=words, exact=False).first.click()
    one.page.wait_for_selector("#network .figures")
    assert figures(one.page)[:2] == ["72 m", "3"]
    assert one.page.inner_text("#network-title") == LAST
    assert one.page.is_visible("#network .sizes")
    assert "DN300" in one.page.inner_text("#network .sizes")
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (one.complaints, one.refused, one.foreign) == ([], [], [])


def test_downstream_ends_at_the_outfall_and_says_what_it_crossed(
    bureau: Crowd, open_page: OpenPage
) -> None:
    one = come_in(bureau, open_page, pipe=HEAD)
    press(one.page, "d")
    text = one.page.inner_text("#network")
    assert "PS00K" in text
    assert {"污水", "雨水"} <= {
        words.strip() for words in one.page.locator(".sizes th[scope=rowgroup]").all_inner_texts()
    }
    crossed = one.page.locator("[data-crossed=under_construction]")
    assert crossed.locator(".count").inner_text() == "3"
    crossed.click()
    assert one.page.locator("#network .code").count() == 3
    one.page.locator("#network .code").first.click()
    one.page.wait_for_selector("#popup h2")
    assert one.complaints == []


def test_a_system_keeps_the_trace_to_itself(bureau: Crowd, open_page: OpenPage) -> None:
    one = come_in(bureau, open_page, pipe=HEAD)
    press(one.page, "d")
    one.page.select_option("#trace-system", "sanitary")
    expect(one.page.locator("#network .figure dd").nth(1)).to_have_text("3")
    assert figures(one.page)[0] == "72 m"
    assert one.page.locator(".sizes th[scope=rowgroup]").count() == 1


def test_escape_takes_back_one_thing_at_a_time(bureau: Crowd, open_page: OpenPage) -> None:
    one = come_in(bureau, open_page)
    press(one.page, "u")
    one.page.keyboard.press("p")
    one.page.wait_for_selector(".profile-frame svg")
    one.page.keyboard.press("Escape")
    assert one.page.is_hidden("#profile")
    assert figures(one.page)[0] == "72 m"
    one.page.keyboard.press("Escape")
    assert one.page.locator("#network .figures").count() == 0


def test_a_link_carries_the_trace(bureau: Crowd, open_page: OpenPage) -> None:
    page = come_in(bureau, open_page).page
    press(page, "u")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector("#network .figures")
    assert figures(page)[:2] == ["72 m", "3"]
    page.keyboard.press("Escape")
    assert page.locator("#network .figures").count() == 0
    assert page.url == link[: link.rindex("/-/")].removesuffix("/-")


def test_a_trace_is_taken_away_as_csv_and_geojson(bureau: Crowd, open_page: OpenPage) -> None:
    one = come_in(bureau, open_page)
    press(one.page, "u")
    with one.page.expect_download() as csv_file:
        one.page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(csv_file.value.path().read_text("utf-8-sig"))))
    assert sorted(row["编号"] for row in rows) == sorted(BRANCH)
    assert {row["管线类型"] for row in rows} == {"污水"}
    with one.page.expect_download() as json_file:
        one.page.get_by_role("button", name="GeoJSON").click()
    document = json.loads(json_file.value.path().read_text("utf-8"))
    lines = [f for f in document["features"] if f["geometry"]["type"] == "LineString"]
    assert len(lines) == 3


@pytest.mark.parametrize("width", [1440, 390])
def test_the_profile_is_read_node_by_node_and_marked_on_the_map(
    bureau: Crowd, open_page: OpenPage, width: int
) -> None:
    one = come_in(bureau, open_page, pipe=HEAD, width=width)
    one.page.keyboard.press("p")
    one.page.wait_for_selector(".profile-frame svg")
    assert "WS00900001 → PS00K" in one.page.inner_text(".profile-facts")
    one.page.focus(".profile-frame")
    for _ in range(2):
        one.page.keyboard.press("ArrowRight")
    reading = one.page.inner_text(".profile-reading")
    assert "24.0 m" in reading
    assert "WS00900002" in reading
    assert "1.80 m" in reading  # the cover planted above every invert of the branch
    assert one.page.locator(".profile-mark").count() == 1
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with one.page.expect_download() as drawing:
        one.page.get_by_role("button", name="SVG").click()
    assert drawing.value.path().read_text("utf-8").startswith("<svg")
    with one.page.expect_download() as picture:
        one.page.get_by_role("button", name="PNG").click()
    assert picture.value.path().read_bytes()[:4] == b"\x89PNG"
    assert one.complaints == []


def test_levels_that_are_not_shown_are_not_called_missing(
    bureau: Crowd, open_page: OpenPage
) -> None:
    one = come_in(bureau, open_page, pipe=HEAD, lang="en", who="planner")
    one.page.keyboard.press("p")
    one.page.wait_for_selector(".profile-frame svg")
    assert "levels are not shown to this account" in one.page.inner_text(".profile-facts")
    one.page.focus(".profile-frame")
    one.page.keyboard.press("ArrowRight")
    reading = one.page.inner_text(".profile-reading")
    assert "not shown" in reading
    assert "missing" not in reading


def test_a_profile_runs_to_the_second_place_that_is_clicked(
    bureau: Crowd, open_page: OpenPage
) -> None:
    one = come_in(bureau, open_page, pipe=HEAD)
    found = one.page.request.get(f"{bureau.base}/search?q=WS00900003").json()
    goal = next(row for row in found if row["code"] == "WS00900003")
    one.page.keyboard.press("Shift+P")
    assert one.page.is_visible("[data-notice=pick_second]")
    box = one.page.locator("#map").bounding_box()
    assert box
    # The map is centred on the goal: its middle is what is clicked.
    one.page.evaluate(
        "([lat, lon]) => { location.hash = `#18/${lat}/${lon}/sewer_pipe,sewer_manhole/zh`; }",
        [goal["lat"], goal["lon"]],
    )
    one.settle()
    one.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    one.page.wait_for_selector(".profile-frame svg")
    assert "WS00900001 → WS00900003" in one.page.inner_text(".profile-facts")


def test_what_the_server_refuses_is_said_in_its_words(bureau: Crowd, open_page: OpenPage) -> None:
    one = come_in(bureau, open_page, pipe=LAST, lang="en")
    found = one.page.request.get(f"{bureau.base}/search?q=PS00K").json()
    outfall = next(row for row in found if row["code"] == "PS00K")
    one.page.evaluate(
        "([lat, lon, id]) => { location.hash ="
        " `#18/${lat}/${lon}/sewer_pipe,sewage_facility/en/-/sewage_facility:${id}`; }",
        [outfall["lat"], outfall["lon"], outfall["id"]],
    )
    expect(one.page.locator("#popup h2")).to_have_text(outfall["name"])
    one.page.wait_for_selector(".popup-network")
    one.page.keyboard.press("p")
    one.page.wait_for_selector("#profile .notice-error")
    assert "there is no outfall downstream" in one.page.inner_text("#profile")


@pytest.fixture(scope="module")
def inspected(bureau: Crowd, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """A collapse (PL, grade 4) seen 6 m into the first pipe of the branch.

    CJJ 181: RI = 0.7 F + 0.1 K + 0.05 E + 0.15 T = 0.7·10 + 0.1·10 + 0 + 0 = 8: class Ⅳ.
    """
    lines = block("WS00900001", "WS00900002", (6.0, "PL", 10, 4, "坍塌"), length=24, diameter=300)
    path = write_xlsx(tmp_path_factory.mktemp("t") / "t.xlsx", lines)
    asked = {"name": "检测.xlsx", "importance": "centre", "soil": "ordinary"}
    answer = bureau.log_in("officer").post(
        "/inspections/import", params=asked, content=path.read_bytes()
    )
    assert answer.json()["matched"] == 1, answer.text
    return bureau


def test_pipes_take_the_colour_of_their_class_and_defects_their_place(
    inspected: Crowd, open_page: OpenPage
) -> None:
    one = come_in(inspected, open_page, pipe=HEAD)
    card = one.page.locator(".popup-condition")
    expect(card).to_contain_text("Ⅳ · RI 8")
    assert card.locator(".unverified").count() == 2  # nobody has read the printed standard
    assert one.page.locator(".defect").all_inner_texts() == ["PL4"]
    one.page.keyboard.press("Escape")
    expect(one.page.locator(".defect")).to_have_count(0)
    one.page.click("#tab-network")
    one.page.check("#theme-condition")
    worst = one.page.locator(".class-list li", has_text="Ⅳ")
    expect(worst.locator(".count")).to_have_text("1")
    assert one.page.is_visible(".unverified-note")
    assert (165, 0, 38) in colours_of_the_middle(one.page)
    one.page.uncheck("#theme-condition")
    assert (165, 0, 38) not in colours_of_the_middle(one.page)
    assert one.complaints == []


def colours_of_the_middle(page: Page) -> set[tuple[int, ...]]:
    """Colours of the map's middle, on which the pipe that was opened lies."""
    page.wait_for_timeout(300)
    box = page.locator("#map").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    clip = {"x": x - 6, "y": y - 6, "width": 12, "height": 12}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
    return {color for _, color in picture.convert("RGB").getcolors(1000) or []}  # type: ignore[misc]


def test_who_may_not_read_inspections_is_not_offered_them(
    inspected: Crowd, open_page: OpenPage
) -> None:
    one = open_page(inspected.base, "/maps/progress?lang=en")
    one.settle()
    assert one.page.locator("#theme-condition").count() == 0
    assert (one.complaints, one.refused) == ([], [])


@pytest.mark.parametrize("width", [1440, 390])
def test_misconnections_are_listed_with_the_planted_lengths_and_traced(
    bureau: Crowd, open_page: OpenPage, width: int
) -> None:
    one = come_in(bureau, open_page, lang="en", width=width)
    one.page.keyboard.press("Escape")
    one.page.click("#tab-network" if width > 760 else "#open-network")
    one.page.check("#theme-misconnections")
    findings = one.page.locator(".finding")
    expect(findings).to_have_count(10)
    words = findings.all_inner_texts()
    planted = {"72 m upstream, 3": 3, "48 m upstream, 2": 2, "96 m upstream, 4": 1}
    assert {told: sum(told in text for text in words) for told in planted} == planted
    assert one.page.locator(".misconnection").count() == 10
    one.page.locator(".finding", has_text="YS00000004").first.click()
    one.page.locator(".finding + .plain-button").click()
    one.page.wait_for_selector("#network .figures")
    assert one.page.inner_text("#network-title") == "YS00000004"
    assert one.complaints == []


def test_the_profile_reads_silt_and_defects_where_the_run_saw_them(
    bureau: Crowd, open_page: OpenPage
) -> None:
    """The middle pipe of the branch, 24 m of DN300; grade 2 of silt is 30 to 40 % of it."""
    seen = (Observation(6.0, "PL", 2), Observation(10.0, "CJ", 2, end_m=20.0))
    run = Inspection("WS00900002", "WS00900003", date(2026, 6, 1), observations=seen)
    with bureau.db.write(actor="t", reason="t") as connection:
        record_inspections(connection, [run], source="t")
        assert len(match_inspections(connection)) == 1
    page = come_in(bureau, open_page, pipe=BRANCH[1]).page
    page.keyboard.press("p")
    page.wait_for_selector(".profile-frame svg")
    asked = f"{bureau.base}/network/profile?from=WS00900002"
    profile = page.request.get(asked).json()
    first = profile["reaches"][0]
    assert page.locator(f".profile-frame [data-silt='{first['id']}']").count() == 1

    (module,) = page.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => name)"
        ".filter((name) => name.includes('profile_reading.js'))"
    )

    def read_off(chainage_m: float) -> str:
        """What the panel's own module says there, half a metre to either side."""
        facts = page.evaluate(
            """async ([profile, wanted, from]) => {
              const { readAt } = await import(from);
              return readAt(profile, wanted, 0.5).facts.map((f) => `${f.title} ${f.value}`);
            }""",
            [profile, chainage_m, module],
        )
        return "; ".join(facts)

    silty = read_off(15.0)
    assert "积泥 0.09–0.12 m" in silty
    assert "缺陷 CJ2" in silty
    assert "2026-06-01" in silty
    cracked = read_off(6.0)
    assert "PL2" in cracked
    assert "积泥" not in cracked
    assert "未检测" in read_off(36.0)
