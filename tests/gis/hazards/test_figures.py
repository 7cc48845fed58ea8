"""The figures of hazards against published examples, a hand-made cohort and the county's truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from gis.attributes import Vocabulary
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county, load_county
from gis.demonstration.plan import AS_OF
from gis.errors import ParameterError
from gis.hazards.cohort import (
    ROWS,
    Dimension,
    Question,
    Scope,
    find_rows,
)
from gis.hazards.events import read_event
from gis.hazards.figures import COUNT_WORDS, Part, compute_figures
from gis.hazards.record import load_events
from gis.hazards.statistics import estimate_survival, wilson_interval
from gis.kinds.hazard import HazardCategory, Severity
from tests.conftest import CloneDatabase, OneTransaction, connect_pools
from tests.gis.hazards.lives import as_rows


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_the_published_interval(
    successes: int, total: int, low: float, high: float
) -> None:
    assert wilson_interval(successes, total) == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_nothing_is_an_error() -> None:
    for successes, total in ((0, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="no share"):
            wilson_interval(successes, total)


# E. J. Freireich and others, Blood 21 (1963) 699-716: weeks of remission under 6-mercaptopurine
# (+ censored) and placebo, with the estimate as in D. G. Kleinbaum, M. Klein, Survival Analysis.
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_WELL = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_kaplan_meier_is_the_published_estimate() -> None:
    found = estimate_survival(
        [*TREATED, *STILL_WELL], [True] * len(TREATED) + [False] * len(STILL_WELL)
    )
    assert list(found.times) == [6, 7, 10, 13, 16, 22, 23]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert found.shares == pytest.approx(published, abs=5e-4)
    assert (found.ended, found.censored) == (9, 12)
    assert found.quantile(0.5) == 23
    assert found.quantile(0.9) is None  # the last of them ended at 0.448
    placebo = estimate_survival(PLACEBO, [True] * 21)
    assert placebo.quantile(0.5) == 8


def test_without_open_cases_it_is_the_plain_quantile_and_without_any_nothing() -> None:
    assert estimate_survival(range(1, 11), [True] * 10).quantile(0.9) == 9
    assert estimate_survival([], []).quantile(0.5) is None
    assert estimate_survival([5.0, 6.0], [False, False]).quantile(0.5) is None


START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
T = START + timedelta(days=30)


Step = tuple[str, float, dict[str, Any]]  # Any: values of a payload


class Written:
    """A cohort written down by hand: each hazard with the class it must fall into."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.count = 0

    def add(self, *steps: Step, **found: object) -> UUID:
        self.count += 1
        hazard = UUID(int=self.count)
        first = {
            "code": f"H-{self.count}", "category": "gas", "severity": "general_a",
            "lon": 99.1, "lat": 25.0,
        }  # fmt: skip
        for seq, (name, days, payload) in enumerate(
            [("found", 0.0, first | found), *steps], start=1
        ):
            self.rows.append(
                {
                    "id": UUID(int=self.count * 100 + seq),
                    "hazard_id": hazard,
                    "seq": seq,
                    "type": name,
                    "at": START + timedelta(days=days),
                    "actor": "甲" if name in ("found", "returned", "passed") else "乙",
                    "payload": payload,
                }
            )
        return hazard


def due(days: float) -> dict[str, Any]:
    return {"due_at": (START + timedelta(days=days)).isoformat()}


def ordered(due_days: float, *more: Step) -> list[Step]:
    return [("registered", 0.1, {}), ("notified", 0.2, due(due_days)), *more]


def worked(fixed: float, closed: float | None = None) -> list[Step]:
    steps: list[Step] = [
        ("rectifying", 0.3, {}), ("submitted", fixed, {}),
    ]  # fmt: skip
    return steps if closed is None else [*steps, ("closed", closed, {})]


