"""The last messages of each GB/T 28181 device: a ring of so many, digests masked before they come here.

Source: 8-g (what was exchanged can be shown), 6 (secrets are not disclosed).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from anju.store.database import Executor, Transaction

KEPT, KEPT_SIGNS = 64, 6
"""Messages kept of a device, and keepalives: those would else push all others out."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message: its place in the ring, ``in`` or ``out``, and what it is in short."""

    device_id: str
    slot: int
    at: datetime
    direction: str
    peer: str
    title: str
    bytes: bytes


async def put(tx: Transaction, told: Sequence[Exchange]) -> None:
    """Write messages over those that had their slots."""
    newest = sorted({(each.device_id, each.slot): each for each in told}.items())
    await tx.execute_many(
        """INSERT INTO sip_exchange (device_id, slot, at, direction, peer, title, bytes)
           VALUES (%(device_id)s, %(slot)s, %(at)s, %(direction)s, %(peer)s, %(title)s, %(bytes)s)
           ON CONFLICT (device_id, slot) DO UPDATE SET at = EXCLUDED.at, direction = EXCLUDED.direction,
               peer = EXCLUDED.peer, title = EXCLUDED.title, bytes = EXCLUDED.bytes""",
        [asdict(each) for _, each in newest],
    )


async def last(db: Executor, device_id: str, *, limit: int = KEPT + KEPT_SIGNS) -> list[dict[str, Any]]:
    """Return the last messages of a device, newest first; bytes are text as far as they can be read."""
    rows = await db.fetch(
        """SELECT at, direction, peer, title, bytes FROM sip_exchange WHERE device_id = %(id)s
           ORDER BY at DESC, slot LIMIT %(limit)s""",
        id=device_id,
        limit=limit,
    )
    names = ("at", "direction", "peer", "title")
    return [{**dict(zip(names, row[:4], strict=True)), "text": _text(bytes(row[4]))} for row in rows]


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")
