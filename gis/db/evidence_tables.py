"""Evidence: what is stored, what is on its way, what was made of it; and the reports of jobs.

The bytes are files (:mod:`gis.evidence.files`); a row of ``core.blob`` says that they are there.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.db.tables import CORE, metadata

JOBS = "jobs"
"""Schema of the job queue: procrastinate's own tables and functions, and ``jobs.enqueue``."""

_SHA256 = "~ '^[0-9a-f]{64}$'"


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


blob = Table(
    "blob",
    metadata,
    Column("sha256", Text(), nullable=False),
    Column("bytes", BigInteger(), nullable=False),
    Column("media", Text(), nullable=False),
    Column("width", Integer()),
    Column("height", Integer()),
    Column("account", Uuid()),
    _now("stored_at"),
    Column("examined_at", DateTime(timezone=True)),
    Column("damage", JSONB(none_as_null=True)),
    Column("exif_at", DateTime()),
    Column("exif_lon", Double()),
    Column("exif_lat", Double()),
    Column("dhash", BigInteger()),
    PrimaryKeyConstraint("sha256"),
    CheckConstraint(f"sha256 {_SHA256}", name="sha256"),
    CheckConstraint("bytes > 0", name="bytes"),
    CheckConstraint("width > 0 AND height > 0", name="size"),
    CheckConstraint(
        "exif_lon BETWEEN -180 AND 180 AND exif_lat BETWEEN -90 AND 90", name="exif_position"
    ),
    schema=CORE,
)
"""Bytes that are in the store, whole; written once (a trigger), looked at later by a job.

``width`` and ``height`` in pixels as the file's head says; ``exif_at`` is the camera's own clock,
which has no time zone; ``dhash`` is a 64-bit difference hash, null where a picture is too even to
have one; ``damage`` says in both languages why no picture could be made of it.
"""

upload = Table(
    "upload",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("sha256", Text(), nullable=False),
    Column("bytes", BigInteger(), nullable=False),
    Column("media", Text(), nullable=False),
    Column("account", Uuid()),
    Column("event_id", Uuid()),
    _now("begun_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id"),
    CheckConstraint(f"sha256 {_SHA256}", name="sha256"),
    CheckConstraint("bytes > 0", name="bytes"),
    Index("ix_upload_sha256", "sha256"),
    Index("ix_upload_expires_at", "expires_at"),
    schema=CORE,
)
"""An upload in progress, or one that ended a while ago; how far it is, its file says.

The field role sees and writes only those of the account its transaction names
(``infratrack.account``): row-level security, the one table that has it.
"""

derivative = Table(
    "derivative",
    metadata,
    Column("sha256", Text(), nullable=False),
    Column("size", Text(), nullable=False),
    Column("bytes", BigInteger(), nullable=False),
    Column("width", Integer(), nullable=False),
    Column("height", Integer(), nullable=False),
    _now("made_at"),
    PrimaryKeyConstraint("sha256", "size"),
    ForeignKeyConstraint(["sha256"], [f"{CORE}.blob.sha256"]),
    CheckConstraint("size IN ('thumb', 'screen')", name="size"),
    schema=CORE,
)
"""A smaller picture without the camera's notes, made of a blob; it can be made again."""

job_report = Table(
    "job_report",
    metadata,
    Column("job_id", BigInteger(), nullable=False),
    Column("progress", Double(), nullable=False, server_default=text("0")),
    Column("result", JSONB(none_as_null=True)),
    Column("problem", JSONB(none_as_null=True)),
    _now("at"),
    PrimaryKeyConstraint("job_id"),
    CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
    schema=CORE,
)
"""How far a job is and how it ended; the queue itself knows only its state."""
