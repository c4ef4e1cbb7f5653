"""Where a record stands in this node's log, and how far it has come on its way up.

Source: 4.2.2, 4.2.3 (records reach the tiers above, and can be followed there).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anju.domain.changes import Lane, Origin
from anju.store import cursors, log
from anju.store.database import Executor
from anju.store.log import NodeId

SLACK = timedelta(seconds=3)  # rows are logged in the order of commits, their times in the order of beginnings
WINDOW = 50_000  # rows looked at around the time


@dataclass(frozen=True, slots=True)
class Row:
    """One row of this node's log, and where it was first logged."""

    seq: int
    at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True)
class Above:
    """The tier above: its name, and whether it acknowledged a row."""

    node: str
    name: str
    acknowledged: bool


_AT = """
    SELECT seq, at FROM log WHERE lane = %(lane)s AND epoch = %(epoch)s AND seq >= %(seq)s ORDER BY seq LIMIT 1
"""
_ROW = """
    SELECT seq, at, origin_node, origin_epoch, origin_seq FROM log
    WHERE lane = %(lane)s AND epoch = %(epoch)s AND seq >= %(first)s AND seq < %(first)s + %(window)s
        AND at BETWEEN %(since)s AND %(until)s AND kind = %(kind)s AND object_id = %(object_id)s
    ORDER BY seq LIMIT 1
"""


async def logged(
    db: Executor, node: NodeId, kind: str, object_id: str, about: datetime, *, lane: Lane = Lane.BULK
) -> Row | None:
    """Return the row by which an object was logged ``about`` that time; None where retention dropped it.

    The log is searched by halving its sequence, for its times rise with it: some thirty looks in any log.
    """
    first = await _first_since(db, node.epoch, lane, about - SLACK)
    row = await db.fetch_one(
        _ROW,
        lane=lane,
        epoch=node.epoch,
        first=first,
        window=WINDOW,
        since=about - SLACK,
        until=about + SLACK,
        kind=kind,
        object_id=object_id,
    )
    return Row(row[0], row[1], Origin(*row[2:])) if row else None


async def _first_since(db: Executor, epoch: int, lane: Lane, since: datetime) -> int:
    """Return a seq of ``lane`` before which everything was logged before ``since``."""
    low, high = await log.tail(db, lane, epoch) + 1, await log.head(db, lane, epoch) + 1
    while low < high:
        middle = (low + high) // 2
        found = await db.fetch_one(_AT, lane=lane, epoch=epoch, seq=middle)
        if found is None or found[1] >= since:
            high = middle
        else:
            low = int(found[0]) + 1
    return low


async def above(db: Executor, node: NodeId, seq: int, *, lane: Lane = Lane.BULK) -> Above | None:
    """Return whether the tier above has acknowledged row ``seq``; None where there is no tier above."""
    row = await db.fetch_one("SELECT node, name FROM upper_link")
    if row is None:
        return None
    at = await cursors.position(db, f"upper:{row[0]}", lane, epoch=node.epoch)
    return Above(row[0], row[1], at.seq >= seq)


async def sent_up(
    db: Executor, node: NodeId, kind: str, object_id: str, about: datetime, *, lanes: Sequence[Lane] = (Lane.BULK,)
) -> bool:
    """Return whether the tier above acknowledged an object logged ``about`` that time, in one of ``lanes``.

    What is older than the log went up with it, or by a snapshot, before retention let go of its row.
    """
    for lane in lanes:
        row = await logged(db, node, kind, object_id, about, lane=lane)
        if row is not None:
            found = await above(db, node, row.seq, lane=lane)
            return found is not None and found.acknowledged
    return await _before_log(db, node, about, lanes[-1])


async def _before_log(db: Executor, node: NodeId, about: datetime, lane: Lane) -> bool:
    tail = await log.tail(db, lane, node.epoch)
    first = await db.fetch_one(_AT, lane=lane, epoch=node.epoch, seq=tail + 1)
    reached = await above(db, node, tail, lane=lane)
    return reached is not None and reached.acknowledged and first is not None and about < first[1] - SLACK


async def node_below(db: Executor, node_id: str) -> tuple[str, str]:
    """Return (name, tier) of a node below; its id and nothing where it is not known."""
    row = await db.fetch_one("SELECT name, tier FROM lower_node WHERE node = %(node)s", node=node_id)
    return (row[0], row[1]) if row else (node_id, "")
