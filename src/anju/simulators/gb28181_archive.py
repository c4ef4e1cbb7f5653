"""The recordings a simulated device claims to have: the last days in files of an hour, but for the gaps it is given."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Archive:
    """``gaps`` are times without recordings; everything is of the same kind, and nothing is of the future."""

    days: float = 30.0
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    kind: str = "time"

    def files(self, start: datetime, end: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Return the files that touch ``start`` to ``end``, oldest first, each whole."""
        first = max(start, now - timedelta(days=self.days))
        at = first.replace(minute=0, second=0, microsecond=0)
        while at < min(end, now):
            for part in self._without_gaps(at, min(at + HOUR, now.replace(microsecond=0))):
                if part[1] > first and part[0] < end:
                    yield part
            at += HOUR

    def spans(self, start: datetime, end: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
        """Return what there is between ``start`` and ``end``, joined where files follow each other."""
        found = list[tuple[datetime, datetime]]()
        for first, last in self.files(start, end, now):
            part = (max(first, start), min(last, end))
            if found and found[-1][1] == part[0]:
                found[-1] = (found[-1][0], part[1])
            else:
                found.append(part)
        return found

    def _without_gaps(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        for first, last in sorted(self.gaps):
            if first < end and last > start:
                if first > start:
                    yield start, first
                start = max(start, last)
        if start < end:
            yield start, end
