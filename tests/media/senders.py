"""Cameras for tests of the media plane: they are asked as a gateway would be, and send over real sockets."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from itertools import count

from anju.domain.video import Agreed, PlayControl, Transport, Wanted
from anju.media.streams import NoPicture
from anju.protocols.frames import Codec, Frame
from anju.protocols.ps import PsMuxer
from anju.protocols.rtp import Packetiser
from anju.protocols.rtp_tcp import framed
from tests.video_streams import STEP, Clip, clip

SSRC = 0x2FCD8C91


def packs(made: Clip) -> Iterable[list[bytes]]:
    """Give the packets of one picture after the other, for ever."""
    muxer, to = PsMuxer(made.codec), Packetiser(SSRC)
    for number in count():
        unit = made.units[number % len(made.units)]
        yield to.packets(muxer.video(unit, number * STEP, key=made.key(number % len(made.units))), number * STEP)


class Camera:
    """Answers what a stream asks of the signalling side, and sends what ``source`` gives, every ``pace_s``."""

    def __init__(
        self,
        source: Callable[[], Iterable[list[bytes]]] = lambda: packs(clip(Codec.H264)),
        *,
        pace_s: float = 0.005,
        refuse: str = "",
    ) -> None:
        self.source, self.pace_s, self.refuse = source, pace_s, refuse
        self.wanted: list[Wanted] = []
        self.ended: list[str] = []
        self.over = asyncio.Event()  # a call was ended
        self.controls: list[PlayControl] = []
        self.sending: dict[str, asyncio.Task[None]] = {}
        self.listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def invite(self, wanted: Wanted) -> Agreed:
        self.wanted.append(wanted)
        if self.refuse:
            raise NoPicture(self.refuse)
        call_id = f"call-{len(self.wanted)}"
        port = 40_000
        if wanted.transport is Transport.TCP_ACTIVE:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.listener.setblocking(False)
            port = self.listener.getsockname()[1]
        self.sending[call_id] = task = asyncio.create_task(self._send(wanted))
        self._tasks.add(task)
        return Agreed(call_id, SSRC, "127.0.0.1", port, {96: "PS"})

    async def end(self, call_id: str) -> None:
        self.ended.append(call_id)
        self.over.set()
        if task := self.sending.pop(call_id, None):
            task.cancel()

    async def control(self, call_id: str, control: PlayControl) -> None:
        del call_id
        self.controls.append(control)

    def fall_silent(self) -> None:
        for task in self.sending.values():
            task.cancel()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, wanted: Wanted) -> None:
        loop = asyncio.get_running_loop()
        if wanted.transport is Transport.UDP:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                for packets in self.source():
                    for packet in packets:
                        line.sendto(packet, ("127.0.0.1", wanted.port))
                    await asyncio.sleep(self.pace_s)
            return
        with await self._connected(wanted) as line:
            line.setblocking(False)
            for packets in self.source():
                await loop.sock_sendall(line, framed(packets))
                await asyncio.sleep(self.pace_s)

    async def _connected(self, wanted: Wanted) -> socket.socket:
        loop = asyncio.get_running_loop()
        if self.listener is not None:
            with self.listener:
                return (await loop.sock_accept(self.listener))[0]
        line = socket.socket()
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", wanted.port))
        return line


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.codes: list[str] = []
        self._more = asyncio.Event()

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._more.set()

    def state(self, code: str) -> None:
        self.codes.append(code)
        self._more.set()

    async def until(self, reached: Callable[["Kept"], bool], within_s: float = 10) -> None:
        async with asyncio.timeout(within_s):
            while not reached(self):
                self._more.clear()
                await self._more.wait()
