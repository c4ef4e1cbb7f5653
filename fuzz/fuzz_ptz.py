"""Any digits: an instruction that can be written again, or a WireError.

Run ``python fuzz/fuzz_ptz.py -max_total_time=60``.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import ptz


def one(data: bytes) -> None:
    """Read ``data`` as text, as bytes, and as bytes with a right sum."""
    bodies = [data[:7] + bytes([sum(data[:7]) & 0xFF]), b"\xa5\x0f\x01" + data[:4]]
    bodies[1] += bytes([sum(bodies[1]) & 0xFF])
    for digits in (data.decode("latin-1"), data[:8].hex(), *(each.hex() for each in bodies)):
        with suppress(WireError):
            found = ptz.decode(digits)
            assert ptz.decode(ptz.encode(found)) == found


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
