"""Group commit: what waits together goes to disk in one transaction, and only then is anybody answered.

Source: 5.1.2.4-e, 5.2.2.1; 8-g (complete, no record lost or doubled).
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec
import psycopg

from anju.domain.changes import Fate
from anju.errors import DatabaseAway

T = TypeVar("T")
POISON = (
    psycopg.Error,
    msgspec.MsgspecError,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What one bad item raises; it is found by halving its batch, and the others are kept."""


@dataclass(slots=True)
class _Waiting(Generic[T]):
    items: Sequence[T]
    done: asyncio.Future[list[Fate]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, fates: list[Fate | DatabaseAway]) -> None:
        """Answer: one item that could not be written is enough for the sender to send all of them again."""
        if self.done.done():
            return
        away = next((each for each in fates if isinstance(each, DatabaseAway)), None)
        if away:
            self.done.set_exception(away)
        else:
            self.done.set_result([each for each in fates if isinstance(each, Fate)])


class GroupCommit(Generic[T]):
    """The queue before one kind of commit. Any number of processes may commit into the same database.

    ``commit`` writes items in one transaction and returns what became of each; it raises DatabaseAway, or one of
    POISON where an item is bad. ``hold`` puts that one into quarantine, ``lost`` hears of items nobody could write.
    Between two commits that were not full lie ``gap_s`` seconds.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Awaitable[list[Fate]]],
        *,
        hold: Callable[[T, Exception], Awaitable[None]],
        lost: Callable[[T], Awaitable[None]],
        most: int,
        most_waiting: int,
        gap_s: float = 0.0,
    ) -> None:
        self._commit, self._hold, self._lost = commit, hold, lost
        self._most, self._most_waiting, self._gap_s = most, most_waiting, gap_s
        self._queue: asyncio.Queue[_Waiting[T]] = asyncio.Queue()
        self._waiting = 0  # items in the queue

    async def keep(self, items: Sequence[T]) -> list[Fate]:
        """Return once ``items`` are on disk, with what became of each.

        Raises DatabaseAway: then the sender must send all again; those that were kept will be known as repeats.
        """
        if self._waiting and self._waiting + len(items) > self._most_waiting:
            raise DatabaseAway(f"{self._waiting} reports wait already")
        waiting = _Waiting(items)
        self._waiting += len(items)
        self._queue.put_nowait(waiting)
        return await waiting.done

    async def keep_alone(self, items: Sequence[T]) -> list[Fate]:
        """Like ``keep``, at once and in a commit of their own: ``run`` need not run."""
        waiting = _Waiting(items)
        await self._settle([waiting])
        return await waiting.done

    async def run(self) -> None:
        """Commit what waits, for ever. What gathers during one commit is the next batch."""
        while True:
            batch = [await self._queue.get()]
            count = len(batch[0].items)
            while count < self._most and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                count += len(batch[-1].items)
            self._waiting -= count
            await self._settle(batch)
            if count < self._most:
                await asyncio.sleep(self._gap_s)

    async def _settle(self, batch: Sequence[_Waiting[T]]) -> None:
        fates = await self._kept([item for each in batch for item in each.items])
        begin = 0
        for each in batch:
            each.settle(fates[begin : begin + len(each.items)])
            begin += len(each.items)

    async def _kept(self, items: Sequence[T]) -> list[Fate | DatabaseAway]:
        try:
            return list(await self._commit(items))
        except DatabaseAway as away:
            return await self._give_up(items, away)
        except POISON as error:
            if len(items) == 1:
                return [await self._held(items[0], error)]
        half = len(items) // 2
        return [*await self._kept(items[:half]), *await self._kept(items[half:])]

    async def _give_up(self, items: Sequence[T], away: DatabaseAway) -> list[Fate | DatabaseAway]:
        for each in items:
            await self._lost(each)
        return [away] * len(items)

    async def _held(self, item: T, error: Exception) -> Fate | DatabaseAway:
        try:
            await self._hold(item, error)
        except DatabaseAway as away:
            return away
        except POISON as worse:
            return DatabaseAway(str(worse))
        return Fate.HELD
