"""What a passage's page tells beside the passage: its clock, its way through the tiers, its own part of a request.

Source: 5.2.2.1, 5.2.3 (passages reach the tiers above), 8-g (accurate, complete, traceable).
"""

from datetime import datetime
from typing import Any

import msgspec

from anju.domain.vehicles import Passage
from anju.store import traces
from anju.store.database import Executor
from anju.store.passages import Kept
from anju.store.traces import Row
from anju.web.context import Services

ABOVE = {"community": "county", "county": "city"}
_CLOCK = """
    SELECT at, device_time, offset_ms FROM clock_ledger
    WHERE device_id = %(device)s AND at <= %(at)s AND at > %(at)s - interval '1 day' ORDER BY at DESC LIMIT 1
"""


async def clock(db: Executor, passage: Passage) -> dict[str, Any] | None:
    """Return the row of the clock ledger that tells of ``passage``'s device when it passed (校时台账)."""
    row = await db.fetch_one(_CLOCK, device=passage.device_id, at=passage.received_at)
    return {"at": row[0].isoformat(), "device_time": row[1].isoformat(), "offset_ms": row[2]} if row else None


async def path(here: Services, kept: Kept) -> list[dict[str, Any]]:
    """Return where a passage was when, from its device to the highest tier that is known to have it.

    ``at`` is None where the time is another node's secret, ``seq`` is the row of that node's log.
    """
    found, node = kept.passage, here.node
    row = await traces.logged(here.db, node, "passage", str(found.id), kept.kept_at)
    hops = [_hop(found.device_name, "", "captured", found.passed_at)] if found.clock_offset_ms is not None else []
    if row is None or row.origin.node == node.id:
        hops.append(_hop(node.name, node.tier, "received", found.received_at))
        hops.append(_hop(node.name, node.tier, "kept", kept.kept_at, row))
    else:
        name, tier = await traces.node_below(here.db, row.origin.node)
        hops.append(_hop(name, tier, "received", found.received_at) | {"seq": row.origin.seq})
        hops.append(_hop(node.name, node.tier, "came", kept.kept_at, row))
    return hops + (await _above(here, row) if row else [])


async def _above(here: Services, row: Row) -> list[dict[str, Any]]:
    found = await traces.above(here.db, here.node, row.seq)
    if found is None:
        return []
    what = "acknowledged" if found.acknowledged else "waiting"
    return [_hop(found.name or found.node, ABOVE.get(here.node.tier, ""), what, None)]


def _hop(node: str, tier: str, what: str, at: datetime | None, row: Row | None = None) -> dict[str, Any]:
    return {
        "node": node,
        "tier": tier,
        "what": what,
        "at": at.isoformat() if at else None,
        "seq": row.seq if row else None,
    }


def own_object(data: bytes, object_id: str) -> str:
    """Return the object with ``object_id`` out of a request as JSON text; the whole request where it cannot be found.

    Other vehicles of the same request are nobody's business here.
    """
    try:
        found = _search(msgspec.json.decode(data), object_id)
    except msgspec.DecodeError:
        found = None
    return msgspec.json.encode(found).decode() if found is not None else data.decode("utf-8", "replace")


def _search(told: Any, object_id: str) -> dict[str, Any] | None:
    """Return the innermost object of which a member is ``object_id``; lists of pictures name it again further in."""
    if isinstance(told, dict):
        if object_id in (value for value in told.values() if isinstance(value, str)):
            return told
        return next((found for each in told.values() if (found := _search(each, object_id))), None)
    if isinstance(told, list):
        return next((found for each in told if (found := _search(each, object_id))), None)
    return None
