"""MPEG program stream (ISO/IEC 13818-1) as GB/T 28181 cameras send it: written here, read in ``ps_demux``."""

import struct
from collections.abc import Iterable

from anju.protocols.frames import Codec, Frame

START = b"\0\0\1"
PACK, SYSTEM, MAP = 0xBA, 0xBB, 0xBC  # fourth byte of a start code
VIDEO, AUDIO = 0xE0, 0xC0  # the first of 16 and of 32 stream ids
STREAM_TYPES = {
    0x1B: Codec.H264,
    0x24: Codec.H265,
    0x90: Codec.G711A,
    0x91: Codec.G711U,
    0x0F: Codec.AAC,
}
TYPE_OF = {codec: number for number, codec in STREAM_TYPES.items()}
MOST_PES = 65_000  # bytes of payload in one PES packet: its length has 16 bits
_MUX_RATE = 50_000  # in 50 bytes a second: 20 Mbit/s
_SHORT = struct.Struct("!H")


class PsMuxer:
    """Writes access units as packs: pack header, before a key frame system header and stream map, then PES packets.

    The map names ``video`` and ``audio``; ``maps`` off leaves system header and map out, as some devices do.
    """

    def __init__(self, video: Codec, audio: Codec | None = None, *, maps: bool = True) -> None:
        self._head = _system_header(sound=audio is not None) + _stream_map(video, audio) if maps else b""

    def video(self, access_unit: bytes, pts: int, *, key: bool) -> bytes:
        """Return one picture (Annex B, start codes and all) as a pack; ``pts`` is 90 kHz."""
        head = pack_header(pts) + (self._head if key else b"")
        return head + b"".join(_pes(VIDEO, access_unit, pts))

    def audio(self, data: bytes, pts: int) -> bytes:
        """Return one piece of sound as a pack."""
        return pack_header(pts) + b"".join(_pes(AUDIO, data, pts))

    def frame(self, frame: Frame) -> bytes:
        """Return ``frame`` as a pack."""
        if frame.codec.video:
            return self.video(annex_b(frame.nals), frame.pts, key=frame.key)
        return self.audio(frame.data, frame.pts)


def annex_b(nals: Iterable[bytes]) -> bytes:
    """Return NAL units with their start codes."""
    return b"".join(part for nal in nals for part in (b"\0\0\0\1", nal))


def pack_header(pts: int) -> bytes:
    """Return a pack header whose clock says ``pts``."""
    clock = pts & 0x1FFFFFFFF
    bits = 1 << 46 | (clock >> 30) << 43 | 1 << 42 | (clock >> 15 & 0x7FFF) << 27 | 1 << 26
    bits |= (clock & 0x7FFF) << 11 | 1 << 10 | 1
    return b"\0\0\1\xba" + bits.to_bytes(6, "big") + (_MUX_RATE << 2 | 3).to_bytes(3, "big") + b"\xf8"


def time_stamp(mark: int, pts: int) -> bytes:
    """Return ``pts`` as the five bytes of a PES header that begin with ``mark`` (2 alone, 3 and 1 with a DTS)."""
    return struct.pack(
        "!BHH", mark << 4 | (pts >> 30 & 7) << 1 | 1, (pts >> 15 & 0x7FFF) << 1 | 1, (pts & 0x7FFF) << 1 | 1
    )


def _pes(stream: int, data: bytes, pts: int) -> Iterable[bytes]:
    head = b"\x80\x80\x05" + time_stamp(2, pts)  # only the first part says the time
    for start in range(0, len(data) or 1, MOST_PES):
        part = data[start : start + MOST_PES]
        yield START + bytes((stream,)) + _SHORT.pack(len(head) + len(part)) + head + part
        head = b"\x80\x00\x00"


def _system_header(*, sound: bool) -> bytes:
    body = (1 << 23 | _MUX_RATE << 1 | 1).to_bytes(3, "big") + bytes((sound << 2, 0xE1, 0x7F))
    body += b"\xe0\xe8\x00"  # picture buffer of 2 MiB
    if sound:
        body += b"\xc0\xc0\x20"  # sound buffer of 4 KiB
    return b"\0\0\1\xbb" + _SHORT.pack(len(body)) + body


def _stream_map(video: Codec, audio: Codec | None) -> bytes:
    entries = struct.pack("!BBH", TYPE_OF[video], VIDEO, 0)
    if audio is not None:
        entries += struct.pack("!BBH", TYPE_OF[audio], AUDIO, 0)
    body = b"\xe0\xff" + _SHORT.pack(0) + _SHORT.pack(len(entries)) + entries
    head = b"\0\0\1\xbc" + _SHORT.pack(len(body) + 4) + body
    return head + crc32(head).to_bytes(4, "big")


def crc32(data: bytes) -> int:
    """Return the checksum of MPEG tables: polynomial 04C11DB7, from all ones, not reflected."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value
