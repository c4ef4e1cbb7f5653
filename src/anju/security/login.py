"""Proves that somebody is who he says: by password, one-time code or PIN; counts failures, locks out.

Source: 6.3.1 (identification, failed log-ins limited).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from anju.domain import policies as keys
from anju.domain.identity import AccountClass, is_username
from anju.errors import Refused, Unauthenticated
from anju.security.passwords import Passwords, totp_step
from anju.security.policies import Policies
from anju.security.sealing import Sealer
from anju.store import accounts as store
from anju.store.accounts import Account
from anju.store.database import Database
from anju.store.versions import Subject, bump

MOST_STRANGERS = 10_000


class LockedOut(Refused):
    """Too many failures in a row. Wait until the time in ``more``, or ask a system administrator."""

    status = 423

    def __init__(self, until: datetime) -> None:
        super().__init__("locked_out", f"too many failures: locked out until {until.isoformat()}")
        self.more = {"until": until.isoformat()}


class Strangers:
    """Counts failures of user names that do not exist as those of accounts are counted: the answers do not differ."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._until: dict[str, datetime] = {}

    def locked_until(self, username: str) -> datetime | None:
        """Return until when a name is locked out."""
        return self._until.get(username)

    def failed(self, username: str, *, limit: int, at: datetime, until: datetime) -> datetime | None:
        """Count; return until when the name is locked out, by this failure or one beside it."""
        locked = self._until.get(username)
        if locked is not None and locked > at:
            return locked
        count = self._failures.pop(username, 0) + 1
        if count >= limit:
            self._until.pop(username, None)
            self._until[username] = until
            _bound(self._until)
            return until
        self._failures[username] = count
        _bound(self._failures)
        return None


@dataclass(frozen=True, slots=True)
class Proved:
    """Who it is. ``by_password``: it counts as a re-authentication; a PIN does not."""

    account: Account
    by_password: bool


class Login:
    """Asks for proofs. Every wrong one counts, of whatever kind."""

    def __init__(
        self,
        db: Database,
        policies: Policies,
        passwords: Passwords,
        sealer: Sealer,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db, self._policies, self._passwords = db, policies, passwords
        self._sealer, self._clock = sealer, clock
        self._strangers = Strangers()

    async def by_password(self, username: str, password: str, totp: str = "") -> Proved:
        """Return whose password this is.

        Raises Unauthenticated ``bad_login`` in the same words and time whether the name or the password is wrong or
        the account is disabled or over; ``totp_needed`` where the password is right and its one-time code is missing;
        LockedOut.
        """
        name = username.strip().lower()
        account = await self._named(name)
        self._check_not_locked(account, name)
        right = await self._passwords.matches(account.password_hash if account else "", password)
        if account is None or not right or not account.usable(self._clock()):
            await self._failed(account, name)
        step = await self._check_totp(account, totp)
        return await self._succeeded(account, password, step)

    async def by_pin_or_password(self, username: str, secret: str) -> Proved:
        """Return whose PIN or password this is, at a desk where somebody is logged in already.

        An account with one-time codes comes in by the log-in page only: ``totp_needed``.
        """
        name = username.strip().lower()
        account = await self._named(name)
        self._check_not_locked(account, name)
        if not await self._pin_is_right(account, secret) or account is None:
            return await self.by_password(username, secret)
        if not account.usable(self._clock()):
            await self._failed(account, name)
        if account.totp_secret:
            raise Unauthenticated("totp_needed", "this account gives a one-time code: log in at the log-in page")
        return Proved(await self._note(account, None), by_password=False)

    async def again(self, account_id: str, secret: str, *, pin: bool = False) -> bool:
        """Prove that who is logged in is still there; return whether by password. One-time codes are not asked.

        Raises like ``by_password``.
        """
        account = await store.find(self._db, account_id)
        self._check_not_locked(account, account.username)
        by_pin = pin and await self._pin_is_right(account, secret)
        right = by_pin or await self._passwords.matches(account.password_hash, secret)
        if not right or not account.usable(self._clock()):
            await self._failed(account, account.username)
        await self._note(account, None)
        return not by_pin

    async def _named(self, name: str) -> Account | None:
        return await store.by_username(self._db, name) if is_username(name) else None

    async def _pin_is_right(self, account: Account | None, secret: str) -> bool:
        """Return whether ``secret`` is the PIN of an account that may use one: guards, not administrators."""
        if not (secret.isascii() and secret.isdigit() and len(secret) <= 12):
            return False
        allowed = account is not None and account.account_class is AccountClass.OPERATOR
        kept = account.pin_hash if account and allowed and await self._policies.get(keys.PIN_ALLOWED) else ""
        return await self._passwords.matches(kept, secret)

    def _check_not_locked(self, account: Account | None, name: str) -> None:
        until = account.locked_until if account else self._strangers.locked_until(name)
        if until is not None and self._clock() < until:
            raise LockedOut(until)

    async def _failed(self, account: Account | None, name: str) -> NoReturn:
        limit = await self._policies.number(keys.FAILURES)
        at = self._clock()
        until = at + timedelta(minutes=await self._policies.number(keys.LOCK_MINUTES))
        locked = await store.failed(self._db, account.id if account else "", limit=limit, at=at, until=until)
        if account is None:
            locked = self._strangers.failed(name, limit=limit, at=at, until=until)
        if locked:
            raise LockedOut(locked)
        raise Unauthenticated("bad_login", "user name or password is wrong")

    async def _check_totp(self, account: Account, code: str) -> int | None:
        if account.totp_secret is None:
            return None
        if not code:
            raise Unauthenticated("totp_needed", "give the one-time code of your authenticator")
        secret = self._sealer.open(account.totp_secret, f"account/{account.id}/totp")
        step = totp_step(secret, code, self._clock(), after=account.totp_step)
        if step is None:
            await self._failed(account, account.username)
        return step

    async def _succeeded(self, account: Account, password: str, step: int | None) -> Proved:
        proved = await self._note(account, step)
        if self._passwords.outdated(account.password_hash):
            await store.rehashed(self._db, account.id, await self._passwords.hash(password))
        return Proved(proved, by_password=True)

    async def _note(self, account: Account, step: int | None) -> Account:
        """Write the log-in down. Whoever was locked out meanwhile, by guesses beside this one, stays out."""
        days = await self._policies.number(keys.EXPIRES_DAYS)
        at = self._clock()
        expired = bool(days) and at - account.password_changed_at >= timedelta(days=days)
        async with self._db.transaction() as tx:
            counted = await store.succeeded(tx, account.id, at=at, totp_step=step)
            if counted and expired and not account.must_change:
                await store.must_change(tx, account.id)
                await bump(tx, Subject.RIGHTS)
        if not counted:
            fresh = await store.find(self._db, account.id)
            self._check_not_locked(fresh, fresh.username)
            await self._failed(fresh, fresh.username)
        return await store.find(self._db, account.id)


def _bound(names: dict[str, int] | dict[str, datetime]) -> None:
    while len(names) > MOST_STRANGERS:
        names.pop(next(iter(names)))
