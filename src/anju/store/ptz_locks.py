"""Who turns a camera: one at a time, until nothing came from him for a while; a higher priority takes over.

Source: 5.1.2.4 (control of devices), GB/T 28181 (ControlPriority).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from anju.store.database import Executor, Transaction

LASTS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Lock:
    """``holder`` turns the camera until ``until``; ``priority`` 1 (lowest) to 9."""

    channel_id: str
    holder_id: str
    holder: str
    priority: int
    until: datetime


_COLUMNS = "channel_id, holder_id, holder_name, priority, until"
_TAKE = f"""
    INSERT INTO ptz_lock ({_COLUMNS}) VALUES (%(channel)s, %(id)s, %(name)s, %(priority)s, %(until)s)
    ON CONFLICT (channel_id) DO UPDATE SET holder_id = EXCLUDED.holder_id, holder_name = EXCLUDED.holder_name,
        priority = EXCLUDED.priority, until = EXCLUDED.until
    WHERE ptz_lock.holder_id = EXCLUDED.holder_id OR ptz_lock.until <= %(at)s
        OR ptz_lock.priority < EXCLUDED.priority
    RETURNING {_COLUMNS}
"""


async def take(tx: Transaction, channel_id: str, holder: tuple[str, str], priority: int, *, at: datetime) -> Lock:
    """Take or renew the lock for ``holder`` (id, name) and return it; another's, if that one keeps it."""
    row = await tx.fetch_one(
        _TAKE, channel=channel_id, id=holder[0], name=holder[1], priority=priority, at=at, until=at + LASTS
    )
    if row is None:
        row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM ptz_lock WHERE channel_id = %(id)s", id=channel_id)
    assert row is not None  # noqa: S101 - it stood in the way a moment ago, and nobody deletes one that is held
    return Lock(*row)


async def held(db: Executor, channel_id: str, *, at: datetime) -> Lock | None:
    """Return who turns the camera now."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM ptz_lock WHERE channel_id = %(id)s AND until > %(at)s", id=channel_id, at=at
    )
    return Lock(*row) if row else None


async def release(tx: Transaction, channel_id: str, holder_id: str, *, at: datetime) -> None:
    """Let others turn the camera now."""
    await tx.execute(
        "UPDATE ptz_lock SET until = %(at)s WHERE channel_id = %(id)s AND holder_id = %(holder)s",
        id=channel_id,
        holder=holder_id,
        at=at,
    )
