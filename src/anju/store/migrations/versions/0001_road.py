"""The road: node, streams, log, cursors, seen, raw frames, quarantine, events, alarms, roll-ups, commands, leases."""

from alembic import op

revision = "0001"
down_revision = None

SQL = """
CREATE TABLE node (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id text NOT NULL, name text NOT NULL, tier text NOT NULL, epoch bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE stream (
    epoch bigint NOT NULL, lane text NOT NULL, head bigint NOT NULL DEFAULT 0, tail bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (epoch, lane));
COMMENT ON COLUMN stream.tail IS 'rows up to and with this seq were dropped by retention';

CREATE TABLE log (
    epoch bigint NOT NULL, lane text NOT NULL, seq bigint NOT NULL, at timestamptz NOT NULL,
    kind text NOT NULL, object_id text NOT NULL, version bigint NOT NULL, operation text NOT NULL,
    site_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL, body jsonb NOT NULL,
    origin_node text NOT NULL, origin_epoch bigint NOT NULL, origin_seq bigint NOT NULL,
    PRIMARY KEY (lane, epoch, seq, at)) PARTITION BY RANGE (at);

CREATE TABLE cursor (
    consumer text NOT NULL, lane text NOT NULL, epoch bigint NOT NULL, seq bigint NOT NULL,
    state text NOT NULL DEFAULT 'live', expired_first bigint, expired_last bigint,
    updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, lane));

CREATE TABLE seen (
    site_id text NOT NULL, source_id text NOT NULL, dedup_key text NOT NULL,
    body_hash bytea NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (site_id, source_id, dedup_key)) PARTITION BY HASH (site_id, source_id, dedup_key);
CREATE INDEX ON seen (at);

CREATE TABLE raw_frame (
    id uuid NOT NULL, received_at timestamptz NOT NULL, site_id text NOT NULL DEFAULT '',
    source_id text NOT NULL, protocol text NOT NULL, peer text NOT NULL, bytes bytea NOT NULL,
    outcome text NOT NULL, reason text NOT NULL DEFAULT '',
    PRIMARY KEY (id, received_at)) PARTITION BY RANGE (received_at);

CREATE TABLE quarantine (
    id uuid PRIMARY KEY, held_at timestamptz NOT NULL, site_id text NOT NULL DEFAULT '', source_id text NOT NULL,
    place_path text NOT NULL DEFAULT '/', jurisdiction text NOT NULL DEFAULT '',
    station text NOT NULL, reason text NOT NULL, raw_id uuid, value jsonb NOT NULL,
    state text NOT NULL DEFAULT 'held', decided_by text, decided_at timestamptz, note text);
CREATE INDEX ON quarantine (state, reason, held_at);

CREATE TABLE event (
    id uuid NOT NULL, received_at timestamptz NOT NULL, kept_at timestamptz NOT NULL,
    site_id text NOT NULL, place_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL,
    device_id text NOT NULL, zone text NOT NULL, kind text NOT NULL, state text NOT NULL, level smallint NOT NULL,
    code_space text NOT NULL, code text NOT NULL, occurred_at timestamptz, clock_offset_ms bigint,
    flags text[] NOT NULL, late boolean NOT NULL, drill boolean NOT NULL, raw_id uuid, body jsonb NOT NULL,
    PRIMARY KEY (id, received_at)) PARTITION BY RANGE (received_at);
CREATE INDEX ON event (site_id, received_at);
CREATE INDEX ON event (device_id, zone, received_at);

CREATE TABLE alarm (
    id uuid NOT NULL, raised_at timestamptz NOT NULL, kept_at timestamptz NOT NULL,
    site_id text NOT NULL, place_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL,
    device_id text NOT NULL, zone text NOT NULL, kind text NOT NULL, level smallint NOT NULL,
    state text NOT NULL, active boolean NOT NULL, drill boolean NOT NULL, owner_id text NOT NULL DEFAULT '',
    shelved_until timestamptz, escalate_at timestamptz, storm_key text NOT NULL, version bigint NOT NULL,
    home_node text NOT NULL, body jsonb NOT NULL,
    PRIMARY KEY (id, raised_at)) PARTITION BY RANGE (raised_at);
CREATE INDEX ON alarm (site_id, raised_at);
CREATE INDEX alarm_open ON alarm (raised_at) WHERE state <> 'closed';
CREATE INDEX alarm_review ON alarm (raised_at) WHERE state = 'to_review';

CREATE TABLE alarm_source (
    site_id text NOT NULL, source_key text NOT NULL, alarm_id uuid NOT NULL, raised_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, source_key));
COMMENT ON TABLE alarm_source IS 'the latest alarm of each device, zone and kind: the next report finds it by key';

CREATE TABLE alarm_step (
    id uuid NOT NULL, alarm_id uuid NOT NULL, raised_at timestamptz NOT NULL, at timestamptz NOT NULL,
    version bigint NOT NULL, site_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL,
    body jsonb NOT NULL, PRIMARY KEY (id, raised_at)) PARTITION BY RANGE (raised_at);
CREATE INDEX ON alarm_step (alarm_id, version);

CREATE TABLE drill (
    id uuid PRIMARY KEY, site_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL DEFAULT '',
    kind text NOT NULL, sources jsonb NOT NULL, begins_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
    started_by text NOT NULL, reason text NOT NULL, ended_at timestamptz);

CREATE TABLE rollup_hour (
    site_id text NOT NULL, hour timestamptz NOT NULL, metric text NOT NULL, label text NOT NULL, count bigint NOT NULL,
    PRIMARY KEY (site_id, hour, metric, label));

CREATE TABLE clock_ledger (
    device_id text NOT NULL, at timestamptz NOT NULL, device_time timestamptz NOT NULL, offset_ms bigint NOT NULL,
    site_id text NOT NULL, PRIMARY KEY (device_id, at)) PARTITION BY RANGE (at);

CREATE TABLE rejection_hour (
    hour timestamptz NOT NULL, station text NOT NULL, source_id text NOT NULL, outcome text NOT NULL,
    reason text NOT NULL, count bigint NOT NULL, last_at timestamptz NOT NULL,
    PRIMARY KEY (hour, station, source_id, outcome, reason));

CREATE TABLE command (
    id uuid PRIMARY KEY, principal_id text NOT NULL, principal_name text NOT NULL, principal_node text NOT NULL,
    action text NOT NULL, target_kind text NOT NULL, target_id text NOT NULL,
    site_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL, owner_node text NOT NULL,
    body jsonb NOT NULL, wanted_at timestamptz NOT NULL, deadline timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'wanted', sent_at timestamptz, ended_at timestamptz, outcome text NOT NULL DEFAULT '',
    fencing bigint);
CREATE INDEX ON command (state, deadline) WHERE state IN ('wanted', 'sent');
CREATE INDEX ON command (owner_node, wanted_at) WHERE state IN ('wanted', 'sent');

CREATE TABLE lease (
    resource text PRIMARY KEY, holder text NOT NULL, fencing bigint NOT NULL, until timestamptz NOT NULL);

CREATE TABLE linkage_rule (
    id uuid PRIMARY KEY, site_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL DEFAULT '',
    name text NOT NULL, enabled boolean NOT NULL, version bigint NOT NULL, body jsonb NOT NULL);
CREATE TABLE linkage_action (
    rule_id uuid NOT NULL, rule_version bigint NOT NULL, record_id text NOT NULL, target text NOT NULL,
    site_id text NOT NULL, decided_at timestamptz NOT NULL, valid_until timestamptz, state text NOT NULL,
    command_id uuid, body jsonb NOT NULL, PRIMARY KEY (rule_id, rule_version, record_id, target));
CREATE INDEX ON linkage_action (state) WHERE state = 'wanted';
"""

