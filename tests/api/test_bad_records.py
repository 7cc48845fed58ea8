"""What phones send when something is wrong with them, or with who holds them (issue 3, section 8).

Nothing is a server error, nothing that is a record is thrown away, and hostile text stays text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import create_engine, text

from api.app import create_app
from api.doctor_calendars import examine_calendars
from api.findings import State
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.hazards.rebuild import check
from gis.people.accounts import disable_account
from gis.settings import Settings
from tests.api.bureau import FOUNDER, Handset, PersonRole, enrol, hire
from tests.api.conftest import run_server
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.hazards.records import Phone, id_of, photo

FOUND = {"category": "gas", "severity": "general_a", "description": "软管老化"}
HOSTILE = (
    "'; DROP TABLE core.event; --", "<script>alert(1)</script>", "${jndi:ldap://x}", "{{7*7}}",
    "\u202eabc", "\ufeff\ufffe\uffff", "e\u0301" * 50, "𠮷𡈽" * 20, "=cmd|' /C calc'!A0", "%s%n%x",
    "../../../etc/passwd", "\x01\x1b[31m\x7f", "𝕏\U000e0001", "ﷺ" * 100, "\r\nSet-Cookie: a=b",
)  # fmt: skip


@dataclass
class Office:
    base: str
    client: httpx.Client
    db: PooledDatabase
    zhang: Handset
    owner: str
    state: Path

    def put(
        self, body: bytes, who: Handset | None = None, identifier: UUID | None = None
    ) -> httpx.Response:
        headers = (who or self.zhang).headers
        path = f"/events/{identifier or id_of(body)}"
        return self.client.put(path, content=body, headers=headers)

    def sync(self, events: list[str], who: Handset | None = None) -> list[dict[str, Any]]:
        headers = (who or self.zhang).headers
        answer = self.client.post("/sync", json={"events": events}, headers=headers)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def stored(self, *identifiers: UUID) -> list[tuple[Any, ...]]:
        query = "SELECT id, payload, form, body_sha256, type FROM core.event WHERE id = ANY(:ids)"
        with self.db.read(Pool.STAFF) as connection:
            return [tuple(r) for r in connection.execute(text(query), {"ids": list(identifiers)})]


@pytest.fixture(scope="module")
def office(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    name = clone_database()
    db = connect_pools(cluster, name)
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    state = tmp_path_factory.mktemp("state")
    settings = Settings(reader="public", state_folder=state)
    with ExitStack() as stack:
        base = stack.enter_context(run_server(create_app(urls, settings)))
        client = stack.enter_context(httpx.Client(base_url=base, timeout=30))
        hire(db, "zhang", PersonRole.INSPECTOR)
        yield Office(base, client, db, enrol(client, "zhang"), cluster.superuser_url(name), state)
    db.close()


@contextmanager
def broken_row(office: Office, words: str) -> Iterator[None]:
    """The database fails on the hazard with this description, as a fault of ours would."""
    engine = create_engine(office.owner)
    function = (
        "CREATE FUNCTION core.fail() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN IF NEW.description = '{words}' THEN RAISE EXCEPTION 'broken'; END IF;"
        " RETURN NEW; END $$"
    )
    trigger = "CREATE TRIGGER zz BEFORE INSERT ON core.hazard FOR EACH ROW EXECUTE FUNCTION"
    try:
        with engine.begin() as connection:
            connection.execute(text(function))
            connection.execute(text(f"{trigger} core.fail()"))
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION core.fail() CASCADE"))
        engine.dispose()


@pytest.fixture
def phone(office: Office) -> Phone:
    return Phone(account=office.zhang.account)


def now() -> datetime:
    return datetime.now(UTC)


def as_dict(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body)
    return found


def as_bytes(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def test_a_form_nobody_knows_is_taken_kept_and_applied(office: Office, phone: Phone) -> None:
    for form in ("gas@2099-01", "unheard@1", "gas", "@", HOSTILE[0]):
        body = phone.write("found", now(), payload=FOUND, form=form)
        answer = office.put(body)
        assert (answer.status_code, answer.json()["outcome"]) == (201, "applied"), answer.text
        assert office.stored(id_of(body))[0][2] == form


def test_who_is_dismissed_is_refused_at_once_and_what_came_before_stays(office: Office) -> None:
    account = hire(office.db, "dismissed", PersonRole.INSPECTOR)
    handset = enrol(office.client, "dismissed")
    phone = Phone(account=handset.account, id=handset.id)
    before = phone.write("found", now(), payload=FOUND)
    assert office.put(before, handset).status_code == 201
    with office.db.write(actor="test", reason="dismiss", pool=Pool.GATE) as connection:
        disable_account(connection, account, by=FOUNDER, now=now())
    after = phone.write("found", now(), payload=FOUND)
    for body in (after, before):
        refused = office.put(body, handset)
        assert refused.status_code == 401  # the phone keeps it and asks for the login
        assert refused.json()["detail"]
    asked = {"events": [after.decode()]}
    assert office.client.post("/sync", json=asked, headers=handset.headers).status_code == 401
    assert office.client.get("/sync", headers=handset.headers).status_code == 401
    assert [row[0] for row in office.stored(id_of(before), id_of(after))] == [id_of(before)]


def test_another_persons_record_can_be_neither_claimed_nor_learnt_about(
    office: Office, phone: Phone
) -> None:
    hire(office.db, "thief", PersonRole.INSPECTOR)
    thief = enrol(office.client, "thief")
    sent = phone.write("found", now(), payload=FOUND)
    office.put(sent)
    own = as_bytes(as_dict(sent) | {"account": str(thief.account)})
    assert office.put(own, thief).status_code == 409  # the id is taken by other content
    unsent = phone.write("found", now(), payload=FOUND)
    assert office.put(unsent, thief).status_code == 403
    assert office.stored(id_of(unsent)) == []
    assert office.put(unsent).status_code == 201
    result = office.sync([unsent.decode()], thief)[0]
    assert result.get("problem", {}).get("status") in (403, None)
    assert office.stored(id_of(sent))[0][3] == hashlib.sha256(sent).digest()


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_text_is_kept_as_the_text_it_is(office: Office, phone: Phone, words: str) -> None:
    note = {"description": words, "duty_holder": words[:60], "note": words}
    body = phone.write("found", now(), payload=FOUND | note, form=words[:60])
    answer = office.put(body)
    assert answer.status_code == 201, answer.text
    assert office.stored(id_of(body))[0][1]["description"] == words
    hazard = answer.json()["hazard_id"]
    if hazard is not None:
        told = office.client.get(f"/hazards/{hazard}/timeline", headers=office.zhang.headers)
        assert told.headers["content-type"] == "application/json"
        assert told.json()[0]["payload"]["description"] == words
    visit = {"category": "gas", "result": "normal", "team": [words[:60]], "accompanied_by": words}
    assert office.put(phone.write("visited", now(), payload=visit)).status_code == 201


@pytest.mark.parametrize(
    "member",
    [
        "id", "type", "account", "role", "hazard_id", "visit_id", "campaign_id", "task_id",
        "asset_id", "asset_choice", "expected_version", "form", "payload", "evidence", "device",
        "prev_hash", "fix",
    ],
)  # fmt: skip
def test_no_member_of_a_record_takes_what_is_not_its_own(
    office: Office, phone: Phone, member: str
) -> None:
    hostile: tuple[object, ...] = (
        *HOSTILE[:4], "", 0, -1, 1e308, 2**63, 2**200, True, [], {}, [[]], {"a": []}, "x" * 5000,
        "0" * 64, "00000000-0000-0000-0000-000000000000", None,
    )  # fmt: skip
    for value in hostile:
        record = as_dict(phone.write("found", now(), payload=FOUND)) | {member: value}
        identifier = uuid4() if member == "id" else UUID(record["id"])
        body = json.dumps(record).encode()
        answer = office.put(body, identifier=identifier)
        assert answer.status_code in (200, 201, 400, 403, 409), (value, answer.text)
        assert answer.status_code < 300 or answer.json()["detail"]


@pytest.mark.parametrize(
    "broken",
    [
        b'"description": "\\ud800"', b'"description": "\\udfff\\ud800"',
        b'"description": "a\\u0000b"', b'"de\\u0000": "x"', b'"description": "\xed\xa0\x80"',
        b'"description": "\xff"', b'"description": NaN', b'"description": 1e999',
        b'"description": "a\nb"', b'"description": ' + b"[" * 40 + b"]" * 40,
        b'"description": ' + b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)  # fmt: skip
def test_text_that_cannot_be_stored_is_bad_input_and_blocks_nothing(
    office: Office, phone: Phone, broken: bytes
) -> None:
    body = phone.write("found", now(), payload=FOUND)
    spoilt = body.replace('"description": "软管老化"'.encode(), broken)
    assert spoilt != body
    answer = office.put(spoilt, identifier=id_of(body))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert office.put(body).status_code == 201


def test_a_payload_is_taken_to_a_depth_of_thirty_two_and_no_deeper(
    office: Office, phone: Phone
) -> None:
    for depth, status in ((30, 201), (31, 400), (5000, 400)):
        deep = b"[" * depth + b"]" * depth
        body = phone.write("found", now(), payload=FOUND | {"deep": "X"})
        identifier = id_of(body)
        answer = office.put(body.replace(b'"X"', deep), identifier=identifier)
        assert answer.status_code == status, (depth, answer.text)


def test_a_batch_of_a_hundred_with_one_oversized_takes_the_other_ninety_nine(
    office: Office, phone: Phone
) -> None:
    bodies = [phone.write("found", now(), payload=FOUND) for _ in range(100)]
    bodies[41] = phone.write("found", now(), payload=FOUND | {"description": "长" * 50_000})
    results = office.sync([body.decode() for body in bodies])
    assert [n for n, result in enumerate(results) if "problem" in result] == [41]
    assert results[41]["problem"]["status"] == 400
    assert results[41]["sha256"] == hashlib.sha256(bodies[41]).hexdigest()
    assert {r["outcome"] for n, r in enumerate(results) if n != 41} == {"applied"}


def test_the_same_record_twice_in_a_batch_is_one_and_other_content_is_told_apart(
    office: Office, phone: Phone
) -> None:
    body = phone.write("found", now(), payload=FOUND).decode()
    other = body.replace("软管老化", "软管破裂")
    first, again, changed = office.sync([body, body, other])
    assert (first["outcome"], again["outcome"]) == ("applied", "applied")
    assert first["number"] == again["number"]
    assert changed["problem"]["status"] == 409
    assert len(office.stored(UUID(first["id"]))) == 1


def test_steps_that_come_in_reverse_over_several_batches_all_find_their_place(
    office: Office, phone: Phone
) -> None:
    hazard, day = uuid4(), now() - timedelta(hours=5)
    found = phone.write("found", day, hazard_id=hazard, payload=FOUND)
    notes = [
        phone.write(
            "commented", day + timedelta(minutes=n), hazard_id=hazard, payload={"note": "x"}
        )
        for n in range(1, 4)
    ]
    for body in reversed(notes):
        result = office.sync([body.decode()])[0]
        assert result["outcome"] == "waiting"
    assert office.sync([found.decode()])[0]["outcome"] == "applied"
    again = office.sync([body.decode() for body in notes])
    assert {r["outcome"] for r in again} == {"applied"}
    assert again[0]["hazard_version"] == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "x"}, {"sha256": "A" * 64}, {"sha256": "0" * 63}, {"sha256": "0" * 65},
        {"sha256": None}, {"sha256": 5}, {"sha256": "0" * 63 + "\n"}, {"sha256": "０" * 64},
        {"kind": "selfie"}, {"bytes": -1}, {"bytes": 2**40}, {"media": "x" * 500},
        {"lon": 181}, {"lat": 91}, {"accuracy_m": -1}, {"taken_at": "yesterday"},
        {"taken_at": "2026-01-01T00:00:00"}, {"of": "x"},
    ],
)  # fmt: skip
def test_a_note_of_evidence_of_the_wrong_shape_is_named_and_the_record_not_stored(
    office: Office, phone: Phone, wrong: dict[str, object]
) -> None:
    body = phone.write("found", now(), payload=FOUND, evidence=[photo("before_wide") | wrong])
    answer = office.put(body)
    assert answer.status_code == 400
    assert answer.json()["member"].startswith(f"evidence.0.{next(iter(wrong))}")
    assert office.stored(id_of(body)) == []


def test_more_evidence_than_a_record_holds_is_refused(office: Office, phone: Phone) -> None:
    notes = [photo("before_wide") for _ in range(61)]
    answer = office.put(phone.write("found", now(), payload=FOUND, evidence=notes))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "at",
    [
        "1970-01-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("shown", [None, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "x"])
def test_a_clock_at_either_end_of_time_loses_no_record(
    office: Office, phone: Phone, at: str, shown: str | None
) -> None:
    record = as_dict(phone.write("found", now(), payload=FOUND))
    record["device"]["at"] = at
    body = as_bytes(record)
    headers = office.zhang.headers | ({"Client-Now": shown} if shown else {})
    answer = office.client.put(f"/events/{id_of(body)}", content=body, headers=headers)
    assert answer.status_code == 201, answer.text


def test_a_code_that_is_taken_is_a_stored_refusal_and_stops_no_other_record(
    office: Office, phone: Phone
) -> None:
    first = phone.write("found", now(), payload=FOUND | {"code": "GAS-0001"})
    assert office.sync([first.decode()])[0]["outcome"] == "applied"
    bodies = [
        phone.write("found", now(), payload=FOUND | more) for more in ({}, {"code": "GAS-0001"}, {})
    ]
    results = office.sync([body.decode() for body in bodies])
    assert [one["outcome"] for one in results] == ["applied", "refused", "applied"]
    assert results[1]["reason"]["rule"] == "taken"
    assert results[1]["sha256"] == hashlib.sha256(bodies[1]).hexdigest()
    assert len(office.stored(*map(id_of, bodies))) == 3
    again = office.sync([bodies[1].decode()])[0]
    assert (again["outcome"], again["reason"], again["number"]) == (
        "refused", results[1]["reason"], results[1]["number"],
    )  # fmt: skip
    # The log alone leads to the same: the refusal is in it.
    with office.db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        assert check(connection) == []


def test_a_campaign_without_its_id_or_with_one_that_is_taken_is_refused_and_kept(
    office: Office,
) -> None:
    hire(office.db, "wang", PersonRole.OFFICER)
    wang = enrol(office.client, "wang")
    phone = Phone(account=wang.account, id=wang.id)
    opened = {
        "name": "专项检查", "starts_on": "2026-03-01", "due_on": "2026-03-31",
        "rules": [{"category": "gas", "kind": "gas_site"}],
    }  # fmt: skip
    campaign, rules = uuid4(), []
    for identifier in (None, campaign, campaign):
        body = phone.write("campaign_opened", now(), role="officer", payload=opened,
                           campaign_id=identifier)  # fmt: skip
        answer = office.put(body, wang)
        assert answer.status_code == 201, answer.text
        rules.append(answer.json()["reason"] and answer.json()["reason"]["rule"])
    assert rules == ["campaign", None, "exists"]


def test_a_fault_in_one_record_is_kept_as_its_refusal_with_a_number_in_the_log(
    office: Office, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    """A trigger that fails on one row stands for whatever may be wrong with one record."""
    bodies = [phone.write("found", now(), payload=FOUND | {"description": words})
              for words in ("好", "坏", "好")]  # fmt: skip
    with broken_row(office, "坏"):
        results = office.sync([body.decode() for body in bodies])
    assert [one["outcome"] for one in results] == ["applied", "refused", "applied"]
    reason = results[1]["reason"]
    assert reason["rule"] == "fault"
    assert reason["fault"] in reason["zh"]
    assert any(reason["fault"] in line.getMessage() for line in caplog.records)
    assert len(office.stored(*map(id_of, bodies))) == 3
    with office.db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        assert check(connection) == []


def test_a_typo_in_a_calendar_stops_no_record_and_doctor_names_the_line(
    office: Office, phone: Phone
) -> None:
    folder = office.state / "calendars"
    folder.mkdir()
    file = folder / "2027.csv"
    file.write_text("date,day\n2027-01-01,holiday\n")
    try:
        bodies = [phone.write("found", now(), payload=FOUND) for _ in range(2)]
        assert office.put(bodies[0]).status_code == 201
        assert office.sync([bodies[1].decode()])[0]["outcome"] == "applied"
        found = examine_calendars(Settings(state_folder=office.state))
        assert found.state is State.WRONG
        assert "2027.csv, line 2" in found.found.en
        assert "2027-01-01,off" in (found.fix or found.found).en
        file.write_text("date,day\n2027-01-01,off\n")
        assert examine_calendars(Settings(state_folder=office.state)).state is State.OK
    finally:
        file.unlink()
        folder.rmdir()
