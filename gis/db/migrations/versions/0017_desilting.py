"""The desilting ledger: jobs as claimed, the company's replies.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = ("desilting_job", "desilting_reply")
SHA256S = "^([0-9a-f]{64}(,[0-9a-f]{64})*)?$"
JOB_CHECKS = {
    "version": "version >= 1",
    "reason": "version = 1 OR reason IS NOT NULL",
    "withdrawn": "version > 1 OR NOT withdrawn",
    "done_on": "done_on >= began_on",
    "length_m": "length_m > 0 AND length_m < 'Infinity'",
    "method": "method IN ('jetting', 'suction', 'winch', 'manual', 'robot', 'other')",
    "claimed": "claimed >= 0 AND claimed < 'Infinity'",
    "basis": "basis IN ('m3', 'wet_t', 'dry_t')",
    "factor": "factor > 0 AND factor < 'Infinity'",
    "claim_is_whole": "num_nulls(claimed, basis, factor, volume_m3) IN (0, 4)",
    "content_sha256": "content_sha256 ~ '^[0-9a-f]{64}$'",
}


def _texts(name: str) -> sa.Column:
    return sa.Column(
        name, postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
    )


def _recorded() -> tuple[sa.Column, sa.Column]:
    now, actor = "now()", "current_setting('infratrack.actor'::text, true)"
    return (
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text(now), nullable=False
        ),
        sa.Column("recorded_by", sa.Text(), server_default=sa.text(actor), nullable=False),
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _are_hashes(table: str, name: str) -> sa.CheckConstraint:
    return _check(table, name, f"array_to_string({name}, ',', '-') ~ '{SHA256S}'")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_job()
    _create_reply()
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.{table}"
            " FOR EACH ROW EXECUTE FUNCTION core.refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()"
        )


def _create_job() -> None:
    table = "desilting_job"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("pipe_id", sa.Uuid(), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("length_m", sa.Double(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("claimed", sa.Double(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("factor", sa.Double(), nullable=True),
        sa.Column("volume_m3", sa.Numeric(14, 3), nullable=True),
        _texts("before_sha256"),
        _texts("after_sha256"),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "raw", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        *_recorded(),
        sa.PrimaryKeyConstraint("id", "version", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["pipe_id"], ["core.asset.id"], name=op.f(f"fk_{table}_pipe_id")),
        *(_check(table, name, condition) for name, condition in JOB_CHECKS.items()),
        _are_hashes(table, "before_sha256"),
        _are_hashes(table, "after_sha256"),
        schema="core",
    )
    op.create_index(
        "uq_desilting_job_content",
        table,
        ["content_sha256"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("version = 1"),
    )
    op.create_index("ix_desilting_job_pipe_id", table, ["pipe_id", "began_on"], schema="core")
    op.create_index("ix_desilting_job_began_on", table, ["began_on", "id"], schema="core")


def _create_reply() -> None:
    table = "desilting_reply"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("job_version", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("replied_on", sa.Date(), nullable=False),
        _texts("flags"),
        sa.Column("text", sa.Text(), nullable=False),
        _texts("evidence_sha256"),
        *_recorded(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["job_id", "job_version"],
            ["core.desilting_job.id", "core.desilting_job.version"],
            name=op.f(f"fk_{table}_job_id_job_version"),
        ),
        _check(table, "text", "text <> ''"),
        _are_hashes(table, "evidence_sha256"),
        schema="core",
    )
    op.create_index("ix_desilting_reply_job_id", table, ["job_id", "recorded_at"], schema="core")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(TABLES):
        op.drop_table(table, schema="core")
