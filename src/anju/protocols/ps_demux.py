"""Reads MPEG program streams as GB/T 28181 cameras really send them: by lengths, and back in after what is wrong."""

import struct
from collections import Counter
from dataclasses import dataclass

from anju.protocols.frames import Codec
from anju.protocols.ps import MAP, PACK, START, STREAM_TYPES

MOST_UNIT = 8 << 20  # bytes of one picture
_MOST_MAP = 1024
_MOST_OTHERS = 3  # packets of another picture in a row
_HEAD = struct.Struct(">IH")
_STAMP = struct.Struct(">BHH")
_PACK_START = START + bytes((PACK,))
_END_CODE = 0x1B9
_TAIL = 3  # bytes kept back where a start code may be cut
_SOUND = range(0x1C0, 0x1E0)
_VIDEO = range(0x1E0, 0x1F0)


@dataclass(slots=True)
class Piece:
    """One access unit. ``codec`` is what the stream map said of it, ``pts`` and ``dts`` are raw 33 bits, where given.

    ``stamp`` and ``arrived`` are those of the RTP packets it began in.
    """

    video: bool
    codec: Codec | None
    data: bytes
    pts: int | None
    dts: int | None
    stamp: int
    arrived: float
    broken: bool


class _Unit:
    """An access unit that grows."""

    __slots__ = ("arrived", "broken", "dts", "parts", "pts", "size", "stamp")

    def __init__(self, pts: int | None, dts: int | None, stamp: int, arrived: float) -> None:
        self.pts, self.dts, self.stamp, self.arrived = pts, dts, stamp, arrived
        self.parts: list[bytes] = []
        self.size, self.broken = 0, False


