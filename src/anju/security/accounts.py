"""What administrators and persons themselves do to accounts, under the rules that keep three administrators apart.

Source: 4.2.1.1 (classified and graded users), 6.3.1 (passwords), 6.3.2 (graded authorisation).
"""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anju.domain import identity as rules
from anju.domain import policies as keys
from anju.domain.identity import ADMIN_ROLES, ADMINISTRATORS, AccountClass, PasswordRules, WantedGrant
from anju.domain.rights import Principal, ScopeKind
from anju.errors import Conflict, Forbidden, Invalid, Unauthenticated
from anju.security.passwords import TOTP_SECRET_BYTES, Passwords, base32, totp_step, totp_uri
from anju.security.policies import Policies
from anju.security.sealing import Sealer
from anju.store import accounts as store
from anju.store import roles, sessions
from anju.store.accounts import ACTIVE, DISABLED, Account
from anju.store.database import Database, Transaction
from anju.store.versions import Subject, bump

ISSUER = "Anju 安居"
ANJU = Principal("anju", "Anju", "system")
"""Who acts at the machine's own command line."""
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def new_id(letter: str) -> str:
    """Return ``letter`` and 12 base32 characters: 60 random bits."""
    return letter + "".join(secrets.choice(_ID_LETTERS) for _ in range(12))


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as a system administrator wants it: without any right until somebody grants."""

    username: str
    name: str
    account_class: AccountClass
    password: str
    expires_at: datetime | None = None
    phone: str = ""


@dataclass(frozen=True, slots=True)
class AskedGrant:
    """A role somewhere, perhaps until a time."""

    role_id: str
    scope_kind: ScopeKind
    scope_value: str = ""
    expires_at: datetime | None = None


class Accounts:
    """Changes accounts; every change is told to all processes with its commit.

    ``by`` is who acts. Whether he may at all was asked before; what nobody may is refused here.
    """

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

    async def create(self, wanted: NewAccount, *, must_change: bool = True) -> str:
        """Make an account and return its id. Raises Invalid on a weak password, Conflict on a taken user name."""
        prepared = await self.prepare(wanted)
        async with self._db.transaction() as tx:
            await self.put(tx, prepared, must_change=must_change)
        return prepared.account_id

    async def prepare(self, wanted: NewAccount) -> "Prepared":
        """Check ``wanted`` and hash its password, outside any transaction."""
        username = rules.username(wanted.username)
        if wanted.expires_at is not None and wanted.expires_at <= self._clock():
            raise Invalid("in_the_past", "an account must end in the future")
        await self._check_password(wanted.password, username, wanted.name)
        account_id = new_id("u")
        phone = self.sealed_phone(account_id, wanted.phone)
        return Prepared(account_id, username, wanted, await self._passwords.hash(wanted.password), phone)

    async def put(self, tx: Transaction, prepared: "Prepared", *, must_change: bool) -> None:
        """Write a prepared account inside ``tx``."""
        await store.put(
            tx,
            account_id=prepared.account_id,
            username=prepared.username,
            name=prepared.wanted.name.strip(),
            account_class=prepared.wanted.account_class,
            password_hash=prepared.password_hash,
            must_change=must_change,
            at=self._clock(),
            expires_at=prepared.wanted.expires_at,
            phone=prepared.phone,
        )
        await bump(tx, Subject.RIGHTS)

    async def change(self, by: Principal, account_id: str, changes: dict[str, Any]) -> None:
        """Change ``name``, ``expires_at`` or ``phone``. Nobody changes when his own account ends."""
        async with self._changing(account_id) as (tx, account):
            expires_at = changes.get("expires_at", account.expires_at)
            if expires_at != account.expires_at:
                rules.check_other(by.id, account_id, "prolong or end")
                await self._check_ends(tx, account, expires_at)
            phone = self.sealed_phone(account_id, changes["phone"] or "") if "phone" in changes else account.phone
            name = str(changes.get("name", account.name)).strip()
            await store.change(tx, account_id, name=name, expires_at=expires_at, phone=phone)

    async def _check_ends(self, tx: Transaction, account: Account, expires_at: datetime | None) -> None:
        if expires_at is not None and expires_at <= self._clock():
            raise Invalid("in_the_past", "an account must end in the future: disable it to end it now")
        if expires_at is not None:
            await self._check_not_last(tx, account)

    async def disable(self, by: Principal, account_id: str) -> int:
        """Shut an account out at once: its sessions end with the same commit. Return how many there were.

        Raises Forbidden for oneself, Conflict for the last administrator of a class.
        """
        rules.check_other(by.id, account_id, "disable")
        async with self._changing(account_id) as (tx, account):
            await self._check_not_last(tx, account)
            await store.set_state(tx, account_id, DISABLED)
            return await sessions.end_all(tx, account_id, self._clock(), "account disabled")

    async def enable(self, by: Principal, account_id: str) -> None:
        """Let an account in again."""
        rules.check_other(by.id, account_id, "enable")
        async with self._changing(account_id) as (tx, _):
            await store.set_state(tx, account_id, ACTIVE)

    async def unlock(self, by: Principal, account_id: str) -> None:
        """End a lock-out before its time."""
        rules.check_other(by.id, account_id, "unlock")
        async with self._changing(account_id) as (tx, _):
            await store.unlock(tx, account_id)

    async def end_sessions(self, account_id: str) -> int:
        """End every session of an account; return how many."""
        async with self._changing(account_id) as (tx, _):
            return await sessions.end_all(tx, account_id, self._clock(), "ended by an administrator")

    async def reset_password(self, by: Principal, account_id: str, password: str = "") -> str:
        """Set a password that must be changed at once, made up where none is given; return it.

        One-time codes and PIN go with the old password; sessions end. Anju itself, at the machine's own command
        line, may reset anybody.
        """
        rules.check_other(by.id, account_id, "reset the password of")
        account = await store.find(self._db, account_id)
        if by.kind != "system":
            rules.check_reset((await store.find(self._db, by.id)).account_class, account.account_class)
        password = password or _made_up(max(16, await self._policies.number(keys.LEAST_LENGTH)))
        await self._check_password(password, account.username, account.name)
        hashed = await self._passwords.hash(password)
        async with self._changing(account_id) as (tx, _):
            await store.set_password(tx, account_id, hashed, at=self._clock(), must_change=True)
            await store.set_totp(tx, account_id, secret=None, pending=None)
            await store.set_pin(tx, account_id, "")
            await sessions.end_all(tx, account_id, self._clock(), "password reset")
        return password

    async def grant(self, by: Principal, account_id: str, asked: Sequence[AskedGrant]) -> None:
        """Make ``asked`` all that an account is granted.

        Raises Forbidden for oneself and for roles of another class, Conflict where a class would lose its last
        administrator.
        """
        rules.check_other(by.id, account_id, "grant anything to")
        async with self._changing(account_id) as (tx, account):
            await self._check_grants(tx, account, asked)
            keeps = {each.role_id for each in asked if each.expires_at is None}
            if ADMIN_ROLES.get(account.account_class) not in keeps:
                await self._check_not_last(tx, account)
            rows = [(each.role_id, each.scope_kind, each.scope_value, each.expires_at) for each in asked]
            await roles.set_grants(tx, account_id, rows)

    async def _check_grants(self, tx: Transaction, account: Account, asked: Sequence[AskedGrant]) -> None:
        now = self._clock()
        for each in asked:
            role = await roles.find(tx, each.role_id)
            if role.retired_at is not None:
                raise Invalid("retired", f"the role {each.role_id} is retired")
            wanted = WantedGrant(each.role_id, role.account_class, each.scope_kind, each.scope_value, each.expires_at)
            rules.check_grant(wanted, account_class=account.account_class, now=now)
            if each.scope_kind is ScopeKind.PLACE and not await roles.place_is_there(tx, each.scope_value):
                raise Invalid("no_place", f"there is no place {each.scope_value}")

    async def _check_not_last(self, tx: Transaction, account: Account) -> None:
        """Raise Conflict where ``account`` is the last that administers; one that never did may always go."""
        role = ADMIN_ROLES.get(account.account_class)
        if role is None or account.state != ACTIVE or role not in await roles.held(tx, account.id):
            return
        at = self._clock()
        others = await store.other_administrators(tx, account.id, account.account_class, role, at=at)
        rules.check_not_last(account.account_class, others)

    async def change_own_password(self, account_id: str, new: str, *, keep: bytes) -> None:
        """Set a person's own new password; all sessions but ``keep`` end. The old one was proved before.

        Raises Invalid ``weak_password``, Conflict ``used_before`` for one of the last passwords of the policy.
        """
        account = await store.find(self._db, account_id)
        await self._check_password(new, account.username, account.name)
        past = await store.past_passwords(self._db, account_id, await self._policies.number(keys.HISTORY))
        if await self._passwords.any_matches(past or [account.password_hash], new):
            raise Conflict("used_before", "this password was used before")
        hashed = await self._passwords.hash(new)
        async with self._changing(account_id) as (tx, _):
            await store.set_password(tx, account_id, hashed, at=self._clock(), must_change=False)
            await sessions.end_all(tx, account_id, self._clock(), "password changed", but=keep)

    async def set_pin(self, account_id: str, pin: str) -> None:
        """Set a guard's own PIN; an empty one removes it. The password was proved before."""
        account = await store.find(self._db, account_id)
        if account.account_class in ADMINISTRATORS or not await self._policies.get(keys.PIN_ALLOWED):
            raise Forbidden("no_pin", "this account may not have a PIN")
        if pin:
            rules.check_pin(pin, await self._policies.number(keys.PIN_LENGTH))
        hashed = await self._passwords.hash(pin) if pin else ""
        async with self._changing(account_id) as (tx, _):
            await store.set_pin(tx, account_id, hashed)

    async def begin_totp(self, account_id: str) -> tuple[str, str]:
        """Make a one-time-password secret; return it in base32 and as ``otpauth://``. It waits for its first code."""
        secret = secrets.token_bytes(TOTP_SECRET_BYTES)
        async with self._changing(account_id) as (tx, account):
            sealed = self._sealer.seal(secret, f"account/{account_id}/totp")
            await store.set_totp(tx, account_id, secret=account.totp_secret, pending=sealed)
        return base32(secret), totp_uri(secret, username=account.username, issuer=ISSUER)

    async def confirm_totp(self, account_id: str, code: str) -> None:
        """Put the waiting secret in force by its first code. Raises Unauthenticated ``bad_code``."""
        async with self._changing(account_id) as (tx, account):
            if account.totp_pending is None:
                raise Conflict("nothing_pending", "ask for a secret first")
            secret = self._sealer.open(account.totp_pending, f"account/{account_id}/totp")
            if totp_step(secret, code, self._clock()) is None:
                raise Unauthenticated("bad_code", "this is not the code of now: is the clock of the device right?")
            await store.set_totp(tx, account_id, secret=account.totp_pending, pending=None)

    async def end_totp(self, account_id: str) -> None:
        """Ask for one-time codes no more."""
        async with self._changing(account_id) as (tx, _):
            await store.set_totp(tx, account_id, secret=None, pending=None)

    def sealed_phone(self, account_id: str, phone: str) -> bytes | None:
        """Return a phone number as it is kept; None for an empty one."""
        return self._sealer.seal(phone.encode(), f"account/{account_id}/phone") if phone else None

    def phone(self, account: Account) -> str:
        """Return the phone number in clear; empty where there is none."""
        if account.phone is None:
            return ""
        return self._sealer.open(account.phone, f"account/{account.id}/phone").decode()

    async def _check_password(self, password: str, username: str, name: str) -> None:
        asked = PasswordRules(
            await self._policies.number(keys.LEAST_LENGTH), await self._policies.number(keys.LEAST_CLASSES)
        )
        rules.check_password(password, asked, names=(username, name))

    @asynccontextmanager
    async def _changing(self, account_id: str) -> AsyncIterator[tuple[Transaction, Account]]:
        """Hold one account's row in a transaction that tells all processes of the change."""
        async with self._db.transaction() as tx:
            yield tx, await store.find(tx, account_id, lock=True)
            await bump(tx, Subject.RIGHTS)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked new account, its password hashed."""

    account_id: str
    username: str
    wanted: NewAccount
    password_hash: str
    phone: bytes | None


def _made_up(length: int) -> str:
    """Return a password to be read out once, of letters and digits that are not mistaken for others."""
    letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(letters) for _ in range(length - 4)) + "-Ty7"
