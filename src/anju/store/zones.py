"""Zones of panels and their arming, as the registry and the gateway need them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from anju.domain.devices import Armed, Zone, arming
from anju.domain.events import Event, EventKind
from anju.store.database import Executor, Transaction

_OF = """
    SELECT z.device_id, z.area, z.number, z.name, z.place_id, z.place_path, coalesce(p.name, ''), z.kind,
           z.bypassed_until, z.bypass_reason
    FROM zone z LEFT JOIN place p ON p.id = z.place_id
    WHERE z.retired_at IS NULL AND z.device_id = ANY(%(devices)s) ORDER BY z.device_id, z.area, z.number
"""


async def of(db: Executor, devices: Sequence[str]) -> dict[str, tuple[Zone, ...]]:
    """Return the zones of each of ``devices``; a device without zones is left out."""
    found: dict[str, list[Zone]] = {}
    for device, *row in await db.fetch(_OF, devices=list(devices)):
        area, number, name, place_id, place_path, place_name, kind, until, reason = row
        zone = Zone(area, number, name, place_id, place_path, place_name, kind and EventKind(kind), until, reason)
        found.setdefault(device, []).append(zone)
    return {device: tuple(zones) for device, zones in found.items()}


_PUT = """
    INSERT INTO zone (device_id, area, number, name, place_id, place_path, kind, bypassed_until, bypass_reason)
    VALUES (%(device_id)s, %(area)s, %(number)s, %(name)s, %(place_id)s, %(place_path)s, %(kind)s,
        %(bypassed_until)s, %(bypass_reason)s)
    ON CONFLICT (device_id, area, number) DO UPDATE SET name = EXCLUDED.name, place_id = EXCLUDED.place_id,
        place_path = EXCLUDED.place_path, kind = EXCLUDED.kind, bypassed_until = EXCLUDED.bypassed_until,
        bypass_reason = EXCLUDED.bypass_reason, retired_at = NULL
"""


async def put(tx: Transaction, device_id: str, zones: Sequence[Zone], *, at: datetime) -> None:
    """Make ``zones`` the zones of the device; one that is not among them is retired at ``at``."""
    await tx.execute(
        """UPDATE zone SET retired_at = %(at)s WHERE device_id = %(device)s AND retired_at IS NULL
           AND (area, number) NOT IN (SELECT * FROM unnest(%(areas)s::text[], %(numbers)s::text[]))""",
        at=at,
        device=device_id,
        areas=[each.area for each in zones],
        numbers=[each.number for each in zones],
    )
    rows: list[dict[str, Any]] = [{**asdict(each), "device_id": device_id} for each in zones]
    await tx.execute_many(_PUT, rows)


_ARM = """
    INSERT INTO arming (device_id, area, armed, mode, at, by_user)
    VALUES (%(device_id)s, %(area)s, %(armed)s, %(mode)s, %(at)s, %(by_user)s)
    ON CONFLICT (device_id, area) DO UPDATE SET armed = EXCLUDED.armed, mode = EXCLUDED.mode, at = EXCLUDED.at,
        by_user = EXCLUDED.by_user WHERE arming.at <= EXCLUDED.at
"""


async def note_arming(tx: Transaction, events: Iterable[Event]) -> None:
    """Write what fresh ``events`` say of arming, in the transaction that keeps them; in key order against deadlock."""
    told = [armed for event in events if (armed := arming(event))]
    rows = [asdict(each) for each in sorted(told, key=lambda each: (each.device_id, each.area, each.at))]
    if rows:
        await tx.execute_many(_ARM, rows)


async def armed(db: Executor, device_id: str) -> list[Armed]:
    """Return the arming state of each area of the panel that ever told one."""
    rows = await db.fetch(
        """SELECT device_id, area, armed, mode, at, by_user FROM arming WHERE device_id = %(device)s ORDER BY area""",
        device=device_id,
    )
    return [Armed(*row) for row in rows]
