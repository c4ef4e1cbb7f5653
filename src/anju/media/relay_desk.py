"""Copies for platforms above, as a media worker makes them when it is asked: live, of our recordings, of the device's.

Source: GB/T 28181-2016 annex N (cascade); 5.4.1, 5.4.3.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

import msgspec

from anju.bus.nats import Bus
from anju.domain.cascade import Relay, Relaying
from anju.domain.video import PlayControl, Purpose, Transport, Wanted
from anju.errors import DatabaseAway
from anju.media.library import Library
from anju.media.our_copy import OurCopy
from anju.media.outlet import Outlet, Target
from anju.media.playback import Playback
from anju.media.relay import Relay as StreamRelay
from anju.media.relay import relay
from anju.media.relays import RELAY_ENDED
from anju.media.signalling import Control, Ended
from anju.media.streams import NoPicture, Stream, Streams
from anju.media.upward_playback import UpwardPlayback

MOST = 500  # copies of one worker


class Copy(Protocol):
    """One copy that is being sent."""

    def close(self) -> None:
        """Stop it."""

    async def control(self, control: PlayControl) -> None:
        """Steer it. Raises NoPicture."""


class RelayDesk:
    """Makes copies. ``host`` is the address we are told to send from, '' for the one that leads to the target."""

    def __init__(self, bus: Bus, streams: Streams, library: Library, number: int, *, host: str, bind: str) -> None:
        self._bus, self._streams, self._library = bus, streams, library
        self._number, self._host, self._bind = number, host, bind
        self._copies: dict[str, tuple[Copy, int]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def answer(self) -> None:
        """Answer what is asked over the bus from now on."""
        topic = f"media.{self._number}"
        await self._bus.answer(f"{topic}.relay", self._begin)
        await self._bus.answer(f"{topic}.relay_end", self._end)
        await self._bus.answer(f"{topic}.relay_control", self._steer)

    def close(self) -> None:
        """Stop all copies."""
        for each in tuple(self._copies):
            self._drop(each)

    async def _begin(self, data: bytes) -> bytes:
        wanted = msgspec.json.decode(data, type=Relay)
        try:
            if len(self._copies) >= MOST:
                raise NoPicture("busy")
            return msgspec.json.encode({"ok": await self._copied(wanted)})
        except NoPicture as why:
            return msgspec.json.encode({"error": why.code})
        except DatabaseAway:
            return msgspec.json.encode({"error": "media_away"})

    async def _end(self, data: bytes) -> bytes:
        self._drop(msgspec.json.decode(data, type=Ended).call_id)
        return msgspec.json.encode({"ok": None})

    async def _steer(self, data: bytes) -> bytes:
        asked = msgspec.json.decode(data, type=Control)
        try:
            copy = self._copies.get(asked.call_id)
            if copy is None:
                raise NoPicture("not_found")
            await copy[0].control(PlayControl(asked.act, asked.value))
        except NoPicture as why:
            return msgspec.json.encode({"error": why.code})
        return msgspec.json.encode({"ok": None})

    async def _copied(self, wanted: Relay) -> Relaying:
        relay_id = f"{self._number}-{uuid4().hex}"
        target = Target(wanted.host, wanted.port, wanted.ssrc, wanted.transport, wanted.payload)
        outlet = self._streams.on_a_port(
            lambda port: Outlet(target, port=port, bind=self._bind, ended=lambda reason: self._over(relay_id, reason))
        )
        try:
            copy = await self._made(wanted, target, outlet, lambda reason: self._over(relay_id, reason))
            if outlet.over:
                copy.close()
                raise NoPicture("no_answer")
        except BaseException:
            outlet.close()
            self._streams.free_port(outlet.port)
            raise
        self._copies[relay_id] = (copy, outlet.port)
        return Relaying(relay_id, self._host or _address_towards(wanted.host), outlet.port)

    async def _made(self, wanted: Relay, target: Target, outlet: Outlet, over: Callable[[str], None]) -> Copy:
        if wanted.purpose is Purpose.LIVE:
            stream = await self._streams.open(wanted.channel_id, wanted.grade)
        elif (ours := await self._ours(wanted)) is not None:
            playback = UpwardPlayback(target, outlet, whole=wanted.purpose is Purpose.DOWNLOAD)
            playback.speed(wanted.speed)
            return OurCopy(ours, playback, over)
        else:
            times = {"start": wanted.start, "end": wanted.end, "speed": wanted.speed}
            asked = Wanted(wanted.channel_id, wanted.purpose, wanted.grade, Transport.UDP, 0, **times)  # type: ignore[arg-type]
            stream = await self._streams.play(f"relay {uuid4()}", asked)
        return StreamCopy(stream, await relay(stream, target, outlet, ended=over))

    async def _ours(self, wanted: Relay) -> Playback | None:
        """Return our own recording of the span; None where there is none and the device must play its own."""
        assert wanted.start is not None  # noqa: S101 - recordings have both
        assert wanted.end is not None  # noqa: S101
        start, end = wanted.start.timestamp(), wanted.end.timestamp()
        first = await self._library.at(wanted.channel_id, round(start * 1000))
        if first is None or first.file.start_ms >= end * 1000:
            return None
        return Playback(self._library, wanted.channel_id, start, end)

    def _over(self, relay_id: str, reason: str) -> None:
        """Tell that a copy ended by itself."""
        if self._drop(relay_id):
            task = asyncio.get_running_loop().create_task(
                self._bus.tell(RELAY_ENDED, msgspec.json.encode(Ended(relay_id, reason)))
            )
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def _drop(self, relay_id: str) -> bool:
        copy, port = self._copies.pop(relay_id, (None, 0))
        if copy is None:
            return False
        copy.close()
        self._streams.free_port(port)
        return True


class StreamCopy:
    """A camera's stream as it comes, live or from the device's own recordings."""

    def __init__(self, stream: Stream, sent: StreamRelay) -> None:
        self._stream, self._sent = stream, sent

    def close(self) -> None:
        """Stop it; the stream ends too where nobody else takes it."""
        self._sent.close()

    async def control(self, control: PlayControl) -> None:
        """Let the device do it. Raises NoPicture."""
        if not self._stream.live:
            await self._stream.control(control)


def _address_towards(host: str) -> str:
    """Return our address on the way to ``host``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.connect((host, 9))
        except OSError:
            return "127.0.0.1"
        return str(line.getsockname()[0])
