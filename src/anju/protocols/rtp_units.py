"""From packets to units: what one source sent, in order, gathered by time stamp. No socket, no clock of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from anju.errors import WireError
from anju.protocols.rtp import HEADER, SENDER_REPORT, is_rtcp, parse, receiver_report

MOST_HELD = 64  # packets that wait for one that is missing
HOLD_S = 0.15
SILENT_S = 0.5
"""A source silent for so long may be followed by another one on the same port."""
_MOST_PARTS = 4096  # packets of one unit
_SLOW_S = 0.2
"""A unit that takes longer is given in parts: some senders never move their time stamps."""
_BEHIND, _AHEAD = 512, 4096  # sequence numbers; who is further away has begun anew
_MOST_KINDS = 4  # payload types beside that of the pictures
_SOUND_KINDS = frozenset((0, 8))
_HEADER = HEADER.size


@dataclass(slots=True)
class Unit:
    """What came under one time stamp. ``stamp`` is raw RTP time; ``arrived`` is when its first packet came.

    ``broken``: packets of it were lost. ``gap``: packets just before it were lost, perhaps of it. ``ends``: it is whole
    as far as the sender marked it, else more of it follows.
    """

    payload_type: int
    stamp: int
    arrived: float
    parts: list[bytes] = field(default_factory=list)
    broken: bool = False
    gap: bool = False
    ends: bool = True

    @property
    def data(self) -> bytes:
        """Return the payloads, joined."""
        return b"".join(self.parts)


@dataclass(slots=True)
class Counts:
    """What a reader saw: whole packets, their bytes, and what went wrong, in packets."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    reordered: int = 0  # came after one that was sent later, in time
    late: int = 0  # came twice, or after they had been given up
    refused: int = 0  # of another source, or no RTP
    sources: int = 0  # how often another source was followed


class _Lane:
    """One source: its order, and the unit that grows of each payload type."""

    __slots__ = ("gap", "heard", "held", "held_since", "kind", "next", "restart", "source", "unit", "units")

    def __init__(self, source: int, kind: int, sequence: int, now: float) -> None:
        self.source, self.next, self.heard = source, sequence, now
        self.kind = -1 if kind in _SOUND_KINDS else kind  # the payload type of the pictures
        self.held: dict[int, bytes] = {}
        self.held_since = 0.0
        self.restart: tuple[int, bytes] | None = None
        self.unit: Unit | None = None  # of payload type ``kind``
        self.units: dict[int, Unit] = {}  # of the others
        self.gap = False


