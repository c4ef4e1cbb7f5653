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
        self.start: int | None = None  # what the first stamp counts as, itself where None
        self._mask = (1 << bits) - 1
        self._clock = clock
        self._most = MOST_AHEAD_S * clock
        self._stamp: int | None = None
        self._arrived = 0.0
        self._time = -1

    def at(self, stamp: int | None, arrived: float) -> int:
        """Return the rising time of ``stamp``, arrived at ``arrived`` (seconds); None: the sender says none."""
        if self._time < 0:
            self._time = (stamp or 0) * CLOCK // self._clock if self.start is None else self.start
        else:
            ahead = (stamp - self._stamp) & self._mask if stamp is not None and self._stamp is not None else 0
            self._time += ahead * CLOCK // self._clock if 0 < ahead <= self._most else self._jumped(arrived)
        self._stamp, self._arrived = stamp if stamp is not None else self._stamp, arrived
        return self._time

    def _jumped(self, arrived: float) -> int:
        self.jumps += 1
        return max(1, round((arrived - self._arrived) * CLOCK))
