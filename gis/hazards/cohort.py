"""A cohort of hazards, sorted into the classes the figures count: one SQL statement.

The cohort is fixed by when a hazard was *found*; where it stands is judged as of a moment T.
Classes follow the bureau's identities (found = fixed on the spot + ordered by a date +
undecided + transferred; ordered = closed in time + closed late + not yet due + overdue +
deferred). Dismissed and duplicate ones lie outside both and are counted beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gis.attributes import Text, Vocabulary
from gis.db.tables import HISTORY
from gis.errors import ParameterError
from gis.hazards.loop import completeness_sql
from gis.kinds.hazard import HazardCategory, HazardOrigin, Severity
from gis.queries import Filter, Parameters, source_clause


class Dimension(Vocabulary):
    """By what figures are broken down."""

    TOWNSHIP = ("township", "乡镇", "Township")
    CATEGORY = ("category", "类别", "Category")
    SEVERITY = ("severity", "隐患等级", "Severity")
    ORIGIN = ("origin", "发现来源", "Found by")
    UNIT = ("unit", "整改责任单位", "Duty holder")
    SITE = ("site", "场所", "Site")
    MONTH = ("month", "月份", "Month found")


_PARTS: Mapping[Dimension, str] = {
    Dimension.TOWNSHIP: "f.township",
    Dimension.CATEGORY: "f.category",
    Dimension.SEVERITY: "f.severity",
    Dimension.ORIGIN: "f.origin",
    Dimension.UNIT: "f.duty_holder",
    Dimension.SITE: "f.asset_id",
    Dimension.MONTH: "to_char(f.found_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
}


class Scope(Vocabulary):
    """Which severities a figure pools; major and general ones are never pooled in a rate."""

    ALL = ("all", "全部", "All")
    MAJOR = ("major", "重大隐患", "Major")
    GENERAL = ("general", "一般隐患", "General")


@dataclass(frozen=True, slots=True)
class Question:
    """Which hazards: found from ``start`` until before ``end``; the rest narrows.

    ``as_of``: where they stood then, read from history; None: where they stand now.
    """

    start: datetime | None = None
    end: datetime | None = None
    as_of: datetime | None = None
    township: str | None = None
    category: HazardCategory | None = None
    severity: Severity | None = None
    origin: HazardOrigin | None = None
    unit: str | None = None
    site: UUID | None = None
    by: Dimension | None = None

    def __post_init__(self) -> None:
        for moment in (self.start, self.end, self.as_of):
            if moment is not None and moment.tzinfo is None:
                raise ParameterError(
                    Text(zh="时刻须带时区", en="a moment needs its time zone"), parameter="start"
                )

    @property
    def equal(self) -> dict[str, object]:
        """Columns with the value asked for."""
        asked = {
            "township": self.township,
            "category": self.category,
            "severity": self.severity,
            "origin": self.origin,
            "duty_holder": self.unit,
            "asset_id": self.site,
        }
        return {name: str(value) for name, value in asked.items() if value is not None}


_COUNTED = "class IN ('on_spot', 'ordered', 'undecided')"
CONDITIONS: Mapping[str, str] = {
    "found": "class NOT IN ('dismissed', 'duplicate')",
    "dismissed": "class = 'dismissed'",
    "duplicate": "class = 'duplicate'",
    "transferred": "class = 'transferred'",
    "on_spot": "class = 'on_spot'",
    "ordered": "class = 'ordered'",
    "undecided": "class = 'undecided'",
    "closed_in_time": "outcome = 'closed_in_time'",
    "closed_late": "outcome = 'closed_late'",
    "not_due": "outcome = 'not_due'",
    "overdue": "outcome = 'overdue'",
    "deferred": "outcome = 'deferred'",
    "closed_in_time_by_original": "by_original = 'closed_in_time'",
    "closed_late_by_original": "by_original = 'closed_late'",
    "not_due_by_original": "by_original = 'not_due'",
    "overdue_by_original": "by_original = 'overdue'",
    "judged": _COUNTED,
    "closed": f"{_COUNTED} AND state = 'closed'",
    "closed_loop": "class IN ('on_spot', 'ordered') AND state = 'closed' AND is_complete",
    "closed_without_order": "class = 'undecided' AND state = 'closed'",
    "closed_undated": "outcome = 'closed_late' AND done_at IS NULL",
    "awaiting_reinspection": "outcome = 'overdue' AND state = 'submitted' AND done_at <= due",
    "extended": "class = 'ordered' AND extensions > 0",
    "returned": "class = 'ordered' AND returns > 0",
    "reported_late": "is_own AND reported_s > 3600",
    "reported": "is_own",
    "recurrable": f"{_COUNTED} AND state = 'closed' AND came_back IS NOT NULL",
    "recurred": f"{_COUNTED} AND state = 'closed' AND came_back",
}
"""Every count as a condition on the sorted cohort: the same one finds its rows."""

_TIMED = {"rectified": f"{_COUNTED} AND open_s IS NOT NULL",
          "verified": f"{_COUNTED} AND waited_s IS NOT NULL"}  # fmt: skip
ROWS: Mapping[str, str] = {
    **CONDITIONS,
    "rectified_timed": _TIMED["rectified"],
    "rectified_ended": f"{_TIMED['rectified']} AND is_done",
    "verified_timed": _TIMED["verified"],
    "verified_ended": f"{_TIMED['verified']} AND state = 'closed'",
    "reported_timed": "is_own AND reported_s IS NOT NULL",
}
"""Whatever rows can be asked for: of counts, and of the cases behind a time."""

_SUMS: Mapping[str, str] = {
    "returns": "coalesce(sum(returns) FILTER (WHERE class = 'ordered'), 0)",
    "overdue_s": "coalesce(sum(late_s) FILTER (WHERE outcome = 'overdue'), 0)",
    "overdue_max_s": "coalesce(max(late_s) FILTER (WHERE outcome = 'overdue'), 0)",
}
_SERIES: Mapping[str, tuple[str, str]] = {
    "rectified_s": ("open_s", _TIMED["rectified"]),
    "rectified": ("is_done", _TIMED["rectified"]),
    "verified_s": ("waited_s", _TIMED["verified"]),
    "verified": ("state = 'closed'", _TIMED["verified"]),
    "reported_s": ("reported_s", ROWS["reported_timed"]),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What the statement counted for one part of a breakdown and one severity class.

    ``series``: durations in seconds with, beside them, whether they ended.
    """

    part: str | None
    is_major: bool
    counts: Mapping[str, int]
    sums: Mapping[str, float]
    series: Mapping[str, Sequence[float]]


