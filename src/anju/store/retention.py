"""How long things are kept: whole partitions end, and what only recognises repeats is forgotten in small bites.

No setting goes below the ages that the function ``drop_partitions`` guards.
Source: 4.2.3 (storage); design figures where the standard is silent.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from anju.store import docking, passages, seen, sessions, setup
from anju.store.database import Database, Executor, Transaction

DAYS: Mapping[str, int] = {
    "log": 30,
    "raw_frame": 30,
    "event": 180,
    "clock_ledger": 180,
    "alarm": 1095,
    "alarm_step": 1095,
    "passage": 180,
    "sighting": 90,
}
SEEN_DAYS, COUNT_DAYS = 90, 1095
ENTRY_DAYS = 180  # sessions and set-up links that are over
AHEAD = timedelta(days=60)
BITE, BITES = 5_000, 40  # rows forgotten in one transaction, and how many of these in one sweep
REQUESTS = timedelta(minutes=15)  # three windows of a signature


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep ended."""

    partitions: tuple[str, ...]
    seen: int
    requests: int


async def sweep(db: Database, *, now: datetime, days: Mapping[str, int] = DAYS) -> Swept:
    """Make partitions for the next two months, end what is older than ``days``, forget what only marks repeats.

    Raises DatabaseAway, also where a table is in use for too long: the next sweep tries again.
    """
    await db.execute("SELECT ensure_partitions(%(until)s)", until=now + AHEAD)
    dropped: list[str] = []
    for parent, age in days.items():
        dropped += await drop(db, parent, before=now - timedelta(days=age))
    await _forget_counts(db, before=now - timedelta(days=COUNT_DAYS))
    await _forget_entries(db, before=now - timedelta(days=ENTRY_DAYS))
    await _forget_plates(db, now - timedelta(days=max(days.get("passage", 0), DAYS["passage"])))
    requests = await docking.forget_requests(db, before=now - REQUESTS)
    return Swept(tuple(dropped), await _forget_seen(db, now - timedelta(days=SEEN_DAYS)), requests)


async def drop(db: Executor, parent: str, *, before: datetime) -> list[str]:
    """End whole partitions of ``parent`` from before ``before`` and its least age; return their names.

    Rows of the log that end move the tail of their stream in the same commit: no cursor jumps over them unseen.
    """
    rows = await db.fetch("SELECT drop_partitions(%(parent)s, %(before)s)", parent=parent, before=before)
    return [row[0] for row in rows]


async def _forget_seen(db: Database, before: datetime) -> int:
    return await _in_bites(db, lambda tx: seen.prune(tx, before=before, limit=BITE))


async def _forget_plates(db: Database, before: datetime) -> None:
    """Forget what names a vehicle together with its last passage."""
    await passages.forget_corrections(db, before=before)
    await _in_bites(db, lambda tx: passages.forget_plates(tx, before=before, limit=BITE))


async def _in_bites(db: Database, forget: Callable[[Transaction], Awaitable[int]]) -> int:
    total = 0
    for _ in range(BITES):
        async with db.transaction() as tx:
            count = await forget(tx)
        total += count
        if count < BITE:
            break
    return total


async def _forget_entries(db: Executor, *, before: datetime) -> None:
    await sessions.prune(db, before=before)
    await setup.prune_links(db, before=before)


async def _forget_counts(db: Executor, *, before: datetime) -> None:
    await db.execute("DELETE FROM rejection_hour WHERE hour < %(before)s", before=before)
    await db.execute("DELETE FROM fate_day WHERE day < %(before)s::timestamptz::date", before=before)
    await db.execute("DELETE FROM reconciliation_day WHERE day < %(before)s::timestamptz::date", before=before)
    await db.execute("DELETE FROM account_open WHERE at < %(before)s", before=before)
    await db.execute("DELETE FROM pairing_code WHERE expires_at < %(before)s", before=before)
