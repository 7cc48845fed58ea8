"""Clocks, escalation and second-person rules against moments and names worked out by hand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gis.hazards.calendar import read_calendar
from gis.hazards.catalogue import find_item
from gis.hazards.clocks import RunningClock, run_clocks
from gis.hazards.deadlines import WEEKENDS_ONLY_NOTE
from gis.hazards.escalation import Recipient, find_escalation, list_escalations
from gis.hazards.events import Role
from gis.hazards.presets import (
    SPOT_SAMPLE_PERCENT,
    Preset,
    find_reinspector_breach,
    find_second_person_breach,
    find_spot_repair_breach,
    is_sampled,
)
from gis.hazards.profiles import (
    PLAN_FIELDS,
    PLOT_ROUTES,
    PROFILES,
    EnforcementState,
    find_enforcement_state,
    find_missing_plan_fields,
)
from gis.kinds import KINDS
from gis.kinds.hazard import Hazard, HazardCategory, HazardState, Severity
from gis.kinds.land_plot import PlotRoute

CALENDAR = read_calendar()
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai


def run(
    category: HazardCategory,
    severity: Severity,
    moments: dict[str, datetime],
    item: str | None = None,
    due_at: datetime | None = None,
) -> dict[str, RunningClock]:
    clocks = PROFILES[category].clocks
    found = run_clocks(clocks, severity, moments, CALENDAR, item=item, due_at=due_at)
    return {running.clock.key: running for running in found}


def due(running: RunningClock) -> str:
    assert running.deadline is not None
    return running.deadline.due_at.isoformat()


def test_every_category_has_a_profile_and_its_sites_are_a_kind() -> None:
    assert set(PROFILES) == set(HazardCategory)
    for category, profile in PROFILES.items():
        assert profile.category is category
        assert profile.site_kind is None or profile.site_kind in KINDS
        keys = [clock.key for clock in profile.clocks]
        assert len(keys) == len(set(keys))


def test_a_major_gas_hazard_is_registered_and_controlled_within_two_hours() -> None:
    clocks = run(HazardCategory.GAS, Severity.MAJOR, {"found": FRIDAY})
    assert set(clocks) == {"register_major", "control"}
    assert due(clocks["control"]) == "2026-11-20T12:00:00+08:00"
    assert not clocks["control"].is_late(FRIDAY + timedelta(hours=2))
    assert clocks["control"].is_late(FRIDAY + timedelta(hours=2, seconds=1))


def test_a_general_one_is_registered_on_the_next_working_day() -> None:
    clocks = run(HazardCategory.GAS, Severity.GENERAL_A, {"found": FRIDAY})
    assert due(clocks["register"]) == "2026-11-23T23:59:59+08:00"  # Monday
    assert "control" not in clocks


def test_after_the_notice_plan_and_repair_run_and_a_return_reopens_the_repair() -> None:
    notice = FRIDAY + timedelta(hours=3)
    end = notice + timedelta(days=15)
    moments = {"found": FRIDAY, "registered": FRIDAY, "notified": notice}
    clocks = run(HazardCategory.GAS, Severity.MAJOR, moments, due_at=end)
    assert due(clocks["plan"]) == "2026-11-25T23:59:59+08:00"  # Mon, Tue, Wed
    assert clocks["rectify"].deadline is not None
    assert clocks["rectify"].deadline.due_at == end
    moments |= {"submitted": notice + timedelta(days=3)}
    clocks = run(HazardCategory.GAS, Severity.MAJOR, moments, due_at=end)
    assert clocks["rectify"].stopped_at == moments["submitted"]
    # Submitted on Monday 23 November: the tenth working day after is Monday 7 December.
    assert due(clocks["reinspect"]) == "2026-12-07T23:59:59+08:00"
    moments |= {"returned": notice + timedelta(days=5)}
    clocks = run(HazardCategory.GAS, Severity.MAJOR, moments, due_at=end)
    assert clocks["rectify"].stopped_at is None
    assert due(clocks["rectify"]) == end.isoformat()  # the date is not reset
    assert clocks["rectify"].is_late(end + timedelta(seconds=1))


def test_a_manhole_cover_is_secured_in_two_hours_and_repaired_in_six() -> None:
    item = find_item("sewer.cover_missing")
    moments = {"found": FRIDAY, "controlled": FRIDAY + timedelta(hours=1)}
    clocks = run(HazardCategory.SEWER, item.severity, moments, item.key)
    assert due(clocks["cover_secured"]) == "2026-11-20T12:00:00+08:00"
    assert due(clocks["cover_repaired"]) == "2026-11-20T16:00:00+08:00"
    later = FRIDAY + timedelta(days=1)
    assert not clocks["cover_secured"].is_late(later)  # it was secured after an hour
    assert clocks["cover_repaired"].is_late(later)
    silted = run(HazardCategory.SEWER, Severity.GENERAL_B, moments, "sewer.silted")
    assert set(silted) == {"register"}


def test_a_call_out_and_an_accident_have_clocks_of_their_own() -> None:
    moments = {
        "called_out": FRIDAY,
        "arrived": FRIDAY + timedelta(minutes=31),
        "accident": FRIDAY,
        "reported": FRIDAY + timedelta(minutes=50),
    }
    clocks = run(HazardCategory.FLOOD, Severity.GENERAL_A, moments)
    assert clocks["arrival"].is_late(FRIDAY + timedelta(hours=1))
    assert not clocks["incident_report"].is_late(FRIDAY + timedelta(hours=5))
    assert due(clocks["incident_report_up"]) == "2026-11-20T12:50:00+08:00"


def served(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moments", "now", "state"),
    [
        ({}, served(2026, 6, 1), EnforcementState.NOT_SERVED),
        # Served on 1 June 2026: the fifteenth day is Tuesday 16 June.
        ({"decision_served": served(2026, 6, 1)}, served(2026, 6, 16),
         EnforcementState.LITIGATION_WINDOW),
        ({"decision_served": served(2026, 6, 1)}, served(2026, 6, 17),
         EnforcementState.APPLY_TO_COURT),
        # Served on 5 June 2026: the fifteenth day is Saturday 20 June, in the Dragon Boat
        # holiday (19-21 June), so the window ends on Monday 22.
        ({"decision_served": served(2026, 6, 5)}, served(2026, 6, 22),
         EnforcementState.LITIGATION_WINDOW),
        ({"decision_served": served(2026, 6, 5)}, served(2026, 6, 23),
         EnforcementState.APPLY_TO_COURT),
        ({"decision_served": served(2026, 6, 1), "sued": served(2026, 6, 10)},
         served(2026, 7, 1), EnforcementState.SUED),
        ({"decision_served": served(2026, 6, 1), "court_applied": served(2026, 7, 1)},
         served(2026, 7, 2), EnforcementState.COURT_APPLIED),
        ({"decision_served": served(2026, 6, 1), "restored": served(2026, 9, 1)},
         served(2026, 7, 2), EnforcementState.APPLY_TO_COURT),
        ({"decision_served": served(2026, 6, 1), "restored": served(2026, 9, 1)},
         served(2026, 9, 2), EnforcementState.RESTORED),
    ],
)  # fmt: skip
def test_the_enforcers_clock_on_a_plot_is_fifteen_days_then_the_court(
    moments: dict[str, datetime], now: datetime, state: EnforcementState
) -> None:
    assert find_enforcement_state(moments, CALENDAR, now=now) is state


def test_a_window_that_ends_beyond_the_tables_says_so() -> None:
    clocks = run(HazardCategory.LAND, Severity.MAJOR, {"decision_served": served(2026, 12, 18)})
    window = clocks["litigation_window"]
    assert window.deadline is not None
    assert window.deadline.caution is WEEKENDS_ONLY_NOTE


def test_every_route_of_a_plot_has_the_stages_of_the_domain() -> None:
    assert set(PLOT_ROUTES) == {route.value for route in PlotRoute}
    for steps in PLOT_ROUTES.values():
        assert [step.key for step in steps] == ["filed", "submitted", "approved", "closed"]
        assert steps[-1].document is not None


def test_the_plan_of_a_major_hazard_names_six_things() -> None:
    assert len(PLAN_FIELDS) == 6
    full: dict[str, object] = dict.fromkeys(PLAN_FIELDS, "有")
    assert find_missing_plan_fields(full) == {}
    missing = find_missing_plan_fields(full | {"money": " ", "contingency": None})
    assert {name: words.zh for name, words in missing.items()} == {
        "money": "资金保障",
        "contingency": "应急预案",
    }
    assert len(find_missing_plan_fields({})) == 6
    assert find_missing_plan_fields(full | {"money": 0}) == {}


def hazard(severity: str = "major", **changes: object) -> Hazard:
    values: dict[str, object] = {
        "code": "H-1",
        "state": "rectifying",
        "severity": severity,
        "category": "gas",
        "found_at": FRIDAY,
        "due_at": FRIDAY + timedelta(days=10),
        "original_due_at": FRIDAY + timedelta(days=10),
    }
    return Hazard.model_validate(values | changes)


@pytest.mark.parametrize(
    ("after_days", "stage", "recipient", "since_days"),
    [
        (4.9, None, None, None),
        (5.1, "share_50", Recipient.OFFICER, 5),
        (8.1, "share_80", Recipient.SECTION_HEAD, 8),
        (10.1, "due", Recipient.BUREAU_LEADER, 10),
        (11.1, "late_1", Recipient.BUREAU_LEADER, 11),
        (13.1, "late_3", Recipient.SAFETY_OFFICE, 13),
        (400, "late_3", Recipient.SAFETY_OFFICE, 13),
    ],
)
def test_a_major_hazard_climbs_from_the_officer_to_the_county(
    after_days: float, stage: str | None, recipient: Recipient | None, since_days: float | None
) -> None:
    found = find_escalation(hazard(), now=FRIDAY + timedelta(days=after_days))
    if stage is None or since_days is None:
        assert found is None
        return
    assert found is not None
    assert (found.stage.key, found.stage.recipient) == (stage, recipient)
    assert found.since == FRIDAY + timedelta(days=since_days)


def test_a_general_one_climbs_less_and_a_closed_one_not_at_all() -> None:
    late = FRIDAY + timedelta(days=14)
    general = find_escalation(hazard("general_a"), now=late)
    minor = find_escalation(hazard("minor"), now=late)
    assert general is not None
    assert general.stage.recipient is Recipient.BUREAU_LEADER
    assert minor is not None
    assert minor.stage.recipient is Recipient.SECTION_HEAD
    assert find_escalation(hazard(state="closed", is_open=False), now=late) is None
    assert find_escalation(hazard(due_at=None, original_due_at=None), now=late) is None


def test_an_extension_moves_the_stage_and_keeps_the_original_date_in_sight() -> None:
    extended = hazard(due_at=FRIDAY + timedelta(days=20), extensions=1)
    found = find_escalation(extended, now=FRIDAY + timedelta(days=18))
    assert found is not None
    assert found.stage.key == "share_80"  # of twenty days
    assert (found.days_late, found.days_late_of_original) == (0, 8)
    assert found.original_due_at == FRIDAY + timedelta(days=10)


def test_the_limit_begins_with_the_notice() -> None:
    noticed = hazard(notified_at=FRIDAY + timedelta(days=4))  # six days are allowed
    assert find_escalation(noticed, now=FRIDAY + timedelta(days=6.9)) is None
    found = find_escalation(noticed, now=FRIDAY + timedelta(days=7.1))
    assert found is not None
    assert (found.stage.key, found.since) == ("share_50", FRIDAY + timedelta(days=7))


def test_the_climb_rests_while_a_repair_waits_for_its_reinspection() -> None:
    waiting = hazard(state="submitted", fixed_at=FRIDAY + timedelta(days=9))
    found = find_escalation(waiting, now=FRIDAY + timedelta(days=30))
    assert found is not None
    assert (found.stage.key, found.days_late) == ("share_80", 0)


def test_a_deferred_hazard_is_watched_from_its_review_date_only() -> None:
    deferred = hazard(state="deferred")
    assert find_escalation(deferred, now=FRIDAY + timedelta(days=9)) is None
    found = find_escalation(deferred, now=FRIDAY + timedelta(days=11, hours=1))
    assert found is not None
    assert found.stage.key == "late_1"


def test_the_list_begins_with_whom_it_concerns_most() -> None:
    hazards = [
        hazard("general_b", code="B"),
        hazard(code="A"),
        hazard(code="C", found_at=FRIDAY - timedelta(days=9), due_at=FRIDAY),
    ]
    found = list_escalations(hazards, now=FRIDAY + timedelta(days=9))
    assert [(e.hazard.code, e.stage.recipient.value) for e in found] == [
        ("C", "safety_office"), ("A", "section_head"), ("B", "officer"),
    ]  # fmt: skip


def judge(
    preset: str, severity: Severity, found: str, fixed: str | None, again: str | None, closer: str,
    role: Role = Role.OFFICER,
) -> str | None:  # fmt: skip
    actors = {"found": found, "fixed": fixed, "reinspected": again}
    words = find_second_person_breach(preset, severity, actors, closer, role)
    return words.zh if words else None


A, MAJOR = Severity.GENERAL_A, Severity.MAJOR


@pytest.mark.parametrize(
    ("preset", "severity", "found", "fixed", "again", "closer", "role", "allowed"),
    [
        # A unit of three: 甲 finds and re-inspects, 户 repaired, 乙 closes.
        ("small", A, "甲", "户", "甲", "乙", Role.OFFICER, True),
        ("small", A, "甲", "户", "甲", "甲", Role.OFFICER, False),
        ("small", A, "甲", "户", "户", "乙", Role.OFFICER, False),
        ("small", A, "甲", "乙", "丙", "乙", Role.OFFICER, False),
        ("strict", A, "甲", "户", "甲", "乙", Role.OFFICER, False),
        ("strict", A, "甲", "户", "乙", "丙", Role.OFFICER, True),
        ("strict", A, "甲", "户", "乙", "乙", Role.OFFICER, False),
        ("strict", A, "甲", "户", "乙", "甲", Role.OFFICER, True),
        # Major: three people, and the leader is the one who closes.
        ("small", MAJOR, "甲", "户", "乙", "丙", Role.LEADER, True),
        ("small", MAJOR, "甲", "户", "乙", "丙", Role.OFFICER, False),
        ("small", MAJOR, "甲", "户", "甲", "丙", Role.LEADER, False),
        ("small", MAJOR, "甲", "户", "乙", "乙", Role.LEADER, False),
        ("small", MAJOR, "甲", "户", "乙", "甲", Role.LEADER, False),
        ("strict", MAJOR, "甲", "户", "甲", "丙", Role.LEADER, False),
        ("strict", MAJOR, "甲", "甲", None, "丙", Role.LEADER, False),
        # On the spot: seen by its finder, closed by another.
        ("small", A, "甲", "甲", None, "乙", Role.OFFICER, True),
        ("small", A, "甲", "甲", None, "甲", Role.OFFICER, False),
        ("strict", A, "甲", "甲", None, "甲", Role.OFFICER, False),
    ],
)
def test_who_may_close_what(
    preset: str, severity: Severity, found: str, fixed: str, again: str | None, closer: str,
    role: Role, allowed: bool,
) -> None:  # fmt: skip
    assert (judge(preset, severity, found, fixed, again, closer, role) is None) is allowed


def test_the_refusal_names_who_may() -> None:
    actors = {"found": "甲", "fixed": "户", "reinspected": "甲"}
    said = find_second_person_breach(
        "small", A, actors, "甲", Role.OFFICER, staff=("甲", "乙", "丙")
    )
    assert said is not None
    assert said.zh == "甲 是复查人,不能销号;可由 丙、乙 办理"
    assert said.en == "甲 is who re-inspected it and may not close it; 丙, 乙 may"
    unnamed = find_second_person_breach("small", A, actors, "甲", Role.OFFICER)
    assert unnamed is not None
    assert "户、甲 以外的人员" in unnamed.zh
    assert "other than" in unnamed.en


def test_who_may_reinspect_is_said_before_anybody_closes() -> None:
    hands = {"found": "甲", "fixed": "户"}
    assert find_reinspector_breach("small", A, hands, "甲") is None
    strict = find_reinspector_breach("strict", A, hands, "甲", staff=("甲", "乙"))
    assert strict is not None
    assert strict.zh == "甲 是发现人,不能复查;可由 乙 办理"
    assert find_reinspector_breach("small", MAJOR, hands, "甲") is not None
    assert find_reinspector_breach("small", A, hands, "户") is not None


def test_every_preset_and_severity_has_rules() -> None:
    for preset in Preset:
        for severity in Severity:
            assert judge(preset, severity, "甲", "甲", "甲", "甲", Role.LEADER) is not None


def test_a_repair_on_the_spot_has_two_inspectors_and_a_signature_or_its_refusal() -> None:
    assert find_spot_repair_breach(["甲", "乙"], signed=True) is None
    assert find_spot_repair_breach(["甲", "乙"], signed=False, refusal="负责人不在场") is None
    assert find_spot_repair_breach(["甲"], signed=True) is not None
    assert find_spot_repair_breach(["甲", "甲 "], signed=True) is not None
    assert find_spot_repair_breach(["甲", "乙"], signed=False) is not None
    assert find_spot_repair_breach(["甲", "乙"], signed=False, refusal=" ") is not None


def test_the_sample_of_spot_repairs_is_a_repeatable_share() -> None:
    ids = [UUID(int=n) for n in range(20_000)]
    for percent in SPOT_SAMPLE_PERCENT:
        drawn = [i for i in ids if is_sampled(i, percent=percent, seed="2026")]
        # Four standard deviations of a binomial share around the rate.
        spread = 4 * (percent / 100 * (1 - percent / 100) / len(ids)) ** 0.5
        assert len(drawn) / len(ids) == pytest.approx(percent / 100, abs=spread)
        assert drawn == [i for i in ids if is_sampled(i, percent=percent, seed="2026")]
    assert [i for i in ids if is_sampled(i, percent=5, seed="other")] != drawn


def test_no_state_is_left_out_of_escalation_by_mistake() -> None:
    late = FRIDAY + timedelta(days=40)
    for state in HazardState:
        is_open = state.value not in ("closed", "dismissed", "duplicate", "transferred")
        found = find_escalation(hazard(state=state, is_open=is_open), now=late)
        assert (found is not None) is is_open, state
