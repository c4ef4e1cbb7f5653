"""What the tier above knows of each node below: marks, the fates it gave by day and kind, routes, resyncs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from anju.domain.changes import Change, Fate, Lane
from anju.domain.docking import Expired, Sent
from anju.store.database import Database, Executor, Transaction


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


async def first_time(db: Database, once: bytes, *, at: datetime) -> bool:
    """Return whether a signed request is seen for the first time, by any process of this node.

    It waits for no disk: after a crash of PostgreSQL a repeat could pass once, and every request bears a repeat.
    """
    async with db.transaction() as tx:
        await tx.execute("SET LOCAL synchronous_commit = off")
        query = "INSERT INTO replay_nonce (id, at) VALUES (%(id)s, %(at)s) ON CONFLICT DO NOTHING"
        return await tx.execute(query, id=once, at=at) == 1


async def forget_requests(db: Executor, *, before: datetime) -> int:
    """Forget requests whose signature has run out by now; return how many."""
    return await db.execute("DELETE FROM replay_nonce WHERE at < %(before)s", before=before)


_ROUTE = """
    INSERT INTO lower_route (node, via) VALUES (%(node)s, %(via)s) ON CONFLICT (node) DO UPDATE
    SET via = EXCLUDED.via WHERE NOT EXISTS (
        SELECT FROM lower_node n WHERE n.node = lower_route.via AND n.state = 'approved')
"""


async def learn_routes(tx: Transaction, via: str, origins: Sequence[str]) -> frozenset[str]:
    """Note that ``origins`` are reached through ``via``; return those that are.

    A node that was reached through another approved node stays there: who brings word of it first is believed.
    """
    query = "SELECT node FROM lower_route WHERE via = %(via)s"
    known = {via, *(row[0] for row in await tx.fetch(query, via=via))}
    if fresh := sorted(set(origins) - known):  # written only then: the row lock would let one lane wait for the other
        await tx.execute_many(_ROUTE, [{"node": node, "via": via} for node in fresh])
        known.update(row[0] for row in await tx.fetch(query, via=via))
    return frozenset(known)


async def route(db: Executor, node: str) -> tuple[str, str] | None:
    """Return id and name of the approved node through which ``node`` is reached, perhaps itself; None where none is."""
    row = await db.fetch_one(
        """SELECT n.node, n.name FROM lower_route r JOIN lower_node n ON n.node = r.via
           WHERE r.node = %(node)s AND n.state = 'approved'""",
        node=node,
    )
    return (row[0], row[1]) if row else None


@dataclass(frozen=True, slots=True)
class Held:
    """A row from below that somebody must look at; ``told`` is its JSON."""

    id: UUID
    at: datetime
    source: str
    reason: str
    change: Change
    told: bytes


async def hold(tx: Transaction, held: Held) -> None:
    """Put a row into quarantine."""
    await tx.execute(
        """INSERT INTO quarantine (id, held_at, site_id, source_id, place_path, jurisdiction, station, reason, value)
           VALUES (%(id)s, %(at)s, %(site)s, %(source)s, %(path)s, %(jurisdiction)s, 'receive', %(reason)s,
               %(value)s::jsonb)""",
        id=held.id,
        at=held.at,
        site=held.change.site_id,
        source=held.source,
        path=held.change.place_path,
        jurisdiction=held.change.jurisdiction,
        reason=held.reason,
        value=held.told.decode(),
    )


async def begin_resync(db: Executor, node: str, gone: Expired, *, at: datetime) -> bool:
    """Note that a snapshot from or to ``node`` replaces the rows of ``gone``; return False where that runs already."""
    done = await db.execute(
        """INSERT INTO resync (node, lane, at, first, last) SELECT %(node)s, %(lane)s, %(at)s, %(first)s, %(last)s
           WHERE NOT EXISTS (SELECT FROM resync WHERE node = %(node)s AND lane = %(lane)s AND first = %(first)s
               AND last = %(last)s AND ended_at IS NULL) ON CONFLICT DO NOTHING""",
        node=node,
        at=at,
        **asdict(gone),
    )
    return done == 1


async def add_resynced(db: Executor, node: str, gone: Expired, *, rows: int, ended_at: datetime | None) -> None:
    """Count objects of the snapshot for ``gone``, and note when it was complete."""
    await db.execute(
        """UPDATE resync SET rows = rows + %(rows)s, ended_at = %(ended)s
           WHERE node = %(node)s AND lane = %(lane)s AND first = %(first)s AND last = %(last)s AND ended_at IS NULL""",
        node=node,
        rows=rows,
        ended=ended_at,
        **asdict(gone),
    )


async def resyncs(db: Executor, nodes: Sequence[str], *, limit: int) -> list[dict[str, Any]]:
    """Return the latest resyncs from and to ``nodes``, newest first."""
    names = ("node", "lane", "at", "first", "last", "rows", "ended_at")
    query = f"SELECT {', '.join(names)} FROM resync WHERE node = ANY(%(nodes)s) ORDER BY at DESC LIMIT %(limit)s"
    rows = await db.fetch(query, nodes=list(nodes), limit=limit)
    return [dict(zip(names, row, strict=True)) for row in rows]
