"""纵断面图: a profile as SVG, in the form sewer engineers draw it: section above, table below.

The drawing carries no style sheet and no script: every look is an attribute, so it is the same
in a page under a strict policy, in a notebook, in a file and on paper. Text goes in as text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from gis.attributes import Language, Text
from gis.network.profile import Profile, Reach, Station
from layers.profile_frame import FAINT, LEFT_PX, PLOT_PX, TOP_PX, Frame
from layers.profile_seen import INSPECTED, NOT_INSPECTED, draw_defects, draw_silt
from layers.profile_table import draw_table, table_height
from layers.svg import INK, SVG, add_line, add_polygon, add_rect, add_text

SYSTEM_COLOURS = {"storm": "#1f6fb2", "sanitary": "#9a4a1c", "combined": "#7b4ea3"}
GROUND, ALARM = "#5b7f3a", "#c8102e"
FONT = "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','Segoe UI',sans-serif"
RIGHT_PX = 28.0
MIN_PLOT_PX, STATION_PX, MAX_PLOT_PX = 760.0, 44.0, 24_000.0
SHAFT_PX = 7.0
TITLE = Text(zh="排水管道纵断面图", en="Longitudinal profile of the sewer")
NO_LEVELS = Text(zh="此段没有高程数据", en="no levels are known along this way")
EXAGGERATED = Text(zh="高程放大 {times} 倍", en="levels exaggerated {times} times")
MISSING = Text(zh="缺", en="missing")
SYSTEMS = {
    "storm": Text(zh="雨水", en="storm"),
    "sanitary": Text(zh="污水", en="sanitary"),
    "combined": Text(zh="合流", en="combined"),
}


def draw_profile(profile: Profile, language: Language, *, note: str = "") -> str:
    """The profile as an SVG document; ``note`` is printed below the title (datum, approval)."""
    frame = _frame(profile)
    height = TOP_PX + PLOT_PX + 34 + table_height() + 16
    width = LEFT_PX + frame.width + RIGHT_PX
    root = ET.Element(
        f"{{{SVG}}}svg",
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "font-family": FONT,
            "font-size": "12",
            "fill": INK,
            "role": "img",
            "aria-label": TITLE.get(language),
            # For who reads a chainage off the drawing.
            "data-left": f"{LEFT_PX:g}",
            "data-across": f"{frame.width:g}",
            "data-section": f"{TOP_PX + PLOT_PX + 30:g}",
        },
    )
    add_rect(root, 0, 0, width, height, fill="#ffffff")
    _draw_title(root, profile, frame, language, note)
    _draw_grid(root, profile, frame, language)
    for reach in profile.reaches:
        _draw_reach(root, reach, frame, language)
    _draw_ground(root, profile, frame)
    for station in profile.stations:
        _draw_station(root, station, frame, language)
    _draw_crossings(root, profile, frame)
    for reach in profile.reaches:
        draw_defects(root, reach, frame)
    draw_table(root, profile, frame, language, top=TOP_PX + PLOT_PX + 34)
    return ET.tostring(root, encoding="unicode")


def _levels(profile: Profile) -> Iterator[float]:
    for s in profile.stations:
        yield from (v for v in (s.ground_m, s.bottom_m) if v is not None)
    for r in profile.reaches:
        for invert in (r.start_invert_m, r.end_invert_m):
            yield from (v for v in (invert, r.crown(invert)) if v is not None)


def _frame(profile: Profile) -> Frame:
    levels = list(_levels(profile)) or [0.0, 5.0]
    low, high = min(levels), max(levels)
    step = _tick(high - low)
    low, high = math.floor(low / step - 0.3) * step, math.ceil(high / step + 0.3) * step
    width = min(MAX_PLOT_PX, max(MIN_PLOT_PX, STATION_PX * len(profile.stations)))
    return Frame(profile.length_m, width, low, high)


def _tick(span: float) -> float:
    """A round distance of grid lines for a span of levels, metres: 5 to 12 lines."""
    rough = max(span, 0.5) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough)


def _draw_title(
    root: ET.Element, profile: Profile, frame: Frame, language: Language, note: str
) -> None:
    ends = [s.code or "?" for s in (profile.stations[:1] + profile.stations[-1:])]
    title = f"{TITLE.get(language)}  {' → '.join(ends)}"
    add_text(root, LEFT_PX, 22, title, size=15, weight="600")
    scale = EXAGGERATED.get(language).format(times=f"{frame.exaggeration:.0f}")
    add_text(
        root, LEFT_PX, 40, f"{profile.length_m:.1f} m · {scale} {note}".strip(), colour="#52606d"
    )


def _draw_grid(root: ET.Element, profile: Profile, frame: Frame, language: Language) -> None:
    step = _tick((frame.high_m - frame.low_m) / 1.3)
    lines = round((frame.high_m - frame.low_m) / step)
    right = LEFT_PX + frame.width
    if next(_levels(profile), None) is None:
        add_text(root, LEFT_PX + frame.width / 2, TOP_PX + PLOT_PX / 2, NO_LEVELS.get(language),
              anchor="middle", colour=ALARM)  # fmt: skip
        return
    for at in range(lines + 1):
        level = frame.low_m + at * step
        add_line(root, LEFT_PX, frame.y(level), right, frame.y(level), FAINT)
        add_text(root, LEFT_PX - 8, frame.y(level) + 4, f"{level:.10g}", anchor="end", size=11,
              colour="#52606d")  # fmt: skip


def _draw_reach(root: ET.Element, reach: Reach, frame: Frame, language: Language) -> None:
    colour = SYSTEM_COLOURS.get(reach.system or "", "#52606d")
    group = ET.SubElement(
        root,
        f"{{{SVG}}}g",
        {
            "data-reach": str(reach.id),
            "data-code": reach.code or "",
            "data-inspected": reach.inspected_on or "",
        },
    )
    ET.SubElement(group, f"{{{SVG}}}title").text = _describe(reach, language)
    x1, x2 = frame.x(reach.start_m), frame.x(reach.end_m)
    a, b = reach.start_invert_m, reach.end_invert_m
    dash = {"stroke-dasharray": "6 4"} if reach.service_state not in (None, "in_use") else {}
    if a is None or b is None:
        _draw_missing(group, reach, frame, language)
        return
    crown_a, crown_b = reach.crown(a), reach.crown(b)
    if crown_a is not None and crown_b is not None:
        corners = ((x1, a), (x2, b), (x2, crown_b), (x1, crown_a))
        add_polygon(group, [(x, frame.y(v)) for x, v in corners], colour, 0.14)
        add_line(group, x1, frame.y(crown_a), x2, frame.y(crown_b), colour, 1.2, **dash)
    draw_silt(group, reach, frame, language)
    add_line(group, x1, frame.y(a), x2, frame.y(b), colour, 2.2, **dash)


def _draw_missing(group: ET.Element, reach: Reach, frame: Frame, language: Language) -> None:
    """No level is made up: a dashed band at the foot says that it is missing."""
    x1, x2, y = frame.x(reach.start_m), frame.x(reach.end_m), TOP_PX + PLOT_PX - 12
    add_line(group, x1 + 5, y, x2 - 5, y, ALARM, 1.6, **{"stroke-dasharray": "2 4"})
    if x2 - x1 > 30:
        add_text(group, (x1 + x2) / 2, y - 5, MISSING.get(language), anchor="middle", size=11,
              colour=ALARM)  # fmt: skip
    known = [(x1, 5, reach.start_invert_m), (x2, -5, reach.end_invert_m)]
    for x, way, level in known:
        if level is not None:
            add_line(group, x, frame.y(level), x + way * 2, frame.y(level), INK, 2.2)


def _describe(reach: Reach, language: Language) -> str:
    system = SYSTEMS.get(reach.system or "")
    parts = [
        reach.code or "",
        system.get(language) if system else "",
        reach.size or "",
        f"{reach.length_m:.1f} m",
        f"{INSPECTED.get(language)} {reach.inspected_on}"
        if reach.inspected_on
        else NOT_INSPECTED.get(language),
        *(n.text.get(language) for n in reach.notes),
    ]
    return " · ".join(p for p in parts if p)


def _draw_ground(root: ET.Element, profile: Profile, frame: Frame) -> None:
    """The ground between nodes whose level is known; a gap where one is not."""
    for a, b in zip(profile.stations, profile.stations[1:], strict=False):
        if a.ground_m is not None and b.ground_m is not None:
            add_line(root, frame.x(a.chainage_m), frame.y(a.ground_m), frame.x(b.chainage_m),
                  frame.y(b.ground_m), GROUND, 1.8)  # fmt: skip


def _draw_station(root: ET.Element, station: Station, frame: Frame, language: Language) -> None:
    group = ET.SubElement(
        root, f"{{{SVG}}}g", {"data-node": str(station.id), "data-code": station.code or ""}
    )
    words = [station.code or "", *(n.text.get(language) for n in station.notes)]
    ET.SubElement(group, f"{{{SVG}}}title").text = " · ".join(w for w in words if w)
    x = frame.x(station.chainage_m)
    foot = station.bottom_m if station.bottom_m is not None else station.lowest_invert_m
    add_line(group, x, TOP_PX + PLOT_PX, x, TOP_PX + PLOT_PX + 34, FAINT)
    if foot is None or station.ground_m is None:
        add_line(group, x, TOP_PX + 8, x, TOP_PX + PLOT_PX, "#9aa5b1", 1,
              **{"stroke-dasharray": "2 4"})  # fmt: skip
        return
    top = frame.y(station.ground_m)
    add_rect(group, x - SHAFT_PX / 2, top, SHAFT_PX, max(1.0, frame.y(foot) - top), fill="#ffffff",
          stroke=INK)  # fmt: skip
    bad = station.cover_state in ("missing", "damaged", "buried")
    add_rect(group, x - SHAFT_PX / 2 - 1.5, top - 3, SHAFT_PX + 3, 3, fill=ALARM if bad else INK)


def _draw_crossings(root: ET.Element, profile: Profile, frame: Frame) -> None:
    for crossing in profile.crossings:
        if crossing.invert_m is None:
            continue
        tall = crossing.height_m or 0.2
        colour = SYSTEM_COLOURS.get(crossing.system or "", "#52606d")
        group = ET.SubElement(root, f"{{{SVG}}}g", {"data-reach": str(crossing.id)})
        ET.SubElement(group, f"{{{SVG}}}title").text = " · ".join(
            p for p in (crossing.code, crossing.size) if p
        )
        half = abs(frame.y(0) - frame.y(tall)) / 2
        ET.SubElement(
            group,
            f"{{{SVG}}}ellipse",
            {
                "cx": f"{frame.x(crossing.chainage_m):.1f}",
                "cy": f"{frame.y(crossing.invert_m + tall / 2):.1f}",
                "rx": "5",
                "ry": f"{max(half, 3):.1f}",
                "fill": "#ffffff",
                "stroke": colour,
                "stroke-width": "1.6",
            },
        )
