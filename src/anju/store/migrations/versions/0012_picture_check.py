"""When each segment of pictures was last proved, and what was told of its losses."""

from alembic import op

revision = "0012"
down_revision = "0011"

SQL = """
ALTER TABLE segment ADD COLUMN checked_at timestamptz, ADD COLUMN lost text NOT NULL DEFAULT '';
COMMENT ON COLUMN segment.checked_at IS 'when all of its pictures were last proved';
COMMENT ON COLUMN segment.lost IS 'what was told to be lost of it: 2 damaged; nothing where it is whole';
CREATE INDEX ON segment (checked_at NULLS FIRST) WHERE dropped_at IS NULL;
"""


def upgrade() -> None:
    """Make the columns."""
    op.execute(SQL)
