"""Voices at a simulated device: what a platform broadcasts is fetched and counted, talk goes both ways.

Source: GB/T 28181-2016 9.12; 5.2.2.4.
"""

import asyncio
import contextlib
import struct
from dataclasses import dataclass, field
from itertools import count

from anju.errors import WireError
from anju.protocols import g711, rtp, sdp
from anju.protocols.sdp import Description
from anju.simulators.gb28181_line import TcpLine, UdpLine
from anju.simulators.gb28181_stream import tone

PCMA = 8
PIECE_S = 0.02
_KEPT = 80_000  # bytes of sound, the newest ten seconds
_PIECE = round(g711.RATE * PIECE_S)


@dataclass(slots=True)
class Heard:
    """The sound that came: how many packets, and the last of it as A-law."""

    packets: int = 0
    sound: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        """Keep the sound of one RTP packet, whatever else came."""
        try:
            packet = rtp.parse(data)
        except WireError:
            return
        self.packets += 1
        self.sound += packet.payload
        del self.sound[:-_KEPT]


def offer(code: str, host: str, port: int, ssrc: str) -> Description:
    """Return how a device asks for the voice that was announced."""
    return Description(
        owner=code,
        host=host,
        port=port,
        media="audio",
        payloads=(PCMA,),
        rtpmap={PCMA: "PCMA/8000"},
        direction=sdp.RECVONLY,
        ssrc=ssrc,
        format="v/////a/1/8/1",
    )


class Voice:
    """Hears on ``line`` and, with ``speaks``, sends a tone of its own in pieces of 20 ms."""

    def __init__(self, line: UdpLine | TcpLine, ssrc: int, *, speaks: bool) -> None:
        self.heard = Heard()
        self.line = line
        self._packets = rtp.Packetiser(ssrc, PCMA)
        self._speaks = speaks
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hear and speak."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Hang up."""
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.line.close()

    async def _run(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            await self.line.ready()
            works = [self._hear(), self._speak()] if self._speaks else [self._hear()]
            tasks = [asyncio.ensure_future(each) for each in works]
            try:
                await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
            finally:
                for each in tasks:
                    each.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak(self) -> None:
        sound, loop = tone(), asyncio.get_running_loop()
        start = loop.time()
        for number in count():
            at = number * _PIECE % len(sound)
            self.line.send(self._packets.packets(sound[at : at + _PIECE], number * _PIECE))
            await asyncio.sleep(max(0.0, start + (number + 1) * PIECE_S - loop.time()))

    async def _hear(self) -> None:
        if isinstance(self.line, TcpLine):
            await self._hear_stream(self.line)
            return
        while True:
            while (data := self.line.receive()) is not None:
                self.heard.take(data)
            await asyncio.sleep(PIECE_S)

    async def _hear_stream(self, line: TcpLine) -> None:
        assert line.reader is not None  # noqa: S101 - the line is ready
        while head := await line.reader.read(1):
            try:
                (size,) = struct.unpack("!H", head + await line.reader.readexactly(1))
                self.heard.take(await line.reader.readexactly(size))
            except asyncio.IncompleteReadError:
                return
