"""Tables of video."""

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = """
SELECT 1;
"""


def upgrade() -> None:
    """Make them."""
    op.execute(SQL)
