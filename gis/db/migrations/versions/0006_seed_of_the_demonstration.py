"""Seed and scale of a demonstration county have a column of their own, not a tail on its name.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ACTOR = "SELECT set_config('infratrack.actor', 'migration', true)"
TAIL = " #([0-9]+)/([0-9.e+-]+)$"


def upgrade() -> None:
    op.add_column(
        "county",
        sa.Column("demonstration", postgresql.JSONB(none_as_null=True), nullable=True),
        schema="core",
    )
    op.execute(ACTOR)
    op.execute(
        f"""
        UPDATE core.county SET name_en = regexp_replace(name_en, '{TAIL}', ''),
          demonstration = jsonb_build_object(
            'seed', (regexp_match(name_en, '{TAIL}'))[1]::bigint,
            'scale', (regexp_match(name_en, '{TAIL}'))[2]::double precision)
        WHERE is_demonstration
        """
    )
    op.drop_column("county", "is_demonstration", schema="core")


def downgrade() -> None:
    op.add_column(
        "county",
        sa.Column("is_demonstration", sa.Boolean(), server_default=sa.false(), nullable=False),
        schema="core",
    )
    op.execute(ACTOR)
    op.execute(
        """
        UPDATE core.county SET is_demonstration = true,
          name_en = name_en || ' #' || (demonstration->>'seed')
            || '/' || (demonstration->>'scale')
        WHERE demonstration IS NOT NULL
        """
    )
    op.drop_column("county", "demonstration", schema="core")
