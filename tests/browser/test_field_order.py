"""Ordering by a date: the rule's date is preset, a later one has its reason, the unit signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from gis.hazards.forms import forms_document
from tests.browser.field_office import Office
from tests.browser.phone import Phone

COUNTY = ZoneInfo("Asia/Shanghai")


def county_day(later: timedelta) -> str:
    return (datetime.now(UTC) + later).astimezone(COUNTY).date().isoformat()


def open_order(office: Office, phone: Phone, item: str) -> Page:
    """The order of an item of the catalogue, its two photos taken."""
    office.day["forms"] = forms_document()
    office.day["tasks"][0]["category"] = item.partition(".")[0]
    office.version += 1
    page = phone.page
    page.locator("text=更新任务").click()
    page.wait_for_timeout(500)
    phone.begin_visit()
    phone.fail_item(item)
    phone.take_before(1)
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    return page


def test_a_cover_that_is_missing_is_due_in_six_hours_not_in_a_week(
    office: Office, phone: Phone
) -> None:
    page = open_order(office, phone, "sewer.cover_missing")
    limit = page.locator(".limit")
    expect(limit).to_contain_text("6 小时内")
    expect(limit).to_contain_text("2 小时内先控制")
    expect(limit).to_contain_text("局内检查惯例 · 依据待核实")
    preset = county_day(timedelta(hours=6))
    expect(page.locator("input[type=date]")).to_have_value(preset)
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")
    phone.wait_until_sent(1)
    assert office.bodies("found")[0]["payload"]["order_due_on"] == preset


def test_a_later_date_needs_its_reason(office: Office, phone: Phone) -> None:
    page = open_order(office, phone, "sewer.cover_missing")
    reason = page.get_by_label("放宽期限的理由")
    expect(reason).to_be_hidden()
    later = county_day(timedelta(days=7))
    page.locator("input[type=date]").fill(later)
    page.locator(".actions .button").click()
    expect(page.locator(".toast.bad")).to_contain_text("请写明理由")
    reason.fill("备件三天后到货")
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")
    phone.wait_until_sent(1)
    payload = office.bodies("found")[0]["payload"]
    assert (payload["order_due_on"], payload["order_reason"]) == (later, "备件三天后到货")


@pytest.mark.parametrize(
    ("item", "severity", "days"),
    [("sewer.cover_sunken", "一般隐患A", 7), ("gas.no_permit", "重大隐患", 15)],
)
def test_without_a_rule_of_its_own_the_bureaus_limit_is_preset(
    office: Office, phone: Phone, item: str, severity: str, days: int
) -> None:
    """Each by the catalogue: 15 days for a major hazard, 7 for a general one of class A."""
    page = open_order(office, phone, item)
    expect(page.locator(".limit")).to_contain_text(f"局内期限({severity})")
    expect(page.locator("input[type=date]")).to_have_value(county_day(timedelta(days=days)))


def open_gas_order(phone: Phone) -> Page:
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    phone.page.locator(".actions .button.amber").click()
    phone.page.wait_for_selector(".screen-order")
    return phone.page


def test_an_order_is_signed_by_the_unit(office: Office, phone: Phone) -> None:
    page = open_gas_order(phone)
    page.locator(".actions .button").click()
    expect(page.locator(".toast.bad")).to_contain_text("需要签字")
    phone.sign()
    page.get_by_label("签字人").fill("刘老板")
    page.wait_for_timeout(200)
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")
    phone.wait_until_sent(1)
    (found,) = office.bodies("found")
    (signature,) = [note for note in found["evidence"] if note["kind"] == "signature"]
    assert office.evidence[signature["sha256"]].startswith(b"\x89PNG")
    assert found["payload"]["signed_by"] == "刘老板"


def test_or_refuses_and_it_is_written_why(office: Office, phone: Phone) -> None:
    page = open_gas_order(phone)
    page.locator(".segment", has_text="拒绝签字").click()
    page.locator(".actions .button").click()
    expect(page.locator(".toast.bad")).to_contain_text("拒签理由")
    page.get_by_label("拒签理由").fill("负责人不在场")
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")
    phone.wait_until_sent(1)
    (found,) = office.bodies("found")
    assert found["payload"]["refused_reason"] == "负责人不在场"
    assert "signature" not in {note["kind"] for note in found["evidence"]}


def test_where_nobody_is_there_to_sign_nobody_is_asked(office: Office, phone: Phone) -> None:
    page = open_order(office, phone, "sewer.cover_missing")
    expect(page.locator(".signature")).to_have_count(0)
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")


def test_where_a_finding_comes_from_is_chosen(office: Office, phone: Phone) -> None:
    phone.begin_visit()
    origin = phone.page.get_by_label("发现来源")
    expect(origin).to_have_value("department")
    origin.select_option(label="12345")
    phone.record_hazard("gas.shutoff", 1)
    phone.wait_until_sent(1)
    assert office.bodies("found")[0]["payload"]["origin"] == "hotline"


def test_a_visit_may_be_signed(office: Office, phone: Phone) -> None:
    page = phone.page
    phone.begin_visit()
    page.locator("text=被检查单位签字(选填)").click()
    phone.sign()
    page.wait_for_timeout(200)
    phone.finish_visit()
    phone.wait_until_sent(1)
    (visited,) = office.bodies("visited")
    (signature,) = visited["evidence"]
    assert signature["kind"] == "signature"
    assert signature["sha256"] in office.evidence
    assert phone.rows("blobs") == []