@pytest.fixture
def cohort(db: OneTransaction) -> Connection:
    """Fourteen general hazards, two major ones, and two outside the count."""
    written = Written()
    add = written.add
    spot: Step = ("fixed_on_spot", 0.05, {})
    add(spot)
    add(spot, ("closed", 2, {}))
    # A repair on the spot that failed its review and was ordered a date.
    add(spot, ("registered", 1, {}), ("notified", 1.5, due(8)), township="539921101")
    add()
    add(("registered", 0.1, {}))
    add(("transferred", 1, {"to": "消防"}))
    add(("dismissed", 1, {"reason": "不属"}))
    add(("duplicate", 1, {"survivor": "H-1"}))
    # Repaired in time, closed after the date; the only one with a re-inspection on record.
    add(*ordered(7, *worked(5), ("passed", 9, {}), ("closed", 10, {})))
    add(*ordered(7, *worked(9, 10)))  # repaired late
    extended = ("extended", 6, {**due(17), "reason": "配件"})
    add(*ordered(7, ("rectifying", 0.3, {}), extended, ("submitted", 12, {}), ("closed", 13, {})))
    add(*ordered(40))
    add(*ordered(7))
    add(*ordered(7, *worked(6)))  # repaired in time, waiting for re-inspection
    add(*ordered(7, ("deferred", 3, {"review_on": "2026-05-01", "reason": "需立项"})))
    returned: list[Step] = [("returned", 6, {}), ("rectifying", 6.5, {}), ("submitted", 6.9, {})]
    add(*ordered(7, *worked(5), *returned, ("closed", 8, {})))
    add(*ordered(15, *worked(4, 5)), severity="major", category="flood")
    add(*ordered(15), severity="major", duty_holder="云屏燃气")
    with db.write(actor="test", reason="cohort") as connection:
        rows = [as_rows([read_event(row)])[0] for row in written.rows]
        load_events(connection, rows)
    return db.connection


HAND = {
    "found": 16, "on_spot": 2, "ordered": 11, "undecided": 2, "transferred": 1,
    "dismissed": 1, "duplicate": 1,
    "closed_in_time": 4, "closed_late": 1, "not_due": 1, "overdue": 4, "deferred": 1,
    "closed_in_time_by_original": 3, "closed_late_by_original": 2, "not_due_by_original": 1,
    "overdue_by_original": 4,
    "judged": 15, "closed": 6, "closed_without_order": 0, "closed_undated": 0,
    "awaiting_reinspection": 1, "extended": 1, "returned": 1,
}  # fmt: skip


def one(connection: Connection, question: Question | None = None) -> Part:
    (part,) = compute_figures(connection, question or Question(), now=T)
    return part


def assert_identities(part: Part) -> None:
    """domain.md 2, word by word."""
    n = part.count
    assert n("found") == n("on_spot") + n("ordered") + n("undecided") + n("transferred")
    for base in ("", "_by_original"):
        assert n("ordered") == n("deferred") + sum(
            n(f"{name}{base}") for name in ("closed_in_time", "closed_late", "not_due", "overdue")
        )
    assert n("judged") == n("found") - n("transferred")


def test_every_hazard_falls_into_the_class_written_down_by_hand(cohort: Connection) -> None:
    part = one(cohort)
    assert {key: part.count(key) for key in COUNT_WORDS} == HAND
    assert_identities(part)


def test_every_count_finds_its_rows(cohort: Connection) -> None:
    part = one(cohort)
    for key in COUNT_WORDS:
        assert len(find_rows(cohort, Question(), key, now=T)) == part.count(key), key
    (waiting,) = find_rows(cohort, Question(), "awaiting_reinspection", now=T)
    assert waiting == UUID(int=14)
    major = find_rows(cohort, Question(), "overdue", now=T, scope=Scope.MAJOR)
    assert major == [UUID(int=18)]
    with pytest.raises(ParameterError):
        find_rows(cohort, Question(), "class = 'x' OR true", now=T)


def test_rates_keep_major_and_general_apart_and_print_what_they_are_made_of(
    cohort: Connection,
) -> None:
    figures = one(cohort).figures
    general = figures["rectification_rate.general"]
    assert (general.numerator, general.denominator) == (5, 13)
    assert general.value == pytest.approx(5 / 13)
    # Wilson for 5 of 13, worked out with a pocket calculator: 0.17709 to 0.64481.
    assert general.interval == pytest.approx((0.1771, 0.6448), abs=5e-5)
    major = figures["rectification_rate.major"]
    assert (major.numerator, major.denominator) == (1, 2)
    on_time = figures["on_time_rate.general"]
    assert (on_time.numerator, on_time.denominator) == (2, 7)  # 2 in time, 2 late, 3 overdue
    extended = figures["on_time_rate_extended.general"]
    assert (extended.numerator, extended.denominator) == (3, 7)
    assert (figures["extension_share.general"].numerator) == 1
    share = figures["return_share.general"]
    assert (share.numerator, share.denominator) == (1, 5)  # four closed, one returned
    assert "rectification_rate" not in figures
    assert figures["on_time_rate.major"].as_of == T


