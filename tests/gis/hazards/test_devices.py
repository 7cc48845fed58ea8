"""How much of what devices numbered has arrived: counted as it comes, never by counting it all."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
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
