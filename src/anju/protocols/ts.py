"""Reads MPEG transport streams (ISO/IEC 13818-1), which some devices send although a program stream was agreed."""

from collections import Counter

from anju.protocols.frames import Codec
from anju.protocols.ps import STREAM_TYPES
from anju.protocols.ps_demux import MOST_UNIT, Piece, pes_times

SIZE = 188
_SYNC = 0x47
_MOST_PROGRAMS = 32


class _Line:
    """The access unit that grows on one packet id."""

    __slots__ = ("arrived", "broken", "count", "dts", "need", "parts", "pts", "size", "stamp", "video")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.pts: int | None = None
        self.dts: int | None = None
        self.need = self.size = self.stamp = 0
        self.arrived = 0.0
        self.broken = False
        self.video = False
        self.count = -1


class TsDemuxer:
    """Put bytes in, cut anywhere; take access units out. ``odd`` counts what was wrong, by reason."""

    def __init__(self) -> None:
        self.odd: Counter[str] = Counter()
        self.unknown: set[int] = set()
        self._rest = b""
        self._maps: set[int] = set()
        self._types: dict[int, int] = {}
        self._lines: dict[int, _Line] = {}
        self._found: list[Piece] = []
        self._stamp, self._arrived, self._broken = 0, 0.0, False

    @property
    def held(self) -> int:
        """Return the bytes kept for what is not finished."""
        return len(self._rest) + sum(line.size for line in self._lines.values())

    def feed(
        self, data: bytes, *, stamp: int = 0, arrived: float = 0.0, ends: bool = False, broken: bool = False
    ) -> list[Piece]:
        """Return the access units that ``data`` completed; ``ends`` says nothing here and is taken for likeness."""
        del ends
        self._found, self._stamp, self._arrived, self._broken = [], stamp, arrived, broken
        data = self._rest + data if self._rest else data
        at, last = 0, len(data) - SIZE
        while at <= last:
            if data[at] == _SYNC:
                self._packet(data, at)
                at += SIZE
            else:
                self.odd["no sync byte"] += 1
                at = _synchronised(data, at + 1)
        self._rest = data[at:]
        return self._found

    def _packet(self, data: bytes, at: int) -> None:
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        flags = data[at + 3]
        start = at + 4 if not flags & 0x20 else at + 5 + data[at + 4]
        end = at + SIZE
        if not flags & 0x10 or start >= end:
            return
        begins = bool(data[at + 1] & 0x40)
        if pid == 0 or pid in self._maps:
            if begins:
                self._table(pid, data[start + 1 + data[start] : end])
        elif begins and data[start : start + 3] == b"\0\0\1":
            self._open(pid, data[start:end], flags & 0x0F)
        elif pid in self._lines:
            self._more(self._lines[pid], data[start:end], flags & 0x0F)

    def _table(self, pid: int, table: bytes) -> None:
        """Read a program association or a program map that fits into one packet."""
        end = min(len(table), 3 + ((table[1] & 0x0F) << 8 | table[2])) - 4 if len(table) > 12 else 0
        if pid == 0 and end and table[0] == 0:
            for at in range(8, end - 3, 4):
                if len(self._maps) < _MOST_PROGRAMS and table[at : at + 2] != b"\0\0":
                    self._maps.add((table[at + 2] & 0x1F) << 8 | table[at + 3])
        elif end and table[0] == 2:
            at = 12 + ((table[10] & 0x0F) << 8 | table[11])
            while at + 5 <= end:
                self._name(table[at], (table[at + 1] & 0x1F) << 8 | table[at + 2])
                at += 5 + ((table[at + 3] & 0x0F) << 8 | table[at + 4])

    def _name(self, kind: int, pid: int) -> None:
        self._types[pid] = kind
        if kind not in STREAM_TYPES:
            self.unknown.add(kind)

    def _open(self, pid: int, pes: bytes, count: int) -> None:
        line = self._line(pid, pes[3:4])
        if line is None:
            return
        self._close(pid, line)
        if len(pes) < 9 or 9 + pes[8] > len(pes):
            self.odd["packet header cut off"] += 1
            return
        size = pes[4] << 8 | pes[5]
        line.pts, line.dts = pes_times(pes, 0)
        line.stamp, line.arrived, line.broken = self._stamp, self._arrived, self._broken
        line.need = size - 3 - pes[8] if size else 0
        line.count = (count - 1) & 0x0F
        self._more(line, pes[9 + pes[8] :], count)
        if size and line.size >= line.need:
            self._close(pid, line)

    def _line(self, pid: int, stream: bytes) -> _Line | None:
        """Return the line of a packet id, a new one for the first pictures and the first sound; None for the rest."""
        if pid in self._lines:
            return self._lines[pid]
        video = b"\xe0" <= stream <= b"\xef"
        if not (video or b"\xc0" <= stream <= b"\xdf") or any(each.video == video for each in self._lines.values()):
            return None
        self._lines[pid] = line = _Line()
        line.video = video
        return line

    def _more(self, line: _Line, part: bytes, count: int) -> None:
        if count == line.count:
            return  # sent twice
        line.broken |= self._broken or count != (line.count + 1) & 0x0F
        line.count = count
        line.size += len(part)
        if line.size > MOST_UNIT:
            self.odd["picture too big"] += 1
            line.parts, line.size, line.broken = [], 0, True
            return
        line.parts.append(part)

    def _close(self, pid: int, line: _Line) -> None:
        if line.parts:
            data = b"".join(line.parts)
            codec: Codec | None = STREAM_TYPES.get(self._types.get(pid, -1))
            self._found.append(
                Piece(line.video, codec, data, line.pts, line.dts, line.stamp, line.arrived, line.broken)
            )
        line.parts, line.size = [], 0


def _synchronised(data: bytes, at: int) -> int:
    """Return where a packet begins that another one follows, else where there may be one behind the end."""
    at = data.find(_SYNC, at)
    while at >= 0 and at + SIZE < len(data) and data[at + SIZE] != _SYNC:
        at = data.find(_SYNC, at + 1)
    return at if at >= 0 else len(data)


def looks_like_ts(data: bytes) -> bool:
    """Return whether an RTP payload is a row of transport packets."""
    return len(data) >= SIZE and len(data) % SIZE == 0 and all(data[at] == _SYNC for at in range(0, len(data), SIZE))
