"""Recordings that were taken out as evidence: the register of who took what, for whom and why."""

from alembic import op

revision = "0013"
down_revision = "0012"

SQL = """
CREATE TABLE video_export (
    id text PRIMARY KEY, channel_id text NOT NULL, channel_name text NOT NULL, site_id text NOT NULL,
    place_path text NOT NULL, jurisdiction text NOT NULL, start_at timestamptz NOT NULL, end_at timestamptz NOT NULL,
    source text NOT NULL, reason text NOT NULL, document text NOT NULL, unit text NOT NULL, officers text[] NOT NULL,
    by_id text NOT NULL, by_name text NOT NULL, created_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'queued', code text NOT NULL DEFAULT '', done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0, size bigint, sha256 text, finished_at timestamptz);
CREATE INDEX ON video_export (created_at DESC, id DESC);
COMMENT ON TABLE video_export IS 'the register stays when the files are gone';
COMMENT ON COLUMN video_export.done IS 'of total, bytes copied';
"""


def upgrade() -> None:
    """Make it."""
    op.execute(SQL)
