"""Accounts as kept: persons who may log in. None is ever deleted; a disabled one keeps its name and its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from anju.domain.identity import AccountClass
from anju.errors import Conflict, NotFound
from anju.store.database import Executor, Transaction

ACTIVE, DISABLED = "active", "disabled"

_COLUMNS = """id, username, name, class, state, must_change, locked_until, expires_at, last_login_at,
    password_changed_at, created_at, version, password_hash, pin_hash, totp_secret, totp_pending, totp_step, phone,
    language, theme"""


@dataclass(frozen=True, slots=True)
class Account:
    """One account with its secrets: hashes and sealed values; it never leaves the program whole."""

    id: str
    username: str
    name: str
    account_class: AccountClass
    state: str
    must_change: bool
    locked_until: datetime | None
    expires_at: datetime | None
    last_login_at: datetime | None
    password_changed_at: datetime
    created_at: datetime
    version: int
    password_hash: str
    pin_hash: str
    totp_secret: bytes | None
    totp_pending: bytes | None
    totp_step: int
    phone: bytes | None
    language: str | None
    theme: str | None

    def usable(self, at: datetime) -> bool:
        """Return whether its person may log in."""
        return self.state == ACTIVE and (self.expires_at is None or at < self.expires_at)


def _account(row: tuple[Any, ...]) -> Account:
    values = list(row)
    values[3] = AccountClass(row[3])
    return Account(*values)


async def by_username(db: Executor, username: str) -> Account | None:
    """Return the account of a user name."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM account WHERE username = %(username)s", username=username)
    return _account(row) if row else None


async def find(db: Executor, account_id: str, *, lock: bool = False) -> Account:
    """Return one account, locked for change inside a transaction. Raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM account WHERE id = %(id)s{' FOR UPDATE' if lock else ''}"
    row = await db.fetch_one(query, id=account_id)
    if row is None:
        raise NotFound("no_account", "there is no such account")
    return _account(row)


async def any_there(db: Executor) -> bool:
    """Return whether this node has an account at all."""
    return await db.fetch_one("SELECT 1 FROM account LIMIT 1") is not None


async def put(
    tx: Transaction,
    *,
    account_id: str,
    username: str,
    name: str,
    account_class: AccountClass,
    password_hash: str,
    must_change: bool,
    at: datetime,
    expires_at: datetime | None = None,
    phone: bytes | None = None,
) -> None:
    """Make an account. Raises Conflict where the user name is taken."""
    made = await tx.execute(
        """INSERT INTO account (id, username, name, class, password_hash, must_change, expires_at, phone, created_at,
               password_changed_at)
           VALUES (%(id)s, %(username)s, %(name)s, %(account_class)s, %(password_hash)s, %(must_change)s,
               %(expires_at)s, %(phone)s, %(at)s, %(at)s) ON CONFLICT (username) DO NOTHING""",
        id=account_id,
        username=username,
        name=name,
        account_class=account_class,
        password_hash=password_hash,
        must_change=must_change,
        expires_at=expires_at,
        phone=phone,
        at=at,
    )
    if not made:
        raise Conflict("username_taken", f"the user name {username} is taken")
    await _into_history(tx, account_id, password_hash, at)


async def failed(db: Executor, account_id: str, *, limit: int, at: datetime, until: datetime) -> datetime | None:
    """Count a failed log-in; return until when the account is locked out, by this failure or one beside it."""
    row = await db.fetch_one(
        """UPDATE account SET
               failures = CASE WHEN locked_until > %(at)s THEN failures ELSE (failures + 1) %% %(limit)s END,
               locked_until = CASE WHEN locked_until > %(at)s OR failures + 1 < %(limit)s THEN locked_until
                                   ELSE %(until)s END
           WHERE id = %(id)s RETURNING locked_until""",
        id=account_id,
        limit=limit,
        at=at,
        until=until,
    )
    return row[0] if row and row[0] and row[0] > at else None


async def succeeded(tx: Transaction, account_id: str, *, at: datetime, totp_step: int | None = None) -> bool:
    """Note a log-in. False where the account was locked out meanwhile or the one-time code was used before."""
    query = """UPDATE account SET failures = 0, locked_until = NULL, last_login_at = %(at)s,
                   totp_step = coalesce(%(step)s, totp_step)
               WHERE id = %(id)s AND (locked_until IS NULL OR locked_until <= %(at)s)
                 AND (%(step)s::bigint IS NULL OR totp_step < %(step)s)"""
    return await tx.execute(query, id=account_id, at=at, step=totp_step) > 0


async def unlock(tx: Transaction, account_id: str) -> None:
    """End a lock-out."""
    query = "UPDATE account SET failures = 0, locked_until = NULL, version = version + 1 WHERE id = %(id)s"
    await tx.execute(query, id=account_id)


async def set_password(
    tx: Transaction, account_id: str, password_hash: str, *, at: datetime, must_change: bool
) -> None:
    """Change a password; a lock-out ends with it."""
    await tx.execute(
        """UPDATE account SET password_hash = %(hash)s, password_changed_at = %(at)s, must_change = %(must_change)s,
               failures = 0, locked_until = NULL, version = version + 1 WHERE id = %(id)s""",
        id=account_id,
        hash=password_hash,
        at=at,
        must_change=must_change,
    )
    await _into_history(tx, account_id, password_hash, at)


async def rehashed(db: Executor, account_id: str, password_hash: str) -> None:
    """Keep the same password at today's cost."""
    query = "UPDATE account SET password_hash = %(hash)s WHERE id = %(id)s"
    await db.execute(query, id=account_id, hash=password_hash)


