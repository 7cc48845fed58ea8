"""Evidence: blobs, uploads, derivatives; the job queue (procrastinate 3.10's own schema) and its reports.

Revision: 0005
Follows: 0004
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = '0004'
branch_labels = None
depends_on = None

QUEUE = Path(__file__).with_name("0005_procrastinate_3_10.sql")
"""As the package has it, byte for byte; later versions of it come in later migrations."""

PREPARE = """
DO $$ BEGIN
  -- A server's administrator makes it (migrate --print-sql); an owner of the database may as well.
  IF to_regnamespace('jobs') IS NULL THEN CREATE SCHEMA jobs; END IF;
END $$;
"""

FIX_PATHS = """
DO $$ DECLARE f regprocedure; BEGIN
  -- The package's functions name their tables without a schema.
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', f);
  END LOOP;
END $$;
"""

DROP_QUEUE = """
DO $$ DECLARE thing text; BEGIN
  FOR thing IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'jobs' LOOP
    EXECUTE 'DROP TABLE ' || thing || ' CASCADE';
  END LOOP;
  FOR thing IN SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
    EXECUTE 'DROP FUNCTION ' || thing || ' CASCADE';
  END LOOP;
  FOR thing IN SELECT oid::regtype::text FROM pg_type
   WHERE typnamespace = 'jobs'::regnamespace AND typcategory <> 'A' LOOP
    EXECUTE 'DROP TYPE ' || thing;
  END LOOP;
END $$;
"""

ENQUEUE = """
CREATE FUNCTION jobs.enqueue(task text, arguments jsonb, once text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_temp AS $$
-- Queue a task in the caller's transaction; the number of the job, or of the one that waits already
-- under the same `once`. This is all the roles of people may do to the queue.
DECLARE
  made bigint;
BEGIN
  IF task NOT IN ('make_derivatives') THEN
    RAISE EXCEPTION 'no task of that name may be queued' USING ERRCODE = '42501';
  END IF;
  INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
  VALUES ('default', task, 0, once, arguments)
  ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING RETURNING id INTO made;
  IF made IS NULL THEN
    SELECT id INTO made FROM procrastinate_jobs WHERE queueing_lock = once AND status = 'todo';
  END IF;
  RETURN made;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE OF sha256, bytes, media, width, height, account, stored_at
ON core.blob FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.blob
FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE ON core.blob
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
"""


def upgrade() -> None:
    op.create_table('blob',
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('media', sa.Text(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('account', sa.Uuid(), nullable=True),
    sa.Column('stored_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('examined_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('damage', postgresql.JSONB(), nullable=True),
    sa.Column('exif_at', sa.DateTime(), nullable=True),
    sa.Column('exif_lon', sa.Double(), nullable=True),
    sa.Column('exif_lat', sa.Double(), nullable=True),
    sa.Column('dhash', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_blob_sha256')),
    sa.CheckConstraint('bytes > 0', name=op.f('ck_blob_bytes')),
    sa.CheckConstraint('exif_lon BETWEEN -180 AND 180 AND exif_lat BETWEEN -90 AND 90', name=op.f('ck_blob_exif_position')),
    sa.CheckConstraint('width > 0 AND height > 0', name=op.f('ck_blob_size')),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_blob')),
    schema='core'
    )
    op.create_table('upload',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('media', sa.Text(), nullable=False),
    sa.Column('account', sa.Uuid(), nullable=True),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('begun_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_upload_sha256')),
    sa.CheckConstraint('bytes > 0', name=op.f('ck_upload_bytes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_upload')),
    schema='core'
    )
    op.create_index('ix_upload_expires_at', 'upload', ['expires_at'], unique=False, schema='core')
    op.create_index('ix_upload_sha256', 'upload', ['sha256'], unique=False, schema='core')
    op.create_table('derivative',
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size', sa.Text(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("size IN ('thumb', 'screen')", name=op.f('ck_derivative_size')),
    sa.ForeignKeyConstraint(['sha256'], ['core.blob.sha256'], name=op.f('fk_derivative_sha256')),
    sa.PrimaryKeyConstraint('sha256', 'size', name=op.f('pk_derivative')),
    schema='core'
    )
    op.create_table('job_report',
    sa.Column('job_id', sa.BigInteger(), nullable=False),
    sa.Column('progress', sa.Double(), server_default=sa.text('0'), nullable=False),
    sa.Column('result', postgresql.JSONB(), nullable=True),
    sa.Column('problem', postgresql.JSONB(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('progress BETWEEN 0 AND 1', name=op.f('ck_job_report_progress')),
    sa.PrimaryKeyConstraint('job_id', name=op.f('pk_job_report')),
    schema='core'
    )

    op.execute(TRIGGERS)
    op.execute(PREPARE)
    op.execute("SET LOCAL search_path = jobs")
    op.execute(QUEUE.read_text(encoding="utf-8"))
    op.execute("SET LOCAL search_path = public")  # what env.py runs every migration under
    op.execute(FIX_PATHS)
    op.execute(ENQUEUE)


def downgrade() -> None:
    # What the queue holds goes; the schema stays, for its maker may have been another.
    op.execute(DROP_QUEUE)
    for table in ("job_report", "derivative", "upload", "blob"):
        op.drop_table(table, schema="core")
