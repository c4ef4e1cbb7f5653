"""What the security administrator does to roles.

Source: 6.3.2 (access policy configured by those authorised to).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from anju.domain.identity import AccountClass, check_actions
from anju.domain.rights import Principal
from anju.errors import Conflict, Forbidden
from anju.security.accounts import new_id
from anju.store import roles as store
from anju.store.database import Database, Transaction
from anju.store.roles import Role
from anju.store.versions import Subject, bump


class Roles:
    """Makes, changes and retires roles; every change is told to all processes with its commit."""

    def __init__(self, db: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._db, self._clock = db, clock

    async def create(self, name: str, name_en: str, account_class: AccountClass, actions: Sequence[str]) -> str:
        """Make a role and return its id. Raises Invalid for actions its class may not hold."""
        check_actions(actions, account_class)
        role_id = new_id("r")
        async with self._db.transaction() as tx:
            wanted = sorted(set(actions))
            await store.put(
                tx, role_id, name=name.strip(), name_en=name_en.strip(), account_class=account_class, actions=wanted
            )
            await bump(tx, Subject.RIGHTS)
        return role_id

    async def change(
        self,
        by: Principal,
        role_id: str,
        *,
        name: str | None = None,
        name_en: str | None = None,
        actions: Sequence[str] | None = None,
    ) -> None:
        """Change what is not None, for everybody who has the role. Raises Forbidden for a built-in or an own role."""
        async with self._changing(by, role_id) as (tx, role):
            wanted = role.actions if actions is None else tuple(sorted(set(actions)))
            check_actions(wanted, role.account_class)
            await store.change(
                tx,
                role_id,
                name=(role.name if name is None else name).strip(),
                name_en=(role.name_en if name_en is None else name_en).strip(),
                actions=wanted,
            )

    async def retire(self, by: Principal, role_id: str) -> None:
        """End a role: whoever has it can do nothing by it any more."""
        async with self._changing(by, role_id) as (tx, _):
            await store.retire(tx, role_id, self._clock())

    @asynccontextmanager
    async def _changing(self, by: Principal, role_id: str) -> AsyncIterator[tuple[Transaction, Role]]:
        async with self._db.transaction() as tx:
            role = await store.find(tx, role_id, lock=True)
            if role.builtin:
                raise Forbidden("builtin", "built-in roles stay as they are: make one of your own")
            if role.retired_at is not None:
                raise Conflict("retired", "this role is retired")
            if role_id in await store.held(tx, by.id):
                raise Forbidden("yourself", "nobody changes a role that he holds himself")
            yield tx, role
            await bump(tx, Subject.RIGHTS)
