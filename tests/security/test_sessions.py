"""Sessions by themselves: what the routes do not show."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from anju.domain.identity import AccountClass
from anju.domain.rights import Action
from anju.errors import DatabaseAway
from anju.security.policies import Policies
from anju.security.sessions import Sessions
from anju.store import accounts, roles
from anju.store.database import Database
from anju.store.log import NodeId
from tests.conftest import FrozenClock


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(db: Database, node: NodeId, clock: FrozenClock) -> Database:
    assert node
    async with db.transaction() as tx:
        await roles.put_builtin(tx)
        given = {"account_class": AccountClass.OPERATOR, "password_hash": "", "must_change": False, "at": clock()}
        await accounts.put(tx, account_id="u1", username="ligang", name="李刚", **given)  # type: ignore[arg-type]
        await roles.set_grants(tx, "u1", [("guard", "everything", "", None)])
    return db


@pytest_asyncio.fixture(loop_scope="session")
async def door(guarded: Database) -> AsyncIterator[Database]:
    """A door of its own to the database, for the test to shut."""
    opened = Database(guarded.url, max_size=2)
    await opened.open()
    yield opened
    await opened.close()


def sessions_on(db: Database, clock: FrozenClock) -> Sessions:
    return Sessions(db, Policies(db, timer=lambda: clock().timestamp()), clock=clock)


async def test_a_session_brings_its_principal_with_grants_and_node(guarded: Database, clock: FrozenClock) -> None:
    sessions = sessions_on(guarded, clock)
    found = await sessions.find(await sessions.open("u1", proved=True))
    assert found is not None
    session, who = found
    assert (who.id, who.name, who.kind, who.node) == ("u1", "李刚", "account", "510802-1")
    assert Action.ALARMS_HANDLE in who.grants[0].actions
    assert (session.locked, session.account_class) == (False, "operator")


@pytest.mark.parametrize("token", ["", "x", "A" * 10_000, "\x00", "令牌", "\ud800"])
async def test_what_is_no_token_finds_nobody(guarded: Database, clock: FrozenClock, token: str) -> None:
    assert await sessions_on(guarded, clock).find(token) is None


async def test_an_open_page_alone_keeps_no_session_alive(guarded: Database, clock: FrozenClock) -> None:
    sessions = sessions_on(guarded, clock)
    token = await sessions.open("u1", proved=True)
    for _ in range(15):
        clock.forward(60)
        found = await sessions.find(token, active=False)
    assert found is not None
    assert found[0].locked


async def test_being_seen_is_written_at_most_once_a_minute(guarded: Database, clock: FrozenClock) -> None:
    sessions = sessions_on(guarded, clock)
    token, began = await sessions.open("u1", proved=True), clock()
    clock.forward(59)
    await sessions.find(token)
    assert await guarded.fetch("SELECT seen_at FROM session") == [(began,)]
    clock.forward(1)
    await sessions.find(token)
    assert await guarded.fetch("SELECT seen_at FROM session") == [(clock(),)]


async def test_while_the_database_is_away_a_known_session_stays_for_an_hour(door: Database, clock: FrozenClock) -> None:
    sessions = sessions_on(door, clock)
    token = await sessions.open("u1", proved=True)
    known = await sessions.find(token)
    await door.close()
    clock.forward(3600)
    assert await sessions.find(token) == known
    with pytest.raises(DatabaseAway):
        await sessions.find("another")
    clock.forward(1)
    assert await sessions.find(token) is None
