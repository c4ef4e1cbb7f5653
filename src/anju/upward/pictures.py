"""Answers what the tier above asks about pictures, a few at once, on connections of their own: no alarm waits for them.

Source: 4.2.2 (records are seen above), 5.2.2.1 (pictures of passages).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol

import structlog

from anju.domain.far_pictures import Asked, Given
from anju.errors import UpperAway

AT_ONCE = 4
MOST_WAITING = 64
Answer = Callable[[Asked], Awaitable[Given]]
_log = structlog.get_logger(__name__)


class Above(Protocol):
    """Where answers go."""

    async def give(self, given: Given) -> None: ...


class PictureGiver:
    """Takes questions without ever waiting; ``answer`` is asked for each, and what it says goes up."""

    def __init__(self, above: Above, answer: Answer | None) -> None:
        self._above, self._answer = above, answer
        self._waiting: asyncio.Queue[tuple[Asked, float]] = asyncio.Queue(MOST_WAITING)

    def take(self, asked: Iterable[Asked]) -> None:
        """Put questions in line; one too many is left unanswered, as is one that makes no sense."""
        for each in asked:
            if each.sound() and not self._waiting.full():
                self._waiting.put_nowait((each, _now() + each.within_ms / 1000))

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs as long as the link."""
        return [self._work(self._answer) for _ in range(AT_ONCE)] if self._answer else []

    async def _work(self, answer: Answer) -> None:
        while True:
            asked, until = await self._waiting.get()
            try:
                async with asyncio.timeout_at(until):
                    await self._above.give(await answer(asked))
            except (UpperAway, TimeoutError) as error:  # who asked hears nothing and asks again
                _log.info("picture not given", picture=str(asked.blob_id), reason=str(error) or "too late")


def _now() -> float:
    return asyncio.get_running_loop().time()
