"""A copy of our own recording for a platform above: read as it lies on disk, packed anew, steered by the upper.

Source: GB/T 28181-2016 9.8, 9.9 (playback, download); 4.2.1.2.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog

from anju.domain.video import PlayAct, PlayControl
from anju.errors import DatabaseAway
from anju.media.playback import Piece, Playback
from anju.media.upward_playback import UpwardPlayback
from anju.protocols.fmp4 import Track
from anju.protocols.frames import Frame
from anju.protocols.mp4_boxes import fragments

DRAIN_S = 5.0
"""How long the last packets may take."""
_log = structlog.get_logger(__name__)


class OurCopy:
    """Plays until its end; then ``over`` hears 'finished', or why it broke off."""

    def __init__(self, recording: Playback, playback: UpwardPlayback, over: Callable[[str], None]) -> None:
        self._recording, self._playback, self._over = recording, playback, over
        self._task = self._play()

    def close(self) -> None:
        """Stop it."""
        self._task.cancel()
        self._recording.close()
        self._playback.outlet.close()

    async def control(self, control: PlayControl) -> None:
        """Pause, resume, speed up, or go on from another moment."""
        match control.act:
            case PlayAct.PAUSE:
                self._playback.pause()
            case PlayAct.RESUME:
                self._playback.resume()
            case PlayAct.SPEED:
                self._playback.speed(control.value)
                self._recording.speed(1.0 if self._playback.whole else control.value)
                self._playback.resume()
            case PlayAct.SEEK:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
                self._recording.seek(self._recording.start + control.value)
                self._playback.resume()
                self._task = self._play()

    def _play(self) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._playback.play(self._frames())
            await self._drained()
        except (DatabaseAway, OSError) as error:
            _log.warning("a copy of a recording broke off", channel=self._recording.channel_id, reason=str(error))
            self._over("media_away")
            return
        self._over("finished")

    async def _frames(self) -> AsyncIterator[Frame]:
        track: Track | None = None
        while (piece := await self._recording.next()) is not None:
            track = piece.track or track
            if track is not None:
                for frame in frames_of(piece, track):
                    yield frame

    async def _drained(self) -> None:
        """Let what waits be sent, for a while."""
        outlet = self._playback.outlet
        for _ in range(int(DRAIN_S * 10)):
            if not outlet.waiting or outlet.over:
                return
            await asyncio.sleep(0.1)


def frames_of(piece: Piece, track: Track) -> list[Frame]:
    """Return the pictures of a piece; key frames with the parameter sets that the file keeps apart."""
    data, found = piece.data, list[Frame]()
    for each in fragments(lambda offset, size: data[offset : offset + size], 0, len(data)):
        time = each.base_time
        for sample, offset in zip(each.samples, each.offsets(), strict=True):
            sets = [one for kind in track.parameters.values() for one in kind] if sample.key else []
            nals = sets + _nals(data[offset : offset + sample.size])
            found.append(Frame(track.coding, time, sample.key, nals, shift=sample.shift))
            time += sample.duration
    return found


def _nals(sample: bytes) -> list[bytes]:
    found, at = list[bytes](), 0
    while at + 4 <= len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        found.append(sample[at + 4 : at + 4 + size])
        at += 4 + size
    return found
