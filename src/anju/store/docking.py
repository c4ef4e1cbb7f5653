"""What the tier above knows of each node below: marks, and the fates it gave, by day and kind."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date

from anju.domain.changes import Fate, Lane
from anju.domain.docking import Sent
from anju.store.database import Executor, Transaction


async def lock_mark(tx: Transaction, node: str, epoch: int, lane: Lane) -> int:
    """Return up to which seq everything of ``node`` is here, and keep others from moving it until the commit."""
    key = {"node": node, "epoch": epoch, "lane": lane}
    await tx.execute(
        """INSERT INTO lower_mark (node, epoch, lane, mark) VALUES (%(node)s, %(epoch)s, %(lane)s, 0)
           ON CONFLICT DO NOTHING""",
        **key,
    )
    row = await tx.fetch_one(
        "SELECT mark FROM lower_mark WHERE node = %(node)s AND epoch = %(epoch)s AND lane = %(lane)s FOR UPDATE", **key
    )
    return int(row[0]) if row else 0


async def move_mark(tx: Transaction, node: str, epoch: int, lane: Lane, *, mark: int) -> None:
    """Say that everything up to ``mark`` has its fate."""
    await tx.execute(
        "UPDATE lower_mark SET mark = %(mark)s WHERE node = %(node)s AND epoch = %(epoch)s AND lane = %(lane)s",
        node=node,
        epoch=epoch,
        lane=lane,
        mark=mark,
    )


_COUNT = """
    INSERT INTO fate_day (node, epoch, lane, day, kind, kept, duplicate, held, dropped)
    VALUES (%(node)s, %(epoch)s, %(lane)s, %(day)s, %(kind)s, %(kept)s, %(duplicate)s, %(held)s, %(dropped)s)
    ON CONFLICT (node, epoch, lane, day, kind) DO UPDATE SET
        kept = fate_day.kept + EXCLUDED.kept, duplicate = fate_day.duplicate + EXCLUDED.duplicate,
        held = fate_day.held + EXCLUDED.held, dropped = fate_day.dropped + EXCLUDED.dropped
"""


async def count_fates(tx: Transaction, node: str, epoch: int, lane: Lane, fates: Iterable[tuple[Sent, Fate]]) -> None:
    """Add to the daily counts, by the day on which the sender logged each row."""
    counts: dict[tuple[date, str], Counter[Fate]] = {}
    for sent, fate in fates:
        key = (sent.logged_at.astimezone(UTC).date(), sent.change.kind)
        counts.setdefault(key, Counter())[fate] += 1
    rows = [
        {"node": node, "epoch": epoch, "lane": lane, "day": day, "kind": kind, **{f.value: found[f] for f in Fate}}
        for (day, kind), found in sorted(counts.items())
    ]
    await tx.execute_many(_COUNT, rows)


async def received(db: Executor, node: str, day: date) -> dict[str, dict[str, int]]:
    """Return the fates of ``node``'s rows of ``day`` by kind."""
    rows = await db.fetch(
        """SELECT kind, sum(kept)::bigint, sum(duplicate)::bigint, sum(held)::bigint, sum(dropped)::bigint
           FROM fate_day WHERE node = %(node)s AND day = %(day)s GROUP BY kind""",
        node=node,
        day=day,
    )
    return {row[0]: dict(zip(("kept", "duplicate", "held", "dropped"), row[1:], strict=True)) for row in rows}


async def sent(db: Executor, epoch: int, day: date, *, up_to: dict[Lane, int]) -> dict[str, int]:
    """Return how many rows of ``day`` this node sent up, by kind: what its log holds up to its cursors."""
    rows = await db.fetch(
        """SELECT kind, count(*) FROM log WHERE epoch = %(epoch)s AND at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
               AND at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
               AND seq <= CASE lane WHEN 'alarms' THEN %(alarms)s ELSE %(bulk)s END GROUP BY kind""",
        epoch=epoch,
        day=day,
        alarms=up_to[Lane.ALARMS],
        bulk=up_to[Lane.BULK],
    )
    return {row[0]: int(row[1]) for row in rows}
