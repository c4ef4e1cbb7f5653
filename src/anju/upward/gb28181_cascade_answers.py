"""Questions and orders of a platform above, answered by a message of our own each.

Source: GB/T 28181-2016 annexes A.2.3 to A.2.6, 9.3, 9.5, 9.7; 4.2.1.2, 5.4.3.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from anju import __version__
from anju.domain.cascade import Recorded, Shared
from anju.domain.video import Ptz
from anju.errors import DeviceSilent, Refused, SipRefused, WireError
from anju.protocols.manscdp import Message, answer
from anju.protocols.manscdp_catalog import CatalogItem, catalog_answer
from anju.protocols.manscdp_config import BasicParam, Config, config_answer
from anju.protocols.manscdp_control import answered, order_answer, read_order
from anju.protocols.manscdp_devices import DeviceInfo, DeviceStatus, info_answer, status_answer
from anju.protocols.manscdp_presets import Preset, preset_answer
from anju.protocols.manscdp_records import RecordItem, read_record_query, record_answer
from anju.protocols.manscdp_voice import broadcast_answer, read_broadcast
from anju.upward.gb28181_cascade_catalog import items_of, pages
from anju.upward.gb28181_cascade_hands import Hands
from anju.upward.gb28181_cascade_link import Link
from anju.upward.gb28181_cascade_orders import ptz_of
from anju.wire.sip import Incoming

WINDOW = 4
"""Messages of a catalog on their way at once."""
TRIES = 3
RECORDS_UDP, RECORDS_TCP = 2, 20
PRESETS_AT_ONCE = 8
RECORDS_MOST = 10_000
_log = structlog.get_logger(__name__)


class Answers:
    """Answers one upper. A catalog that is asked for again begins anew under the new number."""

    def __init__(self, link: Link, hands: Hands, *, name: str) -> None:
        self._link, self._hands, self._name = link, hands, name
        self._catalog: asyncio.Task[None] | None = None

    async def take(self, incoming: Incoming, told: Message, *, at: datetime) -> None:
        """Acknowledge a message, then answer it. What is unknown is acknowledged and left."""
        if told.cmd_type == "DeviceControl":
            await self._ordered(incoming, told)
            return
        await incoming.reply(200)
        if told.cmd_type == "Catalog":
            self._restart(told)
            return
        shared = self._link.tree.camera(told.device_id)
        known = shared is not None or told.device_id == self._link.upper.own_code
        if found := await self._found(told, shared, known=known, at=at):
            await self._send_all(found)

    async def close(self) -> None:
        """Stop what is being answered."""
        if self._catalog:
            self._catalog.cancel()
            await asyncio.gather(self._catalog, return_exceptions=True)

    async def _found(self, told: Message, shared: Shared | None, *, known: bool, at: datetime) -> list[Message]:
        if told.cmd_type == "RecordInfo" and shared:
            return await self._records(told, shared)
        if told.cmd_type == "PresetQuery" and shared:
            return await self._presets(told, shared)
        found = self._plain(told, shared, at) if known else None
        if found is None and told.cmd_type in {"DeviceInfo", "DeviceStatus", "ConfigDownload", "DeviceConfig"}:
            found = answer(told, ok=False)
        if told.cmd_type == "Broadcast":
            found = broadcast_answer(told, read_broadcast(told).target, ok=False)
        return [found] if found else []

    def _plain(self, told: Message, shared: Shared | None, at: datetime) -> Message | None:
        online = shared is None or shared.online
        match told.cmd_type:
            case "DeviceInfo":
                return info_answer(told, self._info(shared))
            case "DeviceStatus":
                return status_answer(told, DeviceStatus(online=online, ok=online, encoding=online, time=at))
            case "ConfigDownload":
                return config_answer(told, Config(self._basic(shared)))
        return None

    def _info(self, shared: Shared | None) -> DeviceInfo:
        if shared is None:
            return DeviceInfo(self._name, "Anju", "Anju", __version__, len(self._link.tree.cameras))
        told = shared.camera.info
        return DeviceInfo(shared.camera.name, str(told.get("Manufacturer", "")), str(told.get("Model", "")), "", 1)

    def _basic(self, shared: Shared | None) -> BasicParam:
        upper, name = self._link.upper, shared.camera.name if shared else self._name
        return BasicParam(name, upper.expires_s, upper.keepalive_s, upper.keepalive_missed)

    async def _records(self, told: Message, shared: Shared) -> list[Message]:
        asked = read_record_query(told)
        if asked is None or not self._link.upper.playback:
            return [record_answer(told, 0, ())]
        try:
            found = await self._hands.records(shared.camera.channel_id, asked.start, asked.end)
        except Refused as refused:
            _log.info("no answer to a search for recordings", upper=self._link.upper.id, reason=refused.code)
            return []  # not to know is not to have none
        items = [_record(shared, each) for each in found[:RECORDS_MOST] if asked.kind in {"all", each.kind}]
        size = RECORDS_TCP if self._link.upper.transport == "tcp" else RECORDS_UDP
        parts = [items[start : start + size] for start in range(0, len(items), size)] or [[]]
        return [record_answer(told, len(items), part, shared.camera.name) for part in parts]

    async def _presets(self, told: Message, shared: Shared) -> list[Message]:
        try:
            found = await self._hands.presets(shared.camera.channel_id)
        except Refused as refused:
            _log.info("no answer to a question for presets", upper=self._link.upper.id, reason=refused.code)
            return []
        items = [Preset(number, name) for number, name in found]
        parts = [items[start : start + PRESETS_AT_ONCE] for start in range(0, len(items), PRESETS_AT_ONCE)] or [[]]
        return [preset_answer(told, part, len(items) if len(parts) > 1 else None) for part in parts]

    async def _ordered(self, incoming: Incoming, told: Message) -> None:
        """Have a camera do what the upper may order; 403 or 404 says at once what is not done."""
        shared = self._link.tree.camera(told.device_id)
        try:
            order = read_order(told)
            wanted = ptz_of(order)
        except WireError:
            await incoming.reply(200)
            return
        if answered(order):
            await incoming.reply(200)
            ok = await self._moved(shared, wanted) if shared and wanted else False
            await self._send_all([order_answer(told, ok=ok)])
        elif shared is None or wanted is None or not self._link.upper.ptz:
            await incoming.reply(404 if shared is None else 403)
        else:
            await incoming.reply(200)
            await self._moved(shared, wanted)

    async def _moved(self, shared: Shared, wanted: Ptz) -> bool:
        if not self._link.upper.ptz:
            return False
        try:
            await self._hands.move(self._link.upper, shared.camera.channel_id, wanted)
        except Refused as refused:
            _log.info("an order from above was not done", upper=self._link.upper.id, reason=refused.code)
            return False
        return True

    def _restart(self, told: Message) -> None:
        if self._catalog:
            self._catalog.cancel()
        self._catalog = asyncio.ensure_future(self._send_catalog(told))

    async def _send_catalog(self, told: Message) -> None:
        """Send the tree, or what lies under the node that was asked for; a message that fails stops no other."""
        upper, tree = self._link.upper, self._link.tree
        if told.device_id not in {"", upper.own_code}:
            tree = tree.under(told.device_id)
        items = items_of(upper, tree)
        parts: Sequence[Sequence[CatalogItem]] = pages(items, tcp=upper.transport == "tcp") or [[]]
        await self._send_all([catalog_answer(told.sn, told.device_id, len(items), part) for part in parts])

    async def _send_all(self, messages: Sequence[Message]) -> None:
        """Send messages in their order, a few at once."""
        waiting = iter(messages)

        async def some() -> None:
            for each in waiting:
                await self._send(each)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(WINDOW, len(messages))):
                group.create_task(some())

    async def _send(self, told: Message) -> None:
        for _ in range(TRIES):
            try:
                await self._link.send(told)
            except DeviceSilent:
                continue
            except SipRefused as refused:
                _log.info("an answer was not taken", upper=self._link.upper.id, reason=str(refused))
            return


def _record(shared: Shared, found: Recorded) -> RecordItem:
    path = f"{int(found.start.timestamp())}_{int(found.end.timestamp())}"
    return RecordItem(shared.code, found.start, found.end, shared.camera.name, path, kind=found.kind, size=found.size)
