"""SDP of GB/T 28181 by hand-made bodies: offers, answers, and what devices really print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols import sdp
from anju.protocols.sdp import Description

LIVE = (
    b"v=0\r\no=51080200012000000001 0 0 IN IP4 192.168.10.5\r\ns=Play\r\nc=IN IP4 192.168.10.5\r\nt=0 0\r\n"
    b"m=video 30020 RTP/AVP 96 98 99\r\na=recvonly\r\na=rtpmap:96 PS/90000\r\na=rtpmap:98 H264/90000\r\n"
    b"a=rtpmap:99 H265/90000\r\ny=0802000017\r\nf=v/////a///\r\n"
)
OFFER = Description(
    owner="51080200012000000001",
    host="192.168.10.5",
    port=30020,
    payloads=(96, 98, 99),
    rtpmap=sdp.VIDEO_MAPS,
    direction="recvonly",
    ssrc="0802000017",
    format="v/////a///",
)
PLAYBACK = (
    b"v=0\r\no=51080200012000000001 0 0 IN IP4 192.168.10.5\r\ns=Playback\r\nu=51080201011320000001:0\r\n"
    b"c=IN IP4 192.168.10.5\r\nt=1772294400 1772298000\r\nm=video 30024 TCP/RTP/AVP 96\r\na=recvonly\r\n"
    b"a=rtpmap:96 PS/90000\r\na=setup:passive\r\na=connection:new\r\na=downloadspeed:4\r\ny=1802000017\r\n"
)


def test_a_live_offer_prints_these_bytes_and_is_read_back() -> None:
    assert (OFFER.encode(), sdp.read(LIVE)) == (LIVE, OFFER)


def test_a_playback_says_whose_recordings_of_when_and_how_fast() -> None:
    asked = sdp.read(PLAYBACK)
    assert (asked.session, asked.channel, asked.start, asked.end) == (
        "Playback",
        "51080201011320000001",
        1772294400,
        1772298000,
    )
    assert (asked.tcp, asked.setup, asked.connection, asked.download_speed) == (True, "passive", "new", 4)
    assert asked.encode() == PLAYBACK


def test_the_ssrc_travels_as_a_number() -> None:
    assert sdp.read(LIVE).ssrc_number == 0x2FCD8C91
    assert sdp.read(PLAYBACK).ssrc_number == 0x6B685691


def test_an_ssrc_is_made_of_kind_domain_and_serial() -> None:
    assert sdp.ssrc("51080200012000000001", 17, history=False) == "0802000017"
    assert sdp.ssrc("51080200012000000001", 17, history=True) == "1802000017"
    with pytest.raises(ValueError, match="10000"):
        sdp.ssrc("51080200012000000001", 10_000, history=False)


@pytest.mark.parametrize(
    ("line", "ssrc", "number"),
    [
        (b"y=  \r\n", "", None),
        (b"y=51080201011320000001\r\n", "", None),
        (b"y=0802000017 \r\r\n", "0802000017", 802_000_017),
        (b"y=17\r\n", "0000000017", 17),
        (b"y=9999999999\r\n", "9999999999", None),
        (b"", "", None),
    ],
)
def test_an_odd_ssrc_is_left_out(line: bytes, ssrc: str, number: int | None) -> None:
    answer = sdp.read(LIVE.replace(b"y=0802000017\r\n", line))
    assert (answer.ssrc, answer.ssrc_number) == (ssrc, number)


def test_lines_stand_in_any_order_and_unknown_ones_are_kept() -> None:
    answer = sdp.read(
        b"y=0802000017\nf=v/2/6/25/1/4096a/1/8/1\nv=0\nm=video 6000 RTP/AVP 96\nc=IN IP4 10.1.1.1\na=sendonly\n"
        b"a=rtpmap:96 PS/90000\na=filesize:812646400\na=streamnumber:1\na=streamMode:sub\no=x 0 0 IN IP4 10.9.9.9\n"
    )
    assert (answer.host, answer.port, answer.direction, answer.ssrc) == ("10.1.1.1", 6000, "sendonly", "0802000017")
    assert (answer.file_size, answer.stream_number, answer.attributes) == (812646400, 1, ("streamMode:sub",))
    assert answer.format == "v/2/6/25/1/4096a/1/8/1"


def test_the_video_is_taken_where_audio_comes_first() -> None:
    both = LIVE.replace(b"m=video", b"m=audio 30018 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\nm=video")
    assert sdp.read(both) == OFFER


def test_the_owner_s_address_serves_where_no_other_is_told() -> None:
    assert sdp.read(LIVE.replace(b"c=IN IP4 192.168.10.5\r\n", b"")).host == "192.168.10.5"


@pytest.mark.parametrize(
    "body", [b"", b"v=0\r\ns=Play\r\n", b"m=video x RTP/AVP 96\r\n", b"<xml/>", LIVE + bytes(70_000)]
)
def test_what_describes_no_stream_is_an_error(body: bytes) -> None:
    with pytest.raises(WireError):
        sdp.read(body)


_LINES = st.sampled_from(LIVE.split(b"\r\n") + PLAYBACK.split(b"\r\n")) | st.binary(max_size=30)


@given(st.lists(_LINES, max_size=30))
def test_any_lines_are_a_description_or_an_error(lines: list[bytes]) -> None:
    try:
        found = sdp.read(b"\r\n".join(lines))
    except WireError:
        return
    assert sdp.read(found.encode()).port == found.port
