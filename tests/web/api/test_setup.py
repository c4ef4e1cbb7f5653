"""A new node has no account; its set-up link works once."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from anju.domain.changes import Lane
from anju.errors import Conflict
from anju.security import setup
from anju.store import log
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock
from tests.web.conftest import ADMINISTRATORS, MakeWeb, Web

THREE = [
    {"class": each.account_class, "username": each.username, "name": each.name, "password": each.password}
    for each in ADMINISTRATORS
]


def asked(token: str, **changes: Any) -> dict[str, Any]:
    return {"token": token, "node_name": "东坝一号院", "accounts": THREE, **changes}


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(client_for: MakeWeb, db: Database, node: NodeId, clock: FrozenClock) -> Web:
    return await client_for(db, node, clock)


async def test_set_up_makes_three_who_can_log_in(fresh: Web, db: Database, clock: FrozenClock) -> None:
    browser = await fresh.client()
    assert (await browser.get("/api/setup")).json()["needed"] is True
    answer = await browser.post("/api/setup", json=asked(await setup.make_link(db, clock=clock)))
    assert answer.status_code == 204, answer.text
    assert (await browser.get("/api/setup")).json()["needed"] is False
    for each in ADMINISTRATORS:
        logged_in = await fresh.login(each.username, each.password)
        assert (await logged_in.get("/api/session")).json()["account"]["class"] == each.account_class
    assert fresh.services.node.name == "东坝一号院"


async def test_the_tiers_above_hear_of_the_name(fresh: Web, db: Database, node: NodeId, clock: FrozenClock) -> None:
    browser = await fresh.client()
    named = asked(await setup.make_link(db, clock=clock), node_name=" 东坝二号院 ")
    assert (await browser.post("/api/setup", json=named)).status_code == 204
    (row,) = await log.read(db, Lane.BULK, node.epoch, 0, 10)
    assert (row.change.kind, row.change.object_id, row.change.body["name"]) == ("node", node.id, "东坝二号院")


async def test_a_link_works_once_and_no_other_is_made(fresh: Web, db: Database, clock: FrozenClock) -> None:
    browser, token = await fresh.client(), await setup.make_link(db, clock=clock)
    await browser.post("/api/setup", json=asked(token))
    again = await browser.post("/api/setup", json=asked(token))
    assert (again.status_code, again.json()["code"]) == (409, "set_up")
    with pytest.raises(Conflict):
        await setup.make_link(db, clock=clock)


async def test_of_two_at_the_same_moment_one_wins(fresh: Web, db: Database, clock: FrozenClock) -> None:
    browser, token = await fresh.client(), await setup.make_link(db, clock=clock)
    answers = await asyncio.gather(*(browser.post("/api/setup", json=asked(token)) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [204, 409, 409]


async def test_a_link_ends_after_a_day(fresh: Web, db: Database, clock: FrozenClock) -> None:
    token = await setup.make_link(db, clock=clock)
    clock.forward(24 * 3600)
    answer = await (await fresh.client()).post("/api/setup", json=asked(token))
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_link")


async def test_a_new_link_ends_the_one_before(fresh: Web, db: Database, clock: FrozenClock) -> None:
    old, _ = await setup.make_link(db, clock=clock), await setup.make_link(db, clock=clock)
    assert (await (await fresh.client()).post("/api/setup", json=asked(old))).status_code == 403


@pytest.mark.parametrize(
    ("accounts", "code"),
    [
        (THREE[:2], "three_administrators"),
        ([THREE[0], THREE[1], {**THREE[1], "username": "other", "name": "其他"}], "three_administrators"),
        ([THREE[0], THREE[1], {**THREE[2], "name": THREE[1]["name"]}], "three_people"),
        ([THREE[0], THREE[1], {**THREE[2], "password": THREE[1]["password"]}], "three_people"),
        ([THREE[0], THREE[1], {**THREE[2], "password": "short"}], "weak_password"),
        ([THREE[0], THREE[1], {**THREE[2], "username": "../etc"}], "bad_username"),
    ],
)
async def test_three_people_with_good_passwords_or_nothing(
    fresh: Web, db: Database, clock: FrozenClock, accounts: list[dict[str, str]], code: str
) -> None:
    token = await setup.make_link(db, clock=clock)
    answer = await (await fresh.client()).post("/api/setup", json=asked(token, accounts=accounts))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await setup.needed(db)


async def test_set_up_stands_in_the_operator_log_without_passwords(
    fresh: Web, db: Database, clock: FrozenClock
) -> None:
    await (await fresh.client()).post("/api/setup", json=asked(await setup.make_link(db, clock=clock)))
    rows = await db.fetch("SELECT outcome, detail FROM operator_log WHERE action = 'setup' ORDER BY seq")
    assert [row[0] for row in rows] == ["intent", "done"]
    assert "River" not in str(rows)
