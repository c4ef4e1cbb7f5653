"""Platforms above as kept: their trees follow the channels, codes stay, nothing comes back to where it came from."""

from dataclasses import replace

import pytest
import pytest_asyncio

from anju.domain.cascade import UpperState
from anju.domain.changes import Lane
from anju.domain.channels import ChannelKind, Item, Merge
from anju.domain.devices import Device
from anju.errors import Conflict, NotFound
from anju.store import cascade, channels, cursors, devices
from anju.store.cascade import Share
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from tests.conftest import FrozenClock
from tests.registry import Estate, make_estate
from tests.upward.cascading import OWN, add_cameras, code, keep, upper_at


@pytest_asyncio.fixture(loop_scope="session")
async def estate(db: Database, node: NodeId, clock: FrozenClock) -> Estate:
    return await make_estate(db, node, clock())


@pytest_asyncio.fixture(loop_scope="session")
async def cameras(db: Database, node: NodeId, clock: FrozenClock, estate: Estate) -> Device:
    return await add_cameras(db, node, estate, clock(), 3)


async def test_one_is_kept_with_its_place_in_the_log(db: Database, node: NodeId) -> None:
    upper = await keep(db, node, upper_at(5060))
    (found,) = await cascade.uppers(db)
    assert (found.upper, found.password) == (replace(upper, state=UpperState.CONNECTING), b"sealed Pw-8x")
    assert await cursors.position(db, cascade.consumer(upper.id), Lane.ALARMS, epoch=node.epoch) is not None
    with pytest.raises(Conflict):
        await keep(db, node, upper_at(5061))


async def test_a_retired_one_is_gone_with_its_shares(
    db: Database, node: NodeId, clock: FrozenClock, cameras: Device
) -> None:
    upper = await keep(db, node, upper_at(5060))
    await cascade.tree(db, upper)
    async with db.transaction() as tx:
        await cascade.retire(tx, upper.id, at=clock())
    with pytest.raises(NotFound):
        await cascade.find(db, upper.id)
    assert not await db.fetch("SELECT 1 FROM upper_directory")
    await keep(db, node, upper_at(5060))


async def test_two_cameras_of_one_code_are_two_above_for_good(
    db: Database, node: NodeId, clock: FrozenClock, estate: Estate, cameras: Device
) -> None:
    async with db.transaction() as tx:
        new = NewDevice("recorder", "2 期录像机", "gb28181", "51080201011180000002", "")
        other = await devices.add(tx, estate.building, new, Editor(node, "安装员", clock()))
        await channels.merge(tx, other.id, Merge((Item(code(1), ChannelKind.CAMERA, "大厅"),)), at=clock())
    upper = await keep(db, node, upper_at(5060))
    first, again = await cascade.tree(db, upper), await cascade.tree(db, upper)
    assert first == again
    assert len({each.code for each in first.cameras}) == 4
    assert sum(each.code.startswith(OWN[:10] + "132") for each in first.cameras) == 1


async def test_under_chosen_places_only_their_cameras_are_seen(
    db: Database, node: NodeId, estate: Estate, cameras: Device
) -> None:
    upper = await keep(db, node, upper_at(5060, places=(estate.building.id,)))
    assert not (await cascade.tree(db, upper)).cameras
    assert len((await cascade.tree(db, replace(upper, places=(estate.wall.id,)))).cameras) == 3
    assert len((await cascade.tree(db, replace(upper, places=()))).cameras) == 3


async def test_unknown_cameras_and_directories_are_not_shared(db: Database, node: NodeId, cameras: Device) -> None:
    upper = await keep(db, node, upper_at(5060, mode="chosen"))
    known = (await channels.codes(db, cameras.id))[code(1)]
    for wrong in ([Share("nobody")], [Share(known), Share(known)], [Share(known, directory=OWN)]):
        with pytest.raises(NotFound):
            async with db.transaction() as tx:
                await cascade.share(tx, upper, [], wrong)


async def test_how_it_stands_is_written_when_it_changes(db: Database, node: NodeId, clock: FrozenClock) -> None:
    upper = await keep(db, node, upper_at(5060))
    await cascade.stand(db, upper.id, UpperState.ONLINE, "registered", at=clock())
    clock.forward(60)
    await cascade.stand(db, upper.id, UpperState.ONLINE, "registered", at=clock())
    found = await cascade.find(db, upper.id)
    assert (found.state, found.reason, (clock() - found.state_at).total_seconds() if found.state_at else 0) == (
        UpperState.ONLINE,
        "registered",
        60,
    )
