"""The operator log as kept: written only through ``operator_log_append``, read in order."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows somebody asks for; what is empty or None does not narrow.

    ``principal`` and ``q`` are pieces: of who acted, of target or detail. ``action`` is an action or its beginning.
    """

    principal: str = ""
    action: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""


_COLUMNS = """seq, at, principal_id, principal_name, principal_node, action, target, outcome, peer, detail, previous,
    hash"""
_WANTED = """(%(principal)s = '' OR principal_id = %(principal)s
        OR position(lower(%(principal)s) IN lower(principal_name)) > 0)
    AND action ^@ %(action)s AND (%(outcome)s = '' OR outcome = %(outcome)s)
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    AND (%(q)s = '' OR position(lower(%(q)s) IN lower(target)) > 0 OR position(lower(%(q)s) IN lower(detail)) > 0)"""


async def page(db: Executor, wanted: Filter, *, before: int, limit: int) -> list[Row]:
    """Return rows before seq ``before``, newest first."""
    query = f"""SELECT {_COLUMNS} FROM operator_log WHERE seq < %(before)s AND {_WANTED}
                ORDER BY seq DESC LIMIT %(limit)s"""
    return [Row(*row) for row in await db.fetch(query, before=before, limit=limit, **asdict(wanted))]


async def count(db: Executor, wanted: Filter, *, upto: int) -> int:
    """Return how many rows up to and with seq ``upto`` are wanted."""
    query = f"SELECT count(*) FROM operator_log WHERE seq <= %(upto)s AND {_WANTED}"
    row = await db.fetch_one(query, upto=upto, **asdict(wanted))
    return int(row[0]) if row else 0


async def wanted_rows(db: Executor, wanted: Filter, *, upto: int) -> AsyncIterator[Row]:
    """Yield the wanted rows up to and with seq ``upto``, oldest first."""
    after = -1
    query = f"""SELECT {_COLUMNS} FROM operator_log WHERE seq > %(after)s AND seq <= %(upto)s AND {_WANTED}
                ORDER BY seq LIMIT %(limit)s"""
    while page_of := await db.fetch(query, after=after, upto=upto, limit=PAGE, **asdict(wanted)):
        for row in page_of:
            yield Row(*row)
        after = page_of[-1][0]


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head as kept: of this node, or of one below that sent it up."""

    node: str
    segment: str
    seq: int
    sha256: bytes
    sm3: bytes
    signature: bytes
    received_at: datetime


async def heads(db: Executor, node: str, *, limit: int = 100_000) -> list[Head]:
    """Return the heads kept here of ``node``, newest first."""
    rows_of = await db.fetch(
        """SELECT node, segment, seq, sha256, sm3, signature, received_at FROM anchor
           WHERE node = %(node)s ORDER BY seq DESC LIMIT %(limit)s""",
        node=node,
        limit=limit,
    )
    return [Head(*row) for row in rows_of]


async def keep_head(db: Executor, head: Head) -> None:
    """Keep a signed head; one that is there stays."""
    await db.execute(
        """INSERT INTO anchor (node, segment, seq, sha256, sm3, signature, received_at)
           VALUES (%(node)s, %(segment)s, %(seq)s, %(sha256)s, %(sm3)s, %(signature)s, %(received_at)s)
           ON CONFLICT DO NOTHING""",
        **asdict(head),
    )


async def rows(db: Executor) -> AsyncIterator[Row]:
    """Yield every row from the first to the newest, a page at a time."""
    after = -(2**62)
    while True:
        page = await db.fetch(
            f"""SELECT {_COLUMNS} FROM operator_log WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s""",
            after=after,
            limit=PAGE,
        )
        for row in page:
            yield Row(*row)
        if len(page) < PAGE:
            return
        after = page[-1][0]
