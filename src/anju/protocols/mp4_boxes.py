"""Reading MP4 files box by box (ISO/IEC 14496-12): the init segment, and fragments with their samples.

Nothing is opened here: whoever has the file hands over a function that reads from it. What ends before a fragment is
whole, as after a crash, is simply not a fragment.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from anju.errors import WireError
from anju.protocols.fmp4 import Track, track_of
from anju.protocols.frames import Codec

Read = Callable[[int, int], bytes]
"""Returns so many bytes from an offset, fewer at the end of the file."""
MOST_HEAD = 4 * 1024 * 1024  # bytes of one moov or moof
_HEAD = struct.Struct(">I4s")
_LONG = struct.Struct(">Q")
_WORD = struct.Struct(">I")
_BASE_OFFSET, _DESCRIPTION, _DURATION, _SIZE, _FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20  # of tfhd
_RUN_OFFSET, _RUN_FIRST, _RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800
_NO_SYNC = 0x10000
_ENTRIES = {b"avc1": Codec.H264, b"hvc1": Codec.H265, b"hev1": Codec.H265}
_VISUAL = 78  # bytes of a visual sample entry before its boxes


@dataclass(frozen=True, slots=True)
class Box:
    """One box. ``offset`` and ``size`` are with its header, ``body`` is where its content begins."""

    name: bytes
    offset: int
    body: int
    size: int

    @property
    def end(self) -> int:
        """Return the offset behind it."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a fragment; times in the track's ticks. ``shift`` is added for the time it is shown."""

    size: int
    duration: int
    key: bool
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment. ``first`` is the offset of its first sample, ``time_at`` that of its 64-bit decoding time."""

    offset: int
    size: int  # moof and mdat
    base_time: int
    first: int
    time_at: int
    samples: tuple[Sample, ...]

    @property
    def end(self) -> int:
        """Return the offset behind it."""
        return self.offset + self.size

    @property
    def key(self) -> bool:
        """Return whether decoding can start at it."""
        return self.samples[0].key

    @property
    def duration(self) -> int:
        """Return how long it is, in the track's ticks."""
        return sum(each.duration for each in self.samples)

    def offsets(self) -> list[int]:
        """Return the offset of each sample."""
        return list(accumulate((each.size for each in self.samples[:-1]), initial=self.first))


@dataclass(frozen=True, slots=True)
class Init:
    """What comes before the first fragment. ``entry`` is the sample entry's own bytes."""

    size: int
    track: Track
    entry: bytes


def boxes(read: Read, start: int, end: int) -> Iterator[Box]:
    """Yield the whole boxes between two offsets; stops before one that is cut short or is none."""
    while start + 8 <= end:
        head = read(start, 16)
        if len(head) < 8:
            return
        size, name = _HEAD.unpack_from(head)
        body = start + 8
        if size == 1 and len(head) == 16:
            size, body = _LONG.unpack_from(head, 8)[0], start + 16
        if size < body - start or start + size > end:
            return
        yield Box(name, start, body, size)
        start += size


def read_init(read: Read, end: int) -> Init:
    """Return the init segment of the file. Raises WireError where there is none whole, or it is not of pictures."""
    for each in boxes(read, 0, end):
        if each.name == b"moov" and each.size <= MOST_HEAD:
            return _init(read(each.body, each.end - each.body), each.end)
    raise WireError("no moov", data=read(0, 32))


def _init(moov: bytes, size: int) -> Init:
    entries = _inside(moov, b"trak", b"mdia", b"minf", b"stbl", b"stsd")[8:]
    try:
        length, name = _HEAD.unpack_from(entries)
        codec = _ENTRIES[name]
        entry = entries[:length]
        inner = entry[8 + _VISUAL :]
        record = _inside(inner, b"avcC" if codec is Codec.H264 else b"hvcC")
        parameters = _avc(record) if codec is Codec.H264 else _hevc(record)
    except (struct.error, KeyError, IndexError) as error:
        raise WireError("a sample entry that cannot be read", data=entries) from error
    return Init(size, track_of(codec, parameters), entry)


def _inside(data: bytes, *path: bytes) -> bytes:
    """Return the body of the first box at ``path``. Raises WireError."""
    for name in path:
        found = next((each for each in boxes(_from(data), 0, len(data)) if each.name == name), None)
        if found is None:
            raise WireError(f"no box {name.decode()}", data=data)
        data = data[found.body : found.end]
    return data


def _from(data: bytes) -> Read:
    return lambda offset, size: data[offset : offset + size]


def _avc(record: bytes) -> dict[int, tuple[bytes, ...]]:
    sequences, at = _sets(record, 6, record[5] & 0x1F)
    pictures, _ = _sets(record, at + 1, record[at])
    return {7: sequences, 8: pictures}


