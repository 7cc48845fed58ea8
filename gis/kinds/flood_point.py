"""易涝点: places that stand under water in heavy rain, with their cause and their own plan."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M2, MM, M, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Asset, Name, Stroke, Style, Words, Zoom, attribute


class FloodPlace(Vocabulary):
    """位置类型."""

    UNDERPASS = ("underpass", "下穿通道", "Underpass", ("下穿立交", "涵洞"))
    ROAD = ("road", "路段", "Road section", ("道路",))
    RESIDENTIAL_AREA = ("residential_area", "居民小区", "Residential compound", ("小区",))
    UNDERGROUND = ("underground", "地下空间", "Underground space", ("地下车库",))
    RIVERSIDE = ("riverside", "沿河低地", "Low ground by the river")
    OTHER = ("other", "其他", "Other")


class FloodCause(Vocabulary):
    """积水成因."""

    LOW_GROUND = ("low_ground", "地势低洼", "Low ground", ("低洼",))
    SMALL_PIPE = ("small_pipe", "管渠能力不足", "Pipes too small", ("管径偏小",))
    BLOCKED = ("blocked", "管渠淤堵", "Pipes blocked", ("淤积", "堵塞"))
    BACKWATER = ("backwater", "河水顶托", "Backwater from the river", ("顶托",))
    NO_DRAIN = ("no_drain", "无排水设施", "No drains")
    PUMP = ("pump", "泵站能力不足", "Pumps too weak")
    WORKS = ("works", "施工影响", "Works nearby")
    OTHER = ("other", "其他", "Other")


class FloodTreatment(Vocabulary):
    """治理状态, in order."""

    UNTREATED = ("untreated", "未治理", "Untreated")
    UNDER_TREATMENT = ("under_treatment", "治理中", "Under treatment")
    ELIMINATED = ("eliminated", "已消除", "Eliminated")


class FloodRisk(Vocabulary):
    """风险等级, worst first; the bureau's own classes."""

    HIGH = ("high", "高", "High")
    MEDIUM = ("medium", "中", "Medium")
    LOW = ("low", "低", "Low")


class FloodDevice(Vocabulary):
    """设施状况: whether a sign, gauge or pump is there and works."""

    WORKING = ("working", "完好", "In place, working")
    FAULTY = ("faulty", "损坏", "In place, faulty")
    ABSENT = ("absent", "未设", "None")


class FloodPoint(Asset):
    """A place that floods; what was seen there is a visit, what is wrong there a hazard."""

    kind: ClassVar[str] = "flood_point"
    label: ClassVar[Text] = Text(zh="易涝点", en="Flood point")
    group: ClassVar[Text] = Text(zh="防汛排涝", en="Flood safety")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    # Squares in blues, darker is worse: beside hazards no red triangle may mean two things.
    # Least CIELAB distances for normal, deutan, protan, tritan vision: 36/36/33/35.
    style: ClassVar[Style] = Style(
        color="#2171B5",
        radius=6,
        color_by="treatment",
        strokes={
            "untreated": Stroke("#08306B", scale=1.3, symbol="square"),
            "under_treatment": Stroke("#4292C6", scale=1.15, symbol="square"),
            "eliminated": Stroke("#C6DBEF", symbol="square"),
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=10, detail_from=14, labels_from=15)

    treatment: Annotated[FloodTreatment, attribute("治理状态", "Treatment")]
    place: Annotated[FloodPlace | None, attribute("位置类型", "Kind of place")] = None
    cause: Annotated[FloodCause | None, attribute("积水成因", "Cause")] = None
    risk: Annotated[FloodRisk | None, attribute("风险等级", "Risk class")] = None
    plan: Annotated[Words, attribute("一点一策", "Plan for this point", detail=True)] = None
    deepest_water_m: Annotated[
        float | None,
        Field(ge=0, le=20),
        attribute("最大积水深度", "Deepest water seen", unit=M, detail=True),
    ] = None
    deepest_water_on: Annotated[
        date | None, attribute("最大积水日期", "Deepest water seen on", detail=True)
    ] = None
    flooded_area_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("积水面积", "Area under water", unit=M2, detail=True),
    ] = None
    trigger_rain_mm: Annotated[
        float | None,
        Field(ge=0, le=500),
        attribute("触发雨量(1小时)", "Rain in one hour that floods it", unit=MM, detail=True),
    ] = None
    warning_sign: Annotated[
        FloodDevice | None, attribute("警示标志", "Warning sign", detail=True)
    ] = None
    water_gauge: Annotated[
        FloodDevice | None, attribute("积水标尺", "Water gauge", detail=True)
    ] = None
    pump: Annotated[FloodDevice | None, attribute("抽排泵", "Pump", detail=True)] = None
    pump_site: Annotated[Name, attribute("泵位或布设点", "Where the pump stands", detail=True)] = (
        None
    )
    listed_on: Annotated[date | None, attribute("列入日期", "Listed on", detail=True)] = None
    eliminated_on: Annotated[date | None, attribute("消除日期", "Eliminated on", detail=True)] = (
        None
    )
    duty_leader: Annotated[
        Name,
        attribute("包保领导", "Leader answerable", sensitivity=Sensitivity.RESTRICTED, detail=True),
    ] = None
    duty_phone: Annotated[
        Name,
        attribute("值守电话", "Duty phone", sensitivity=Sensitivity.RESTRICTED, detail=True),
    ] = None
    address: Annotated[Name, attribute("地址", "Address", detail=True)] = None
