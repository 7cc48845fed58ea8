"""Accounts, what people log in with, throttling, and the audit trail.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = '0003'
branch_labels = None
depends_on = None

FUNCTIONS = """
CREATE FUNCTION core.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- The audit trail only grows. What is older than half a year, the least the law asks for, may be
-- pruned by who says so for the transaction; only the owner has the right to delete at all.
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF current_setting('infratrack.prune_audit', true) = 'on'
       AND OLD.at < now() - interval '184 days' THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit trail is insert-only' USING ERRCODE = 'IT003';
END $$;

CREATE FUNCTION core.note_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
-- What a person records is in the audit trail by the transaction that records it.
BEGIN
  INSERT INTO core.audit_event (account_id, login, action, outcome, subject, detail)
  VALUES (NEW.account_id, NEW.actor, 'record_event', 'done', 'event:' || NEW.id,
          jsonb_strip_nulls(jsonb_build_object('type', NEW.type, 'hazard', NEW.hazard_id,
                                               'role', NEW.role, 'device', NEW.device_id)));
  RETURN NULL;
END $$;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.audit_event
FOR EACH ROW EXECUTE FUNCTION core.refuse_audit_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.audit_event
FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.account
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.password
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
CREATE TRIGGER note_event AFTER INSERT ON core.event
FOR EACH ROW WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION core.note_event();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('account',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('login', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('roles', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('townships', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    sa.Column('section', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("cardinality(roles) = 1 OR NOT roles && ARRAY['system_officer', 'security_officer', 'audit_officer']", name=op.f('ck_account_officers')),
    sa.CheckConstraint("cardinality(roles) > 0 AND roles <@ ARRAY['viewer', 'inspector', 'officer', 'planner', 'leader', 'system_officer', 'security_officer', 'audit_officer']", name=op.f('ck_account_roles')),
    sa.CheckConstraint('char_length(name) BETWEEN 1 AND 100', name=op.f('ck_account_name')),
    sa.CheckConstraint('login = lower(login) AND char_length(login) BETWEEN 2 AND 64', name=op.f('ck_account_login')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('login', name=op.f('uq_account_login')),
    schema='core'
    )
    op.create_table('audit_event',
    sa.Column('number', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('login', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), server_default=sa.text("''"), nullable=False),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('credential', sa.Text(), nullable=True),
    sa.CheckConstraint("outcome IN ('done', 'refused')", name=op.f('ck_audit_event_outcome')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_audit_event')),
    schema='core'
    )
    op.create_index('ix_audit_event_account_id_number', 'audit_event', ['account_id', 'number'], unique=False, schema='core')
    op.create_index('ix_audit_event_at', 'audit_event', ['at'], unique=False, schema='core')
    op.create_table('login_attempt',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('blocks', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('window_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('blocked_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('failures >= 0 AND blocks >= 0', name=op.f('ck_login_attempt_counts')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_login_attempt')),
    schema='core'
    )
    op.create_table('device',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('char_length(name) BETWEEN 1 AND 100', name=op.f('ck_device_name')),
    sa.ForeignKeyConstraint(['account_id'], ['core.account.id'], name=op.f('fk_device_account_id')),
    sa.PrimaryKeyConstraint('id', 'account_id', name=op.f('pk_device')),
    schema='core'
    )
    op.create_table('enrolment',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('octet_length(sha256) = 32', name=op.f('ck_enrolment_sha256')),
    sa.ForeignKeyConstraint(['account_id'], ['core.account.id'], name=op.f('fk_enrolment_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrolment')),
    sa.UniqueConstraint('sha256', name=op.f('uq_enrolment_sha256')),
    schema='core'
    )
    op.create_table('password',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("left(hash, 10) = '$argon2id$'", name=op.f('ck_password_hash')),
    sa.ForeignKeyConstraint(['account_id'], ['core.account.id'], name=op.f('fk_password_account_id')),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_password')),
    schema='core'
    )
    op.create_table('token',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('device_id', sa.Uuid(), nullable=True),
    sa.Column('hazard_id', sa.Uuid(), nullable=True),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'link') = (account_id IS NULL) AND (kind = 'link') = (hazard_id IS NOT NULL) AND (kind = 'device') = (device_id IS NOT NULL)", name=op.f('ck_token_scope')),
    sa.CheckConstraint("kind IN ('session', 'device', 'app_password', 'link')", name=op.f('ck_token_kind')),
    sa.CheckConstraint('char_length(label) <= 100', name=op.f('ck_token_label')),
    sa.CheckConstraint('octet_length(sha256) = 32', name=op.f('ck_token_sha256')),
    sa.ForeignKeyConstraint(['account_id'], ['core.account.id'], name=op.f('fk_token_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_token')),
    sa.UniqueConstraint('sha256', name=op.f('uq_token_sha256')),
    schema='core'
    )
    op.create_index('ix_token_account_id_kind', 'token', ['account_id', 'kind'], unique=False, schema='core')
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER note_event ON core.event")
    op.drop_index('ix_token_account_id_kind', table_name='token', schema='core')
    op.drop_table('token', schema='core')
    op.drop_table('password', schema='core')
    op.drop_table('enrolment', schema='core')
    op.drop_table('device', schema='core')
    op.drop_table('login_attempt', schema='core')
    op.drop_index('ix_audit_event_at', table_name='audit_event', schema='core')
    op.drop_index('ix_audit_event_account_id_number', table_name='audit_event', schema='core')
    op.drop_table('audit_event', schema='core')
    op.drop_table('account', schema='core')
    op.execute("DROP FUNCTION core.note_event()")
    op.execute("DROP FUNCTION core.refuse_audit_change()")
