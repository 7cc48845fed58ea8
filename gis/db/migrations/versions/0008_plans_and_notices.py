"""The plan of a major hazard, notices of its escalation, how much each device has sent; and how
long long transactions were at work.

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNT_DEVICE = """
CREATE FUNCTION core.count_device() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
-- After the number was drawn: who waits here for another's row holds the lock the sealer waits
-- for, as everybody before it does, so nobody waits in a circle. A number that came before, from
-- a device that begins anew, is not counted twice.
BEGIN
  INSERT INTO core.device_count AS c (device_id, received, highest)
  VALUES (NEW.device_id, 1, NEW.device_seq)
  ON CONFLICT (device_id) DO UPDATE
  SET received = c.received + CASE WHEN EXISTS (
        SELECT 1 FROM core.event e WHERE e.device_id = NEW.device_id
         AND e.device_seq = NEW.device_seq AND e.id <> NEW.id) THEN 0 ELSE 1 END,
      highest = greatest(c.highest, NEW.device_seq);
  RETURN NULL;
END $$;
CREATE TRIGGER count_device AFTER INSERT ON core.event
FOR EACH ROW WHEN (NEW.device_id IS NOT NULL AND NEW.device_seq IS NOT NULL)
EXECUTE FUNCTION core.count_device();
INSERT INTO core.device_count (device_id, received, highest)
SELECT device_id, count(DISTINCT device_seq), max(device_seq) FROM core.event
 WHERE device_id IS NOT NULL AND device_seq IS NOT NULL GROUP BY 1;
"""


BUMP_VERSIONS = """
CREATE OR REPLACE FUNCTION core.bump_versions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
-- Runs at commit, so the row locks are held for the commit only; sorted, so no deadlock.
DECLARE
  touched text[];
BEGIN
  SELECT array_agg(kind) INTO touched FROM core.change_mark WHERE tx = pg_current_xact_id();
  IF touched IS NULL THEN
    RETURN NULL; -- an earlier firing of this transaction did it
  END IF;
  DELETE FROM core.change_mark WHERE tx = pg_current_xact_id();
  PERFORM 1 FROM core.collection_version WHERE kind = ANY (touched) ORDER BY kind FOR UPDATE;
  UPDATE core.collection_version SET version = version + 1, changed_at = clock_timestamp()
   WHERE kind = ANY (touched);
  PERFORM pg_notify('infratrack_change', array_to_string(touched, ','));
%s  RETURN NULL;
END $$;
"""
NOTE_LONG = """  -- Versions bear the moment their transaction began; until now nobody saw them.
  IF clock_timestamp() - now() > interval '100 milliseconds' THEN
    INSERT INTO core.long_write AS w (began_at, ended_at) VALUES (now(), clock_timestamp())
    ON CONFLICT (began_at) DO UPDATE SET ended_at = greatest(w.ended_at, excluded.ended_at);
  END IF;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("hazard_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["core.event.id"], name=op.f("fk_notice_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("event_id", "login", name=op.f("uq_notice_event_id_login")),
        schema="core",
    )
    op.create_index("ix_notice_login", "notice", ["login", "acknowledged_at"], schema="core")
    op.create_table(
        "device_count",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "received BETWEEN 1 AND highest", name=op.f("ck_device_count_received")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_count")),
        schema="core",
    )
    op.execute(COUNT_DEVICE)
    op.create_table(
        "long_write",
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ended_at >= began_at", name=op.f("ck_long_write_ended_at")),
        sa.PrimaryKeyConstraint("began_at", name=op.f("pk_long_write")),
        schema="core",
    )
    op.execute(BUMP_VERSIONS % NOTE_LONG)
    op.execute(
        "CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.notice"
        " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
    )
    for schema in ("core", "history"):
        op.add_column(
            "hazard",
            sa.Column("plan_filed_at", sa.DateTime(timezone=True), nullable=True),
            schema=schema,
        )
        op.add_column(
            "hazard",
            sa.Column("plan_version", sa.Integer(), server_default="0", nullable=False),
            schema=schema,
        )
        op.alter_column("hazard", "plan_version", server_default=None, schema=schema)
    op.create_check_constraint(
        op.f("ck_hazard_plan_version"), "hazard", "plan_version >= 0", schema="core"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in ("history", "core"):
        op.drop_column("hazard", "plan_version", schema=schema)
        op.drop_column("hazard", "plan_filed_at", schema=schema)
    op.execute(BUMP_VERSIONS % "")
    op.drop_table("long_write", schema="core")
    op.execute("DROP TRIGGER count_device ON core.event")
    op.execute("DROP FUNCTION core.count_device()")
    op.drop_table("device_count", schema="core")
    op.drop_index("ix_notice_login", table_name="notice", schema="core")
    op.drop_table("notice", schema="core")
