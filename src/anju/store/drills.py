"""Drills as kept. Whoever takes reports in reads the running ones again when ``version.registry`` moves."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from posixpath import commonpath
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.drills import Drill, DrillKind, Source
from anju.domain.rights import Scope
from anju.errors import Conflict, NotFound
from anju.store.database import IN_SCOPE, Executor, Row, Transaction
from anju.store.versions import Subject, bump

_COLUMNS = """id, site_id, place_path, jurisdiction, kind, sources, begins_at, ends_at, started_by, reason, ended_at"""


def body(drill: Drill) -> dict[str, Any]:
    """Return ``drill`` as JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(asdict(drill))
    return plain


async def place_of(db: Executor, scope: Scope, device_ids: Sequence[str], *, node: str) -> tuple[str, str, str]:
    """Return community, lowest common place path and jurisdiction of devices inside ``scope``.

    Raises NotFound where one is missing, Conflict where they are not all of ``node`` and of one community.
    """
    rows = await db.fetch(
        f"""SELECT id, site_id, place_path, jurisdiction, home_node FROM device
            WHERE id = ANY(%(ids)s) AND retired_at IS NULL AND {IN_SCOPE}""",
        ids=list(device_ids),
        **scope.bounds(),
    )
    if {row[0] for row in rows} != set(device_ids):
        raise NotFound("no_device", "there is no such device here")
    if {row[4] for row in rows} - {node} or len({row[1] for row in rows}) > 1:
        raise Conflict("not_one_site", "a drill is held in one community, at its own node")
    path = commonpath([row[2] for row in rows]) + "/" if rows else "/"
    jurisdictions = {row[3] for row in rows}
    return (rows[0][1] if rows else "", path, jurisdictions.pop() if len(jurisdictions) == 1 else "")


async def start(tx: Transaction, drill: Drill) -> None:
    """Write a new drill; processes that take reports in hear of it with the commit."""
    row = {**asdict(drill), "kind": drill.kind.value, "sources": Jsonb(body(drill)["sources"])}
    values = ", ".join(f"%({name.strip()})s" for name in _COLUMNS.split(","))
    await tx.execute(f"INSERT INTO drill ({_COLUMNS}) VALUES ({values})", **row)
    await bump(tx, Subject.REGISTRY)


async def end(tx: Transaction, scope: Scope, drill_id: UUID, *, by: str, at: datetime) -> Drill:
    """End a running drill now: one inside ``scope``, or one that ``by`` began. Raises NotFound, Conflict if over."""
    query = f"SELECT {_COLUMNS} FROM drill WHERE id = %(id)s AND (started_by = %(by)s OR {IN_SCOPE}) FOR UPDATE"
    row = await tx.fetch_one(query, id=drill_id, by=by, **scope.bounds())
    if row is None:
        raise NotFound("no_drill", "there is no such drill here")
    if row[-1] is not None:
        raise Conflict("drill_over", "it has ended already")
    await tx.execute("UPDATE drill SET ended_at = %(at)s WHERE id = %(id)s", at=at, id=drill_id)
    await bump(tx, Subject.REGISTRY)
    return _read((*row[:-1], at))


async def end_due(tx: Transaction, *, at: datetime) -> int:
    """End every drill whose time is over; return how many."""
    ended = await tx.execute("UPDATE drill SET ended_at = ends_at WHERE ended_at IS NULL AND ends_at <= %(at)s", at=at)
    if ended:
        await bump(tx, Subject.REGISTRY)
    return ended


async def running(db: Executor) -> list[Drill]:
    """Return every drill that has not ended, for whoever takes reports in."""
    return [_read(row) for row in await db.fetch(f"SELECT {_COLUMNS} FROM drill WHERE ended_at IS NULL")]


async def page(db: Executor, scope: Scope, *, before: tuple[datetime, UUID], limit: int) -> list[dict[str, Any]]:
    """Return drills inside ``scope``, newest first; go on with the last one's beginning and id."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM drill WHERE {IN_SCOPE} AND (begins_at, id) < (%(before_at)s, %(before_id)s)
            ORDER BY begins_at DESC, id DESC LIMIT %(limit)s""",
        before_at=before[0],
        before_id=before[1],
        limit=limit,
        **scope.bounds(),
    )
    return [body(_read(row)) for row in rows]


def _read(row: Row) -> Drill:
    identity, site_id, place_path, jurisdiction, kind, sources, *rest = row
    named = tuple(msgspec.convert(sources, list[Source]))
    return Drill(identity, site_id, place_path, jurisdiction, DrillKind(kind), named, *rest)
