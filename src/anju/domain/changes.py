"""Words of the road: what a station answers, what a change is, what became of a row at the tier above."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class Lane(StrEnum):
    """Part of a stream's key, never a filter: alarms overtake bulk."""

    ALARMS = "alarms"
    BULK = "bulk"


class Operation(StrEnum):
    """What a change does to its object. Nothing in Anju is deleted by a change; ``REMOVE`` retires."""

    PUT = "put"
    REMOVE = "remove"


class Fate(StrEnum):
    """What the tier above did with one row."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    HELD = "held"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change was first logged. Travels unchanged through the tiers; ``seq`` of each hop is its own."""

    node: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the log: ``kind`` names the subject (``event``, ``alarm``, ``alarm_step``, ``device``, ``place`` ...).

    ``version`` grows with every change of the same object; ``body`` is the object's whole new state, JSON only.
    """

    kind: str
    object_id: str
    version: int
    site_id: str
    place_path: str
    jurisdiction: str
    body: dict[str, Any]
    operation: Operation = Operation.PUT
    origin: Origin | None = None  # None: first logged here


@dataclass(frozen=True, slots=True)
class Logged:
    """A change as it stands in this node's log."""

    lane: Lane
    epoch: int
    seq: int
    at: datetime
    change: Change


@dataclass(frozen=True, slots=True)
class Go(Generic[V]):
    """Go on with this value."""

    value: V
    flags: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave it, because. Counted; the raw frame stays."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Put it into quarantine, because. Somebody can mend the cause and run it again."""

    reason: str
