"""Clocks of a hazard: which limit runs from which event to which, and how far it is.

A clock starts with an event and stops with another; what it allows is law, standard or the
bureau's setting, and says so. Nothing here is stored: clocks are read off the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gis.attributes import Text
from gis.hazards.deadlines import (
    WEEKENDS_ONLY_NOTE,
    Deadline,
    Hours,
    Limit,
    WorkCalendar,
    count_deadline,
    end_of_day,
    next_working_day,
)
from gis.kinds.hazard import Severity

MAJOR_ONLY = frozenset({Severity.MAJOR})
ALL = frozenset(Severity)


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a rule comes from, and whether it was read there."""

    text: Text
    verified: bool = False


CUSTOM = Basis(Text(zh="局内规定,未核对", en="the bureau's setting, not verified"))


@dataclass(frozen=True, slots=True)
class Clock:
    """A limit that runs from one event to another (event types, or steps of a profile).

    ``limit`` None: the date is named by a document. ``items``: catalogue keys it is for, by
    their beginning; empty for all. ``rolls``: a last day that is off moves to the next worked.
    ``reopens``: events after which it runs again, with its old date.
    """

    key: str
    text: Text
    starts: tuple[str, ...]
    stops: tuple[str, ...]
    limit: Hours | Limit | None
    severities: frozenset[Severity] = ALL
    items: tuple[str, ...] = ()
    basis: Basis = CUSTOM
    rolls: bool = False
    reopens: tuple[str, ...] = ()

    def concerns(self, severity: Severity, item: str | None) -> bool:
        """Whether it runs for a hazard of this severity and item."""
        named = not self.items or (item is not None and item.startswith(self.items))
        return severity in self.severities and named


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock of one hazard: since when, until when, when it was stopped."""

    clock: Clock
    started_at: datetime
    deadline: Deadline | None
    stopped_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Whether it ran out before it was stopped, or before ``now``."""
        return self.deadline is not None and (self.stopped_at or now) > self.deadline.due_at


def run_clocks(
    clocks: Iterable[Clock],
    severity: Severity,
    moments: Mapping[str, datetime],
    calendar: WorkCalendar,
    *,
    item: str | None = None,
    due_at: datetime | None = None,
) -> list[RunningClock]:
    """The clocks that have started, from the moments (aware) events or steps last happened.

    ``due_at``: the date in force of the notice, for the clock whose date a document names.
    A clock is stopped by the first stopping event at or after its start.
    """
    running = []
    for clock in clocks:
        if not clock.concerns(severity, item):
            continue
        begun = [moments[name] for name in clock.starts if name in moments]
        if not begun:
            continue
        start = min(begun)
        deadline = _deadline_of(clock, start, calendar, due_at)
        running.append(RunningClock(clock, start, deadline, _stopped_at(clock, start, moments)))
    return running


def _stopped_at(clock: Clock, start: datetime, moments: Mapping[str, datetime]) -> datetime | None:
    again = max([start, *(moments[name] for name in clock.reopens if name in moments)])
    ends = [m for n in clock.stops if (m := moments.get(n)) is not None and m >= again]
    return min(ends, default=None)


def _deadline_of(
    clock: Clock, start: datetime, calendar: WorkCalendar, due_at: datetime | None
) -> Deadline | None:
    if clock.limit is None:
        return Deadline(due_at) if due_at is not None else None
    deadline = count_deadline(start, clock.limit, calendar)
    if not clock.rolls:
        return deadline
    # A period of days whose last day is off ends with the next worked day (procedural law,
    # unverified).
    last = next_working_day(deadline.due_at.date(), calendar=calendar)
    settled = calendar.knows_all(deadline.due_at.date(), last)
    return Deadline(end_of_day(last), None if settled else WEEKENDS_ONLY_NOTE)