def test_times_count_open_cases_as_open(cohort: Connection) -> None:
    figures = one(cohort).figures
    median = figures["rectified_median.general"]
    # Repaired after days 0.05, 0.05, 5, 6, 6.9, 9, 12; six others open at day 30.
    # S: 11/13, 10/13, 9/13, 8/13, 7/13, 6/13: half had been repaired by day 12.
    assert (median.numerator, median.denominator) == (7, 13)
    assert median.value == pytest.approx(12.0)
    assert figures["rectified_p90.general"].value is None
    assert figures["rectified_p90.general"].note is not None
    # From repair to closing: 1.95, 5, 1, 1, 1.1 days; one waits since day 6 for 24 days.
    lag = figures["verify_lag_median.general"]
    assert (lag.numerator, lag.denominator) == (5, 6)
    assert lag.value == pytest.approx(1.1)
    assert figures["overdue_days_max"].value == pytest.approx(23.0)  # due on day 7
    # 30-7 twice, 30-8, and the major one 30-15.
    assert figures["overdue_days"].value == pytest.approx(23 + 23 + 22 + 15)


def test_a_loop_without_evidence_is_not_closed_and_the_figure_says_what_was_looked_for(
    cohort: Connection,
) -> None:
    rate = one(cohort).figures["closed_loop_rate.general"]
    assert (rate.numerator, rate.denominator, rate.value) == (0, 5, 0.0)
    assert rate.note is not None
    for piece in ("整改前照片", "整改后照片", "签字或拒签", "复查照片"):
        assert piece in rate.note.zh


def test_a_question_narrows_by_time_area_category_unit_and_severity(cohort: Connection) -> None:
    day = timedelta(days=1)
    asked = {
        Question(township="539921101"): 1,
        Question(category=HazardCategory.FLOOD): 1,
        Question(unit="云屏燃气"): 1,
        Question(severity=Severity.MAJOR): 2,
        Question(start=START, end=START + day): 16,
        Question(start=START + day): 0,
        Question(end=START): 0,
        Question(unit="' OR true --"): 0,
    }
    for question, found in asked.items():
        part = one(cohort, question)
        assert part.count("found") == found, question
        assert_identities(part)
    assert (
        one(cohort, Question(start=START + day)).figures["rectification_rate.general"].value is None
    )
    with pytest.raises(ParameterError):
        Question(start=datetime(2026, 1, 1))


def test_a_breakdown_adds_up_to_the_whole(cohort: Connection) -> None:
    whole = one(cohort)
    for dimension in Dimension:
        parts = compute_figures(cohort, Question(by=dimension), now=T)
        for key in COUNT_WORDS:
            assert sum(part.count(key) for part in parts) == whole.count(key), (dimension, key)
        for part in parts:
            assert_identities(part)
    months = compute_figures(cohort, Question(by=Dimension.MONTH), now=T)
    assert [part.value for part in months] == ["2026-03"]
    units = compute_figures(cohort, Question(by=Dimension.UNIT), now=T)
    assert {part.value: part.count("found") for part in units} == {"云屏燃气": 1, None: 15}
    rows = find_rows(cohort, Question(by=Dimension.UNIT), "found", now=T, part="云屏燃气")
    assert rows == [UUID(int=18)]


def test_where_they_stood_is_read_from_history(cohort: Connection) -> None:
    day_6 = START + timedelta(days=6, hours=1)
    part = one(cohort, Question(as_of=day_6))
    assert_identities(part)
    # On day 6 three were closed: two... the spot repair (2) and the major one (5).
    assert part.count("closed") == 2
    assert part.count("overdue") == 0
    assert part.figures["found"].as_of == day_6
    assert part.count("extended") == 1
    assert one(cohort, Question(as_of=START - timedelta(days=1))).count("found") == 0


