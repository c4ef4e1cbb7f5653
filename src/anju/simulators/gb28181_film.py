"""What a simulated camera shows: its loop live, or from a recording, turned where it was told to, clock in the picture.

A film is asked for one picture after another and never skips; its owner keeps the pace.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from anju.protocols.frames import CLOCK, Codec
from anju.simulators.video_coder import GROUP
from anju.simulators.video_loops import GROUP_S, Loop, Loops
from anju.simulators.video_scene import RATE, View

KEYS_ONLY = 4.0  # faster than this only key pictures are sent
_TICKS = CLOCK // RATE


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture in Annex B; ``pts`` is 90 kHz from the beginning of the film, ``wait_s`` until the next is due."""

    unit: bytes
    pts: int
    key: bool
    wait_s: float


@dataclass(slots=True)
class Film:
    """Pictures one after another. ``second`` tells at which Unix second ``frame`` of the film was taken.

    ``view`` may change at any time, and is shown as soon as its loop is there; ``frames`` is how many there are,
    None without end. ``speed`` and ``frame`` are set to steer a playback.
    """

    loops: Loops
    codec: Codec
    grade: str
    second: Callable[[int], float]
    view: Callable[[], View] = lambda: View.HOME
    frames: int | None = None
    speed: float = 1.0
    frame: int = 0
    every: bool = False  # every picture, however fast
    _loop: Loop | None = None
    _shown: View = View.HOME
    _next: asyncio.Task[Loop] | None = None
    _index: int = 0  # within the group
    _group: int = 0
    _tops: tuple[bytes, ...] = field(default=())

    def seek(self, frame: int) -> None:
        """Go on at ``frame``, with a key picture."""
        self.frame, self._index = max(0, frame), 0

    def fresh_key(self) -> None:
        """Make the next picture a key picture."""
        self._index = 0

    async def next(self, unix_ms: int) -> Shown | None:
        """Return the next picture, to be sent at ``unix_ms``; None at the end. The first may take seconds to make."""
        if self.frames is not None and self.frame >= self.frames:
            return None
        loop = await self._turned()
        if self._index == 0:
            self._tops = await self.loops.clock(loop.shape, int(self.second(self.frame)))
            self._group = (self._group + GROUP) % len(loop.stills)
        elif self._index == GROUP // 2:
            self.loops.expect(loop.shape, int(self.second(self.frame) + GROUP_S / 2))
        shown = self._picture(loop, unix_ms)
        self._step()
        return shown

    async def _turned(self) -> Loop:
        """Return the loop of the view that is wanted, or the one before until that is made."""
        if self._loop is None:
            self._shown = self.view()
            self._loop = await self.loops.loop(self.codec, self.grade, self._shown)
        elif self._next is not None:
            if self._next.done():
                self._loop, self._next, self._index = self._next.result(), None, 0
        elif (wanted := self.view()) is not self._shown:
            self._shown = wanted
            self._next = asyncio.ensure_future(self.loops.loop(self.codec, self.grade, wanted))
        return self._loop

    def _picture(self, loop: Loop, unix_ms: int) -> Shown:
        number = self._group + self._index
        unit = loop.unit(number, self._tops[self._index], unix_ms)
        wait = (GROUP_S if self._keys_only else 1 / RATE) / self.speed
        return Shown(unit, self.frame * _TICKS, self._index == 0, wait)

    @property
    def _keys_only(self) -> bool:
        return self.speed > KEYS_ONLY and not self.every

    def _step(self) -> None:
        if self._keys_only:
            self.frame += GROUP
            self._index = 0
        else:
            self.frame += 1
            self._index = (self._index + 1) % GROUP
