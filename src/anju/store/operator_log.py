"""The operator log as kept: written only through ``operator_log_append``, read in order."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from anju.store.database import Executor

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``detail`` is JSON text. ``hash`` covers ``previous`` and every other field."""

    seq: int
    at: datetime
    principal_id: str
    principal_name: str
    principal_node: str
    action: str
    target: str
    outcome: str
    peer: str
    detail: str
    previous: bytes
    hash: bytes


async def append(
    db: Executor,
    *,
    principal_id: str,
    principal_name: str,
    principal_node: str,
    action: str,
    target: str,
    outcome: str,
    peer: str,
    detail: str,
) -> int:
    """Seal one row and return its seq. The program's own role can do nothing else to the table."""
    row = await db.fetch_one(
        """SELECT operator_log_append(%(principal_id)s, %(principal_name)s, %(principal_node)s, %(action)s, %(target)s,
               %(outcome)s, %(peer)s, %(detail)s)""",
        principal_id=principal_id,
        principal_name=principal_name,
        principal_node=principal_node,
        action=action,
        target=target,
        outcome=outcome,
        peer=peer,
        detail=detail,
    )
    return int(row[0]) if row else 0


async def last(db: Executor) -> tuple[int, bytes] | None:
    """Return seq and hash of the newest row, None for an empty log."""
    row = await db.fetch_one("SELECT seq, hash FROM operator_log ORDER BY seq DESC LIMIT 1")
    return (int(row[0]), bytes(row[1])) if row else None


async def rows(db: Executor) -> AsyncIterator[Row]:
    """Yield every row from the first to the newest, a page at a time."""
    after = -(2**62)
    while True:
        page = await db.fetch(
            """SELECT seq, at, principal_id, principal_name, principal_node, action, target, outcome, peer, detail,
                   previous, hash
               FROM operator_log WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s""",
            after=after,
            limit=PAGE,
        )
        for row in page:
            yield Row(*row)
        if len(page) < PAGE:
            return
        after = page[-1][0]
