"""The line between two nodes, which can be cut: what is sent into a cut line is swallowed and never answered."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from prove.tiers import Tier, three_tiers

CHUNK = 65_536


class Line:
    """Carries TCP from ``port`` on loopback to another port there, until it is cut."""

    def __init__(self, to: int) -> None:
        self._to, self.port = to, 0
        self._whole, self._cut = True, asyncio.Event()

    def cut(self) -> None:
        """Let nothing through: running connections and new ones stay open, and mute."""
        self._whole = False
        self._cut.set()

    def mend(self) -> None:
        """Let new connections through again; those of before stay mute until their ends give up."""
        self._whole, self._cut = True, asyncio.Event()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError):
            if self._whole:
                await self._between((reader, writer), await asyncio.open_connection("127.0.0.1", self._to))
            await _swallow(reader)
        writer.close()

    async def _between(self, here: tuple[StreamReader, StreamWriter], there: tuple[StreamReader, StreamWriter]) -> None:
        """Carry both ways until one end closes or the line is cut."""
        ways = [_pump(here[0], there[1]), _pump(there[0], here[1]), self._cut.wait()]
        tasks = [asyncio.ensure_future(each) for each in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        there[1].close()
        if not self._cut.is_set():
            here[1].close()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def _swallow(reader: StreamReader) -> None:
    while await reader.read(CHUNK):
        pass


@asynccontextmanager
async def line(to: int) -> AsyncIterator[Line]:
    """Give a whole line to ``to``."""
    found = Line(to)
    server = await asyncio.start_server(found.carry, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


@asynccontextmanager
async def cut_tiers(folder: Path, panels: int) -> AsyncIterator[tuple[dict[str, Tier], Line]]:
    """Give three running tiers, and the line between community and county."""
    async with AsyncExitStack() as stack:
        found: list[Line] = []

        async def through(port: int) -> int:
            found.append(await stack.enter_async_context(line(port)))
            return found[0].port

        tiers = await stack.enter_async_context(three_tiers(folder, panels=panels, through=through))
        yield tiers, found[0]
