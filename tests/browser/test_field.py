"""The phone app in a browser: nothing is lost, nothing is doubled, everything is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from gis.hazards.envelope import read_envelope
from gis.hazards.events import PAYLOADS, EventType
from gis.hazards.records import RECORDS, RecordType
from tests.browser.field_server import (
    INSPECTOR,
    LAT,
    LON,
    SECOND,
    Office,
    build_office,
    build_server,
)
from tests.browser.live_server import serve
from tests.browser.phone import Phone, make_photo, sha256

ITEMS = ["gas.hose_aged", "gas.shutoff", "gas.ventilation", "gas.plan", "gas.alarm_missing"]
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
NewPhone = Callable[..., Phone]


@pytest.fixture
def office() -> Office:
    return build_office()


@pytest.fixture
def base(office: Office, vendor: Path) -> Iterator[str]:
    with serve(build_server(office, vendor)) as address:
        # The name browsers trust without HTTPS, as a phone trusts the office's certificate.
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture
def new_phone(base: str, tmp_path: Path) -> Iterator[NewPhone]:
    phones: list[Phone] = []
    with sync_playwright() as playwright:

        def make(**options: object) -> Phone:
            folder = tmp_path / f"phone-{len(phones)}"
            options = {"base": base, **options}
            phones.append(Phone(playwright, folder=folder, **options))  # type: ignore[arg-type]
            return phones[-1]

        yield make
        for phone in phones:
            phone.close()
            assert phone.complaints == []


@pytest.fixture
def phone(new_phone: NewPhone) -> Phone:
    one = new_phone()
    one.open()
    one.log_in()
    return one


def check_chain(office: Office) -> None:
    """Each phone's records carry 1, 2, 3… and the hash of the one before (SHA-256 by hashlib)."""
    chains: dict[str, list[bytes]] = {}
    for body in office.events.values():
        chains.setdefault(json.loads(body)["device"]["id"], []).append(body)
    for bodies in chains.values():
        bodies.sort(key=lambda body: json.loads(body)["device"]["seq"])
        records = [json.loads(body) for body in bodies]
        assert [one["device"]["seq"] for one in records] == list(range(1, len(records) + 1))
        hashes = [None, *(hashlib.sha256(body).hexdigest() for body in bodies)]
        assert [one["prev_hash"] for one in records] == hashes[:-1]


def check_readable(office: Office) -> None:
    """What was sent is what the log reads: envelopes and payloads by its own models."""
    for body in office.events.values():
        envelope = read_envelope(body)
        if envelope.type in {kind.value for kind in RecordType}:
            RECORDS[RecordType(envelope.type)].model_validate(envelope.payload)
        else:
            PAYLOADS[EventType(envelope.type)].model_validate(envelope.payload)


def check_complete(office: Office, phone: Phone) -> None:
    """Every photo a record speaks of is there, by its hash, and the camera's own among them."""
    assert office.promised() <= set(office.evidence)
    assert set(phone.photos) <= set(office.evidence)
    for promised, content in office.evidence.items():
        assert sha256(content) == promised
    assert phone.rows("blobs") == []
    assert phone.rows("events") == []


@pytest.fixture(autouse=True)
def every_record_can_be_read(office: Office) -> Iterator[None]:
    """After each test."""
    yield
    check_readable(office)


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


def test_the_app_opens_without_a_signal_after_its_first_visit(phone: Phone) -> None:
    phone.go_offline()
    phone.page.goto(phone.base + "/field")
    expect(phone.page.locator(".head .big")).to_have_text("还剩 6 处")
    phone.page.locator(".segment", has_text="地图").click()
    expect(phone.page.locator(".map .map-name")).to_have_count(6)


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


