"""Answers larger than one message of NATS may be: the first piece comes with the answer, the others are fetched."""

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable

from anju.bus.nats import Bus
from anju.errors import Silent

PIECE = 512 * 1024  # bytes; a message holds at most 1 MB
ROOM = 64 * 1024 * 1024  # of all answers that are being fetched
KEPT_S = 10.0
_HEAD = struct.Struct(">Q16s")  # length of the whole, its token
_MORE = struct.Struct(">16sQ")  # token, offset
Reply = Callable[[bytes], Awaitable[bytes]]


async def ask(bus: Bus, topic: str, data: bytes, *, within_s: float) -> bytes:
    """Return the whole answer. Raises Silent where it does not come in time."""
    try:
        async with asyncio.timeout(within_s):
            head = await bus.ask(topic, data, within_s=within_s)
            size, token = _HEAD.unpack_from(head) if len(head) >= _HEAD.size else (0, b"")
            found = bytearray(head[_HEAD.size :])
            while len(found) < size:
                piece = await bus.ask(f"{topic}.more", _MORE.pack(token, len(found)), within_s=within_s)
                if not piece:
                    raise Silent("silent", f"the rest of an answer of {topic} is gone")
                found += piece
            return bytes(found)
    except TimeoutError as error:
        raise Silent("silent", f"nobody answered {topic} in full within {within_s} s") from error


class Answers:
    """The other side of ``ask``: keeps what does not fit into one message until it was fetched.

    ``held`` are the bytes it keeps.
    """

    def __init__(self, bus: Bus, topic: str, reply: Reply) -> None:
        self._bus, self._topic, self._reply = bus, topic, reply
        self._kept: dict[bytes, bytes] = {}
        self.held = 0

    async def serve(self) -> None:
        """Answer from now on."""
        await self._bus.answer(self._topic, self._first)
        await self._bus.answer(f"{self._topic}.more", self._next)

    async def _first(self, data: bytes) -> bytes:
        whole, token = await self._reply(data), os.urandom(16)
        if len(whole) > PIECE and self.held + len(whole) <= ROOM:
            self._kept[token] = whole
            self.held += len(whole)
            asyncio.get_running_loop().call_later(KEPT_S, self._forget, token)
        return _HEAD.pack(len(whole), token) + whole[:PIECE]

    async def _next(self, data: bytes) -> bytes:
        token, offset = _MORE.unpack(data)
        whole = self._kept.get(token, b"")
        if offset + PIECE >= len(whole):
            self._forget(token)
        return whole[offset : offset + PIECE]

    def _forget(self, token: bytes) -> None:
        self.held -= len(self._kept.pop(token, b""))
