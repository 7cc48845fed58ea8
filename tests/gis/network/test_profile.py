"""A profile puts every level at its chainage; what is missing stays missing.

The way, drawn by hand (metres; ground 105.0 / 104.6 / missing):

    A ---- 30.0 m, DN600 ---- B ---- 20.0 m, DN800, drawn the other way ---- C
    102.00                101.85 101.20                                 101.10
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import shapely

from gis.network.plane import project
from gis.network.profile import Step, lay_out
from gis.network.profile_json import as_json

A, B, C = (UUID(int=n) for n in (1, 2, 3))
P1, P2, CROSSER = (UUID(int=n) for n in (11, 12, 13))
WAY = [Step(P1, A, B, True), Step(P2, B, C, False)]


def line(*points: tuple[float, float]) -> bytes:
    return bytes(shapely.to_wkb(shapely.LineString(points)))


def pipe(identity: UUID, **values: object) -> dict[str, Any]:
    plain = dict.fromkeys(
        ("code", "system", "material", "pressure", "diameter_mm", "width_mm", "height_mm",
         "up_invert_m", "down_invert_m")
    )  # fmt: skip
    return {
        **plain,
        "id": str(identity),
        "progress": "completed",
        "service_state": "in_use",
        "system": "sanitary",
        "geometry": line((102.5, 25.0), (102.5003, 25.0)),
        **values,
    }


PIPES = [
    pipe(P2, diameter_mm=800, up_invert_m=101.10, down_invert_m=101.20, length_m=20.0,
         geometry=line((102.5005, 25.0), (102.5003, 25.0))),
    pipe(P1, diameter_mm=600, up_invert_m=102.00, down_invert_m=101.85, length_m=30.0),
]  # fmt: skip
NODES = [
    {"id": str(A), "kind": "sewer_manhole", "code": "A", "ground_m": 105.0, "bottom_m": 101.95,
     "cover_state": "good"},
    {"id": str(B), "kind": "sewer_manhole", "code": "B", "ground_m": 104.6, "bottom_m": 100.9,
     "cover_state": "missing"},
    {"id": str(C), "kind": "sewer_manhole", "code": "C", "ground_m": None, "bottom_m": None,
     "cover_state": None},
]  # fmt: skip


def test_chainage_levels_and_slopes_are_those_worked_by_hand() -> None:
    profile = lay_out(WAY, PIPES, NODES)
    assert [s.chainage_m for s in profile.stations] == [0.0, 30.0, 50.0]
    assert [(r.start_invert_m, r.end_invert_m) for r in profile.reaches] == [
        (102.0, 101.85),
        (101.2, 101.1),
    ]
    # 0.15 m over 30 m and 0.10 m over 20 m are both 5 per mille
    assert [r.slope_per_mille for r in profile.reaches] == [5.0, 5.0]
    assert profile.length_m == 50.0
    assert profile.fall_m == 0.9


def test_the_crown_is_the_invert_and_the_inner_height() -> None:
    first, second = as_json(lay_out(WAY, PIPES, NODES))["reaches"]
    assert (first["start_crown_m"], first["end_crown_m"]) == (102.6, 102.45)
    assert (second["start_crown_m"], second["end_crown_m"]) == (102.0, 101.9)
    assert (first["size"], second["size"]) == ("DN600", "DN800")


def test_a_sump_is_what_lies_below_the_lowest_invert() -> None:
    a, b, c = as_json(lay_out(WAY, PIPES, NODES))["stations"]
    assert (a["sump_m"], b["sump_m"], c["sump_m"]) == (0.05, 0.3, None)
    assert (a["depth_m"], b["depth_m"], c["depth_m"]) == (3.0, 3.4, None)


def test_what_is_missing_is_said_and_not_made_up() -> None:
    pipes = [PIPES[0], {**PIPES[1], "down_invert_m": None, "diameter_mm": None}]
    profile = lay_out(WAY, pipes, NODES)
    first = profile.reaches[0]
    assert (first.end_invert_m, first.slope_per_mille, first.crown(102.0)) == (None, None, None)
    assert [n.code for n in first.notes] == ["invert_missing", "size_missing"]
    assert [n.code for n in profile.stations[2].notes] == ["ground_missing", "bottom_missing"]


def test_a_fall_of_65_centimetres_in_a_manhole_is_a_drop() -> None:
    profile = lay_out(WAY, PIPES, NODES)
    assert [n.code for n in profile.stations[1].notes] == ["drop"]
    assert [n.code for n in profile.reaches[1].notes] == ["against"]


def test_a_pipe_that_rises_is_noted_unless_it_is_under_pressure() -> None:
    rising = {**PIPES[1], "up_invert_m": 101.0}
    assert "rises" in [n.code for n in lay_out(WAY, [PIPES[0], rising], NODES).reaches[0].notes]
    pumped = {**rising, "pressure": "pressure"}
    codes = [n.code for n in lay_out(WAY, [PIPES[0], pumped], NODES).reaches[0].notes]
    assert codes == ["pressure"]


def test_a_node_nobody_surveyed_is_a_place_where_pipes_touch() -> None:
    profile = lay_out(WAY, PIPES, NODES[:1])
    assert profile.stations[1].kind is None
    assert [n.code for n in profile.stations[1].notes] == ["no_node"]


def test_a_crossing_pipe_has_its_own_level_there() -> None:
    # It crosses P1 in the middle (15 m) at a third of its own length: 100 + 2/3 * 3 = 102.0
    crosser = pipe(
        CROSSER, code="YS9", system="storm", diameter_mm=400, up_invert_m=103.0,
        down_invert_m=100.0, length_m=30.0,
        geometry=line((102.50015, 25.0001), (102.50015, 24.9998)),
    )  # fmt: skip
    (crossing,) = lay_out(WAY, PIPES, NODES, crossing=[crosser]).crossings
    assert crossing.chainage_m == pytest.approx(15.0, abs=0.01)
    assert crossing.invert_m == pytest.approx(102.0, abs=0.001)
    assert (crossing.code, crossing.size) == ("YS9", "DN400")


def test_a_pipe_that_joins_at_a_manhole_does_not_cross() -> None:
    joins = pipe(CROSSER, length_m=30.0, geometry=line((102.5003, 25.0), (102.5003, 24.9998)))
    assert lay_out(WAY, PIPES, NODES, crossing=[joins]).crossings == ()


def test_defects_turn_round_with_a_pipe_passed_against_its_drawing() -> None:
    rows = [
        {"pipe_id": P1, "along_m": 10.0, "along_end_m": None, "code": "PL", "grade": 2},
        {"pipe_id": P2, "along_m": 5.0, "along_end_m": 8.0, "code": "CJ", "grade": 1},
    ]
    first, second = lay_out(WAY, PIPES, NODES, defects=rows).reaches
    assert [(d.chainage_m, d.end_m) for d in first.defects] == [(10.0, None)]
    # from the far end of P2: 30 + 20 - 8 to 30 + 20 - 5
    assert [(d.chainage_m, d.end_m) for d in second.defects] == [(42.0, 45.0)]


def test_a_way_without_pipes_is_empty() -> None:
    profile = lay_out([], [], [])
    assert (profile.stations, profile.length_m, profile.fall_m) == ((), 0.0, None)


def test_metres_of_the_zone_agree_with_the_published_length_of_a_degree() -> None:
    # One minute of latitude at 25 degrees north is 1846.2 m on the GRS80 ellipsoid.
    minute = shapely.LineString([(102.0, 25.0), (102.0, 25.0 + 1 / 60)])
    assert project(minute, 103).length == pytest.approx(1846.2, abs=0.3)
