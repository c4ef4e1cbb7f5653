"""G.711 sound (ITU-T G.711): A-law and µ-law bytes <-> samples of 16 bits at 8 kHz, by tables."""

import sys
from array import array
from functools import cache

RATE = 8000  # samples a second
SILENCE = b"\xd5"  # A-law


def encode(samples: bytes) -> bytes:
    """Return little-endian samples of 16 bits as A-law."""
    table = _alaw_table()
    return bytes([table[(sample >> 3) + 4096] for sample in _words(samples)])


def decode(alaw: bytes) -> bytes:
    """Return A-law as little-endian samples of 16 bits."""
    return _bytes([_ALAW[byte] for byte in alaw])


def alaw_of_ulaw(ulaw: bytes) -> bytes:
    """Return µ-law as A-law."""
    return ulaw.translate(_ulaw_table())


def _alaw_value(byte: int) -> int:
    byte ^= 0x55
    exponent, mantissa = byte >> 4 & 7, byte & 0x0F
    size = (mantissa << 4) + 8 if not exponent else ((mantissa << 4) + 0x108) << (exponent - 1)
    return size if byte & 0x80 else -size


def _alaw_byte(sample: int) -> int:
    mark = 0xD5 if sample >= 0 else 0x55
    size = min(sample if sample >= 0 else ~sample, 0x7FFF) >> 4
    exponent = max(0, size.bit_length() - 4)
    mantissa = size >> max(0, exponent - 1) & 0x0F
    return (exponent << 4 | mantissa) ^ mark


def _ulaw_value(byte: int) -> int:
    byte = ~byte & 0xFF
    size = (((byte & 0x0F) << 3) + 0x84 << (byte >> 4 & 7)) - 0x84
    return -size if byte & 0x80 else size


_ALAW = [_alaw_value(byte) for byte in range(256)]


@cache
def _alaw_table() -> bytes:
    return bytes(_alaw_byte((index - 4096) << 3) for index in range(8192))


@cache
def _ulaw_table() -> bytes:
    return bytes(_alaw_byte(_ulaw_value(byte)) for byte in range(256))


def _words(samples: bytes) -> "array[int]":
    words = array("h", samples[: len(samples) & ~1])
    if sys.byteorder == "big":
        words.byteswap()
    return words


def _bytes(samples: list[int]) -> bytes:
    words = array("h", samples)
    if sys.byteorder == "big":
        words.byteswap()
    return words.tobytes()
