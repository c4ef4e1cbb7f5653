"""One file of a recording while it is written: fragment after fragment, on disk every ten seconds, whole at any moment.

Blocks as long as the disk does: for writer threads, never for the loop. The file is locked as long as it is open, so
that whoever tidies up after a crash knows that somebody lives.
Source: 5.4.1 (recording), 4.2.1.2.
"""

import fcntl
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anju.protocols.fmp4 import Track, fragment, init_segment
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.store.recordings import Flag, Gop, Recording, name_of, sound_of
from anju.store.segments import sync_folder

SYNC_S = 10.0
"""A power cut loses at most so much of what was written, and the open group of pictures."""
SOUND_RATE = 8  # bytes a millisecond, G.711
SILENCE = {Codec.G711A: b"\xd5", Codec.G711U: b"\xff"}
NEW = ".new"
_MOST_SILENCE_MS = 120_000


class Appender:
    """Appends to one file, all or nothing. Raises OSError where the disk takes it not or in part."""

    def __init__(self, path: Path) -> None:
        _make_folders(path.parent)
        fresh = path.with_name(path.name + NEW)
        self.path, self.size = path, 0
        self._file = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.rename(path)
        except OSError:
            self.close()
            raise

    def append(self, data: bytes) -> None:
        """Write ``data``; where it fails the file is cut back to what was whole before."""
        view, done = memoryview(data), 0
        try:
            while done < len(data):  # a disk that fills up takes a part first, and says so only the next time
                done += os.write(self._file, view[done:])
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(data)

    def sync(self) -> None:
        """Return when what was written is on disk."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _make_folders(folder: Path) -> None:
    """Make the folders of channel and day, named on disk; the volume itself must be there. Raises OSError."""
    for each in (folder.parent, folder):
        if not each.is_dir():
            each.mkdir(mode=0o700)
            sync_folder(each.parent)


@dataclass(slots=True)
class Begun:
    """What is known of a file when it begins."""

    root: Path  # of its volume
    volume: int
    channel_id: str
    start_ms: int
    track: Track
    flags: Flag


@dataclass(slots=True)
class RecordingFile:
    """A file being written. Not for several threads at once."""

    begun: Begun
    flags: Flag
    _video: Appender
    _sound: Appender | None = None
    _audio: str = ""
    _base: int | None = None  # pts of the first picture
    _end: int = 0  # pts behind the last
    _number: int = 0
    _gops: list[Gop] = field(default_factory=list)
    _synced: float = 0.0

    @classmethod
    def create(cls, begun: Begun) -> "RecordingFile":
        """Make the file with its init segment. Raises OSError, FileExistsError where it is there already."""
        video = Appender(begun.root / name_of(begun.channel_id, begun.start_ms))
        try:
            video.append(init_segment(begun.track))
            sync_folder(video.path.parent)
        except OSError:
            video.close()
            video.path.unlink(missing_ok=True)
            raise
        return cls(begun, begun.flags, video, _synced=time.monotonic())

    def append(self, frames: Sequence[Frame], last: int) -> int:
        """Write ``frames`` as one fragment, the last lasting ``last`` ticks; return its bytes. Raises OSError."""
        first = frames[0]
        if self._base is None:
            self._base = first.pts
        data = fragment(self._number + 1, first.pts - self._base, frames, last=last)
        offset = self._video.size
        self._video.append(data)
        self._number += 1
        self._end = frames[-1].pts + last
        if first.key:
            self._gops.append(((first.pts - self._base) * 1000 // CLOCK, offset))
        if any(each.broken for each in frames):
            self.flags |= Flag.BROKEN
        return len(data)

    def hear(self, at_ms: int, data: bytes, codec: Codec) -> None:
        """Write sound that begins ``at_ms`` after the file does; what lacks before it is silence. Raises OSError.

        Sound that comes too early or in another coding than before is left out.
        """
        if self._sound is None:
            self._audio = codec.value
            self._sound = Appender(self.begun.root / sound_of(self.begun.channel_id, self.begun.start_ms, self._audio))
        lacks = at_ms * SOUND_RATE - self._sound.size
        if codec.value != self._audio or lacks < -40 * SOUND_RATE or at_ms > _MOST_SILENCE_MS:
            return
        self._sound.append(SILENCE[codec] * (lacks if lacks > 40 * SOUND_RATE else 0) + data)

    def sync_if_due(self) -> None:
        """Bring to disk what was written, every SYNC_S. Raises OSError."""
        if time.monotonic() - self._synced >= SYNC_S:
            self.sync()

    def sync(self) -> None:
        """Bring to disk what was written. Raises OSError."""
        self._video.sync()
        if self._sound:
            self._sound.sync()
        self._synced = time.monotonic()

    def finish(self) -> Recording | None:
        """Bring all to disk, names too, and return the row; None, and no file, where there is no picture in it.

        Raises OSError: then the file stays without a row, for the next start to find.
        """
        begun = self.begun
        try:
            if not self._gops or self._base is None:
                self._remove()
                return None
            self.sync()
            sync_folder(self._video.path.parent)
        finally:
            self._close()
        duration = -(-(self._end - self._base) * 1000 // CLOCK)
        size = self._video.size + (self._sound.size if self._sound else 0)
        track, gops = begun.track, tuple(self._gops)
        shape = (track.codec, self.flags, gops, track.width, track.height, self._audio)
        return Recording(begun.channel_id, begun.start_ms, duration, begun.volume, size, *shape)

    def _remove(self) -> None:
        self._video.path.unlink(missing_ok=True)
        if self._sound:
            self._sound.path.unlink(missing_ok=True)

    def _close(self) -> None:
        self._video.close()
        if self._sound:
            self._sound.close()
