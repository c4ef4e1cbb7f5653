"""What is answered is on disk, once; what cannot be written is not answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.domain.changes import Fate, Lane
from anju.domain.events import Event, EventKind
from anju.engines import Postgres
from anju.errors import DatabaseAway
from anju.pipeline.keep import Accepted, Keeper
from anju.store import log
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.store.migrate import migrate
from tests.conftest import FrozenClock
from tests.domain.test_cleaning import REPORT, event


class Bench:
    """A keeper at work, and what it told the others."""

    def __init__(self, db: Database, node: NodeId, clock: FrozenClock) -> None:
        self.db, self.node, self.clock = db, node, clock
        self.lanes: list[frozenset[Lane]] = []
        self.unsaved: list[Event] = []
        self.keeper = Keeper(db, node, clock=clock, on_committed=self._committed, on_unsaved=self._unsaved)

    async def _committed(self, lanes: frozenset[Lane]) -> None:
        self.lanes.append(lanes)

    async def _unsaved(self, lost: Event) -> None:
        self.unsaved.append(lost)

    def report(self, number: int, *, kind: EventKind = EventKind.INTRUSION, code: str = "130") -> Accepted:
        told = replace(REPORT, kind=kind, code=code, dedup_key=f"{number:04}|t", zone=f"{number:03}")
        return Accepted(told, replace(event(told), id=uuid7(), received_at=self.clock()))

    async def count(self, table: str) -> int:
        row = await self.db.fetch_one(f"SELECT count(*) FROM {table}")
        assert row is not None
        return int(row[0])


@pytest_asyncio.fixture(loop_scope="session")
async def bench(db: Database, node: NodeId, clock: FrozenClock) -> AsyncIterator[Bench]:
    bench = Bench(db, node, clock)
    running = asyncio.create_task(bench.keeper.run())
    yield bench
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_report_is_an_event_a_frame_an_alarm_and_a_row_of_the_log(bench: Bench) -> None:
    assert await bench.keeper.keep(bench.report(1)) is Fate.KEPT
    assert [await bench.count(table) for table in ("event", "raw_frame", "alarm", "alarm_step")] == [1, 1, 1, 1]
    rows = await log.read(bench.db, Lane.ALARMS, bench.node.epoch, 0, 10)
    assert [row.change.kind for row in rows] == ["event", "alarm", "alarm_step"]


async def test_a_repeat_is_answered_and_not_kept_twice(bench: Bench) -> None:
    fates = await asyncio.gather(*(bench.keeper.keep(bench.report(1)) for _ in range(5)))
    assert sorted(fates) == [Fate.DUPLICATE] * 4 + [Fate.KEPT]
    assert await bench.count("event") == 1


async def test_a_reused_number_with_other_words_is_kept_and_flagged(bench: Bench) -> None:
    await bench.keeper.keep(bench.report(1))
    assert await bench.keeper.keep(bench.report(1, code="131")) is Fate.KEPT
    rows = await bench.db.fetch("SELECT code, 'key_reused' = ANY (flags) FROM event ORDER BY id")
    assert rows == [("130", False), ("131", True)]


async def test_settings_go_in_the_bulk_lane_and_raise_nothing(bench: Bench) -> None:
    await bench.keeper.keep(bench.report(1, kind=EventKind.ARM))
    assert bench.lanes == [frozenset({Lane.BULK})]
    assert await bench.count("alarm") == 0


async def test_many_at_once_are_all_kept_in_few_commits(bench: Bench) -> None:
    await asyncio.gather(*(bench.keeper.keep(bench.report(number)) for number in range(300)))
    assert [await bench.count(table) for table in ("event", "alarm")] == [300, 300]
    assert len(bench.lanes) < 10


@pytest.mark.parametrize("bad", [{"code": "\0"}, {"detail": {"text": "\ud800"}}])
async def test_a_poisoned_report_is_held_and_takes_no_other_with_it(bench: Bench, bad: dict[str, Any]) -> None:
    poison = bench.report(1)
    poison = Accepted(poison.report, replace(poison.event, **bad))
    fates = await asyncio.gather(*(bench.keeper.keep(each) for each in (bench.report(2), poison, bench.report(3))))
    assert fates == [Fate.KEPT, Fate.HELD, Fate.KEPT]
    assert [await bench.count(table) for table in ("event", "quarantine")] == [2, 1]


async def test_reports_are_counted_by_the_hour(bench: Bench) -> None:
    await asyncio.gather(*(bench.keeper.keep(bench.report(number)) for number in range(3)))
    rows = await bench.db.fetch("SELECT metric, label, count FROM rollup_hour ORDER BY metric")
    assert rows == [("alarms", "2|intrusion", 3), ("events", "intrusion", 3)]


async def test_the_devices_clock_is_written_down(bench: Bench) -> None:
    late = bench.report(1)
    told = replace(late.event, occurred_at=bench.clock() - timedelta(seconds=9), clock_offset_ms=-9000)
    await bench.keeper.keep(Accepted(late.report, told))
    assert await bench.db.fetch("SELECT offset_ms FROM clock_ledger") == [(-9000,)]


async def test_killing_the_database_loses_nothing_that_was_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = open_folder(tmp_path_factory)
    server = Postgres(folder)  # fsync on: this is the crash test
    await server.start()
    await server.create_database("anju")
    migrate(server.owner_url("anju"))
    db = Database(server.app_url("anju"))
    await db.open()
    async with db.transaction() as tx:
        node = await make_node(tx, node_id="c1", name="c1", tier="community")
    bench = Bench(db, node, FrozenClock())
    running = asyncio.create_task(bench.keeper.run())
    answered: list[int] = []

    async def report(number: int) -> None:
        with suppress(DatabaseAway):
            await bench.keeper.keep(bench.report(number))
            answered.append(number)
            if len(answered) == 100:
                server.kill()

    for start in range(0, 1000, 20):
        await asyncio.gather(*(report(number) for number in range(start, start + 20)))
        if server.pid is None:
            break
    assert bench.unsaved, "alarms that could not be written still sound"
    await db.close()
    again = Postgres(folder, port=server.port)
    await again.start()
    bench.db = Database(again.app_url("anju"))
    await bench.db.open()
    rows = await bench.db.fetch("SELECT (body ->> 'zone'), count(*) FROM event GROUP BY 1")
    kept = {int(zone.split("/")[1]): count for zone, count in rows}
    assert set(answered) <= set(kept)
    assert set(kept.values()) == {1}
    running.cancel()
    await bench.db.close()
    await again.stop()


def open_folder(factory: pytest.TempPathFactory) -> Path:
    folder = factory.mktemp("crash")
    for each in (folder, *folder.parents):
        if each.is_relative_to(factory.getbasetemp().parent):
            each.chmod(0o755)
    return folder
