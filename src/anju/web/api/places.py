"""The tree of places, their history, the police bodies that cross it.

Source: 4.3, 3.1, 4.1.6 (profiles), 6.3.2-a.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from anju.domain.changes import Lane
from anju.domain.places import Jurisdiction, Place, PlaceKind, totals
from anju.domain.rights import Action, Scope
from anju.errors import Conflict, Forbidden
from anju.store import devices, moves, places
from anju.store.database import Transaction
from anju.store.places import Editor, NewPlace
from anju.web.context import Caller, Here, Me, Services
from anju.web.words import Body, Name, Note

router = APIRouter(tags=["places"])
GROWN = frozenset({Lane.ALARMS, Lane.BULK})
HISTORY_MOST = 200
Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Sort = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Profile(Body):
    """What is told of a 小区."""

    era: Name = ""
    form: Name = ""
    households: Count | None = None
    buildings: Count | None = None
    built_year: Annotated[int, Field(ge=1900, le=2100)] | None = None
    parking: Count | None = None
    manager: Name = ""
    phone: Name = ""

    def told(self) -> dict[str, Any]:
        """Return what was filled in."""
        return {name: each for name, each in self.model_dump().items() if each not in {None, ""}}


class PlaceIn(Body):
    """A place to be."""

    parent_id: Name | None = None
    kind: PlaceKind
    name: Name
    code: Name = ""
    jurisdiction: Name = ""
    profile: Profile | None = None
    longitude: Coordinate | None = None
    latitude: Coordinate | None = None
    sort: Sort = 0


class PlacePatch(Body):
    """What shall be different; another ``parent_id`` moves it. ``version`` is what the editor saw."""

    parent_id: Name | None = None
    name: Name | None = None
    code: Name | None = None
    jurisdiction: Name | None = None
    profile: Profile | None = None
    longitude: Coordinate | None = None
    latitude: Coordinate | None = None
    sort: Sort | None = None
    version: int | None = None


class Retirement(Body):
    """Why something goes out of use."""

    note: Note = ""


class JurisdictionIn(Body):
    """A police body."""

    code: Name
    name: Name


class JurisdictionName(Body):
    """The new name of a police body."""

    name: Name


def editor(here: Services, me: Caller) -> Editor:
    """Return who changes the registry."""
    return Editor(here.node, me.principal.name, here.clock())


@router.get("/places/tree")
async def tree(me: Me, here: Here, deepest: PlaceKind = PlaceKind.LANE) -> dict[str, Any]:
    """All places in use that the caller may see, parents before children, with counts of what is in them.

    ``deepest`` leaves out what stands lower than that level.
    """
    scope = await me.may(Action.PLACES_READ)
    levels = list(PlaceKind)
    found = await places.listed(here.db, scope, kinds=levels[: levels.index(deepest) + 1])
    return {"items": await _counted(here, me, found), "next": None}


async def _counted(here: Services, me: Caller, found: list[Place]) -> list[dict[str, Any]]:
    """Return places with their devices and open alarms, as far as the caller may see those."""
    seen = await here.rights.may(me.principal, Action.DEVICES_READ)
    stand = await devices.counts(here.db, seen)
    alarms = await places.open_alarms(here.db, await here.rights.may(me.principal, Action.ALARMS_READ))
    total, online = totals((path, all_) for path, all_, _ in stand), totals((path, on) for path, _, on in stand)
    waiting = totals(alarms)
    return [
        {
            **places.body(each),
            "devices_total": total.get(each.id, 0),
            "devices_online": online.get(each.id, 0),
            "open_alarms": waiting.get(each.id, 0),
        }
        for each in found
    ]


@router.get("/sites")
async def sites(me: Me, here: Here) -> dict[str, Any]:
    """The 小区 that the caller may see, with their profiles and counts."""
    scope = await me.may(Action.PLACES_READ)
    found = await places.listed(here.db, scope, kinds=[PlaceKind.SITE])
    return {"items": await _counted(here, me, found), "next": None}


@router.post("/places", status_code=201)
async def add(wanted: PlaceIn, me: Me, here: Here) -> dict[str, Any]:
    """Make a place. 409 where the tree does not allow it, 422 for a malformed code."""
    scope = await me.may(Action.PLACES_WRITE)
    told = wanted.model_dump(exclude={"profile"})
    new = NewPlace(**told, profile=wanted.profile.told() if wanted.profile else None)
    async with me.acting(Action.PLACES_WRITE, wanted.parent_id or "/", told), here.db.transaction() as tx:
        await _may_stand_under(tx, scope, wanted.parent_id)
        place = await places.add(tx, new, editor(here, me))
    await here.told(GROWN)
    return places.body(place)


async def _may_stand_under(tx: Transaction, scope: Scope, parent_id: str | None) -> None:
    """Raise where the caller may not put something there: the root belongs to those who may everywhere."""
    if parent_id is not None:
        await places.find(tx, scope, parent_id)
    elif not scope.everything:
        raise Forbidden("forbidden", "a place without a parent needs a grant over everything")


@router.get("/places/{place_id}")
async def one(place_id: Name, me: Me, here: Here) -> dict[str, Any]:
    """One place with its counts, and the names of the places above it."""
    scope = await me.may(Action.PLACES_READ)
    place = await places.find(here.db, scope, place_id)
    above = [{"id": each.id, "kind": each.kind, "name": each.name} for each in await places.above(here.db, place)]
    return {**(await _counted(here, me, [place]))[0], "above": above[:-1]}


@router.patch("/places/{place_id}")
async def change(place_id: Name, wanted: PlacePatch, me: Me, here: Here) -> dict[str, Any]:
    """Change a place; with another parent it moves with all that is in it. 409 while alarms are open inside."""
    scope = await me.may(Action.PLACES_WRITE)
    what = wanted.model_dump(exclude_unset=True, exclude={"version"})
    if wanted.profile is not None:
        what["profile"] = wanted.profile.told()
    async with me.acting(Action.PLACES_WRITE, place_id, what), here.db.transaction() as tx:
        place = await _change(tx, scope, place_id, what, editor(here, me), wanted.version)
    await here.told(GROWN)
    return places.body(place)


async def _change(
    tx: Transaction, scope: Scope, place_id: str, what: dict[str, Any], by: Editor, version: int | None
) -> Place:
    place = await places.locked(tx, scope, place_id, by, version=version)
    parent_id, body = what.pop("parent_id", place.parent_id), what.pop("jurisdiction", place.jurisdiction)
    if parent_id != place.parent_id:
        if parent_id is None:
            raise Conflict("needs_parent", "a place moves under another one")
        await _may_stand_under(tx, scope, parent_id)
        place = await moves.move(tx, scope, place_id, parent_id, by)
    told = {name: each for name, each in what.items() if each is not None or name in {"longitude", "latitude"}}
    told = {name: each for name, each in told.items() if getattr(place, name) != each}
    if told:
        place = await places.edit(tx, _wherever(scope, place), place_id, told, by)
    if body is not None and body != place.jurisdiction:
        place = await moves.set_jurisdiction(tx, _wherever(scope, place), place_id, body, by)
    return place


def _wherever(scope: Scope, place: Place) -> Scope:
    """Return ``scope`` with a place that it held before this very transaction moved it."""
    return Scope(scope.everything, (*scope.paths, place.place_path), scope.jurisdictions)


@router.post("/places/{place_id}/retire")
async def retire(place_id: Name, why: Retirement, me: Me, here: Here) -> dict[str, Any]:
    """Take a place out of use; nothing is deleted. 409 while places, devices or zones are still in it."""
    scope = await me.may(Action.PLACES_WRITE)
    async with me.acting(Action.PLACES_WRITE, place_id, {"retire": why.note}), here.db.transaction() as tx:
        place = await places.retire(tx, scope, place_id, editor(here, me))
    await here.told(GROWN)
    return places.body(place)


@router.get("/places/{place_id}/history")
async def history(
    place_id: Name, me: Me, here: Here, limit: Annotated[int, Query(ge=1, le=HISTORY_MOST)] = 50
) -> dict[str, Any]:
    """The versions of a place, newest first: when, by whom, what it was."""
    scope = await me.may(Action.PLACES_READ)
    place = await places.find(here.db, scope, place_id)
    return {"items": await places.history(here.db, place.id, limit=limit), "next": None}


@router.get("/jurisdictions")
async def jurisdictions(me: Me, here: Here) -> dict[str, Any]:
    """The police bodies known here; their codes are public."""
    await me.may(Action.PLACES_READ)
    return {"items": [_told(each) for each in await places.jurisdictions(here.db)], "next": None}


@router.post("/jurisdictions", status_code=201)
async def add_jurisdiction(wanted: JurisdictionIn, me: Me, here: Here) -> dict[str, Any]:
    """Make a police body known. It belongs to no place: only who may everywhere can."""
    return await _put(wanted.code, wanted.name, me, here, new=True)


@router.patch("/jurisdictions/{code}")
async def change_jurisdiction(code: Name, wanted: JurisdictionName, me: Me, here: Here) -> dict[str, Any]:
    """Rename a police body."""
    return await _put(code, wanted.name, me, here, new=False)


async def _put(code: str, name: str, me: Caller, here: Services, *, new: bool) -> dict[str, Any]:
    scope = await me.may(Action.PLACES_WRITE)
    if not scope.everything:
        raise Forbidden("forbidden", "police bodies need a grant over everything")
    async with me.acting(Action.PLACES_WRITE, f"jurisdiction {code}", {"name": name}), here.db.transaction() as tx:
        known = {each.code for each in await places.jurisdictions(tx, retired=True)}
        if new == (code in known):
            raise Conflict("exists" if new else "no_jurisdiction", f"{code} is{'' if new else ' not'} known here")
        body = await places.put_jurisdiction(tx, code, name, editor(here, me))
    await here.told(GROWN)
    return _told(body)


def _told(each: Jurisdiction) -> dict[str, Any]:
    return {"code": each.code, "name": each.name, "home_node": each.home_node, "version": each.version}
