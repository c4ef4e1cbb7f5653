"""An intrusion travels from the panel's wire to the community's alarm list, once, before it is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.devices.alarm_panel import AlarmPanels
from anju.domain.alarms import AlarmState
from anju.domain.changes import Fate
from anju.domain.cleaning import clean
from anju.domain.events import DeviceReport
from anju.domain.rights import EVERYWHERE
from anju.pipeline.keep import Accepted, Keeper
from anju.simulators.alarm_panel import Panel
from anju.store import alarms
from anju.store.alarms import Wanted
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.domain.test_cleaning import PANEL

NewPanel = Callable[[], Panel]


@pytest_asyncio.fixture(loop_scope="session")
async def new_panel(db: Database, node: NodeId, clock: FrozenClock) -> AsyncIterator[NewPanel]:
    async def ignore(_: object) -> None: ...

    async def heard(_account: str, _peer: str) -> None: ...

    keeper = Keeper(db, node, clock=clock, on_committed=ignore, on_unsaved=ignore)

    async def emit(report: DeviceReport) -> Fate | None:
        if report.account != "0/1234":
            return None
        return await keeper.keep(Accepted(report, clean(report, PANEL, event_id=uuid7(), at=clock())))

    panels = AlarmPanels(emit=emit, heard=heard, key_for=lambda _: None, clock=clock)
    port = await panels.open("127.0.0.1", 0)
    running = asyncio.create_task(keeper.run())
    yield lambda: Panel("127.0.0.1", port, "1234", clock=clock)
    await panels.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def shown(db: Database, clock: FrozenClock) -> list[dict[str, object]]:
    until, last = clock() + timedelta(days=1), UUID(int=2**128 - 1)
    return await alarms.page(db, EVERYWHERE, Wanted((AlarmState.NEW,)), before=(until, last), limit=50)


async def test_an_acknowledged_intrusion_is_on_the_list(new_panel: NewPanel, db: Database, clock: FrozenClock) -> None:
    panel = new_panel()
    await panel.report("130", "003")
    await panel.cut()
    assert [(row["place_name"], row["zone_name"], row["level"]) for row in await shown(db, clock)] == [
        ("西围墙", "西墙 3 号", 2)
    ]


async def test_an_answer_that_was_lost_makes_no_second_alarm(
    new_panel: NewPanel, db: Database, clock: FrozenClock
) -> None:
    first, again = new_panel(), new_panel()
    await first.report("130", "003")
    await first.cut()
    await again.report("130", "003")  # the same number and time: a repeat
    await again.cut()
    assert [row["count"] for row in await shown(db, clock)] == [1]


async def test_the_end_of_the_condition_is_not_the_end_of_the_alarm(
    new_panel: NewPanel, db: Database, clock: FrozenClock
) -> None:
    panel = new_panel()
    await panel.report("130", "003")
    await panel.report("130", "003", qualifier="3")
    await panel.cut()
    assert [(row["returned"], row["state"]) for row in await shown(db, clock)] == [(True, "new")]
