"""汛期值守: what is recorded of flood duty, and which record is out of order.

Shifts, response levels, call-outs to a flood point with their steps, incidents with serial
reports, teams and supplies. Pure: moments are aware, depths metres. Steps are judged by their own
moments, not by the order in which they arrive: a phone that was offline comes late, not wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from gis.attributes import Text
from gis.hazards.case import Reason
from gis.hazards.events import Payload
from gis.hazards.events import Reason as Words
from gis.hazards.profiles import FloodResponse, IncidentReport, RainWarning
from gis.hazards.record_types import RecordType
from gis.kinds.base import Name

Person = Annotated[str, Field(min_length=1, max_length=80)]
Phone = Annotated[str | None, Field(max_length=40)]
Depth = Annotated[float, Field(ge=0, le=20)]
LONGEST_SHIFT = timedelta(days=7)
"""A longer one is a date that was typed wrong, and would hide every gap."""
AHEAD = timedelta(minutes=5)
"""How far a clock may run ahead: what has not happened yet is not recorded."""
_REACH = timedelta(days=366)


class ShiftPlanned(Payload):
    """Who answers the phone from ``starts_at`` until before ``ends_at``."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    leader: Person
    phone: Phone = None
    members: Annotated[tuple[Person, ...], Field(min_length=1, max_length=50)]
    response: FloodResponse | None = None


class ShiftCancelled(Payload):
    """A shift that will not be kept, or was typed wrong; it stays on record."""

    shift: UUID
    reason: Words


class ResponseChanged(Payload):
    """Warning and response in force from ``since`` on; None is none (解除)."""

    response: FloodResponse | None = None
    warning: RainWarning | None = None
    since: AwareDatetime | None = None
    document: Name = None


class CalledOut(Payload):
    """A team sent to the flood point the record names."""

    team: Person
    warning: RainWarning | None = None
    at: AwareDatetime | None = None


class CallOutStep(Payload):
    """A step of a call-out; without ``at`` it happened when it was recorded."""

    call_out: UUID
    at: AwareDatetime | None = None


class TeamArrived(CallOutStep):
    """The team is on the spot."""


class WaterMeasured(CallOutStep):
    """How deep the water stands, metres."""

    depth_m: Depth


class ActionTaken(CallOutStep):
    """What was done."""

    action: Words


class WaterGone(CallOutStep):
    """The point is dry: the call-out ends."""


class CallOutCancelled(CallOutStep):
    """Called back before anybody was there."""

    reason: Words


class IncidentNoted(Payload):
    """险情: what happened and when; the record names the flood point if it was at one."""

    happened_at: AwareDatetime
    what: Words


class IncidentReported(Payload):
    """One report of an incident; ``is_upward``: it went to the next level up."""

    incident: UUID
    serial: IncidentReport
    at: AwareDatetime | None = None
    sent_to: Person
    is_upward: bool = False
    what: Words


class TeamListed(Payload):
    """A team as it is now; listed again by its name it changes, without people it is no more."""

    name: Person
    leader: Person
    phone: Phone = None
    people: Annotated[int, Field(ge=0, le=10_000)]
    station: Name = None


class SupplyCounted(Payload):
    """How much of something lies where, as counted last."""

    name: Person
    station: Person
    quantity: Annotated[float, Field(ge=0, le=1e7)]
    unit: Annotated[str, Field(min_length=1, max_length=20)]
    keeper: Name = None
    phone: Phone = None


STEPS: Mapping[RecordType, type[CallOutStep]] = {
    RecordType.TEAM_ARRIVED: TeamArrived,
    RecordType.WATER_MEASURED: WaterMeasured,
    RecordType.ACTION_TAKEN: ActionTaken,
    RecordType.WATER_GONE: WaterGone,
    RecordType.CALL_OUT_CANCELLED: CallOutCancelled,
}
FIELD_STEPS = frozenset(STEPS) - {RecordType.CALL_OUT_CANCELLED}
"""What whoever is there may record, with the phone."""
FLOOD_PAYLOADS: Mapping[RecordType, type[Payload]] = {
    RecordType.SHIFT_PLANNED: ShiftPlanned,
    RecordType.SHIFT_CANCELLED: ShiftCancelled,
    RecordType.RESPONSE_CHANGED: ResponseChanged,
    RecordType.CALLED_OUT: CalledOut,
    **STEPS,
    RecordType.INCIDENT_NOTED: IncidentNoted,
    RecordType.INCIDENT_REPORTED: IncidentReported,
    RecordType.TEAM_LISTED: TeamListed,
    RecordType.SUPPLY_COUNTED: SupplyCounted,
}


