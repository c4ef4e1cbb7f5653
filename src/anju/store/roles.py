"""Roles and who has them where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anju.domain.identity import BUILTIN_ROLES, AccountClass
from anju.domain.rights import Grant, ScopeKind
from anju.errors import NotFound
from anju.store.database import Executor, Row, Transaction


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of actions for accounts of one class."""

    id: str
    name: str
    name_en: str
    account_class: AccountClass
    actions: tuple[str, ...]
    builtin: bool
    version: int
    retired_at: datetime | None


_COLUMNS = "id, name, name_en, class, actions, builtin, version, retired_at"


def _role(row: Row) -> Role:
    return Role(row[0], row[1], row[2], AccountClass(row[3]), tuple(sorted(row[4])), *row[5:])


_GRANTS = """
    SELECT g.role_id, r.actions, g.scope_kind, g.scope_value, least(g.expires_at, a.expires_at)
    FROM role_grant g JOIN role r ON r.id = g.role_id JOIN account a ON a.id = g.account_id
    WHERE g.account_id = %(account_id)s AND r.retired_at IS NULL AND a.state = 'active' AND NOT a.must_change
    ORDER BY g.role_id, g.scope_kind, g.scope_value
"""


async def grants(db: Executor, account_id: str) -> tuple[Grant, ...]:
    """Return what counts for an account: nothing while it is disabled or its password must be changed.

    A grant ends with its account where that ends first.
    """
    rows = await db.fetch(_GRANTS, account_id=account_id)
    return tuple(Grant(row[0], frozenset(row[1]), ScopeKind(row[2]), row[3], row[4]) for row in rows)


async def held(db: Executor, account_id: str) -> frozenset[str]:
    """Return the ids of the roles an account was granted, whether they count now or not."""
    rows = await db.fetch("SELECT role_id FROM role_grant WHERE account_id = %(id)s", id=account_id)
    return frozenset(row[0] for row in rows)


async def set_grants(tx: Transaction, account_id: str, wanted: Sequence[tuple[str, str, str, datetime | None]]) -> None:
    """Make ``wanted`` (role, scope kind, scope value, end) all that an account is granted."""
    await tx.execute("DELETE FROM role_grant WHERE account_id = %(id)s", id=account_id)
    await tx.execute_many(
        """INSERT INTO role_grant (account_id, role_id, scope_kind, scope_value, expires_at)
           VALUES (%(id)s, %(role_id)s, %(kind)s, %(value)s, %(expires_at)s)
           ON CONFLICT (account_id, role_id, scope_kind, scope_value) DO UPDATE SET expires_at = EXCLUDED.expires_at""",
        [
            {"id": account_id, "role_id": role_id, "kind": kind, "value": value, "expires_at": expires_at}
            for role_id, kind, value, expires_at in wanted
        ],
    )


async def place_is_there(db: Executor, place_path: str) -> bool:
    """Return whether a place that is not retired has this path."""
    query = "SELECT 1 FROM place WHERE place_path = %(path)s AND retired_at IS NULL"
    return await db.fetch_one(query, path=place_path) is not None


async def all_roles(db: Executor) -> list[Role]:
    """Return every role, the built-in ones first, the retired ones last."""
    query = f"SELECT {_COLUMNS} FROM role ORDER BY retired_at IS NOT NULL, NOT builtin, class, name, id LIMIT 1000"
    return [_role(row) for row in await db.fetch(query)]


async def find(db: Executor, role_id: str, *, lock: bool = False) -> Role:
    """Return one role, locked for change inside a transaction. Raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM role WHERE id = %(id)s{' FOR UPDATE' if lock else ''}"
    row = await db.fetch_one(query, id=role_id)
    if row is None:
        raise NotFound("no_role", "there is no such role")
    return _role(row)


async def put(
    tx: Transaction, role_id: str, *, name: str, name_en: str, account_class: AccountClass, actions: Sequence[str]
) -> None:
    """Make a role."""
    await tx.execute(
        """INSERT INTO role (id, name, name_en, class, actions)
           VALUES (%(id)s, %(name)s, %(name_en)s, %(account_class)s, %(actions)s)""",
        id=role_id,
        name=name,
        name_en=name_en,
        account_class=account_class,
        actions=list(actions),
    )


async def change(tx: Transaction, role_id: str, *, name: str, name_en: str, actions: Sequence[str]) -> None:
    """Change a role for everybody who has it."""
    await tx.execute(
        """UPDATE role SET name = %(name)s, name_en = %(name_en)s, actions = %(actions)s, version = version + 1
           WHERE id = %(id)s""",
        id=role_id,
        name=name,
        name_en=name_en,
        actions=list(actions),
    )


async def retire(tx: Transaction, role_id: str, at: datetime) -> None:
    """End a role: its grants stay written and count no more."""
    query = "UPDATE role SET retired_at = %(at)s, version = version + 1 WHERE id = %(id)s AND retired_at IS NULL"
    await tx.execute(query, id=role_id, at=at)


_BUILTIN = """
    INSERT INTO role (id, name, name_en, class, actions, builtin)
    VALUES (%(id)s, %(name)s, %(name_en)s, %(account_class)s, %(actions)s, true)
    ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, name_en = EXCLUDED.name_en, actions = EXCLUDED.actions,
        version = role.version + 1
    WHERE (role.name, role.name_en, role.actions) IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.name_en, EXCLUDED.actions)
"""


async def put_builtin(tx: Transaction) -> bool:
    """Make the built-in roles, or bring them to what this program means by them; return whether any changed."""
    changed = [
        await tx.execute(
            _BUILTIN,
            id=each.id,
            name=each.zh,
            name_en=each.en,
            account_class=each.account_class,
            actions=sorted(each.actions),
        )
        for each in BUILTIN_ROLES
    ]
    return any(changed)
