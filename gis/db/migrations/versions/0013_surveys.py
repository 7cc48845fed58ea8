"""Survey batches: books handed in, findings, decisions, deliverables.

Revision: 0013
Follows: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE core.survey_batch (
  id UUID NOT NULL,
  name TEXT NOT NULL,
  unit TEXT DEFAULT '' NOT NULL,
  claimed_m DOUBLE PRECISION,
  crs TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  created_by TEXT NOT NULL,
  CONSTRAINT pk_survey_batch PRIMARY KEY (id),
  CONSTRAINT uq_survey_batch_name UNIQUE (name),
  CONSTRAINT ck_survey_batch_name CHECK (char_length(name) BETWEEN 1 AND 150),
  CONSTRAINT ck_survey_batch_unit CHECK (char_length(unit) <= 200),
  CONSTRAINT ck_survey_batch_claimed_m CHECK (claimed_m >= 0)
);
CREATE TABLE core.survey_import (
  id UUID NOT NULL,
  batch_id UUID NOT NULL,
  number INTEGER NOT NULL,
  file TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  rules TEXT,
  counts JSONB,
  result JSONB,
  problem JSONB,
  surveyed_m DOUBLE PRECISION,
  accepted_m DOUBLE PRECISION,
  imported_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  imported_by TEXT NOT NULL,
  judged_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_survey_import PRIMARY KEY (id),
  CONSTRAINT uq_survey_import_batch_id_number UNIQUE (batch_id, number),
  CONSTRAINT fk_survey_import_batch_id FOREIGN KEY(batch_id) REFERENCES core.survey_batch (id),
  CONSTRAINT ck_survey_import_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  CONSTRAINT ck_survey_import_number CHECK (number > 0)
);
CREATE TABLE core.survey_file (
  import_id UUID NOT NULL,
  role TEXT NOT NULL,
  content BYTEA NOT NULL,
  CONSTRAINT pk_survey_file PRIMARY KEY (import_id, role),
  CONSTRAINT fk_survey_file_import_id FOREIGN KEY(import_id) REFERENCES core.survey_import (id),
  CONSTRAINT ck_survey_file_role CHECK (role IN ('original', 'marked'))
);
CREATE TABLE core.survey_finding (
  import_id UUID NOT NULL,
  key TEXT NOT NULL,
  number BIGINT NOT NULL,
  rule TEXT NOT NULL,
  severity TEXT NOT NULL,
  sheet TEXT DEFAULT '' NOT NULL,
  row INTEGER NOT NULL,
  column_letter TEXT DEFAULT '' NOT NULL,
  cell TEXT DEFAULT '' NOT NULL,
  field TEXT DEFAULT '' NOT NULL,
  code TEXT DEFAULT '' NOT NULL,
  value TEXT DEFAULT '' NOT NULL,
  zh TEXT DEFAULT '' NOT NULL,
  en TEXT DEFAULT '' NOT NULL,
  restricted BOOLEAN NOT NULL,
  geometry JSONB,
  CONSTRAINT pk_survey_finding PRIMARY KEY (import_id, key),
  CONSTRAINT fk_survey_finding_import_id FOREIGN KEY(import_id) REFERENCES core.survey_import (id),
  CONSTRAINT ck_survey_finding_severity CHECK (severity IN ('error', 'warning', 'notice'))
);
CREATE INDEX ix_survey_finding_import_id_number ON core.survey_finding (import_id, number);
CREATE INDEX ix_survey_finding_import_id_rule ON core.survey_finding (import_id, rule);
CREATE TABLE core.survey_decision (
  id UUID NOT NULL,
  batch_id UUID NOT NULL,
  key TEXT NOT NULL,
  value TEXT DEFAULT '' NOT NULL,
  decision TEXT NOT NULL,
  reason TEXT DEFAULT '' NOT NULL,
  decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  decided_by TEXT NOT NULL,
  CONSTRAINT pk_survey_decision PRIMARY KEY (id),
  CONSTRAINT fk_survey_decision_batch_id FOREIGN KEY(batch_id) REFERENCES core.survey_batch (id),
  CONSTRAINT ck_survey_decision_decision CHECK (decision IN ('accept', 'waive', 'reopen')),
  CONSTRAINT ck_survey_decision_reason CHECK (decision <> 'waive' OR char_length(reason) > 1)
);
CREATE INDEX ix_survey_decision_batch_id_key ON core.survey_decision (batch_id, key, decided_at);
CREATE TABLE core.survey_deliverable (
  id UUID NOT NULL,
  batch_id UUID NOT NULL,
  item TEXT NOT NULL,
  state TEXT NOT NULL,
  note TEXT DEFAULT '' NOT NULL,
  noted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  noted_by TEXT NOT NULL,
  CONSTRAINT pk_survey_deliverable PRIMARY KEY (id),
  CONSTRAINT fk_survey_deliverable_batch_id FOREIGN KEY(batch_id) REFERENCES core.survey_batch (id),
  CONSTRAINT ck_survey_deliverable_item CHECK (item IN ('tables', 'map', 'inspection', 'scheme')),
  CONSTRAINT ck_survey_deliverable_state CHECK (state IN ('in_progress', 'delivered', 'accepted'))
);
CREATE INDEX ix_survey_deliverable_batch_id_item ON core.survey_deliverable (batch_id, item, noted_at);
"""
NAMES = (
    "survey_batch", "survey_import", "survey_file", "survey_finding", "survey_decision",
    "survey_deliverable",
)
# The list of tasks people may queue grows by one, whatever else is in it.
ALLOW = """
DO $do$ BEGIN
  EXECUTE replace(pg_get_functiondef('jobs.enqueue(text, jsonb, text)'::regprocedure),
                  'task NOT IN (%s', 'task NOT IN (%s');
END $do$
"""
TASK = "''judge_survey'', "
ONLY_ADDED = ("survey_decision", "survey_deliverable")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLES)
    op.execute(ALLOW % ("", TASK))
    for name in NAMES:
        op.execute(
            f"CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.{name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
        )
    for name in ONLY_ADDED:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.{name}"
            " FOR EACH ROW EXECUTE FUNCTION core.refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.{name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ALLOW % (TASK, ""))
    for name in reversed(NAMES):
        op.drop_table(name, schema="core")
