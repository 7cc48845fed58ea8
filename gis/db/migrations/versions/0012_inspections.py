"""Inspections of sewers: runs, observations, grades; runs find their pipe when it arrives.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MATCH_INSPECTIONS = """
CREATE FUNCTION core.match_inspections() RETURNS trigger LANGUAGE plpgsql
SET search_path = core, public, pg_temp AS $$
-- Runs that wait for a pipe between two manholes take one that has just been written, where it is
-- the only one (or the only one of the run's diameter).
BEGIN
  IF NOT EXISTS (SELECT 1 FROM new_rows n JOIN core.pipe_inspection r ON r.pipe_id IS NULL
     AND ((r.from_code = n.up_node AND r.to_code = n.down_node)
       OR (r.from_code = n.down_node AND r.to_code = n.up_node))) THEN
    RETURN NULL;
  END IF;
  WITH waiting AS MATERIALIZED (
    SELECT r.id, r.from_code, r.to_code, r.diameter_mm FROM core.pipe_inspection r
     WHERE r.pipe_id IS NULL AND EXISTS (SELECT 1 FROM new_rows n
       WHERE n.up_node IN (r.from_code, r.to_code) AND n.down_node IN (r.from_code, r.to_code))
  ), candidate AS (
    SELECT w.id, p.id AS pipe_id, true AS as_drawn, p.diameter_mm = w.diameter_mm AS is_same
      FROM waiting w JOIN core.sewer_pipe p
        ON p.up_node = w.from_code AND p.down_node = w.to_code
     WHERE p.service_state IS DISTINCT FROM 'removed'
    UNION ALL
    SELECT w.id, p.id, false, p.diameter_mm = w.diameter_mm
      FROM waiting w JOIN core.sewer_pipe p
        ON p.up_node = w.to_code AND p.down_node = w.from_code AND w.from_code <> w.to_code
     WHERE p.service_state IS DISTINCT FROM 'removed'
  ), counted AS (
    SELECT c.*, count(*) OVER each AS n, count(*) FILTER (WHERE is_same) OVER each AS n_same
      FROM candidate c WINDOW each AS (PARTITION BY id)
  )
  UPDATE core.pipe_inspection r SET pipe_id = c.pipe_id, as_drawn = c.as_drawn
    FROM counted c WHERE r.id = c.id AND (c.n = 1 OR (c.n_same = 1 AND c.is_same));
  RETURN NULL;
END $$;
"""
EVENTS = ("insert", "update")


def _measure(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _not_negative(table: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} >= 0 AND {name} < 'Infinity'", name=op.f(f"ck_{table}_{name}"))


def _raw() -> sa.Column:
    return sa.Column("raw", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_inspection()
    _create_observation()
    _create_grade()
    for table in ("pipe_inspection", "pipe_observation", "pipe_grade"):
        op.execute(
            f"CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
        )
    for table in ("pipe_observation", "pipe_grade"):
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.{table}"
            " FOR EACH ROW EXECUTE FUNCTION core.refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()"
        )
    op.execute(MATCH_INSPECTIONS)
    for event in EVENTS:
        op.execute(
            f"CREATE TRIGGER match_inspections_{event} AFTER {event.upper()} ON core.sewer_pipe"
            " REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
            " EXECUTE FUNCTION core.match_inspections()"
        )


def _create_inspection() -> None:
    table = "pipe_inspection"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("from_code", sa.Text(), nullable=False),
        sa.Column("to_code", sa.Text(), nullable=False),
        sa.Column("inspected_on", sa.Date(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("video", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        _measure("pipe_length_m"),
        _measure("inspected_length_m"),
        _measure("diameter_mm"),
        sa.Column("material", sa.Text(), nullable=True),
        sa.Column("importance", sa.Text(), nullable=True),
        sa.Column("soil", sa.Text(), nullable=True),
        _measure("claimed_ri"),
        _measure("claimed_mi"),
        sa.Column("source", sa.Text(), nullable=False),
        _raw(),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("pipe_id", sa.Uuid(), nullable=True),
        sa.Column("as_drawn", sa.Boolean(), nullable=True),
        sa.Column("superseded_by", sa.Uuid(), nullable=True),
        _now("recorded_at"),
        sa.Column(
            "recorded_by",
            sa.Text(),
            server_default=sa.text("current_setting('infratrack.actor'::text, true)"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["pipe_id"], ["core.asset.id"], name=op.f(f"fk_{table}_pipe_id")),
        sa.ForeignKeyConstraint(
            ["superseded_by"],
            ["core.pipe_inspection.id"],
            name=op.f(f"fk_{table}_superseded_by"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.CheckConstraint(
            "method IN ('cctv', 'sonar', 'qv', 'other')", name=op.f(f"ck_{table}_method")
        ),
        sa.CheckConstraint(
            "direction IN ('with_flow', 'against_flow')", name=op.f(f"ck_{table}_direction")
        ),
        sa.CheckConstraint("superseded_by <> id", name=op.f(f"ck_{table}_superseded_by")),
        sa.CheckConstraint(
            "content_sha256 ~ '^[0-9a-f]{64}$'", name=op.f(f"ck_{table}_content_sha256")
        ),
        *(
            _not_negative(table, name)
            for name in (
                *("pipe_length_m", "inspected_length_m", "diameter_mm"),
                *("claimed_ri", "claimed_mi"),
            )
        ),
        schema="core",
    )
    op.create_index(
        "uq_pipe_inspection_in_force",
        table,
        ["run_key"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("superseded_by IS NULL"),
    )
    op.create_index(
        "ix_pipe_inspection_unmatched",
        table,
        ["from_code", "to_code"],
        schema="core",
        postgresql_where=sa.text("pipe_id IS NULL"),
    )
    op.create_index(
        "ix_pipe_inspection_pipe_id", table, ["pipe_id", "inspected_on"], schema="core"
    )
    op.create_index(
        "ix_pipe_inspection_inspected_on", table, ["inspected_on", "id"], schema="core"
    )


def _create_observation() -> None:
    table = "pipe_observation"
    op.create_table(
        table,
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _measure("chainage_m", nullable=False),
        _measure("end_m"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("grade", sa.SmallInteger(), nullable=True),
        sa.Column("clock", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("photo", sa.Text(), nullable=True),
        _raw(),
        sa.PrimaryKeyConstraint("inspection_id", "number", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["core.pipe_inspection.id"], name=op.f(f"fk_{table}_inspection_id")
        ),
        sa.CheckConstraint("number >= 1", name=op.f(f"ck_{table}_number")),
        sa.CheckConstraint("grade BETWEEN 1 AND 9", name=op.f(f"ck_{table}_grade")),
        _not_negative(table, "chainage_m"),
        sa.CheckConstraint(
            "end_m >= chainage_m AND end_m < 'Infinity'", name=op.f(f"ck_{table}_end_m")
        ),
        schema="core",
    )
    op.create_index("ix_pipe_observation_code", table, ["code", "grade"], schema="core")


def _create_grade() -> None:
    table = "pipe_grade"
    op.create_table(
        table,
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _now("computed_at"),
        sa.Column("inputs", postgresql.JSONB(), nullable=False),
        sa.Column("condition", postgresql.JSONB(), nullable=False),
        *(_measure(name, nullable=False) for name in ("f", "g", "ri", "mi")),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                *("structural_grade", "functional_grade", "repair_class"),
                *("maintenance_class", "repair_method"),
            )
        ),
        sa.PrimaryKeyConstraint("inspection_id", "rule_version", "number", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["core.pipe_inspection.id"], name=op.f(f"fk_{table}_inspection_id")
        ),
        sa.CheckConstraint("number >= 1", name=op.f(f"ck_{table}_number")),
        schema="core",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for event in EVENTS:
        op.execute(f"DROP TRIGGER match_inspections_{event} ON core.sewer_pipe")
    op.execute("DROP FUNCTION core.match_inspections()")
    for table in ("pipe_grade", "pipe_observation", "pipe_inspection"):
        op.drop_table(table, schema="core")
