"""Our own recordings for the tier above: packed anew, at the pace of their time stamps, steered as they run."""

import asyncio
from collections.abc import AsyncIterable

from anju.media.outlet import Outlet, Target
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.protocols.ps import PsMuxer
from anju.protocols.rtp import Packetiser

KEYS_ONLY = 4.0
"""Played faster than this, key frames go alone."""
SLOWEST, FASTEST = 0.125, 16.0
_AHEAD_S = 1.0
"""Never so far behind that more than this is sent at once."""


class UpwardPlayback:
    """Plays frames to one target. ``whole``: a download, which leaves no picture out at any speed.

    ``position`` is the time of the last frame sent, 90 kHz as the frames have it.
    """

    def __init__(self, target: Target, outlet: Outlet, *, whole: bool = False) -> None:
        self.outlet = outlet
        self.position = 0
        self.whole = whole
        self._to = Packetiser(target.ssrc, target.payload_type)
        self._muxer: tuple[Codec, PsMuxer] | None = None
        self._speed = 1.0
        self._running = asyncio.Event()
        self._running.set()
        self._changed = asyncio.Event()
        self._anchor: tuple[float, int] | None = None  # a moment of the loop, and the frame time that belongs to it

    async def play(self, frames: AsyncIterable[Frame]) -> None:
        """Send ``frames`` to their end; after a seek, cancel this and play the frames from there."""
        self._anchor, self.position = None, 0
        async for frame in frames:
            if frame.codec.video and (frame.key or self.whole or self._speed <= KEYS_ONLY):
                await self._due(frame)
                self.outlet.offer(self._packets(frame), key=frame.key)
                self.position = frame.pts

    def pause(self) -> None:
        """Send nothing until ``resume``."""
        self._running.clear()

    def resume(self) -> None:
        """Go on where it was paused."""
        self._anchor = None
        self._running.set()

    def speed(self, value: float) -> None:
        """Play ``value`` times as fast, within SLOWEST and FASTEST."""
        self._speed = min(max(value, SLOWEST), FASTEST)
        self._anchor = None
        self._changed.set()

    async def _due(self, frame: Frame) -> None:
        """Wait for the moment of ``frame``."""
        loop = asyncio.get_running_loop()
        while True:
            await self._running.wait()
            self._changed.clear()
            if self._anchor is None:
                self._anchor = (loop.time() + self._since(frame), frame.pts)
            due = self._anchor[0] + (frame.pts - self._anchor[1]) / CLOCK / self._speed
            wait = due - loop.time()
            if wait < -_AHEAD_S:
                self._anchor = (loop.time(), frame.pts)
            if wait <= 0:
                return
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _since(self, frame: Frame) -> float:
        """Return how long after the last frame this one is due, where the anchor is new."""
        return max(0, frame.pts - self.position) / CLOCK / self._speed if 0 < self.position < frame.pts else 0.0

    def _packets(self, frame: Frame) -> list[bytes]:
        if self._muxer is None or self._muxer[0] is not frame.codec:
            self._muxer = (frame.codec, PsMuxer(frame.codec))
        return self._to.packets(self._muxer[1].frame(frame), frame.pts)
