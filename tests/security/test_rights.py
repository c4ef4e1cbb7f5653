"""One question, answered from memory, never older than two seconds."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from anju.domain.identity import AccountClass
from anju.domain.rights import EVERYWHERE, NOWHERE, Action, Grant, Located, Principal, Scope, ScopeKind
from anju.errors import DatabaseAway
from anju.security.rights import Rights
from anju.store import accounts, roles
from anju.store.database import Database
from anju.store.versions import Subject, bump
from tests.conftest import FrozenClock

GUARD = Principal("u1", "李刚")
SITE = "/510800/510802/psite1/"


@pytest_asyncio.fixture(loop_scope="session")
async def granted(db: Database, clock: FrozenClock) -> Database:
    """A guard of one 小区 and a police station."""
    async with db.transaction() as tx:
        await roles.put_builtin(tx)
        for account_id in ("u1", "u2"):
            await accounts.put(
                tx,
                account_id=account_id,
                username=account_id,
                name="李刚",
                account_class=AccountClass.OPERATOR,
                password_hash="",
                must_change=False,
                at=clock(),
            )
        await roles.set_grants(tx, "u1", [("guard", "place", SITE, None)])
        await roles.set_grants(tx, "u2", [("police_station", "jurisdiction", "510802530000", None)])
    return db


def rights_on(db: Database, clock: FrozenClock) -> Rights:
    return Rights(db, clock=clock, timer=lambda: clock().timestamp())


@pytest.fixture
def rights(granted: Database, clock: FrozenClock) -> Rights:
    return rights_on(granted, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def lost(granted: Database, clock: FrozenClock) -> AsyncIterator[tuple[Rights, Database]]:
    """Rights over a database that the test takes away by closing its door."""
    door = Database(granted.url, max_size=2)
    await door.open()
    yield rights_on(door, clock), door
    await door.close()


async def regrant(db: Database, account_id: str, *wanted: tuple[str, str, str, None]) -> None:
    async with db.transaction() as tx:
        await roles.set_grants(tx, account_id, wanted)
        await bump(tx, Subject.RIGHTS)


async def test_a_guard_of_one_site_reaches_that_site(rights: Rights) -> None:
    assert await rights.may(GUARD, Action.ALARMS_READ) == Scope(paths=(SITE,))
    assert await rights.holds(GUARD, Action.ALARMS_READ, Located(SITE + "b1/"))
    assert not await rights.holds(GUARD, Action.ALARMS_READ, Located("/510800/510802/psite10/"))
    assert await rights.may(GUARD, Action.USERS_WRITE) == NOWHERE


async def test_a_police_station_reaches_its_jurisdiction(rights: Rights) -> None:
    station = Principal("u2", "东坝派出所")
    assert await rights.holds(station, Action.ALARMS_READ, Located("/510800/x/", "510802530001"))
    assert not await rights.holds(station, Action.ALARMS_READ, Located("/510800/x/", "510802540000"))


async def test_grants_that_a_principal_carries_do_not_count_for_an_account(rights: Rights) -> None:
    carried = Grant("guard", frozenset(Action), ScopeKind.EVERYTHING)
    assert await rights.may(Principal("u1", "李刚", grants=(carried,)), Action.USERS_WRITE) == NOWHERE
    assert await rights.may(Principal("nobody", "", grants=(carried,)), Action.USERS_WRITE) == NOWHERE


async def test_rules_and_nodes_carry_theirs(rights: Rights) -> None:
    rule = Principal("r1", "夜间联动", "rule", (Grant("rule", frozenset({"commands.output"}), ScopeKind.EVERYTHING),))
    assert await rights.may(rule, Action.COMMANDS_OUTPUT) == EVERYWHERE
    assert await rights.may(rule, Action.COMMANDS_ARM) == NOWHERE


async def test_a_revoked_right_is_gone_in_every_process_after_two_seconds(
    granted: Database, clock: FrozenClock
) -> None:
    here, elsewhere = rights_on(granted, clock), rights_on(granted, clock)
    assert await here.may(GUARD, Action.ALARMS_READ)
    assert await elsewhere.may(GUARD, Action.ALARMS_READ)
    await regrant(granted, "u1")
    clock.forward(2)
    assert await here.may(GUARD, Action.ALARMS_READ) == NOWHERE
    assert await elsewhere.may(GUARD, Action.ALARMS_READ) == NOWHERE


async def test_a_refresh_makes_it_gone_at_once(rights: Rights, granted: Database) -> None:
    assert await rights.may(GUARD, Action.ALARMS_READ)
    await regrant(granted, "u1")
    await rights.refresh()
    assert await rights.may(GUARD, Action.ALARMS_READ) == NOWHERE


async def test_a_new_right_is_there_as_soon(rights: Rights, granted: Database, clock: FrozenClock) -> None:
    assert not await rights.may(GUARD, Action.ALARMS_REVIEW)
    await regrant(granted, "u1", ("shift_leader", "everything", "", None))
    clock.forward(2)
    assert await rights.may(GUARD, Action.ALARMS_REVIEW) == EVERYWHERE


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account SET state = 'disabled' WHERE id = 'u1'",
        "UPDATE account SET must_change = true WHERE id = 'u1'",
        "UPDATE role SET retired_at = now() WHERE id = 'guard'",
        "UPDATE role SET actions = '{}' WHERE id = 'guard'",
    ],
)
async def test_what_ends_a_right(rights: Rights, granted: Database, clock: FrozenClock, change: str) -> None:
    assert await rights.may(GUARD, Action.ALARMS_READ)
    async with granted.transaction() as tx:
        await tx.execute(change)
        await bump(tx, Subject.RIGHTS)
    clock.forward(2)
    assert await rights.may(GUARD, Action.ALARMS_READ) == NOWHERE


async def test_a_grant_ends_to_the_second_without_being_asked_for_anew(
    rights: Rights, granted: Database, clock: FrozenClock
) -> None:
    async with granted.transaction() as tx:
        await roles.set_grants(tx, "u1", [("guard", "everything", "", clock() + timedelta(seconds=1))])
    assert await rights.may(GUARD, Action.ALARMS_READ)
    clock.forward(1)
    assert await rights.may(GUARD, Action.ALARMS_READ) == NOWHERE


async def test_an_account_that_ends_takes_its_grants_with_it(
    rights: Rights, granted: Database, clock: FrozenClock
) -> None:
    ends = clock() + timedelta(seconds=1)
    await granted.execute("UPDATE account SET expires_at = %(ends)s WHERE id = 'u1'", ends=ends)
    assert await rights.may(GUARD, Action.ALARMS_READ)
    clock.forward(1)
    assert await rights.may(GUARD, Action.ALARMS_READ) == NOWHERE


async def test_without_a_database_what_is_known_holds_for_ten_seconds(
    lost: tuple[Rights, Database], clock: FrozenClock
) -> None:
    rights, door = lost
    assert await rights.may(GUARD, Action.PLACES_READ)
    await door.close()
    clock.forward(10)
    assert await rights.may(GUARD, Action.PLACES_READ)
    with pytest.raises(DatabaseAway):
        await rights.may(Principal("u2", "东坝派出所"), Action.PLACES_READ)
    clock.forward(1)
    assert await rights.may(GUARD, Action.PLACES_READ) == NOWHERE
    assert await rights.may(Principal("u2", "东坝派出所"), Action.PLACES_READ) == NOWHERE


async def test_without_a_database_the_alarm_desk_goes_on_for_an_hour(
    lost: tuple[Rights, Database], clock: FrozenClock
) -> None:
    rights, door = lost
    assert await rights.may(GUARD, Action.ALARMS_READ)
    await door.close()
    clock.forward(3600)
    assert await rights.may(GUARD, Action.ALARMS_READ) == Scope(paths=(SITE,))
    assert await rights.may(GUARD, Action.ALARMS_HANDLE) == Scope(paths=(SITE,))
    assert await rights.may(GUARD, Action.EVENTS_READ) == NOWHERE
    clock.forward(1)
    assert await rights.may(GUARD, Action.ALARMS_READ) == NOWHERE
