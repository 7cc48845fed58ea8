"""The figures of hazards: counts that add up, rates with their numerator, times with open cases.

Every figure says what it counted, as of when, and which key finds its rows
(:func:`gis.hazards.cohort.find_rows`). Rates and times are given for major and general hazards
apart, never pooled; a rate of fewer than a hundred cases carries its Wilson interval. A figure
that cannot be known is empty with a reason, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from gis.attributes import Text, Vocabulary
from gis.hazards.cohort import (
    Counts,
    Question,
    Scope,
    count_cohort,
)
from gis.hazards.loop import say_pieces
from gis.hazards.statistics import SMALL_SAMPLE, Floats, estimate_survival, wilson_interval

DAY_S, HOUR_S = 86_400.0, 3_600.0


class Measure(Vocabulary):
    """What a figure's value is measured in."""

    COUNT = ("count", "项", "hazards")
    SHARE = ("share", "比率", "share")
    DAYS = ("days", "天", "days")
    HOURS = ("hours", "小时", "hours")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``rows`` names the rows behind its numerator, ``base`` those it divides by."""

    key: str
    text: Text
    measure: Measure
    scope: Scope
    value: float | None
    as_of: datetime
    numerator: int | None = None
    denominator: int | None = None
    interval: tuple[float, float] | None = None
    rows: str | None = None
    base: str | None = None
    note: Text | None = None

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it."""
        return {
            "key": self.key,
            "text": self.text.as_dict(),
            "measure": self.measure.value,
            "scope": self.scope.value,
            "value": self.value,
            "as_of": self.as_of.isoformat(),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "interval": list(self.interval) if self.interval else None,
            "rows": self.rows,
            "base": self.base,
            "note": self.note.as_dict() if self.note else None,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one part of a breakdown; ``value`` None where nothing is broken down."""

    value: str | None
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def count(self, key: str) -> int:
        """The value of a count."""
        return int(self.figures[key].value or 0)


COUNT_WORDS: Mapping[str, Text] = {
    "found": Text(zh="发现隐患", en="Found"),
    "on_spot": Text(zh="现场整改", en="Fixed on the spot"),
    "ordered": Text(zh="限期整改", en="Ordered by a date"),
    "undecided": Text(zh="未定", en="Undecided"),
    "transferred": Text(zh="移送", en="Transferred"),
    "dismissed": Text(zh="不属隐患(另列)", en="Dismissed (outside)"),
    "duplicate": Text(zh="重复(另列)", en="Duplicates (outside)"),
    "closed_in_time": Text(zh="按期销号", en="Closed in time"),
    "closed_late": Text(zh="逾期销号", en="Closed late"),
    "not_due": Text(zh="未到期", en="Not yet due"),
    "overdue": Text(zh="逾期未销号", en="Overdue"),
    "deferred": Text(zh="暂缓整改", en="Deferred"),
    "closed_in_time_by_original": Text(zh="按原期限销号", en="Closed by the original date"),
    "closed_late_by_original": Text(zh="超原期限销号", en="Closed after the original date"),
    "not_due_by_original": Text(zh="未到原期限", en="Original date not reached"),
    "overdue_by_original": Text(zh="超原期限未销号", en="Open after the original date"),
    "judged": Text(zh="应整改", en="To be rectified"),
    "closed": Text(zh="已销号", en="Closed"),
    "closed_without_order": Text(
        zh="无期限记录即销号(需核实)", en="Closed without any order on record (to be verified)"
    ),
    "closed_undated": Text(
        zh="销号但无整改日期(需核实)", en="Closed without any date of repair (to be verified)"
    ),
    "awaiting_reinspection": Text(
        zh="逾期项中已按期整改待复查", en="Overdue, but repaired in time and awaiting re-inspection"
    ),
    "extended": Text(zh="延期", en="Extended"),
    "returned": Text(zh="曾复查退回", en="Returned at least once"),
}
"""Counts that are shown, in order; the first sixteen make up the identities."""


@dataclass(frozen=True, slots=True)
class _Rate:
    text: Text
    numerator: str
    denominator: tuple[str, ...]
    note: Text | None = None


_BY_ORIGINAL = ("closed_in_time_by_original", "closed_late_by_original", "overdue_by_original")
_RATES: Mapping[str, _Rate] = {
    "rectification_rate": _Rate(
        Text(zh="整改率(已销号/应整改)", en="Rectification rate"), "closed", ("judged",)
    ),
    "on_time_rate": _Rate(
        Text(zh="按期整改率(按原期限)", en="Rectified by the original date"),
        "closed_in_time_by_original",
        _BY_ORIGINAL,
    ),
    "on_time_rate_extended": _Rate(
        Text(zh="按期整改率(按延期后期限)", en="Rectified by the date in force"),
        "closed_in_time",
        ("closed_in_time", "closed_late", "overdue"),
    ),
    "closed_loop_rate": _Rate(
        Text(zh="闭环率", en="Closed-loop rate"), "closed_loop", ("closed",), say_pieces()
    ),
    "spot_rate": _Rate(
        Text(zh="现场整改率", en="Fixed on the spot, share"), "on_spot", ("judged",)
    ),
    "extension_share": _Rate(Text(zh="延期占比", en="Extension share"), "extended", ("judged",)),
    "late_report_share": _Rate(
        Text(zh="超1小时上报占比", en="Reported more than an hour after finding, share"),
        "reported_late",
        ("reported",),
    ),
    "recurrence_rate": _Rate(
        Text(zh="复发率(一年内再现)", en="Recurrence within a year"),
        "recurred",
        ("recurrable",),
        Text(
            zh="销号后一年内同一设施、同一检查项再次发现;未记设施或检查项的不计",
            en="found again at the same asset, by the same item, within a year after closing;"
            " closed ones without asset or item are not counted",
        ),
    ),
}
_TIMES: Mapping[str, tuple[Text, str, str, float]] = {
    "rectified_median": (
        Text(zh="整改用时中位数", en="Time to rectify, median"), "rectified_s", "rectified", 0.5,
    ),
    "rectified_p90": (
        Text(zh="整改用时P90", en="Time to rectify, P90"), "rectified_s", "rectified", 0.9,
    ),
    "verify_lag_median": (
        Text(zh="复查用时中位数", en="From repair to closing, median"),
        "verified_s", "verified", 0.5,
    ),
    "verify_lag_p90": (
        Text(zh="复查用时P90", en="From repair to closing, P90"),
        "verified_s", "verified", 0.9,
    ),
}  # fmt: skip
_NOT_REACHED = Text(zh="未完成的过多,尚不能得出", en="too many are still open for this to be known")
_BY_ACT = Text(
    zh="按复查次数计,同一隐患可退回多次;明细为所涉隐患",
    en="counted by re-inspections, of which a hazard may have several; the rows are its hazards",
)
_NO_CASES = Text(zh="没有可计算的记录", en="there is nothing to compute it from")


def compute_figures(connection: Connection, question: Question, *, now: datetime) -> list[Part]:
    """All figures of a cohort, by part of its breakdown, from one statement.

    ``now`` (aware): T where the question names no ``as_of``. Without a breakdown there is always
    one part, even when nothing was found.
    """
    rows = count_cohort(connection, question, now=now)
    as_of = question.as_of or now
    values = list(dict.fromkeys(row.part for row in rows))
    if not values and question.by is None:
        values = [None]
    return [
        _make_part(value, [row for row in rows if row.part == value], as_of) for value in values
    ]


def _make_part(value: str | None, rows: Sequence[Counts], as_of: datetime) -> Part:
    figures = [
        Figure(
            key, text, Measure.COUNT, Scope.ALL, float(_total(rows, key)), as_of,
            numerator=_total(rows, key), rows=key,
        )
        for key, text in COUNT_WORDS.items()
    ]  # fmt: skip
    late = _lateness(rows, as_of)
    for scope in (Scope.MAJOR, Scope.GENERAL):
        own = [row for row in rows if row.is_major == (scope is Scope.MAJOR)]
        figures += _rates(own, scope, as_of)
        figures += _times(own, scope, as_of)
    return Part(value, {_name(figure): figure for figure in (*figures, *late)})


def _name(figure: Figure) -> str:
    """Counts by their key, the others by key and scope: ``on_time_rate.major``."""
    return figure.key if figure.scope is Scope.ALL else f"{figure.key}.{figure.scope}"


def _total(rows: Iterable[Counts], key: str) -> int:
    return sum(row.counts[key] for row in rows)


def _rates(rows: Sequence[Counts], scope: Scope, as_of: datetime) -> Iterable[Figure]:
    for key, rate in _RATES.items():
        denominator = sum(_total(rows, name) for name in rate.denominator)
        numerator = _total(rows, rate.numerator)
        where = rate.numerator, ",".join(rate.denominator)
        yield _share(key, rate.text, scope, as_of, (numerator, denominator), where, rate.note)
    # Every re-inspection either closed a hazard or returned it; a hazard may be returned often.
    returns = int(sum(row.sums["returns"] for row in rows))
    closed = _total(rows, "closed_in_time") + _total(rows, "closed_late")
    text = Text(zh="返工率(退回次数/复查次数)", en="Return share of re-inspections")
    where = "returned", "returned,closed_in_time,closed_late"
    yield _share("return_share", text, scope, as_of, (returns, returns + closed), where, _BY_ACT)


def _share(
    key: str,
    text: Text,
    scope: Scope,
    as_of: datetime,
    counted: tuple[int, int],
    where: tuple[str, str],
    note: Text | None,
) -> Figure:
    (numerator, denominator), (rows, base) = counted, where
    if not denominator:
        return Figure(key, text, Measure.SHARE, scope, None, as_of, 0, 0, rows=rows, note=_NO_CASES)
    small = denominator < SMALL_SAMPLE
    return Figure(
        key=key,
        text=text,
        measure=Measure.SHARE,
        scope=scope,
        value=numerator / denominator,
        as_of=as_of,
        numerator=numerator,
        denominator=denominator,
        interval=wilson_interval(numerator, denominator) if small else None,
        rows=rows,
        base=base,
        note=note,
    )


def _times(rows: Sequence[Counts], scope: Scope, as_of: datetime) -> Iterable[Figure]:
    for key, (text, durations, marks, share) in _TIMES.items():
        seconds = _join(rows, durations)
        survival = estimate_survival(seconds, _join(rows, marks).astype(bool))
        reached = survival.quantile(share)
        yield Figure(
            key=key,
            text=text,
            measure=Measure.DAYS,
            scope=scope,
            value=None if reached is None else reached / DAY_S,
            as_of=as_of,
            numerator=survival.ended,
            denominator=survival.ended + survival.censored,
            rows=f"{marks}_ended",
            base=f"{marks}_timed",
            note=None if reached is not None else _NOT_REACHED if len(seconds) else _NO_CASES,
        )
    lags = _join(rows, "reported_s")
    yield Figure(
        key="report_lag_median",
        text=Text(zh="发现至上报用时中位数", en="From finding to the server, median"),
        measure=Measure.HOURS,
        scope=scope,
        value=float(np.median(lags)) / HOUR_S if len(lags) else None,
        as_of=as_of,
        numerator=len(lags),
        denominator=len(lags),
        rows="reported_timed",
        base="reported_timed",
        note=None if len(lags) else _NO_CASES,
    )


def _join(rows: Iterable[Counts], name: str) -> Floats:
    return np.concatenate([np.empty(0), *(np.asarray(r.series[name], float) for r in rows)])


def _lateness(rows: Sequence[Counts], as_of: datetime) -> Iterable[Figure]:
    """Days overdue: how many altogether, and the longest."""
    overdue = _total(rows, "overdue")
    for key, text, seconds in (
        (
            "overdue_days",
            Text(zh="逾期天数合计", en="Days overdue, sum"),
            sum(row.sums["overdue_s"] for row in rows),
        ),
        (
            "overdue_days_max",
            Text(zh="最长逾期天数", en="Days overdue, longest"),
            max((row.sums["overdue_max_s"] for row in rows), default=0.0),
        ),
    ):
        yield Figure(
            key, text, Measure.DAYS, Scope.ALL, seconds / DAY_S, as_of,
            numerator=overdue, rows="overdue",
        )  # fmt: skip
