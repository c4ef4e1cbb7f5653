"""Platforms above by GB/T 28181: who they are, what of us each sees, under which codes."""

from alembic import op

revision = "0010"
down_revision = "0009"

SQL = """
CREATE TABLE upper_platform (
    id text PRIMARY KEY, name text NOT NULL, code text NOT NULL, domain text NOT NULL, host text NOT NULL,
    own_code text NOT NULL, port integer NOT NULL, transport text NOT NULL, username text NOT NULL DEFAULT '',
    password bytea, charset text NOT NULL, gb_version text NOT NULL, expires_s integer NOT NULL,
    keepalive_s integer NOT NULL, keepalive_missed integer NOT NULL, enabled boolean NOT NULL, ptz boolean NOT NULL,
    playback boolean NOT NULL, alarm_level smallint NOT NULL, mode text NOT NULL, places text[] NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1, state text NOT NULL DEFAULT 'connecting',
    reason text NOT NULL DEFAULT 'starting', state_at timestamptz, retired_at timestamptz);
CREATE UNIQUE INDEX ON upper_platform (code, own_code) WHERE retired_at IS NULL;
COMMENT ON COLUMN upper_platform.password IS 'sealed by the node key; never leaves the node';
COMMENT ON COLUMN upper_platform.mode IS 'places: every camera under these; chosen: those in upper_share';

CREATE TABLE upper_directory (
    upper_id text NOT NULL, code text NOT NULL, parent text NOT NULL, name text NOT NULL,
    place_id text NOT NULL DEFAULT '', sort integer NOT NULL, PRIMARY KEY (upper_id, code));
COMMENT ON TABLE upper_directory IS 'groups and organisations that an upper sees; those of places keep their code';

CREATE TABLE upper_share (
    upper_id text NOT NULL, channel_id text NOT NULL, code text NOT NULL DEFAULT '',
    directory text NOT NULL DEFAULT '', chosen boolean NOT NULL, PRIMARY KEY (upper_id, channel_id));
COMMENT ON COLUMN upper_share.code IS 'under which code an upper knows the camera; empty: its own';

CREATE TABLE upper_dialog (
    relay_id text PRIMARY KEY, upper_id text NOT NULL, call_id text NOT NULL, opened_at timestamptz NOT NULL,
    state jsonb NOT NULL);
COMMENT ON TABLE upper_dialog IS 'copies that are being sent up: after a restart each is ended with a BYE';

INSERT INTO version (name, value) VALUES ('cascade', 1) ON CONFLICT DO NOTHING;
"""


def upgrade() -> None:
    """Make them."""
    op.execute(SQL)
