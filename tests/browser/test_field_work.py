"""An inspector's work: checklists, hazards, visits, codes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from playwright.sync_api import expect

from gis.hazards.forms import forms_document
from tests.browser.arrived import check_complete
from tests.browser.field_office import LAT, LON, Office
from tests.browser.phone import NewPhone, Phone, make_photo


def test_fixed_on_the_spot_takes_three_screens_at_most(office: Office, phone: Phone) -> None:
    phone.begin_visit()
    screens = [phone.page.evaluate("location.hash")]
    phone.page.evaluate(
        "() => { window.screens = []; addEventListener('hashchange',"
        " () => screens.push(document.location.hash.split('/')[0])); }"
    )
    phone.add_colleague()
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
    phone.add_colleague()
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
    assert office.bodies("fixed_on_spot")[0]["payload"] == {
        "refused_reason": "负责人不在场",
        "team": ["张伟", "李娜"],
    }


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


def test_a_photo_too_large_is_refused_in_words_and_never_made_smaller(phone: Phone) -> None:
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    large = make_photo(1) + b"\0" * (8 * 1024 * 1024)
    page = phone.page
    for content, words in ((large, "超过 8 MB"), (b"%PDF-1.7 no photo", "这不是照片")):
        file = {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": content}
        page.locator(".tile input").first.set_input_files([file])
        expect(page.locator(".toast.bad", has_text=words)).to_be_visible()
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


def test_the_real_checklists_are_searched_and_ticked(office: Office, phone: Phone) -> None:
    office.day["forms"] = forms_document()
    office.version += 1
    page = phone.page
    page.locator("text=更新任务").click()
    page.wait_for_timeout(500)
    phone.begin_visit()
    (gas,) = [form for form in office.day["forms"] if form["key"] == "gas"]
    checks = page.locator(".check:visible")
    expect(checks).to_have_count(len(gas["checklist"]))
    word = "软管"
    page.locator("input[type=search]").fill(word)
    wanted = [line for line in gas["checklist"] if word in line["text"]["zh"]]
    assert 0 < len(wanted) < len(gas["checklist"])
    expect(checks).to_have_count(len(wanted))
    phone.record_hazard(wanted[0]["item"], 1)
    phone.finish_visit()
    phone.wait_until_sent(2)
    assert office.bodies("found")[0]["payload"]["severity"] == wanted[0]["severity"]
    assert office.bodies("found")[0]["form"] == f"gas@{gas['version']}"
    visited = office.bodies("visited")[0]["payload"]
    assert {row["item"] for row in visited["checklist"]} == {
        row["item"] for row in gas["checklist"]
    }
    assert visited["result"] == "hazards"
