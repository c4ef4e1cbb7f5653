"""The door to PostgreSQL: a loop over queries ends when it is told to, wherever it stands."""

import asyncio
import random

from anju.store.database import Database

LOOPS = 300


async def test_a_loop_over_queries_ends_when_it_is_cancelled(db: Database) -> None:
    async def ask() -> None:
        while True:
            await db.fetch_one("SELECT 1")

    deaf = 0
    for number in range(LOOPS):
        task = asyncio.create_task(ask())
        await asyncio.sleep(random.Random(number).uniform(0.001, 0.02))
        task.cancel()
        _, left = await asyncio.wait([task], timeout=2.0)
        deaf += len(left)
        for each in left:
            each.cancel()
            await asyncio.wait([each], timeout=2.0)
    assert deaf == 0


async def test_what_was_asked_within_a_time_limit_is_told_so(db: Database) -> None:
    late = 0
    for number in range(LOOPS):
        try:
            async with asyncio.timeout(random.Random(number).uniform(0.0005, 0.004)):
                while True:
                    await db.fetch_one("SELECT 1")
        except TimeoutError:
            late += 1
    assert late == LOOPS
