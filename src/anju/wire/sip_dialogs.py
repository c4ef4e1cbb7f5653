"""Dialogs of SIP: an agreed stream or a subscription, from its first answer to its BYE. Source: RFC 3261 chapter 12."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from anju.errors import DeviceSilent
from anju.protocols.sip import MANSRTSP, Request, Response, address_of, tag_of
from anju.wire.sip_paths import Peer

if TYPE_CHECKING:
    from anju.wire.sip import SipEndpoint

OnBye = Callable[[str], Awaitable[None]]
BYE, NO_ACK, CANCELLED, REFUSED = "bye", "no_ack", "cancelled", "refused"  # why the other side's dialog ended
BYE_S: Final = 5.0


class Dialog:
    """One dialog, whoever began it. ``sdp`` is what the other side described, ``answer`` its 200 where we asked.

    ``on_bye`` is called once with the reason when the other side ends it, never for our own ``bye``. ``acked`` is set
    when it is agreed on both sides. ``peer`` is where its requests go: the path of the last message that came.
    """

    def __init__(
        self,
        endpoint: SipEndpoint,
        peer: Peer,
        *,
        call_id: str,
        local: str,
        remote: str,
        target: str,
        cseq: int,
        sdp: bytes = b"",
        answer: Response | None = None,
    ) -> None:
        self._endpoint = endpoint
        self.peer, self.call_id, self.local, self.remote, self.target = peer, call_id, local, remote, target
        self.cseq, self.sdp, self.answer = cseq, sdp, answer
        self.acked, self.ended = asyncio.Event(), asyncio.Event()
        self.on_bye: OnBye | None = None

    @property
    def local_tag(self) -> str:
        """Return our half of its name."""
        return tag_of(self.local)

    @property
    def remote_tag(self) -> str:
        """Return the other side's half; empty with some that never tell one."""
        return tag_of(self.remote)

    async def request(
        self,
        method: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str = "",
        within_s: float = 10.0,
    ) -> Response:
        """Ask something inside the dialog; return the final answer. Raises DeviceSilent."""
        self.cseq += 1
        return await self._endpoint.request(
            self.peer,
            method,
            self.target,
            from_=self.local,
            to=self.remote,
            call_id=self.call_id,
            cseq=self.cseq,
            headers=headers,
            body=body,
            content_type=content_type,
            within_s=within_s,
        )

    async def info(self, body: bytes, content_type: str = MANSRTSP, *, within_s: float = 10.0) -> Response:
        """Send a step of a playback. Raises DeviceSilent."""
        return await self.request("INFO", body=body, content_type=content_type, within_s=within_s)

    async def bye(self, *, within_s: float = BYE_S) -> bool:
        """End it, once. Return whether the other side answered; 481 says that it was gone already."""
        if self.ended.is_set():
            return True
        self.forget()
        try:
            await self.request("BYE", within_s=within_s)
        except DeviceSilent:
            return False
        return True

    def forget(self) -> None:
        """End it without a word, as a subscription ends."""
        self.ended.set()
        self._endpoint.dialogs.remove(self)

    async def was_ended(self, reason: str) -> None:
        """Note that the other side ended it, and tell ``on_bye`` once."""
        if self.ended.is_set():
            return
        self.forget()
        if self.on_bye:
            await self.on_bye(reason)

    def moved(self, message: Request | Response, peer: Peer) -> None:
        """Go on over the path of the last message, to the contact it names."""
        self.peer = peer
        if contact := address_of(message.headers.get("Contact")):
            self.target = contact


class DialogTable:
    """Dialogs by Call-ID and our tag, at most ``most``."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._by_call = dict[str, list[Dialog]]()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Return whether no more may begin."""
        return self._count >= self._most

    def add(self, dialog: Dialog) -> None:
        """Let its requests find it."""
        self._by_call.setdefault(dialog.call_id, []).append(dialog)
        self._count += 1

    def remove(self, dialog: Dialog) -> None:
        """Let it go; one that is gone already stays so."""
        known = self._by_call.get(dialog.call_id, [])
        if dialog in known:
            known.remove(dialog)
            self._count -= 1
            if not known:
                del self._by_call[dialog.call_id]

    def of_call(self, call_id: str) -> Dialog | None:
        """Return the dialog of that Call-ID."""
        return next(iter(self._by_call.get(call_id, [])), None)

    def find(self, request: Request, peer: Peer) -> Dialog | None:
        """Return the dialog that ``request`` belongs to; one that leaves our tag out must come from its address."""
        for dialog in self._by_call.get(request.call_id, []):
            ours, theirs = dialog.local_tag == request.to_tag, dialog.remote_tag == request.from_tag
            if (ours and theirs) or (peer.host == dialog.peer.host and request.to_tag in {"", dialog.local_tag}):
                return dialog
        return None
