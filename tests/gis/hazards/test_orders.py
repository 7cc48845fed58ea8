"""A date ordered on the spot beside what the rule allows: it stays, and its lateness is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gis.hazards.case import Outcome
from gis.hazards.forms import forms_document
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone
from tests.gis.hazards.test_log import NOON, NOTICE, WANG, WANG_WU, everything_agrees, take

COVER = {"category": "sewer", "item": "sewer.cover_missing"}  # 2 h secured, 6 h repaired


def find(db: OneTransaction, at: datetime = NOON, **payload: object) -> Any:  # noqa: ANN401
    hazard = uuid4()
    body = Phone().write("found", at, payload=payload, hazard_id=hazard, form="sewer@2026-11")
    assert take(db, body).outcome is Outcome.APPLIED
    return hazard


def notify(db: OneTransaction, hazard: object, at: datetime = NOON) -> None:
    phone = Phone(account=WANG)
    for version, (name, more) in enumerate((("registered", {}), ("notified", NOTICE)), start=1):
        body = phone.write(name, at, expected_version=version, payload=more, role="officer",
                           hazard_id=hazard)  # fmt: skip
        assert take(db, body, author=WANG_WU).outcome is Outcome.APPLIED


def settled(db: OneTransaction, type_: str) -> dict[str, Any]:
    with db.read() as connection:
        query = text("SELECT settled FROM core.event WHERE type = :type")
        return dict(connection.execute(query, {"type": type_}).scalar_one())


def due_of(db: OneTransaction) -> datetime:
    with db.read() as connection:
        return connection.execute(text("SELECT due_at FROM core.hazard")).scalar_one()


def test_a_date_later_than_the_items_rule_is_kept_and_it_is_said_so(db: OneTransaction) -> None:
    """NOON is 12:00 on 2 March 2026 in the county; six hours later it is 18:00."""
    hazard = find(db, **COVER, order_due_on="2026-03-09", order_reason="备件未到")
    said = settled(db, "found")
    assert said["rule_due_at"] == "2026-03-02T18:00:00+08:00"
    assert "2026-03-09" in said["caution"]["zh"]
    assert "2026-03-02 18:00" in said["caution"]["en"]
    notify(db, hazard)
    assert due_of(db) == datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC)  # as it was asked
    assert "caution" in settled(db, "notified")
    assert everything_agrees(db)


def test_an_order_for_the_day_of_the_rule_ends_at_the_rules_hour(db: OneTransaction) -> None:
    hazard = find(db, **COVER, order_due_on="2026-03-02")
    assert "caution" not in settled(db, "found")
    notify(db, hazard, NOON + timedelta(hours=1))
    assert due_of(db) == datetime(2026, 3, 2, 11, 0, tzinfo=UTC)  # 13:00 and six hours: 19:00
    assert everything_agrees(db)


@pytest.mark.parametrize(
    ("severity", "last", "beyond"),
    [
        ("major", "2026-03-17", "2026-03-18"),
        ("general_a", "2026-03-09", "2026-03-10"),
        ("general_b", "2026-03-17", "2026-03-18"),
        ("minor", "2026-04-01", "2026-04-02"),
    ],
)
def test_without_a_rule_of_its_own_the_bureaus_limit_for_the_severity_holds(
    db: OneTransaction, severity: str, last: str, beyond: str
) -> None:
    """15, 7, 15 and 30 days from 2 March 2026, the bureau's customary limits."""
    facts = {"category": "sewer", "severity": severity}
    find(db, **facts, order_due_on=last)
    assert "caution" not in settled(db, "found")
    phone = Phone()
    body = phone.write("found", NOON, payload={**facts, "order_due_on": beyond}, hazard_id=uuid4())
    take(db, body)
    with db.read() as connection:
        query = text("SELECT count(*) FROM core.event WHERE settled -> 'caution' IS NOT NULL")
        assert connection.execute(query).scalar() == 1


@pytest.mark.parametrize("odd", ["soon", "2026-02-30", 7, ["2026-03-09"]])
def test_a_date_that_is_none_is_refused_with_the_rest_and_breaks_nothing(
    db: OneTransaction, odd: object
) -> None:
    body = Phone().write("found", NOON, payload={**COVER, "order_due_on": odd}, hazard_id=uuid4())
    assert take(db, body).outcome is Outcome.REFUSED


def test_the_checklists_hold_the_limits_in_numbers() -> None:
    """What a phone presets a date from: the item's rule, the bureau's limits by severity."""
    (sewer,) = [form for form in forms_document() if form["key"] == "sewer"]
    cover = next(line for line in sewer["checklist"] if line["item"] == "sewer.cover_missing")
    assert (cover["deadline"]["hours"], cover["control_hours"]) == (6, 2)
    assert {name: rule["days"] for name, rule in sewer["limits"].items()} == {
        "major": 15,
        "general_a": 7,
        "general_b": 15,
        "minor": 30,
    }
