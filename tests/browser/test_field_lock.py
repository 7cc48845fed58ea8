"""The PIN of a phone: what it locks, whom it stops, and that no record pays for it."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.arrived import check_chain, check_complete
from tests.browser.field_office import Office
from tests.browser.phone import ITEMS, NewPhone, Phone

PIN, WRONG = "482915", "482916"
LATER = "(minutes) => { const now = Date.now; Date.now = () => now() + minutes * 60000; }"
FORGET_WAIT = """async () => {
  const app = [...document.scripts].find((one) => one.src.endsWith("/app.js")).src;
  const { openStore } = await import(app.replace("app.js", "store.js"));
  const db = await openStore();
  const pin = await db.get("meta", "pin");
  await db.put("meta", { ...pin, until: 0 }, "pin");
  db.close();
}"""


def set_pin(phone: Phone, pin: str = PIN) -> None:
    page = phone.page
    page.goto(phone.base + "/field#me")
    page.locator("text=设置 PIN 码").click()
    inputs = page.locator(".screen-pin input")
    inputs.nth(0).fill(pin)
    inputs.nth(1).fill(pin)
    page.locator("text=保存 PIN 码").click()
    page.wait_for_selector(".screen-me")


def lock(page: Page) -> None:
    """Nobody touches the phone for six minutes."""
    page.evaluate(LATER, 6)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector(".screen-lock")


def type_pin(page: Page, pin: str) -> None:
    page.locator(".screen-lock input").fill(pin)
    page.locator(".screen-lock button[type=submit]").click()
    page.wait_for_function(
        "() => !document.querySelector('.screen-lock button[type=submit]')?.disabled"
    )


def test_a_phone_nobody_touches_locks_shows_nothing_and_opens_where_it_was(phone: Phone) -> None:
    page = phone.page
    set_pin(phone)
    phone.begin_visit()
    page.locator("[data-item='gas.plan'] .segment").first.click()
    lock(page)
    assert "老街火锅店" not in page.locator("body").inner_text()
    for place in ("today", "cases", "outbox", "me", "pin", "visit/x"):
        page.evaluate("place => { location.hash = place; }", place)
        page.wait_for_timeout(150)
        assert page.locator(".screen-lock").is_visible()
        assert page.locator(".tabs").count() == 0
    page.go_back()
    type_pin(page, WRONG)
    expect(page.locator(".problem")).to_contain_text("还可试 9 次")
    page.evaluate("location.hash = '#today'")
    page.wait_for_timeout(200)
    type_pin(page, PIN)
    page.wait_for_selector(".screen-today .card.draft")


def test_a_reload_within_minutes_asks_for_nothing_and_one_after_them_does(phone: Phone) -> None:
    page = phone.page
    set_pin(phone)
    page.reload()  # as after the camera, which closes the page on small phones
    page.wait_for_selector(".screen-me")
    phone.context.add_init_script("const now = Date.now; Date.now = () => now() + 6 * 60000;")
    page.reload()
    page.wait_for_selector(".screen-lock")


def test_while_it_is_locked_what_waits_is_sent(office: Office, phone: Phone) -> None:
    set_pin(phone)
    phone.go_offline()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    lock(phone.page)
    phone.go_offline(offline=False)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    phone.wait_until_sent(1)
    check_complete(office, phone)
    assert phone.page.locator(".screen-lock").is_visible()


def test_who_guesses_waits_longer_each_time_and_a_killed_app_gives_no_try_back(
    phone: Phone,
) -> None:
    page = phone.page
    set_pin(phone)
    lock(page)
    for left in (9, 8):
        type_pin(page, WRONG)
        expect(page.locator(".problem")).to_contain_text(f"还可试 {left} 次")
    type_pin(page, WRONG)
    expect(page.locator(".problem")).to_contain_text("请等 5 秒")
    type_pin(page, PIN)  # the right one, too soon, is not even looked at
    expect(page.locator(".problem")).to_contain_text("请等")
    phone.context.add_init_script("const now = Date.now; Date.now = () => now() + 6 * 60000;")
    page.reload()
    page.wait_for_selector(".screen-lock")
    page.evaluate(FORGET_WAIT)
    type_pin(page, WRONG)
    expect(page.locator(".problem")).to_contain_text("请等 10 秒")


def test_ten_wrong_ones_wipe_the_day_and_the_logins_and_no_record(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    set_pin(phone)
    phone.go_offline()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    phone.fail_item(ITEMS[1])
    phone.take_before(2)  # a draft with two photos
    before = {name: phone.rows(name) for name in ("events", "drafts", "blobs")}
    lock(page)
    for _ in range(10):
        page.evaluate(FORGET_WAIT)
        type_pin(page, WRONG)
    page.wait_for_selector("form input[type=password][autocomplete=current-password]")
    expect(page.locator(".toast.bad")).to_contain_text("未发出的记录都还在")
    assert phone.rows("cache") == []
    assert "老街火锅店" not in page.locator("body").inner_text()
    assert office.tokens  # what the phone held of them is gone all the same:
    kept = json.dumps(phone.rows("meta"))
    assert not any(token in kept for token in office.tokens)
    assert {name: phone.rows(name) for name in before} == before

    page.evaluate("location.hash = '#outbox'")
    page.wait_for_timeout(200)
    assert page.locator(".screen-outbox").count() == 0  # not before a login
    phone.go_offline(offline=False)
    office.delay_s = 0.4  # time to look before all is sent
    phone.log_in()
    page.goto(phone.base + "/field#outbox")
    with page.expect_download() as download:
        page.locator("text=导出为文件").click()
    assert json.loads(Path(download.value.path()).read_text("utf-8"))["format"]
    office.delay_s = 0
    phone.wait_until_sent(1)
    page.goto(phone.base + "/field#today")
    page.locator(".card.draft").click()
    page.locator("text=未完成").click()
    phone.order_by_date()
    phone.wait_until_sent(2)
    check_chain(office)
    check_complete(office, phone)


def test_a_forgotten_pin_is_replaced_by_a_login(phone: Phone) -> None:
    page = phone.page
    set_pin(phone)
    lock(page)
    page.locator("text=忘记 PIN 码").click()
    page.wait_for_selector("input[autocomplete=current-password]")
    phone.log_in()
    expect(page.locator(".toast")).to_contain_text("PIN 码已取消")
    page.goto(phone.base + "/field#me")
    expect(page.locator("text=设置 PIN 码")).to_be_visible()


def test_a_pin_is_changed_and_removed_by_who_knows_it_and_weak_ones_are_refused(
    phone: Phone,
) -> None:
    page = phone.page
    page.goto(phone.base + "/field#pin")
    inputs = page.locator(".screen-pin input")
    said = page.locator(".toast.bad").last
    for first, again, words in (
        ("12345", "12345", "6 位数字"),
        ("111111", "111111", "太容易猜"),
        ("987654", "987654", "太容易猜"),
        (PIN, WRONG, "不一致"),
    ):
        inputs.nth(0).fill(first)
        inputs.nth(1).fill(again)
        page.locator("text=保存 PIN 码").click()
        expect(said).to_contain_text(words)
    set_pin(phone)
    page.locator("text=更改或取消").click()
    page.locator("text=取消 PIN 码").last.click()
    expect(said).to_contain_text("还可试 9 次")
    inputs.nth(0).fill(PIN)
    page.locator(".screen-pin .danger").click()
    page.wait_for_selector(".screen-me")
    expect(page.locator("text=设置 PIN 码")).to_be_visible()


def test_seven_days_without_contact_wipe_the_phone_only_when_nothing_waits(
    office: Office, new_phone: NewPhone
) -> None:
    phone = new_phone(
        script="const now = Date.now; Date.now = () => now() + (+localStorage.days || 0) * 864e5;"
    )
    page = phone.open()
    phone.log_in()
    set_pin(phone)
    phone.go_offline()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    phone.finish_visit()
    page.evaluate("localStorage.days = 8")
    page.reload()
    page.wait_for_selector(".screen-lock")
    assert phone.rows("cache")
    type_pin(page, PIN)
    phone.go_offline(offline=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    phone.wait_until_sent(2)
    phone.go_offline()
    page.evaluate("localStorage.days = 16")
    page.reload()
    page.wait_for_selector("input[autocomplete=current-password]")
    expect(page.locator(".toast")).to_contain_text("已按规定清除")
    assert phone.rows("cache") == []
