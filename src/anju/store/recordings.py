"""Files of recordings: what is where, by camera and time.

A row is written after its file is on disk, and goes before the file does: a crash in between leaves a file too many,
which the next start finds, and never a row without its file.
Source: 5.4.1 (recording and its days), 4.2.1.2 (playback and download).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntFlag
from pathlib import PurePosixPath

from anju.domain.recorded import SEAM_S
from anju.domain.recording import day_of
from anju.store.database import Executor, Row

SUFFIX = ".mp4"
SOUND = {"g711a": ".alaw", "g711u": ".ulaw"}
"""How the file of sound beside the pictures ends: bare samples of 8 kHz, the first at the file's start."""
LONGEST_MS = 3_600_000  # no file is longer


class Flag(IntFlag):
    """What is to be known of a file."""

    GAP = 1  # the stream had broken off before it
    BROKEN = 2  # parts of pictures were lost on the way
    RECOVERED = 4  # found after a crash and cut to its last whole fragment
    EVENT = 8  # recorded because of an event


Gop = tuple[int, int]
"""Where a key frame is: milliseconds since the file's start, offset of its fragment in bytes."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One closed file. The first group of pictures lies right behind the init segment."""

    channel_id: str
    start_ms: int
    duration_ms: int
    volume: int
    bytes: int  # with the file of sound
    codec: str
    flags: Flag
    gops: tuple[Gop, ...]
    width: int = 0
    height: int = 0
    audio: str = ""

    @property
    def end_ms(self) -> int:
        """Return when it ends, Unix milliseconds."""
        return self.start_ms + self.duration_ms

    def group_at(self, at_ms: int) -> int:
        """Return the number of the group of pictures that holds an instant, or of the first."""
        return max(0, bisect_right(self.gops, at_ms - self.start_ms, key=lambda gop: gop[0]) - 1)

    @property
    def name(self) -> str:
        """Return its path on its volume."""
        return name_of(self.channel_id, self.start_ms)

    @property
    def sound(self) -> str:
        """Return the path of its sound on its volume, '' where there is none."""
        return sound_of(self.channel_id, self.start_ms, self.audio)


def name_of(channel_id: str, start_ms: int) -> str:
    """Return the path of a file on its volume: ``<channel>/<day in UTC>/<start>.mp4``."""
    return f"{folder_of(channel_id, start_ms)}/{start_ms}{SUFFIX}"


def sound_of(channel_id: str, start_ms: int, audio: str) -> str:
    """Return the path of the sound beside a file, '' where ``audio`` is none."""
    return f"{folder_of(channel_id, start_ms)}/{start_ms}{SOUND[audio]}" if audio else ""


