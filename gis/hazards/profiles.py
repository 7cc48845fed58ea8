"""Profiles: per category, which clocks run, which steps a route has, what a plan must name.

``verified`` is set only where the provision was read in the original. Profiles are data: judge,
phone and today's list ask the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gis.attributes import Text, Vocabulary
from gis.hazards.clocks import ALL, MAJOR_ONLY, Basis, Clock, run_clocks
from gis.hazards.deadlines import (
    DESK_REVIEW_LIMIT,
    REGISTRATION_LIMIT,
    REINSPECTION_LIMIT,
    DayUnit,
    Hours,
    Limit,
    WorkCalendar,
)
from gis.kinds.hazard import HazardCategory, Severity

_WORKING = DayUnit.WORKING


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a route beside the common states, with the document it needs."""

    key: str
    text: Text
    document: Text | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is particular to a category; ``steps`` are those of the rectifying party."""

    category: HazardCategory
    clocks: tuple[Clock, ...]
    site_kind: str | None = None
    routes: Mapping[str, tuple[Step, ...]] | None = None
    second_party: Text | None = None

    def clocks_of(self, severity: Severity, item: str | None = None) -> list[Clock]:
        """The clocks that run for such a hazard."""
        return [clock for clock in self.clocks if clock.concerns(severity, item)]


class RainWarning(Vocabulary):
    """暴雨预警信号, weakest first."""

    BLUE = ("blue", "蓝色预警", "Blue")
    YELLOW = ("yellow", "黄色预警", "Yellow")
    ORANGE = ("orange", "橙色预警", "Orange")
    RED = ("red", "红色预警", "Red")


class FloodResponse(Vocabulary):
    """防汛应急响应, weakest first."""

    IV = ("IV", "四级响应", "Level IV")
    III = ("III", "三级响应", "Level III")
    II = ("II", "二级响应", "Level II")
    I = ("I", "一级响应", "Level I")  # noqa: E741 - the level's own name


class IncidentReport(Vocabulary):
    """险情报告, in order."""

    FIRST = ("first", "首报", "First report")
    FOLLOWING = ("following", "续报", "Following report")
    FINAL = ("final", "终报", "Final report")


EQUIPMENT = Basis(
    Text(
        zh="特种设备安全监督检查办法(2022):接到报告后10个工作日内复查;其他类别参照",
        en="Special equipment supervision rules 2022: re-inspected within 10 working days of the"
        " report; taken over for other categories",
    ),
    verified=True,
)
ACCIDENT = Basis(
    Text(
        zh="生产安全事故报告和调查处理条例第9、11条",
        en="Regulations on reporting of accidents, articles 9 and 11",
    ),
    verified=True,
)
LAND_83 = Basis(
    Text(zh="土地管理法第83条", en="Land Administration Law, article 83"), verified=True
)

_REGISTER = (
    Clock(
        "register_major",
        Text(zh="重大隐患登记", en="Major hazard registered"),
        ("found",),
        ("registered", "dismissed", "duplicate", "transferred", "fixed_on_spot"),
        Hours(2),
        MAJOR_ONLY,
    ),
    Clock(
        "register",
        Text(zh="登记", en="Registered"),
        ("found",),
        ("registered", "dismissed", "duplicate", "transferred", "fixed_on_spot"),
        REGISTRATION_LIMIT,
        ALL - MAJOR_ONLY,
    ),
)
_CONTROL = Clock(
    "control",
    Text(zh="临时管控到位", en="Under interim control"),
    ("found",),
    ("controlled", "fixed_on_spot", "closed"),
    Hours(2),
    MAJOR_ONLY,
)
_PLAN = Clock(
    "plan",
    Text(zh="整改方案报送", en="Rectification plan handed in"),
    ("notified",),
    ("plan_filed",),
    Limit(3, _WORKING),
    MAJOR_ONLY,
)
_RECTIFY = Clock(
    "rectify",
    Text(zh="整改完成", en="Rectified"),
    ("notified",),
    ("submitted", "closed"),
    None,
    reopens=("returned",),
)
_REINSPECT = Clock(
    "reinspect",
    Text(zh="复查", en="Re-inspected"),
    ("submitted",),
    ("passed", "returned", "closed"),
    REINSPECTION_LIMIT,
    basis=EQUIPMENT,
)
_DESK_REVIEW = Clock(
    "desk_review",
    Text(zh="现场整改审核", en="Spot repair reviewed"),
    ("fixed_on_spot",),
    ("closed", "registered"),
    DESK_REVIEW_LIMIT,
)
COMMON = (*_REGISTER, _CONTROL, _PLAN, _RECTIFY, _REINSPECT, _DESK_REVIEW)

_COVERS = ("sewer.cover_missing", "sewer.cover_broken", "sewer.cover_loose", "sewer.grate_missing")
_COVER_CLOCKS = (
    Clock(
        "cover_secured",
        Text(zh="井盖隐患现场围挡", en="Open manhole secured"),
        ("found",),
        ("controlled", "fixed_on_spot", "submitted", "closed"),
        Hours(2),
        items=_COVERS,
    ),
    Clock(
        "cover_repaired",
        Text(zh="井盖隐患修复", en="Manhole cover repaired"),
        ("found",),
        ("fixed_on_spot", "submitted", "closed"),
        Hours(6),
        items=_COVERS,
    ),
)
_FLOOD_CLOCKS = (
    Clock(
        "arrival",
        Text(zh="应急队伍到场", en="Team on the spot after call-out"),
        ("called_out",),
        ("arrived",),
        Hours(0.5),
    ),
    Clock(
        "incident_report",
        Text(zh="事故首报(单位一小时内)", en="First report of an accident by the unit"),
        ("accident",),
        ("reported",),
        Hours(1),
        basis=ACCIDENT,
    ),
    Clock(
        "incident_report_up",
        Text(zh="事故逐级上报(每级两小时内)", en="Accident reported upwards, each level"),
        ("reported",),
        ("reported_up",),
        Hours(2),
        basis=ACCIDENT,
    ),
)
_LAND_CLOCKS = (
    Clock(
        "litigation_window",
        Text(zh="当事人起诉期(15日)", en="Fifteen days to sue against the decision"),
        ("decision_served",),
        ("sued",),
        Limit(15),
        basis=LAND_83,
        rolls=True,
    ),
)
_DOCUMENT = Text(zh="文号和日期", en="document number and date")
PLOT_ROUTES: Mapping[str, tuple[Step, ...]] = {
    "permit": (
        Step("filed", Text(zh="组卷", en="File compiled")),
        Step("submitted", Text(zh="上报", en="Submitted"), _DOCUMENT),
        Step("approved", Text(zh="批复", en="Approved"), _DOCUMENT),
        Step("closed", Text(zh="销号", en="Closed"), _DOCUMENT),
    ),
    "demolish": (
        Step("filed", Text(zh="拆除复耕资料组卷", en="Demolition and tilling on file")),
        Step("submitted", Text(zh="报请验收", en="Submitted for acceptance"), _DOCUMENT),
        Step("approved", Text(zh="验收合格", en="Accepted"), _DOCUMENT),
        Step("closed", Text(zh="销号", en="Closed"), _DOCUMENT),
    ),
    "confiscate": (
        Step("filed", Text(zh="没收资料组卷", en="Confiscation on file")),
        Step("submitted", Text(zh="移交", en="Handed over"), _DOCUMENT),
        Step("approved", Text(zh="接收处置", en="Received and disposed of"), _DOCUMENT),
        Step("closed", Text(zh="销号", en="Closed"), _DOCUMENT),
    ),
}
"""The stages are the domain's (组卷, 上报, 批复, 销号); what each is on a route is unverified."""

