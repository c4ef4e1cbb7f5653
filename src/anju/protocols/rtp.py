"""RTP (RFC 3550): packets, their order, and the units of one time stamp they carry. No socket, no clock."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from anju.errors import WireError

MOST_PAYLOAD = 1400  # bytes; more does not pass everywhere, and some platforms read no more
HEADER = struct.Struct("!BBHII")
SENDER_REPORT, RECEIVER_REPORT = 200, 201  # RTCP packet types
_OURS = 0x616E6A75  # our SSRC in reports
_RTCP = range(72, 80)  # packet types 200 to 207 without the marker bit


class Packet(NamedTuple):
    """One RTP packet. ``sequence`` has 16 bits, ``timestamp`` and ``ssrc`` 32."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet:
    """Return the packet in ``data`` without contributing sources, extension and padding. Raises WireError."""
    if len(data) < HEADER.size or data[0] & 0xC0 != 0x80:
        raise WireError("not RTP", data=data)
    flags, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    payload = data[HEADER.size :] if flags == 0x80 else _payload(data, flags)
    return Packet(kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc, payload)


def _payload(data: bytes, flags: int) -> bytes:
    start, end = HEADER.size + 4 * (flags & 0x0F), len(data)
    if flags & 0x10:
        if start + 4 > end:
            raise WireError("RTP extension cut off", data=data)
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if flags & 0x20:
        end -= data[-1]
    if start > end or (flags & 0x20 and not data[-1]):
        raise WireError("RTP header longer than its packet", data=data)
    return data[start:end]


def is_rtcp(data: bytes) -> bool:
    """Return whether this is a control packet that came to the port of the media."""
    return len(data) >= 8 and data[0] & 0xC0 == 0x80 and data[1] & 0x7F in _RTCP


def receiver_report(sender: bytes, *, lost: int, highest: int) -> bytes:
    """Return the answer to ``sender``, an RTCP sender report of 28 bytes or more (RFC 3550, 6.4.2).

    ``lost`` counts packets that never came, ``highest`` is the highest sequence number that did.
    """
    seen = sender[10:14]  # the middle of its NTP time
    block = sender[4:8] + struct.pack("!III", min(lost, 0x7FFFFF), highest, 0) + seen + bytes(4)
    return struct.pack("!BBHI", 0x81, RECEIVER_REPORT, 7, _OURS) + block


@dataclass(slots=True)
class Packetiser:
    """Cuts units into packets with running sequence numbers; ``most`` bounds a payload in bytes."""

    ssrc: int
    payload_type: int = 96
    sequence: int = 0
    most: int = MOST_PAYLOAD

    def packets(self, unit: bytes, timestamp: int, *, marker: bool = True) -> list[bytes]:
        """Return ``unit`` as packets of one time stamp, the last one marked."""
        cuts = range(0, len(unit), self.most)
        last = len(cuts) - 1
        return [
            self.packet(unit[start : start + self.most], timestamp, marker=marker and number == last)
            for number, start in enumerate(cuts)
        ]

    def packet(self, payload: bytes, timestamp: int, *, marker: bool) -> bytes:
        """Return one packet."""
        kind = self.payload_type | (0x80 if marker else 0)
        head = HEADER.pack(0x80, kind, self.sequence, timestamp & 0xFFFFFFFF, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return head + payload
