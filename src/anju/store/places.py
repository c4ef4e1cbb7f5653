"""Places and police bodies as kept: every change has a version, a row of history and a row of the log."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.changes import Change, Lane, Operation
from anju.domain.codes import new_id
from anju.domain.places import (
    REGIONS,
    ROOT,
    Jurisdiction,
    Place,
    PlaceKind,
    check_code,
    check_coordinates,
    check_jurisdiction,
    check_name,
    check_profile,
    check_under,
    path_under,
    site_of,
)
from anju.domain.rights import Scope
from anju.errors import Conflict, NotFound
from anju.store import log
from anju.store.database import IN_SCOPE, Executor, Row, Transaction
from anju.store.log import NodeId
from anju.store.versions import Subject, bump

_NAMES = tuple(each.name for each in fields(Place))
_COLUMNS = ", ".join(_NAMES)
_MANY = 500  # rows a snapshot reads at a time


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes the registry, when, and on which node."""

    node: NodeId
    name: str
    at: datetime


def body(place: Place) -> dict[str, Any]:
    """Return ``place`` as the log, the tiers above and the console see it: JSON only."""
    plain: dict[str, Any] = msgspec.to_builtins(asdict(replace(place, profile={}, detail={})))
    return {**plain, "profile": dict(place.profile), "detail": dict(place.detail)}


def _place(row: Row) -> Place:
    known = dict(zip(_NAMES, row, strict=True))
    return Place(**{**known, "kind": PlaceKind(known["kind"])})


def change(place: Place) -> Change:
    """Return ``place`` as a row of the log."""
    operation = Operation.REMOVE if place.retired_at else Operation.PUT
    where = (place.site_id, place.place_path, place.jurisdiction)
    return Change("place", place.id, place.version, *where, body=body(place), operation=operation)


