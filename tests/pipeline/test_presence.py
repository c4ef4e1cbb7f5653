"""GA/T 1400 devices register, are heard, fall silent, sign off: the same in every process, and after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
import pytest_asyncio

from anju.domain.devices import NO_KEEPALIVE, UNREGISTERED, Device, DeviceState, Particulars
from anju.domain.rights import EVERYWHERE
from anju.pipeline.keep import Keeper
from anju.pipeline.presence import Presence
from anju.pipeline.registry import Registry
from anju.store import devices, places
from anju.store.database import Database
from anju.store.devices import NewDevice
from anju.store.log import NodeId
from anju.store.places import Editor
from tests.conftest import FrozenClock
from tests.registry import make_estate

PEER = "192.0.2.10"


async def nothing(_: object) -> None: ...


@dataclass(slots=True)
class Stand:
    """A node with one camera; ``process`` makes one more intake process."""

    db: Database
    node: NodeId
    clock: FrozenClock
    registry: Registry
    keeper: Keeper
    camera: Device

    async def process(self) -> Presence:
        made = Presence(self.db, self.node, self.registry, self.keeper, clock=self.clock, told=nothing)
        await made.load()
        return made

    async def behind(self, supervision_s: float | None) -> str:
        """Register a camera that never opens a session of its own; return its id."""
        particulars = Particulars(supervision_s=supervision_s)
        new = NewDevice("lane", "西门车道", "viid", "51080200011190000002", particulars=particulars)
        async with self.db.transaction() as tx:
            place = await places.find(tx, EVERYWHERE, self.camera.place_id)
            made = await devices.add(tx, place, new, Editor(self.node, "安装员", self.clock()))
        await self.registry.refresh()
        return made.id

    async def told(self) -> list[str]:
        query = "SELECT state FROM event WHERE code = 'silent' ORDER BY received_at, id"
        return [row[0] for row in await self.db.fetch(query)]

    async def state(self) -> tuple[DeviceState, str]:
        found = await devices.find(self.db, EVERYWHERE, self.camera.id)
        return found.state, found.state_reason


@pytest_asyncio.fixture(loop_scope="session")
async def stand(db: Database, node: NodeId, clock: FrozenClock) -> AsyncIterator[Stand]:
    estate = await make_estate(db, node, clock())
    new = NewDevice("lane", "东门车道", "viid", "51080200011190000001")
    async with db.transaction() as tx:
        camera = await devices.add(tx, estate.wall, new, Editor(node, "安装员", clock()))
    registry = Registry(db, node, clock=clock)
    await registry.load()
    keeper = Keeper(db, node, clock=clock, on_committed=nothing, on_unsaved=nothing)
    running = asyncio.create_task(keeper.run())
    yield Stand(db, node, clock, registry, keeper, camera)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_restart_loses_no_session(stand: Stand) -> None:
    await (await stand.process()).register(stand.camera.id, PEER)
    found = await (await stand.process()).session(stand.camera.id)
    assert found is not None
    assert (found.peer, await stand.state()) == (PEER, (DeviceState.ONLINE, "heard"))


async def test_a_session_begun_in_one_process_is_known_in_the_other(stand: Stand) -> None:
    one, other = await stand.process(), await stand.process()
    assert await other.session(stand.camera.id) is None
    await one.register(stand.camera.id, PEER)
    stand.clock.forward(1)
    assert await other.session(stand.camera.id) is not None


async def test_who_signs_off_is_offline_without_an_alarm(stand: Stand) -> None:
    presence = await stand.process()
    await presence.register(stand.camera.id, PEER)
    await presence.unregister(stand.camera.id)
    stand.clock.forward(1_000)
    await presence.flush()
    await presence.tell_silence()
    assert await presence.session(stand.camera.id) is None
    assert (await stand.state(), await stand.told()) == ((DeviceState.OFFLINE, UNREGISTERED), [])


async def test_three_keepalive_periods_of_silence_are_an_alarm_told_once_by_all_processes(stand: Stand) -> None:
    one, other = await stand.process(), await stand.process()
    await one.register(stand.camera.id, PEER)
    await one.flush()
    stand.clock.forward(270)
    await one.tell_silence()
    assert await stand.told() == []
    stand.clock.forward(1)
    await asyncio.gather(one.tell_silence(), other.tell_silence())
    assert (await stand.told(), await stand.state()) == (["active"], (DeviceState.OFFLINE, NO_KEEPALIVE))


async def test_a_silence_ends_when_something_is_heard_wherever(stand: Stand) -> None:
    one, other = await stand.process(), await stand.process()
    await one.register(stand.camera.id, PEER)
    await one.flush()
    stand.clock.forward(271)
    await one.tell_silence()
    other.heard(stand.camera.id)
    await other.flush()
    await asyncio.gather(one.tell_silence(), other.tell_silence())
    await one.tell_silence()
    assert (await stand.told(), (await stand.state())[0]) == (["active", "cleared"], DeviceState.ONLINE)


async def test_our_own_silence_is_not_the_devices(stand: Stand) -> None:
    presence = await stand.process()
    await presence.register(stand.camera.id, PEER)
    await presence.flush()
    stand.clock.forward(3_600)
    again = await stand.process()
    await again.tell_silence()
    assert await stand.told() == []


async def test_a_restart_does_not_end_a_silence(stand: Stand) -> None:
    presence = await stand.process()
    await presence.register(stand.camera.id, PEER)
    await presence.flush()
    stand.clock.forward(271)
    await presence.tell_silence()
    await (await stand.process()).tell_silence()
    assert await stand.told() == ["active"]


@pytest.mark.parametrize(("supervision_s", "told"), [(600, ["active"]), (None, [])])
async def test_a_camera_behind_a_gateway_is_missed_where_that_is_declared(
    stand: Stand, supervision_s: float | None, told: list[str]
) -> None:
    presence, name = await stand.process(), await stand.behind(supervision_s)
    presence.heard(name)
    await presence.flush()
    stand.clock.forward(1_801)
    await presence.tell_silence()
    assert await stand.told() == told
