"""Subscriptions of a platform above: to our catalog and to alarms; what changes is told in their dialogs.

Source: GB/T 28181-2016 9.11 (订阅和通知), annex A.2.6; RFC 6665; 5.4.3.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from anju.domain.cascade import Tree, Turn
from anju.errors import DeviceSilent, WireError
from anju.protocols.manscdp import CONTENT_TYPE, Message, read
from anju.protocols.manscdp_alarms import AlarmNotice, AlarmQuery, alarm_notice, read_alarm_query
from anju.protocols.manscdp_catalog import catalog_notice
from anju.upward.gb28181_cascade_catalog import NOTICE_ITEMS, UDP_ITEMS, notices
from anju.upward.gb28181_cascade_link import Link
from anju.wire.sip import Dialog, Incoming

KINDS: Final = ("Catalog", "Alarm", "MobilePosition")
LONGEST_S: Final = 7 * 86_400
AGAIN_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""An upper that cannot take a change just now (5xx, no answer) is told it again after so long."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Subscription:
    """One subscription: ``until`` by the loop's clock."""

    kind: str
    event: str
    dialog: Dialog
    until: float
    alarms: AlarmQuery


class Subscriptions:
    """What one upper subscribed to; a newer subscription of a kind replaces the older one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._held = dict[str, Subscription]()
        self._telling = asyncio.Lock()

    async def take(self, incoming: Incoming) -> None:
        """Begin, renew or end a subscription."""
        request = incoming.request
        old = next((each for each in self._held.values() if each.dialog is incoming.in_dialog), None)
        try:
            told = read(request.body, None) if request.body else None
        except WireError:
            await incoming.reply(400)
            return
        kind = told.cmd_type if told else (old.kind if old else "")
        if kind not in KINDS:
            await incoming.reply(489)
            return
        expires = min(request.expires if request.expires is not None else 3_600, LONGEST_S)
        dialog = incoming.in_dialog or incoming.dialog()
        event = request.headers.get("Event") or ("Catalog" if kind == "Catalog" else "presence")
        await incoming.reply(200, headers=[("Expires", str(expires)), ("Event", event)])
        await self._hold(Subscription(kind, event, dialog, _now() + expires, _alarms(told)), expires)

    async def _hold(self, found: Subscription, expires: int) -> None:
        before = self._held.pop(found.kind, None)
        if before and before.dialog is not found.dialog:
            before.dialog.forget()
        if expires:
            self._held[found.kind] = found
        else:
            await self._notify(found, b"", state="terminated;reason=timeout")
            found.dialog.forget()

    def _of(self, kind: str) -> Subscription | None:
        found = self._held.get(kind)
        if found and found.until < _now():
            del self._held[kind]
            found.dialog.forget()
            return None
        return found

    def owns(self, dialog: Dialog) -> bool:
        """Return whether ``dialog`` is one of these subscriptions."""
        return any(each.dialog is dialog for each in self._held.values())

    @property
    def catalog(self) -> bool:
        """Return whether changes of the catalog are to be told."""
        return self._of("Catalog") is not None

    async def changed(self, tree: Tree, turns: Sequence[Turn]) -> None:
        """Tell what changed, a few items at a time and in order; one that is never taken ends it."""
        found, upper = self._of("Catalog"), self._link.upper
        if found is None:
            return
        items = list(notices(upper, tree, turns))
        plain = all(each.event in {"ON", "OFF", "DEL"} for each in items)
        size = NOTICE_ITEMS if plain or upper.transport == "tcp" else UDP_ITEMS
        async with self._telling:
            for start in range(0, len(items), size):
                body = catalog_notice(self._link.next_sn(), upper.own_code, items[start : start + size])
                if not await self._taken(found, self._link.body(body)):
                    return

    async def _taken(self, found: Subscription, body: bytes) -> bool:
        """Tell until it is taken, refused for good, or told often enough; return whether it was taken."""
        for wait in (*AGAIN_S, None):
            if await self._notify(found, body):
                return True
            now = self._of(found.kind)
            if wait is None or now is None or now.dialog is not found.dialog:
                break
            await asyncio.sleep(wait)
        return False

    async def alarm(self, notice: AlarmNotice) -> bool:
        """Tell an alarm where it is subscribed to; return whether it was taken. Raises DeviceSilent."""
        found = self._of("Alarm")
        if found is None or not found.alarms.covers(notice):
            return False
        body = self._link.body(alarm_notice(self._link.next_sn(), notice))
        return await self._notify(found, body, raises=True)

    async def _notify(self, found: Subscription, body: bytes, *, state: str = "", raises: bool = False) -> bool:
        left = max(0, int(found.until - _now()))
        headers = [("Event", found.event), ("Subscription-State", state or f"active;expires={left}")]
        try:
            given = await found.dialog.request("NOTIFY", headers=headers, body=body, content_type=CONTENT_TYPE)
        except DeviceSilent:
            if raises:
                raise
            return False
        if given.status >= 300:
            _log.info("a notice was refused", upper=self._link.upper.id, status=given.status)
        if 300 <= given.status < 500 and self._held.get(found.kind) is found:
            del self._held[found.kind]
            found.dialog.forget()
        return given.status < 300

    def close(self) -> None:
        """Forget them all."""
        for each in self._held.values():
            each.dialog.forget()
        self._held.clear()


def _alarms(told: Message | None) -> AlarmQuery:
    return read_alarm_query(told) if told and told.cmd_type == "Alarm" else AlarmQuery()


def _now() -> float:
    return asyncio.get_running_loop().time()
