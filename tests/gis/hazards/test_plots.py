"""Land plots on their route, through the log: order, documents, areas, clocks, the plot's row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import geopandas as gpd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ConflictError, NotFoundError
from gis.geometry import STORAGE_SRID
from gis.hazards.calendar import read_calendar
from gis.hazards.case import Outcome
from gis.hazards.log import receive
from gis.hazards.plot_questions import read_plot_document
from gis.hazards.plots import MOVED
from gis.hazards.rebuild import check, rebuild
from gis.hazards.receipt import Receipt
from gis.hazards.reception import HouseRules
from gis.hazards.today import list_pressing
from gis.kinds.land_plot import LandPlot
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, author
from tests.gis.samples import sample_geometry

NOON = datetime(2026, 7, 20, 4, 0, tzinfo=UTC)
RULES = HouseRules(calendar=read_calendar())
Json = dict[str, Any]  # Any: JSON
Db = OneTransaction | PooledDatabase


def make_plot(db: Db, code: str = "TB01", **values: object) -> UUID:
    facts = {"code": code, "plot_number": code, "plot_year": 2025, "plot_source": "satellite",
             "source": "卫片", "source_code": code, **values}  # fmt: skip
    with db.write(actor="t", reason="t", pool=Pool.JOBS) as connection:
        record = LandPlot.model_validate(facts)
        return store.add(connection, record, sample_geometry(LandPlot))


def put(
    db: Db, plot: UUID | None, type_: str, payload: Json, *, at: datetime = NOON
) -> tuple[UUID, Receipt]:
    body = Phone().write(f"plot_{type_}", at, role="officer", payload=payload, asset_id=plot)
    with db.write(actor="zhang", reason="plot") as connection:
        receipt = receive(connection, body, author=author(), now=NOON, rules=RULES)
    return receipt.id, receipt


def rule(receipt: Receipt) -> str | None:
    return receipt.reason.get("rule") if receipt.outcome is Outcome.REFUSED else None


def choose(db: Db, plot: UUID, route: str = "demolish", on: str = "2026-04-01") -> Receipt:
    return put(db, plot, "route_chosen", {"route": route, "on": on})[1]


def advance(db: Db, plot: UUID, stage: str, on: str, **more: object) -> Receipt:
    return put(db, plot, "advanced", {"stage": stage, "on": on, **more})[1]


def enforce(db: Db, plot: UUID, step: str, on: str, **more: object) -> Receipt:
    return put(db, plot, "enforced", {"step": step, "on": on, **more})[1]


def read(db: Db, plot: UUID, now: datetime = NOON) -> Json:
    with db.read() as connection:
        return read_plot_document(connection, plot, now=now, calendar=RULES.calendar)


def agrees(db: Db) -> bool:
    with db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        return check(connection) == []


def test_a_plot_goes_its_route_stage_by_stage_with_documents_and_areas(db: OneTransaction) -> None:
    plot = make_plot(db)
    assert rule(advance(db, plot, "filed", "2026-04-02")) == "route"
    assert choose(db, plot).outcome is Outcome.APPLIED
    assert rule(choose(db, plot)) == "twice"
    assert rule(advance(db, plot, "submitted", "2026-04-10", document="报〔2026〕3号")) == (
        "stage-order"
    )
    assert advance(db, plot, "filed", "2026-04-10").outcome is Outcome.APPLIED
    assert rule(advance(db, plot, "submitted", "2026-05-08")) == "document"
    assert rule(advance(db, plot, "submitted", "2026-04-09", document="x")) == "date-order"
    assert rule(advance(db, plot, "submitted", "2026-07-21", document="x")) == "future"
    before = {"area_m2": 3333.33, "cultivated_m2": 2000.0, "basic_farmland_m2": 666.67}
    grown = {"before": before, "after": {"cultivated_m2": 2000.5}}
    assert rule(advance(db, plot, "submitted", "2026-05-08", document="x", **grown)) == "area"
    for stage, on, number, more in (
        ("submitted", "2026-05-08", "报〔2026〕3号", {"before": before}),
        ("approved", "2026-06-01", "验〔2026〕7号", {}),
        ("closed", "2026-07-20", "销〔2026〕1号", {"after": dict.fromkeys(before, 0.0)}),
    ):
        assert advance(db, plot, stage, on, document=number, **more).outcome is Outcome.APPLIED
    document = read(db, plot)
    facts = document["plot"]
    assert (facts["stage"], facts["route"], facts["closed_on"]) == (
        "closed", "demolish", "2026-07-20",
    )  # fmt: skip
    assert facts["submission_number"] == "报〔2026〕3号"
    assert facts["closing_number"] == "销〔2026〕1号"
    rectified = [s for s in document["steps"] if s["chain"] == "rectify"]
    assert rectified[1]["before"] == before
    assert rectified[-1]["after"]["area_m2"] == 0
    assert document["next"]["stages"] == []
    assert rule(choose(db, plot, "permit")) == "closed"
    assert agrees(db)


def test_a_part_is_not_larger_than_the_whole(db: OneTransaction) -> None:
    plot = make_plot(db, route="demolish")
    wrong = {"area_m2": 100.0, "cultivated_m2": 120.0}
    assert rule(advance(db, plot, "filed", "2026-04-10", before=wrong)) == "payload"


def test_what_the_register_knew_is_where_the_records_begin(db: OneTransaction) -> None:
    plot = make_plot(
        db, stage="filed", route="permit", filed_on=date(2026, 3, 1), decision_number="罚1号"
    )
    assert rule(advance(db, plot, "filed", "2026-04-10")) == "stage-order"
    done = advance(db, plot, "submitted", "2026-04-10", document="报〔2026〕9号")
    assert done.outcome is Outcome.APPLIED
    facts = read(db, plot)["plot"]
    assert (facts["filed_on"], facts["submitted_on"]) == ("2026-03-01", "2026-04-10")
    assert facts["decision_number"] == "罚1号"
    assert agrees(db)


def test_a_route_chosen_anew_begins_anew_and_a_step_in_error_is_withdrawn(
    db: OneTransaction,
) -> None:
    plot = make_plot(db)
    choose(db, plot, "permit")
    filed = put(db, plot, "advanced", {"stage": "filed", "on": "2026-04-10"})[0]
    sent, _ = put(db, plot, "advanced", {"stage": "submitted", "on": "2026-04-11", "document": "x"})
    assert rule(put(db, plot, "step_withdrawn", {"step": str(filed), "reason": "误登"})[1]) == (
        "step-order"
    )
    _, done = put(db, plot, "step_withdrawn", {"step": str(sent), "reason": "误登"})
    assert done.outcome is Outcome.APPLIED
    facts = read(db, plot)["plot"]
    assert (facts["stage"], facts["submitted_on"], facts["submission_number"]) == (
        "filed", None, None,
    )  # fmt: skip
    assert rule(put(db, plot, "step_withdrawn", {"step": str(sent), "reason": "误登"})[1]) == "step"
    choose(db, plot, "confiscate", "2026-05-01")
    facts = read(db, plot)["plot"]
    assert (facts["stage"], facts["route"], facts["filed_on"]) == ("issued", "confiscate", None)
    assert agrees(db)


def test_the_enforcers_clock_runs_fifteen_days_and_the_court_comes_after(
    db: OneTransaction,
) -> None:
    plot = make_plot(db, section="村镇股")
    assert rule(enforce(db, plot, "sued", "2026-06-20")) == "served"
    # Served on 5 June 2026: the fifteenth day is Saturday 20 June, in the Dragon Boat holiday
    # (19-21 June), so the window ends on Monday 22.
    served = enforce(db, plot, "decision_served", "2026-06-05", document="罚〔2026〕2号")
    assert served.outcome is Outcome.APPLIED
    document = read(db, plot, now=datetime(2026, 6, 22, 10, tzinfo=UTC))
    assert document["enforcement"]["state"] == "litigation_window"
    assert document["enforcement"]["clock"]["due_at"] == "2026-06-22T23:59:59+08:00"
    assert read(db, plot)["enforcement"]["state"] == "apply_to_court"
    assert rule(enforce(db, plot, "decision_served", "2026-06-06")) == "twice"
    assert rule(enforce(db, plot, "court_applied", "2026-06-22")) == "window"
    assert rule(enforce(db, plot, "sued", "2026-06-23")) == "window"
    assert rule(enforce(db, plot, "sued", "2026-06-04")) == "date-order"
    with db.read() as connection:
        pressing = list_pressing(connection, now=NOON)
    (row,) = [r for r in pressing if r.id == plot]
    assert (row.state, row.section, row.is_overdue, row.days_late) == (
        "litigation_window", "村镇股", True, 28,
    )  # fmt: skip
    assert enforce(db, plot, "court_applied", "2026-06-23").outcome is Outcome.APPLIED
    with db.read() as connection:
        assert [r for r in list_pressing(connection, now=NOON) if r.id == plot] == []
    facts = read(db, plot)["plot"]
    assert (facts["decision_served_on"], facts["court_applied_on"]) == ("2026-06-05", "2026-06-23")
    assert agrees(db)


def test_who_sued_in_time_is_not_taken_to_court(db: OneTransaction) -> None:
    plot = make_plot(db)
    enforce(db, plot, "decision_served", "2026-06-05")
    assert enforce(db, plot, "sued", "2026-06-22").outcome is Outcome.APPLIED
    assert rule(enforce(db, plot, "court_applied", "2026-07-01")) == "sued"
    assert read(db, plot)["enforcement"]["state"] == "sued"


def test_a_record_names_a_plot(db: OneTransaction) -> None:
    for plot in (None, uuid4()):
        _, receipt = put(db, plot, "route_chosen", {"route": "permit", "on": "2026-04-01"})
        assert rule(receipt) == "plot"
    with pytest.raises(NotFoundError):
        read(db, uuid4())


def test_a_row_changed_behind_the_log_is_found_and_written_anew(
    fresh_database: PooledDatabase,
) -> None:
    plot = make_plot(fresh_database)
    choose(fresh_database, plot)
    advance(fresh_database, plot, "filed", "2026-04-10")
    closed = f"UPDATE core.land_plot SET stage = 'closed' WHERE id = '{plot}'"
    for pool in (Pool.STAFF, Pool.JOBS):
        with (
            pytest.raises(DBAPIError, match="no event led to this stage"),
            fresh_database.write(actor="x", reason="x", pool=pool) as connection,
        ):
            connection.execute(text(closed))
    with fresh_database.write(actor="x", reason="x") as connection:  # what else it says is free
        connection.execute(text("UPDATE core.land_plot SET obstacle = '资金'"))
    assert agrees(fresh_database)
    lie = "UPDATE core.plot_step SET step = 'submitted' WHERE step = 'filed'"
    with fresh_database.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        connection.execute(text(lie))
        assert {d.table for d in check(connection)} == {"plot_step", "land_plot"}
        rebuild(connection)
        assert check(connection) == []
    assert read(fresh_database, plot)["plot"]["stage"] == "filed"


def test_a_register_read_again_may_not_turn_back_what_was_recorded(
    fresh_database: PooledDatabase,
) -> None:
    known, other = make_plot(fresh_database), make_plot(fresh_database, "TB02")
    choose(fresh_database, known)
    advance(fresh_database, known, "filed", "2026-04-10")
    frame = gpd.GeoDataFrame(
        {"code": ["TB02"], "source": ["卫片"], "source_code": ["TB02"], "stage": ["approved"]},
        geometry=[sample_geometry(LandPlot)],
        crs=STORAGE_SRID,
    )
    with fresh_database.write(actor="x", reason="x", pool=Pool.JOBS) as connection:
        counts = store.load_rows(connection, "land_plot", frame)
    assert counts.changed == 1
    assert read(fresh_database, other)["plot"]["stage"] == "approved"
    turned = frame.assign(code="TB01", source_code="TB01")
    with (
        pytest.raises(ConflictError, match="leave out"),
        fresh_database.write(actor="x", reason="x", pool=Pool.JOBS) as connection,
    ):
        store.load_rows(connection, "land_plot", turned)


def test_what_records_move_are_attributes_of_a_plot() -> None:
    assert set(MOVED) <= set(LandPlot.model_fields)


def test_a_plots_versions_follow_its_records(fresh_database: PooledDatabase) -> None:
    plot = make_plot(fresh_database)
    choose(fresh_database, plot)
    advance(fresh_database, plot, "filed", "2026-04-10")
    with fresh_database.read() as connection:
        stages = connection.execute(
            text("SELECT stage FROM history.land_plot WHERE id = :id ORDER BY version"),
            {"id": plot},
        ).scalars()
        assert list(stages)[-1] == "filed"
        assert (
            connection.execute(
                text("SELECT version FROM core.land_plot WHERE id = :id"), {"id": plot}
            ).scalar()
            == 3
        )
