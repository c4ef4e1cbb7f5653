"""Which GA/T 1400 devices are registered and alive: one truth in the database for all intake processes.

A device is online while anything valid is heard of it, offline after three keepalive periods of silence or once it
signs off; its silence is an alarm of its own.
Source: 4.2.1.7 (device states), 4.3 (GA/T 1400 part 4: registration and keepalive).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from anju.domain.changes import Lane
from anju.domain.devices import HEARD, NO_KEEPALIVE, UNREGISTERED, DeviceState
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.errors import DatabaseAway
from anju.pipeline.accept import accepted
from anju.pipeline.keep import Accepted, Keeper, Told
from anju.pipeline.registry import Known, Registry
from anju.store import devices, log, viid_sessions
from anju.store.database import Database, Transaction
from anju.store.log import NodeId
from anju.store.viid_sessions import Session, Silence

MISSES, PERIOD_S = 3, 90.0
FLUSH_S = 5.0
ASK_AGAIN = timedelta(milliseconds=200)
_DAY_S = 86_400
_log = structlog.get_logger(__name__)


class Presence:
    """The sessions of one process, written through. Run ``load`` once, then ``run``."""

    def __init__(
        self,
        db: Database,
        node: NodeId,
        registry: Registry,
        keeper: Keeper,
        *,
        clock: Callable[[], datetime],
        told: Told,
    ) -> None:
        self._db, self._node, self._registry, self._keeper = db, node, registry, keeper
        self._clock, self._told, self._since = clock, told, clock()
        self._sessions: dict[str, Session] = {}
        self._heard: dict[str, datetime] = {}  # not yet written
        self._asked: dict[str, datetime] = {}  # when the database was asked for a session last

    async def load(self) -> None:
        """Take up all sessions, those of other processes too. Raises DatabaseAway."""
        self._sessions = await viid_sessions.everyone(self._db)

    async def run(self, every_s: float = FLUSH_S) -> None:
        """Write what was heard, tell silences, follow the other processes, until cancelled."""
        try:
            while True:
                await asyncio.sleep(every_s)
                await self._try(self.flush, self.tell_silence, self.load)
        finally:
            await self._try(self.flush)

    async def session(self, device_id: str) -> Session | None:
        """Return the running session of a device, begun in whichever process. Raises DatabaseAway."""
        found = self._sessions.get(device_id)
        if (found is None or not found.live) and self._may_ask(device_id):
            found = await viid_sessions.find(self._db, device_id)
            if found:
                self._sessions[device_id] = found
        return found if found and found.live else None

    def _may_ask(self, device_id: str) -> bool:
        """Return whether to look again for a session: who knocks without one makes no load for the database."""
        now = self._clock()
        if now - self._asked.get(device_id, self._since - ASK_AGAIN) < ASK_AGAIN:
            return False
        self._asked[device_id] = now
        return True

    async def register(self, device_id: str, peer: str) -> None:
        """Begin a session; return after the commit. Raises DatabaseAway."""
        at = self._clock()
        async with self._db.transaction() as tx:
            self._sessions[device_id] = await viid_sessions.register(tx, device_id, peer, at=at)
            grown = await self._turn(tx, {device_id: (DeviceState.ONLINE, HEARD)}, at)
        await self._tell(grown=grown)
        self.heard(device_id)

    async def unregister(self, device_id: str) -> None:
        """End a session; return after the commit. Raises DatabaseAway."""
        at = self._clock()
        self._heard.pop(device_id, None)
        async with self._db.transaction() as tx:
            await viid_sessions.unregister(tx, device_id, at=at)
            grown = await self._turn(tx, {device_id: (DeviceState.OFFLINE, UNREGISTERED)}, at)
        self._sessions.pop(device_id, None)
        await self._tell(grown=grown)

    def heard(self, device_id: str) -> None:
        """Note a sign of life: a keepalive, or any data."""
        self._heard[device_id] = self._clock()

    async def flush(self) -> None:
        """Write who was heard. Raises DatabaseAway: then it is written next time."""
        if not self._heard:
            return
        heard, at = dict(self._heard), self._clock()
        async with self._db.transaction() as tx:
            await viid_sessions.heard(tx, heard)
            grown = await self._turn(tx, dict.fromkeys(heard, (DeviceState.ONLINE, HEARD)), at)
        self._heard = {name: when for name, when in self._heard.items() if heard.get(name) != when}
        await self._tell(grown=grown)

    async def tell_silence(self) -> None:
        """Report devices that fell silent and those heard again; processes that both do so tell it once.

        Raises DatabaseAway: then it is told next time. Source: 4.2.1.5 (devices' faults).
        """
        at = self._clock()
        found = await viid_sessions.due(
            self._db, self._node.id, at=at, since=self._since, misses=MISSES, period_s=PERIOD_S
        )
        for each in found:
            if known := self._registry.find("viid", each.account):
                await self._report(each, known, at)

    async def _report(self, silence: Silence, known: Known, at: datetime) -> None:
        report = _report(silence)
        await self._keeper.keep(Accepted(report, accepted(report, known, at=at, drills=self._registry.drills)))
        async with self._db.transaction() as tx:
            await viid_sessions.told(tx, silence)
            states = {silence.device_id: (DeviceState.OFFLINE, NO_KEEPALIVE)} if silence.silent else {}
            grown = await self._turn(tx, states, at)
        await self._tell(grown=grown)

    async def _turn(self, tx: Transaction, states: dict[str, tuple[DeviceState, str]], at: datetime) -> bool:
        changes = await devices.turn(tx, states, at=at) if states else []
        if changes:
            await log.append(tx, Lane.BULK, changes, at=at, node=self._node)
        return bool(changes)

    async def _tell(self, *, grown: bool) -> None:
        if grown:
            await self._told(frozenset({Lane.BULK}))

    async def _try(self, *acts: Callable[[], Awaitable[None]]) -> None:
        try:
            for act in acts:
                await act()
        except DatabaseAway as away:
            _log.warning("done later", reason=str(away))


def _report(silence: Silence) -> DeviceReport:
    state = EventState.ACTIVE if silence.silent else EventState.CLEARED
    return DeviceReport(
        protocol="viid",
        account=silence.account,
        kind=EventKind.COMMUNICATION,
        state=state,
        code_space="anju",
        code="silent",
        area="",
        zone="",
        occurred_at=None,
        dedup_key=silence.key,
        dedup_window_s=_DAY_S,
        frame=b"",
        peer="",
        detail={"last_heard": silence.heard_at.isoformat()},
    )
