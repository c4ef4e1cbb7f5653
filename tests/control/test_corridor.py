"""A command is done once, by its owner, in time; whoever did not hear says unknown and tries nothing again."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from anju.control.corridor import Target, no_driver
from anju.domain.alarms import AlarmState, Instruction, Step
from anju.domain.changes import Lane
from anju.domain.commands import Command
from anju.domain.rights import EVERYWHERE
from anju.errors import Conflict, DeviceSilent, Invalid, WireError
from anju.store import commands, log
from anju.store.commands import Grant
from tests.control.conftest import OPERATOR, Post

PANEL = Target("device", "d1", "site", "/510800/510802/site/", "", "community")
WITHIN = timedelta(seconds=30)


async def sent(community: Post, county: Post, step: Instruction | None = None) -> tuple[UUID, Command]:
    """Return an alarm of the community and the county's command about it, on its way."""
    alarm = await community.raise_alarm()
    await community.tell(county)
    await county.desk.act(OPERATOR, EVERYWHERE, alarm, step or Instruction(Step.ACKNOWLEDGE))
    (command,) = await county.corridor.take("community")
    return alarm, command


async def test_a_repeated_delivery_is_done_once(community: Post, county: Post) -> None:
    alarm, command = await sent(community, county)
    done = [await community.corridor.execute(command) for _ in range(3)]
    assert {each.state for each in done} == {"confirmed"}
    assert len(await community.steps(alarm)) == 2


async def test_after_its_deadline_it_is_refused(community: Post, county: Post) -> None:
    alarm, command = await sent(community, county)
    community.clock.forward(31)
    assert (await community.corridor.execute(command)).outcome == "too_late"
    assert (await community.alarm(alarm)).state is AlarmState.NEW


async def test_a_time_out_is_unknown_and_nothing_goes_down_again(community: Post, county: Post) -> None:
    await sent(community, county)
    county.clock.forward(31)
    assert await county.corridor.expire(county.clock()) == 1
    assert await county.command_states() == [("unknown", "no_answer")]
    assert await county.corridor.take("community") == []


async def test_the_owners_word_replaces_unknown(community: Post, county: Post) -> None:
    _, command = await sent(community, county)
    await community.corridor.execute(command)
    county.clock.forward(31)
    await county.corridor.expire(county.clock())
    await community.tell(county)
    assert await county.command_states() == [("confirmed", "done")]


async def test_what_never_left_is_unknown_too(community: Post, county: Post) -> None:
    alarm = await community.raise_alarm()
    await community.tell(county)
    await county.desk.act(OPERATOR, EVERYWHERE, alarm, Instruction(Step.ACKNOWLEDGE))
    county.clock.forward(31)
    await county.corridor.expire(county.clock())
    assert await county.command_states() == [("unknown", "never_sent")]


async def test_a_delivery_without_an_outcome_is_made_again_after_a_while(community: Post, county: Post) -> None:
    _, command = await sent(community, county)
    assert await county.corridor.take("community") == []
    county.clock.forward(5)
    assert [each.id for each in await county.corridor.take("community")] == [command.id]


async def test_what_the_machine_refuses_comes_back_with_its_code(community: Post, county: Post) -> None:
    _, command = await sent(community, county, Instruction(Step.CLOSE))
    assert (await community.corridor.execute(command)).outcome == "is_new"
    await community.tell(county)
    assert await county.command_states() == [("refused", "is_new")]


async def test_every_word_about_a_command_is_in_the_alarms_lane(community: Post, county: Post) -> None:
    await sent(community, county)
    rows = await log.read(county.db, Lane.ALARMS, county.node.epoch, 0, 10)
    assert [(row.change.kind, row.change.body["state"]) for row in rows] == [("command", "wanted"), ("command", "sent")]


async def test_a_node_between_hands_it_on(community: Post, county: Post) -> None:
    _, command = await sent(community, county)
    further = replace(command, owner_node="hamlet")
    await community.db.execute("INSERT INTO lower_route (node, via) VALUES ('hamlet', 'station')")
    assert (await community.corridor.execute(further)).state == "wanted"
    assert [each.id for each in await community.corridor.take("station")] == [command.id]


