"""Plain MP4 (ISO/IEC 14496-12): one picture track whose index stands before its pictures, for any player.

The pictures themselves lie behind, one after the other, as they were: nothing is coded anew.
"""

import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from anju.protocols.fmp4 import Track
from anju.protocols.frames import CLOCK
from anju.protocols.mp4_boxes import Sample

EPOCH = 2_082_844_800  # seconds from 1904, where MP4 begins to count, to 1970
_WORD = struct.Struct(">I")
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_FTYP = _WORD.pack(28) + b"ftypisom\0\0\2\0isomiso2mp41"


@dataclass(slots=True)
class Table:
    """Every sample of a file, in few bytes each; a chunk is what one fragment brought."""

    sizes: "array[int]" = field(default_factory=lambda: array("I"))
    durations: "array[int]" = field(default_factory=lambda: array("I"))
    shifts: "array[int]" = field(default_factory=lambda: array("i"))
    keys: "array[int]" = field(default_factory=lambda: array("I"))  # numbers from 1
    chunks: "array[int]" = field(default_factory=lambda: array("I"))  # samples in each
    chunk_bytes: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, samples: Sequence[Sample]) -> None:
        """Take in one fragment."""
        for each in samples:
            self.sizes.append(each.size)
            self.durations.append(each.duration)
            self.shifts.append(each.shift)
            if each.key:
                self.keys.append(len(self.sizes))
        self.chunks.append(len(samples))
        self.chunk_bytes.append(sum(each.size for each in samples))

    def lengthen(self, ticks: int) -> None:
        """Let the last sample last longer: what comes next begins so much after its end."""
        self.durations[-1] += ticks

    @property
    def bytes(self) -> int:
        """Return the bytes of all samples."""
        return sum(self.chunk_bytes)

    @property
    def duration(self) -> int:
        """Return how long they are, ticks of 90 kHz."""
        return sum(self.durations)


def head(track: Track, entry: bytes, table: Table, *, made_at: float) -> bytes:
    """Return everything before the first sample; ``made_at`` (Unix seconds) is when the first picture was.

    ``entry`` is the sample entry of the files the samples come from.
    """
    length = len(_moov(track, entry, table, 0, made_at))
    size = table.bytes
    large = size + 8 > 0xFFFFFFFF
    start = len(_FTYP) + length + (16 if large else 8)
    moov = _moov(track, entry, table, start, made_at)
    mdat = struct.pack(">I4sQ", 1, b"mdat", size + 16) if large else struct.pack(">I4s", size + 8, b"mdat")
    return _FTYP + moov + mdat


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _WORD.pack(8 + len(body)) + name + body


def _full(name: bytes, version_flags: int, *parts: bytes) -> bytes:
    return _box(name, _WORD.pack(version_flags), *parts)


def _moov(track: Track, entry: bytes, table: Table, start: int, made_at: float) -> bytes:
    made, length = int(made_at) + EPOCH, table.duration
    times = struct.pack(">QQIQ", made, made, CLOCK, length)
    header = _full(
        b"mvhd", 0x01000000, times, struct.pack(">IHHII", 0x10000, 0x0100, 0, 0, 0), _MATRIX, bytes(24), _WORD.pack(2)
    )
    placed = struct.pack(">QQIIQ8xHHHH", made, made, 1, 0, length, 0, 0, 0, 0) + _MATRIX
    shown = _full(b"tkhd", 0x01000003, placed, struct.pack(">II", track.width << 16, track.height << 16))
    media = _full(b"mdhd", 0x01000000, times, struct.pack(">HH", 0x55C4, 0))
    handler = _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide"), b"video\0")
    source = _box(b"dinf", _full(b"dref", 0, _WORD.pack(1), _full(b"url ", 1)))
    tables = _box(b"stbl", _full(b"stsd", 0, _WORD.pack(1), entry), *_tables(table, start))
    inner = _box(b"minf", _full(b"vmhd", 1, bytes(8)), source, tables)
    return _box(b"moov", header, _box(b"trak", shown, _box(b"mdia", media, handler, inner)))


def _tables(table: Table, start: int) -> list[bytes]:
    found = [_full(b"stts", 0, *_runs(table.durations, ">II"))]
    if any(table.shifts):
        found.append(_full(b"ctts", 0x01000000, *_runs(table.shifts, ">Ii")))
    found += [
        _full(b"stss", 0, _WORD.pack(len(table.keys)), _words(table.keys)),
        _full(b"stsc", 0, *_chunks(table.chunks)),
        _full(b"stsz", 0, struct.pack(">II", 0, len(table.sizes)), _words(table.sizes)),
    ]
    offsets = _offsets(table.chunk_bytes, start)
    large = start + table.bytes > 0xFFFFFFFF
    words = struct.pack(f">{len(offsets)}{'Q' if large else 'I'}", *offsets)
    return [*found, _full(b"co64" if large else b"stco", 0, _WORD.pack(len(offsets)), words)]


def _words(numbers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def _runs(numbers: Iterable[int], form: str) -> tuple[bytes, bytes]:
    runs = [(sum(1 for _ in run), number) for number, run in groupby(numbers)]
    return _WORD.pack(len(runs)), b"".join(struct.pack(form, *each) for each in runs)


def _chunks(counts: Iterable[int]) -> tuple[bytes, bytes]:
    entries, first = [], 1
    for count, run in groupby(counts):
        entries.append(struct.pack(">III", first, count, 1))
        first += sum(1 for _ in run)
    return _WORD.pack(len(entries)), b"".join(entries)


def _offsets(sizes: Iterable[int], start: int) -> list[int]:
    found = []
    for each in sizes:
        found.append(start)
        start += each
    return found
