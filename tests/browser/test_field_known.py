"""What the phone takes for open: the office's answer decides over what the phone remembers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.field_office import Office
from tests.browser.phone import Phone


def fetch_day(phone: Phone) -> None:
    page = phone.page
    page.goto(phone.base + "/field#today")
    page.wait_for_selector(".screen-today")
    with page.expect_response(lambda answer: "/sync" in answer.url):
        page.locator("text=更新任务").click()
    page.wait_for_timeout(300)


def test_what_the_office_has_closed_is_neither_listed_nor_taken_for_open(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    phone.begin_visit()
    phone.record_hazard("gas.shutoff", 1)
    phone.wait_until_sent(1)
    code = office.bodies("found")[0]["payload"]["code"]
    page.goto(phone.base + "/field#cases")
    card = page.locator(".card", has_text=code)
    expect(card).to_contain_text("服务器已收到")  # no answer of the office speaks of it yet
    fetch_day(phone)  # closed: it is in no answer
    page.goto(phone.base + "/field#cases")
    page.wait_for_selector(".screen-cases .card")
    expect(card).to_have_count(0)
    phone.begin_visit()
    expect(page.locator(".screen-visit")).not_to_contain_text(f"{code}补充")
    expect(page.locator(".open-row", has_text=code)).to_have_count(0)


def test_what_the_office_removes_from_the_day_is_gone_and_what_it_keeps_is_shown_once(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    phone.begin_visit()
    phone.record_hazard("gas.shutoff", 1)
    phone.wait_until_sent(1)
    found = office.bodies("found")[0]
    hazard = {**office.day["hazards"][2], "id": found["hazard_id"], "item": "gas.shutoff",
              "code": found["payload"]["code"], "asset_id": found["asset_id"]}  # fmt: skip
    office.day["hazards"].append(hazard)
    office.version += 1
    fetch_day(phone)
    page.goto(phone.base + "/field#cases")
    card = page.locator(".card", has_text=hazard["code"])
    expect(card).to_have_count(1)
    expect(card).not_to_contain_text("服务器已收到")
    office.day["hazards"].pop()
    office.day["removed"] = {"tasks": [], "assets": [], "hazards": [hazard["id"]]}
    fetch_day(phone)
    page.goto(phone.base + "/field#cases")
    page.wait_for_selector(".screen-cases .card")
    expect(card).to_have_count(0)


def test_what_waits_to_be_sent_stays_whatever_the_office_answers(
    office: Office, phone: Phone
) -> None:
    office.reject["found"] = {"status": 400, "title": "有误", "detail": "有误"}
    phone.begin_visit()
    phone.record_hazard("gas.shutoff", 1)
    fetch_day(phone)
    phone.page.goto(phone.base + "/field#cases")
    expect(phone.page.locator(".card", has_text="等待发送")).to_have_count(1)
