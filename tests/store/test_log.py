"""The log is gapless, in commit order, and keeps where a change came from."""

import asyncio

from anju.domain.changes import Change, Lane, Origin
from anju.store import log
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock


def change(number: int, origin: Origin | None = None) -> Change:
    return Change("event", f"e{number}", 1, "site", "/510800/510802/site/", "", {"n": number}, origin=origin)


async def test_rows_come_back_as_they_were_written(db: Database, node: NodeId, clock: FrozenClock) -> None:
    async with db.transaction() as tx:
        last = await log.append(tx, Lane.ALARMS, [change(1), change(2)], at=clock(), node=node)
    rows = await log.read(db, Lane.ALARMS, node.epoch, 0, 10)
    assert last == 2
    assert [(row.seq, row.change.object_id, row.change.body) for row in rows] == [
        (1, "e1", {"n": 1}),
        (2, "e2", {"n": 2}),
    ]


async def test_a_row_first_logged_here_names_here_as_its_origin(db: Database, node: NodeId, clock: FrozenClock) -> None:
    async with db.transaction() as tx:
        await log.append(tx, Lane.BULK, [change(1), change(2, Origin("below", 7, 99))], at=clock(), node=node)
    rows = await log.read(db, Lane.BULK, node.epoch, 0, 10)
    assert [row.change.origin for row in rows] == [Origin(node.id, node.epoch, 1), Origin("below", 7, 99)]


async def test_lanes_count_apart(db: Database, node: NodeId, clock: FrozenClock) -> None:
    async with db.transaction() as tx:
        await log.append(tx, Lane.ALARMS, [change(1)], at=clock(), node=node)
        await log.append(tx, Lane.BULK, [change(2), change(3)], at=clock(), node=node)
    assert await log.head(db, Lane.ALARMS, node.epoch) == 1
    assert await log.head(db, Lane.BULK, node.epoch) == 2


async def test_a_transaction_that_fails_leaves_no_gap(db: Database, node: NodeId, clock: FrozenClock) -> None:
    class Stop(Exception):
        pass

    async def fail() -> None:
        async with db.transaction() as tx:
            await log.append(tx, Lane.ALARMS, [change(1)], at=clock(), node=node)
            raise Stop

    await asyncio.gather(fail(), return_exceptions=True)
    async with db.transaction() as tx:
        assert await log.append(tx, Lane.ALARMS, [change(2)], at=clock(), node=node) == 1


async def test_many_writers_make_one_sequence_without_a_gap(db: Database, node: NodeId, clock: FrozenClock) -> None:
    async def write(number: int) -> None:
        async with db.transaction() as tx:
            await log.append(tx, Lane.BULK, [change(number), change(number)], at=clock(), node=node)

    await asyncio.gather(*(write(number) for number in range(30)))
    rows = await log.read(db, Lane.BULK, node.epoch, 0, 100)
    assert [row.seq for row in rows] == list(range(1, 61))


async def test_a_database_keeps_its_node(db: Database, node: NodeId) -> None:
    async with db.transaction() as tx:
        again = await log.make_node(tx, node_id="other", name="other", tier="city")
    assert again == node
