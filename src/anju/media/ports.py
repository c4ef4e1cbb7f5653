"""The ports a media worker receives on: one for each stream, kept unused for a while after it ended.

A device that goes on sending after its call ended must not be heard in the next one.
"""

import time
from collections import deque
from collections.abc import Callable

from anju.errors import AnjuError

REST_S = 30.0


class NoPorts(AnjuError):
    """All ports are in use or at rest."""


class Ports:
    """The even ports from ``first`` to ``last``; where several workers share them, every ``of``-th is this one's."""

    def __init__(
        self, first: int, last: int, *, number: int = 0, of: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        even = range(first + first % 2, last + 1, 2)
        self._free = deque(even[number::of])
        self._resting: deque[tuple[float, int]] = deque()
        self._clock = clock

    @property
    def free(self) -> int:
        """Return how many may be taken now."""
        self._rested()
        return len(self._free)

    def take(self) -> int:
        """Return a port, the one longest unused. Raises NoPorts."""
        self._rested()
        if not self._free:
            raise NoPorts
        return self._free.popleft()

    def give_back(self, port: int) -> None:
        """Let a port rest, then be taken again."""
        self._resting.append((self._clock() + REST_S, port))

    def _rested(self) -> None:
        now = self._clock()
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
