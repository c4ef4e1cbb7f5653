"""Roles and who has them where."""

from anju.domain.rights import Grant, ScopeKind
from anju.store.database import Executor

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
