"""A device's own recording, fetched into a folder as files like ours: as fast as it sends, for evidence.

Source: 4.2.1.2 (download of what devices recorded).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from anju.bus.nats import Bus
from anju.domain.video import Grade, Purpose, Transport, Wanted
from anju.errors import Conflict, Silent
from anju.media.recording_file import Begun, RecordingFile
from anju.media.streams import NoPicture, Stream, Streams
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.store.recordings import Flag

SPEED = 4
LONGEST_S = 6 * 3_600.0
USUAL = CLOCK // 25
_ENDS = frozenset({"finished", "ended_by_device"})


class Fetched(msgspec.Struct, frozen=True):
    """What is fetched, and into which folder."""

    channel_id: str
    start: datetime
    end: datetime
    folder: str


class _Keeper:
    """Gathers a download's pictures to groups, and groups to one file; each group is written by a thread."""

    def __init__(self, stream: Stream, asked: Fetched) -> None:
        self._stream, self._asked = stream, asked
        self._group: list[Frame] = []
        self._sound: list[tuple[int, Frame]] = []
        self._first = -1
        self._file: RecordingFile | None = None
        self._jobs: asyncio.Queue[Callable[[], None] | None] = asyncio.Queue()
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def take(self, frame: Frame) -> None:
        """Take one frame."""
        if not frame.codec.video:
            if self._first >= 0 and frame.codec in {Codec.G711A, Codec.G711U}:
                self._sound.append(((frame.pts - self._first) * 1000 // CLOCK, frame))
            return
        if frame.key:
            self._flush(frame.pts)
        if self._group or frame.key:
            self._first = frame.pts if self._first < 0 else self._first
            self._group.append(frame)

    def state(self, code: str) -> None:
        """End with the stream; why it is none where it never was."""
        if code not in {"asking", "waiting", "playing"} and not self.over.done():
            self._flush(None)
            self._jobs.put_nowait(None)
            self.over.set_result(code)

    async def write(self) -> bool:
        """Write what comes until all is there; return whether there is a file."""
        while (job := await self._jobs.get()) is not None:
            await asyncio.to_thread(job)
        return self._file is not None and await asyncio.to_thread(self._file.finish) is not None

    def _flush(self, following: int | None) -> None:
        group, sound = self._group, self._sound
        self._group, self._sound = [], []
        if not group or self._stream.track is None:
            return
        last = following - group[-1].pts if following is not None else USUAL
        track, start = self._stream.track, round(self._asked.start.timestamp() * 1000)
        begun = Begun(Path(self._asked.folder), 0, self._asked.channel_id, start, track, Flag(0))
        self._jobs.put_nowait(lambda: self._append(begun, group, sound, last))

    def _append(self, begun: Begun, group: list[Frame], sound: list[tuple[int, Frame]], last: int) -> None:
        if self._file is None:
            self._file = RecordingFile.create(begun)
        self._file.append(group, last)
        for at_ms, each in sound:
            self._file.hear(max(0, at_ms), each.data, each.codec)
        self._file.sync_if_due()


async def fetch(streams: Streams, asked: Fetched) -> None:
    """Fetch a recording. Raises NoPicture with why it cannot be had, OSError where the disk does not take it."""
    wanted = Wanted(asked.channel_id, Purpose.DOWNLOAD, Grade.MAIN, Transport.UDP, 0)
    wanted = replace(wanted, start=asked.start, end=asked.end, speed=SPEED)
    await asyncio.to_thread(Path(asked.folder).mkdir, mode=0o700, parents=True, exist_ok=True)
    stream = await streams.play(f"fetch {uuid4()}", wanted)
    keeper = _Keeper(stream, asked)
    stream.add(keeper)
    try:
        async with asyncio.timeout(LONGEST_S):
            whole = await keeper.write()
    except TimeoutError as error:
        raise NoPicture("stalled") from error
    finally:
        stream.remove(keeper)
    if not whole or keeper.over.result() not in _ENDS:
        raise NoPicture("no_recording" if keeper.over.result() in _ENDS else keeper.over.result())


async def answer_fetches(bus: Bus, streams: Streams, worker: int) -> None:
    """Answer who wants recordings of this worker's cameras fetched."""

    async def fetched(data: bytes) -> bytes:
        try:
            await fetch(streams, msgspec.json.decode(data, type=Fetched))
        except NoPicture as why:
            return msgspec.json.encode({"error": why.code})
        except OSError as error:
            return msgspec.json.encode({"error": "export_failed", "message": str(error)})
        return msgspec.json.encode({"ok": None})

    await bus.answer(f"media.{worker}.fetch", fetched)


def fetching(bus: Bus, worker: Callable[[str], int]) -> Callable[[Fetched], Awaitable[None]]:
    """Return what has a worker fetch. Raises Conflict with why not."""

    async def ask(asked: Fetched) -> None:
        topic = f"media.{worker(asked.channel_id)}.fetch"
        try:
            answer = msgspec.json.decode(await bus.ask(topic, msgspec.json.encode(asked), within_s=LONGEST_S))
        except Silent as silent:
            raise Conflict("media_away", str(silent)) from silent
        if "error" in answer:
            raise Conflict(str(answer["error"]), str(answer.get("message", "")))

    return ask
