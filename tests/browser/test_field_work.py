"""An inspector's work: checklists, hazards, visits, codes."""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image
from playwright.sync_api import expect

from gis.hazards.forms import forms_document
from tests.browser.arrived import check_complete
from tests.browser.field_office import LAT, LON, Office
from tests.browser.phone import NewPhone, Phone, make_photo, sha256


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


def test_a_photo_above_the_limit_is_made_smaller_and_the_record_names_the_original(
    office: Office, phone: Phone
) -> None:
    """The server takes 8 MB a file; noise of 20 megapixels is far more."""
    out = io.BytesIO()
    Image.effect_noise((5200, 3900), 120).convert("RGB").save(out, "JPEG", quality=97)
    original, page = out.getvalue(), phone.page
    assert len(original) > 8 * 1024 * 1024
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    file = {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": original}
    page.locator(".tile input").first.set_input_files([file])
    expect(page.locator(".toast.warn", has_text="已压缩后保存")).to_be_visible(timeout=30_000)
    phone.take(1, make_photo(2))
    phone.order_by_date()
    phone.wait_until_sent(1)
    evidence = office.bodies("found")[0]["evidence"]
    wide, copy = evidence[0], evidence[1]
    assert (wide["recompressed"], wide["original_sha256"]) == (True, sha256(original))
    assert wide["original_bytes"] == len(original)
    kept = office.evidence[wide["sha256"]]
    assert len(kept) == wide["bytes"] <= 8 * 1024 * 1024
    assert Image.open(io.BytesIO(kept)).size == (4096, 3072)
    assert copy["of"] == wide["sha256"]
    assert [note for note in evidence[1:] if "recompressed" in note] == []


def test_what_cannot_be_made_smaller_or_is_no_photo_is_refused_in_words(phone: Phone) -> None:
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(8 * 1024 * 1024)
    page = phone.page
    for content, words in ((heic, "本机又不能把它压缩"), (b"%PDF-1.7 no photo", "这不是照片")):
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


def show_real_checklists(office: Office, phone: Phone, **site_types: str) -> None:
    """The catalogue's own forms; assets of the day by code, with their type."""
    office.day["forms"] = forms_document()
    for asset in office.day["assets"]:
        asset["site_type"] = site_types.get(asset["code"].replace("-", "_"))
    office.version += 1
    phone.page.locator("text=更新任务").click()
    phone.page.wait_for_timeout(500)


def test_only_the_items_of_the_sites_type_are_shown_and_the_others_are_one_tap_away(
    office: Office, phone: Phone
) -> None:
    show_real_checklists(office, phone, RQ_0001="restaurant", RQ_0002="regulator")
    (gas,) = [form for form in office.day["forms"] if form["key"] == "gas"]
    every = {line["item"]: set(line["applies_to"]) for line in gas["checklist"]}
    page = phone.page
    checks = page.locator(".check")
    for number, site_type in ((0, "restaurant"), (1, "regulator")):
        phone.begin_visit(number)
        shown = {one.get_attribute("data-item") for one in checks.all()}
        assert shown == {key for key, types in every.items() if not types or site_type in types}
        assert 0 < len(shown) < len(every)
    assert "gas.no_permit" not in shown
    page.locator(f"text=显示其余 {len(every) - len(shown)} 项").click()
    expect(checks).to_have_count(len(every))
    page.reload()
    page.wait_for_selector(".check")
    expect(checks).to_have_count(len(every))  # as it was left


def test_what_is_not_asked_of_a_site_is_not_waited_for_and_not_answered(
    office: Office, phone: Phone
) -> None:
    show_real_checklists(office, phone, RQ_0001="restaurant")
    phone.begin_visit()
    shown = {one.get_attribute("data-item") for one in phone.page.locator(".check").all()}
    phone.finish_visit()
    phone.wait_until_sent(1)
    (visited,) = office.bodies("visited")
    assert {row["item"] for row in visited["payload"]["checklist"]} == shown


def test_a_site_of_unknown_type_is_asked_everything_and_it_is_said(
    office: Office, phone: Phone
) -> None:
    show_real_checklists(office, phone)
    (gas,) = [form for form in office.day["forms"] if form["key"] == "gas"]
    phone.begin_visit()
    expect(phone.page.locator(".check")).to_have_count(len(gas["checklist"]))
    expect(phone.page.locator(".screen-visit")).to_contain_text("没有登记场所类型,显示全部检查项")


def test_a_photo_this_phone_cannot_draw_is_kept_as_it_is_and_it_is_said_where_it_is_seen(
    office: Office, phone: Phone
) -> None:
    """The head of a HEIC file (ISO/IEC 23008-12) and noise: no Chromium draws it."""
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(range(256)) * 40
    page = phone.page
    phone.begin_visit()
    phone.fail_item("gas.shutoff")
    file = {"name": "IMG_1.HEIC", "mimeType": "image/heic", "buffer": heic}
    page.locator(".tile input").first.set_input_files([file])
    expect(page.locator(".toast.warn")).to_contain_text("由办公室下载原片查看")
    expect(page.locator(".tile").first).to_contain_text("原片已保存,本机不能预览")
    phone.take(1, make_photo(2))
    phone.order_by_date()
    phone.wait_until_sent(1)
    evidence = office.bodies("found")[0]["evidence"]
    wide = next(note for note in evidence if note["kind"] == "before_wide")
    assert wide["media"] == "image/heic"
    assert office.evidence[wide["sha256"]] == heic
    assert [note for note in evidence if note.get("of") == wide["sha256"]] == []
    # Two originals, the copy of the one that can be drawn, and the signature.
    kinds = sorted(note["kind"] for note in evidence)
    assert kinds == ["before_close", "before_wide", "signature", "watermarked"]


def test_the_phone_says_how_many_numbers_it_has_given_also_of_records_that_cannot_go(
    office: Office, phone: Phone
) -> None:
    office.reject["visited"] = {"status": 400, "title": "有误", "detail": "有误"}
    phone.begin_visit()
    phone.finish_visit()
    expect(phone.page.locator(".banner.bad")).to_contain_text("1 条记录需要处理")
    (device,) = office.announced
    assert office.announced[device] == 1
    office.announced.clear()
    office.failing = 503
    phone.begin_visit(1)
    phone.finish_visit()
    office.failing = None
    phone.page.goto(phone.base + "/field#outbox")
    phone.page.locator("text=立即发送").click()
    expect(phone.page.locator(".banner.bad")).to_contain_text("2 条记录需要处理")
    assert office.announced[device] == 2
