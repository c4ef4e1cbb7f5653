"""Where SIP travels: UDP and TCP on one port, each message handed on with the peer it came from.

Source: RFC 3261 chapter 18, RFC 3581; 4.2.1.2.
"""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from anju.errors import DeviceSilent, WireError
from anju.protocols.sip import MAX_BODY, MessageReader, Request, Response, is_keepalive, parse

Message = Request | Response
Received = Callable[[Message | WireError, "Peer"], None]
Trace = Callable[[Literal["in", "out"], "Peer", bytes], None]

CONNECT_S, WRITE_S = 5.0, 10.0
IDLE_S, UNFINISHED_S = 3_700.0, 30.0  # without a byte; within one message
UNSENT_BYTES = 4 * 1024 * 1024  # a peer that takes no more of it is cut
SOCKET_BYTES = 4 * 1024 * 1024
_READ = 64 * 1024
_ANY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared only


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end. ``local`` is our own address on the way to it, as it must stand in what we send."""

    host: str
    port: int
    transport: Literal["udp", "tcp"] = "udp"
    local: str = field(default="", compare=False)


class Paths:
    """Sockets and connections. What is too much, unreadable or undeliverable is counted in ``counters``."""

    def __init__(
        self,
        received: Received,
        gone: Callable[[Peer], None],
        counters: Counter[str],
        *,
        trace: Trace | None,
        most_connections: int = 4_000,
        most_per_host: int = 500,
    ) -> None:
        self._received, self._gone, self._counters, self._trace = received, gone, counters, trace
        self._most, self._most_per_host = most_connections, most_per_host
        self._lines = dict[tuple[str, int], asyncio.StreamWriter]()
        self._tasks = set[asyncio.Task[None]]()
        self._connecting = dict[tuple[str, int], asyncio.Task[asyncio.StreamWriter]]()
        self._locals = dict[str, str]()
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._host = ""
        self.port = 0

    async def open(self, host: str, port: int) -> int:
        """Listen on both; return the port. With ``port`` 0 one is found that is free for both."""
        for _ in range(20):
            try:
                return await self._open(host, port)
            except OSError:
                await self.close()
                if port:
                    raise
        raise OSError("no port is free for UDP and TCP")

    async def _open(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        self._host, self.port = host, int(self._udp.get_extra_info("sockname")[1])
        with contextlib.suppress(OSError):
            self._udp.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
        self._server = await asyncio.start_server(self._accept, host, self.port, limit=_READ)
        return self.port

    async def close(self) -> None:
        """Close every socket; nothing is received any more."""
        if self._server:
            self._server.close()
        if self._udp:
            self._udp.close()
        tasks = [*self._tasks, *self._connecting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._server = self._udp = None

    def hang_up(self, peer: Peer) -> None:
        """Close the connection with ``peer``."""
        if writer := self._lines.get((peer.host, peer.port)):
            writer.transport.abort()

    def local(self, peer: Peer) -> str:
        """Return our address on the way to ``peer``."""
        if self._host not in _ANY:
            return self._host
        return peer.local or self._route(peer.host)

    def _route(self, host: str) -> str:
        if host not in self._locals:
            if len(self._locals) > 10_000:
                self._locals.clear()
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.connect((host, 9))
                    self._locals[host] = str(probe.getsockname()[0])
                except OSError:
                    return "127.0.0.1"
        return self._locals[host]

    async def send(self, data: bytes, peer: Peer, *, connect: bool = True) -> None:
        """Send one message. Raises DeviceSilent where no connection stands or, with ``connect``, can be made."""
        if self._trace:
            self._trace("out", peer, data)
        if peer.transport == "tcp":
            await self._send_line(data, peer, connect=connect)
        elif self._udp and not self._udp.is_closing():
            try:
                self._udp.sendto(data, (peer.host, peer.port))
            except OSError as error:
                self._counters["unsent"] += 1
                raise DeviceSilent(f"{peer.host}: {error}") from error

    async def _send_line(self, data: bytes, peer: Peer, *, connect: bool) -> None:
        writer = self._lines.get((peer.host, peer.port))
        try:
            if writer is None and not connect:
                raise OSError("the connection is closed")
            writer = writer or await self._connected(peer)
            writer.write(data)
            if writer.transport.get_write_buffer_size() > UNSENT_BYTES:
                writer.transport.abort()
            async with asyncio.timeout(WRITE_S):
                await writer.drain()
        except (OSError, TimeoutError) as error:
            self._counters["unsent"] += 1
            raise DeviceSilent(f"{peer.host}:{peer.port} takes nothing on TCP: {error}") from error

    async def _connected(self, peer: Peer) -> asyncio.StreamWriter:
        """Return a new connection; those who ask for the same one meanwhile share it."""
        address = (peer.host, peer.port)
        if address not in self._connecting:
            task = asyncio.ensure_future(self._connect(*address))
            self._connecting[address] = task
            task.add_done_callback(lambda done: self._connect_done(address, done))
        return await asyncio.shield(self._connecting[address])

    def _connect_done(self, address: tuple[str, int], done: asyncio.Task[asyncio.StreamWriter]) -> None:
        self._connecting.pop(address, None)
        if not done.cancelled():
            done.exception()  # all who asked may have gone

    async def _connect(self, host: str, port: int) -> asyncio.StreamWriter:
        if self._server is None or len(self._lines) >= self._most:
            raise OSError("too many connections")
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=_READ)
        peer = Peer(host, port, "tcp", str(writer.get_extra_info("sockname")[0]))
        self._lines[host, port] = writer
        task = asyncio.ensure_future(self._talk(reader, writer, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return writer

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")[:2]
        if len(self._lines) >= self._most or sum(each == host for each, _ in self._lines) >= self._most_per_host:
            self._counters["connections_refused"] += 1
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio.streams runs us in one
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._lines[host, port] = writer
        with contextlib.suppress(asyncio.CancelledError):
            await self._talk(reader, writer, Peer(host, port, "tcp", str(writer.get_extra_info("sockname")[0])))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        messages, unfinished_since = MessageReader(most_body=MAX_BODY), 0.0
        try:
            while True:
                async with asyncio.timeout(UNFINISHED_S if messages.held else IDLE_S):
                    data = await reader.read(_READ)
                if not data:
                    return
                self._take(messages.feed(data), peer)
                unfinished_since = (unfinished_since or time.monotonic()) if messages.held else 0.0
                if unfinished_since and time.monotonic() - unfinished_since > UNFINISHED_S:
                    self._counters["unfinished"] += 1
                    return
        except (OSError, TimeoutError):
            self._counters["connections_lost"] += 1
        finally:
            self._lines.pop((peer.host, peer.port), None)
            writer.close()
            self._gone(peer)

    def _take(self, found: list[Message | WireError], peer: Peer) -> None:
        for each in found:
            if self._trace:
                self._trace("in", peer, each.data if isinstance(each, WireError) else each.encode())
            self._received(each, peer)

    def take_datagram(self, data: bytes, host: str, port: int) -> None:
        """Read one datagram and hand it on."""
        if is_keepalive(data):
            self._counters["keepalives"] += 1
            return
        peer = Peer(host, port, "udp", "" if self._host in _ANY else self._host)
        if self._trace:
            self._trace("in", peer, data)
        try:
            self._received(parse(data), peer)
        except WireError as error:
            self._received(error, peer)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._paths.take_datagram(data, addr[0], addr[1])
