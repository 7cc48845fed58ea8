"""Flood duty and land plots on the office's page, in a browser over the demonstration county."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.hazards.rebuild import check
from tests.api.crowd import Crowd
from tests.browser.conftest import OpenPage
from tests.browser.test_office import go, open_office, serve_bureau
from tests.conftest import CloneDatabase
from tests.gis.hazards.records import Phone, id_of


@pytest.fixture(scope="module")
def bureau(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Crowd]:
    with serve_bureau(cluster, clone_database, vendor) as crowd:
        yield crowd


def fill(page: Page, **fields: str) -> Locator:
    form = page.locator("dialog[open] form")
    for name, value in fields.items():
        control = form.locator(f"[name='{name}']")
        if control.evaluate("one => one.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    form.locator("button[type=submit]").click()
    return form


def closed(page: Page) -> None:
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_call_out_is_walked_through_its_steps_by_clicks(
    bureau: Crowd, open_page: OpenPage
) -> None:
    opened = open_office(open_page, bureau, "officer", "#duty")
    page = opened.page
    expect(page.locator(".level").first).to_have_text("Level III · Orange")
    expect(page.locator(".call-out")).to_have_count(2)
    page.click("[data-open=call]")
    form = page.locator("dialog[open] form")
    point = form.locator("[name=point] option").nth(9).get_attribute("value") or ""
    fill(page, point=point, team="排水应急队")
    closed(page)
    expect(page.locator(".call-out")).to_have_count(3)
    mine = page.locator(".call-out").first  # the newest stands first
    called = mine.get_attribute("data-call-out")
    mine = page.locator(f"[data-call-out='{called}']")
    expect(mine.locator("[data-step=call_out_cancelled]")).to_be_visible()
    mine.locator("[data-step=team_arrived]").click()
    expect(mine.locator("[data-step=team_arrived]")).to_have_count(0)
    expect(mine.locator("[data-step=call_out_cancelled]")).to_have_count(0)
    mine.locator("[data-step=water_measured]").click()
    fill(page, depth_m="0.45")
    closed(page)
    expect(mine.locator(".depth")).to_have_text("deepest 0.45 m")
    mine.locator("[data-step=water_gone]").click()
    expect(page.locator(".call-out")).to_have_count(2)
    page.locator(".duty details summary").click()
    expect(page.locator(f"[data-ended='{called}']")).to_contain_text("0.45")
    assert opened.complaints == []


def test_what_is_out_of_order_is_refused_in_words_and_the_dialog_stays(
    bureau: Crowd, open_page: OpenPage
) -> None:
    page = open_office(open_page, bureau, "leader", "#duty").page
    page.click("[data-open=shift]")
    form = fill(
        page, starts_at="2026-11-26T08:00", ends_at="2026-11-25T20:00", leader="甲", members="乙"
    )
    expect(form.locator(".problem")).to_have_text("Not applied:the shift ends before it starts")
    form.locator("[name=ends_at]").fill("2026-11-26T20:00")
    form.locator("[name=members]").fill("")
    form.locator("button[type=submit]").click()
    expect(form.locator(".problem")).to_have_text("Please give: Members")
    page.keyboard.press("Escape")
    expect(page.locator(".gaps .gap")).to_have_count(1)
    page.locator(".gaps button").click()
    assert page.locator("dialog[open] [name=starts_at]").input_value() == "2026-11-24T08:00"
    fill(page, leader="钱副局长", members="周敏、吴涛")
    closed(page)
    expect(page.locator(".gaps")).to_have_count(0)
    expect(page.locator(".duty-top .good")).to_contain_text("covered")


def test_an_incident_is_reported_first_following_final(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_office(open_page, bureau, "officer", "#duty").page
    page.click("[data-open=incident]")
    fill(page, what="河水漫过步道")
    closed(page)
    mine = page.locator(".incident").filter(has_text="河水漫过步道")
    expect(mine).to_contain_text("first report due by")
    for serial in ("first", "following", "final"):
        mine.locator("[data-open=report]").click()
        fill(page, serial=serial, sent_to="县防汛办", what=f"情况 {serial}")
        closed(page)
    expect(mine.locator(".steps li strong")).to_have_text(
        ["First report", "Following report", "Final report"]
    )
    expect(mine.locator("[data-open=report]")).to_have_count(0)


def test_the_level_is_lifted_and_today_goes_quiet_where_nobody_is_out(
    bureau: Crowd, open_page: OpenPage
) -> None:
    page = open_office(open_page, bureau, "officer", "#today").page
    expect(page.locator(".flood-strip")).to_contain_text("Level III")
    expect(page.locator(".flood-points li")).to_have_count(2)
    go(page, "#duty")
    page.click("[data-open=level]")
    fill(page, response="", warning="")
    closed(page)
    expect(page.locator(".level").first).to_have_text("No response in force")
    for _ in range(2):
        count = page.locator(".call-out").count()
        page.locator(".call-out [data-step=water_gone]").first.click()
        expect(page.locator(".call-out")).to_have_count(count - 1)
    go(page, "#today")
    page.wait_for_selector(".desk")
    expect(page.locator(".flood-strip")).to_have_count(0)


def test_an_inspector_sees_no_names_of_duty_and_no_tab(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_office(open_page, bureau, "inspector", "#duty").page
    expect(page.locator(".tabs [href='#duty']")).to_have_count(0)
    expect(page.locator(".today h1")).to_have_text("Today")
    assert bureau.log_in("inspector").get("/flood/duty").status_code == 403


def test_a_plot_goes_its_route_by_clicks(bureau: Crowd, open_page: OpenPage) -> None:
    officer = bureau.log_in("officer")
    plots = officer.get("/plots?limit=1000").json()["plots"]
    issued = next(p for p in plots if p["stage"] == "issued" and p["route"] is None)
    opened = open_office(open_page, bureau, "officer", f"#plots/{issued['id']}")
    page = opened.page
    page.click("[data-open=route]")
    fill(page, route="demolish")
    closed(page)
    expect(page.locator(".route > li")).to_have_count(4)
    page.click("[data-advance=filed]")
    fill(page, **{"before.area_m2": "3", "before.cultivated_m2": "1.5"})
    closed(page)
    expect(page.locator("[data-stage=filed]")).to_contain_text("3 mu")
    page.click("[data-advance=submitted]")
    form = fill(page)
    expect(form.locator(".problem")).to_have_text("Please give: Document number")
    fill(page, document="报〔2026〕8号")
    closed(page)
    expect(page.locator("[data-stage=submitted]")).to_contain_text("报〔2026〕8号")
    page.click("[data-enforce=court_applied]")
    form = fill(page)
    expect(form.locator(".problem")).to_contain_text("the decision was not served yet")
    page.keyboard.press("Escape")
    page.click("[data-enforce=decision_served]")
    fill(page)
    closed(page)
    expect(page.locator(".enforcement")).to_contain_text("Time to sue is running")
    one = officer.get(f"/plots/{issued['id']}").json()
    assert one["plot"]["stage"] == "submitted"
    filed = next(s for s in one["steps"] if s["step"] == "filed")
    assert filed["before"]["area_m2"] == 2000  # three mu
    assert opened.complaints == []


def test_a_case_found_at_a_plot_shows_the_plots_steps(bureau: Crowd, open_page: OpenPage) -> None:
    plots = bureau.log_in("officer").get("/plots?limit=1000").json()["plots"]
    done = next(p for p in plots if p["stage"] == "closed")
    phone = Phone(account=bureau.ids["inspector"])
    facts = {"category": "land", "description": "复耕不到位"}
    body = phone.write("found", bureau.clock(), payload=facts, asset_id=done["id"])
    answer = bureau.log_in("inspector").put(f"/events/{id_of(body)}", content=body).json()
    page = open_office(open_page, bureau, "officer", f"#cases/{answer['hazard_id']}").page
    expect(page.locator(".case-plot .route .is-done")).to_have_count(4)


def test_the_duty_sheet_prints_on_one_a3(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_office(open_page, bureau, "officer", "#dutysheet").page
    page.locator(".duty-sheet").wait_for()
    printed = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    sizes = {(round(float(w) * 25.4 / 72), round(float(h) * 25.4 / 72)) for w, h in boxes}
    assert sizes == {(420, 297)}  # millimetres, ISO 216
    assert len(boxes) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1440, 390])
def test_duty_sheet_and_plots_fit_their_screens(
    bureau: Crowd, open_page: OpenPage, language: str, width: int
) -> None:
    opened = open_office(open_page, bureau, "officer", "#duty", width=width, height=844)
    page = opened.page
    if language == "zh":
        page.click("#language")
    plot = bureau.log_in("officer").get("/plots?limit=1").json()["plots"][0]["id"]
    for place, mark in (
        ("#duty", ".duty h1"), ("#dutysheet", ".duty-sheet"), ("#plots", ".plots .row"),
        (f"#plots/{plot}", ".plot"),
    ):  # fmt: skip
        go(page, place)
        page.locator(mark).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
    if language == "zh":
        assert "违法" in page.locator("html").inner_text() or "整改" in page.inner_text("main")
    assert opened.complaints == []


def test_everything_clicked_follows_from_the_log(bureau: Crowd) -> None:
    with bureau.db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        assert check(connection) == []
