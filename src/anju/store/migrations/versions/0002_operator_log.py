"""The sealed operator log: append-only through one function, each row hashed with the one before it."""

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = """
CREATE TABLE operator_log (
    seq bigint PRIMARY KEY, at timestamptz NOT NULL, principal_id text NOT NULL, principal_name text NOT NULL,
    principal_node text NOT NULL, action text NOT NULL, target text NOT NULL, outcome text NOT NULL, peer text NOT NULL,
    detail text NOT NULL, previous bytea NOT NULL, hash bytea NOT NULL);
COMMENT ON COLUMN operator_log.detail IS 'JSON as text: the very characters that were hashed';

CREATE FUNCTION operator_log_append(principal_id text, principal_name text, principal_node text, action text,
    target text, outcome text, peer text, detail text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    last record; number bigint; told timestamptz := clock_timestamp(); sealed bytea; field text;
BEGIN
    PERFORM pg_advisory_xact_lock(7220002);
    SELECT l.seq, l.hash INTO last FROM operator_log l ORDER BY l.seq DESC LIMIT 1;
    number := coalesce(last.seq, 0) + 1;
    sealed := coalesce(last.hash, '\\x');
    FOREACH field IN ARRAY ARRAY[number::text, (extract(epoch FROM told) * 1000000)::bigint::text, principal_id,
            principal_name, principal_node, action, target, outcome, peer, detail] LOOP
        sealed := sealed || convert_to(octet_length(convert_to(field, 'UTF8')) || ':' || field, 'UTF8');
    END LOOP;
    INSERT INTO operator_log VALUES (number, told, principal_id, principal_name, principal_node, action, target,
        outcome, peer, detail, coalesce(last.hash, '\\x'), sha256(sealed));
    RETURN number;
END $$;
"""


def upgrade() -> None:
    """Make the table and its only way in."""
    op.execute(SQL)
