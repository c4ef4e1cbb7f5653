"""Who is registered by GB/T 28181, where it is reached, which streams run: what a restart must know.

Source: 5.4.3 (GB/T 28181 registration and keepalive), 4.2.1.7 (device states).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from anju.store.database import Executor, Transaction


@dataclass(frozen=True, slots=True)
class Registration:
    """A device that registered. ``host``, ``port``, ``transport`` are where it was last heard from.

    ``local_host`` is our address it spoke to. ``interval_s`` and ``missed``: how it is set to keep alive, None where it
    never said. Over once ``ended_at`` is known.
    """

    device_id: str
    host: str
    port: int
    transport: str
    local_host: str
    contact: str
    call_id: str
    gb_version: str
    user_agent: str
    registered_at: datetime
    heard_at: datetime
    expires_at: datetime
    interval_s: float | None = None
    missed: int | None = None
    ended_at: datetime | None = None
    ended_reason: str = ""

    @property
    def live(self) -> bool:
        """Return whether it has not ended."""
        return self.ended_at is None


_NAMES = [each.name for each in fields(Registration)]
_COLUMNS = ", ".join(_NAMES)
_TYPES = {"port": "integer", "missed": "integer", "interval_s": "float8"}


def _type(name: str) -> str:
    return _TYPES.get(name) or ("timestamptz" if name.endswith("_at") else "text")


_PUT = f"""
    INSERT INTO sip_registration ({_COLUMNS})
    SELECT * FROM unnest({", ".join(f"%({name})s::{_type(name)}[]" for name in _NAMES)})
    ON CONFLICT (device_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES[1:])}
"""


async def put(tx: Transaction, found: Sequence[Registration]) -> None:
    """Write registrations, and when their devices were heard."""
    rows = sorted(found, key=lambda each: each.device_id)
    await tx.execute(_PUT, **{name: [getattr(each, name) for each in rows] for name in _NAMES})
    await tx.execute(
        """UPDATE device d SET heard_at = t.at FROM unnest(%(ids)s::text[], %(times)s::timestamptz[]) AS t (id, at)
           WHERE d.id = t.id AND (d.heard_at IS NULL OR d.heard_at < t.at)""",
        ids=[each.device_id for each in rows],
        times=[each.heard_at for each in rows],
    )


async def everyone(db: Executor) -> dict[str, Registration]:
    """Return the registrations of all devices, ended ones too."""
    return {row[0]: Registration(*row) for row in await db.fetch(f"SELECT {_COLUMNS} FROM sip_registration")}


async def find(db: Executor, device_id: str) -> Registration | None:
    """Return the registration of a device, ended or not."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM sip_registration WHERE device_id = %(id)s", id=device_id)
    return Registration(*row) if row else None


async def note_told(db: Executor, device_id: str, told: dict[str, Any]) -> None:
    """Write what a device says of itself, beside what it said of other things."""
    await db.execute(
        "UPDATE sip_registration SET told = told || %(told)s WHERE device_id = %(id)s", id=device_id, told=Jsonb(told)
    )


async def told_by(db: Executor, device_id: str) -> dict[str, Any]:
    """Return what a device said of itself."""
    row = await db.fetch_one("SELECT told FROM sip_registration WHERE device_id = %(id)s", id=device_id)
    return dict(row[0]) if row else {}


@dataclass(frozen=True, slots=True)
class OpenDialog:
    """A stream that runs; ``state`` is what its BYE needs."""

    call_id: str
    device_id: str
    channel_id: str
    purpose: str
    opened_at: datetime
    state: dict[str, Any]


async def open_dialog(db: Executor, dialog: OpenDialog) -> None:
    """Note that a stream runs."""
    await db.execute(
        """INSERT INTO sip_dialog (call_id, device_id, channel_id, purpose, opened_at, state)
           VALUES (%(call_id)s, %(device_id)s, %(channel_id)s, %(purpose)s, %(opened_at)s, %(state)s)
           ON CONFLICT (call_id) DO UPDATE SET state = EXCLUDED.state, opened_at = EXCLUDED.opened_at""",
        **{**asdict(dialog), "state": Jsonb(dialog.state)},
    )


async def close_dialog(db: Executor, call_id: str) -> None:
    """Note that a stream is over."""
    await db.execute("DELETE FROM sip_dialog WHERE call_id = %(id)s", id=call_id)


async def open_dialogs(db: Executor) -> list[OpenDialog]:
    """Return the streams that ran when they were last noted, oldest first."""
    rows = await db.fetch(
        "SELECT call_id, device_id, channel_id, purpose, opened_at, state FROM sip_dialog ORDER BY opened_at, call_id"
    )
    return [OpenDialog(*row) for row in rows]
