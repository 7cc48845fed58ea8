"""What is asked about hazards, and what a phone is given for its day."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from shapely import Point
from sqlalchemy import text

from gis import store
from gis.db.roles import Pool
from gis.geometry import BBox
from gis.hazards import questions
from gis.hazards.questions import HazardFilter
from gis.kinds.gas_site import GasSite
from gis.queries import Statement
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, photo
from tests.gis.hazards.test_log import FOUND, NOON, arrive, take
from tests.gis.samples import sample_record


def ask(db: OneTransaction, statement: Statement) -> Any:  # noqa: ANN401  JSON
    raw = db.connection.connection.driver_connection
    assert raw is not None
    return raw.execute(statement.sql, statement.parameters).fetchone()


def find(db: OneTransaction, asked: HazardFilter) -> list[str]:
    row = ask(db, questions.list_hazards(asked, limit=10, after=None))
    return sorted(h["code"] for h in json.loads(row[0]))


def log_hazard(db: OneTransaction, code: str, **members: Any) -> UUID:  # noqa: ANN401  members
    hazard = uuid4()
    payload = {**FOUND, "code": code, **members.pop("payload", {})}
    take(db, Phone().write("found", NOON, hazard_id=hazard, payload=payload, **members))
    return hazard


def add_site(db: OneTransaction, code: str) -> UUID:
    with db.write(actor="test", reason="site") as connection:
        record = sample_record(GasSite).model_copy(update={"code": code, "source_code": code})
        return store.add(connection, record, Point(99.3, 24.95))


def test_hazards_are_found_by_state_severity_place_asset_and_deadline(db: OneTransaction) -> None:
    phone, asset = Phone(), add_site(db, "RQ-1")
    first = log_hazard(db, "A", payload={"severity": "major"}, asset_id=asset)
    log_hazard(db, "B", fix={"lon": 98.0, "lat": 24.0, "accuracy_m": 5})
    office = {"role": "officer", "hazard_id": first}
    take(db, phone.write("registered", NOON, expected_version=1, **office))
    due = (NOON + timedelta(days=1)).isoformat()
    notice = {"document": "1号", "due_at": due, "refused_reason": "不在场"}
    lead = office | {"role": "leader"}
    take(db, phone.write("notified", NOON, expected_version=2, payload=notice, **lead))
    assert find(db, HazardFilter()) == ["A", "B"]
    assert find(db, HazardFilter(equal={"severity": "major"})) == ["A"]
    assert find(db, HazardFilter(equal={"state": "found"})) == ["B"]
    assert find(db, HazardFilter(equal={"asset_id": str(asset)})) == ["A"]
    assert find(db, HazardFilter(bbox=BBox(97.9, 23.9, 98.1, 24.1))) == ["B"]
    assert find(db, HazardFilter(overdue_at=NOON + timedelta(hours=23))) == []
    assert find(db, HazardFilter(overdue_at=NOON + timedelta(hours=25))) == ["A"]
    assert find(db, HazardFilter(is_open=False)) == []
    open_here = json.loads(ask(db, questions.open_hazards_of_asset(asset))[0])
    assert [(h["code"], h["version"]) for h in open_here] == [("A", 3)]


def test_pages_follow_each_other_without_gap_or_repetition(db: OneTransaction) -> None:
    codes = [f"P{n}" for n in range(7)]
    for code in codes:
        log_hazard(db, code)
    seen: list[str] = []
    after, more = None, True
    while more:
        page, after, more = ask(db, questions.list_hazards(HazardFilter(), limit=3, after=after))
        seen += [h["code"] for h in json.loads(page)]
    assert sorted(seen) == codes
    assert ask(db, questions.count_hazards(HazardFilter()))[0] == 7


def test_a_filter_on_anything_else_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no filter"):
        questions.count_hazards(HazardFilter(equal={"geometry": "x"}))


def test_a_timeline_shows_what_was_refused_and_which_photos_have_arrived(
    db: OneTransaction,
) -> None:
    phone, wide, close = Phone(), photo("before_wide"), photo("before_close")
    hazard = log_hazard(db, "T", evidence=[wide, close])
    arrive(db, wide)
    take(db, phone.write("closed", NOON, role="leader", hazard_id=hazard, expected_version=1))
    told = json.loads(ask(db, questions.timeline_of(hazard))[0])
    assert [(t["type"], t["outcome"], t["version"]) for t in told] == [
        ("found", "applied", 1),
        ("closed", "refused", None),
    ]
    assert [n["stored"] for n in told[0]["evidence"]] == [True, False]
    assert told[1]["reason"]["rule"] == "transition"
    assert (told[0]["raw_lon"], told[0]["accuracy_m"]) == (99.2, 6.0)


def test_what_comes_back_within_a_year_names_what_it_recurs_from(db: OneTransaction) -> None:
    asset = add_site(db, "RQ-2")
    old = log_hazard(db, "OLD", payload={"item": "gas.hose_aged"}, asset_id=asset)
    with db.write(actor="test", reason="closed long ago") as connection:
        connection.execute(
            text("UPDATE core.hazard SET state = 'closed', closed_at = :at WHERE id = :id"),
            {"at": NOON - timedelta(days=100), "id": old},
        )
    new = log_hazard(db, "NEW", payload={"item": "gas.hose_aged"}, asset_id=asset)
    other = log_hazard(db, "OTHER", payload={"item": "gas.no_alarm"}, asset_id=asset)
    seen = [
        json.loads(ask(db, questions.one_hazard(hazard, Pool.FIELD))[0])["recurrence_of"]
        for hazard in (new, other)
    ]
    assert seen == ["OLD", None]


def open_campaign(db: OneTransaction, assets: list[UUID], login: str | None) -> UUID:
    phone, campaign = Phone(), uuid4()
    officer = {"role": "officer", "campaign_id": campaign}
    opened = {
        "name": "汛前检查", "starts_on": "2026-03-01", "due_on": "2026-03-31",
        "rules": [{"category": "gas", "kind": "gas_site"}],
    }  # fmt: skip
    take(db, phone.write("campaign_opened", NOON, payload=opened, **officer))
    strata = [{"category": "gas", "population": len(assets), "assets": assets}]
    take(db, phone.write("targets_drawn", NOON, payload={"strata": strata}, **officer))
    if login:
        with db.read() as connection:
            ids = connection.execute(text("SELECT id FROM core.task")).scalars().all()
        payload = {"tasks": list(ids), "to": login}
        take(db, phone.write("targets_assigned", NOON, payload=payload, **officer))
    return campaign


def test_a_day_holds_the_persons_own_tasks_their_assets_and_the_hazards_there(
    db: OneTransaction,
) -> None:
    sites = [add_site(db, f"RQ-{n}") for n in range(3)]
    open_campaign(db, sites[:2], "zhang")
    here = log_hazard(db, "HERE", asset_id=sites[0])
    log_hazard(db, "ELSEWHERE", asset_id=sites[2])
    with db.write(actor="test", reason="other finder") as connection:
        connection.execute(text("UPDATE core.hazard SET found_by = 'li'"))
    day = json.loads(ask(db, questions.read_day("zhang", Pool.FIELD, since=None))[0])
    assert day["to_go"] == 2
    assert {t["asset_id"] for t in day["tasks"]} == {str(s) for s in sites[:2]}
    assert {a["id"] for a in day["assets"]} == {str(s) for s in sites[:2]}
    assert [h["id"] for h in day["hazards"]] == [str(here)]
    assert all("invert" not in name for a in day["assets"] for name in a)
    nobody = json.loads(ask(db, questions.read_day("li-si", Pool.FIELD, since=None))[0])
    assert (nobody["tasks"], nobody["assets"]) == ([], [])


def test_since_a_cursor_only_what_changed_comes_and_what_is_gone_is_named(
    db: OneTransaction,
) -> None:
    sites = [add_site(db, f"RQ-{n}") for n in range(2)]
    open_campaign(db, sites, "zhang")
    with db.read() as connection:
        since = connection.execute(text("SELECT max(number) FROM core.event")).scalar_one()
    quiet = json.loads(ask(db, questions.read_day("zhang", Pool.FIELD, since=since))[0])
    assert (quiet["tasks"], quiet["to_go"]) == ([], 2)
    visit = {"category": "gas", "result": "normal"}
    take(db, Phone().write("visited", NOON, payload=visit, visit_id=uuid4(), asset_id=sites[0]))
    later = json.loads(ask(db, questions.read_day("zhang", Pool.FIELD, since=since))[0])
    assert later["to_go"] == 1
    assert len(later["removed"]["tasks"]) == 1
    assert later["removed"]["assets"] == [str(sites[0])]
    with db.write(actor="test", reason="it was never built", pool=Pool.STAFF) as connection:
        connection.execute(text("DELETE FROM core.gas_site WHERE id = :id"), {"id": sites[1]})
    gone = json.loads(ask(db, questions.read_day("zhang", Pool.FIELD, since=since))[0])
    assert sorted(gone["removed"]["assets"]) == sorted(map(str, sites))


def test_the_place_of_a_visit_stays_while_a_hazard_of_ones_own_is_open_there(
    db: OneTransaction,
) -> None:
    site = add_site(db, "RQ-1")
    open_campaign(db, [site], "zhang")
    log_hazard(db, "OPEN", asset_id=site)
    since = newest(db)
    visit = {"category": "gas", "result": "normal"}
    take(db, Phone().write("visited", NOON, payload=visit, visit_id=uuid4(), asset_id=site))
    assert read_since(db, "zhang", since)["removed"]["assets"] == []


def read_since(db: OneTransaction, login: str, since: int) -> dict[str, Any]:  # Any: JSON
    day: dict[str, Any] = json.loads(ask(db, questions.read_day(login, Pool.FIELD, since=since))[0])
    return day


def newest(db: OneTransaction) -> int:
    with db.read() as connection:
        number: int = connection.execute(text("SELECT max(number) FROM core.event")).scalar_one()
    return number


def test_what_stands_open_at_an_asset_comes_with_a_later_task_there(db: OneTransaction) -> None:
    site = add_site(db, "RQ-1")
    old = log_hazard(db, "OLD", asset_id=site)
    with db.write(actor="test", reason="other finder") as connection:
        connection.execute(text("UPDATE core.hazard SET found_by = 'li'"))
    since = newest(db)
    open_campaign(db, [site], "zhang")
    day = read_since(db, "zhang", since)
    assert [h["id"] for h in day["hazards"]] == [str(old)]


def test_a_campaign_that_ended_takes_its_tasks_along_also_where_nobody_opened(
    db: OneTransaction,
) -> None:
    site = add_site(db, "RQ-1")
    campaign = open_campaign(db, [site], "zhang")
    visit = {"category": "gas", "result": "no_entry"}
    take(db, Phone().write("visited", NOON, payload=visit, visit_id=uuid4(), asset_id=site))
    since = newest(db)
    closed = Phone().write("campaign_closed", NOON, role="officer", campaign_id=campaign)
    take(db, closed)
    day = read_since(db, "zhang", since)
    assert day["to_go"] == 0
    assert len(day["removed"]["tasks"]) == 1
    with db.read() as connection:
        states = connection.execute(text("SELECT state FROM core.task")).scalars().all()
    assert states == ["no_entry"]


def test_a_hazard_given_to_somebody_else_is_gone_from_the_first_ones_day(
    db: OneTransaction,
) -> None:
    hazard = log_hazard(db, "MINE")
    since = newest(db)
    comment = {"payload": {"text": "移交"}, "hazard_id": hazard}
    take(db, Phone().write("commented", NOON, **comment))
    with db.write(actor="test", reason="given away") as connection:
        connection.execute(text("UPDATE core.hazard SET found_by = 'li', assigned_to = 'li'"))
    assert str(hazard) in read_since(db, "zhang", since)["removed"]["hazards"]
    assert str(hazard) not in read_since(db, "li", since)["removed"]["hazards"]
