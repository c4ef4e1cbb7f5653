"""What is kept of messages holds nothing that proves or opens anything, and says in short what each is."""

import pytest

from anju.devices.gb28181_exchanges import masked, title

REGISTER = (
    b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9\r\nCSeq: 2 REGISTER\r\n"
    b'Authorization: Digest username="u", realm="r", nonce="n1",\r\n uri="sip:x",\r\n\tresponse="af49",cnonce=0a4f\r\n'
    b"Max-Forwards: 70\r\n\r\n"
)


def test_digests_are_masked_over_folded_lines_too() -> None:
    found = masked(REGISTER)
    assert not any(secret in found for secret in (b"n1", b"af49", b"0a4f"))
    assert b'username="u"' in found
    assert found.endswith(b"Max-Forwards: 70\r\n\r\n")


def test_challenges_and_passwords_are_masked() -> None:
    data = b'SIP/2.0 401 Unauthorized\r\nwww-authenticate: Digest nonce="n1"\r\n\r\n<Item><Password>p</Password></Item>'
    assert masked(data) == (
        b"SIP/2.0 401 Unauthorized\r\nwww-authenticate: Digest nonce=***\r\n\r\n<Item><Password>***</Password></Item>"
    )


def test_a_word_like_a_secret_elsewhere_stays() -> None:
    assert masked(b"Subject: response=5\r\n") == b"Subject: response=5\r\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (REGISTER, "REGISTER"),
        (b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", "200 INVITE"),
        (b"MESSAGE sip:x SIP/2.0\r\n\r\n<Notify><CmdType> Keepalive</CmdType></Notify>", "MESSAGE Keepalive"),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_titles(data: bytes, words: str) -> None:
    assert title(data) == words
