"""Labels on assets: read by the camera, by the phone itself, or typed."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import segno
from PIL import Image
from playwright.sync_api import expect

from api.labels import label_address
from gis.exchange.labels import Label, check_character, write_code, write_identifier
from tests.browser.field_office import Office
from tests.browser.phone import ITEMS, NewPhone, Phone


def test_a_label_before_the_camera_opens_its_asset(
    new_phone: NewPhone, office: Office, tmp_path: Path
) -> None:
    asset = office.day["assets"][4]
    label = Label(id=asset["id"], code=asset["code"], name=asset["name"])
    film = film_of_code(label_address("https://gis.county/field", label), tmp_path)
    phone = new_phone(flags=[f"--use-file-for-fake-video-capture={film}"])
    phone.open()
    phone.log_in()
    phone.page.goto(phone.base + "/field#scan")
    phone.page.wait_for_selector(".screen-visit", timeout=20_000)
    (draft,) = phone.rows("drafts")
    assert (draft["asset_choice"], draft["category"]) == ("scan", "flood")
    expect(phone.page.locator("h1")).to_have_text("石门桥涵")


def test_a_label_read_by_the_phones_own_camera_opens_the_visit_and_back_is_today(
    office: Office, phone: Phone
) -> None:
    asset = office.day["assets"][2]
    label = Label(id=asset["id"], code=asset["code"], name=asset["name"])
    phone.page.goto(label_address(phone.base + "/field", label))
    phone.page.wait_for_selector(".screen-visit")
    assert phone.rows("drafts")[0]["asset_choice"] == "scan"
    wrong = label_address(phone.base + "/field", label)[:-1]
    phone.page.goto(wrong + ("0" if not wrong.endswith("0") else "1"))
    phone.page.wait_for_selector(".screen-scan")
    expect(phone.page.locator(".toast.bad")).to_contain_text("校验码不符")


def test_a_scanned_asset_without_a_position_stands_where_its_label_is(
    office: Office, new_phone: NewPhone
) -> None:
    phone = new_phone(script="navigator.geolocation.watchPosition = () => 1;")
    phone.open()
    phone.log_in()
    type_code(phone, write_code("RQ-0003"))
    phone.page.wait_for_selector(".screen-visit .check")
    phone.record_hazard(ITEMS[0], 1)
    phone.wait_until_sent(1)
    (found,) = office.bodies("found")
    assert (found["asset_choice"], found["fix"]["source"]) == ("scan", "qr")
    assert found["fix"]["accuracy_m"] is None


def type_code(phone: Phone, code: str) -> None:
    phone.page.goto(phone.base + "/field#today")
    phone.page.wait_for_selector(".screen-today")
    phone.page.goto(phone.base + "/field#scan")
    phone.page.locator(".screen-scan form input").fill(code)
    phone.page.locator(".screen-scan form button").click()


def test_a_typed_code_is_taken_with_its_check_character_and_without_and_a_wrong_one_is_said(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    right = write_code("RQ-0003")
    for typed in (right, right.lower(), right.replace("-", ""), "RQ-0003", "rq0003"):
        type_code(phone, typed)
        expect(page.locator("h1")).to_have_text("翠湖小区")
    said = page.locator(".toast.bad")
    other = "0" if right[-1] != "0" else "1"
    for typed, words in (
        (right[:-1] + other, "校验码不符"),
        (right.replace("0003", "0008"), "校验码不符"),  # one character wrong, the check not
        (write_code("RQ-0999"), "编号正确,但不在今天的设施里"),
        ("RQ-0999", "今天的设施里没有"),
    ):
        type_code(phone, typed)
        expect(said.last).to_contain_text(words)
        assert page.locator(".screen-scan").is_visible()


ELSEWHERE = "0190c0de-0000-7000-8000-00000000f00d"


def test_a_scanned_label_that_is_none_of_todays_shows_what_is_open_and_takes_a_finding(
    office: Office, phone: Phone
) -> None:
    """What the office knows of the asset is asked by its id; the record says it was scanned."""
    office.open_at[ELSEWHERE] = [{**office.day["hazards"][1], "asset_id": ELSEWHERE}]
    label = Label(id=UUID(ELSEWHERE), code="RQ-0999", name="桥头小吃店")
    page = phone.page
    page.goto(label_address(phone.base + "/field", label))
    card = page.locator(".elsewhere")
    expect(card).to_contain_text("软管老化")
    expect(card).to_contain_text(office.day["hazards"][1]["code"])
    card.locator(".choice", has_text="燃气").click()
    page.wait_for_selector(".screen-visit .check")
    phone.record_hazard("gas.shutoff", 1)
    phone.finish_visit()
    phone.wait_until_sent(2)
    found, visited = office.bodies()
    for one in (found, visited):
        assert (one["asset_id"], one["asset_choice"]) == (ELSEWHERE, "scan")
        assert one["payload"]["scanned_code"] == write_identifier(UUID(ELSEWHERE))
    assert found["fix"]["source"] == "gnss"


def test_without_a_signal_and_by_a_typed_code_a_finding_is_recorded_with_the_code(
    office: Office, phone: Phone
) -> None:
    page = phone.page
    phone.go_offline()
    label = Label(id=UUID(ELSEWHERE), code="RQ-0999", name="桥头小吃店")
    page.goto(label_address(phone.base + "/field", label))
    expect(page.locator(".elsewhere")).to_contain_text("没有连上服务器")
    type_code(phone, write_code("RQ-0999"))
    page.locator(".elsewhere .choice", has_text="燃气").click()
    page.wait_for_selector(".screen-visit .check")
    phone.record_hazard("gas.shutoff", 1)
    phone.go_offline(offline=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    phone.wait_until_sent(1)
    (found,) = office.bodies("found")
    assert (found["asset_id"], found["asset_choice"]) == (None, "scan")
    assert found["payload"]["scanned_code"] == write_code("RQ-0999")


def test_a_code_that_fits_two_assets_is_for_the_person_to_choose(
    office: Office, phone: Phone
) -> None:
    """RQ-1 with its check character reads like another asset's code without one."""
    twin = f"RQ-1{check_character('RQ1')}"
    office.day["assets"][0]["code"], office.day["assets"][2]["code"] = "RQ-1", twin
    office.version += 1
    phone.page.locator("text=更新任务").click()
    phone.page.wait_for_timeout(400)
    type_code(phone, twin)
    expect(phone.page.locator(".toast.bad")).to_contain_text("请选择")
    phone.page.locator(".screen-scan .stack button", has_text="翠湖小区").click()
    expect(phone.page.locator("h1")).to_have_text("翠湖小区")
    type_code(phone, write_code(twin))
    expect(phone.page.locator("h1")).to_have_text("翠湖小区")


