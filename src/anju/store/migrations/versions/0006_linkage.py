"""Linkage: what rules decided can be looked at by place, and what a crash left half done is found."""

from alembic import op

revision = "0006"
down_revision = "0005"

SQL = """
ALTER TABLE linkage_action ADD COLUMN place_path text NOT NULL DEFAULT '/',
    ADD COLUMN jurisdiction text NOT NULL DEFAULT '', ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
CREATE INDEX ON linkage_action (decided_at, id);
CREATE INDEX ON linkage_action (decided_at) WHERE state = 'sent' AND command_id IS NULL;
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(SQL)
