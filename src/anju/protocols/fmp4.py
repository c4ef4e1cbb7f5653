"""Fragmented MP4 (ISO/IEC 14496-12 and -15): one picture track, an init segment and fragments of whole frames."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from anju.errors import WireError
from anju.protocols import nal
from anju.protocols.frames import CLOCK, Codec, Frame

_WORD = struct.Struct(">I")
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY, _OTHER = 0x02000000, 0x01010000  # sample flags: depends on none; depends on others and is no sync sample
_USUAL = CLOCK // 25  # length of a frame nobody knows the end of
_BROKEN = "parameter sets that cannot be used"


@dataclass(frozen=True, slots=True)
class Track:
    """What a player must know before the first picture. ``codec`` is the name browsers know: ``avc1.640028``.

    ``parameters`` are the parameter sets by their NAL type, each kind in order of coming.
    """

    coding: Codec
    codec: str
    width: int
    height: int
    parameters: Mapping[int, tuple[bytes, ...]]
    sequence: nal.SequenceSet


def track_of(codec: Codec, parameters: Mapping[int, tuple[bytes, ...]]) -> Track:
    """Return the track that ``parameters`` describe. Raises WireError where one is missing or unreadable."""
    needed = nal.PARAMETERS[codec]
    if any(not parameters.get(number) for number in needed):
        raise WireError(_BROKEN, data=b"")
    first = parameters[nal.H264_SPS if codec is Codec.H264 else nal.H265_SPS][0]
    sequence = nal.read_sps(codec, first)
    kept = {number: parameters[number] for number in sorted(needed)}
    return Track(codec, sequence.name, sequence.width, sequence.height, kept, sequence)


def init_segment(track: Track) -> bytes:
    """Return the init segment: what comes before the first fragment."""
    return _box(b"ftyp", b"isom\0\0\2\0isomiso5iso6avc1mp41") + _box(b"moov", *_moov(track))


def fragment(number: int, base_time: int, frames: Sequence[Frame], *, last: int | None = None) -> bytes:
    """Return ``frames`` of one track as a fragment.

    ``number`` counts fragments from 1; ``base_time`` is the first frame's decoding time in the file (90 kHz) and must
    rise from fragment to fragment. ``last`` is how long the last frame is shown, where known. Parameter sets and
    delimiters are left out of the samples: the init segment has them.
    """
    samples = [_sample(frame) for frame in frames]
    run = _run(frames, list(map(len, samples)), last)
    size = 76 + len(run)
    head = struct.pack(
        ">I4sI4sIII4sI4sIII4sIQI4s",
        *(size, b"moof", 16, b"mfhd", 0, number),
        *(size - 24, b"traf", 16, b"tfhd", 0x020000, 1),
        *(20, b"tfdt", 0x01000000, base_time, 8 + len(run), b"trun"),
    )
    body = b"".join(samples)
    return b"".join((head, run, _WORD.pack(8 + len(body)), b"mdat", body))


def _run(frames: Sequence[Frame], sizes: list[int], last: int | None) -> bytes:
    shifted = any(frame.shift for frame in frames)
    width = 4 if shifted else 3
    words = [0] * (3 + width * len(frames))
    words[0] = 0x01000701 | shifted << 11
    words[1] = len(frames)
    words[2] = 84 + 4 * len(words)  # where the first sample begins, counted from the fragment
    words[3::width] = _durations(frames, last)
    words[4::width] = sizes
    words[5::width] = [_KEY if frame.key else _OTHER for frame in frames]
    if shifted:
        words[6::width] = [frame.shift & 0xFFFFFFFF for frame in frames]
    return struct.pack(f">{len(words)}I", *words)


def _durations(frames: Sequence[Frame], last: int | None) -> list[int]:
    times = [frame.pts for frame in frames]
    lengths = [max(0, later - earlier) for earlier, later in pairwise(times)]
    usual = lengths[-1] if lengths else _USUAL
    return [*lengths, usual if last is None else last]


def _sample(frame: Frame) -> bytes:
    apart = nal.APART[frame.codec]
    return b"".join([part for each in frame.nals if each[0] not in apart for part in (_WORD.pack(len(each)), each)])


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _WORD.pack(8 + len(body)) + name + body


def _full(name: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(name, _WORD.pack(flags), *parts)


def _moov(track: Track) -> tuple[bytes, ...]:
    header = struct.pack(">IIIIIHHII", 0, 0, CLOCK, 0, 0x10000, 0x0100, 0, 0, 0) + _MATRIX + bytes(24) + _WORD.pack(2)
    extends = _full(b"trex", 0, struct.pack(">IIIII", 1, 1, 0, 0, 0))
    return _full(b"mvhd", 0, header), _trak(track), _box(b"mvex", extends)


def _trak(track: Track) -> bytes:
    size = struct.pack(">II", track.width << 16, track.height << 16)
    header = struct.pack(">IIIIIIIHHHH", 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) + _MATRIX + size
    media = struct.pack(">IIIIHH", 0, 0, CLOCK, 0, 0x55C4, 0)
    handler = _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide"), b"video\0")
    return _box(
        b"trak",
        _full(b"tkhd", 3, header),
        _box(b"mdia", _full(b"mdhd", 0, media), handler, _minf(track)),
    )


def _minf(track: Track) -> bytes:
    source = _box(b"dinf", _full(b"dref", 0, _WORD.pack(1), _full(b"url ", 1)))
    tables = [_full(name, 0, bytes(size)) for name, size in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4))]
    entries = _full(b"stsd", 0, _WORD.pack(1), _entry(track))
    return _box(b"minf", _full(b"vmhd", 1, bytes(8)), source, _box(b"stbl", entries, *tables))


def _entry(track: Track) -> bytes:
    fields = struct.pack(">6xH16xHHIIIH32xHh", 1, track.width, track.height, 0x480000, 0x480000, 0, 1, 24, -1)
    if track.coding is Codec.H264:
        return _box(b"avc1", fields, _box(b"avcC", _avc(track)))
    return _box(b"hvc1", fields, _box(b"hvcC", _hevc(track)))


def _avc(track: Track) -> bytes:
    sequence = track.sequence
    record = b"\1" + sequence.profile + b"\xff"
    for mark, number in ((0xE0, nal.H264_SPS), (0, nal.H264_PPS)):
        record += bytes((mark | len(track.parameters[number]),)) + _sets(track.parameters[number])
    if sequence.has_depth:
        depths = sequence.luma_bits - 8, sequence.chroma_bits - 8
        record += bytes((0xFC | sequence.chroma, 0xF8 | depths[0], 0xF8 | depths[1], 0))
    return record


def _hevc(track: Track) -> bytes:
    sequence = track.sequence
    depths = sequence.luma_bits - 8, sequence.chroma_bits - 8
    record = b"\1" + sequence.profile + b"\xf0\0\xfc"
    record += bytes((0xFC | sequence.chroma, 0xF8 | depths[0], 0xF8 | depths[1], 0, 0))
    record += bytes((sequence.layers << 3 | sequence.nested << 2 | 3, len(track.parameters)))
    for number, sets in track.parameters.items():
        record += struct.pack(">BH", 0x80 | number, len(sets)) + _sets(sets)
    return record


def _sets(sets: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(each)) + each for each in sets)
