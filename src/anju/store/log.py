"""The log: gapless, in commit order over all processes, one stream per (epoch, lane).

``append`` is the last act of a transaction: it locks the stream's row until the commit.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from anju.domain.changes import Change, Lane, Logged, Operation, Origin
from anju.errors import NotFound
from anju.store import packed
from anju.store.database import Executor, Transaction, json_text


@dataclass(frozen=True, slots=True)
class NodeId:
    """This node. ``epoch`` is new whenever a database was restored; upper tiers count each epoch apart."""

    id: str
    epoch: int
    name: str
    tier: str


async def make_node(db: Transaction, *, node_id: str, name: str, tier: str) -> NodeId:
    """Give an empty database its node and streams; a database that has one keeps it."""
    await db.execute(
        "INSERT INTO node (id, name, tier, epoch) VALUES (%(id)s, %(name)s, %(tier)s, %(epoch)s)"
        " ON CONFLICT DO NOTHING",
        id=node_id,
        name=name,
        tier=tier,
        epoch=secrets.randbits(48),
    )
    node = await this_node(db)
    await db.execute_many(
        "INSERT INTO stream (epoch, lane) VALUES (%(epoch)s, %(lane)s) ON CONFLICT DO NOTHING",
        [{"epoch": node.epoch, "lane": lane} for lane in Lane],
    )
    return node


async def this_node(db: Executor) -> NodeId:
    """Return who we are. Raises NotFound on a database without a node."""
    row = await db.fetch_one("SELECT id, epoch, name, tier FROM node")
    if row is None:
        raise NotFound("no_node", "this database belongs to no node yet")
    return NodeId(*row)


class Written(NamedTuple):
    """A change whose body is JSON text already."""

    kind: str
    object_id: str
    version: int
    site_id: str
    place_path: str
    jurisdiction: str
    body: bytes
    operation: Operation = Operation.PUT
    origin: Origin | None = None


_INTO = """log (epoch, lane, seq, at, kind, object_id, version, operation, site_id, place_path, jurisdiction, body,
    origin_node, origin_epoch, origin_seq)"""


async def append(
    tx: Transaction, lane: Lane, changes: Sequence[Change | Written], *, at: datetime, node: NodeId
) -> int:
    """Write ``changes`` at the head of ``lane`` and return the last seq. Call it last: it locks the stream."""
    row = await tx.fetch_one(
        "UPDATE stream SET head = head + %(count)s WHERE epoch = %(epoch)s AND lane = %(lane)s RETURNING head",
        count=len(changes),
        epoch=node.epoch,
        lane=lane,
    )
    if row is None:
        raise NotFound("no_stream", f"there is no stream {node.epoch}/{lane}")
    last = int(row[0])
    first = last - len(changes) + 1
    parts = _Parts(lane, at, node)
    await tx.copy_packed(_INTO, [parts.row(change, seq) for seq, change in enumerate(changes, start=first)])
    return last


class _Parts:
    """What all rows of one ``append`` have in common, packed once."""

    def __init__(self, lane: Lane, at: datetime, node: NodeId) -> None:
        self._head = packed.count(15) + packed.bigint(node.epoch) + packed.word(lane.value)
        self._at, self._home = packed.moment(at), packed.word(node.id) + packed.bigint(node.epoch)

    def row(self, c: "Change | Written", seq: int) -> bytes:
        number = packed.bigint(seq)
        what = packed.word(c.kind) + packed.text(c.object_id) + packed.bigint(c.version) + packed.word(c.operation)
        where = packed.word(c.site_id) + packed.word(c.place_path) + packed.word(c.jurisdiction)
        body = packed.jsonb(c.body if isinstance(c.body, bytes) else json_text(c.body))
        origin = self._home + number
        if c.origin:
            origin = packed.word(c.origin.node) + packed.bigint(c.origin.epoch) + packed.bigint(c.origin.seq)
        return b"".join((self._head, number, self._at, what, where, body, origin))


async def head(db: Executor, lane: Lane, epoch: int) -> int:
    """Return the last seq given out in ``lane``, 0 where nothing was."""
    row = await db.fetch_one(
        "SELECT head FROM stream WHERE epoch = %(epoch)s AND lane = %(lane)s", epoch=epoch, lane=lane
    )
    return int(row[0]) if row else 0


async def tail(db: Executor, lane: Lane, epoch: int) -> int:
    """Return up to which seq retention dropped ``lane``, 0 where nothing was."""
    row = await db.fetch_one(
        "SELECT tail FROM stream WHERE epoch = %(epoch)s AND lane = %(lane)s", epoch=epoch, lane=lane
    )
    return int(row[0]) if row else 0


_READ = """
    SELECT seq, at, kind, object_id, version, site_id, place_path, jurisdiction, body, operation,
           origin_node, origin_epoch, origin_seq
    FROM log WHERE lane = %(lane)s AND epoch = %(epoch)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s
"""


async def read(db: Executor, lane: Lane, epoch: int, after: int, limit: int) -> list[Logged]:
    """Return up to ``limit`` rows after seq ``after``, oldest first."""
    rows = await db.fetch(_READ, lane=lane, epoch=epoch, after=after, limit=limit)
    return [Logged(lane, epoch, row[0], row[1], _change(*row[2:])) for row in rows]


def _change(
    kind: str,
    object_id: str,
    version: int,
    site_id: str,
    place_path: str,
    jurisdiction: str,
    body: dict[str, Any],
    operation: str,
    *origin: Any,
) -> Change:
    return Change(
        kind, object_id, version, site_id, place_path, jurisdiction, body, Operation(operation), Origin(*origin)
    )
