"""A device's own recording on its way into an export: a sink that keeps a downloaded stream as files.

The device sends faster than it recorded, so the moment of a picture is told by the device's time stamps, counted from
the start that was asked for. Source: 4.2.1.2 (download of what devices recorded).
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from anju.errors import Refused
from anju.media.library import Located
from anju.media.recording_file import Begun, RecordingFile
from anju.media.writing import WriterThread
from anju.protocols.fmp4 import Track
from anju.protocols.frames import CLOCK, Frame
from anju.store.recordings import Flag, Recording

FRAGMENT = 2 * CLOCK
JUMP = 2 * CLOCK  # time stamps that leap further begin another file: the device's recording has a gap
FINISHED = frozenset({"finished", "ended_by_device"})
USUAL = CLOCK // 25


class Download:
    """Keeps one downloaded stream under ``root``. ``track`` tells what its pictures need: ``lambda: stream.track``.

    A sink: ``take`` and ``state`` come on the loop. ``seconds`` says how far it is.
    """

    def __init__(self, root: Path, channel_id: str, start: float, track: Callable[[], Track | None]) -> None:
        self._root, self._channel, self._start, self._track = root, channel_id, start, track
        self._thread = WriterThread("download")
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._first: int | None = None
        self._frames: list[Frame] = []
        self._now: Track | None = None  # of the file that is open
        self._file: RecordingFile | None = None
        self._rows: list[Recording] = []
        self.seconds = 0.0

    def take(self, frame: Frame) -> None:
        """Take one frame; sound is left out."""
        if not frame.codec.video or self._over.done() or (self._first is None and not frame.key):
            return
        if self._first is None:
            self._first = frame.pts
        before = self._frames[-1] if self._frames else None
        leaps = before is not None and frame.pts - before.pts > JUMP
        if before is not None and (frame.key or leaps or frame.pts - self._frames[0].pts >= FRAGMENT):
            self._flush(USUAL if leaps else frame.pts - before.pts)
        if frame.key and (leaps or self._now is None or self._now != self._track()):
            self._begin(frame)
        self._frames.append(frame)
        self.seconds = (frame.pts - self._first) / CLOCK

    def state(self, code: str) -> None:
        """Learn how the stream is; whatever is not its course ends the download."""
        if code not in {"asking", "waiting", "playing"} and not self._over.done():
            self._over.set_result(code)

    async def over(self) -> str:
        """Return how it ended: one of FINISHED, or why it broke off."""
        return await asyncio.shield(self._over)

    async def close(self) -> list[Located]:
        """Return the files that were kept, oldest first. Raises Refused where the disk did not take them."""
        if not self._over.done():
            self._over.set_result("stopped")
        if self._frames:
            self._flush(USUAL)
        self._thread.put(self._seal)
        await asyncio.to_thread(self._thread.close, 60.0)
        if self._over.result().startswith("disk"):
            raise Refused("export_failed", f"the download could not be kept: {self._over.result()}")
        return [Located(each, self._root / each.name, None) for each in self._rows]

    def _begin(self, frame: Frame) -> None:
        self._now = track = self._track()
        if track is None or self._first is None:
            return
        start = round((self._start + (frame.pts - self._first) / CLOCK) * 1000)
        begun = Begun(self._root, 0, self._channel, start, track, Flag(0))
        self._thread.put(lambda: self._switch(begun))

    def _flush(self, last: int) -> None:
        frames, self._frames = self._frames, []
        if not self._thread.put(lambda: self._append(frames, last), sum(each.size for each in frames)):
            self._fail("disk: it is too slow for this download")

    def _switch(self, begun: Begun) -> None:
        self._seal()
        try:
            self._file = RecordingFile.create(begun)
        except OSError as error:
            self._fail_from_thread(error)

    def _append(self, frames: list[Frame], last: int) -> None:
        if self._file is None:
            return
        try:
            self._file.append(frames, last)
        except OSError as error:
            self._fail_from_thread(error)

    def _seal(self) -> None:
        file, self._file = self._file, None
        try:
            row = file.finish() if file is not None else None
        except OSError as error:
            self._fail_from_thread(error)
        else:
            self._rows += [row] if row is not None else []

    def _fail_from_thread(self, error: OSError) -> None:
        self._loop.call_soon_threadsafe(self._fail, f"disk: {error.strerror or error}")

    def _fail(self, why: str) -> None:
        if not self._over.done():
            self._over.set_result(why)