def test_fixed_on_the_spot_takes_three_screens_at_most(office: Office, phone: Phone) -> None:
    phone.begin_visit()
    screens = [phone.page.evaluate("location.hash")]
    phone.page.evaluate(
        "() => { window.screens = []; addEventListener('hashchange',"
        " () => screens.push(document.location.hash.split('/')[0])); }"
    )
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    phone.page.locator(".actions .button").first.click()
    phone.page.wait_for_selector(".signature")
    phone.take(0, make_photo(77))
    phone.sign()
    phone.page.wait_for_timeout(200)
    phone.page.locator(".actions .button").click()
    phone.page.wait_for_selector(".recorded")
    assert screens[0].startswith("#visit/")
    assert phone.page.evaluate("screens") == ["#hazard", "#fix"]  # with the checklist: three
    phone.wait_until_sent(2)
    found, fixed = office.bodies()
    assert (found["type"], fixed["type"]) == ("found", "fixed_on_spot")
    assert fixed["hazard_id"] == found["hazard_id"]
    assert fixed["expected_version"] == 1
    kinds = [note["kind"] for note in fixed["evidence"]]
    assert kinds == ["after", "watermarked", "signature"]
    assert found["fix"]["source"] == "gnss"
    assert (found["fix"]["accuracy_m"], found["fix"]["level"]) == (8.0, 0.95)
    assert abs(found["fix"]["lon"] - LON) < 1e-4
    assert abs(found["fix"]["lat"] - LAT) < 1e-4
    assert found["payload"]["severity"] == "general_a"
    assert found["form"] == "gas@2026-11"
    check_complete(office, phone)


def test_a_refused_signature_needs_its_reason(office: Office, phone: Phone) -> None:
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    phone.take_before(1)
    page = phone.page
    page.locator(".actions .button").first.click()
    page.wait_for_selector(".signature")
    phone.take(0, make_photo(77))
    page.locator(".segment", has_text="拒绝签字").click()
    page.locator(".actions .button").click()
    expect(page.locator(".toast.bad")).to_contain_text("拒签理由")
    page.locator("textarea").fill("负责人不在场")
    page.locator(".actions .button").click()
    page.wait_for_selector(".recorded")
    phone.wait_until_sent(2)
    assert office.bodies("fixed_on_spot")[0]["payload"] == {"refused_reason": "负责人不在场"}


def test_the_same_hazard_is_added_to_instead_of_doubled(office: Office, phone: Phone) -> None:
    phone.begin_visit()
    phone.go_offline()
    phone.fail_item("gas.alarm_missing")
    phone.page.locator(".card.warn .button.primary").click()
    phone.page.wait_for_selector(".screen-case textarea")
    phone.page.locator("textarea").fill("仍未安装")
    phone.take(0, make_photo(4))
    phone.page.locator(".actions .button").click()
    phone.page.wait_for_selector(".screen-visit")
    phone.go_offline(offline=False)
    phone.wait_until_sent(1)
    (comment,) = office.bodies()
    assert comment["type"] == "commented"
    assert comment["hazard_id"] == office.day["hazards"][0]["id"]
    assert comment["payload"] == {"note": "仍未安装"}


def test_a_visit_without_a_finding_and_one_without_entry_are_records(
    office: Office, phone: Phone
) -> None:
    phone.begin_visit()
    phone.page.locator(".actions .button").click()
    expect(phone.page.locator(".toast.bad")).to_contain_text("至少两人")
    phone.finish_visit()
    phone.begin_visit(0)
    phone.page.locator(".segment", has_text="到访不遇").click()
    expect(phone.page.locator(".check")).to_have_count(0)
    phone.page.locator(".actions .button").click()
    phone.page.wait_for_selector(".screen-today")
    phone.wait_until_sent(2)
    normal, nobody = [one["payload"] for one in office.bodies("visited")]
    assert normal["result"] == "normal"
    assert normal["team"] == ["张伟", "李娜"]
    assert {row["result"] for row in normal["checklist"]} == {"pass"}
    assert len(normal["checklist"]) == 5
    assert nobody["result"] == "no_entry"
    assert nobody["checklist"] == []


