"""The table below a profile: nodes at their place, pipes between them, a dash for the missing."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from gis.attributes import Language, Text
from gis.network.profile import Profile, Reach, Station
from layers.profile_frame import FAINT, LEFT_PX, Frame
from layers.svg import SVG, add_line, add_text

ROW_PX = 24.0
STANDING_ROW_PX = 66.0
"""Height of rows whose numbers stand on end, to be read beside the node."""
MIN_GAP_PX = 13.0
"""Nodes nearer than this share a label: the later one is left out, its tooltip is not."""
NOT_KNOWN = "—"


def _depth(station: Station) -> str:
    if station.ground_m is None or station.lowest_invert_m is None:
        return NOT_KNOWN
    return f"{station.ground_m - station.lowest_invert_m:.2f}"


_STATION_ROWS: tuple[tuple[Text, Callable[[Station], str]], ...] = (
    (Text(zh="井号", en="Node"), lambda s: s.code or NOT_KNOWN),
    (Text(zh="地面高程 m", en="Ground m"), lambda s: _level(s.ground_m)),
    (Text(zh="管底高程 m", en="Invert m"), lambda s: _level(s.lowest_invert_m)),
    (Text(zh="埋深 m", en="Depth m"), _depth),
    (Text(zh="里程 m", en="Chainage m"), lambda s: f"{s.chainage_m:.1f}"),
)
_REACH_ROWS: tuple[tuple[Text, Callable[[Reach], str]], ...] = (
    (Text(zh="管径 mm", en="Size mm"), lambda r: r.size or NOT_KNOWN),
    (Text(zh="坡度 ‰", en="Slope ‰"), lambda r: _slope(r.slope_per_mille)),
    (Text(zh="长度 m", en="Length m"), lambda r: f"{r.length_m:.1f}"),
)


def table_height() -> float:
    """Height of the whole table, px."""
    return STANDING_ROW_PX * len(_STATION_ROWS) + ROW_PX * len(_REACH_ROWS)


def draw_table(
    root: ET.Element, profile: Profile, frame: Frame, language: Language, *, top: float
) -> None:
    """Append the table with its upper edge at ``top``."""
    y = top
    labelled = _spread([frame.x(s.chainage_m) for s in profile.stations])
    for title, words in _STATION_ROWS:
        _heading(root, frame, title.get(language), y, STANDING_ROW_PX)
        for at in labelled:
            station = profile.stations[at]
            _standing(root, frame.x(station.chainage_m), y, words(station))
        y += STANDING_ROW_PX
    for heading, tell in _REACH_ROWS:
        _heading(root, frame, heading.get(language), y, ROW_PX)
        for reach in profile.reaches:
            _between(root, frame, reach, y, tell(reach))
        y += ROW_PX
    _rule(root, frame, y)


def _spread(places: list[float]) -> list[int]:
    """Which nodes get labels: the ends, and those far enough from the one before."""
    kept: list[int] = []
    for at, place in enumerate(places):
        if not kept or place - places[kept[-1]] >= MIN_GAP_PX:
            kept.append(at)
    last = len(places) - 1
    if kept and kept[-1] != last:
        kept[-1] = last
    return kept


def _heading(root: ET.Element, frame: Frame, words: str, y: float, height: float) -> None:
    _rule(root, frame, y)
    add_text(root, 10, y + height / 2 + 4, words, size=12, weight="600")


def _rule(root: ET.Element, frame: Frame, y: float) -> None:
    add_line(root, 8, y, LEFT_PX + frame.width + 14, y, FAINT)


def _standing(root: ET.Element, x: float, y: float, words: str) -> None:
    """Numbers on end, read from below, beside the line of their node."""
    shown = words if len(words) <= 10 else f"…{words[-9:]}"
    node = ET.SubElement(
        root,
        f"{{{SVG}}}text",
        {
            "transform": f"translate({x + 4:.1f} {y + STANDING_ROW_PX - 5:.1f}) rotate(-90)",
            "font-size": "10.5",
        },
    )
    node.text = shown


def _between(root: ET.Element, frame: Frame, reach: Reach, y: float, words: str) -> None:
    x1, x2 = frame.x(reach.start_m), frame.x(reach.end_m)
    add_line(root, x2, y, x2, y + ROW_PX, FAINT)
    if x2 - x1 >= 7.0 * len(words):
        add_text(root, (x1 + x2) / 2, y + 16, words, anchor="middle", size=10.5)


def _level(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:.3f}"


def _slope(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:.1f}"
