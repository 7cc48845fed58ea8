"""The office logs a hazard itself, and what it ticked it can take back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from tests.api.crowd import Crowd
from tests.browser.conftest import OpenPage
from tests.browser.test_office import open_office, serve_bureau
from tests.conftest import CloneDatabase


@pytest.fixture(scope="module")
def bureau(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Crowd]:
    with serve_bureau(cluster, clone_database, vendor) as crowd:
        yield crowd


def ask(bureau: Crowd, question: str, **values: object) -> list[tuple[object, ...]]:
    with bureau.db.read(Pool.JOBS) as connection:
        return [tuple(row) for row in connection.execute(text(question), values)]


def submit(page: Page) -> None:
    page.locator("dialog button[type=submit]").click()


def test_an_officer_logs_what_the_hotline_told_and_takes_back_a_tick(
    open_page: OpenPage, bureau: Crowd
) -> None:
    ((code, asset),) = ask(bureau, "SELECT code, id FROM core.gas_site ORDER BY code LIMIT 1")
    page = open_office(open_page, bureau, "officer", "#cases").page
    page.get_by_role("button", name="Log a hazard").click()
    dialog = page.locator("dialog")
    dialog.locator("[name=category]").select_option("gas")
    dialog.locator("[name=origin]").select_option("hotline")
    dialog.locator("[name=description]").fill("12345 来电:后厨有燃气味")
    submit(page)
    expect(dialog.locator("[role=alert]")).to_contain_text("give the code of an asset, or a place")
    dialog.locator("[name=code]").fill("NO-SUCH-CODE")
    submit(page)
    expect(dialog.locator("[role=alert]")).to_contain_text("no asset of the code NO-SUCH-CODE")
    dialog.locator("[name=code]").fill(str(code))
    dialog.locator("[name=use_suspended]").check()
    submit(page)
    expect(dialog).to_have_count(0)
    ((hazard, origin, where, suspended),) = ask(
        bureau,
        "SELECT id, origin, asset_id, use_suspended FROM core.hazard WHERE description = :words",
        words="12345 来电:后厨有燃气味",
    )
    assert (origin, where, suspended) == ("hotline", str(asset), True)

    page.goto(f"{bureau.base}/office?lang=en#cases/{hazard}")
    page.get_by_role("button", name="Register", exact=True).click()
    page.locator("dialog [name=use_suspended]").uncheck()
    submit(page)
    expect(page.locator("dialog")).to_have_count(0)
    assert ask(bureau, "SELECT use_suspended FROM core.hazard WHERE id = :id", id=hazard) == [
        (False,)
    ]
    ((payload,),) = ask(
        bureau,
        "SELECT payload FROM core.event WHERE hazard_id = :id AND type = 'registered'",
        id=hazard,
    )
    assert isinstance(payload, dict)
    assert payload["use_suspended"] is False
    assert "supervision_listed" not in payload  # it never was


@pytest.mark.parametrize(("width", "language"), [(390, "zh"), (390, "en"), (1440, "zh")])
def test_the_form_fits(open_page: OpenPage, bureau: Crowd, width: int, language: str) -> None:
    page = open_office(open_page, bureau, "officer", "#cases", width=width).page
    page.goto(f"{bureau.base}/office?lang={language}#cases")
    if width < 760:
        page.locator(".unfold").click()
    page.locator("button.log").click()
    page.wait_for_selector("dialog [name=category]")
    assert page.evaluate(
        "(() => { const one = document.querySelector('dialog');"
        " return one.scrollWidth - one.clientWidth; })()"
    ) <= 0  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
