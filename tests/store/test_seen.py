"""A repeat is recognised inside its window; a reused key is another report."""

from anju.store.database import Database
from anju.store.seen import NEW, REPEAT, Mark, look, prune
from tests.conftest import FrozenClock

MARK = Mark("site", "p1", "0001|08:15:30", b"a", window_s=180)
OTHER = Mark("site", "p1", "0001|08:15:30", b"b", window_s=180)


async def sights(db: Database, clock: FrozenClock, *marks: Mark) -> list[int]:
    async with db.transaction() as tx:
        return await look(tx, marks, at=clock())


async def test_the_first_is_new_and_the_second_a_repeat(db: Database, clock: FrozenClock) -> None:
    assert await sights(db, clock, MARK, MARK) == [NEW, REPEAT]
    assert await sights(db, clock, MARK) == [REPEAT]


async def test_after_its_window_a_key_is_new_again(db: Database, clock: FrozenClock) -> None:
    await sights(db, clock, MARK)
    clock.forward(181)
    assert await sights(db, clock, MARK) == [NEW]


async def test_the_same_key_with_another_body_is_kept_as_reused(db: Database, clock: FrozenClock) -> None:
    assert await sights(db, clock, MARK, OTHER) == [NEW, 2]
    assert await sights(db, clock, OTHER) == [REPEAT]


async def test_sources_do_not_share_keys(db: Database, clock: FrozenClock) -> None:
    elsewhere = Mark("site", "p2", MARK.key, b"a", 180)
    assert await sights(db, clock, MARK, elsewhere) == [NEW, NEW]


async def test_pruning_forgets_only_what_is_old(db: Database, clock: FrozenClock) -> None:
    await sights(db, clock, MARK)
    clock.forward(10)
    async with db.transaction() as tx:
        assert await prune(tx, before=clock.now, limit=10) == 1
        assert await prune(tx, before=clock.now, limit=10) == 0
