"""The second factor; passwords that are for one login; a notice when somebody may come in no more.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
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
    op.create_table(
        "second_factor",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("offered", sa.Text(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(secret IS NULL) = (confirmed_at IS NULL) AND (secret IS NULL) = (last_step IS NULL)"
            " AND (offered IS NULL) = (offered_at IS NULL)",
            name=op.f("ck_second_factor_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["core.account.id"], name=op.f("fk_second_factor_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factor")),
        schema="core",
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_recovery_code_sha256")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["core.account.id"], name=op.f("fk_recovery_code_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "sha256", name=op.f("pk_recovery_code")),
        schema="core",
    )
    for table in ("second_factor", "recovery_code"):
        op.execute(
            f"CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("recovery_code", schema="core")
    op.drop_table("second_factor", schema="core")
    for table in ("token", "account", "device"):
        op.execute(f"DROP TRIGGER tell_access ON core.{table}")
    op.execute("DROP FUNCTION core.tell_access()")
    op.drop_column("password", "is_one_time", schema="core")
