"""A given password and the second factor, as the login, one's own page and the phone show them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.people import accounts, second_factor
from gis.people.login import check_credentials, confirm_second_factor
from tests.api.crowd import OPERATOR, WORD, Crowd, gather
from tests.browser.conftest import OpenPage
from tests.conftest import CloneDatabase
from tests.totp import show_code

GIVEN = "given by the officer 1"


@pytest.fixture(scope="module")
def bureau(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Crowd]:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, vendor.parent, second_factor="officers") as crowd:
        yield crowd


def code_of(bureau: Crowd, secret: str) -> str:
    bureau.clock.ahead += timedelta(seconds=30)
    return show_code(secret, bureau.clock())


def give_password(bureau: Crowd, login: str) -> None:
    with bureau.db.write(actor="os:tester", reason="test", pool=Pool.GATE) as connection:
        accounts.set_password(connection, bureau.ids[login], GIVEN, by=OPERATOR, now=bureau.clock())


def give_factor(bureau: Crowd, login: str) -> str:
    person = check_credentials(bureau.db, login, WORD, address=None, now=bureau.clock())
    with bureau.db.write(actor=login, reason="test", pool=Pool.GATE) as connection:
        secret = second_factor.offer(connection, person, now=bureau.clock()).secret
    code = code_of(bureau, secret)
    confirm_second_factor(bureau.db, person, code, now=bureau.clock())
    return secret


def fits(page: Page, width: int) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") <= width)


@pytest.mark.parametrize(("width", "language"), [(1440, "en"), (390, "zh")])
def test_an_officers_first_login_leads_through_both_to_where_they_wanted(
    width: int, language: str, bureau: Crowd, open_page: OpenPage
) -> None:
    login = f"first.{width}"
    bureau.make(login, "system_officer")
    give_password(bureau, login)
    opened = open_page(bureau.base, f"/admin?lang={language}", width=width, height=844)
    page = opened.page
    page.fill("#login", login)
    page.fill("#password", GIVEN)
    assert page.locator("#new_password").count() == 0
    page.click("button[type=submit]")
    page.fill("#password", GIVEN)
    page.fill("#new_password", WORD)
    page.fill("#new_again", WORD)
    assert fits(page, width)
    page.click("button[type=submit]")
    page.wait_for_selector("#state.chip-off")
    assert "/account" in page.url
    assert fits(page, width)
    page.fill("#begin-password", WORD)
    page.click("#begin button")
    page.wait_for_selector("#picture[src]")
    page.wait_for_timeout(200)
    assert page.locator("#picture").evaluate("picture => picture.naturalWidth") > 0
    assert fits(page, width)
    secret = page.inner_text("#key").replace(" ", "")
    page.fill("#confirm-code", "000000")
    page.click("#confirm button")
    page.wait_for_selector("#notice:not([hidden])")
    page.fill("#confirm-code", code_of(bureau, secret))
    page.click("#confirm button")
    page.wait_for_selector("#codes li")
    assert page.locator("#codes li").count() == 10
    assert secret not in page.content()
    assert fits(page, width)
    page.click("#done")
    page.wait_for_selector(".person")
    assert "/admin" in page.url
    assert [words for words in opened.complaints if "401" not in words] == []


def test_the_next_login_takes_the_code_and_the_one_after_asks_for_it_at_once(
    bureau: Crowd, open_page: OpenPage
) -> None:
    bureau.make("second", "audit_officer")
    secret = give_factor(bureau, "second")
    page = open_page(bureau.base, "/login?lang=en&next=/account").page
    page.fill("#login", "second")
    page.fill("#password", WORD)
    page.click("button[type=submit]")
    assert "authenticator" in page.inner_text("[role=alert]")
    page.fill("#password", WORD)
    page.fill("#second_factor", code_of(bureau, secret))
    page.click("button[type=submit]")
    page.wait_for_selector("#state")
    page.click("#logout")
    page.wait_for_selector("#second_factor")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_phone_asks_for_what_the_server_says_it_lacks(
    language: str, bureau: Crowd, open_page: OpenPage
) -> None:
    login = f"walker.{language}"
    bureau.make(login, "inspector")
    secret = give_factor(bureau, login)
    give_password(bureau, login)
    page = open_page(bureau.base, f"/field?lang={language}", width=390, height=844).page
    inputs = page.locator("form input")
    inputs.nth(0).fill(login)
    inputs.nth(1).fill(GIVEN)
    page.click("form button[type=submit]")
    page.wait_for_selector("input[name=second_factor]")
    assert page.locator(".problem").is_visible()
    assert page.locator("input[name=new_password]").count() == 1
    assert inputs.nth(1).input_value() == GIVEN
    assert fits(page, 390)
    page.fill("input[name=second_factor]", "000000")
    page.fill("input[name=new_password]", WORD)
    page.click("form button[type=submit]")
    page.wait_for_function(
        "words => document.querySelector('.problem').textContent.includes(words)",
        arg="was used" if language == "en" else "已用过",
    )
    page.fill("input[name=second_factor]", code_of(bureau, secret))
    page.click("form button[type=submit]")
    page.wait_for_selector(".screen-today")
    assert check_credentials(
        bureau.db, login, WORD, address=None, now=bureau.clock(), code=code_of(bureau, secret)
    )
