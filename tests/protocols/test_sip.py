"""SIP by hand-made messages: read in any cut, answered to where it came from, never more held than one message."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anju.errors import WireError
from anju.protocols import digest
from anju.protocols.sip import (
    Headers,
    MessageReader,
    Request,
    Response,
    address_of,
    answer,
    host_of,
    is_keepalive,
    parse,
    tag_of,
    user_of,
)

REGISTER = (
    b"REGISTER sip:51080200012000000001@5108020001 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.10.64:5060;rport;branch=z9hG4bK1874093231\r\n"
    b"From: <sip:51080201011180000001@5108020001>;tag=771925534\r\n"
    b"To: <sip:51080201011180000001@5108020001>\r\n"
    b"Call-ID: 1405877206@192.168.10.64\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b"Contact: <sip:51080201011180000001@192.168.10.64:5060>\r\n"
    b"Max-Forwards: 70\r\n"
    b"Expires: 3600\r\n"
    b"Content-Length: 0\r\n\r\n"
)
BODY = "<Notify><CmdType>Keepalive</CmdType><SN>43</SN><Name>东门</Name></Notify>".encode("gb18030")
MESSAGE = (
    b"MESSAGE sip:51080200012000000001@5108020001 SIP/2.0\r\n"
    b"v: SIP/2.0/TCP 192.168.10.64:5060;branch=z9hG4bK77;rport,SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2\r\n"
    b'f: "Gate" <sip:51080201011180000001@5108020001;user=phone>;tag=4\r\n'
    b"t: sip:51080200012000000001@5108020001\r\n"
    b"i: 7@192.168.10.64\r\n"
    b"CSeq: 20 MESSAGE\r\n"
    b"c: Application/MANSCDP+xml;charset=gb2312\r\n"
    b"l: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)
UNAUTHORIZED = (
    b"SIP/2.0 401 Unauthorized\r\n"
    b"Via: SIP/2.0/UDP 192.168.10.64:5060;rport=5060;received=192.168.10.64;branch=z9hG4bK1874093231\r\n"
    b"From: <sip:51080201011180000001@5108020001>;tag=771925534\r\n"
    b"To: <sip:51080201011180000001@5108020001>;tag=s1\r\n"
    b"Call-ID: 1405877206@192.168.10.64\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b'WWW-Authenticate: Digest realm="5108020001",nonce="6b2f0c9e41d7a358",algorithm=MD5\r\n'
    b"Content-Length: 0\r\n\r\n"
)
WIRE = REGISTER + b"\r\n\r\n" + MESSAGE + UNAUTHORIZED
GOOD = [parse(REGISTER), parse(MESSAGE), parse(UNAUTHORIZED)]


def request(data: bytes) -> Request:
    found = parse(data)
    assert isinstance(found, Request)
    return found


def read(data: bytes, cut: int = 4096) -> list[Request | Response | WireError]:
    reader = MessageReader()
    return [each for start in range(0, len(data), cut) for each in reader.feed(data[start : start + cut])]


def reasons(data: bytes, cut: int = 4096) -> list[str]:
    return [each.reason if isinstance(each, WireError) else "good" for each in read(data, cut)]


def test_a_registration_says_who_from_where_and_how_long() -> None:
    asked = request(REGISTER)
    assert (asked.method, user_of(asked.uri), asked.from_user) == (
        "REGISTER",
        "51080200012000000001",
        "51080201011180000001",
    )
    assert (asked.cseq, asked.expires, asked.from_tag, asked.to_tag) == ((1, "REGISTER"), 3600, "771925534", "")
    assert (asked.via.host, asked.via.port, asked.via.branch) == ("192.168.10.64", 5060, "z9hG4bK1874093231")


def test_what_was_read_prints_the_same_bytes() -> None:
    assert parse(REGISTER).encode() == REGISTER
    assert parse(UNAUTHORIZED).encode() == UNAUTHORIZED


def test_compact_names_mean_the_long_ones() -> None:
    told = request(MESSAGE)
    assert (told.from_user, told.from_tag, told.call_id) == ("51080201011180000001", "4", "7@192.168.10.64")
    assert (told.content_type, told.body) == ("application/manscdp+xml", BODY)


def test_the_worked_digest_of_the_reference_proves_the_password() -> None:
    asked = digest.read_challenge(parse(UNAUTHORIZED).headers.get("WWW-Authenticate"))
    uri = "sip:51080200012000000001@5108020001"
    given = digest.answered(asked, "51080201011180000001", "Pw-8x", method="REGISTER", uri=uri)
    assert given.response == "af495414e9424e7502c2a0caba01e336"


def test_an_answer_names_the_address_the_request_really_came_from() -> None:
    told = answer(request(REGISTER), 200, source=("203.0.113.9", 40_001), tag="s1", headers=[("Expires", "3600")])
    assert (told.via.parameters["received"], told.via.parameters["rport"]) == ("203.0.113.9", "40001")
    assert told.via.branch == "z9hG4bK1874093231"
    assert (told.to_tag, told.call_id, told.cseq) == ("s1", "1405877206@192.168.10.64", (1, "REGISTER"))


def test_an_answer_goes_back_over_every_step() -> None:
    steps = answer(request(MESSAGE), 200, source=("192.168.10.64", 5060)).headers.all("Via")
    assert [each.partition(";")[0] for each in steps] == ["SIP/2.0/TCP 192.168.10.64:5060", "SIP/2.0/UDP 10.0.0.1"]


def test_a_body_counted_in_characters_is_read_whole_from_a_datagram() -> None:
    wrong = MESSAGE.replace(b"l: " + str(len(BODY)).encode(), b"l: 20")
    assert request(wrong).body == BODY


def test_bare_line_feeds_and_folded_lines_are_read() -> None:
    folded = REGISTER.replace(b";tag=771925534", b"\r\n ;tag=771925534").replace(b"\r\n", b"\n")
    assert request(folded).from_tag == "771925534"


def test_expiry_stands_in_the_contact_too() -> None:
    data = REGISTER.replace(b"Expires: 3600\r\n", b"").replace(b"64:5060>\r\n", b"64:5060>;expires=90\r\n")
    assert request(data).expires == 90


@pytest.mark.parametrize(
    ("header", "address", "user", "tag"),
    [
        ('"a <b>" <sip:34020@3402000000:5060>;tag=x', "sip:34020@3402000000:5060", "34020", "x"),
        ("<sip:34020@3402000000>", "sip:34020@3402000000", "34020", ""),
        ("sip:34020@10.0.0.1:5060;tag=9", "sip:34020@10.0.0.1:5060", "34020", "9"),
        ("<sip:10.0.0.1:5060>;tag=1", "sip:10.0.0.1:5060", "", "1"),
        ("", "", "", ""),
        ("<sip:x@y;tag=inner>", "sip:x@y;tag=inner", "x", ""),
    ],
)
def test_addresses_are_taken_apart(header: str, address: str, user: str, tag: str) -> None:
    assert (address_of(header), user_of(header), tag_of(header)) == (address, user, tag)


def test_a_host_has_a_port_or_none() -> None:
    assert host_of("<sip:1@192.168.10.71:5062>") == ("192.168.10.71", 5062)
    assert host_of("sip:1@5108020001") == ("5108020001", None)
    assert host_of("<sip:1@[::1]:5060>") == ("[::1]", 5060)


def test_a_value_never_makes_a_second_header() -> None:
    headers = Headers([("Subject", "a\r\nX-Evil: 1")])
    assert headers.get("Subject") == "a X-Evil: 1"


def test_setting_a_header_leaves_one() -> None:
    headers = Headers([("Via", "1"), ("v", "2"), ("To", "x")])
    headers.set("VIA", "3")
    assert (headers.all("via"), headers.get("t"), len(headers)) == (["3"], "x", 2)


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0\0\0\0", b"\r\n"])
def test_empty_datagrams_keep_a_path_open(data: bytes) -> None:
    assert is_keepalive(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no Via"),
        (
            REGISTER.replace(b"SIP/2.0\r\nVia", b"SIP/9\r\nVia"),
            "no start line",
        ),
        (REGISTER.replace(b"CSeq: 1 REGISTER", b"CSeq: x"), "bad CSeq"),
        (REGISTER.replace(b"Call-ID: ", b"X: "), "no Call-ID"),
        (REGISTER.replace(b"SIP/2.0/UDP", b"ZIP"), "bad Via"),
        (REGISTER.replace(b"Expires: 3600\r\n", b"X: y\r\n" * 101), "too many or too long headers"),
        (REGISTER.replace(b"3600", b"3" * 9_000), "too many or too long headers"),
        (REGISTER + bytes(70_000), "too long"),
    ],
)
def test_what_is_no_message_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(WireError) as error:
        parse(data)
    assert error.value.reason == reason


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 64, 500, 4096])
def test_a_stream_is_read_in_any_cut(cut: int) -> None:
    assert read(WIRE, cut) == GOOD


@pytest.mark.parametrize("cut", [1, 64, 4096])
def test_noise_does_not_stop_the_next_message(cut: int) -> None:
    found = read(b"\x16\x03\x01 noise\r\nmore noise\r\n" + REGISTER + b"rest of a body</Notify>\r\n" + MESSAGE, cut)
    assert [each for each in found if not isinstance(each, WireError)] == GOOD[:2]


def test_a_head_that_broke_off_does_not_swallow_the_next_message() -> None:
    assert reasons(REGISTER[:120] + b"\r\n" + MESSAGE) == ["head broken off", "good"]


def test_a_body_beyond_the_bound_is_refused_by_its_length() -> None:
    assert reasons(REGISTER.replace(b"Content-Length: 0", b"Content-Length: 99999999") + MESSAGE) == [
        "body too long",
        "good",
    ]


def test_an_endless_head_is_let_go() -> None:
    reader = MessageReader()
    found = reader.feed(REGISTER[:-2]) + [
        each for _ in range(30) for each in reader.feed(b"X: " + b"y" * 4_000 + b"\r\n")
    ]
    assert [each.reason for each in found if isinstance(each, WireError)][:1] == ["head too long"]
    assert reader.held < 70_000


@given(st.binary(max_size=600))
@example(REGISTER[:-4])
def test_any_datagram_is_a_message_or_an_error(data: bytes) -> None:
    try:
        found = parse(data)
    except WireError:
        return
    assert parse(found.encode()).headers.get("Call-ID") == found.call_id


_PIECES = st.sampled_from(
    [REGISTER, MESSAGE, UNAUTHORIZED, b"\r\n", b"Content-Length: 5\r\n", b"SIP/2.0 200", b"\0", REGISTER[:200], BODY]
)


@given(st.lists(_PIECES | st.binary(max_size=40), max_size=8), st.integers(1, 300))
def test_after_any_bytes_in_any_cut_the_next_message_is_found(pieces: list[bytes], cut: int) -> None:
    reader, data = MessageReader(), b"".join(pieces) + b"\r\n\r\n"
    for start in range(0, len(data), cut):
        reader.feed(data[start : start + cut])
        assert reader.held < 140_000
    reader.feed(b"x" * reader.expecting)
    assert reader.feed(b"\r\n\r\n" + REGISTER)[-1] == GOOD[0]


@given(st.text(max_size=60))
def test_any_header_is_taken_apart_without_error(text: str) -> None:
    assert isinstance(user_of(text) + tag_of(text) + host_of(text)[0], str)
