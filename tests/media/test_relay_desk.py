"""Copies for platforms above, asked for over the bus as the gateway does: live, ours, the device's; steered, ended."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from anju.bus.nats import Bus
from anju.domain.cascade import Relay
from anju.domain.video import Grade, PlayAct, PlayControl, Purpose, Transport
from anju.engines import NatsServer
from anju.errors import Conflict
from anju.media.library import Library
from anju.media.ports import Ports
from anju.media.relay_desk import RelayDesk
from anju.media.relays import RELAY_ENDED, BusRelays
from anju.media.streams import Streams
from anju.protocols.frames import Codec
from anju.store.database import Database
from anju.store.volumes import pair
from tests.media import pictures
from tests.media.senders import Camera
from tests.media.test_record import T0, Site
from tests.media.test_relay import heard, listening
from tests.video_streams import clip, frames_of, pictured, wanted

UPPER_SSRC = 0x6B685691


class Desk:
    """A worker that makes copies, and a gateway that asks for them."""

    def __init__(self, asking: BusRelays, site: Site, camera: Camera, told: "asyncio.Queue[bytes]") -> None:
        self.asking, self.site, self.camera, self.told = asking, site, camera, told

    async def recorded(self, seconds: float) -> None:
        channel = self.site.camera("c1")
        await self.site.feed(channel, pictures.frames(T0, seconds))
        channel.stop()
        await self.site.files()

    def wanted(self, port: int, purpose: Purpose = Purpose.LIVE, seconds: float = 4, speed: int = 1) -> Relay:
        return Relay(
            "c1",
            purpose,
            Grade.MAIN,
            Transport.UDP,
            "127.0.0.1",
            port,
            UPPER_SSRC,
            start=None if purpose is Purpose.LIVE else datetime.fromtimestamp(T0, UTC),
            end=None if purpose is Purpose.LIVE else datetime.fromtimestamp(T0 + seconds, UTC),
            speed=speed,
        )


@pytest_asyncio.fixture(loop_scope="session")
async def nats() -> AsyncIterator[NatsServer]:
    with tempfile.TemporaryDirectory(prefix="anju-nats-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - it drops to another user where the tests run as root
        found = NatsServer(Path(folder))
        await found.start()
        yield found
        await found.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(nats: NatsServer, db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    site = Site(db, await pair(db, [tmp_path / "volume"], node="n", reserve=0, at=datetime.now(UTC)))
    recording = asyncio.create_task(site.recorder.run())
    worker, gateway = (Bus([nats.url], node="n") for _ in range(2))
    await worker.open()
    await gateway.open()
    camera, told = Camera(), asyncio.Queue[bytes]()
    streams = Streams(camera, Ports(45_300, 45_398), bind="127.0.0.1", grace_s=0.1)
    made = RelayDesk(worker, streams, Library(db, clock=site.clock), 1, host="", bind="127.0.0.1")
    await made.answer()
    await gateway.listen(RELAY_ENDED, told.put)
    await answered(BusRelays(gateway, 1))
    yield Desk(BusRelays(gateway, 1), site, camera, told)
    made.close()
    await streams.close()
    await camera.close()
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await worker.close()
    await gateway.close()


async def answered(asking: BusRelays) -> None:
    """Ask until the bus knows who answers."""
    async with asyncio.timeout(20):
        while True:
            try:
                await asking.end("1-unknown")
            except Conflict:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_live_copy_comes_from_the_port_that_was_told(desk: Desk) -> None:
    with listening() as upper:
        relaying = await desk.asking.relay(desk.wanted(upper.getsockname()[1]))
        packets = await heard(upper, 30)
        await desk.asking.end(relaying.id)
    assert pictured(frames_of(packets)) == wanted(clip(Codec.H264))
    assert (relaying.host, relaying.port in range(45_300, 45_400)) == ("127.0.0.1", True)
    await asyncio.wait_for(desk.camera.over.wait(), 10)


async def test_why_there_is_no_copy_is_the_answer(desk: Desk) -> None:
    desk.camera.refuse = "busy"
    with pytest.raises(Conflict) as refused:
        await desk.asking.relay(desk.wanted(9))
    assert refused.value.code == "busy"


async def test_our_own_recording_is_played_and_its_end_told(desk: Desk) -> None:
    await desk.recorded(8)
    with listening() as upper:
        relaying = await desk.asking.relay(desk.wanted(upper.getsockname()[1], Purpose.DOWNLOAD, 8, speed=16))
        packets = await heard(upper, 200)
        told = await asyncio.wait_for(desk.told.get(), 10)
    units, _ = pictures.loop()
    assert [len(frame.nals) > 1 for frame in frames_of(packets)[:51]].count(True) >= 2
    assert pictured(frames_of(packets))[3] == units[3]
    assert (relaying.id.encode() in told, b"finished" in told, desk.camera.wanted) == (True, True, [])


async def test_our_own_recording_is_steered(desk: Desk) -> None:
    await desk.recorded(20)
    with listening() as upper:
        relaying = await desk.asking.relay(desk.wanted(upper.getsockname()[1], Purpose.PLAYBACK, 20))
        await heard(upper, 5)
        await desk.asking.control(relaying.id, PlayControl(PlayAct.PAUSE))
        await desk.asking.control(relaying.id, PlayControl(PlayAct.SEEK, 18))
        await desk.asking.control(relaying.id, PlayControl(PlayAct.SPEED, 4))
        told = await asyncio.wait_for(desk.told.get(), 10)
    assert b"finished" in told


async def test_what_we_did_not_record_the_device_plays(desk: Desk) -> None:
    with listening() as upper:
        relaying = await desk.asking.relay(desk.wanted(upper.getsockname()[1], Purpose.PLAYBACK))
        await heard(upper, 5)
        await desk.asking.control(relaying.id, PlayControl(PlayAct.SPEED, 2))
        await desk.asking.end(relaying.id)
    assert [each.purpose for each in desk.camera.wanted] == [Purpose.PLAYBACK]
    assert desk.camera.controls == [PlayControl(PlayAct.SPEED, 2)]


async def test_a_copy_nobody_knows_cannot_be_steered(desk: Desk) -> None:
    with pytest.raises(Conflict) as refused:
        await desk.asking.control("1-unknown", PlayControl(PlayAct.PAUSE))
    assert refused.value.code == "not_found"
