"""Recordings: volumes, files and their groups of pictures, what is to be unlinked, evidence locks, the ledger."""

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = """
CREATE TABLE volume (
    number smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL UNIQUE, path text NOT NULL,
    state text NOT NULL DEFAULT 'ok', reason text NOT NULL DEFAULT '', total_bytes bigint NOT NULL DEFAULT 0,
    free_bytes bigint NOT NULL DEFAULT 0, reserve_bytes bigint NOT NULL DEFAULT 0, added_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL, swept_at timestamptz);
COMMENT ON COLUMN volume.id IS 'stands in a file on the volume too: a wrong or missing disk is told by it';
COMMENT ON COLUMN volume.swept_at IS 'every file older than this has its row: looked through after a crash';

CREATE TABLE recording (
    start_ms bigint NOT NULL, bytes bigint NOT NULL, duration_ms integer NOT NULL, volume smallint NOT NULL,
    flags smallint NOT NULL DEFAULT 0, width smallint NOT NULL DEFAULT 0, height smallint NOT NULL DEFAULT 0,
    channel_id text NOT NULL, codec text NOT NULL, audio text NOT NULL DEFAULT '', gops bytea NOT NULL,
    PRIMARY KEY (channel_id, start_ms));
CREATE INDEX ON recording (volume, start_ms);
COMMENT ON TABLE recording IS 'a closed file of one camera; its path follows from channel and start';
COMMENT ON COLUMN recording.start_ms IS 'Unix milliseconds by the platform''s clock';
COMMENT ON COLUMN recording.flags IS '1 begins after a gap, 2 pictures are broken, 4 recovered, 8 for an event';
COMMENT ON COLUMN recording.gops IS 'for each key frame: milliseconds and bytes since the one before, LEB128';

CREATE TABLE recording_day (
    channel_id text NOT NULL, day date NOT NULL, files integer NOT NULL, bytes bigint NOT NULL, ms bigint NOT NULL,
    PRIMARY KEY (channel_id, day));
COMMENT ON TABLE recording_day IS 'sums of table recording, so that no scan is needed; days of the local clock';

CREATE TABLE recording_garbage (
    channel_id text NOT NULL, start_ms bigint NOT NULL, volume smallint NOT NULL, bytes bigint NOT NULL,
    audio text NOT NULL, why text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (channel_id, start_ms));
COMMENT ON TABLE recording_garbage IS 'files whose rows are gone and which are to be unlinked';

CREATE TABLE recording_lock (
    id uuid PRIMARY KEY, channel_id text NOT NULL, start_ms bigint NOT NULL, end_ms bigint NOT NULL,
    reason text NOT NULL, locked_by text NOT NULL, locked_at timestamptz NOT NULL,
    released_by text NOT NULL DEFAULT '', released_at timestamptz);
CREATE INDEX ON recording_lock (channel_id) WHERE released_at IS NULL;
COMMENT ON TABLE recording_lock IS 'spans that no age and no full disk ends';

CREATE TABLE recording_ledger (
    channel_id text NOT NULL, day date NOT NULL, source text NOT NULL, codes bytea NOT NULL,
    wanted_s integer NOT NULL, recorded_s integer NOT NULL, kept_s integer NOT NULL,
    offline_m smallint NOT NULL, idle_m smallint NOT NULL, failed_m smallint NOT NULL, expired_m smallint NOT NULL,
    unknown_m smallint NOT NULL, looked_at timestamptz NOT NULL, PRIMARY KEY (channel_id, day, source));
CREATE INDEX ON recording_ledger (day);
COMMENT ON TABLE recording_ledger IS 'a camera''s day by minutes; the counts beside them are derived';
COMMENT ON COLUMN recording_ledger.source IS 'platform or device';
COMMENT ON COLUMN recording_ledger.codes IS '1,440 bytes (see domain.recorded), deflated';
"""


def upgrade() -> None:
    """Make them."""
    op.execute(SQL)
