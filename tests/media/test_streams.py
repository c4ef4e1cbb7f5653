"""Streams over real sockets: shared, kept for a moment, ended, lost and asked for again, with the reason said."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from anju.domain.video import Grade, PlayAct, PlayControl, Purpose, Transport, Wanted
from anju.media.ports import NoPorts, Ports
from anju.media.streams import NoPicture, Streams
from anju.protocols.frames import Codec
from anju.protocols.rtp import Packetiser
from tests.media.senders import SSRC, Camera, Kept, packs
from tests.video_streams import clip, pictured, wanted

PORTS = (45_000, 45_098)


@asynccontextmanager
async def streaming(camera: Camera, transport: Transport = Transport.UDP, **settings: float) -> AsyncIterator[Streams]:
    streams = Streams(camera, Ports(*PORTS), transport=lambda _channel, _grade: transport, bind="127.0.0.1", **settings)  # type: ignore[arg-type]
    try:
        yield streams
    finally:
        await streams.close()
        await camera.close()


@pytest.mark.parametrize("transport", list(Transport))
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
async def test_a_camera_is_seen_over_every_transport(transport: Transport, codec: Codec) -> None:
    camera, kept = Camera(lambda: packs(clip(codec))), Kept()
    async with streaming(camera, transport) as streams:
        stream = await streams.open("c1", Grade.MAIN)
        stream.add(kept)
        await kept.until(lambda kept: len(kept.frames) >= 30)
        assert kept.codes == ["asking", "waiting", "playing"]
        assert pictured(kept.frames[:30]) == wanted(clip(codec))
        assert stream.track is not None
        assert (stream.track.width, stream.kind, stream.stats.lost) == (320, "ps", 0)


async def test_however_many_look_the_camera_is_asked_once() -> None:
    camera, sinks = Camera(), [Kept() for _ in range(5)]
    async with streaming(camera) as streams:
        for sink in sinks:
            (await streams.open("c1", Grade.MAIN)).add(sink)
        for sink in sinks:
            await sink.until(lambda kept: len(kept.frames) > 20)
        assert len(camera.wanted) == 1


async def test_who_comes_later_gets_the_pictures_since_the_last_key_frame_at_once() -> None:
    camera, first, later = Camera(), Kept(), Kept()
    async with streaming(camera) as streams:
        stream = await streams.open("c1", Grade.MAIN)
        stream.add(first)
        await first.until(lambda kept: len(kept.frames) > 14)
        stream.add(later)
        assert later.frames[0].key
        assert later.frames[-1] is first.frames[-1]
        assert later.codes == ["playing"]


async def test_who_comes_back_in_time_finds_the_stream_running() -> None:
    camera, kept = Camera(), Kept()
    async with streaming(camera) as streams:
        stream = await streams.open("c1", Grade.MAIN)
        stream.add(kept)
        await kept.until(lambda kept: len(kept.frames) > 5)
        stream.remove(kept)
        (await streams.open("c1", Grade.MAIN)).add(kept)
        await kept.until(lambda kept: len(kept.frames) > 20)
        assert (len(camera.wanted), camera.ended) == (1, [])


async def test_a_stream_nobody_takes_is_ended_and_its_port_rests() -> None:
    camera, kept = Camera(), Kept()
    ports = Ports(45_100, 45_104)
    streams = Streams(camera, ports, bind="127.0.0.1", grace_s=0.05)
    stream = await streams.open("c1", Grade.MAIN)
    stream.add(kept)
    await kept.until(lambda kept: len(kept.frames) > 5)
    stream.remove(kept)
    await asyncio.wait_for(camera.over.wait(), 10)
    await streams.close()
    await camera.close()
    assert (camera.ended, ports.free, streams.by_key()) == (["call-1"], 2, {})


@pytest.mark.parametrize("code", ["offline", "busy", "no_answer"])
async def test_why_the_camera_refuses_is_said_and_it_is_asked_again(code: str) -> None:
    camera, kept = Camera(refuse=code), Kept()
    async with streaming(camera) as streams:
        stream = await streams.open("c1", Grade.MAIN)
        stream.add(kept)
        await kept.until(lambda kept: kept.codes == ["asking", code])
        camera.refuse = ""
        stream.retry()
        await kept.until(lambda kept: len(kept.frames) > 5)
        assert kept.codes == ["asking", code, "waiting", "playing"]


async def test_no_packet_at_all_is_said() -> None:
    camera, kept = Camera(lambda: [[]]), Kept()
    async with streaming(camera, first_s=0.2) as streams:
        (await streams.open("c1", Grade.MAIN)).add(kept)
        await kept.until(lambda kept: "no_rtp" in kept.codes)
        assert camera.ended == ["call-1"]


async def test_a_stream_that_stalls_is_asked_for_again_on_another_port() -> None:
    camera, kept = Camera(), Kept()
    async with streaming(camera, stall_s=0.3) as streams:
        (await streams.open("c1", Grade.MAIN)).add(kept)
        await kept.until(lambda kept: len(kept.frames) > 5)
        camera.fall_silent()
        await kept.until(lambda kept: kept.codes == ["asking", "waiting", "playing", "stalled", "waiting", "playing"])
        assert camera.ended == ["call-1"]
        assert camera.wanted[0].port != camera.wanted[1].port


async def test_a_call_the_camera_ends_is_asked_for_again() -> None:
    camera, kept = Camera(), Kept()
    async with streaming(camera) as streams:
        stream = await streams.open("c1", Grade.MAIN)
        stream.add(kept)
        await kept.until(lambda kept: len(kept.frames) > 5)
        streams.ended(stream.call_id, "ended_by_device")
        await kept.until(lambda kept: kept.codes[-2:] == ["waiting", "playing"] and len(kept.codes) == 6)
        assert kept.codes[3] == "ended_by_device"


async def test_an_end_that_overtakes_its_answer_counts() -> None:
    camera, kept = Camera(), Kept()
    async with streaming(camera) as streams:
        streams.ended("call-1", "busy")
        (await streams.open("c1", Grade.MAIN)).add(kept)
        await kept.until(lambda kept: "busy" in kept.codes)


async def test_a_recording_is_played_once_and_steered() -> None:
    camera, kept = Camera(), Kept()
    now = datetime.now(UTC)
    async with streaming(camera) as streams:
        asked = Wanted("c1", Purpose.PLAYBACK, Grade.MAIN, Transport.UDP, 0, start=now, end=now)
        stream = await streams.play("s1", asked)
        stream.add(kept)
        await kept.until(lambda kept: len(kept.frames) > 5)
        await stream.control(PlayControl(PlayAct.SPEED, 2))
        streams.ended(stream.call_id, "finished")
        await kept.until(lambda kept: kept.codes[-1] == "finished")
        assert (len(camera.wanted), camera.controls) == (1, [PlayControl(PlayAct.SPEED, 2)])
        with pytest.raises(NoPicture, match="finished"):
            await stream.control(PlayControl(PlayAct.PAUSE))


async def test_packets_of_a_stranger_change_nothing() -> None:
    stranger = Packetiser(1)

    def mixed() -> Iterable[list[bytes]]:
        for packets in packs(clip(Codec.H264)):
            yield [*packets, *stranger.packets(b"\0\0\1\xba" + bytes(3000), 5)]

    camera, kept = Camera(mixed), Kept()
    async with streaming(camera) as streams:
        stream = await streams.open("c1", Grade.MAIN)
        stream.add(kept)
        await kept.until(lambda kept: len(kept.frames) >= 30)
        assert pictured(kept.frames[:30]) == wanted(clip(Codec.H264))
        assert stream.stats.refused > 30


async def test_bytes_without_a_picture_are_called_so() -> None:
    def noise() -> Iterable[list[bytes]]:
        to = Packetiser(SSRC)
        while True:
            yield to.packets(b"\x01\x02\x03" * 100, 0)

    camera, kept = Camera(noise, pace_s=0.02), Kept()
    async with streaming(camera, picture_s=0.5) as streams:
        (await streams.open("c1", Grade.MAIN)).add(kept)
        await kept.until(lambda kept: "no_video" in kept.codes)


def test_a_port_rests_before_it_is_taken_again() -> None:
    now = [0.0]
    ports = Ports(40_001, 40_005, clock=lambda: now[0])
    assert [ports.take(), ports.take()] == [40_002, 40_004]
    ports.give_back(40_002)
    with pytest.raises(NoPorts):
        ports.take()
    now[0] = 30.0
    assert ports.take() == 40_002


def test_workers_share_the_ports() -> None:
    mine, theirs = (Ports(40_000, 40_007, number=number, of=2) for number in (0, 1))
    assert ([mine.take(), mine.take()], [theirs.take(), theirs.take()]) == ([40_000, 40_004], [40_002, 40_006])
