"""Flood duty: shifts with a leader, call-outs with depth and water gone, serial reports.

What a round saw at a flood point is a visit; this is what the office knows beside it. Pure:
nothing is stored here, moments are aware, depths metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from gis.attributes import Text
from gis.hazards.profiles import FloodResponse, IncidentReport, RainWarning

Person = Annotated[str, Field(min_length=1, max_length=80)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class DutyShift(_Record):
    """Who answers the phone from ``starts_at`` until before ``ends_at``."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    leader: Person
    members: Annotated[tuple[Person, ...], Field(min_length=1, max_length=50)]
    response: FloodResponse | None = None

    @model_validator(mode="after")
    def require_order(self) -> DutyShift:
        """A shift ends after it starts."""
        if self.ends_at <= self.starts_at:
            raise ValueError("the shift ends before it starts")
        return self


class CallOut(_Record):
    """A team sent to a flood point: called, arrived, how deep, what was done, when it was dry."""

    point: UUID
    warning: RainWarning | None = None
    team: Person
    called_out_at: AwareDatetime
    arrived_at: AwareDatetime | None = None
    depth_m: Annotated[float | None, Field(ge=0, le=20, allow_inf_nan=False)] = None
    action: Annotated[str | None, Field(max_length=2000)] = None
    water_gone_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def require_order(self) -> CallOut:
        """Called, then arrived, then dry."""
        steps = [m for m in (self.called_out_at, self.arrived_at, self.water_gone_at) if m]
        if steps != sorted(steps):
            raise ValueError("called out, arrived and water gone are not in this order")
        return self

    @property
    def took(self) -> timedelta | None:
        """From the call to the arrival; None while on the way."""
        return self.arrived_at - self.called_out_at if self.arrived_at else None

    @property
    def stood(self) -> timedelta | None:
        """How long water was known to stand; None while it stands."""
        return self.water_gone_at - self.called_out_at if self.water_gone_at else None


def find_on_duty(shifts: Iterable[DutyShift], at: datetime) -> list[DutyShift]:
    """The shifts that run at a moment, the latest begun first."""
    running = [shift for shift in shifts if shift.starts_at <= at < shift.ends_at]
    return sorted(running, key=lambda shift: shift.starts_at, reverse=True)


def find_duty_gaps(
    shifts: Iterable[DutyShift], start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Spans between ``start`` and ``end`` in which nobody is on duty, in order."""
    gaps, covered = [], start
    for shift in sorted(shifts, key=lambda shift: shift.starts_at):
        if shift.starts_at > covered and covered < end:
            gaps.append((covered, min(shift.starts_at, end)))
        covered = max(covered, shift.ends_at)
    if covered < end:
        gaps.append((covered, end))
    return gaps


def find_deepest(call_outs: Iterable[CallOut]) -> dict[UUID, CallOut]:
    """Per flood point the call-out that saw the deepest water; none without a measured depth."""
    deepest: dict[UUID, CallOut] = {}
    for seen in call_outs:
        before = deepest.get(seen.point)
        if seen.depth_m is not None and (before is None or seen.depth_m > (before.depth_m or 0)):
            deepest[seen.point] = seen
    return deepest


def find_report_breach(reports: Sequence[IncidentReport]) -> Text | None:
    """What is wrong with the order of an incident's reports: 首报, 续报 as needed, 终报 last."""
    if not reports:
        return None
    if reports[0] is not IncidentReport.FIRST or IncidentReport.FIRST in reports[1:]:
        return Text(zh="首报须在最前且只有一次", en="the first report comes first, and only once")
    if IncidentReport.FINAL in reports[:-1]:
        return Text(zh="终报后不得再报", en="nothing follows the final report")
    return None
