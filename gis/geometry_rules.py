"""Why a geometry is refused: the gate's rules by id, in both languages."""

from __future__ import annotations

from gis.attributes import Text
from gis.errors import GeometryError

_REASONS: dict[str, Text] = {
    "empty": Text(zh="几何为空", en="the geometry is empty"),
    "type": Text(zh="几何类型不符,应为 {allowed}", en="wrong geometry type; expected {allowed}"),
    "multi": Text(
        zh="一条记录含多段({parts} 段):请拆成多条",
        en="one row holds {parts} separate parts: split it into rows",
    ),
    "finite": Text(zh="坐标含 NaN 或无穷大", en="a coordinate is NaN or infinite"),
    "bounds": Text(
        zh="坐标 ({x}, {y}) 不是经纬度(经度 ±180,纬度 ±85.05);坐标系或轴序有误?",
        en="({x}, {y}) is not lon/lat (±180, ±85.05); wrong CRS or swapped axes?",
    ),
    "swapped": Text(
        zh="坐标 ({x}, {y}) 像是 纬度,经度:轴序颠倒?此处为 经度,纬度",
        en="({x}, {y}) looks like lat, lon: swapped axes? coordinates are lon, lat here",
    ),
    "projected": Text(
        zh="坐标 ({x}, {y}) 像是投影坐标(米):请按其坐标系导入,此处须为经纬度",
        en="({x}, {y}) looks projected (metres): name its CRS; here it must be lon/lat degrees",
    ),
    "antimeridian": Text(
        zh="几何跨越 {width}° 经度:若跨 180° 经线,请在该线处分成两部分",
        en="the geometry spans {width}° of longitude: if it crosses 180°, split it there",
    ),
    "srid": Text(
        zh="几何自带坐标系 {srid},应为 CGCS2000 经纬度 (4490) 或 WGS 84 (4326)",
        en="the geometry carries SRID {srid}; expected CGCS2000 (4490) or WGS 84 (4326) lon/lat",
    ),
    "structure": Text(
        zh="几何数据结构有误:须为简单几何类型,坐标须为二到三个数",
        en="malformed geometry: one of the simple types, positions of two or three numbers",
    ),
    "vertices": Text(
        zh="顶点过多:{count} 个,上限 {limit}",
        en="too many vertices: {count}, the limit is {limit}",
    ),
    "invalid": Text(zh="几何无效:{reason_zh}", en="invalid geometry: {reason}"),
}
_GEOS_REASONS = {
    "Self-intersection": "自相交",
    "Ring Self-intersection": "环自相交",
    "Hole lies outside shell": "内环在外环之外",
    "Holes are nested": "内环嵌套",
    "Interior is disconnected": "内部不连通",
    "Nested shells": "外环嵌套",
    "Duplicate Rings": "重复的环",
    "Too few points in geometry component": "顶点过少",
    "Invalid Coordinate": "坐标无效",
    "Ring is not closed": "环未闭合",
}
"""GEOS's words for an invalid geometry (TopologyValidationError.cpp), in Chinese."""


def refuse(rule: str, **facts: object) -> GeometryError:
    """A GeometryError by the rule's id, its facts attached."""
    return GeometryError(_REASONS[rule].format(**facts), rule=rule, **facts)


def explain_invalid(reason: str) -> GeometryError:
    """GEOS's reason with its place, in both languages.

    >>> explain_invalid("Self-intersection[0.5 0.5]").message.zh
    '几何无效:自相交(0.5, 0.5)'
    """
    words, _, place = reason.rstrip("]").partition("[")
    x, _, y = place.partition(" ")
    zh = _GEOS_REASONS.get(words, words) + (f"({x}, {y})" if place else "")
    return refuse("invalid", reason=reason, reason_zh=zh)
