"""push: this node's log goes to the tier above, each lane by its own cursor; alarms overtake bulk.

Source: 4.2.1, 5.1.3-b (alarm signal, time, place, type pushed to the upper platform).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from anju.domain.changes import Lane
from anju.domain.docking import MAX_ROWS, Batch, Expired, Gap, Receipt, Sent
from anju.errors import AnjuError
from anju.store import cursors, log
from anju.store.cursors import Cursor
from anju.store.database import Database
from anju.store.log import NodeId

Send = Callable[[Batch], Awaitable[Receipt]]
"""Carries a batch up and returns the receipt. Raises Gap, or UpperAway where the answer did not come."""


class CursorExpired(AnjuError):
    """Rows are gone before they were sent. Resync by snapshot, then go on behind them."""

    def __init__(self, gone: Expired) -> None:
        super().__init__(f"{gone.lane} {gone.first}..{gone.last} were dropped before they were sent")
        self.gone = gone


class Pusher:
    """One link upward. ``upper`` names it: several tiers above may each have their own."""

    def __init__(self, db: Database, node: NodeId, send: Send, *, upper: str) -> None:
        self._db, self._node, self._send = db, node, send
        self._consumer = f"upper:{upper}"

    async def push(self, lane: Lane) -> int:
        """Send one batch of ``lane``; return how many rows, 0 where nothing waits.

        The cursor moves only by what the tier above answered: a lost answer means the same rows again, which it knows.
        Raises CursorExpired where retention dropped rows that were not sent: a resync comes first.
        """
        at = await cursors.position(self._db, self._consumer, lane, epoch=self._node.epoch)
        tail = await log.tail(self._db, lane, self._node.epoch)
        if at.seq < tail:
            raise CursorExpired(Expired(lane, at.seq + 1, tail))
        rows = await log.read(self._db, lane, self._node.epoch, at.seq, MAX_ROWS)
        if not rows:
            return 0
        sent = tuple(Sent(row.seq, row.at, row.change) for row in rows)
        try:
            mark = (await self._send(Batch(self._node.id, self._node.epoch, lane, sent))).mark
        except Gap as gap:  # the tier above was restored from a backup: it says from where
            mark = gap.mark
        await self.go_on(lane, mark, logged_at=next((row.at for row in rows if row.seq == mark), None))
        return len(rows)

    async def drain(self) -> int:
        """Send all that waits, asking for alarms again before each batch of bulk; return how many rows."""
        total = 0
        while True:
            moved = await self.push(Lane.ALARMS) or await self.push(Lane.BULK)
            if not moved:
                return total
            total += moved

    async def expire(self, gone: Expired) -> datetime | None:
        """Mark the cursor as expired over ``gone``; return when the last row sent was logged, if known."""
        span = {"first": gone.first, "last": gone.last}
        return await cursors.expire(self._db, self._consumer, gone.lane, epoch=self._node.epoch, **span)

    async def go_on(self, lane: Lane, mark: int, *, logged_at: datetime | None = None) -> None:
        """Stand at ``mark``: everything up to it is above, or was replaced by a snapshot."""
        to = Cursor(self._node.epoch, mark)
        await cursors.move(self._db, self._consumer, lane, to, logged_at=logged_at)

    async def sent_up_to(self) -> dict[Lane, int]:
        """Return where each lane stands."""
        epoch = self._node.epoch
        return {lane: (await cursors.position(self._db, self._consumer, lane, epoch=epoch)).seq for lane in Lane}

    async def backlog(self) -> dict[Lane, int]:
        """Return how many rows of each lane wait to go up."""
        sent = await self.sent_up_to()
        return {lane: await log.head(self._db, lane, self._node.epoch) - sent[lane] for lane in Lane}

    async def oldest_waiting(self) -> datetime | None:
        """Return when the oldest row that waits to go up was logged, None where nothing waits."""
        sent = await self.sent_up_to()
        found = [row.at for lane in Lane for row in await log.read(self._db, lane, self._node.epoch, sent[lane], 1)]
        return min(found, default=None)
