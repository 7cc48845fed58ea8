"""The clocks of one hazard as they run: read off its events, shown where it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gis.hazards.clocks import RunningClock, run_clocks
from gis.hazards.deadlines import WorkCalendar
from gis.hazards.profiles import PROFILES
from gis.kinds.hazard import HazardCategory, Severity


def list_running(
    hazard: Mapping[str, Any],  # Any: columns of a hazard as JSON
    calendar: WorkCalendar,
) -> list[RunningClock]:
    """The clocks that have started for a hazard, as :func:`gis.hazards.questions.one_hazard`
    answers it: with ``moments``, when each kind of event last took effect.

    The plan's clock stops at the first whole plan since the notice: amending it makes nobody late.
    """
    moments = {name: _read(at) for name, at in (hazard.get("moments") or {}).items()}
    moments.pop("plan_filed", None)
    if hazard.get("plan_filed_at"):
        moments["plan_filed"] = _read(hazard["plan_filed_at"])
    severity, item = Severity(hazard["severity"]), hazard.get("item")
    due_at = _read(hazard["due_at"]) if hazard.get("due_at") else None
    clocks = PROFILES[HazardCategory(hazard["category"])].clocks_of(severity, item)
    return run_clocks(clocks, severity, moments, calendar, item=item, due_at=due_at)


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def as_document(running: RunningClock) -> dict[str, Any]:  # Any: JSON
    """As an API answers it; who reads it compares ``due_at`` with the server's clock."""
    clock, deadline = running.clock, running.deadline
    caution = deadline.caution if deadline else None
    return {
        "key": clock.key,
        "text": clock.text.as_dict(),
        "basis": clock.basis.text.as_dict(),
        "verified": clock.basis.verified,
        "started_at": running.started_at.isoformat(),
        "due_at": deadline.due_at.isoformat() if deadline else None,
        "stopped_at": running.stopped_at.isoformat() if running.stopped_at else None,
        "caution": caution.as_dict() if caution else None,
    }
