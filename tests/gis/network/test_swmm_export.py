"""A model of the network runs in EPA's own solver, and says what it assumed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point
from sqlalchemy import Connection, text

from gis import store
from gis.attributes import Language
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ForbiddenError, GoneError, NotFoundError
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import PipeMaterial, PipeSystem
from gis.network.asking import Ask, asking
from gis.network.plane import choose_plane
from gis.network.swmm_export import Model, export_swmm
from gis.network.swmm_names import make_names
from gis.network.swmm_read import parse_inp
from gis.network.swmm_rules import load_rules
from gis.network.swmm_tables import read_tables
from gis.network.trace import Direction
from tests.conftest import OneTransaction
from tests.gis.network.drawn import draw
from tests.gis.network.swmm_runs import run_model
from tests.gis.network.test_topology import add_manhole, add_pipe, at, settle


@pytest.fixture
def ask(db: OneTransaction) -> Ask:
    with db.write(actor="t", reason="t") as connection:
        draw(connection)
    return asking(db.connection)


def codes_of(model: Model, rule: str) -> list[str]:
    """Codes of what an assumption was made of."""
    tables = (model.part.nodes, model.part.pipes)
    known = {i: c for table in tables for i, c in zip(table["id"], table["code"], strict=True)}
    found = [a for a in model.assumptions if a.rule == rule]
    codes = [known.get(i) for a in found for i in a.ids]
    return sorted(code if isinstance(code, str) else "?" for code in codes)


def levels_of(model: Model) -> dict[str, tuple[float, float]]:
    pairs = zip(model.levels.inlet.round(4), model.levels.outlet.round(4), strict=True)
    return dict(zip(model.part.pipes["code"], pairs, strict=True))


def test_the_drawn_network_runs(ask: Ask, tmp_path: Path) -> None:
    model = export_swmm(ask, planned=True)
    assert sorted(model.part.pipes["code"]) == ["1", "2", "3", "4", "5", "7", "8", "9"]
    run = run_model(model.as_inp(), tmp_path)
    assert abs(run.flow) < 1
    assert "WARNING" not in run.report
    assert codes_of(model, "not_in_use") == ["?"]  # 6 is abandoned, and no part of the model
    assert codes_of(model, "flow_backward") == ["9"]
    assert codes_of(model, "uphill") == ["3"]
    assert codes_of(model, "sink_as_outfall") == ["F"]
    assert codes_of(model, "invert_of_node") == ["5", "7"]
    assert codes_of(model, "invert_interpolated") == ["4", "8", "9"]
    assert codes_of(model, "datum") == ["F", "G"]
    assert codes_of(model, "size_of_neighbour") == ["4", "7", "8"]
    assert codes_of(model, "size_default") == ["9"]
    assert codes_of(model, "per_person") == ["A", "G"]
    assert codes_of(model, "user_silent") == ["B"]
    assert codes_of(model, "base_inflow") == ["X"]
    head = model.as_inp().split("[TITLE]", maxsplit=1)[0]
    assert "逆坡" in head
    assert "rise along the flow" in head


def test_a_part_without_a_way_out_is_given_one(ask: Ask, tmp_path: Path) -> None:
    """Without the planned outfall B, C and D drain in a circle."""
    model = export_swmm(ask, "B", Direction.DOWN)
    assert codes_of(model, "not_built") == ["?"]
    assert codes_of(model, "no_sink") == ["C"]
    assert abs(run_model(model.as_inp(), tmp_path).flow) < 1


def test_a_trace_is_a_part_and_its_end_an_outfall(ask: Ask, tmp_path: Path) -> None:
    model = export_swmm(ask, "B", Direction.UP, system=PipeSystem.SANITARY, planned=True)
    assert sorted(model.part.pipes["code"]) == ["1", "2", "3", "5", "7"]
    only = export_swmm(ask, system=PipeSystem.STORM)
    assert list(only.part.pipes["code"]) == ["8"]
    assert codes_of(only, "sink_as_outfall") == ["C"]
    assert abs(run_model(only.as_inp(), tmp_path).flow) < 1


def test_the_network_of_a_past_day(fresh_database: PooledDatabase) -> None:
    with fresh_database.write(actor="t", reason="t", pool=Pool.STAFF) as connection:
        draw(connection)
    before = datetime.now(UTC)
    with fresh_database.write(actor="t", reason="t", pool=Pool.STAFF) as connection:
        connection.execute(text("UPDATE core.sewer_pipe SET diameter_mm = 900 WHERE code = '1'"))
    with fresh_database.read() as connection:
        found = [
            export_swmm(asking(connection), planned=True, as_of=moment).part.pipes
            for moment in (before, None)
        ]
    past, present = (pipes.set_index("code")["diameter_mm"] for pipes in found)
    assert sorted(past.index) == sorted(present.index)
    assert past["1"] != present["1"] == 900


def test_what_cannot_be_modelled_is_refused(ask: Ask) -> None:
    with pytest.raises(ForbiddenError):
        export_swmm(ask, pool=Pool.FIELD)
    with pytest.raises(NotFoundError):
        export_swmm(ask, "nowhere")
    with pytest.raises(GoneError):
        export_swmm(ask, "10")
    with pytest.raises(NotFoundError):
        export_swmm(ask, "A", Direction.UP)
    with pytest.raises(NotFoundError, match="all 1 pipes"):
        export_swmm(ask, "6", Direction.UP)  # the abandoned one, and nothing above it


def draw_street(connection: Connection, levels: list[float | None]) -> None:
    """A straight street of pipes of 30 m; levels of the manholes' ends, None where unknown."""
    for k in range(len(levels)):
        add_manhole(connection, f"M{k}", at(30 * k))
    for k, (up, down) in enumerate(zip(levels, levels[1:], strict=False)):
        add_pipe(
            connection, f"P{k}", at(30 * k), at(30 * k + 30), up_node=f"M{k}",
            down_node=f"M{k + 1}", diameter_mm=300, up_invert_m=up, down_invert_m=down,
        )  # fmt: skip
    settle(connection)


