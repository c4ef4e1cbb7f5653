"""Places, jurisdictions, devices, zones; accounts, roles, grants, sessions, policies; routes for commands downward."""

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = """
CREATE TABLE version (name text PRIMARY KEY, value bigint NOT NULL DEFAULT 0);
COMMENT ON TABLE version IS 'counters that every process compares: rights, registry, policies, links';
INSERT INTO version (name) VALUES ('rights'), ('registry'), ('policies'), ('links');

CREATE TABLE place (
    id text PRIMARY KEY, parent_id text, kind text NOT NULL, name text NOT NULL, code text NOT NULL DEFAULT '',
    place_path text NOT NULL UNIQUE, site_id text NOT NULL DEFAULT '', jurisdiction text NOT NULL DEFAULT '',
    sort integer NOT NULL DEFAULT 0, longitude double precision, latitude double precision,
    profile jsonb NOT NULL DEFAULT '{}', detail jsonb NOT NULL DEFAULT '{}', home_node text NOT NULL,
    version bigint NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT now(), retired_at timestamptz);
CREATE INDEX ON place (parent_id);
CREATE INDEX ON place (place_path text_pattern_ops);
COMMENT ON COLUMN place.profile IS 'of a 小区: era (new, built), form (closed, open), households, manager, phone,
    retention';

CREATE TABLE place_history (
    place_id text NOT NULL, version bigint NOT NULL, at timestamptz NOT NULL, by_name text NOT NULL,
    body jsonb NOT NULL, PRIMARY KEY (place_id, version));

CREATE TABLE jurisdiction (
    code text PRIMARY KEY, name text NOT NULL, home_node text NOT NULL, version bigint NOT NULL DEFAULT 1,
    retired_at timestamptz);

CREATE TABLE device (
    id text PRIMARY KEY, site_id text NOT NULL, place_id text NOT NULL, place_path text NOT NULL,
    jurisdiction text NOT NULL DEFAULT '', kind text NOT NULL, name text NOT NULL, protocol text NOT NULL,
    account text NOT NULL DEFAULT '', code text NOT NULL DEFAULT '', state text NOT NULL DEFAULT 'unknown',
    state_reason text NOT NULL DEFAULT 'never heard', state_at timestamptz NOT NULL DEFAULT now(),
    heard_at timestamptz, interval_s double precision, silent boolean NOT NULL DEFAULT false,
    credential bytea, longitude double precision, latitude double precision, body jsonb NOT NULL DEFAULT '{}',
    home_node text NOT NULL, version bigint NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz);
CREATE UNIQUE INDEX device_account ON device (home_node, protocol, account) WHERE retired_at IS NULL AND account <> '';
CREATE UNIQUE INDEX device_code ON device (code) WHERE retired_at IS NULL AND code <> '';
CREATE INDEX ON device (place_path text_pattern_ops);
CREATE INDEX ON device (site_id);
COMMENT ON COLUMN device.credential IS 'encrypted by the node key; never leaves the node';

CREATE TABLE device_alias (
    device_id text NOT NULL, space text NOT NULL, code text NOT NULL, since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (space, code));
CREATE INDEX ON device_alias (device_id);

CREATE TABLE zone (
    device_id text NOT NULL, area text NOT NULL DEFAULT '', number text NOT NULL, name text NOT NULL,
    place_id text NOT NULL, place_path text NOT NULL, kind text, bypassed_until timestamptz,
    bypass_reason text NOT NULL DEFAULT '', retired_at timestamptz, PRIMARY KEY (device_id, area, number));

CREATE TABLE arming (
    device_id text NOT NULL, area text NOT NULL DEFAULT '', armed boolean NOT NULL, mode text NOT NULL DEFAULT '',
    at timestamptz NOT NULL, by_user text NOT NULL DEFAULT '', PRIMARY KEY (device_id, area));

CREATE TABLE code_segment (
    prefix text NOT NULL, first integer NOT NULL, last integer NOT NULL, node text NOT NULL,
    used integer NOT NULL DEFAULT 0, PRIMARY KEY (prefix, first));
COMMENT ON TABLE code_segment IS 'serials first..last of a 14-digit prefix of the 20-digit space, given to one node';

CREATE TABLE account (
    id text PRIMARY KEY, username text NOT NULL UNIQUE, name text NOT NULL, class text NOT NULL DEFAULT 'operator',
    phone bytea, password_hash text NOT NULL, pin_hash text NOT NULL DEFAULT '', totp_secret bytea,
    totp_pending bytea, totp_step bigint NOT NULL DEFAULT 0,
    language text, theme text, layout jsonb NOT NULL DEFAULT '{}', state text NOT NULL DEFAULT 'active',
    must_change boolean NOT NULL DEFAULT false, failures integer NOT NULL DEFAULT 0, locked_until timestamptz,
    expires_at timestamptz, last_login_at timestamptz, password_changed_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(), version bigint NOT NULL DEFAULT 1);
COMMENT ON COLUMN account.totp_step IS 'the last 30 s step whose code was taken: no code works twice';
CREATE TABLE password_history (
    account_id text NOT NULL, at timestamptz NOT NULL DEFAULT now(), password_hash text NOT NULL);
CREATE INDEX ON password_history (account_id, at);

CREATE TABLE role (
    id text PRIMARY KEY, name text NOT NULL, name_en text NOT NULL DEFAULT '', class text NOT NULL,
    actions text[] NOT NULL, builtin boolean NOT NULL DEFAULT false, version bigint NOT NULL DEFAULT 1,
    retired_at timestamptz);
CREATE TABLE role_grant (
    account_id text NOT NULL, role_id text NOT NULL, scope_kind text NOT NULL, scope_value text NOT NULL DEFAULT '',
    expires_at timestamptz, PRIMARY KEY (account_id, role_id, scope_kind, scope_value));

CREATE TABLE session (
    id_hash bytea PRIMARY KEY, account_id text NOT NULL, created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, locked boolean NOT NULL DEFAULT false,
    reauthenticated_at timestamptz, peer text NOT NULL DEFAULT '', agent text NOT NULL DEFAULT '', layout jsonb,
    ended_at timestamptz, end_reason text NOT NULL DEFAULT '');
CREATE INDEX ON session (account_id) WHERE ended_at IS NULL;

CREATE TABLE policy (
    key text PRIMARY KEY, value jsonb NOT NULL, updated_by text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE setup_link (
    token_hash bytea PRIMARY KEY, made_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz);

CREATE TABLE lower_route (node text PRIMARY KEY, via text NOT NULL);
COMMENT ON TABLE lower_route IS 'through which paired node a node further down is reached, learnt from origins';

CREATE TABLE resync (
    node text NOT NULL, lane text NOT NULL, at timestamptz NOT NULL, first bigint NOT NULL, last bigint NOT NULL,
    rows bigint NOT NULL DEFAULT 0, ended_at timestamptz, PRIMARY KEY (node, lane, at));
COMMENT ON TABLE resync IS 'an expired cursor: first..last were dropped by retention and replaced by a snapshot';

ALTER TABLE upper_link ADD COLUMN paired_at timestamptz, ADD COLUMN delay_ms bigint;
ALTER TABLE lower_node ADD COLUMN url text NOT NULL DEFAULT '', ADD COLUMN backlog jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN approved_by text NOT NULL DEFAULT '', ADD COLUMN certificate text NOT NULL DEFAULT '';
ALTER TABLE raw_frame ADD COLUMN hash bytea;

ALTER TABLE command ADD COLUMN downward boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN command.downward IS 'wanted here or above, so it may be handed down; what a node below told never is';
CREATE INDEX ON command (wanted_at);
CREATE TABLE command_grant (
    id uuid PRIMARY KEY, action text NOT NULL, place_path text NOT NULL, reason text NOT NULL,
    granted_by text NOT NULL, granted_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, revoked_at timestamptz);
COMMENT ON TABLE command_grant IS 'device commands of tiers above are refused unless one of these holds';
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(SQL)
