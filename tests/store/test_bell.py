"""Alarms ring through at once; bulk is gathered; a lost ring costs a second."""

import asyncio
from time import monotonic

import pytest

from anju.domain.changes import Lane
from anju.store import bell
from anju.store.bell import Bell, lanes_of, spelled

BULK, ALARMS = frozenset({Lane.BULK}), frozenset({Lane.ALARMS})


@pytest.mark.parametrize("lanes", [BULK, ALARMS, frozenset(Lane)])
def test_what_a_ring_says_is_heard(lanes: frozenset[Lane]) -> None:
    assert lanes_of(spelled(lanes)) == lanes


@pytest.mark.parametrize("told", [b"", b"else", b"\xff,"])
def test_a_ring_that_names_no_lane_may_mean_any(told: bytes) -> None:
    assert lanes_of(told) == frozenset(Lane)


async def heard_after(follower: Bell) -> float:
    began = monotonic()
    await follower.heard()
    return monotonic() - began


async def test_bulk_waits_for_more_after_a_look_and_an_alarm_does_not() -> None:
    follower = Bell(gather_s=0.2)
    follower.ring(BULK)
    assert await heard_after(follower) < 0.1, "nothing was looked at lately"
    follower.ring(BULK)
    assert 0.1 < await heard_after(follower) < 0.5
    follower.ring(BULK)
    asyncio.get_running_loop().call_later(0.02, follower.ring, ALARMS)
    assert await heard_after(follower) < 0.15


async def test_without_a_ring_it_is_time_to_look_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "LOOK_S", 0.05)
    assert 0.04 < await heard_after(Bell(gather_s=0.0)) < 1.0
