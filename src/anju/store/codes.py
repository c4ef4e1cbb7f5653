"""Segments of the 20-digit space: the county gives them to nodes, a node takes codes for its devices from its own.

Source: 4.3.
"""

from anju.domain.codes import Segment, check_segment, code_at, read_code
from anju.errors import Conflict
from anju.store.database import Executor, Transaction

_LOCK = "SELECT pg_advisory_xact_lock(7220004)"
_COLUMNS = "prefix, first, last, node, used"


async def segments(db: Executor) -> list[Segment]:
    """Return all segments known here, by prefix."""
    return [Segment(*row) for row in await db.fetch(f"SELECT {_COLUMNS} FROM code_segment ORDER BY prefix, first")]


async def allocate(tx: Transaction, segment: Segment) -> Segment:
    """Give ``segment`` to its node. Raises Invalid, or Conflict where a node has some of it already."""
    await tx.execute(_LOCK)
    check_segment(segment, await segments(tx))
    await tx.execute(
        "INSERT INTO code_segment (prefix, first, last, node) VALUES (%(prefix)s, %(first)s, %(last)s, %(node)s)",
        prefix=segment.prefix,
        first=segment.first,
        last=segment.last,
        node=segment.node,
    )
    return segment


async def take(tx: Transaction, node_id: str, type_code: str) -> str:
    """Return the next free code of ``type_code`` out of this node's segments. Raises Conflict where none is left."""
    await tx.execute(_LOCK)
    for segment in await segments(tx):
        if segment.node != node_id or segment.prefix[10:13] != type_code:
            continue
        for number in range(segment.used, segment.last - segment.first + 1):
            code = code_at(segment, number)
            if not await _is_used(tx, code):
                await _use(tx, segment, number + 1)
                return code
    raise Conflict("no_codes_left", f"this node has no codes of type {type_code} left: ask the county for a segment")


async def check_own(db: Executor, node_id: str, code: str) -> str:
    """Return ``code`` if a device of this node may carry it. Raises Invalid, or Conflict inside another's segment."""
    found = read_code(code)
    for segment in await segments(db):
        if segment.holds(found) and segment.node != node_id:
            raise Conflict("foreign_segment", f"{code} lies in the segment of node {segment.node}")
    return code


async def _is_used(tx: Transaction, code: str) -> bool:
    row = await tx.fetch_one(
        """SELECT EXISTS (SELECT FROM device WHERE code = %(code)s)
               OR EXISTS (SELECT FROM place WHERE code = %(code)s)
               OR EXISTS (SELECT FROM device_alias WHERE code = %(code)s)""",
        code=code,
    )
    return bool(row and row[0])


async def _use(tx: Transaction, segment: Segment, used: int) -> None:
    await tx.execute(
        "UPDATE code_segment SET used = %(used)s WHERE prefix = %(prefix)s AND first = %(first)s",
        used=used,
        prefix=segment.prefix,
        first=segment.first,
    )
