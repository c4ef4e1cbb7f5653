"""Which part of its recordings a simulated device plays: what there is of the time that was asked for, without gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anju.simulators.video_scene import RATE


@dataclass(frozen=True, slots=True)
class Played:
    """The recordings between ``start`` and the end that was asked for, oldest first."""

    start: datetime
    spans: Sequence[tuple[datetime, datetime]]

    @property
    def frames(self) -> int:
        """Return how many pictures there are."""
        return sum(_frames(*each) for each in self.spans)

    def second(self, frame: int) -> float:
        """Return the Unix second at which picture ``frame`` was taken."""
        for start, end in self.spans:
            if frame < _frames(start, end):
                return start.timestamp() + frame / RATE
            frame -= _frames(start, end)
        return self.spans[-1][1].timestamp()

    def frame(self, offset_s: float) -> int:
        """Return the picture ``offset_s`` after the start that was asked for, or the first one after a gap there."""
        wanted, found = self.start.timestamp() + offset_s, 0
        for start, end in self.spans:
            if wanted < end.timestamp():
                return found + max(0, round((wanted - start.timestamp()) * RATE))
            found += _frames(start, end)
        return found


def _frames(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() * RATE)
