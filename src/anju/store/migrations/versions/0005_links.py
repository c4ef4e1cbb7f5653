"""Links: the region a node below is bound to, what is known of nodes further down, retention that moves the tail."""

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = """
ALTER TABLE lower_node ADD COLUMN region text NOT NULL DEFAULT '/';
COMMENT ON COLUMN lower_node.region IS 'place path under which everything of the node lies';
ALTER TABLE lower_node ADD COLUMN told_at timestamptz, ADD COLUMN silent boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN lower_node.silent IS 'whether its silence was told as an alarm';
COMMENT ON COLUMN lower_node.told_at IS 'when the tier above was last told how this node stands';
ALTER TABLE lower_route ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN tier text NOT NULL DEFAULT '',
    ADD COLUMN last_seen timestamptz, ADD COLUMN delay_ms bigint, ADD COLUMN backlog jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE cursor ADD COLUMN logged_at timestamptz;
COMMENT ON COLUMN cursor.logged_at IS 'when the row it stands on was logged: a resync goes back to there';
ALTER TABLE reconciliation_day ADD COLUMN fates jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN marks jsonb NOT NULL DEFAULT '{}', ADD COLUMN whole boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN reconciliation_day.marks IS 'the last row of each lane that both sides counted';
COMMENT ON COLUMN reconciliation_day.whole IS 'the day was over and all of it was up when it was compared';
CREATE TABLE account_open (
    id uuid PRIMARY KEY, node text NOT NULL, day date NOT NULL, at timestamptz NOT NULL, told jsonb NOT NULL);
CREATE INDEX ON account_open (node);
COMMENT ON TABLE account_open IS 'what a node below was told of a day, until it answers with its own count';

CREATE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    least_days CONSTANT jsonb := '{"log": 30, "raw_frame": 30, "event": 180, "clock_ledger": 180, "alarm": 1095,
        "alarm_step": 1095}';
    instant text := CASE parent WHEN 'log' THEN 'at' WHEN 'clock_ledger' THEN 'at' WHEN 'raw_frame' THEN 'received_at'
        WHEN 'event' THEN 'received_at' ELSE 'raised_at' END;
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
COMMENT ON FUNCTION drop_partitions IS 'the only way in which kept rows end, never before their table''s least age';
"""


def upgrade() -> None:
    """Make the columns and the function."""
    op.execute(SQL)
