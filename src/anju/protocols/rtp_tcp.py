"""RTP over TCP as RFC 4571 frames it: two bytes of length before each packet; also the ``$`` framing of RTSP."""

import struct
from collections.abc import Iterable, Iterator
from itertools import chain, islice

_LENGTH = struct.Struct("!H")
_DOLLAR = 0x24
_STEP = 4096  # bytes before the way back in is looked for; twice as many before it is looked for again
_MOST_PLACES = 4096  # looked at in one search
_MOST_LOST = 1 << 18  # bytes held while it is looked for
_SOURCE = slice(8, 12)  # of an RTP header


def framed(packets: Iterable[bytes]) -> bytes:
    """Return ``packets`` as they go over TCP."""
    return b"".join(part for each in packets for part in (_LENGTH.pack(len(each)), each))


class PacketReader:
    """Put bytes in, cut anywhere; take packets out. ``skipped`` counts bytes thrown away to find the way back in.

    A length that goes wrong (a sender whose buffer overran) costs the packets up to the next place where two headers
    of one source follow one another at the stated distance.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._rest = b""
        self._enough = 0  # bytes that must be there before the way back in is looked for; 0 while all is well
        self._source = b""

    @property
    def held(self) -> int:
        """Return the bytes kept back: one unfinished packet, or where the way back in is looked for."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the packets ``data`` completed."""
        self._rest = self._rest + data if self._rest else data
        found: list[bytes] = []
        while self._enough <= len(self._rest) and not (self._enough and not self._way_back()):
            self._take(found)
            if not self._enough:
                break
        return found

    def _take(self, found: list[bytes]) -> None:
        """Move whole packets to ``found``; ``_enough`` is set where the next bytes are no packet."""
        data, at, end = self._rest, 0, len(self._rest)
        while at + 5 <= end:
            if data[at + 2] & 0xC0 == 0x80:
                start = at + 2
            elif data[at] == _DOLLAR and data[at + 4] & 0xC0 == 0x80:
                start = at + 4
            else:
                self._enough = 1
                break
            after = start + (data[start - 2] << 8 | data[start - 1])
            if after > end:
                break
            found.append(data[start:after])
            at = after
        if found:
            self._source = found[-1][_SOURCE] if len(found[-1]) >= 12 else self._source
        self._rest = data[at:]

    def _way_back(self) -> bool:
        """Drop bytes up to where two headers of one source stand in a row; return whether they do."""
        data = self._rest
        known = islice(_places(data, self._source, 10), _MOST_PLACES) if self._source else ()
        any_source = islice(_places(data, b"\x80", 2), _MOST_PLACES)
        at = next((at for at in chain(known, any_source) if _two(data, at)), -1)
        self._enough = 0
        if at < 0:
            at = 0
            if len(data) > _MOST_LOST:
                at = len(data) - _MOST_LOST // 2
            self._enough = max(_STEP, 2 * (len(data) - at))
        self.skipped += at
        self._rest = data[at:]
        return not self._enough


def _places(data: bytes, mark: bytes, before: int) -> Iterator[int]:
    """Give the places a packet may begin at: ``before`` bytes before each ``mark``."""
    at = data.find(mark, before)
    while at >= 0:
        yield at - before
        at = data.find(mark, at + 1)


def _two(data: bytes, at: int) -> bool:
    first = at + 2
    second = first + (data[at] << 8 | data[at + 1]) + 2
    return (
        first + 12 <= second - 2 <= len(data) - 14
        and data[first] & 0xC0 == data[second] & 0xC0 == 0x80
        and data[first + 8 : first + 12] == data[second + 8 : second + 12]
    )
