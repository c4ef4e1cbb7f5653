"""One platform above: registered there, keepalives answered, messages delivered; whatever breaks is begun anew.

Source: GB/T 28181-2016 9.1, 9.6 (registration and keepalive of a lower platform); 5.4.3.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anju.domain.cascade import Tree, Upper, UpperState
from anju.errors import DeviceSilent, SipRefused
from anju.protocols.manscdp import CONTENT_TYPE, Message, write
from anju.protocols.manscdp_devices import keepalive
from anju.wire.sip import Dialog, Incoming, Peer, SipEndpoint
from anju.wire.sip_registration import Registration

Stand = Callable[[UpperState, str], Awaitable[None]]
LATEST = "3.0"  # X-GB-Ver of GB/T 28181-2022; older ones send no such header


@dataclass(frozen=True, slots=True)
class Times:
    """Waits of a link in seconds. Refused, it asks again soon and ever less often: an upper may not know us yet."""

    answer: float = 5.0
    retry: tuple[float, ...] = (5.0, 10.0, 20.0, 40.0, 60.0)
    look: float = 1.0
    reload: float = 15.0


class Link:
    """Registers at one upper and stays registered. ``tree`` is what it sees of us; ``stand`` is told how we stand.

    ``registered`` is set while messages may go up. What comes down is believed from when we ask to register: questions
    overtake the answer to a registration.
    """

    def __init__(self, endpoint: SipEndpoint, upper: Upper, password: str, *, stand: Stand, times: Times) -> None:
        self._endpoint, self._password, self._stand, self._times = endpoint, password, stand, times
        self.upper = upper
        self.tree = Tree()
        self.registered = asyncio.Event()
        self._peer = Peer(upper.host, upper.port, "tcp" if upper.transport == "tcp" else "udp")
        self._sn, self._missed, self._asked = 0, 0, False
        self._torn = asyncio.Event()

    async def run(self) -> None:
        """Register, keep alive, begin again, until cancelled."""
        unheard = self._endpoint.on_gone(self._gone)
        try:
            await self._again_and_again()
        finally:
            unheard()

    async def _again_and_again(self) -> None:
        tries = 0
        while True:
            wait = self._times.retry[min(tries, len(self._times.retry) - 1)]
            try:
                await self._stay()
                self.registered.clear()
                tries, wait = 0, 0.0
            except SipRefused as refused:
                self.registered.clear()
                tries += 1
                await self._stand(UpperState.AWAY, _reason(refused.status))
            except (DeviceSilent, OSError):
                self.registered.clear()
                tries += 1
                await self._stand(UpperState.AWAY, "silent")
            await asyncio.sleep(wait)

    async def leave(self) -> None:
        """Sign off where we are registered; an upper that does not answer finds out by itself."""
        if not self.registered.is_set():
            return
        self.registered.clear()
        with contextlib.suppress(DeviceSilent, SipRefused, TimeoutError, OSError):
            async with asyncio.timeout(self._times.answer):
                await (await self._registration()).register(0, within_s=2.0)

    async def _stay(self) -> None:
        """Register and send keepalives until they are refused or stay unanswered."""
        registration = await self._registration()
        renew_at = await self._register(registration)
        while True:
            now = asyncio.get_running_loop().time()
            await self._rest(max(0.0, min(self.upper.keepalive_s, renew_at - now)))
            if self._torn.is_set() or asyncio.get_running_loop().time() >= renew_at:
                renew_at = await self._register(registration)
            elif not await self._alive():
                return

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._torn.wait()

    def _gone(self, peer: Peer) -> None:
        """Register anew over a new connection: the upper reaches us by the one that asked."""
        if self._peer.transport == "tcp" and peer == self._peer:
            self._torn.set()

    async def _registration(self) -> Registration:
        upper = self.upper
        host = await _address(upper.host)
        self._peer, self._asked = Peer(host, upper.port, self._peer.transport), True
        return Registration(
            self._endpoint,
            self._peer,
            code=upper.own_code,
            server=upper.code,
            domain=upper.domain,
            password=self._password,
            username=upper.username,
            headers=[("X-GB-Ver", upper.gb_version)] if upper.gb_version >= LATEST else [],
        )

    async def _register(self, registration: Registration) -> float:
        """Register; return when to do it again, by the loop's clock."""
        self._torn.clear()
        given = await registration.register(self.upper.expires_s, within_s=self._times.answer)
        self._peer, self._missed = registration.peer, 0
        self.registered.set()
        await self._stand(UpperState.ONLINE, "registered")
        granted = max(10, min(given.expires or self.upper.expires_s, self.upper.expires_s))
        return asyncio.get_running_loop().time() + granted * 0.8

    async def _alive(self) -> bool:
        try:
            await self.send(keepalive(self.next_sn(), self.upper.own_code))
            self._missed = 0
        except SipRefused:
            await self._stand(UpperState.CONNECTING, "keepalive_refused")
            return False
        except DeviceSilent:
            self._missed += 1
            if self._missed >= self.upper.keepalive_missed:
                await self._stand(UpperState.AWAY, "keepalive_silent")
                return False
        return True

    def next_sn(self) -> int:
        """Return a number for a message of ours."""
        self._sn = self._sn % 2_147_483_000 + 1
        return self._sn

    def body(self, told: Message) -> bytes:
        """Return a message in the charset this upper reads."""
        return write(told, self.upper.charset)

    async def send(self, told: Message, *, within: Dialog | None = None) -> None:
        """Send a message; return when it is acknowledged. Raises SipRefused or DeviceSilent."""
        body = self.body(told)
        if within:
            given = await within.request("MESSAGE", body=body, content_type=CONTENT_TYPE, within_s=self._times.answer)
        else:
            given = await self._endpoint.request(
                self._peer,
                "MESSAGE",
                self._uri(self.upper.code),
                from_=self._uri(self.upper.own_code),
                to=self._uri(self.upper.code),
                body=body,
                content_type=CONTENT_TYPE,
                within_s=self._times.answer,
            )
        if given.status >= 300:
            raise SipRefused(given.status, given.reason)

    def sent(self, incoming: Incoming) -> bool:
        """Return whether this upper sent a request: its code from its address, meant for us as it knows us."""
        request = incoming.request
        return (
            self._asked
            and incoming.peer.host == self._peer.host
            and request.from_user == self.upper.code
            and request.method != "REGISTER"
        )

    def _uri(self, code: str) -> str:
        return f"sip:{code}@{self.upper.domain}"


async def _address(host: str) -> str:
    """Return the address of a host name; what comes from it is known by that."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return str(found[0][4][0])


def _reason(status: int) -> str:
    return "wrong_password" if status in {401, 407} else "refused"
