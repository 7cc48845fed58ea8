"""The field log: events with their devices, evidence and outcomes; visits, campaigns, seals.

``core.event`` takes the place of ``core.hazard_event``; what that held is taken over.

Revision: 0002
Follows: 0001
"""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

CHECKS = {
    "item": 64, "section": 200, "assigned_to": 200, "visit_id": 36, "found_by": 200,
    "fixed_by": 200, "reinspected_by": 200,
}  # fmt: skip

FUNCTIONS = """
CREATE SEQUENCE core.event_number;

CREATE FUNCTION core.stamp_log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
-- Who and when are the server's word. The number is drawn under a lock the sealer waits for, so
-- that a sealed block is never entered by a slower transaction with a lower number.
BEGIN
  NEW.recorded_by := nullif(current_setting('infratrack.actor', true), '');
  IF NEW.recorded_by IS NULL THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  PERFORM pg_advisory_xact_lock_shared(7261010);
  NEW.number := nextval('core.event_number');
  NEW.recorded_at := now();
  RETURN NEW;
END $$;

CREATE FUNCTION core.stamp_outcome() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- A judgement is made once; only what waited may be judged again, and only jobs writes anew.
BEGIN
  IF coalesce(current_setting('infratrack.actor', true), '') = '' THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.outcome <> 'waiting'
     AND current_user IN ('infratrack_field', 'infratrack_staff') THEN
    RAISE EXCEPTION 'the outcome of event % stands', OLD.event_id USING ERRCODE = 'IT003';
  END IF;
  NEW.decided_at := now();
  NEW.decided_tx := pg_current_xact_id()::text;
  RETURN NEW;
END $$;

CREATE FUNCTION core.guard_hazard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- No hazard is in a state that no event led to, and none goes a way the workflow does not know.
BEGIN
  IF current_user NOT IN ('infratrack_field', 'infratrack_staff') THEN
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM core.event_outcome o WHERE o.hazard_id = NEW.id
                  AND o.outcome = 'applied' AND o.decided_tx = pg_current_xact_id()::text) THEN
    RAISE EXCEPTION 'no event led to this state of hazard %', NEW.id USING ERRCODE = 'IT004';
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.state <> OLD.state
     AND NOT EXISTS (SELECT 1 FROM core.hazard_transition t
                      WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
    RAISE EXCEPTION 'a hazard does not go from % to %', OLD.state, NEW.state
      USING ERRCODE = 'IT004';
  END IF;
  RETURN NEW;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER stamp_log BEFORE INSERT ON core.event
FOR EACH ROW EXECUTE FUNCTION core.stamp_log();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.event
FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.event
FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER mark_change AFTER INSERT ON core.event
FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change('hazard');
CREATE TRIGGER stamp_outcome BEFORE INSERT OR UPDATE ON core.event_outcome
FOR EACH ROW EXECUTE FUNCTION core.stamp_outcome();
CREATE TRIGGER mark_change AFTER INSERT OR UPDATE OR DELETE ON core.event_outcome
FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change('hazard');
CREATE TRIGGER guard_hazard BEFORE INSERT OR UPDATE ON core.hazard
FOR EACH ROW EXECUTE FUNCTION core.guard_hazard();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.seal
FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.seal
FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.visit
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.campaign
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.task
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
"""

TAKE_OVER = """
INSERT INTO core.event (id, number, type, hazard_id, at, actor, role, payload, recorded_at, recorded_by)
SELECT id, nextval('core.event_number'), type, hazard_id, at, actor, role, payload, recorded_at,
       recorded_by
  FROM (SELECT * FROM core.hazard_event ORDER BY recorded_at, hazard_id, seq) e;
INSERT INTO core.event_outcome (event_id, outcome, hazard_id, hazard_seq, applied_at)
SELECT id, 'applied', hazard_id, seq, at FROM core.hazard_event;
"""

