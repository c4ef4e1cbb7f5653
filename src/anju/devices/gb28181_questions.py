"""Questions to GB/T 28181 devices: answers come as messages of their own, tied by device, command and number.

Source: 5.4.3 (GB/T 28181 queries).
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from anju.errors import DeviceSilent
from anju.protocols.manscdp import Message

MOST = 1_000
"""Messages of one answer that wait to be read; those beyond are dropped, and asked for again."""
_WRAP = 1_000_000_000  # some devices keep the number in 32 bits


class Waiting:
    """One question, open. ``sn`` is its number."""

    def __init__(self, sn: int) -> None:
        self.sn = sn
        self._came: asyncio.Queue[Message] = asyncio.Queue(MOST)

    def put(self, told: Message) -> None:
        """Take one message of the answer."""
        with suppress(asyncio.QueueFull):
            self._came.put_nowait(told)

    async def next(self, within_s: float) -> Message:
        """Return the next message of the answer. Raises DeviceSilent after ``within_s`` without one."""
        try:
            async with asyncio.timeout(within_s):
                return await self._came.get()
        except TimeoutError as error:
            raise DeviceSilent(f"no answer in {within_s:g} s") from error

    async def each(self, first_s: float, then_s: float) -> AsyncIterator[Message]:
        """Yield the messages of an answer: the first within ``first_s``, each further one within ``then_s``.

        Raises DeviceSilent where none came at all; ends after a pause.
        """
        yield await self.next(first_s)
        with suppress(DeviceSilent):
            while True:
                yield await self.next(then_s)


class Questions:
    """All open questions of a node, by device, command and number."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, int], Waiting] = {}
        self._sn = secrets.randbelow(_WRAP)

    def number(self) -> int:
        """Return the next number for a message of ours."""
        self._sn = self._sn % _WRAP + 1
        return self._sn

    @contextmanager
    def ask(self, device_id: str, command: str) -> Iterator[Waiting]:
        """Open a question to a device; it is closed with the block."""
        waiting = Waiting(self.number())
        self._open[device_id, command, waiting.sn] = waiting
        try:
            yield waiting
        finally:
            del self._open[device_id, command, waiting.sn]

    def answered(self, device_id: str, told: Message) -> bool:
        """Hand an answer to who waits for it; return whether anybody does.

        A device that spoils the number is understood where only one such question is open.
        """
        found = self._open.get((device_id, told.cmd_type, told.sn))
        if found is None and told.sn == 0:
            alike = [each for key, each in self._open.items() if key[:2] == (device_id, told.cmd_type)]
            found = alike[0] if len(alike) == 1 else None
        if found is not None:
            found.put(told)
        return found is not None
