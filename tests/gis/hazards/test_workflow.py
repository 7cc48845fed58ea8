"""A hazard goes where the table says, and nowhere else."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.attributes import Language
from gis.errors import RowError, TransitionError
from gis.hazards.events import EventType
from gis.hazards.transitions import TRANSITIONS
from gis.hazards.workflow import allowed_events, apply, fold
from gis.kinds.hazard import NEXT_STATES, HazardState
from tests.gis.hazards.lives import DUE, LEGAL, PATHS, START, events_of, make_event


def test_the_hand_written_table_speaks_of_every_state() -> None:
    assert set(LEGAL) - {""} == {state.value for state in HazardState}


def test_the_guard_of_the_database_knows_exactly_the_pairs_of_the_workflow() -> None:
    led_to = {
        (state, transition.to)
        for transition in TRANSITIONS.values()
        for state in transition.from_states
        if transition.to is not None and transition.to is not state
    }
    assert {(a, b) for a, following in NEXT_STATES.items() for b in following} == led_to


@pytest.mark.parametrize("state", list(PATHS))
@pytest.mark.parametrize("event", [e.value for e in EventType])
def test_a_state_allows_exactly_the_events_of_the_table(state: str, event: str) -> None:
    past = events_of(PATHS[state])
    hazard = fold(past) if past else None
    assert (hazard.state.value if hazard else "") == state
    following = make_event(event, len(past) + 1)
    if event in LEGAL[state].split():
        apply(hazard, following)
    else:
        with pytest.raises(TransitionError) as refused:
            apply(hazard, following)
        allowed = refused.value.facts["allowed"]
        assert isinstance(allowed, list)
        assert sorted(allowed) == sorted(LEGAL[state].split())


@pytest.mark.parametrize(
    ("state", "is_open"),
    [("found", True), ("fixed_on_spot", True), ("deferred", True), ("returned", True),
     ("closed", False), ("transferred", False), ("dismissed", False), ("duplicate", False)],
)  # fmt: skip
def test_what_has_ended_is_not_open(state: str, is_open: bool) -> None:
    assert fold(events_of(PATHS[state])).is_open is is_open


def test_a_refusal_names_in_both_languages_what_is_allowed() -> None:
    hazard = fold(events_of("found registered"))
    with pytest.raises(TransitionError) as refused:
        apply(hazard, make_event("closed", 3))
    assert refused.value.text(Language.ZH) == (
        "隐患 H-1 处于“已登记”,不能销号;现可:下达通知、暂缓整改、移送、并案、临时管控、补充、"
        "声明证据遗失"
    )
    assert refused.value.text(Language.EN).startswith('hazard H-1 is "Registered": "Closed" is not')


def test_a_role_that_may_not_is_refused_and_one_that_may_is_not() -> None:
    hazard = fold(events_of(PATHS["submitted"]))
    with pytest.raises(TransitionError, match="Duty holder"):
        apply(hazard, make_event("closed", 6, role="duty_holder"))
    assert apply(hazard, make_event("closed", 6, role="officer")).state is HazardState.CLOSED


def test_an_extension_keeps_the_original_deadline_and_comes_once() -> None:
    hazard = fold(events_of("found registered notified rectifying extended"))
    assert hazard.original_due_at == DUE
    assert hazard.due_at == START + timedelta(days=20)
    assert hazard.state is HazardState.RECTIFYING
    again = {"due_at": (START + timedelta(days=40)).isoformat(), "reason": "再延"}
    with pytest.raises(TransitionError, match="only once"):
        apply(hazard, make_event("extended", 6, payload=again))


def test_an_extension_to_an_earlier_day_is_refused() -> None:
    hazard = fold(events_of("found registered notified"))
    earlier = {"due_at": (DUE - timedelta(days=1)).isoformat(), "reason": "提前"}
    with pytest.raises(TransitionError, match="later"):
        apply(hazard, make_event("extended", 4, payload=earlier))


# 2 March 2026 plus ninety days is 31 May (29 days left of March, 30 of April, 31 of May).
@pytest.mark.parametrize(
    ("review_on", "fine"),
    [("2026-03-02", False), ("2026-03-03", True), ("2026-05-31", True), ("2026-06-01", False)],
)
def test_a_deferral_is_reviewed_within_ninety_days(review_on: str, fine: bool) -> None:
    hazard = fold(events_of("found registered"))
    event = make_event("deferred", 3, payload={"review_on": review_on, "reason": "年度改造"})
    if not fine:
        with pytest.raises(TransitionError):
            apply(hazard, event)
        return
    deferred = apply(hazard, event)
    assert deferred.review_on == date.fromisoformat(review_on)
    assert deferred.due_at is not None
    assert deferred.due_at.isoformat() == f"{review_on}T23:59:59+08:00"


def test_a_deferral_leaves_the_original_deadline_on_record() -> None:
    hazard = fold(events_of("found registered notified deferred rectifying"))
    assert hazard.original_due_at == DUE
    assert hazard.review_on is None


def test_a_notice_without_a_date_gets_the_limit_of_the_severity() -> None:
    # General A: seven days. Noticed on 2 March (9:00 in Shanghai), so due at the end of the 9th.
    hazard = fold(events_of("found registered"))
    noticed = apply(hazard, make_event("notified", 3, payload={}))
    assert noticed.due_at == datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC)


def test_a_notice_due_before_it_was_given_is_refused() -> None:
    hazard = fold(events_of("found registered"))
    backwards = {"due_at": (START - timedelta(days=1)).isoformat()}
    with pytest.raises(TransitionError, match="before the notice"):
        apply(hazard, make_event("notified", 3, payload=backwards))


def test_work_sent_back_is_counted_and_no_longer_fixed() -> None:
    path = "found registered notified rectifying submitted returned rectifying submitted returned"
    hazard = fold(events_of(path))
    assert (hazard.returns, hazard.fixed_at) == (2, None)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("found", {"code": "H", "severity": "major", "lon": 1, "lat": 1}),
        ("found", {"code": "H", "category": "gas", "severity": "huge", "lon": 1, "lat": 1}),
        ("found", {"code": "H\x00", "category": "gas", "severity": "major", "lon": 1, "lat": 1}),
        ("extended", {"due_at": "2026-03-20T00:00:00", "reason": "no zone"}),
        ("extended", {"due_at": "2026-03-20T00:00:00Z"}),
        ("deferred", {"review_on": "soon", "reason": "x"}),
        ("transferred", {}),
        ("duplicate", {"survivor": ""}),
        ("closed", {"surprise": 1}),
        ("overdue", {}),
    ],
)
def test_a_payload_that_is_not_the_events_own_is_refused(
    name: str, payload: dict[str, object]
) -> None:
    with pytest.raises(RowError):
        make_event(name, 1, payload=payload)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(RowError, match="at"):
        make_event("found", 1, at=datetime(2026, 3, 2, 9, 0))


@given(st.data())
def test_whatever_legal_things_happen_the_record_stays_coherent(data: st.DataObject) -> None:
    hazard = apply(None, make_event("found", 1))
    for seq in range(2, 14):
        refused = {"imported"}  # an import states everything anew
        if hazard.extensions or (hazard.due_at and hazard.due_at >= START + timedelta(days=20)):
            refused.add("extended")
        names = [e.value for e in allowed_events(hazard.state) if e.value not in refused]
        if not names:
            break
        before = hazard
        hazard = apply(hazard, make_event(data.draw(st.sampled_from(names)), seq))
        assert hazard.is_open is (LEGAL[hazard.state.value] != "commented")
        assert hazard.extensions <= 1
        assert hazard.original_due_at == before.original_due_at or before.original_due_at is None
        assert hazard.returns - before.returns == (hazard.state.value == "returned") * (
            before.state.value == "submitted"
        )
        assert (hazard.closed_at is not None) is (hazard.state is HazardState.CLOSED)
    assert (hazard.code, hazard.found_at) == ("H-1", START)
