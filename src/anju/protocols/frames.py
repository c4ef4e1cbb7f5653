"""Frames: what a camera's stream is made of, whatever it travelled in. Times run on the 90 kHz clock of MPEG."""

from dataclasses import dataclass, field
from enum import StrEnum

CLOCK = 90_000  # ticks a second
MOST_AHEAD_S = 10
"""A time stamp further from the one before is a jump of the sender's clock, not a pause."""


class Codec(StrEnum):
    """How pictures or sound are coded."""

    H264 = "h264"
    H265 = "h265"
    G711A = "g711a"
    G711U = "g711u"
    AAC = "aac"

    @property
    def video(self) -> bool:
        """Return whether these are pictures."""
        return self in {Codec.H264, Codec.H265}


@dataclass(slots=True)
class Frame:
    """One picture or one piece of sound.

    ``pts`` is its time in decoding order, 90 kHz, unwrapped and rising without end in one stream; ``shift`` is added
    for the time it is shown (0 but for B-frames). ``nals`` are a picture's NAL units without start codes, ``data`` is
    sound as coded. ``arrived`` is when its first byte came (Unix seconds, by our clock). ``broken``: a part was lost.
    """

    codec: Codec
    pts: int
    key: bool
    nals: list[bytes] = field(default_factory=list)
    arrived: float = 0.0
    broken: bool = False
    data: bytes = b""
    shift: int = 0

    @property
    def size(self) -> int:
        """Return its bytes, without start codes."""
        return sum(map(len, self.nals)) + len(self.data)


class Timeline:
    """Turns a sender's wrapping, jumping time stamps of ``bits`` into one that only rises.

    Where the stamp stands still, goes back or leaps, the time of arrival says how much went by instead.
    """

    def __init__(self, bits: int, clock: int = CLOCK) -> None:
        self.jumps = 0
        self._mask = (1 << bits) - 1
        self._scale = CLOCK // clock
        self._most = MOST_AHEAD_S * clock
        self._stamp: int | None = None
        self._arrived = 0.0
        self._time = 0

    def at(self, stamp: int, arrived: float) -> int:
        """Return the rising time of ``stamp``, which arrived at ``arrived`` (seconds)."""
        if self._stamp is None:
            self._time = stamp * self._scale
        else:
            ahead = (stamp - self._stamp) & self._mask
            if 0 < ahead <= self._most:
                self._time += ahead * self._scale
            else:
                self._time += self._jumped(arrived)
        self._stamp, self._arrived = stamp, arrived
        return self._time

    def _jumped(self, arrived: float) -> int:
        self.jumps += 1
        return max(1, round((arrived - self._arrived) * CLOCK))
