"""Tables of the field log: events that are never changed, and what the server makes of them.

``event`` is the truth; every other table here can be written anew from it
(:mod:`gis.hazards.rebuild`), but ``seal``, which proves that ``event`` was not touched.
"""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.db.tables import CORE, metadata
from gis.geometry import STORAGE_SRID

_EMPTY = text("'{}'::jsonb")
_NONE = text("'[]'::jsonb")

event_number = Sequence("event_number", schema=CORE, metadata=metadata)
"""The server's order of events; drawn by a trigger (see ``core.stamp_log``)."""

event = Table(
    "event",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("number", BigInteger(), nullable=False),
    Column("type", Text(), nullable=False),
    Column("hazard_id", Uuid()),
    Column("visit_id", Uuid()),
    Column("campaign_id", Uuid()),
    Column("task_id", Uuid()),
    Column("asset_id", Uuid()),
    Column("asset_choice", Text()),
    Column("expected_version", BigInteger()),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("device_at", DateTime(timezone=True)),
    Column("skew_ms", BigInteger()),
    Column("actor", Text(), nullable=False),
    Column("account_id", Uuid()),
    Column("role", Text()),
    Column("form", Text()),
    Column("payload", JSONB(), nullable=False, server_default=_EMPTY),
    Column("evidence", JSONB(), nullable=False, server_default=_NONE),
    Column("device_id", Uuid()),
    Column("device_seq", BigInteger()),
    Column("prev_hash", LargeBinary()),
    Column("body_sha256", LargeBinary()),
    Column("geom_raw", Geometry("POINT", srid=STORAGE_SRID, spatial_index=False)),
    Column("accuracy_m", Double()),
    Column("accuracy_level", Double()),
    Column("fix_source", Text()),
    Column("fix_at", DateTime(timezone=True)),
    Column("township", Text()),
    Column("place", Geometry("POINT", srid=STORAGE_SRID, spatial_index=False)),
    Column("settled", JSONB(), nullable=False, server_default=_EMPTY),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("number"),
    Index("ix_event_hazard_id", "hazard_id", "number"),
    Index("ix_event_device", "device_id", "device_seq"),
    Index("ix_event_visit_id", "visit_id"),
    Index(
        "ix_event_stored_evidence",
        text("(payload ->> 'sha256')"),
        postgresql_where=text("type = 'evidence_stored'"),
    ),
    Index("ix_event_evidence", "evidence", postgresql_using="gin"),
    CheckConstraint("octet_length(body_sha256) = 32", name="body_sha256"),
    CheckConstraint("octet_length(prev_hash) = 32", name="prev_hash"),
    CheckConstraint("accuracy_m >= 0 AND accuracy_m < 'Infinity'", name="accuracy_m"),
    CheckConstraint("jsonb_typeof(evidence) = 'array'", name="evidence"),
    schema=CORE,
)
"""What was sent and said, in the server's order ``number``; append-only by trigger.

``at`` is when it happened: the device's clock corrected by its skew; ``device_at`` what the
device's clock showed. ``geom_raw`` is the raw fix, ``place`` the point the server settled on
(lon/lat); ``township`` the unit that point lies in. ``settled`` is what settings and calendars
said when it came in (the preset for second persons, the date a notice's limit leads to), so that
judging it again does not depend on those of another day. ``account_id`` is null for what no person
sent: imports, the generator.
"""

