"""One stream of a simulated device: a film's pictures and sound as PS in RTP, at their pace, until it is ended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from time import time

from anju.protocols import g711
from anju.protocols.frames import CLOCK, Codec
from anju.protocols.ps import PsMuxer
from anju.protocols.rtp import Packetiser
from anju.simulators.gb28181_film import Film, Shown
from anju.simulators.gb28181_habits import Faults
from anju.simulators.gb28181_line import MediaLine
from anju.simulators.video_scene import RATE

SOUND_BYTES = g711.RATE // RATE  # with each picture: 40 ms
_LATEST_S = 1.0  # who is later than this goes on from now
_BETWEEN = CLOCK // RATE // 2  # sound lies between two pictures
_TONE_HZ, _LOUD = 440, 6_000


@dataclass(slots=True)
class Tally:
    """What was sent; ``began`` is the Unix time of the first picture, 0 before it."""

    pictures: int = 0
    packets: int = 0
    bytes: int = 0
    began: float = 0.0


class Stream:
    """Sends ``film`` down ``line``. ``over`` is called once when there is no more of it, or nobody receives it."""

    def __init__(
        self,
        film: Film,
        line: MediaLine,
        packets: Packetiser,
        *,
        sound: bool,
        stream_map: bool,
        faults: Faults,
        chance: Random,
        over: Callable[[str], Awaitable[None]],
    ) -> None:
        self.film, self.line, self.tally = film, line, Tally()
        self._packets, self._faults, self._chance, self._over = packets, faults, chance, over
        self._muxer = PsMuxer(film.codec, Codec.G711A if sound else None, maps=stream_map)
        self._sound = tone() if sound else b""
        self._base = chance.randrange(2**32)
        self._running = asyncio.Event()
        self._running.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Send no more."""
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.line.close()

    def pause(self) -> None:
        """Hold."""
        self._running.clear()

    def resume(self) -> None:
        """Go on."""
        self._running.set()

    async def _run(self) -> None:
        reason = "finished"
        try:
            await self.line.ready()
            await self._send_all()
        except (OSError, TimeoutError):
            reason = "nobody receives"
        await self._over(reason)

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        first = due = loop.time()
        while (shown := await self.film.next(int(time() * 1000))) is not None:
            if self._muted(loop.time() - first):
                await asyncio.Event().wait()
            self._send(shown)
            if self.film.frames is not None:
                await self.line.drained()
            due = max(due + shown.wait_s, loop.time() - _LATEST_S)
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not self._running.is_set():
                await self._running.wait()
                due = loop.time()

    def _muted(self, gone_s: float) -> bool:
        after = self._faults.mute_after_s
        return bool(self._faults.no_rtp) or 0 < after <= gone_s

    def _send(self, shown: Shown) -> None:
        self.tally.began = self.tally.began or time()
        self._send_unit(self._muxer.video(shown.unit, shown.pts, key=shown.key), shown.pts)
        if self._sound:
            at = self.tally.pictures * SOUND_BYTES % g711.RATE
            pts = shown.pts + _BETWEEN
            self._send_unit(self._muxer.audio(self._sound[at : at + SOUND_BYTES], pts), pts)
        self.tally.pictures += 1

    def _send_unit(self, unit: bytes, pts: int) -> None:
        packets = self._packets.packets(unit, self._base + pts)
        self.tally.packets += len(packets)
        self.tally.bytes += len(unit)
        self.line.send(self._faults.spoiled(packets, self._chance))


@cache
def tone() -> bytes:
    """Return one second of sound as G.711 A-law: a tone of 440 Hz in its first half, silence in the other."""
    half, period = g711.RATE // 2, round(g711.RATE / _TONE_HZ)
    samples = [_LOUD if at % period < period // 2 else -_LOUD for at in range(half)]
    return g711.encode(b"".join(each.to_bytes(2, "little", signed=True) for each in samples)) + g711.SILENCE * half
