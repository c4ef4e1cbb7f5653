"""DC-09 alarm panels as they stand on walls: report until answered, with the faults real ones have."""

import asyncio
import contextlib
from asyncio import DatagramTransport, StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal, Protocol

from anju.protocols.dc09 import ACK, ADM_CID, DUH, NAK, NULL, SIA_DCS, Frame, FrameReader, Telegram

EVENTS = tuple((code, "01", f"{zone:03}") for zone in range(1, 9) for code in ("130", "131"))


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each mishap comes with a frame, 0.0 to 1.0; ``clock_off_s`` is the most a panel's clock is off."""

    duplicate: float = 0.0  # sent twice at once
    cut: float = 0.0  # sent, and the line torn before the answer
    garbage: float = 0.0  # noise in front
    split: float = 0.0  # in two pieces (TCP)
    joined: float = 0.0  # behind a supervision message in one piece (TCP)
    clock_off_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A report the receiver took over: from now on it must not be lost."""

    source: str
    sequence: int
    data: str
    sent_at: datetime
    acknowledged_at: datetime


class _Line(Protocol):
    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes: ...

    def cut(self) -> None: ...


class _TcpLine:
    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        return await self._reader.read(4096)

    def cut(self) -> None:
        self._writer.transport.abort()


class _UdpLine(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._transport: DatagramTransport | None = None
        self._answers: asyncio.Queue[bytes] = asyncio.Queue(64)

    def connection_made(self, transport: DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._answers.full():
            self._answers.put_nowait(data)

    async def send(self, data: bytes) -> None:
        if self._transport:
            self._transport.sendto(data)

    async def receive(self) -> bytes:
        return await self._answers.get()

    def cut(self) -> None:
        if self._transport:
            self._transport.close()


class Panel:
    """One panel. ``clock`` is its own clock, None for a panel that tells no time; ``key`` encrypts and needs a clock.

    A NAK sets its clock, as real ones do. ``chance`` decides on the ``faults``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        account: str,
        *,
        line: str = "0",
        receiver: str | None = "1",
        key: bytes | None = None,
        clock: Callable[[], datetime] | None = None,
        retry_s: float = 1.0,
        transport: Literal["tcp", "udp"] = "tcp",
        faults: Faults | None = None,
        chance: Random | None = None,
    ) -> None:
        self._host, self._port, self._transport = host, port, transport
        self._account, self._number, self._receiver, self._key = account, line, receiver, key
        self._clock, self._retry_s = clock, retry_s
        self._faults, self._chance = faults or Faults(), chance or Random(account)  # noqa: S311 - a dice, no secret
        self._sequence = 0
        self._offset = timedelta()
        self._line: _Line | None = None
        self._frames = FrameReader()

    async def report(self, code: str, zone: str, *, area: str = "01", qualifier: str = "1") -> Acknowledged | None:
        """Send one Contact ID event and repeat it, under the same number, until it is acknowledged.

        Returns None where the receiver says DUH: it will never take that.
        """
        return await self._deliver(ADM_CID, f"{qualifier}{code} {area} {zone}")

    async def report_sia(self, data: str) -> Acknowledged | None:
        """Send SIA-DCS ``data``, e.g. ``Nri1/BA003``, like ``report``."""
        return await self._deliver(SIA_DCS, data)

    async def supervise(self) -> None:
        """Send NULL until it is answered: I am alive."""
        await self._deliver(NULL, "")

    async def cut(self) -> None:
        """Tear the line without a word."""
        if self._line:
            self._line.cut()
        self._line, self._frames = None, FrameReader()

    def _now(self) -> datetime | None:
        return (self._clock() + self._offset).replace(microsecond=0) if self._clock else None

    def _frame(self, token: str, data: str, sequence: int) -> Frame:
        return Frame(
            token,
            sequence,
            self._number,
            self._account,
            data,
            self._receiver,
            encrypted=self._key is not None,
            timestamp=self._now(),
        )

    async def _deliver(self, token: str, data: str) -> Acknowledged | None:
        if token != NULL:
            self._sequence = self._sequence % 9999 + 1
        frame = self._frame(token, data, self._sequence if token != NULL else 0)
        sent_at = datetime.now(UTC)
        while (answer := await self._try(frame)) is None or answer.token == NAK:
            if answer is not None:
                frame = replace(frame, timestamp=self._set_clock(answer))
                continue
            await self.cut()
            await asyncio.sleep(self._retry_s)
        if answer.token == DUH:
            return None
        return Acknowledged(frame.source, frame.sequence, data, sent_at, datetime.now(UTC))

    async def _try(self, frame: Frame) -> Frame | None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._retry_s):
                self._line = self._line or await self._connected()
                if await self._sent(self._line, frame):
                    return await self._answer(self._line, frame.sequence)
        return None

    async def _connected(self) -> _Line:
        if self._transport == "tcp":
            return _TcpLine(*await asyncio.open_connection(self._host, self._port))
        loop = asyncio.get_running_loop()
        _, line = await loop.create_datagram_endpoint(_UdpLine, remote_addr=(self._host, self._port))
        return line

    async def _sent(self, line: _Line, frame: Frame) -> bool:
        """Send with whatever goes wrong this time; False where the line was torn."""
        wire, tcp = frame.encode(self._key), self._transport == "tcp"
        if self._happens(self._faults.garbage):
            noise = self._chance.randbytes(self._chance.randint(1, 200))
            wire = noise + wire if tcp else wire
            await line.send(b"" if tcp else noise)
        if tcp and self._happens(self._faults.joined):
            wire = self._frame(NULL, "", 0).encode(self._key) + wire
        if tcp and self._happens(self._faults.split):
            half = self._chance.randrange(len(wire))
            await line.send(wire[:half])
            await asyncio.sleep(0)  # lets the first piece leave
            wire = wire[half:]
        await line.send(wire)
        if self._happens(self._faults.duplicate):
            await line.send(frame.encode(self._key))
        return not self._happens(self._faults.cut)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    async def _answer(self, line: _Line, sequence: int) -> Frame | None:
        while data := await line.receive():
            for each in self._frames.feed(data):
                if isinstance(each, Telegram) and (
                    each.token == NAK or (each.token in {ACK, DUH} and each.sequence == sequence)
                ):
                    return each.open(self._key)
        return None

    def _set_clock(self, answer: Frame) -> datetime | None:
        if answer.timestamp and self._clock:
            self._offset = answer.timestamp - self._clock()
        return self._now()