def count_cohort(connection: Connection, question: Question, *, now: datetime) -> list[Counts]:
    """Count a cohort by part and severity class, in one statement.

    ``now`` (aware) is T where the question has no ``as_of``.
    """
    parameters: Parameters = {}
    cohort = _cohort_sql(question, now, parameters)
    columns = [
        "part",
        "is_major",
        *(f"count(*) FILTER (WHERE {condition})" for condition in CONDITIONS.values()),
        *_SUMS.values(),
        *(
            f"coalesce(array_agg({what}) FILTER (WHERE {which}), '{{}}')"
            for what, which in _SERIES.values()
        ),
    ]
    sql = f"{cohort} SELECT {', '.join(columns)} FROM sorted GROUP BY 1, 2 ORDER BY 1, 2"
    return [_read_counts(row) for row in connection.exec_driver_sql(sql, parameters).all()]


def _read_counts(row: Sequence[Any]) -> Counts:  # Any: columns of a driver's row
    part, is_major, *rest = row
    ends = len(CONDITIONS), len(CONDITIONS) + len(_SUMS)
    return Counts(
        part=part,
        is_major=bool(is_major),
        counts=dict(zip(CONDITIONS, map(int, rest[: ends[0]]), strict=True)),
        sums=dict(zip(_SUMS, map(float, rest[ends[0] : ends[1]]), strict=True)),
        series=dict(zip(_SERIES, rest[ends[1] :], strict=True)),
    )


def find_rows(
    connection: Connection,
    question: Question,
    key: str,
    *,
    now: datetime,
    scope: Scope = Scope.ALL,
    part: str | None = None,
    limit: int = 10_000,
) -> list[UUID]:
    """Identifiers behind a count, or any of several (``a,b``), the most pressing due date first.

    ``part``: one part of the question's breakdown, "" for what has no value. Raises
    ParameterError for an unknown count.
    """
    keys = key.split(",")
    if not set(keys) <= ROWS.keys():
        raise ParameterError(
            Text(zh="没有此项指标", en="there is no such figure"), known=list(ROWS)
        )
    parameters: Parameters = {"limit": limit}
    cohort = _cohort_sql(question, now, parameters)
    conditions = [f"({' OR '.join(f'({ROWS[one]})' for one in keys)})"]
    if scope is not Scope.ALL:
        conditions.append("is_major" if scope is Scope.MAJOR else "NOT is_major")
    if question.by is not None and part is not None:
        parameters["part"] = part
        conditions.append("coalesce(part, '') = %(part)s")
    sql = (
        f"{cohort} SELECT id FROM sorted WHERE {' AND '.join(conditions)}"
        " ORDER BY due NULLS LAST, found_at, id LIMIT %(limit)s"
    )
    return [row[0] for row in connection.exec_driver_sql(sql, parameters).all()]


