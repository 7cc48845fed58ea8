"""What the table of transitions asks of a step: its proofs, its persons, its moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from gis.hazards import ledger
from gis.hazards.case import Outcome
from gis.hazards.log import settle_hazard
from gis.hazards.presets import is_sampled
from gis.hazards.receipt import Receipt
from gis.hazards.reception import HouseRules
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, author, photo
from tests.gis.hazards.test_log import LI, LI_SI, NOON, WANG, WANG_WU, everything_agrees, take

NOTICE = {"document": "改〔2026〕1号", "refused_reason": "负责人不在场"}
LATER = {"due_at": (NOON + timedelta(days=40)).isoformat(), "reason": "备件未到"}
ASKED = {"requested_by": "云溪饭店", "interim_control": "停用"}
TEAM = {"team": ["张三", "李四"]}
DAYS = timedelta(days=60)


class Life:
    """One hazard, each step on what was there before."""

    def __init__(self, db: OneTransaction, *, severity: str = "general_a",
                 category: str = "gas", **found: object) -> None:  # fmt: skip
        self.db, self.hazard, self.version = db, uuid4(), 0
        payload = {"category": category, "severity": severity}
        self.step("found", role="inspector", payload=payload, **found)

    def step(self, type_: str, *, at: datetime = NOON, who: UUID | None = None,
             rules: HouseRules | None = None, **members: Any) -> Receipt:  # noqa: ANN401  # fmt: skip
        sender = {WANG: WANG_WU, LI: LI_SI}.get(who or UUID(int=0), author())
        members.setdefault("role", "officer")
        if self.version:
            members["expected_version"] = self.version
        body = Phone(account=sender.account_id).write(type_, at, hazard_id=self.hazard, **members)
        options = {"rules": rules} if rules else {}
        answer = take(self.db, body, author=sender, now=NOON + DAYS, **options)
        if answer.outcome is Outcome.APPLIED:
            self.version += 1
        return answer

    def noticed(self) -> Life:
        assert self.step("registered").outcome is Outcome.APPLIED
        told = self.step("notified", role="leader", payload=NOTICE)
        assert told.outcome is Outcome.APPLIED
        return self

    def row(self) -> Any:  # noqa: ANN401  columns
        query = "SELECT state, due_at, original_due_at, review_on FROM core.hazard WHERE id = :id"
        with self.db.read() as connection:
            return connection.execute(text(query), {"id": self.hazard}).one()


def rule_of(answer: Receipt) -> str | None:
    return answer.reason.get("rule")


@pytest.mark.parametrize(
    ("payload", "kinds", "lacking"),
    [
        ({}, (), ["文号", "签收"]),
        ({"document": "1号"}, (), ["签收"]),
        ({"document": "  "}, ("signature",), ["文号"]),
        ({}, ("signature",), ["文号"]),
        ({}, ("notice", "refusal"), []),
        (NOTICE, (), []),
    ],
)
def test_a_notice_has_its_number_or_paper_and_a_signature_or_refusal(
    db: OneTransaction, payload: dict[str, str], kinds: tuple[str, ...], lacking: list[str]
) -> None:
    life = Life(db)
    life.step("registered")
    answer = life.step("notified", payload=payload, evidence=[photo(kind) for kind in kinds])
    assert rule_of(answer) == ("evidence" if lacking else None)
    assert all(words in answer.reason["zh"] for words in lacking)
    assert everything_agrees(db)


def test_where_nobody_is_there_to_sign_the_notice_needs_no_signature(db: OneTransaction) -> None:
    life = Life(db, category="road")
    life.step("registered")
    assert life.step("notified", payload={"document": "1号"}).outcome is Outcome.APPLIED


def test_the_notice_of_a_major_hazard_is_the_leaders(db: OneTransaction) -> None:
    life = Life(db, severity="major")
    life.step("registered")
    assert rule_of(life.step("notified", payload=NOTICE)) == "leader"
    assert life.step("notified", role="leader", payload=NOTICE).outcome is Outcome.APPLIED
    assert everything_agrees(db)


@pytest.mark.parametrize(
    ("more", "kinds", "rule"),
    [
        ({}, (), "evidence"),
        ({"document": "移〔2026〕3号"}, (), None),
        ({}, ("receipt",), None),
    ],
)
def test_a_transfer_has_a_receipt(
    db: OneTransaction, more: dict[str, str], kinds: tuple[str, ...], rule: str | None
) -> None:
    notes = [photo(kind) for kind in kinds]
    answer = Life(db).step("transferred", payload={"to": "消防救援大队", **more}, evidence=notes)
    assert rule_of(answer) == rule


def test_an_extension_is_asked_for_controlled_and_granted_before_it_is_due(
    db: OneTransaction,
) -> None:
    # Of a general hazard: seven days, so to the end of 9 March 2026 on the business clock.
    due = datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC)
    lead: dict[str, Any] = {"role": "leader", "at": due - timedelta(days=1)}
    life = Life(db).noticed()
    assert rule_of(life.step("extended", payload=LATER, **lead)) == "evidence"
    only = LATER | {"requested_by": "云溪饭店"}
    assert rule_of(life.step("extended", payload=only, **lead)) == "evidence"
    late = life.step("extended", role="leader", at=due + timedelta(seconds=1),
                     payload=LATER | ASKED)  # fmt: skip
    assert rule_of(late) == "extended-late"
    files = [photo("request"), photo("measures")]
    assert life.step("extended", payload=LATER, evidence=files, **lead).outcome is Outcome.APPLIED
    assert life.row().original_due_at == due
    more = LATER | ASKED | {"due_at": (NOON + timedelta(days=50)).isoformat()}
    assert rule_of(life.step("extended", payload=more, **lead)) == "extended-once"
    assert everything_agrees(db)


def test_what_is_controlled_already_needs_no_other_control_to_be_extended(
    db: OneTransaction,
) -> None:
    life = Life(db).noticed()
    life.step("controlled", role="inspector", evidence=[photo("interim")])
    payload = LATER | {"requested_by": "云溪饭店"}
    assert life.step("extended", role="leader", payload=payload).outcome is Outcome.APPLIED


def test_after_a_deferral_the_date_of_the_notice_runs_again_and_not_the_reviews(
    db: OneTransaction,
) -> None:
    life = Life(db).noticed()
    due = life.row().due_at
    review = {"review_on": "2026-05-01", "reason": "列入年度改造"}
    assert life.step("deferred", role="officer", payload=review).outcome is Outcome.REFUSED
    assert life.step("deferred", role="leader", payload=review).outcome is Outcome.APPLIED
    assert life.row().due_at > due
    far = {"review_on": "2026-06-15", "reason": "再等"}  # more than ninety days ahead
    assert rule_of(life.step("deferred", role="leader", payload=far)) == "deferral-review"
    assert life.step("rectifying").outcome is Outcome.APPLIED
    assert (life.row().state, life.row().due_at, life.row().review_on) == ("rectifying", due, None)
    assert everything_agrees(db)


def test_what_was_deferred_before_any_notice_needs_one_first(db: OneTransaction) -> None:
    life = Life(db)
    life.step("registered")
    review = {"review_on": "2026-05-01", "reason": "列入年度改造"}
    life.step("deferred", role="leader", payload=review)
    assert rule_of(life.step("rectifying")) == "notice-first"
    assert life.step("notified", payload=NOTICE).outcome is Outcome.APPLIED


def test_a_reinspection_says_where_it_was(db: OneTransaction) -> None:
    life = Life(db).noticed()
    life.step("rectifying")
    life.step("submitted", evidence=[photo("after")])
    seen: dict[str, Any] = {"role": "reinspector", "who": LI}
    nowhere = life.step("passed", fix=None, evidence=[photo("reinspection")], **seen)
    assert rule_of(nowhere) == "evidence"
    assert "位置" in nowhere.reason["zh"]
    there = [photo("reinspection", lon=99.2, lat=24.9)]
    assert life.step("passed", fix=None, evidence=there, **seen).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    ("team", "kinds", "visit", "at", "rule"),
    [
        ([], ("signature",), True, NOON, "two-inspectors"),
        (["张三"], ("signature",), True, NOON, "two-inspectors"),
        (["张三", "张三 "], ("signature",), True, NOON, "two-inspectors"),
        (["张三", "李四"], (), True, NOON, "evidence"),
        (["张三", "李四"], ("signature",), False, NOON, "same-visit"),
        (["张三", "李四"], ("signature",), True, NOON, None),
    ],
)
def test_a_repair_on_the_spot_is_of_one_visit_two_inspectors_and_the_unit(
    db: OneTransaction, team: list[str], kinds: tuple[str, ...], visit: bool, at: datetime,
    rule: str | None,
) -> None:  # fmt: skip
    first = uuid4()
    life = Life(db, visit_id=first)
    answer = life.step(
        "fixed_on_spot", role="inspector", at=at, visit_id=first if visit else uuid4(),
        payload={"team": team}, evidence=[photo("after"), *(photo(kind) for kind in kinds)],
    )  # fmt: skip
    assert rule_of(answer) == rule
    assert everything_agrees(db)


def test_a_repair_on_the_spot_without_a_visit_is_the_finders_and_of_that_day(
    db: OneTransaction,
) -> None:
    notes = [photo("after"), photo("signature")]
    for who, at, rule in (
        (LI, NOON, "same-visit"),
        (None, NOON + timedelta(days=1), "same-visit"),
        (None, NOON + timedelta(hours=1), None),
    ):
        answer = Life(db).step("fixed_on_spot", role="inspector", who=who, at=at, payload=TEAM,
                               evidence=notes)  # fmt: skip
        assert rule_of(answer) == rule


def test_a_repair_that_is_drawn_is_seen_again_before_it_is_closed(db: OneTransaction) -> None:
    rules = HouseRules(sample_percent=10, seed="2026")
    seen = {True: 0, False: 0}
    while not all(seen.values()):
        life = Life(db)
        drawn = is_sampled(life.hazard, percent=10, seed="2026")
        seen[drawn] += 1
        life.step("fixed_on_spot", role="inspector", payload=TEAM,
                  evidence=[(after := photo("after")), (signed := photo("signature"))])  # fmt: skip
        closed = life.step("closed", who=WANG, rules=rules)
        assert rule_of(closed) == ("sampled" if drawn else "bytes"), (after, signed)
        if drawn:
            again = {"role": "reinspector", "who": LI, "payload": {"sampled": True}}
            told = life.step("passed", evidence=[photo("reinspection")], **again)
            assert told.outcome is Outcome.APPLIED
            assert rule_of(life.step("closed", who=WANG, rules=rules)) == "bytes"
    assert everything_agrees(db)


def test_what_was_applied_under_the_first_rules_stays_applied(db: OneTransaction) -> None:
    """A log from before: its events name no version of the rules."""
    life = Life(db)
    life.step("registered")
    with db.write(actor="zhang", reason="old") as connection:
        ledger.lock_hazard(connection, life.hazard)
        event = uuid4()
        ledger.write_event(connection, {
            "id": event, "type": "notified", "hazard_id": life.hazard, "at": NOON, "actor": "wang",
            "account_id": WANG, "role": "officer", "expected_version": 2, "payload": {},
            "evidence": [],
        })  # fmt: skip
        settle_hazard(connection, life.hazard, new_event=event)
    assert life.row().state == "notified"
    assert everything_agrees(db)
