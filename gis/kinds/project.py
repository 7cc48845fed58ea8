"""项目: construction projects, their stages and their money by source."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gis.attributes import PERCENT, YUAN, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Name, Record, Stroke, Style, Words, Zoom, attribute


class ProjectStage(Vocabulary):
    """项目阶段, in order; apart from the progress of the assets it builds."""

    RESERVE = ("reserve", "谋划储备", "Reserve")
    FEASIBILITY = ("feasibility", "可研", "Feasibility study")
    APPROVED = ("approved", "立项", "Approved")
    PREPARATION = ("preparation", "前期", "Preparation")
    TENDER = ("tender", "招投标", "Tender")
    STARTED = ("started", "开工", "Started")
    MAIN_WORKS = ("main_works", "主体完工", "Main works complete")
    EQUIPMENT = ("equipment", "设备安装", "Equipment installed")
    TRIAL_RUN = ("trial_run", "试运行", "Trial run")
    COMPLETED = ("completed", "完工", "Completed")
    ACCEPTED = ("accepted", "竣工验收", "Accepted")
    HANDED_OVER = ("handed_over", "移交", "Handed over")
    SETTLED = ("settled", "结算", "Settled")


class DeliveryMode(Vocabulary):
    """建设模式."""

    EPC = ("epc", "EPC", "EPC")
    CONCESSION = ("concession", "特许经营", "Concession")
    OWN = ("own", "自建", "Own works")


class MoneySource(Vocabulary):
    """资金来源."""

    COUNTY = ("county", "县级财政", "County budget")
    SPECIAL_BOND = ("special_bond", "专项债", "Special bond")
    CENTRAL = ("central", "中央预算内", "Central budget")
    SUPERIOR = ("superior", "上级补助", "Grant from above")
    LOAN = ("loan", "融资平台/银行贷款", "Loan")
    PRIVATE = ("private", "社会资本", "Private capital")


MoneyStep = Literal["applied", "approved", "received", "paid"]
Money = Annotated[float | None, Field(ge=0, le=1e12)]

_GREY, _ORANGE, _SKY, _NAVY = "#8C8C8C", "#E66100", "#5DA5DA", "#1F3A93"


class Project(Record):
    """A project; completed investment is kept on its three bases, never mixed."""

    kind: ClassVar[str] = "project"
    label: ClassVar[Text] = Text(zh="建设项目", en="Project")
    group: ClassVar[Text] = Text(zh="项目", en="Projects")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(
        color="#37474F",
        radius=8,
        color_by="stage",
        strokes={
            **{
                s: Stroke(_GREY, symbol="square")
                for s in ("reserve", "feasibility", "approved", "preparation", "tender")
            },
            **{
                s: Stroke(_ORANGE, symbol="square")
                for s in ("started", "main_works", "equipment", "trial_run")
            },
            "completed": Stroke(_SKY, symbol="square"),
            **{s: Stroke(_NAVY, symbol="square") for s in ("accepted", "handed_over", "settled")},
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=0, detail_from=12, labels_from=13)

    stage: Annotated[ProjectStage, attribute("项目阶段", "Stage")]
    stopped: Annotated[bool, attribute("停工", "Stopped")] = False
    state_code: Annotated[Name, attribute("项目代码", "National project code", detail=True)] = None
    delivery: Annotated[
        DeliveryMode | None, attribute("建设模式", "Delivery mode", detail=True)
    ] = None
    client: Annotated[Name, attribute("建设单位", "Client", detail=True)] = None
    designer: Annotated[Name, attribute("设计单位", "Designer", detail=True)] = None
    contractor: Annotated[Name, attribute("施工单位", "Contractor", detail=True)] = None
    supervisor: Annotated[Name, attribute("监理单位", "Supervisor", detail=True)] = None
    planned_start_on: Annotated[
        date | None, attribute("计划开工日期", "Planned start", detail=True)
    ] = None
    planned_completion_on: Annotated[
        date | None, attribute("计划完工日期", "Planned completion", detail=True)
    ] = None
    started_on: Annotated[date | None, attribute("实际开工日期", "Started", detail=True)] = None
    completed_on: Annotated[date | None, attribute("实际完工日期", "Completed", detail=True)] = None
    progress_percent: Annotated[
        float | None,
        Field(ge=0, le=100),
        attribute("形象进度", "Work done", unit=PERCENT),
    ] = None
    total_investment_yuan: Annotated[Money, attribute("总投资", "Total investment", unit=YUAN)] = (
        None
    )
    annual_plan_yuan: Annotated[
        Money, attribute("年度计划投资", "Annual plan", unit=YUAN, detail=True)
    ] = None
    completed_by_progress_yuan: Annotated[
        Money,
        attribute("完成投资(形象进度)", "Completed (work done)", unit=YUAN, detail=True),
    ] = None
    completed_by_payment_yuan: Annotated[
        Money,
        attribute("完成投资(财务支付)", "Completed (paid)", unit=YUAN, detail=True),
    ] = None
    completed_in_statistics_yuan: Annotated[
        Money,
        attribute("完成投资(入统固投)", "Completed (statistics)", unit=YUAN, detail=True),
    ] = None
    money: Annotated[
        dict[MoneySource, dict[MoneyStep, float]],
        attribute(
            "资金(来源×申报/批复/到位/支付,元)",
            "Money by source and step, yuan",
            sensitivity=Sensitivity.RESTRICTED,
            detail=True,
        ),
    ] = Field(default_factory=dict)
    issues: Annotated[Words, attribute("需协调问题", "Issues to settle", detail=True)] = None
    on_reserve_list: Annotated[
        bool | None, attribute("在储备库", "On the reserve list", detail=True)
    ] = None
