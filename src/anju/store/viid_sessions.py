"""Who is registered by GA/T 1400 and when it was last heard: a restart loses no session, processes share them.

Source: 4.3 (GA/T 1400 part 4: registration, keepalive), 4.2.1.7 (device states).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from anju.store.database import Executor, Transaction

_COLUMNS = "device_id, peer, registered_at, heard_at, unregistered_at"


@dataclass(frozen=True, slots=True)
class Session:
    """A device that registered from the address ``peer``; over once ``unregistered_at`` is known."""

    device_id: str
    peer: str
    registered_at: datetime
    heard_at: datetime
    unregistered_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Return whether the device may go on without registering again."""
        return self.unregistered_at is None


async def register(tx: Transaction, device_id: str, peer: str, *, at: datetime) -> Session:
    """Begin a session, in place of the one there was."""
    await tx.execute(
        f"""INSERT INTO viid_session ({_COLUMNS}) VALUES (%(id)s, %(peer)s, %(at)s, %(at)s, NULL)
            ON CONFLICT (device_id) DO UPDATE SET peer = EXCLUDED.peer, registered_at = EXCLUDED.registered_at,
                heard_at = EXCLUDED.heard_at, unregistered_at = NULL""",
        id=device_id,
        peer=peer,
        at=at,
    )
    return Session(device_id, peer, at, at)


async def unregister(tx: Transaction, device_id: str, *, at: datetime) -> None:
    """End a session."""
    await tx.execute(
        """UPDATE viid_session SET unregistered_at = %(at)s, heard_at = greatest(heard_at, %(at)s)
           WHERE device_id = %(id)s AND unregistered_at IS NULL""",
        id=device_id,
        at=at,
    )


async def everyone(db: Executor) -> dict[str, Session]:
    """Return the sessions of all devices, ended ones too."""
    return {row[0]: Session(*row) for row in await db.fetch(f"SELECT {_COLUMNS} FROM viid_session")}


async def find(db: Executor, device_id: str) -> Session | None:
    """Return the session of a device."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM viid_session WHERE device_id = %(id)s", id=device_id)
    return Session(*row) if row else None


async def heard(tx: Transaction, when: Mapping[str, datetime]) -> None:
    """Note when devices were last heard; a later time noted by another process stays."""
    ids = sorted(when)
    told = {"ids": ids, "times": [when[each] for each in ids]}
    later = "FROM unnest(%(ids)s::text[], %(times)s::timestamptz[]) AS t (id, at)"
    await tx.execute(
        f"UPDATE viid_session s SET heard_at = t.at {later} WHERE s.device_id = t.id AND s.heard_at < t.at", **told
    )
    await tx.execute(
        f"""UPDATE device d SET heard_at = t.at {later}
            WHERE d.id = t.id AND (d.heard_at IS NULL OR d.heard_at < t.at)""",
        **told,
    )


@dataclass(frozen=True, slots=True)
class Silence:
    """A device whose silence begins to count, or is over."""

    device_id: str
    account: str
    heard_at: datetime
    state_at: datetime
    silent: bool

    @property
    def key(self) -> str:
        """Return what tells this silence, or its end, from the next; the same in every process."""
        return f"{self.account}|silent|{(self.heard_at if self.silent else self.state_at).isoformat()}|{self.silent}"


_DUE = """
    SELECT id, account, heard_at, state_at, silent FROM (
        SELECT d.id, d.account, coalesce(s.heard_at, d.heard_at) AS heard_at, d.state_at, d.silent AS told,
            s.unregistered_at IS NULL
            AND CASE WHEN d.silent THEN coalesce(s.heard_at, d.heard_at)
                     ELSE greatest(coalesce(s.heard_at, d.heard_at), %(since)s) END
            < %(at)s - %(misses)s * make_interval(secs => coalesce((d.body->>'supervision_s')::float8, %(period_s)s))
            AS silent
        FROM device d LEFT JOIN viid_session s ON s.device_id = d.id
        WHERE d.home_node = %(node)s AND d.protocol = 'viid' AND d.retired_at IS NULL
            AND (s.device_id IS NOT NULL OR d.heard_at IS NOT NULL AND d.body->>'supervision_s' IS NOT NULL)
    ) AS line WHERE told <> silent ORDER BY id LIMIT 200
"""


async def due(
    db: Executor, node_id: str, *, at: datetime, since: datetime, misses: int, period_s: float
) -> Sequence[Silence]:
    """Return what must be told: devices silent for ``misses`` periods, and silent ones that were heard again.

    Devices behind a gateway have no session of their own: they must be heard where a supervision time is declared.
    ``since`` is when we began to listen: a silence of our own is not the device's.
    """
    rows = await db.fetch(_DUE, node=node_id, at=at, since=since, misses=misses, period_s=period_s)
    return [Silence(*row) for row in rows]


async def told(tx: Transaction, silence: Silence) -> None:
    """Note that a silence, or its end, was told."""
    await tx.execute(
        "UPDATE device SET silent = %(silent)s WHERE id = %(id)s", id=silence.device_id, silent=silence.silent
    )
