"""What records about land plots lead to: their steps, and the plot's row that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, text, update

from gis.attributes import Text
from gis.db.flood_tables import plot_step
from gis.db.tables import CORE, current
from gis.hazards.case import Outcome, Reason, Verdict
from gis.hazards.deadlines import WorkCalendar
from gis.hazards.events import Payload
from gis.hazards.plots import (
    MOVED,
    PLOT_PAYLOADS,
    Plot,
    PlotAdvanced,
    PlotArea,
    PlotEnforced,
    PlotRouteChosen,
    PlotStep,
    PlotStepWithdrawn,
    find_day_breach,
    find_enforcement_breach,
    find_route_breach,
    find_stage_breach,
    find_withdrawal_breach,
    run_litigation_window,
)
from gis.hazards.record_types import RecordType
from gis.hazards.records import Record

_APPLIED = Verdict(Outcome.APPLIED)
_LOCK = 7265
_ROW = ", ".join(f"f.{name}" for name in MOVED)


def lock_plot(connection: Connection, plot_id: UUID) -> None:
    """One writer of a plot's steps at a time, before a number is drawn."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:id, :key))"),
        {"id": str(plot_id), "key": _LOCK},
    )


def settle_plot(
    connection: Connection,
    type_: str,
    plot_id: UUID | None,
    payload: Mapping[str, Any],  # Any: judged by type
    calendar: WorkCalendar,
) -> dict[str, Any]:  # Any: JSON
    """What the judgement of a plot's record takes from tables and calendars of its day.

    ``base``: what the register said before the first record; ``due_at``: the end of the time to
    sue, where the record is of the decision's service.
    """
    settled: dict[str, Any] = {}
    if plot_id is not None and not _has_steps(connection, plot_id):
        settled["base"] = _read_columns(connection, plot_id)
    if type_ == RecordType.PLOT_ENFORCED and payload.get("step") == "decision_served":
        try:
            served_on = PlotEnforced.model_validate(dict(payload)).on
        except ValueError:  # refused for it when it is judged
            return settled
        window = run_litigation_window(served_on, calendar)
        if window.deadline is not None:
            settled["due_at"] = window.deadline.due_at.isoformat()
            caution = window.deadline.caution
            settled |= {"caution": caution.as_dict()} if caution else {}
    return settled


def _has_steps(connection: Connection, plot_id: UUID) -> bool:
    query = text(f"SELECT EXISTS (SELECT 1 FROM {CORE}.plot_step WHERE asset_id = :id)")
    return bool(connection.execute(query, {"id": plot_id}).scalar())


def _read_columns(connection: Connection, plot_id: UUID) -> dict[str, Any]:  # Any: JSON
    row = connection.execute(
        text(
            f"SELECT row_to_json(x) FROM (SELECT {_ROW} FROM {CORE}.land_plot f WHERE f.id = :id) x"
        ),
        {"id": plot_id},
    ).scalar()
    return dict(row) if row is not None else {}


_PLOTS = (
    "SELECT p.id, p.asset_id, p.chain, p.step, p.done_on, p.document, p.due_at,"
    f" p.withdrawn_because IS NOT NULL AS withdrawn, e.settled -> 'base' AS base"
    f" FROM {CORE}.plot_step p JOIN {CORE}.event e ON e.id = p.id"
    " WHERE CAST(:id AS uuid) IS NULL OR p.asset_id = :id ORDER BY e.number"
)


def read_plots(connection: Connection, plot_id: UUID | None = None) -> dict[UUID, Plot]:
    """Plots something was recorded about (or the one named), by identity."""
    found: dict[UUID, Plot] = {}
    for row in connection.execute(text(_PLOTS), {"id": plot_id}).mappings():
        known = found.get(row["asset_id"]) or Plot(row["base"] or {})
        steps = known.steps
        if not row["withdrawn"]:
            steps += (PlotStep(**{name: row[name] for name in _STEP}),)
        found[row["asset_id"]] = Plot(known.base, steps)
    return found


_STEP = ("id", "chain", "step", "done_on", "document", "due_at")


def read_plot(connection: Connection, record: Record) -> Plot:
    """The plot a record is about, as it stands before it."""
    known = read_plots(connection, record.asset_id) if record.asset_id else {}
    base = Plot(record.settled.get("base") or {})
    return next(iter(known.values()), base)


def _refuse(rule: str, zh: str, en: str) -> Verdict:
    return Verdict(Outcome.REFUSED, Reason(rule, Text(zh=zh, en=en)))


def _advance(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, PlotRouteChosen | PlotAdvanced | PlotEnforced):
        raise TypeError("a plot's record carries its payload")
    kind = connection.execute(
        text(f"SELECT kind FROM {CORE}.asset WHERE id = :id"), {"id": record.asset_id}
    ).scalar()
    if kind != "land_plot":
        return _refuse("plot", "请指明图斑", "it names no land plot")
    plot = read_plot(connection, record)
    breach = find_day_breach(payload.on, record.at)
    if breach is None:
        breach = _find_breach(plot, payload)
    if breach is not None:
        return Verdict(Outcome.REFUSED, breach)
    connection.execute(insert(plot_step).values(**_as_row(record, payload)))
    return _APPLIED


