"""The phone's protocol over HTTP: what is answered, what is refused, what is never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from shapely import Point
from sqlalchemy import text

from api.app import create_app
from gis import store
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.kinds.gas_site import GasSite, GasSiteType
from gis.settings import Settings
from tests.api.bureau import Handset, PersonRole, enrol, hire
from tests.api.conftest import run_server
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.hazards.records import Phone, id_of, photo
from tests.gis.samples import sample_record

FOUND = {"category": "gas", "severity": "general_a", "description": "软管老化"}


@dataclass
class Bureau:
    client: httpx.Client
    db: PooledDatabase
    inspector: Handset
    officer: Handset

    def put(self, body: bytes, who: Handset | None = None, **headers: str) -> httpx.Response:
        who = who or self.inspector
        return self.client.put(
            f"/events/{id_of(body)}", content=body, headers={**who.headers, **headers}
        )


@pytest.fixture(scope="module")
def bureau(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    name = clone_database()
    db = connect_pools(cluster, name)
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    settings = Settings(reader="public", state_folder=tmp_path_factory.mktemp("state"))
    with ExitStack() as stack:
        base = stack.enter_context(run_server(create_app(urls, settings)))
        client = stack.enter_context(httpx.Client(base_url=base, timeout=30))
        hire(db, "zhang", PersonRole.INSPECTOR)
        hire(db, "wang", PersonRole.OFFICER)
        yield Bureau(client, db, enrol(client, "zhang"), enrol(client, "wang"))
    db.close()


@pytest.fixture
def phone(bureau: Bureau) -> Phone:
    return Phone(account=bureau.inspector.account)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_record_is_created_once_and_its_repetition_is_answered_alike(
    bureau: Bureau, phone: Phone
) -> None:
    body = phone.write("found", now(), payload=FOUND)
    first, again = bureau.put(body), bureau.put(body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["outcome"] == "applied"
    assert first.json()["sha256"] == phone.last


def test_other_bytes_under_the_same_id_are_a_conflict(bureau: Bureau, phone: Phone) -> None:
    body = phone.write("found", now(), payload=FOUND)
    bureau.put(body)
    answer = bureau.put(body.replace(b"general_a", b"general_b"))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"", b"nonsense", b"{}", b"[" * 2000, b'{"id": "x"}', b"\xff"])
def test_what_is_no_record_is_bad_input_and_stores_nothing(bureau: Bureau, body: bytes) -> None:
    answer = bureau.client.put(f"/events/{uuid4()}", content=body, headers=bureau.inspector.headers)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_nobody_records_without_a_login_or_with_a_token_that_is_no_good(
    bureau: Bureau, phone: Phone
) -> None:
    body = phone.write("found", now(), payload=FOUND)
    for headers in ({}, {"Authorization": "Bearer itd_nonsense"}):
        answer = bureau.client.put(f"/events/{id_of(body)}", content=body, headers=headers)
        assert answer.status_code == 401
    with bureau.db.read(Pool.STAFF) as connection:
        query = text("SELECT count(*) FROM core.event WHERE id = :id")
        assert connection.execute(query, {"id": id_of(body)}).scalar() == 0


def test_another_persons_record_is_refused_and_not_taken_for_a_repetition(
    bureau: Bureau, phone: Phone
) -> None:
    body = phone.write("found", now(), payload=FOUND)
    answer = bureau.put(body, bureau.officer)
    assert answer.status_code == 403
    assert bureau.put(body).status_code == 201


def test_a_batch_answers_for_each_record_and_a_bad_one_blocks_no_other(
    bureau: Bureau, phone: Phone
) -> None:
    good = [phone.write("found", now(), payload=FOUND).decode() for _ in range(3)]
    stranger = Phone().write("found", now(), payload=FOUND).decode()
    asked = {"client_now": now().isoformat(), "events": [good[0], "{}", stranger, *good[1:]]}
    answer = bureau.client.post("/sync", json=asked, headers=bureau.inspector.headers)
    results = answer.json()["results"]
    assert [r.get("outcome", r.get("problem", {}).get("status")) for r in results] == [
        "applied", 400, 403, "applied", "applied",
    ]  # fmt: skip
    assert results[2]["sha256"]
    assert results[4]["received_of_device"] == {"count": 3, "highest": 3}


def test_a_batch_over_its_limit_or_of_another_form_is_bad_input(bureau: Bureau) -> None:
    for asked in ({"events": ["{}"] * 101}, {"events": "x"}, [], {"events": [1]}):
        answer = bureau.client.post("/sync", json=asked, headers=bureau.inspector.headers)
        assert answer.status_code == 400


def test_fifty_identical_requests_at_once_are_one_record(bureau: Bureau, phone: Phone) -> None:
    body = phone.write("found", now(), payload=FOUND)

    def send(_: int) -> int:
        with httpx.Client(base_url=bureau.client.base_url, timeout=60) as client:
            while True:
                answer = client.put(
                    f"/events/{id_of(body)}", content=body, headers=bureau.inspector.headers
                )
                if answer.status_code not in (423, 503):
                    return answer.status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(send, range(50)))
    assert sorted(statuses) == [200] * 49 + [201]


def test_the_clock_of_the_phone_is_corrected_by_what_it_showed_when_it_sent(
    bureau: Bureau, phone: Phone
) -> None:
    wrong = now() - timedelta(days=900)
    body = phone.write("found", wrong - timedelta(hours=2), payload=FOUND)
    bureau.put(body, **{"Client-Now": wrong.isoformat()})
    with bureau.db.read(Pool.STAFF) as connection:
        query = text("SELECT at FROM core.event WHERE id = :id")
        at = connection.execute(query, {"id": id_of(body)}).scalar_one()
    assert abs(now() - timedelta(hours=2) - at) < timedelta(minutes=1)


def test_a_day_comes_with_forms_words_and_what_the_person_may_do(
    bureau: Bureau, phone: Phone
) -> None:
    bureau.put(phone.write("found", now(), payload=FOUND))
    day = bureau.client.get("/sync", headers=bureau.inspector.headers).json()
    assert day["person"]["login"] == "zhang"
    assert {"tasks", "assets", "hazards", "removed", "cursor", "to_go"} <= day.keys()
    assert "fixed_on_spot" in day["hazards"][0]["allowed"]
    assert "registered" not in day["hazards"][0]["allowed"]
    assert any(form["key"] == "gas" for form in day["forms"])
    again = bureau.client.get(
        "/sync", params={"since": day["cursor"]}, headers=bureau.inspector.headers
    )
    assert again.status_code == 200
    bad = bureau.client.get("/sync", params={"since": "x"}, headers=bureau.inspector.headers)
    assert bad.status_code == 400


def test_hazards_are_listed_filtered_and_told_with_their_timeline(
    bureau: Bureau, phone: Phone
) -> None:
    hazard = uuid4()
    note = photo("before_wide")
    bureau.put(phone.write("found", now(), payload=FOUND, hazard_id=hazard, evidence=[note]))
    read = bureau.officer.headers
    listed = bureau.client.get("/hazards", params={"severity": "general_a"}, headers=read).json()
    assert str(hazard) in {h["id"] for h in listed["hazards"]}
    assert bureau.client.get("/hazards?severity=huge", headers=read).status_code == 400
    assert bureau.client.get("/hazards?overdue=maybe", headers=read).status_code == 400
    one = bureau.client.get(f"/hazards/{hazard}", headers=read)
    assert one.json()["hazard"]["version"] == 1, one.text
    assert "registered" in one.json()["allowed"]["found"]
    again = bureau.client.get(
        f"/hazards/{hazard}", headers={**read, "If-None-Match": one.headers["etag"]}
    )
    assert again.status_code == 304
    told = bureau.client.get(f"/hazards/{hazard}/timeline", headers=read).json()
    assert told[0]["evidence"][0]["sha256"] == note["sha256"]
    assert bureau.client.get(f"/hazards/{uuid4()}", headers=read).status_code == 404
    assert bureau.client.get("/hazards/nonsense", headers=read).status_code == 404


def test_pages_of_hazards_follow_their_cursor_and_no_other_query_takes_it(
    bureau: Bureau, phone: Phone
) -> None:
    for _ in range(5):
        bureau.put(phone.write("found", now(), payload={**FOUND, "category": "road"}))
    read, seen, cursor = bureau.officer.headers, [], None
    while True:
        asked = {"category": "road", "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = bureau.client.get("/hazards", params=asked, headers=read).json()
        seen += [h["id"] for h in page["hazards"]]
        if (cursor := page["next"]) is None:
            break
        stolen = {"category": "gas", "limit": "2", "cursor": cursor}
        assert bureau.client.get("/hazards", params=stolen, headers=read).status_code == 400
    assert len(seen) == len(set(seen)) == 5


def test_a_record_too_large_is_told_so_and_the_phone_keeps_it(bureau: Bureau, phone: Phone) -> None:
    body = phone.write("found", now(), payload={**FOUND, "description": "长" * 90_000})
    assert bureau.put(body).status_code in (400, 413)
    assert json.loads(body)["id"]


def test_no_state_folder_is_needed_to_record(tmp_path: Path, bureau: Bureau) -> None:
    assert not any(tmp_path.iterdir())
    assert bureau.client.get("/health").status_code == 200


def test_a_campaign_draws_its_targets_is_assigned_visited_and_counts_truly(
    bureau: Bureau, phone: Phone
) -> None:
    with bureau.db.write(actor="test", reason="sites") as connection:
        sites = [
            store.add(
                connection,
                sample_record(GasSite).model_copy(update={"code": f"R{n}", "source_code": f"R{n}"}),
                Point(99.3, 24.9 + n / 1000),
            )
            for n in range(10)
        ]
    office, today = bureau.officer.headers, now().date()
    asked = {
        "name": "冬季燃气安全专项检查", "starts_on": str(today), "due_on": str(today),
        "rules": [{"category": "gas", "kind": "gas_site", "mode": "sample", "rate": 0.25,
                   "seed": 7}],
    }  # fmt: skip
    opened = bureau.client.post("/campaigns", json=asked, headers=office)
    assert opened.status_code == 201, opened.text
    tasks_url = opened.headers["location"]
    tasks = bureau.client.get(tasks_url, headers=office).json()
    assert len(tasks) == 3  # ceil(10 × 0.25)
    assert {t["asset_id"] for t in tasks} <= {str(s) for s in sites}
    given = {"tasks": [t["id"] for t in tasks], "to": "zhang"}
    assert bureau.client.post(tasks_url, json=given, headers=office).status_code == 204
    day = bureau.client.get("/sync", headers=bureau.inspector.headers).json()
    assert day["to_go"] == 3
    for task, result in zip(tasks, ("normal", "no_entry", None), strict=True):
        for _ in range(2 if result == "no_entry" else 1):
            visit = {"category": "gas", "result": result, "team": ["甲", "乙"]}
            members = {"visit_id": uuid4(), "task_id": task["id"], "asset_id": task["asset_id"]}
            if result:
                bureau.put(phone.write("visited", now(), payload=visit, **members))
    listed = bureau.client.get("/campaigns", headers=office).json()
    campaign = next(c for c in listed if c["name"] == asked["name"])
    seen = campaign["coverage"]["gas"]
    assert campaign["population"] == {"gas": 10}
    assert (seen["targets"], seen["visited"], seen["no_entry"]) == (3, 1, 1)
    assert seen["visits"] == {"visits": 1, "units": 1, "outings": 1}
    closing = f"/campaigns/{campaign['id']}/close"
    assert bureau.client.post(closing, headers=office).status_code == 204
    assert bureau.client.post(closing, headers=office).status_code == 404


def test_two_rules_of_a_category_count_each_site_once_and_draw_none_that_is_closed(
    bureau: Bureau, phone: Phone
) -> None:
    with bureau.db.write(actor="test", reason="sites") as connection:
        for n in range(7):
            changes = {"code": f"TW{n}", "source_code": f"TW{n}", "township": f"53299910{n % 2}"}
            state = {"operating_state": "closed" if n == 6 else "open"}
            record = sample_record(GasSite).model_copy(update=changes)
            made = GasSite.model_validate(record.model_dump() | state)
            store.add(connection, made, Point(99.35, 24.9 + n / 1000))
    # The bureau's clock: half past seven in the morning of its first day is still the day before
    # in UTC.
    first = (now() - timedelta(days=20)).replace(hour=23, minute=30)
    asked = {
        "name": "两乡镇检查", "starts_on": str(first.date() + timedelta(days=1)),
        "due_on": str(first.date() + timedelta(days=30)),
        "rules": [{"category": "gas", "kind": "gas_site", "township": "532999100"},
                  {"category": "gas", "kind": "gas_site", "township": "532999101"},
                  {"category": "gas", "kind": "gas_site", "township": "532999100"}],
    }  # fmt: skip
    opened = bureau.client.post("/campaigns", json=asked, headers=bureau.officer.headers)
    tasks = bureau.client.get(opened.headers["location"], headers=bureau.officer.headers).json()
    for team in (["甲", "乙"], ["乙", "甲"]):
        visit = {"category": "gas", "result": "normal", "team": team}
        members = {"visit_id": uuid4(), "asset_id": tasks[0]["asset_id"]}
        bureau.put(phone.write("visited", first, payload=visit, **members))
    listed = bureau.client.get("/campaigns", headers=bureau.officer.headers).json()
    campaign = next(c for c in listed if c["name"] == asked["name"])
    assert campaign["population"] == {"gas": 6}
    assert campaign["coverage"]["gas"]["targets"] == 6
    assert campaign["coverage"]["gas"]["visits"] == {"visits": 2, "units": 1, "outings": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": []},
        {"rules": [{"category": "gas", "kind": "no_such_kind"}]},
        {"rules": [{"category": "gas", "kind": "gas_site", "mode": "sample"}]},
        {"due_on": "2020-01-01"},
        {"name": ""},
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused_and_nothing_is_written(
    bureau: Bureau, wrong: dict[str, object]
) -> None:
    asked = {
        "name": "检查", "starts_on": "2026-03-01", "due_on": "2026-03-31",
        "rules": [{"category": "gas", "kind": "gas_site"}], **wrong,
    }  # fmt: skip
    count = text("SELECT count(*) FROM core.event")
    with bureau.db.read(Pool.STAFF) as connection:
        before = connection.execute(count).scalar()
    answer = bureau.client.post("/campaigns", json=asked, headers=bureau.officer.headers)
    assert answer.status_code in (400, 404)
    with bureau.db.read(Pool.STAFF) as connection:
        assert connection.execute(count).scalar() == before


def test_a_phone_announces_its_numbers_and_nobody_those_of_another_phone(
    bureau: Bureau, phone: Phone
) -> None:
    """A phone that numbered three and sent one: two are missing, also when the batch is empty."""
    device = bureau.inspector.id
    asked = {"events": [], "device_id": str(uuid4()), "highest": 3}  # of its own, whatever it says
    answer = bureau.client.post("/sync", json=asked, headers=bureau.inspector.headers)
    assert answer.status_code == 200
    for wrong in (0, -1, 2**60, "9", None):
        bureau.client.post(
            "/sync", json={"events": [], "highest": wrong}, headers=bureau.officer.headers
        )
    with bureau.db.read(Pool.JOBS) as connection:
        rows = connection.execute(text("SELECT device_id, highest FROM core.device_announcement"))
        assert [tuple(row) for row in rows] == [(device, 3)]
    told = bureau.client.get("/sync/completeness", headers=bureau.officer.headers).json()
    (gap,) = [gap for gap in told["gaps"] if gap["device_id"] == str(device)]
    assert gap["missing"] == [[1, 3]]


def test_assets_of_the_day_say_what_type_of_site_they_are(bureau: Bureau) -> None:
    with bureau.db.write(actor="test", reason="sites") as connection:
        place = sample_record(GasSite).model_copy(
            update={"code": "T1", "source_code": "T1", "site_type": GasSiteType.REGULATOR}
        )
        site = store.add(connection, place, Point(99.3, 24.7))
    office, today = bureau.officer.headers, str(now().date())
    rules = [{"category": "gas", "kind": "gas_site", "mode": "all"}]
    asked = {"name": "类型", "starts_on": today, "due_on": today, "rules": rules}
    where = bureau.client.post("/campaigns", json=asked, headers=office).headers["location"]
    tasks = [t["id"] for t in bureau.client.get(where, headers=office).json()
             if t["asset_id"] == str(site)]  # fmt: skip
    bureau.client.post(where, json={"tasks": tasks, "to": "zhang"}, headers=office)
    day = bureau.client.get("/sync", headers=bureau.inspector.headers).json()
    (asset,) = [one for one in day["assets"] if one["id"] == str(site)]
    assert asset["site_type"] == "regulator"
