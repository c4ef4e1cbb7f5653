"""The recording ledger by camera and day: 1,440 codes and the counts derived from them, so that no scan is slow.

Source: 8-h (录像完整率), 5.4.1 (30 days proved per camera).
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from anju.domain.recorded import Count, Lack, blank, count
from anju.domain.recording import Source
from anju.store.database import Executor, Row, Transaction


@dataclass(frozen=True, slots=True)
class Day:
    """One camera's day at one source."""

    channel_id: str
    day: date
    source: Source
    codes: bytes
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class Sum:
    """The counts of one camera's day at one source."""

    channel_id: str
    day: date
    source: Source
    count: Count


Change = Callable[[bytes], bytes]
"""Takes the codes of a day and returns what they are from now on."""
_WRITE = """
    INSERT INTO recording_ledger (channel_id, day, source, codes, wanted_s, recorded_s, kept_s, offline_m, idle_m,
        failed_m, expired_m, unknown_m, looked_at)
    VALUES (%(channel)s, %(day)s, %(source)s, %(codes)s, %(wanted)s, %(recorded)s, %(kept)s, %(offline)s, %(idle)s,
        %(failed)s, %(expired)s, %(unknown)s, %(at)s)
    ON CONFLICT (channel_id, day, source) DO UPDATE SET codes = EXCLUDED.codes, wanted_s = EXCLUDED.wanted_s,
        recorded_s = EXCLUDED.recorded_s, kept_s = EXCLUDED.kept_s, offline_m = EXCLUDED.offline_m,
        idle_m = EXCLUDED.idle_m, failed_m = EXCLUDED.failed_m, expired_m = EXCLUDED.expired_m,
        unknown_m = EXCLUDED.unknown_m, looked_at = EXCLUDED.looked_at
"""
_LOCKED = """
    SELECT codes FROM recording_ledger WHERE channel_id = %(channel)s AND day = %(day)s AND source = %(source)s
    FOR UPDATE
"""


async def change(tx: Transaction, channel_id: str, day: date, source: Source, change: Change, *, at: datetime) -> bytes:
    """Let ``change`` say what a day's codes are from now on; return them. Others who change the day wait."""
    key = {"channel": channel_id, "day": day, "source": source.value}
    row = await tx.fetch_one(_LOCKED, **key)
    before = zlib.decompress(row[0]) if row else blank()
    codes = change(before)
    if row is None or codes != before:
        await tx.execute(_WRITE, **key, **_counted(codes), at=at)
    return codes


def _counted(codes: bytes) -> dict[str, object]:
    found = count(codes)
    return {
        "codes": zlib.compress(codes),
        "wanted": found.wanted_s,
        "recorded": found.recorded_s,
        "kept": found.kept_s,
        "offline": found.lacking[Lack.DEVICE_OFFLINE],
        "idle": found.lacking[Lack.NOT_RECORDING],
        "failed": found.lacking[Lack.STORE_FAILED],
        "expired": found.lacking[Lack.EXPIRED],
        "unknown": found.lacking[Lack.UNKNOWN],
    }


async def days(db: Executor, channel_id: str, first: date, last: date) -> list[Day]:
    """Return the days of one camera from ``first`` to ``last``, both included, at every source."""
    rows = await db.fetch(
        """SELECT channel_id, day, source, codes, looked_at FROM recording_ledger
           WHERE channel_id = %(channel)s AND day BETWEEN %(first)s AND %(last)s ORDER BY day, source""",
        channel=channel_id,
        first=first,
        last=last,
    )
    return [Day(row[0], row[1], Source(row[2]), zlib.decompress(row[3]), row[4]) for row in rows]


_SUMS = """
    SELECT channel_id, day, source, wanted_s, recorded_s, kept_s, offline_m, idle_m, failed_m, expired_m, unknown_m
    FROM recording_ledger WHERE channel_id = ANY(%(channels)s) AND day BETWEEN %(first)s AND %(last)s
    ORDER BY channel_id, day, source
"""


async def sums(db: Executor, channels: Sequence[str], first: date, last: date) -> list[Sum]:
    """Return the counts of ``channels`` from ``first`` to ``last``, both included. Source: 8-h."""
    return [_sum(row) for row in await db.fetch(_SUMS, channels=list(channels), first=first, last=last)]


def _sum(row: Row) -> Sum:
    lacking = dict(
        zip(
            (Lack.DEVICE_OFFLINE, Lack.NOT_RECORDING, Lack.STORE_FAILED, Lack.EXPIRED, Lack.UNKNOWN),
            row[6:],
            strict=True,
        )
    )
    return Sum(row[0], row[1], Source(row[2]), Count(row[3], row[4], row[5], lacking))


async def kept_since(db: Executor, channels: Sequence[str]) -> dict[str, date]:
    """Return by camera the oldest day of which something is still there, at whatever source. Source: 5.4.1."""
    rows = await db.fetch(
        """SELECT channel_id, min(day) FROM recording_ledger
           WHERE channel_id = ANY(%(channels)s) AND kept_s > 0 GROUP BY 1""",
        channels=list(channels),
    )
    return {row[0]: row[1] for row in rows}


async def looked(db: Executor, channels: Sequence[str], source: Source) -> dict[str, Day]:
    """Return by camera the newest day that was looked at; cameras of which there is none are left out."""
    rows = await db.fetch(
        """SELECT DISTINCT ON (channel_id) channel_id, day, source, codes, looked_at FROM recording_ledger
           WHERE channel_id = ANY(%(channels)s) AND source = %(source)s ORDER BY channel_id, day DESC""",
        channels=list(channels),
        source=source.value,
    )
    return {row[0]: Day(row[0], row[1], Source(row[2]), zlib.decompress(row[3]), row[4]) for row in rows}


async def forget(db: Executor, *, before: date) -> int:
    """Forget days before ``before``; return how many."""
    return await db.execute("DELETE FROM recording_ledger WHERE day < %(before)s", before=before)
