"""One owner at a time, and a number that tells the late one."""

from datetime import timedelta

from anju.store import leases
from anju.store.database import Database
from anju.store.leases import Lease
from tests.conftest import FrozenClock

LASTS = timedelta(seconds=30)


async def take(db: Database, clock: FrozenClock, holder: str) -> Lease | None:
    return await leases.acquire(db, "device/d1", holder, at=clock(), lasts=LASTS)


async def test_one_owner_at_a_time(db: Database, clock: FrozenClock) -> None:
    mine = await take(db, clock, "gateway-1")
    assert mine is not None
    assert await take(db, clock, "gateway-2") is None
    assert await leases.holds(db, mine, at=clock())


async def test_its_owner_renews_it_under_the_same_number(db: Database, clock: FrozenClock) -> None:
    await take(db, clock, "gateway-1")
    clock.forward(20)
    again = await take(db, clock, "gateway-1")
    assert again == Lease("device/d1", "gateway-1", 1, clock() + LASTS)


async def test_the_next_owner_has_the_next_number(db: Database, clock: FrozenClock) -> None:
    late = await take(db, clock, "gateway-1")
    clock.forward(30)
    next_one = await take(db, clock, "gateway-2")
    assert late is not None
    assert next_one is not None
    assert next_one.fencing == late.fencing + 1
    assert not await leases.holds(db, late, at=clock())


async def test_who_lost_it_to_time_comes_back_with_a_new_number(db: Database, clock: FrozenClock) -> None:
    await take(db, clock, "gateway-1")
    clock.forward(31)
    again = await take(db, clock, "gateway-1")
    assert again is not None
    assert again.fencing == 2


async def test_what_is_given_up_is_free(db: Database, clock: FrozenClock) -> None:
    mine = await take(db, clock, "gateway-1")
    assert mine is not None
    await leases.release(db, mine, at=clock())
    assert await take(db, clock, "gateway-2") is not None
