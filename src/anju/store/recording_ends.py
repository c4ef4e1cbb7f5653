"""Recordings that end: which may go, oldest first, and the way from a row to bytes that are gone.

A row moves to the garbage before its file is unlinked, and leaves the garbage after. What is locked as evidence stays.
Source: 5.4.1 (at least 30 days).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from anju.store.database import Executor
from anju.store.recordings import local_day, name_of, sound_of

FREE = """NOT EXISTS (SELECT FROM recording_lock l WHERE l.channel_id = r.channel_id AND l.released_at IS NULL
        AND l.start_ms < r.start_ms + r.duration_ms AND l.end_ms > r.start_ms)"""
_OVER = f"""
    SELECT o.channel_id, o.start_ms, o.duration_ms
    FROM unnest(%(channels)s::text[], %(before)s::bigint[]) AS f (channel_id, before_ms)
    CROSS JOIN LATERAL (
        SELECT r.channel_id, r.start_ms, r.duration_ms FROM recording r
        WHERE r.channel_id = f.channel_id AND r.start_ms < f.before_ms AND r.start_ms + r.duration_ms <= f.before_ms
            AND {FREE}
        ORDER BY r.start_ms LIMIT %(limit)s) o
    LIMIT %(limit)s
"""
_OLDEST = f"""
    SELECT r.channel_id, r.start_ms, r.duration_ms FROM recording r
    LEFT JOIN unnest(%(channels)s::text[], %(before)s::bigint[]) AS f (channel_id, before_ms) USING (channel_id)
    WHERE r.volume = %(volume)s AND r.start_ms + r.duration_ms <= coalesce(f.before_ms, %(usual)s) AND {FREE}
        AND r.start_ms < %(latest)s
    ORDER BY r.start_ms LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that may go."""

    channel_id: str
    start_ms: int
    duration_ms: int


async def over(db: Executor, before: Mapping[str, int], *, limit: int) -> list[Piece]:
    """Return files that ended by what ``before`` tells of their channel and are no evidence, oldest of each first."""
    words = {"channels": list(before), "before": list(before.values())}
    return [Piece(*row) for row in await db.fetch(_OVER, **words, limit=limit)]


async def oldest(db: Executor, volume: int, before: Mapping[str, int], *, usual_ms: int, limit: int) -> list[Piece]:
    """Return the oldest files of a volume that no evidence and no floor keeps.

    ``before`` tells by channel until when its files must have ended, ``usual_ms`` that of channels it does not name.
    """
    words = {"channels": list(before), "before": list(before.values()), "usual": usual_ms}
    latest = max([usual_ms, *before.values()])
    rows = await db.fetch(_OLDEST, volume=volume, **words, latest=latest, limit=limit)
    return [Piece(*row) for row in rows]


_DISCARD = """
    WITH gone AS (
        DELETE FROM recording r USING unnest(%(channels)s::text[], %(starts)s::bigint[]) AS g (channel_id, start_ms)
        WHERE r.channel_id = g.channel_id AND r.start_ms = g.start_ms
        RETURNING r.channel_id, r.start_ms, r.volume, r.bytes, r.duration_ms, r.audio),
    kept AS (
        INSERT INTO recording_garbage (channel_id, start_ms, volume, bytes, audio, why, at)
        SELECT channel_id, start_ms, volume, bytes, audio, %(why)s, %(at)s FROM gone ON CONFLICT DO NOTHING),
    summed AS (
        SELECT n.channel_id, d.day, count(*) AS files, sum(n.bytes) AS bytes, sum(n.duration_ms) AS ms
        FROM gone n JOIN unnest(%(channels)s::text[], %(starts)s::bigint[], %(days)s::date[])
            AS d (channel_id, start_ms, day) USING (channel_id, start_ms)
        GROUP BY 1, 2),
    counted AS (
        UPDATE recording_day r SET files = r.files - s.files, bytes = r.bytes - s.bytes, ms = r.ms - s.ms
        FROM summed s WHERE r.channel_id = s.channel_id AND r.day = s.day)
    SELECT count(*) FROM gone
"""


async def discard(db: Executor, files: Sequence[Piece], *, why: str, at: datetime) -> int:
    """Take the rows of ``files`` away and note what is to be unlinked; return how many went."""
    if not files:
        return 0
    words = {"channels": [each.channel_id for each in files], "starts": [each.start_ms for each in files]}
    row = await db.fetch_one(_DISCARD, **words, days=[local_day(each.start_ms) for each in files], why=why, at=at)
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Garbage:
    """A file to be unlinked."""

    channel_id: str
    start_ms: int
    volume: int
    audio: str

    def names(self) -> list[str]:
        """Return the paths on its volume."""
        return [each for each in (name_of(self.channel_id, self.start_ms), self._sound()) if each]

    def _sound(self) -> str:
        return sound_of(self.channel_id, self.start_ms, self.audio)


async def garbage(db: Executor, volumes: Sequence[int], *, limit: int) -> list[Garbage]:
    """Return files of ``volumes`` that are to be unlinked, oldest first."""
    rows = await db.fetch(
        """SELECT channel_id, start_ms, volume, audio FROM recording_garbage WHERE volume = ANY(%(volumes)s)
           ORDER BY start_ms LIMIT %(limit)s""",
        volumes=list(volumes),
        limit=limit,
    )
    return [Garbage(*row) for row in rows]


async def unlinked(db: Executor, files: Sequence[Garbage]) -> None:
    """Forget ``files``, which are gone from disk."""
    await db.execute(
        """DELETE FROM recording_garbage g USING unnest(%(channels)s::text[], %(starts)s::bigint[])
           AS u (channel_id, start_ms) WHERE g.channel_id = u.channel_id AND g.start_ms = u.start_ms""",
        channels=[each.channel_id for each in files],
        starts=[each.start_ms for each in files],
    )


async def channels(db: Executor) -> list[str]:
    """Return every channel of which a file is held, those too that are long retired."""
    return [row[0] for row in await db.fetch("SELECT DISTINCT channel_id FROM recording_day WHERE files > 0")]


async def forget_days(db: Executor) -> None:
    """Drop the sums of days of which nothing is left."""
    await db.execute("DELETE FROM recording_day WHERE files <= 0")
