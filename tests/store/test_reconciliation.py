"""Accounts of a day between two tiers: both count up to the same rows, whatever goes on meanwhile."""

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

from anju.domain.changes import Change, Fate, Lane
from anju.domain.docking import Day, Sent
from anju.store import docking, reconciliation
from anju.store.database import Database, Transaction

AT = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
DAY = date(2026, 11, 22)


async def take(tx: Transaction, lane: Lane, seq: int) -> None:
    """Give one row of the community its fate, as a batch that comes in does."""
    await docking.lock_mark(tx, "community", 7, lane)
    row = Sent(seq, AT, Change("event", str(seq), 1, "", "/", "", {}))
    await docking.count_fates(tx, "community", 7, lane, [(row, Fate.KEPT)])
    await docking.move_mark(tx, "community", 7, lane, mark=seq)


async def test_a_batch_on_its_way_in_is_waited_for(db: Database) -> None:
    async def ask() -> tuple[dict[str, dict[Fate, int]], dict[Lane, int]]:
        async with db.transaction() as tx:
            account = await reconciliation.open_account(tx, "community", 7, DAY, at=AT)
        return account.fates, account.marks

    async with db.transaction() as tx:
        await take(tx, Lane.BULK, 1)
        asking = asyncio.create_task(ask())
        done, _ = await asyncio.wait({asking}, timeout=0.2)
        assert not done
    fates, marks = await asking
    assert fates["event"][Fate.KEPT] == marks[Lane.BULK] == 1


async def test_an_account_is_answered_once_and_by_its_node(db: Database) -> None:
    async with db.transaction() as tx:
        await take(tx, Lane.ALARMS, 1)
        account = await reconciliation.open_account(tx, "community", 7, DAY, at=AT)
    async with db.transaction() as tx:
        assert await reconciliation.opened(tx, "neighbour", DAY, account.id) is None
        assert await reconciliation.opened(tx, "community", date(2026, 11, 21), account.id) is None
        assert await reconciliation.opened(tx, "community", DAY, uuid4()) is None
        assert await reconciliation.opened(tx, "community", DAY, account.id) == account
        assert await reconciliation.opened(tx, "community", DAY, account.id) is None


async def test_a_node_that_asks_and_never_answers_fills_nothing(db: Database) -> None:
    async with db.transaction() as tx:
        opened = [
            await reconciliation.open_account(tx, "community", 7, DAY, at=AT)
            for _ in range(reconciliation.MOST_OPEN + 5)
        ]
        rows = await tx.fetch("SELECT id FROM account_open ORDER BY id")
    assert [row[0] for row in rows] == [each.id for each in opened[5:]]


async def test_the_account_of_a_running_day_is_replaced_by_the_next(db: Database) -> None:
    for sent, whole in ((1, False), (2, True)):
        async with db.transaction() as tx:
            await take(tx, Lane.BULK, sent)
            account = await reconciliation.open_account(tx, "community", 7, DAY, at=AT)
            told = Day(DAY, 7, {"event": sent}, account.id, whole=whole)
            await reconciliation.note(tx, "community", told, account, at=AT)
        known = await reconciliation.reconciled(db, "community", since=DAY)
        assert known == ({DAY} if whole else set())
    (event,) = [
        each
        for each in await reconciliation.accounts(db, ["community"], day=DAY, limit=10)
        if each["kind"] != reconciliation.WHOLE
    ]
    assert (event["sent"], event["received"], event["marks"]) == (2, 2, {"alarms": 0, "bulk": 2})
