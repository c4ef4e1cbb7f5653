"""Outlets: RTP on its way to somebody else. What waits is bounded, and nobody here waits for a slow receiver."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anju.domain.video import Transport
from anju.protocols.rtp_tcp import framed

MOST_WAITING = 4096  # packets
BURST, BREATH_S = 64, 0.004
"""So many packets go at once, then others have their turn: 180 Mbit/s at most."""
REFUSED_S = 5.0
"""Nobody listens for so long, and the outlet is closed."""
CONNECT_S = 8.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where RTP goes. TCP_ACTIVE: we connect to it; TCP_PASSIVE: it connects to us."""

    host: str
    port: int
    ssrc: int
    transport: Transport = Transport.UDP
    payload_type: int = 96


class Outlet:
    """Sends packets to one target from ``port``. ``ended`` is called once when the target is gone, with the reason.

    Reasons: 'no_answer' (nobody listens, or never connected) and 'left' (the connection is over).
    """

    def __init__(self, target: Target, *, port: int = 0, bind: str = "0.0.0.0", ended: Callable[[str], None]) -> None:  # noqa: S104 - the upper platform is outside
        self.sent = self.dropped = self.refused = 0
        self._target, self._ended, self._over = target, ended, False
        self._waiting: deque[bytes] = deque()
        self._part = b""  # of a packet that went half
        self._until_key = False
        self._socket: socket.socket | None = None
        self._refused_since = 0.0
        self._wakes: asyncio.TimerHandle | None = None
        self._writing = False
        self._loop = asyncio.get_running_loop()
        self._first = _opened(target.transport, bind, port)
        self.port: int = self._first.getsockname()[1]
        self._task: asyncio.Task[None] | None = None
        if target.transport is Transport.UDP:
            self._first.connect((target.host, target.port))
            self._socket = self._first
        else:
            self._task = self._loop.create_task(self._connect())

    def offer(self, packets: Sequence[bytes], *, key: bool) -> None:
        """Send the packets of one picture; where too much waits already, all goes up to the next key frame."""
        if self._over or (self._until_key and not key):
            self.dropped += len(packets)
            return
        self._until_key = False
        if len(self._waiting) + len(packets) > MOST_WAITING:
            self.dropped += len(self._waiting) + len(packets)
            self._waiting.clear()
            self._until_key = True
            return
        self._waiting.extend(packets)
        if self._wakes is None and not self._writing:
            self._flush()

    @property
    def over(self) -> bool:
        """Return whether it is closed, or its target gone."""
        return self._over

    @property
    def waiting(self) -> int:
        """Return how many packets wait to be sent."""
        return len(self._waiting)

    def close(self) -> None:
        """Stop sending and free the port."""
        self._over = True
        if self._task is not None:
            self._task.cancel()
        if self._wakes is not None:
            self._wakes.cancel()
        self._stop_writing()
        for each in (self._socket, self._first):
            if each is not None:
                each.close()
        self._waiting.clear()

    async def _connect(self) -> None:
        """Make the connection, whichever side begins."""
        target = self._target
        try:
            async with asyncio.timeout(CONNECT_S):
                if target.transport is Transport.TCP_ACTIVE:
                    await self._loop.sock_connect(self._first, (target.host, target.port))
                    self._socket = self._first
                else:
                    self._socket = await self._accepted()
        except (OSError, TimeoutError):
            self._end("no_answer")
            return
        self._flush()

    async def _accepted(self) -> socket.socket:
        """Return the target's connection; one from another address gets no picture."""
        while True:
            line, peer = await self._loop.sock_accept(self._first)
            if peer[0] == self._target.host:
                line.setblocking(False)
                return line
            line.close()
            self.refused += 1

    def _flush(self) -> None:
        self._wakes = None
        line = self._socket
        if line is None or self._over:
            return
        self._stop_writing()
        try:
            more = self._datagrams(line) if self._target.transport is Transport.UDP else self._bytes(line)
        except BlockingIOError:
            self._writing = True
            self._loop.add_writer(line, self._flush)
            return
        except OSError:
            self._end("left")
            return
        if more:
            self._wakes = self._loop.call_later(BREATH_S, self._flush)

    def _datagrams(self, line: socket.socket) -> bool:
        """Send a burst; return whether more waits."""
        waiting, send = self._waiting, line.send
        for _ in range(min(BURST, len(waiting))):
            try:
                send(waiting[0])
            except ConnectionRefusedError:
                self._refuse()
                if self._over:
                    return False
            else:
                self.sent += 1
            waiting.popleft()
        return bool(waiting)

    def _refuse(self) -> None:
        """Count that nobody listens; with one packet in two reported, a while of it is the end."""
        self.refused += 1
        now = self._loop.time()
        if now - self._refused_since > 2 * REFUSED_S:
            self._refused_since = now
        elif now - self._refused_since > REFUSED_S:
            self._end("no_answer")

    def _bytes(self, line: socket.socket) -> bool:
        waiting = self._waiting
        count = min(BURST, len(waiting))
        data = self._part + framed([waiting.popleft() for _ in range(count)])
        self._part = data
        while self._part:
            self._part = self._part[line.send(self._part) :]
        self.sent += count
        return bool(waiting)

    def _stop_writing(self) -> None:
        if self._writing and self._socket is not None:
            self._writing = False
            self._loop.remove_writer(self._socket)

    def _end(self, reason: str) -> None:
        if not self._over:
            self.close()
            self._ended(reason)


def _opened(transport: Transport, bind: str, port: int) -> socket.socket:
    """Return the socket to begin with, on its port. Raises OSError where the port is taken."""
    udp = transport is Transport.UDP
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    try:
        line.setblocking(False)
        if not udp:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind((bind, port))
        if transport is Transport.TCP_PASSIVE:
            line.listen(1)
    except OSError:
        line.close()
        raise
    return line