@dataclass(frozen=True, slots=True)
class CallOut:
    """A call-out as it stands; ``seen_at``: the latest depth or action."""

    called_at: datetime
    arrived_at: datetime | None = None
    seen_at: datetime | None = None
    water_gone_at: datetime | None = None
    cancelled_at: datetime | None = None


def _reason(rule: str, zh: str, en: str) -> Reason:
    return Reason(rule, Text(zh=zh, en=en))


_CANCELLED = _reason("cancelled", "此次调派已撤回", "the team was called back")
_BEFORE_CALL = _reason("step-order", "早于调派时间", "it is before the team was called out")
_BEEN_THERE = _reason("step-order", "队伍已到场,不能撤回", "the team has been there already")
_TWICE = _reason("twice", "此步骤已登记", "this step is on record already")
_AFTER_GONE = _reason("step-order", "晚于积水退去时间", "it is after the water was gone")
_GONE_EARLY = _reason(
    "step-order",
    "积水退去早于到场或已测得的积水",
    "the water was gone before the team arrived or saw it",
)


def find_shift_breach(shift: ShiftPlanned, recorded_at: datetime) -> Reason | None:
    """What is wrong with a shift."""
    if shift.ends_at <= shift.starts_at:
        return _reason("shift-order", "班次的结束不晚于开始", "the shift ends before it starts")
    if shift.ends_at - shift.starts_at > LONGEST_SHIFT:
        return _reason(
            "shift-length",
            f"班次超过 {LONGEST_SHIFT.days} 天:请核对日期",
            f"the shift is longer than {LONGEST_SHIFT.days} days: check its dates",
        )
    if abs(shift.starts_at - recorded_at) > _REACH:
        return _reason(
            "shift-date", "班次离今天超过一年:请核对日期", "the shift is more than a year away"
        )
    return None


def find_moment_breach(moment: datetime, recorded_at: datetime) -> Reason | None:
    """What has not happened yet, or more than a year before it was recorded."""
    if moment > recorded_at + AHEAD:
        return _reason("future", "时间在将来", "it lies in the future")
    if recorded_at - moment > _REACH:
        return _reason("moment", "时间在一年以前:请核对", "it lies more than a year back")
    return None


def find_step_breach(call_out: CallOut, step: RecordType, moment: datetime) -> Reason | None:
    """What keeps a step from being this call-out's at that moment."""
    arrived, seen, gone = call_out.arrived_at, call_out.seen_at, call_out.water_gone_at
    back, dry = step is RecordType.CALL_OUT_CANCELLED, step is RecordType.WATER_GONE
    twice = (step is RecordType.TEAM_ARRIVED and arrived) or (dry and gone)
    early = dry and any(moment < known for known in (arrived, seen) if known is not None)
    objections = (
        (call_out.cancelled_at, _CANCELLED),
        (moment < call_out.called_at, _BEFORE_CALL),
        (back and (arrived or seen or gone), _BEEN_THERE),
        (twice, _TWICE),
        (gone is not None and moment > gone, _AFTER_GONE),
        (early, _GONE_EARLY),
    )
    return next((reason for holds, reason in objections if holds), None)


def find_report_breach(reports: Sequence[IncidentReport]) -> Text | None:
    """What is wrong with the order of an incident's reports: 首报, 续报 as needed, 终报 last."""
    if not reports:
        return None
    if reports[0] is not IncidentReport.FIRST or IncidentReport.FIRST in reports[1:]:
        return Text(zh="首报须在最前且只有一次", en="the first report comes first, and only once")
    if IncidentReport.FINAL in reports[:-1]:
        return Text(zh="终报后不得再报", en="nothing follows the final report")
    return None
