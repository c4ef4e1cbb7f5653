"""Words between two tiers: what is sent up, what became of it, and who may send.

Both ends speak these dataclasses as JSON. Nothing here trusts the other end: ``Batch.sound`` is asked before use.
Source: 4.2.1 (community pushes to county), 4.2.2 (county pushes to city).
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from anju.domain.changes import Change, Fate, Lane
from anju.domain.commands import Command
from anju.domain.far_pictures import Asked
from anju.errors import Conflict, UpperAway

MAX_ROWS = 500
MAX_BODY = 8 * 1024 * 1024  # bytes of one request or answer
MAX_PATH = 1_000
CODE_MINUTES = 10
AWAY_AFTER = timedelta(seconds=90)
"""Without a sign of life for so long a node counts as silent; word of nodes further down comes once a minute."""
_BIGGEST = 2**63 - 1

PAIR, ROWS, COMMANDS = "/docking/v1/pair", "/docking/v1/rows", "/docking/v1/commands"
ANCHORS, ACCOUNT, RECONCILE = "/docking/v1/anchors", "/docking/v1/account", "/docking/v1/reconcile"
HEARTBEAT, RESYNC = "/docking/v1/heartbeat", "/docking/v1/resync"


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

    def sound(self) -> bool:
        """Return whether the rows are consecutive, not too many, and counted within reason."""
        if not 1 <= len(self.rows) <= MAX_ROWS or not 1 <= self.first <= _BIGGEST - MAX_ROWS:
            return False
        return all(sent.seq == self.first + index and sent.logged_at.tzinfo for index, sent in enumerate(self.rows))


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


class NotWelcome(UpperAway):
    """The tier above answers and refuses this node. Keep everything; a person must act. ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the tier above refuses: {code}")
        self.code = code


class LowerState(StrEnum):
    """How the tier above stands to a node below."""

    PENDING = "pending"
    APPROVED = "approved"
    REVOKED = "revoked"


class UpperState(StrEnum):
    """How this node stands to the tier above."""

    UNCONFIRMED = "unconfirmed"  # a person must compare the fingerprint
    WAITING = "waiting"  # for the approval above
    LIVE = "live"
    AWAY = "away"
    REFUSED = "refused"  # revoked, unknown, or our clock is off: ``reason`` says which


@dataclass(frozen=True, slots=True)
class Lower:
    """A node below as the tier above knows it. Everything of it lies under the place path ``region``."""

    node: str
    name: str
    tier: str
    public_key: bytes
    fingerprint: str
    state: LowerState
    epoch: int = 0
    region: str = "/"


@dataclass(frozen=True, slots=True)
class Upper:
    """The tier above as this node knows it: one pinned certificate."""

    url: str
    certificate: str  # PEM
    node: str
    name: str
    fingerprint: str
    state: UpperState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PairAsk:
    """A node asks to be taken in. ``proof`` shows it knows the one-time code and which certificate it saw."""

    node: str
    name: str
    tier: str
    public_key: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """Who the tier above is; ``proof`` shows that it knows the code too."""

    node: str
    name: str
    proof: bytes


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: rows waiting in each lane, and how old the oldest of them is."""

    name: str
    tier: str
    backlog: dict[Lane, int]
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node stood when it was last heard: what the tier above it tells further up, in rows of kind ``node``."""

    node: str
    name: str
    tier: str
    last_seen: datetime
    delay_ms: int
    backlog: dict[Lane, int]


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to a sign of life: who the tier above is, and what time it is there."""

    node: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Handed:
    """Commands on their way down, and questions about pictures. Any may come twice: its owner does it once."""

    commands: tuple[Command, ...] = ()
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head of ``node``'s operator log, kept where its own administrators do not reach."""

    node: str
    seq: int
    sha256: bytes
    sm3: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class DayAsked:
    """How does a UTC day of this epoch stand with you?"""

    day: date
    epoch: int


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the rows of a day above, by kind, counted up to the last row of each lane that is there."""

    id: UUID
    fates: dict[str, dict[Fate, int]]
    marks: dict[Lane, int]


@dataclass(frozen=True, slots=True)
class Day:
    """How many rows of the day the node below counts up to the marks of ``account``: sent = the sum of the fates.

    ``whole``: the day is over and all of it went up, so there is nothing to compare again.
    """

    day: date
    epoch: int
    sent: dict[str, int]
    account: UUID
    whole: bool

    def sound(self) -> bool:
        """Return whether kinds and counts are within reason."""
        if len(self.sent) > MAX_ROWS:
            return False
        return all(len(kind) <= 40 and "\0" not in kind and 0 <= n <= _BIGGEST for kind, n in self.sent.items())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Part of a resync: objects as they stand now, instead of the rows ``first..last`` that retention dropped.

    ``last`` is 0 for objects announced ahead of their rows. The mark moves with ``done`` only.
    """

    lane: Lane
    epoch: int
    first: int
    last: int
    changes: tuple[Change, ...] = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the tier above did not do it. ``mark`` comes with code ``gap``; ``at`` is its clock."""

    code: str
    mark: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows ``first..last`` of a lane were dropped by retention before the tier above had them."""

    lane: Lane
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where rows of a node below may lie: its sites' paths for everything, ``region`` for places themselves."""

    region: str
    sites: frozenset[str] = field(default=frozenset())

    def hold(self, change: Change) -> str | None:
        """Return why ``change`` must be held, None where it is the sender's own.

        A place is bound by the region the node was approved for; all else by the sites it announced.
        """
        path = change.place_path
        if change.kind == "place":
            return None if path.startswith(self.region) and path != self.region else "outside_region"
        of_itself = change.kind in OF_ITSELF and path == "/" and not change.site_id
        return None if change.kind in FREE or of_itself or self._inside(path) else "outside_sender"

    def above(self, change: Change) -> bool:
        """Return whether ``change`` is a place at or above the region: ours counts, and the sender's is dropped."""
        return change.kind == "place" and self.region.startswith(change.place_path)

    def _inside(self, path: str) -> bool:
        ends = [index + 1 for index, letter in enumerate(path) if letter == "/"]
        return any(path[:end] in self.sites for end in ends)


OF_ITSELF = frozenset({"event", "alarm", "alarm_step"})
"""Kinds in which a node speaks of itself, at the root and in no community: lost rows, a silent node below it."""
FREE = frozenset({"jurisdiction", "node"})
"""Kinds that lie nowhere: a 管辖机构 and a node cross the places."""
