"""Any bytes as a recording cut by a crash: an init segment or a WireError, fragments that lie inside, in order.

Run ``python fuzz/fuzz_mp4.py -max_total_time=60``.
"""

import sys

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import mp4_boxes
    from anju.protocols.frames import Codec, Frame

from anju.protocols.fmp4 import fragment

GOOD = fragment(1, 0, [Frame(Codec.H264, 0, True, [b"\x65abc"])], last=3600)


def one(data: bytes) -> None:
    """Read ``data`` as a file, and as what follows a good fragment."""

    def read(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    try:
        start = mp4_boxes.read_init(read, len(data)).size
    except WireError:
        start = 0
    _inside(list(mp4_boxes.fragments(read, start, len(data))), start, len(data))
    whole = GOOD + data
    found = list(mp4_boxes.fragments(lambda offset, size: whole[offset : offset + size], 0, len(whole)))
    assert found[0].end == len(GOOD)
    _inside(found, 0, len(whole))


def _inside(found: "list[mp4_boxes.Fragment]", at: int, end: int) -> None:
    for each in found:
        assert at <= each.offset < each.end <= end
        assert each.first + sum(sample.size for sample in each.samples) <= each.end
        at = each.end


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
