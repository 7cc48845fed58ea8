"""The phone against `serve --tls` itself: HTTPS on a name, the real log, the real store of photos.

Chromium trusts the server by the key it shows, as ``--ignore-certificate-errors-spki-list``
allows: the list of authorities of the system is not this test's to change, and a page whose
certificate is ignored altogether gets no service worker. Whom browsers trust by the authority
alone is proved in ``test_tls``.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import Engine, create_engine

from gis.db.cluster import Cluster
from gis.db.roles import OWNER, Pool
from tests.api.bureau import PASSWORD
from tests.browser.phone import Phone, sha256
from tests.browser.secure_site import NAME, SecureSite, assign_everything, fill_bureau
from tests.browser.test_tls import hash_key
from tests.conftest import CloneDatabase, connect_pools

ITEMS = [
    "gas.hose_aged",
    "gas.alarm_absent",
    "gas.banned_appliance",
    "gas.cylinder_overdue",
    "gas.poor_ventilation",
]
RECORDS = "SELECT count(*) FROM core.event WHERE device_id IS NOT NULL"


@pytest.fixture(scope="module")
def site(
    cluster: Cluster,
    clone_database: CloneDatabase,
    vendor: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SecureSite]:
    name = clone_database()
    state = tmp_path_factory.mktemp("secure")
    (state / "assets").symlink_to(vendor)
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    site = SecureSite(
        urls, cluster.url(OWNER, name), cluster.superuser_url(name), state,
        connect_pools(cluster, name),
    )  # fmt: skip
    fill_bureau(site)
    try:
        site.start()
        with site.log_in("wang") as officer:
            assign_everything(officer, "zhang")
        yield site
    finally:
        site.stop()
        site.db.close()


@pytest.fixture
def phone(site: SecureSite, tmp_path: Path) -> Iterator[Phone]:
    """A new phone, brought in by a code of the office, where the one before was put away."""
    site.wire.go_down(down=False)
    with site.log_in("wang") as officer, sync_playwright() as playwright:
        ((account,),) = site.ask("SELECT id FROM core.account WHERE login = 'zhang'")
        with site.log_in("zhang") as inspector:
            for device in inspector.get("/devices").json()["devices"]:
                assert inspector.delete(f"/devices/{device['id']}").status_code == 204
        made = officer.post("/enrolments", json={"account_id": str(account)}).json()
        trust = hash_key(site.state / "tls" / "server.pem")
        flags = [
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={trust}",
        ]
        one = Phone(playwright, base=site.base, folder=tmp_path / "phone", flags=flags)
        one.open(f"/field#enrol={made['code']}")
        one.page.locator("form button[type=submit]").click()
        one.page.wait_for_selector(".screen-today .task")
        one.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        yield one
        one.close()
        assert one.complaints == []


def wait_for(is_so: Callable[[], bool], *, patience_s: float = 20) -> None:
    until = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def begin_visit(phone: Phone, name: str = "老街火锅店") -> None:
    phone.page.goto(phone.base + "/field#today")
    phone.page.locator(".task", has_text=name).click()
    phone.page.wait_for_selector(".screen-visit .check")


def send(phone: Phone) -> None:
    phone.page.evaluate("dispatchEvent(new Event('online'))")


def check_arrived(
    site: SecureSite,
    phone: Phone,
    bodies: list[str],
) -> None:
    """Each record once and byte for byte, in an unbroken chain; each photo as it was taken."""
    device = json.loads(bodies[0])["device"]["id"]
    came = site.ask(
        "SELECT encode(body_sha256, 'hex'), encode(prev_hash, 'hex') FROM core.event"
        " WHERE device_id = :device ORDER BY device_seq",
        device=device,
    )
    hashes = [hashlib.sha256(body.encode()).hexdigest() for body in bodies]
    assert came == list(zip(hashes, [None, *hashes[:-1]], strict=True))
    promised = {note["sha256"] for body in bodies for note in json.loads(body)["evidence"]}
    assert set(phone.photos) <= promised
    with site.log_in("wang") as officer:
        for name in promised:
            assert sha256(read_photo(officer, name)) == name
    assert phone.rows("events") == []
    assert phone.rows("blobs") == []


def read_photo(officer: httpx.Client, name: str) -> bytes:
    answer = officer.get(f"/evidence/{name}")
    assert answer.status_code == 200, answer.text
    return answer.content


def keep_bodies(phone: Phone, bodies: list[str]) -> None:
    """What the phone holds now, added to what it held before, in the order of its numbers."""
    bodies += [body for row in phone.rows("events") if (body := str(row["body"])) not in bodies]


def test_five_hazards_of_a_basement_reach_the_real_server_with_every_byte_of_their_photos(
    site: SecureSite, phone: Phone
) -> None:
    bodies: list[str] = []
    page = phone.page
    assert page.evaluate("[location.protocol, location.hostname, isSecureContext]") == [
        "https:",
        NAME,
        True,
    ]
    site.wire.go_down()
    phone.go_offline()
    begin_visit(phone)
    for number, item in enumerate(ITEMS[:3]):
        phone.record_hazard(item, number)
    page.reload()
    page.wait_for_selector(".screen-visit .check")
    phone.record_hazard(ITEMS[3], 3)
    phone.fail_item(ITEMS[4])
    phone.take_before(4)
    phone.kill()

    page = phone.open("/field#today")  # it is switched on; the server still cannot be reached
    page.locator(".card.draft").click()
    page.locator("text=未完成").click()
    page.wait_for_selector(".tile.is-taken >> nth=1")
    phone.order_by_date()
    phone.finish_visit()
    assert phone.counter() == "0/6"
    keep_bodies(phone, bodies)
    assert site.ask(RECORDS) == [(0,)]
    site.wire.go_down(down=False)
    send(phone)
    phone.wait_until_sent(6)
    check_arrived(site, phone, bodies)
    with site.log_in("wang") as officer:
        found = officer.get("/hazards", params={"category": "gas"}).json()["hazards"]
    assert sorted(one["item"] for one in found) == sorted(ITEMS)
    assert len(phone.photos) == 10


def test_an_ill_server_a_lost_reply_and_one_killed_in_the_middle_of_a_photo_cost_nothing(
    site: SecureSite, phone: Phone
) -> None:
    bodies: list[str] = []
    superuser = create_engine(site.superuser_url)
    before = count_records(site)
    site.wire.go_down()
    begin_visit(phone, "翠湖小区")
    for number, item in enumerate((ITEMS[0], ITEMS[2])):  # what a residential area is asked
        phone.record_hazard(item, 20 + number)
    phone.finish_visit()
    keep_bodies(phone, bodies)

    with fail_within(superuser):
        site.wire.go_down(down=False)
        send(phone)
        wait_for(lambda: any(is_status(row, 500) for row in phone.rows("events")))
        assert [row["status"] for row in phone.rows("events")] == ["waiting"] * 3
        assert count_records(site) == before
    superuser.dispose()

    def lose_reply() -> None:  # the records are in the log, and nobody tells the phone
        wait_for(lambda: count_records(site) == before + 3)
        site.kill()

    site.wire.arm(lose_reply, after=4_000)
    send(phone)
    wait_for(lambda: site.wire.struck == 1)
    phone.page.wait_for_timeout(300)
    assert [row["status"] for row in phone.rows("events")] == ["waiting"] * 3
    site.start()
    site.wire.arm(site.kill, after=60_000)  # in the middle of a photo
    send(phone)
    wait_for(lambda: site.wire.struck == 2)
    assert "held" in {row["status"] for row in phone.rows("events")}
    site.start()
    send(phone)
    phone.wait_until_sent(3)
    assert count_records(site) == before + 3
    check_arrived(site, phone, bodies)


@contextmanager
def fail_within(superuser: Engine) -> Iterator[None]:
    """The server's database breaks off whatever is recorded: it answers 500."""
    with superuser.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION public.break_off() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = 'XX000'; END $$"
        )
        connection.exec_driver_sql("GRANT EXECUTE ON FUNCTION public.break_off() TO PUBLIC")
        connection.exec_driver_sql(
            "CREATE TRIGGER break_off BEFORE INSERT ON core.event EXECUTE FUNCTION"
            " public.break_off()"
        )
    yield
    with superuser.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION public.break_off() CASCADE")


