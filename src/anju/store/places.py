"""Places and police bodies as kept: every change has a version, a row of history and a row of the log."""

from collections.abc import Sequence
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


async def _put(tx: Transaction, place: Place) -> bool:
    row = {name: getattr(place, name) for name in _NAMES}
    row |= {"profile": Jsonb(dict(place.profile)), "detail": Jsonb(dict(place.detail))}
    return await tx.execute(_PUT, **row) == 1


async def _record(tx: Transaction, places: Sequence[Place], editor: Editor) -> None:
    """Write history and log of ``places``: the last act of a transaction."""
    await tx.execute_many(
        """INSERT INTO place_history (place_id, version, at, by_name, body)
           VALUES (%(id)s, %(version)s, %(at)s, %(by)s, %(body)s) ON CONFLICT DO NOTHING""",
        [
            {"id": each.id, "version": each.version, "at": editor.at, "by": editor.name, "body": Jsonb(body(each))}
            for each in places
        ],
    )
    await bump(tx, Subject.REGISTRY)
    await log.append(tx, Lane.BULK, [change(each) for each in places], at=editor.at, node=editor.node)


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


async def _parent(tx: Transaction, parent_id: str | None) -> Place | None:
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
    parent = await _parent(tx, new.parent_id)
    check_under(new.kind, parent)
    check_coordinates(new.longitude, new.latitude)
    code = check_code(new.kind, new.code, parent)
    place_id = code if new.kind in REGIONS else new_id("p")
    jurisdiction = await _known_jurisdiction(tx, new.jurisdiction) or (parent.jurisdiction if parent else "")
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
    if not await _put(tx, place):
        raise Conflict("place_exists", f"{place_id} is there already")
    await _record(tx, [place], editor)
    return place


async def _known_jurisdiction(tx: Transaction, code: str) -> str:
    if not code:
        return ""
    found = await tx.fetch_one(
        "SELECT 1 FROM jurisdiction WHERE code = %(code)s AND retired_at IS NULL", code=check_jurisdiction(code)
    )
    if found is None:
        raise NotFound("no_jurisdiction", f"{code} is no police body known here")
    return code


async def _locked(tx: Transaction, scope: Scope, place_id: str, editor: Editor) -> Place:
    query = f"SELECT {_COLUMNS} FROM place WHERE id = %(id)s AND retired_at IS NULL AND {IN_SCOPE} FOR UPDATE"
    row = await tx.fetch_one(query, id=place_id, **scope.bounds())
    if row is None:
        raise NotFound("no_place", "there is no such place here")
    place = _place(row)
    if place.home_node != editor.node.id:
        raise Conflict("not_ours", f"{place.name} is kept by node {place.home_node}: change it there")
    return place


async def _subtree(tx: Transaction, path: str) -> list[Place]:
    query = f"SELECT {_COLUMNS} FROM place WHERE place_path ^@ %(path)s ORDER BY place_path FOR UPDATE"
    return [_place(row) for row in await tx.fetch(query, path=path)]


async def edit(
    tx: Transaction, scope: Scope, place_id: str, what: dict[str, Any], editor: Editor, *, version: int | None = None
) -> Place:
    """Change name, code, sort, profile, detail or coordinates of a place inside ``scope``. Raises Refused.

    ``version``: what the editor saw; somebody else's change in between is a Conflict.
    """
    before = await _locked(tx, scope, place_id, editor)
    if version is not None and version != before.version:
        raise Conflict("changed_meanwhile", "somebody changed this place meanwhile")
    after = replace(before, **what, version=before.version + 1, updated_at=editor.at)
    check_coordinates(after.longitude, after.latitude)
    parent = await _parent(tx, after.parent_id)
    check_code(after.kind, after.code, parent)
    if after.kind in REGIONS and after.code != before.code:
        raise Conflict("code_is_id", "a region is its code: retire it and make another")
    after = replace(after, name=check_name(after.name), profile=check_profile(after.kind, after.profile))
    await _put(tx, after)
    await _record(tx, [after], editor)
    return after


async def retire(tx: Transaction, scope: Scope, place_id: str, editor: Editor) -> Place:
    """Take a place out of use; its history and records stay. Raises Conflict while something is still in it."""
    before = await _locked(tx, scope, place_id, editor)
    inside = await tx.fetch_one(
        """SELECT (SELECT count(*) FROM place WHERE place_path ^@ %(path)s AND retired_at IS NULL) - 1,
                  (SELECT count(*) FROM device WHERE place_path ^@ %(path)s AND retired_at IS NULL),
                  (SELECT count(*) FROM zone WHERE place_path ^@ %(path)s AND retired_at IS NULL)""",
        path=before.place_path,
    )
    assert inside is not None  # noqa: S101 - an aggregate always gives a row
    if any(inside):
        raise Conflict("not_empty", f"{inside[0]} places, {inside[1]} devices and {inside[2]} zones are still in it")
    after = replace(before, retired_at=editor.at, updated_at=editor.at, version=before.version + 1)
    await _put(tx, after)
    await _record(tx, [after], editor)
    return after
