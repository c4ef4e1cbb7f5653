"""What a backup asks of the database: one moment of it, what is in each table then, and a new epoch after a restore."""

import secrets
from dataclasses import dataclass

from anju.domain.changes import Lane
from anju.store.database import Executor, Transaction


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells a table from any other content: its rows, and a sum over their hashes that no order changes."""

    rows: int
    hash: str


async def freeze(tx: Transaction) -> str:
    """Make ``tx`` see one moment for as long as it lasts; return the snapshot's name for others. Call it first."""
    await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    await tx.execute("SET LOCAL statement_timeout = 0")
    await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    row = await tx.fetch_one("SELECT pg_export_snapshot()")
    return str(row[0]) if row else ""


async def tables(db: Executor) -> list[str]:
    """Return every table that holds rows, partitions one by one."""
    rows = await db.fetch(
        """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname"""
    )
    return [row[0] for row in rows]


async def mark(db: Executor, table: str) -> Mark:
    """Return what ``table``, one of ``tables``, holds."""
    row = await db.fetch_one(
        f'SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM "{table}" AS t'
    )
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return Mark(int(row[0]), row[1])


async def revision(db: Executor) -> str:
    """Return which schema the database has."""
    row = await db.fetch_one("SELECT version_num FROM alembic_version")
    return str(row[0]) if row else ""


async def size(db: Executor) -> int:
    """Return the bytes the database takes on disk."""
    row = await db.fetch_one("SELECT pg_database_size(current_database())")
    return int(row[0]) if row else 0


async def segments(db: Executor) -> dict[str, str]:
    """Return the segments that hold pictures of kept records, each with where it lies: file, both, or s3 alone."""
    rows = await db.fetch(
        """SELECT name, place FROM segment s WHERE dropped_at IS NULL
           AND (EXISTS (SELECT FROM blob b WHERE b.segment = s.name AND b.key IS NOT NULL)
               OR EXISTS (SELECT FROM evidence_blob e WHERE e.segment = s.name AND e.key IS NOT NULL))"""
    )
    return dict(rows)


_WAITING = """
    INSERT INTO log (epoch, lane, seq, at, kind, object_id, version, operation, site_id, place_path, jurisdiction, body,
        origin_node, origin_epoch, origin_seq)
    SELECT %(epoch)s, lane, 1 + row_number() OVER (ORDER BY seq), at, kind, object_id, version, operation, site_id,
        place_path, jurisdiction, body, origin_node, origin_epoch, origin_seq
    FROM log l WHERE epoch = %(old)s AND lane = %(lane)s AND EXISTS (SELECT FROM upper_link) AND seq > coalesce(
        (SELECT min(c.seq) FROM cursor c WHERE c.consumer LIKE 'upper:%%' AND c.lane = l.lane AND c.epoch = l.epoch), 0)
"""


async def renew_epoch(tx: Transaction) -> int:
    """Begin a new epoch, so that nothing written from now on is taken for what the lost database wrote.

    Each lane begins with one row that is gone: whoever follows it, the tier above first of all, asks for a snapshot.
    Behind it come the rows that the tier above had not acknowledged; it knows those that reached it all the same.
    Source: 4.2.1, 4.2.2 (nothing lost on the way up).
    """
    row = await tx.fetch_one("SELECT epoch FROM node")
    old, epoch = row[0] if row else 0, secrets.randbits(48)
    await tx.execute("UPDATE node SET epoch = %(epoch)s", epoch=epoch)
    for lane in Lane:
        waiting = await tx.execute(_WAITING, epoch=epoch, old=old, lane=lane)
        await tx.execute(
            "INSERT INTO stream (epoch, lane, head, tail) VALUES (%(epoch)s, %(lane)s, %(head)s, 1)",
            epoch=epoch,
            lane=lane,
            head=1 + waiting,
        )
    return epoch
