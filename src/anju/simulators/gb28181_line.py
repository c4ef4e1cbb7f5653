"""Where a simulated device's media goes: datagrams, or a TCP connection that either side opened.

Source: GB/T 28181-2016 annex L; RFC 4571 (length before each packet).
"""

import asyncio
import contextlib
import socket
import struct
from typing import Protocol

UNSENT_BYTES = 2 * 1024 * 1024  # then pictures are left out, as a device's full buffer does
CONNECT_S = 10.0
_LENGTH = struct.Struct("!H")


class MediaLine(Protocol):
    """Takes packets and never waits. ``port`` is our own, ``sent`` counts packets, ``lost`` what no longer went."""

    port: int
    sent: int
    lost: int

    async def ready(self) -> None:
        """Wait until packets may be sent. Raises OSError or TimeoutError where they never will be."""

    def send(self, packets: list[bytes]) -> None:
        """Send ``packets``."""

    async def drained(self) -> None:
        """Wait until what was sent is under way; for recordings, of which nothing may be left out. Raises OSError."""

    def close(self) -> None:
        """Let go."""


class UdpLine:
    """Datagrams from a port of our own to ``host`` and ``port``; without these it only hears."""

    def __init__(self, local: str, host: str = "", port: int = 0) -> None:
        self.sent = self.lost = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)
        self._socket.bind((local, 0))
        if host:
            self._socket.connect((host, port))
        self.port = int(self._socket.getsockname()[1])

    async def ready(self) -> None:
        """Return at once: nobody needs to listen."""

    def send(self, packets: list[bytes]) -> None:
        """Send each; what the kernel refuses is lost, as on any network."""
        send, lost = self._socket.send, 0
        for each in packets:
            try:
                send(each)
            except OSError:
                lost += 1
        self.sent += len(packets) - lost
        self.lost += lost

    async def drained(self) -> None:
        """Return at once: datagrams do not wait."""

    def receive(self) -> bytes | None:
        """Return the next datagram that came back, None where there is none."""
        with contextlib.suppress(OSError):
            return self._socket.recv(4_096)
        return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class TcpLine:
    """Packets with their lengths on a connection to ``host`` and ``port``, or without these on one made to us."""

    def __init__(self, local: str, host: str = "", port: int = 0) -> None:
        self.sent = self.lost = 0
        self._to = (host, port)
        self._listener: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.reader: asyncio.StreamReader | None = None
        self.port = 9  # what an SDP says of a side that connects
        if not host:
            self._listener = socket.create_server((local, 0))
            self._listener.setblocking(False)
            self.port = int(self._listener.getsockname()[1])

    async def ready(self) -> None:
        """Connect, or wait for the one connection. Raises OSError or TimeoutError."""
        async with asyncio.timeout(CONNECT_S):
            if self._listener:
                accepted, _ = await asyncio.get_running_loop().sock_accept(self._listener)
                self.reader, self._writer = await asyncio.open_connection(sock=accepted)
            else:
                self.reader, self._writer = await asyncio.open_connection(*self._to)

    def send(self, packets: list[bytes]) -> None:
        """Send each; all are left out while too much waits. Raises OSError where the other side closed."""
        writer = self._writer
        if writer is None or writer.is_closing():
            raise ConnectionResetError("the receiver closed the connection")
        if writer.transport.get_write_buffer_size() > UNSENT_BYTES:
            self.lost += len(packets)
            return
        writer.write(b"".join(part for each in packets for part in (_LENGTH.pack(len(each)), each)))
        self.sent += len(packets)

    async def drained(self) -> None:
        """Wait for a slow receiver. Raises OSError where it is gone."""
        if self._writer:
            await self._writer.drain()

    def close(self) -> None:
        """Close connection and listener."""
        if self._listener:
            self._listener.close()
        if self._writer:
            self._writer.close()
