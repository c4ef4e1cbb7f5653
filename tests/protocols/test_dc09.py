"""DC-09 by hand-made frames: read in any cut, answered in the protocol's own words."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols.dc09 import Frame, FrameReader, Signal, Telegram, crc16, framed, nak

# Written by a separate routine, checksums recomputed by a second one.
C1 = b'\n294E003D"ADM-CID"0001R1L0#1234[#1234|1130 01 003]_08:15:30,11-22-2026\r'
C2 = b'\n8872003D"ADM-CID"0002R1L0#1234[#1234|3130 01 003]_08:16:05,11-22-2026\r'
C3 = b'\n381F003D"ADM-CID"0003R1L0#1234[#1234|1120 00 000]_08:20:00,11-22-2026\r'
C4 = b'\nCFB1003C"SIA-DCS"0004R1L0#1234[#1234|Nri1/BA003]_08:15:30,11-22-2026\r'
C5 = b'\n21600029"NULL"0000R1L0#1234[]_08:15:30,11-22-2026\r'
C6 = (
    b'\nBF510078"*ADM-CID"0005R1L0#ABCD[4AF5D7956F7B8AE109448A269D8BFE90C16A6A5F906D94D3D4A95B9D137114C3'
    b"9D65C2CAC10F92C305A02C1BC3FEB1B0\r"
)
C7 = b'\n1EB60014"ACK"0001R1L0#1234[]\r'
C8 = b'\n6E6E0014"DUH"0001R1L0#1234[]\r'
C9 = b'\nA0E80025"NAK"0000R0L0A0[]_08:15:31,11-22-2026\r'
KEY = b"0123456789ABCDEF"
AT = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)


def read(data: bytes, cut: int = 4096) -> list[Telegram | WireError]:
    reader = FrameReader()
    found = [each for start in range(0, len(data), cut) for each in reader.feed(data[start : start + cut])]
    rest = reader.rest()
    return [*found, rest] if rest else found


def one(data: bytes) -> Telegram:
    (found,) = read(data)
    assert isinstance(found, Telegram)
    return found


def reasons(data: bytes, cut: int = 4096) -> list[str]:
    return [each.reason if isinstance(each, WireError) else "good" for each in read(data, cut)]


def test_the_checksum_is_crc_16_arc() -> None:
    assert crc16(b"123456789") == 0xBB3D


@pytest.mark.parametrize(
    ("wire", "signal"),
    [
        (C1, Signal("contact_id", "130", "1", "01", "003")),
        (C2, Signal("contact_id", "130", "3", "01", "003")),
        (C3, Signal("contact_id", "120", "1", "00", "000")),
        (C4, Signal("sia", "BA", "N", "1", "003")),
    ],
)
def test_hand_made_frames_say_what_happened(wire: bytes, signal: Signal) -> None:
    assert one(wire).open().signals() == [signal]


def test_the_timestamp_is_gmt() -> None:
    assert one(C1).open().timestamp == AT


def test_supervision_carries_no_event() -> None:
    assert (one(C5).token, one(C5).source, one(C5).open().data) == ("NULL", "0/1234", "")


def test_an_encrypted_frame_opens_with_its_key() -> None:
    frame = one(C6).open(KEY)
    assert (frame.signals(), frame.timestamp) == ([Signal("contact_id", "130", "1", "01", "003")], AT)


@pytest.mark.parametrize("key", [None, b"FEDCBA9876543210"])
def test_an_encrypted_frame_stays_closed_without_its_key(key: bytes | None) -> None:
    with pytest.raises(WireError):
        one(C6).open(key)


def test_an_encrypted_frame_prints_these_bytes() -> None:
    assert one(C6).open(KEY).encode(KEY) == C6


@pytest.mark.parametrize("wire", [C1, C2, C3, C4, C5])
def test_a_frame_prints_the_bytes_it_was_read_from(wire: bytes) -> None:
    assert one(wire).open().encode() == wire


def test_answers_print_these_bytes() -> None:
    frame = one(C1).open()
    assert frame.ack(AT).encode() == C7
    assert frame.duh().encode() == C8
    assert nak(AT + timedelta(seconds=1)).encode() == C9


def test_a_checksum_of_two_raw_bytes_is_read_too() -> None:
    raw = b"\n" + bytes.fromhex(C1[1:5].decode()) + C1[5:]
    assert one(raw).open() == one(C1).open()


@pytest.mark.parametrize(("seconds", "timely"), [(-41, False), (-40, True), (20, True), (21, False)])
def test_an_encrypted_frame_counts_only_near_our_time(seconds: int, *, timely: bool) -> None:
    assert one(C6).open(KEY).timely(AT - timedelta(seconds=seconds)) is timely


@pytest.mark.parametrize("cut", range(1, len(C1) + 1))
def test_frames_survive_any_cut(cut: int) -> None:
    assert read(C1 + C2 + C6, cut) == read(C1) + read(C2) + read(C6)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (C1.replace(b"130", b"131"), "wrong checksum"),
        (C1.replace(b"003D", b"003C"), "wrong length"),
        (C1.replace(b"003D", b"0FFF"), "wrong length"),
        (b"GET / HTTP/1.1\r", "no start mark"),
        (b"\nhello there, panel\r", "bad head"),
        (C1[:30], "wrong length"),
    ],
)
@pytest.mark.parametrize("cut", [1, 7, 4096])
def test_a_bad_frame_is_named_and_does_not_stop_the_next(bad: bytes, reason: str, cut: int) -> None:
    assert reasons(bad + C2, cut) == [reason, "good"]


def test_line_ends_between_frames_are_nothing() -> None:
    assert reasons(C1 + b"\r\n" + C2 + b"\r\n\0") == ["good", "good"]


def test_a_repeat_has_the_same_key_and_the_next_report_another() -> None:
    assert one(C1).open().dedup_key == one(C1).open().dedup_key != one(C2).open().dedup_key


def test_without_a_timestamp_the_sequence_is_unique_only_for_minutes() -> None:
    bare = Frame("ADM-CID", 1, account="1234", data="1130 01 003")
    assert (bare.dedup_window_s, one(C1).open().dedup_window_s) == (180, 86_400)


@given(st.binary(max_size=3000), st.integers(1, 64))
def test_any_bytes_in_any_cut_are_bounded_and_read_the_same(data: bytes, cut: int) -> None:
    reader = FrameReader()
    found = []
    for start in range(0, len(data), cut):
        found += reader.feed(data[start : start + cut])
        assert reader.held < 1100
    whole = FrameReader()
    assert [str(each) for each in found] == [str(each) for each in whole.feed(data)]


@given(st.binary(max_size=200), st.integers(1, 64))
def test_after_any_garbage_a_good_frame_is_found(garbage: bytes, cut: int) -> None:
    assert "good" in reasons(garbage + bytes(1100) + C1 + C1, cut)


@pytest.mark.parametrize("number", range(0, 9999, 37))
def test_a_checksum_of_two_bytes_is_read_whatever_they_are(number: int) -> None:  # LF, CR and quotes among them
    frame = Frame("NULL", number, account="1234")
    assert one(frame.encode(raw_crc=True)).open() == frame


@pytest.mark.parametrize("time", [b"_99:99:99,99-99-9999", b"_08:15:30,02-30-2026", b"_yesterday"])
def test_an_unreadable_time_costs_no_alarm(time: bytes) -> None:
    frame = one(framed(b'"ADM-CID"0001L0#1234[1110 01 003]' + time)).open()
    assert (frame.timestamp, frame.timed_badly, len(frame.signals())) == (None, True, 1)


@pytest.mark.parametrize("name", ["东门".encode(), "东门".encode("gbk"), b"\xff\xfe"])
def test_a_zone_name_in_any_charset_costs_no_alarm(name: bytes) -> None:
    (signal,) = one(framed(b'"SIA-DCS"0004L0#1234[Nri1/BA003^' + name + b"^]")).open().signals()
    assert (signal.code, signal.zone, bool(signal.text)) == ("BA", "003", True)


@pytest.mark.parametrize(
    ("data", "signals"),
    [
        ("BA003", [Signal("sia", "BA", "N", "", "003")]),
        ("NRP0000", [Signal("sia", "RP", "N", "", "0000")]),
        ("NR0000", [Signal("sia", "NR", "N", "", "0000")]),
        ("Nti12:30/id1/ri2/BA03/TA4", [Signal("sia", "BA", "N", "2", "03"), Signal("sia", "TA", "N", "2", "4")]),
        ("Ori1/FA7^东/门^", [Signal("sia", "FA", "O", "1", "7", "东/门")]),
    ],
)
def test_sia_blocks_say_what_happened(data: str, signals: list[Signal]) -> None:
    assert Frame("SIA-DCS", 1, data=data).signals() == signals


MARKS = [b"\n", b"\n\n", b"\r", b'"', C1, C1[:20], b"\n294E003D", b'\nXX003D"', b'\n00000400"', b'\n000003FF"']
NOISE = st.lists(st.sampled_from(MARKS) | st.binary(max_size=40), max_size=8).map(b"".join)


@given(NOISE, st.integers(1, 90), st.sampled_from([C1, b"\n" + bytes.fromhex("294E") + C1[5:]]))
def test_the_good_frame_right_behind_any_noise_is_found(noise: bytes, cut: int, good: bytes) -> None:
    reader = FrameReader()
    data = noise + good
    found = [each for start in range(0, len(data), cut) for each in reader.feed(data[start : start + cut])]
    assert isinstance(found[-1], Telegram)
    assert found[-1].raw == good
    assert [str(each) for each in found] == [str(each) for each in FrameReader().feed(data)]


@given(st.binary(max_size=200), st.sampled_from([b"", b"*"]))
def test_any_content_says_something_or_is_a_wire_error(content: bytes, star: bytes) -> None:
    for each in FrameReader().feed(framed(b'"' + star + b'SIA-DCS"0001L0#1234[' + content)):
        if isinstance(each, Telegram):
            with suppress(WireError):
                each.open(KEY).signals()
