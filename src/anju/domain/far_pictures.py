"""Words about pictures that lie at a node below: asked for from above, answered by the node that keeps them.

Nobody can call a node below: questions go down with what its own long poll brings home, and answers come up by request.
Source: 4.2.2 (records of the tiers below are seen above), 5.2.2.1 (pictures of passages), 6.3.2.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from anju.domain.alarms import Person

PICTURES = "/docking/v1/pictures"
TOPIC = "pictures.below"
"""Where the process that talks with the nodes below answers the other processes of its node."""
WITHIN_MS = 5_000
"""How long who looks at a page waits at most, whatever lies between."""
HOP_MS = 400
"""So much sooner each node further down gives up: the one above hears who is away, not only that somebody is."""
MOST_BYTES = 5 * 1024 * 1024
"""Of one picture on its way up; a third more as JSON, and still inside one request."""
MOST_SMALL = 256 * 1024
"""Of a thumbnail."""
RECORDS = ("passage", "sighting", "event")


@dataclass(frozen=True, slots=True)
class Source:
    """To which record a picture belongs, at which node both are at home, and what the record says of its bytes."""

    kind: str  # one of RECORDS
    record_id: UUID
    home: str
    sha256: str  # hex


@dataclass(frozen=True, slots=True)
class Asked:
    """``by`` looks at a record and wants one of its pictures, or its thumbnail, within ``within_ms`` from now.

    ``known``: he has it already and only asks whether it may still be shown.
    """

    id: UUID
    blob_id: UUID
    source: Source
    by: Person
    thumbnail: bool = False
    known: bool = False
    within_ms: int = WITHIN_MS

    def sound(self) -> bool:
        """Return whether its words are within reason."""
        texts = (self.source.home, self.by.id, self.by.name, self.by.node, self.by.tier)
        return (
            self.source.kind in RECORDS
            and all(len(each) <= 200 and "\0" not in each for each in texts)
            and 0 < self.within_ms <= WITHIN_MS
        )

    def one_hop_on(self) -> "Asked":
        """Return the question as the next node down is asked it; with no time left it is asked in vain."""
        return replace(self, within_ms=max(1, self.within_ms - HOP_MS))


class Outcome(StrEnum):
    """What became of a question."""

    SHOWN = "shown"  # the picture comes with the answer
    SAME = "same"  # it may still be shown, and who asks has it
    ERASED = "erased"
    MISSING = "missing"  # its days are over, or nobody knows it
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    NO_PICTURE = "no_picture"  # nothing a thumbnail can be made of
    NOT_SENT = "not_sent"  # it belongs to no record that this node sent up
    BUSY = "busy"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Given:
    """The answer. ``node`` and ``name`` say which node it is that is away."""

    id: UUID
    outcome: Outcome
    data: bytes = b""
    node: str = ""
    name: str = ""
