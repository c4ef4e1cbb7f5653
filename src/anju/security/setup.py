"""The first start: a link that works once makes the three administrators. There is no default account.

Source: 6.3.1, 6.3.2 (administrators apart).
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from anju.domain.changes import Lane
from anju.domain.docking import Standing
from anju.domain.identity import ADMIN_ROLES, ADMINISTRATORS
from anju.domain.rights import ScopeKind
from anju.errors import Conflict, Forbidden, Invalid
from anju.security.accounts import Accounts, NewAccount
from anju.store import accounts as store
from anju.store import links, log, roles, setup
from anju.store.database import Database, Executor, Transaction
from anju.store.versions import Subject, bump

TOKEN_BYTES = 32
LASTS = timedelta(hours=24)


def _now() -> datetime:
    return datetime.now(UTC)


async def needed(db: Executor) -> bool:
    """Return whether nobody can log in yet: there is no account at all."""
    return not await store.any_there(db)


async def make_link(db: Database, *, clock: Callable[[], datetime] = _now) -> str:
    """Return the token of a new set-up link, good for 24 hours and one use; links made before end.

    Raises Conflict once there is an account.
    """
    token, at = secrets.token_urlsafe(TOKEN_BYTES), clock()
    async with db.transaction() as tx:
        await setup.alone(tx)
        if not await needed(tx):
            raise Conflict("set_up", "this node is set up already")
        await setup.put_link(tx, _hash(token), made_at=at, expires_at=at + LASTS)
    return token


async def set_up(
    db: Database,
    accounts: Accounts,
    token: str,
    *,
    node_name: str,
    wanted: Sequence[NewAccount],
    clock: Callable[[], datetime] = _now,
) -> list[str]:
    """Name the node, make the built-in roles and the three administrators; return their ids.

    Raises Forbidden ``bad_link`` for a link that is unknown, used or over, Conflict once there is an account, Invalid
    where it is not one person for each class.
    """
    await _check_link(db, token, clock())
    _check_three(wanted)
    prepared = [await accounts.prepare(each) for each in wanted]
    async with db.transaction() as tx:
        await setup.alone(tx)
        if not await needed(tx):
            raise Conflict("set_up", "this node is set up already")
        if not await setup.use_link(tx, _hash(token), clock()):
            raise Forbidden("bad_link", "this set-up link is unknown, used or over: start Anju again for a new one")
        await roles.put_builtin(tx)
        for each in prepared:
            await accounts.put(tx, each, must_change=False)
            role = ADMIN_ROLES[each.wanted.account_class]
            await roles.set_grants(tx, each.account_id, [(role, ScopeKind.EVERYTHING, "", None)])
        await bump(tx, Subject.RIGHTS)
        await _rename(tx, node_name.strip(), at=clock())
    return [each.account_id for each in prepared]


async def _rename(tx: Transaction, name: str, *, at: datetime) -> None:
    """Name the node, and have the tiers above hear of it."""
    before = await log.this_node(tx)
    await setup.name_node(tx, name)
    if name != before.name:
        told = links.standing_change(Standing(before.id, name, before.tier, at, 0, {}))
        await log.append(tx, Lane.BULK, [told], at=at, node=before)


async def _check_link(db: Executor, token: str, at: datetime) -> None:
    """Refuse early what is no link: hashing passwords costs more than looking."""
    if not await needed(db):
        raise Conflict("set_up", "this node is set up already")
    if not await setup.link_is_good(db, _hash(token), at):
        raise Forbidden("bad_link", "this set-up link is unknown, used or over: start Anju again for a new one")


def _check_three(wanted: Sequence[NewAccount]) -> None:
    if len(wanted) != len(ADMINISTRATORS) or {each.account_class for each in wanted} != ADMINISTRATORS:
        raise Invalid("three_administrators", "name one system, one security and one audit administrator")
    for what in ("username", "name", "password"):
        if len({getattr(each, what).strip().casefold() for each in wanted}) != len(wanted):
            raise Invalid("three_people", f"the three administrators are three people: each has a {what} of his own")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
