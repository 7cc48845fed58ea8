"""Whom a task was given to by name, as a team's list of names says it.

Revision: 0015
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("task", sa.Column("assigned_name", sa.Text(), nullable=True), schema="core")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("task", "assigned_name", schema="core")
