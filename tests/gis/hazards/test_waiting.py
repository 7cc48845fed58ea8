"""What waits for files that never come: listed after a day, and a comment's declared lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gis.db.roles import Pool
from gis.hazards.case import Outcome
from gis.hazards.waiting import list_waiting
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, author, photo
from tests.gis.hazards.test_log import (
    FOUND,
    LI,
    NOON,
    WANG,
    WANG_WU,
    arrive,
    closing,
    everything_agrees,
    state_of,
    take,
)


class Case:
    """A hazard whose closing waits for the photos of a comment, of the repair and of the check."""

    def __init__(self, db: OneTransaction) -> None:
        self.db, self.hazard = db, uuid4()
        self.comment = [photo("other"), photo("watermarked")]
        self.after, self.seen = photo("after"), photo("reinspection")
        take(db, Phone().write("found", NOON, payload=FOUND, hazard_id=self.hazard))
        note = {"hazard_id": self.hazard, "payload": {"note": "仍漏"}, "evidence": self.comment}
        take(db, Phone(account=LI).write("commented", NOON, **note), author=author("li", LI))
        for body, who in closing(self.hazard, [self.after, self.seen], comments=1):
            answer = take(db, body, author=who)
        assert (answer.outcome, answer.reason["rule"]) == (Outcome.WAITING, "bytes")

    def declare(self, *notes: dict[str, Any], role: str = "officer") -> str | None:
        payload = {"files": [note["sha256"] for note in notes], "reason": "手机落水损坏"}
        body = Phone(account=WANG).write(
            "evidence_lost", NOON, role=role, hazard_id=self.hazard, payload=payload
        )
        answer = take(self.db, body, author=WANG_WU)
        return answer.reason.get("rule")


def test_a_comments_photos_that_are_lost_with_the_phone_keep_no_case_open(
    db: OneTransaction,
) -> None:
    case = Case(db)
    assert case.declare(*case.comment) is None
    assert state_of(db, case.hazard) == "submitted"
    for note in (case.after, case.seen):
        arrive(db, note)
    assert state_of(db, case.hazard) == "closed"
    arrive(db, case.comment[0])  # found after all: it is taken
    assert everything_agrees(db)


def test_declaring_them_lost_closes_what_waited_for_nothing_else(db: OneTransaction) -> None:
    case = Case(db)
    for note in (case.after, case.seen):
        arrive(db, note)
    assert state_of(db, case.hazard) == "submitted"
    assert case.declare(case.comment[0]) is None
    assert state_of(db, case.hazard) == "submitted"
    assert case.declare(case.comment[1]) is None
    assert state_of(db, case.hazard) == "closed"
    assert everything_agrees(db)


def test_the_proof_of_a_step_is_never_declared_lost(db: OneTransaction) -> None:
    case = Case(db)
    assert case.declare(case.after) == "not-lost"
    assert case.declare(case.comment[0], case.seen) == "not-lost"
    assert case.declare(photo("other")) == "not-lost"  # nobody promised it
    arrive(db, case.comment[0])
    assert case.declare(case.comment[0]) == "not-lost"
    assert case.declare(case.comment[1], role="leader") == "transition"
    for note in (case.seen, case.comment[1]):
        arrive(db, note)
    assert state_of(db, case.hazard) == "submitted"
    assert everything_agrees(db)


def test_a_photo_that_proves_a_step_is_owed_though_a_comment_shows_it_too(
    db: OneTransaction,
) -> None:
    case = Case(db)
    case.declare(*case.comment)
    again = {"hazard_id": case.hazard, "payload": {"note": "x"}, "evidence": [case.after]}
    take(db, Phone(account=LI).write("commented", NOON, **again), author=author("li", LI))
    assert case.declare(case.after) == "not-lost"
    arrive(db, case.seen)
    assert state_of(db, case.hazard) == "submitted"


def test_what_waits_for_more_than_a_day_is_listed_with_what_it_waits_for(
    db: OneTransaction,
) -> None:
    case = Case(db)
    orphan = Phone().write("registered", NOON, role="officer", hazard_id=uuid4(),
                           expected_version=1)  # fmt: skip
    assert take(db, orphan).outcome is Outcome.WAITING
    arrive(db, case.after)
    case.declare(case.comment[1])
    with db.read(Pool.STAFF) as connection:
        now = connection.execute(text("SELECT now()")).scalar_one()
        assert list_waiting(connection, now=now + timedelta(hours=23), pool=Pool.STAFF) == []
        later = now + timedelta(hours=25)
        closed, other = list_waiting(connection, now=later, pool=Pool.STAFF)
        assert list_waiting(connection, now=later, pool=Pool.PUBLIC) == []
    assert (closed["type"], closed["reason"]["rule"]) == ("closed", "bytes")
    assert closed["hazard_id"] == str(case.hazard)
    files = {file["sha256"]: (file["promised_by"], file["can_be_lost"]) for file in closed["files"]}
    assert files == {
        case.comment[0]["sha256"]: ("li", True),
        case.seen["sha256"]: ("li", False),
    }
    assert (other["type"], other["code"], other["reason"]["rule"]) == ("registered", None, "parent")
    assert other["files"] == []


@pytest.mark.parametrize("files", [[], ["x"], ["0" * 63]])
def test_a_declaration_names_files_by_their_hash(db: OneTransaction, files: list[str]) -> None:
    case = Case(db)
    body = Phone(account=WANG).write(
        "evidence_lost", NOON, role="officer", hazard_id=case.hazard,
        payload={"files": files, "reason": "x"},
    )  # fmt: skip
    assert take(db, body, author=WANG_WU).reason["rule"] == "payload"