@pytest.mark.parametrize(
    "forged",
    [
        {"by": {"id": "u-guard", "name": "李保安", "node": "community", "tier": "community"}},
        {"by": {"id": "u-other", "name": "县操作员", "node": "county", "tier": "county"}},
        {"by": "nobody"},
        {"note": "\0"},
        {"until": "tomorrow"},
        {"expected_version": "x"},
    ],
)
async def test_a_forged_or_malformed_step_is_refused(community: Post, county: Post, forged: dict[str, object]) -> None:
    alarm, command = await sent(community, county)
    done = await community.corridor.execute(replace(command, body={**command.body, **forged}))
    assert done.state == "refused"
    assert len(await community.steps(alarm)) == 1


async def test_a_device_is_closed_to_tiers_above(community: Post, county: Post) -> None:
    command = await county.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    assert (await community.corridor.execute(command)).outcome == "not_granted"


async def test_a_node_below_cannot_make_us_send_anything(community: Post, county: Post) -> None:
    told = await community.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    async with county.db.transaction() as tx:
        assert await commands.apply(tx, commands.change(told))
    assert await county.corridor.take("community") == []


async def test_a_node_below_speaks_only_for_its_own_commands(community: Post, county: Post) -> None:
    _, command = await sent(community, county)
    lie = replace(command.ended(command.state, "done", county.clock()), state=command.state.CONFIRMED, site_id="mine")
    async with county.db.transaction() as tx:
        assert not await commands.apply(tx, commands.change(lie))
    assert await county.command_states() == [("sent", "")]


async def test_a_command_needs_a_time_limit(county: Post) -> None:
    with pytest.raises(Invalid):
        await county.corridor.want(OPERATOR, "arm", PANEL, {}, within=timedelta(days=1))


async def panel(post: Post, *, kind: str = "alarm_panel") -> None:
    await post.db.execute(
        """INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node)
           VALUES ('d1', 'site', 'site', '/510800/510802/site/', %(kind)s, '主机', 'dc09', 'community')""",
        kind=kind,
    )


async def open_to_above(post: Post, action: str, place_path: str = "/510800/510802/") -> None:
    at, until = post.clock(), post.clock() + timedelta(hours=1)
    async with post.db.transaction() as tx:
        await commands.grant(tx, Grant(uuid7(), action, place_path, "夜间无人值守", "王队长", at, until))


@dataclass
class Driver:
    """A driver as a process has it: it does what it is told, or answers as it is set to."""

    trouble: Exception | None = None
    done: list[Command] = field(default_factory=list)

    async def __call__(self, command: Command) -> None:
        if self.trouble:
            raise self.trouble
        self.done.append(command)


async def test_a_devices_command_is_done_once_by_the_process_that_owns_it(community: Post) -> None:
    driver, other = Driver(), Driver()
    await community.corridor.want(OPERATOR, "arm", PANEL, {"area": "01"}, within=WITHIN)
    assert await community.corridor.work("gateway-1", driver) == 1
    assert await community.corridor.work("gateway-2", other) == 0
    assert [(each.action, each.fencing) for each in driver.done] == [("arm", 1)]
    assert await community.command_states() == [("confirmed", "done")]
    await community.corridor.want(OPERATOR, "disarm", PANEL, {"area": "01"}, within=WITHIN)
    assert await community.corridor.work("gateway-2", other) == 0
    assert await community.corridor.work("gateway-1", driver) == 1


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Conflict("busy", "it is busy"), ("refused", "busy")),
        (DeviceSilent("no answer"), ("unknown", "no_answer")),
        (WireError("odd", data=b""), ("unknown", "failed")),
    ],
)
async def test_what_the_driver_says_is_the_outcome(community: Post, trouble: Exception, state: tuple[str, str]) -> None:
    await community.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    await community.corridor.work("gateway-1", Driver(trouble))
    assert await community.command_states() == [state]
    assert await community.corridor.work("gateway-1", Driver()) == 0, "nothing is tried again by itself"