def test_unknown_inverts_lie_on_the_way_between_known_ones(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        draw_street(connection, [None, 50.0, None, None, 49.1, None])
    model = export_swmm(asking(db.connection))
    got = levels_of(model)
    assert got["P1"] == pytest.approx((50.0, 49.7), abs=2e-4)
    assert got["P2"] == pytest.approx((49.7, 49.4), abs=2e-4)
    assert got["P3"] == pytest.approx((49.4, 49.1), abs=2e-4)
    # Beyond the last known level it goes on at 3 per mille.
    assert got["P0"] == pytest.approx((50.09, 50.0), abs=2e-4)
    assert got["P4"] == pytest.approx((49.1, 49.01), abs=2e-4)
    assert codes_of(model, "invert_interpolated") == ["P0", "P1", "P2", "P3", "P4"]


def test_a_part_without_levels_lies_below_known_ground(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        draw_street(connection, [None, None, None])
        connection.exec_driver_sql("UPDATE core.sewer_manhole SET ground_m = 30 WHERE code = 'M1'")
    model = export_swmm(asking(db.connection))
    assert codes_of(model, "invert_below_ground") == ["M1"]
    assert levels_of(model)["P1"] == pytest.approx((28.0, 27.91), abs=2e-4)
    assert codes_of(model, "ground_assumed") == ["M0", "M2"]


def test_an_outfall_several_pipes_reach_is_joined_by_a_made_conduit(
    db: OneTransaction, tmp_path: Path
) -> None:
    with db.write(actor="t", reason="t") as connection:
        draw_street(connection, [50.0, 49.9])
        add_pipe(connection, "Q", at(60), at(30), down_node="M1", diameter_mm=400,
                 up_invert_m=50.0, down_invert_m=49.9)  # fmt: skip
        settle(connection)
    model = export_swmm(asking(db.connection))
    assert codes_of(model, "outfall_stub") == ["M1"]
    assert codes_of(model, "virtual_node") == ["?"]
    text = model.as_inp()
    assert abs(run_model(text, tmp_path).flow) < 1
    tables = read_tables(parse_inp(text))
    assert len(tables.pipes.names) == 3
    assert sum(name.startswith("OUT-") for name in tables.nodes.names) == 1


def test_boxes_eggs_and_unmeasured_shapes(db: OneTransaction, tmp_path: Path) -> None:
    with db.write(actor="t", reason="t") as connection:
        draw_street(connection, [50.0, 49.9, 49.8, 49.7, 49.6, 49.5])
        for code, said in (
            ("P0", "shape = 'rectangular', diameter_mm = NULL, width_mm = 1500, height_mm = 900"),
            ("P1", "shape = 'egg', diameter_mm = NULL, height_mm = 1200"),
            ("P2", "shape = 'arch', diameter_mm = NULL, width_mm = 1500, height_mm = 1000"),
            ("P3", "shape = 'rectangular', diameter_mm = NULL"),
            ("P4", "material = 'brick', pressure = 'pressure'"),
        ):
            connection.exec_driver_sql(f"UPDATE core.sewer_pipe SET {said} WHERE code = '{code}'")
    model = export_swmm(asking(db.connection))
    made = model.sections
    assert list(made.shape) == ["RECT_CLOSED", "EGG", "RECT_CLOSED", "CIRCULAR", "CIRCULAR"]
    assert made.height == pytest.approx([0.9, 1.2, 1.0, 1.0, 0.3])
    assert made.width == pytest.approx([1.5, 0, 1.5, 0, 0])
    assert made.roughness[4] == 0.015
    assert codes_of(model, "shape_as_box") == ["P2", "P3"]
    assert codes_of(model, "size_of_neighbour") == ["P3"]
    assert codes_of(model, "pressure_as_gravity") == ["P4"]
    assert abs(run_model(model.as_inp(), tmp_path).flow) < 1


def test_a_discharge_goes_before_people(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        draw_street(connection, [50.0, 49.9])
        for code, people, discharge in (("U1", 1000.0, 86.4), ("U2", 480.0, None)):
            user = {"code": code, "node": "M0", "people": people, "discharge_m3_per_day": discharge}
            record = KINDS["drainage_user"].model_validate(user)
            store.add(connection, record, Point(at(1, 5)))
    flows = export_swmm(asking(db.connection)).flows
    assert sorted(flows.dry) == pytest.approx([0, 0.001 + 480 * 0.18 / 86_400])
    assert not flows.base.any()


def test_a_pipe_from_a_node_to_itself_is_left_out(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        draw_street(connection, [50.0, 49.9])
        add_pipe(connection, "L", at(0), at(5, 5), at(0, 1), up_node="M0", down_node="M0")
        settle(connection)
    model = export_swmm(asking(db.connection))
    assert list(model.part.pipes["code"]) == ["P0"]
    assert "self_loop" in {a.rule for a in model.assumptions}


def test_names_that_clash_are_those_of_their_ids() -> None:
    ids = pd.Series([f"00000000-0000-7000-8000-00000000000{k}" for k in range(4)])
    names = make_names(ids, pd.Series(["a", "A", "b c", "x" * 32]), "P")
    assert names == [f"P800000000000000{k}" for k in range(4)]


def test_the_rules_know_every_material_and_system() -> None:
    rules = load_rules()
    assert {*rules.roughness} == {*map(str, PipeMaterial), "unknown"}
    assert {*rules.size_mm} == {*map(str, PipeSystem)}
    assert rules.mark == "unverified"


def test_lists_beside_the_model_hold_every_object(ask: Ask) -> None:
    model = export_swmm(ask, planned=True)
    rows = model.assumptions_csv(Language.EN).splitlines()
    assert len(rows) == 1 + sum(len(a.ids) for a in model.assumptions)
    assert len(model.mapping_csv().splitlines()) == 1 + 8 + 8


def test_outside_china_a_plane_of_the_nearest_degree_is_taken() -> None:
    lines = np.array([LineString([(-123.1, 49.2), (-123.1, 49.2009)])], dtype=object)
    crs, moved = choose_plane(lines)
    assert "lon_0=-123" in crs
    assert moved[0].length == pytest.approx(100, abs=0.5)