def _hevc(record: bytes) -> dict[int, tuple[bytes, ...]]:
    found, at = {}, 23
    for _ in range(record[22]):
        number, (count,) = record[at] & 0x3F, struct.unpack_from(">H", record, at + 1)
        found[number], at = _sets(record, at + 3, count)
    return found


def _sets(record: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        (size,) = struct.unpack_from(">H", record, at)
        found.append(record[at + 2 : at + 2 + size])
        at += 2 + size
    return tuple(found), at


def fragments(read: Read, start: int, end: int) -> Iterator[Fragment]:
    """Yield the whole fragments between two offsets, in order; stops at the first that is not whole."""
    moof: Box | None = None
    for each in boxes(read, start, end):
        if each.name == b"moof" and each.size <= MOST_HEAD:
            moof = each
        elif each.name == b"mdat" and moof is not None:
            try:
                yield read_fragment(read(moof.offset, moof.size), moof.offset, each.end - moof.offset)
            except WireError:
                return
            moof = None
        else:
            return


def read_fragment(moof: bytes, offset: int, size: int) -> Fragment:
    """Return the fragment whose ``moof`` lies at ``offset``; ``size`` is with its mdat. Raises WireError."""
    try:
        return _fragment(moof, offset, size)
    except (struct.error, IndexError) as error:
        raise WireError("a moof that cannot be read", data=moof) from error


def _fragment(moof: bytes, offset: int, size: int) -> Fragment:
    within = _from(moof)
    traf = _one(list(boxes(within, 8, len(moof))), b"traf", moof)
    inner = list(boxes(within, traf.body, traf.end))
    header, time, run = (_one(inner, name, moof) for name in (b"tfhd", b"tfdt", b"trun"))
    if moof[time.body] != 1:
        raise WireError("a decoding time of 32 bits", data=moof)
    (base,) = _LONG.unpack_from(moof, time.body + 4)
    first, samples = _run(moof, run, _defaults(moof, header))
    if not samples or first + sum(each.size for each in samples) > size:
        raise WireError("a run that does not fit", data=moof)
    return Fragment(offset, size, base, offset + first, offset + time.body + 4, samples)


def _one(found: list[Box], name: bytes, moof: bytes) -> Box:
    for each in found:
        if each.name == name:
            return each
    raise WireError(f"no box {name.decode()}", data=moof)


def _defaults(moof: bytes, header: Box) -> tuple[int, int, int]:
    """Return duration, size and flags of samples whose run does not name them."""
    flags = _WORD.unpack_from(moof, header.body)[0] & 0xFFFFFF
    at = header.body + 8 + 8 * bool(flags & _BASE_OFFSET) + 4 * bool(flags & _DESCRIPTION)
    found = []
    for bit in (_DURATION, _SIZE, _FLAGS):
        found.append(_WORD.unpack_from(moof, at)[0] if flags & bit else 0)
        at += 4 * bool(flags & bit)
    return found[0], found[1], found[2]


def _run(moof: bytes, run: Box, defaults: tuple[int, int, int]) -> tuple[int, tuple[Sample, ...]]:
    """Return the first sample's offset from the moof, and the samples."""
    flags, count = struct.unpack_from(">II", moof, run.body)
    at, first, first_flags = run.body + 8, 0, None
    if flags & _RUN_OFFSET:
        (first,) = struct.unpack_from(">i", moof, at)
        at += 4
    if flags & _RUN_FIRST:
        first_flags, at = _WORD.unpack_from(moof, at)[0], at + 4
    given = [bit for bit in (_RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT) if flags & bit]
    if at + 4 * len(given) * count > run.end:
        raise WireError("a run cut short", data=moof)
    words = struct.unpack_from(f">{len(given) * count}I", moof, at)
    columns = {bit: words[number :: len(given)] for number, bit in enumerate(given)}
    durations = columns.get(_RUN_DURATION) or (defaults[0],) * count
    sizes = columns.get(_RUN_SIZE) or (defaults[1],) * count
    marks = list(columns.get(_RUN_FLAGS) or (defaults[2],) * count)
    if first_flags is not None and marks:
        marks[0] = first_flags
    shifts = [_signed(each) for each in columns.get(_RUN_SHIFT, ())] or [0] * count
    rows = zip(sizes, durations, marks, shifts, strict=True)
    return first, tuple(Sample(size, length, not mark & _NO_SYNC, shift) for size, length, mark, shift in rows)


def _signed(word: int) -> int:
    return word - (1 << 32) if word & 0x80000000 else word


def at_time(fragment: bytes, found: Fragment, base_time: int) -> bytes:
    """Return the bytes of ``found`` with another decoding time; the pictures stay bit by bit. Its time has 64 bits."""
    at = found.time_at - found.offset
    return b"".join((fragment[:at], _LONG.pack(base_time), fragment[at + 8 :]))
