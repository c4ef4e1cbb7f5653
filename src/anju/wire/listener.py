"""Bounded TCP and UDP listeners: so many peers, so many from one address; what is too much is counted."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]
Answer = Callable[[bytes, str], Awaitable[list[bytes]]]

READ_BYTES = 16 * 1024  # what a stream may hold unread
_log = structlog.get_logger(__name__)


class TcpListener:
    """Accepts connections and hands each to ``talk`` with the peer's address; refuses more than it may hold."""

    def __init__(self, talk: Talk, *, most: int = 2_000, most_per_peer: int = 100) -> None:
        self._talk, self._most, self._most_per_peer = talk, most, most_per_peer
        self._peers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.refused = 0

    async def open(self, host: str, port: int) -> int:
        """Start listening; return the port."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=READ_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every talk."""
        if self._server:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio.streams runs us in one
        peer = str(writer.get_extra_info("peername")[0])
        self._tasks.add(task)
        try:
            if len(self._tasks) > self._most or self._peers[peer] >= self._most_per_peer:
                self.refused += 1
                return
            self._peers[peer] += 1
            try:
                await self._talk(reader, writer, peer)
            finally:
                self._peers[peer] -= 1
                if not self._peers[peer]:
                    del self._peers[peer]  # addresses without a line must not pile up
        except OSError as error:
            _log.info("talk ended", peer=peer, reason=str(error))
        except asyncio.CancelledError:
            if self._server and self._server.is_serving():
                raise
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


class UdpListener(asyncio.DatagramProtocol):
    """Hands each datagram to ``answer`` and sends back what it returns; drops what comes while too many wait."""

    def __init__(self, answer: Answer, *, most_waiting: int = 5_000) -> None:
        self._answer, self._most_waiting = answer, most_waiting
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self.dropped = 0

    async def open(self, host: str, port: int) -> int:
        """Start listening; return the port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        return int(transport.get_extra_info("sockname")[1])

    async def close(self) -> None:
        """Stop listening; what is being worked on is given up unanswered."""
        if self._transport:
            self._transport.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Work on one datagram beside the others."""
        if len(self._tasks) >= self._most_waiting:
            self.dropped += 1
            return
        task = asyncio.get_running_loop().create_task(self._work(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, data: bytes, addr: tuple[str, int]) -> None:
        for each in await self._answer(data, addr[0]):
            if self._transport and not self._transport.is_closing():
                self._transport.sendto(each, addr)
