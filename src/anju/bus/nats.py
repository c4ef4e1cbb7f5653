"""NATS between the processes of a node: wake-ups and live topics. Hints only: whoever misses one looks by himself.

Every topic lies under ``anju.<node>.``, so several nodes may share a server.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from anju.errors import Silent

Heard = Callable[[bytes], Awaitable[None]]
Reply = Callable[[bytes], Awaitable[bytes]]
RETRY_S = 1
CONNECT_S = 2
_log = structlog.get_logger(__name__)


class Bus:
    """One connection. While the server is away ``tell`` does nothing and ``listen`` takes effect on return."""

    def __init__(self, urls: list[str], *, node: str) -> None:
        self._urls, self._prefix = urls, f"anju.{node.replace('.', '_').replace(' ', '_')}."
        self._client = Client()
        self._wanted: list[tuple[str, Heard]] = []
        self._answers: list[tuple[str, Callable[[Msg], Awaitable[None]]]] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._connecting: asyncio.Task[None] | None = None
        self.missed = 0

    @property
    def connected(self) -> bool:
        """Return whether the server answers."""
        return bool(self._client.is_connected)

    async def open(self) -> None:
        """Connect; where the server is away, go on and connect when it comes."""
        self._connecting = asyncio.create_task(self._connect())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                await asyncio.shield(self._connecting)

    async def close(self) -> None:
        """End the connection."""
        ending = [*self._answering, *([self._connecting] if self._connecting else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        with contextlib.suppress(Error, OSError):
            await self._client.close()

    async def tell(self, topic: str, data: bytes = b"") -> None:
        """Wake whoever listens to ``topic``; lost where the server is away."""
        if not self._client.is_connected:
            self.missed += 1
            return
        try:
            await self._client.publish(self._prefix + topic, data)
        except (Error, OSError) as error:
            self.missed += 1
            _log.info("wake-up lost", topic=topic, reason=str(error))

    async def listen(self, topic: str, heard: Heard) -> None:
        """Call ``heard`` with the data of every message of ``topic``, from now on."""
        self._wanted.append((topic, heard))
        if self._client.is_connected:
            await self._subscribe(topic, heard)

    async def ask(self, topic: str, data: bytes, *, within_s: float) -> bytes:
        """Return what whoever answers ``topic`` says. Raises Silent where nobody does in time."""
        if not self._client.is_connected:
            raise Silent("silent", f"nobody can be asked for {topic}: NATS is away")
        try:
            answer = await self._client.request(self._prefix + topic, data, timeout=within_s)
        except (Error, OSError, TimeoutError) as error:
            raise Silent("silent", f"nobody answered {topic}: {error}") from error
        return bytes(answer.data)

    async def answer(self, topic: str, reply: Reply) -> None:
        """Answer every question of ``topic`` with what ``reply`` returns, each in a task of its own."""

        async def take(message: Msg) -> None:
            task = asyncio.create_task(_answered(message, reply))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

        self._answers.append((topic, take))
        if self._client.is_connected:
            await self._client.subscribe(self._prefix + topic, cb=take)

    async def _subscribe(self, topic: str, heard: Heard) -> None:
        async def take(message: Msg) -> None:
            await heard(message.data)

        await self._client.subscribe(self._prefix + topic, cb=take)

    async def _connect(self) -> None:
        while True:
            try:
                await self._client.connect(
                    self._urls,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RETRY_S,
                    connect_timeout=CONNECT_S,
                    error_cb=_quiet,
                )
                for topic, heard in self._wanted:
                    await self._subscribe(topic, heard)
                for topic, take in self._answers:
                    await self._client.subscribe(self._prefix + topic, cb=take)
            except (Error, OSError, TimeoutError) as error:
                _log.info("bus away", reason=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                return


async def _answered(message: Msg, reply: Reply) -> None:
    with contextlib.suppress(Error, OSError):  # who asked hears nothing, and asks again or gives up
        await message.respond(await reply(message.data))


async def _quiet(error: Exception) -> None:
    _log.debug("bus", reason=str(error))
