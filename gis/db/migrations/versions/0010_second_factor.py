"""Passwords that are for one login; a notice when somebody may come in no more.

Revision: 0010
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


TELL_ACCESS = """
CREATE FUNCTION core.tell_access() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- Answers that go on for hours look again who may read them.
BEGIN
  PERFORM pg_notify('infratrack_access', '');
  RETURN NULL;
END $$;
CREATE TRIGGER tell_access AFTER UPDATE OF revoked_at ON core.token
FOR EACH STATEMENT EXECUTE FUNCTION core.tell_access();
CREATE TRIGGER tell_access AFTER UPDATE OF disabled_at, roles, townships ON core.account
FOR EACH STATEMENT EXECUTE FUNCTION core.tell_access();
CREATE TRIGGER tell_access AFTER UPDATE OF revoked_at ON core.device
FOR EACH STATEMENT EXECUTE FUNCTION core.tell_access();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Whoever has a password now has used it: nobody is asked for another by an upgrade.
    op.add_column(
        "password",
        sa.Column("is_one_time", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="core",
    )
    op.execute(TELL_ACCESS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("token", "account", "device"):
        op.execute(f"DROP TRIGGER tell_access ON core.{table}")
    op.execute("DROP FUNCTION core.tell_access()")
    op.drop_column("password", "is_one_time", schema="core")
