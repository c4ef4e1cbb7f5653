"""The recorder: takes cameras' streams and keeps them as files of a minute, or around an event.

A camera's frames are gathered on the loop to groups of pictures and handed to writer threads; nothing here waits for
a disk. A file is closed each minute (each camera at a second of its own), where the stream breaks off, where the
camera changes its parameters, and where nothing more is wanted. Its row follows once it is on disk.
Source: 5.4.1 (recording, at least 30 days), 5.1.2.4 (what was before an alarm), 8-h (gaps have a reason).
"""

import asyncio
import contextlib
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from anju.domain.recorded import Lack, lack_of
from anju.domain.recording import By, Plan
from anju.domain.recording_trouble import Told, Trouble
from anju.errors import DatabaseAway
from anju.media import ledger
from anju.media.recording_file import Begun, RecordingFile
from anju.media.recover import recover
from anju.media.room import Room
from anju.media.writing import Writers, WriterThread
from anju.protocols.fmp4 import Track
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.store import recordings, volumes
from anju.store.database import Database
from anju.store.recordings import Flag, Recording
from anju.store.volumes import Volume

FILE_S = 60
FRAGMENT = 2 * CLOCK  # ticks: a fragment is at most so long, whatever the camera's groups of pictures are
GAP_S = 2.0  # so long without a picture, and a file ends
RETRY_S = 5.0  # after a write that failed
PRE_BYTES = 48 * 1024 * 1024  # of pictures before an event, of one camera
AHEAD_S, BEHIND_S = 1.0, 5.0
"""A picture further from when it should have come tells that the camera's clock jumped."""
STEADY = 0.002  # how much of the difference between arrival and the camera's clock is taken over with each picture
REMEMBERED_S = 7_200  # reasons for not recording
ROWS_RETRY_S, ROWS_AT_ONCE = 1.0, 200
SAVED_S = 20.0  # between two notes of how volumes are, for those who only look
_USUAL = CLOCK // 25
Tell = Callable[[Told], None]
_log = structlog.get_logger(__name__)


class WallClock:
    """Turns a stream's own time into ours: arrival, smoothed by the camera's clock."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def at(self, pts: int, arrived: float) -> tuple[float, bool]:
        """Return when a picture was (Unix seconds), and whether the camera's clock jumped before it."""
        if self._offset is None:
            self._offset = arrived - pts / CLOCK
            return arrived, False
        error = arrived - self._offset - pts / CLOCK
        if not -AHEAD_S <= error <= BEHIND_S:
            self._offset += error
            return arrived, True
        self._offset += error * STEADY
        return self._offset + pts / CLOCK, False


@dataclass(slots=True)
class Group:
    """Pictures from one key frame up to the next, or two seconds of them; sound that came between them."""

    at: float  # Unix seconds of the first
    track: Track
    frames: list[Frame] = field(default_factory=list)
    sound: list[tuple[float, Frame]] = field(default_factory=list)
    size: int = 0
    gap: bool = False  # nothing connects it to the one before

    def end(self, last: int) -> float:
        """Return when it ends, where its last picture lasts ``last`` ticks."""
        return self.at + (self.frames[-1].pts - self.frames[0].pts + last) / CLOCK


class _Open:
    """A file as the loop sees it; the thread that writes it sets ``failed``."""

    def __init__(self, begun: Begun, thread: WriterThread, switch_at: float) -> None:
        self.begun, self.thread, self.switch_at = begun, thread, switch_at
        self.end = begun.start_ms / 1000
        self.file: RecordingFile | None = None
        self.failed = False


