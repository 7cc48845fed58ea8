"""A team that was called out records its steps at the flood point with the phone, offline too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.field_office import Office
from tests.browser.phone import NewPhone, Phone

CALL_OUT = "0190c0de-0000-7000-8000-000000000c01"


def call_out(new_phone: NewPhone, office: Office) -> Phone:
    """A phone that has heard of a call-out to the fifth site, where it has a task too."""
    office.day["call_outs"] = [
        {
            "id": CALL_OUT,
            "asset_id": office.day["assets"][4]["id"],
            "team": "抢险一队",
            "warning": "orange",
            "called_at": (datetime.now(UTC) - timedelta(minutes=20)).isoformat(),
            "arrived_at": None,
        }
    ]
    phone = new_phone()
    phone.open()
    phone.log_in()
    return phone


def test_the_steps_of_a_call_out_are_recorded_at_once_and_survive_without_a_signal(
    new_phone: NewPhone, office: Office
) -> None:
    phone = call_out(new_phone, office)
    page = phone.page
    page.locator(".card.tappable.warn", has_text="抢险一队").click()
    page.wait_for_selector(".screen-visit .call-out")
    phone.go_offline()
    page.locator("[data-step=team_arrived]").click()
    expect(page.locator("[data-step=team_arrived]")).to_have_count(0)
    card = page.locator(".call-out")
    card.locator("input").fill("0,55")
    card.locator("[data-step=water_measured]").click()
    expect(card.locator(".recorded")).to_have_count(2)
    card.locator("textarea").fill("开泵抽排")
    card.locator("[data-step=action_taken]").click()
    expect(card.locator(".recorded")).to_have_count(3)
    page.reload()
    expect(card.locator(".recorded")).to_have_count(3)
    phone.go_offline(offline=False)
    card.locator("[data-step=water_gone]").click()
    expect(card.locator("button")).to_have_count(0)
    phone.wait_until_sent(4)
    sent = office.bodies()
    assert [one["type"] for one in sent] == [
        "team_arrived", "water_measured", "action_taken", "water_gone",
    ]  # fmt: skip
    assert {one["payload"]["call_out"] for one in sent} == {CALL_OUT}
    assert sent[1]["payload"]["depth_m"] == 0.55
    assert sent[2]["payload"]["action"] == "开泵抽排"
    assert {one["asset_id"] for one in sent} == {office.day["assets"][4]["id"]}
    assert len({one["visit_id"] for one in sent}) == 1


def test_a_depth_that_is_none_is_not_recorded(new_phone: NewPhone, office: Office) -> None:
    phone = call_out(new_phone, office)
    phone.page.locator(".card.tappable.warn", has_text="抢险一队").click()
    card = phone.page.locator(".call-out")
    for depth in ("", "深", "-1", "25"):
        card.locator("input").fill(depth)
        card.locator("[data-step=water_measured]").click()
        expect(phone.page.locator(".toast.bad")).to_be_visible()
    expect(card.locator(".recorded")).to_have_count(0)
    assert office.bodies() == []


def test_where_nobody_was_called_out_a_visit_is_as_it_was(phone: Phone) -> None:
    phone.begin_visit(0)
    expect(phone.page.locator(".call-out")).to_have_count(0)