class UnitReader:
    """Put packets in, as they came; take units out, in order.

    ``source`` is the SSRC agreed on, a hint: without it the first source that sends RTP is followed. Another one is
    followed when it is the one agreed on, or the one before is silent; on a connection (``ordered``) at once.
    """

    def __init__(self, source: int | None = None, *, ordered: bool = False) -> None:
        self.counts = Counts()
        self._agreed = source
        self._ordered = ordered
        self._lane: _Lane | None = None
        self._sound: _Lane | None = None
        self._found: list[Unit] = []
        self._sender = b""  # the last report of it that is not answered

    @property
    def source(self) -> int | None:
        """Return the SSRC that is followed."""
        return self._lane.source if self._lane else None

    def feed(self, packets: Iterable[bytes], now: float) -> list[Unit]:
        """Return the units that ``packets`` completed; call it with none now and then, so that gaps are given up."""
        found = self._found = []
        lane, counts = self._lane, self.counts
        before = lane.next if lane else -1
        unpack = HEADER.unpack_from
        size = number = 0
        for data in packets:
            number += 1
            size += len(data)
            if lane is None or len(data) < _HEADER:
                self._other(data, now)
                lane = self._lane
                continue
            flags, kind, sequence, stamp, source = unpack(data)
            if source != lane.source or sequence != lane.next or flags != 0x80 or kind & 0x7F != lane.kind or lane.held:
                self._other(data, now)
                lane = self._lane
                continue
            lane.next = (sequence + 1) & 0xFFFF
            unit = lane.unit
            if unit is None or unit.stamp != stamp:
                if unit is not None:
                    found.append(unit)
                unit = lane.unit = Unit(lane.kind, stamp, now)
                if lane.gap:
                    unit.gap, lane.gap = True, False
            unit.parts.append(data[_HEADER:])
            if kind > 0x7F:
                found.append(unit)
                lane.unit = None
        counts.packets += number
        counts.bytes += size
        if lane is not None:
            if lane.next != before:
                lane.heard = now
            self._look_after(lane, now)
        return found

    def receiver_report(self) -> bytes:
        """Return the answer to the sender's last report, once; b'' where there is none to answer."""
        sender, self._sender = self._sender, b""
        if not sender or self._lane is None:
            return b""
        return receiver_report(sender, lost=self.counts.lost, highest=(self._lane.next - 1) & 0xFFFF)

    def _look_after(self, lane: _Lane, now: float) -> None:
        """Give up gaps that are too old, and hand out units that grow for too long."""
        if lane.held and (len(lane.held) > MOST_HELD or now - lane.held_since > HOLD_S):
            self._give_up(lane, now)
        unit = lane.unit
        if unit is not None and (now - unit.arrived > _SLOW_S or len(unit.parts) > _MOST_PARTS):
            unit.ends = False
            self._found.append(unit)
            lane.unit = None
        if self._sound is not None and self._sound.held and self._sound is not lane:
            self._look_after(self._sound, now)

    def _other(self, data: bytes, now: float) -> None:
        """Take a packet that is not simply the next one."""
        if is_rtcp(data):
            self._sender = data if data[1] == SENDER_REPORT and len(data) >= 28 else self._sender
            return
        try:
            packet = parse(data)
        except WireError:
            self.counts.refused += 1
            return
        lane = self._lane_of(packet.ssrc, packet.payload_type, packet.sequence, now)
        if lane is None:
            self.counts.refused += 1
            return
        self._order(lane, packet.sequence, data, now)

    def _lane_of(self, source: int, kind: int, sequence: int, now: float) -> _Lane | None:
        lane = self._lane
        if lane is not None and lane.source == source:
            return lane
        if lane is not None and kind in _SOUND_KINDS and lane.kind >= 0:
            return self._sound_lane(source, kind, sequence, now)
        if lane is not None and lane.kind < 0 and kind not in _SOUND_KINDS:
            self._sound, lane = lane, None
        if lane is None or self._ordered or source == self._agreed or now - lane.heard > SILENT_S:
            if lane is not None:
                self._leave(lane)
                self.counts.sources += 1
            self._lane = lane = _Lane(source, kind, sequence, now)
            return lane
        return None

    def _sound_lane(self, source: int, kind: int, sequence: int, now: float) -> _Lane:
        if self._sound is None or self._sound.source != source:
            self._sound = _Lane(source, kind, sequence, now)
        return self._sound

    def _leave(self, lane: _Lane) -> None:
        if lane.unit is not None:
            lane.unit.broken = True
            self._found.append(lane.unit)

    def _order(self, lane: _Lane, sequence: int, data: bytes, now: float) -> None:
        ahead = (sequence - lane.next) & 0xFFFF
        if ahead == 0:
            self.counts.reordered += bool(lane.held)
            self._deliver(lane, data, now)
            self._drain(lane, now)
        elif ahead < _AHEAD:
            if not lane.held:
                lane.held_since = now
            lane.held[sequence] = data
            if self._ordered or len(lane.held) > MOST_HELD:
                self._give_up(lane, now)
        elif ahead < 0x10000 - _BEHIND:
            self._restart(lane, sequence, data, now)
        else:
            self.counts.late += 1

    def _restart(self, lane: _Lane, sequence: int, data: bytes, now: float) -> None:
        """Follow a sender that began to count anew, once two of its packets follow one another."""
        before, lane.restart = lane.restart, (sequence, data)
        if before is None or (before[0] + 1) & 0xFFFF != sequence:
            self.counts.late += before is not None
            return
        lane.restart = None
        lane.held.clear()
        self._leave(lane)
        lane.unit = None
        self._deliver(lane, before[1], now)
        self._deliver(lane, data, now)

    def _give_up(self, lane: _Lane, now: float) -> None:
        """Take the packets that were held although the one before them never came."""
        following = min(lane.held, key=lambda sequence: (sequence - lane.next) & 0xFFFF)
        self.counts.lost += (following - lane.next) & 0xFFFF
        lane.next = following
        lane.gap = True
        lane.held_since = now
        for unit in (lane.unit, *lane.units.values()):
            if unit is not None:
                unit.broken = True
        self._drain(lane, now)

    def _drain(self, lane: _Lane, now: float) -> None:
        while (data := lane.held.pop(lane.next, None)) is not None:
            self._deliver(lane, data, now)
        if lane.held:
            lane.held_since = now

    def _deliver(self, lane: _Lane, data: bytes, now: float) -> None:
        """Put the next packet of ``lane`` to its unit."""
        packet = parse(data)
        lane.next = (packet.sequence + 1) & 0xFFFF
        kind = packet.payload_type
        if lane.kind < 0 and kind not in _SOUND_KINDS:
            lane.kind = kind
        unit = lane.unit if kind == lane.kind else lane.units.get(kind)
        if unit is not None and unit.stamp != packet.timestamp:
            self._found.append(unit)
            unit = None
        if unit is None:
            unit = Unit(kind, packet.timestamp, now, gap=lane.gap)
            lane.gap = False
        unit.parts.append(packet.payload)
        self._keep(lane, kind, unit, done=packet.marker or len(unit.parts) > _MOST_PARTS)

    def _keep(self, lane: _Lane, kind: int, unit: Unit, *, done: bool) -> None:
        if done:
            self._found.append(unit)
        if kind == lane.kind:
            lane.unit = None if done else unit
        elif done:
            lane.units.pop(kind, None)
        elif kind in lane.units or len(lane.units) < _MOST_KINDS:
            lane.units[kind] = unit