def test_a_dry_flood_round_is_a_record_with_its_reading(office: Office, phone: Phone) -> None:
    page = phone.page
    phone.begin_visit(4)
    expect(page.locator(".segment", has_text="到访不遇")).to_have_count(0)
    page.locator(".segment", has_text="无积水").click()
    page.get_by_label("积水深度").fill("0,05")
    page.get_by_label("退水时间").fill("2026-06-01T08:30")
    phone.add_colleague()
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-today")
    phone.wait_until_sent(1)
    payload = office.bodies("visited")[0]["payload"]
    assert (payload["result"], payload["category"]) == ("dry", "flood")
    assert payload["flood"]["depth_m"] == 0.05
    assert datetime.fromisoformat(payload["flood"]["water_gone_at"]).tzinfo is not None


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
    page.evaluate(
        "() => { const { add } = IDBObjectStore.prototype; window.full = true;"
        " IDBObjectStore.prototype.add = function (...row) {"
        " if (window.full) throw new DOMException('full', 'QuotaExceededError');"
        " return add.apply(this, row); }; }"
    )
    page.locator(".actions .button").click()
    expect(page.locator("dialog")).to_contain_text("手机已满,记录没有存入")
    with page.expect_download() as download:
        page.locator("dialog .button.primary").click()
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert saved["account"] == INSPECTOR
    assert saved["events"][0]["payload"]["description"] == "阀门拆除"
    assert set(phone.photos) <= {blob["sha256"] for blob in phone.rows("blobs")}
    page.evaluate("window.full = false")  # somebody made room: the form is still there
    page.locator(".actions .button").click()
    page.wait_for_selector(".screen-visit")
    phone.wait_until_sent(1)
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
    page.evaluate(
        "(file) => fetch('/sync/import', { method: 'POST', body: JSON.stringify(file) })", exported
    )
    phone.wait_until_sent(2)
    assert len(office.events) == 2
    check_complete(office, phone)