def test_the_phone_and_the_printer_agree_on_every_check_character(phone: Phone) -> None:
    texts = [f"{prefix}{n}" for prefix in ("RQ", "WS03", "GY") for n in range(0, 3000, 7)]
    right = [text + check_character(text) for text in texts]
    wrong = [one[:-1] + ("0" if one[-1] != "0" else "Z") for one in right]
    judge = """async (codes) => {
      const app = [...document.scripts].find((one) => one.src.endsWith("/app.js")).src;
      const { hasCheck } = await import(app.replace("app.js", "codes.js"));
      return codes.map(hasCheck);
    }"""
    published = ["A12425GABC1234002M", "00000000D07A0090Q", "00000000D07A009000000000X"]
    assert phone.page.evaluate(judge, right + published) == [True] * (len(right) + 3)
    assert phone.page.evaluate(judge, wrong) == [False] * len(wrong)


def film_of_code(text: str, folder: Path) -> Path:
    """A film of one picture: a QR code on white, as MJPEG."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=7, border=4)
    picture = Image.new("RGB", (640, 480), "white")
    code = Image.open(drawn).convert("RGB")
    picture.paste(code, ((640 - code.width) // 2, (480 - code.height) // 2))
    film = folder / "code.mjpeg"
    picture.save(film, "JPEG", quality=95)
    return film
