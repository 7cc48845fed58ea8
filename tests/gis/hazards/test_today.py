"""今日盯办 against the demonstration county's own events and rows, and dates set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from shapely import Point, from_wkt
from sqlalchemy import Connection, event

from gis import store
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county, load_county
from gis.demonstration.plan import AS_OF
from gis.errors import ForbiddenError
from gis.hazards.deadlines import WorkCalendar
from gis.hazards.events import HazardEvent, read_event
from gis.hazards.pressing_clocks import list_pressing_clocks
from gis.hazards.record import record_event
from gis.hazards.today import group_by_desk, list_pressing
from gis.kinds.gas_site import GasSite
from gis.kinds.land_plot import LandPlot
from tests.conftest import CloneDatabase, OneTransaction, connect_pools

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Shanghai
PLACE = Point(99.1, 25.0)
SHAPE = from_wkt("MULTIPOLYGON (((99.1 25.1, 99.11 25.1, 99.11 25.11, 99.1 25.1)))")


def open_case(connection: Connection, code: str, due_at: str, asset_id: str | None = None) -> None:
    hazard, at = uuid4(), NOW - timedelta(days=20)
    found: dict[str, str | float | None] = {
        "code": code, "category": "gas", "severity": "general_a", "lon": 99.1, "lat": 25.0,
        "asset_id": asset_id,
    }  # fmt: skip
    steps: tuple[tuple[str, dict[str, str | float | None]], ...] = (
        ("found", found), ("registered", {}), ("notified", {"due_at": due_at}),
    )  # fmt: skip
    for seq, (name, payload) in enumerate(steps, start=1):
        values = {
            "id": uuid4(), "hazard_id": hazard, "seq": seq, "type": name, "at": at,
            "actor": "甲", "payload": payload,
        }  # fmt: skip
        told: HazardEvent = read_event(values)
        record_event(connection, told)


@pytest.fixture
def desk(db: OneTransaction) -> Connection:
    with db.write(actor="test", reason="today") as connection:
        site = GasSite.model_validate(
            {"code": "RQ1", "site_type": "restaurant", "section": "燃气股", "responsible": "王工"}
        )
        asset = str(store.add(connection, site, PLACE))
        open_case(connection, "H-late", "2026-03-07T23:59:59+08:00", asset)
        open_case(connection, "H-yesterday", "2026-03-09T23:59:59+08:00", asset)
        open_case(connection, "H-today-gone", "2026-03-10T09:00:00+08:00", asset)
        open_case(connection, "H-today", "2026-03-10T23:59:59+08:00")
        open_case(connection, "H-three", "2026-03-13T23:59:59+08:00")
        open_case(connection, "H-four", "2026-03-14T00:00:00+08:00")
        for code, stage, due_on in (
            ("P-1", "submitted", "2026-03-08"), ("P-2", "closed", "2026-03-08"),
            ("P-3", "issued", "2026-03-14"),
        ):  # fmt: skip
            plot = {
                "code": code, "plot_number": code, "plot_year": 2025, "plot_source": "patrol",
                "stage": stage, "due_on": due_on, "section": "村镇股",
            }  # fmt: skip
            store.add(connection, LandPlot.model_validate(plot), SHAPE)
    return db.connection


def test_late_and_near_ones_are_listed_with_their_days(desk: Connection) -> None:
    found = {
        row.code: (row.is_overdue, row.days_late, row.days_left)
        for row in list_pressing(desk, now=NOW)
    }
    assert found == {
        "H-late": (True, 3, 0),
        "H-yesterday": (True, 1, 0),
        "H-today-gone": (True, 0, 0),
        "H-today": (False, 0, 0),
        "H-three": (False, 0, 3),
        "P-1": (True, 2, 0),
    }


def test_they_lie_on_the_desk_of_section_and_person(desk: Connection) -> None:
    desks = group_by_desk(list_pressing(desk, now=NOW))
    told = [(d.section, d.person, d.overdue, [r.code for r in d.rows]) for d in desks]
    assert told == [
        ("村镇股", None, 1, ["P-1"]),
        ("燃气股", "王工", 3, ["H-late", "H-yesterday", "H-today-gone"]),
        (None, None, 0, ["H-today", "H-three"]),
    ]
    only = list_pressing(desk, now=NOW, section="燃气股", person="王工")
    assert [row.code for row in only] == ["H-late", "H-yesterday", "H-today-gone"]
    assert list_pressing(desk, now=NOW, section="' OR true --") == []
    assert {r.code for r in list_pressing(desk, now=NOW, days_ahead=4)} >= {"H-four", "P-3"}


def test_the_field_pool_sees_no_names_of_responsible_persons(desk: Connection) -> None:
    rows = list_pressing(desk, now=NOW, pool=Pool.FIELD)
    assert {row.person for row in rows} == {None}
    assert {row.section for row in rows} == {"村镇股", "燃气股", None}
    with pytest.raises(ForbiddenError):
        list_pressing(desk, now=NOW, pool=Pool.PUBLIC)


def test_a_reference_that_is_no_identifier_does_no_harm(desk: Connection) -> None:
    desk.exec_driver_sql(
        "UPDATE core.hazard SET asset_id = '------------------------------------'"
        " WHERE code = 'H-late'"
    )
    late = next(row for row in list_pressing(desk, now=NOW) if row.code == "H-late")
    assert (late.section, late.person) == (None, None)


def test_it_is_one_statement_and_plain_json(desk: Connection) -> None:
    said: list[str] = []

    def listen(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(desk, "before_cursor_execute", listen)
    rows = list_pressing(desk, now=NOW)
    event.remove(desk, "before_cursor_execute", listen)
    assert len(said) == 1
    document = rows[0].as_document()
    assert document["due_at"].startswith("2026-03-08T")
    assert isinstance(document["id"], str)


@pytest.fixture(scope="module")
def county() -> County:
    return build_county(1, 1)


@pytest.fixture(scope="module")
def loaded(
    cluster: Cluster, clone_database: CloneDatabase, county: County
) -> Iterator[PooledDatabase]:
    database = connect_pools(cluster, clone_database())
    load_county(database, county, actor="test", progress=lambda *_: None)
    yield database
    database.close()


@pytest.mark.parametrize("pool", [Pool.FIELD, Pool.STAFF])
def test_the_county_has_as_many_overdue_as_its_generator_knows(
    pool: Pool, loaded: PooledDatabase, county: County
) -> None:
    with loaded.read(pool) as connection:
        rows = list_pressing(connection, now=AS_OF, pool=pool)
    overdue = {row.code for row in rows if row.kind == "hazard" and row.is_overdue}
    assert len(overdue) == county.oracle["hazards_overdue"]
    plots = county.frames["land_plot"].drop_duplicates("id", keep="last")
    late = plots[(plots["stage"] != "closed") & (plots["due_on"] < AS_OF.date().isoformat())]
    due = [r for r in rows if r.kind == "land_plot" and r.is_overdue]
    assert {r.code for r in due if r.state != "litigation_window"} == set(late["code"])
    # Of the third plot of the season the time to sue is over: 17 November, three days ago.
    (window,) = [r for r in due if r.state == "litigation_window"]
    assert window.code == county.oracle["flood_season"]["land_plots_moved"][2]
    assert window.days_late == 3
    assert len(late) > 0


def live(
    connection: Connection, code: str, steps: dict[str, timedelta], **found: str | None
) -> None:
    """A hazard whose events took effect so long before NOW."""
    hazard = uuid4()
    for seq, (name, ago) in enumerate(steps.items(), start=1):
        base = {"code": code, "category": "gas", "severity": "general_a", "lon": 99.1, "lat": 25.0}
        payload = {"found": base | found, "notified": {"due_at": "2026-04-30T23:59:59+08:00"}}
        values = {
            "id": uuid4(), "hazard_id": hazard, "seq": seq, "type": name, "at": NOW - ago,
            "actor": "甲", "payload": payload.get(name, {}),
        }  # fmt: skip
        record_event(connection, read_event(values))


def test_limits_before_and_beside_a_notice_are_on_the_list_with_their_names(
    db: OneTransaction,
) -> None:
    hours, days = timedelta(hours=1), timedelta(days=1)
    cover = {"category": "sewer", "item": "sewer.cover_missing"}
    with db.write(actor="test", reason="limits") as connection:
        live(connection, "H-cover", {"found": 8 * hours}, **cover)
        live(connection, "H-major", {"found": 1.5 * hours}, severity="major")
        # Monday the week before: the plan was due on Thursday.
        told = {"found": 8 * days, "registered": 8 * days, "controlled": 8 * days}
        live(connection, "H-plan", told | {"notified": 8 * days}, severity="major")
        live(connection, "H-done", {"found": 8 * days, "fixed_on_spot": 8 * days, "closed": days})
        live(connection, "H-far", {"found": timedelta()})
        rows = list_pressing_clocks(connection, WorkCalendar(), now=NOW, days_ahead=0)
    seen = {(r.code, r.clock.en if r.clock else "", r.is_overdue, r.days_late) for r in rows}
    assert seen == {
        ("H-cover", "Open manhole secured", True, 0),
        ("H-cover", "Manhole cover repaired", True, 0),
        ("H-major", "Major hazard registered", False, 0),
        ("H-major", "Under interim control", False, 0),
        ("H-plan", "Rectification plan handed in", True, 5),
    }
    plan = next(r for r in rows if r.code == "H-plan")
    assert plan.due_at.isoformat() == "2026-03-05T23:59:59+08:00"
