"""Any bytes in any cut: SIP messages or WireErrors, bounded memory, the next good message is found.

Run ``python fuzz/fuzz_sip.py -max_total_time=60``.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import sip

GOOD = (
    b"REGISTER sip:51080200012000000001@5108020001 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.10.64:5060;rport;branch=z9hG4bK1\r\n"
    b"From: <sip:51080201011180000001@5108020001>;tag=7\r\nTo: <sip:51080201011180000001@5108020001>\r\n"
    b"Call-ID: 1@192.168.10.64\r\nCSeq: 1 REGISTER\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
)
READ = sip.parse(GOOD)
MOST_HELD = 140_000  # bytes


def one(data: bytes) -> None:
    """Read ``data`` alone and in the middle of a good message, as a datagram and as a stream."""
    at, cut = (data[0] * 2 % len(GOOD), max(1, data[1])) if len(data) > 1 else (9, 1)
    for each in (data[2:], GOOD[:at] + data[2:] + GOOD[at:]):
        with suppress(WireError):
            _use(sip.parse(each))
        _stream(each, cut)


def _stream(data: bytes, cut: int) -> None:
    """Read ``data`` in pieces of ``cut`` bytes, end what it began, and see a good message found behind it."""
    reader = sip.MessageReader(most_body=60_000)
    for start in range(0, len(data), cut):
        for each in reader.feed(data[start : start + cut]):
            assert isinstance(each, WireError) or _use(each)
        assert reader.held < MOST_HELD
    reader.feed(b"\r\n\r\n")
    reader.feed(b"x" * reader.expecting)
    assert reader.feed(b"\r\n\r\n" + GOOD)[-1] == READ


def _use(message: sip.Request | sip.Response) -> bool:
    assert sip.parse(message.encode()).call_id == message.call_id
    names = (message.from_user, message.to_user, message.from_tag, message.to_tag, message.content_type)
    assert all(isinstance(each, str) for each in names)
    assert message.cseq[1]
    assert message.expires is None or message.expires >= 0
    if isinstance(message, sip.Request):
        told = sip.answer(message, 200, source=("10.0.0.1", 5060), tag="t")
        assert sip.parse(told.encode()).via.parameters["rport"] == "5060"
    return True


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
