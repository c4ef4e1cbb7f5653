"""A SIP endpoint as GB/T 28181 needs it: UDP and TCP on one port, both roles, answers that survive loss.

A handler gets each new request once: repeats are answered from memory. ACK, CANCEL, OPTIONS, and BYE inside a known
dialog are dealt with here. Nothing is decided here: who a peer is and what it may do is the handler's business.
Source: RFC 3261, RFC 3581, RFC 6665 (subscriptions); GB/T 28181-2016 chapter 9; 4.2.1.2, 5.4.1.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from anju.errors import DeviceSilent, SipRefused, WireError
from anju.protocols.sip import MAGIC, SDP, Headers, Request, Response, address_of, answer, tag_of, user_of
from anju.wire.sip_dialogs import BYE, NO_ACK, Dialog, DialogTable
from anju.wire.sip_incoming import Fields, Incoming
from anju.wire.sip_paths import Message, Paths, Peer, Trace
from anju.wire.sip_transactions import LIFE_S, T2, Asked, AskedTable, Served, ServedTable, repeats, served_key

__all__ = ["Dialog", "Handle", "Incoming", "Peer", "SipEndpoint"]

Handle = Callable[[Incoming], Awaitable[None]]

AGENT = "Anju"
METHODS = frozenset(
    {
        "REGISTER",
        "MESSAGE",
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "INFO",
        "SUBSCRIBE",
        "NOTIFY",
        "OPTIONS",
        "UPDATE",
        "PRACK",
    }
)
ALLOW = "REGISTER, MESSAGE, INVITE, ACK, BYE, CANCEL, INFO, SUBSCRIBE, NOTIFY, OPTIONS"
PROMPT_S = 0.05  # within which a peer wants its answer
_MOVING = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY"})  # they may name a new contact
_log = structlog.get_logger(__name__)


class SipEndpoint:
    """Listens and asks. ``counters`` counts by reason what was dropped, repeated, late or refused.

    ``trace`` sees every message in and out as bytes. Our address in Via and Contact is the one on the way to the peer,
    or ``public_host`` where that is given. Without ``to_tags`` answers name none, as some platforms err.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        agent: str = AGENT,
        public_host: str = "",
        trace: Trace | None = None,
        to_tags: bool = True,
        most_working: int = 5_000,
        most_kept: int = 65_536,
        most_asked: int = 20_000,
        most_dialogs: int = 20_000,
    ) -> None:
        self._handle, self._agent, self._public_host, self.to_tags = handle, agent, public_host, to_tags
        self.counters = Counter[str]()
        self.dialogs = DialogTable(most=most_dialogs)
        self._paths = Paths(self._received, self._gone, self.counters, trace=trace)
        self._asked = AskedTable(most=most_asked)
        self._served = ServedTable(most_kept=most_kept, now=_now)
        self._most_working, self._working = most_working, Counter[str]()
        self._on_gone = list[Callable[[Peer], None]]()
        self._tasks = set[asyncio.Task[None]]()
        self._closed_down = False

    @property
    def port(self) -> int:
        """Return where it listens."""
        return self._paths.port

    async def open(self, host: str, port: int) -> int:
        """Listen on UDP and TCP; return the port (0 asks for a free one). Raises OSError where it is taken."""
        return await self._paths.open(host, port)

    async def close(self) -> None:
        """Stop listening; what is being worked on is given up."""
        self._closed_down = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._paths.close()

    def hang_up(self, peer: Peer) -> None:
        """Close the TCP connection with ``peer``, where there is one."""
        self._paths.hang_up(peer)

    def host(self, peer: Peer) -> str:
        """Return the address that ``peer`` knows us by."""
        return self._public_host or self._paths.local(peer)

    def contact(self, peer: Peer, user: str) -> str:
        """Return where ``peer`` finds ``user`` of ours."""
        transport = ";transport=tcp" if peer.transport == "tcp" else ""
        return f"<sip:{user}@{_literal(self.host(peer))}:{self.port}{transport}>"

    async def request(
        self,
        peer: Peer,
        method: str,
        uri: str,
        *,
        from_: str,
        to: str,
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "",
        call_id: str = "",
        cseq: int = 1,
        within_s: float = 10.0,
    ) -> Response:
        """Ask; return the final answer, whatever its status. Raises DeviceSilent without one after ``within_s``.

        ``from_`` and ``to`` are URIs, or whole headers with their tags. On UDP it is repeated after 0.5 s, 1 s, 2 s and
        then every 4 s. A ``call_id`` that is kept with a rising ``cseq`` ties a registration's requests together.
        """
        message = self._message(peer, method, uri, from_, to, headers, body, content_type, call_id, cseq)
        asked = Asked(message, peer)
        self._asked.add(asked)
        try:
            async with asyncio.timeout(within_s):
                return (await self._repeated(asked))[0]
        except TimeoutError as error:
            self.counters["silent"] += 1
            raise DeviceSilent(f"{peer.host}:{peer.port} does not answer {method}") from error
        finally:
            self._asked.remove(asked)

    async def invite(
        self,
        peer: Peer,
        uri: str,
        *,
        from_: str,
        to: str,
        sdp: bytes,
        headers: Fields = (),
        call_id: str = "",
        within_s: float = 15.0,
    ) -> Dialog:
        """Ask for a stream; return the agreed dialog, its ACK sent. ``Dialog.sdp`` is the answer.

        Raises SipRefused with the final status, or DeviceSilent after ``within_s``: then it is cancelled, and a 200
        that still comes is acknowledged and ended at once.
        """
        if self.dialogs.full:
            raise DeviceSilent("too many dialogs")
        message = self._message(peer, "INVITE", uri, from_, to, headers, sdp, SDP, call_id, 1)
        asked = Asked(message, peer)
        self._asked.add(asked)
        asyncio.get_running_loop().call_later(within_s + LIFE_S, self._asked.remove, asked)
        asked.take = lambda response, source: self._invited(asked, response, source)
        try:
            async with asyncio.timeout(within_s):
                response, source = await self._repeated(asked)
        except (TimeoutError, asyncio.CancelledError, DeviceSilent) as error:
            self._give_up(asked)
            if isinstance(error, asyncio.CancelledError):
                raise
            self.counters["silent"] += 1
            raise DeviceSilent(f"{peer.host}:{peer.port} does not answer INVITE") from error
        if response.status >= 300:
            raise SipRefused(response.status, response.reason)
        return await self._agreed(asked, response, source)

    async def subscribe(
        self,
        peer: Peer,
        uri: str,
        *,
        from_: str,
        to: str,
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "",
        within_s: float = 10.0,
    ) -> Dialog:
        """Subscribe; return the dialog its NOTIFYs come in, to be refreshed by ``Dialog.request("SUBSCRIBE", …)``.

        Raises SipRefused or DeviceSilent.
        """
        call_id, local = self._call_id(peer), _tagged(from_)
        given = await self.request(
            peer,
            "SUBSCRIBE",
            uri,
            from_=local,
            to=to,
            headers=headers,
            body=body,
            content_type=content_type,
            call_id=call_id,
            within_s=within_s,
        )
        if given.status >= 300:
            raise SipRefused(given.status, given.reason)
        remote, target = given.headers.get("To"), address_of(given.headers.get("Contact")) or uri
        dialog = Dialog(self, peer, call_id=call_id, local=local, remote=remote, target=target, cseq=1, answer=given)
        self.dialogs.add(dialog)
        return dialog

    async def _repeated(self, asked: Asked) -> tuple[Response, Peer]:
        """Send, and on UDP send again until something is heard; then wait for the final answer."""
        data, udp = asked.request.encode(), asked.peer.transport == "udp"
        invite = asked.request.method == "INVITE"
        for wait in repeats() if udp else [LIFE_S]:
            await self._paths.send(data, asked.peer)
            heard = asked.progress.is_set()
            await _until(asked, progress=invite, within_s=T2 if heard else wait)
            if asked.answer.done() or (invite and asked.progress.is_set()):
                break
            self.counters["repeated"] += udp
        return await asked.answer

    def _message(
        self,
        peer: Peer,
        method: str,
        uri: str,
        from_: str,
        to: str,
        more: Fields,
        body: bytes,
        content_type: str,
        call_id: str,
        cseq: int,
    ) -> Request:
        headers = Headers([("Via", self._via(peer)), ("From", _tagged(from_)), ("To", _bracketed(to))])
        headers.add("Call-ID", call_id or self._call_id(peer))
        headers.add("CSeq", f"{cseq} {method}")
        headers.add("Contact", self.contact(peer, user_of(from_)))
        headers.add("Max-Forwards", "70")
        for name, value in more:
            headers.set(name, value)
        if body and content_type:
            headers.set("Content-Type", content_type)
        headers.add("User-Agent", self._agent)
        return Request(method, uri, headers, body)

    def _via(self, peer: Peer) -> str:
        where = f"{_literal(self.host(peer))}:{self.port}"
        return f"SIP/2.0/{peer.transport.upper()} {where};rport;branch={MAGIC}{secrets.token_hex(8)}"

    def _call_id(self, peer: Peer) -> str:
        return f"{secrets.token_hex(10)}@{self.host(peer)}"

    # --- what comes in

    def _received(self, message: Message | WireError, peer: Peer) -> None:
        if isinstance(message, WireError):
            self.counters[f"unreadable: {message.reason}"] += 1
        elif isinstance(message, Response):
            self._answered(message, peer)
        elif message.method not in METHODS:
            self.counters["unknown method"] += 1
            self._shortly(message, peer, 405, [("Allow", ALLOW)])
        elif message.method == "ACK":
            self._acknowledged(message, peer)
        elif message.method == "CANCEL":
            self._cancel(message, peer)
        elif message.method == "OPTIONS":
            self._shortly(message, peer, 200, [("Allow", ALLOW)])
        else:
            self._asked_of_us(message, peer)

    def _answered(self, response: Response, peer: Peer) -> None:
        asked = self._asked.find(response)
        if asked is None:
            self.counters["stray answers"] += 1
            return
        asked.take(response, peer)

    def _asked_of_us(self, request: Request, peer: Peer) -> None:
        key = served_key(request, peer)
        if served := self._served.find(key):
            self.counters["repeats absorbed"] += 1
            if served.last:
                self._spawn(self._send(served.last, peer, connect=False))
        elif self._busy(peer.host):
            self.counters["busy"] += 1
            self._shortly(request, peer, 503, [("Retry-After", "2")])
        else:
            self._spawn(self._work(self._served.begin(key, request, peer)))

    async def _work(self, served: Served) -> None:
        dialog = self.dialogs.find(served.request, served.peer)
        incoming = Incoming(self, served, dialog)
        served.cancel = lambda: self._spawn(incoming.take_back())
        self._working[served.peer.host] += 1
        try:
            await self._handled(incoming, dialog)
        except DeviceSilent:
            self.counters["answers undelivered"] += 1
        except Exception:  # noqa: BLE001 - whatever it was, the peer gets its 500 and others are served
            self.counters["failed"] += 1
            _log.exception("a SIP request failed", method=served.request.method, peer=served.peer.host)
            await self._closed(incoming)
        finally:
            self._working[served.peer.host] -= 1
            if not self._working[served.peer.host]:
                del self._working[served.peer.host]
        if served.request.method == "INVITE":  # its answer may take its time, but not for ever
            asyncio.get_running_loop().call_later(2 * LIFE_S, lambda: self._spawn(self._closed(incoming)))
        else:
            await self._closed(incoming)

    def _busy(self, host: str) -> bool:
        """Return whether too much is worked on, in all or, half of that, for one address."""
        return self._working.total() >= self._most_working or 2 * self._working[host] >= max(2, self._most_working)

    async def _handled(self, incoming: Incoming, dialog: Dialog | None) -> None:
        method = incoming.request.method
        if dialog and method == "BYE":
            await incoming.reply(200)
            await dialog.was_ended(BYE)
            return
        if dialog and method in _MOVING:
            dialog.moved(incoming.request, incoming.peer)
        if method == "INVITE":
            await incoming.reply(100)
        await self._handle(incoming)

    async def _closed(self, incoming: Incoming) -> None:
        """Answer 500 where the handler did not."""
        if not incoming.answered:
            self.counters["unanswered"] += 1
            try:
                await incoming.reply(500)
            except DeviceSilent:
                self.counters["answers undelivered"] += 1

    async def answer(self, served: Served, given: Response, *, waited_s: float) -> None:
        """Send an answer and keep it for repeats of its request."""
        served.last = given.encode()
        if given.final:
            self.counters["late answers"] += waited_s > PROMPT_S
            served.final = given.status
            self._served.done(served)
            if served.request.method == "INVITE" and given.status >= 300 and served.peer.transport == "udp":
                self._spawn(self._until_acked(served, served.acked))
        await self._paths.send(served.last, served.peer, connect=False)

    def incoming_dialog(self, request: Request, peer: Peer, tag: str) -> Dialog:
        """Return the dialog that accepting ``request`` makes. Raises SipRefused(503) where there are too many."""
        if self.dialogs.full:
            raise SipRefused(503)
        to = request.headers.get("To")
        dialog = Dialog(
            self,
            peer,
            call_id=request.call_id,
            local=to if tag_of(to) else f"{_bracketed(to)};tag={tag}",
            remote=_bracketed(request.headers.get("From")),
            target=address_of(request.headers.get("Contact")) or address_of(request.headers.get("From")),
            cseq=secrets.randbelow(1_000) + request.cseq[0] % 1_000_000,
            sdp=request.body,
        )
        self.dialogs.add(dialog)
        return dialog

    def await_ack(self, served: Served, dialog: Dialog) -> None:
        """Repeat the 200 of an INVITE until its ACK comes; end the dialog where none comes."""
        self._spawn(self._until_agreed(served, dialog))

    async def _until_agreed(self, served: Served, dialog: Dialog) -> None:
        await self._until_acked(served, dialog.acked)
        if not dialog.acked.is_set() and not dialog.ended.is_set():
            self.counters["no ACK"] += 1
            await dialog.was_ended(NO_ACK)
            await dialog.request("BYE", within_s=5.0)

    async def _until_acked(self, served: Served, acked: asyncio.Event) -> None:
        """Wait for the ACK; on UDP send the final answer again until it comes."""
        for wait in repeats():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await acked.wait()
                    return
            if served.peer.transport == "udp" and served.last:
                self.counters["repeated"] += 1
                await self._paths.send(served.last, served.peer)

    def _acknowledged(self, request: Request, peer: Peer) -> None:
        served = self._served.find(served_key(request, peer, "INVITE"))
        dialog = self.dialogs.find(request, peer)
        if served and served.final >= 300:
            served.acked.set()
        elif dialog:
            dialog.acked.set()
        else:
            self.counters["stray ACKs"] += 1

    def _cancel(self, request: Request, peer: Peer) -> None:
        served = self._served.find(served_key(request, peer, "INVITE"))
        self._shortly(request, peer, 200 if served else 481)
        if served and served.cancel and not served.final:
            served.cancel()

    def _shortly(self, request: Request, peer: Peer, status: int, headers: Fields = ()) -> None:
        """Answer without remembering it: what is asked changes nothing."""
        tag = secrets.token_hex(5)
        given = answer(request, status, source=(peer.host, peer.port), tag=tag, headers=headers)
        self._spawn(self._send(given.encode(), peer, connect=False))

    # --- our own INVITEs

    def _invited(self, asked: Asked, response: Response, source: Peer) -> None:
        """Take an answer to an INVITE: acknowledge each final one, end a stream that nobody waits for."""
        if not response.final:
            asked.progress.set()
        elif response.status >= 300:
            self._spawn(self._send(self._ack_of_refusal(asked, response).encode(), asked.peer))
            asked.keep(response, source)
        elif asked.answer.done():
            self._spawn(self._again(asked, response, source))
        else:
            asked.keep(response, source)

    async def _again(self, asked: Asked, response: Response, source: Peer) -> None:
        """A 200 that comes again gets its ACK again; one that comes late, or of another, is ended."""
        known = self.dialogs.of_call(response.call_id)
        if known and known.remote_tag == response.to_tag:
            await self._send_ack(known, asked.request.cseq[0])
            return
        self.counters["late 200s ended"] += 1
        await (await self._agreed(asked, response, source)).bye()

    async def _agreed(self, asked: Asked, response: Response, source: Peer) -> Dialog:
        headers = asked.request.headers
        dialog = Dialog(
            self,
            source,
            call_id=response.call_id,
            local=headers.get("From"),
            remote=response.headers.get("To"),
            target=address_of(response.headers.get("Contact")) or asked.request.uri,
            cseq=asked.request.cseq[0],
            sdp=response.body,
            answer=response,
        )
        self.dialogs.add(dialog)
        dialog.acked.set()
        with contextlib.suppress(DeviceSilent):
            await self._send_ack(dialog, dialog.cseq)
        return dialog

    async def _send_ack(self, dialog: Dialog, number: int) -> None:
        fields = [("Via", self._via(dialog.peer)), ("From", dialog.local), ("To", dialog.remote)]
        more = [("Call-ID", dialog.call_id), ("CSeq", f"{number} ACK"), ("Max-Forwards", "70")]
        contact = ("Contact", self.contact(dialog.peer, user_of(dialog.local)))
        await self._send(Request("ACK", dialog.target, Headers([*fields, *more, contact])).encode(), dialog.peer)

    def _ack_of_refusal(self, asked: Asked, response: Response) -> Request:
        return self._like(asked.request, "ACK", response.headers.get("To"))

    def _like(self, invite: Request, method: str, to: str) -> Request:
        """Return the ACK or CANCEL that belongs to an INVITE's own transaction."""
        headers = Headers([(name, invite.headers.get(name)) for name in ("Via", "From", "Call-ID", "Max-Forwards")])
        headers.add("To", to)
        headers.add("CSeq", f"{invite.cseq[0]} {method}")
        return Request(method, invite.uri, headers)

    def _give_up(self, asked: Asked) -> None:
        """Cancel an INVITE. Its late answers still find it for 32 s."""
        if not asked.answer.cancel() and not asked.answer.cancelled() and not asked.answer.exception():
            response, source = asked.answer.result()  # it came in the very moment of giving up
            if response.status < 300:
                self._spawn(self._again(asked, response, source))
            return
        cancel = Asked(self._like(asked.request, "CANCEL", asked.request.headers.get("To")), asked.peer)
        self._spawn(self._cancelled(cancel))

    async def _cancelled(self, cancel: Asked) -> None:
        self.counters["cancelled"] += 1
        self._asked.add(cancel)
        try:
            async with asyncio.timeout(LIFE_S):
                await self._repeated(cancel)
        except TimeoutError:
            self.counters["silent"] += 1
        finally:
            self._asked.remove(cancel)

    def on_gone(self, heard: Callable[[Peer], None]) -> Callable[[], None]:
        """Call ``heard`` whenever a TCP connection is over; return what ends that."""
        self._on_gone.append(heard)
        return lambda: self._on_gone.remove(heard)

    def _gone(self, peer: Peer) -> None:
        self._asked.gone(peer)
        for heard in list(self._on_gone):
            heard(peer)

    async def _send(self, data: bytes, peer: Peer, *, connect: bool = True) -> None:
        await self._paths.send(data, peer, connect=connect)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed_down:
            work.close()
            return
        task = asyncio.ensure_future(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # it may never have begun

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except DeviceSilent:
            self.counters["undelivered"] += 1


async def _until(asked: Asked, *, progress: bool, within_s: float) -> None:
    """Wait for the final answer, or with ``progress`` for any sign of life."""
    sign = asyncio.ensure_future(asked.progress.wait())
    try:
        await asyncio.wait(
            {asked.answer, *({sign} if progress else ())}, timeout=within_s, return_when="FIRST_COMPLETED"
        )
    finally:
        sign.cancel()


def _literal(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bracketed(address: str) -> str:
    return address if "<" in address else f"<{address}>" if ";" not in address else address


def _tagged(address: str) -> str:
    return address if tag_of(address) else f"{_bracketed(address)};tag={secrets.token_hex(5)}"


def _now() -> float:
    return asyncio.get_running_loop().time()
