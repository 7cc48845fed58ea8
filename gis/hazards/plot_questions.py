"""Land plots as the office reads them: the list, and one plot with its route, steps and clock."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import NotFoundError
from gis.hazards.deadlines import BUSINESS_CLOCK, WorkCalendar
from gis.hazards.plot_records import read_plots
from gis.hazards.plots import (
    MOVED,
    EnforcementStep,
    Plot,
    list_next,
    run_litigation_window,
)
from gis.hazards.profiles import PLOT_ROUTES, find_enforcement_state
from gis.hazards.running import as_document
from gis.queries import Statement

_AREAS = "f.plot_area_m2, f.cultivated_m2, f.basic_farmland_m2"
_FACTS = (
    f"f.id, f.code, f.name, f.township, f.section, f.plot_number, f.plot_year, f.plot_source,"
    f" {_AREAS}, f.purpose, f.rectifying_party, f.enforcer, f.due_on, f.obstacle,"
    + ", ".join(f" f.{name}" for name in MOVED)
)


def list_plots(*, limit: int) -> Statement:
    """Plots as one JSON document: the open ones by due date, then the closed."""
    return Statement(
        "SELECT json_build_object('plots', coalesce(json_agg(row_to_json(x)), '[]'))::text"
        " FROM (SELECT f.id, f.code, f.name,"
        " f.township, f.stage, f.route, f.due_on, f.rectifying_party,"
        f" {_AREAS} FROM {CORE}.land_plot f"
        " ORDER BY f.stage = 'closed', f.due_on NULLS LAST, f.code LIMIT %(limit)s) x",
        {"limit": limit},
    )


def read_plot_document(
    connection: Connection, plot_id: UUID, *, now: datetime, calendar: WorkCalendar
) -> dict[str, Any]:  # Any: JSON
    """One plot: facts, the stages of its routes in words, its steps, where enforcement stands.

    Raises NotFoundError.
    """
    row = connection.execute(
        text(
            f"SELECT row_to_json(x) FROM (SELECT {_FACTS} FROM {CORE}.land_plot f"
            " WHERE f.id = :id) x"
        ),
        {"id": plot_id},
    ).scalar()
    if row is None:
        raise NotFoundError(Text(zh="没有此图斑", en="no such land plot"))
    columns = {name: row[name] for name in MOVED}
    plot = read_plots(connection, plot_id).get(plot_id) or Plot(columns)
    return {
        "plot": dict(row),
        "steps": connection.execute(text(_STEPS), {"id": plot_id}).scalar(),
        "routes": _describe_routes(),
        "enforcement": _describe_enforcement(plot, now, calendar),
        "next": list_next(plot),
    }


_STEPS = (
    "SELECT coalesce(json_agg(json_build_object('id', p.id, 'chain', p.chain, 'step', p.step,"
    " 'done_on', p.done_on, 'document', p.document, 'before', p.before, 'after', p.after,"
    " 'note', p.note, 'actor', p.actor, 'recorded_at', e.at,"
    " 'withdrawn_because', p.withdrawn_because) ORDER BY e.number), '[]')"
    f" FROM {CORE}.plot_step p JOIN {CORE}.event e ON e.id = p.id WHERE p.asset_id = :id"
)


def _describe_routes() -> dict[str, list[dict[str, Any]]]:  # Any: JSON
    """The stages of every route; what each is on its route was not read in an original."""
    return {
        route: [
            {"key": s.key, "text": s.text.as_dict(), "needs_document": s.document is not None}
            for s in steps
        ]
        for route, steps in PLOT_ROUTES.items()
    }


def _describe_enforcement(
    plot: Plot, now: datetime, calendar: WorkCalendar
) -> dict[str, Any]:  # Any: JSON
    days = plot.enforced()
    moments = {n: datetime.combine(day, time(), BUSINESS_CLOCK) for n, day in days.items()}
    state = find_enforcement_state(moments, calendar, now=now)
    served = days.get(EnforcementStep.DECISION_SERVED.value)
    clock = as_document(run_litigation_window(served, calendar)) if served is not None else None
    if clock is not None:
        stops = [moments[n].isoformat() for n in ("sued", "court_applied", "restored") if n in days]
        clock["stopped_at"] = min(stops, default=None)
    return {
        "state": state.value,
        "text": state.text.as_dict(),
        "steps": {name: day.isoformat() for name, day in days.items()},
        "clock": clock,
    }
