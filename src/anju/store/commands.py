"""Commands as kept: each a row, every word about it a change in the alarms lane.

A row that a node below told of is a record only: what goes down was wanted here or came from above (``downward``).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.changes import Change
from anju.domain.commands import Command, CommandState
from anju.domain.rights import Scope
from anju.errors import NotFound
from anju.store.database import IN_SCOPE, Executor, Transaction

HAND_AGAIN_AFTER = timedelta(seconds=5)
"""A command handed down whose outcome did not come is handed down again: its owner does it once, by its id."""
_NAMES = [field.name for field in fields(Command)]
_COLUMNS = ", ".join(_NAMES)
_PLACES = ", ".join(f"%({name})s" for name in _NAMES)


def body(command: Command) -> dict[str, Any]:
    """Return ``command`` as the log, the other tiers and the console see it: JSON only."""
    plain: dict[str, Any] = msgspec.to_builtins(asdict(command))
    return plain


def read_body(stored: dict[str, Any]) -> Command:
    """Return the command that ``body`` wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(stored, Command, strict=False)


def change(command: Command) -> Change:
    """Return ``command`` as a row of the log."""
    where = (command.site_id, command.place_path, command.jurisdiction)
    return Change("command", str(command.id), command.version, *where, body=body(command))


async def insert(tx: Transaction, command: Command, *, downward: bool) -> bool:
    """Write a new command; return False where its id is here already."""
    query = f"INSERT INTO command ({_COLUMNS}, downward) VALUES ({_PLACES}, %(downward)s) ON CONFLICT DO NOTHING"
    return await tx.execute(query, **_row(command), downward=downward) == 1


async def update(tx: Transaction, command: Command) -> None:
    """Write how far ``command`` came."""
    await tx.execute(
        """UPDATE command SET state = %(state)s, sent_at = %(sent_at)s, ended_at = %(ended_at)s, outcome = %(outcome)s,
               fencing = %(fencing)s WHERE id = %(id)s""",
        **_row(command),
    )


async def lock(tx: Transaction, command_id: UUID) -> Command | None:
    """Return the command and keep others from moving it until the commit."""
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM command WHERE id = %(id)s FOR UPDATE", id=command_id)
    return _read(row) if row else None


async def apply(tx: Transaction, told: Change) -> bool:
    """Take in what a node below says of a command; return False where as much is known already.

    It may end a command of ours that it owns; it can neither change what was wanted nor make us hand anything down.
    Raises msgspec.ValidationError for a malformed body.
    """
    command = read_body(told.body)
    if await insert(tx, command, downward=False):
        return True
    here = await lock(tx, command.id)
    if here is None or command.version <= here.version or not _same(here, command, told):
        return False
    await update(tx, command)
    return True


def _same(here: Command, told: Command, by: Change) -> bool:
    """Return whether both are the same command: a node cannot speak for one whose place or owner is not its own."""
    mine = (here.owner_node, here.site_id, here.place_path, here.action, here.target_id)
    return mine == (told.owner_node, by.site_id, by.place_path, told.action, told.target_id)


