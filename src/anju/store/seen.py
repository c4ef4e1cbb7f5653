"""What was seen already: each report has a key and a window of its codec's; the first one inside the window counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anju.store.database import Transaction


class Sight(StrEnum):
    """What a key turned out to be."""

    NEW = "new"
    REPEAT = "repeat"  # same key, same body: the sender did not hear our answer
    REUSED = "reused"  # same key, another body: a new version, kept and flagged


@dataclass(frozen=True, slots=True)
class Mark:
    """How one report is recognised. ``body_hash`` tells a repeat from a reused key."""

    site_id: str
    source_id: str
    key: str
    body_hash: bytes
    window_s: int


_LOOK = """
    INSERT INTO seen (site_id, source_id, dedup_key, body_hash, at)
    VALUES (%(site_id)s, %(source_id)s, %(key)s, %(body_hash)s, %(at)s)
    ON CONFLICT (site_id, source_id, dedup_key) DO UPDATE SET at = EXCLUDED.at, body_hash = EXCLUDED.body_hash
        WHERE seen.at < EXCLUDED.at - make_interval(secs => %(window_s)s) OR seen.body_hash <> EXCLUDED.body_hash
    RETURNING old.at IS NULL OR old.at < %(at)s - make_interval(secs => %(window_s)s)
"""


async def look(tx: Transaction, marks: Sequence[Mark], *, at: datetime) -> list[Sight]:
    """Write down ``marks`` and return what each was, in their order.

    Rows are taken in key order, so that two processes with the same keys wait for each other instead of dying.
    """
    sights: dict[int, Sight] = {}
    for index in sorted(range(len(marks)), key=lambda i: (marks[i].site_id, marks[i].source_id, marks[i].key)):
        sights[index] = await _look(tx, marks[index], at)
    return [sights[index] for index in range(len(marks))]


async def _look(tx: Transaction, mark: Mark, at: datetime) -> Sight:
    key = {"site_id": mark.site_id, "source_id": mark.source_id, "key": mark.key, "window_s": mark.window_s, "at": at}
    row = await tx.fetch_one(_LOOK, body_hash=mark.body_hash, **key)
    if row is None:
        return Sight.REPEAT
    return Sight.NEW if row[0] else Sight.REUSED


async def prune(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` marks from before ``before``; return how many."""
    return await tx.execute(
        """DELETE FROM seen WHERE (site_id, source_id, dedup_key) IN (
            SELECT site_id, source_id, dedup_key FROM seen WHERE at < %(before)s LIMIT %(limit)s)""",
        before=before,
        limit=limit,
    )
