"""Middles, and an index over them, for the grids of counts in tiles.

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COUNTED = {
    "flood_point": ["treatment"],
    "gas_site": ["operating_state"],
    "hazard": ["severity", "is_open", "due_at"],
    "land_plot": ["stage", "area_m2"],
    "pocket_park": ["progress", "area_m2"],
    "population": [],
    "road": ["progress", "length_m"],
    "sewer_manhole": ["progress"],
    "sewer_pipe": ["progress", "length_m"],
}
"""Kinds whose tiles begin with a grid, and what their cells sum and split by."""

MIDDLES = [
    f"ADD COLUMN {name} double precision GENERATED ALWAYS AS"
    f" ((public.ST_{axis}Min(geometry) + public.ST_{axis}Max(geometry)) / 2) STORED"
    for axis, name in (("X", "middle_lon"), ("Y", "middle_lat"))
]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for kind, counted in COUNTED.items():
        for schema in ("core", "history"):
            # One statement: each would write the table anew.
            op.execute(f"ALTER TABLE {schema}.{kind} {', '.join(MIDDLES)}")
        op.create_index(
            f"ix_{kind}_middle",
            kind,
            [sa.text("floor(middle_lat * 64::double precision)"), "middle_lon"],
            schema="core",
            postgresql_include=["middle_lat", *counted],
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for kind in COUNTED:
        op.drop_index(f"ix_{kind}_middle", kind, schema="core")
        for schema in ("history", "core"):
            for name in ("middle_lat", "middle_lon"):
                op.drop_column(kind, name, schema=schema)
