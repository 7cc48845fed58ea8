"""The order of a rainy night's records, worked out by hand; nothing is stored here."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gis.hazards.flood_duty import (
    CallOut,
    ShiftPlanned,
    find_moment_breach,
    find_report_breach,
    find_shift_breach,
    find_step_breach,
)
from gis.hazards.profiles import FloodResponse, IncidentReport
from gis.hazards.record_types import RecordType

NIGHT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
ARRIVED, MEASURED, ACTED = (
    RecordType.TEAM_ARRIVED, RecordType.WATER_MEASURED, RecordType.ACTION_TAKEN,
)  # fmt: skip
GONE, BACK = RecordType.WATER_GONE, RecordType.CALL_OUT_CANCELLED


def hours(n: float) -> datetime:
    return NIGHT + timedelta(hours=n)


def shift_rule(start: datetime, end: datetime) -> str | None:
    shift = ShiftPlanned(starts_at=start, ends_at=end, leader="甲", members=("乙",))
    found = find_shift_breach(shift, NIGHT)
    return found.rule if found else None


def test_a_shift_ends_after_it_starts_within_a_week() -> None:
    assert shift_rule(hours(0), hours(12)) is None
    assert shift_rule(hours(0), hours(24 * 7)) is None
    assert shift_rule(hours(3), hours(3)) == "shift-order"
    assert shift_rule(hours(3), hours(1)) == "shift-order"
    assert shift_rule(hours(0), hours(24 * 7 + 0.1)) == "shift-length"
    assert shift_rule(hours(24 * 400), hours(24 * 400 + 8)) == "shift-date"
    east = timezone(timedelta(hours=14))
    dawn = datetime(1, 1, 1, tzinfo=east)
    assert shift_rule(dawn, dawn + timedelta(hours=1)) == "shift-date"


def step_rule(step: RecordType, at: float, **known: float) -> str | None:
    moments = {f"{name}_at": hours(hour) for name, hour in known.items()}
    found = find_step_breach(CallOut(called_at=NIGHT, **moments), step, hours(at))
    return found.rule if found else None


@pytest.mark.parametrize("step", [ARRIVED, MEASURED, ACTED, GONE, BACK])
def test_no_step_is_before_the_call(step: RecordType) -> None:
    assert step_rule(step, -0.1) == "step-order"
    assert step_rule(step, 0) is None


def test_steps_are_judged_by_their_moments_not_by_when_they_came() -> None:
    # The phone of who arrived was offline: the office has noted already that the water is gone.
    assert step_rule(ARRIVED, 0.5, water_gone=3) is None
    assert step_rule(MEASURED, 1, arrived=0.5, water_gone=3) is None
    assert step_rule(MEASURED, 3.1, arrived=0.5, water_gone=3) == "step-order"
    assert step_rule(ARRIVED, 3.1, water_gone=3) == "step-order"
    assert step_rule(GONE, 2, arrived=2.5) == "step-order"
    assert step_rule(GONE, 2, arrived=1, seen=2.5) == "step-order"
    assert step_rule(GONE, 2.5, arrived=1, seen=2.5) is None


def test_what_is_done_once_is_done_once_and_a_team_that_was_there_is_not_called_back() -> None:
    assert step_rule(ARRIVED, 1, arrived=0.5) == "twice"
    assert step_rule(GONE, 4, arrived=1, water_gone=3) == "twice"
    assert step_rule(MEASURED, 2, arrived=1, seen=1.5) is None
    assert step_rule(BACK, 1, arrived=0.5) == "step-order"
    assert step_rule(ARRIVED, 2, cancelled=1) == "cancelled"


def test_nothing_is_recorded_before_it_happens_nor_a_year_after() -> None:
    assert find_moment_breach(hours(0.08), NIGHT) is None  # a clock may run five minutes ahead
    ahead, old = find_moment_breach(hours(0.09), NIGHT), find_moment_breach(hours(-9000), NIGHT)
    assert ahead is not None
    assert old is not None
    assert (ahead.rule, old.rule) == ("future", "moment")


def test_reports_are_first_following_final() -> None:
    first, following, final = IncidentReport
    assert find_report_breach([]) is None
    assert find_report_breach([first, following, following, final]) is None
    assert find_report_breach([first]) is None
    for wrong in ([following], [first, first], [first, final, following], [final, first]):
        assert find_report_breach(wrong) is not None
    assert find_report_breach([first, final, final]) is not None
    assert [level.value for level in FloodResponse] == ["IV", "III", "II", "I"]
