"""Passwords that are for one login.

Revision: 0010
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Whoever has a password now has used it: nobody is asked for another by an upgrade.
    op.add_column(
        "password",
        sa.Column("is_one_time", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="core",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("password", "is_one_time", schema="core")
