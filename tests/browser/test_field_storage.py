"""What the phone keeps: full disks, two tabs, the file for the office."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import Page, expect

from tests.browser.arrived import check_chain, check_complete
from tests.browser.field_office import INSPECTOR, Office
from tests.browser.phone import ITEMS, NewPhone, Phone, make_photo


def test_a_full_phone_keeps_the_record_and_says_what_it_could_not_keep(
    office: Office, new_phone: NewPhone
) -> None:
    phone = new_phone(disk="80m")
    page = phone.open()
    phone.log_in()
    phone.begin_visit()
    phone.go_offline()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    phone.fill_disk()
    large = make_photo(50, size=(3000, 2250))
    file = {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": large}
    page.locator(".tile input").first.set_input_files([file])
    expect(page.locator(".toast.bad", has_text="这张照片存不下")).to_be_visible()
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    save_or_be_told(page)
    if page.locator(".screen-order").is_visible():  # no room for a word either: it was said
        phone.empty_disk()
        save_or_be_told(page)
    page.wait_for_selector(".screen-visit")
    page.reload()
    page.wait_for_selector(".screen-visit")
    (row,) = phone.rows("events")
    kept = {blob["sha256"] for blob in phone.rows("blobs")}
    assert kept == {note["sha256"] for note in json.loads(str(row["body"]))["evidence"]}
    assert set(phone.photos) <= kept  # the camera's own come before any copy
    phone.empty_disk()
    phone.go_offline(offline=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    phone.wait_until_sent(1)
    check_complete(office, phone)


def save_or_be_told(page: Page) -> None:
    """Either the record is kept, or the phone offers it as a file; never silence."""
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit, dialog")
    if page.locator("dialog").is_visible():
        expect(page.locator("dialog")).to_contain_text("手机已满,记录没有存入")
        page.locator("dialog .button").last.click()


def test_a_phone_with_no_room_at_all_hands_the_record_out_as_a_file(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    page.locator("textarea").fill("阀门拆除")
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    fill_up(page)
    page.locator(".actions .button").click()
    expect(page.locator("dialog")).to_contain_text("手机已满,记录没有存入")
    with page.expect_download() as download:
        page.locator("dialog .button.primary").click()
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (saved["format"], saved["account"]) == ("infratrack-outbox/1", INSPECTOR)
    (record,) = [json.loads(body) for body in saved["events"]]
    assert record["device"]["id"] == saved["device_id"]
    assert record["payload"]["description"] == "阀门拆除"
    held = {blob["sha256"] for blob in saved["blobs"]}
    assert held == {note["sha256"] for note in record["evidence"]} > set(phone.photos)
    assert all("of" not in note for note in record["evidence"])  # copies made way
    assert set(phone.photos) <= {blob["sha256"] for blob in phone.rows("blobs")}
    expect(page.locator(".banner.bad", has_text="只在导出的文件里")).to_be_visible()
    hand_in(page, saved)
    assert list(office.events.values()) == [saved["events"][0].encode()]
    page.evaluate("window.full = false")  # somebody made room: the form is still there
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")
    phone.wait_until_sent(1)
    expect(page.locator(".banner.bad")).to_have_count(0)
    assert len(office.events) == 1  # the file and the phone hold the same record
    check_chain(office)
    check_complete(office, phone)


def test_what_is_entered_after_a_record_was_handed_out_is_there_when_it_goes_in(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    fill_up(page)
    page.locator(".actions .button").click()
    with page.expect_download():
        page.locator("dialog .button.primary").click()
    phone.begin_visit()  # the same visit again: another hazard, with a photo, not saved yet
    phone.fail_item("gas.hose_aged")
    page.locator("textarea").fill("软管龟裂")
    phone.take(0, make_photo(77))
    page.wait_for_timeout(500)  # what was typed is kept a quarter of a second later
    page.reload()  # and there is room
    phone.wait_until_sent(1)
    (draft,) = phone.rows("drafts")
    findings = cast("list[dict[str, Any]]", draft["findings"])  # Any: JSON
    assert [(one["item"], one["description"]) for one in findings] == [
        ("gas.hose_aged", "软管龟裂")
    ]
    kept = {str(blob["sha256"]) for blob in phone.rows("blobs")}
    assert {photo["sha256"] for photo in findings[0]["photos"]} <= kept
    assert [one["item"] for one in cast("list[dict[str, Any]]", draft["recorded"])] == [
        "gas.shutoff"
    ]
    assert len(office.events) == 1


def test_what_was_repaired_after_it_was_handed_out_as_an_order_is_recorded_too(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    phone.begin_visit()
    phone.add_colleague()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    fill_up(page)
    page.locator(".actions .button").click()
    with page.expect_download():
        page.locator("dialog .button.primary").click()
    page.go_back()
    page.wait_for_selector(".screen-hazard .tiles")
    page.evaluate("window.full = false")
    page.locator(".actions .button").first.click()
    page.wait_for_selector(".screen-fix .signature")
    phone.take(0, make_photo(77))
    page.locator(".actions .button").click()
    page.wait_for_selector(".recorded")
    phone.wait_until_sent(2)
    assert [json.loads(body)["type"] for body in office.events.values()] == [
        "found",
        "fixed_on_spot",
    ]
    check_complete(office, phone)


def fill_up(page: Page) -> None:
    """From now on no record finds room on the phone."""
    page.evaluate(
        "() => { const { add } = IDBObjectStore.prototype; window.full = true;"
        " IDBObjectStore.prototype.add = function (...row) {"
        " if (window.full) throw new DOMException('full', 'QuotaExceededError');"
        " return add.apply(this, row); }; }"
    )


def hand_in(page: Page, file: object) -> None:
    """The office imports it."""
    page.evaluate(
        "(file) => fetch('/sync/import', { method: 'POST', body: JSON.stringify(file) })", file
    )


def test_what_was_handed_out_keeps_its_number_when_the_phone_goes_on(
    office: Office, phone: Phone
) -> None:
    """Full, switched off, room again: the record goes in before the next one, byte for byte."""
    page = phone.page
    phone.begin_visit()
    phone.go_offline()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    page.evaluate(
        "() => { IDBObjectStore.prototype.add = function () {"
        " throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    page.locator(".actions .button").click()
    with page.expect_download() as download:
        page.locator("dialog .button.primary").click()
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    page.reload()
    page.wait_for_selector("body[data-ready]", state="attached")
    assert [row["body"] for row in phone.rows("events")] == saved["events"]
    assert phone.rows("drafts")[0]["findings"] == []
    phone.begin_visit()
    phone.record_hazard("gas.plan", 2)
    phone.go_offline(offline=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    phone.wait_until_sent(2)
    hand_in(page, saved)
    assert len(office.events) == 2
    check_chain(office)
    check_complete(office, phone)


def test_two_tabs_number_their_records_without_gap_or_double(office: Office, phone: Phone) -> None:
    second = phone.second_tab()
    phone.go_offline()
    record = """async ([n, account]) => {
      const app = [...document.scripts].find((one) => one.src.endsWith("/app.js")).src;
      const { recordEvents } = await import(app.replace("app.js", "outbox.js"));
      const { openStore } = await import(app.replace("app.js", "store.js"));
      const db = await openStore();
      const one = () => recordEvents(db, { account, role: "inspector" },
        [{ type: "commented", hazard_id: account, payload: { note: "x" } }]);
      await Promise.all(Array.from({ length: n }, one));
      db.close();
    }"""
    for page in (phone.page, second):
        page.evaluate(f"(facts) => {{ window.done = ({record})(facts); }}", [20, INSPECTOR])
    for page in (phone.page, second):
        page.evaluate("window.done.then(() => true)")
    assert [row["seq"] for row in phone.rows("events")] == list(range(1, 41))
    phone.go_offline(offline=False)
    phone.wait_until_sent(40)
    assert len(office.events) == 40
    check_chain(office)


def test_the_exported_file_is_the_outbox_and_the_office_can_import_it(
    office: Office, phone: Phone
) -> None:
    phone.go_offline()
    phone.begin_visit()
    for number, item in enumerate(ITEMS[:2]):
        phone.record_hazard(item, number)
    page = phone.page
    page.goto(phone.base + "/field#outbox")
    with page.expect_download() as download:
        page.locator("text=导出为文件").click()
    exported = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    rows = phone.rows("events")
    assert exported["format"] == "infratrack-outbox/1"
    assert exported["account"] == INSPECTOR
    assert exported["events"] == [row["body"] for row in rows]
    assert {blob["sha256"] for blob in exported["blobs"]} == {
        blob["sha256"] for blob in phone.rows("blobs")
    }
    phone.go_offline(offline=False)  # and what was imported is not doubled by the phone
    hand_in(page, exported)
    phone.wait_until_sent(2)
    assert len(office.events) == 2
    check_complete(office, phone)
