"""A step is done where the alarm was raised; a tier above sends it there and sees it come back."""

from datetime import timedelta

import pytest

from anju.domain.alarms import Alarm, AlarmState, Instruction, Step
from anju.domain.changes import Lane
from anju.domain.commands import Command, CommandState
from anju.domain.drills import DrillKind, Plan, Source
from anju.domain.events import EventKind
from anju.domain.rights import EVERYWHERE, Scope
from anju.errors import Conflict, NotFound
from anju.store import alarms, drills
from anju.store.versions import Subject, current
from tests.control.conftest import GUARD, OPERATOR, Post

ACKNOWLEDGE = Instruction(Step.ACKNOWLEDGE)


async def test_a_step_at_home_is_done_at_once_and_told(community: Post) -> None:
    alarm = await community.raise_alarm()
    after = await community.desk.act(GUARD, EVERYWHERE, alarm, ACKNOWLEDGE)
    assert isinstance(after, Alarm)
    assert (after.state, after.owner and after.owner.name) == (AlarmState.ACKNOWLEDGED, "李保安")
    assert community.lanes == [frozenset({Lane.ALARMS})]


async def test_every_step_is_in_the_operator_log_the_refused_ones_too(community: Post) -> None:
    alarm = await community.raise_alarm()
    with pytest.raises(Conflict):
        await community.desk.act(GUARD, EVERYWHERE, alarm, Instruction(Step.CLOSE))
    await community.desk.act(GUARD, EVERYWHERE, alarm, ACKNOWLEDGE)
    assert await community.logged() == [
        ("alarm.close", "intent"),
        ("alarm.close", "refused"),
        ("alarm.acknowledge", "intent"),
        ("alarm.acknowledge", "done"),
    ]


async def test_an_alarm_outside_the_scope_is_not_there(community: Post) -> None:
    alarm = await community.raise_alarm()
    with pytest.raises(NotFound):
        await community.desk.act(GUARD, Scope(paths=("/other/",)), alarm, ACKNOWLEDGE)


async def test_the_county_sends_its_step_down_and_sees_it_done(community: Post, county: Post) -> None:
    alarm = await community.raise_alarm()
    await community.tell(county)
    sent = await county.desk.act(OPERATOR, EVERYWHERE, alarm, ACKNOWLEDGE)
    assert isinstance(sent, Command)
    assert sent.state is CommandState.WANTED
    assert (await county.alarm(alarm)).state is AlarmState.NEW, "nothing is claimed that the guard's desk does not have"
    for command in await county.corridor.take("community"):
        await community.corridor.execute(command)
    await community.tell(county)
    assert await county.command_states() == await community.command_states() == [("confirmed", "done")]
    assert (await county.alarm(alarm)).state is AlarmState.ACKNOWLEDGED
    assert await community.steps(alarm) == [("raise", "Anju", ""), ("acknowledge", "县操作员", "county")]
    assert await community.logged() == [("alarm.acknowledge", "intent"), ("alarm.acknowledge", "done")]


async def test_time_tells_the_next_circle_and_gives_it_its_full_time(community: Post) -> None:
    alarm = await community.raise_alarm(level=2)
    community.clock.forward(300)  # the machine was off for a while
    assert [await community.desk.tick(community.clock()) for _ in range(3)] == [1, 0, 0]
    community.clock.forward(60)
    await community.desk.tick(community.clock())
    assert (await community.alarm(alarm)).escalation == 2


async def test_time_ends_shelving(community: Post) -> None:
    alarm = await community.raise_alarm()
    until = community.clock() + timedelta(minutes=10)
    await community.desk.act(GUARD, EVERYWHERE, alarm, Instruction(Step.SHELVE, note="施工", until=until))
    community.clock.forward(599)
    assert await community.desk.tick(community.clock()) == 0
    community.clock.forward(1)
    await community.desk.tick(community.clock())
    assert (await community.alarm(alarm)).shelved_until is None
    assert ("unshelve", "Anju", "") in await community.steps(alarm)


async def test_a_tier_above_escalates_nothing(community: Post, county: Post) -> None:
    await community.raise_alarm(EventKind.FIRE, level=1)
    await community.tell(county)
    county.clock.forward(3600)
    assert await county.desk.tick(county.clock()) == 0


async def test_a_group_is_acknowledged_at_once(community: Post) -> None:
    for number in range(3):
        await community.raise_alarm(zone=f"01/{number:03}")
    (group,) = await alarms.groups(community.db, EVERYWHERE, limit=10)
    done = await community.desk.acknowledge_group(GUARD, EVERYWHERE, str(group["storm_key"]))
    assert done == {"acknowledged": 3, "sent": 0, "skipped": 0, "late": 0}
    assert await alarms.groups(community.db, EVERYWHERE, limit=10) == []


async def test_no_group_of_fires_is_acknowledged_at_once(community: Post) -> None:
    alarm = await community.raise_alarm(EventKind.FIRE, level=1)
    done = await community.desk.acknowledge_group(GUARD, EVERYWHERE, "p1|fire")
    assert done == {"acknowledged": 0, "sent": 0, "skipped": 1, "late": 0}
    assert (await community.alarm(alarm)).state is AlarmState.NEW


async def test_more_than_ten_in_ten_minutes_are_a_storm(community: Post) -> None:
    for number in range(10):
        await community.raise_alarm(zone=f"01/{number:03}")
    assert not await alarms.is_storm(community.db, EVERYWHERE, at=community.clock())
    await community.raise_alarm(zone="01/099")
    assert await alarms.is_storm(community.db, EVERYWHERE, at=community.clock())
    community.clock.forward(601)
    assert not await alarms.is_storm(community.db, EVERYWHERE, at=community.clock())


async def test_a_drill_is_known_until_its_time_is_over(community: Post) -> None:
    await panel(community)
    drill = await community.desk.start_drill(GUARD, EVERYWHERE, plan(community))
    assert (drill.site_id, drill.place_path) == ("site", "/510800/510802/site/")
    assert await drills.running(community.db) == [drill]
    community.clock.forward(3600)
    await community.desk.tick(community.clock())
    assert await drills.running(community.db) == []


async def test_who_takes_reports_in_hears_of_a_drill(community: Post) -> None:
    await panel(community)
    before = await current(community.db, Subject.REGISTRY)
    drill = await community.desk.start_drill(GUARD, EVERYWHERE, plan(community))
    await community.desk.end_drill(GUARD, EVERYWHERE, drill.id)
    assert await current(community.db, Subject.REGISTRY) == before + 2
    with pytest.raises(Conflict):
        await community.desk.end_drill(GUARD, EVERYWHERE, drill.id)


async def test_no_drill_on_devices_out_of_reach(community: Post) -> None:
    await panel(community)
    with pytest.raises(NotFound):
        await community.desk.start_drill(GUARD, Scope(paths=("/other/",)), plan(community))


async def test_no_drill_on_devices_of_another_node(community: Post) -> None:
    await panel(community, home="hamlet")
    with pytest.raises(Conflict):
        await community.desk.start_drill(GUARD, EVERYWHERE, plan(community))


async def panel(post: Post, *, home: str = "community") -> None:
    await post.db.execute(
        """INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node)
           VALUES ('p1', 'site', 'site', '/510800/510802/site/', 'alarm_panel', '主机', 'dc09', %(home)s)""",
        home=home,
    )


def plan(post: Post) -> Plan:
    return Plan(DrillKind.WALK_TEST, (Source("p1"),), post.clock() + timedelta(hours=1), "每月步行测试")
