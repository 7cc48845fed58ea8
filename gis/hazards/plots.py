"""违法用地图斑: the rectifying party's route through its stages, and the enforcing body's steps.

What a plot's row says of route, stage, dates and document numbers follows from these records and
from what the register said before the first of them (``base``). Areas are m²; pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from gis.attributes import Text, Vocabulary
from gis.hazards.case import Reason
from gis.hazards.clocks import RunningClock, run_clocks
from gis.hazards.deadlines import WorkCalendar, business_day, end_of_day
from gis.hazards.events import Payload
from gis.hazards.events import Reason as Words
from gis.hazards.profiles import PLOT_ROUTES, PROFILES
from gis.hazards.record_types import RecordType
from gis.kinds.base import Name
from gis.kinds.hazard import HazardCategory, Severity
from gis.kinds.land_plot import PlotRoute, PlotStage


class EnforcementStep(Vocabulary):
    """执法步骤: what the enforcing body did, or the party against it."""

    DECISION_SERVED = ("decision_served", "决定送达", "Decision served")
    SUED = ("sued", "当事人起诉", "The party sued")
    COURT_APPLIED = ("court_applied", "申请法院强制执行", "Court applied to")
    RESTORED = ("restored", "恢复原状", "Restored")


_Area = Annotated[float | None, Field(ge=0, le=1e9)]


class PlotArea(Payload):
    """Areas of a plot, m²: the whole, of it cultivated, of that permanent basic farmland."""

    area_m2: _Area = None
    cultivated_m2: _Area = None
    basic_farmland_m2: _Area = None

    @model_validator(mode="after")
    def require_parts_within(self) -> PlotArea:
        """A part is not larger than what it is a part of."""
        known = [self.area_m2, self.cultivated_m2, self.basic_farmland_m2]
        sizes = [size for size in known if size is not None]
        if sizes != sorted(sizes, reverse=True):
            raise ValueError("a part is larger than the whole")
        return self


class PlotRouteChosen(Payload):
    """How the plot is to be put right; chosen anew, its stages begin anew."""

    route: PlotRoute
    on: date
    document: Name = None


class PlotAdvanced(Payload):
    """The stage the rectifying party has reached."""

    stage: PlotStage
    on: date
    document: Name = None
    before: PlotArea | None = None
    after: PlotArea | None = None


class PlotEnforced(Payload):
    """What the enforcing body did."""

    step: EnforcementStep
    on: date
    document: Name = None


class PlotStepWithdrawn(Payload):
    """The last step of a chain was recorded in error."""

    step: UUID
    reason: Words


PLOT_PAYLOADS: Mapping[RecordType, type[Payload]] = {
    RecordType.PLOT_ROUTE_CHOSEN: PlotRouteChosen,
    RecordType.PLOT_ADVANCED: PlotAdvanced,
    RecordType.PLOT_ENFORCED: PlotEnforced,
    RecordType.PLOT_STEP_WITHDRAWN: PlotStepWithdrawn,
}


@dataclass(frozen=True, slots=True)
class PlotStep:
    """One step on record (not withdrawn), in the order of the log."""

    id: UUID
    chain: str
    step: str
    done_on: date
    document: str | None = None
    due_at: datetime | None = None


_STAGE_COLUMNS = {
    "filed": ("filed_on", None),
    "submitted": ("submitted_on", "submission_number"),
    "approved": ("approved_on", "approval_number"),
    "closed": ("closed_on", "closing_number"),
}
_ENFORCED_COLUMNS = {
    "decision_served": ("decision_served_on", "decision_number"),
    "court_applied": ("court_applied_on", None),
    "restored": ("restored_on", None),
}
MOVED = (
    "stage",
    "route",
    *(name for pair in _STAGE_COLUMNS.values() for name in pair if name),
    *(name for pair in _ENFORCED_COLUMNS.values() for name in pair if name),
)
"""Attributes of a plot that its records move."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as the register had it and what was recorded since."""

    base: Mapping[str, Any] = field(default_factory=dict)  # Any: attributes as JSON
    steps: tuple[PlotStep, ...] = ()

    def columns(self) -> dict[str, Any]:  # Any: values of any attribute
        """What its row says of :data:`MOVED`."""
        row: dict[str, Any] = {name: self.base.get(name) for name in MOVED}
        for step in self.steps:
            if step.chain == "route":
                row["route"], row["stage"] = step.step, PlotStage.ISSUED.value
                row |= dict.fromkeys((n for p in _STAGE_COLUMNS.values() for n in p if n), None)
            elif step.chain == "rectify":
                row["stage"] = step.step
                row |= _dated(_STAGE_COLUMNS[step.step], step)
            elif step.step in _ENFORCED_COLUMNS:
                row |= _dated(_ENFORCED_COLUMNS[step.step], step)
        return row

    def last_on(self) -> date | None:
        """When its latest stage was reached."""
        row = self.columns()
        known = [row[pair[0]] for pair in _STAGE_COLUMNS.values() if row[pair[0]]]
        return max(map(_day, known), default=None)

    def enforced(self) -> dict[str, date]:
        """When each step of the enforcing body was."""
        row = self.columns()
        found = {name: _day(row[on]) for name, (on, _) in _ENFORCED_COLUMNS.items() if row[on]}
        return found | {s.step: s.done_on for s in self.steps if s.chain == "enforce"}

    def window_ends_on(self) -> date | None:
        """The last day to sue, where the service was recorded here."""
        ends = [s.due_at for s in self.steps if s.step == "decision_served" and s.due_at]
        return business_day(ends[-1]) if ends else None


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _dated(names: tuple[str, str | None], step: PlotStep) -> dict[str, Any]:  # Any: attributes
    on, number = names
    written = {on: step.done_on.isoformat()}
    # Without a number of its own it leaves what the register knew.
    return written | ({number: step.document} if number and step.document else {})


