"""Any headers of a request between tiers: claims or WireErrors; no claim passes that its key did not sign.

Run ``python fuzz/fuzz_signing.py -max_total_time=60``.
"""

import sys
from contextlib import suppress
from datetime import UTC, datetime

import atheris
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.wire import signing

AT = datetime(2026, 11, 22, 0, 15, 30, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
NAMES = (signing.NODE, signing.EPOCH, signing.TIME, signing.NONCE, signing.SIGNATURE)


def one(data: bytes) -> None:
    """Bend some of the headers of a good request, and read them."""
    source = atheris.FuzzedDataProvider(data)
    good = signing.headers(KEY.sign, method="POST", path="/docking/v1/rows", body=b"x", node="n1", epoch=3, at=AT)
    signing.read(good).check(PUBLIC, method="POST", path="/docking/v1/rows", body=b"x", now=AT)
    given = dict(good)
    for name in NAMES:
        if source.ConsumeBool():
            given[name] = source.ConsumeBytes(source.ConsumeIntInRange(0, 300)).decode("latin-1")
    with suppress(WireError):
        claim = signing.read(given)
        assert len(claim.once) == 16
        claim.timely(AT)
        claim.check(PUBLIC, method="POST", path="/docking/v1/rows", body=source.ConsumeBytes(8), now=AT)
        raise AssertionError(f"passed although the body is another: {given}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