def folder_of(channel_id: str, start_ms: int) -> PurePosixPath:
    """Return the folder of a file on its volume. Raises ValueError for an id that is no folder's name."""
    if not channel_id or not all(each.isascii() and (each.isalnum() or each in "-_") for each in channel_id):
        raise ValueError(f"{channel_id!r} cannot be a folder")
    return PurePosixPath(channel_id, datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%Y%m%d"))


def pack(gops: Iterable[Gop]) -> bytes:
    """Return ``gops`` as steps from one to the next, seven bits a byte: about five bytes each."""
    packed, before = bytearray(), (0, 0)
    for each in gops:
        for step in (each[0] - before[0], each[1] - before[1]):
            _put(packed, step)
        before = each
    return bytes(packed)


def _put(packed: bytearray, step: int) -> None:
    while step > 0x7F:
        packed.append(step & 0x7F | 0x80)
        step >>= 7
    packed.append(step)


def unpack(packed: bytes) -> tuple[Gop, ...]:
    """Return what ``pack`` made ``packed`` of."""
    numbers, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value = shift = 0
    found, at, offset = [], 0, 0
    for step, more in zip(numbers[::2], numbers[1::2], strict=True):
        at, offset = at + step, offset + more
        found.append((at, offset))
    return tuple(found)


_COLUMNS = "channel_id, start_ms, duration_ms, volume, bytes, codec, flags, gops, width, height, audio"
_ADD = f"""
    WITH new AS (
        INSERT INTO recording ({_COLUMNS})
        SELECT * FROM unnest(%(channel)s::text[], %(start)s::bigint[], %(duration)s::integer[], %(volume)s::smallint[],
            %(bytes)s::bigint[], %(codec)s::text[], %(flags)s::smallint[], %(gops)s::bytea[], %(width)s::smallint[],
            %(height)s::smallint[], %(audio)s::text[])
        ON CONFLICT DO NOTHING RETURNING channel_id, start_ms, bytes, duration_ms),
    summed AS (
        SELECT n.channel_id, d.day, count(*) AS files, sum(n.bytes) AS bytes, sum(n.duration_ms) AS ms
        FROM new n JOIN unnest(%(channel)s::text[], %(start)s::bigint[], %(day)s::date[])
            AS d (channel_id, start_ms, day) USING (channel_id, start_ms)
        GROUP BY 1, 2 ORDER BY 1, 2)
    INSERT INTO recording_day AS r (channel_id, day, files, bytes, ms) SELECT * FROM summed
    ON CONFLICT (channel_id, day) DO UPDATE SET files = r.files + EXCLUDED.files, bytes = r.bytes + EXCLUDED.bytes,
        ms = r.ms + EXCLUDED.ms
"""


async def add(db: Executor, files: Sequence[Recording]) -> None:
    """Write down closed files; one that is known already is left alone, so this may be repeated."""
    if not files:
        return
    given = [_given(each) for each in files]
    await db.execute(_ADD, **{name: [each[name] for each in given] for name in given[0]})


def _given(each: Recording) -> dict[str, object]:
    return {
        "channel": each.channel_id,
        "start": each.start_ms,
        "duration": each.duration_ms,
        "volume": each.volume,
        "bytes": each.bytes,
        "codec": each.codec,
        "flags": int(each.flags),
        "gops": pack(each.gops),
        "width": each.width,
        "height": each.height,
        "audio": each.audio,
        "day": local_day(each.start_ms),
    }


def local_day(start_ms: int) -> date:
    """Return the day of recording a file belongs to: that of its start, on the local clock."""
    return day_of(datetime.fromtimestamp(start_ms / 1000, UTC))


def _read(row: Row) -> Recording:
    channel, start, duration, volume, size, codec, flags, gops, width, height, audio = row
    return Recording(
        channel, start, duration, volume, size, codec, Flag(flags), unpack(bytes(gops)), width, height, audio
    )


_AT = f"""
    SELECT {_COLUMNS} FROM (
        (SELECT * FROM recording WHERE channel_id = %(channel)s AND start_ms <= %(at)s
         ORDER BY start_ms DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM recording WHERE channel_id = %(channel)s AND start_ms > %(at)s
         ORDER BY start_ms LIMIT %(limit)s)) found
    WHERE start_ms + duration_ms > %(at)s ORDER BY start_ms LIMIT %(limit)s
"""


async def at(db: Executor, channel_id: str, at_ms: int, *, limit: int = 1) -> list[Recording]:
    """Return the file that holds ``at_ms``, else the next after it, and those that follow."""
    rows = await db.fetch(_AT, channel=channel_id, at=at_ms, limit=limit)
    return [_read(row) for row in rows]


async def newest(db: Executor, channel_id: str) -> Recording | None:
    """Return the newest file of a channel."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM recording WHERE channel_id = %(channel)s ORDER BY start_ms DESC LIMIT 1",
        channel=channel_id,
    )
    return _read(row) if row else None


_BETWEEN = f"""
    SELECT {_COLUMNS} FROM recording
    WHERE channel_id = %(channel)s AND start_ms >= %(early)s AND start_ms < %(until)s
        AND start_ms + duration_ms > %(since)s ORDER BY start_ms LIMIT %(limit)s
"""


async def between(db: Executor, channel_id: str, since_ms: int, until_ms: int, *, limit: int) -> list[Recording]:
    """Return the files that hold anything of a span, oldest first."""
    words = {"channel": channel_id, "since": since_ms, "until": until_ms, "early": since_ms - LONGEST_MS}
    return [_read(row) for row in await db.fetch(_BETWEEN, **words, limit=limit)]


_SPANS = """
    WITH files AS (
        SELECT start_ms AS first, start_ms + duration_ms AS last FROM recording
        WHERE channel_id = %(channel)s AND start_ms >= %(early)s AND start_ms < %(until)s
            AND start_ms + duration_ms > %(since)s),
    marked AS (
        SELECT first, last, CASE WHEN first - max(last) OVER before > %(seam)s THEN 1 ELSE 0 END AS opens FROM files
        WINDOW before AS (ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)),
    numbered AS (SELECT first, last, sum(opens) OVER (ORDER BY first) AS run FROM marked)
    SELECT min(first), max(last) FROM numbered GROUP BY run ORDER BY 1
"""
SEAM_MS = int(SEAM_S * 1000)


async def spans(db: Executor, channel_id: str, since_ms: int, until_ms: int) -> list[tuple[int, int]]:
    """Return the spans inside the given one that files hold without a gap, exact, in order; Unix milliseconds."""
    words = {"channel": channel_id, "since": since_ms, "until": until_ms, "early": since_ms - LONGEST_MS}
    rows = await db.fetch(_SPANS, **words, seam=SEAM_MS)
    return [(max(first, since_ms), min(last, until_ms)) for first, last in rows]


_PIECES = """
    SELECT channel_id, start_ms, start_ms + duration_ms FROM recording
    WHERE channel_id = ANY(%(channels)s) AND start_ms >= %(early)s AND start_ms < %(until)s
        AND start_ms + duration_ms > %(since)s
"""


async def pieces(
    db: Executor, channels: Sequence[str], since_ms: int, until_ms: int
) -> dict[str, list[tuple[int, int]]]:
    """Return for each of ``channels`` the files' spans that touch the given one."""
    words = {"channels": list(channels), "since": since_ms, "until": until_ms, "early": since_ms - LONGEST_MS}
    found: dict[str, list[tuple[int, int]]] = {each: [] for each in channels}
    for channel, first, last in await db.fetch(_PIECES, **words):
        found[channel].append((first, last))
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one camera. ``days`` is the time from the oldest file to now, ``per_day`` bytes of a day."""

    channel_id: str
    oldest_ms: int | None
    newest_ms: int | None
    days: int
    bytes: int
    per_day: float
    width: int
    height: int


_HELD = """
    SELECT c.id, o.start_ms, n.start_ms + n.duration_ms, coalesce(d.days, 0), coalesce(d.bytes, 0),
        coalesce(w.bytes * 86400000.0 / nullif(w.ms, 0), 0), coalesce(n.width, 0), coalesce(n.height, 0)
    FROM unnest(%(channels)s::text[]) AS c (id)
    LEFT JOIN LATERAL (SELECT start_ms FROM recording WHERE channel_id = c.id ORDER BY start_ms LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT start_ms, duration_ms, width, height FROM recording WHERE channel_id = c.id
        ORDER BY start_ms DESC LIMIT 1) n ON true
    LEFT JOIN LATERAL (SELECT count(*) AS days, sum(bytes) AS bytes FROM recording_day
        WHERE channel_id = c.id AND files > 0) d ON true
    LEFT JOIN LATERAL (SELECT sum(bytes) AS bytes, sum(ms) AS ms FROM recording_day
        WHERE channel_id = c.id AND day > %(today)s::date - 7) w ON true
    ORDER BY c.id
"""


async def held(db: Executor, channels: Sequence[str], *, today: date) -> list[Held]:
    """Return what is held of each of ``channels``; ``per_day`` is at the pace of the last seven days.

    Source: 5.4.1 (30 days), 5.4.2 (share of cameras that are not HD).
    """
    rows = await db.fetch(_HELD, channels=list(channels), today=today)
    return [Held(row[0], row[1], row[2], int(row[3]), int(row[4]), float(row[5]), row[6], row[7]) for row in rows]


async def known(db: Executor, volume: int, channel_id: str, since_ms: int, until_ms: int) -> set[int]:
    """Return the starts of the files of a channel on ``volume`` that begin in a span, those to be unlinked too."""
    rows = await db.fetch(
        """SELECT start_ms FROM recording WHERE channel_id = %(channel)s AND volume = %(volume)s
               AND start_ms >= %(since)s AND start_ms < %(until)s
           UNION ALL SELECT start_ms FROM recording_garbage WHERE channel_id = %(channel)s AND volume = %(volume)s
               AND start_ms >= %(since)s AND start_ms < %(until)s""",
        channel=channel_id,
        volume=volume,
        since=since_ms,
        until=until_ms,
    )
    return {row[0] for row in rows}


async def unfilled(db: Executor, volume: int, since_ms: int) -> list[Recording]:
    """Return the files of ``volume`` that began since then, as their rows say: to be compared with the disk."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM recording WHERE volume = %(volume)s AND start_ms >= %(since)s ORDER BY start_ms",
        volume=volume,
        since=since_ms,
    )
    return [_read(row) for row in rows]
