"""Any bytes: a description, a step of a playback, or WireErrors; what was read prints and reads the same.

Run ``python fuzz/fuzz_sdp.py -max_total_time=60``.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import mansrtsp, sdp

LINES = [
    b"m=video 30020 RTP/AVP 96 98\r\n",
    b"y=0802000017\r\n",
    b"f=v/////a///\r\n",
    b"c=IN IP4 10.0.0.1\r\n",
    b"a=rtpmap:96 PS/90000\r\n",
    b"t=1 2\r\n",
    b"a=setup:passive\r\n",
    b"u=51080201011320000001:0\r\n",
    b"a=filesize:9\r\n",
]


def one(data: bytes) -> None:
    """Read ``data`` as it is, and behind the first line of a stream, mixed with good lines."""
    source = atheris.FuzzedDataProvider(data)
    mixed = b"".join(
        source.PickValueInList(LINES) + source.ConsumeBytes(9) for _ in range(source.ConsumeIntInRange(0, 9))
    )
    for body in (data, LINES[0] + data, mixed):
        with suppress(WireError):
            found = sdp.read(body)
            again = sdp.read(found.encode())
            assert (again.port, again.ssrc, again.rtpmap) == (found.port, found.ssrc, found.rtpmap)
            assert found.ssrc_number is None or 0 <= found.ssrc_number < 2**32
    for body in (data, b"PLAY RTSP/1.0\r\n" + data, mixed):
        with suppress(WireError):
            mansrtsp.read(mansrtsp.read(body).encode())
        with suppress(WireError):
            mansrtsp.read_answer(mansrtsp.read_answer(body).encode())


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
