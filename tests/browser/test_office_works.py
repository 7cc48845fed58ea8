"""Progress of sewer works and the desilting ledger on the office's page, over the demonstration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from gis.db.cluster import Cluster
from tests.api.crowd import Crowd
from tests.browser.conftest import OpenPage
from tests.browser.test_office import open_office, serve_bureau
from tests.conftest import CloneDatabase


@pytest.fixture(scope="module")
def bureau(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Crowd]:
    with serve_bureau(cluster, clone_database, vendor) as crowd:
        yield crowd


def test_the_grid_opens_to_rows_and_a_job_shows_its_calculation_and_reply(
    bureau: Crowd, open_page: OpenPage
) -> None:
    opened = open_office(open_page, bureau, "officer", "#works?from=2026-01-01&to=2026-11-20")
    page = opened.page
    row = page.locator(".works-grid tbody tr").nth(2)
    expect(row.locator("th")).to_have_text("Desilting")
    row.locator("td.whole a").first.click()
    expect(page.locator(".works-rows tbody tr").first).to_be_visible()
    page.locator(".works-rows tbody a").first.click()
    expect(page.locator(".works-job h1")).to_contain_text("QY2026-")
    page.goto(f"{bureau.base}/office?lang=en#works/jobs?flag=above_bound")
    rows = page.locator(".works-ledger .row")
    expect(rows).to_have_count(3)
    rows.last.click()
    expect(page.locator(".works-flag").first).to_contain_text("To be verified")
    expect(page.locator(".works-flag").first).to_contain_text("m² ×")
    page.click("[data-open=reply]")
    page.fill("dialog [name=text]", "Weighed again: 1.2 m³ <b>")
    page.click("dialog button[type=submit]")
    expect(page.locator(".works-job .timeline")).to_contain_text("Weighed again: 1.2 m³ <b>")
    assert opened.complaints == []


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_page(bureau: Crowd, open_page: OpenPage, width: int) -> None:
    page = open_office(open_page, bureau, "officer", "#works", width=width).page
    expect(page.locator(".works-grid")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{bureau.base}/office?lang=en#works/jobs?flag=any")
    page.locator(".works-ledger .row").first.click()
    expect(page.locator(".works-flag").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_may_not_record_sees_no_form(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_office(open_page, bureau, "viewer", "#works/jobs").page
    page.locator(".works-ledger .row").first.click()
    expect(page.locator(".works-job h1")).to_be_visible()
    expect(page.locator("[data-open=reply]")).to_have_count(0)
