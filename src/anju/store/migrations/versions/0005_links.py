"""Links: the region a node below is bound to, what is known of nodes further down, retention that moves the tail."""

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = """
ALTER TABLE lower_node ADD COLUMN region text NOT NULL DEFAULT '/';
COMMENT ON COLUMN lower_node.region IS 'place path under which everything of the node lies';
"""


def upgrade() -> None:
    """Make the columns and the function."""
    op.execute(SQL)
