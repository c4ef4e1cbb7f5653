"""What every registered GB/T 28181 device is asked: what it is, how it is, its catalog; what it shall tell by itself.

After an outage thousands come back at once: they are asked a few at a time, each after a while of its own.
Source: 5.4.3 (GB/T 28181 queries and subscriptions), 4.2.1.7; 8-g (clocks).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from anju.devices.gb28181_catalog import Catalogs
from anju.devices.gb28181_line import Line
from anju.devices.gb28181_presence import Emit, SipPresence, about_itself
from anju.domain.channels import Sync
from anju.domain.devices import CLOCK_MOST_MS, Device
from anju.domain.events import EventKind, EventState
from anju.errors import DatabaseAway, DeviceSilent, Refused, SipRefused, WireError
from anju.protocols.manscdp import Message
from anju.protocols.manscdp_alarms import AlarmQuery, alarm_query
from anju.protocols.manscdp_catalog import catalog_query
from anju.protocols.manscdp_config import config_query, read_config
from anju.protocols.manscdp_control import Guard, order
from anju.protocols.manscdp_devices import DeviceStatus, info_query, read_info, read_status, status_query
from anju.protocols.manscdp_positions import position_query
from anju.store import channels, events, sip_registrations
from anju.store.database import Database
from anju.wire.sip import Dialog

AT_ONCE = 50  # devices asked at the same time
JITTER_S, JITTER_EACH_S = 60.0, 0.05
SUBSCRIBED_S, RENEWED_AT = 3_600, 0.7
LOOK_S = 30.0
STATUS_EVERY, CATALOG_EVERY, PARTIAL_AGAIN = timedelta(hours=1), timedelta(hours=24), timedelta(minutes=5)
LOOK_BACK = timedelta(days=30)
CONFIG_EVERY = timedelta(hours=1)
"""One model registers anew instead of answering: asked at each registration it would never end."""
AWAY_AGAIN = timedelta(seconds=30)  # what could not be kept is asked for again
UNWILLING = (DeviceSilent, Refused, SipRefused, WireError)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Subscribed:
    dialog: Dialog
    event: str
    due: datetime


class Tending:
    """Asks devices. ``began`` says that one registered anew. Run ``run``."""

    def __init__(
        self,
        db: Database,
        line: Line,
        presence: SipPresence,
        catalogs: Catalogs,
        emit: Emit,
        devices: Callable[[], Sequence[Device]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._line, self._presence, self._catalogs = db, line, presence, catalogs
        self._emit, self._devices, self._clock = emit, devices, clock
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._subscribed: dict[str, dict[str, _Subscribed]] = {}
        self._unwilling: set[tuple[str, str]] = set()  # device and what it refuses to be subscribed for
        self._asked: dict[tuple[str, str], datetime] = {}
        self._partial: dict[str, tuple[int, int]] = {}  # how many items came last, and how often just as many
        self._off: dict[str, bool] = {}  # whether a device's clock is off, and told so

    async def load(self) -> None:
        """Take up when catalogs came in whole: a restart asks for none of them again. Raises DatabaseAway."""
        for device_id, at in await channels.whole_since(self._db):
            self._asked[device_id, "Catalog"] = at

    def began(self, device: Device) -> None:
        """Ask a device that registered anew; one that is being asked begins again."""
        self._forget(device.id)
        if before := self._tasks.get(device.id):
            before.cancel()
        self._start(device, self._quietly(device))

    def refresh(self, device: Device) -> None:
        """Begin to ask a device for its catalog, unless it is being asked already."""
        if device.id not in self._tasks:
            self._start(device, self._each(device, [self.catalog]))

    def _start(self, device: Device, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[device.id] = task
        task.add_done_callback(lambda done: self._done(device.id, done))

    def _done(self, device_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(device_id) is task:
            del self._tasks[device_id]

    def left(self, device_id: str) -> None:
        """A device is gone: so are its subscriptions."""
        self._forget(device_id)

    def ended(self, device_id: str, call_id: str) -> None:
        """A device ended a subscription: subscribe anew at the next look."""
        held = self._subscribed.get(device_id, {})
        for name in [name for name, each in held.items() if each.dialog.call_id == call_id]:
            held.pop(name).dialog.forget()

    async def run(self) -> None:
        """Renew subscriptions, ask for states and catalogs again, until cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                for device in self._devices():
                    if self._presence.online(device.id) and device.id not in self._tasks:
                        self._again(device)
        finally:
            running = list(self._tasks.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _again(self, device: Device) -> None:
        works: list[Callable[[Device], Awaitable[None]]] = []
        held = self._subscribed.get(device.id, {})
        wanted = [name for name in _subscriptions(device) if (device.id, name) not in self._unwilling]
        if any(name not in held or self._clock() >= held[name].due for name in wanted):
            works.append(self._subscribe)
        if self._due(device, "DeviceStatus", STATUS_EVERY):
            works.append(self.status)
        if self._due(device, "Catalog", CATALOG_EVERY):
            works.append(self.catalog)
        if works:
            self._start(device, self._each(device, works))

    def _due(self, device: Device, what: str, every: timedelta) -> bool:
        return self._clock() - self._asked.get((device.id, what), self._clock() - every) >= every

    async def _quietly(self, device: Device) -> None:
        most = min(JITTER_S, JITTER_EACH_S * len(self._tasks))
        await asyncio.sleep(random.uniform(0, most))  # noqa: S311 - spreads load, guards nothing
        await self._each(device, [self.info])
        rest = [self._subscribe, self._arm, self.status, self._config]
        await asyncio.gather(self._each(device, [self.catalog]), self._each(device, rest))

    async def _each(self, device: Device, works: Sequence[Callable[[Device], Awaitable[None]]]) -> None:
        async with self._room:
            for work in works:
                try:
                    await work(device)
                except UNWILLING as error:
                    _log.debug("device does not answer", device=device.id, what=work.__name__, reason=str(error))
                except DatabaseAway as away:
                    _log.warning("device asked in vain", device=device.id, reason=str(away))
                except Exception:  # noqa: BLE001 - whatever a device wrote, the rest is asked for
                    _log.exception("device asked in vain", device=device.id, what=work.__name__)

    async def info(self, device: Device) -> None:
        """Ask what a device is. Raises one of UNWILLING, DatabaseAway."""
        told = read_info(await self._line.ask(device, "DeviceInfo", lambda sn: info_query(sn, device.account)))
        plain = msgspec.to_builtins({**asdict(told), "more": {}})
        await self._note(device, "info", plain)

    async def status(self, device: Device) -> None:
        """Ask how a device is, and what time it has. Raises one of UNWILLING, DatabaseAway."""
        self._asked[device.id, "DeviceStatus"] = self._clock()
        told = read_status(await self._line.ask(device, "DeviceStatus", lambda sn: status_query(sn, device.account)))
        at = self._clock()
        await self._note(device, "status", msgspec.to_builtins(asdict(told)))
        if told.time is not None:
            await self._clocked(device, told, at)

    async def _clocked(self, device: Device, told: DeviceStatus, at: datetime) -> None:
        assert told.time is not None  # noqa: S101 - asked by the caller
        offset = round((told.time - at) / timedelta(milliseconds=1))
        async with self._db.transaction() as tx:
            await events.note_times(tx, [events.Told(device.id, at, told.time, offset, device.site_id)])
        off = abs(offset) > CLOCK_MOST_MS
        if off is await self._was_off(device, at):
            return
        key = f"{at:%Y%m%d%H}" if off else at.isoformat()
        report = about_itself(device, "clock_off", key, EventKind.FAULT, active=off, offset_ms=str(offset))
        await self._emit(report)
        self._off[device.id] = off

    async def _was_off(self, device: Device, at: datetime) -> bool:
        if device.id not in self._off:
            last = await events.last_state(self._db, device.id, "clock_off", since=at - LOOK_BACK)
            self._off[device.id] = last is EventState.ACTIVE
        return self._off[device.id]

    async def catalog(self, device: Device) -> None:
        """Ask for a catalog. Raises DatabaseAway."""
        at = self._asked[device.id, "Catalog"] = self._clock()
        try:
            synced = await self._catalogs.sync(device)
        except DatabaseAway:
            self._asked[device.id, "Catalog"] = at - CATALOG_EVERY + AWAY_AGAIN
            raise
        if synced is not None and synced.state is not Sync.COMPLETE:
            self._asked[device.id, "Catalog"] = at - CATALOG_EVERY + self._again_after(device.id, synced.received)

    def _again_after(self, device_id: str, received: int) -> timedelta:
        """Ask soon again for what is missing; where as much comes each time, the announced sum is wrong: less often."""
        before, times = self._partial.get(device_id, (-1, 0))
        times = times + 1 if received == before else 0
        self._partial[device_id] = (received, times)
        return min(PARTIAL_AGAIN * (1 << min(times, 10)), CATALOG_EVERY)

    async def _config(self, device: Device) -> None:
        if not self._due(device, "ConfigDownload", CONFIG_EVERY):
            return
        self._asked[device.id, "ConfigDownload"] = self._clock()
        told = read_config(await self._line.ask(device, "ConfigDownload", lambda sn: config_query(sn, device.account)))
        if told.basic:
            self._presence.set_rhythm(device.id, told.basic.heartbeat_s, told.basic.heartbeat_count)
            await self._note(device, "config", msgspec.to_builtins(asdict(told.basic)))

    async def _arm(self, device: Device) -> None:
        if device.particulars.gb28181.guard:
            await self._line.send(device, order(self._line.questions.number(), device.account, Guard(on=True)))

    async def _subscribe(self, device: Device) -> None:
        """Subscribe to what is not subscribed yet, renew what runs out soon; who refuses is not asked again."""
        held = self._subscribed.setdefault(device.id, {})
        for name, (event, build) in _subscriptions(device).items():
            if (device.id, name) in self._unwilling or (name in held and self._clock() < held[name].due):
                continue
            try:
                if name not in held or not await self._renewed(device, held[name], build):
                    held[name] = await self._begun(device, event, build)
            except SipRefused as refused:
                self._unwilling.add((device.id, name))
                _log.info("subscription refused", device=device.id, event=event, reason=str(refused))

    async def _begun(self, device: Device, event: str, build: Callable[[int], Message]) -> _Subscribed:
        told = build(self._line.questions.number())
        dialog = await self._line.subscribe(device, f"{event};id={told.sn}", told, SUBSCRIBED_S)
        granted = dialog.answer.expires if dialog.answer else None
        return _Subscribed(dialog, f"{event};id={told.sn}", self._renewal(granted))

    async def _renewed(self, device: Device, held: _Subscribed, build: Callable[[int], Message]) -> bool:
        told = build(self._line.questions.number())
        status = await self._line.renew(held.dialog, device, held.event, told, SUBSCRIBED_S)
        if status < 300:
            held.due = self._renewal(None)
            return True
        held.dialog.forget()
        return False

    def _renewal(self, granted: int | None) -> datetime:
        return self._clock() + timedelta(seconds=(granted or SUBSCRIBED_S) * RENEWED_AT)

    def _forget(self, device_id: str) -> None:
        for each in self._subscribed.pop(device_id, {}).values():
            each.dialog.forget()
        self._unwilling = {each for each in self._unwilling if each[0] != device_id}

    async def _note(self, device: Device, what: str, told: object) -> None:
        await sip_registrations.note_told(self._db, device.id, {what: told, f"{what}_at": self._clock().isoformat()})


def _subscriptions(device: Device) -> dict[str, tuple[str, Callable[[int], Message]]]:
    """Return what is subscribed of a device: the event and the body's builder, by name."""
    account, access = device.account, device.particulars.gb28181
    if not access.subscribe:
        return {}
    found: dict[str, tuple[str, Callable[[int], Message]]] = {
        "catalog": ("Catalog", lambda sn: catalog_query(sn, account)),
        "alarm": ("presence", lambda sn: alarm_query(sn, account, AlarmQuery())),
    }
    if (every := access.position_s) is not None:
        found["position"] = ("presence", lambda sn: position_query(sn, account, every))
    return found
