"""SVG as elements: every look an attribute, every word text, numbers to a tenth of a pixel."""

from __future__ import annotations

from xml.etree import ElementTree as ET

SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", SVG)
INK = "#1c2733"


def add_text(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: float = 12,
    colour: str = INK,
    weight: str = "400",
) -> None:
    """Words at a point; they go in as text, whatever they hold."""
    node = ET.SubElement(
        parent,
        f"{{{SVG}}}text",
        {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "text-anchor": anchor,
            "font-size": f"{size:g}",
            "font-weight": weight,
            "fill": colour,
        },
    )
    node.text = words


def add_line(
    parent: ET.Element,
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    colour: str,
    width: float = 1.0,
    **more: str,
) -> None:
    """A straight stroke."""
    place = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    ET.SubElement(
        parent, f"{{{SVG}}}line", {**place, "stroke": colour, "stroke-width": f"{width:g}", **more}
    )


def add_rect(
    parent: ET.Element,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str,
    stroke: str = "none",
) -> None:
    """A rectangle by its upper left corner."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
    ET.SubElement(parent, f"{{{SVG}}}rect", {**place, "fill": fill, "stroke": stroke})


def add_polygon(
    parent: ET.Element, points: list[tuple[float, float]], colour: str, opacity: float
) -> None:
    """A filled polygon."""
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    ET.SubElement(
        parent,
        f"{{{SVG}}}polygon",
        {"points": listed, "fill": colour, "fill-opacity": f"{opacity:g}"},
    )
