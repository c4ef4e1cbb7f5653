"""A lost picture is an alarm of the node about itself: once for each finding, ended when it is whole again."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from anju.config import load
from anju.domain.pictures import Fault, Finding, losses
from anju.errors import DatabaseAway
from anju.picture_check import checking, prove_next
from anju.pictures import picture_places, tend_pictures
from anju.pipeline.keep import Accepted, Keeper
from anju.process import clock
from anju.store.log import NodeId
from tests.test_pictures import Kept, kept

__all__ = ["kept"]


async def check(kept: Kept) -> list[Finding]:
    async with checking(load(kept.file)) as found, aclosing(found.run()) as findings:
        return [each async for each in findings]


async def told(kept: Kept) -> list[tuple[str, str]]:
    """Return what the node said of itself, in order."""
    rows = await kept.db.fetch("SELECT body FROM event ORDER BY received_at, id")
    assert {row[0]["code"] for row in rows} <= {"picture_lost"}
    return [(row[0]["state"], row[0]["detail"]["lost"]) for row in rows]


async def alarms(kept: Kept) -> Sequence[tuple[Any, ...]]:
    return await kept.db.fetch("SELECT kind, active, body->>'code' FROM alarm")


def harm(kept: Kept, *, last: bool = False) -> bytes:
    """Turn one bit of the first picture, or the last; return what the segment was before."""
    path = kept.path(kept.stored[0])
    whole = path.read_bytes()
    data = bytearray(whole)
    data[-1 if last else 120] ^= 1
    path.write_bytes(data)
    return whole


async def test_a_damaged_picture_is_told_once_whoever_looks_and_ended_when_it_is_whole(kept: Kept) -> None:
    assert (await check(kept), await told(kept)) == ([], [])
    whole = harm(kept)
    for _ in range(3):
        assert len(await check(kept)) == 1
    assert await told(kept) == [("active", "1 damaged")]
    assert await alarms(kept) == [("fault", True, "picture_lost")]
    kept.path(kept.stored[0]).write_bytes(whole)
    assert await check(kept) == []
    assert await told(kept) == [("active", "1 damaged"), ("cleared", "")]
    assert await alarms(kept) == [("fault", False, "picture_lost")]


async def test_more_loss_is_told_anew_in_the_same_alarm(kept: Kept) -> None:
    harm(kept)
    await check(kept)
    harm(kept, last=True)
    await check(kept)
    assert await told(kept) == [("active", "1 damaged"), ("active", "2 damaged")]
    assert len(await alarms(kept)) == 1


async def test_the_same_harm_after_a_repair_is_told_again(kept: Kept) -> None:
    whole = harm(kept)
    await check(kept)
    kept.path(kept.stored[0]).write_bytes(whole)
    await check(kept)
    harm(kept)
    await check(kept)
    assert [state for state, _ in await told(kept)] == ["active", "cleared", "active"]


async def test_it_names_the_pictures_and_a_missing_file_names_them_all(kept: Kept) -> None:
    kept.path(kept.stored[0]).unlink()
    await check(kept)
    (row,) = await kept.db.fetch("SELECT body->'detail' FROM event")
    assert row[0]["lost"] == "2 missing"
    assert set(row[0]["pictures_lost"]) == {str(each.id) for each in kept.stored}


async def test_a_running_node_proves_one_finished_segment_after_the_other(kept: Kept, node: NodeId) -> None:
    config = load(kept.file)

    async def nobody(_: object) -> None:
        return

    keeper = Keeper(kept.db, node, clock=clock, on_committed=nobody, on_unsaved=nobody)
    await prove_next(kept.db, config, keeper.keep_alone)
    assert await kept.db.fetch("SELECT name FROM segment WHERE checked_at IS NOT NULL") == [], "it is still written"
    await kept.blobs.close()
    await tend_pictures(kept.db, picture_places(config), config)
    harm(kept)
    for _ in range(2):
        await prove_next(kept.db, config, keeper.keep_alone)
    assert await told(kept) == [("active", "1 damaged")]
    assert len(await kept.db.fetch("SELECT name FROM segment WHERE checked_at IS NOT NULL")) == 1


async def test_a_finding_that_could_not_be_kept_is_told_next_time(kept: Kept, node: NodeId) -> None:
    config = load(kept.file)
    await kept.blobs.close()
    await tend_pictures(kept.db, picture_places(config), config)
    harm(kept)

    async def fails(_: Accepted) -> None:
        raise DatabaseAway("it does not answer")

    with pytest.raises(DatabaseAway):
        await prove_next(kept.db, config, fails)
    await check(kept)
    assert await told(kept) == [("active", "1 damaged")]


def test_nothing_is_said_while_the_object_store_is_away() -> None:
    away, damaged = Finding(Fault.AWAY, "s"), Finding(Fault.DAMAGED, "s")
    assert losses([damaged, away]) is None
    assert (
        losses([damaged, damaged, Finding(Fault.UNNAMED, "s"), Finding(Fault.MISSING, "s")]) == "2 damaged, 1 missing"
    )
    assert losses([]) == ""
