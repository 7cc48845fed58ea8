"""The page itself: which browsers, which builds, which words, how large, how legible."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from gis.exchange.labels import write_identifier
from tests.browser.arrived import check_complete
from tests.browser.field_office import Office, build_office
from tests.browser.field_server import build_server
from tests.browser.live_server import serve
from tests.browser.phone import HOSTILE, ITEMS, NewPhone, Phone, make_photo, sha256


def test_the_app_opens_without_a_signal_after_its_first_visit(phone: Phone) -> None:
    phone.go_offline()
    phone.page.goto(phone.base + "/field")
    expect(phone.page.locator(".head .big")).to_have_text("还剩 6 处")
    phone.page.locator(".segment", has_text="地图").click()
    expect(phone.page.locator(".map .map-name")).to_have_count(6)


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
    for screen in ("today", "near", "scan", "cases", "outbox", "me", "help", "pin"):
        page.goto(f"{phone.base}/field#{screen}")
        page.wait_for_selector(f".screen-{screen}")
        for flow in page.locator(".flow summary").all():
            flow.click()
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


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_cases_acts_and_labels_from_elsewhere_fit_a_phone_of_390(
    office: Office, new_phone: NewPhone, language: str
) -> None:
    phone = new_phone(language=language, width=390)
    office.day["hazards"][1]["description"] = "W" * 60  # no place to break it
    office.day["hazards"][1]["item"] = None
    office.day["hazards"][1]["allowed"] = ["passed", "returned", "controlled", "commented"]
    elsewhere = "0190c0de-0000-7000-8000-00000000f00d"
    office.open_at[elsewhere] = office.day["hazards"]
    page = phone.open()
    phone.log_in()
    hazard = office.day["hazards"][1]["id"]
    acts = ("passed", "returned", "controlled", "commented")
    for screen in (f"case/{hazard}", *(f"case/{hazard}/{act}" for act in acts)):
        page.goto(f"{phone.base}/field#{screen}")
        page.wait_for_selector(".screen-case .card, .screen-case textarea")
        check_fit(page, screen)
    page.goto(f"{phone.base}/field#asset/{write_identifier(UUID(elsewhere))}")
    page.wait_for_selector(".elsewhere .open-row")
    check_fit(page, "elsewhere")
    phone.begin_visit()
    page.locator(".screen-visit details summary").last.click()
    check_fit(page, "visit with signature")


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_the_plain_form_fits_a_phone_of_390(new_phone: NewPhone, language: str) -> None:
    phone = new_phone(
        language=language,
        width=390,
        script="indexedDB.open = () => { throw new Error('not here'); };",
    )
    page = phone.open()
    check_fit(page, "plain login")
    inputs = page.locator("input")
    inputs.nth(0).fill("zhang")
    inputs.nth(1).fill("secret")
    page.locator(".button.primary").click()
    page.wait_for_selector("select")
    check_fit(page, "plain form")


def read_script(name: str) -> str:
    """A measure that is taken in the page."""
    return Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8")


def check_fit(page: Page, screen: str) -> None:
    """Nothing wider than the screen; whatever is tapped measures 48 px, and has a name."""
    page.wait_for_timeout(150)
    found = page.evaluate(read_script("fit"))
    assert found == {"wide": 0, "small": [], "nameless": []}, screen


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_a_date_stays_on_its_line(office: Office, new_phone: NewPhone, language: str) -> None:
    phone = new_phone(language=language, width=390)
    for task in office.day["tasks"]:
        task["due_on"] = "2027-12-30"
    page = phone.open()
    phone.log_in()
    phone.begin_visit()
    phone.record_hazard(ITEMS[0], 1)
    phone.wait_until_sent(1)
    phone.go_offline()
    phone.record_hazard(ITEMS[1], 2)
    for screen in ("today", "cases", "outbox", "me", f"case/{office.day['hazards'][2]['id']}"):
        page.goto(f"{phone.base}/field#{screen}")
        page.wait_for_selector(f".screen-{screen.split('/')[0]}")
        page.wait_for_timeout(150)
        assert page.evaluate(read_script("dates")) == [], screen
    assert page.locator(".badge.date").count() > 0


def test_the_keys_and_colours_can_be_read_in_the_sun(phone: Phone) -> None:
    """WCAG contrast of every text on every ground it stands on: 7:1 (AAA)."""
    page = phone.page
    phone.begin_visit()
    poor = page.evaluate(read_script("contrast"))
    assert poor == []
