"""accept: whose report is it, when did it come, is it a drill. What nobody registered waits in quarantine.

Reports become events of registered devices; device states follow what is heard; what is wrong is counted by hour,
with raw copies up to a bound. Nothing a stranger sends makes more than a bounded number of rows.
Source: 4.2.1.7 (device states), 4.2.2 (cleaning), 5.1.2.4-e, 5.1.3-a.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import psycopg
import structlog
from uuid_utils.compat import uuid7

from anju.domain.alarms import BYPASSED
from anju.domain.changes import Fate, Lane
from anju.domain.cleaning import clean
from anju.domain.devices import HEARD, SILENT, DeviceState, bypassed
from anju.domain.drills import Drill, in_drill
from anju.domain.events import DeviceReport, Event, EventState
from anju.domain.supervision import Seen, Supervision
from anju.errors import Conflict, DatabaseAway, WireError
from anju.pipeline.keep import Accepted, Keeper, Told
from anju.pipeline.registry import Known, Registry
from anju.store import devices, events, log, quarantine, rejections
from anju.store.database import Database
from anju.store.log import NodeId

STATION = "accept"
UNKNOWN = "unknown_account"
FLUSH_S = 2.0
TURNED_AT_ONCE = 100  # states in one transaction
COPIES_EACH, COPIES_ALL = 20, 1_000
"""Raw copies of what was wrong, each hour: of one source, and of all."""
STRANGERS_EACH, STRANGERS_ALL = 50, 1_000
"""Unknown accounts held each hour: from one address, and in all."""
SOURCES = 2_000  # sources counted by name each hour; those beyond are counted together
OTHERS = "others"
_log = structlog.get_logger(__name__)


Closer = Callable[[Known, DeviceReport], Awaitable[Known]]
"""Returns a device as the one behind a report: with the camera it names as a zone."""


@dataclass(slots=True)
class Bound:
    """So many for each key and so many in all, anew every hour."""

    each: int
    most: int
    _hour: datetime | None = None
    _taken: Counter[Hashable] = field(default_factory=Counter)
    _total: int = 0

    def take(self, key: Hashable, hour: datetime) -> bool:
        """Take one; False where the bound is reached."""
        if hour != self._hour:
            self._hour, self._taken, self._total = hour, Counter(), 0
        if self._total >= self.most or self._taken[key] >= self.each:
            return False
        self._taken[key] += 1
        self._total += 1
        return True

    def take_many(self, key: Hashable, hour: datetime, number: int) -> int:
        """Take up to ``number``; return how many."""
        return next((taken for taken in range(number) if not self.take(key, hour)), number)

    def give_back(self, key: Hashable) -> None:
        """Undo the last ``take`` of ``key``: nothing came of it."""
        self._taken[key] -= 1
        self._total -= 1


def hour_of(at: datetime) -> datetime:
    """Return the hour ``at`` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def accepted(report: DeviceReport, known: Known, *, at: datetime, drills: Iterable[Drill] = ()) -> Event:
    """Return the event that ``report`` of ``known`` is at ``at``: flagged where bypassed, marked where in a drill."""
    event = clean(report, known.reporter, event_id=uuid7(), at=at)
    zone = known.zone(report.area, report.zone)
    names = {event.zone, f"{zone.area}/{zone.number}" if zone else event.zone}
    if zone and bypassed(event.kind, zone.bypassed_until, at=at):
        event = event.flagged(BYPASSED)
    return replace(event, drill=any(in_drill(drills, event.device_id, name, event.kind, at) for name in names))


