"""The time a picture was sent, inside the picture: a message (SEI) that players pass over and tests read.

Source: ITU-T H.264 annex D and H.265 annex D (user data unregistered).
"""

from collections.abc import Iterable

from anju.protocols.frames import Codec

_MARK = bytes.fromhex("616e6a75a1d84d6f8f3c5b7e92a4c6d8")
_HEADS = {Codec.H264: b"\x06", Codec.H265: b"\x4e\x01"}
_DIGITS = 13
_KIND = 5


def stamp(codec: Codec, unix_ms: int) -> bytes:
    """Return the NAL unit that says ``unix_ms``; its digits are text, so that nothing in it looks like a start code."""
    said = _MARK + f"{unix_ms:0{_DIGITS}}".encode("ascii")[:_DIGITS]
    return _HEADS[codec] + bytes((_KIND, len(said))) + said + b"\x80"


def stamped(codec: Codec, units: Iterable[bytes]) -> int | None:
    """Return when the picture made of ``units`` was sent (Unix time in ms), None where it does not say."""
    for each in units:
        if each.startswith(_HEADS[codec]) and (at := each.find(_MARK)) > 0:
            digits = each[at + len(_MARK) :][:_DIGITS]
            return int(digits) if digits.isdigit() else None
    return None
