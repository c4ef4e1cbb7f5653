"""What every open page is told now and then: the link upward, what waits for somebody, when the last event came.

Source: 4.2.1.3; an empty list must never look like peace.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from anju.domain.changes import Lane
from anju.domain.rights import NOWHERE, Action, Scope
from anju.errors import DatabaseAway
from anju.store import alarms, cursors, log
from anju.web.context import Services

BELIEVED_S = 2.0


@dataclass(slots=True)
class Status:
    """Asks once for all pages of the process; only the counters differ by what a page may see."""

    services: Services
    _asked_at: float = float("-inf")
    _known: dict[str, Any] = field(default_factory=dict)

    async def of(self, scopes: dict[Action, Scope], *, database_away: bool) -> dict[str, Any]:
        """Return the status message of a page that may see ``scopes``."""
        at = self.services.clock().isoformat()
        if not database_away:
            try:
                counters = await alarms.counters(self.services.db, scopes.get(Action.ALARMS_READ, NOWHERE))
                return {"at": at, "database": "ok", "counters": counters, **await self._of_node()}
            except DatabaseAway:
                pass
        return {"links": None, "last_event_at": None, **self._known, "at": at, "database": "away", "counters": {}}

    async def _of_node(self) -> dict[str, Any]:
        if time.monotonic() - self._asked_at >= BELIEVED_S:
            self._known = {"links": await self._link(), "last_event_at": await self._last_event()}
            self._asked_at = time.monotonic()
        return self._known

    async def _last_event(self) -> str | None:
        row = await self.services.db.fetch_one("SELECT received_at FROM event ORDER BY received_at DESC LIMIT 1")
        return row[0].isoformat() if row else None

    async def _link(self) -> dict[str, Any] | None:
        """Return the state of the link upward, None where this node has none."""
        db, epoch = self.services.db, self.services.node.epoch
        row = await db.fetch_one("SELECT node, name, state, reason, last_ack_at, delay_ms FROM upper_link")
        if row is None:
            return None
        node, name, state, reason, last_ack_at, delay_ms = row
        backlog = {}
        for lane in Lane:
            at = await cursors.position(db, f"upper:{node}", lane, epoch=epoch)
            backlog[lane.value] = max(0, await log.head(db, lane, epoch) - at.seq)
        return {
            "name": name,
            "state": state,
            "reason": reason or None,
            "delay_s": None if delay_ms is None else delay_ms / 1000,
            "last_ack_at": last_ack_at.isoformat() if last_ack_at else None,
            "backlog": backlog,
        }
