"""A command is done once, by its owner, in time; whoever did not hear says unknown and tries nothing again."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from anju.control.corridor import Target
from anju.domain.alarms import AlarmState, Instruction, Step
from anju.domain.changes import Lane
from anju.domain.commands import Command
from anju.domain.rights import EVERYWHERE
from anju.errors import Invalid
from anju.store import commands, log
from tests.control.conftest import OPERATOR, Post

PANEL = Target("device", "d1", "site", "/510800/510802/site/", "", "community")


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
    command = await county.corridor.want(OPERATOR, "arm", PANEL, {}, within=timedelta(seconds=30))
    assert (await community.corridor.execute(command)).outcome == "not_granted"


async def test_a_node_below_cannot_make_us_send_anything(community: Post, county: Post) -> None:
    told = await community.corridor.want(OPERATOR, "arm", PANEL, {}, within=timedelta(seconds=30))
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
