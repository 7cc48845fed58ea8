"""管段: the edges of the sewer network."""

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


class PipeSystem(Vocabulary):
    """管线类型 (drainage PS class 2: YS 01, WS 02, HS 03)."""

    STORM = ("storm", "雨水", "Storm", ("YS", "01", "雨", "雨水管"))
    SANITARY = ("sanitary", "污水", "Sanitary", ("WS", "02", "污", "污水管"))
    COMBINED = ("combined", "合流", "Combined", ("HS", "03", "合", "雨污合流"))


class PipeShape(Vocabulary):
    """断面形式; ``diameter_mm`` for round ones, width and height for the others."""

    CIRCULAR = ("circular", "圆形", "Circular", ("圆管", "round", "圆"))
    RECTANGULAR = ("rectangular", "矩形", "Rectangular", ("方沟", "箱涵", "box"))
    EGG = ("egg", "卵形", "Egg-shaped")
    ARCH = ("arch", "拱形", "Arch")
    TRAPEZOID = ("trapezoid", "梯形", "Trapezoid")
    OTHER = ("other", "其他", "Other")


class PipeMaterial(Vocabulary):
    """管道材质 (codes of CJJ 61-2017 table C.0.1 as aliases)."""

    CONCRETE = ("concrete", "混凝土", "Concrete", ("T", "砼", "CONC", "CP", "RCP"))
    HDPE = ("hdpe", "HDPE", "HDPE", ("高密度聚乙烯",))
    PE = ("pe", "PE", "PE", ("聚乙烯",))
    PVC = ("pvc", "PVC", "PVC", ("聚氯乙烯", "UPVC", "PVC-U"))
    CAST_IRON = ("cast_iron", "铸铁", "Cast iron", ("ZT", "CI"))
    DUCTILE_IRON = ("ductile_iron", "球墨铸铁", "Ductile iron", ("QM", "DI"))
    STEEL = ("steel", "钢", "Steel", ("G", "ST", "钢管"))
    CLAY = ("clay", "陶土", "Vitrified clay", ("VC", "VCT", "VIT", "陶瓷"))
    BRICK = ("brick", "砖石", "Brick or stone", ("ZS", "BRK", "砖"))
    GLASS_FIBRE = ("glass_fibre", "玻璃钢", "Glass fibre", ("BLG", "GRP"))
    ASBESTOS_CEMENT = ("asbestos_cement", "石棉水泥", "Asbestos cement", ("SM", "AC"))
    OTHER = ("other", "其他", "Other")


class PipeLaying(Vocabulary):
    """敷设方式 (trenched, jacked, shield, pulled …; census schema)."""

    TRENCH = ("trench", "开槽", "Open trench", ("ZM", "直埋", "1"))
    JACKING = ("jacking", "顶管", "Pipe jacking", ("DG", "2"))
    SHIELD = ("shield", "盾构", "Shield", ("3",))
    DRILLED = ("drilled", "拖拉管", "Directional drilling", ("4",))
    CHANNEL = ("channel", "管沟", "Channel", ("GG",))
    ABOVE_GROUND = ("above_ground", "架空", "Above ground", ("JK",))
    OTHER = ("other", "其他", "Other")


class PipePressure(Vocabulary):
    """压力类型."""

    GRAVITY = ("gravity", "重力流", "Gravity", ("1",))
    PRESSURE = ("pressure", "压力流", "Pressure", ("2",))
    OTHER = ("other", "其他", "Other", ("3",))


class FlowDirection(Vocabulary):
    """Flow as surveyed on site: kept apart from inverts and from drawing order."""

    FORWARD = ("forward", "起点到终点", "From start to end")
    BACKWARD = ("backward", "终点到起点", "From end to start")
    UNKNOWN = ("unknown", "不明", "Unknown")


Invert = Annotated[float | None, Field(ge=-500, le=9000)]
SideMm = Annotated[float | None, Field(ge=20, le=20000)]


