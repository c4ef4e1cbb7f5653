"""Receiving ends on real sockets: wide, counted, answering reports, and not taken over by whoever connects."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from anju.domain.video import Grade, Transport
from anju.media.pace import Pace, StreamStats
from anju.media.receive import BUFFER, Line, open_line
from anju.protocols.frames import Codec, Frame
from anju.protocols.rtp import Packetiser, receiver_report
from anju.protocols.rtp_tcp import framed
from tests.media.senders import Camera, Kept
from tests.media.test_streams import streaming

SENDER_REPORT = bytes.fromhex("80c80006 2fcd8c91 e9b5c1d2 80000000 00000000 00000001 00000002")


@contextmanager
def opened(transport: Transport) -> Iterator[Line]:
    line = open_line(transport, 0, "127.0.0.1")
    yield line
    line.close()


def connected(line: Line) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=5)


async def read(line: Line, enough: Callable[[list[bytes]], bool]) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(10):
        while not enough(found):
            found += line.read()
            await asyncio.sleep(0.005)
    return found


def test_the_kernel_keeps_a_burst_of_key_frames() -> None:
    with opened(Transport.UDP) as line, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(1500):  # 2 MiB
            sender.sendto(number.to_bytes(4, "big") * 350, ("127.0.0.1", line.port))
        found = [packet for _ in range(4) for packet in line.read()]
        assert [packet[:4] for packet in found] == [number.to_bytes(4, "big") for number in range(1500)]
        assert line.drops() == 0


def flood(line: Line) -> None:
    """Send more than the kernel keeps."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(3 * BUFFER // 9000):
            sender.sendto(bytes(9000), ("127.0.0.1", line.port))


def test_what_the_kernel_throws_away_is_counted() -> None:
    with opened(Transport.UDP) as line:
        flood(line)
        assert line.drops() > 0


def test_overload_is_told_once_a_minute() -> None:
    pace = Pace(StreamStats())
    with opened(Transport.UDP) as line, capture_logs() as told:
        for second in range(1, 100, 10):
            flood(line)
            pace.look(second, line, live=True)
    assert [each["drops"] > 0 for each in told] == [True, True]


def test_a_picture_far_behind_its_pace_is_late() -> None:
    pace = Pace(StreamStats())
    for number, late in enumerate((0.0, 0.0, 0.3, 0.0)):
        pace.seen(Frame(Codec.H264, number * 3600, number == 0, arrived=1000 + number / 25 + late))
    assert pace.stats.most_lag == pytest.approx(0.3, abs=0.001)
    assert pace.stats.lag == pytest.approx(0.0, abs=0.001)


async def test_a_stranger_that_connects_does_not_end_a_stream() -> None:
    to = Packetiser(1)
    with opened(Transport.TCP_PASSIVE) as line, connected(line) as camera:
        camera.sendall(framed(to.packets(b"first", 1)))
        assert len(await read(line, bool)) == 1
        with connected(line) as stranger:
            stranger.sendall(framed(Packetiser(2).packets(b"stranger", 1)))
            camera.sendall(framed(to.packets(b"second", 2)))
            assert [packet[12:] for packet in await read(line, bool)] == [b"second"]


async def test_a_camera_may_connect_again() -> None:
    with opened(Transport.TCP_PASSIVE) as line:
        with connected(line) as camera:
            camera.sendall(framed(Packetiser(1).packets(b"first", 1)))
            await read(line, bool)
        with connected(line) as again:
            again.sendall(framed(Packetiser(1).packets(b"again", 1)))
            assert [packet[12:] for packet in await read(line, bool)] == [b"again"]


async def test_who_sends_no_packets_is_cut_off() -> None:
    with opened(Transport.TCP_PASSIVE) as line, connected(line) as stranger:
        stranger.setblocking(False)
        loop = asyncio.get_running_loop()
        sending = asyncio.create_task(loop.sock_sendall(stranger, b"GET / HTTP/1.1\r\n" * 400_000))
        async with asyncio.timeout(20):
            while not sending.done():
                assert line.read() == []
                await asyncio.sleep(0)
        assert isinstance(sending.exception(), OSError)


async def test_a_senders_report_is_answered() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.bind(("127.0.0.1", 40_001))  # beside the port that the camera of these tests names
        control.setblocking(False)
        camera, kept = Camera(), Kept()
        async with streaming(camera) as streams:
            (await streams.open("c1", Grade.MAIN)).add(kept)
            await kept.until(lambda kept: len(kept.frames) > 3)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(SENDER_REPORT, ("127.0.0.1", camera.wanted[0].port))
            async with asyncio.timeout(5):
                answer = await asyncio.get_running_loop().sock_recv(control, 100)
    assert answer[:4] == bytes.fromhex("81c90007")
    assert answer[8:12] == SENDER_REPORT[4:8]


def test_a_receivers_report_prints_these_bytes() -> None:
    report = receiver_report(SENDER_REPORT, lost=5, highest=700)
    assert report == bytes.fromhex("81c90007 616e6a75 2fcd8c91 00000005 000002bc 00000000 c1d28000 00000000")
    assert len(report) == 4 * (1 + struct.unpack_from("!H", report, 2)[0])


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP_PASSIVE])
def test_a_port_that_is_taken_says_so(transport: Transport) -> None:
    with opened(transport) as line, pytest.raises(OSError, match="in use"):
        open_line(transport, line.port, "127.0.0.1")
