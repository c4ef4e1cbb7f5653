"""Arrangements of pictures that people keep."""

from alembic import op

revision = "0011"
down_revision = "0010"

SQL = """
CREATE TABLE video_layout (
    id text PRIMARY KEY, owner_id text NOT NULL, owner_name text NOT NULL, name text NOT NULL,
    shared boolean NOT NULL DEFAULT false, body jsonb NOT NULL, version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL);
CREATE INDEX ON video_layout (owner_id);
CREATE INDEX ON video_layout (shared) WHERE shared;
COMMENT ON TABLE video_layout IS 'which cameras stand where on a page: of one account, or shared with all';
"""


def upgrade() -> None:
    """Make them."""
    op.execute(SQL)
