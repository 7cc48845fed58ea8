"""违法用地图斑: plots of illegal land use that the bureau or others must put right."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M2, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Asset, Name, Stroke, Style, Words, Zoom, attribute


class PlotSource(Vocabulary):
    """图斑来源."""

    SATELLITE = ("satellite", "卫片执法", "Satellite enforcement", ("卫片",))
    PATROL = ("patrol", "动态巡查", "Patrol", ("巡查",))
    REPORT = ("report", "群众举报", "Report by citizens", ("举报",))
    INSPECTION = ("inspection", "督察反馈", "Inspection from above", ("督察",))
    OTHER = ("other", "其他", "Other")


class PlotRoute(Vocabulary):
    """整改方式: how a plot is put right."""

    PERMIT = ("permit", "补办手续", "Permit obtained afterwards", ("补办",))
    DEMOLISH = ("demolish", "拆除复耕", "Demolished and tilled again", ("复耕",))
    CONFISCATE = ("confiscate", "没收", "Confiscated")


class PlotStage(Vocabulary):
    """整改阶段 of the rectifying party, in order."""

    ISSUED = ("issued", "已下发", "Issued")
    FILED = ("filed", "组卷", "File compiled")
    SUBMITTED = ("submitted", "上报", "Submitted")
    APPROVED = ("approved", "批复", "Approved")
    CLOSED = ("closed", "销号", "Closed")


class LandPlot(Asset):
    """An illegally used plot. Areas are square metres; 亩 is how they are shown."""

    kind: ClassVar[str] = "land_plot"
    label: ClassVar[Text] = Text(zh="违法用地图斑", en="Illegal land plot")
    group: ClassVar[Text] = Text(zh="用地整改", en="Land rectification")
    geometry_type: ClassVar[GeometryType] = GeometryType.AREA
    # Least CIELAB distances for normal, deutan, protan, tritan vision: 35/30/32/23; dashes differ.
    style: ClassVar[Style] = Style(
        color="#6A3D9A",
        width=2,
        fill_opacity=0.3,
        color_by="stage",
        strokes={
            "issued": Stroke("#A50026", scale=1.4),
            "filed": Stroke("#E66100", dash="8 4"),
            "submitted": Stroke("#FFD92F", dash="2 5"),
            "approved": Stroke("#5DA5DA"),
            "closed": Stroke("#8C8C8C", dash="2 5"),
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=11, detail_from=14, labels_from=15)

    plot_number: Annotated[
        str, Field(min_length=1, max_length=64), attribute("图斑号", "Plot number")
    ]
    plot_year: Annotated[
        int, Field(ge=1987, le=2200), attribute("图斑年度", "Year of the plot", aliases=("年度",))
    ]
    plot_source: Annotated[PlotSource, attribute("图斑来源", "Source of the plot")]
    stage: Annotated[PlotStage, attribute("整改阶段", "Stage")] = PlotStage.ISSUED
    route: Annotated[PlotRoute | None, attribute("整改方式", "Route")] = None
    plot_area_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("图斑面积", "Declared area", unit=M2, detail=True),
    ] = None
    cultivated_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("其中耕地", "Of it cultivated land", unit=M2, detail=True),
    ] = None
    basic_farmland_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("其中永久基本农田", "Of it permanent basic farmland", unit=M2, detail=True),
    ] = None
    land_user: Annotated[
        Name,
        attribute("用地主体", "Land user", sensitivity=Sensitivity.RESTRICTED, detail=True),
    ] = None
    purpose: Annotated[Name, attribute("建设内容", "What was built", detail=True)] = None
    rectifying_party: Annotated[
        Name, attribute("整改责任单位", "Rectifying party", detail=True)
    ] = None
    enforcer: Annotated[Name, attribute("执法单位", "Enforcing body", detail=True)] = None
    due_on: Annotated[date | None, attribute("整改期限", "Due on")] = None
    decision_number: Annotated[
        Name, attribute("处罚决定文号", "Decision, document number", detail=True)
    ] = None
    decision_served_on: Annotated[
        date | None, attribute("决定送达日期", "Decision served on", detail=True)
    ] = None
    court_applied_on: Annotated[
        date | None, attribute("申请法院执行日期", "Court applied to on", detail=True)
    ] = None
    filed_on: Annotated[date | None, attribute("组卷日期", "File compiled on", detail=True)] = None
    submission_number: Annotated[
        Name, attribute("上报文号", "Submission, document number", detail=True)
    ] = None
    submitted_on: Annotated[date | None, attribute("上报日期", "Submitted on", detail=True)] = None
    approval_number: Annotated[
        Name, attribute("批复文号", "Approval, document number", detail=True)
    ] = None
    approved_on: Annotated[date | None, attribute("批复日期", "Approved on", detail=True)] = None
    closing_number: Annotated[
        Name, attribute("销号文号", "Closing, document number", detail=True)
    ] = None
    closed_on: Annotated[date | None, attribute("销号日期", "Closed on", detail=True)] = None
    restored_on: Annotated[date | None, attribute("复耕日期", "Tilled again on", detail=True)] = (
        None
    )
    obstacle: Annotated[Words, attribute("需协调问题", "What stands in the way", detail=True)] = (
        None
    )
