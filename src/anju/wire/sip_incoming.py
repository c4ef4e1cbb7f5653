"""One request of a SIP peer as its handler sees it: who asks, from where, and how to answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from anju.errors import DeviceSilent
from anju.protocols.sip import Request, answer
from anju.wire.sip_dialogs import CANCELLED, NO_ACK, REFUSED, Dialog
from anju.wire.sip_paths import Peer
from anju.wire.sip_transactions import Served

if TYPE_CHECKING:
    from anju.wire.sip import SipEndpoint

Fields = Iterable[tuple[str, str]]
_OPENING = frozenset({"INVITE", "SUBSCRIBE"})


class Incoming:
    """One request of a peer. ``in_dialog`` is the dialog it belongs to, ``cancelled`` is set when it is taken back."""

    def __init__(self, endpoint: SipEndpoint, served: Served, in_dialog: Dialog | None) -> None:
        self._endpoint, self._served = endpoint, served
        self.in_dialog = in_dialog
        self.cancelled = asyncio.Event()
        self.arrived = asyncio.get_running_loop().time()
        self._tag = in_dialog.local_tag if in_dialog else secrets.token_hex(5)
        self._dialog: Dialog | None = None

    @property
    def request(self) -> Request:
        """Return what is asked."""
        return self._served.request

    @property
    def peer(self) -> Peer:
        """Return whom it came from: the address of the packet, whatever the message says."""
        return self._served.peer

    @property
    def answered(self) -> bool:
        """Return whether a final answer was given, by the handler or by the peer's CANCEL."""
        return bool(self._served.final)

    async def reply(self, status: int, reason: str = "", *, headers: Fields = (), body: bytes = b"") -> bool:
        """Answer; repeats of the request get the same bytes for 32 s. Return False where it was answered already.

        1xx may come before the final answer. A 2xx to INVITE or SUBSCRIBE gets our Contact, and on UDP an INVITE's
        final answer is repeated until the ACK. Raises DeviceSilent where the connection is gone.
        """
        if self._served.final:
            return False
        told = [*headers, *self._contact(status, headers)]
        tag = self._tag if status > 100 and self._endpoint.to_tags else ""
        source = (self.peer.host, self.peer.port)
        given = answer(self.request, status, reason, source=source, tag=tag, headers=told, body=body)
        try:
            await self._endpoint.answer(self._served, given, waited_s=asyncio.get_running_loop().time() - self.arrived)
        except DeviceSilent:
            if self._dialog:
                await self._dialog.was_ended(NO_ACK)
            raise
        if status >= 300 and self._dialog:
            await self._dialog.was_ended(CANCELLED if self.cancelled.is_set() else REFUSED)
        if 200 <= status < 300 and self.request.method == "INVITE" and self._dialog:
            self._endpoint.await_ack(self._served, self._dialog)
        return True

    def dialog(self) -> Dialog:
        """Return the dialog that answering this INVITE or SUBSCRIBE with 2xx makes. Raises SipRefused(503) if full."""
        if self._dialog is None:
            self._dialog = self._endpoint.incoming_dialog(self.request, self.peer, self._tag)
        return self._dialog

    async def take_back(self) -> None:
        """Answer 487: the peer cancelled."""
        self.cancelled.set()
        await self.reply(487)

    def _contact(self, status: int, headers: Fields) -> Fields:
        named = any(name.lower() == "contact" for name, _ in headers)
        wanted = 200 <= status < 300 and self.request.method in _OPENING and not named
        return [("Contact", self._endpoint.contact(self.peer, self.request.to_user))] if wanted else []
