"""NAL units of H.264 (ITU-T H.264, 7.3) and H.265 (ITU-T H.265, 7.3): cut apart, told apart, sequence sets read."""

from collections.abc import Iterable
from dataclasses import dataclass

from anju.errors import WireError
from anju.protocols.frames import Codec

_START = b"\0\0\1"
_MOST_SPS = 1024  # bytes
_MOST_SIDE = 16_384  # pixels
_MOST_ZEROS = 31  # before an Exp-Golomb number
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_PROFILES = _HIGH | {66, 77, 88}

H264_SPS, H264_PPS = 7, 8
H265_VPS, H265_SPS, H265_PPS = 32, 33, 34
PARAMETERS = {Codec.H264: frozenset((H264_SPS, H264_PPS)), Codec.H265: frozenset((H265_VPS, H265_SPS, H265_PPS))}
"""The types of parameter sets."""


def kind(codec: Codec, nal: bytes) -> int:
    """Return the type of a NAL unit, which is not empty."""
    return nal[0] & 0x1F if codec is Codec.H264 else nal[0] >> 1 & 0x3F


def _first_bytes(h264: Iterable[int], h265: Iterable[int]) -> dict[Codec, frozenset[int]]:
    wanted = {Codec.H264: frozenset(h264), Codec.H265: frozenset(h265)}
    return {
        codec: frozenset(byte for byte in range(256) if kind(codec, bytes((byte,))) in numbers)
        for codec, numbers in wanted.items()
    }


SLICE = _first_bytes(range(1, 6), range(32))
"""First bytes of NAL units that carry a part of the picture."""
KEY = _first_bytes((5,), range(16, 22))
"""First bytes of those decoding can start at."""
PARAMETER = _first_bytes(PARAMETERS[Codec.H264], PARAMETERS[Codec.H265])
"""First bytes of parameter sets."""
APART = _first_bytes((*PARAMETERS[Codec.H264], 9), (*PARAMETERS[Codec.H265], 35))
"""First bytes of what a file keeps apart from its samples: parameter sets and delimiters."""


def split(data: bytes) -> list[bytes]:
    """Return the NAL units of Annex B bytes, without start codes and the zeros behind them; empty ones left out."""
    parts = data.split(_START)
    del parts[0]  # what stands before the first start code is none
    return [nal for part in parts if (nal := part.rstrip(b"\0"))]


def guess(nals: Iterable[bytes]) -> Codec | None:
    """Return the codec that sequence sets among ``nals`` prove, whatever a map or an SDP says; None without any."""
    for nal in nals:
        if len(nal) >= 4:
            if nal[1] == 1 and nal[0] in {0x40, 0x42}:
                return Codec.H265
            if nal[0] & 0x9F == H264_SPS and nal[1] in _PROFILES and nal[0] & 0x60:
                return Codec.H264
    return None


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """What a sequence parameter set says of the pictures: size in pixels, and the name of their coding (RFC 6381).

    ``profile`` is what the codec's configuration record repeats of it. ``chroma`` is chroma_format_idc.
    """

    codec: Codec
    name: str
    width: int
    height: int
    profile: bytes
    chroma: int
    luma_bits: int
    chroma_bits: int
    layers: int = 1
    nested: bool = True

    @property
    def has_depth(self) -> bool:
        """Return whether an H.264 configuration record states chroma and depth."""
        return self.profile[0] in {100, 110, 122, 144}


def read_sps(codec: Codec, nal: bytes) -> SequenceSet:
    """Return what a sequence parameter set says. Raises WireError."""
    if not 5 <= len(nal) <= _MOST_SPS:
        raise WireError("sequence set of a wrong length", data=nal)
    found = _h264(nal) if codec is Codec.H264 else _h265(nal)
    if not (0 < found.width <= _MOST_SIDE and 0 < found.height <= _MOST_SIDE):
        raise WireError("picture of an impossible size", data=nal)
    return found


