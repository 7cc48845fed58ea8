"""检查井: the nodes of the sewer network."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import MM, M, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import (
    CENSUS,
    CJJ61,
    PROGRESS_STROKES,
    Asset,
    Name,
    Style,
    Zoom,
    attribute,
)


class ManholeSystem(Vocabulary):
    """井类: which water a manhole carries (drainage PS class 2: YS 01, WS 02, HS 03)."""

    STORM = ("storm", "雨水", "Storm", ("YS", "01", "雨"))
    SANITARY = ("sanitary", "污水", "Sanitary", ("WS", "02", "污"))
    COMBINED = ("combined", "合流", "Combined", ("HS", "03", "合", "雨污合流"))


class ManholeType(Vocabulary):
    """What the survey calls 附属物 or 特征 of a drainage node."""

    INSPECTION = ("inspection", "检查井", "Inspection chamber", ("窨井", "manhole"))
    DROP = ("drop", "跌水井", "Drop manhole")
    SUMP = ("sump", "沉泥井", "Silt trap manhole")
    INLET = ("inlet", "雨水口", "Storm inlet", ("雨水箅",))
    OUTFALL_NODE = ("outfall_node", "出水口", "Outlet point")
    SEPTIC_TANK = ("septic_tank", "化粪池", "Septic tank")
    GREASE_TRAP = ("grease_trap", "隔油池", "Grease trap")
    BLIND = ("blind", "暗井", "Buried node", ("管线暗点",))
    OTHER = ("other", "其他", "Other")


class CoverState(Vocabulary):
    """井盖状态; a missing or broken cover is a hazard at once."""

    GOOD = ("good", "完好", "Good")
    DAMAGED = ("damaged", "破损", "Damaged")
    MISSING = ("missing", "缺失", "Missing")
    BURIED = ("buried", "掩埋", "Buried")


class SewerManhole(Asset):
    """A manhole or another node of the drainage survey."""

    kind: ClassVar[str] = "sewer_manhole"
    label: ClassVar[Text] = Text(zh="检查井", en="Sewer manhole")
    group: ClassVar[Text] = Text(zh="排水管网", en="Sewer network")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(
        color="#6B4F2A", radius=3.5, color_by="progress", strokes=PROGRESS_STROKES
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=15, detail_from=17, labels_from=18)

    system: Annotated[
        ManholeSystem,
        attribute("井类", "System", source=CENSUS, aliases=("Junc_Category", "SORT")),
    ]
    manhole_type: Annotated[
        ManholeType,
        attribute("类型", "Type", source=CJJ61, aliases=("SUBTYPE", "附属物", "Junc_Type")),
    ] = ManholeType.INSPECTION
    ground_m: Annotated[
        float | None,
        Field(ge=-500, le=9000),
        attribute(
            "地面高程", "Ground level", unit=M, source=CJJ61, aliases=("SUR_H", "Surface_Ele")
        ),
    ] = None
    bottom_m: Annotated[
        float | None,
        Field(ge=-500, le=9000),
        attribute(
            "井底高程",
            "Bottom level",
            unit=M,
            source=CJJ61,
            sensitivity=Sensitivity.RESTRICTED,
            aliases=("BOTTOM_H",),
        ),
    ] = None
    cover_material: Annotated[
        Name,
        attribute("井盖材质", "Cover material", aliases=("COVER_MATE",), detail=True),
    ] = None
    cover_size_mm: Annotated[
        float | None,
        Field(gt=0, le=5000),
        attribute("井盖尺寸", "Cover size", unit=MM, aliases=("COVER_SIZE",), detail=True),
    ] = None
    cover_state: Annotated[CoverState | None, attribute("井盖状态", "Cover state", detail=True)] = (
        None
    )
    has_fall_net: Annotated[
        bool | None,
        attribute("防坠网", "Fall net fitted", aliases=("防坠网",), detail=True),
    ] = None
    surveyed_on: Annotated[
        date | None,
        attribute("普查日期", "Surveyed", aliases=("REPAIR_DAT", "探测日期"), detail=True),
    ] = None
    survey_batch: Annotated[Name, attribute("普查批次", "Survey batch", detail=True)] = None
    survey_unit: Annotated[
        Name, attribute("普查单位", "Survey unit", aliases=("REPAIR_COM",), detail=True)
    ] = None
    road: Annotated[
        Name,
        attribute("所在道路", "Road", aliases=("LANE_WAY", "Lane_Way", "道路名称")),
    ] = None
