"""An unfinished upload is its author's and the office's: a rule of rows.

Revision: 0010_row_rules
Follows: 0010
"""

from alembic import op

revision = "0010_row_rules"
down_revision = "0010"
branch_labels = None
depends_on = None

# The owner is not held by it: backup, restore and migrations see every row. The account is asked
# once for each statement (a subquery of its own), and compared with an operator that is leakproof.
RULES = """
ALTER TABLE core.upload ENABLE ROW LEVEL SECURITY;
CREATE POLICY office ON core.upload TO infratrack_staff, infratrack_jobs
USING (true) WITH CHECK (true);
CREATE POLICY own ON core.upload TO infratrack_field
USING (account = (SELECT nullif(current_setting('infratrack.account', true), '')::uuid))
WITH CHECK (account = (SELECT nullif(current_setting('infratrack.account', true), '')::uuid));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(RULES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP POLICY own ON core.upload")
    op.execute("DROP POLICY office ON core.upload")
    op.execute("ALTER TABLE core.upload DISABLE ROW LEVEL SECURITY")
