"""Signed heads of the operator logs of the nodes below: kept here, where their own administrators do not reach.

Source: 6.3.2-c.
"""

from datetime import datetime

from anju.domain.docking import Head
from anju.store.database import Executor, Transaction

MOST = 5_000


async def keep(tx: Transaction, head: Head, *, at: datetime) -> bool:
    """Write a head once; return False where another head of the same seq is here: the log below was rewritten."""
    await tx.execute(
        """INSERT INTO anchor (node, segment, seq, sha256, sm3, signature, received_at)
           VALUES (%(node)s, '', %(seq)s, %(sha256)s, %(sm3)s, %(signature)s, %(at)s) ON CONFLICT DO NOTHING""",
        node=head.node,
        seq=head.seq,
        sha256=head.sha256,
        sm3=head.sm3,
        signature=head.signature,
        at=at,
    )
    row = await tx.fetch_one(
        "SELECT sha256 FROM anchor WHERE node = %(node)s AND segment = '' AND seq = %(seq)s",
        node=head.node,
        seq=head.seq,
    )
    return row is not None and bytes(row[0]) == head.sha256


async def of(db: Executor, node: str, *, after: int) -> list[Head]:
    """Return up to MOST heads of ``node`` after seq ``after``, in order."""
    rows = await db.fetch(
        """SELECT node, seq, sha256, sm3, signature FROM anchor WHERE node = %(node)s AND seq > %(after)s
           ORDER BY seq LIMIT %(limit)s""",
        node=node,
        after=after,
        limit=MOST,
    )
    return [Head(row[0], row[1], *(bytes(each) for each in row[2:])) for row in rows]
