"""What was seen already: each report has a key and a window of its codec's; the first one inside the window counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from anju.store.database import Transaction
from anju.store.packed import Byteas, Texts

REPEAT, NEW = 0, 1
"""What ``look`` answers: same key, same body (the sender did not hear our answer); a key nobody used."""


class Mark(NamedTuple):
    """How one report is recognised. ``body_hash`` tells a repeat from a reused key."""

    site_id: str
    source_id: str
    key: str
    body_hash: bytes
    window_s: int

    @property
    def name(self) -> tuple[str, str, str]:
        """Return what is unique about it."""
        return self[:3]


_LOOK = """
    INSERT INTO seen (site_id, source_id, dedup_key, body_hash, at)
    SELECT site, source, key, hash, %(at)s
    FROM unnest(%(sites)s, %(sources)s, %(keys)s, %(hashes)s) AS mark (site, source, key, hash)
    ON CONFLICT (site_id, source_id, dedup_key) DO UPDATE SET at = EXCLUDED.at, body_hash = EXCLUDED.body_hash,
        version = CASE WHEN seen.at < EXCLUDED.at - make_interval(secs => %(window_s)s) THEN 1
            ELSE seen.version + 1 END
        WHERE seen.at < EXCLUDED.at - make_interval(secs => %(window_s)s) OR seen.body_hash <> EXCLUDED.body_hash
    RETURNING site_id, source_id, dedup_key, version
"""


async def look(tx: Transaction, marks: Sequence[Mark], *, at: datetime) -> list[int]:
    """Write down ``marks`` and return of each, in order, REPEAT, NEW, or which body under its key it is (2, 3 ...).

    Rows are taken in key order, so that two processes with the same keys wait for each other instead of dying.
    """
    sights = [REPEAT] * len(marks)
    waiting = sorted(range(len(marks)), key=lambda index: (marks[index].window_s, *marks[index][:3]))
    while waiting:  # a key that stands in one batch twice is looked at twice
        turn: dict[tuple[str, str, str], int] = {}
        for index in waiting:
            if marks[index].window_s == marks[waiting[0]].window_s:
                turn.setdefault(marks[index].name, index)
        for name, version in (await _look(tx, [marks[index] for index in turn.values()], at)).items():
            sights[turn[name]] = version
        taken = set(turn.values())
        waiting = [index for index in waiting if index not in taken]
    return sights


async def _look(tx: Transaction, marks: Sequence[Mark], at: datetime) -> dict[tuple[str, str, str], int]:
    """Return the versions of those that are no repeats; all have one window, none the name of another."""
    rows = await tx.fetch(
        _LOOK,
        at=at,
        window_s=marks[0].window_s,
        sites=Texts(each.site_id for each in marks),
        sources=Texts(each.source_id for each in marks),
        keys=Texts(each.key for each in marks),
        hashes=Byteas(each.body_hash for each in marks),
    )
    return {(site, source, key): version for site, source, key, version in rows}


async def prune(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` marks from before ``before``; return how many."""
    return await tx.execute(
        """DELETE FROM seen WHERE (site_id, source_id, dedup_key) IN (
            SELECT site_id, source_id, dedup_key FROM seen WHERE at < %(before)s LIMIT %(limit)s)""",
        before=before,
        limit=limit,
    )
