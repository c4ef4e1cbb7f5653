"""Docking: links up and down, marks, fates, reconciliation, pairing codes, replay guard, anchors of the tier below."""

from alembic import op

revision = "0003"
down_revision = "0002"

SQL = """
CREATE TABLE upper_link (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    url text NOT NULL, certificate text NOT NULL, node text NOT NULL, name text NOT NULL, fingerprint text NOT NULL,
    state text NOT NULL, reason text NOT NULL DEFAULT '', last_ack_at timestamptz);

CREATE TABLE lower_node (
    node text PRIMARY KEY, name text NOT NULL, tier text NOT NULL, public_key bytea NOT NULL,
    fingerprint text NOT NULL, state text NOT NULL DEFAULT 'pending', epoch bigint NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL, last_seen timestamptz, delay_ms bigint);

CREATE TABLE lower_mark (
    node text NOT NULL, epoch bigint NOT NULL, lane text NOT NULL, mark bigint NOT NULL,
    PRIMARY KEY (node, epoch, lane));

CREATE TABLE fate_day (
    node text NOT NULL, epoch bigint NOT NULL, lane text NOT NULL, day date NOT NULL, kind text NOT NULL,
    kept bigint NOT NULL DEFAULT 0, duplicate bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0, dropped bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (node, epoch, lane, day, kind));
COMMENT ON COLUMN fate_day.day IS 'UTC day on which the sender logged the row, so both sides count alike';

CREATE TABLE reconciliation_day (
    node text NOT NULL, day date NOT NULL, kind text NOT NULL, sent bigint NOT NULL, received bigint NOT NULL,
    checked_at timestamptz NOT NULL, PRIMARY KEY (node, day, kind));

CREATE TABLE pairing_code (
    hash bytea PRIMARY KEY, made_by text NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz);

CREATE TABLE replay_nonce (id bytea PRIMARY KEY, at timestamptz NOT NULL);
CREATE INDEX ON replay_nonce (at);

CREATE TABLE anchor (
    node text NOT NULL, segment text NOT NULL, seq bigint NOT NULL, sha256 bytea NOT NULL, sm3 bytea NOT NULL,
    signature bytea NOT NULL, received_at timestamptz NOT NULL, PRIMARY KEY (node, segment, seq));
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(SQL)