def test_it_is_one_statement(cohort: Connection) -> None:
    said: list[str] = []

    def listen(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(cohort, "before_cursor_execute", listen)
    compute_figures(cohort, Question(by=Dimension.TOWNSHIP), now=T)
    event.remove(cohort, "before_cursor_execute", listen)
    assert len(said) == 1


def test_a_figure_as_document_is_plain_json(cohort: Connection) -> None:
    document = one(cohort).figures["rectification_rate.general"].as_document()
    assert document["text"]["en"] == "Rectification rate"
    assert document["interval"] == pytest.approx([0.1771, 0.6448], abs=5e-5)
    assert document["rows"] in ROWS
    for figure in one(cohort).figures.values():
        assert figure.rows is None or figure.rows in ROWS
        for value in figure.as_document().values():
            assert not isinstance(value, Vocabulary | np.generic | datetime)


@pytest.fixture(scope="module")
def county() -> County:
    return build_county(1, 1)


@pytest.fixture(scope="module")
def loaded(
    cluster: Cluster, clone_database: CloneDatabase, county: County
) -> Iterator[PooledDatabase]:
    database = connect_pools(cluster, clone_database())
    load_county(database, county, actor="test", progress=lambda *_: None)
    yield database
    database.close()


def test_the_county_comes_out_as_its_generator_knows(
    loaded: PooledDatabase, county: County
) -> None:
    with loaded.read(Pool.STAFF) as connection:
        (part,) = compute_figures(connection, Question(), now=AS_OF)
        by_category = compute_figures(connection, Question(by=Dimension.CATEGORY), now=AS_OF)
    assert_identities(part)
    states, oracle = Counter(county.oracle["hazards_by_state"]), county.oracle
    assert part.count("overdue") + part.count("deferred") >= oracle["hazards_overdue"] > 0
    late_deferred = _deferred_past_review(county)
    assert part.count("overdue") == oracle["hazards_overdue"] - late_deferred
    for key in ("dismissed", "duplicate", "transferred", "deferred", "closed"):
        assert part.count(key) == states[key], key
    assert part.count("undecided") == states["found"] + states["registered"]
    # Closed without a notice in their events: repaired on the spot.
    notified = {e["hazard_id"] for e in county.events if e["type"] == "notified"}
    spot = {e["hazard_id"] for e in county.events if e["type"] == "fixed_on_spot"} - notified
    assert part.count("on_spot") == len(spot)
    assert (
        part.count("found")
        == oracle["counts"]["hazard"] - states["dismissed"] - (states["duplicate"])
    )
    found = Counter(e["payload"]["category"] for e in county.events if e["type"] == "found")
    counted = {
        p.value: p.count("found") + p.count("dismissed") + p.count("duplicate") for p in by_category
    }
    assert counted == dict(found)


def _deferred_past_review(county: County) -> int:
    """Deferred ones whose review has passed: late for the map, deferred for the figures."""
    last = {e["hazard_id"]: e for e in county.events}
    return sum(
        1
        for e in last.values()
        if e["type"] == "deferred"
        and datetime.fromisoformat(f"{e['payload']['review_on']}T23:59:59+08:00") < AS_OF
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    first=st.integers(-1100, 0),
    days=st.integers(1, 900),
    seen=st.one_of(st.none(), st.integers(-1000, 0)),
    category=st.one_of(st.none(), st.sampled_from(HazardCategory)),
    by=st.one_of(st.none(), st.sampled_from(Dimension)),
)
def test_the_identities_hold_for_any_question(
    loaded: PooledDatabase,
    first: int,
    days: int,
    seen: int | None,
    category: HazardCategory | None,
    by: Dimension | None,
) -> None:
    start = AS_OF + timedelta(days=first)
    question = Question(
        start=start,
        end=start + timedelta(days=days),
        as_of=None if seen is None else AS_OF + timedelta(days=seen),
        category=category,
        by=by,
    )
    with loaded.read(Pool.FIELD) as connection:
        parts = compute_figures(connection, question, now=AS_OF)
        for part in parts:
            assert_identities(part)
            for figure in part.figures.values():
                if figure.interval is not None and figure.value is not None:
                    low, high = figure.interval
                    assert 0 <= low <= figure.value <= high <= 1
        total = sum(part.count("overdue") for part in parts)
        assert len(find_rows(connection, question, "overdue", now=AS_OF)) == total
