"""Vehicles, persons seen, pictures, watch lists: what GA/T 1400 brings and what is done with it."""

from alembic import op

revision = "0007"
down_revision = "0006"

SQL = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE segment (
    name text PRIMARY KEY, retention text NOT NULL, day date NOT NULL, state text NOT NULL DEFAULT 'open',
    bytes bigint NOT NULL DEFAULT 0, sha256 bytea, opened_at timestamptz NOT NULL, sealed_at timestamptz,
    place text NOT NULL DEFAULT 'file', dropped_at timestamptz);
COMMENT ON COLUMN segment.place IS 'where it lies: file, both, s3';

CREATE TABLE blob (
    id uuid NOT NULL, kept_at timestamptz NOT NULL, site_id text NOT NULL, segment text NOT NULL,
    byte_offset bigint NOT NULL, length integer NOT NULL, sha256 bytea NOT NULL, media_type text NOT NULL,
    key bytea, erased_at timestamptz, PRIMARY KEY (id, kept_at)) PARTITION BY RANGE (kept_at);
COMMENT ON COLUMN blob.key IS 'wrapped by the node''s key; NULL once the picture is erased';
COMMENT ON COLUMN blob.length IS 'bytes of the picture in clear';
CREATE INDEX ON blob (segment);

CREATE TABLE evidence_blob (
    id uuid PRIMARY KEY, source_id uuid NOT NULL, kept_at timestamptz NOT NULL, site_id text NOT NULL,
    segment text NOT NULL, byte_offset bigint NOT NULL, length integer NOT NULL, sha256 bytea NOT NULL,
    media_type text NOT NULL, key bytea, erased_at timestamptz, reason text NOT NULL, locked_by text NOT NULL,
    locked_at timestamptz NOT NULL, released_by text NOT NULL DEFAULT '', released_at timestamptz);
CREATE UNIQUE INDEX ON evidence_blob (source_id) WHERE released_at IS NULL;
CREATE INDEX ON evidence_blob (segment);
COMMENT ON TABLE evidence_blob IS 'copies of pictures that are kept as evidence, whatever age ends the originals';

CREATE TABLE passage (
    id uuid NOT NULL, received_at timestamptz NOT NULL, kept_at timestamptz NOT NULL,
    site_id text NOT NULL, place_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL,
    device_id text NOT NULL, lane text NOT NULL, kind text NOT NULL, object_id text NOT NULL,
    passed_at timestamptz NOT NULL, clock_offset_ms bigint, direction text NOT NULL,
    plate text, plate_class text NOT NULL, plate_color text NOT NULL, vehicle_class text NOT NULL,
    vehicle_color text NOT NULL, resident_kind text NOT NULL, resident_id text NOT NULL DEFAULT '',
    flags text[] NOT NULL, raw_id uuid, version bigint NOT NULL DEFAULT 1, body json NOT NULL,
    PRIMARY KEY (id, received_at)) PARTITION BY RANGE (received_at);
CREATE INDEX ON passage (plate, site_id, received_at);
CREATE INDEX ON passage USING brin (received_at) WITH (autosummarize = on);
CREATE INDEX ON passage (device_id, received_at);
CREATE INDEX ON passage (site_id, received_at);
CREATE INDEX ON passage (resident_id, received_at) WHERE resident_id <> '';
COMMENT ON COLUMN passage.kind IS 'motor or non_motor';
COMMENT ON COLUMN passage.id IS 'tells the millisecond of received_at: one partition and one index find a passage';
COMMENT ON COLUMN passage.body IS 'the very text the log carries; json, not jsonb: half the work of writing a row';
COMMENT ON COLUMN passage.direction IS 'in, out or nothing where untold';

CREATE TABLE plate (
    site_id text NOT NULL, plate text NOT NULL, first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, plate) INCLUDE (first_seen_at));
CREATE INDEX plate_fragment ON plate USING gin (plate gin_trgm_ops);
COMMENT ON TABLE plate IS 'every plate of a community once: fragments are searched here, passages by whole plates';

CREATE TABLE passage_correction (
    id uuid PRIMARY KEY, passage_id uuid NOT NULL, received_at timestamptz NOT NULL, site_id text NOT NULL,
    place_path text NOT NULL, jurisdiction text NOT NULL, at timestamptz NOT NULL, by_id text NOT NULL,
    by_name text NOT NULL, version bigint NOT NULL, body jsonb NOT NULL);
CREATE INDEX ON passage_correction (passage_id, version);

