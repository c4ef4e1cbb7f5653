"""Streams on their way up: the same pictures under another number, from a key frame on, whoever is slow or gone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from anju.domain.video import Grade, Transport
from anju.media.outlet import MOST_WAITING, Outlet, Target
from anju.media.ports import Ports
from anju.media.relay import Relay, relay
from anju.media.streams import NoPicture, Stream, Streams
from anju.media.upward_playback import UpwardPlayback
from anju.protocols import nal, rtp_nal
from anju.protocols.frames import Codec, Frame
from anju.protocols.ps import PsMuxer
from anju.protocols.rtp import Packetiser, parse
from anju.protocols.rtp_frames import FrameReader
from anju.protocols.rtp_tcp import PacketReader
from tests.media.senders import SSRC, Camera, Kept
from tests.video_streams import STEP, clip, frames_of, pictured, wanted

UPPER_SSRC = 0x6B685691


@asynccontextmanager
async def live(camera: Camera) -> AsyncIterator[Stream]:
    streams = Streams(camera, Ports(45_200, 45_298), bind="127.0.0.1")
    try:
        yield await streams.open("c1", Grade.MAIN)
    finally:
        await streams.close()
        await camera.close()


@asynccontextmanager
async def relayed(stream: Stream, target: Target) -> AsyncIterator[Relay]:
    made = await begun(stream, target, list[str]().append)
    try:
        yield made
    finally:
        made.close()


async def begun(stream: Stream, target: Target, ended: Callable[[str], None]) -> Relay:
    return await relay(stream, target, Outlet(target, bind="127.0.0.1", ended=ended), ended=ended)


def listening() -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    line.bind(("127.0.0.1", 0))
    line.setblocking(False)
    return line


async def heard(line: socket.socket, pictures: int) -> list[bytes]:
    """Return the datagrams up to the end of so many pictures."""
    packets, loop = [], asyncio.get_running_loop()
    async with asyncio.timeout(10):
        while pictures:
            packets.append(await loop.sock_recv(line, 65536))
            pictures -= packets[-1][1] > 0x7F
    return packets


async def heard_on(line: socket.socket, pictures: int) -> list[bytes]:
    """Return the packets of a connection up to the end of so many pictures."""
    packets, loop, reader = list[bytes](), asyncio.get_running_loop(), PacketReader()
    async with asyncio.timeout(10):
        while sum(packet[1] > 0x7F for packet in packets) < pictures:
            packets += reader.feed(await loop.sock_recv(line, 65536))
    return packets


async def test_the_picture_goes_up_under_the_number_asked_for() -> None:
    with listening() as upper:
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC, payload_type=97)
        async with live(Camera()) as stream, relayed(stream, target):
            packets = await heard(upper, 30)
    frames = frames_of(packets)
    assert {(parse(p).ssrc, parse(p).payload_type) for p in packets} == {(UPPER_SSRC, 97)}
    assert [parse(p).sequence for p in packets] == list(range(len(packets)))
    assert pictured(frames) == wanted(clip(Codec.H264))
    assert max(map(len, packets)) <= 1412


async def test_who_joins_a_running_stream_gets_the_last_key_frame_at_once() -> None:
    kept = Kept()
    with listening() as upper:
        async with live(Camera(pace_s=0.02)) as stream:
            stream.add(kept)
            await kept.until(lambda kept: len(kept.frames) >= 15)
            async with relayed(stream, Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC)):
                frames = frames_of(await heard(upper, 25))
    numbers = [wanted(clip(Codec.H264)).index(each) for each in pictured(frames)]
    assert numbers == [(10 + number) % 30 for number in range(25)]
    assert {after.pts - before.pts for before, after in pairwise(frames)} == {STEP}


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
async def test_what_is_no_program_stream_becomes_one(codec: Codec) -> None:
    def raw() -> Iterable[list[bytes]]:
        to, made = Packetiser(SSRC), clip(codec)
        for number in range(1_000_000):
            yield rtp_nal.packets(to, codec, made.nals(number % 30), number * STEP)

    reader = FrameReader()
    with listening() as upper:
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC)
        async with live(Camera(raw)) as stream, relayed(stream, target):
            frames = frames_of(await heard(upper, 30), reader)
    assert (reader.kind, pictured(frames)) == ("ps", wanted(clip(codec)))


async def test_a_camera_that_says_its_parameters_once_is_understood_above() -> None:
    def once() -> Iterable[list[bytes]]:
        muxer, to, made = PsMuxer(Codec.H264), Packetiser(SSRC), clip(Codec.H264)
        for number in range(1_000_000):
            nals = [n for n in made.nals(number % 30) if not number or n[0] not in nal.PARAMETER[made.codec]]
            frame = Frame(made.codec, number * STEP, made.key(number % 30), nals)
            yield to.packets(muxer.frame(frame), frame.pts)

    kept, reader = Kept(), FrameReader()
    with listening() as upper:
        async with live(Camera(once, pace_s=0.02)) as stream:
            stream.add(kept)
            await kept.until(lambda kept: len(kept.frames) >= 15)
            async with relayed(stream, Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC)):
                frames_of(await heard(upper, 5), reader)
    assert reader.track is not None
    assert reader.track.width == 320


async def test_the_upper_platform_may_listen_for_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as upper:
        upper.setblocking(False)
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC, Transport.TCP_ACTIVE)
        async with live(Camera()) as stream, relayed(stream, target):
            line, _ = await asyncio.get_running_loop().sock_accept(upper)
            with line:
                assert pictured(frames_of(await heard_on(line, 30), ordered=True)) == wanted(clip(Codec.H264))


async def test_the_upper_platform_may_connect() -> None:
    target = Target("127.0.0.1", 0, UPPER_SSRC, Transport.TCP_PASSIVE)
    async with live(Camera()) as stream, relayed(stream, target) as made:
        with socket.socket() as line:
            line.setblocking(False)
            await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", made.port))
            frames = frames_of(await heard_on(line, 30), ordered=True)
    assert frames[0].key
    assert len(pictured(frames)) == 30


async def test_why_there_is_no_picture_is_the_answer() -> None:
    async with live(Camera(refuse="busy")) as stream:
        with pytest.raises(NoPicture, match="busy"):
            await begun(stream, Target("127.0.0.1", 9, UPPER_SSRC), list[str]().append)


async def test_a_slow_upper_platform_delays_nobody_and_starts_again_at_a_key_frame() -> None:
    kept = Kept()
    with socket.create_server(("127.0.0.1", 0)) as upper:
        upper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        upper.setblocking(False)
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC, Transport.TCP_ACTIVE)
        async with live(Camera(pace_s=0.002)) as stream, relayed(stream, target) as made:
            stream.add(kept)
            line, _ = await asyncio.get_running_loop().sock_accept(upper)
            with line:
                await kept.until(lambda _: made.outlet.dropped > MOST_WAITING, within_s=30)
                assert stream.stats.lost == 0
                frames = frames_of(await heard_on(line, 600), ordered=True)
    whole = wanted(clip(Codec.H264))
    assert all(each in whole for each in pictured(frames))


async def test_a_target_that_hangs_up_is_told() -> None:
    ended = asyncio.Queue[str]()
    with socket.create_server(("127.0.0.1", 0)) as upper:
        upper.setblocking(False)
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC, Transport.TCP_ACTIVE)
        async with live(Camera()) as stream:
            made = await begun(stream, target, ended.put_nowait)
            line, _ = await asyncio.get_running_loop().sock_accept(upper)
            line.close()
            assert await asyncio.wait_for(ended.get(), 10) == "left"
            made.close()


async def frames(count: int = 30) -> AsyncIterator[Frame]:
    made = clip(Codec.H264)
    for number in range(count):
        yield Frame(made.codec, number * STEP + 900_000, made.key(number % 30), made.nals(number % 30))


@pytest.mark.parametrize(("speed", "pictures", "seconds"), [(2.0, 30, 0.58), (4.0, 30, 0.29), (8.0, 3, 0.1)])
async def test_a_recording_goes_up_at_its_pace(speed: float, pictures: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    with listening() as upper:
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC)
        outlet = Outlet(target, bind="127.0.0.1", ended=list[str]().append)
        playback = UpwardPlayback(target, outlet)
        playback.speed(speed)
        began = loop.time()
        await playback.play(frames())
        took = loop.time() - began
        found = frames_of(await heard(upper, pictures))
        outlet.close()
    assert took >= seconds - 0.02
    assert pictured(found) == [
        each for number, each in enumerate(wanted(clip(Codec.H264))) if speed <= 4 or number % 10 == 0
    ]
    assert playback.position == 900_000 + (29 if speed <= 4 else 20) * STEP


async def test_a_paused_recording_goes_on_where_it_was() -> None:
    with listening() as upper:
        target = Target("127.0.0.1", upper.getsockname()[1], UPPER_SSRC)
        outlet = Outlet(target, bind="127.0.0.1", ended=list[str]().append)
        playback = UpwardPlayback(target, outlet)
        playing = asyncio.create_task(playback.play(frames()))
        first = await heard(upper, 3)
        playback.pause()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await heard(upper, 5)
        playback.speed(4)
        playback.resume()
        await playing
        outlet.close()
    assert len(frames_of(first)) == 3