def _cohort_sql(question: Question, now: datetime, parameters: Parameters) -> str:
    asked = Filter(equal=question.equal, as_of=question.as_of)
    clause = source_clause("hazard", asked, parameters)
    for name, sign in (("start", ">="), ("end", "<")):
        if (moment := getattr(question, name)) is not None:
            parameters[f"found_{name}"] = moment
            clause += f" AND f.found_at {sign} %(found_{name})s"
    parameters["t"] = question.as_of or now
    # Materialized, or the planner works every CASE out again in each of the thirty counts:
    # 100,000 hazards took 4.8 s instead of 0.9.
    part = _PARTS[question.by] if question.by is not None else "NULL"
    return (
        f"WITH cohort AS MATERIALIZED (SELECT f.id, ({part})::text AS part,"
        " f.severity = 'major' AS is_major, f.state, f.found_at, f.fixed_at, f.closed_at,"
        " f.extensions, f.returns, f.asset_id, f.item,"
        " coalesce(f.due_at, f.original_due_at) AS due,"
        " coalesce(f.original_due_at, f.due_at) AS original,"
        " coalesce(f.fixed_at, f.closed_at) AS done_at,"
        " coalesce(f.submitted_at, f.fixed_at) AS submitted_at, f.source = 'manual' AS is_own,"
        f" {completeness_sql(parameters)} AS is_complete,"
        f" (SELECT extract(epoch FROM h.recorded_at - f.found_at) FROM {HISTORY}.hazard h"
        " WHERE h.id = f.id AND h.version = 1) AS reported_s"
        f" {clause}),"
        f" again AS MATERIALIZED ({_again_sql(question, parameters)}),"
        f" classed AS MATERIALIZED (SELECT c.*, {_CLASS} AS class,"
        " state = 'closed' OR (done_at IS NOT NULL AND done_at <= %(t)s) AS is_done,"
        " CASE WHEN asset_id IS NOT NULL AND item IS NOT NULL THEN a.id IS NOT NULL END"
        " AS came_back FROM cohort c LEFT JOIN again a ON a.id = c.id),"
        f" sorted AS MATERIALIZED (SELECT *, {_outcome_sql('due')} AS outcome,"
        f" {_outcome_sql('original')} AS by_original,"
        " extract(epoch FROM %(t)s - due) AS late_s,"
        " CASE WHEN state = 'closed' AND done_at IS NULL THEN NULL"
        " ELSE extract(epoch FROM CASE WHEN is_done THEN done_at ELSE %(t)s END - found_at) END"
        " AS open_s,"
        " CASE state WHEN 'closed' THEN extract(epoch FROM closed_at - submitted_at)"
        " WHEN 'submitted' THEN extract(epoch FROM %(t)s - submitted_at) END AS waited_s"
        " FROM classed)"
    )


RECURRENCE = "1 year"


def _again_sql(question: Question, parameters: Parameters) -> str:
    """Of what was closed: what was found again within the year after, by T, with the same item at
    the same asset, and stood as a hazard at T. A join, so that it is one pass over either side."""
    known = source_clause("hazard", Filter(as_of=question.as_of), parameters)
    return (
        "SELECT DISTINCT c.id FROM cohort c JOIN (SELECT f.id, f.asset_id, f.item, f.found_at"
        f" {known} AND f.state NOT IN ('dismissed', 'duplicate')) r ON r.asset_id = c.asset_id"
        " AND r.item = c.item AND r.id <> c.id AND r.found_at > c.closed_at"
        f" AND r.found_at <= c.closed_at + interval '{RECURRENCE}' AND r.found_at <= %(t)s"
        " WHERE c.state = 'closed'"
    )


# On the spot: repaired without a date ever being ordered. A repair on the spot that failed its
# review is ordered a date like any other. Undecided: no date, whatever else the record says.
_CLASS = (
    "CASE WHEN state IN ('dismissed', 'duplicate', 'transferred') THEN state"
    " WHEN state = 'fixed_on_spot' OR (state = 'closed' AND fixed_at IS NOT NULL AND due IS NULL)"
    " THEN 'on_spot' WHEN due IS NOT NULL THEN 'ordered' ELSE 'undecided' END"
)


def _outcome_sql(due: str) -> str:
    """Where an ordered hazard stands by one of its dates.

    What is closed without any date of repair cannot be shown to be in time, so it is late.
    """
    return (
        "CASE WHEN class <> 'ordered' THEN NULL"
        f" WHEN state = 'closed' THEN CASE WHEN done_at <= {due} THEN 'closed_in_time'"
        " ELSE 'closed_late' END"
        " WHEN state = 'deferred' THEN 'deferred'"
        f" WHEN {due} >= %(t)s THEN 'not_due' ELSE 'overdue' END"
    )
