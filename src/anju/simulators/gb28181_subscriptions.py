"""Subscriptions at a simulated device: who hears of its catalog, its alarms and where it is.

Source: GB/T 28181-2016 9.11; RFC 6665; 5.4.1.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anju.errors import DeviceSilent, WireError
from anju.protocols.manscdp import Message, read
from anju.protocols.manscdp_positions import read_interval
from anju.protocols.sip import MANSCDP
from anju.wire.sip import Dialog, Incoming

_EXPIRES_S = 3_600


@dataclass(slots=True)
class _Subscription:
    dialog: Dialog
    event: str
    query: Message
    until: float  # by the loop's clock


class Subscriptions:
    """By kind: Catalog, Alarm, MobilePosition; the newest of a kind counts. ``written`` encodes what is told."""

    def __init__(self, written: Callable[[Message], bytes], position: Callable[[Message], Awaitable[None]]) -> None:
        self._written, self._position = written, position
        self._kinds = dict[str, _Subscription]()
        self._moving: asyncio.Task[None] | None = None

    def has(self, kind: str) -> bool:
        """Return whether somebody hears of ``kind``."""
        found = self._kinds.get(kind)
        return found is not None and found.until > asyncio.get_running_loop().time()

    async def subscribed(self, incoming: Incoming) -> None:
        """Take a new subscription, a refresh, or its end."""
        request = incoming.request
        expires = _EXPIRES_S if request.expires is None else request.expires
        known = next((each for each in self._kinds.values() if each.dialog is incoming.in_dialog), None)
        query = known.query if known else None
        with contextlib.suppress(WireError):
            query = read(request.body)
        if query is None:
            await incoming.reply(400)
            return
        dialog = incoming.in_dialog or incoming.dialog()
        await incoming.reply(200, headers=[("Expires", str(expires)), ("Event", request.headers.get("Event"))])
        until = asyncio.get_running_loop().time() + expires
        self._kinds[query.cmd_type] = _Subscription(dialog, request.headers.get("Event"), query, until)
        if expires == 0:
            await self._end(query.cmd_type)
        elif query.cmd_type == "MobilePosition" and self._moving is None:
            self._moving = asyncio.ensure_future(self._move(query))

    async def notify(self, kind: str, told: Message, *, state: str = "") -> int:
        """Tell who hears of ``kind``; return the SIP status. Raises DeviceSilent, KeyError where nobody does."""
        found = self._kinds[kind]
        left = max(0, round(found.until - asyncio.get_running_loop().time()))
        headers = [("Event", found.event), ("Subscription-State", state or f"active;expires={left}")]
        given = await found.dialog.request("NOTIFY", headers=headers, body=self._written(told), content_type=MANSCDP)
        return given.status

    async def stop(self) -> None:
        """Forget all."""
        if self._moving:
            self._moving.cancel()
            await asyncio.gather(self._moving, return_exceptions=True)
        for each in self._kinds.values():
            each.dialog.forget()
        self._kinds.clear()
        self._moving = None

    async def _end(self, kind: str) -> None:
        with contextlib.suppress(DeviceSilent):
            await self.notify(kind, self._kinds[kind].query, state="terminated;reason=timeout")
        self._kinds.pop(kind).dialog.forget()

    async def _move(self, query: Message) -> None:
        while self.has("MobilePosition"):
            with contextlib.suppress(DeviceSilent):
                await self._position(query)
            await asyncio.sleep(read_interval(query))
        self._moving = None
