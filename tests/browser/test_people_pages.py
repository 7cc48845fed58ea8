"""Logging in and the system officer's page, as a browser shows them; nobody foreign is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from tests.api.crowd import WORD, Crowd, gather
from tests.browser.conftest import OpenPage
from tests.conftest import CloneDatabase

HOSTILE = '<img src=x onerror="window.hit=1">'

FORGE = """async (base) => {
  const json = {'X-Infratrack': '1', 'Content-Type': 'application/json'};
  const ways = [{}, {method: 'POST', mode: 'no-cors', body: '{}'},
                {method: 'POST', headers: json, body: '{"label": "x"}'}];
  const outcomes = [];
  for (const way of ways) {
    try {
      const answer = await fetch(base + '/app-passwords', {credentials: 'include', ...way});
      outcomes.push(answer.type);
    } catch (error) {
      outcomes.push('refused');
    }
  }
  return outcomes;
}"""


@pytest.fixture(scope="module")
def bureau(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Crowd]:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, vendor.parent) as crowd:
        yield crowd


def fill_in(page: Page, login: str, word: str = WORD) -> None:
    page.fill("#login", login)
    page.fill("#password", word)
    page.click("button[type=submit]")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_login_works_without_scripts(width: int, bureau: Crowd, chromium: Browser) -> None:
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": width, "height": 844}
    )
    page = context.new_page()
    page.goto(f"{bureau.base}/login?lang=en&next=/api.html")
    fill_in(page, "viewer", "wrong words")
    assert page.inner_text("[role=alert]") == "Wrong login or password"
    assert page.input_value("#login") == "viewer"
    assert page.input_value("#password") == ""
    fill_in(page, "viewer")
    assert page.url == f"{bureau.base}/api.html"
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_of_the_pages_is_cut_off(width: int, bureau: Crowd, open_page: OpenPage) -> None:
    for path in ("/login?lang=zh", "/login?lang=en"):
        page = open_page(bureau.base, path, width=width, height=844).page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("button[type=submit]").bounding_box()
        assert box
        assert box["height"] >= 44  # a finger
        assert box["y"] + box["height"] <= 844


def test_the_map_says_who_reads_it_and_lets_them_in_and_out(
    bureau: Crowd, open_page: OpenPage
) -> None:
    bureau.make("looking", "officer")
    opened = open_page(bureau.base, "/maps/progress?lang=zh")
    page = opened.page
    assert page.inner_text(".account-login") == "登录"
    opened.settle()  # until the map is there its buttons do nothing
    page.click("#language")
    assert page.inner_text(".account-login") == "Log in"
    page.click(".account-login")
    fill_in(page, "looking")
    page.wait_for_selector(".account-logout")
    assert page.url.startswith(f"{bureau.base}/maps/progress")
    assert page.inner_text(".account-name") == "looking"
    layers = page.evaluate(
        "fetch('/maps/progress/config').then(a => a.json()).then(c => c.layers.map(l => l.id))"
    )
    assert "sewer_pipe" in layers
    assert page.evaluate("document.cookie") == ""
    page.click(".account-logout")
    page.wait_for_selector(".account-login")
    assert opened.complaints == []


def test_the_system_officer_makes_a_person_and_lets_a_phone_in(
    bureau: Crowd, open_page: OpenPage
) -> None:
    opened = open_page(bureau.base, "/admin?lang=en")
    page = opened.page
    assert "/login?next=" in page.url
    fill_in(page, "system_officer")
    page.wait_for_selector(".person")
    page.click("#adding summary")
    page.fill("#new-login", "new.walker")
    page.fill("#new-name", HOSTILE)
    page.check("input[value=inspector]")
    assert page.is_disabled("input[value=audit_officer]")
    page.click("#new button[type=submit]")
    word = page.inner_text("dialog[open] code")
    page.click("#secret-close")
    assert bureau.first_log_in("new.walker", word).status_code == 303
    mine = page.locator(".person", has_text="new.walker")
    assert mine.locator("strong").inner_text() == HOSTILE
    assert page.evaluate("window.hit") is None
    mine.get_by_text("Enrol a phone").click()
    page.locator("dialog[open] img").wait_for()
    page.wait_for_timeout(200)
    assert page.locator("dialog[open] img").evaluate("picture => picture.naturalWidth") > 0
    code = page.inner_text("dialog[open] code")
    body = {
        "device_id": "018f0000-0000-7000-8000-0000000000aa", "device_name": "x", "code": code,
    }  # fmt: skip
    assert bureau.visitor().post("/devices", json=body).status_code == 201
    page.click("#secret-close")
    mine.get_by_text("Disable").click()
    page.get_by_text("Click again").click()
    page.wait_for_selector(".person.is-off")
    answer = bureau.visitor().post("/login", data={"login": "new.walker", "password": WORD})
    assert answer.status_code == 401
    own = page.locator(".person").filter(has=page.locator(".login", has_text="system_officer"))
    assert own.locator("button").count() == 0
    assert opened.complaints == []


def test_a_page_that_is_not_ones_own_is_refused(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_page(bureau.base, "/login?next=/admin").page
    fill_in(page, "viewer")
    assert page.url == f"{bureau.base}/admin"
    assert "may not manage accounts" in page.inner_text("[role=alert]")
    fill_in(page, "system_officer")
    page.wait_for_selector(".person")


def test_another_site_s_page_can_neither_read_nor_write(bureau: Crowd, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{bureau.base}/login")
    fill_in(page, "officer")
    page_of_theirs = "<h1>x</h1>"
    context.route(
        "https://evil.example/*",
        lambda route: route.fulfill(body=page_of_theirs, content_type="text/html"),
    )
    page.goto("https://evil.example/")
    outcome = page.evaluate(FORGE, bureau.base)
    assert outcome[0] == "refused"
    assert outcome[2] == "refused"
    assert bureau.log_in("officer").get("/app-passwords").json() == {"app_passwords": []}
    context.close()
