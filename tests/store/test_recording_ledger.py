"""The ledger's rows carry their counts, and whoever changes a day reads what others wrote."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from anju.domain.recorded import LACKING, Lack, blank
from anju.domain.recording import DAY, Source
from anju.store import recording_ledger as ledger
from anju.store.database import Database

TODAY, NOW = date(2026, 11, 24), datetime(2026, 11, 24, tzinfo=UTC)
HALF = b"\x3c" * 720 + bytes([LACKING[Lack.DEVICE_OFFLINE]]) * 720


async def put(db: Database, codes: bytes, day: date = TODAY, source: Source = Source.PLATFORM) -> None:
    async with db.transaction() as tx:
        await ledger.change(tx, "c1", day, source, lambda _: codes, at=NOW)


async def test_a_day_carries_its_counts(db: Database) -> None:
    await put(db, HALF)
    (day,) = await ledger.days(db, "c1", TODAY, TODAY)
    assert (day.codes, day.source, day.looked_at) == (HALF, Source.PLATFORM, NOW)
    (found,) = await ledger.sums(db, ["c1", "c2"], TODAY - timedelta(days=30), TODAY)
    assert (found.count.wanted_s, found.count.recorded_s, found.count.kept_s) == (86_400, 43_200, 43_200)
    assert found.count.lacking[Lack.DEVICE_OFFLINE] == 720


async def test_two_who_change_a_day_at_once_lose_nothing(db: Database) -> None:
    await put(db, blank())

    async def mark(at: int) -> None:
        async with db.transaction() as tx:
            await ledger.change(
                tx, "c1", TODAY, Source.PLATFORM, lambda old: old[:at] + b"\x3c" + old[at + 1 :], at=NOW
            )

    await asyncio.gather(*(mark(each) for each in range(20)))
    (day,) = await ledger.days(db, "c1", TODAY, TODAY)
    assert day.codes == b"\x3c" * 20 + bytes(DAY - 20)


async def test_the_oldest_day_that_is_still_there(db: Database) -> None:
    await put(db, blank(), TODAY - timedelta(days=40))
    await put(db, HALF, TODAY - timedelta(days=31), Source.DEVICE)
    await put(db, HALF)
    assert await ledger.kept_since(db, ["c1"]) == {"c1": TODAY - timedelta(days=31)}
    newest = await ledger.looked(db, ["c1", "c2"], Source.PLATFORM)
    assert {each: found.day for each, found in newest.items()} == {"c1": TODAY}
    assert await ledger.forget(db, before=TODAY - timedelta(days=35)) == 1


async def test_a_month_of_fifty_cameras_is_small(db: Database) -> None:
    async with db.transaction() as tx:
        for camera in range(50):
            for back in range(3):
                await ledger.change(
                    tx, f"c{camera}", TODAY - timedelta(days=back), Source.PLATFORM, lambda _: HALF, at=NOW
                )
    row = await db.fetch_one("SELECT pg_table_size('recording_ledger')")
    assert row is not None
    assert row[0] < 150 * 400  # with all that PostgreSQL keeps beside the rows
