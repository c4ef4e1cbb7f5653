"""Any header in either direction: credentials, challenges or WireErrors; nothing but the password proves anything.

Run ``python fuzz/fuzz_digest.py -max_total_time=60``.
"""

import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import atheris

with atheris.instrument_imports():
    from anju.errors import WireError
    from anju.protocols import digest

AT = datetime(2026, 11, 22, 0, 15, 30, tzinfo=UTC)
DIGESTS = digest.Digests(b"a key of the node")
HA1 = digest.ha1("cam", "viid", "secret")
PARTS = ("username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce", "opaque", "algorithm")
GOOD = digest.read_challenge(DIGESTS.challenge(AT))


def one(data: bytes) -> None:
    """Read ``data`` as a header of both kinds, alone and with its parts named; a good one still opens."""
    source = atheris.FuzzedDataProvider(data)
    header = _named(source) if source.ConsumeBool() else source.ConsumeUnicode(5_000)
    with suppress(WireError):
        given = digest.read_authorization(header)
        assert DIGESTS.judge(given, HA1, method="POST", target=given.uri, at=AT) is digest.Verdict.WRONG
        assert DIGESTS.judge(given, None, method="POST", target="/VIID/Faces", at=AT) is digest.Verdict.WRONG
    with suppress(WireError):
        asked = digest.read_challenge(header)
        digest.authorization(digest.answered(asked, "cam", "secret", method="POST", uri="/VIID/Faces"))
    good = digest.answered(GOOD, "cam", "secret", method="POST", uri="/VIID/Faces")
    again = digest.read_authorization(digest.authorization(good))
    assert DIGESTS.judge(again, HA1, method="POST", target="/VIID/Faces", at=AT) is digest.Verdict.RIGHT


def _named(source: Any) -> str:
    quote = source.PickValueInList(['"', "", '\\"'])
    parts = [f"{name}={quote}{source.ConsumeUnicode(12)}{quote}" for name in PARTS if source.ConsumeIntInRange(0, 9)]
    return "Digest " + source.PickValueInList([", ", ",", " "]).join(parts)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
