"""Desilting of sewers: jobs as they were claimed, and what the company replied. Append-only.

A job is corrected by another version of it, never edited: the highest version is in force. What
is odd about a job is not stored: it is worked out when asked, so that a later inspection counts.
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
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.db.tables import CORE, metadata

_EMPTY = text("'{}'::jsonb")


def _hashes(name: str) -> Column[list[str]]:
    return Column(name, ARRAY(Text()), nullable=False, server_default=text("'{}'::text[]"))


def _are_hashes(name: str) -> CheckConstraint:
    return CheckConstraint(f"array_to_string({name}, ',', '-') ~ '{_SHA256S}'", name=name)


def _recorded() -> tuple[Column[object], Column[str]]:
    return (
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        Column("recorded_by", Text(), nullable=False, server_default=_ACTOR),
    )


_SHA256S = "^([0-9a-f]{64}(,[0-9a-f]{64})*)?$"
_NOW = text("now()")
_ACTOR = text("current_setting('infratrack.actor'::text, true)")

desilting_job = Table(
    "desilting_job",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("version", Integer(), nullable=False),
    Column("number", Text()),
    Column("pipe_id", Uuid(), nullable=False),
    Column("began_on", Date(), nullable=False),
    Column("done_on", Date()),
    Column("length_m", Double(), nullable=False),
    Column("method", Text()),
    Column("unit", Text(), nullable=False),
    Column("claimed", Double()),
    Column("basis", Text()),
    Column("rule_version", Text(), nullable=False),
    Column("factor", Double()),
    Column("volume_m3", Numeric(14, 3)),
    _hashes("before_sha256"),
    _hashes("after_sha256"),
    Column("note", Text()),
    Column("withdrawn", Boolean(), nullable=False, server_default=text("false")),
    Column("reason", Text()),
    Column("source", Text(), nullable=False),
    Column("raw", JSONB(), nullable=False, server_default=_EMPTY),
    Column("content_sha256", Text(), nullable=False),
    *_recorded(),
    PrimaryKeyConstraint("id", "version"),
    ForeignKeyConstraint(["pipe_id"], [f"{CORE}.asset.id"]),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("version = 1 OR reason IS NOT NULL", name="reason"),
    CheckConstraint("version > 1 OR NOT withdrawn", name="withdrawn"),
    CheckConstraint("done_on >= began_on", name="done_on"),
    CheckConstraint("length_m > 0 AND length_m < 'Infinity'", name="length_m"),
    CheckConstraint(
        "method IN ('jetting', 'suction', 'winch', 'manual', 'robot', 'other')", name="method"
    ),
    CheckConstraint("claimed >= 0 AND claimed < 'Infinity'", name="claimed"),
    CheckConstraint("basis IN ('m3', 'wet_t', 'dry_t')", name="basis"),
    CheckConstraint("factor > 0 AND factor < 'Infinity'", name="factor"),
    CheckConstraint(
        "num_nulls(claimed, basis, factor, volume_m3) IN (0, 4)", name="claim_is_whole"
    ),
    CheckConstraint("content_sha256 ~ '^[0-9a-f]{64}$'", name="content_sha256"),
    _are_hashes("before_sha256"),
    _are_hashes("after_sha256"),
    Index(
        "uq_desilting_job_content",
        "content_sha256",
        unique=True,
        postgresql_where=text("version = 1"),
    ),
    Index("ix_desilting_job_pipe_id", "pipe_id", "began_on"),
    Index("ix_desilting_job_began_on", "began_on", "id"),
    schema=CORE,
)
"""One pipe cleaned once. ``done_on`` is null while the job is under way.

``claimed`` is the contractor's figure in its ``basis`` (m³ in the truck, tonnes wet or dry) and is
never rewritten; ``volume_m3`` = ``claimed`` x ``factor`` (m³ per unit of the basis, as
``rule_version`` had it that day), rounded once, here. A version that takes a job back
(``withdrawn``) stays. ``content_sha256`` is over what was delivered: the same row again is the
same job.
"""

desilting_reply = Table(
    "desilting_reply",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("job_id", Uuid(), nullable=False),
    Column("job_version", Integer(), nullable=False),
    Column("unit", Text(), nullable=False),
    Column("person", Text()),
    Column("replied_on", Date(), nullable=False),
    Column("flags", ARRAY(Text()), nullable=False, server_default=text("'{}'::text[]")),
    Column("text", Text(), nullable=False),
    _hashes("evidence_sha256"),
    *_recorded(),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(
        ["job_id", "job_version"], [f"{CORE}.desilting_job.id", f"{CORE}.desilting_job.version"]
    ),
    CheckConstraint("text <> ''", name="text"),
    _are_hashes("evidence_sha256"),
    Index("ix_desilting_reply_job_id", "job_id", "recorded_at"),
    schema=CORE,
)
"""What the company said about a job and its flags: to which version, by whom, with what proof."""
