"""What an officer could write into an outbox by hand, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from gis.db.roles import Pool
from tests.api.crowd import Crowd

MAJOR = {"category": "gas", "severity": "major", "lon": 99.2, "lat": 24.9}
HASH = "0" * 64


def write(account: UUID, device: UUID, seq: int, type_: str, **members: object) -> str:
    """A record by hand: the bytes of one event, nothing of the app's."""
    at = members.pop("at", datetime.now(UTC))
    record = {
        "id": str(uuid4()), "type": type_, "account": str(account), "payload": {},
        "prev_hash": None,
        "device": {"id": str(device), "seq": seq, "at": str(at).replace(" ", "T")},
    }  # fmt: skip
    return json.dumps({**record, **members}, default=str)


def chain(*bodies: str) -> list[str]:
    """The bodies, each naming the hash of the one before."""
    chained: list[str] = []
    for body in bodies:
        last = hashlib.sha256(chained[-1].encode()).hexdigest() if chained else None
        document = json.loads(body)
        chained.append(json.dumps({**document, "prev_hash": document["prev_hash"] or last}))
    return chained


def hand_in(crowd: Crowd, device: UUID | None, events: list[str]) -> list[dict[str, Any]]:
    document = {"format": "infratrack-outbox/1", "device_id": device and str(device),
                "events": events, "blobs": []}  # fmt: skip
    answer = crowd.log_in("officer").post("/sync/import", json=document)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def verdicts(results: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["outcome"], one["reason"] and one["reason"]["rule"]) for one in results]


def state_of(crowd: Crowd, hazard: UUID) -> str | None:
    with crowd.db.read(Pool.STAFF) as connection:
        query = text("SELECT state FROM core.hazard WHERE id = :id")
        return connection.execute(query, {"id": hazard}).scalar()


def seven(crowd: Crowd, device: UUID, hazard: UUID) -> list[str]:
    """A major hazard found, ordered, repaired, passed and closed in others' names."""
    steps: list[tuple[str, str, str, dict[str, object]]] = [
        ("found", "inspector", "inspector", {"payload": MAJOR}),
        ("registered", "officer", "officer", {}),
        ("notified", "leader", "leader", {"payload": {"document": "1号"}}),
        ("rectifying", "officer", "officer", {"evidence": [{"sha256": HASH, "kind": "interim"}]}),
        ("submitted", "officer", "officer", {"evidence": [{"sha256": HASH, "kind": "after"}]}),
        ("passed", "zhou", "reinspector", {"evidence": [{"sha256": HASH, "kind": "reinspection"}]}),
        ("closed", "leader", "leader", {}),
    ]  # fmt: skip
    return chain(*(
        write(crowd.ids[who], device, n, name, role=role, hazard_id=hazard,
              expected_version=n - 1 or None, **more)
        for n, (name, who, role, more) in enumerate(steps, start=1)
    ))  # fmt: skip


def test_one_officer_cannot_close_a_hazard_in_the_names_of_others(own_crowd: Crowd) -> None:
    own_crowd.make("zhou", "inspector")
    device, hazard = uuid4(), uuid4()
    results = hand_in(own_crowd, device, seven(own_crowd, device, hazard))
    assert verdicts(results) == [("refused", "unknown-device")] * 7
    assert state_of(own_crowd, hazard) is None
    # A phone of the inspector's brings the inspector's records, and nobody else's.
    own_crowd.phone("inspector", device)
    results = hand_in(own_crowd, device, seven(own_crowd, device, hazard))
    assert verdicts(results) == [("applied", None)] + [("refused", "other-person")] * 6
    assert state_of(own_crowd, hazard) == "found"
    with own_crowd.db.read(Pool.STAFF) as connection:
        kept = connection.execute(
            text("SELECT actor, device_id, settled -> 'refused' ->> 'account' FROM core.event"
                 " WHERE type = 'closed' ORDER BY number")
        ).all()  # fmt: skip
    # Nothing is lost; it stands in the name of who handed it in, with what it claimed.
    assert [tuple(row) for row in kept] == [("officer", None, str(own_crowd.ids["leader"]))] * 2
    line = own_crowd.log_in("officer").get(f"/hazards/{hazard}/timeline").json()
    assert {row["outcome"] for row in line} == {"applied", "refused"}


def as_inspector(crowd: Crowd, device: UUID) -> httpx.Client:
    return crowd.visitor(Authorization=f"Bearer {crowd.phone('inspector', device)}")


def test_a_file_follows_from_what_its_phone_has_sent_or_is_refused(own_crowd: Crowd) -> None:
    device, who = uuid4(), own_crowd.ids["inspector"]
    phone = as_inspector(own_crowd, device)
    found = {"payload": {"category": "gas"}, "role": "inspector",
             "fix": {"lon": 99.2, "lat": 24.9}}  # fmt: skip
    first = write(who, device, 1, "found", **found)
    assert phone.put(f"/events/{json.loads(first)['id']}", content=first).status_code == 201
    forged = write(who, device, 2, "found", **found, prev_hash=HASH)
    results = hand_in(own_crowd, device, [forged, write(who, device, 9, "found", **found)])
    assert verdicts(results) == [("refused", "chain")] * 2
    # What the phone really wrote comes after it in the chain, past one that is no record at all.
    true = chain(first, write(who, device, 2, "found", **{**found, "role": 7}),
                 write(who, device, 3, "found", **found))[1:]  # fmt: skip
    told = hand_in(own_crowd, device, true)
    assert told[0]["problem"]["status"] == 400
    assert verdicts(told[1:]) == [("applied", None)]
    with own_crowd.db.read(Pool.STAFF) as connection:
        counted = connection.execute(
            text("SELECT received, highest FROM core.device_count WHERE device_id = :id"),
            {"id": device},
        ).one()
    assert tuple(counted) == (2, 3)  # the forged ones take no number of the phone's


