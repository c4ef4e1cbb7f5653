"""Cameras as channels, who is registered by GB/T 28181, dialogs that run, the last messages of each device."""

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = """
CREATE TABLE channel (
    id text PRIMARY KEY, device_id text NOT NULL REFERENCES device (id), kind text NOT NULL, code text NOT NULL,
    told_name text NOT NULL, given_name text NOT NULL DEFAULT '', parent_code text NOT NULL DEFAULT '',
    parents text[] NOT NULL DEFAULT '{}', civil_code text NOT NULL DEFAULT '', status text NOT NULL,
    status_reason text NOT NULL, status_at timestamptz NOT NULL, ptz_type text NOT NULL DEFAULT '',
    longitude double precision, latitude double precision, place_id text, info jsonb NOT NULL DEFAULT '{}',
    plan jsonb NOT NULL DEFAULT '{}', version bigint NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL,
    retired_at timestamptz, UNIQUE (device_id, code));
CREATE INDEX ON channel (code);
COMMENT ON TABLE channel IS 'every item of a catalog; kind tells cameras from what holds them';
COMMENT ON COLUMN channel.status IS 'what the device says of it: on, off, fault';
COMMENT ON COLUMN channel.place_id IS 'where somebody put it; NULL: as the device of the same code, or its own';

CREATE VIEW channel_placed AS
    SELECT c.*, CASE WHEN c.given_name <> '' THEN c.given_name ELSE c.told_name END AS name,
        d.name AS device_name, d.kind AS device_kind, d.state AS device_state, d.state_reason AS device_reason,
        d.state_at AS device_state_at, p.id AS at_place, p.name AS place_name, p.place_path, p.site_id,
        p.jurisdiction, coalesce(s.name, '') AS site_name
    FROM channel c JOIN device d ON d.id = c.device_id
        LEFT JOIN device same ON same.code = c.code AND same.retired_at IS NULL AND c.place_id IS NULL
        LEFT JOIN place home ON home.id = d.place_id
        LEFT JOIN place civil ON civil.id = c.civil_code AND d.kind = 'platform' AND c.place_id IS NULL
            AND civil.place_path ^@ home.place_path
        JOIN place p ON p.id = coalesce(c.place_id, same.place_id, civil.id, d.place_id)
        LEFT JOIN place s ON s.id = p.site_id
    WHERE c.retired_at IS NULL AND d.retired_at IS NULL;

CREATE TABLE ptz_lock (
    channel_id text PRIMARY KEY, holder_id text NOT NULL, holder_name text NOT NULL, priority smallint NOT NULL,
    until timestamptz NOT NULL);

CREATE TABLE sip_registration (
    device_id text PRIMARY KEY, host text NOT NULL, port integer NOT NULL, transport text NOT NULL,
    local_host text NOT NULL, contact text NOT NULL DEFAULT '', call_id text NOT NULL DEFAULT '',
    gb_version text NOT NULL DEFAULT '', user_agent text NOT NULL DEFAULT '', registered_at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, interval_s double precision, missed integer,
    ended_at timestamptz, ended_reason text NOT NULL DEFAULT '', told jsonb NOT NULL DEFAULT '{}');
COMMENT ON COLUMN sip_registration.told IS 'what the device says of itself: info, status';
COMMENT ON COLUMN sip_registration.interval_s IS 'between keepalives, as the device is set; missed: how many may fail';

CREATE TABLE sip_sync (
    device_id text PRIMARY KEY, asked_at timestamptz NOT NULL, ended_at timestamptz, state text NOT NULL,
    told integer NOT NULL DEFAULT 0, received integer NOT NULL DEFAULT 0);
COMMENT ON TABLE sip_sync IS 'the last catalog asked of each device: running, complete, partial, none';

CREATE TABLE sip_dialog (
    call_id text PRIMARY KEY, device_id text NOT NULL, channel_id text NOT NULL, purpose text NOT NULL,
    opened_at timestamptz NOT NULL, state jsonb NOT NULL);
COMMENT ON TABLE sip_dialog IS 'streams that run: after a restart each is ended with a BYE';

CREATE TABLE sip_exchange (
    device_id text NOT NULL, slot smallint NOT NULL, at timestamptz NOT NULL, direction text NOT NULL,
    peer text NOT NULL, title text NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (device_id, slot));
COMMENT ON TABLE sip_exchange IS 'a ring for each device: its last messages, digests masked';

INSERT INTO version (name, value) VALUES ('channels', 1) ON CONFLICT DO NOTHING;
"""


def upgrade() -> None:
    """Make them."""
    op.execute(SQL)
