"""Alarms live in PostgreSQL as the machine decides, and every step is a change."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from anju.domain.alarms import Act, Alarm, AlarmState, Person, Step
from anju.domain.changes import Change
from anju.domain.events import Event, EventKind, EventState
from anju.domain.rights import EVERYWHERE, Scope
from anju.errors import Conflict, NotFound
from anju.store import alarms
from anju.store.alarms import Wanted
from anju.store.database import Database
from tests.conftest import FrozenClock
from tests.domain.test_alarms import event

GUARD = Person("g1", "李保安", "community-1", "community")
LAST = UUID(int=2**128 - 1)


def heard(clock: FrozenClock, *, zone: str = "01/003", state: EventState = EventState.ACTIVE) -> Event:
    return replace(event(EventKind.INTRUSION, state), id=uuid7(), received_at=clock(), zone=zone)


async def tell(db: Database, clock: FrozenClock, *events: Event) -> list[Change]:
    async with db.transaction() as tx:
        return await alarms.on_events(tx, events, home_node="community-1", at=clock())


async def step(db: Database, clock: FrozenClock, alarm: str, what: Step, finding: str = "") -> list[Change]:
    async with db.transaction() as tx:
        return (await alarms.do(tx, EVERYWHERE, UUID(alarm), Act(what, GUARD, clock(), finding)))[1]


async def open_alarms(db: Database, clock: FrozenClock, scope: Scope = EVERYWHERE) -> list[dict[str, object]]:
    states = [state for state in AlarmState if state is not AlarmState.CLOSED]
    return await alarms.page(db, scope, Wanted(tuple(states)), before=(clock() + timedelta(days=1), LAST), limit=50)


async def test_an_intrusion_is_an_alarm_with_its_first_step(db: Database, clock: FrozenClock) -> None:
    changes = await tell(db, clock, heard(clock))
    assert [change.kind for change in changes] == ["alarm", "alarm_step"]
    assert [(row["state"], row["place_name"], row["count"]) for row in await open_alarms(db, clock)] == [
        ("new", "西围墙", 1)
    ]


async def test_a_stored_alarm_reads_back_the_same(db: Database, clock: FrozenClock) -> None:
    changes = await tell(db, clock, heard(clock))
    assert alarms.body(alarms.read_body(changes[0].body)) == changes[0].body


async def test_repeats_in_one_batch_and_the_next_are_counted_on_one_alarm(db: Database, clock: FrozenClock) -> None:
    await tell(db, clock, heard(clock), heard(clock))
    clock.forward(5)
    await tell(db, clock, heard(clock))
    assert [row["count"] for row in await open_alarms(db, clock)] == [3]


async def test_zones_alarm_apart(db: Database, clock: FrozenClock) -> None:
    await tell(db, clock, heard(clock), heard(clock, zone="01/004"))
    assert len(await open_alarms(db, clock)) == 2


async def test_three_keys_close_it_and_every_key_is_a_step(db: Database, clock: FrozenClock) -> None:
    alarm = (await tell(db, clock, heard(clock)))[0].object_id
    await step(db, clock, alarm, Step.ACKNOWLEDGE)
    await step(db, clock, alarm, Step.FINDING, "animal")
    await step(db, clock, alarm, Step.CLOSE)
    taken = await alarms.steps(db, EVERYWHERE, UUID(alarm))
    assert [each["action"] for each in taken] == ["raise", "acknowledge", "finding", "close"]
    assert await open_alarms(db, clock) == []


async def test_after_the_close_the_same_zone_raises_anew(db: Database, clock: FrozenClock) -> None:
    alarm = (await tell(db, clock, heard(clock)))[0].object_id
    for what, finding in ((Step.ACKNOWLEDGE, ""), (Step.FINDING, "animal"), (Step.CLOSE, "")):
        await step(db, clock, alarm, what, finding)
    clock.forward(1)
    again = (await tell(db, clock, heard(clock)))[0]
    assert again.object_id != alarm


async def test_an_alarm_outside_the_scope_does_not_exist(db: Database, clock: FrozenClock) -> None:
    alarm = (await tell(db, clock, heard(clock)))[0].object_id
    elsewhere = Scope(paths=("/510800/510802/other/",))
    async with db.transaction() as tx:
        with pytest.raises(NotFound):
            await alarms.do(tx, elsewhere, UUID(alarm), Act(Step.ACKNOWLEDGE, GUARD, clock()))
    assert await open_alarms(db, clock, elsewhere) == []
    assert await alarms.steps(db, elsewhere, UUID(alarm)) == []
    assert await alarms.counters(db, elsewhere) == {1: 0, 2: 0, 3: 0, 4: 0}


async def test_a_step_on_an_older_view_is_refused(db: Database, clock: FrozenClock) -> None:
    alarm = (await tell(db, clock, heard(clock)))[0].object_id
    wanted = Act(Step.ACKNOWLEDGE, GUARD, clock())
    async with db.transaction() as tx:
        with pytest.raises(Conflict, match="meanwhile"):
            await alarms.do(tx, EVERYWHERE, UUID(alarm), wanted, expected_version=7)


async def test_what_nobody_acknowledges_is_told_to_the_next_circle_once(db: Database, clock: FrozenClock) -> None:
    await tell(db, clock, replace(heard(clock), level=2))
    clock.forward(60)
    async with db.transaction() as tx:
        assert len(await alarms.escalate_due(tx, home_node="community-1", at=clock())) == 2
        assert await alarms.escalate_due(tx, home_node="community-1", at=clock()) == []
    assert await alarms.counters(db, EVERYWHERE) == {1: 0, 2: 1, 3: 0, 4: 0}


async def test_two_processes_that_meet_a_source_at_once_raise_one_alarm(db: Database, clock: FrozenClock) -> None:
    zones = [f"01/{number:03}" for number in range(20)]
    ways = (zones, zones[::-1], zones[7:] + zones[:7])
    await asyncio.gather(*(tell(db, clock, *(heard(clock, zone=zone) for zone in way)) for way in ways))
    assert [row["count"] for row in await open_alarms(db, clock)] == [3] * 20


async def test_of_a_batch_every_step_is_kept_and_of_the_alarm_its_last_state(db: Database, clock: FrozenClock) -> None:
    changes = await tell(db, clock, heard(clock), heard(clock), heard(clock, state=EventState.CLEARED))
    assert [(each.kind, each.version) for each in changes if each.kind == "alarm"] == [("alarm", v) for v in (1, 2, 3)]
    (row,) = await open_alarms(db, clock)
    assert (row["count"], row["returned"], row["version"]) == (2, True, 3)
    taken = await alarms.steps(db, EVERYWHERE, UUID(changes[0].object_id))
    assert [each["action"] for each in taken] == ["raise", "repeat", "return"]


async def test_raised_alarms_are_counted_by_hour_level_and_kind_and_drills_are_not(
    db: Database, clock: FrozenClock
) -> None:
    drill = replace(heard(clock, zone="01/009"), drill=True)
    await tell(db, clock, heard(clock), heard(clock), heard(clock, zone="01/004"), drill)
    assert await db.fetch("SELECT metric, label, count FROM rollup_hour") == [("alarms", "2|intrusion", 2)]


async def test_what_a_node_below_raised_is_counted_once(db: Database, clock: FrozenClock) -> None:
    alarm = Alarm(uuid7(), heard(clock), "hamlet", 2)
    for told in (alarm, alarm, replace(alarm, version=2)):
        async with db.transaction() as tx:
            await alarms.apply(tx, told, at=clock())
    assert await db.fetch("SELECT label, count FROM rollup_hour") == [("2|intrusion", 1)]


async def test_a_snapshot_holds_what_is_open_and_what_was_closed_lately(db: Database, clock: FrozenClock) -> None:
    zones = [heard(clock, zone=f"01/{number:03}") for number in range(205)]
    await tell(db, clock, *zones)
    clock.forward(60)
    closed = str(zones[0].id)
    for what, finding in ((Step.ACKNOWLEDGE, ""), (Step.FINDING, "animal"), (Step.CLOSE, "")):
        await step(db, clock, closed, what, finding)
    whole = [each async for each in alarms.all_changes(db)]
    assert len({each.object_id for each in whole}) == len(whole) == 204 * 2
    lately = [each async for each in alarms.all_changes(db, since=clock())]
    assert [each.kind for each in lately if closed in {each.object_id, each.body.get("alarm_id")}] == [
        "alarm",
        *["alarm_step"] * 4,
    ]
