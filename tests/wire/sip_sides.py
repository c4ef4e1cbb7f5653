"""Two SIP endpoints on real sockets, and a road between them that loses datagrams."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from anju.wire.sip import Handle, Incoming, Peer, SipEndpoint

T = TypeVar("T")
HOME, CAMERA = "sip:51080200012000000001@5108020001", "sip:51080201011320000001@5108020001"


class Side:
    """One endpoint with what it was asked so far; ``then`` says what it does with a request, by method."""

    def __init__(self, **then: Handle) -> None:
        self.then, self.asked = then, list[Incoming]()
        self.endpoint = SipEndpoint(self._handle)
        self.heard = asyncio.Event()

    async def _handle(self, incoming: Incoming) -> None:
        self.asked.append(incoming)
        self.heard.set()
        await self.then.get(incoming.request.method, yes)(incoming)

    def peer(self, transport: str = "udp", port: int = 0) -> Peer:
        """Return how the other side reaches it."""
        return Peer("127.0.0.1", port or self.endpoint.port, "tcp" if transport == "tcp" else "udp")

    @property
    def methods(self) -> list[str]:
        return [each.request.method for each in self.asked]


async def yes(incoming: Incoming) -> None:
    await incoming.reply(200)


@asynccontextmanager
async def side(**then: Handle) -> AsyncIterator[Side]:
    made = Side(**then)
    await made.endpoint.open("127.0.0.1", 0)
    try:
        yield made
    finally:
        await made.endpoint.close()


class Road(asyncio.DatagramProtocol):
    """A UDP relay to ``target``: drops what ``lose`` tells it to, by direction and by how many came before."""

    def __init__(self, target: int, lose: Callable[[str, int], bool]) -> None:
        self._target, self._lose = target, lose
        self.count = {"there": 0, "back": 0}
        self._back: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        way = "back" if addr[1] == self._target else "there"
        self._back = addr if way == "there" else self._back
        self.count[way] += 1
        to = ("127.0.0.1", self._target) if way == "there" else self._back
        if self._transport and to and not self._lose(way, self.count[way]):
            self._transport.sendto(data, to)


@asynccontextmanager
async def road(target: int, lose: Callable[[str, int], bool]) -> AsyncIterator[tuple[Road, int]]:
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(lambda: Road(target, lose), local_addr=("127.0.0.1", 0))
    try:
        yield made, int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


async def within(seconds: float, work: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await work
