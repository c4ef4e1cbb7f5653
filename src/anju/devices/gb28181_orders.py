"""What people and other processes want of GB/T 28181 devices beside streams: turn, ask, set, list recordings.

Source: 5.1.2.4 (control of devices), 5.4.1 (recordings of devices); GB/T 28181-2016 A.2.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog

from anju.devices.gb28181_control import AGAIN_S, TO_DEVICE, order_of, stops
from anju.devices.gb28181_line import Line
from anju.devices.gb28181_tend import Tending
from anju.domain.commands import Command, DeviceAction, read_ptz
from anju.domain.devices import Device
from anju.domain.rights import EVERYWHERE
from anju.domain.video import Ptz, PtzAct
from anju.errors import AnjuError, Conflict, DatabaseAway, DeviceSilent, Invalid, NotFound, Refused, SipRefused
from anju.protocols.manscdp import Message, result_of
from anju.protocols.manscdp_config import BasicParam, config_order, config_query, read_config
from anju.protocols.manscdp_control import answered, order
from anju.protocols.manscdp_pages import Gathered
from anju.protocols.manscdp_presets import Preset, preset_query, read_presets
from anju.protocols.manscdp_records import RecordItem, RecordQuery, read_records, record_query
from anju.store import channels, ptz_locks
from anju.store.database import Database

ABOVE = 4
"""How a platform above ranks among those who steer: above a guard and a shift leader here."""
ANSWER_S = 5.0
RECORDS_S = 10.0  # between two messages of a list of recordings: some devices stall and go on
PRESETS_THEN_S = 2.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Records:
    """Recordings a device says it has, by their beginning. ``partial``: more were announced than came."""

    items: Sequence[RecordItem]
    partial: bool


class Orders:
    """Orders and questions to devices and channels; ``device`` finds one served here by its id."""

    def __init__(
        self,
        db: Database,
        line: Line,
        device: Callable[[str], Device | None],
        tending: Tending,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._line, self._device, self._tending, self._clock = db, line, device, tending, clock
        self._repeating: set[asyncio.Task[None]] = set()

    async def channel(self, channel_id: str) -> tuple[Device, str]:
        """Return the device behind a channel, and the channel's code. Raises Conflict where there is none."""
        try:
            placed = await channels.find(self._db, EVERYWHERE, channel_id)
        except NotFound as error:
            raise Conflict("not_found", "there is no such camera") from error
        return self.device(placed.channel.device_id), placed.channel.code

    def device(self, device_id: str) -> Device:
        """Return a device. Raises Conflict where none is served here."""
        found = self._device(device_id)
        if found is None:
            raise Conflict("not_registered", "this device does not speak GB/T 28181 here")
        return found

    async def ptz(self, channel_id: str, wanted: Ptz, *, holder: tuple[str, str] | None = None) -> None:
        """Have a camera do something; a stop is sent twice, 0.1 s apart.

        ``holder``, id and name of a platform above, takes or renews the lock first; Conflict ``ptz_locked`` where
        somebody else keeps it. Raises Invalid, Conflict, SipRefused, or DeviceSilent where its answer, due to some
        orders, did not come.
        """
        device, code = await self.channel(channel_id)
        if holder is not None and wanted.act is not PtzAct.KEY_FRAME:
            await self._lock(channel_id, holder)
        await self.order(device, device.account if wanted.act in TO_DEVICE else code, wanted)

    async def _lock(self, channel_id: str, holder: tuple[str, str]) -> None:
        async with self._db.transaction() as tx:
            lock = await ptz_locks.take(tx, channel_id, holder, ABOVE, at=self._clock())
        if lock.holder_id != holder[0]:
            raise Conflict("ptz_locked", f"{lock.holder} steers this camera")

    async def order(self, device: Device, code: str, wanted: Ptz) -> None:
        """As ``ptz``, for a code of a device, without a lock."""
        told = order_of(wanted)

        def build(sn: int) -> Message:
            return order(sn, code, told)

        if answered(told):
            answer = await self._line.ask(device, "DeviceControl", build, to=code, within_s=ANSWER_S)
            if result_of(answer) is False:
                raise Conflict("refused", "the device refused")
            return
        await self._line.send(device, build(self._line.questions.number()), to=code)
        if stops(wanted):
            task = asyncio.create_task(self._again(device, build, code))
            self._repeating.add(task)
            task.add_done_callback(self._repeating.discard)

    async def _again(self, device: Device, build: Callable[[int], Message], code: str) -> None:
        await asyncio.sleep(AGAIN_S)
        try:
            await self._line.send(device, build(self._line.questions.number()), to=code)
        except (DeviceSilent, Refused, SipRefused) as error:
            _log.info("stop not repeated", device=device.id, reason=str(error))

    async def perform(self, command: Command) -> None:
        """Do a command of the corridor. Raises Refused, DeviceSilent."""
        device = self._device(command.target_id)
        if device is None or command.action != DeviceAction.PTZ:
            raise Conflict("no_driver", f"no driver takes {command.action} for this device")
        channel_id, wanted = read_ptz(command.body)
        found, code = await self.channel(channel_id)
        if found.id != device.id:
            raise Invalid("ptz", "this channel is another device's")
        try:
            await self.order(device, device.account if wanted.act in TO_DEVICE else code, wanted)
        except SipRefused as error:
            raise Conflict("refused", str(error)) from error

    async def records(self, channel_id: str, start: datetime, end: datetime) -> Records:
        """Return the recordings a device says it has of a channel; what came counts even where the rest did not.

        Raises Conflict, or DeviceSilent where nothing came.
        """
        device, code = await self.channel(channel_id)
        gathered = Gathered[RecordItem]()

        def take(told: Message) -> bool:
            page = read_records(told)
            return gathered.add(((each.key, each) for each in page.items), page.total)

        asked = RecordQuery(start, end)
        whole = await self._line.gather(
            device,
            "RecordInfo",
            lambda sn: record_query(sn, code, asked),
            take,
            first_s=RECORDS_S,
            then_s=RECORDS_S,
            to=code,
        )
        return Records(sorted(gathered.items.values(), key=lambda each: (each.start, each.end)), not whole)

    async def presets(self, channel_id: str) -> list[Preset]:
        """Return a camera's presets by number. Raises Conflict, DeviceSilent."""
        device, code = await self.channel(channel_id)
        gathered = Gathered[Preset]()

        def take(told: Message) -> bool:
            page = read_presets(told)
            gathered.add(((each.number, each) for each in page.items), page.total)
            return page.total is None or gathered.whole

        await self._line.gather(
            device,
            "PresetQuery",
            lambda sn: preset_query(sn, code),
            take,
            first_s=ANSWER_S,
            then_s=PRESETS_THEN_S,
            to=code,
        )
        return sorted(gathered.items.values(), key=lambda each: each.number)

    async def config(self, device: Device, kinds: Sequence[str] = ("BasicParam",)) -> dict[str, Any]:
        """Return settings of a device as JSON. Raises Conflict, SipRefused, DeviceSilent."""
        told = await self._line.ask(device, "ConfigDownload", lambda sn: config_query(sn, device.account, kinds))
        found = read_config(told)
        others = {name: each.values() for name, each in found.others.items()}
        return {"BasicParam": asdict(found.basic) if found.basic else None, **others}

    async def configure(self, device: Device, wanted: BasicParam) -> None:
        """Change the registration and keepalive settings of a device. Raises Conflict, SipRefused, DeviceSilent."""
        told = await self._line.ask(device, "DeviceConfig", lambda sn: config_order(sn, device.account, wanted))
        if result_of(told) is False:
            raise Conflict("refused", "the device refused")

    async def query(self, device: Device, what: str) -> None:
        """Ask a device for ``info`` or ``status``, or begin to ask for its ``catalog``: that may take minutes.

        Raises Conflict, SipRefused, DeviceSilent.
        """
        asks = {"info": self._tending.info, "status": self._tending.status}
        if what == "catalog":
            self._line.registration(device)
            self._tending.refresh(device)
        elif what in asks:
            await asks[what](device)
        else:
            raise Invalid("query", f"{what[:40]!r} is nothing a device is asked for")

    async def command(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a question of another process, JSON to JSON: ``{"ok": …}``, or ``{"error": code, "message": …}``.

        ``{"query": "presets", "channel_id"}``, ``{"query": "info" | "status" | "catalog" | "config", "device_id"}``,
        ``{"query": "configure", "device_id", "basic": {…}}``, ``{"query": "records", "channel_id", "start", "end"}``.
        """
        try:
            return {"ok": msgspec.to_builtins(await self._commanded(asked))}
        except Refused as refused:
            return {"error": refused.code, "message": str(refused)}
        except SipRefused as error:
            return {"error": "refused", "message": str(error)}
        except (DeviceSilent, DatabaseAway) as error:
            return {
                "error": "signalling_away" if isinstance(error, DatabaseAway) else "no_answer",
                "message": str(error),
            }
        except (AnjuError, KeyError, TypeError, ValueError) as error:
            return {"error": "query", "message": repr(error)[:200]}

    async def _commanded(self, asked: Mapping[str, Any]) -> Any:
        what = str(asked["query"])
        if what == "presets":
            return [asdict(each) for each in await self.presets(str(asked["channel_id"]))]
        if what == "records":
            times = [datetime.fromisoformat(asked[name]) for name in ("start", "end")]
            found = await self.records(str(asked["channel_id"]), *times)
            return {"items": [asdict(each) for each in found.items], "partial": found.partial}
        device = self.device(str(asked["device_id"]))
        if what == "config":
            return await self.config(device)
        if what == "configure":
            return await self.configure(device, msgspec.convert(asked["basic"], BasicParam))
        return await self.query(device, what)
