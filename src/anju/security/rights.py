"""The one question under every service: may this principal do this, and where.

Source: 4.2.1.1 (classified and graded users), 6.3.2 (functions and data by rights).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from anju.domain.rights import NOWHERE, Action, Grant, Located, Principal, Scope, decide
from anju.errors import DatabaseAway
from anju.store import roles
from anju.store.database import Database
from anju.store.versions import Subject, current

COMPARE_S = 2.0
"""A right taken away is gone everywhere after at most this many seconds."""
AWAY_S = 10.0
"""Without PostgreSQL for longer, nobody may anything but ``WHILE_AWAY``."""
KNOWN_S = 3600.0
WHILE_AWAY = frozenset({Action.ALARMS_READ, Action.ALARMS_HANDLE})
MOST_KNOWN = 10_000  # principals


@dataclass(slots=True)
class _Known:
    grants: tuple[Grant, ...]
    version: int
    asked_at: float


class Rights:
    """Answers from memory as long as ``version.rights`` stands still, which it compares at least every 2 s.

    ``clock`` tells when grants expire, ``timer`` (seconds) how old an answer is.
    """

    def __init__(
        self,
        db: Database,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._clock, self._timer = db, clock, timer
        self._known: dict[str, _Known] = {}
        self._version = -1
        self._compared_at = float("-inf")  # when a comparison that succeeded was begun
        self._tried_at = float("-inf")
        self._away = False
        self._lock = asyncio.Lock()

    async def may(self, principal: Principal, action: str) -> Scope:
        """Return where ``principal`` may do ``action``; an empty scope means nowhere.

        Accounts are asked for in the database; rules, nodes and Anju itself carry their grants with them.
        Raises DatabaseAway while PostgreSQL is gone for less than 10 s and the answer is not known. After that the
        answer is nowhere, except reading and handling alarms for whoever was known within the last hour.
        """
        if principal.kind != "account":
            return decide(principal.grants, action, now=self._clock())
        if not await self._current():
            return self._while_away(principal, action)
        known = await self._of(principal.id)
        return decide(known.grants, action, now=self._clock())

    async def holds(self, principal: Principal, action: str, at: Located) -> bool:
        """Return whether ``principal`` may do ``action`` there."""
        return (await self.may(principal, action)).holds(at)

    async def refresh(self) -> None:
        """Compare now: somebody said that rights changed. Does nothing while the database is away."""
        async with self._lock:  # a comparison already under way may have read before the change
            await self._compare()

    async def _current(self) -> bool:
        """Return whether what we know was compared within the last 2 s."""
        if self._fresh():
            return True
        if self._away and self._lock.locked():
            return False  # one waits for the database; the alarm desk does not wait with him
        async with self._lock:
            if self._fresh():
                return True
            if self._timer() - self._tried_at >= COMPARE_S:
                await self._compare()
            return self._fresh()

    def _fresh(self) -> bool:
        return self._timer() - self._compared_at < COMPARE_S

    async def _compare(self) -> None:
        asked_at = self._tried_at = self._timer()
        try:
            self._version = await current(self._db, Subject.RIGHTS)
        except DatabaseAway:
            self._away = True
        else:
            self._away, self._compared_at = False, asked_at

    async def _of(self, account_id: str) -> _Known:
        known = self._known.get(account_id)
        if known is None or known.version != self._version:
            version = self._version  # read before the grants: a change between the two makes them be read again
            known = _Known(await roles.grants(self._db, account_id), version, self._timer())
            self._remember(account_id, known)
        known.asked_at = self._timer()
        return known

    def _remember(self, account_id: str, known: _Known) -> None:
        if len(self._known) >= MOST_KNOWN:
            del self._known[min(self._known, key=lambda each: self._known[each].asked_at)]
        self._known[account_id] = known

    def _while_away(self, principal: Principal, action: str) -> Scope:
        known = self._known.get(principal.id)
        since = self._timer() - self._compared_at
        recently = known is not None and self._timer() - known.asked_at <= KNOWN_S
        if known and recently and known.version == self._version and (since <= AWAY_S or action in WHILE_AWAY):
            return decide(known.grants, action, now=self._clock())
        if since <= AWAY_S:
            raise DatabaseAway("rights cannot be asked")
        return NOWHERE
