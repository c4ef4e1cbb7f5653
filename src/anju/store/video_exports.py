"""The register of recordings taken out as evidence, and how far each export is. Source: 6.3.2-c, 4.2.1.2 (download)."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

from anju.domain.recording import Source
from anju.domain.rights import Scope
from anju.errors import NotFound
from anju.store.database import IN_SCOPE, Executor, Row


@dataclass(frozen=True, slots=True)
class Entry:
    """Who takes which recording out, for whom and why."""

    id: str
    channel_id: str
    channel_name: str
    site_id: str
    place_path: str
    jurisdiction: str
    start_at: datetime
    end_at: datetime
    source: Source
    reason: str
    document: str
    unit: str
    officers: Sequence[str]
    by_id: str
    by_name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Export:
    """An entry and how far it is: ``queued``, ``running``, ``done``, ``failed`` with a code, ``expired``."""

    entry: Entry
    state: str
    code: str
    done: int
    total: int
    size: int | None
    sha256: str | None
    finished_at: datetime | None


_NAMES = tuple(each.name for each in fields(Entry))
_COLUMNS = f"{', '.join(_NAMES)}, state, code, done, total, size, sha256, finished_at"


def _export(row: Row) -> Export:
    values = list(row[: len(_NAMES)])
    values[_NAMES.index("source")] = Source(values[_NAMES.index("source")])
    return Export(Entry(*values), *row[len(_NAMES) :])


async def add(db: Executor, entry: Entry) -> None:
    """Write an entry; it waits to be made."""
    told: dict[str, Any] = dict(zip(_NAMES, astuple(entry), strict=True))
    names = ", ".join(f"%({name})s" for name in _NAMES)
    await db.execute(
        f"INSERT INTO video_export ({', '.join(_NAMES)}) VALUES ({names})",
        **{**told, "source": entry.source.value, "officers": list(entry.officers)},
    )


async def find(db: Executor, scope: Scope, export_id: str) -> Export:
    """Return one inside ``scope``. Raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM video_export WHERE id = %(id)s AND {IN_SCOPE}"
    row = await db.fetch_one(query, id=export_id, **scope.bounds())
    if row is None:
        raise NotFound("no_export", "there is no such export")
    return _export(row)


async def page(db: Executor, scope: Scope, *, before: tuple[datetime, str], limit: int) -> list[Export]:
    """Return exports inside ``scope``, newest first; go on with the last one's time and id."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM video_export
            WHERE {IN_SCOPE} AND (created_at, id) < (%(at)s, %(before)s)
            ORDER BY created_at DESC, id DESC LIMIT %(limit)s""",
        at=before[0],
        before=before[1],
        limit=limit,
        **scope.bounds(),
    )
    return [_export(row) for row in rows]


async def queued(db: Executor) -> Export | None:
    """Return the one that waits longest."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM video_export WHERE state = 'queued' ORDER BY created_at LIMIT 1")
    return _export(row) if row else None


async def interrupted(db: Executor, *, at: datetime) -> None:
    """End what a process that is gone was making."""
    await db.execute(
        "UPDATE video_export SET state = 'failed', code = 'interrupted', finished_at = %(at)s WHERE state = 'running'",
        at=at,
    )


async def running(db: Executor, export_id: str, *, done: int = 0, total: int = 0) -> None:
    """Note how far one is."""
    await db.execute(
        "UPDATE video_export SET state = 'running', done = %(done)s, total = %(total)s WHERE id = %(id)s",
        id=export_id,
        done=done,
        total=total,
    )


async def finished(db: Executor, export_id: str, *, size: int, sha256: str, at: datetime) -> None:
    """Note that the file is there."""
    await db.execute(
        """UPDATE video_export SET state = 'done', size = %(size)s, sha256 = %(sha256)s, finished_at = %(at)s
           WHERE id = %(id)s""",
        id=export_id,
        size=size,
        sha256=sha256,
        at=at,
    )


async def failed(db: Executor, export_id: str, code: str, *, at: datetime) -> None:
    """Note why there will be no file."""
    await db.execute(
        "UPDATE video_export SET state = 'failed', code = %(code)s, finished_at = %(at)s WHERE id = %(id)s",
        id=export_id,
        code=code,
        at=at,
    )


async def expire(db: Executor, *, before: datetime) -> list[str]:
    """Mark the files finished before then as gone; return their exports' ids."""
    rows = await db.fetch(
        "UPDATE video_export SET state = 'expired' WHERE state = 'done' AND finished_at < %(before)s RETURNING id",
        before=before,
    )
    return [row[0] for row in rows]
