"""Plays the platform's own recordings: fragments as they lie on disk, each with the moment it was.

A seek is one look into the index and one read, from the key frame before the instant; the player skips what is before.
Who sends the pieces paces them; media time runs on without a hole where the recording has one, the moment tells it.
Source: 4.2.1.2 (playback), 5.1.2.4 (what was before an alarm).
"""

import asyncio
import os
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from anju.errors import WireError
from anju.media.library import Library, Located
from anju.protocols import g711
from anju.protocols.fmp4 import Track, fragment
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.protocols.mp4_boxes import Fragment, at_time, fragments, read_init

SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
ALL_PICTURES = 4.0
"""Above this speed only key frames are sent, each as long as its group of pictures."""
SEAM_S = 0.5  # files that follow one another nearer than this have no gap between them
_SOUND_RATE = 8  # bytes a millisecond


@dataclass(frozen=True, slots=True)
class Piece:
    """What is sent at once: a fragment, decodable after those before it.

    ``at`` and ``duration`` are in seconds, the first since 1970. ``init`` and ``track`` stand where a player must begin
    anew: at the start, after a seek, where the camera changed. ``gap`` is how many seconds lack before it. ``sound`` is
    A-law of the same span, b'' where there is none or at speed.
    """

    at: float
    duration: float
    data: bytes
    key: bool
    gap: float = 0.0
    init: bytes = b""
    track: Track | None = None
    sound: bytes = b""


class Playback:
    """Reads one camera's recording from ``start`` to ``end`` (Unix seconds). One caller at a time."""

    def __init__(self, library: Library, channel_id: str, start: float, end: float) -> None:
        self.channel_id, self.start, self.end = channel_id, start, end
        self._library = library
        self._file: _File | None = None
        self._group = 0
        self._ready: deque[Piece] = deque()
        self._position = start  # where the next piece begins at the earliest
        self._after: float | None = None  # end of the last piece, None after a seek
        self._media = 0  # ticks: decoding time of the next piece
        self._number = 0
        self._keys_only = False
        self._anew, self._init_data = True, b""

    def seek(self, at: float) -> None:
        """Go on from ``at`` (Unix seconds), kept inside the span."""
        self._position = min(max(at, self.start), self.end)
        self._ready.clear()
        self._after, self._anew = None, True
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def speed(self, value: float) -> None:
        """Send what a player needs at that speed; what is ready already is still sent."""
        self._keys_only = value > ALL_PICTURES

    async def next(self) -> Piece | None:
        """Return the next piece, None where nothing more is recorded before the end.

        Raises DatabaseAway, OSError where the disk fails.
        """
        while not self._ready:
            if self._file is None and not await self._open():
                return None
            await self._read()
        piece = self._ready.popleft()
        if piece.at >= self.end:
            return None
        self._position = self._after = piece.at + piece.duration
        return piece

    async def _open(self) -> bool:
        """Open the file that holds the position, else the next; return whether there is one before the end."""
        while True:
            located = await self._library.at(self.channel_id, round(self._position * 1000))
            if located is None or located.file.start_ms >= self.end * 1000:
                return False
            try:
                self._file = await asyncio.to_thread(_File, located)
            except (FileNotFoundError, WireError):  # ended meanwhile, or damaged: what follows it is shown
                self._position = located.file.end_ms / 1000
                continue
            self._group = located.file.group_at(round(self._position * 1000))
            return True

    async def _read(self) -> None:
        """Make one group of pictures ready; go on to the next file behind the last."""
        file, number = self._file, self._group
        assert file is not None  # noqa: S101 - the caller opened it
        self._group += 1
        if number >= len(file.located.file.gops):
            self._position = max(self._position, file.located.file.end_ms / 1000)
            self.close()
            return
        data, found = await asyncio.to_thread(file.read, number)
        if not found:
            return
        gap = self._gap(file.moment(found[0]))
        pieces = [self._key(file, data, found)] if self._keys_only else [self._piece(file, data, e) for e in found]
        pieces[0] = replace(pieces[0], gap=gap)
        if self._anew or file.init_data != self._init_data:
            pieces[0] = replace(pieces[0], init=file.init_data, track=file.track)
            self._anew, self._init_data = False, file.init_data
        self._ready.extend(pieces)

    def _gap(self, at: float) -> float:
        """Return the seconds that lack before ``at``; small seams are none."""
        lacks = at - self._after if self._after is not None else 0.0
        return lacks if lacks > SEAM_S else 0.0

    def _piece(self, file: "_File", data: bytes, found: Fragment) -> Piece:
        offset = found.offset - file.base
        moved = at_time(data[offset : offset + found.size], found, self._media)
        self._media += found.duration
        at, duration = file.moment(found), found.duration / CLOCK
        return Piece(at, duration, moved, found.key, sound=file.sound(found.base_time, found.duration))

    def _key(self, file: "_File", data: bytes, found: list[Fragment]) -> Piece:
        """Return the key frame of a group alone, as long as the whole group."""
        first, total = found[0], sum(each.duration for each in found)
        begin = first.first - file.base
        frame = Frame(file.track.coding, 0, True, _nals(data[begin : begin + first.samples[0].size]))
        self._number += 1
        packed = fragment(self._number, self._media, [frame], last=total)
        self._media += total
        return Piece(file.moment(first), total / CLOCK, packed, True)


def _nals(sample: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 4 <= len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        found.append(sample[at + 4 : at + 4 + size])
        at += 4 + size
    return found


class _File:
    """An open file; its methods block as long as the disk does."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self._file = located.path.open("rb")
        self._sound = _opened(located.sound)
        self.size = os.fstat(self._file.fileno()).st_size
        try:
            init = read_init(self._pread, self.size)
        except WireError:
            self.close()
            raise
        self.init_data, self.track = self._pread(0, init.size), init.track
        self.base = 0  # offset of what ``read`` returned last

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
        if self._sound is not None:
            self._sound.close()

    def _pread(self, offset: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, offset)

    def read(self, number: int) -> tuple[bytes, list[Fragment]]:
        """Return the bytes of a group of pictures, and its fragments."""
        gops = self.located.file.gops
        self.base = gops[number][1]
        end = gops[number + 1][1] if number + 1 < len(gops) else self.size
        data = self._pread(self.base, end - self.base)

        def within(offset: int, size: int) -> bytes:
            return data[offset - self.base : offset - self.base + size]

        return data, list(fragments(within, self.base, self.base + len(data)))

    def moment(self, found: Fragment) -> float:
        """Return when a fragment was, Unix seconds."""
        return self.located.file.start_ms / 1000 + found.base_time / CLOCK

    def sound(self, base_time: int, duration: int) -> bytes:
        """Return the A-law of a span of the file."""
        if self._sound is None:
            return b""
        first, last = (each * 1000 // CLOCK * _SOUND_RATE for each in (base_time, base_time + duration))
        data = os.pread(self._sound.fileno(), last - first, first)
        return data if self.located.file.audio == Codec.G711A else g711.alaw_of_ulaw(data)


def _opened(path: Path | None) -> BinaryIO | None:
    return path.open("rb") if path is not None and path.is_file() else None