class _Bits:
    """Reads numbers from a NAL unit without its emulation prevention."""

    def __init__(self, nal: bytes, start: int) -> None:
        self._nal = nal
        raw = nal[start:].replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(raw, "big"), 8 * len(raw)

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number. Raises WireError behind the end."""
        self._left -= count
        if self._left < 0:
            raise WireError("sequence set cut off", data=self._nal)
        return self._value >> self._left & ((1 << count) - 1)

    def skip(self, *counts: int) -> None:
        """Leave fields out."""
        for count in counts:
            self.take(count)

    def ue(self) -> int:
        """Return an Exp-Golomb number."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise WireError("sequence set holds no number", data=self._nal)
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        """Return a signed Exp-Golomb number."""
        number = self.ue()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def _h264(nal: bytes) -> SequenceSet:
    bits = _Bits(nal, 4)
    bits.ue()
    chroma, luma_bits, chroma_bits = _h264_depth(bits) if nal[1] in _HIGH else (1, 8, 8)
    bits.ue()
    _h264_order(bits)
    bits.ue()
    bits.skip(1)
    across, down = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.take(1)
    bits.skip(1 if frames_only else 2)
    left, right, top, bottom = [bits.ue() for _ in range(4)] if bits.take(1) else [0] * 4
    unit_x = 2 if chroma in {1, 2} else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    return SequenceSet(
        Codec.H264,
        f"avc1.{nal[1:4].hex()}",
        across * 16 - (left + right) * unit_x,
        down * 16 * (2 - frames_only) - (top + bottom) * unit_y,
        nal[1:4],
        chroma,
        luma_bits,
        chroma_bits,
    )


def _h264_depth(bits: _Bits) -> tuple[int, int, int]:
    chroma = bits.ue()
    if chroma == 3:
        bits.skip(1)
    depths = bits.ue() + 8, bits.ue() + 8
    bits.skip(1)
    if bits.take(1):
        for number in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling(bits, 16 if number < 6 else 64)
    return chroma, *depths


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) & 0xFF
        last = following or last


def _h264_order(bits: _Bits) -> None:
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.skip(1)
        bits.se()
        bits.se()
        count = bits.ue()
        for _ in range(count if count <= 255 else 0):
            bits.se()


def _h265(nal: bytes) -> SequenceSet:
    bits = _Bits(nal, 2)
    bits.skip(4)
    layers, nested = bits.take(3) + 1, bool(bits.take(1))
    profile = bits.take(96).to_bytes(12, "big")
    _skip_layers(bits, layers - 1)
    bits.ue()
    chroma = bits.ue()
    if chroma == 3:
        bits.skip(1)
    width, height = bits.ue(), bits.ue()
    left, right, top, bottom = [bits.ue() for _ in range(4)] if bits.take(1) else [0] * 4
    luma_bits, chroma_bits = bits.ue() + 8, bits.ue() + 8
    width -= (left + right) * (2 if chroma in {1, 2} else 1)
    height -= (top + bottom) * (2 if chroma == 1 else 1)
    return SequenceSet(
        Codec.H265, _h265_name(profile), width, height, profile, chroma, luma_bits, chroma_bits, layers, nested
    )


def _skip_layers(bits: _Bits, count: int) -> None:
    present = [(bits.take(1), bits.take(1)) for _ in range(count)]
    if count:
        bits.skip(2 * (8 - count))
    for profile, level in present:
        bits.skip(88 * profile, 8 * level)


def _h265_name(profile: bytes) -> str:
    space = ("", "A", "B", "C")[profile[0] >> 6]
    fits = int(f"{int.from_bytes(profile[1:5], 'big'):032b}"[::-1], 2)
    limits = "".join(f".{byte:x}" for byte in profile[5:11].rstrip(b"\0"))
    return f"hvc1.{space}{profile[0] & 0x1F}.{fits:x}.{'LH'[profile[0] >> 5 & 1]}{profile[11]}{limits}"