async def test_a_crash_in_the_middle_is_unknown_and_not_done_again(community: Post) -> None:
    await community.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    with pytest.raises(ZeroDivisionError):
        await community.corridor.work("gateway-1", Driver(ZeroDivisionError()))
    assert await community.corridor.work("gateway-1", Driver()) == 0
    community.clock.forward(31)
    await community.corridor.expire(community.clock())
    assert await community.command_states() == [("unknown", "no_answer")]


async def test_what_waited_too_long_is_refused_by_its_owner(community: Post) -> None:
    await community.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    community.clock.forward(31)
    assert await community.corridor.work("gateway-1", Driver()) == 0
    await community.corridor.expire(community.clock())
    assert await community.command_states() == [("refused", "too_late")]


async def test_a_device_nobody_can_command_says_so(community: Post) -> None:
    await community.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    await community.corridor.work("worker", no_driver)
    assert await community.command_states() == [("refused", "no_driver")]


async def test_a_grant_opens_a_device_for_its_time(community: Post, county: Post) -> None:
    await panel(community)
    await open_to_above(community, "arm")
    command = await county.corridor.want(OPERATOR, "arm", PANEL, {"area": ""}, within=WITHIN)
    driver = Driver()
    await community.corridor.execute(command)
    await community.corridor.execute(command)
    await community.corridor.work("gateway-1", driver)
    assert [each.id for each in driver.done] == [command.id]
    community.clock.forward(3600)
    late = await county.corridor.want(OPERATOR, "arm", PANEL, {}, within=WITHIN)
    assert (await community.corridor.execute(late)).outcome == "not_granted"


@pytest.mark.parametrize(
    ("action", "body", "path", "kind", "outcome"),
    [
        ("disarm", {}, "/510800/510802/", "alarm_panel", "not_granted"),
        ("arm", {}, "/510800/510802/site/b1/", "alarm_panel", "not_granted"),
        ("arm", {"area": 1}, "/510800/510802/", "alarm_panel", "area"),
        ("arm", {}, "/510800/510802/", "meter", "out_of_reach"),
    ],
)
async def test_a_grant_opens_nothing_else(
    community: Post, county: Post, action: str, body: dict[str, Any], path: str, kind: str, outcome: str
) -> None:
    await panel(community, kind=kind)
    await open_to_above(community, "arm", path)
    command = await county.corridor.want(OPERATOR, action, PANEL, body, within=WITHIN)
    assert (await community.corridor.execute(command)).outcome == outcome


async def test_where_a_device_is_its_own_node_knows_best(community: Post, county: Post) -> None:
    await panel(community)
    await open_to_above(community, "arm", "/elsewhere/")
    lie = await county.corridor.want(OPERATOR, "arm", replace(PANEL, place_path="/elsewhere/"), {}, within=WITHIN)
    assert (await community.corridor.execute(lie)).outcome == "not_granted"


async def test_commands_are_served_at_once_each_devices_in_order_and_a_silent_one_holds_up_no_other(
    community: Post,
) -> None:
    news, silent, done = asyncio.Event(), asyncio.Event(), list[tuple[str, int]]()
    everything = asyncio.Event()

    async def perform(command: Command) -> None:
        if command.target_id == "d1":
            await silent.wait()
        done.append((command.target_id, command.body["n"]))
        if len(done) == 4:
            everything.set()

    serving = asyncio.create_task(community.corridor.serve("gateway", perform, news, every_s=30))
    try:
        for device, number in (("d1", 1), ("d2", 1), ("d2", 2), ("d1", 2)):
            await community.corridor.want(OPERATOR, "ptz", replace(PANEL, id=device), {"n": number}, within=WITHIN)
        news.set()
        async with asyncio.timeout(5):
            while len(done) < 2:  # noqa: ASYNC110 - two of four, and then none more
                await asyncio.sleep(0.01)
        assert done == [("d2", 1), ("d2", 2)]
        silent.set()
        async with asyncio.timeout(5):
            await everything.wait()
        assert done[2:] == [("d1", 1), ("d1", 2)]
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
