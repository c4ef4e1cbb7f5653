"""Where each consumer of the log stands: one cursor for each consumer and lane."""

from dataclasses import dataclass
from datetime import datetime

from anju.domain.changes import Lane
from anju.store.database import Executor


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to ``seq`` of ``epoch`` was dealt with."""

    epoch: int
    seq: int


async def position(db: Executor, consumer: str, lane: Lane, *, epoch: int) -> Cursor:
    """Return where ``consumer`` stands; one that never ran, or ran in another epoch, stands at the beginning."""
    row = await db.fetch_one(
        "SELECT epoch, seq FROM cursor WHERE consumer = %(consumer)s AND lane = %(lane)s", consumer=consumer, lane=lane
    )
    return Cursor(epoch, int(row[1])) if row and row[0] == epoch else Cursor(epoch, 0)


async def move(db: Executor, consumer: str, lane: Lane, to: Cursor, *, logged_at: datetime | None = None) -> None:
    """Put ``consumer`` there; ``logged_at`` is when the row it stands on was logged, where that is known."""
    await db.execute(
        """INSERT INTO cursor (consumer, lane, epoch, seq, logged_at)
           VALUES (%(consumer)s, %(lane)s, %(epoch)s, %(seq)s, %(logged_at)s)
           ON CONFLICT (consumer, lane) DO UPDATE SET epoch = EXCLUDED.epoch, seq = EXCLUDED.seq, state = 'live',
               logged_at = EXCLUDED.logged_at, updated_at = now()""",
        logged_at=logged_at,
        consumer=consumer,
        lane=lane,
        epoch=to.epoch,
        seq=to.seq,
    )


async def expire(db: Executor, consumer: str, lane: Lane, *, epoch: int, first: int, last: int) -> datetime | None:
    """Say that ``first..last`` were dropped before ``consumer`` had them.

    Return when the row before ``first`` was logged, None where that is not known.
    """
    row = await db.fetch_one(
        """INSERT INTO cursor (consumer, lane, epoch, seq, state, expired_first, expired_last)
           VALUES (%(consumer)s, %(lane)s, %(epoch)s, %(first)s - 1, 'expired', %(first)s, %(last)s)
           ON CONFLICT (consumer, lane) DO UPDATE SET epoch = EXCLUDED.epoch, seq = EXCLUDED.seq, state = 'expired',
               expired_first = EXCLUDED.expired_first, expired_last = EXCLUDED.expired_last,
               logged_at = CASE WHEN cursor.epoch = EXCLUDED.epoch THEN cursor.logged_at END
           RETURNING logged_at""",
        consumer=consumer,
        lane=lane,
        epoch=epoch,
        first=first,
        last=last,
    )
    return row[0] if row else None
