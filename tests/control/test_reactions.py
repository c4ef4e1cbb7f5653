"""A rule is a principal: it reaches its own community's devices through the corridor, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from anju.control.reactions import Reactions
from anju.domain.linkage import ActionState, Do, Then, decide
from anju.pipeline.link import Outcome
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.store import linkage
from tests.control.conftest import Post
from tests.control.test_corridor import Driver
from tests.domain.test_alarms import event
from tests.domain.test_linkage import LAMP, NIGHT, RULE


async def react(post: Post, folder: Path, then: Then = LAMP) -> Outcome:
    heard = replace(event(), id=uuid7(), received_at=post.clock())
    (action,) = decide([replace(RULE, then=(then,))], heard, NIGHT, now=post.clock())
    operator_log = OperatorLog(post.db, NodeKeys.load_or_make(folder), node=post.node.id)
    reactions = Reactions(post.db, post.node, post.corridor, operator_log, post.clock)
    return await reactions.perform(linkage.decided(action, heard))


async def device(post: Post, *, kind: str = "siren", site: str = "site", home: str = "community") -> None:
    await post.db.execute(
        """INSERT INTO device (id, site_id, place_id, place_path, kind, name, protocol, home_node)
           VALUES ('siren-1', %(site)s, %(site)s, '/510800/510802/' || %(site)s || '/', %(kind)s, '警号', 'mqtt',
               %(home)s)""",
        kind=kind,
        site=site,
        home=home,
    )


async def test_a_lamp_goes_on_by_a_command_under_the_rules_name(community: Post, tmp_path: Path) -> None:
    await device(community)
    outcome = await react(community, tmp_path)
    driver = Driver()
    await community.corridor.work("gateway", driver)
    (command,) = driver.done
    assert (outcome.state, outcome.command_id) == (ActionState.SENT, command.id)
    assert (command.principal_name, command.action) == ("西墙亮灯", "output")
    assert command.body == {"output": "1", "on": True, "seconds": 120}
    assert command.deadline == community.clock() + timedelta(seconds=10)
    assert await community.logged() == [
        ("commands.output", "intent"),
        ("commands.output", "done"),
        ("commands.output", "done"),
    ]


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"kind": "meter"}, "out_of_reach"),
        ({"kind": "barrier"}, "out_of_reach"),
        ({"site": "other"}, "outside_rule"),
        ({"home": "hamlet"}, "not_owner"),
    ],
)
async def test_out_of_reach_is_refused(community: Post, tmp_path: Path, where: dict[str, str], code: str) -> None:
    await device(community, **where)
    assert await react(community, tmp_path) == Outcome(ActionState.REFUSED, code)
    assert await community.command_states() == []


async def test_what_is_not_there_or_has_no_channel_is_refused(community: Post, tmp_path: Path) -> None:
    assert (await react(community, tmp_path)).code == "no_device"
    assert (await react(community, tmp_path, Then(Do.PUSH, words="西墙"))).code == "no_channel"
