"""雨水口: where rain enters the network from the street."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import MM, M, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import (
    CENSUS,
    PROGRESS_STROKES,
    Asset,
    Name,
    Style,
    Zoom,
    attribute,
)


class InletType(Vocabulary):
    """雨水口型式 (words of the census schema)."""

    FLAT = ("flat", "平箅式", "Flat grate", ("平篦式", "平箅"))
    KERB = ("kerb", "立箅式", "Kerb opening", ("立篦式", "侧石式", "边沟式"))
    COMBINED = ("combined", "联合式", "Grate and kerb opening")
    OTHER = ("other", "其他", "Other")


class GrateState(Vocabulary):
    """箅子状态; a missing or broken grate is a hazard at once."""

    GOOD = ("good", "完好", "Good")
    DAMAGED = ("damaged", "破损", "Damaged")
    MISSING = ("missing", "缺失", "Missing")
    BURIED = ("buried", "掩埋", "Buried")


class StormInlet(Asset):
    """A storm inlet; a node of the network where a pipe names its code."""

    kind: ClassVar[str] = "storm_inlet"
    label: ClassVar[Text] = Text(zh="雨水口", en="Storm inlet")
    group: ClassVar[Text] = Text(zh="排水管网", en="Sewer network")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(
        color="#3F7CAC", radius=3, color_by="progress", strokes=PROGRESS_STROKES
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=16, detail_from=17, labels_from=19)

    inlet_type: Annotated[
        InletType | None,
        attribute("型式", "Type", source=CENSUS, aliases=("Inlet_Type", "雨水口类型")),
    ] = None
    grates: Annotated[
        int | None,
        Field(ge=1, le=100),
        attribute("箅数", "Grates", aliases=("箅子数",), detail=True),
    ] = None
    ground_m: Annotated[
        float | None,
        Field(ge=-500, le=9000),
        attribute(
            "地面高程", "Ground level", unit=M, source=CENSUS, aliases=("Surface_Ele", "SUR_H")
        ),
    ] = None
    bottom_m: Annotated[
        float | None,
        Field(ge=-500, le=9000),
        attribute(
            "井底高程",
            "Bottom level",
            unit=M,
            sensitivity=Sensitivity.RESTRICTED,
            aliases=("BOTTOM_H",),
        ),
    ] = None
    depth_mm: Annotated[
        float | None,
        Field(gt=0, le=20_000),
        attribute("井深", "Depth", unit=MM, source=CENSUS, aliases=("MaxDepth",), detail=True),
    ] = None
    cover_state: Annotated[
        GrateState | None, attribute("箅子状态", "Grate state", aliases=("井盖状态",), detail=True)
    ] = None
    road: Annotated[
        Name,
        attribute("所在道路", "Road", aliases=("LANE_WAY", "Lane_Way", "道路名称")),
    ] = None
