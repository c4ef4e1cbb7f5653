"""Questions about pictures of nodes below, kept until their long poll takes them and their answer comes, or time is up.

Source: 4.2.2 (records of the tiers below are seen above).
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from anju.domain.far_pictures import MOST_BYTES, Asked, Given, Outcome

MOST_OPEN = 32  # questions to one node that are not answered yet
AT_ONCE = 8  # questions that one poll takes along
GRACE_S = 2.0  # between two polls of a node that is there
LOOK_S = 0.25


@dataclass(slots=True)
class _Open:
    asked: Asked
    until: float
    answer: asyncio.Future[Given]


@dataclass(slots=True)
class _Line:
    """One node below: what waits for its next poll, what was taken and not answered, and whether it polls."""

    some: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: deque[UUID] = field(default_factory=deque)
    open: dict[UUID, _Open] = field(default_factory=dict)
    polls: int = 0
    polled_at: float = float("-inf")

    def listens(self, now: float) -> bool:
        return self.polls > 0 or now - self.polled_at < GRACE_S


class Questions:
    """What nodes below are asked. A node that does not poll is away, and that is said at once."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    async def ask(self, node: str, asked: Asked) -> Given:
        """Return what ``node`` answers within the question's time, else that it is away or has too much to do."""
        line, now = self._line(node), _now()
        if not line.listens(now):
            return Given(asked.id, Outcome.AWAY, node=node)
        if len(line.open) >= MOST_OPEN:
            return Given(asked.id, Outcome.BUSY, node=node)
        one = _Open(asked, now + asked.within_ms / 1000, asyncio.get_running_loop().create_future())
        line.open[asked.id] = one
        line.waiting.append(asked.id)
        line.some.set()
        try:
            return await _answered(line, one) or Given(asked.id, Outcome.AWAY, node=node)
        finally:
            del line.open[asked.id]

    @contextmanager
    def polling(self, node: str) -> Iterator[asyncio.Event]:
        """Count a poll of ``node`` while the block lasts; the event says that there is a question."""
        line = self._line(node)
        line.polls += 1
        try:
            yield line.some
        finally:
            line.polls -= 1
            line.polled_at = _now()

    def take(self, node: str) -> tuple[Asked, ...]:
        """Return some of the questions that wait for ``node``, each with the time that is left to it."""
        line, now = self._line(node), _now()
        taken: list[Asked] = []
        while line.waiting and len(taken) < AT_ONCE:
            one = line.open.get(line.waiting.popleft())
            if one is not None and (left := round((one.until - now) * 1000)) > 0:
                taken.append(replace(one.asked, within_ms=left))
        if not line.waiting:
            line.some.clear()
        return tuple(taken)

    def answered(self, node: str, given: Given) -> bool:
        """Hand an answer to who waits; return False where ``node`` was not asked that, or nobody waits any more."""
        one = self._line(node).open.get(given.id)
        if one is None or one.answer.done() or len(given.data) > MOST_BYTES:
            return False
        one.answer.set_result(given)
        return True

    def _line(self, node: str) -> _Line:
        return self._lines.setdefault(node, _Line())


async def _answered(line: _Line, one: _Open) -> Given | None:
    """Return the answer, None where time is up or the node fell silent."""
    while (left := one.until - _now()) > 0 and line.listens(_now()):
        await asyncio.wait({one.answer}, timeout=min(left, LOOK_S))
        if one.answer.done():
            return one.answer.result()
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