class Recorder:
    """What one media process records. ``tell`` is called on the loop for all that goes wrong and is well again.

    What a crash left on a volume is recovered when the recorder begins, and when a volume comes back; ``unswept`` are
    the numbers of those where that is still to be done.
    ``clock`` gives Unix seconds and must be the one that stamps frames' arrival.
    """

    def __init__(self, db: Database, room: Room, *, tell: Tell, clock: Callable[[], float] = time.time) -> None:
        self.room, self.tell, self.clock = room, tell, clock
        self.channels: dict[str, ChannelRecorder] = {}
        self.writers = Writers()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.began_at = clock()
        self._db = db
        self._rows: deque[Recording] = deque()
        self.unswept, self._swept = {each.number for each in room.volumes}, set[int]()
        self._closing = 0  # files handed to a thread to be closed
        self._more, self._none = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Look after volumes, recover, write rows, until cancelled; then close all files and write their rows."""
        self.loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self._write_rows())
                group.create_task(self._recover())
        finally:
            await asyncio.shield(self._close())

    def channel(self, channel_id: str, plan: Plan) -> "ChannelRecorder":
        """Return the sink that records a channel; a known one gets ``plan``."""
        found = self.channels.get(channel_id)
        if found is None:
            found = self.channels[channel_id] = ChannelRecorder(self, channel_id, plan)
        found.plan = plan
        return found

    def forget(self, channel_id: str) -> None:
        """Stop recording a channel; its file is closed."""
        if found := self.channels.pop(channel_id, None):
            found.stop()

    def why(self, channel_id: str, at: float) -> Lack:
        """Return why a channel was not recorded at ``at`` (Unix seconds); before this process began: the store."""
        found = self.channels.get(channel_id)
        if at < self.began_at or found is None:
            return Lack.STORE_FAILED
        return found.why(at)

    def open_spans(self) -> Mapping[str, tuple[int, int]]:
        """Return by channel what its open file holds: no row tells of it yet. Unix milliseconds."""
        return {each.channel_id: span for each in self.channels.values() if (span := each.open_span())}

    def closing(self) -> None:
        """Know that a file is being closed."""
        self._closing += 1
        self._none.clear()

    def closed(self, row: Recording | None) -> None:
        """Take the row of a file that is on disk; None where there is none."""
        self._closing -= 1
        if row is not None:
            self._rows.append(row)
        self._more.set()

    async def settled(self) -> None:
        """Return once every file closed so far has its row."""
        if self._closing or self._rows:
            await self._none.wait()

    async def _watch(self) -> None:
        saved = float("-inf")
        while True:
            changed = await self.room.look()
            for each in changed:
                self.tell(each)
            for channel in list(self.channels.values()):
                channel.look()
            if changed or time.monotonic() - saved > SAVED_S:
                saved = time.monotonic()
                with contextlib.suppress(DatabaseAway):
                    await volumes.save(self._db, self.room.volumes, at=datetime.now(UTC))
            await asyncio.sleep(self.room.every_s)

    async def _recover(self) -> None:
        while True:
            for each in self.room.volumes:
                if each.readable and each.number in self.unswept:
                    await self._recovered(each)
                elif not each.readable:
                    self.unswept.add(each.number)
            await asyncio.sleep(self.room.every_s)

    async def _recovered(self, volume: Volume) -> None:
        now, settled = self.clock(), self.clock() - ledger.SETTLED_S
        before = max(self.began_at, settled) if volume.number in self._swept else self.began_at
        at, end = (datetime.fromtimestamp(each, UTC) for each in (now, before))
        try:
            done = await recover(self._db, volume, now=at, tell=self.tell, before=end)
        except (DatabaseAway, OSError) as error:
            _log.warning("a volume is not recovered yet", volume=str(volume.path), reason=str(error))
            return
        self.unswept.discard(volume.number)
        self._swept.add(volume.number)
        _log.info("volume recovered", volume=str(volume.path), rows=done.rows, cut=done.cut_bytes, lost=done.lost)

    async def _write_rows(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._rows:
                await self._write_some()
            if not self._closing:
                self._none.set()

    async def _write_some(self) -> None:
        some = [self._rows[number] for number in range(min(len(self._rows), ROWS_AT_ONCE))]
        try:
            await recordings.add(self._db, some)
        except DatabaseAway as error:
            _log.warning("rows of recordings wait", rows=len(self._rows), reason=str(error))
            await asyncio.sleep(ROWS_RETRY_S)
            return
        for _ in some:
            self._rows.popleft()
        await self._mend(some)

    async def _mend(self, some: Sequence[Recording]) -> None:
        """Rows that waited so long that their minutes were looked at without them are told to the ledger."""
        now = self.clock()
        late = [each for each in some if each.end_ms / 1000 < now - ledger.SETTLED_S]
        pieces = [(each.channel_id, each.start_ms, each.duration_ms) for each in late]
        with contextlib.suppress(DatabaseAway):
            await ledger.found(self._db, pieces, now=datetime.fromtimestamp(now, UTC))

    async def _close(self) -> None:
        for each in list(self.channels):
            self.forget(each)
        if not await asyncio.to_thread(self.writers.close, 20.0):
            _log.error("a disk does not take what waits for it")
        await asyncio.sleep(0)  # what the threads told comes first
        with contextlib.suppress(DatabaseAway):  # the next start finds what has no row
            await recordings.add(self._db, list(self._rows))
            self._rows.clear()


class ChannelRecorder:
    """Records one channel: a sink for its stream. Made by ``Recorder.channel``; both calls of a sink are on the loop.

    ``track`` tells what the stream's pictures need for decoding: ``lambda: stream.track``.
    """

    def __init__(self, recorder: Recorder, channel_id: str, plan: Plan) -> None:
        self.channel_id, self.plan = channel_id, plan
        self.track: Callable[[], Track | None] = lambda: None
        self.lost = 0  # groups of pictures that were wanted and not kept
        self._recorder = recorder
        self._wall = WallClock()
        self._group: Group | None = None
        self._open: _Open | None = None
        self._before: deque[tuple[Group, int]] = deque()  # with how long its last picture lasts
        self.before_bytes = 0  # held for an event that may come
        self._event_until = 0.0
        self._last_end_ms = 0
        self._frame: Frame | None = None
        self._gap = self._holed = False
        self._trouble: Trouble | None = None
        self._not_before = 0.0
        self._code = "asking"
        self._reasons: deque[tuple[float, Lack | None]] = deque([(recorder.clock(), Lack.UNKNOWN)])

    # what a stream calls

    def take(self, frame: Frame) -> None:
        """Take one frame."""
        if not frame.codec.video:
            self._hear(frame)
            return
        at, jumped = self._wall.at(frame.pts, frame.arrived)
        before, self._frame = self._frame, frame
        if before is not None and (jumped or frame.pts - before.pts > GAP_S * CLOCK):
            self._break()
        if frame.key:
            self._begin(frame, at)
        elif self._group is None:
            return  # nothing can be decoded before a key frame
        elif frame.pts - self._group.frames[0].pts >= FRAGMENT:
            track = self._group.track
            self._flush(frame.pts - self._group.frames[-1].pts)
            self._group = Group(at, track)
        if self._group is not None:
            self._group.frames.append(frame)

    def state(self, code: str) -> None:
        """Learn how the stream is."""
        self._code = code
        if code not in {"playing", "asking", "waiting"}:
            self._break()
        self._note()

    # what the plane calls

    def event(self, at: float) -> None:
        """Keep what is from ``plan.pre_s`` before ``at`` (Unix seconds) to ``plan.post_s`` after it.

        Source: 5.1.2.4 (what was before an alarm).
        """
        self._event_until = max(self._event_until, at + self.plan.post_s)
        held, self.before_bytes = list(self._before), 0
        self._before.clear()
        reached = [number for number, (group, last) in enumerate(held) if group.end(last) > at - self.plan.pre_s]
        keys = [number for number in range(reached[0] + 1 if reached else 0) if held[number][0].frames[0].key]
        for group, last in held[keys[-1] :] if keys else ():
            self._keep(group, last, event=True)

    def stop(self) -> None:
        """Keep what came and close the file."""
        self._break()
        self._before.clear()

    def look(self) -> None:
        """See whether the file's volume still takes it; called every few seconds."""
        self._forget_reasons()
        if self._open is not None and not self._recorder.room.takes(self._open.begun.volume, self.plan.priority):
            self._break()
        if self._frame is not None and self._recorder.clock() - self._frame.arrived > GAP_S + RETRY_S:
            self._break()
        self._note()

    def why(self, at: float) -> Lack:
        """Return why it was not recorded at ``at`` (Unix seconds), as far as that is known."""
        found = Lack.UNKNOWN
        for since, reason in self._reasons:
            if since > at:
                break
            found = reason or Lack.UNKNOWN
        return found

    def open_span(self) -> tuple[int, int] | None:
        """Return what the open file holds, Unix milliseconds."""
        return (self._open.begun.start_ms, int(self._open.end * 1000)) if self._open else None

    # how it is done

    def _hear(self, frame: Frame) -> None:
        if self._group is not None and frame.codec in {Codec.G711A, Codec.G711U}:
            self._group.sound.append((frame.arrived, frame))
            self._group.size += frame.size

    def _begin(self, frame: Frame, at: float) -> None:
        """A key frame: what was before it is whole."""
        if self._group is not None:
            self._flush(frame.pts - self._group.frames[-1].pts)
        track = self.track()
        self._group = Group(at, track, gap=self._gap) if track else None
        self._gap = False

    def _break(self) -> None:
        """Nothing follows what came: keep it and close the file."""
        if self._group is not None and self._group.frames:
            frames = self._group.frames
            self._flush(frames[-1].pts - frames[-2].pts if len(frames) > 1 else _USUAL)
        self._group, self._gap = None, True
        self._finish()

    def _flush(self, last: int) -> None:
        """Hand on the group that is whole; its last picture lasts ``last`` ticks."""
        group, self._group = self._group, None
        if group is None or not group.frames:
            return
        group.size += sum(each.size for each in group.frames)
        if self._wanted(group.at):
            self._keep(group, last, event=not self._by_table(group.at))
            return
        self._finish()
        if self.plan.events:
            self._remember(group, last)

    def _by_table(self, at: float) -> bool:
        plan = self.plan
        return plan.by in {By.PLATFORM, By.BOTH} and plan.wants(datetime.fromtimestamp(at, UTC))

    def _wanted(self, at: float) -> bool:
        return at < self._event_until or self._by_table(at)

    def _remember(self, group: Group, last: int) -> None:
        """Hold on to what may turn out to be before an event."""
        self._before.append((group, last))
        self.before_bytes += group.size
        oldest = group.at - self.plan.pre_s
        while self._before and (self._before[0][0].end(self._before[0][1]) < oldest or self.before_bytes > PRE_BYTES):
            self.before_bytes -= self._before.popleft()[0].size

    def _keep(self, group: Group, last: int, *, event: bool) -> None:
        opens = group.frames[0].key
        if self._open is not None and opens and self._must_switch(group):
            self._finish()
        if self._open is None and not (opens and self._create(group, event=event)):
            self._lose()
            return
        current = self._open
        assert current is not None  # noqa: S101 - just made
        if not current.thread.put(lambda: self._append(current, group, last), group.size):
            self._lose()
            self._say(Trouble.TOO_SLOW, f"{current.thread.waiting} bytes wait for {current.begun.root}")
            self._finish()
            return
        current.end = group.end(last)

    def _lose(self) -> None:
        """Count a group that was wanted and is not kept; the next file begins after a gap."""
        self.lost += 1
        self._holed = True

    def _must_switch(self, group: Group) -> bool:
        current = self._open
        return current is not None and (
            current.failed or group.gap or group.at >= current.switch_at or group.track != current.begun.track
        )

    def _create(self, group: Group, *, event: bool) -> bool:
        """Begin a file with ``group``; return whether there is room for it."""
        now = self._recorder.clock()
        if now < self._not_before:
            return False
        volume, trouble = self._recorder.room.choose(self.channel_id, self.plan.priority)
        if volume is None:
            self._say(trouble, "")
            return False
        start = max(round(group.at * 1000), self._last_end_ms)
        flags = Flag.GAP * (group.gap or self._holed) | Flag.EVENT * event
        self._holed = False
        begun = Begun(volume.path, volume.number, self.channel_id, start, group.track, Flag(flags))
        current = _Open(begun, self._recorder.writers.of(volume.number, self.channel_id), self._switch_at(group.at))
        self._open = current
        current.thread.put(lambda: self._make(current))
        self._note()
        return True

    def _switch_at(self, at: float) -> float:
        """Return the next moment at which this camera begins a new file: each at a second of its own."""
        second = zlib.crc32(self.channel_id.encode()) % FILE_S
        return at + FILE_S - (at - second) % FILE_S

    def _finish(self) -> None:
        """Close the file, if one is open."""
        current, self._open = self._open, None
        if current is None:
            return
        self._last_end_ms = int(current.end * 1000)
        self._recorder.closing()
        current.thread.put(lambda: self._seal(current))
        self._note()

    # in a writer's thread

    def _make(self, current: _Open) -> None:
        try:
            current.file = RecordingFile.create(current.begun)
        except OSError as error:
            self._fail(current, error)

    def _append(self, current: _Open, group: Group, last: int) -> None:
        if current.file is None or current.failed:
            return
        try:
            current.file.append(group.frames, last)
            for arrived, sound in group.sound:
                at_ms = round(arrived * 1000) - current.begun.start_ms
                current.file.hear(max(0, at_ms), sound.data, sound.codec)
            current.file.sync_if_due()
        except OSError as error:
            self._fail(current, error)
        else:
            if self._trouble is not None:
                self._on_loop(self._well)

    def _seal(self, current: _Open) -> None:
        row = None
        try:
            row = current.file.finish() if current.file else None
        except OSError as error:
            self._fail(current, error)
        current.file = None
        self._on_loop(self._recorder.closed, row)

    def _fail(self, current: _Open, error: OSError) -> None:
        """What is whole is kept once the file is closed; the camera tries again a little later."""
        if not current.failed:
            current.failed = True
            self._on_loop(self._failed, current, error)

    def _on_loop(self, call: Callable[..., None], *given: object) -> None:
        loop = self._recorder.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call, *given)

    # on the loop again

    def _failed(self, current: _Open, error: OSError) -> None:
        self._not_before = self._recorder.clock() + RETRY_S
        if self._open is current:
            self._finish()
        self._say(Trouble.WRITE_FAILED, f"{current.begun.root}: {error.strerror or error}")

    def _well(self) -> None:
        if self._trouble is not None and self._open is not None and not self._open.failed:
            self._trouble = None
            self._recorder.tell(Told(Trouble.RESUMED, self.channel_id))
            self._note()

    def _say(self, trouble: Trouble, detail: str) -> None:
        """Tell a trouble once, until recording goes on."""
        if trouble is not self._trouble:
            self._trouble = trouble
            self._recorder.tell(Told(trouble, self.channel_id, detail=detail))
        self._note()

    def _note(self) -> None:
        """Write down from when on there is which reason for not recording."""
        reason = self._reason()
        if reason != self._reasons[-1][1]:
            self._reasons.append((self._recorder.clock(), reason))

    def _reason(self) -> Lack | None:
        if self._trouble is not None:
            return Lack.STORE_FAILED
        if self._open is not None:
            return None
        return lack_of(self._code)

    def _forget_reasons(self) -> None:
        oldest = self._recorder.clock() - REMEMBERED_S
        while len(self._reasons) > 1 and self._reasons[1][0] < oldest:
            self._reasons.popleft()
