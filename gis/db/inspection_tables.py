"""Inspections of sewers: runs, what was seen on them, and the grades computed from it.

A run and its observations are kept as they were delivered; a corrected delivery stands beside the
earlier one, which names it. Grades are appended, never changed: each names its rule version and
holds what it was computed from.
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
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.db.tables import CORE, metadata

_EMPTY = text("'{}'::jsonb")
_FINITE = "{0} >= 0 AND {0} < 'Infinity'"


def _measure(name: str, *, needed: bool = False) -> Column[float]:
    return Column(name, Double(), nullable=not needed)


def _not_negative(name: str) -> CheckConstraint:
    return CheckConstraint(_FINITE.format(name), name=name)


pipe_inspection = Table(
    "pipe_inspection",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("run_key", Text(), nullable=False),
    Column("method", Text(), nullable=False),
    Column("direction", Text()),
    Column("from_code", Text(), nullable=False),
    Column("to_code", Text(), nullable=False),
    Column("inspected_on", Date(), nullable=False),
    Column("unit", Text()),
    Column("operator", Text()),
    Column("video", Text()),
    Column("place", Text()),
    _measure("pipe_length_m"),
    _measure("inspected_length_m"),
    _measure("diameter_mm"),
    Column("material", Text()),
    Column("importance", Text()),
    Column("soil", Text()),
    _measure("claimed_ri"),
    _measure("claimed_mi"),
    Column("source", Text(), nullable=False),
    Column("raw", JSONB(), nullable=False, server_default=_EMPTY),
    Column("content_sha256", Text(), nullable=False),
    Column("pipe_id", Uuid()),
    Column("as_drawn", Boolean()),
    Column("superseded_by", Uuid()),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column(
        "recorded_by",
        Text(),
        nullable=False,
        server_default=text("current_setting('infratrack.actor'::text, true)"),
    ),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["pipe_id"], [f"{CORE}.asset.id"]),
    ForeignKeyConstraint(
        ["superseded_by"],
        [f"{CORE}.pipe_inspection.id"],
        deferrable=True,
        initially="DEFERRED",
    ),
    CheckConstraint("method IN ('cctv', 'sonar', 'qv', 'other')", name="method"),
    CheckConstraint("direction IN ('with_flow', 'against_flow')", name="direction"),
    CheckConstraint("superseded_by <> id", name="superseded_by"),
    CheckConstraint("content_sha256 ~ '^[0-9a-f]{64}$'", name="content_sha256"),
    *(
        _not_negative(name)
        for name in (
            *("pipe_length_m", "inspected_length_m", "diameter_mm", "claimed_ri", "claimed_mi"),
        )
    ),
    Index(
        "uq_pipe_inspection_in_force",
        "run_key",
        unique=True,
        postgresql_where=text("superseded_by IS NULL"),
    ),
    Index(
        "ix_pipe_inspection_unmatched",
        "from_code",
        "to_code",
        postgresql_where=text("pipe_id IS NULL"),
    ),
    Index("ix_pipe_inspection_pipe_id", "pipe_id", "inspected_on"),
    Index("ix_pipe_inspection_inspected_on", "inspected_on", "id"),
    schema=CORE,
)
"""One run of a camera or sonar from a manhole to the next.

``run_key`` is its identity across deliveries (manholes, day, method, direction, video). Chainage
is metres from ``from_code``; ``as_drawn`` says whether the run goes the way its pipe is drawn.
``pipe_id`` is null until a pipe between these manholes is known. ``raw`` holds the head of the
record as delivered, ``content_sha256`` is over the whole of it with its observations;
``claimed_ri`` and ``claimed_mi`` are what the contractor computed.
"""

pipe_observation = Table(
    "pipe_observation",
    metadata,
    Column("inspection_id", Uuid(), nullable=False),
    Column("number", Integer(), nullable=False),
    _measure("chainage_m", needed=True),
    _measure("end_m"),
    Column("code", Text(), nullable=False),
    Column("grade", SmallInteger()),
    Column("clock", Text()),
    Column("description", Text()),
    Column("photo", Text()),
    Column("raw", JSONB(), nullable=False, server_default=_EMPTY),
    PrimaryKeyConstraint("inspection_id", "number"),
    ForeignKeyConstraint(["inspection_id"], [f"{CORE}.pipe_inspection.id"]),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("grade BETWEEN 1 AND 9", name="grade"),
    _not_negative("chainage_m"),
    CheckConstraint("end_m >= chainage_m AND end_m < 'Infinity'", name="end_m"),
    Index("ix_pipe_observation_code", "code", "grade"),
    schema=CORE,
)
"""What was seen, in the record's order; ``end_m`` for a defect that goes on. Append-only.

Codes and grades the rules do not know are kept: they are findings, and are not computed.
"""

pipe_grade = Table(
    "pipe_grade",
    metadata,
    Column("inspection_id", Uuid(), nullable=False),
    Column("rule_version", Text(), nullable=False),
    Column("number", Integer(), nullable=False),
    Column("computed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("inputs", JSONB(), nullable=False),
    Column("condition", JSONB(), nullable=False),
    _measure("f", needed=True),
    _measure("g", needed=True),
    _measure("ri", needed=True),
    _measure("mi", needed=True),
    Column("structural_grade", Text(), nullable=False),
    Column("functional_grade", Text(), nullable=False),
    Column("repair_class", Text(), nullable=False),
    Column("maintenance_class", Text(), nullable=False),
    Column("repair_method", Text(), nullable=False),
    PrimaryKeyConstraint("inspection_id", "rule_version", "number"),
    ForeignKeyConstraint(["inspection_id"], [f"{CORE}.pipe_inspection.id"]),
    CheckConstraint("number >= 1", name="number"),
    schema=CORE,
)
"""Grades of a run, append-only: the highest ``number`` of a rule version is in force. ``inputs`` is
all a grade was computed from, so that it can be explained by the same rules at any time."""
