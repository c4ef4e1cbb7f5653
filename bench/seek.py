"""How long a seek takes in thirty days of fifty cameras: the index looked up, the file opened, two seconds of it read.

Fills a database of its own with 2.16 million files of a minute, each with thirty groups of pictures in its row. The
instants asked for have a real file each; the disk's own seek is not in the figure where the file is in memory.
The reference is an empty question to the same database.
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from bench.figures import Figure, keep

from anju.domain.recording import day_of
from anju.engines import Postgres
from anju.media.library import Library
from anju.store import recordings
from anju.store.database import Database
from anju.store.migrate import migrate
from anju.store.recordings import name_of, pack
from anju.store.volumes import pair

CAMERAS, DAYS, MINUTE = 50, 30, 60_000
GROUPS, GROUP_BYTES = 30, 1_000_000
ROUNDS = 400
LIMIT_MS = 50.0
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
FIRST = round(BEGIN.timestamp() * 1000)
FILL = """
    INSERT INTO recording (channel_id, start_ms, duration_ms, volume, bytes, codec, flags, gops, width, height)
    SELECT 'c' || camera, %(first)s + camera * 1000 + minute * 60000::bigint, 60000, %(volume)s, 30000000,
        'avc1.640028', 0, %(gops)s, 1920, 1080
    FROM generate_series(0, %(minutes)s - 1) AS minute, generate_series(%(from)s::int, %(to)s::int) AS camera
"""
SUMMED = """
    INSERT INTO recording_day SELECT channel_id,
        (to_timestamp(start_ms / 1000.0) AT TIME ZONE 'Asia/Shanghai')::date, count(*), sum(bytes), sum(duration_ms)
    FROM recording GROUP BY 1, 2
"""
Act = Callable[[], Awaitable[object]]


def fill(owner_url: str, volume: int) -> None:
    """Write the rows."""
    gops = pack([(each * 2000, 700 + each * GROUP_BYTES) for each in range(GROUPS)])
    given = {"first": FIRST, "volume": volume, "gops": gops, "minutes": DAYS * 1440}
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for first in range(0, CAMERAS, 10):
            connection.execute(FILL, {**given, "from": first, "to": first + 9})
        connection.execute(SUMMED)
        connection.execute("VACUUM ANALYZE recording, recording_day")


def instants(root: Path, dice: random.Random) -> list[tuple[str, int]]:
    """Return cameras and moments, and make the file of each."""
    found = []
    picture = os.urandom(GROUP_BYTES)
    for _ in range(ROUNDS):
        camera, minute = dice.randrange(CAMERAS), dice.randrange(DAYS * 1440)
        start = FIRST + camera * 1000 + minute * MINUTE
        path = root / name_of(f"c{camera}", start)
        path.parent.mkdir(parents=True, exist_ok=True)
        at = start + dice.randrange(MINUTE)
        with path.open("ab") as file:  # a file of its length, real where it is read
            file.truncate(GROUPS * GROUP_BYTES + 700)
            os.pwrite(file.fileno(), picture, 700 + (at - start) // 2000 * GROUP_BYTES)
        found.append((f"c{camera}", at))
    return found


async def seek(library: Library, channel: str, at: int) -> None:
    """Find the group of pictures of an instant and read it."""
    located = await library.at(channel, at)
    assert located is not None
    assert located.file.start_ms <= at < located.file.end_ms
    offset = located.file.gops[located.file.group_at(at)][1]
    data = await asyncio.to_thread(_read, located.path, offset)
    assert len(data) == GROUP_BYTES


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), GROUP_BYTES, offset)


async def timed(acts: list[Act]) -> list[float]:
    """Return the milliseconds of each, sorted."""
    found = []
    for each in acts:
        begin = time.perf_counter()
        await each()
        found.append((time.perf_counter() - begin) * 1000)
    return sorted(found)


def p95(found: list[float]) -> float:
    """Return the 95th percentile of sorted figures."""
    return found[int(len(found) * 0.95)]


async def measure(db: Database, owner_url: str, folder: Path) -> list[Figure]:
    """Return the figures."""
    (volume,) = await pair(db, [folder / "volume"], node="bench", reserve=0, at=datetime.now(UTC))
    await asyncio.to_thread(fill, owner_url, volume.number)
    row = await db.fetch_one("SELECT count(*), pg_total_relation_size('recording') FROM recording")
    assert row is not None
    print(f"{row[0]:,} files, {row[1] / row[0]:.0f} bytes of the database each")
    dice, library = random.Random(7), Library(db)
    chosen = await asyncio.to_thread(instants, folder / "volume", dice)
    await timed([lambda: db.fetch_one("SELECT 1")] * 20)
    empty = await timed([lambda: db.fetch_one("SELECT 1")] * ROUNDS)
    acts: list[Act] = [lambda c=channel, a=at: seek(library, c, a) for channel, at in chosen]  # type: ignore[misc]
    found = await timed(acts)
    today = day_of(BEGIN + timedelta(days=DAYS))
    channels = [f"c{each}" for each in range(CAMERAS)]
    spans = await timed([lambda: recordings.spans(db, "c7", FIRST, FIRST + DAYS * 86_400_000)] * 20)
    held = await timed([lambda: recordings.held(db, channels, today=today)] * 20)
    print(f"median {found[len(found) // 2]:.2f} ms")
    return [
        Figure.against("seek.p95_ms", p95(found), "ms", p95(empty)),
        Figure.against("seek.month_line_p95_ms", p95(spans), "ms", p95(empty)),
        Figure.against("seek.storage_p95_ms", p95(held), "ms", p95(empty)),
    ]


async def main() -> int:
    """Measure, print and keep; return 1 where a seek takes too long."""
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - before anything runs
        server = Postgres(folder)
        await server.start()
        try:
            await server.create_database("bench")
            migrate(server.owner_url("bench"))
            db = Database(server.app_url("bench"))
            await db.open()
            figures = await measure(db, server.owner_url("bench"), folder)
            await db.close()
            keep(figures)
            return int(figures[0].value > LIMIT_MS)
        finally:
            await server.stop()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
