"""The drawing of a profile shows what is known, says what is not, and takes text as text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from gis.attributes import Language
from gis.network.profile import lay_out
from layers.profile_drawing import draw_profile
from tests.gis.network.test_profile import NODES, PIPES, WAY

NAMES = {"s": "http://www.w3.org/2000/svg"}


def drawn(
    *, pipes: list[dict[str, object]] = PIPES, language: Language = Language.EN
) -> ET.Element:
    return ET.fromstring(draw_profile(lay_out(WAY, pipes, NODES), language))


def words(svg: ET.Element) -> list[str]:
    return [node.text or "" for node in svg.iterfind(".//s:text", NAMES)]


def test_the_table_carries_codes_levels_sizes_slopes_and_lengths() -> None:
    said = words(drawn())
    for word in ("A", "B", "105.000", "102.000", "3.00", "DN600", "DN800", "5.0", "30.0", "50.0"):
        assert word in said


def test_every_pipe_and_node_can_be_pointed_at() -> None:
    svg = drawn()
    reaches = {g.get("data-reach") for g in svg.iterfind(".//s:g[@data-reach]", NAMES)}
    nodes = {g.get("data-node") for g in svg.iterfind(".//s:g[@data-node]", NAMES)}
    assert reaches == {str(step.pipe) for step in WAY}
    assert nodes == {str(WAY[0].start), *(str(step.end) for step in WAY)}


def test_a_missing_level_is_a_word_in_the_drawing_and_a_dash_in_the_table() -> None:
    pipes = [PIPES[0], {**PIPES[1], "down_invert_m": None}]
    assert {"missing", "—"} <= set(words(drawn(pipes=pipes)))
    whole, broken = drawn(), drawn(pipes=pipes)

    def bodies(svg: ET.Element) -> int:
        return len(svg.findall(".//s:polygon", NAMES))

    assert bodies(whole) - bodies(broken) == 1


def test_hostile_text_stays_text() -> None:
    pipes = [PIPES[0], {**PIPES[1], "code": "<script>alert(1)</script>\"'&"}]
    svg = drawn(pipes=pipes)
    assert svg.find(".//s:script", NAMES) is None
    titles = [t.text or "" for t in svg.iterfind(".//s:title", NAMES)]
    assert any("<script>alert(1)</script>\"'&" in t for t in titles)


def test_a_drawing_without_any_level_says_so_in_the_asked_language() -> None:
    bare = [{**p, "up_invert_m": None, "down_invert_m": None} for p in PIPES]
    nodes = [{**n, "ground_m": None, "bottom_m": None} for n in NODES]
    svg = ET.fromstring(draw_profile(lay_out(WAY, bare, nodes), Language.ZH))
    assert "此段没有高程数据" in words(svg)


def test_a_way_of_a_thousand_pipes_stays_within_its_width() -> None:
    step = WAY[0]
    way = [step] * 1000
    svg = ET.fromstring(draw_profile(lay_out(way, PIPES, NODES), Language.EN))
    assert float(svg.get("width", "0")) <= 24_200


SEEN = {
    "defects": [{"pipe_id": WAY[0].pipe, "along_m": 6.0, "code": "PL", "grade": 2}],
    "silt": [
        {"pipe_id": WAY[0].pipe, "from_m": 10.0, "to_m": 20.0, "least_m": 0.12, "most_m": 0.18},
        {"pipe_id": WAY[1].pipe, "from_m": 15.0, "to_m": 15.0, "least_m": 0.4, "most_m": 0.8},
    ],
}
"""The first pipe is 30 m of DN600, the second 20 m drawn the other way: 15 m is 35 m on."""


def seen(**rows: list[dict[str, object]]) -> ET.Element:
    pipes = [{**p, "inspected_on": "2026-06-01"} for p in PIPES]
    return ET.fromstring(draw_profile(lay_out(WAY, pipes, NODES, **rows), Language.EN))


def test_silt_lies_where_it_was_seen_and_as_thick_as_its_grade_says() -> None:
    svg = seen(**SEEN)
    left, across = float(svg.get("data-left", "")), float(svg.get("data-across", ""))
    groups = svg.findall(".//s:g[@data-silt]", NAMES)
    places = []
    for group in groups:
        polygon = group.find("s:polygon", NAMES)
        assert polygon is not None
        xs = [float(p.split(",")[0]) for p in polygon.get("points", "").split()]
        places.append([(x - left) / across * 50.0 for x in (min(xs), max(xs))])
    assert places[0] == pytest.approx([10.0, 20.0], abs=0.1)
    # At one place only: a mark there of a few pixels, whose extent nobody knows.
    assert sum(places[1]) / 2 == pytest.approx(35.0, abs=0.1)
    assert places[1][1] - places[1][0] < 1.0
    said = [t.text or "" for g in groups for t in g.iterfind("s:title", NAMES)]
    assert said == [
        "silt 0.12–0.18 m · 10.0–20.0 m · seen 2026-06-01",
        "silt 0.40–0.80 m · 35.0 m · seen 2026-06-01",
    ]


def test_a_pipe_says_when_it_was_inspected_or_that_it_was_not() -> None:
    def told(svg: ET.Element) -> list[str]:
        groups = svg.findall(".//s:g[@data-inspected]", NAMES)
        return [g.get("data-inspected", "") for g in groups]

    assert told(seen()) == ["2026-06-01", "2026-06-01"]
    bare = drawn()
    assert told(bare) == ["", ""]
    titles = [t.text or "" for t in bare.iterfind(".//s:title", NAMES)]
    assert sum("not inspected" in t for t in titles) == 2


def test_defects_stand_at_their_chainage() -> None:
    svg = seen(**SEEN)
    left, across = float(svg.get("data-left", "")), float(svg.get("data-across", ""))
    label = next(t for t in svg.iterfind(".//s:text", NAMES) if t.text == "PL2")
    assert (float(label.get("x", "")) - left) / across * 50.0 == pytest.approx(6.0, abs=0.1)
