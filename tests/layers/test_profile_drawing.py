"""The drawing of a profile shows what is known, says what is not, and takes text as text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

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
