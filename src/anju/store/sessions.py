"""Sessions as kept: by the hash of their token, so that a stolen database opens no door."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from anju.store.database import Executor, Transaction


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A live session with what its account says of it."""

    id_hash: bytes
    account_id: str
    account_name: str
    account_class: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    locked: bool
    reauthenticated_at: datetime | None
    node: str
    desk: bool  # may handle alarms: is locked on idle, not ended


_LIVE = """
    SELECT s.id_hash, s.account_id, a.name, a.class, s.created_at, s.seen_at, s.expires_at, s.locked,
           s.reauthenticated_at, coalesce((SELECT id FROM node), ''),
           EXISTS (SELECT FROM role_grant g JOIN role r ON r.id = g.role_id
                   WHERE g.account_id = a.id AND 'alarms.handle' = ANY(r.actions) AND r.retired_at IS NULL)
    FROM session s JOIN account a ON a.id = s.account_id
    WHERE s.id_hash = %(id_hash)s AND s.ended_at IS NULL AND a.state = 'active'
      AND (a.expires_at IS NULL OR a.expires_at > %(at)s)
"""


async def live(db: Executor, id_hash: bytes, *, at: datetime) -> SessionRow | None:
    """Return the session that has not been ended, of an account that is active at ``at``."""
    row = await db.fetch_one(_LIVE, id_hash=id_hash, at=at)
    return SessionRow(*row) if row else None


async def put(
    tx: Transaction,
    *,
    id_hash: bytes,
    account_id: str,
    at: datetime,
    expires_at: datetime,
    reauthenticated_at: datetime | None,
    peer: str,
    agent: str,
    layout: dict[str, Any] | None,
) -> None:
    """Begin a session."""
    await tx.execute(
        """INSERT INTO session (id_hash, account_id, created_at, seen_at, expires_at, reauthenticated_at, peer, agent,
               layout)
           VALUES (%(id_hash)s, %(account_id)s, %(at)s, %(at)s, %(expires_at)s, %(reauthenticated_at)s, %(peer)s,
               %(agent)s, %(layout)s)""",
        id_hash=id_hash,
        account_id=account_id,
        at=at,
        expires_at=expires_at,
        reauthenticated_at=reauthenticated_at,
        peer=peer,
        agent=agent,
        layout=None if layout is None else Jsonb(layout),
    )


async def seen(db: Executor, id_hash: bytes, at: datetime) -> None:
    """Note that its person did something."""
    await db.execute("UPDATE session SET seen_at = %(at)s WHERE id_hash = %(id_hash)s", id_hash=id_hash, at=at)


async def set_locked(db: Executor, id_hash: bytes, *, locked: bool, at: datetime) -> None:
    """Lock or unlock the desk; both count as seen."""
    await db.execute(
        "UPDATE session SET locked = %(locked)s, seen_at = %(at)s WHERE id_hash = %(id_hash)s AND ended_at IS NULL",
        id_hash=id_hash,
        locked=locked,
        at=at,
    )


async def reauthenticated(db: Executor, id_hash: bytes, at: datetime) -> None:
    """Note that its person proved again who he is."""
    await db.execute(
        "UPDATE session SET reauthenticated_at = %(at)s, seen_at = %(at)s WHERE id_hash = %(id_hash)s",
        id_hash=id_hash,
        at=at,
    )


async def end(db: Executor, id_hash: bytes, at: datetime, reason: str) -> bool:
    """End one session; False where it had ended before."""
    query = """UPDATE session SET ended_at = %(at)s, end_reason = %(reason)s
               WHERE id_hash = %(id_hash)s AND ended_at IS NULL"""
    return await db.execute(query, id_hash=id_hash, at=at, reason=reason) > 0


async def end_all(tx: Transaction, account_id: str, at: datetime, reason: str, *, but: bytes = b"") -> int:
    """End every session of an account except the one whose hash is ``but``; return how many."""
    query = """UPDATE session SET ended_at = %(at)s, end_reason = %(reason)s
               WHERE account_id = %(account_id)s AND ended_at IS NULL AND id_hash <> %(but)s"""
    return await tx.execute(query, account_id=account_id, at=at, reason=reason, but=but)


async def end_oldest(tx: Transaction, account_id: str, at: datetime, *, newest: bytes, keep: int) -> int:
    """End all but the ``keep`` newest sessions of an account, ``newest`` being the one just begun; return how many."""
    query = """UPDATE session SET ended_at = %(at)s, end_reason = 'too many'
               WHERE id_hash IN (SELECT id_hash FROM session WHERE account_id = %(account_id)s AND ended_at IS NULL
                                 ORDER BY id_hash = %(newest)s DESC, created_at DESC OFFSET %(keep)s)"""
    return await tx.execute(query, account_id=account_id, at=at, newest=newest, keep=keep)


async def layout(db: Executor, id_hash: bytes) -> dict[str, Any]:
    """Return how the desk is laid out: as this session has it, else as its account last left it."""
    query = """SELECT coalesce(s.layout, a.layout) FROM session s JOIN account a ON a.id = s.account_id
               WHERE s.id_hash = %(id_hash)s"""
    row = await db.fetch_one(query, id_hash=id_hash)
    return dict(row[0]) if row else {}


async def of_account(db: Executor, account_id: str) -> list[dict[str, Any]]:
    """Return an account's live sessions, newest first."""
    rows = await db.fetch(
        """SELECT id_hash, created_at, seen_at, expires_at, locked, peer, agent FROM session
           WHERE account_id = %(account_id)s AND ended_at IS NULL ORDER BY created_at DESC LIMIT 50""",
        account_id=account_id,
    )
    names = ("created_at", "seen_at", "expires_at", "locked", "peer", "agent")
    return [{"id": row[0].hex(), **dict(zip(names, row[1:], strict=True))} for row in rows]


async def prune(db: Executor, *, before: datetime) -> int:
    """Forget sessions that ended or ran out before ``before``; return how many. Who logged in stays in the log."""
    return await db.execute("DELETE FROM session WHERE least(ended_at, expires_at) < %(before)s", before=before)
