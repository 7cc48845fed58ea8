"""The plan of a major hazard: six fields, versions, who files it, and the clock it stops."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from gis.db.roles import Pool
from gis.hazards.case import Outcome
from gis.hazards.events import Role
from gis.hazards.log import Author
from gis.hazards.questions import one_hazard
from gis.hazards.receipt import Receipt
from gis.hazards.running import list_running
from tests.conftest import OneTransaction
from tests.gis.hazards.lives import PLAN
from tests.gis.hazards.records import Phone, author, photo
from tests.gis.hazards.test_log import NOON, everything_agrees, take
from tests.gis.hazards.test_profiles import CALENDAR

FOUND = {"category": "gas", "severity": "major", "description": "地下室瓶装气"}


def send(
    db: OneTransaction,
    hazard: UUID,
    name: str,
    hours: float,
    *,
    who: Author | None = None,
    **members: object,
) -> Receipt:
    who = who or author()
    members.setdefault("role", "officer")
    body = Phone(account=who.account_id).write(
        name, NOON + timedelta(hours=hours), hazard_id=hazard, **members
    )
    return take(db, body, author=who, now=NOON + timedelta(days=40))


def notice(db: OneTransaction, severity: str = "major") -> UUID:
    """A hazard that was found, registered and noticed: version 3."""
    hazard = uuid4()
    send(db, hazard, "found", 0, role="inspector", payload=FOUND | {"severity": severity})
    send(db, hazard, "registered", 1, expected_version=1)
    refused = {"refused_reason": "负责人外出", "document": "1号"}
    told = send(db, hazard, "notified", 2, role="leader", expected_version=2, payload=refused)
    assert told.hazard_version == 3
    return hazard


def row_of(db: OneTransaction, hazard: UUID) -> dict[str, Any]:
    with db.read() as connection:
        row = connection.execute(
            text("SELECT state, plan_filed_at, plan_version FROM core.hazard WHERE id = :id"),
            {"id": hazard},
        ).mappings()
        return dict(row.one())


def plan_clock(db: OneTransaction, hazard: UUID) -> tuple[datetime, datetime | None]:
    """(due, stopped) of the plan's clock, read as the API reads it."""
    asked = one_hazard(hazard, Pool.STAFF)
    with db.read() as connection:
        found = connection.exec_driver_sql(
            asked.sql.replace("row_to_json(x)::text", "row_to_json(x)"), asked.parameters
        ).scalar_one()
    (running,) = [one for one in list_running(found, CALENDAR) if one.clock.key == "plan"]
    assert running.deadline is not None
    return running.deadline.due_at, running.stopped_at


def test_a_whole_plan_stops_its_clock_and_an_amended_one_is_the_next_version(
    db: OneTransaction,
) -> None:
    hazard = notice(db)
    due, stopped = plan_clock(db, hazard)
    # Noticed on Monday 2 March 2026; three working days later is Thursday the 5th.
    assert (due.isoformat(), stopped) == ("2026-03-05T23:59:59+08:00", None)
    filed = send(db, hazard, "plan_filed", 20, expected_version=3, payload=PLAN)
    assert (filed.outcome, filed.hazard_version) == (Outcome.APPLIED, 4)
    again = PLAN | {"money": "自筹 3 万元"}
    later = send(db, hazard, "plan_filed", 200, expected_version=4, payload=again)
    assert later.outcome is Outcome.APPLIED
    row = row_of(db, hazard)
    assert row == {
        "state": "notified",
        "plan_filed_at": NOON + timedelta(hours=20),
        "plan_version": 2,
    }
    # The first whole plan counts: amending it makes nobody late.
    assert plan_clock(db, hazard)[1] == NOON + timedelta(hours=20)
    assert everything_agrees(db)


@pytest.mark.parametrize(
    ("plan", "missing", "zh", "en"),
    [
        ({}, ["leader", "measures", "money", "person", "deadline", "contingency"],
         "整改方案缺少:负责人、整改措施、资金保障、责任人员、完成时限、应急预案",
         "leader in charge, measures"),
        (PLAN | {"money": "  ", "contingency": None}, ["money", "contingency"],
         "整改方案缺少:资金保障、应急预案", "the plan leaves out: money, contingency plan"),
    ],
)  # fmt: skip
def test_a_plan_that_leaves_something_out_is_refused_and_says_what_in_both_languages(
    db: OneTransaction, plan: dict[str, Any], missing: list[str], zh: str, en: str
) -> None:
    hazard = notice(db)
    answer = send(db, hazard, "plan_filed", 20, expected_version=3, payload=plan)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, "plan-fields")
    assert answer.reason["missing"] == missing
    assert answer.reason["zh"] == zh
    assert en in answer.reason["en"]
    assert row_of(db, hazard)["plan_version"] == 0
    assert plan_clock(db, hazard)[1] is None
    assert everything_agrees(db)


def test_the_duty_holder_files_it_and_an_inspector_does_not(db: OneTransaction) -> None:
    hazard = notice(db)
    unit = Author(hazard, "unit", frozenset({Role.DUTY_HOLDER}), hazard_id=hazard)
    document = photo("document")
    wrong = send(db, hazard, "plan_filed", 5, role="inspector", expected_version=3, payload=PLAN)
    assert (wrong.outcome, wrong.reason["rule"]) == (Outcome.REFUSED, "transition")
    filed = send(
        db, hazard, "plan_filed", 6, who=unit, role="duty_holder", expected_version=3,
        payload=PLAN, evidence=[document],
    )  # fmt: skip
    assert filed.outcome is Outcome.APPLIED
    assert filed.missing_evidence == (document["sha256"],)
    assert everything_agrees(db)


def test_a_hazard_that_is_not_major_has_no_plan_and_a_plan_not_before_the_notice(
    db: OneTransaction,
) -> None:
    general = notice(db, "general_a")
    answer = send(db, general, "plan_filed", 5, expected_version=3, payload=PLAN)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, "major-only")
    early = uuid4()
    send(db, early, "found", 0, role="inspector", payload=FOUND)
    answer = send(db, early, "plan_filed", 1, expected_version=1, payload=PLAN)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, "transition")


def test_a_new_notice_after_a_deferral_asks_for_the_plan_anew(db: OneTransaction) -> None:
    hazard = notice(db)
    send(db, hazard, "plan_filed", 3, expected_version=3, payload=PLAN)
    review = {"review_on": "2026-03-20", "reason": "等待备件"}
    send(db, hazard, "deferred", 4, role="leader", expected_version=4, payload=review)
    again = {"refused_reason": "拒签", "document": "2号"}
    noticed = send(db, hazard, "notified", 5, role="leader", expected_version=5, payload=again)
    assert noticed.outcome is Outcome.APPLIED
    assert plan_clock(db, hazard)[1] is None
    send(db, hazard, "plan_filed", 6, expected_version=6, payload=PLAN)
    assert plan_clock(db, hazard)[1] == NOON + timedelta(hours=6)
    assert row_of(db, hazard)["plan_version"] == 2
    assert everything_agrees(db)
