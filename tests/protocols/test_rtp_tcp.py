"""RTP over TCP: cut anywhere, in either framing, and back in after a length that is wrong."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.protocols.rtp import Packetiser
from anju.protocols.rtp_tcp import PacketReader, framed

PACKETS = Packetiser(0x2FCD8C91, sequence=65_530).packets(bytes(range(256)) * 60, 900_000)
WIRE = framed(PACKETS)
BY_HAND = bytes.fromhex("000d 8060 0001 00000001 2fcd8c91 aa 000e 80e0 0002 00000001 2fcd8c91 bbcc")


def read(wire: bytes, cut: int, reader: PacketReader | None = None) -> list[bytes]:
    reader = reader or PacketReader()
    return [packet for at in range(0, len(wire), cut) for packet in reader.feed(wire[at : at + cut])]


@pytest.mark.parametrize("cut", range(1, len(BY_HAND) + 1))
def test_packets_survive_any_cut(cut: int) -> None:
    assert [packet[12:] for packet in read(BY_HAND, cut)] == [b"\xaa", b"\xbb\xcc"]


def test_packets_are_framed_as_by_hand() -> None:
    to = Packetiser(0x2FCD8C91, sequence=1, most=1)
    assert framed([to.packet(b"\xaa", 1, marker=False), to.packet(b"\xbb\xcc", 1, marker=True)]) == BY_HAND


@given(st.lists(st.integers(1, len(WIRE)), max_size=30))
def test_packets_survive_many_cuts(cuts: list[int]) -> None:
    edges, reader = [0, *sorted(cuts), len(WIRE)], PacketReader()
    found = [each for a, b in pairwise(edges) for each in reader.feed(WIRE[a:b])]
    assert found == PACKETS


@pytest.mark.parametrize("cut", [1, 3, 100, 5000])
def test_the_framing_of_rtsp_is_read_too(cut: int) -> None:
    wire = b"".join(b"$\0" + len(p).to_bytes(2, "big") + p for p in PACKETS)
    assert read(wire, cut) == PACKETS


def test_what_comes_before_the_first_packet_is_skipped() -> None:
    reader = PacketReader()
    assert read(b"EHOME prefix \0\1" + WIRE, 700, reader) == PACKETS
    assert reader.skipped == 15


@pytest.mark.parametrize("cut", [7, 1000, 20_000])
def test_a_wrong_length_costs_what_is_near_it(cut: int) -> None:
    wrong = (900).to_bytes(2, "big") + WIRE[2:]
    found = read(wrong + WIRE * 2, cut)
    assert found[-len(PACKETS) :] == PACKETS
    assert len(found) >= 3 * len(PACKETS) - 2


def test_what_is_held_is_bounded() -> None:
    reader = PacketReader()
    for _ in range(200):
        assert reader.feed(b"\x80" * 4096) == [] or reader.held < 1 << 19
        assert reader.held < 1 << 19


def test_a_source_number_of_zeros_among_zeros_hides_nothing() -> None:
    damaged = bytearray(framed(Packetiser(9).packets(bytes(9000), 1)))
    damaged[1], damaged[13] = 0x84, 0  # length and source of the first packet
    good = Packetiser(9).packets(bytes(50_000), 2)
    assert read(bytes(damaged) + framed(good), 700)[-len(good) :] == good
