"""Plans, notices, look-alikes and gaps on the office's page and the duty holder's, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from gis.db.cluster import Cluster
from gis.hazards.supervision import escalate
from tests.api.crowd import Crowd
from tests.api.tus import upload
from tests.browser.conftest import OpenPage
from tests.browser.test_office import (
    act,
    await_state,
    find_hazard,
    go,
    open_office,
    serve_bureau,
)
from tests.conftest import CloneDatabase
from tests.gis.evidence.photos import make_jpeg
from tests.gis.hazards.records import Phone, id_of, photo

PLAN = {
    "leader": "王建国",
    "measures": "更换全部软管,加装报警器",
    "money": "自筹 1.2 万元",
    "person": "李强",
    "deadline": "2026-11-20",
    "contingency": "停气、疏散、现场值守",
}


@pytest.fixture(scope="module")
def bureau(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Crowd]:
    with serve_bureau(cluster, clone_database, vendor) as crowd:
        yield crowd


def order_major(bureau: Crowd, page: Page, seed: int) -> UUID:
    """A major hazard that was registered by clicking, and noticed by the leader."""
    hazard = find_hazard(bureau, seed, description="后厨软管老化")
    go(page, f"#cases/{hazard}")
    await_state(page, "Found")
    act(page, "registered", severity="major")
    await_state(page, "Registered")
    expect(page.locator("[data-act=notified]")).to_have_count(0)  # it is the leader's
    notice = {"refused_reason": "负责人外出", "document": "改〔2026〕9号"}
    body = Phone(account=bureau.ids["leader"]).write(
        "notified", bureau.clock(), role="leader", hazard_id=hazard, expected_version=2,
        payload=notice,
    )  # fmt: skip
    answer = bureau.log_in("leader").put(f"/events/{id_of(body)}", content=body).json()
    assert answer["outcome"] == "applied", answer
    go(page, "#today")
    go(page, f"#cases/{hazard}")
    await_state(page, "Notified")
    return hazard


def test_a_plan_is_filed_refused_by_name_and_amended_by_the_office(
    bureau: Crowd, open_page: OpenPage
) -> None:
    opened = open_office(open_page, bureau, "officer")
    page = opened.page
    order_major(bureau, page, 41)
    expect(page.locator(".case-plan")).to_contain_text("No plan has been filed")
    page.click("[data-act=plan_filed]")
    form = page.locator("dialog[open] form")
    for name in ("leader", "measures", "person"):
        form.locator(f"[name={name}]").fill(PLAN[name])
    form.locator("button[type=submit]").click()
    expect(form.locator(".problem")).to_have_text("Please give: Money, Deadline, Contingency plan")
    for name in ("money", "deadline", "contingency"):
        form.locator(f"[name={name}]").fill(PLAN[name])
    document = {"name": "方案.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
    form.locator("input[type=file]").set_input_files(document)
    expect(form.locator(".chosen li")).to_have_count(1)
    form.locator("button[type=submit]").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(".plan")).to_contain_text("Version 1")
    expect(page.locator(".plan")).to_contain_text(PLAN["contingency"])
    clock = page.locator(".clocks li").filter(has_text="Rectification plan handed in")
    expect(clock).to_contain_text("met on")
    act(page, "plan_filed", money="自筹 3 万元")  # the rest stands in the form already
    expect(page.locator(".plan")).to_contain_text("Version 2")
    expect(page.locator(".plan")).to_contain_text("自筹 3 万元")
    expect(page.locator(".timeline")).to_contain_text("Version 1")
    assert opened.complaints == []


def test_the_duty_holder_files_the_plan_by_the_link(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_office(open_page, bureau, "officer").page
    order_major(bureau, page, 42)
    page.get_by_role("button", name="Link for the duty holder").click()
    address = page.locator("dialog code").inner_text()
    holder = open_page(bureau.base, address.removeprefix(bureau.base), width=390, height=844)
    theirs = holder.page
    expect(theirs.locator(".case-plan")).to_contain_text("No plan has been filed")
    act(theirs, "plan_filed", **PLAN)
    expect(theirs.locator(".plan")).to_contain_text("Version 1")
    assert theirs.evaluate("document.documentElement.scrollWidth") <= 390
    assert holder.complaints == []


def test_a_notice_is_counted_read_printed_and_acknowledged(
    bureau: Crowd, open_page: OpenPage
) -> None:
    assert escalate(bureau.db, now=bureau.clock()) > 0
    opened = open_office(open_page, bureau, "leader", "#notices")
    page = opened.page
    first = page.locator(".is-unread").first
    expect(first).to_be_visible()
    count = int(bureau.log_in("leader").get("/notices").json()["unread"])
    badge = page.locator("#unread")
    expect(badge).to_have_text("99+" if count > 99 else str(count))
    expect(page.locator(".title-line")).to_contain_text(f"{count} not acknowledged")
    code = re.search(r"YH[\w-]+", first.inner_text())
    assert code is not None
    first.locator("[data-notice]").click()
    expect(page.locator(".title-line")).to_contain_text(f"{count - 1} not acknowledged")
    expect(page.locator(".notice-body")).to_contain_text("Acknowledged 2026")
    page.locator(".is-unread").first.get_by_text("Supervision slip").click()
    expect(page.locator(".sheet h1")).to_have_text("Supervision slip")
    expect(page.locator(".sheet tbody")).to_contain_text("Raised to")
    page.reload()
    expect(badge).to_have_text("99+" if count > 100 else str(count - 1))
    assert opened.complaints == []


def test_an_inspector_has_an_empty_inbox(bureau: Crowd, open_page: OpenPage) -> None:
    page = open_office(open_page, bureau, "inspector", "#notices").page
    expect(page.locator(".empty")).to_have_text("Nothing has been raised to you")
    expect(page.locator("#unread")).to_be_hidden()


def test_a_photo_that_is_nearly_anothers_is_named_for_a_person_to_look_at(
    bureau: Crowd, open_page: OpenPage
) -> None:
    phone, client = Phone(account=bureau.ids["inspector"]), bureau.log_in("inspector")
    picture = make_jpeg(61)
    hazards, codes = [], []
    for _ in range(2):
        facts = {"category": "gas", "description": "同一张照片"}
        body = phone.write(
            "found", bureau.clock(), payload=facts, evidence=[photo("before_wide", picture)]
        )
        answer = client.put(f"/events/{id_of(body)}", content=body).json()
        hazards.append(answer["hazard_id"])
        codes.append(client.get(f"/hazards/{answer['hazard_id']}").json()["hazard"]["code"])
    assert upload(client, picture).answer.status_code in (201, 204)
    opened = open_office(open_page, bureau, "officer", f"#cases/{hazards[0]}")
    note = opened.page.locator(".case-alike")
    expect(note).to_contain_text("To be verified")
    expect(note).to_contain_text(codes[1])
    note.locator("a").click()
    expect(opened.page.locator(".case-code")).to_have_text(codes[1])
    assert opened.complaints == []


def test_missing_numbers_of_a_device_are_named_beside_the_figures(
    bureau: Crowd, open_page: OpenPage
) -> None:
    phone, client = Phone(account=bureau.ids["inspector"]), bureau.log_in("inspector")
    phone.seq = 4
    facts = {"category": "gas", "description": "缺号"}
    body = phone.write("found", bureau.clock(), payload=facts)
    assert client.put(f"/events/{id_of(body)}", content=body).status_code == 201
    opened = open_office(open_page, bureau, "leader", "#figures?preset=ever")
    row = opened.page.locator(".sync tbody tr").filter(has_text=str(phone.id)[:8])
    expect(row).to_contain_text("1 / 5")
    expect(row).to_contain_text("1–4")
    expect(opened.page.locator(".rates").first).to_contain_text("Recurrence within a year")
    assert opened.complaints == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_new_fits_a_phone_in_both_languages(
    lang: str, bureau: Crowd, open_page: OpenPage
) -> None:
    office = open_office(open_page, bureau, "officer").page
    hazard = order_major(bureau, office, 43 if lang == "zh" else 44)
    opened = open_office(open_page, bureau, "leader", width=390, height=844)
    page = opened.page
    if lang == "zh":
        page.click("#language")
    for place in ("#notices", f"#cases/{hazard}", "#figures?preset=ever"):
        go(page, place)
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, place
        words = page.inner_text("main")
        assert "{" not in words
        assert "undefined" not in words
        if lang == "zh":
            assert not re.search(r"\b(Acknowledge|Raised|Plan|Version|Missing)\b", words), place
    assert opened.complaints == []