class SewerPipe(Asset):
    """A pipe between two nodes, drawn from ``up_node`` to ``down_node``."""

    kind: ClassVar[str] = "sewer_pipe"
    label: ClassVar[Text] = Text(zh="管段", en="Sewer pipe")
    group: ClassVar[Text] = Text(zh="排水管网", en="Sewer network")
    geometry_type: ClassVar[GeometryType] = GeometryType.LINE
    style: ClassVar[Style] = Style(
        color="#5DA5DA", width=2.0, color_by="progress", strokes=PROGRESS_STROKES
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=13, named_from=15, detail_from=16, labels_from=17)
    tile_extras: ClassVar[tuple[str, ...]] = ("system",)

    system: Annotated[
        PipeSystem,
        attribute(
            "管线类型",
            "System",
            source=CENSUS,
            aliases=("SORT", "Pipe_Category", "管道类别"),
        ),
    ]
    up_node: Annotated[
        str | None,
        Field(max_length=64),
        attribute(
            "起点井号",
            "Upstream node",
            source=CJJ61,
            aliases=("START_USID", "起点点号", "起始点号", "起始管点标识码", "In_JuncID"),
        ),
    ] = None
    down_node: Annotated[
        str | None,
        Field(max_length=64),
        attribute(
            "终点井号",
            "Downstream node",
            source=CJJ61,
            aliases=("END_USID", "终点点号", "终止点号", "终止管点标识码", "Out_JuncID"),
        ),
    ] = None
    shape: Annotated[
        PipeShape | None,
        attribute("断面形式", "Shape", aliases=("STYLE", "ShapeType"), detail=True),
    ] = None
    diameter_mm: Annotated[
        SideMm,
        attribute("管径", "Diameter", unit=MM, source=CJJ61, aliases=("D_S", "管径mm", "断面尺寸")),
    ] = None
    width_mm: Annotated[
        SideMm, attribute("断面宽", "Width", unit=MM, aliases=("WIDTH",), detail=True)
    ] = None
    height_mm: Annotated[
        SideMm, attribute("断面高", "Height", unit=MM, aliases=("HEIGHT",), detail=True)
    ] = None
    material: Annotated[
        PipeMaterial | None,
        attribute("材质", "Material", source=CJJ61, aliases=("MATERIAL",)),
    ] = None
    up_invert_m: Annotated[
        Invert,
        attribute(
            "起点管底高程",
            "Upstream invert",
            unit=M,
            source=CJJ61,
            sensitivity=Sensitivity.RESTRICTED,
            aliases=("BEG_H", "起点高程", "起始管底高程", "In_Elev"),
        ),
    ] = None
    down_invert_m: Annotated[
        Invert,
        attribute(
            "终点管底高程",
            "Downstream invert",
            unit=M,
            source=CJJ61,
            sensitivity=Sensitivity.RESTRICTED,
            aliases=("END_H", "终点高程", "终止管底高程", "Out_Elev"),
        ),
    ] = None
    laying: Annotated[
        PipeLaying | None,
        attribute(
            "敷设方式",
            "Laying",
            source=CENSUS,
            aliases=("SUBTYPE", "埋设方式"),
            detail=True,
        ),
    ] = None
    pressure: Annotated[
        PipePressure | None,
        attribute(
            "压力类型",
            "Pressure",
            source=CENSUS,
            aliases=("Pressure_Type", "IS_PRESS"),
            detail=True,
        ),
    ] = None
    surveyed_flow: Annotated[
        FlowDirection | None,
        attribute("实测流向", "Surveyed flow", aliases=("流向",), detail=True),
    ] = None
    declared_length_m: Annotated[
        float | None,
        Field(ge=0, le=100_000),
        attribute(
            "申报长度",
            "Declared length",
            unit=M,
            aliases=("LENGTH", "Pipe_Len"),
            detail=True,
        ),
    ] = None
    built_year: Annotated[
        int | None,
        Field(ge=1800, le=2200),
        attribute("建设年份", "Year built", aliases=("建设年代",), detail=True),
    ] = None
    renewed_on: Annotated[date | None, attribute("更新改造日期", "Renewed", detail=True)] = None
    renewal_reason: Annotated[Name, attribute("改造原因", "Reason of renewal", detail=True)] = None
    surveyed_on: Annotated[
        date | None,
        attribute("普查日期", "Surveyed", aliases=("REPAIR_DAT", "探测日期"), detail=True),
    ] = None
    survey_batch: Annotated[Name, attribute("普查批次", "Survey batch", detail=True)] = None
    survey_unit: Annotated[
        Name, attribute("普查单位", "Survey unit", aliases=("REPAIR_COM",), detail=True)
    ] = None
    accuracy_m: Annotated[
        float | None,
        Field(ge=0, le=1000),
        attribute("平面精度", "Position accuracy", unit=M, detail=True),
    ] = None
    road: Annotated[
        Name,
        attribute("所在道路", "Road", aliases=("LANE_WAY", "Lane_Way", "道路名称")),
    ] = None
