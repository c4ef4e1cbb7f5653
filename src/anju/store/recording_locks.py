"""Spans of recordings that are evidence: no age and no full disk ends them until they are released.

Source: 5.4.1 (recordings), 5.1.2.4 (pictures of an alarm are kept).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from anju.errors import NotFound
from anju.store.database import Executor


@dataclass(frozen=True, slots=True)
class Lock:
    """A span of one camera that stays, whatever ends the rest."""

    id: UUID
    channel_id: str
    start_ms: int
    end_ms: int
    reason: str
    locked_by: str
    locked_at: datetime


_LOCK = "id, channel_id, start_ms, end_ms, reason, locked_by, locked_at"


async def lock(
    db: Executor, channel_id: str, start_ms: int, end_ms: int, *, reason: str, by: str, at: datetime
) -> Lock:
    """Keep a span as evidence until it is released; what is recorded of it later is kept too."""
    made = Lock(uuid7(), channel_id, start_ms, end_ms, reason, by, at)
    await db.execute(
        f"""INSERT INTO recording_lock ({_LOCK}) VALUES (%(id)s, %(channel)s, %(start)s, %(end)s, %(reason)s, %(by)s,
            %(at)s)""",
        id=made.id,
        channel=channel_id,
        start=start_ms,
        end=end_ms,
        reason=reason,
        by=by,
        at=at,
    )
    return made


async def release(db: Executor, lock_id: UUID, *, by: str, at: datetime) -> None:
    """End a lock. Raises NotFound where there is none, or it was released."""
    done = await db.execute(
        """UPDATE recording_lock SET released_by = %(by)s, released_at = %(at)s
           WHERE id = %(id)s AND released_at IS NULL""",
        id=lock_id,
        by=by,
        at=at,
    )
    if not done:
        raise NotFound("not_locked", f"there is no lock {lock_id} of recordings")


async def locks(db: Executor, channel_id: str, since_ms: int, until_ms: int) -> list[Lock]:
    """Return the locks of a channel that touch a span, oldest first."""
    rows = await db.fetch(
        f"""SELECT {_LOCK} FROM recording_lock WHERE channel_id = %(channel)s AND released_at IS NULL
            AND start_ms < %(until)s AND end_ms > %(since)s ORDER BY start_ms""",
        channel=channel_id,
        since=since_ms,
        until=until_ms,
    )
    return [Lock(*row) for row in rows]
