"""Built-in roles on a node that an older program set up."""

from anju.domain.identity import BUILTIN_ROLES
from anju.domain.rights import Action
from anju.store import roles
from anju.store.database import Database

GUARD = next(each for each in BUILTIN_ROLES if each.id == "guard")


async def put(db: Database) -> bool:
    async with db.transaction() as tx:
        return await roles.put_builtin(tx)


async def test_an_older_nodes_roles_gain_what_a_newer_program_may_do(db: Database) -> None:
    await put(db)
    await db.execute("UPDATE role SET actions = array_remove(actions, 'vehicles.read') WHERE id = 'guard'")
    assert await put(db)
    found = await roles.find(db, "guard")
    assert (found.actions, found.version) == (tuple(sorted(GUARD.actions)), 2)


async def test_roles_that_are_right_stay_untouched(db: Database) -> None:
    await put(db)
    assert not await put(db)
    assert (await roles.find(db, "guard")).version == 1


async def test_a_role_of_ones_own_is_left_alone(db: Database) -> None:
    await put(db)
    await db.execute(
        "INSERT INTO role (id, name, class, actions) VALUES ('own', '巡逻员', 'operator', '{alarms.read}')"
    )
    await put(db)
    assert (await roles.find(db, "own")).actions == (Action.ALARMS_READ,)
