"""NAL units straight in RTP: H.264 (RFC 6184) and H.265 (RFC 7798), and Annex B bytes as some devices cut them."""

from collections.abc import Iterable, Sequence

from anju.protocols import nal
from anju.protocols.frames import Codec
from anju.protocols.rtp import Packetiser

_STAP_A, _FU_A = 24, 28
_AGGREGATE, _FRAGMENT = 48, 49
_MOST_NAL = 8 << 20  # bytes


class NalReader:
    """Takes the payloads of one unit, gives its NAL units; a fragment may go on in the next unit."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._fragments: list[bytes] = []
        self._size = 0

    def read(self, payloads: Iterable[bytes]) -> list[bytes]:
        """Return the NAL units that ``payloads`` completed; what makes no sense is left out."""
        take = self._h264 if self.codec is Codec.H264 else self._h265
        found: list[bytes] = []
        for payload in payloads:
            if payload.startswith((b"\0\0\1", b"\0\0\0\1")):
                found += nal.split(payload)
            elif len(payload) > 2:
                take(payload, found)
        return found

    def _h264(self, payload: bytes, found: list[bytes]) -> None:
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            head = bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))
            self._fragment(payload[1], head, payload[2:], found)
        elif kind == _STAP_A:
            found += _aggregated(payload, 1)
        elif 0 < kind < _STAP_A:
            found.append(payload)

    def _h265(self, payload: bytes, found: list[bytes]) -> None:
        kind = payload[0] >> 1 & 0x3F
        if kind == _FRAGMENT:
            head = bytes((payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]))
            self._fragment(payload[2], head, payload[3:], found)
        elif kind == _AGGREGATE:
            found += _aggregated(payload, 2)
        elif kind < _AGGREGATE:
            found.append(payload)

    def _fragment(self, flags: int, head: bytes, part: bytes, found: list[bytes]) -> None:
        if flags & 0x80:
            self._fragments, self._size = [head], 0
        elif not self._fragments:
            return  # its beginning was lost
        self._size += len(part)
        if self._size > _MOST_NAL:
            self._fragments = []
            return
        self._fragments.append(part)
        if flags & 0x40:
            found.append(b"".join(self._fragments))
            self._fragments = []


def _aggregated(payload: bytes, at: int) -> list[bytes]:
    found = []
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        if size and at + 2 + size <= len(payload):
            found.append(payload[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def packets(to: Packetiser, codec: Codec, nals: Sequence[bytes], timestamp: int) -> list[bytes]:
    """Return one picture's NAL units as packets of ``to``: whole where they fit, else as fragments."""
    payloads = [payload for each in nals for payload in _payloads(codec, each, to.most)]
    last = len(payloads) - 1
    return [to.packet(payload, timestamp, marker=number == last) for number, payload in enumerate(payloads)]


def _payloads(codec: Codec, unit: bytes, most: int) -> Iterable[bytes]:
    if len(unit) <= most:
        yield unit
        return
    size = 1 if codec is Codec.H264 else 2
    if codec is Codec.H264:
        head, number = bytes((unit[0] & 0xE0 | _FU_A,)), unit[0] & 0x1F
    else:
        head, number = bytes((unit[0] & 0x81 | _FRAGMENT << 1, unit[1])), unit[0] >> 1 & 0x3F
    step = most - size - 1
    for at in range(size, len(unit), step):
        flags = (0x80 if at == size else 0) | (0x40 if at + step >= len(unit) else 0)
        yield head + bytes((flags | number,)) + unit[at : at + step]
