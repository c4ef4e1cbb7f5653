"""Watch lists as kept. What names a visitor is sealed and never leaves its node.

Source: 5.2.2.3 (configured vehicles raise alarms).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from uuid import UUID

from anju.domain import watch
from anju.domain.changes import Change, Lane, Operation
from anju.domain.rights import Scope
from anju.domain.watch import Entry, WatchList
from anju.errors import Conflict, NotFound
from anju.store import log
from anju.store.database import IN_SCOPE, Executor, Row, Transaction
from anju.store.places import Editor
from anju.store.versions import Subject, bump, current

_NAMES = tuple(each.name for each in fields(Entry))
_COLUMNS = ", ".join(_NAMES)
_PUT = f"""
    INSERT INTO watch_entry ({_COLUMNS}, personal)
    VALUES ({", ".join(f"%({name})s" for name in _NAMES)}, %(personal)s)
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES if name != "id")}
    WHERE watch_entry.version < EXCLUDED.version AND watch_entry.home_node = EXCLUDED.home_node
"""


def sealed_for(entry_id: UUID) -> str:
    """Return what the personal part of an entry is sealed about."""
    return f"watch_entry.personal|{entry_id}"


def change(entry: Entry) -> Change:
    """Return ``entry`` as a row of the log."""
    operation = Operation.REMOVE if entry.ended_at else Operation.PUT
    where = (entry.site_id, entry.place_path, entry.jurisdiction)
    return Change("watch_entry", str(entry.id), entry.version, *where, watch.body(entry), operation)


async def add(tx: Transaction, entry: Entry, editor: Editor, *, personal: bytes | None = None) -> None:
    """Put ``entry`` on the list: every process heeds it from this transaction's commit on. Call it last.

    ``personal`` is what names a visitor, sealed.
    """
    await _write(tx, entry, personal)
    await _record(tx, entry, editor)


async def end(tx: Transaction, scope: Scope, entry_id: UUID, editor: Editor) -> Entry:
    """Take an entry inside ``scope`` off the list; it stays readable. Call it last.

    Raises NotFound, Conflict where it ended before or belongs to a node below.
    """
    query = f"SELECT {_COLUMNS} FROM watch_entry WHERE id = %(id)s AND {IN_SCOPE} FOR UPDATE"
    row = await tx.fetch_one(query, id=entry_id, **scope.bounds())
    if row is None:
        raise NotFound("no_entry", "there is no such entry here")
    before = Entry(*row)
    if before.ended_at:
        raise Conflict("ended_already", f"{before.ended_by} ended this entry before")
    if before.home_node != editor.node.id:
        raise Conflict("not_ours", "this entry belongs to the community's own node: end it there")
    after = replace(before, ended_at=editor.at, ended_by=editor.name, version=before.version + 1)
    await _write(tx, after, None)
    await _record(tx, after, editor)
    return after


async def _write(tx: Transaction, entry: Entry, personal: bytes | None) -> bool:
    row = {name: getattr(entry, name) for name in _NAMES}
    return await tx.execute(_PUT, **row, personal=personal) == 1


async def _record(tx: Transaction, entry: Entry, editor: Editor) -> None:
    await bump(tx, Subject.WATCH)
    await log.append(tx, Lane.BULK, [change(entry)], at=editor.at, node=editor.node)


async def apply(tx: Transaction, told: Change) -> bool:
    """Write an entry as its home node told it; return False where this version or a newer one is here."""
    entry = watch.read_body(told.body)
    if str(entry.id) != told.object_id:
        raise ValueError("a row's id is not its object's")
    return await _write(tx, entry, None)


_HEEDED = f"SELECT {_COLUMNS} FROM watch_entry WHERE ended_at IS NULL AND plate IS NOT NULL AND home_node = %(node)s"


async def refreshed(db: Executor, known: WatchList, *, node: str) -> WatchList:
    """Return the list of ``node`` as it stands now: ``known`` itself where nothing changed since."""
    version = await current(db, Subject.WATCH)
    if version == known.version:
        return known
    return watch.watch_list(version, [Entry(*row) for row in await db.fetch(_HEEDED, node=node)])


_PAGE = f"""
    SELECT {_COLUMNS} FROM watch_entry
    WHERE {IN_SCOPE} AND (created_at, id) < (%(until)s, %(before)s)
      AND (%(kind)s = '' OR kind = %(kind)s) AND (%(site)s = '' OR site_id = %(site)s)
      AND (%(plate)s = '' OR strpos(plate, %(plate)s) > 0)
      AND (NOT %(in_force)s OR (ended_at IS NULL AND expires_at > %(at)s))
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


async def page(
    db: Executor,
    scope: Scope,
    *,
    at: datetime,
    until: datetime,
    before: UUID,
    limit: int,
    in_force: bool = True,
    kind: str = "",
    site: str = "",
    plate: str = "",
) -> list[Entry]:
    """Return entries inside ``scope``, newest first, only those in force at ``at`` or all.

    ``plate`` is any part of one. Go on with the last one's time and id.
    """
    filters = {"in_force": in_force, "kind": kind, "site": site, "plate": plate, "at": at}
    rows = await db.fetch(_PAGE, until=until, before=before, limit=limit, **filters, **scope.bounds())
    return [Entry(*row) for row in rows]


async def find(db: Executor, scope: Scope, entry_id: UUID) -> tuple[Entry, bytes | None]:
    """Return an entry inside ``scope``, and what names its visitor, sealed. Raises NotFound."""
    query = f"SELECT {_COLUMNS}, personal FROM watch_entry WHERE id = %(id)s AND {IN_SCOPE}"
    row = await db.fetch_one(query, id=entry_id, **scope.bounds())
    if row is None:
        raise NotFound("no_entry", "there is no such entry here")
    return Entry(*row[:-1]), row[-1]


_ALL = f"SELECT {_COLUMNS} FROM watch_entry WHERE id > %(after)s ORDER BY id LIMIT 500"


async def all_changes(db: Executor) -> AsyncIterator[Change]:
    """Yield every entry, for a tier above that lost rows."""
    rows: Sequence[Row] = await db.fetch(_ALL, after=UUID(int=0))
    while rows:
        for row in rows:
            yield change(Entry(*row))
        rows = await db.fetch(_ALL, after=rows[-1][0])
