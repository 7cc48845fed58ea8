"""Flood duty through the log: stored, refused with a reason, rebuilt equal, guarded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ForbiddenError
from gis.hazards.case import Outcome
from gis.hazards.events import Role
from gis.hazards.flood_board import read_duty, read_flood_mode, read_sheet
from gis.hazards.flood_duty import FIELD_STEPS, FLOOD_PAYLOADS
from gis.hazards.log import receive
from gis.hazards.questions import read_day
from gis.hazards.rebuild import check, rebuild
from gis.hazards.receipt import Receipt
from gis.hazards.rounds import _EFFECTS
from gis.kinds.flood_point import FloodPoint
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, author, id_of
from tests.gis.samples import sample_record

NIGHT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LATER = NIGHT + timedelta(hours=12)
Json = dict[str, Any]  # Any: JSON


def hours(n: float) -> datetime:
    return NIGHT + timedelta(hours=n)


def put(
    db: OneTransaction | PooledDatabase,
    phone: Phone,
    type_: str,
    payload: Json,
    *,
    at: datetime = NIGHT,
    roles: frozenset[Role] | None = None,
    pool: Pool = Pool.STAFF,
    **members: object,
) -> tuple[UUID, Receipt]:
    body = phone.write(type_, at, role="officer", payload=payload, **members)
    who = author() if roles is None else author(roles=roles)
    with db.write(actor="zhang", reason="duty", pool=pool) as connection:
        receipt = receive(connection, body, author=who, now=LATER)
    return id_of(body), receipt


def make_point(db: OneTransaction | PooledDatabase, code: str = "YL01") -> UUID:
    with db.write(actor="t", reason="t") as connection:
        record = sample_record(FloodPoint, code)
        return store.add(connection, record, shapely.Point(99.2, 24.9))


def ask(db: OneTransaction, now: datetime) -> Json:
    asked = read_duty(now)
    with db.read() as connection:
        document: Json = json.loads(
            connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one()
        )
    return document


def agrees(db: OneTransaction | PooledDatabase) -> bool:
    with db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        return check(connection) == []


def rule(receipt: Receipt) -> str | None:
    return receipt.reason.get("rule") if receipt.outcome is Outcome.REFUSED else None


def shift(start: float, end: float, leader: str = "甲") -> Json:
    return {"starts_at": hours(start), "ends_at": hours(end), "leader": leader, "members": ["乙"]}


def test_every_record_of_duty_leads_to_something() -> None:
    assert set(FLOOD_PAYLOADS) <= set(_EFFECTS)


def test_who_is_on_duty_now_and_when_nobody_will_be(db: OneTransaction) -> None:
    phone = Phone()
    put(db, phone, "shift_planned", shift(-1, 11, "甲"))
    put(db, phone, "shift_planned", shift(11, 24, "丙"))
    dropped, _ = put(db, phone, "shift_planned", shift(24, 7 * 24, "丁"))
    put(db, phone, "shift_planned", shift(30, 7 * 24 - 6, "戊"))
    _, gone = put(db, phone, "shift_cancelled", {"shift": str(dropped), "reason": "调休"})
    assert gone.outcome is Outcome.APPLIED
    board = ask(db, NIGHT)
    assert [one["leader"] for one in board["on_duty"]] == ["甲"]
    gaps = [(datetime.fromisoformat(g["from"]), datetime.fromisoformat(g["to"]))
            for g in board["gaps"]]  # fmt: skip
    assert gaps == [(hours(24), hours(30)), (hours(7 * 24 - 6), hours(7 * 24))]
    assert [one["leader"] for one in ask(db, hours(11))["on_duty"]] == ["丙"]  # its end is outside
    assert len([one for one in board["shifts"] if one["cancelled_at"]]) == 1
    again = put(db, phone, "shift_cancelled", {"shift": str(dropped), "reason": "调休"})[1]
    assert rule(again) == "shift"
    assert rule(put(db, phone, "shift_planned", shift(5, 5))[1]) == "shift-order"
    assert agrees(db)


def test_without_any_shift_the_whole_week_is_a_gap(db: OneTransaction) -> None:
    (gap,) = ask(db, NIGHT)["gaps"]
    ends = datetime.fromisoformat(gap["to"]) - datetime.fromisoformat(gap["from"])
    assert ends == timedelta(days=7)


def test_the_level_in_force_is_the_last_change_begun(db: OneTransaction) -> None:
    phone = Phone()
    raised = {"response": "IV", "warning": "blue", "since": hours(-2), "document": "汛〔2026〕1号"}
    put(db, phone, "response_changed", raised)
    assert rule(put(db, phone, "response_changed", {**raised, "since": hours(-1)})[1]) == (
        "same-level"
    )
    assert rule(put(db, phone, "response_changed", {"response": "III", "since": hours(-3)})[1]) == (
        "level-order"
    )
    assert rule(put(db, phone, "response_changed", {"response": "III", "since": hours(9)})[1]) == (
        "future"
    )
    put(db, phone, "response_changed", {"response": "III", "warning": "orange", "since": hours(-1)})
    assert ask(db, hours(-1.5))["level"]["response"] == "IV"
    assert ask(db, NIGHT)["level"]["response"] == "III"
    put(db, phone, "response_changed", {"since": NIGHT})
    assert ask(db, NIGHT)["level"]["response"] is None
    assert len(ask(db, NIGHT)["levels"]) == 3
    assert agrees(db)


def test_a_call_out_from_the_call_to_dry_ground_and_the_deepest_water(db: OneTransaction) -> None:
    point, phone = make_point(db), Phone()
    called, _ = put(db, phone, "called_out", {"team": "抢险一队", "at": hours(-3)}, asset_id=point)
    inspector: Json = {"roles": frozenset({Role.INSPECTOR}), "pool": Pool.FIELD}
    step: Json = {"call_out": str(called)}
    early = put(db, phone, "team_arrived", {**step, "at": hours(-3.1)}, **inspector)[1]
    assert rule(early) == "step-order"
    for name, more in (
        ("team_arrived", {"at": hours(-2.5)}),
        ("water_measured", {"at": hours(-2), "depth_m": 0.4}),
        ("water_measured", {"at": hours(-1), "depth_m": 0.65}),
        ("action_taken", {"at": hours(-1), "action": "开泵抽排,封闭下穿通道"}),
    ):
        done = put(db, phone, name, {**step, **more}, **inspector)[1]
        assert done.outcome is Outcome.APPLIED, done.reason
    (one,) = ask(db, NIGHT)["call_outs"]
    assert (one["is_open"], one["deepest_m"], len(one["steps"])) == (True, 0.65, 4)
    due = datetime.fromisoformat(one["arrival_due_at"])
    assert due == hours(-2.5)  # half an hour after the call: the bureau's setting
    assert ask(db, NIGHT)["deepest"][0]["depth_m"] == 0.65
    assert put(db, phone, "water_gone", step, **inspector)[1].outcome is Outcome.APPLIED
    (one,) = ask(db, NIGHT)["call_outs"]
    assert one["is_open"] is False
    assert rule(put(db, phone, "water_gone", step)[1]) == "twice"
    late = put(db, phone, "call_out_cancelled", {**step, "reason": "误派"})[1]
    assert rule(late) == "step-order"
    assert agrees(db)


def test_a_call_out_names_a_flood_point_and_a_step_names_a_call_out(db: OneTransaction) -> None:
    phone = Phone()
    for asset in (None, uuid4()):
        assert rule(put(db, phone, "called_out", {"team": "一队"}, asset_id=asset)[1]) == "point"
    assert rule(put(db, phone, "water_gone", {"call_out": str(uuid4())})[1]) == "call-out"
    wrong = put(db, phone, "water_measured", {"call_out": str(uuid4()), "depth_m": -1})[1]
    assert rule(wrong) == "payload"
    assert agrees(db)


def test_an_incident_is_reported_in_order_and_only_once_to_its_end(db: OneTransaction) -> None:
    point, phone = make_point(db), Phone()
    noted = {"happened_at": hours(-2), "what": "下穿通道积水,一车受困"}
    incident, _ = put(db, phone, "incident_noted", noted, asset_id=point)

    def report(serial: str, at: float, **more: object) -> Receipt:
        payload = {"incident": str(incident), "serial": serial, "at": hours(at),
                   "sent_to": "县防汛办", "what": "处置情况", **more}  # fmt: skip
        return put(db, phone, "incident_reported", payload)[1]

    (one,) = ask(db, NIGHT)["incidents"]
    assert datetime.fromisoformat(one["first_due_at"]) == hours(-1)  # within an hour
    assert one["upward_due_at"] is None
    assert rule(report("following", -1.5)) == "report-order"
    assert rule(report("first", -2.5)) == "report-time"
    assert report("first", -1.5).outcome is Outcome.APPLIED
    assert rule(report("first", -1.2)) == "report-order"
    assert report("following", -1, is_upward=True).outcome is Outcome.APPLIED
    assert rule(report("final", -1.1)) == "report-time"
    assert report("final", 0).outcome is Outcome.APPLIED
    assert rule(report("final", 0)) == "report-order"
    (one,) = ask(db, NIGHT)["incidents"]
    assert [(r["number"], r["serial"]) for r in one["reports"]] == [
        (1, "first"), (2, "following"), (3, "final"),
    ]  # fmt: skip
    assert one["is_final"] is True
    assert datetime.fromisoformat(one["upward_due_at"]) == hours(0.5)  # two hours from the first
    assert datetime.fromisoformat(one["upward_at"]) == hours(-1)
    assert agrees(db)


def test_teams_and_supplies_are_as_they_were_listed_last(db: OneTransaction) -> None:
    make_point(db)
    phone = Phone()
    team = {"name": "抢险一队", "leader": "王强", "phone": "138 0000 0001", "people": 12}
    put(db, phone, "team_listed", team)
    put(db, phone, "team_listed", {**team, "people": 15, "station": "市政所"})
    put(db, phone, "team_listed", {**team, "name": "抢险二队"})
    put(db, phone, "team_listed", {**team, "name": "抢险二队", "people": 0})
    for quantity in (500, 460):
        counted = {"name": "编织袋", "station": "市政所", "quantity": quantity, "unit": "条"}
        put(db, phone, "supply_counted", counted)
    asked = read_sheet(Pool.STAFF)
    with db.read() as connection:
        sheet = json.loads(connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one())
    assert [(t["name"], t["people"], t["station"]) for t in sheet["teams"]] == [
        ("抢险一队", 15, "市政所")
    ]
    assert [(s["name"], s["quantity"]) for s in sheet["supplies"]] == [("编织袋", 460)]
    assert len(sheet["points"]) == 1
    assert agrees(db)


def test_the_field_hears_of_open_call_outs_and_may_take_their_steps_only(
    db: OneTransaction,
) -> None:
    point, phone = make_point(db), Phone()
    called, _ = put(db, phone, "called_out", {"team": "抢险一队", "at": hours(-1)}, asset_id=point)
    asked = read_day("somebody", Pool.FIELD, since=None)
    with db.read(Pool.FIELD) as connection:
        day = json.loads(connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one())
    assert [(c["id"], c["asset_id"]) for c in day["call_outs"]] == [(str(called), str(point))]
    assert [a["id"] for a in day["assets"]] == [str(point)]
    mode = read_flood_mode(NIGHT)
    with db.read(Pool.FIELD) as connection:
        flood = connection.exec_driver_sql(mode.sql, mode.parameters).scalar_one()
    assert len(json.loads(flood)["call_outs"]) == 1
    for name in set(FLOOD_PAYLOADS) - FIELD_STEPS:
        with pytest.raises(ForbiddenError):
            put(db, phone, name.value, {}, roles=frozenset({Role.INSPECTOR}), pool=Pool.FIELD)


def test_dry_weather_is_no_flood_mode(db: OneTransaction) -> None:
    mode = read_flood_mode(NIGHT)
    with db.read(Pool.FIELD) as connection:
        assert connection.exec_driver_sql(mode.sql, mode.parameters).scalar() is None


def test_what_was_changed_behind_the_log_is_found_and_written_anew(db: OneTransaction) -> None:
    point, phone = make_point(db), Phone()
    called, _ = put(db, phone, "called_out", {"team": "抢险一队", "at": hours(-3)}, asset_id=point)
    step: Json = {"call_out": str(called)}
    put(db, phone, "team_arrived", {**step, "at": hours(-2)})
    put(db, phone, "water_measured", {**step, "at": hours(-1), "depth_m": 0.4})
    put(db, phone, "team_listed", {"name": "一 队", "leader": "王强", "people": 3})
    with db.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        connection.execute(text("UPDATE core.call_out_step SET depth_m = 4 WHERE depth_m = 0.4"))
        connection.execute(text("UPDATE core.call_out SET arrived_at = NULL"))
        connection.execute(text("UPDATE core.flood_team SET people = 30"))
        found = {d.table: d.rows for d in check(connection)}
        assert set(found) == {"call_out", "call_out_step", "flood_team"}
        assert found["call_out"] == (str(called),)
        assert found["flood_team"] == ("一 队",)
        assert rebuild(connection) != []
        assert check(connection) == []
    assert ask(db, NIGHT)["call_outs"][0]["deepest_m"] == 0.4


GUARDED = [
    "UPDATE core.call_out SET water_gone_at = now()",
    "UPDATE core.duty_shift SET leader = '别人'",
    "UPDATE core.incident SET words = '没有险情'",
    "INSERT INTO core.flood_level (id, event_id, since, response, actor)"
    " SELECT gen_random_uuid(), id, now(), 'I', 'x' FROM core.event LIMIT 1",
    "INSERT INTO core.flood_team (name, event_id, leader, people)"
    " SELECT 'x', id, 'x', 1 FROM core.event LIMIT 1",
]


def test_no_row_of_duty_is_written_by_hand_deleted_or_read_by_who_may_not(
    fresh_database: PooledDatabase,
) -> None:
    point, phone = make_point(fresh_database), Phone()
    call = {"team": "抢险一队", "at": hours(-3)}
    called, _ = put(fresh_database, phone, "called_out", call, asset_id=point)
    put(fresh_database, phone, "shift_planned", shift(0, 8))
    put(fresh_database, phone, "incident_noted", {"happened_at": hours(-1), "what": "倒灌"})
    inspector: Json = {"roles": frozenset({Role.INSPECTOR}), "pool": Pool.FIELD}
    step = {"call_out": str(called), "depth_m": 0.3}
    _, seen = put(fresh_database, phone, "water_measured", step, **inspector)
    assert seen.outcome is Outcome.APPLIED
    for statement in GUARDED:
        assert "no event led to this row" in refused(fresh_database, Pool.STAFF, statement)
    for pool, statement in DENIED:
        assert "permission denied" in refused(fresh_database, pool, statement)
    assert agrees(fresh_database)


def refused(db: PooledDatabase, pool: Pool, statement: str) -> str:
    with (
        pytest.raises(DBAPIError) as raised,
        db.write(actor="x", reason="x", pool=pool) as connection,
    ):
        connection.execute(text(statement))
    return str(raised.value)


DENIED = [
    (Pool.STAFF, "DELETE FROM core.duty_shift"),
    (Pool.STAFF, "DELETE FROM core.call_out_step"),
    (Pool.FIELD, "SELECT leader FROM core.duty_shift"),
    (Pool.FIELD, "SELECT phone FROM core.flood_team"),
    (Pool.FIELD, "UPDATE core.flood_level SET response = 'I'"),
    (Pool.PUBLIC, "SELECT 1 FROM core.call_out"),
]