CREATE TABLE sighting (
    id uuid NOT NULL, received_at timestamptz NOT NULL, kept_at timestamptz NOT NULL,
    site_id text NOT NULL, place_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL,
    device_id text NOT NULL, kind text NOT NULL, object_id text NOT NULL,
    seen_at timestamptz NOT NULL, clock_offset_ms bigint, direction text NOT NULL DEFAULT '',
    flags text[] NOT NULL, raw_id uuid, version bigint NOT NULL DEFAULT 1, personal bytea, body json NOT NULL,
    PRIMARY KEY (id, received_at)) PARTITION BY RANGE (received_at);
CREATE INDEX ON sighting USING brin (received_at) WITH (autosummarize = on);
CREATE INDEX ON sighting (device_id, received_at);
CREATE INDEX ON sighting (site_id, received_at);
COMMENT ON TABLE sighting IS 'a face, a person or an image that a device saw';
COMMENT ON COLUMN sighting.personal IS 'what names a person, sealed';

CREATE TABLE watch_entry (
    id uuid PRIMARY KEY, site_id text NOT NULL, place_path text NOT NULL, jurisdiction text NOT NULL DEFAULT '',
    kind text NOT NULL, plate text, personal bytea, reason text NOT NULL, level smallint NOT NULL,
    owner_id text NOT NULL, owner_name text NOT NULL, home_node text NOT NULL,
    created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
    ended_at timestamptz, ended_by text NOT NULL DEFAULT '', version bigint NOT NULL DEFAULT 1);
CREATE INDEX ON watch_entry (plate) WHERE ended_at IS NULL;
COMMENT ON COLUMN watch_entry.kind IS 'vehicle or visitor';

CREATE TABLE viid_session (
    device_id text PRIMARY KEY, peer text NOT NULL, registered_at timestamptz NOT NULL, heard_at timestamptz NOT NULL,
    unregistered_at timestamptz);

ALTER TABLE seen ADD COLUMN version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN seen.version IS 'how many bodies the key has had inside its window';

INSERT INTO version (name, value) VALUES ('watch', 1) ON CONFLICT DO NOTHING;
ALTER TABLE raw_frame ALTER COLUMN bytes SET STORAGE EXTERNAL;
"""

PARTITIONS = """
CREATE OR REPLACE FUNCTION ensure_partitions(until timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent text; first timestamptz; step interval; name text;
BEGIN
    PERFORM pg_advisory_xact_lock(7220001);
    FOR parent, step IN VALUES ('log', interval '7 days'), ('raw_frame', interval '7 days'),
            ('event', interval '1 month'), ('alarm', interval '1 month'), ('alarm_step', interval '1 month'),
            ('clock_ledger', interval '1 month'), ('passage', interval '7 days'), ('sighting', interval '7 days'),
            ('blob', interval '7 days') LOOP
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

CREATE OR REPLACE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS SETOF text LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    least_days CONSTANT jsonb := '{"log": 30, "raw_frame": 30, "event": 180, "clock_ledger": 180, "alarm": 1095,
        "alarm_step": 1095, "passage": 180, "sighting": 90, "blob": 90}';
    instant text := CASE parent WHEN 'log' THEN 'at' WHEN 'clock_ledger' THEN 'at' WHEN 'alarm' THEN 'raised_at'
        WHEN 'alarm_step' THEN 'raised_at' WHEN 'blob' THEN 'kept_at' ELSE 'received_at' END;
    part record;
BEGIN
    IF NOT least_days ? parent THEN
        RAISE EXCEPTION 'nothing is ever dropped from %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    before := least(before, now() - make_interval(days => (least_days->>parent)::integer));
    PERFORM pg_advisory_xact_lock(7220001);
    FOR part IN
        SELECT c.relname::text AS name,
            (regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$TO \\('([^']+)'\\)$re$))[1]::timestamptz AS until
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = parent::regclass ORDER BY 2
    LOOP
        CONTINUE WHEN part.until > before;
        IF parent = 'log' THEN
            EXECUTE format('UPDATE stream s SET tail = greatest(s.tail, d.last) FROM (SELECT epoch, lane,
                max(seq) AS last FROM %I WHERE at < $1 GROUP BY epoch, lane) d
                WHERE d.epoch = s.epoch AND d.lane = s.lane', part.name) USING before;
        END IF;
        IF part.until IS NULL THEN  -- the default partition: rows whose time fits no other
            EXECUTE format('DELETE FROM %I WHERE %I < $1', part.name, instant) USING before;
        ELSE
            EXECUTE format('DROP TABLE %I', part.name);
            RETURN NEXT part.name;
        END IF;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(SQL)
    op.execute(PARTITIONS)
    op.execute("CREATE INDEX ON event (received_at)")