def _find_breach(
    plot: Plot, payload: PlotRouteChosen | PlotAdvanced | PlotEnforced
) -> Reason | None:
    if isinstance(payload, PlotRouteChosen):
        return find_route_breach(plot, payload)
    if isinstance(payload, PlotAdvanced):
        return find_stage_breach(plot, payload)
    return find_enforcement_breach(plot, payload)


def _as_row(
    record: Record, payload: PlotRouteChosen | PlotAdvanced | PlotEnforced
) -> dict[str, Any]:  # Any: columns
    row: dict[str, Any] = {
        "id": record.id,
        "event_id": record.id,
        "asset_id": record.asset_id,
        "done_on": payload.on,
        "document": payload.document,
        "note": payload.note,
        "actor": record.actor,
    }
    if isinstance(payload, PlotRouteChosen):
        return row | {"chain": "route", "step": payload.route.value}
    if isinstance(payload, PlotEnforced):
        due_at = record.settled.get("due_at")
        return row | {"chain": "enforce", "step": payload.step.value, "due_at": due_at}
    areas = {"before": _as_json(payload.before), "after": _as_json(payload.after)}
    return row | {"chain": "rectify", "step": payload.stage.value, **areas}


def _as_json(area: PlotArea | None) -> Mapping[str, float] | None:
    return None if area is None else area.model_dump(exclude_none=True)


def _withdraw(connection: Connection, record: Record, payload: Payload) -> Verdict:
    if not isinstance(payload, PlotStepWithdrawn):
        raise TypeError("a withdrawal carries PlotStepWithdrawn")
    breach = find_withdrawal_breach(read_plot(connection, record), payload.step)
    if breach is not None:
        return Verdict(Outcome.REFUSED, breach)
    connection.execute(
        update(plot_step)
        .where(plot_step.c.id == payload.step)
        .values(withdrawn_because=payload.reason, event_id=record.id)
    )
    return _APPLIED


PLOT_EFFECTS: Mapping[RecordType, Callable[[Connection, Record, Payload], Verdict]] = {
    RecordType.PLOT_ROUTE_CHOSEN: _advance,
    RecordType.PLOT_ADVANCED: _advance,
    RecordType.PLOT_ENFORCED: _advance,
    RecordType.PLOT_STEP_WITHDRAWN: _withdraw,
}


def write_plot_row(connection: Connection, record: Record) -> None:
    """The plot's row as its records leave it, valid from the moment of the last one.

    Written after the record's outcome: the guard of the table asks for it.
    """
    if record.type not in PLOT_PAYLOADS or record.asset_id is None:
        return
    plot = read_plots(connection, record.asset_id)[record.asset_id]
    _update_row(connection, record.asset_id, plot, at=record.at.isoformat())


def _update_row(connection: Connection, plot_id: UUID, plot: Plot, *, at: str) -> None:
    """Write what differs; nothing where nothing does."""
    columns = plot.columns()
    if _read_columns(connection, plot_id) == columns:
        return
    table = current["land_plot"]
    before = connection.execute(
        text(
            "SELECT coalesce(current_setting('infratrack.valid_from', true), ''),"
            " set_config('infratrack.valid_from',"
            " greatest(lower(f.valid), CAST(:at AS timestamptz))::text, true)"
            f" FROM {CORE}.land_plot f WHERE f.id = :id"
        ),
        {"at": at, "id": plot_id},
    ).first()
    connection.execute(update(table).where(table.c.id == plot_id).values(**columns))
    connection.execute(
        text("SELECT set_config('infratrack.valid_from', :before, true)"),
        {"before": before[0] if before is not None else ""},
    )


def find_plot_drift(connection: Connection) -> dict[UUID, str]:
    """Plots (their codes) whose row is not what their records lead to: must be none."""
    plots = read_plots(connection)
    rows = connection.execute(
        text(
            f"SELECT f.id, f.code, row_to_json(x) FROM {CORE}.land_plot f"
            f" CROSS JOIN LATERAL (SELECT {_ROW}) x WHERE f.id = ANY(:ids)"
        ),
        {"ids": list(plots)},
    )
    return {row[0]: row[1] for row in rows if dict(row[2]) != plots[row[0]].columns()}


def rewrite_plots(connection: Connection) -> int:
    """Write anew the rows that are not what their records lead to (jobs role); how many."""
    wrong = find_plot_drift(connection)
    plots = read_plots(connection)
    for plot_id in wrong:
        now = connection.execute(text("SELECT now()::text")).scalar_one()
        _update_row(connection, plot_id, plots[plot_id], at=now)
    return len(wrong)
