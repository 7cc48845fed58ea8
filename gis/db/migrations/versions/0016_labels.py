"""What each phone says it has numbered, sent or not.

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "device_announcement",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("highest >= 0", name=op.f("ck_device_announcement_highest")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_announcement")),
        schema="core",
    )
    op.execute(
        "CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE"
        " ON core.device_announcement"
        " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("device_announcement", schema="core")
