"""The columns of survey tables: what each means, and the names surveyors give it.

Attributes of the kinds are found by the kinds' own words and aliases; here is what only a survey
says (point codes, depths, features) and what surveyors write besides. Names are compared as
:func:`gis.exchange.mapping.simplify` leaves them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from gis.attributes import Sensitivity, Text
from gis.exchange.mapping import simplify
from gis.kinds import Record, declared, get_kind, sensitivity_of


class Sort(Enum):
    """How the cells of a column are read."""

    CODE = "code"
    NUMBER = "number"
    WORD = "word"
    DATE = "date"
    TEXT = "text"
    SIZE = "size"


class Role(Enum):
    """What a table holds."""

    NODES = "sewer_manhole"
    PIPES = "sewer_pipe"

    @property
    def kind(self) -> type[Record]:
        """The kind its rows are loaded as."""
        return get_kind(self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A column we know: ``attribute`` is that of the kind it is loaded as, if any."""

    name: str
    sort: Sort
    text: Text
    words: tuple[str, ...] = ()
    attribute: str | None = None
    level: bool = False
    """Says how deep or high something lies under ground: restricted, as inverts are."""


def _f(
    name: str, sort: Sort, zh: str, en: str, *words: str, attribute: str | None = None,
    level: bool = False,
) -> Field:  # fmt: skip
    return Field(name, sort, Text(zh=zh, en=en), words, attribute, level)


