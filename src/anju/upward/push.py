"""push: this node's log goes to the tier above, each lane by its own cursor; alarms overtake bulk.

Source: 4.2.1, 5.1.3-b (alarm signal, time, place, type pushed to the upper platform).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from anju.domain.changes import Lane
from anju.domain.docking import MAX_ROWS, Batch, Gap, Receipt, Sent
from anju.store import cursors, log
from anju.store.cursors import Cursor
from anju.store.database import Database
from anju.store.log import NodeId

Send = Callable[[Batch], Awaitable[Receipt]]
"""Carries a batch up and returns the receipt. Raises Gap, or UpperAway where the answer did not come."""


class Pusher:
    """One link upward. ``upper`` names it: several tiers above may each have their own."""

    def __init__(self, db: Database, node: NodeId, send: Send, *, upper: str) -> None:
        self._db, self._node, self._send = db, node, send
        self._consumer = f"upper:{upper}"

    async def push(self, lane: Lane) -> int:
        """Send one batch of ``lane``; return how many rows, 0 where nothing waits.

        The cursor moves only by what the tier above answered: a lost answer means the same rows again, which it knows.
        """
        at = await cursors.position(self._db, self._consumer, lane, epoch=self._node.epoch)
        rows = await log.read(self._db, lane, self._node.epoch, at.seq, MAX_ROWS)
        if not rows:
            return 0
        sent = tuple(Sent(row.seq, row.at, row.change) for row in rows)
        try:
            mark = (await self._send(Batch(self._node.id, self._node.epoch, lane, sent))).mark
        except Gap as gap:  # the tier above was restored from a backup: it says from where
            mark = gap.mark
        await cursors.move(self._db, self._consumer, lane, Cursor(self._node.epoch, mark))
        return len(rows)

    async def drain(self) -> int:
        """Send all that waits, asking for alarms again before each batch of bulk; return how many rows."""
        total = 0
        while True:
            moved = await self.push(Lane.ALARMS) or await self.push(Lane.BULK)
            if not moved:
                return total
            total += moved

    async def backlog(self) -> dict[Lane, int]:
        """Return how many rows of each lane wait to go up."""
        waiting = {}
        for lane in Lane:
            at = await cursors.position(self._db, self._consumer, lane, epoch=self._node.epoch)
            waiting[lane] = await log.head(self._db, lane, self._node.epoch) - at.seq
        return waiting

    async def oldest_waiting(self) -> datetime | None:
        """Return when the oldest row that waits to go up was logged, None where nothing waits."""
        found = []
        for lane in Lane:
            at = await cursors.position(self._db, self._consumer, lane, epoch=self._node.epoch)
            found += [row.at for row in await log.read(self._db, lane, self._node.epoch, at.seq, 1)]
        return min(found, default=None)