PROFILES: Mapping[HazardCategory, Profile] = {
    HazardCategory.GAS: Profile(HazardCategory.GAS, COMMON, "gas_site"),
    HazardCategory.FLOOD: Profile(HazardCategory.FLOOD, (*COMMON, *_FLOOD_CLOCKS), "flood_point"),
    HazardCategory.SEWER: Profile(HazardCategory.SEWER, (*COMMON, *_COVER_CLOCKS), "sewer_manhole"),
    HazardCategory.VILLAGE_FIRE: Profile(
        HazardCategory.VILLAGE_FIRE, COMMON, "traditional_village"
    ),
    HazardCategory.LAND: Profile(
        HazardCategory.LAND,
        (*COMMON, *_LAND_CLOCKS),
        "land_plot",
        PLOT_ROUTES,
        Text(zh="执法单位", en="enforcing body"),
    ),
    HazardCategory.ROAD: Profile(HazardCategory.ROAD, COMMON, "road"),
    HazardCategory.SITE: Profile(HazardCategory.SITE, COMMON),
    HazardCategory.OTHER: Profile(HazardCategory.OTHER, COMMON),
}

PLAN_FIELDS: Mapping[str, Text] = {
    "leader": Text(zh="负责人", en="leader in charge"),
    "measures": Text(zh="整改措施", en="measures"),
    "money": Text(zh="资金保障", en="money"),
    "person": Text(zh="责任人员", en="person answerable"),
    "deadline": Text(zh="完成时限", en="deadline"),
    "contingency": Text(zh="应急预案", en="contingency plan"),
}
"""What the plan of a major hazard names; Fujian's supervision rule 6-8 (excerpt, unverified)."""


def find_missing_plan_fields(plan: Mapping[str, object]) -> dict[str, Text]:
    """What the plan of a major hazard leaves out, with its words; empty when it is complete."""
    return {
        name: words
        for name, words in PLAN_FIELDS.items()
        if not str(plan[name] if plan.get(name) is not None else "").strip()
    }


class EnforcementState(Vocabulary):
    """执法进程 of a plot, as the enforcing body's clocks leave it."""

    NOT_SERVED = ("not_served", "未送达", "Decision not served")
    LITIGATION_WINDOW = ("litigation_window", "起诉期内", "Time to sue is running")
    SUED = ("sued", "已起诉", "Sued")
    APPLY_TO_COURT = ("apply_to_court", "应申请法院执行", "To be taken to court")
    COURT_APPLIED = ("court_applied", "已申请法院执行", "Court applied to")
    RESTORED = ("restored", "已恢复", "Restored")


def find_enforcement_state(
    moments: Mapping[str, datetime], calendar: WorkCalendar, *, now: datetime
) -> EnforcementState:
    """Where a plot stands with the enforcing body at ``now``.

    ``moments`` of decision_served, sued, court_applied, restored. Computed, never stored: the
    window closes without anybody doing anything.
    """
    past = {name for name, at in moments.items() if at <= now}
    for name, state in (
        ("restored", EnforcementState.RESTORED),
        ("court_applied", EnforcementState.COURT_APPLIED),
        ("sued", EnforcementState.SUED),
    ):
        if name in past:
            return state
    if "decision_served" not in past:
        return EnforcementState.NOT_SERVED
    served = {"decision_served": moments["decision_served"]}
    (window,) = run_clocks(_LAND_CLOCKS, Severity.MAJOR, served, calendar)
    if window.is_late(now):
        return EnforcementState.APPLY_TO_COURT
    return EnforcementState.LITIGATION_WINDOW
