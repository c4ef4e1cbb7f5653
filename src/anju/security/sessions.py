"""Sessions: who is logged in, for how long, and whether the desk is locked.

Source: 6.3.1 (automatic log-out), 4.2.1.1.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from anju.domain import policies as keys
from anju.domain.rights import Action, Principal
from anju.errors import DatabaseAway, Forbidden
from anju.security.policies import Policies
from anju.store import roles
from anju.store import sessions as store
from anju.store.database import Database, Transaction

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(minutes=1)
KNOWN_FOR = timedelta(hours=1)
AWAY_FOR = timedelta(seconds=2)
"""How long known sessions are not asked for again after the database did not answer: no desk waits for each call."""
MOST_KNOWN = 5_000  # sessions


@dataclass(frozen=True, slots=True)
class Session:
    """A live session. ``id`` is the hex of its token's hash; a locked one only watches and acknowledges alarms."""

    id: str
    account_id: str
    account_class: str
    locked: bool
    reauthenticated_at: datetime | None
    created_at: datetime
    expires_at: datetime

    @property
    def id_hash(self) -> bytes:
        """Return the key it is kept by."""
        return bytes.fromhex(self.id)


class Sessions:
    """Opens, finds and ends sessions. Only the browser holds a session's token; the database holds its hash."""

    allowed_while_locked = frozenset({Action.ALARMS_READ.value, Action.ALARMS_HANDLE.value})
    """What a locked desk may still ask for; of handling, the alarm routes leave it acknowledging only."""

    def __init__(
        self, db: Database, policies: Policies, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db, self.policies, self._clock = db, policies, clock
        self._known: dict[bytes, tuple[Session, Principal, datetime]] = {}
        self._away_until = datetime.min.replace(tzinfo=UTC)

    async def open(
        self, account_id: str, *, proved: bool, peer: str = "", agent: str = "", instead_of: Session | None = None
    ) -> str:
        """Begin a session and return its token; the account's oldest ones above the policy end.

        ``proved`` by password, it counts as re-authenticated; by PIN it does not. ``instead_of`` is the session of
        the guard who leaves: it ends with the same commit, and the desk stays laid out as it was.
        """
        at, token = self._clock(), secrets.token_urlsafe(TOKEN_BYTES)
        lasts = timedelta(hours=await self.policies.number(keys.ABSOLUTE_HOURS))
        keep = await self.policies.number(keys.MOST_SESSIONS)
        async with self._db.transaction() as tx:
            await store.put(
                tx,
                id_hash=_hash(token),
                account_id=account_id,
                at=at,
                expires_at=at + lasts,
                reauthenticated_at=at if proved else None,
                peer=peer[:64],
                agent=agent[:200],
                layout=await store.layout(tx, instead_of.id_hash) if instead_of else None,
            )
            await store.end_oldest(tx, account_id, at, newest=_hash(token), keep=keep)
            if instead_of:
                await store.end(tx, instead_of.id_hash, at, "change of guard")
        return token

    async def find(self, token: str, *, active: bool = True) -> tuple[Session, Principal] | None:
        """Return the live session of ``token`` and whose it is; None where there is none or its time is over.

        ``active`` says that its person did something: only that puts the idle time-out off. An idle session ends;
        one that handles alarms is locked instead. While the database is away, sessions found within the last hour
        stay, and ``Rights`` decides what they may still do.
        """
        return await self._find(_hash(token), active=active)

    async def still(self, session_id: str) -> tuple[Session, Principal] | None:
        """Return the live session with that id, as ``find`` does; nobody did anything."""
        return await self._find(bytes.fromhex(session_id), active=False)

    async def _find(self, key: bytes, *, active: bool) -> tuple[Session, Principal] | None:
        at = self._clock()
        if at < self._away_until and key in self._known:
            return self._known_while_away(key, at)
        idle = timedelta(minutes=await self.policies.number(keys.IDLE_MINUTES))
        absolute = timedelta(hours=await self.policies.number(keys.ABSOLUTE_HOURS))
        try:
            async with self._db.transaction() as tx:
                row = await self._within_time(tx, await store.live(tx, key, at=at), at, idle, absolute)
                if row and active and not row.locked and at - row.seen_at >= min(SEEN_EVERY, idle / 10):
                    await store.seen(tx, key, at)
                found = await _with_grants(tx, row) if row else None
        except DatabaseAway:
            self._away_until = at + AWAY_FOR
            return self._known_while_away(key, at)
        self._remember(key, found, at)
        return found

    @staticmethod
    async def _within_time(
        tx: Transaction, row: store.SessionRow | None, at: datetime, idle: timedelta, absolute: timedelta
    ) -> store.SessionRow | None:
        """Return ``row``, locked where its desk stood idle; None where its time is over."""
        if row is None:
            return None
        if at >= min(row.expires_at, row.created_at + absolute):
            await store.end(tx, row.id_hash, at, "absolute time-out")
            return None
        if row.locked or at - row.seen_at < idle:
            return row
        if not row.desk:
            await store.end(tx, row.id_hash, at, "idle time-out")
            return None
        await store.set_locked(tx, row.id_hash, locked=True, at=at)
        return replace(row, locked=True)

    async def fresh(self, session: Session) -> None:
        """Raise Forbidden ``reauthenticate`` unless the person gave the password within the time of the policy.

        Asked before exports and before settings change.
        """
        if not await self.is_fresh(session):
            raise Forbidden("reauthenticate", "give your password again first")

    async def is_fresh(self, session: Session) -> bool:
        """Return whether the password was given within the time of the policy."""
        within = timedelta(minutes=await self.policies.number(keys.FRESH_MINUTES))
        given = session.reauthenticated_at
        return given is not None and self._clock() - given < within

    async def lock(self, session: Session) -> None:
        """Lock the desk: only its person's PIN or password opens it, or a change of guard."""
        await store.set_locked(self._db, session.id_hash, locked=True, at=self._clock())

    async def unlock(self, session: Session, *, proved: bool) -> None:
        """Unlock the desk; ``proved`` by password counts as a re-authentication."""
        await store.set_locked(self._db, session.id_hash, locked=False, at=self._clock())
        if proved:
            await self.reauthenticated(session)

    async def reauthenticated(self, session: Session) -> None:
        """Note that the password was given again."""
        await store.reauthenticated(self._db, session.id_hash, self._clock())

    async def end(self, session: Session, reason: str = "log-out") -> None:
        """End it."""
        await store.end(self._db, session.id_hash, self._clock(), reason)
        self._known.pop(session.id_hash, None)

    def _remember(self, key: bytes, found: tuple[Session, Principal] | None, at: datetime) -> None:
        self._known.pop(key, None)
        if found:
            self._known[key] = (*found, at)
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def _known_while_away(self, key: bytes, at: datetime) -> tuple[Session, Principal] | None:
        known = self._known.get(key)
        if known is None:
            raise DatabaseAway("sessions cannot be asked")
        session, principal, found_at = known
        return (session, principal) if at - found_at <= KNOWN_FOR and at < session.expires_at else None


async def _with_grants(tx: Transaction, row: store.SessionRow) -> tuple[Session, Principal]:
    grants = await roles.grants(tx, row.account_id)
    who = Principal(row.account_id, row.account_name, "account", grants, row.node)
    given, times = row.reauthenticated_at, (row.created_at, row.expires_at)
    return Session(row.id_hash.hex(), row.account_id, row.account_class, row.locked, given, *times), who


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
