"""keep: what was accepted goes to disk in one transaction, and only then is anybody answered.

Reports that wait together are committed together. The order inside: ``seen``, frames and facts, alarms, roll-ups and
ledgers, last the log. A report that poisons its batch is found, and goes to quarantine.
Source: 5.1.2.4-e, 5.1.3-b; 8-g (complete, no record lost or doubled).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from anju.domain.alarms import RAISING
from anju.domain.changes import Change, Fate, Lane
from anju.domain.cleaning import clean_text
from anju.domain.events import DeviceReport, Event
from anju.pipeline.commit import GroupCommit
from anju.store import alarms, events, log, quarantine, seen, zones
from anju.store.database import Database, Transaction
from anju.store.log import NodeId
from anju.store.seen import Mark

MAX_WAITING = 5_000
GAP_S = 0.01
"""A commit costs nearly the same for one report as for ten: those of a busy moment wait so long for each other."""
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


Told = Callable[[frozenset[Lane]], Awaitable[None]]
Unsaved = Callable[[Event], Awaitable[None]]


class Keeper:
    """Group commit of events.

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
        self._group = GroupCommit(
            self._commit,
            hold=self._quarantine,
            lost=self._unsaved,
            most=max_batch,
            most_waiting=MAX_WAITING,
            gap_s=GAP_S,
        )

    async def keep(self, item: Accepted) -> Fate:
        """Return once ``item`` is on disk, with what became of it. Raises DatabaseAway: then nothing was kept."""
        return (await self._group.keep([item]))[0]

    async def keep_alone(self, item: Accepted) -> Fate:
        """Like ``keep``, at once and in a commit of its own: ``run`` need not run."""
        return (await self._group.keep_alone([item]))[0]

    async def run(self) -> None:
        """Commit what waits, for ever."""
        await self._group.run()

    async def _unsaved(self, item: Accepted) -> None:
        if item.event.kind in RAISING:
            await self._on_unsaved(item.event)

    async def _commit(self, batch: Sequence[Accepted]) -> list[Fate]:
        at = self._clock()
        async with self._db.transaction() as tx:
            sights = await seen.look(tx, [each.mark() for each in batch], at=at)
            fresh = [
                Accepted(each.report, each.event.flagged("key_reused") if sight > seen.NEW else each.event)
                for each, sight in zip(batch, sights, strict=True)
                if sight is not seen.REPEAT
            ]
            lanes = await self._write(tx, fresh, at) if fresh else frozenset[Lane]()
        if lanes:
            await self._on_committed(lanes)
        return [Fate.DUPLICATE if sight is seen.REPEAT else Fate.KEPT for sight in sights]

    async def _write(self, tx: Transaction, fresh: Sequence[Accepted], at: datetime) -> frozenset[Lane]:
        await events.insert_frames(tx, [_frame(each) for each in fresh])
        grown = await write_events(tx, [(each.event, each.event.id) for each in fresh], home_node=self._node.id, at=at)
        await zones.note_arming(tx, [each.event for each in fresh])
        return await tell(tx, grown, at=at, node=self._node)

    async def _quarantine(self, item: Accepted, error: Exception) -> None:
        event, reason = item.event, type(error).__name__
        _log.error("report held", device=event.device_id, reason=reason, error=str(error))
        async with self._db.transaction() as tx:
            await quarantine.hold(tx, _held(item, reason, str(error), self._clock()))
            await events.insert_frames(tx, [_frame(item, outcome=Fate.HELD, reason=reason)])


Grown = dict[Lane, list[Change | log.Written]]
"""What a transaction adds to the log, by lane."""


async def write_events(
    tx: Transaction, kept: Sequence[tuple[Event, UUID | None]], *, home_node: str, at: datetime
) -> Grown:
    """Write events, each with the id of its raw frame, and what they raise; return what the log gains by them."""
    told = [event for event, _ in kept]
    await events.insert(tx, kept, at=at)
    steps = await alarms.on_events(tx, told, home_node=home_node, at=at)
    await events.count_hour(tx, events.counts(told))
    await events.note_clocks(tx, told)
    urgent = [_change(event) for event in told if event.kind in RAISING]
    return {Lane.ALARMS: [*urgent, *steps], Lane.BULK: [_change(event) for event in told if event.kind not in RAISING]}


async def tell(tx: Transaction, grown: Grown, *, at: datetime, node: NodeId) -> frozenset[Lane]:
    """Write the log, last of all; return which lanes grew."""
    for lane in Lane:  # always in this order: two processes never wait for each other's stream
        if changes := grown.get(lane):
            await log.append(tx, lane, changes, at=at, node=node)
    return frozenset(lane for lane, changes in grown.items() if changes)


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
