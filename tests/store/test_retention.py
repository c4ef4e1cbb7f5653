"""Retention: whole partitions end at their age and not a day before, and the log says up to where it is gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio

from anju.domain.changes import Change, Lane
from anju.engines import Postgres
from anju.store import docking, log, retention
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.store.test_passages import Book

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=45)


def rows(count: int) -> list[Change]:
    return [Change("event", str(number), 1, "site", "/", "", {}) for number in range(count)]


@pytest_asyncio.fixture(loop_scope="session")
async def aged(db: Database, node: NodeId, postgres: Postgres) -> AsyncIterator[Database]:
    """A log whose first three rows of alarms are 45 days old and in a partition of their own."""
    owner = postgres.owner_url(db.url.rsplit("/", 1)[1].split("?")[0])
    first, last = (OLD - timedelta(days=2)).date(), (OLD + timedelta(days=2)).date()
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as connection:
        await connection.execute(f"CREATE TABLE log_aged PARTITION OF log FOR VALUES FROM ('{first}') TO ('{last}')")
    async with db.transaction() as tx:
        await log.append(tx, Lane.ALARMS, rows(3), at=OLD, node=node)
    async with db.transaction() as tx:
        await log.append(tx, Lane.ALARMS, rows(2), at=NOW, node=node)
    yield db


async def test_an_old_partition_ends_and_the_tail_says_so(aged: Database, node: NodeId) -> None:
    assert await retention.drop(aged, "log", before=NOW - timedelta(days=31)) == ["log_aged"]
    assert await log.tail(aged, Lane.ALARMS, node.epoch) == 3
    assert await log.tail(aged, Lane.BULK, node.epoch) == 0
    assert [row.seq for row in await log.read(aged, Lane.ALARMS, node.epoch, 0, 10)] == [4, 5]


async def test_the_log_is_never_younger_than_thirty_days(db: Database, node: NodeId) -> None:
    async with db.transaction() as tx:
        await log.append(tx, Lane.BULK, rows(2), at=NOW - timedelta(days=29), node=node)
    assert await retention.drop(db, "log", before=NOW + timedelta(days=400)) == []
    assert len(await log.read(db, Lane.BULK, node.epoch, 0, 10)) == 2


async def test_rows_whose_time_fits_no_partition_end_too(db: Database, node: NodeId) -> None:
    async with db.transaction() as tx:
        await log.append(tx, Lane.BULK, rows(2), at=NOW - timedelta(days=300), node=node)
    await retention.drop(db, "log", before=NOW)
    assert await log.tail(db, Lane.BULK, node.epoch) == 2
    assert await log.read(db, Lane.BULK, node.epoch, 0, 10) == []


@pytest.mark.parametrize("parent", ["operator_log", "account", "log; DROP TABLE log", "", "node"])
async def test_nothing_else_can_be_dropped(db: Database, parent: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await retention.drop(db, parent, before=NOW)


async def test_the_program_itself_cannot_drop_a_partition(db: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await db.execute("DROP TABLE log_other")


async def test_a_sweep_forgets_what_only_marks_repeats(db: Database) -> None:
    for number, age in enumerate((timedelta(days=100), timedelta(days=1))):
        await db.execute("INSERT INTO seen VALUES ('site', 'p1', %(key)s, '', %(at)s)", key=str(number), at=NOW - age)
    await docking.first_time(db, b"old", at=NOW - timedelta(hours=1))
    await docking.first_time(db, b"new", at=NOW)
    swept = await retention.sweep(db, now=NOW)
    assert (swept.seen, swept.requests) == (1, 1)
    assert not await docking.first_time(db, b"new", at=NOW)


async def test_a_sweep_forgets_sessions_and_links_that_are_long_over(db: Database) -> None:
    for name, ended, expires in (("old", 400, 399), ("run out", None, 300), ("ended", 20, -1), ("live", None, -1)):
        await db.execute(
            """INSERT INTO session (id_hash, account_id, created_at, seen_at, expires_at, ended_at)
               VALUES (%(name)s, 'u1', %(at)s, %(at)s, %(expires)s, %(ended)s)""",
            name=name.encode(),
            at=NOW - timedelta(days=400),
            expires=NOW - timedelta(days=expires),
            ended=None if ended is None else NOW - timedelta(days=ended),
        )
    for name, used, expires in (("used", 300, 299), ("run out", None, 300), ("good", None, -1)):
        await db.execute(
            "INSERT INTO setup_link VALUES (%(name)s, %(at)s, %(expires)s, %(used)s)",
            name=name.encode(),
            at=NOW - timedelta(days=300),
            expires=NOW - timedelta(days=expires),
            used=None if used is None else NOW - timedelta(days=used),
        )
    await retention.sweep(db, now=NOW)
    assert {bytes(row[0]) for row in await db.fetch("SELECT id_hash FROM session")} == {b"ended", b"live"}
    assert [bytes(row[0]) for row in await db.fetch("SELECT token_hash FROM setup_link")] == [b"good"]


async def test_a_plate_is_forgotten_with_its_last_passage(db: Database, clock: FrozenClock) -> None:
    book = Book(db, clock)
    clock.now = NOW - timedelta(days=200)
    await book.keep("川HA0001")
    await book.keep("川HA0002")
    clock.now = NOW - timedelta(days=2)
    await book.keep("川HA0002")
    await retention.sweep(db, now=NOW)
    assert await db.fetch("SELECT plate FROM plate") == [("川HA0002",)]
    assert [each.plate for each in await book.find()] == ["川HA0002"]
