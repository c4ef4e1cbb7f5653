"""Leases: one process owns a thing for a time; the fencing number tells a late owner from the one after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from anju.store.database import Executor


@dataclass(frozen=True, slots=True)
class Lease:
    """``holder`` owns ``resource`` until then. ``fencing`` grows with every change of holder."""

    resource: str
    holder: str
    fencing: int
    until: datetime


_ACQUIRE = """
    INSERT INTO lease (resource, holder, fencing, until) VALUES (%(resource)s, %(holder)s, 1, %(until)s)
    ON CONFLICT (resource) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until,
        fencing = lease.fencing + CASE WHEN lease.holder = EXCLUDED.holder AND lease.until > %(at)s THEN 0 ELSE 1 END
    WHERE lease.holder = EXCLUDED.holder OR lease.until <= %(at)s
    RETURNING fencing
"""


async def acquire(db: Executor, resource: str, holder: str, *, at: datetime, lasts: timedelta) -> Lease | None:
    """Take or renew the lease; None while another holds it. A lease that ran out comes back with a new number."""
    row = await db.fetch_one(_ACQUIRE, resource=resource, holder=holder, at=at, until=at + lasts)
    return Lease(resource, holder, int(row[0]), at + lasts) if row else None


async def holds(db: Executor, lease: Lease, *, at: datetime) -> bool:
    """Return whether ``lease`` is the newest of its resource and has not run out."""
    row = await db.fetch_one(
        "SELECT FROM lease WHERE resource = %(resource)s AND fencing = %(fencing)s AND until > %(at)s",
        resource=lease.resource,
        fencing=lease.fencing,
        at=at,
    )
    return row is not None


async def release(db: Executor, lease: Lease, *, at: datetime) -> None:
    """Give it up; whoever comes next gets the next number."""
    await db.execute(
        "UPDATE lease SET until = %(at)s WHERE resource = %(resource)s AND fencing = %(fencing)s",
        resource=lease.resource,
        fencing=lease.fencing,
        at=at,
    )