GIVE_BACK = """
INSERT INTO core.hazard_event (id, hazard_id, seq, type, at, actor, role, payload, recorded_at, recorded_by)
SELECT e.id, o.hazard_id, o.hazard_seq, e.type, o.applied_at, e.actor, e.role, e.payload,
       e.recorded_at, e.recorded_by
  FROM core.event e JOIN core.event_outcome o ON o.event_id = e.id
 WHERE o.outcome = 'applied' AND o.hazard_id IS NOT NULL;
CREATE TRIGGER stamp_event BEFORE INSERT ON core.hazard_event
FOR EACH ROW EXECUTE FUNCTION core.stamp_event();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.hazard_event
FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.hazard_event
FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER mark_change AFTER INSERT ON core.hazard_event
FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change('hazard');
DROP TRIGGER guard_hazard ON core.hazard;
DROP FUNCTION core.guard_hazard();
"""

STAMP_EVENT = """
CREATE FUNCTION core.stamp_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.recorded_by := nullif(current_setting('infratrack.actor', true), '');
  IF NEW.recorded_by IS NULL THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  NEW.recorded_at := now();
  RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # ### commands auto generated by Alembic - please adjust! ###
    op.create_table('campaign',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('document', sa.Text(), nullable=True),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('population', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('is_open', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.CheckConstraint('due_on >= starts_on', name=op.f('ck_campaign_due_on')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaign')),
    schema='core'
    )
    op.create_geospatial_table('event',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('hazard_id', sa.Uuid(), nullable=True),
    sa.Column('visit_id', sa.Uuid(), nullable=True),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('task_id', sa.Uuid(), nullable=True),
    sa.Column('asset_id', sa.Uuid(), nullable=True),
    sa.Column('asset_choice', sa.Text(), nullable=True),
    sa.Column('expected_version', sa.BigInteger(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('device_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('skew_ms', sa.BigInteger(), nullable=True),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('role', sa.Text(), nullable=True),
    sa.Column('form', sa.Text(), nullable=True),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('device_id', sa.Uuid(), nullable=True),
    sa.Column('device_seq', sa.BigInteger(), nullable=True),
    sa.Column('prev_hash', sa.LargeBinary(), nullable=True),
    sa.Column('body_sha256', sa.LargeBinary(), nullable=True),
    sa.Column('geom_raw', Geometry(geometry_type='POINT', srid=4490, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
    sa.Column('accuracy_m', sa.Double(), nullable=True),
    sa.Column('accuracy_level', sa.Double(), nullable=True),
    sa.Column('fix_source', sa.Text(), nullable=True),
    sa.Column('fix_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('township', sa.Text(), nullable=True),
    sa.Column('place', Geometry(geometry_type='POINT', srid=4490, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
    sa.Column('settled', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by', sa.Text(), nullable=False),
    sa.CheckConstraint("accuracy_m >= 0 AND accuracy_m < 'Infinity'", name=op.f('ck_event_accuracy_m')),
    sa.CheckConstraint("jsonb_typeof(evidence) = 'array'", name=op.f('ck_event_evidence')),
    sa.CheckConstraint('octet_length(body_sha256) = 32', name=op.f('ck_event_body_sha256')),
    sa.CheckConstraint('octet_length(prev_hash) = 32', name=op.f('ck_event_prev_hash')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event')),
    sa.UniqueConstraint('number', name=op.f('uq_event_number')),
    schema='core'
    )
    op.create_index('ix_event_device', 'event', ['device_id', 'device_seq'], unique=False, schema='core')
    op.create_index('ix_event_evidence', 'event', ['evidence'], unique=False, schema='core', postgresql_using='gin')
    op.create_index('ix_event_hazard_id', 'event', ['hazard_id', 'number'], unique=False, schema='core')
    op.create_index('ix_event_stored_evidence', 'event', [sa.literal_column("(payload ->> 'sha256')")], unique=False, schema='core', postgresql_where=sa.text("type = 'evidence_stored'"))
    op.create_index('ix_event_visit_id', 'event', ['visit_id'], unique=False, schema='core')
    op.create_table('hazard_transition',
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('from_state', 'to_state', name=op.f('pk_hazard_transition')),
    schema='core'
    )
    op.create_table('seal',
    sa.Column('block', sa.BigInteger(), nullable=False),
    sa.Column('first_number', sa.BigInteger(), nullable=False),
    sa.Column('last_number', sa.BigInteger(), nullable=False),
    sa.Column('events', sa.Integer(), nullable=False),
    sa.Column('prev_hash', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('last_number >= first_number', name=op.f('ck_seal_last_number')),
    sa.PrimaryKeyConstraint('block', name=op.f('pk_seal')),
    schema='core'
    )
    op.create_table('event_outcome',
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('hazard_id', sa.Uuid(), nullable=True),
    sa.Column('hazard_seq', sa.BigInteger(), nullable=True),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decided_tx', sa.Text(), server_default=sa.text('pg_current_xact_id()::text'), nullable=False),
    sa.CheckConstraint("hazard_seq IS NULL OR outcome = 'applied'", name=op.f('ck_event_outcome_hazard_seq')),
    sa.CheckConstraint("outcome IN ('applied', 'waiting', 'refused')", name=op.f('ck_event_outcome_outcome')),
    sa.ForeignKeyConstraint(['event_id'], ['core.event.id'], name=op.f('fk_event_outcome_event_id')),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_event_outcome')),
    sa.UniqueConstraint('hazard_id', 'hazard_seq', name=op.f('uq_event_outcome_hazard_id_hazard_seq')),
    schema='core'
    )
    op.create_index('ix_event_outcome_waiting', 'event_outcome', ['hazard_id'], unique=False, schema='core', postgresql_where=sa.text("outcome = 'waiting'"))
    op.create_table('task',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('asset_id', sa.Uuid(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('assigned_to', sa.Text(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), server_default=sa.text("'todo'"), nullable=False),
    sa.Column('visit_id', sa.Uuid(), nullable=True),
    sa.Column('changed_number', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("state IN ('todo', 'done', 'no_entry', 'dropped')", name=op.f('ck_task_state')),
    sa.ForeignKeyConstraint(['campaign_id'], ['core.campaign.id'], name=op.f('fk_task_campaign_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task')),
    sa.UniqueConstraint('campaign_id', 'asset_id', 'category', name=op.f('uq_task_campaign_id_asset_id_category')),
    schema='core'
    )
    op.create_index('ix_task_assigned_to', 'task', ['assigned_to', 'state'], unique=False, schema='core')
    op.create_table('visit',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('asset_id', sa.Uuid(), nullable=True),
    sa.Column('task_id', sa.Uuid(), nullable=True),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('team', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('joint', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('accompanied_by', sa.Text(), nullable=True),
    sa.Column('checklist', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('flood', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('township', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['event_id'], ['core.event.id'], name=op.f('fk_visit_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit')),
    schema='core'
    )
    op.create_index('ix_visit_asset_id', 'visit', ['asset_id', 'at'], unique=False, schema='core')
    op.create_index('ix_visit_at', 'visit', ['at'], unique=False, schema='core')
    op.execute(FUNCTIONS)
    op.execute(TAKE_OVER)
    op.drop_table('hazard_event', schema='core')
    op.execute("DROP FUNCTION core.stamp_event()")
    op.add_column('hazard', sa.Column('item', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('order_due_on', sa.Date(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('section', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('assigned_to', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('visit_id', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('found_by', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('fixed_by', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('reinspected_by', sa.Text(), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('reinspected_at', sa.DateTime(timezone=True), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('controlled_at', sa.DateTime(timezone=True), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('notified_at', sa.DateTime(timezone=True), nullable=True), schema='core')
    op.add_column('hazard', sa.Column('item', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('order_due_on', sa.Date(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('section', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('assigned_to', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('visit_id', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('found_by', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('fixed_by', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('reinspected_by', sa.Text(), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('reinspected_at', sa.DateTime(timezone=True), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('controlled_at', sa.DateTime(timezone=True), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True), schema='history')
    op.add_column('hazard', sa.Column('notified_at', sa.DateTime(timezone=True), nullable=True), schema='history')
    for name, longest in CHECKS.items():
        op.create_check_constraint(
            op.f(f"ck_hazard_{name}"), "hazard", f"char_length({name}) <= {longest}", schema="core"
        )
    op.execute(TRIGGERS)
    # ### end Alembic commands ###


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # ### commands auto generated by Alembic - please adjust! ###
    op.drop_column('hazard', 'notified_at', schema='history')
    op.drop_column('hazard', 'submitted_at', schema='history')
    op.drop_column('hazard', 'controlled_at', schema='history')
    op.drop_column('hazard', 'reinspected_at', schema='history')
    op.drop_column('hazard', 'reinspected_by', schema='history')
    op.drop_column('hazard', 'fixed_by', schema='history')
    op.drop_column('hazard', 'found_by', schema='history')
    op.drop_column('hazard', 'visit_id', schema='history')
    op.drop_column('hazard', 'assigned_to', schema='history')
    op.drop_column('hazard', 'section', schema='history')
    op.drop_column('hazard', 'order_due_on', schema='history')
    op.drop_column('hazard', 'item', schema='history')
    op.drop_column('hazard', 'notified_at', schema='core')
    op.drop_column('hazard', 'submitted_at', schema='core')
    op.drop_column('hazard', 'controlled_at', schema='core')
    op.drop_column('hazard', 'reinspected_at', schema='core')
    op.drop_column('hazard', 'reinspected_by', schema='core')
    op.drop_column('hazard', 'fixed_by', schema='core')
    op.drop_column('hazard', 'found_by', schema='core')
    op.drop_column('hazard', 'visit_id', schema='core')
    op.drop_column('hazard', 'assigned_to', schema='core')
    op.drop_column('hazard', 'section', schema='core')
    op.drop_column('hazard', 'order_due_on', schema='core')
    op.drop_column('hazard', 'item', schema='core')
    op.create_table('hazard_event',
    sa.Column('id', sa.UUID(), autoincrement=False, nullable=False),
    sa.Column('hazard_id', sa.UUID(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.BIGINT(), autoincrement=False, nullable=False),
    sa.Column('type', sa.TEXT(), autoincrement=False, nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), autoincrement=False, nullable=False),
    sa.Column('actor', sa.TEXT(), autoincrement=False, nullable=False),
    sa.Column('role', sa.TEXT(), autoincrement=False, nullable=True),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), autoincrement=False, nullable=False),
    sa.Column('recorded_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), autoincrement=False, nullable=False),
    sa.Column('recorded_by', sa.TEXT(), autoincrement=False, nullable=False),
    sa.CheckConstraint('seq >= 1', name=op.f('ck_hazard_event_seq')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hazard_event')),
    sa.UniqueConstraint('hazard_id', 'seq', name=op.f('uq_hazard_event_hazard_id_seq')),
    schema='core'
    )
    op.execute(STAMP_EVENT)
    op.execute(GIVE_BACK)
    op.drop_index('ix_visit_at', table_name='visit', schema='core')
    op.drop_index('ix_visit_asset_id', table_name='visit', schema='core')
    op.drop_table('visit', schema='core')
    op.drop_index('ix_task_assigned_to', table_name='task', schema='core')
    op.drop_table('task', schema='core')
    op.drop_index('ix_event_outcome_waiting', table_name='event_outcome', schema='core', postgresql_where=sa.text("outcome = 'waiting'"))
    op.drop_table('event_outcome', schema='core')
    op.drop_table('seal', schema='core')
    op.drop_table('hazard_transition', schema='core')
    op.drop_index('ix_event_visit_id', table_name='event', schema='core')
    op.drop_index('ix_event_stored_evidence', table_name='event', schema='core', postgresql_where=sa.text("type = 'evidence_stored'"))
    op.drop_index('ix_event_hazard_id', table_name='event', schema='core')
    op.drop_index('ix_event_evidence', table_name='event', schema='core', postgresql_using='gin')
    op.drop_index('ix_event_device', table_name='event', schema='core')
    op.drop_geospatial_table('event', schema='core')
    op.drop_table('campaign', schema='core')
    op.execute("DROP FUNCTION core.stamp_log(); DROP FUNCTION core.stamp_outcome()")
    op.execute("DROP SEQUENCE core.event_number")
    # ### end Alembic commands ###