def fleet(
    host: str,
    port: int,
    count: int,
    *,
    first: int = 0x1000,
    key: bytes | None = None,
    transport: Literal["tcp", "udp"] = "tcp",
    faults: Faults | None = None,
    seed: int = 1,
    retry_s: float = 1.0,
) -> list[Panel]:
    """Return ``count`` panels with accounts from ``first`` up, each with a clock as wrong as ``faults`` allows."""
    chance, worst = Random(seed), faults.clock_off_s if faults else 0.0  # noqa: S311 - a dice, no secret

    def wrong_clock() -> Callable[[], datetime]:
        offset = timedelta(seconds=chance.uniform(-worst, worst))
        return lambda: datetime.now(UTC) + offset

    return [
        Panel(
            host,
            port,
            f"{first + number:04X}",
            key=key,
            clock=wrong_clock(),
            retry_s=retry_s,
            transport=transport,
            faults=faults,
            chance=Random(chance.random()),  # noqa: S311 - a dice, no secret
        )
        for number in range(count)
    ]


async def drive(
    panels: Sequence[Panel],
    rate: float,
    seconds: float,
    *,
    on_acknowledged: Callable[[Acknowledged], None],
    events: Sequence[tuple[str, str, str]] = EVENTS,
    patience_s: float = 60.0,
) -> int:
    """Send ``rate`` reports a second in all, turn by turn, for ``seconds``; return how many were begun.

    Panels keep their turn while they wait for an answer, and repeat afterwards for ``patience_s`` at most.
    ``events`` are (code, area, zone); every second round restores what the one before began.
    """
    queues = [asyncio.Queue[tuple[str, str, str, str]]() for _ in panels]

    async def work(panel: Panel, queue: asyncio.Queue[tuple[str, str, str, str]]) -> None:
        while True:
            code, area, zone, qualifier = await queue.get()
            if done := await panel.report(code, zone, area=area, qualifier=qualifier):
                on_acknowledged(done)
            queue.task_done()

    workers = [asyncio.create_task(work(*pair)) for pair in zip(panels, queues, strict=True)]
    loop = asyncio.get_running_loop()
    start, total = loop.time(), int(rate * seconds)
    try:
        for number in range(total):
            await asyncio.sleep(max(0.0, start + number / rate - loop.time()))
            turn = number // len(panels)
            event = events[turn // 2 % len(events)]
            queues[number % len(panels)].put_nowait((*event, "3" if turn % 2 else "1"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*(queue.join() for queue in queues))
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for panel in panels:
            await panel.cut()
    return total