_FOR_NODE = f"""
    SELECT {_COLUMNS} FROM command
    WHERE downward AND state IN ('wanted', 'sent') AND deadline > %(at)s
      AND (state = 'wanted' OR sent_at <= %(again)s)
      AND (owner_node = %(via)s OR owner_node IN (SELECT node FROM lower_route WHERE via = %(via)s))
    ORDER BY wanted_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""


async def for_node(tx: Transaction, via: str, *, at: datetime, limit: int) -> list[tuple[Command, list[Change]]]:
    """Return what must go down through the paired node ``via``, marked sent, each with what that changes."""
    rows = await tx.fetch(_FOR_NODE, via=via, at=at, again=at - HAND_AGAIN_AFTER, limit=limit)
    handed = []
    for before in map(_read, rows):
        after = before.sent(at)
        await update(tx, after)
        handed.append((after, [change(after)] if before.state is CommandState.WANTED else []))
    return handed


async def overdue(tx: Transaction, *, at: datetime, limit: int) -> list[Command]:
    """Return locked commands whose deadline passed without a word of their owner."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM command WHERE state IN ('wanted', 'sent') AND deadline <= %(at)s
            ORDER BY deadline LIMIT %(limit)s FOR UPDATE SKIP LOCKED""",
        at=at,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def for_owner(tx: Transaction, owner_node: str, *, at: datetime, limit: int) -> list[Command]:
    """Return locked device commands that wait for ``owner_node`` to do them, oldest first."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM command WHERE state = 'wanted' AND owner_node = %(owner)s AND deadline > %(at)s
               AND target_kind = 'device' ORDER BY wanted_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED""",
        owner=owner_node,
        at=at,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def granted(db: Executor, action: str, place_path: str, *, at: datetime) -> bool:
    """Return whether tiers above may do ``action`` to devices at ``place_path`` now."""
    row = await db.fetch_one(
        """SELECT FROM command_grant WHERE action = %(action)s AND %(path)s ^@ place_path AND revoked_at IS NULL
               AND granted_at <= %(at)s AND expires_at > %(at)s LIMIT 1""",
        action=action,
        path=place_path,
        at=at,
    )
    return row is not None


@dataclass(frozen=True, slots=True)
class Grant:
    """Tiers above may do ``action`` to devices below ``place_path`` until it ends or is taken back."""

    id: UUID
    action: str
    place_path: str
    reason: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


_GRANT_NAMES = [field.name for field in fields(Grant)]
_GRANT = ", ".join(_GRANT_NAMES)
_GRANT_IN_SCOPE = (
    "(%(scope_everything)s OR EXISTS (SELECT FROM unnest(%(scope_paths)s::text[]) p WHERE place_path ^@ p))"
)


async def grant(tx: Transaction, given: Grant) -> None:
    """Write a grant."""
    places = ", ".join(f"%({name})s" for name in _GRANT_NAMES)
    await tx.execute(f"INSERT INTO command_grant ({_GRANT}) VALUES ({places})", **asdict(given))


async def grants(db: Executor, scope: Scope) -> list[Grant]:
    """Return the newest 200 grants whose whole subtree lies inside ``scope``, also those that are over."""
    query = f"SELECT {_GRANT} FROM command_grant WHERE {_GRANT_IN_SCOPE} ORDER BY granted_at DESC, id LIMIT 200"
    return [Grant(*row) for row in await db.fetch(query, **scope.bounds())]


async def revoke(tx: Transaction, scope: Scope, grant_id: UUID, *, at: datetime) -> None:
    """Take a grant back. Raises NotFound outside ``scope`` or where it was taken back already."""
    query = f"""UPDATE command_grant SET revoked_at = %(at)s
        WHERE id = %(id)s AND revoked_at IS NULL AND {_GRANT_IN_SCOPE}"""
    if not await tx.execute(query, id=grant_id, at=at, **scope.bounds()):
        raise NotFound("no_grant", "there is no such grant here")


async def find(db: Executor, scope: Scope, command_id: UUID) -> Command:
    """Return one command inside ``scope``. Raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM command WHERE id = %(id)s AND {IN_SCOPE}"
    row = await db.fetch_one(query, id=command_id, **scope.bounds())
    if row is None:
        raise NotFound("no_command", "there is no such command here")
    return _read(row)


async def page(
    db: Executor,
    scope: Scope,
    *,
    target_id: str | None = None,
    states: Sequence[str] | None = None,
    before: tuple[datetime, UUID],
    limit: int,
) -> list[Command]:
    """Return commands inside ``scope``, newest first; go on with the last one's time and id."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM command WHERE {IN_SCOPE} AND (wanted_at, id) < (%(before_at)s, %(before_id)s)
               AND (%(target)s::text IS NULL OR target_id = %(target)s)
               AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s))
            ORDER BY wanted_at DESC, id DESC LIMIT %(limit)s""",
        target=target_id,
        states=None if states is None else list(states),
        before_at=before[0],
        before_id=before[1],
        limit=limit,
        **scope.bounds(),
    )
    return [_read(row) for row in rows]


def _row(command: Command) -> dict[str, Any]:
    row = {name: getattr(command, name) for name in _NAMES}
    return {**row, "state": command.state.value, "body": Jsonb(command.body)}


def _read(row: Sequence[Any]) -> Command:
    named = dict(zip(_NAMES, row, strict=True))
    return Command(**{**named, "state": CommandState(named["state"])})