class Acceptor:
    """The station between the front doors and ``keep``, one for each gateway process.

    Run ``restore`` once, then ``run``. ``told`` hears which lanes grew. ``turns`` False: whether devices are there is
    judged elsewhere, as with GB/T 28181, and a report says nothing of it. ``closer`` knows better where a report
    comes from than its device does.
    """

    def __init__(
        self,
        db: Database,
        node: NodeId,
        registry: Registry,
        keeper: Keeper,
        *,
        clock: Callable[[], datetime],
        told: Told,
        supervision: Supervision,
        turns: bool = True,
        closer: Closer | None = None,
    ) -> None:
        self._db, self._node, self._registry, self._keeper = db, node, registry, keeper
        self._turns, self._closer = turns, closer
        self._clock, self._told, self._supervision = clock, told, supervision
        self._generation = -1
        self._supervised: dict[str, float | None] = {}  # account to declared interval
        self._states: dict[str, DeviceState] = {}
        self._turned: dict[str, tuple[DeviceState, str]] = {}  # not yet written
        self._seen: dict[str, Seen] = {}  # not yet written
        self._rejected: Counter[rejections.Key] = Counter()  # not yet written
        self._copies = Bound(COPIES_EACH, COPIES_ALL)
        self._strangers = Bound(1, STRANGERS_ALL)
        self._stranger_peers = Bound(STRANGERS_EACH, STRANGERS_ALL)
        self._sources = Bound(1, SOURCES)
        self._named: set[tuple[datetime, str]] = set()

    async def restore(self) -> None:
        """Take up the lines and this hour's strangers again after a restart. Raises DatabaseAway."""
        hour = hour_of(self._clock())
        for account in await quarantine.sources_since(self._db, STATION, UNKNOWN, hour):
            self._strangers.take(account, hour)
        self._adopt()

    async def run(self, every_s: float = FLUSH_S) -> None:
        """Write what gathers, until cancelled; the rest is written on the way out."""
        try:
            while True:
                await asyncio.sleep(every_s)
                await self._try_flush()
        finally:
            await self._try_flush()

    async def emit(self, report: DeviceReport) -> Fate | None:
        """Keep ``report`` and return what became of it, after the commit; None where nobody registered the account.

        Raises DatabaseAway: then nothing may be answered.
        """
        at = self._clock()
        known = self._registry.find(report.protocol, report.account)
        if known is None:
            await self._stranger(report, at)
            return None
        if self._closer:
            known = await self._closer(known, report)
        event = accepted(report, known, at=at, drills=self._registry.drills)
        fate = await self._keeper.keep(Accepted(report, event))
        silent = report.code_space == "anju" and report.code == "silent" and report.state is EventState.ACTIVE
        self._turn(known, *((DeviceState.OFFLINE, SILENT) if silent else (DeviceState.ONLINE, HEARD)))
        return fate

    async def heard(self, account: str, peer: str) -> bool:
        """Note a supervision message; False where nobody registered that account."""
        known = self._registry.find(self._supervision.protocol, account)
        if known is None:
            self._count(_stranger(self._supervision.protocol, account), UNKNOWN, self._clock())
            _log.debug("stranger heard", account=account, peer=peer)
            return False
        self._turn(known, DeviceState.ONLINE, HEARD)
        return True

    async def wrong(self, error: WireError, peer: str) -> None:
        """Count what the protocol forbids, and keep its bytes up to the bound. Raises DatabaseAway."""
        at = self._clock()
        known = self._registry.find(self._supervision.protocol, error.account) if error.account else None
        source = known.device.id if known else peer
        if error.reason == UNKNOWN and error.account and not known:
            source = _stranger(self._supervision.protocol, error.account)
        self._count(source, error.reason, at)
        if self._copies.take(source, hour_of(at)):
            site = known.device.site_id if known else ""
            names = (uuid7(), at, site, source, self._supervision.protocol, peer)
            frame = events.RawFrame(*names, error.data, Fate.DROPPED.value, error.reason)
            async with self._db.transaction() as tx:
                await events.insert_frames(tx, [frame])

    def refused(self, account: str, peer: str, reasons: Mapping[str, int]) -> None:
        """Count by reason what of an account was refused; there is a copy already."""
        known = self._registry.find(self._supervision.protocol, account) if account else None
        for reason, number in reasons.items():
            self._count(known.device.id if known else peer, reason, self._clock(), number=number)

    def held(self, source: str, reason: str, number: int) -> None:
        """Count what waits in quarantine."""
        self._count(source, reason, self._clock(), Fate.HELD, number)

    async def flush(self) -> None:
        """Write what gathered: lines heard, states turned, refusals counted. Raises DatabaseAway."""
        self._adopt()
        self._seen |= self._supervision.fresh()
        await self._write()
        while self._turned:
            await self._write()

    async def _write(self) -> None:
        seen, counts, at = dict(self._seen), Counter(self._rejected), self._clock()
        states = dict(islice(self._turned.items(), TURNED_AT_ONCE))
        if not (seen or states or counts):
            return
        async with self._db.transaction() as tx:
            await devices.keep_seen(tx, self._node.id, self._supervision.protocol, seen)
            await rejections.count(tx, counts, at=at)
            changes = await devices.turn(tx, states, at=at)
            if changes:
                await log.append(tx, Lane.BULK, changes, at=at, node=self._node)
        self._written(seen, states, counts)
        if changes:
            await self._told(frozenset({Lane.BULK}))

    def _written(
        self, seen: dict[str, Seen], states: dict[str, tuple[DeviceState, str]], counts: Counter[rejections.Key]
    ) -> None:
        self._seen = {account: each for account, each in self._seen.items() if seen.get(account) != each}
        self._turned = {name: each for name, each in self._turned.items() if states.get(name) != each}
        self._rejected = self._rejected - counts

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except DatabaseAway as away:
            _log.warning("kept in memory for now", reason=str(away))

    def _adopt(self) -> None:
        """Follow the registry: new lines are supervised, those gone are left alone."""
        if self._generation == self._registry.generation:
            return
        self._generation = self._registry.generation
        all_known = self._registry.all()
        self._states = {each.device.id: self._states.get(each.device.id, each.device.state) for each in all_known}
        lines = {each.device.account: each for each in all_known if each.device.protocol == self._supervision.protocol}
        for account, known in lines.items():
            declared = known.device.particulars.supervision_s
            if account not in self._supervised or self._supervised[account] != declared:
                self._supervise(known, declared)
        for account in self._supervised.keys() - lines.keys():
            self._supervision.forget(account)
            del self._supervised[account]

    def _supervise(self, known: Known, declared: float | None) -> None:
        device = known.device
        self._supervised[device.account] = declared
        interval, last = declared or device.interval_s, device.heard_at or self._clock()
        self._supervision.restore(device.account, interval_s=interval, last=last, silent=device.silent)

    def _turn(self, known: Known, state: DeviceState, reason: str) -> None:
        if self._turns and self._states.get(known.device.id) is not state:
            self._states[known.device.id] = state
            self._turned[known.device.id] = (state, reason)

    def _count(self, source: str, reason: str, at: datetime, outcome: Fate = Fate.DROPPED, number: int = 1) -> None:
        hour = hour_of(at)
        if (hour, source) not in self._named:
            if self._sources.take(source, hour):
                self._named = {each for each in self._named if each[0] == hour} | {(hour, source)}
            else:
                source = OTHERS
        self._rejected[rejections.Key(hour, STATION, source, outcome.value, reason)] += number

    async def _stranger(self, report: DeviceReport, at: datetime) -> None:
        """Hold the first report of an account in an hour; the panel repeats it until somebody registers it."""
        if report.code_space == "anju":
            return  # our own word about a line that was retired meanwhile
        source, hour = _stranger(report.protocol, report.account), hour_of(at)
        self._count(source, UNKNOWN, at, Fate.HELD)
        if self._strangers.take(source, hour) and self._stranger_peers.take(report.peer, hour):
            try:
                await self._hold(report, source, at)
            except DatabaseAway:
                self._strangers.give_back(source)
                self._stranger_peers.give_back(report.peer)
                raise

    async def _hold(self, report: DeviceReport, source: str, at: datetime) -> None:
        raw_id = uuid7()
        frame = events.RawFrame(
            raw_id, at, "", source, report.protocol, report.peer, report.frame, Fate.HELD.value, UNKNOWN
        )
        value = {"report": quarantine.written(report)}
        held = quarantine.Held(uuid7(), at, "", source, "/", "", STATION, UNKNOWN, raw_id, value)
        try:
            async with self._db.transaction() as tx:
                await events.insert_frames(tx, [frame])
                await quarantine.hold(tx, held)
        except psycopg.Error as error:
            _log.error("stranger not held", source=source, reason=str(error))


def _stranger(protocol: str, account: str) -> str:
    return f"{protocol}:{account}"


async def run_again(held: quarantine.Held, registry: Registry, keeper: Keeper, *, at: datetime) -> Fate:
    """Keep a held report now that its cause is mended; return what became of it.

    The event keeps the time of its receipt and is flagged: nobody takes it for news. What the panel itself repeated
    meanwhile is recognised. Raises Conflict where the cause is not mended. Source: 4.2.2.
    """
    if "report" not in held.value:
        raise Conflict("cannot_rerun", "this record does not hold all that is needed to run it again")
    report = quarantine.read_report(held.value)
    known = registry.find(report.protocol, report.account)
    if known is None:
        raise Conflict("still_unknown", f"nobody registered {report.account} on {report.protocol} yet")
    event = replace(accepted(report, known, at=held.held_at), late=True).flagged("late", "rerun")
    waited = int((at - held.held_at).total_seconds()) + 1
    return await keeper.keep_alone(Accepted(replace(report, dedup_window_s=report.dedup_window_s + waited), event))