def test_a_photo_too_large_is_refused_in_words_and_never_made_smaller(phone: Phone) -> None:
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    large = make_photo(1) + b"\0" * (8 * 1024 * 1024)
    page = phone.page
    for content, words in ((large, "超过 8 MB"), (b"%PDF-1.7 no photo", "这不是照片")):
        file = {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": content}
        page.locator(".tile input").first.set_input_files([file])
        expect(page.locator(".toast.bad")).to_contain_text(words)
    assert phone.rows("blobs") == []


def test_where_two_assets_fit_the_person_has_to_choose(new_phone: NewPhone) -> None:
    phone = new_phone(accuracy=40.0)
    phone.open()
    phone.log_in()
    page = phone.page
    page.goto(phone.base + "/field#near")
    expect(page.locator("[role=alert]")).to_contain_text("定位误差之内")
    expect(page.locator(".task")).to_have_count(2)
    expect(page.locator(".task .badge.good")).to_have_count(0)
    page.locator(".task").nth(1).click()
    page.wait_for_selector(".screen-visit")
    assert phone.rows("drafts")[0]["asset_choice"] == "nearest"


def test_a_code_before_the_camera_opens_its_asset(
    new_phone: NewPhone, office: Office, tmp_path: Path
) -> None:
    film = film_of_code(f"https://gis.county/field#a/{office.day['assets'][4]['id']}", tmp_path)
    phone = new_phone(flags=[f"--use-file-for-fake-video-capture={film}"])
    phone.open()
    phone.log_in()
    phone.page.goto(phone.base + "/field#scan")
    phone.page.wait_for_selector(".screen-visit", timeout=20_000)
    (draft,) = phone.rows("drafts")
    assert (draft["asset_choice"], draft["category"]) == ("scan", "flood")
    expect(phone.page.locator("h1")).to_have_text("石门桥涵")


def film_of_code(text: str, folder: Path) -> Path:
    """A film of one picture: a QR code on white, as MJPEG."""
    import io

    import segno
    from PIL import Image

    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=7, border=4)
    picture = Image.new("RGB", (640, 480), "white")
    code = Image.open(drawn).convert("RGB")
    picture.paste(code, ((640 - code.width) // 2, (480 - code.height) // 2))
    film = folder / "code.mjpeg"
    picture.save(film, "JPEG", quality=95)
    return film


def test_without_https_the_page_says_why_and_works_online(
    new_phone: NewPhone, base: str, office: Office
) -> None:
    port = base.rsplit(":", 1)[1]
    flags = ["--host-resolver-rules=MAP gis.county.test 127.0.0.1"]
    phone = new_phone(base=f"http://gis.county.test:{port}", flags=flags)
    page = phone.open()
    assert not page.evaluate("isSecureContext")
    expect(page.locator(".banner")).to_contain_text("不是 HTTPS")
    phone.log_in()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    phone.wait_until_sent(1)
    (found,) = office.bodies()
    assert found["fix"]["source"] == "asset"  # no positioning here: the asset's own place
    check_complete(office, phone)


def test_inside_another_app_the_way_out_is_shown(new_phone: NewPhone) -> None:
    phone = new_phone(user_agent="Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.49")
    page = phone.open()
    expect(page.locator(".banner")).to_contain_text("在浏览器打开")


def test_a_browser_that_keeps_nothing_gets_a_form_that_sends_at_once(
    new_phone: NewPhone, office: Office
) -> None:
    phone = new_phone(script="indexedDB.open = () => { throw new Error('not here'); };")
    page = phone.open()
    expect(page.locator(".note.warn")).to_contain_text("不能保存记录")
    inputs = page.locator("input")
    inputs.nth(0).fill("zhang")
    inputs.nth(1).fill("secret")
    page.locator(".button.primary").click()
    page.wait_for_selector("select")
    page.locator("select").first.select_option(index=1)
    page.locator("textarea").fill("软管老化")
    content = make_photo(5)
    file = {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": content}
    page.locator("#plain-photos").set_input_files([file])
    page.wait_for_timeout(300)
    office.lose_replies = 1
    page.locator(".button.primary").click()
    expect(page.locator(".toast.bad")).to_contain_text("没有发出")
    page.locator(".button.primary").click()
    expect(page.locator(".toast.good")).to_contain_text("服务器已收到")
    assert len(office.events) == 1
    assert office.evidence == {sha256(content): content}


def test_an_enrolment_code_logs_in_and_never_reaches_a_log(
    new_phone: NewPhone, office: Office
) -> None:
    phone = new_phone()
    page = phone.open("/field#enrol=CODE-li")
    expect(page.locator("form input")).to_have_value("CODE-li")
    assert "CODE" not in page.evaluate("location.href")
    page.locator("form button[type=submit]").click()
    page.wait_for_selector(".screen-today .task")
    assert not any("CODE" in asked for asked in office.asked)


def test_the_day_is_wiped_by_rule_but_never_while_something_waits(phone: Phone) -> None:
    page = phone.page
    age = """async () => {
      const db = await new Promise((done) => {
        const asked = indexedDB.open("infratrack-field");
        asked.onsuccess = () => done(asked.result);
      });
      const tx = db.transaction("meta", "readwrite");
      tx.objectStore("meta").put(new Date(Date.now() - 8 * 864e5).toISOString(), "contact");
      await new Promise((done) => (tx.oncomplete = done));
      db.close();
    }"""
    phone.begin_visit()
    phone.go_offline()
    phone.record_hazard(ITEMS[0], 1)
    page.evaluate(age)
    page.reload()
    page.wait_for_selector("body[data-ready]", state="attached")
    assert len(phone.rows("cache")) == 2  # the day and the outline: a record waits
    phone.finish_visit()
    phone.go_offline(offline=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    phone.wait_until_sent(2)
    phone.go_offline()
    page.evaluate(age)
    page.reload()
    page.wait_for_selector("form input[type=password]")
    assert phone.rows("cache") == []
    assert phone.rows("received") == []


def test_a_new_build_is_offered_and_taken_when_the_inspector_agrees(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.field import shell

    page = phone.page
    assert page.evaluate("document.body.dataset.build") == shell.field_build()
    page.reload()
    page.wait_for_selector(".screen-today")
    monkeypatch.setattr(shell, "field_build", lambda: "abcdefabcdef")
    page.evaluate("navigator.serviceWorker.getRegistration('/field').then((one) => one.update())")
    expect(page.locator(".banner.good")).to_contain_text("新版本", timeout=20_000)
    page.locator(".banner.good button").click()
    page.wait_for_selector("body[data-build=abcdefabcdef][data-ready]", state="attached")
    names = page.evaluate("caches.keys()")
    assert names == ["field-abcdefabcdef"]


def test_hostile_words_of_the_server_stay_words(vendor: Path, new_phone: NewPhone) -> None:
    office = build_office(hostile=HOSTILE)
    words = {"rule": "stale", "zh": HOSTILE, "en": HOSTILE}
    office.refuse["visited"] = words
    with serve(build_server(office, vendor)) as address:
        phone = new_phone(base=address.replace("127.0.0.1", "localhost"))
        page = phone.open()
        phone.log_in()
        page.locator(".segment", has_text="地图").click()
        page.wait_for_selector(".map-name")
        page.locator(".segment", has_text="列表").click()
        phone.begin_visit()
        assert HOSTILE in page.locator("h1").inner_text()
        phone.fail_item("gas.alarm_missing")
        page.go_back()
        page.wait_for_selector(".screen-visit .check")
        page.locator("[data-item='gas.alarm_missing'] .segment").first.click()
        phone.record_hazard(ITEMS[1], 1)
        for screen in ("cases", "outbox", "me", "near"):
            page.goto(f"{phone.base}/field#{screen}")
            page.wait_for_selector(f".screen-{screen}")
        assert page.title() != "broken"
        assert page.locator("img:not([src^=blob])").count() == 0
        assert page.locator(".app script").count() == 0


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_every_screen_fits_a_small_phone_in_both_languages_and_is_made_for_thumbs(
    new_phone: NewPhone, language: str
) -> None:
    phone = new_phone(language=language, width=360)
    page = phone.open()
    check_fit(page, "login")
    phone.log_in()
    for screen in ("today", "near", "scan", "cases", "outbox", "me"):
        page.goto(f"{phone.base}/field#{screen}")
        page.wait_for_selector(f".screen-{screen}")
        check_fit(page, screen)
    phone.begin_visit()
    check_fit(page, "visit")
    phone.fail_item("gas.shutoff")
    check_fit(page, "hazard")
    phone.take_before(1)
    page.locator(".actions .button").first.click()
    page.wait_for_selector(".signature")
    check_fit(page, "fix")
    page.go_back()
    page.wait_for_selector(".screen-hazard")
    page.locator(".actions .button.amber").click()
    page.wait_for_selector(".screen-order")
    check_fit(page, "order")
    assert page.evaluate("document.documentElement.lang") == language.replace("en-GB", "en")


def check_fit(page: Page, screen: str) -> None:
    """Nothing wider than the screen; whatever is tapped measures 48 px, and has a name."""
    page.wait_for_timeout(150)
    found = page.evaluate(
        """() => {
          const main = document.querySelector("main");
          const tapped = [...document.querySelectorAll(".app :is(a, button, input, select, textarea, summary)")]
            .filter((one) => !one.classList.contains("unseen") && one.checkVisibility() && one.getBoundingClientRect().width);
          const small = tapped.filter((one) => {
            const { width, height } = one.getBoundingClientRect();
            return height < 47.5 || width < 43.5;
          });
          const nameless = tapped.filter((one) => !(one.innerText?.trim() || one.ariaLabel || one.labels?.length));
          return { wide: main.scrollWidth - main.clientWidth, small: small.map((one) => one.outerHTML), nameless: nameless.map((one) => one.outerHTML) };
        }"""
    )
    assert found == {"wide": 0, "small": [], "nameless": []}, screen


def test_the_keys_and_colours_can_be_read_in_the_sun(phone: Phone) -> None:
    """WCAG contrast of every text on every ground it stands on: 7:1 (AAA)."""
    page = phone.page
    phone.begin_visit()
    poor = page.evaluate(
        """() => {
          const light = (rgb) => {
            const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const read = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
          const ground = (one) => {
            for (let up = one; up; up = up.parentElement) {
              const [r, g, b, a = 1] = read(getComputedStyle(up).backgroundColor);
              if (a > 0.9) return [r, g, b];
            }
            return [255, 255, 255];
          };
          const poor = [];
          for (const one of document.querySelectorAll(".app *")) {
            const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!own || !one.getBoundingClientRect().width) continue;
            const [a, b] = [light(read(getComputedStyle(one).color).slice(0, 3)), light(ground(one))].sort((x, y) => y - x);
            const contrast = (a + 0.05) / (b + 0.05);
            if (contrast < 7) poor.push([one.className, one.textContent, Math.round(contrast * 10) / 10]);
          }
          return poor;
        }"""
    )
    assert poor == []
