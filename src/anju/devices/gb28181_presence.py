"""Which GB/T 28181 devices are registered and alive, and why not: in memory, written through, taken up by a restart.

Registered and not run out, and heard within so many keepalive intervals: online. Every transition has its reason.
A silence is an alarm of its own. Source: 4.2.1.7 (device states), 5.4.3 (registration and keepalive).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from anju.domain.changes import Lane
from anju.domain.devices import EXPIRED, KEEPALIVE_TIMEOUT, REGISTERED, UNREGISTERED, Device, DeviceState
from anju.domain.events import DeviceReport, EventKind, EventState
from anju.errors import DatabaseAway
from anju.store import devices, log, sip_registrations
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.sip_registrations import Registration
from anju.wire.sip_paths import Peer

INTERVAL_S, MISSED = 60.0, 3
SANE_INTERVAL_S, SANE_MISSED = (5.0, 3_600.0), (1, 255)
"""Other settings that a device tells of itself are not believed: zero once made healthy devices offline."""
FLUSH_S, LOOK_S = 0.2, 1.0
AT_ONCE = 500  # registrations in one transaction
MOVES_MOST, MOVES_WITHIN = 4, timedelta(hours=1)
"""So many changes of address within so long: two devices have the same code."""
DAY_S = 86_400
_log = structlog.get_logger(__name__)

Emit = Callable[[DeviceReport], Awaitable[object]]
"""Keeps a report; returns after the commit. Raises DatabaseAway."""
Told = Callable[[frozenset[Lane]], Awaitable[None]]


def about_itself(device: Device, code: str, key: str, kind: EventKind, *, active: bool, **detail: str) -> DeviceReport:
    """Return what we say of a device ourselves: silent, clock off, code used twice."""
    return DeviceReport(
        protocol="gb28181",
        account=device.account,
        kind=kind,
        state=EventState.ACTIVE if active else EventState.CLEARED,
        code_space="anju",
        code=code,
        area="",
        zone="",
        occurred_at=None,
        dedup_key=f"{device.account}|{code}|{key}|{active}",
        dedup_window_s=DAY_S,
        frame=b"",
        peer="",
        detail=dict(detail),
    )


class SipPresence:
    """The registrations of this node. Run ``load`` once, then ``run``; ``find_device`` knows who is registered here."""

    def __init__(
        self,
        db: Database,
        node: NodeId,
        find_device: Callable[[str], Device | None],
        emit: Emit,
        *,
        clock: Callable[[], datetime],
        told: Told,
    ) -> None:
        self._db, self._node, self._find_device, self._emit = db, node, find_device, emit
        self._clock, self._told, self._since = clock, told, clock()
        self._all: dict[str, Registration] = {}
        self._down: dict[str, str] = {}  # devices that are offline, and why
        self._dirty: set[str] = set()
        self._turned: dict[str, tuple[DeviceState, str]] = {}
        self._untold: deque[DeviceReport] = deque(maxlen=10_000)
        self._moves: dict[str, deque[datetime]] = {}
        self._by_address: dict[tuple[str, int], str] = {}
        self._wake = asyncio.Event()

    async def load(self) -> None:
        """Take up what was registered before a restart. Raises DatabaseAway."""
        self._all = await sip_registrations.everyone(self._db)
        self._down = {name: each.ended_reason for name, each in self._all.items() if each.ended_reason}
        for each in self._all.values():
            if each.live:
                self._by_address[each.host, each.port] = each.device_id

    def find(self, device_id: str) -> Registration | None:
        """Return the registration of a device that may be talked to."""
        found = self._all.get(device_id)
        return found if found and found.live else None

    def last(self, device_id: str) -> Registration | None:
        """Return the registration of a device, over or not."""
        return self._all.get(device_id)

    def at(self, host: str, port: int) -> str | None:
        """Return the id of the device that is registered from this address."""
        device_id = self._by_address.get((host, port))
        return device_id if device_id and self.find(device_id) else None

    def online(self, device_id: str) -> bool:
        """Return whether a device is there."""
        return self.find(device_id) is not None and device_id not in self._down

    def why(self, device_id: str) -> str:
        """Return why a device is in its state."""
        return self._down.get(device_id, REGISTERED)

    def register(self, device: Device, told: Registration) -> bool:
        """Begin or renew a registration; the newest wins. Return whether the device came anew: boot, or back again."""
        before = self._all.get(device.id)
        anew = before is None or not before.live or before.call_id != told.call_id or device.id in self._down
        if before is not None:
            told = replace(told, interval_s=before.interval_s, missed=before.missed)
            if anew is False:
                told = replace(told, registered_at=before.registered_at)
            self._leave(before)
            if before.live and before.host != told.host:
                self._note_move(device)
        self._put(told)
        self._came(device)
        return anew

    def unregister(self, device: Device) -> None:
        """End a registration: the device signed off."""
        self._end(device, UNREGISTERED)

    def heard(self, device: Device, at: Peer | None) -> None:
        """Note a sign of life of a registered device; a keepalive says ``at`` which address it is reached now."""
        before = self._all.get(device.id)
        if before is None or not before.live:
            return
        at = at or Peer(before.host, before.port, "tcp" if before.transport == "tcp" else "udp", before.local_host)
        self._leave(before)
        moved = replace(before, host=at.host, port=at.port, transport=at.transport, local_host=at.local)
        self._put(replace(moved, heard_at=self._clock()))
        if self._down.get(device.id) == KEEPALIVE_TIMEOUT:
            self._came(device)

    def set_rhythm(self, device_id: str, interval_s: float | None, missed: int | None) -> None:
        """Believe what a device told of its keepalive, where it is sane."""
        before = self._all.get(device_id)
        if before is None or interval_s is None or missed is None:
            return
        if SANE_INTERVAL_S[0] <= interval_s <= SANE_INTERVAL_S[1] and SANE_MISSED[0] <= missed <= SANE_MISSED[1]:
            self._put(replace(before, interval_s=float(interval_s), missed=missed))

    def silence(self, device: Device, registration: Registration) -> timedelta:
        """Return how long a device may be quiet."""
        access = device.particulars.gb28181
        interval = access.keepalive_s or registration.interval_s or INTERVAL_S
        missed = access.missed if access.keepalive_s else registration.missed or access.missed or MISSED
        return timedelta(seconds=interval * missed)

    async def run(self) -> None:
        """Write what turns and look for silence, until cancelled; the rest is written on the way out."""
        look = asyncio.create_task(self._look_on())
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(FLUSH_S)  # those of a busy moment share a commit
                self._wake.clear()
                await self._try_flush()
        finally:
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)
            await self._try_flush()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
            if self._dirty or self._turned or self._untold:
                self._wake.set()

    def look(self) -> None:
        """Find who fell silent or let his registration run out."""
        at = self._clock()
        for each in list(self._all.values()):
            if not each.live or (device := self._find_device(each.device_id)) is None:
                continue
            if at >= each.expires_at + timedelta(seconds=1):
                self._end(device, EXPIRED)
            elif device.id not in self._down and at - max(each.heard_at, self._since) > self.silence(device, each):
                self._gone(device, KEEPALIVE_TIMEOUT)

    async def flush(self) -> None:
        """Write registrations and states, tell silences. Raises DatabaseAway: then it is done next time."""
        while self._dirty or self._turned:
            await self._write()
        while self._untold:
            await self._emit(self._untold[0])
            self._untold.popleft()

    async def _write(self) -> None:
        at, states = self._clock(), dict(list(self._turned.items())[:AT_ONCE])
        found = [self._all[name] for name in sorted(self._dirty)[:AT_ONCE]]
        async with self._db.transaction() as tx:
            if found:
                await sip_registrations.put(tx, found)
            changes = await devices.turn(tx, states, at=at) if states else []
            if changes:
                await log.append(tx, Lane.BULK, changes, at=at, node=self._node)
        self._dirty -= {each.device_id for each in found if self._all[each.device_id] == each}
        self._turned = {name: each for name, each in self._turned.items() if states.get(name) != each}
        if changes:
            await self._told(frozenset({Lane.BULK}))

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except DatabaseAway as away:
            _log.warning("registrations kept in memory for now", reason=str(away))
            await asyncio.sleep(LOOK_S)
            self._wake.set()

    def _put(self, told: Registration) -> None:
        self._all[told.device_id] = told
        self._by_address[told.host, told.port] = told.device_id
        self._dirty.add(told.device_id)
        self._wake.set()

    def _leave(self, before: Registration) -> None:
        if self._by_address.get((before.host, before.port)) == before.device_id:
            del self._by_address[before.host, before.port]

    def _came(self, device: Device) -> None:
        reason = self._down.pop(device.id, "")
        self._all[device.id] = replace(self._all[device.id], ended_at=None, ended_reason="")
        self._turned[device.id] = (DeviceState.ONLINE, REGISTERED)
        if reason and reason != UNREGISTERED:
            self._say_silent(device, active=False)

    def _gone(self, device: Device, reason: str) -> None:
        self._down[device.id] = reason
        self._put(replace(self._all[device.id], ended_reason=reason))
        self._turned[device.id] = (DeviceState.OFFLINE, reason)
        if reason != UNREGISTERED:
            self._say_silent(device, active=True)

    def _end(self, device: Device, reason: str) -> None:
        told_before = device.id in self._down
        before = self._all.get(device.id)
        if before is None or not before.live:
            return
        self._all[device.id] = replace(before, ended_at=self._clock())
        if told_before:
            self._down[device.id] = reason
            self._put(replace(self._all[device.id], ended_reason=reason))
            self._turned[device.id] = (DeviceState.OFFLINE, reason)
        else:
            self._gone(device, reason)

    def _say_silent(self, device: Device, *, active: bool) -> None:
        at = self._clock().isoformat(timespec="milliseconds")
        heard = self._all[device.id].heard_at.isoformat()
        key = heard if active else at
        report = about_itself(device, "silent", key, EventKind.COMMUNICATION, active=active, last_heard=heard)
        self._untold.append(report)

    def _note_move(self, device: Device) -> None:
        """Two devices with one code take the registration from each other again and again."""
        at = self._clock()
        moves = self._moves.setdefault(device.id, deque(maxlen=MOVES_MOST))
        moves.append(at)
        if len(moves) == MOVES_MOST and at - moves[0] < MOVES_WITHIN:
            key = f"{at:%Y%m%d%H}"
            self._untold.append(about_itself(device, "duplicate_id", key, EventKind.FAULT, active=True))
