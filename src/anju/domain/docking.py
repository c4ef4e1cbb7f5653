"""Words between two tiers: what is sent up, and what became of it.

Source: 4.2.1 (community pushes to county), 4.2.2 (county pushes to city).
"""

from dataclasses import dataclass
from datetime import datetime

from anju.domain.changes import Change, Fate, Lane
from anju.errors import Conflict

MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """One row on its way up. ``change.origin`` is always set; ``seq`` is the sender's."""

    seq: int
    logged_at: datetime
    change: Change


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows of one lane of ``node``'s log in ``epoch``; at least one, at most MAX_ROWS."""

    node: str
    epoch: int
    lane: Lane
    rows: tuple[Sent, ...]

    @property
    def first(self) -> int:
        """Return the seq of the first row."""
        return self.rows[0].seq

    @property
    def last(self) -> int:
        """Return the seq of the last row."""
        return self.rows[-1].seq


@dataclass(frozen=True, slots=True)
class Receipt:
    """Up to which seq the tier above has everything, and the fates of the rows that moved it there."""

    mark: int
    fates: tuple[Fate, ...] = ()


class Gap(Conflict):
    """Rows are missing before this batch. Go back to ``mark`` and send from there."""

    def __init__(self, mark: int) -> None:
        super().__init__("gap", f"everything up to {mark} is here; send what follows it")
        self.mark = mark
