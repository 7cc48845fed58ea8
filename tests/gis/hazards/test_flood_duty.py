"""Shifts, call-outs and reports of a rainy night written down by hand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from gis.hazards.flood_duty import (
    CallOut,
    DutyShift,
    find_deepest,
    find_duty_gaps,
    find_on_duty,
    find_report_breach,
)
from gis.hazards.profiles import FloodResponse, IncidentReport, RainWarning

NIGHT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
POINT, OTHER = UUID(int=1), UUID(int=2)


def hours(n: float) -> datetime:
    return NIGHT + timedelta(hours=n)


def shift(start: float, end: float, leader: str) -> DutyShift:
    return DutyShift(starts_at=hours(start), ends_at=hours(end), leader=leader, members=("乙",))


def call(point: UUID, depth: float | None, **more: datetime) -> CallOut:
    return CallOut(
        point=point, warning=RainWarning.ORANGE, team="抢险一队", called_out_at=NIGHT,
        depth_m=depth, **more,
    )  # fmt: skip


def test_who_is_on_duty_and_when_nobody_is() -> None:
    shifts = [shift(12, 24, "丙"), shift(0, 8, "甲"), shift(7, 10, "乙")]
    assert [s.leader for s in find_on_duty(shifts, hours(7.5))] == ["乙", "甲"]
    assert [s.leader for s in find_on_duty(shifts, hours(8))] == ["乙"]  # the end is outside
    assert find_on_duty(shifts, hours(11)) == []
    gaps = find_duty_gaps(shifts, hours(-1), hours(30))
    assert gaps == [(hours(-1), hours(0)), (hours(10), hours(12)), (hours(24), hours(30))]
    assert find_duty_gaps(shifts, hours(1), hours(9)) == []
    inside = [shift(0, 8, "甲"), shift(1, 2, "乙")]
    assert find_duty_gaps(inside, hours(0), hours(9)) == [(hours(8), hours(9))]
    assert find_duty_gaps([], hours(0), hours(1)) == [(hours(0), hours(1))]
    assert find_duty_gaps([shift(5, 9, "甲")], hours(0), hours(2)) == [(hours(0), hours(2))]


def test_a_call_out_has_its_order_and_its_times() -> None:
    made = call(POINT, 0.4, arrived_at=hours(0.5), water_gone_at=hours(3))
    assert made.took == timedelta(minutes=30)
    assert made.stood == timedelta(hours=3)
    assert call(POINT, None).took is None
    with pytest.raises(ValidationError, match="not in this order"):
        call(POINT, 0.4, arrived_at=hours(-1))
    with pytest.raises(ValidationError, match="not in this order"):
        call(POINT, 0.4, arrived_at=hours(2), water_gone_at=hours(1))
    for depth in (-0.1, 21, float("nan")):
        with pytest.raises(ValidationError):
            call(POINT, depth)
    with pytest.raises(ValidationError, match="before it starts"):
        shift(3, 3, "甲")


def test_the_deepest_water_of_each_point() -> None:
    seen = [call(POINT, 0.2), call(POINT, 0.7), call(POINT, 0.5), call(OTHER, None)]
    assert {p: c.depth_m for p, c in find_deepest(seen).items()} == {POINT: 0.7}
    assert find_deepest([call(POINT, 0.0)])[POINT].depth_m == 0.0


def test_reports_are_first_following_final() -> None:
    first, following, final = IncidentReport
    assert find_report_breach([]) is None
    assert find_report_breach([first, following, following, final]) is None
    assert find_report_breach([first]) is None
    for wrong in ([following], [first, first], [first, final, following], [final, first]):
        assert find_report_breach(wrong) is not None
    assert [level.value for level in FloodResponse] == ["IV", "III", "II", "I"]
