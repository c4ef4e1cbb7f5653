"""Alarms for a platform above, from the log by a cursor of its own: what it has not acknowledged is sent again.

Source: GB/T 28181-2016 9.4 (报警事件通知); 5.1.3-b (alarm signal, time, place, type pushed to the upper platform).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from anju.domain.cascade import Tree, Upper
from anju.domain.changes import Lane, Logged
from anju.domain.events import EventKind
from anju.errors import DatabaseAway, DeviceSilent, SipRefused
from anju.protocols.manscdp_alarms import DEVICE, FAULT, INTRUSION, VIDEO, AlarmNotice, alarm_notice
from anju.store import cascade, cursors, log
from anju.store.cursors import Cursor
from anju.store.database import Database
from anju.store.log import NodeId
from anju.upward.gb28181_cascade_link import Link
from anju.upward.gb28181_cascade_notices import Subscriptions

AT_ONCE: Final = 200
RETRY_S: Final = 2.0
REMEMBERED: Final = 10_000
TAMPER: Final = 2
_FAULTS = frozenset({EventKind.FAULT, EventKind.POWER, EventKind.COMMUNICATION})
KIND_WORDS: Mapping[EventKind, str] = {
    EventKind.FIRE: "火灾报警",
    EventKind.FIRE_MANUAL: "手动火灾报警",
    EventKind.FIRE_SUPERVISORY: "消防监管信号",
    EventKind.PANIC: "紧急报警",
    EventKind.DURESS: "胁迫报警",
    EventKind.HELP: "求助",
    EventKind.INTRUSION: "入侵报警",
    EventKind.TAMPER: "防拆报警",
    EventKind.WATCH_LIST: "布控报警",
    EventKind.GAS: "燃气报警",
    EventKind.WATER: "漏水报警",
    EventKind.ENVIRONMENT: "环境报警",
    EventKind.DOOR_FORCED: "门被强行打开",
    EventKind.DOOR_HELD: "门未关",
    EventKind.POWER: "电源故障",
    EventKind.FAULT: "设备故障",
    EventKind.COMMUNICATION: "通信故障",
}
_log = structlog.get_logger(__name__)


class AlarmPush:
    """Sends one upper the alarms of what it sees."""

    def __init__(self, db: Database, node: NodeId, link: Link, subscriptions: Subscriptions) -> None:
        self._db, self._node, self._link, self._subscriptions = db, node, link, subscriptions
        self._sent = OrderedDict[str, None]()
        self.more = asyncio.Event()

    async def run(self) -> None:
        """Send what waits, whenever the upper is there; look again when told, and now and then."""
        while True:
            try:
                await self._link.registered.wait()
                if await self._step():
                    continue
            except (DeviceSilent, SipRefused, DatabaseAway) as error:
                _log.info("alarms wait", upper=self._link.upper.id, reason=str(error))
            await self._rest()

    async def _rest(self) -> None:
        self.more.clear()
        try:
            async with asyncio.timeout(RETRY_S):
                await self.more.wait()
        except TimeoutError:
            return

    async def _step(self) -> int:
        """Send one batch; return how many rows were looked at."""
        consumer, epoch = cascade.consumer(self._link.upper.id), self._node.epoch
        at = await cursors.position(self._db, consumer, Lane.ALARMS, epoch=epoch)
        tail = await log.tail(self._db, Lane.ALARMS, epoch)
        if at.seq < tail:
            _log.warning("alarms were dropped before they went up", upper=self._link.upper.id, first=at.seq, last=tail)
            at = Cursor(epoch, tail)
        rows = await log.read(self._db, Lane.ALARMS, epoch, at.seq, AT_ONCE)
        done, seen = at.seq, Seen.of(self._link.tree)
        try:
            for row in rows:
                await self._send(row, seen)
                done = row.seq
        finally:
            if done > at.seq:
                await cursors.move(self._db, consumer, Lane.ALARMS, Cursor(epoch, done), logged_at=rows[0].at)
        return len(rows)

    async def _send(self, row: Logged, seen: "Seen") -> None:
        """Send one alarm, if it is one for this upper; return once it has it. Raises DeviceSilent or SipRefused."""
        notice = told(row, self._link.upper, seen) if row.change.object_id not in self._sent else None
        if notice is None:
            return
        if not await self._subscriptions.alarm(notice):
            await self._link.send(alarm_notice(self._link.next_sn(), notice))
        self._sent[row.change.object_id] = None
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an upper sees, for alarms: the 小区 it sees cameras of, and the first camera of each device."""

    sites: frozenset[str]
    codes: Mapping[str, str]

    @classmethod
    def of(cls, tree: Tree) -> "Seen":
        """Return it for a tree."""
        sites = frozenset(each.camera.path[0] for each in tree.cameras if each.camera.path)
        return cls(sites, {each.camera.device_id: each.code for each in reversed(tree.cameras)})

    def holds(self, place_path: str) -> bool:
        """Return whether a place lies in one of these 小区."""
        return not self.sites.isdisjoint(place_path.split("/"))


def told(row: Logged, upper: Upper, seen: Seen) -> AlarmNotice | None:
    """Return the notice of a row of the log; None for what is no new alarm of what this upper sees."""
    body = row.change.body
    new = row.change.kind == "alarm" and row.change.version == 1 and not body.get("drill")
    if not new or int(body.get("level", 9)) > upper.alarm_level or not seen.holds(row.change.place_path):
        return None
    event = body.get("event", {})
    kind = EventKind(body["kind"]) if body.get("kind") in set(EventKind) else EventKind.INFO
    code = seen.codes.get(str(body.get("device_id", "")), "")
    method, type_ = _method(kind, camera=bool(code))
    at = event.get("occurred_at") or body.get("raised_at")
    return AlarmNotice(
        code or upper.own_code,
        method,
        datetime.fromisoformat(at) if isinstance(at, str) else row.at,
        priority=max(1, min(int(body.get("level", 4)), 4)),
        kind=type_,
        event=1 if (method, type_) == (VIDEO, INTRUSION) else 0,
        description=_words(kind, body),
    )


def _method(kind: EventKind, *, camera: bool) -> tuple[int, int]:
    if kind is EventKind.TAMPER:
        return DEVICE, TAMPER
    if kind in _FAULTS:
        return FAULT, 0
    return (VIDEO, INTRUSION if kind is EventKind.INTRUSION else 0) if camera else (DEVICE, 0)


def _words(kind: EventKind, body: dict[str, Any]) -> str:
    parts = [KIND_WORDS.get(kind, kind.value), *(body.get(name) for name in ("place_name", "device_name", "zone_name"))]
    return " ".join(dict.fromkeys(str(each) for each in parts if each))[:200]
