"""Any bytes in any cut: telegrams or WireErrors, bounded memory, the good frame right behind is found.

Run ``python fuzz/fuzz_dc09.py -max_total_time=60``.
"""

import sys

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols.dc09 import Frame, FrameReader, Telegram

KEY = b"0123456789ABCDEF"
GOOD = [Frame("NULL", 0, account="1234").encode(raw_crc=raw) for raw in (False, True)]
MOST_HELD = 1200  # bytes


def one(data: bytes) -> None:
    """Read ``data`` cut as its first byte says, then a good frame."""
    cut, reader, found = max(1, data[0] if data else 1), FrameReader(), list[Telegram | WireError]()
    good = GOOD[len(data) % 2]
    for start in range(0, len(data), cut):
        found += reader.feed(data[start : start + cut])
        assert reader.held < MOST_HELD
    found += reader.feed(good)
    assert isinstance(found[-1], Telegram)
    assert found[-1].raw == good
    for each in found:
        if isinstance(each, Telegram):
            _open(each)


def _open(telegram: Telegram) -> None:
    try:
        telegram.open(KEY).signals()
    except WireError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
