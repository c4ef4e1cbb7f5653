"""link: rules follow the log on both lanes; what they decide commits together with how far they read.

Pop-ups and marks are done by being written; the rest is performed by somebody else, once, and not later than it makes
sense. What a crash left in the middle is unknown and is not done again.
Source: 5.1.2.4.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog

from anju.domain.changes import Lane, Logged
from anju.domain.events import Event
from anju.domain.linkage import ActionState, Around, Rule, decide, fits, is_dark, needs_arming
from anju.errors import DatabaseAway
from anju.store import cursors, linkage, log
from anju.store.bell import Bell
from anju.store.cursors import Cursor
from anju.store.database import Database, Transaction
from anju.store.linkage import Decided
from anju.store.log import NodeId

CONSUMER = "link"
BATCH = 500
GUANGYUAN = (32.44, 105.84)
"""Latitude and longitude where a community has none of its own."""
Told = Callable[[frozenset[Lane]], Awaitable[None]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action: its state, a stable code of why, and the command it became."""

    state: ActionState
    code: str
    command_id: UUID | None = None


Perform = Callable[[Decided], Awaitable[Outcome]]
"""Does an action whose time is not over. Raises DatabaseAway; everything else is an Outcome."""


class Linker:
    """The rules of one node at work. Any number of processes may run one: a decision is written once."""

    def __init__(
        self,
        db: Database,
        node: NodeId,
        perform: Perform,
        *,
        clock: Callable[[], datetime],
        told: Told,
        zone: str = "Asia/Shanghai",
    ) -> None:
        self._db, self._node, self._perform = db, node, perform
        self._clock, self._told, self._zone = clock, told, ZoneInfo(zone)
        self._bell = Bell()

    def wake(self, lanes: Collection[Lane]) -> None:
        """Look: the log has grown."""
        self._bell.ring(lanes)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                await self.drain()
            except DatabaseAway as away:
                _log.warning("linkage waits", reason=str(away))
            await self._bell.heard()

    async def drain(self) -> None:
        """Decide about all that was logged, alarms first, and do what was decided."""
        while await self.read(Lane.ALARMS) or await self.read(Lane.BULK):
            await self.act()
        await self.act()

    async def read(self, lane: Lane) -> int:
        """Decide about the next rows of ``lane``; return how many there were."""
        epoch = self._node.epoch
        at = await cursors.position(self._db, CONSUMER, lane, epoch=epoch)
        dropped = await log.tail(self._db, lane, epoch)
        if dropped > at.seq:  # older than any action makes sense, but never in silence
            _log.warning("rows dropped before rules saw them", lane=lane, first=at.seq + 1, last=dropped)
        rows = await log.read(self._db, lane, epoch, max(at.seq, dropped), BATCH)
        if not rows:
            return 0
        found = await self._decide(rows)
        async with self._db.transaction() as tx:
            fresh = await linkage.insert(tx, found) if found else []
            await cursors.move(tx, CONSUMER, lane, Cursor(epoch, rows[-1].seq))
            await self._append(tx, fresh)
        if fresh:
            await self._told(frozenset({Lane.ALARMS}))
        return len(rows)

    async def act(self) -> int:
        """Do what was decided and waits; return how many actions."""
        at = self._clock()
        async with self._db.transaction() as tx:
            begun = await linkage.begin(tx, limit=BATCH)
            await self._append(tx, await linkage.lost(tx, at=at))
        for action in begun:
            await self._do(action)
        return len(begun)

    async def _do(self, action: Decided) -> None:
        if action.valid_until is not None and self._clock() >= action.valid_until:
            outcome = Outcome(ActionState.EXPIRED, "too_late")
        else:
            outcome = await self._perform(action)
        told = {**action.body, "outcome": outcome.code}
        done = replace(action, state=outcome.state, command_id=outcome.command_id, body=told)
        async with self._db.transaction() as tx:
            await linkage.finish(tx, done)
            await self._append(tx, [done])
        await self._told(frozenset({Lane.ALARMS}))

    async def _decide(self, rows: Sequence[Logged]) -> list[Decided]:
        events = [event for row in rows if (event := _event(row)) is not None]
        rules = await linkage.enabled(self._db) if events else []
        heard = [event for event in events if any(fits(rule, event) for rule in rules)]
        if not heard:
            return []
        around = await self._around(heard, rules)
        return [
            linkage.decided(action, event)
            for event in heard
            for action in decide(rules, event, around(event), now=self._clock())
        ]

    async def _around(self, heard: Sequence[Event], rules: Sequence[Rule]) -> Callable[[Event], Around]:
        sites = await linkage.sites(self._db)
        sources = [_source(event) for event in heard]
        armed = await linkage.armed(self._db, sources) if needs_arming(rules) else {}

        def around(event: Event) -> Around:
            latitude, longitude = sites.get(event.site_id, GUANGYUAN)
            dark = is_dark(event.received_at, latitude=latitude, longitude=longitude)
            local = event.received_at.astimezone(self._zone).time()
            return Around(local, dark, armed.get(_source(event)))

        return around

    async def _append(self, tx: Transaction, actions: Sequence[Decided]) -> None:
        if actions:
            changes = [linkage.action_change(each) for each in actions]
            await log.append(tx, Lane.ALARMS, changes, at=self._clock(), node=self._node)


def _event(row: Logged) -> Event | None:
    if row.change.kind != "event":
        return None
    try:
        return msgspec.convert(row.change.body, Event, strict=False)
    except msgspec.ValidationError as error:
        _log.warning("event not understood by rules", seq=row.seq, reason=str(error))
        return None


def _source(event: Event) -> tuple[str, str]:
    area, slash, _ = event.zone.partition("/")
    return event.device_id, area if slash else ""
