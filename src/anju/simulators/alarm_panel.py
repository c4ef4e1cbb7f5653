"""A DC-09 alarm panel as it stands on a wall: reports until it is answered, with the faults real ones have."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from anju.protocols.dc09 import ACK, ADM_CID, NULL, Frame, FrameReader, Telegram


class Panel:
    """One panel on TCP. ``clock`` is its own clock, None for a panel that tells no time; ``key`` encrypts."""

    def __init__(
        self,
        host: str,
        port: int,
        account: str,
        *,
        line: str = "0",
        key: bytes | None = None,
        clock: Callable[[], datetime] | None = None,
        retry_s: float = 1.0,
    ) -> None:
        self._host, self._port = host, port
        self._account, self._line, self._key = account, line, key
        self._clock, self._retry_s = clock, retry_s
        self._sequence = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._frames = FrameReader()

    async def report(self, code: str, zone: str, *, area: str = "01", qualifier: str = "1") -> None:
        """Send one Contact ID event and repeat it, under the same number, until it is acknowledged."""
        await self._send(ADM_CID, f"{qualifier}{code} {area} {zone}")

    async def supervise(self) -> None:
        """Send NULL: I am alive."""
        await self._send(NULL, "")

    async def cut(self) -> None:
        """Tear the line without a word."""
        if self._writer:
            self._writer.transport.abort()
            self._writer = None
            self._frames = FrameReader()

    async def _send(self, token: str, data: str) -> None:
        self._sequence = self._sequence % 9999 + 1
        told = self._clock() if self._clock else None
        frame = Frame(
            token,
            self._sequence,
            self._line,
            self._account,
            data,
            encrypted=self._key is not None,
            timestamp=told.replace(microsecond=0) if told else None,
        )
        while not await self._try(frame):
            await self.cut()
            await asyncio.sleep(self._retry_s)

    async def _try(self, frame: Frame) -> bool:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._retry_s):
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
                self._writer.write(frame.encode(self._key))
                await self._writer.drain()
                return await self._acknowledged(frame.sequence)
        return False

    async def _acknowledged(self, sequence: int) -> bool:
        while self._reader and (data := await self._reader.read(4096)):
            for each in self._frames.feed(data):
                if isinstance(each, Telegram) and each.token == ACK and each.sequence == sequence:
                    return True
        return False
