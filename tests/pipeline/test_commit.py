"""One bad item is found by halving; whoever waits is answered once, with the truth."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from anju.domain.changes import Fate
from anju.errors import DatabaseAway
from anju.pipeline.commit import GroupCommit


class Shelf:
    """A commit that remembers: items below zero are poison, 13 finds the database away."""

    def __init__(self, most: int = 100, most_waiting: int = 1_000) -> None:
        self.batches: list[list[int]] = []
        self.held: list[int] = []
        self.lost: list[int] = []
        self.group = GroupCommit(self.commit, hold=self.hold, lost=self.lose, most=most, most_waiting=most_waiting)

    async def commit(self, items: Sequence[int]) -> list[Fate]:
        await asyncio.sleep(0)
        self.batches.append(list(items))
        if 13 in items:
            raise DatabaseAway("away")
        if min(items) < 0:
            raise ValueError("poison")
        return [Fate.KEPT] * len(items)

    async def hold(self, item: int, error: Exception) -> None:
        if item == -13:
            raise DatabaseAway(str(error))
        self.held.append(item)

    async def lose(self, item: int) -> None:
        self.lost.append(item)


async def test_poison_is_held_and_the_others_are_kept_in_few_commits() -> None:
    shelf, items = Shelf(), list(range(14, 114))
    items[70] = -1
    fates = await shelf.group.keep_alone(items)
    assert fates == [Fate.HELD if item < 0 else Fate.KEPT for item in items]
    assert shelf.held == [-1]
    assert len(shelf.batches) < 20


async def test_what_waits_together_is_one_batch_and_each_hears_of_its_own() -> None:
    shelf = Shelf()
    asking = [asyncio.create_task(shelf.group.keep([start, start + 1])) for start in range(20, 40, 2)]
    await asyncio.sleep(0)
    running = asyncio.create_task(shelf.group.run())
    assert await asyncio.gather(*asking) == [[Fate.KEPT] * 2] * 10
    assert shelf.batches == [list(range(20, 40))]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_sender_whose_item_was_not_written_must_send_again() -> None:
    shelf = Shelf(most=1)
    with pytest.raises(DatabaseAway):
        await shelf.group.keep_alone([12, 13])
    assert shelf.lost == [12, 13]


async def test_poison_that_cannot_be_held_is_not_answered() -> None:
    with pytest.raises(DatabaseAway):
        await Shelf().group.keep_alone([1, -13, 2])


async def test_too_many_who_wait_are_sent_away_and_one_is_always_let_in() -> None:
    shelf = Shelf(most_waiting=5)
    first = asyncio.create_task(shelf.group.keep([1] * 9))
    await asyncio.sleep(0)
    with pytest.raises(DatabaseAway):
        await shelf.group.keep([2])
    running = asyncio.create_task(shelf.group.run())
    assert await first == [Fate.KEPT] * 9
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