class PsDemuxer:
    """Put units in; take access units out, each as soon as its end is known.

    ``odd`` counts what was wrong, by reason. ``unknown`` are stream types of the map that are not understood.
    """

    def __init__(self) -> None:
        self.odd: Counter[str] = Counter()
        self.unknown: set[int] = set()
        self._types: dict[int, int] = {}
        self._found: list[Piece] = []
        self._rest = b""
        self._need = 0  # bytes of the open packet that are still to come; -1: up to the next start code
        self._video: _Unit | None = None
        self._video_id = self._others = 0
        self._sound: _Unit | None = None
        self._sound_id = 0
        self._target: _Unit | None = None
        self._last_pts: int | None = None
        self._ended = False
        self._patient = False  # a picture goes on behind the end of its unit: wait for the next time stamp
        self._stamp, self._arrived, self._broken = 0, 0.0, False

    @property
    def held(self) -> int:
        """Return the bytes kept for what is not finished."""
        return len(self._rest) + sum(unit.size for unit in (self._video, self._sound) if unit is not None)

    def feed(
        self, data: bytes, *, stamp: int = 0, arrived: float = 0.0, ends: bool = False, broken: bool = False
    ) -> list[Piece]:
        """Return the access units that ``data`` completed.

        ``ends``: the sender said that a picture ends here. ``broken``: something of ``data`` was lost on the way.
        """
        self._found = []
        self._stamp, self._arrived, self._broken = stamp, arrived, broken
        if broken and self._video is not None:
            self._video.broken = True
        data = self._joined(data)
        at = self._walk(data, self._continue(data) if self._need else 0, ends=ends)
        self._rest = data[at:]
        self._ended = ends
        if ends and self._need <= 0:
            self._end()
        return self._found

    def _joined(self, data: bytes) -> bytes:
        """Return ``data`` behind what was kept back, unless a new packet shows that the rest of that never came."""
        fresh = data.startswith(START) and data[3:4] > b"\xb9"
        if self._ended and not self._need and not self._video and fresh and 0xE0 <= data[3] <= 0xEF:
            self._patient |= data[7:8] < b"\x80" and not self._broken and self._last_pts is not None
        rest, self._rest = self._rest, b""
        if fresh:
            self._cut_off(rest)
            return data
        return rest + data if rest else data

    def _cut_off(self, rest: bytes) -> None:
        """Close a packet that is shorter than its length, and the picture it belongs to."""
        if self._need or rest:
            self._count("packet shorter than its length")
            self._need = 0
            self._close_packet()
            self._flush_video()

    def _end(self) -> None:
        """Close what ends with its unit: a packet without a length, and the picture."""
        if self._need:
            self._add(self._rest)
            self._need, self._rest = 0, b""
            self._close_packet()
        if not self._patient:
            self._flush_video()

    def _continue(self, data: bytes) -> int:
        """Take the rest of the open packet; return where the next begins."""
        if self._need < 0:
            return self._take_open(data, 0)
        taken = min(self._need, len(data))
        self._add(data[:taken])
        self._need -= taken
        if not self._need:
            self._close_packet()
        return taken

    def _walk(self, data: bytes, at: int, *, ends: bool) -> int:
        end = len(data)
        while at + 6 <= end:
            code, size = _HEAD.unpack_from(data, at)
            if code in _VIDEO or code in _SOUND:
                following = self._pes(data, at, code, size)
            elif code == 0x100 | PACK:
                following = self._pack(data, at)
            elif code == 0x100 | MAP and size <= _MOST_MAP:
                following = self._map(data, at, size)
            elif code > _END_CODE and code >> 8 == 1:
                following = self._skip(at + 6 + size, end)
            elif code == _END_CODE:
                following = at + 4
            else:
                following = self._resynchronise(data, at)
            if following < 0:
                break
            at = following
        return end if ends and not self._need and not any(data[at:]) else at

    def _pack(self, data: bytes, at: int) -> int:
        if at + 14 > len(data):
            return -1
        unit = self._video
        if unit is not None and (unit.pts is None or unit.pts == self._last_pts):
            self._flush_video()  # time stamps that do not move part nothing
        if data[at + 4] >> 6 == 1:
            after = at + 14 + (data[at + 13] & 7)
            return after if after <= len(data) else -1
        return at + 12  # MPEG-1

    def _map(self, data: bytes, at: int, size: int) -> int:
        end = at + 6 + size
        if end > len(data):
            return -1
        place = at + 10
        place += 2 + int.from_bytes(data[place - 2 : place], "big") if size >= 4 else 0
        while place + 4 <= end - 4:
            kind, stream = data[place], data[place + 1]
            self._types[stream] = kind
            if kind not in STREAM_TYPES:
                self.unknown.add(kind)
            place += 4 + int.from_bytes(data[place + 2 : place + 4], "big")
        return end

    def _skip(self, after: int, end: int) -> int:
        self._target, self._need = None, max(0, after - end)
        return min(after, end)

    def _resynchronise(self, data: bytes, at: int) -> int:
        """Go on behind what is no packet: a picture whose length was too small goes on, zeros are padding."""
        following = _next_packet(data, at)
        until = following if following >= 0 else len(data) - _TAIL
        if not any(data[at:until]):
            return until
        self._count("bytes between packets")
        if self._video is not None and self._target is self._video:
            self._need = -1
            return self._take_open(data, at)
        return until

    def _pes(self, data: bytes, at: int, code: int, size: int) -> int:
        end = len(data)
        if at + 9 > end:
            return -1
        start = at + 9 + data[at + 8] if data[at + 6] & 0xC0 == 0x80 else at + 6
        if start > end:
            return -1
        pts, dts = pes_times(data, at)
        if code in _VIDEO:
            self._open_video(code, pts, dts)
        else:
            self._open_sound(code, pts)
        if not size:
            self._need = -1
            return self._take_open(data, start)
        after = at + 6 + size
        if after < start:
            self._count("packet shorter than its header")
            return start
        self._add(data[start:after])
        if after > end:
            self._need = after - end
            return end
        self._close_packet()
        return after

    def _take_open(self, data: bytes, at: int) -> int:
        """Take a packet without a length up to the next start code."""
        following = _next_packet(data, at)
        if following >= 0:
            self._need = 0
            self._add(data[at:following])
            self._close_packet()
            return following
        until = max(at, len(data) - _TAIL)
        self._add(data[at:until])
        return until

    def _open_video(self, code: int, pts: int | None, dts: int | None) -> None:
        if not self._is_ours(code):
            self._target = None
            return
        unit = self._video
        if unit is not None and pts is not None and pts != unit.pts:
            self._flush_video()
            unit = None
        if unit is None:
            unit = self._video = _Unit(pts, dts, self._stamp, self._arrived)
        unit.broken |= self._broken
        self._target = unit

    def _is_ours(self, code: int) -> bool:
        """Return whether a packet belongs to the picture that is read: another one is, once it comes alone."""
        if code == self._video_id:
            self._others = 0
            return True
        self._others += 1
        if self._video_id and self._others <= _MOST_OTHERS:
            return False
        self._flush_video()
        self._video_id, self._others = code, 0
        return True

    def _open_sound(self, code: int, pts: int | None) -> None:
        self._sound_id = code
        self._sound = self._target = _Unit(pts, None, self._stamp, self._arrived)

    def _add(self, part: bytes) -> None:
        unit = self._target
        if unit is None:
            return
        unit.size += len(part)
        if unit.size > MOST_UNIT:
            unit.broken = True
            unit.parts.clear()
            unit.size = 0
            self._count("picture too big")
        unit.parts.append(part)

    def _close_packet(self) -> None:
        unit = self._sound
        if unit is not None and self._target is unit:
            self._give(unit, self._sound_id, video=False)
            self._sound = self._target = None

    def _flush_video(self) -> None:
        unit, self._video = self._video, None
        if unit is None:
            return
        if self._target is unit:
            self._target = None
        self._last_pts = unit.pts
        self._give(unit, self._video_id, video=True)

    def _give(self, unit: _Unit, code: int, *, video: bool) -> None:
        data = unit.parts[0] if len(unit.parts) == 1 else b"".join(unit.parts)
        codec = STREAM_TYPES.get(self._types.get(code & 0xFF, -1))
        if data:
            self._found.append(Piece(video, codec, data, unit.pts, unit.dts, unit.stamp, unit.arrived, unit.broken))

    def _count(self, reason: str) -> None:
        self.odd[reason] += 1


def pes_times(data: bytes, at: int) -> tuple[int | None, int | None]:
    """Return the raw PTS and DTS of the PES packet whose whole header begins at ``at``."""
    flags, size = data[at + 7], data[at + 8]
    if data[at + 6] & 0xC0 != 0x80 or not flags & 0x80 or size < 5:
        return None, None
    return _time(data, at + 9), _time(data, at + 14) if flags & 0x40 and size >= 10 else None


def _time(data: bytes, at: int) -> int:
    high, middle, low = _STAMP.unpack_from(data, at)
    return int((high >> 1 & 7) << 30 | (middle >> 1) << 15 | low >> 1)


def _next_packet(data: bytes, at: int) -> int:
    """Return where the next packet of the system layer begins: pictures hold no start code of those numbers."""
    at = data.find(START, at)
    while at >= 0 and at + 3 < len(data):
        if data[at + 3] > 0xB8:
            return at
        at = data.find(START, at + 3)
    return -1
