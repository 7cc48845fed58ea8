"""The page of surveys as a browser shows it: batches, findings, map, decisions; both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.network.survey_import import judge_import
from gis.network.survey_store import Filing, file_book
from tests.api.crowd import WORD, Crowd, gather
from tests.browser.conftest import Opened, OpenPage
from tests.conftest import CloneDatabase
from tests.gis.network.survey_books import demonstration, write_workbook
from tests.gis.network.survey_faults import plant_faults
from tests.gis.network.test_survey_import import open_county

HOSTILE = '<img src=x onerror="window.hit=1">'


@pytest.fixture(scope="module")
def bureau(
    cluster: Cluster, clone_database: CloneDatabase, vendor: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Crowd]:  # fmt: skip
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, vendor.parent, county=False) as crowd:
        open_county(crowd.db)
        planting = plant_faults(demonstration(1.0)[1], 120, 1)
        planting.tables.nodes[3]["附属物"] = HOSTILE
        path = write_workbook(tmp_path_factory.mktemp("book") / "book.xlsx", planting.tables)
        filing = Filing(
            file="一标段.xlsx", content=path.read_bytes(), unit="某测绘院", claimed_m=140_000.0,
            name="云屏县 2026 年管网普查一标段",
        )  # fmt: skip
        with crowd.db.write(actor="officer", reason="test") as connection:
            _, identifier = file_book(connection, filing, actor="officer")
        judge_import(crowd.db, UUID(str(identifier)), actor="officer", today=date(2026, 11, 30))
        yield crowd


def come_in(bureau: Crowd, open_page: OpenPage, who: str, lang: str, width: int) -> Opened:
    one: Opened = open_page(
        bureau.base, f"/login?lang={lang}&next=/surveys%3Flang={lang}", width=width
    )
    one.page.fill("#login", who)
    one.page.fill("#password", WORD)
    one.page.click("button[type=submit]")
    one.page.wait_for_selector("#batches table")
    return one


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_findings_are_seen_on_table_and_map_and_decided(
    bureau: Crowd, open_page: OpenPage, lang: str, width: int
) -> None:
    one = come_in(bureau, open_page, "officer", lang, width)
    page = one.page
    page.click("#batches a")
    page.wait_for_selector("#findings tbody tr")
    page.wait_for_selector(".survey-map canvas")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.select_option("#filter-severity", "warning")
    page.wait_for_selector("#findings .chip.error", state="detached")
    page.check("#findings tbody input >> nth=0")
    page.fill("#reason", "现场核实")
    page.click("#do-waive")
    page.wait_for_selector("#findings .decided.waive")
    assert one.complaints == []


def test_a_viewer_reads_and_decides_nothing(bureau: Crowd, open_page: OpenPage) -> None:
    page = come_in(bureau, open_page, "viewer", "zh", 1440).page
    assert page.is_hidden("#adding")
    page.click("#batches a")
    page.wait_for_selector("#findings tbody tr")
    assert page.locator("#findings input").count() == 0
    assert page.locator("#deciding").count() == 0


def test_the_keyboard_reaches_a_decision(bureau: Crowd, open_page: OpenPage) -> None:
    page = come_in(bureau, open_page, "officer", "en", 1440).page
    page.focus("#batches a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#findings tbody tr")
    page.focus("#findings tbody input >> nth=0")
    page.keyboard.press("Space")
    page.wait_for_selector("#deciding:not([hidden])")
    assert page.inner_text("#chosen") == "1 chosen"
