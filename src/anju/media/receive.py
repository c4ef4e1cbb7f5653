"""Receiving ends: a socket for each stream, all looked at every few milliseconds in one sweep.

A sweep reads what came meanwhile, mostly a picture's packets in one go, at whatever pace they come: how often we wake
up does not depend on how many packets there are.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from anju.domain.video import Transport
from anju.protocols.rtp_tcp import PacketReader, framed

SWEEP_S = 0.01
BUFFER = 4 << 20  # bytes the kernel holds for a stream: a burst of key frames while we are busy
CONNECT_S = 5.0
MOST_PACKETS = 512  # of one stream in one sweep
_DATAGRAM = 1 << 16  # bytes: the longest there is
_CHUNK = 1 << 16
_MOST_CHUNKS = 16
_MOST_SKIPPED = 1 << 20  # bytes without a packet in them: whoever sends this is no camera
_SILENT_S = 2.0  # a connection that may be replaced by another
_RECEIVE_BUFFER_FORCE = 33  # SO_RCVBUFFORCE
_MEMORY_INFO = 55  # SO_MEMINFO: nine numbers, the last one counts drops
_log = structlog.get_logger(__name__)


class Line(Protocol):
    """One receiving end. ``ordered``: it cannot change the order of packets."""

    port: int
    ordered: bool

    def read(self) -> list[bytes]:
        """Return the RTP packets that came since the last call."""

    async def reach(self, host: str, port: int) -> None:
        """Do what is to be done once the device said where it is. Raises OSError or TimeoutError."""

    def answer(self, packet: bytes, host: str, port: int) -> None:
        """Send a control packet to the device, as far as that is possible now."""

    def drops(self) -> int:
        """Return how many packets the kernel threw away since the socket was opened."""

    def close(self) -> None:
        """Free the port."""


def open_line(transport: Transport, port: int, host: str = "0.0.0.0") -> Line:  # noqa: S104 - cameras are outside
    """Return a receiving end on ``port``, which listens already. Raises OSError where the port is taken."""
    if transport is Transport.UDP:
        return UdpLine(port, host)
    return PassiveLine(port, host) if transport is Transport.TCP_PASSIVE else ActiveLine(port)


class UdpLine:
    """Receives datagrams."""

    ordered = False

    def __init__(self, port: int, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            _widen(self._socket)
            self._socket.setblocking(False)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.port = self._socket.getsockname()[1]
        self._receive = self._socket.recv

    def read(self) -> list[bytes]:
        """Return the datagrams that came since the last call."""
        packets: list[bytes] = []
        receive, keep = self._receive, packets.append
        try:
            for _ in range(MOST_PACKETS):
                keep(receive(_DATAGRAM))
        except BlockingIOError:
            pass
        except OSError as error:  # an answer of ours found nobody; the socket lives on
            _log.debug("datagram socket said", port=self.port, error=str(error))
        return packets

    async def reach(self, host: str, port: int) -> None:
        """Wait for the device: it sends by itself."""

    def answer(self, packet: bytes, host: str, port: int) -> None:
        """Send a control packet to the port beside the one the media comes from."""
        try:
            self._socket.sendto(packet, (host, port + 1))
        except OSError as error:
            _log.debug("control packet not sent", host=host, error=str(error))

    def drops(self) -> int:
        """Return how many datagrams the kernel threw away."""
        try:
            return int(struct.unpack("9I", self._socket.getsockopt(socket.SOL_SOCKET, _MEMORY_INFO, 36))[8])
        except (OSError, struct.error):
            return 0  # not Linux, or an old one

    def close(self) -> None:
        """Free the port."""
        self._socket.close()


class _TcpLine:
    """What both kinds of connections share: the bytes of one connection, framed packets out of them."""

    ordered = True

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection: socket.socket | None = None
        self._reader = PacketReader()
        self._heard = 0.0

    def _join(self, connection: socket.socket) -> None:
        self._leave()
        connection.setblocking(False)
        self._connection, self._reader, self._heard = connection, PacketReader(), time.monotonic()

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self) -> list[bytes]:
        """Return the packets that came since the last call."""
        connection, packets = self._connection, list[bytes]()
        if connection is None:
            return packets
        try:
            for _ in range(_MOST_CHUNKS):
                data = connection.recv(_CHUNK)
                packets += self._reader.feed(data)
                if len(data) < _CHUNK:
                    if not data:
                        self._leave()
                    break
        except BlockingIOError:
            return packets
        except OSError:
            self._leave()
        if packets:
            self._heard = time.monotonic()
        if self._reader.skipped > _MOST_SKIPPED:
            self._leave()
        return packets

    def answer(self, packet: bytes, host: str, port: int) -> None:
        """Send a control packet on the connection."""
        del host, port
        if self._connection is not None:
            try:
                self._connection.send(framed([packet]))
            except OSError as error:
                _log.debug("control packet not sent", port=self.port, error=str(error))

    def drops(self) -> int:
        """Return 0: connections lose nothing."""
        return 0

    def close(self) -> None:
        """Free the port."""
        self._leave()


class PassiveLine(_TcpLine):
    """Listens; the device connects. Another connection replaces one that is silent, never one that sends."""

    def __init__(self, port: int, host: str) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind((host, port))
            listener.listen(4)
        except OSError:
            listener.close()
            raise
        super().__init__(listener.getsockname()[1])
        self._listener = listener
        self._looks = 0

    def read(self) -> list[bytes]:
        """Return the packets that came since the last call."""
        if self._connection is None or (time.monotonic() - self._heard > _SILENT_S):
            self._accept()
        return super().read()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        self._join(connection)

    async def reach(self, host: str, port: int) -> None:
        """Wait for the device: it connects by itself."""

    def close(self) -> None:
        """Free the port."""
        super().close()
        self._listener.close()


class ActiveLine(_TcpLine):
    """Connects to where the device listens."""

    async def reach(self, host: str, port: int) -> None:
        """Connect. Raises OSError or TimeoutError."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().sock_connect(connection, (host, port))
        except BaseException:
            connection.close()
            raise
        self._join(connection)


def _widen(receiver: socket.socket) -> None:
    """Give a socket its buffer, beyond what the system allows everybody where we may; say so where it stays small."""
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    if receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < BUFFER:
        try:
            receiver.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER_FORCE, BUFFER)
        except OSError:
            _warn_once(receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))


_warned: set[int] = set()


def _warn_once(size: int) -> None:
    if size not in _warned:
        _warned.add(size)
        _log.warning("the system caps receive buffers: set net.core.rmem_max", bytes=size, wanted=BUFFER)


class Receiver(Protocol):
    """Who takes packets of a line."""

    line: Line | None

    def feed(self, packets: list[bytes], now: float) -> None:
        """Take what came; called with nothing now and then. Must not raise."""


class Sweep:
    """Looks at all lines every SWEEP_S, while there are any. ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._receivers: dict[Receiver, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0

    def add(self, receiver: Receiver) -> None:
        """Look at a receiver's line from now on."""
        self._receivers[receiver] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def remove(self, receiver: Receiver) -> None:
        """Look at it no more."""
        self._receivers.pop(receiver, None)

    def _sweep(self) -> None:
        if not self._receivers:
            self._timer = None
            return
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        self._turn += 1
        each_turn = self._turn % 10 == 0
        now = self._clock()
        for receiver in tuple(self._receivers):
            if receiver.line is not None:
                packets = receiver.line.read()
                if packets or each_turn:
                    receiver.feed(packets, now)
