"""keep: what was accepted goes to disk in one transaction, and only then is anybody answered.

Reports that wait together are committed together. The order inside: ``seen``, frames and facts, alarms, roll-ups and
ledgers, last the log. A report that poisons its batch is found by keeping each alone, and goes to quarantine.
Source: 5.1.2.4-e, 5.1.3-b; 8-g (complete, no record lost or doubled).
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import structlog
from uuid_utils.compat import uuid7

from anju.domain.alarms import RAISING
from anju.domain.changes import Change, Fate, Lane
from anju.domain.cleaning import clean_text
from anju.domain.events import DeviceReport, Event
from anju.errors import DatabaseAway
from anju.store import alarms, events, log, quarantine, seen, zones
from anju.store.database import Database, Transaction
from anju.store.log import NodeId
from anju.store.seen import Mark, Sight

MAX_WAITING = 5_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report together with the event it stands for."""

    report: DeviceReport
    event: Event

    def mark(self) -> Mark:
        """Return how a repeat of it is recognised."""
        told = f"{self.report.code_space}|{self.report.code}|{self.report.state}|{self.report.area}|{self.report.zone}"
        digest = hashlib.sha256(told.encode("utf-8", "replace")).digest()
        event, report = self.event, self.report
        return Mark(event.site_id, event.device_id, report.dedup_key, digest, report.dedup_window_s)


@dataclass(slots=True)
class _Waiting:
    item: Accepted
    done: asyncio.Future[Fate] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


Told = Callable[[frozenset[Lane]], Awaitable[None]]
Unsaved = Callable[[Event], Awaitable[None]]


class Keeper:
    """Group commit of one process; any number of processes may keep into the same database.

    ``on_committed`` hears which lanes grew; ``on_unsaved`` hears of alarms that could not be written (未保存), so that
    the desk sounds while the database is away.
    """

    def __init__(
        self,
        db: Database,
        node: NodeId,
        *,
        clock: Callable[[], datetime],
        on_committed: Told,
        on_unsaved: Unsaved,
        max_batch: int = 200,
    ) -> None:
        self._db, self._node, self._clock = db, node, clock
        self._on_committed, self._on_unsaved = on_committed, on_unsaved
        self._max_batch = max_batch
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(MAX_WAITING)

    async def keep(self, item: Accepted) -> Fate:
        """Return once ``item`` is on disk, with what became of it. Raises DatabaseAway: then nothing was kept."""
        waiting = _Waiting(item)
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise DatabaseAway(f"{MAX_WAITING} reports wait already") from None
        return await waiting.done

    async def keep_alone(self, item: Accepted) -> Fate:
        """Like ``keep``, at once and in a commit of its own: ``run`` need not run."""
        waiting = _Waiting(item)
        await self._settle([waiting])
        return await waiting.done

    async def run(self) -> None:
        """Commit what waits, for ever. What gathers during one commit is the next batch."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._max_batch and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._settle(batch)

    async def _settle(self, batch: list[_Waiting]) -> None:
        try:
            fates = await self._commit([each.item for each in batch])
        except DatabaseAway as away:
            for each in batch:
                if each.item.event.kind in RAISING:
                    await self._on_unsaved(each.item.event)
                _fail(each, away)
        except psycopg.Error as error:
            if len(batch) == 1:
                await self._quarantine(batch[0], error)
            else:
                for each in batch:
                    await self._settle([each])
        else:
            for each, fate in zip(batch, fates, strict=True):
                if not each.done.done():
                    each.done.set_result(fate)

    async def _commit(self, batch: Sequence[Accepted]) -> list[Fate]:
        at = self._clock()
        async with self._db.transaction() as tx:
            sights = await seen.look(tx, [each.mark() for each in batch], at=at)
            fresh = [
                Accepted(each.report, each.event.flagged("key_reused") if sight is Sight.REUSED else each.event)
                for each, sight in zip(batch, sights, strict=True)
                if sight is not Sight.REPEAT
            ]
            lanes = await self._write(tx, fresh, at) if fresh else frozenset[Lane]()
        if lanes:
            await self._on_committed(lanes)
        return [Fate.DUPLICATE if sight is Sight.REPEAT else Fate.KEPT for sight in sights]

    async def _write(self, tx: Transaction, fresh: Sequence[Accepted], at: datetime) -> frozenset[Lane]:
        kept = [each.event for each in fresh]
        await events.insert_frames(tx, [_frame(each) for each in fresh])
        await events.insert(tx, [(event, event.id) for event in kept], at=at)
        steps = await alarms.on_events(tx, kept, home_node=self._node.id, at=at)
        await events.count_hour(tx, events.counts(kept))
        await events.note_clocks(tx, kept)
        await zones.note_arming(tx, kept)
        urgent = [_change(event) for event in kept if event.kind in RAISING]
        rest = [_change(event) for event in kept if event.kind not in RAISING]
        grown: dict[Lane, list[Change]] = {Lane.ALARMS: [*urgent, *steps], Lane.BULK: rest}
        for lane, changes in grown.items():  # always in this order: two processes never wait for each other's stream
            if changes:
                await log.append(tx, lane, changes, at=at, node=self._node)
        return frozenset(lane for lane, changes in grown.items() if changes)

    async def _quarantine(self, waiting: _Waiting, error: psycopg.Error) -> None:
        event, reason = waiting.item.event, type(error).__name__
        _log.error("report held", device=event.device_id, reason=reason, error=str(error))
        try:
            async with self._db.transaction() as tx:
                await quarantine.hold(tx, _held(waiting.item, reason, str(error), self._clock()))
                await events.insert_frames(tx, [_frame(waiting.item, outcome=Fate.HELD, reason=reason)])
        except (DatabaseAway, psycopg.Error) as worse:
            _fail(waiting, DatabaseAway(str(worse)))
        else:
            if not waiting.done.done():
                waiting.done.set_result(Fate.HELD)


def _fail(waiting: _Waiting, away: DatabaseAway) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(away)


def _frame(item: Accepted, *, outcome: Fate = Fate.KEPT, reason: str = "") -> events.RawFrame:
    event, report = item.event, item.report
    names = (event.id, event.received_at, event.site_id, event.device_id)
    return events.RawFrame(*names, report.protocol, report.peer, report.frame, outcome.value, reason)


def _held(item: Accepted, reason: str, error: str, at: datetime) -> quarantine.Held:
    event = item.event
    value = {"report": quarantine.written(item.report), "error": clean_text(error)[:500]}
    where = (event.site_id, event.device_id, event.place_path, event.jurisdiction)
    return quarantine.Held(uuid7(), at, *where, "keep", reason, event.id, value)


def _change(event: Event) -> Change:
    where = (event.site_id, event.place_path, event.jurisdiction)
    return Change("event", str(event.id), 1, *where, body=events.body(event))
