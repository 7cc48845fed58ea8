"""The outbox against every fault of a network: nothing is lost, nothing is doubled."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.arrived import check_chain, check_complete
from tests.browser.field_office import INSPECTOR, SECOND, Office
from tests.browser.phone import ITEMS, Phone, make_photo


def test_five_hazards_of_a_basement_arrive_once_each_after_a_reload_and_a_dead_battery(
    office: Office, phone: Phone
) -> None:
    phone.go_offline()
    phone.begin_visit()
    for number, item in enumerate(ITEMS[:3]):
        phone.record_hazard(item, number)
    assert phone.counter() == "0/3"
    phone.page.reload()
    phone.page.wait_for_selector(".screen-visit .check")
    phone.record_hazard(ITEMS[3], 3)
    phone.fail_item(ITEMS[4])  # the same is open here already: said without a signal
    expect(phone.page.locator(".card.warn")).to_contain_text("YH260301-00000000")
    phone.page.locator("text=仍作为新隐患记录").click()
    expect(phone.page.locator(".card.warn")).to_have_count(0)
    phone.take_before(4)
    phone.kill()

    page = phone.open("/field#today")  # the server answers; what was kept goes by itself
    page.locator(".card.draft").click()
    page.locator("text=未完成").click()
    page.wait_for_selector(".tile.is-taken >> nth=1")  # the photos of the draft came through too
    phone.go_offline()
    phone.order_by_date()
    phone.finish_visit()
    phone.go_offline(offline=False)
    phone.wait_until_sent(6)
    assert [one["payload"]["item"] for one in office.bodies("found")] == ITEMS
    assert len(office.bodies("visited")) == 1
    assert len({json.loads(body)["hazard_id"] for body in office.events.values()}) == 6  # and None
    check_chain(office)
    check_complete(office, phone)
    watermarked = [n for one in office.bodies() for n in one["evidence"] if n.get("of")]
    assert {note["of"] for note in watermarked} == set(phone.photos)
    page.goto(phone.base + "/field#today")
    expect(page.locator(".head .big")).to_have_text("还剩 5 处")


def test_a_reply_lost_after_the_commit_doubles_nothing(office: Office, phone: Phone) -> None:
    office.lose_replies = 2
    office.lose_uploads = 1
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    expect(phone.page.locator(".counter")).to_have_text("0/1")
    for _ in range(6):
        phone.page.evaluate("dispatchEvent(new Event('online'))")
        phone.page.wait_for_timeout(400)
    phone.wait_until_sent(1)
    assert office.lose_replies == 0
    assert office.lose_uploads == 0
    assert len(office.arrivals) > 1  # it came more than once,
    assert len(office.events) == 1  # and is there once
    check_complete(office, phone)


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_server_that_is_ill_keeps_the_record_waiting_and_takes_it_when_it_is_well(
    office: Office, phone: Phone, status: int
) -> None:
    office.failing = status
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    page = phone.page
    page.goto(phone.base + "/field#outbox")
    expect(page.locator(".screen .card")).to_contain_text("the server is ill")
    assert [row["status"] for row in phone.rows("events")] == ["waiting"]
    office.failing = None
    page.locator("text=立即发送").click()
    phone.wait_until_sent(1)
    check_complete(office, phone)


def test_the_login_page_of_a_wifi_is_no_receipt(phone: Phone) -> None:
    page = phone.page
    page.route("**/sync", lambda route: route.fulfill(status=200, body="<html>Log in</html>"))
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    page.wait_for_timeout(500)
    assert [row["status"] for row in phone.rows("events")] == ["waiting"]
    other = {"id": "x", "sha256": "0" * 64, "outcome": "applied", "missing_evidence": []}
    page.unroute("**/sync")
    row = phone.rows("events")[0]
    page.route(
        "**/sync",
        lambda route: route.fulfill(json={"now": "", "results": [{**other, "id": row["id"]}]}),
    )
    page.goto(phone.base + "/field#outbox")
    page.locator("text=立即发送").click()
    expect(page.locator(".screen .card")).to_contain_text("与此记录不符")
    assert [one["status"] for one in phone.rows("events")] == ["waiting"]


def test_an_ended_login_stops_nobody_from_recording_and_the_next_one_sends(
    office: Office, phone: Phone
) -> None:
    office.expire_logins()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    banner = phone.page.locator(".banner.bad")
    expect(banner).to_contain_text("登录已失效")
    phone.record_hazard(ITEMS[1], 2)
    assert phone.counter() == "0/2"
    banner.locator("button").click()
    phone.page.locator("form input[type=password]").fill("secret")
    phone.page.locator("form button[type=submit]").click()
    phone.wait_until_sent(2)
    expect(phone.page.locator(".banner")).to_have_count(0)
    check_chain(office)
    check_complete(office, phone)


def test_on_a_shared_phone_each_record_goes_under_the_name_of_who_made_it(
    office: Office, phone: Phone
) -> None:
    phone.go_offline()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    page = phone.page
    page.goto(phone.base + "/field#me")
    page.locator("text=换人使用").click()
    page.wait_for_selector("form input[type=password]")
    phone.go_offline(offline=False)
    phone.log_in("li")
    phone.begin_visit(1)
    phone.record_hazard(ITEMS[1], 2)
    phone.wait_until_sent(2)
    assert [one["account"] for one in office.bodies("found")] == [INSPECTOR, SECOND]
    check_chain(office)


def test_a_refusal_is_kept_shown_with_its_reason_and_put_away_by_a_person(
    office: Office, phone: Phone
) -> None:
    words = {"rule": "stale", "zh": "此隐患已被王科长办理", "en": "acted on meanwhile"}
    office.refuse["passed"] = words
    page = phone.page
    page.goto(phone.base + "/field#cases")
    page.locator(".card.task").first.click()
    page.locator("text=复查合格").click()
    phone.take(0, make_photo(3))
    page.locator(".actions .button").click()
    expect(page.locator(".banner.bad")).to_contain_text("退回")
    sent = office.bodies("passed")[0]
    assert (sent["expected_version"], sent["role"]) == (5, "reinspector")
    assert [note["kind"] for note in sent["evidence"]] == ["reinspection", "watermarked"]
    page.reload()
    expect(page.locator(".note.bad")).to_contain_text("王科长")
    page.goto(phone.base + "/field#outbox")
    expect(page.locator(".card.bad")).to_contain_text("王科长")
    page.locator("text=知道了").first.click()
    expect(page.locator(".banner.bad")).to_have_count(0)
    assert [row["outcome"] for row in phone.rows("received")] == ["refused"]
    assert office.evidence  # the photo of a refused record is evidence all the same


def test_what_is_recorded_while_another_is_being_sent_goes_right_after_it(
    office: Office, phone: Phone
) -> None:
    phone.begin_visit()
    office.delay_s = 1.5
    phone.record_hazard(ITEMS[1], 1)
    phone.finish_visit()
    assert len(office.events) < 2
    office.delay_s = 0
    phone.wait_until_sent(2)
    check_chain(office)


def test_a_record_the_server_cannot_read_waits_for_a_person_and_stops_no_other(
    office: Office, phone: Phone
) -> None:
    problem = {"status": 400, "title": "有误", "detail": "记录的 payload 有误"}
    office.reject["visited"] = problem
    phone.begin_visit()
    phone.finish_visit()
    expect(phone.page.locator(".banner.bad")).to_contain_text("1 条记录需要处理")
    phone.begin_visit(1)
    phone.record_hazard(ITEMS[1], 1)
    expect(phone.page.locator(".counter")).to_have_text("1/2")
    page = phone.page
    page.goto(phone.base + "/field#outbox")
    expect(page.locator(".card.bad")).to_contain_text("记录的 payload 有误")
    office.reject.clear()
    page.locator(".card.bad button").click()
    phone.wait_until_sent(2)
    check_chain(office)
