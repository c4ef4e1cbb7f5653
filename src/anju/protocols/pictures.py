"""Pictures of NAL units: which codec they really are, where decoding can start, what a player must know before."""

from collections.abc import Iterable

from anju.errors import WireError
from anju.protocols import nal
from anju.protocols.fmp4 import Track, track_of
from anju.protocols.frames import Codec, Frame

_MOST_WAITING = 64  # NAL units before the first slice
_MOST_LENGTH = 1 << 16  # bytes of one of them
_SUSPECT = frozenset((0x27, 0x47, 0x67, 0x40, 0x42))  # first bytes of sequence sets of either codec


class Pictures:
    """Makes frames of the NAL units of one stream. ``track`` is another object once the camera changed its sets.

    Sequence sets decide the codec, not what a map or an SDP says. ``unusable`` counts sets that cannot be read.
    """

    def __init__(self) -> None:
        self.codec: Codec | None = None
        self.track: Track | None = None
        self.unusable = 0
        self._proved = False
        self._sets: dict[int, tuple[bytes, ...]] = {}
        self._waiting: list[bytes] = []

    def take(self, nals: list[bytes], said: Codec | None) -> Frame | None:
        """Return the frame of ``nals``, without its times; None while there is no slice, or no codec known.

        ``said`` is what the sender calls the codec.
        """
        if any(each[0] in _SUSPECT for each in nals):
            self._prove(nals)
        if self.codec is None or (not self._proved and said is not None):
            self.codec = said
        codec = self.codec
        if codec is None:
            return None
        slices, keys = nal.SLICE[codec], nal.KEY[codec]
        firsts = [each[0] for each in nals]
        if not any(first in slices for first in firsts):
            few = [each for each in nals if len(each) <= _MOST_LENGTH]
            self._waiting = [*self._waiting, *few][:_MOST_WAITING]
            return None
        if self._waiting:
            nals, self._waiting = self._waiting + nals, []
        key = any(first in keys for first in firsts)
        if key:
            self._learn(codec, nals)
        return Frame(codec, 0, key, nals)

    def _prove(self, nals: Iterable[bytes]) -> None:
        codec = nal.guess(nals)
        if codec is not None:
            if codec is not self.codec:
                self._sets, self.track, self._waiting = {}, None, []
            self.codec, self._proved = codec, True

    def _learn(self, codec: Codec, nals: Iterable[bytes]) -> None:
        """Keep the parameter sets before a key frame; without any, those before it hold on."""
        found: dict[int, dict[bytes, None]] = {}
        for each in nals:
            if each[0] in nal.PARAMETER[codec]:
                found.setdefault(nal.kind(codec, each), {})[each] = None
        sets = self._sets | {number: tuple(each) for number, each in found.items()}
        if sets == self._sets:
            return
        self._sets = sets
        try:
            self.track = track_of(codec, sets)
        except WireError:
            self.unusable += 1
