"""What is said of kept pictures: how long each class must live, what a check may find, what a repair may do.

Source: 4.2.3 (storage), 5.2.2.1 (pictures of passages).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

DAYS: Mapping[str, int] = {"passage": 90, "face": 90}
"""The least age in days at which pictures of a class may end; a class that is not here never ends by age."""


def ends(retention: str, day: date, days: Mapping[str, int]) -> date | None:
    """Return the first day on which a segment of ``day`` may go, None where no age ends it.

    ``days`` may lengthen what DAYS asks for, never shorten it.
    """
    if retention not in DAYS:
        return None
    return day + timedelta(days=max(DAYS[retention], days.get(retention, 0)) + 1)


class Fault(StrEnum):
    """What may be wrong with a picture or a segment."""

    MISSING = "missing"  # a row names a picture that is nowhere
    DAMAGED = "damaged"  # the bytes are not those written
    ALTERED = "altered"  # every picture opens, yet the segment is not the one that was sealed
    UNNAMED = "unnamed"  # a segment of which no row names anything
    LEFT_OVER = "left_over"  # a file that should be gone: its days are over, or its making was cut short
    AWAY = "away"  # it lies in an object store that does not answer: nothing can be said


LOST = frozenset({Fault.MISSING, Fault.DAMAGED, Fault.ALTERED, Fault.AWAY})
"""Faults that no repair mends without a copy from elsewhere; the others are only untidy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. ``record`` names what the picture belongs to: ``passage <id>``; empty for a whole segment."""

    fault: Fault
    segment: str
    blob_id: UUID | None = None
    record: str = ""
    detail: str = ""


def losses(findings: Iterable[Finding]) -> str | None:
    """Return what a segment's check found lost, in few words: ``2 damaged, 1 missing``; nothing where it is whole.

    None where its object store did not answer: nothing can be said.
    """
    found = Counter(each.fault for each in findings if each.fault in LOST)
    if found[Fault.AWAY]:
        return None
    return ", ".join(f"{count} {fault.value}" for fault, count in sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing a repair did."""

    what: str
    segment: str


@dataclass(slots=True)
class Count:
    """What a check went through. ``noise_bytes`` belong to records whose commit never came; no key for them exists."""

    segments: int = 0
    pictures: int = 0
    erased: int = 0
    bytes: int = 0
    noise_bytes: int = 0
    faults: dict[Fault, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Count one fault."""
        self.faults[finding.fault] = self.faults.get(finding.fault, 0) + 1

    @property
    def whole(self) -> bool:
        """Return whether every picture that a row names is there and as it was written."""
        return not LOST & self.faults.keys()
