"""Survey batches: what was handed in, what was found in it, what was decided about it.

Books live here and not among the evidence: they are worked on and handed in again, and a backup
of the database has them whole. Files, decisions and deliverables are only ever added.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.db.tables import CORE, metadata


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _word(name: str) -> Column[object]:
    return Column(name, Text(), nullable=False, server_default=text("''"))


survey_batch = Table(
    "survey_batch",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("name", Text(), nullable=False),
    _word("unit"),
    Column("claimed_m", Double()),
    Column("crs", Text()),
    _now("created_at"),
    Column("created_by", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("name"),
    CheckConstraint("char_length(name) BETWEEN 1 AND 150", name="name"),
    CheckConstraint("char_length(unit) <= 200", name="unit"),
    CheckConstraint("claimed_m >= 0", name="claimed_m"),
    schema=CORE,
)
"""A survey handed in by a unit; ``claimed_m`` is the length it claims, in metres."""

survey_import = Table(
    "survey_import",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("batch_id", Uuid(), nullable=False),
    Column("number", Integer(), nullable=False),
    Column("file", Text(), nullable=False),
    Column("sha256", Text(), nullable=False),
    Column("rules", Text()),
    Column("counts", JSONB(none_as_null=True)),
    Column("result", JSONB(none_as_null=True)),
    Column("problem", JSONB(none_as_null=True)),
    Column("surveyed_m", Double()),
    Column("accepted_m", Double()),
    _now("imported_at"),
    Column("imported_by", Text(), nullable=False),
    Column("judged_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("batch_id", "number"),
    ForeignKeyConstraint(["batch_id"], [f"{CORE}.survey_batch.id"]),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    CheckConstraint("number > 0", name="number"),
    schema=CORE,
)
"""One book of a batch, the corrected ones too; ``counts`` by rule, ``problem`` when unreadable."""

survey_file = Table(
    "survey_file",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("role", Text(), nullable=False),
    Column("content", LargeBinary(), nullable=False),
    PrimaryKeyConstraint("import_id", "role"),
    ForeignKeyConstraint(["import_id"], [f"{CORE}.survey_import.id"]),
    CheckConstraint("role IN ('original', 'marked')", name="role"),
    schema=CORE,
)
"""The book as it was handed in, and the marked one."""

survey_finding = Table(
    "survey_finding",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("key", Text(), nullable=False),
    Column("number", BigInteger(), nullable=False),
    Column("rule", Text(), nullable=False),
    Column("severity", Text(), nullable=False),
    _word("sheet"),
    Column("row", Integer(), nullable=False),
    _word("column_letter"),
    _word("cell"),
    _word("field"),
    _word("code"),
    _word("value"),
    _word("zh"),
    _word("en"),
    Column("restricted", Boolean(), nullable=False),
    Column("geometry", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("import_id", "key"),
    ForeignKeyConstraint(["import_id"], [f"{CORE}.survey_import.id"]),
    CheckConstraint("severity IN ('error', 'warning', 'notice')", name="severity"),
    Index("ix_survey_finding_import_id_number", "import_id", "number"),
    Index("ix_survey_finding_import_id_rule", "import_id", "rule"),
    schema=CORE,
)
"""What a rule said of a cell; ``number`` is its place in the listing, ``geometry`` GeoJSON."""

survey_decision = Table(
    "survey_decision",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("batch_id", Uuid(), nullable=False),
    Column("key", Text(), nullable=False),
    _word("value"),
    Column("decision", Text(), nullable=False),
    _word("reason"),
    _now("decided_at"),
    Column("decided_by", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["batch_id"], [f"{CORE}.survey_batch.id"]),
    CheckConstraint("decision IN ('accept', 'waive', 'reopen')", name="decision"),
    CheckConstraint("decision <> 'waive' OR char_length(reason) > 1", name="reason"),
    Index("ix_survey_decision_batch_id_key", "batch_id", "key", "decided_at"),
    schema=CORE,
)
"""A finding accepted (to be corrected), waived with a reason, or open again: the latest holds, as
long as the cell says what it said."""

survey_deliverable = Table(
    "survey_deliverable",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("batch_id", Uuid(), nullable=False),
    Column("item", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    _word("note"),
    _now("noted_at"),
    Column("noted_by", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["batch_id"], [f"{CORE}.survey_batch.id"]),
    CheckConstraint("item IN ('tables', 'map', 'inspection', 'scheme')", name="item"),
    CheckConstraint("state IN ('in_progress', 'delivered', 'accepted')", name="state"),
    Index("ix_survey_deliverable_batch_id_item", "batch_id", "item", "noted_at"),
    schema=CORE,
)
"""Where a deliverable of a batch stands; the latest note of an item holds."""
