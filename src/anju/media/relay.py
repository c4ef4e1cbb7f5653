"""The relay to the tier above: a stream goes on as it came, packet by packet, under the number the other side gave.

It begins at a key frame: with the pictures since the last one, packed anew, then with what comes. Streams that are no
program stream are packed into one. Source: 5.4.3 (video to the platform above).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from anju.media.outlet import Outlet, Target
from anju.media.streams import NoPicture, Stream
from anju.protocols import nal
from anju.protocols.fmp4 import Track
from anju.protocols.frames import Codec, Frame
from anju.protocols.ps import PsMuxer
from anju.protocols.rtp import MOST_PAYLOAD, Packetiser
from anju.protocols.rtp_units import Unit

START_S = 12.0
_RUNNING = frozenset({"waiting", "playing"})


class _Packer:
    """Packs frames into a program stream and RTP, whatever codec they turn out to have."""

    def __init__(self, to: Packetiser, *, sound: bool) -> None:
        self._to = to
        self._sound = Codec.G711A if sound else None
        self._muxer: PsMuxer | None = None
        self._codec: Codec | None = None

    def packets(self, frame: Frame, timestamp: int, track: Track | None) -> list[bytes]:
        """Return ``frame`` as packets of ``timestamp``, key frames with what ``track`` says is needed to decode them.

        None for sound nobody asked for.
        """
        if frame.codec.video and frame.codec is not self._codec:
            self._codec, self._muxer = frame.codec, PsMuxer(frame.codec, self._sound)
        if self._muxer is None or not (frame.codec.video or frame.codec is self._sound):
            return []
        if frame.key and track is not None and track.coding is frame.codec:
            frame = _with_sets(frame, track)
        return self._to.packets(self._muxer.frame(frame), timestamp)


def _with_sets(frame: Frame, track: Track) -> Frame:
    """Return a key frame that holds its parameter sets, as some cameras send them once only."""
    if any(each[0] in nal.PARAMETER[frame.codec] for each in frame.nals):
        return frame
    return replace(frame, nals=[each for sets in track.parameters.values() for each in sets] + frame.nals)


class Relay:
    """One stream on its way to one target. Made by ``relay``; ``close`` ends it."""

    def __init__(self, stream: Stream, target: Target, outlet: Outlet, ended: Callable[[str], None]) -> None:
        self.outlet = outlet
        self._ended = ended
        self._stream = stream
        self._to = Packetiser(target.ssrc, target.payload_type)
        self._packer = _Packer(self._to, sound=True)
        self._begun = self._started = self._packs = False
        self._codes: asyncio.Queue[str] = asyncio.Queue()

    @property
    def port(self) -> int:
        """Return the port it sends from, or listens on."""
        return self.outlet.port

    async def begin(self) -> None:
        """Return once the camera has answered. Raises NoPicture with the reason where it does not."""
        self._stream.add_units(self)
        try:
            async with asyncio.timeout(START_S):
                while (code := await self._codes.get()) == "asking":
                    pass
        except TimeoutError as error:
            raise NoPicture("no_answer") from error
        if code not in _RUNNING:
            raise NoPicture(code)
        self._begun = True
        if not self._started:
            self._catch_up()

    def state(self, code: str) -> None:
        """Learn how the stream is: first this is the relay's answer; a live one then goes on when the stream does."""
        if not self._begun:
            self._codes.put_nowait(code)
        elif code not in _RUNNING and not (self._stream.live and self._started):
            self.close()
            self._ended(code)

    def unit(self, unit: Unit, frames: Sequence[Frame]) -> None:
        """Send on what came."""
        key = any(frame.key for frame in frames)
        if not self._packs and frames and (self._stream.kind != "ps" or frames[0].arrived != unit.arrived):
            self._packs = True  # no program stream, or one whose pictures end later than their packets
        if not self._started and not key:
            return
        self._started = True
        if self._packs:
            for frame in frames:
                self.outlet.offer(self._packer.packets(frame, frame.pts, self._stream.track), key=frame.key)
        else:
            self.outlet.offer(self._renumbered(unit), key=key)

    def close(self) -> None:
        """End it; the stream ends too where nobody else takes it."""
        self._stream.remove_units(self)
        self.outlet.close()

    def _catch_up(self) -> None:
        """Send the pictures since the last key frame, on the clock of the packets that follow."""
        frames, stamp = self._stream.since_key()
        for frame in frames:
            time = frame.pts if self._packs or self._stream.kind != "ps" else stamp + frame.pts - frames[-1].pts
            self.outlet.offer(self._packer.packets(frame, time, self._stream.track), key=frame.key)
        self._started = bool(frames)

    def _renumbered(self, unit: Unit) -> list[bytes]:
        to = self._to
        to.sequence = (to.sequence + (unit.broken or unit.gap)) & 0xFFFF  # the other side shall see that there is a gap
        if max(map(len, unit.parts)) > MOST_PAYLOAD:
            return to.packets(unit.data, unit.stamp, marker=unit.ends)
        last = len(unit.parts) - 1
        return [
            to.packet(part, unit.stamp, marker=unit.ends and number == last) for number, part in enumerate(unit.parts)
        ]


async def relay(stream: Stream, target: Target, outlet: Outlet, *, ended: Callable[[str], None]) -> Relay:
    """Send ``stream`` through ``outlet`` until the relay is closed; ``ended`` hears why the stream ended before.

    Returns once the camera has answered. Raises NoPicture with the reason; the outlet is closed then.
    """
    made = Relay(stream, target, outlet, ended)
    try:
        await made.begin()
    except BaseException:
        made.close()
        raise
    return made