async def find(db: Executor, scope: Scope, place_id: str) -> Place:
    """Return a place inside ``scope``, retired ones too. Raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM place WHERE id = %(id)s AND {IN_SCOPE}"
    row = await db.fetch_one(query, id=place_id, **scope.bounds())
    if row is None:
        raise NotFound("no_place", "there is no such place here")
    return _place(row)


async def above(db: Executor, place: Place) -> list[Place]:
    """Return the places from the root down to ``place``."""
    ids = [each for each in place.place_path.split("/") if each]
    rows = await db.fetch(f"SELECT {_COLUMNS} FROM place WHERE id = ANY(%(ids)s) ORDER BY length(place_path)", ids=ids)
    return [_place(row) for row in rows]


_PUT = f"""
    INSERT INTO place ({_COLUMNS}) VALUES ({", ".join(f"%({name})s" for name in _NAMES)})
    ON CONFLICT (id) DO UPDATE SET
        {", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES if name not in {"id", "home_node"})}
    WHERE place.version < EXCLUDED.version AND place.home_node = EXCLUDED.home_node
"""


async def put(tx: Transaction, place: Place) -> bool:
    """Write ``place``; return False where this version or a newer one is here, or another node keeps it."""
    row = {name: getattr(place, name) for name in _NAMES}
    row |= {"profile": Jsonb(dict(place.profile)), "detail": Jsonb(dict(place.detail))}
    return await tx.execute(_PUT, **row) == 1


async def remember(tx: Transaction, places: Sequence[Place], by: str) -> None:
    """Write the history of ``places``, who were changed by ``by``."""
    await tx.execute_many(
        """INSERT INTO place_history (place_id, version, at, by_name, body)
           VALUES (%(id)s, %(version)s, %(at)s, %(by)s, %(body)s) ON CONFLICT DO NOTHING""",
        [
            {"id": each.id, "version": each.version, "at": each.updated_at, "by": by, "body": Jsonb(body(each))}
            for each in places
        ],
    )


async def _record(tx: Transaction, places: Sequence[Place], editor: Editor) -> None:
    """Write history and log of ``places``: the last act of a transaction.

    They go by the lane of the alarms: the tier above takes no alarm from a site it was not told of.
    """
    await remember(tx, places, editor.name)
    await bump(tx, Subject.REGISTRY)
    await log.append(tx, Lane.ALARMS, [change(each) for each in places], at=editor.at, node=editor.node)


@dataclass(frozen=True, slots=True)
class NewPlace:
    """What is told of a place to be."""

    parent_id: str | None
    kind: PlaceKind
    name: str
    code: str = ""
    jurisdiction: str = ""
    profile: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None
    longitude: float | None = None
    latitude: float | None = None
    sort: int = 0


async def parent_of(tx: Transaction, parent_id: str | None) -> Place | None:
    """Return the place to stand under, kept as it is until the commit. Raises NotFound."""
    if parent_id is None:
        return None
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM place WHERE id = %(id)s FOR SHARE", id=parent_id)
    if row is None:
        raise NotFound("no_parent", "there is no such place to stand under")
    return _place(row)


async def add(tx: Transaction, new: NewPlace, editor: Editor) -> Place:
    """Make a place. Raises Invalid or Conflict where the tree does not allow it.

    Source: 4.3.
    """
    parent = await parent_of(tx, new.parent_id)
    check_under(new.kind, parent)
    check_coordinates(new.longitude, new.latitude)
    code = check_code(new.kind, new.code, parent)
    place_id = code if new.kind in REGIONS else new_id("p")
    jurisdiction = await known_jurisdiction(tx, new.jurisdiction) or (parent.jurisdiction if parent else "")
    place = Place(
        id=place_id,
        parent_id=new.parent_id,
        kind=new.kind,
        name=check_name(new.name),
        code=code,
        place_path=path_under(parent.place_path if parent else ROOT, place_id),
        site_id=site_of(new.kind, place_id, parent),
        jurisdiction=jurisdiction,
        sort=new.sort,
        longitude=new.longitude,
        latitude=new.latitude,
        home_node=editor.node.id,
        version=1,
        updated_at=editor.at,
        profile=check_profile(new.kind, new.profile or {}),
        detail=new.detail or {},
    )
    if not await put(tx, place):
        raise Conflict("place_exists", f"{place_id} is there already")
    await _record(tx, [place], editor)
    return place


async def known_jurisdiction(tx: Transaction, code: str) -> str:
    """Return ``code`` if it names a police body in use here, or nobody. Raises Invalid or NotFound."""
    if not code:
        return ""
    found = await tx.fetch_one(
        "SELECT 1 FROM jurisdiction WHERE code = %(code)s AND retired_at IS NULL", code=check_jurisdiction(code)
    )
    if found is None:
        raise NotFound("no_jurisdiction", f"{code} is no police body known here")
    return code


async def locked(tx: Transaction, scope: Scope, place_id: str, editor: Editor, *, version: int | None = None) -> Place:
    """Return a place in use that ``editor`` may change, kept from others until the commit. Raises NotFound, Conflict.

    ``version``: what the editor saw; somebody else's change in between is a Conflict.
    """
    query = f"SELECT {_COLUMNS} FROM place WHERE id = %(id)s AND retired_at IS NULL AND {IN_SCOPE} FOR UPDATE"
    row = await tx.fetch_one(query, id=place_id, **scope.bounds())
    if row is None:
        raise NotFound("no_place", "there is no such place here")
    place = _place(row)
    if place.home_node != editor.node.id:
        raise Conflict("not_ours", f"{place.name} is kept by node {place.home_node}: change it there")
    if version is not None and version != place.version:
        raise Conflict("changed_meanwhile", "somebody changed this place meanwhile")
    return place


async def subtree(tx: Transaction, path: str) -> list[Place]:
    """Return all places below ``path``, its own included, kept from others until the commit."""
    query = f"SELECT {_COLUMNS} FROM place WHERE place_path ^@ %(path)s ORDER BY place_path FOR UPDATE"
    return [_place(row) for row in await tx.fetch(query, path=path)]


async def edit(
    tx: Transaction, scope: Scope, place_id: str, what: dict[str, Any], editor: Editor, *, version: int | None = None
) -> Place:
    """Change name, code, sort, profile, detail or coordinates of a place inside ``scope``. Raises Refused."""
    before = await locked(tx, scope, place_id, editor, version=version)
    after = replace(before, **what, version=before.version + 1, updated_at=editor.at)
    check_coordinates(after.longitude, after.latitude)
    check_code(after.kind, after.code, await parent_of(tx, after.parent_id))
    if after.kind in REGIONS and after.code != before.code:
        raise Conflict("code_is_id", "a region is its code: retire it and make another")
    after = replace(after, name=check_name(after.name), profile=check_profile(after.kind, after.profile))
    await put(tx, after)
    await _record(tx, [after], editor)
    return after


async def retire(tx: Transaction, scope: Scope, place_id: str, editor: Editor) -> Place:
    """Take a place out of use; its history and records stay. Raises Conflict while something is still in it."""
    before = await locked(tx, scope, place_id, editor)
    places_, devices_, zones_ = await inside(tx, before)
    if places_ or devices_ or zones_:
        raise Conflict("not_empty", f"{places_} places, {devices_} devices and {zones_} zones are still in it")
    after = replace(before, retired_at=editor.at, updated_at=editor.at, version=before.version + 1)
    await put(tx, after)
    await _record(tx, [after], editor)
    return after


async def inside(db: Executor, place: Place) -> tuple[int, int, int]:
    """Return how many places, devices and zones in use stand in ``place``, itself not counted."""
    row = await db.fetch_one(
        """SELECT (SELECT count(*) FROM place WHERE place_path ^@ %(path)s AND retired_at IS NULL AND id <> %(id)s),
                  (SELECT count(*) FROM device WHERE place_path ^@ %(path)s AND retired_at IS NULL),
                  (SELECT count(*) FROM zone WHERE place_path ^@ %(path)s AND retired_at IS NULL)""",
        path=place.place_path,
        id=place.id,
    )
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return int(row[0]), int(row[1]), int(row[2])


async def apply(tx: Transaction, change: Change) -> bool:
    """Take in a place of a node below; return False where it is here already, or kept by another node.

    Raises ValueError where the row contradicts itself.
    """
    place = msgspec.convert(change.body, Place, strict=False)
    ends = place.place_path.endswith(f"/{place.id}/") and place.place_path.startswith(ROOT)
    if not ends or (place.id, place.version, place.place_path) != (
        change.object_id,
        change.version,
        change.place_path,
    ):
        raise ValueError(f"place {change.object_id} contradicts itself")
    if not await put(tx, place):
        return False
    await remember(tx, [place], place.home_node)
    await bump(tx, Subject.REGISTRY)
    return True


async def all_changes(db: Executor) -> AsyncIterator[Change]:
    """Yield every police body, then every place, parents before children: a snapshot for a tier that lost its way."""
    for each in await jurisdictions(db, retired=True):
        yield jurisdiction_change(each)
    query = f"""SELECT {_COLUMNS} FROM place WHERE (length(place_path), id) > (%(depth)s, %(id)s)
        ORDER BY length(place_path), id LIMIT {_MANY}"""
    depth, last = 0, ""
    while rows := await db.fetch(query, depth=depth, id=last):
        for row in rows:
            place = _place(row)
            yield change(place)
            depth, last = len(place.place_path), place.id


async def listed(
    db: Executor, scope: Scope, *, kinds: Sequence[PlaceKind] = tuple(PlaceKind), under: str = ROOT
) -> list[Place]:
    """Return the places in use inside ``scope`` and below path ``under``, parents before children."""
    query = f"""SELECT {_COLUMNS} FROM place WHERE retired_at IS NULL AND kind = ANY(%(kinds)s)
        AND place_path ^@ %(under)s AND {IN_SCOPE} ORDER BY length(place_path) - length(id), sort, name, id"""
    return [_place(row) for row in await db.fetch(query, kinds=list(kinds), under=under, **scope.bounds())]


async def site_names(db: Executor) -> dict[str, str]:
    """Return the name of every 小区 by its id, whoever may see it: ask rights before showing one."""
    return dict(await db.fetch("SELECT id, name FROM place WHERE kind = 'site'"))


async def history(db: Executor, place_id: str, *, limit: int) -> list[dict[str, Any]]:
    """Return the versions of a place, newest first: when, by whom, and what it was."""
    rows = await db.fetch(
        """SELECT version, at, by_name, body FROM place_history WHERE place_id = %(id)s
           ORDER BY version DESC LIMIT %(limit)s""",
        id=place_id,
        limit=limit,
    )
    return [dict(zip(("version", "at", "by_name", "body"), row, strict=True)) for row in rows]


_JURISDICTION = "code, name, home_node, version, retired_at"


async def jurisdictions(db: Executor, *, retired: bool = False) -> list[Jurisdiction]:
    """Return the police bodies known here, by code."""
    query = f"SELECT {_JURISDICTION} FROM jurisdiction WHERE %(retired)s OR retired_at IS NULL ORDER BY code"
    return [Jurisdiction(*row) for row in await db.fetch(query, retired=retired)]


def jurisdiction_change(each: Jurisdiction) -> Change:
    """Return a police body as a row of the log."""
    operation = Operation.REMOVE if each.retired_at else Operation.PUT
    told: dict[str, Any] = msgspec.to_builtins(asdict(each))
    return Change("jurisdiction", each.code, each.version, "", ROOT, each.code, body=told, operation=operation)


async def put_jurisdiction(tx: Transaction, code: str, name: str, editor: Editor) -> Jurisdiction:
    """Make a police body known, or rename it. Raises Invalid, Conflict."""
    after = await turn_jurisdiction(tx, code, name, editor)
    await bump(tx, Subject.REGISTRY)
    await log.append(tx, Lane.ALARMS, [jurisdiction_change(after)], at=editor.at, node=editor.node)
    return after


async def turn_jurisdiction(
    tx: Transaction, code: str, name: str, editor: Editor, *, least: int = 1, retired: bool = False
) -> Jurisdiction:
    """Write a police body, in use or not, with a version of ``least`` or later; the log is the caller's to write.

    Raises Invalid, Conflict.
    """
    row = await tx.fetch_one(
        f"SELECT {_JURISDICTION} FROM jurisdiction WHERE code = %(code)s FOR UPDATE", code=check_jurisdiction(code)
    )
    if row and row[2] != editor.node.id:
        raise Conflict("not_ours", f"{code} is kept by node {row[2]}: change it there")
    version = max(row[3] + 1, least) if row else least
    after = Jurisdiction(code, check_name(name), editor.node.id, version, editor.at if retired else None)
    await _write_jurisdiction(tx, after)
    return after


async def _write_jurisdiction(tx: Transaction, each: Jurisdiction) -> bool:
    done = await tx.execute(
        f"""INSERT INTO jurisdiction ({_JURISDICTION})
            VALUES (%(code)s, %(name)s, %(home_node)s, %(version)s, %(retired_at)s)
            ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, version = EXCLUDED.version,
                retired_at = EXCLUDED.retired_at
            WHERE jurisdiction.version < EXCLUDED.version AND jurisdiction.home_node = EXCLUDED.home_node""",
        **asdict(each),
    )
    return done == 1


async def apply_jurisdiction(tx: Transaction, change: Change) -> bool:
    """Take in a police body of a node below; return False where it is here already, or kept by another node.

    Raises ValueError where the row contradicts itself.
    """
    each = msgspec.convert(change.body, Jurisdiction, strict=False)
    if (each.code, each.version) != (change.object_id, change.version):
        raise ValueError(f"police body {change.object_id} contradicts itself")
    return await _write_jurisdiction(tx, each)


async def open_alarms(db: Executor, scope: Scope) -> list[tuple[str, int]]:
    """Return for each path with open alarms inside ``scope`` how many there are; drills are not counted."""
    query = f"""SELECT place_path, count(*) FROM alarm WHERE state <> 'closed' AND NOT drill AND {IN_SCOPE}
        GROUP BY place_path"""
    return [(row[0], int(row[1])) for row in await db.fetch(query, **scope.bounds())]