event_outcome = Table(
    "event_outcome",
    metadata,
    Column("event_id", Uuid(), nullable=False),
    Column("outcome", Text(), nullable=False),
    Column("hazard_id", Uuid()),
    Column("hazard_seq", BigInteger()),
    Column("applied_at", DateTime(timezone=True)),
    Column("reason", JSONB(), nullable=False, server_default=_EMPTY),
    Column("decided_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("decided_tx", Text(), nullable=False, server_default=text("pg_current_xact_id()::text")),
    PrimaryKeyConstraint("event_id"),
    ForeignKeyConstraint(["event_id"], [f"{CORE}.event.id"]),
    UniqueConstraint("hazard_id", "hazard_seq"),
    CheckConstraint("outcome IN ('applied', 'waiting', 'refused')", name="outcome"),
    CheckConstraint("hazard_seq IS NULL OR outcome = 'applied'", name="hazard_seq"),
    Index(
        "ix_event_outcome_waiting",
        "hazard_id",
        postgresql_where=text("outcome = 'waiting'"),
    ),
    schema=CORE,
)
"""The server's judgement of each event. ``hazard_seq`` counts what was applied to a hazard, from 1;
it is the hazard's version a client names as ``expected_version``."""

visit = Table(
    "visit",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("asset_id", Uuid()),
    Column("task_id", Uuid()),
    Column("category", Text(), nullable=False),
    Column("result", Text(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("team", JSONB(), nullable=False, server_default=_NONE),
    Column("joint", JSONB(), nullable=False, server_default=_NONE),
    Column("accompanied_by", Text()),
    Column("checklist", JSONB(), nullable=False, server_default=_NONE),
    Column("flood", JSONB()),
    Column("township", Text()),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["event_id"], [f"{CORE}.event.id"]),
    Index("ix_visit_asset_id", "asset_id", "at"),
    Index("ix_visit_at", "at"),
    schema=CORE,
)
"""Every visit, also the ones that found nothing or nobody: the true denominator of coverage."""

campaign = Table(
    "campaign",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("name", Text(), nullable=False),
    Column("document", Text()),
    Column("rules", JSONB(), nullable=False),
    Column("population", JSONB(), nullable=False, server_default=_EMPTY),
    Column("starts_on", Date(), nullable=False),
    Column("due_on", Date(), nullable=False),
    Column("is_open", Boolean(), nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("id"),
    CheckConstraint("due_on >= starts_on", name="due_on"),
    schema=CORE,
)
"""A campaign (专项检查) or round. ``rules``: per category all (全覆盖) or sample (抽检) with rate
and seed; ``population``: how many there were to choose from, per category."""

task = Table(
    "task",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("campaign_id", Uuid(), nullable=False),
    Column("asset_id", Uuid(), nullable=False),
    Column("category", Text(), nullable=False),
    Column("assigned_to", Text()),
    Column("due_on", Date(), nullable=False),
    Column("state", Text(), nullable=False, server_default=text("'todo'")),
    Column("visit_id", Uuid()),
    Column("changed_number", BigInteger(), nullable=False),
    Column("assigned_name", Text()),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("campaign_id", "asset_id", "category"),
    ForeignKeyConstraint(["campaign_id"], [f"{CORE}.campaign.id"]),
    CheckConstraint("state IN ('todo', 'done', 'no_entry', 'dropped')", name="state"),
    Index("ix_task_assigned_to", "assigned_to", "state"),
    schema=CORE,
)
"""One target of a campaign; ``changed_number``: the event that last touched it.
``assigned_name``: the person's name when it was given out, as teams write it."""

notice = Table(
    "notice",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("hazard_id", Uuid(), nullable=False),
    Column("login", Text(), nullable=False),
    Column("is_copy", Boolean(), nullable=False),
    Column("acknowledged_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("event_id", "login"),
    ForeignKeyConstraint(["event_id"], [f"{CORE}.event.id"]),
    Index("ix_notice_login", "login", "acknowledged_at"),
    schema=CORE,
)
"""Whom an escalation was told to: one row per event and person, until the person acknowledges it.
``is_copy``: the stage is for somebody above."""

device_count = Table(
    "device_count",
    metadata,
    Column("device_id", Uuid(), nullable=False),
    Column("received", BigInteger(), nullable=False),
    Column("highest", BigInteger(), nullable=False),
    PrimaryKeyConstraint("device_id"),
    CheckConstraint("received BETWEEN 1 AND highest", name="received"),
    schema=CORE,
)
"""Per device, how many of its numbers arrived and the highest of them: fewer is a gap. Written by a
trigger of ``event``, so that no receipt counts a device's whole life."""

device_announcement = Table(
    "device_announcement",
    metadata,
    Column("device_id", Uuid(), nullable=False),
    Column("highest", BigInteger(), nullable=False),
    Column("login", Text(), nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("device_id"),
    CheckConstraint("highest >= 0", name="highest"),
    schema=CORE,
)
"""Per device, the highest number it said it has given a record, sent or not; by whose login."""

hazard_transition = Table(
    "hazard_transition",
    metadata,
    Column("from_state", Text(), nullable=False),
    Column("to_state", Text(), nullable=False),
    PrimaryKeyConstraint("from_state", "to_state"),
    schema=CORE,
)
"""The pairs of states the workflow allows, written by ``migrate``; a trigger asks it."""

seal = Table(
    "seal",
    metadata,
    Column("block", BigInteger(), nullable=False),
    Column("first_number", BigInteger(), nullable=False),
    Column("last_number", BigInteger(), nullable=False),
    Column("events", Integer(), nullable=False),
    Column("prev_hash", LargeBinary(), nullable=False),
    Column("hash", LargeBinary(), nullable=False),
    Column("sealed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("block"),
    CheckConstraint("last_number >= first_number", name="last_number"),
    schema=CORE,
)
"""Blocks of events, each hashed over its events and the block before (:mod:`gis.hazards.seal`)."""
