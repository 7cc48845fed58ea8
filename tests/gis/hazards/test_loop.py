"""The closed loop by its pieces, and what came back after it was closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.hazards import ledger
from gis.hazards.cohort import Question, find_rows
from gis.hazards.figures import Figure, compute_figures
from gis.hazards.log import settle_hazard
from gis.hazards.loop import PIECES
from tests.conftest import OneTransaction
from tests.gis.hazards.lives import PLAN
from tests.gis.hazards.records import photo
from tests.gis.hazards.test_log import NOON, arrive

LATER = NOON + timedelta(days=60)
Life = dict[str, dict[str, Any]]  # Any: members of an event


def shown(*kinds: str) -> dict[str, Any]:
    return {"evidence": [photo(kind) for kind in kinds]}


def ordered(severity: str = "major") -> Life:
    """What a county must have on file of a hazard it ordered a date for, piece by piece."""
    found = {"code": uuid4().hex[:12], "category": "gas", "severity": severity,
             "lon": 99.2, "lat": 24.9, "item": None}  # fmt: skip
    life: Life = {
        "found": {"payload": found, **shown("before_wide", "before_close")},
        "registered": {},
        "notified": {"payload": {"document": "改〔2026〕1号"}, **shown("signature")},
        "plan_filed": {"payload": PLAN},
        "rectifying": shown("interim"),
        "submitted": shown("after"),
        "passed": {"actor": "li", **shown("reinspection")},
        "closed": {"actor": "lead"},
    }
    return life


def on_the_spot(category: str = "gas") -> Life:
    found = {"code": uuid4().hex[:12], "category": category, "severity": "general_a",
             "lon": 99.2, "lat": 24.9}  # fmt: skip
    return {
        "found": {"payload": found, **shown("before_close")},
        "fixed_on_spot": shown("after", "signature"),
        "closed": {"actor": "lead"},
    }


def live(db: OneTransaction, life: Life, *, at: datetime = NOON, without_bytes: str = "") -> UUID:
    """Write a life into the log as it stands: nobody is asked whether it may be so."""
    hazard = uuid4()
    with db.write(actor="t", reason="t") as connection:
        for hour, (name, members) in enumerate(life.items()):
            event = uuid4()
            own = {"payload": {}, "evidence": [], "actor": "zhang", **members}
            row = {"id": event, "type": name, "hazard_id": hazard, "at": at + timedelta(hours=hour)}
            ledger.write_event(connection, row | own)
            settle_hazard(connection, hazard, new_event=event)
    for members in life.values():
        for note in members.get("evidence", ()):
            if note["kind"] != without_bytes:
                arrive(db, note)
    return hazard


def rate(connection: Connection, key: str, scope: str, *, now: datetime = LATER) -> Figure:
    (part,) = compute_figures(connection, Question(), now=now)
    return part.figures[f"{key}.{scope}"]


def test_a_loop_with_every_piece_is_closed_whichever_way_it_went(db: OneTransaction) -> None:
    live(db, ordered())
    live(db, ordered("general_a") | {"closed": {"actor": "wang"}})
    live(db, on_the_spot())
    with db.read() as connection:
        assert rate(connection, "closed_loop_rate", "major").value == 1.0
        general = rate(connection, "closed_loop_rate", "general")
        assert (general.numerator, general.denominator) == (2, 2)
        # Before the closing it was not closed: nothing to divide by.
        early = NOON + timedelta(hours=2)
        (part,) = compute_figures(connection, Question(as_of=early), now=LATER)
        assert part.figures["closed_loop_rate.major"].denominator == 0
    assert len(PIECES) == 10


def _drop(life: Life, event: str, *kinds: str, **payload: object) -> Life:
    changed = dict(life[event])
    changed["evidence"] = [n for n in changed.get("evidence", ()) if n["kind"] not in kinds]
    changed["payload"] = {**changed.get("payload", {}), **payload}
    return life | {event: changed}


LACKING: dict[str, Callable[[], Life]] = {
    "before": lambda: _drop(ordered(), "found", "before_wide", "before_close"),
    "after": lambda: _drop(ordered(), "submitted", "after"),
    "notice": lambda: _drop(ordered(), "notified", document="  "),
    "signature": lambda: _drop(ordered(), "notified", "signature"),
    "reinspection": lambda: _drop(ordered(), "passed", "reinspection"),
    "second person": lambda: _drop(ordered(), "passed") | {"passed": {**shown("reinspection")}},
    "plan": lambda: {k: v for k, v in ordered().items() if k != "plan_filed"},
    "spot signature": lambda: _drop(on_the_spot(), "fixed_on_spot", "signature"),
    "spot after": lambda: _drop(on_the_spot(), "fixed_on_spot", "after"),
}


@pytest.mark.parametrize("piece", list(LACKING))
def test_a_loop_that_lacks_one_piece_is_not_closed(db: OneTransaction, piece: str) -> None:
    live(db, LACKING[piece]())
    with db.read() as connection:
        figures = [rate(connection, "closed_loop_rate", scope) for scope in ("major", "general")]
    assert sum(figure.denominator or 0 for figure in figures) == 1
    assert sum(figure.numerator or 0 for figure in figures) == 0


def test_a_file_that_never_arrived_leaves_the_loop_open_until_it_does(db: OneTransaction) -> None:
    life = ordered()
    live(db, life, without_bytes="interim")
    with db.read() as connection:
        assert rate(connection, "closed_loop_rate", "major").numerator == 0
    arrive(db, life["rectifying"]["evidence"][0])
    with db.read() as connection:
        assert rate(connection, "closed_loop_rate", "major").numerator == 1


def test_a_refusal_is_as_good_as_a_signature_and_where_nobody_signs_none_is_asked(
    db: OneTransaction,
) -> None:
    live(db, _drop(ordered(), "notified", "signature", refused_reason="负责人拒签"))
    live(db, _drop(on_the_spot("flood"), "fixed_on_spot", "signature"))
    with db.read() as connection:
        assert rate(connection, "closed_loop_rate", "major").numerator == 1
        assert rate(connection, "closed_loop_rate", "general").numerator == 1


SITE, OTHER = str(uuid4()), str(uuid4())
BEGIN = datetime(2024, 1, 2, 4, tzinfo=UTC)


def seen_again(
    db: OneTransaction, days: float, *, item: str | None = "gas.hose_aged", site: str | None = SITE
) -> UUID:
    life = on_the_spot()
    life["found"]["payload"] |= {"item": item, "asset_id": site}
    return live(db, life, at=BEGIN + timedelta(days=days))


def test_what_comes_back_within_a_year_at_the_same_asset_and_item_is_counted_once(
    db: OneTransaction,
) -> None:
    first = seen_again(db, 0)
    seen_again(db, 1, item="gas.alarm_missing")
    seen_again(db, 2, site=OTHER)
    seen_again(db, 3, item=None)
    year = BEGIN + timedelta(days=365)
    with db.read() as connection:
        before = rate(connection, "recurrence_rate", "general", now=year)
        # Four are closed; of the one without an item nobody can say that it came back.
        assert (before.numerator, before.denominator) == (0, 3)
    second = seen_again(db, 100)
    third = seen_again(db, 300)
    late = seen_again(db, 300 + 367)
    with db.read() as connection:
        soon = rate(connection, "recurrence_rate", "general", now=BEGIN + timedelta(days=101))
        end = BEGIN + timedelta(days=900)
        after = rate(connection, "recurrence_rate", "general", now=end)
        rows = find_rows(connection, Question(), "recurred", now=end)
    assert (soon.numerator, after.numerator, after.denominator) == (1, 2, 6)
    assert set(rows) == {first, second}
    assert third not in rows
    assert late not in rows


class Committed(OneTransaction):
    """Each write in a transaction of its own, as the jobs role: it leaves a version each."""

    def __init__(self, database: PooledDatabase) -> None:
        self.database = database

    @contextmanager
    def write(self, *, actor: str, reason: str, **_: object) -> Iterator[Connection]:
        with self.database.write(actor=actor, reason=reason, pool=Pool.JOBS) as connection:
            yield connection


def test_what_was_dismissed_later_had_come_back_on_the_days_it_stood_as_a_hazard(
    fresh_database: PooledDatabase,
) -> None:
    db = Committed(fresh_database)
    seen_again(db, 0)
    found = on_the_spot()["found"]["payload"] | {"item": "gas.hose_aged", "asset_id": SITE}
    begin = BEGIN + timedelta(days=100)
    hazard = live(db, {"found": {"payload": found}}, at=begin)
    with db.write(actor="t", reason="t") as connection:
        event = uuid4()
        row = {"id": event, "type": "dismissed", "hazard_id": hazard, "actor": "wang"}
        row |= {"at": begin + timedelta(days=5), "payload": {"reason": "误报"}, "evidence": []}
        ledger.write_event(connection, row)
        settle_hazard(connection, hazard, new_event=event)
    with fresh_database.read(Pool.STAFF) as connection:
        came_back = {
            day: len(find_rows(connection, Question(as_of=BEGIN + timedelta(days=day)), "recurred",
                               now=LATER))
            for day in (99, 101, 106)
        }  # fmt: skip
        today = find_rows(connection, Question(), "recurred", now=LATER)
    assert came_back == {99: 0, 101: 1, 106: 0}
    assert today == []
