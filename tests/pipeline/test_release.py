"""What was held runs again by the same stations as everything else, once its cause is mended."""

from dataclasses import replace

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from anju.domain.changes import Change, Fate, Lane, Origin
from anju.domain.cleaning import clean
from anju.domain.docking import Lower, LowerState
from anju.domain.rights import EVERYWHERE
from anju.errors import Conflict
from anju.pipeline import remote
from anju.pipeline.keep import Accepted, Keeper
from anju.pipeline.registry import Registry
from anju.pipeline.release import Releaser
from anju.store import links, log, places, quarantine
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.quarantine import Held
from tests.conftest import FrozenClock
from tests.domain.test_cleaning import REPORT
from tests.registry import Estate, add_panel, make_estate

LOWER = "510802-9"
REGION = "/510800/510802/"


class Desk:
    """Who releases, and what was told."""

    def __init__(self, db: Database, node: NodeId, clock: FrozenClock, estate: Estate) -> None:
        self.db, self.node, self.clock, self.estate = db, node, clock, estate
        self.lanes: list[frozenset[Lane]] = []
        self.releaser = Releaser(db, node, clock=clock, told=self._told)

    async def _told(self, lanes: frozenset[Lane]) -> None:
        self.lanes.append(lanes)

    async def held(self) -> Held:
        (found,) = await quarantine.page(
            self.db, EVERYWHERE, until=self.clock.now.replace(year=2099), before=uuid7(), limit=2
        )
        return found

    async def release(self) -> Fate:
        return await self.releaser.run(await self.held(), by="安装员", note="已处理")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(db: Database, node: NodeId, clock: FrozenClock) -> Desk:
    return Desk(db, node, clock, await make_estate(db, node, clock()))


async def ignore(_: object) -> None: ...


async def test_a_report_the_database_refused_is_kept_after_its_text_was_cleaned(desk: Desk) -> None:
    await add_panel(desk.db, desk.node, desk.estate, desk.clock())
    registry = Registry(desk.db, desk.node, clock=desk.clock)
    await registry.load()
    reporter = registry.reporter("dc09", "0/1234")
    assert reporter
    odd = replace(REPORT, area="\0", code_space="sia", code="BA")
    event = clean(odd, reporter, event_id=uuid7(), at=desk.clock())
    keeper = Keeper(desk.db, desk.node, clock=desk.clock, on_committed=ignore, on_unsaved=ignore)
    assert await keeper.keep_alone(Accepted(odd, event)) is Fate.HELD
    assert await desk.release() is Fate.KEPT
    assert await desk.db.fetch("SELECT zone, late FROM event") == [("/003", True)]
    assert await desk.db.fetch("SELECT state, decided_by FROM quarantine") == [("released", "安装员")]


async def below(desk: Desk, *, region: str) -> None:
    """Approve a node below, everything of it to lie under ``region``."""
    async with desk.db.transaction() as tx:
        lower = Lower(LOWER, "社区", "community", b"k" * 32, "f", LowerState.PENDING)
        await links.ask_in(tx, lower, at=desk.clock())
        await links.approve(tx, LOWER, region=region, by="县")


def site_below(desk: Desk) -> Change:
    site = replace(
        desk.estate.site,
        id="pnew",
        site_id="pnew",
        place_path="/510800/510802/510802001/510802001001/pnew/",
        home_node=LOWER,
    )
    return replace(places.change(site), origin=Origin(LOWER, 7, 3))


async def receive(desk: Desk, change: Change, region: str) -> Fate:
    async with desk.db.transaction() as tx:
        (fate,) = await remote.take(tx, [change], source=LOWER, region=region, node=desk.node, at=desk.clock())
    return fate


async def test_a_row_of_a_node_below_goes_on_upward_with_its_origin_once_it_may(desk: Desk) -> None:
    await below(desk, region="/510800/510811/")
    change = site_below(desk)
    assert await receive(desk, change, "/510800/510811/") is Fate.HELD
    with pytest.raises(Conflict, match="still there"):
        await desk.release()
    assert (await desk.held()).state == "held"
    await below(desk, region=REGION)
    assert await desk.release() is Fate.KEPT
    rows = await log.read(desk.db, Lane.ALARMS, desk.node.epoch, 0, 100)
    assert (rows[-1].change.object_id, rows[-1].change.origin) == ("pnew", Origin(LOWER, 7, 3))
    assert desk.lanes == [frozenset({Lane.ALARMS})]