def next_stage(stage: str) -> str | None:
    """The stage that follows, in the order of the vocabulary."""
    order = [value.value for value in PlotStage]
    at = order.index(stage) + 1
    return order[at] if at < len(order) else None


def find_route_breach(plot: Plot, chosen: PlotRouteChosen) -> Reason | None:
    """What keeps a route from being chosen."""
    row = plot.columns()
    if row["stage"] == PlotStage.CLOSED.value:
        return _reason("closed", "图斑已销号", "the plot is closed")
    if row["route"] == chosen.route.value:
        return _reason("twice", "已是此整改方式", "this is its route already")
    return None


def find_stage_breach(plot: Plot, advanced: PlotAdvanced) -> Reason | None:
    """What keeps a stage from being the plot's next."""
    row, last = plot.columns(), plot.last_on()
    if row["route"] is None:
        return _reason("route", "请先确定整改方式", "choose a route first")
    if advanced.stage.value != (following := next_stage(row["stage"])):
        if following is None:
            return _reason("closed", "图斑已销号", "the plot is closed")
        return _reason(
            "stage-order",
            f"下一阶段应为“{PlotStage(following).text.zh}”",
            f"the next stage is “{PlotStage(following).text.en}”",
        )
    if last is not None and advanced.on < last:
        return _reason("date-order", "早于上一阶段的日期", "it is before the stage before it")
    steps = {step.key: step for step in PLOT_ROUTES[row["route"]]}
    if steps[advanced.stage.value].document is not None and not advanced.document:
        return _reason("document", "缺少文号", "its document number is missing")
    return _find_growth(advanced)


def _find_growth(advanced: PlotAdvanced) -> Reason | None:
    before, after = advanced.before, advanced.after
    if before is None or after is None:
        return None
    for name in ("area_m2", "cultivated_m2", "basic_farmland_m2"):
        was, left = getattr(before, name), getattr(after, name)
        if was is not None and left is not None and left > was:
            return _reason(
                "area", "整改后的违法面积大于整改前", "more is left than there was before"
            )
    return None


def find_enforcement_breach(plot: Plot, enforced: PlotEnforced) -> Reason | None:
    """What keeps a step of the enforcing body from being next."""
    known, step, on = plot.enforced(), enforced.step, enforced.on
    served, ends = known.get(EnforcementStep.DECISION_SERVED.value), plot.window_ends_on()
    follows = step in (EnforcementStep.SUED, EnforcementStep.COURT_APPLIED)
    sues, applies = step is EnforcementStep.SUED, step is EnforcementStep.COURT_APPLIED
    objections = (
        (step.value in known, ("twice", "此步骤已登记", "this step is on record already")),
        (follows and served is None,
         ("served", "决定尚未送达", "the decision was not served yet")),
        (follows and served is not None and on < served,
         ("date-order", "早于决定送达", "it is before the decision was served")),
        (sues and ends is not None and on > ends,
         ("window", f"起诉期已于 {ends} 届满", f"the time to sue ended on {ends}")),
        (applies and EnforcementStep.SUED.value in known,
         ("sued", "当事人已起诉", "the party has sued")),
        (applies and ends is not None and on <= ends,
         ("window", f"起诉期至 {ends} 未满", f"the time to sue runs until {ends}")),
    )  # fmt: skip
    return next((_reason(*words) for holds, words in objections if holds), None)


def find_withdrawal_breach(plot: Plot, step_id: UUID) -> Reason | None:
    """What keeps a step from being withdrawn: only the last of its chain may be."""
    step = next((s for s in plot.steps if s.id == step_id), None)
    if step is None:
        return _reason("step", "没有此进展记录,或已撤回", "no such step, or it is withdrawn")
    together = ("route", "rectify") if step.chain != "enforce" else ("enforce",)
    last = [s for s in plot.steps if s.chain in together][-1]
    if last.id != step_id:
        return _reason("step-order", "只能撤回最后一步", "only the last step can be withdrawn")
    return None


def find_day_breach(on: date, recorded_at: datetime) -> Reason | None:
    """A day that has not come, or one before there were plots of this kind."""
    if on > business_day(recorded_at):
        return _reason("future", "日期在将来", "it lies in the future")
    if on < date(1987, 1, 1):  # the Land Administration Law's first year
        return _reason("date", "日期过早:请核对", "the date is too early")
    return None


def run_litigation_window(served_on: date, calendar: WorkCalendar) -> RunningClock:
    """The clock of the time to sue, started by the service of the decision."""
    clocks = [c for c in PROFILES[HazardCategory.LAND].clocks if c.key == "litigation_window"]
    served = end_of_day(served_on) - timedelta(hours=12)
    (running,) = run_clocks(clocks, Severity.MAJOR, {"decision_served": served}, calendar)
    return running


def _reason(rule: str, zh: str, en: str) -> Reason:
    return Reason(rule, Text(zh=zh, en=en))


def list_next(plot: Plot) -> dict[str, Sequence[str]]:
    """What may follow: the next stage, the enforcing body's steps not taken, other routes."""
    row, known = plot.columns(), plot.enforced()
    following = next_stage(row["stage"]) if row["route"] else None
    open_ = row["stage"] != PlotStage.CLOSED.value
    return {
        "stages": [following] if following else [],
        "enforcement": [s.value for s in EnforcementStep if s.value not in known],
        "routes": [r.value for r in PlotRoute if open_ and r.value != row["route"]],
    }
