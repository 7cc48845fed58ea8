"""The numbers of the live map agree with each other and with the API, today and on any date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import pytest
from playwright.sync_api import Page
from shapely import LineString, Point

from api.app import create_app
from gis import store
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.kinds import KINDS
from gis.settings import Settings
from tests.browser.conftest import Opened, OpenPage
from tests.browser.live_server import serve
from tests.conftest import CloneDatabase

LON, LAT = 99.2, 25.1
NOW = datetime.now(UTC)
SEVERITIES = ("major", "general_a", "general_b", "minor")

# (severity, is open, days until due or None) of two crowds, 30 km apart.
WEST = [
    *[("minor", True, due) for due in (-3, 5, None, 9, 40)],
    *[("major", False, -20)] * 3,
]
EAST = [
    *[("major", True, due) for due in (2, 3)],
    *[("general_b", True, due) for due in (-1, -400, 8, 9)],
    ("general_a", False, None),
]
OPEN, LATE, CLOSED = 11, 3, 4
STEPS = (
    (datetime(2024, 3, 1, tzinfo=UTC), "planned"),
    (datetime(2025, 3, 1, tzinfo=UTC), "under_construction"),
    (datetime(2026, 3, 1, tzinfo=UTC), "completed"),
)


@dataclass
class Site:
    """A served database and a client of its API."""

    base: str
    client: httpx.Client


@pytest.fixture(scope="module")
def site(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Site]:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    database = PooledDatabase(urls)
    with database.write(actor="test", reason="numbers", pool=Pool.JOBS) as connection:
        store.load_rows(connection, "hazard", make_hazards())
        store.load_versions(connection, "road", make_roads())
    app = create_app(urls, Settings(state_folder=vendor.parent))
    with serve(app) as base, httpx.Client(base_url=base) as client:
        yield Site(base, client)
    database.close()


def make_hazards() -> gpd.GeoDataFrame:
    rows, points = [], []
    for crowd, west in ((WEST, LON - 0.15), (EAST, LON + 0.15)):
        for severity, is_open, due in crowd:
            facts = {
                "code": f"YH-{len(rows):03d}",
                "state": "rectifying" if is_open else "closed",
                "severity": severity,
                "category": "gas",
                "is_open": is_open,
                "found_at": NOW - timedelta(days=500),
                "due_at": None if due is None else NOW + timedelta(days=due),
            }
            rows.append(validate("hazard", facts))
            points.append(Point(west + 0.0004 * len(rows), LAT))
    return gpd.GeoDataFrame(rows, geometry=points, crs=4490)


def make_roads() -> gpd.GeoDataFrame:
    """Ten roads: the first has reached one step, the second two, the others all three."""
    rows: list[dict[str, Any]] = []
    lines = []
    for n in range(10):
        for since, progress in STEPS[: min(n + 1, 3)]:
            facts = {"code": f"R{n}", "road_class": "branch", "progress": progress}
            life = {"id": f"018f0000-0000-7000-8000-0000000000{n:02d}", "valid_from": since}
            rows.append(validate("road", facts) | life)
            lines.append(LineString([(LON, LAT + n * 0.001), (LON + 0.01, LAT + n * 0.001)]))
    return gpd.GeoDataFrame(rows, geometry=lines, crs=4490)


def validate(kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    whole = {"source": "test", "source_code": facts["code"], **facts}
    return KINDS[kind].model_validate(whole).model_dump(mode="json")


def ask_matched(site: Site, kind: str, **query: str) -> int:
    answer = site.client.get(f"/collections/{kind}/items", params={"limit": "1", **query})
    return int(answer.json()["numberMatched"])


def ask_late(site: Site, **query: str) -> int:
    """Open hazards past their deadline, from the items themselves."""
    answer = site.client.get(
        "/collections/hazard/items", params={"limit": "100", "is_open": "true", **query}
    )
    dues = [f["properties"]["due_at"] for f in answer.json()["features"]]
    return sum(1 for due in dues if due and datetime.fromisoformat(due) < datetime.now(UTC))


def open_map(open_page: OpenPage, site: Site, path: str) -> Opened:
    one = open_page(site.base, path)
    one.settle()
    return one


def read_figures(one: Opened) -> dict[str, int]:
    boxes = one.page.locator("#figures [data-figure]").all()
    return {str(b.get_attribute("data-figure")): int(b.locator("dd").inner_text()) for b in boxes}


def read_legend(one: Opened) -> dict[str, int]:
    rows = one.page.locator("#legend button.legend-entry").all()
    counts = {
        str(r.get_attribute("data-value")): int(r.locator(".count").inner_text()) for r in rows
    }
    return {value: count for value, count in counts.items() if count}


def read_tree(one: Opened, layer: str) -> int:
    return int(one.page.locator(f"[data-layer={layer}] ~ .count").inner_text())


def read_clusters(one: Opened) -> list[tuple[int, int, str | None, int]]:
    """(open, late, worst, closed) of the circles in view, from the list beside the map."""
    one.page.click("#tab-list")
    one.page.wait_for_timeout(600)  # the list follows the drawing within 0.4 s
    rows = one.page.locator("#list [data-cluster]").all()
    found = [
        (
            int(row.get_attribute("data-cluster") or 0),
            int(row.get_attribute("data-late") or 0),
            row.get_attribute("data-worst"),
            int(row.get_attribute("data-closed") or 0),
        )
        for row in rows
    ]
    one.page.click("#tab-layers")
    return sorted(found)


FAR = f"/maps/hazards#9/{LAT}/{LON}/hazard/zh"


def test_strip_legend_tree_and_circles_say_what_the_api_says(
    open_page: OpenPage, site: Site
) -> None:
    one = open_map(open_page, site, FAR)
    by_severity = {
        s: n for s in SEVERITIES if (n := ask_matched(site, "hazard", is_open="true", severity=s))
    }
    assert by_severity == {"major": 2, "general_b": 4, "minor": 5}
    assert ask_matched(site, "hazard", is_open="true") == OPEN
    assert ask_late(site) == LATE
    assert read_figures(one) == {"open": OPEN, "late": LATE, "closed": CLOSED}
    assert read_legend(one) == by_severity
    assert read_tree(one, "hazard") == OPEN
    assert read_clusters(one) == [(5, 1, "minor", 0), (6, 2, "major", 0)]
    one.page.check("#show-closed")
    every = {s: n for s in SEVERITIES if (n := ask_matched(site, "hazard", severity=s))}
    assert read_legend(one) == every == {"major": 5, "general_a": 1, "general_b": 4, "minor": 5}
    assert read_tree(one, "hazard") == ask_matched(site, "hazard") == OPEN + CLOSED
    # The closed major ones of the west do not make it look worse: they are counted apart.
    assert read_clusters(one) == [(5, 1, "minor", 3), (6, 2, "major", 1)]
    assert read_figures(one) == {"open": OPEN, "late": LATE, "closed": CLOSED}
    assert one.complaints == []


def test_a_circle_without_the_values_switched_off_is_that_of_the_rest(
    open_page: OpenPage, site: Site
) -> None:
    one = open_map(open_page, site, FAR)
    one.page.click("#legend [data-value=major]")
    assert read_clusters(one) == [(4, 2, "general_b", 0), (5, 1, "minor", 0)]
    one.page.click("#legend [data-value=general_b]")
    assert read_clusters(one) == [(5, 1, "minor", 0)]


def test_a_circle_in_the_list_is_entered_by_keyboard_down_to_its_hazards(
    open_page: OpenPage, site: Site
) -> None:
    one = open_map(open_page, site, FAR)
    one.page.click("#tab-list")
    worst = one.page.locator("#list [data-worst=major]")
    assert "超期 2" in worst.inner_text()
    assert "重大" in worst.inner_text()
    worst.press("Enter")
    one.page.wait_for_url(re.compile("#11/"))
    one.settle()
    one.page.locator("#list [data-worst=major]").press("Enter")
    single = one.page.locator("#list .list-row:not([data-cluster])")
    single.nth(5).wait_for()
    assert single.count() == one.page.locator("#list .list-row").count() == 6
    assert "超期 400 天" in single.first.inner_text()


def test_single_hazards_in_view_are_as_many_as_the_tree_says(
    open_page: OpenPage, site: Site
) -> None:
    one = open_map(open_page, site, f"/maps/hazards#12/{LAT}/{LON}/hazard/en")
    one.page.click("#tab-list")
    assert one.page.locator("#list .list-row").count() == OPEN
    late = one.page.locator("#list .list-row .late")
    assert late.count() == LATE
    assert late.nth(2).inner_text() == "1 day late"


def test_a_card_opened_from_the_list_gives_the_focus_back_to_its_row(
    open_page: OpenPage, site: Site
) -> None:
    one = open_map(open_page, site, f"/maps/hazards#12/{LAT}/{LON}/hazard/en")
    one.page.click("#tab-list")
    rows = one.page.locator("#list .list-row")
    rows.nth(OPEN - 1).wait_for()
    rows.nth(4).focus()
    one.page.keyboard.press("Enter")
    one.page.locator("#popup .attributes").wait_for()
    one.page.wait_for_timeout(600)
    one.page.keyboard.press("Escape")
    assert rows.nth(4).evaluate("row => row === document.activeElement")


@pytest.mark.parametrize("by", ["typed", "by its link"])
def test_counts_follow_the_date(open_page: OpenPage, site: Site, by: str) -> None:
    date, expected = "2025-06-30", {"planned": 1, "under_construction": 9}
    link = f"/maps/progress#15/{LAT}/{LON}/road/zh"
    one = open_map(open_page, site, link if by == "typed" else f"{link}/{date}")
    if by == "typed":
        assert read_legend(one) == {"planned": 1, "under_construction": 1, "completed": 8}
        one.page.locator("#as-of").focus()
        one.page.keyboard.type("06302025")
        one.page.keyboard.press("Tab")
        one.page.locator("body.is-past:not(.is-counting)").wait_for(state="attached")
        one.settle()
    assert one.page.locator("#as-of").input_value() == date
    asked = {
        p: n
        for p in ("planned", "under_construction", "completed")
        if (n := ask_matched(site, "road", progress=p, **{"as-of": date}))
    }
    assert read_legend(one) == asked == expected
    assert read_tree(one, "road") == 10
    assert date in one.page.locator("#count-note").inner_text()
    one.page.click("#tab-list")
    assert one.page.locator("#list .list-row", has_text="在建").count() == 9
    one.page.click("#tab-layers")
    one.page.click("#as-of-clear")
    one.page.locator("body:not(.is-past):not(.is-counting)").wait_for(state="attached")
    assert read_legend(one) == {"planned": 1, "under_construction": 1, "completed": 8}
    assert one.page.locator("#count-note").inner_text() == ""


def test_before_anything_was_there_every_number_is_nought(open_page: OpenPage, site: Site) -> None:
    one = open_map(open_page, site, f"/maps/progress#15/{LAT}/{LON}/road/zh/2023-01-01")
    assert read_legend(one) == {}
    assert read_tree(one, "road") == 0
    one.page.click("#tab-list")
    assert "当前视图内没有要素" in one.page.locator("#list").inner_text()


def test_circles_count_hazards_only_where_hazards_are_the_subject(
    open_page: OpenPage, site: Site
) -> None:
    """Ten roads lie between the crowds; at this zoom they come as cells too."""
    one = open_map(open_page, site, f"/maps/hazards#9/{LAT}/{LON}/hazard,road/zh")
    assert read_clusters(one) == [(5, 1, "minor", 0), (6, 2, "major", 0)]
    roads = open_map(open_page, site, f"/maps/progress#9/{LAT}/{LON}/road/zh")
    assert read_clusters(roads) == [(10, 0, None, 0)]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["progress", "hazards"])
def test_every_control_of_a_phone_is_as_large_as_a_thumb(
    open_page: OpenPage, site: Site, name: str, lang: str
) -> None:
    """44 CSS pixels, the size of WCAG 2.2's 2.5.5; lines of text are no controls."""
    one = open_page(site.base, f"/maps/{name}?lang={lang}", width=390, height=844)
    one.settle()
    code = {"progress": "R5", "hazards": "YH-000"}[name]

    def find(page: Page) -> None:
        page.click(".sheet-close")
        page.click("#search")
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.locator("#popup .attributes").wait_for()

    steps: list[Callable[[Page], object]] = [
        lambda _: None,
        lambda page: page.click("#open-layers"),
        lambda page: page.click("#tab-list"),
        find,
    ]
    for step in steps:
        step(one.page)
        one.page.wait_for_timeout(400)
        for control in one.page.locator("button:visible, a:visible, input:visible").all():
            # The skip link is for keyboards; a box inside a label is ticked by all of it.
            target = control.evaluate_handle("e => e.closest('label') ?? e").as_element()
            if control.evaluate("e => e.matches('.skip')") or target is None:
                continue
            box = target.bounding_box()
            assert box is not None
            words = control.evaluate("e => e.outerHTML.slice(0, 90)")
            assert min(box["height"], box["width"]) >= 44, (words, box)
    assert one.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("date", ["", "/2025-06-30"])
def test_a_phones_bar_has_two_rows_and_the_line_of_law_is_whole(
    open_page: OpenPage, site: Site, lang: str, date: str
) -> None:
    path = f"/maps/progress#13/{LAT}/{LON}/road/{lang}{date}"
    one = open_page(site.base, path, width=390, height=844)
    one.settle()
    one.page.locator("#account a").wait_for()
    bar = one.page.locator(".bar").bounding_box()
    assert bar is not None
    for part in (".search", "#as-of", ".tools", "#as-of-clear" if date else ".maps"):
        box = one.page.locator(part).bounding_box()
        assert box is not None, part
        assert box["y"] + box["height"] <= bar["y"] + bar["height"], part
        assert box["x"] + box["width"] <= 390, part
    law = one.page.locator("#approval")
    assert law.evaluate("e => e.scrollWidth <= e.clientWidth")