async def must_change(tx: Transaction, account_id: str) -> None:
    """Demand a new password before anything else."""
    await tx.execute("UPDATE account SET must_change = true, version = version + 1 WHERE id = %(id)s", id=account_id)


MOST_HISTORY = 24


async def _into_history(tx: Transaction, account_id: str, password_hash: str, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO password_history (account_id, at, password_hash) VALUES (%(id)s, %(at)s, %(hash)s)",
        id=account_id,
        at=at,
        hash=password_hash,
    )
    await tx.execute(
        """DELETE FROM password_history WHERE account_id = %(id)s AND ctid NOT IN (
               SELECT ctid FROM password_history WHERE account_id = %(id)s ORDER BY at DESC LIMIT %(most)s)""",
        id=account_id,
        most=MOST_HISTORY,
    )


async def past_passwords(db: Executor, account_id: str, count: int) -> list[str]:
    """Return the hashes of the last ``count`` passwords, the present one among them, newest first."""
    query = """SELECT password_hash FROM password_history WHERE account_id = %(id)s ORDER BY at DESC LIMIT %(count)s"""
    return [row[0] for row in await db.fetch(query, id=account_id, count=count)]


async def set_pin(tx: Transaction, account_id: str, pin_hash: str) -> None:
    """Change or (empty) remove a PIN."""
    query = "UPDATE account SET pin_hash = %(pin)s, version = version + 1 WHERE id = %(id)s"
    await tx.execute(query, id=account_id, pin=pin_hash)


async def set_totp(tx: Transaction, account_id: str, *, secret: bytes | None, pending: bytes | None) -> None:
    """Set the one-time-password secret in force and the one that waits for its first code, both sealed."""
    await tx.execute(
        """UPDATE account SET totp_secret = %(secret)s, totp_pending = %(pending)s, totp_step = 0,
               version = version + 1 WHERE id = %(id)s""",
        id=account_id,
        secret=secret,
        pending=pending,
    )


async def set_state(tx: Transaction, account_id: str, state: str) -> None:
    """Enable or disable."""
    query = "UPDATE account SET state = %(state)s, version = version + 1 WHERE id = %(id)s"
    await tx.execute(query, id=account_id, state=state)


async def change(
    tx: Transaction, account_id: str, *, name: str, expires_at: datetime | None, phone: bytes | None
) -> None:
    """Change what an account is called, when it ends, its phone (sealed)."""
    await tx.execute(
        """UPDATE account SET name = %(name)s, expires_at = %(expires_at)s, phone = %(phone)s, version = version + 1
           WHERE id = %(id)s""",
        id=account_id,
        name=name,
        expires_at=expires_at,
        phone=phone,
    )


async def prefer(
    tx: Transaction,
    account_id: str,
    id_hash: bytes,
    *,
    language: str | None,
    theme: str | None,
    layout: dict[str, Any] | None,
) -> None:
    """Keep what is not None: language, theme, and the layout of this session, which is the next one's beginning."""
    kept = None if layout is None else Jsonb(layout)
    await tx.execute(
        """UPDATE account SET language = coalesce(%(language)s, language), theme = coalesce(%(theme)s, theme),
               layout = coalesce(%(layout)s, layout) WHERE id = %(id)s""",
        id=account_id,
        language=language,
        theme=theme,
        layout=kept,
    )
    query = "UPDATE session SET layout = coalesce(%(layout)s, layout) WHERE id_hash = %(id_hash)s"
    await tx.execute(query, id_hash=id_hash, layout=kept)


