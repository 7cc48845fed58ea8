"""Projections of flood duty and of what is done about land plots: written anew from the log.

``id`` is the event that began a row, ``event_id`` the one that last wrote it: a guard asks for it,
so nobody writes a row by hand.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.db.tables import CORE, metadata

_EVENT = ["event_id"], [f"{CORE}.event.id"]

duty_shift = Table(
    "duty_shift",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("leader", Text(), nullable=False),
    Column("phone", Text()),
    Column("members", JSONB(), nullable=False),
    Column("response", Text()),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("cancelled_because", Text()),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(*_EVENT),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    Index("ix_duty_shift_ends_at", "ends_at"),
    schema=CORE,
)
"""Who is on duty from ``starts_at`` until before ``ends_at``; a cancelled one stays on record."""

flood_level = Table(
    "flood_level",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("response", Text()),
    Column("warning", Text()),
    Column("document", Text()),
    Column("note", Text()),
    Column("actor", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("since"),
    ForeignKeyConstraint(*_EVENT),
    schema=CORE,
)
"""From when which response and warning was in force; null is none."""

call_out = Table(
    "call_out",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("asset_id", Uuid(), nullable=False),
    Column("team", Text(), nullable=False),
    Column("warning", Text()),
    Column("called_at", DateTime(timezone=True), nullable=False),
    Column("arrived_at", DateTime(timezone=True)),
    Column("water_gone_at", DateTime(timezone=True)),
    Column("cancelled_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(*_EVENT),
    CheckConstraint("arrived_at >= called_at", name="arrived_at"),
    CheckConstraint("water_gone_at >= coalesce(arrived_at, called_at)", name="water_gone_at"),
    CheckConstraint("water_gone_at IS NULL OR cancelled_at IS NULL", name="cancelled_at"),
    Index("ix_call_out_asset_id", "asset_id", "called_at"),
    schema=CORE,
)
"""A team sent to a flood point; open until the water is gone or it is called back."""

call_out_step = Table(
    "call_out_step",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("call_out_id", Uuid(), nullable=False),
    Column("step", Text(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("depth_m", Double()),
    Column("words", Text()),
    Column("actor", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(*_EVENT),
    ForeignKeyConstraint(["call_out_id"], [f"{CORE}.call_out.id"]),
    CheckConstraint("(step = 'water_measured') = (depth_m IS NOT NULL)", name="depth_m"),
    CheckConstraint("depth_m >= 0 AND depth_m <= 20", name="deepest"),
    Index("ix_call_out_step_call_out_id", "call_out_id", "at"),
    Index(
        "uq_call_out_step_once",
        "call_out_id",
        "step",
        unique=True,
        postgresql_where=text("step NOT IN ('water_measured', 'action_taken')"),
    ),
    schema=CORE,
)
"""What was seen and done on a call-out, by whom: arrived, depth (m), action, water gone."""

incident = Table(
    "incident",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("asset_id", Uuid()),
    Column("happened_at", DateTime(timezone=True), nullable=False),
    Column("words", Text(), nullable=False),
    Column("actor", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(*_EVENT),
    schema=CORE,
)
"""险情: what happened, when, at which flood point if at one."""

incident_report = Table(
    "incident_report",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("incident_id", Uuid(), nullable=False),
    Column("number", Integer(), nullable=False),
    Column("serial", Text(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("sent_to", Text(), nullable=False),
    Column("is_upward", Boolean(), nullable=False),
    Column("words", Text(), nullable=False),
    Column("actor", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("incident_id", "number"),
    ForeignKeyConstraint(*_EVENT),
    ForeignKeyConstraint(["incident_id"], [f"{CORE}.incident.id"]),
    CheckConstraint("serial IN ('first', 'following', 'final')", name="serial"),
    CheckConstraint("(number = 1) = (serial = 'first')", name="number"),
    Index(
        "uq_incident_report_final",
        "incident_id",
        unique=True,
        postgresql_where=text("serial = 'final'"),
    ),
    schema=CORE,
)
"""首报, 续报, 终报 of an incident, numbered; ``is_upward``: to the next level up."""

flood_team = Table(
    "flood_team",
    metadata,
    Column("name", Text(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("leader", Text(), nullable=False),
    Column("phone", Text()),
    Column("people", Integer(), nullable=False),
    Column("station", Text()),
    PrimaryKeyConstraint("name"),
    ForeignKeyConstraint(*_EVENT),
    CheckConstraint("people >= 0", name="people"),
    schema=CORE,
)
"""Teams as last listed; one without people is no more."""

flood_supply = Table(
    "flood_supply",
    metadata,
    Column("name", Text(), nullable=False),
    Column("station", Text(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("quantity", Double(), nullable=False),
    Column("unit", Text(), nullable=False),
    Column("keeper", Text()),
    Column("phone", Text()),
    PrimaryKeyConstraint("name", "station"),
    ForeignKeyConstraint(*_EVENT),
    CheckConstraint("quantity >= 0 AND quantity < 'Infinity'", name="quantity"),
    schema=CORE,
)
"""Supplies as last counted, where they lie."""

plot_step = Table(
    "plot_step",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("asset_id", Uuid(), nullable=False),
    Column("chain", Text(), nullable=False),
    Column("step", Text(), nullable=False),
    Column("done_on", Date(), nullable=False),
    Column("document", Text()),
    Column("before", JSONB()),
    Column("after", JSONB()),
    Column("note", Text()),
    Column("due_at", DateTime(timezone=True)),
    Column("actor", Text(), nullable=False),
    Column("withdrawn_because", Text()),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(*_EVENT),
    CheckConstraint("chain IN ('route', 'rectify', 'enforce')", name="chain"),
    Index("ix_plot_step_asset_id", "asset_id"),
    schema=CORE,
)
"""What was done about a land plot. ``chain``: the route chosen, the rectifying party's stages, the
enforcing body's; ``before``, ``after``: areas in m²; ``due_at``: the end of a clock it started, as
the calendar had it when it was recorded."""

DUTY = ("duty_shift", "incident", "incident_report", "flood_team", "flood_supply")
"""Names and phones: the office's pool only."""
SEEN_OUTSIDE = ("flood_level", "call_out", "call_out_step", "plot_step")
"""What the field reads as well."""