C, N, W, D, T = Sort.CODE, Sort.NUMBER, Sort.WORD, Sort.DATE, Sort.TEXT
_SHARED = (
    _f("system", W, "管线类型", "System", "管线类别", "管线种类", "管线代码", "管线性质", "管类",
       "管种", "排水类型", "系统类型", "PIPETYPE", "管道类型", "类别", attribute="system"),
    _f("road", T, "所在道路", "Road", "道路", "路名", "街道名称", "位置", "Lane", attribute="road"),
    _f("surveyed_on", D, "探测日期", "Surveyed", "调查日期", "测量日期", "普查时间", "探测时间",
       attribute="surveyed_on"),
    _f("survey_unit", T, "探测单位", "Survey unit", "调查单位", "测量单位", "勘测单位",
       attribute="survey_unit"),
    _f("owner", T, "权属单位", "Owner", "权属", attribute="owner"),
    _f("maintainer", T, "管理单位", "Maintainer", attribute="maintainer"),
    _f("state", W, "使用状态", "Service state", "使用状况", "运行状态", "Status",
       attribute="service_state"),
    _f("township", T, "乡镇代码", "Township code", attribute="township"),
    _f("note", T, "备注", "Note", "说明", "附注", attribute="note"),
    _f("photo", T, "照片编号", "Photo", "照片", "照片号", "PHOTO"),
    _f("number", T, "序号", "Number", "编号序", "NO", "ID", "OBJECTID", "FID", "SystemID"),
)  # fmt: skip
NODES = (
    _f("code", C, "物探点号", "Point code", "点号", "管点号", "管点编号", "管点标识码", "井编号",
       "井号", "窨井编号", "检查井编号", "检查井号", "NodeID", "JuncID", "EXP_NO", "点编号",
       attribute="code"),
    _f("map_code", C, "图上点号", "Code on the map", "图上编号", "MAP_NO"),
    _f("x", N, "X 坐标", "X (north)", "X", "纵坐标", "北坐标", "坐标X", "X北", "Northing",
       "X_COORD"),
    _f("y", N, "Y 坐标", "Y (east)", "Y", "横坐标", "东坐标", "坐标Y", "Y东", "Easting",
       "Y_COORD"),
    _f("lon", N, "经度", "Longitude", "LON", "LNG", "东经"),
    _f("lat", N, "纬度", "Latitude", "LAT", "北纬"),
    _f("ground", N, "地面高程", "Ground level", "井口高程", "井盖高程", "地表高程", "地面标高",
       "高程", "Surface_Ele", "GROUND_H", attribute="ground_m"),
    _f("bottom", N, "井底高程", "Bottom level", "井底标高", "井底管高", attribute="bottom_m",
       level=True),
    _f("depth", N, "井深", "Depth", "井底埋深", "井底深", "深度", "埋深", "MaxDepth", level=True),
    _f("feature", W, "特征", "Feature", "特征点", "管点特征", "点特征", "FEATURE"),
    _f("attachment", W, "附属物", "Structure", "附属物名称", "附属物类型", "附属设施", "窨井类型",
       "管点类型", "点类型", "SUBSID", attribute="manhole_type"),
    _f("element", C, "点编码", "Element code", "要素代码", "要素编码", "FCODE", "国标编码"),
    _f("cover_material", T, "井盖材质", "Cover material", "井盖材料", attribute="cover_material"),
    _f("cover_size", N, "井盖尺寸", "Cover size", "井盖规格", "井盖大小",
       attribute="cover_size_mm"),
    _f("cover_state", W, "井盖状态", "Cover state", "井盖状况", attribute="cover_state"),
    _f("cover_type", T, "井盖型号", "Cover type", "COVER_TYPE", "井盖类型", "井盖形状"),
    _f("chamber", T, "井室材质", "Chamber material", "井材质", "井壁材质", "MATERIAL",
       "Junc_Style"),
    _f("fall_net", W, "防坠网", "Fall net", attribute="has_fall_net"),
    _f("low_water", N, "最低流水位高程", "Lowest invert", "BT_H", level=True),
    _f("well_state", T, "井底状况", "State of the bottom", "WELL_STATU", "井内状况", "淤积情况"),
    *_SHARED,
)  # fmt: skip
PIPES = (
    _f("code", C, "管段编号", "Pipe code", "管线编号", "管段编码", "管道编号", "管段号", "PipeID",
       "Pipe_ID", attribute="code"),
    _f("start", C, "起点点号", "Start", "起始点", "起点", "起点物探点号", "起始物探点号",
       "起始管点", "起始管点标识码", "起点编号", "起点编码", "起始编码", "起始井号", "起始井编号",
       "In_JuncID", "S_POINT", "BEG_NO", attribute="up_node"),
    _f("end", C, "终点点号", "End", "终止点", "终点", "终点物探点号", "终止物探点号", "终止管点",
       "终止管点标识码", "终点编号", "终点编码", "终止编码", "终止井号", "终止井编号", "连接点号",
       "Out_JuncID", "E_POINT", "END_NO", attribute="down_node"),
    _f("start_depth", N, "起点埋深", "Depth at start", "起始埋深", "起始点埋深", "起点管底埋深",
       "S_DEEP", "BEG_DEEP", level=True),
    _f("end_depth", N, "终点埋深", "Depth at end", "终止埋深", "终止点埋深", "终点管底埋深",
       "E_DEEP", "END_DEEP", level=True),
    _f("start_invert", N, "起点管底高程", "Invert at start", "起始管底高程", "起点管线高程",
       "起始高程", "起点管内底高程", "起点管底标高", "起点标高", "In_Elev", "S_HIGH",
       attribute="up_invert_m", level=True),
    _f("end_invert", N, "终点管底高程", "Invert at end", "终止管底高程", "终点管线高程",
       "终止高程", "终点管内底高程", "终点管底标高", "终点标高", "Out_Elev", "E_HIGH",
       attribute="down_invert_m", level=True),
    _f("start_cover", N, "起点覆土", "Cover at start", "起始覆土深度", "BEGCEN_DEE", level=True),
    _f("end_cover", N, "终点覆土", "Cover at end", "终止覆土深度", "ENDCEN_DEE", level=True),
    _f("start_x", N, "起点 X", "X at start", "起点X坐标", "起点X", "S_X"),
    _f("start_y", N, "起点 Y", "Y at start", "起点Y坐标", "起点Y", "S_Y"),
    _f("end_x", N, "终点 X", "X at end", "终点X坐标", "终点X", "E_X"),
    _f("end_y", N, "终点 Y", "Y at end", "终点Y坐标", "终点Y", "E_Y"),
    _f("size", Sort.SIZE, "管径", "Size", "断面尺寸", "管径或断面尺寸", "管径断面尺寸", "规格",
       "管径宽x高", "宽x高", "断面规格", "管道规格", "Shape_Data1", "PSIZE", "DS",
       attribute="diameter_mm"),
    _f("width", N, "断面宽", "Width", "管宽", "沟宽", "宽度", attribute="width_mm"),
    _f("height", N, "断面高", "Height", "管高", "沟高", "高度", attribute="height_mm"),
    _f("shape", W, "断面形式", "Shape", "断面类型", "断面形状", attribute="shape"),
    _f("material", W, "材质", "Material", "管材", "管道材质", "材料", attribute="material"),
    _f("laying", W, "埋设方式", "Laying", "埋设类型", "敷设类型", attribute="laying"),
    _f("pressure", W, "压力类型", "Pressure", "IS_PRESS", "是否压力管", "压力",
       attribute="pressure"),
    _f("flow", W, "流向", "Surveyed flow", "水流方向", "实测流向", attribute="surveyed_flow"),
    _f("length", N, "长度", "Length", "管长", "管段长度", "管线长度", "管道长度",
       attribute="declared_length_m"),
    _f("slope", N, "坡度", "Slope", "I", "管道坡度"),
    _f("year", N, "建设年代", "Year built", "建设年份", "埋设年代", "敷设年代", "竣工年份",
       attribute="built_year"),
    _f("protection", T, "保护材料", "Protection", "套管材质", "GRADE", "等级"),
    _f("feature", W, "管段特征", "Feature of the pipe", "特殊管段", "倒虹", "倒虹管"),
    *_SHARED,
)  # fmt: skip
FIELDS: Mapping[Role, Mapping[str, Field]] = {
    Role.NODES: {f.name: f for f in NODES},
    Role.PIPES: {f.name: f for f in PIPES},
}
REQUIRED: Mapping[Role, tuple[tuple[str, ...], ...]] = {
    Role.NODES: (("code", "x", "y"), ("code", "lon", "lat")),
    Role.PIPES: (("start", "end"),),
}
"""Columns that make a sheet a table of that role: any of these sets."""


@cache
def known_names(role: Role) -> Mapping[str, str]:
    """Every name of every field, simplified -> the field; the first to claim a name has it."""
    names: dict[str, str] = {}
    for field in FIELDS[role].values():
        spellings = [field.name, field.text.zh, field.text.en, *field.words]
        for word in spellings:
            names.setdefault(simplify_name(word), field.name)
    for field in FIELDS[role].values():
        if field.attribute is not None:
            about = declared(role.kind)[field.attribute]
            for word in (field.attribute, *about.aliases, about.text.zh, about.text.en):
                names.setdefault(simplify_name(word), field.name)
    return names


def simplify_name(word: str) -> str:
    """A header as names are compared: no case, spaces, units, stars; any times sign is an x.

    >>> simplify_name(" 管径(宽×高) mm*")
    '管径mm'
    """
    plain = re.sub(r"[×✕╳*＊]", "x", word.strip().strip("*＊"))
    return simplify(plain).replace("/", "")


def is_restricted(role: Role, name: str) -> bool:
    """Whether values of a column are for readers cleared for levels under ground only."""
    field = FIELDS[role].get(name)
    if field is None:
        return False
    if field.attribute is None:
        return field.level
    own = sensitivity_of(role.kind, field.attribute)
    return field.level or own is Sensitivity.RESTRICTED
