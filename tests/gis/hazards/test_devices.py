"""How much of what devices numbered has arrived: counted as it comes, never by counting it all."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.hazards.case import Outcome
from gis.hazards.devices import announce_highest, read_completeness
from gis.hazards.rebuild import check, rebuild
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, author
from tests.gis.hazards.test_log import FOUND, NOON, everything_agrees, take

LI = UUID("01900000-0000-7000-8000-000000000002")


def test_a_device_that_sends_out_of_order_and_anew_is_counted_by_its_numbers(
    db: OneTransaction,
) -> None:
    phone, chance = Phone(), random.Random(7)
    bodies = [phone.write("found", NOON + timedelta(seconds=n), payload=FOUND) for n in range(9)]
    phone.seq = 3  # restored from an old copy of itself: it takes four and five again
    bodies += [phone.write("found", NOON, payload=FOUND) for _ in range(2)]
    chance.shuffle(bodies)
    arrived: set[int] = set()
    for body in [*bodies, bodies[0]]:
        receipt = take(db, body)
        arrived.add(int(body.split(b'"seq": ')[1].split(b",")[0]))
        assert receipt.received_of_device == (len(arrived), max(arrived))
    assert arrived == set(range(1, 10))
    assert everything_agrees(db)


def test_gaps_are_named_by_device_and_person_and_what_is_whole_is_not(db: OneTransaction) -> None:
    whole, torn = Phone(), Phone(account=LI)
    for _ in range(3):
        take(db, whole.write("found", NOON, payload=FOUND))
    for seq in (0, 3, 4, 8):  # writes 1, 4, 5 and 9
        torn.seq = seq
        take(db, torn.write("found", NOON, payload=FOUND), author=author("li", LI))
    with db.read() as connection:
        found = read_completeness(connection)
    assert (found.received, found.highest, found.devices) == (7, 12, 2)
    assert found.people == (("li", 4, 9), ("zhang", 3, 3))
    (gap,) = found.gaps
    assert (gap.device_id, gap.people, gap.received, gap.highest) == (torn.id, ("li",), 4, 9)
    assert gap.missing == ((2, 3), (6, 8))
    assert found.as_document()["share"] == 7 / 12


def test_what_a_device_announced_and_did_not_send_is_a_gap_at_the_end(db: OneTransaction) -> None:
    phone, silent = Phone(), UUID("01900000-0000-7000-8000-0000000000de")
    for seq in (0, 2):  # writes 1 and 3
        phone.seq = seq
        take(db, phone.write("found", NOON, payload=FOUND))
    with db.write(actor="zhang", reason="sync") as connection:
        for device, highest in ((phone.id, 6), (phone.id, 5), (silent, 3), (UUID(int=7), 0)):
            announce_highest(connection, device, highest, login="li", now=NOON)
    with db.read() as connection:
        found = read_completeness(connection)
    assert (found.received, found.highest, found.devices) == (2, 9, 2)
    assert found.people == (("li", 2, 9), ("zhang", 2, 6))
    first, second = found.gaps
    assert (first.device_id, first.people) == (phone.id, ("zhang",))
    assert first.missing == ((2, 2), (4, 6))
    assert (second.device_id, second.people, second.missing) == (silent, ("li",), ((1, 3),))
    assert second.last_at == NOON


def test_a_count_that_is_wrong_is_found_and_written_anew_from_the_log(
    fresh_database: PooledDatabase,
) -> None:
    phone = Phone()
    take(fresh_database, phone.write("found", NOON, payload=FOUND))
    with fresh_database.write(actor="t", reason="t", pool=Pool.JOBS) as connection:
        connection.execute(text("UPDATE core.device_count SET received = 3, highest = 7"))
        (wrong,) = check(connection)
        assert (wrong.table, wrong.rows) == ("device_count", (str(phone.id),))
        rebuild(connection)
        assert check(connection) == []
    assert take(fresh_database, phone.write("found", NOON, payload=FOUND)).received_of_device == (
        2,
        2,
    )


def by_hand(device: UUID, seq: int, prev: str | None, **members: object) -> bytes:
    """The bytes of a record, written down without anything of ours."""
    words = (
        f'{{"id": "{members.get("id", uuid4())}", "type": "found", "role": "inspector",'
        f' "account": "01900000-0000-7000-8000-000000000001",'
        f' "payload": {{"category": "gas", "description": "{members.get("words", "")}"}},'
        f' "fix": {{"lon": 99.2, "lat": 24.9}}, "prev_hash": {json.dumps(prev)},'
        f' "device": {{"id": "{device}", "seq": {seq}, "at": "2026-03-02T12:00:00+08:00"}}}}'
    )
    return words.encode()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def broken(db: OneTransaction) -> list[dict[str, Any]]:
    with db.read() as connection:
        found: list[dict[str, Any]] = read_completeness(connection).as_document()["chain_broken"]
    return found


def test_a_number_given_to_two_records_is_the_firsts_and_the_other_is_kept_as_refused(
    db: OneTransaction,
) -> None:
    device = uuid4()
    first, other = by_hand(device, 1, None), by_hand(device, 1, None, words="另一件")
    assert take(db, first).outcome is Outcome.APPLIED
    answer = take(db, other)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, "doubled")
    assert take(db, first).outcome is Outcome.APPLIED
    assert take(db, other).as_json() == answer.as_json()
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM core.hazard")).scalar() == 1
        assert connection.execute(text("SELECT count(*) FROM core.event")).scalar() == 2
    assert broken(db) == []
    assert everything_agrees(db)


def test_of_one_number_used_twice_at_once_one_is_applied(fresh_database: PooledDatabase) -> None:
    device, start, outcomes = uuid4(), threading.Barrier(2), []

    def send(words: str) -> None:
        body = by_hand(device, 1, None, words=words)
        start.wait()
        outcomes.append(take(fresh_database, body).outcome)

    threads = [threading.Thread(target=send, args=(words,)) for words in ("一", "二")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.APPLIED, Outcome.REFUSED]


def test_a_record_that_does_not_follow_the_one_before_is_applied_and_flagged(
    db: OneTransaction,
) -> None:
    device, sound = uuid4(), uuid4()
    first = by_hand(device, 1, None)
    forged = by_hand(device, 2, "0" * 64)
    third = by_hand(device, 3, sha256(forged))
    # The one before comes last: only then can it be told.
    for body in (third, forged):
        assert take(db, body).outcome is Outcome.APPLIED
        assert broken(db) == []
    assert take(db, first).outcome is Outcome.APPLIED
    chain = [by_hand(sound, 1, None)]
    for seq in (2, 3):
        chain.append(by_hand(sound, seq, sha256(chain[-1])))
    for body in chain:
        take(db, body)
    assert broken(db) == [
        {"device_id": str(device), "people": ["zhang"], "count": 1, "numbers": [2]}
    ]
    for number, prev in ((4, None), (1, "1" * 64)):  # names nothing, or something before the first
        take(db, by_hand(uuid4(), number, prev))
    assert len(broken(db)) == 3
    assert everything_agrees(db)
