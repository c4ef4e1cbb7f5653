"""Counters that every process compares, so that nobody goes on believing what another process changed."""

from enum import StrEnum

from anju.store.database import Executor, Transaction


class Subject(StrEnum):
    """What is counted."""

    RIGHTS = "rights"  # accounts, roles, grants
    REGISTRY = "registry"  # places, devices, zones
    POLICIES = "policies"
    LINKS = "links"
    WATCH = "watch"
    CHANNELS = "channels"
    CASCADE = "cascade"


async def bump(tx: Transaction, subject: Subject) -> None:
    """Tell all processes, with this transaction's commit, that ``subject`` changed."""
    await tx.execute("UPDATE version SET value = value + 1 WHERE name = %(name)s", name=subject)


async def current(db: Executor, subject: Subject) -> int:
    """Return how often ``subject`` has changed."""
    row = await db.fetch_one("SELECT value FROM version WHERE name = %(name)s", name=subject)
    return int(row[0]) if row else 0
