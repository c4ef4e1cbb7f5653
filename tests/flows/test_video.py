"""A camera's picture on its way: from SIP and RTP through gateway and media worker to a viewer's socket."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from anju.engines import NatsServer
from anju.simulators.gb28181_camera import camera
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.gb28181_habits import HABITS, Faults
from anju.simulators.video_loops import Loops
from anju.store.database import Database
from anju.store.log import NodeId
from tests.flows.filming import PASSWORD, Filmed, Seen, configuration, filmed

CODES = [f"5108020000132000{n:04}" for n in range(1, 20)]
Shoot = Callable[..., Awaitable[tuple[Device, str]]]
"""Registers a simulated camera and starts it; gives it and its device's id."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bus() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        server = NatsServer(Path(folder))
        await server.start()
        yield server.url
        await server.stop()


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Loops:
    return Loops(tmp_path_factory.getbasetemp().parent / "loops")


@pytest_asyncio.fixture(loop_scope="session")
async def town(db: Database, node: NodeId, bus: str, tmp_path: Path) -> AsyncIterator[Filmed]:
    async with filmed(configuration(tmp_path, node), db, node, bus) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def shoot(town: Filmed, loops: Loops) -> AsyncIterator[Shoot]:
    async with AsyncExitStack() as stack:

        async def make(code: str, *, habits: str = "book", media: str = "udp", **faults: Any) -> tuple[Device, str]:
            device_id = await town.register(code, media=media)
            platform = Platform("127.0.0.1", town.sip, town.config.platform)
            made = camera(platform, code, PASSWORD, loops, habits=HABITS[habits], faults=Faults(**faults))
            await made.prepare()
            await made.start()
            stack.push_async_callback(made.stop)
            return made, device_id

        yield make


def shown(pictures: int) -> Callable[[Seen], bool]:
    return lambda seen: len(seen.fragments) >= pictures


@pytest.mark.parametrize("media", ["udp", "tcp_passive", "tcp_active"])
async def test_a_viewer_with_a_ticket_sees_pictures(town: Filmed, shoot: Shoot, media: str) -> None:
    _, device_id = await shoot(CODES[0], media=media)
    channel = await town.channel(device_id, CODES[0])
    viewer = await town.watch(channel.channel.id)
    seen = await viewer.until(shown(30))
    assert seen.codes[-1] == "playing"
    assert set(seen.pictures()) == {(1920, 1080)}
