"""What wakes those who follow the log: alarms at once, bulk gathered, and without any ring a look each second."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection

from anju.domain.changes import Lane

LOOK_S = 1.0
GATHER_S = 0.1
"""A look costs the same for one row as for fifty: rows of the bulk lane wait so long for others."""


def spelled(lanes: Collection[Lane]) -> bytes:
    """Return ``lanes`` as a wake-up says them."""
    return ",".join(sorted(lanes)).encode()


def lanes_of(told: bytes) -> frozenset[Lane]:
    """Return the lanes that a wake-up says have grown; what says none may mean any."""
    named = frozenset(Lane(each) for each in told.decode("ascii", "replace").split(",") if each in set(Lane))
    return named or frozenset(Lane)


class Bell:
    """One follower waits on it. Rings are hints: one that was lost costs a second."""

    def __init__(self, *, gather_s: float = GATHER_S, now: Callable[[], float] = time.monotonic) -> None:
        self._gather_s, self._now = gather_s, now
        self._any, self._urgent = asyncio.Event(), asyncio.Event()
        self._heard_at = float("-inf")

    def ring(self, lanes: Collection[Lane]) -> None:
        """Say that ``lanes`` have grown."""
        self._any.set()
        if Lane.ALARMS in lanes:
            self._urgent.set()

    async def heard(self) -> None:
        """Return when it is time to look."""
        await _within(self._any, LOOK_S)
        await _within(self._urgent, max(0.0, self._heard_at + self._gather_s - self._now()))
        self._any.clear()
        self._urgent.clear()
        self._heard_at = self._now()


async def _within(event: asyncio.Event, seconds: float) -> None:
    if not event.is_set() and seconds > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
