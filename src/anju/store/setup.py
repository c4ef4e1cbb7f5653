"""Set-up links, by the hash of their token, and the node's name."""

from datetime import datetime

from anju.store.database import Executor, Transaction

_LOCK = 7_220_004


async def alone(tx: Transaction) -> None:
    """Let one transaction after the other decide whether the node is set up."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(lock)s)", lock=_LOCK)


async def put_link(tx: Transaction, token_hash: bytes, *, made_at: datetime, expires_at: datetime) -> None:
    """Keep a link; those not used before are gone."""
    await tx.execute("DELETE FROM setup_link WHERE used_at IS NULL")
    query = "INSERT INTO setup_link (token_hash, made_at, expires_at) VALUES (%(hash)s, %(made_at)s, %(expires_at)s)"
    await tx.execute(query, hash=token_hash, made_at=made_at, expires_at=expires_at)


async def link_is_good(db: Executor, token_hash: bytes, at: datetime) -> bool:
    """Return whether a link may still be used."""
    query = "SELECT 1 FROM setup_link WHERE token_hash = %(hash)s AND used_at IS NULL AND expires_at > %(at)s"
    return await db.fetch_one(query, hash=token_hash, at=at) is not None


async def use_link(tx: Transaction, token_hash: bytes, at: datetime) -> bool:
    """Use a link up; False where it is unknown, used or over."""
    query = """UPDATE setup_link SET used_at = %(at)s
               WHERE token_hash = %(hash)s AND used_at IS NULL AND expires_at > %(at)s"""
    return await tx.execute(query, hash=token_hash, at=at) > 0


async def name_node(tx: Transaction, name: str) -> None:
    """Give the node the name people know it by."""
    await tx.execute("UPDATE node SET name = %(name)s", name=name)


async def prune_links(db: Executor, *, before: datetime) -> int:
    """Forget links that were used or ran out before ``before``; return how many."""
    return await db.execute("DELETE FROM setup_link WHERE least(used_at, expires_at) < %(before)s", before=before)