async def other_administrators(
    tx: Transaction, account_id: str, account_class: AccountClass, role_id: str, *, at: datetime
) -> int:
    """Return how many other active accounts of a class hold its administrator's role; their rows wait for us."""
    rows = await tx.fetch(
        """SELECT a.id FROM account a WHERE a.class = %(account_class)s AND a.state = 'active' AND a.id <> %(id)s
             AND (a.expires_at IS NULL OR a.expires_at > %(at)s)
             AND EXISTS (SELECT FROM role_grant g WHERE g.account_id = a.id AND g.role_id = %(role_id)s
                         AND (g.expires_at IS NULL OR g.expires_at > %(at)s))
           ORDER BY a.id FOR UPDATE OF a""",
        id=account_id,
        account_class=account_class,
        role_id=role_id,
        at=at,
    )
    return len(rows)


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as lists show it, with how many sessions it has open and its grants."""

    account: Account
    sessions: int
    grants: list[dict[str, Any]]


_LIST = f"""
    SELECT {", ".join("a." + name.strip() for name in _COLUMNS.split(","))},
        (SELECT count(*) FROM session s WHERE s.account_id = a.id AND s.ended_at IS NULL AND s.expires_at > %(at)s),
        (SELECT coalesce(jsonb_agg(jsonb_build_object('role', g.role_id, 'role_name', r.name,
                'role_name_en', r.name_en, 'scope_kind', g.scope_kind, 'scope_value', g.scope_value,
                'scope_name', coalesce((SELECT p.name FROM place p WHERE p.place_path = g.scope_value),
                    (SELECT j.name FROM jurisdiction j WHERE j.code = g.scope_value), ''),
                'expires_at', g.expires_at) ORDER BY g.role_id, g.scope_kind, g.scope_value), '[]')
         FROM role_grant g JOIN role r ON r.id = g.role_id WHERE g.account_id = a.id)
    FROM account a
"""


def _listed(row: tuple[Any, ...]) -> Listed:
    return Listed(_account(row[:-2]), row[-2], row[-1])


async def listed(db: Executor, account_id: str, *, at: datetime) -> Listed:
    """Return one account as lists show it. Raises NotFound."""
    row = await db.fetch_one(f"{_LIST} WHERE a.id = %(id)s", id=account_id, at=at)
    if row is None:
        raise NotFound("no_account", "there is no such account")
    return _listed(row)


async def page(
    db: Executor,
    *,
    at: datetime,
    after: str,
    limit: int,
    classes: Sequence[str] | None = None,
    state: str | None = None,
    q: str = "",
) -> list[Listed]:
    """Return accounts by user name, after the user name ``after``; ``q`` is a piece of user name or name."""
    rows = await db.fetch(
        f"""{_LIST} WHERE a.username > %(after)s
              AND (%(classes)s::text[] IS NULL OR a.class = ANY(%(classes)s))
              AND (%(state)s::text IS NULL OR a.state = %(state)s)
              AND (%(q)s = '' OR position(lower(%(q)s) IN a.username) > 0
                   OR position(lower(%(q)s) IN lower(a.name)) > 0)
            ORDER BY a.username LIMIT %(limit)s""",
        at=at,
        after=after,
        limit=limit,
        classes=None if classes is None else list(classes),
        state=state,
        q=q,
    )
    return [_listed(row) for row in rows]


async def peers_at_once(db: Executor, *, since: datetime) -> dict[str, list[str]]:
    """Return, by account, the addresses from which it was used at the same time since ``since``."""
    rows = await db.fetch(
        """SELECT s.account_id, array_agg(DISTINCT s.peer ORDER BY s.peer) FROM session s
           WHERE s.created_at >= %(since)s AND s.peer <> '' AND EXISTS (
               SELECT FROM session o WHERE o.account_id = s.account_id AND o.peer <> s.peer AND o.peer <> ''
                 AND o.created_at < s.seen_at AND s.created_at < o.seen_at)
           GROUP BY s.account_id""",
        since=since,
    )
    return dict(rows)
