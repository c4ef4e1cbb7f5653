"""When each segment was last proved, and what was told of its losses: each loss is told once.

Source: 4.2.3 (storage), 5.2.2.1 (every passage with its pictures).
"""

from dataclasses import dataclass
from datetime import datetime

from anju.store.database import Executor


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a segment: when it was last proved, and what was told to be lost of it."""

    at: datetime | None
    lost: str


async def last(db: Executor, segment: str) -> Checked | None:
    """Return what is known; None for a segment that has no row."""
    row = await db.fetch_one("SELECT checked_at, lost FROM segment WHERE name = %(name)s", name=segment)
    return Checked(*row) if row else None


async def note(db: Executor, segment: str, *, lost: str, at: datetime) -> None:
    """Write down that a segment was proved, and what was told of it."""
    query = "UPDATE segment SET checked_at = %(at)s, lost = %(lost)s WHERE name = %(name)s"
    await db.execute(query, name=segment, lost=lost, at=at)


async def due(db: Executor, *, before: datetime) -> str | None:
    """Return the finished segment that was not proved for the longest time; None where all were since ``before``."""
    row = await db.fetch_one(
        """SELECT name FROM segment WHERE dropped_at IS NULL AND state = 'sealed'
               AND (checked_at IS NULL OR checked_at < %(before)s)
           ORDER BY checked_at NULLS FIRST, name LIMIT 1""",
        before=before,
    )
    return str(row[0]) if row else None
