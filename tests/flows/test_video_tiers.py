"""A camera of the community seen and turned from the county above: one stream on each link, however many look."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from anju.control.seed import upper_seed
from anju.domain.cascade import Upper
from anju.engines import NatsServer, Postgres
from anju.protocols.ptz import Move
from anju.simulators.gb28181_camera import camera
from anju.simulators.gb28181_device import Device, Platform
from anju.simulators.video_loops import Loops
from anju.simulators.video_scene import View
from anju.store.cascade import new_upper_id
from anju.store.database import Database
from anju.store.log import make_node
from tests.flows.filming import PASSWORD, Filmed, Seen, configuration, filmed

CODE, BELOW = "51080200001320000001", "51080200012000000001"


@dataclass(slots=True)
class Tiers:
    """Two nodes, one above the other, and a camera of the lower one."""

    community: Filmed
    county: Filmed
    device: Device
    here: str
    above: str
    loops: Loops


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bus() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        server = NatsServer(Path(folder))
        await server.start()
        yield server.url
        await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nodes(postgres: Postgres, bus: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Filmed]]:
    found, closing = [], []
    for tier in ("community", "county"):
        name = f"test_{uuid4().hex}"
        await postgres.create_database(name, template="anju_template")
        db = Database(postgres.app_url(name))
        await db.open()
        async with db.transaction() as tx:
            node = await make_node(tx, node_id=f"n-{tier}", name=tier, tier=tier)
        running = filmed(configuration(tmp_path_factory.mktemp(tier), node), db, node, bus)
        found.append(await running.__aenter__())
        closing.append((running, db))
    yield found
    for running, db in reversed(closing):
        await running.__aexit__(None, None, None)
        await db.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tiers(nodes: list[Filmed], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tiers]:
    community, county = nodes
    await county.register(BELOW, kind="platform")
    upper = Upper(
        *(new_upper_id(), "county", county.config.platform, county.config.platform[:10], "127.0.0.1", BELOW),
        port=county.sip,
        username=BELOW,
        ptz=True,
        playback=True,
        mode="places",
        keepalive_s=5,
    )
    async with community.db.transaction() as tx:
        seal = community.opened.sealer.seal
        await upper_seed(tx, upper, password=PASSWORD, node=community.node, seal=seal)
    device_id = await community.register(CODE)
    loops = Loops(tmp_path_factory.getbasetemp().parent / "loops")
    device = await started(community, loops)
    here = (await community.channel(device_id, CODE)).channel.id
    above = (await county.only_channel(CODE)).channel.id
    made = Tiers(community, county, device, here, above, loops)
    yield made
    await made.device.stop()


async def started(community: Filmed, loops: Loops) -> Device:
    device = camera(Platform("127.0.0.1", community.sip, community.config.platform), CODE, PASSWORD, loops)
    await device.prepare()
    await device.start()
    return device


async def test_two_viewers_at_each_tier_are_one_stream_on_each_link(tiers: Tiers) -> None:
    viewers = [await tiers.community.watch(tiers.here) for _ in range(2)]
    viewers += [await tiers.county.watch(tiers.above) for _ in range(2)]
    for each in viewers:
        seen = await each.until(lambda seen: len(seen.fragments) >= 25, within_s=15.0)
        assert set(seen.pictures()) == {(1920, 1080)}
    assert len(tiers.device.calls.running) == 1
    row = await tiers.county.db.fetch_one("SELECT count(*) FROM sip_dialog")
    assert row is not None
    assert row[0] == 1


async def test_the_county_turns_the_camera(tiers: Tiers) -> None:
    wish = {"act": "move", "pan": 120}
    answer = await tiers.county.client.post(f"/api/video/channels/{tiers.above}/ptz", json=wish)
    assert answer.status_code == 202, answer.text
    command = answer.json()["command_id"]
    async with asyncio.timeout(8):
        while not (moves := [each for each in tiers.device.channels[CODE].orders if isinstance(each, Move)]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert [each.pan > 0 for each in moves] == [True]
    assert tiers.device.channels[CODE].view is View.RIGHT
    told = await tiers.county.client.get(f"/api/commands/{command}")
    assert told.json()["state"] in {"sent", "confirmed"}


async def test_a_camera_that_is_gone_gives_a_reason_above_and_comes_back_by_itself(tiers: Tiers) -> None:
    viewer = await tiers.county.watch(tiers.above)
    await viewer.until(lambda seen: len(seen.fragments) >= 5)
    await tiers.device.stop(unregister=False)
    before = len(viewer.seen.codes)

    def lost(seen: Seen) -> bool:
        return any(code not in {"playing", "waiting", "asking"} for code in seen.codes[before:])

    assert lost(await viewer.until(lost, within_s=20))
    tiers.device = await started(tiers.community, tiers.loops)
    await viewer.until(lambda seen: seen.codes[-1] == "playing", within_s=40)
