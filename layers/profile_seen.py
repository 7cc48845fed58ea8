"""What inspections saw, in the drawing of a profile: silt on the invert, defects on the crown."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from gis.attributes import Language, Text
from gis.network.profile import Reach
from layers.profile_frame import PLOT_PX, TOP_PX, Frame
from layers.svg import SVG, add_line, add_polygon, add_text

GRADE_COLOURS = {1: "#e0b000", 2: "#e66100", 3: "#c8102e", 4: "#7a0019"}
PLAIN, SILT = "#52606d", "#6b4f2a"
MARK_PX = 6.0
"""How wide a deposit is drawn that was seen at one place only."""
INSPECTED = Text(zh="检测", en="inspected")
NOT_INSPECTED = Text(zh="未检测", en="not inspected")
SILT_WORDS = Text(
    zh="积泥 {least:.2f}–{most:.2f} m · {place} m · 检测 {day}",
    en="silt {least:.2f}–{most:.2f} m · {place} m · seen {day}",
)


def _invert(reach: Reach, chainage_m: float) -> float | None:
    if reach.start_invert_m is None or reach.end_invert_m is None:
        return None
    share = (chainage_m - reach.start_m) / max(reach.length_m, 0.001)
    return reach.start_invert_m + share * (reach.end_invert_m - reach.start_invert_m)


def draw_silt(root: ET.Element, reach: Reach, frame: Frame, language: Language) -> None:
    """Each deposit from where to where it was seen, dark up to the least of its thickness and
    pale up to the most; nothing where the invert is not known."""
    for silt in reach.silt:
        low, high = _invert(reach, silt.start_m), _invert(reach, silt.end_m)
        if low is None or high is None:
            continue
        place = f"{silt.start_m:.1f}"
        if silt.end_m > silt.start_m:
            place += f"–{silt.end_m:.1f}"
        group = ET.SubElement(root, f"{{{SVG}}}g", {"data-silt": str(reach.id)})
        ET.SubElement(group, f"{{{SVG}}}title").text = SILT_WORDS.get(language).format(
            least=silt.least_m, most=silt.most_m, place=place, day=reach.inspected_on
        )
        x1, x2 = frame.x(silt.start_m), frame.x(silt.end_m)
        if x2 - x1 < MARK_PX:
            x1, x2 = (x1 + x2 - MARK_PX) / 2, (x1 + x2 + MARK_PX) / 2
        for thick, opacity in ((silt.most_m, 0.4), (silt.least_m, 0.75)):
            corners = ((x1, low), (x2, high), (x2, high + thick), (x1, low + thick))
            add_polygon(group, [(x, frame.y(v)) for x, v in corners], SILT, opacity)


def draw_defects(root: ET.Element, reach: Reach, frame: Frame) -> None:
    """A mark above the crown for each defect, a line where it goes on."""
    for defect in reach.defects:
        x = frame.x(defect.chainage_m)
        invert = _invert(reach, defect.chainage_m)
        y = TOP_PX + PLOT_PX - 24.0 if invert is None else frame.y(invert + (reach.height_m or 0))
        colour = GRADE_COLOURS.get(defect.grade or 0, PLAIN)
        group = ET.SubElement(root, f"{{{SVG}}}g", {"data-reach": str(reach.id)})
        label = f"{defect.code}{defect.grade or ''}"
        ET.SubElement(group, f"{{{SVG}}}title").text = f"{label} · {defect.chainage_m:.1f} m"
        if defect.end_m is not None:
            add_line(group, x, y - 4, frame.x(defect.end_m), y - 4, colour, 3)
        add_polygon(group, [(x, y), (x - 4, y - 8), (x + 4, y - 8)], colour, 1)
        add_text(group, x, y - 11, label, anchor="middle", size=10, colour=colour)
