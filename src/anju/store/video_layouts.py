"""Arrangements of pictures as kept: of one account, or shared with all. They name cameras by id and nothing else.

Source: 5.4.2 (several pictures at once).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from anju.domain.codes import new_id
from anju.domain.rights import Principal
from anju.errors import Conflict, Invalid, NotFound
from anju.store.database import Executor, Transaction

MOST = 200  # of one account


@dataclass(frozen=True, slots=True)
class Layout:
    """One arrangement; ``body`` is the console's own."""

    id: str
    owner_id: str
    owner_name: str
    name: str
    shared: bool
    body: Mapping[str, Any]
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants kept."""

    name: str
    shared: bool
    body: Mapping[str, Any]


_COLUMNS = "id, owner_id, owner_name, name, shared, body, version, updated_at"


async def seen_by(db: Executor, account_id: str) -> list[Layout]:
    """Return an account's own arrangements and the shared ones, by name."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM video_layout WHERE owner_id = %(id)s OR shared
            ORDER BY owner_id <> %(id)s, name, id LIMIT 1000""",
        id=account_id,
    )
    return [Layout(*row) for row in rows]


async def add(tx: Transaction, owner: Principal, wanted: Wanted, *, at: datetime) -> Layout:
    """Keep a new one. Raises Invalid where the account has too many."""
    row = await tx.fetch_one("SELECT count(*) FROM video_layout WHERE owner_id = %(id)s", id=owner.id)
    if row and row[0] >= MOST:
        raise Invalid("too_many_layouts", f"an account keeps at most {MOST} layouts: remove one first")
    made = await tx.fetch_one(
        f"""INSERT INTO video_layout ({_COLUMNS})
            VALUES (%(id)s, %(owner)s, %(owner_name)s, %(name)s, %(shared)s, %(body)s, 1, %(at)s)
            RETURNING {_COLUMNS}""",
        id=new_id("y"),
        owner=owner.id,
        owner_name=owner.name,
        name=wanted.name,
        shared=wanted.shared,
        body=Jsonb(wanted.body),
        at=at,
    )
    assert made is not None  # noqa: S101 - RETURNING
    return Layout(*made)


async def change(
    tx: Transaction, account_id: str, layout_id: str, wanted: Wanted, *, version: int | None, at: datetime
) -> Layout:
    """Change one of the account's own. Raises NotFound, or Conflict where it was changed since ``version``."""
    row = await tx.fetch_one(
        f"""UPDATE video_layout SET name = %(name)s, shared = %(shared)s, body = %(body)s, version = version + 1,
                updated_at = %(at)s
            WHERE id = %(id)s AND owner_id = %(owner)s AND (%(version)s::bigint IS NULL OR version = %(version)s)
            RETURNING {_COLUMNS}""",
        id=layout_id,
        owner=account_id,
        version=version,
        name=wanted.name,
        shared=wanted.shared,
        body=Jsonb(wanted.body),
        at=at,
    )
    if row is None:
        await _own(tx, account_id, layout_id)
        raise Conflict("changed_meanwhile", "this layout was changed meanwhile: read it again")
    return Layout(*row)


async def remove(tx: Transaction, account_id: str, layout_id: str) -> None:
    """Remove one of the account's own. Raises NotFound."""
    await _own(tx, account_id, layout_id)
    await tx.execute("DELETE FROM video_layout WHERE id = %(id)s", id=layout_id)


async def _own(db: Executor, account_id: str, layout_id: str) -> None:
    query = "SELECT 1 FROM video_layout WHERE id = %(id)s AND owner_id = %(owner)s"
    if await db.fetch_one(query, id=layout_id, owner=account_id) is None:
        raise NotFound("no_layout", "you have no such layout")
