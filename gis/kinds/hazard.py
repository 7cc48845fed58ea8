"""隐患: the current state of each hazard, projected from its events (never written directly)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Name, Record, Stroke, Style, Words, Zoom, attribute


class HazardState(Vocabulary):
    """状态; 已登记 is not 立案 (a penalty case). Overdue is computed, never a state."""

    FOUND = ("found", "已发现", "Found")
    REGISTERED = ("registered", "已登记", "Registered")
    NOTIFIED = ("notified", "已下达通知", "Notified")
    RECTIFYING = ("rectifying", "整改中", "Rectifying")
    SUBMITTED = ("submitted", "待复查", "Awaiting re-inspection")
    RETURNED = ("returned", "复查不合格", "Returned")
    FIXED_ON_SPOT = ("fixed_on_spot", "现场整改", "Fixed on the spot")
    DEFERRED = ("deferred", "暂缓整改", "Deferred")
    CLOSED = ("closed", "已销号", "Closed")
    TRANSFERRED = ("transferred", "已移送", "Transferred")
    DISMISSED = ("dismissed", "不属隐患", "Dismissed")
    DUPLICATE = ("duplicate", "重复", "Duplicate")


NEXT_STATES: Mapping[HazardState, frozenset[HazardState]] = {
    HazardState.FOUND: frozenset(
        {
            HazardState.FIXED_ON_SPOT,
            HazardState.REGISTERED,
            HazardState.DISMISSED,
            HazardState.DUPLICATE,
            HazardState.TRANSFERRED,
        }
    ),
    HazardState.FIXED_ON_SPOT: frozenset({HazardState.CLOSED, HazardState.REGISTERED}),
    HazardState.REGISTERED: frozenset(
        {
            HazardState.NOTIFIED,
            HazardState.DEFERRED,
            HazardState.TRANSFERRED,
            HazardState.DUPLICATE,
        }
    ),
    HazardState.NOTIFIED: frozenset({HazardState.RECTIFYING, HazardState.DEFERRED}),
    HazardState.RECTIFYING: frozenset({HazardState.SUBMITTED, HazardState.DEFERRED}),
    HazardState.SUBMITTED: frozenset({HazardState.RETURNED, HazardState.CLOSED}),
    HazardState.RETURNED: frozenset({HazardState.RECTIFYING, HazardState.DEFERRED}),
    HazardState.DEFERRED: frozenset({HazardState.NOTIFIED, HazardState.RECTIFYING}),
    HazardState.CLOSED: frozenset(),
    HazardState.TRANSFERRED: frozenset(),
    HazardState.DISMISSED: frozenset(),
    HazardState.DUPLICATE: frozenset(),
}
"""Which state may follow which, for the guard in the database; the workflow's table of events
(:data:`gis.hazards.workflow.TRANSITIONS`) leads to exactly these pairs (a test compares)."""


class Severity(Vocabulary):
    """隐患等级, worst first."""

    MAJOR = ("major", "重大隐患", "Major")
    GENERAL_A = ("general_a", "一般隐患A", "General A")
    GENERAL_B = ("general_b", "一般隐患B", "General B")
    MINOR = ("minor", "轻微", "Minor")


class HazardCategory(Vocabulary):
    """类别: which inspection profile a hazard belongs to."""

    GAS = ("gas", "燃气", "Gas")
    FLOOD = ("flood", "防汛", "Flood")
    SEWER = ("sewer", "排水", "Sewer")
    ROAD = ("road", "道路", "Road")
    VILLAGE_FIRE = ("village_fire", "村落消防", "Village fire safety")
    SITE = ("site", "建筑工地", "Construction site")
    LAND = ("land", "用地", "Land plot")
    OTHER = ("other", "其他", "Other")


class HazardOrigin(Vocabulary):
    """发现来源."""

    DEPARTMENT = ("department", "部门检查", "Department inspection")
    COMPANY = ("company", "企业自查", "Company's own check")
    SUPERIOR = ("superior", "上级督查", "Inspection from above")
    HOTLINE = ("hotline", "12345", "Hotline 12345")
    JOINT = ("joint", "联合检查", "Joint inspection")


class Hazard(Record):
    """A hazard as its events leave it; red-orange-yellow-blue by severity."""

    kind: ClassVar[str] = "hazard"
    label: ClassVar[Text] = Text(zh="隐患", en="Hazard")
    group: ClassVar[Text] = Text(zh="隐患", en="Hazards")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    written_by_events: ClassVar[bool] = True
    # Measured CAM02 distances for normal, deutan, protan, tritan vision: 29/26/31/21.
    style: ClassVar[Style] = Style(
        color="#E66101",
        radius=6,
        color_by="severity",
        strokes={
            "major": Stroke("#A50026", scale=1.5, symbol="triangle"),
            "general_a": Stroke("#E66101", scale=1.25, symbol="diamond"),
            "general_b": Stroke("#FFD92F", symbol="circle"),
            "minor": Stroke("#2166AC", scale=0.85, symbol="circle"),
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=11, detail_from=15, labels_from=16)
    tile_extras: ClassVar[tuple[str, ...]] = ("state", "category", "is_open", "due_at")

    state: Annotated[HazardState, attribute("状态", "State")]
    severity: Annotated[Severity, attribute("隐患等级", "Severity")]
    category: Annotated[HazardCategory, attribute("类别", "Category")]
    origin: Annotated[HazardOrigin, attribute("发现来源", "Found by", detail=True)] = (
        HazardOrigin.DEPARTMENT
    )
    item: Annotated[
        str | None,
        Field(max_length=64),
        attribute("检查项", "Checklist item", aliases=("隐患条目",), detail=True),
    ] = None
    description: Annotated[Words, attribute("隐患描述", "Description", detail=True)] = None
    asset_id: Annotated[
        str | None, Field(max_length=36), attribute("关联设施", "Asset", detail=True)
    ] = None
    is_open: Annotated[bool, attribute("未销号", "Open")] = True
    found_at: Annotated[datetime, attribute("发现时间", "Found at")]
    due_at: Annotated[datetime | None, attribute("整改期限", "Due")] = None
    order_due_on: Annotated[
        date | None, attribute("现场责令期限", "Ordered on the spot until", detail=True)
    ] = None
    original_due_at: Annotated[
        datetime | None, attribute("原整改期限", "Original due date", detail=True)
    ] = None
    fixed_at: Annotated[datetime | None, attribute("整改完成时间", "Fixed at", detail=True)] = None
    closed_at: Annotated[datetime | None, attribute("销号时间", "Closed at", detail=True)] = None
    extensions: Annotated[int, Field(ge=0), attribute("延期次数", "Extensions", detail=True)] = 0
    returns: Annotated[int, Field(ge=0), attribute("返工次数", "Returned times", detail=True)] = 0
    use_suspended: Annotated[bool, attribute("停用", "Use suspended")] = False
    supervision_listed: Annotated[bool, attribute("挂牌督办", "Under supervision")] = False
    duty_holder: Annotated[Name, attribute("整改责任单位", "Duty holder", detail=True)] = None
    survivor: Annotated[
        str | None,
        Field(max_length=64),
        attribute("并入隐患", "Merged into", detail=True),
    ] = None
    review_on: Annotated[date | None, attribute("暂缓复核日期", "Deferral review", detail=True)] = (
        None
    )
    section: Annotated[Name, attribute("责任股室", "Responsible section", detail=True)] = None
    assigned_to: Annotated[Name, attribute("经办人", "Case officer", detail=True)] = None
    visit_id: Annotated[
        str | None, Field(max_length=36), attribute("检查记录", "Visit", detail=True)
    ] = None
    found_by: Annotated[Name, attribute("发现人", "Found by (person)", detail=True)] = None
    fixed_by: Annotated[Name, attribute("整改报告人", "Fix reported by", detail=True)] = None
    reinspected_by: Annotated[Name, attribute("复查人", "Re-inspected by", detail=True)] = None
    reinspected_at: Annotated[
        datetime | None, attribute("复查合格时间", "Passed re-inspection at", detail=True)
    ] = None
    controlled_at: Annotated[
        datetime | None, attribute("临时管控时间", "Under interim control since", detail=True)
    ] = None
    submitted_at: Annotated[
        datetime | None, attribute("报请复查时间", "Submitted at", detail=True)
    ] = None
    notified_at: Annotated[
        datetime | None, attribute("下达通知时间", "Notified at", detail=True)
    ] = None
    plan_filed_at: Annotated[
        datetime | None, attribute("整改方案报送时间", "Plan filed at", detail=True)
    ] = None
    plan_version: Annotated[
        int, Field(ge=0), attribute("整改方案版次", "Version of the plan", detail=True)
    ] = 0
