"""Tables of cascade."""

from alembic import op

revision = "0010"
down_revision = "0009"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Make them."""
    op.execute(SQL)
