"""Any packets in any order: units, frames and files of them; time only rises, and a good stream behind is read.

The first bytes choose between bytes as they are, packets around them, and a good stream that is damaged.
Run ``python fuzz/fuzz_rtp.py -max_total_time=60``.
"""

import sys

import atheris

with atheris.instrument_imports():
    from anju.protocols import fmp4, rtp_nal
    from anju.protocols.frames import Codec, Frame
    from anju.protocols.ps import PsMuxer
    from anju.protocols.rtp import Packetiser
    from anju.protocols.rtp_frames import FrameReader
    from anju.protocols.rtp_units import UnitReader

SETS = [bytes.fromhex("674d001f95a814016e40"), bytes.fromhex("68ee3c80")]
KEY = [*SETS, b"\x65" + b"\x88\x84\xd3" * 900]
OTHER = [b"\x41" + b"\x9a\x22\x11" * 200]
NUMBERS = [0, 1, 0x7FFF, 0xFFFF, 0xFFFFFFFF, 3600, 90_000]


def good(first: int, count: int) -> list[bytes]:
    """Return pictures as a camera sends them, the first a key frame."""
    muxer, to = PsMuxer(Codec.H264), Packetiser(7, sequence=first)
    frames = [Frame(Codec.H264, n * 3600, n == 0, KEY if n == 0 else OTHER) for n in range(count)]
    return [packet for frame in frames for packet in to.packets(muxer.frame(frame), frame.pts)]


def made(source: atheris.FuzzedDataProvider) -> list[bytes]:
    """Return packets around any payloads."""
    found = []
    to = Packetiser(source.PickValueInList([7, 8]), sequence=source.ConsumeIntInRange(0, 0xFFFF))
    while source.remaining_bytes() and len(found) < 200:
        to.payload_type = source.PickValueInList([96, 96, 96, 98, 8, 33, 72])
        to.sequence = (to.sequence + source.PickValueInList([0, 0, 0, 1, 2, 70, 600, 40_000, 0xFFFF])) & 0xFFFF
        payload = source.ConsumeBytes(source.ConsumeIntInRange(0, 200))
        found.append(to.packet(payload, source.PickValueInList(NUMBERS), marker=source.ConsumeBool()))
    return found


def damaged(source: atheris.FuzzedDataProvider) -> list[bytes]:
    """Return a good stream, changed, repeated, out of order."""
    packets = good(source.ConsumeIntInRange(0, 0xFFFF), 12)
    if source.ConsumeBool():
        to = Packetiser(7)
        packets = [p for n in range(8) for p in rtp_nal.packets(to, Codec.H264, KEY if n == 0 else OTHER, n * 3600)]
    for _ in range(source.ConsumeIntInRange(0, 40)):
        at = source.ConsumeIntInRange(0, len(packets) - 1)
        packet = bytearray(packets[at])
        packet[source.ConsumeIntInRange(0, len(packet) - 1)] = source.ConsumeIntInRange(0, 255)
        packets[at] = bytes(packet[: source.ConsumeIntInRange(1, len(packet))] if source.ConsumeBool() else packet)
        packets.insert(source.ConsumeIntInRange(0, len(packets)), packets[at])
    return packets


def one(data: bytes) -> None:
    """Read what ``data`` says, then a good stream after a second of silence."""
    source = atheris.FuzzedDataProvider(data)
    shape, ordered = source.ConsumeIntInRange(0, 2), source.ConsumeBool()
    units, frames = UnitReader(ordered=ordered), FrameReader()
    packets = [made, damaged][shape - 1](source) if shape else [source.ConsumeBytes(300) for _ in range(20)]
    now, last = 1.0, -1
    for packet in [*packets, *good(0, 60)]:
        now += 0.02
        for unit in units.feed([packet], now):
            for frame in frames.feed(unit):
                if frame.codec.video:
                    assert frame.pts > last
                    last = frame.pts
                    _packed(frames.track, frame)


def _packed(track: fmp4.Track | None, frame: Frame) -> None:
    if track is not None and track.coding is frame.codec:
        assert len(fmp4.fragment(1, frame.pts, [frame])) > 100
        assert len(fmp4.init_segment(track)) > 400


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