PARTITIONS = """
CREATE FUNCTION ensure_partitions(until timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent text; first timestamptz; step interval; name text;
BEGIN
    PERFORM pg_advisory_xact_lock(7220001);
    FOR parent, step IN VALUES ('log', interval '7 days'), ('raw_frame', interval '7 days'),
            ('event', interval '1 month'), ('alarm', interval '1 month'), ('alarm_step', interval '1 month'),
            ('clock_ledger', interval '1 month') LOOP
        first := CASE WHEN step = interval '7 days' THEN date_trunc('week', now()) - interval '7 days'
                      ELSE date_trunc('month', now()) - interval '1 month' END;
        WHILE first < until LOOP
            name := parent || '_' || to_char(first, 'YYYYMMDD');
            IF to_regclass(name) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                               name, parent, first, first + step);
            END IF;
            first := first + step;
        END LOOP;
        IF to_regclass(parent || '_other') IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', parent || '_other', parent);
        END IF;
    END LOOP;
END $$;
SELECT ensure_partitions(now() + interval '2 months');
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(SQL)
    for remainder in range(8):
        op.execute(
            f"CREATE TABLE seen_{remainder} PARTITION OF seen FOR VALUES WITH (modulus 8, remainder {remainder})"
        )
    op.execute(PARTITIONS)
