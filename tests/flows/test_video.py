"""A camera's picture on its way: from SIP and RTP through gateway and media worker to a viewer's socket."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from anju.engines import NatsServer
from anju.store.database import Database
from anju.store.log import NodeId
from tests.flows.filming import Filmed, configuration, filmed


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bus() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        server = NatsServer(Path(folder))
        await server.start()
        yield server.url
        await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def town(db: Database, node: NodeId, bus: str, tmp_path: Path) -> AsyncIterator[Filmed]:
    async with filmed(configuration(tmp_path, node), db, node, bus) as made:
        yield made


async def test_a_camera_nobody_heard_of_says_why_there_is_no_picture(town: Filmed) -> None:
    answer = await town.client.get("/api/video/storage")
    assert answer.status_code == 200
