"""Any bytes in any cut as program and transport streams, TCP framing and parameter sets: no exception, bounded memory.

Run ``python fuzz/fuzz_program_stream.py -max_total_time=60``.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import nal
    from anju.protocols.frames import Codec
    from anju.protocols.ps import PsMuxer
    from anju.protocols.ps_demux import PsDemuxer
    from anju.protocols.rtp import Packetiser
    from anju.protocols.rtp_tcp import PacketReader, framed
    from anju.protocols.ts import TsDemuxer

PICTURE = b"\0\0\0\1\x67\x4d\0\x1f\0\0\0\1\x65" + b"\x88\x84" * 3_000
MUXER = PsMuxer(Codec.H264, Codec.G711A)
GOOD = [MUXER.video(PICTURE, 3600 * number, key=True) for number in range(13)]  # more than any length can hide
FRAMED = framed(Packetiser(9).packets(bytes(100_000), 1))
SAMPLE = GOOD[0][:500] + MUXER.audio(b"\xd5" * 40, 9) + GOOD[1][:300]
MOST_HELD = 9 << 20


def one(data: bytes) -> None:
    """Read by every reader: ``data``, or good streams that it damages."""
    if not data:
        return
    cut = 1 + (data[0] >> 1) * 3
    wire = _damaged(SAMPLE, data[1:]) if data[0] & 1 else data[1:]
    _streams([wire[at : at + cut] for at in range(0, len(wire), cut)])
    wire = _damaged(FRAMED[:3000], data[1:]) if data[0] & 1 else data[1:]
    _framing([wire[at : at + cut] for at in range(0, len(wire), cut)])
    for codec in (Codec.H264, Codec.H265):
        with suppress(WireError):
            assert nal.read_sps(codec, data).width > 0
    assert all(nal.split(data))


def _damaged(good: bytes, changes: bytes) -> bytes:
    """Return ``good`` with a byte changed for every three of ``changes``."""
    wire = bytearray(good)
    for high, low, byte in zip(changes[::3], changes[1::3], changes[2::3], strict=False):
        wire[(high << 8 | low) % len(wire)] = byte
    return bytes(wire)


def _streams(pieces: list[bytes]) -> None:
    program, transport = PsDemuxer(), TsDemuxer()
    for number, piece in enumerate(pieces):
        program.feed(piece, ends=number % 7 == 3, broken=number % 11 == 5)
        transport.feed(piece)
        assert program.held + transport.held < MOST_HELD
    found = [piece for pack in GOOD for piece in program.feed(pack, ends=True)]
    assert any(piece.data.endswith(PICTURE) for piece in found)


def _framing(pieces: list[bytes]) -> None:
    reader = PacketReader()
    for piece in pieces:
        reader.feed(piece)
        assert reader.held < MOST_HELD
    assert reader.feed(FRAMED)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