def test_a_phone_that_has_begun_its_chain_begins_no_second_one(own_crowd: Crowd) -> None:
    """A chain written from number 1 on, of which the last number is still free."""
    device, who = uuid4(), own_crowd.ids["inspector"]
    found = {"payload": {"category": "gas"}, "role": "inspector",
             "fix": {"lon": 99.2, "lat": 24.9}}  # fmt: skip
    true = chain(*(write(who, device, n, "found", **found) for n in (1, 2)))
    phone = as_inspector(own_crowd, device)
    for body in true:
        assert phone.put(f"/events/{json.loads(body)['id']}", content=body).status_code == 201
    forged = chain(*(write(who, device, n, "found", **found) for n in (1, 2, 3)))
    assert verdicts(hand_in(own_crowd, device, forged)) == [("refused", "chain")] * 3
    # The phone's own file, from its beginning, is taken all the same.
    own = chain(*true, write(who, device, 3, "found", **found))
    assert verdicts(hand_in(own_crowd, device, own)) == [("applied", None)] * 3


def test_an_officer_does_not_vouch_for_anothers_record_by_his_own(own_crowd: Crowd) -> None:
    """He brings the inspector's phone in for himself, sends a record of it, and chains to that."""
    device, who = uuid4(), own_crowd.ids["inspector"]
    found = {"payload": {"category": "gas"}, "role": "inspector",
             "fix": {"lon": 99.2, "lat": 24.9}}  # fmt: skip
    first = write(who, device, 1, "found", **found)
    phone = as_inspector(own_crowd, device)
    assert phone.put(f"/events/{json.loads(first)['id']}", content=first).status_code == 201
    officer, hazard = own_crowd.ids["officer"], json.loads(first)["id"]
    own_crowd.phone("officer", device)
    link = write(officer, device, 2, "commented", hazard_id=hazard, role="officer",
                 payload={"note": "x"}, prev_hash=HASH)  # fmt: skip
    sent = own_crowd.log_in("officer").put(f"/events/{json.loads(link)['id']}", content=link)
    assert sent.status_code == 201, sent.text
    forged = chain(link, write(who, device, 3, "found", **found),
                   write(officer, device, 4, "commented", hazard_id=hazard, role="officer",
                         payload={"note": "y"}))  # fmt: skip
    results = hand_in(own_crowd, device, forged[1:])
    assert verdicts(results) == [("refused", "chain")] * 2
    own = chain(link, write(officer, device, 3, "commented", hazard_id=hazard, role="officer",
                            payload={"note": "z"}))  # fmt: skip
    assert verdicts(hand_in(own_crowd, device, own[1:])) == [("applied", None)]


def test_a_record_written_after_the_phone_was_revoked_is_refused(own_crowd: Crowd) -> None:
    device, who = uuid4(), own_crowd.ids["inspector"]
    own_crowd.phone("inspector", device)
    inspector = own_crowd.log_in("inspector")
    assert inspector.delete(f"/devices/{device}").status_code == 204
    found = {"payload": {"category": "gas"}, "role": "inspector",
             "fix": {"lon": 99.2, "lat": 24.9}}  # fmt: skip
    now = datetime.now(UTC)
    bodies = chain(
        write(who, device, 1, "found", **found, at=(now - timedelta(hours=1)).isoformat()),
        write(who, device, 2, "found", **found, at=(now + timedelta(hours=1)).isoformat()),
    )
    assert verdicts(hand_in(own_crowd, device, bodies)) == [
        ("applied", None), ("refused", "device-revoked"),
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["system", "inspector", None])
def test_no_phone_and_no_file_writes_what_only_the_system_writes(
    own_crowd: Crowd, role: str | None
) -> None:
    device, who, hazard = uuid4(), own_crowd.ids["inspector"], uuid4()
    phone = as_inspector(own_crowd, device)
    record = {"code": "H-1", "source": "x", "source_code": "1", "category": "gas",
              "severity": "minor", "found_at": datetime.now(UTC).isoformat()}  # fmt: skip
    fix = {"lon": 99.2, "lat": 24.9}
    found = write(who, device, 1, "found", role="inspector", hazard_id=hazard, fix=fix,
                  payload={"category": "gas"})  # fmt: skip
    closed = {"payload": {**fix, "record": {**record, "state": "closed"}}, "role": role}
    stage = {"stage": "due", "recipient": "section_head", "since": record["found_at"],
             "due_at": record["found_at"]}  # fmt: skip
    forged = [
        write(who, device, 2, "imported", **closed),
        write(who, device, 3, "imported", hazard_id=hazard, role=role,
              payload={**fix, "record": {**record, "state": "submitted"}}),
        write(who, device, 4, "escalated", hazard_id=hazard, role=role, payload=stage),
        write(who, device, 5, "evidence_stored", role=role,
              payload={"sha256": HASH, "bytes": 1, "media": "image/jpeg"}),
    ]  # fmt: skip
    assert phone.put(f"/events/{json.loads(found)['id']}", content=found).status_code == 201
    sent = phone.post("/sync", json={"events": forged}).json()["results"]
    assert verdicts(sent) == [("refused", "type")] * 4
    bodies = chain(found, *(write(who, device, n, json.loads(body)["type"], role=role,
                                  hazard_id=hazard, payload=json.loads(body)["payload"])
                            for n, body in enumerate(forged, start=2)))[1:]  # fmt: skip
    assert verdicts(hand_in(own_crowd, device, bodies)) == [("refused", "type")] * 4
    assert state_of(own_crowd, hazard) == "found"