def count_records(site: SecureSite) -> int:
    return int(str(site.ask(RECORDS)[0][0]))


def is_status(row: dict[str, object], status: int) -> bool:
    return isinstance(row["problem"], dict) and row["problem"].get("status") == status


def save_file(phone: Phone, words: str) -> bytes:
    with phone.page.expect_download() as download:
        phone.page.get_by_text(words, exact=True).click()
    return Path(download.value.path()).read_bytes()


def hand_in(site: SecureSite, content: bytes) -> list[tuple[str, bool]]:
    """The office imports a phone's file: the outcome of each record, and that every photo came."""
    with site.log_in("wang") as officer:
        answer = officer.post("/sync/import", content=content)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert all(one["stored"] for one in told["files"]), told["files"]
    return [(one.get("outcome"), bool(one.get("missing_evidence"))) for one in told["results"]]


def test_the_file_of_a_phone_and_that_of_a_full_one_are_imported_by_the_real_server(
    site: SecureSite, phone: Phone
) -> None:
    before = count_records(site)
    site.wire.go_down()
    phone.go_offline()
    begin_visit(phone, "城东门站")
    phone.record_hazard("gas.tank_unmonitored", 60)
    phone.page.goto(phone.base + "/field#outbox")
    ordinary = save_file(phone, "导出为文件")
    begin_visit(phone, "城东门站")
    phone.fail_item("gas.no_cut_off")
    phone.take_before(61)
    phone.page.locator(".actions .button.amber").click()
    phone.page.wait_for_selector(".screen-order")
    phone.sign_if_asked()
    phone.page.evaluate(
        "() => { const { add } = IDBObjectStore.prototype; window.full = true;"
        " IDBObjectStore.prototype.add = function (...row) {"
        " if (window.full) throw new DOMException('full', 'QuotaExceededError');"
        " return add.apply(this, row); }; }"
    )
    phone.page.locator(".actions .button").click()
    emergency = save_file(phone, "保存为文件")
    assert hand_in(site, ordinary) == [("applied", False)]
    assert hand_in(site, emergency) == [("applied", False)] * 2  # what waits, and the new one
    assert count_records(site) == before + 2
    phone.page.evaluate("window.full = false")
    phone.page.locator(".actions .button").click()
    phone.page.wait_for_selector(".screen-visit")
    bodies: list[str] = []
    keep_bodies(phone, bodies)
    assert bodies == json.loads(emergency)["events"]
    site.wire.go_down(down=False)
    phone.go_offline(offline=False)
    send(phone)
    phone.wait_until_sent(2)
    assert count_records(site) == before + 2
    check_arrived(site, phone, bodies)


def test_a_login_that_ran_out_in_the_field_is_renewed_with_the_records_still_there(
    site: SecureSite, phone: Phone
) -> None:
    bodies: list[str] = []
    with site.db.write(actor="test", reason="time passes", pool=Pool.GATE) as connection:
        connection.exec_driver_sql(
            "UPDATE core.token SET expires_at = now() - interval '1 day' WHERE kind = 'device'"
        )
    begin_visit(phone, "城东门站")
    phone.page.locator(".check").first.wait_for()
    phone.record_hazard("gas.sign_missing", 40)
    banner = phone.page.locator(".banner.bad")
    expect(banner).to_contain_text("登录已失效")
    phone.finish_visit()
    keep_bodies(phone, bodies)
    assert len(bodies) == 2
    banner.locator("button").click()
    phone.page.locator("form input[type=password]").fill(PASSWORD)
    phone.page.locator("form button[type=submit]").click()
    phone.wait_until_sent(2)
    check_arrived(site, phone, bodies)
