"""The community's own watch list: vehicles that raise an alarm when they pass, visitors that are not let in.

Source: 5.2.2.3 (configured vehicles raise alarms), 6.3.2 (access to personal data strictly limited).
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from anju.domain import plates, watch
from anju.domain.captures import new_id
from anju.domain.changes import Lane
from anju.domain.events import MASK
from anju.domain.places import Place
from anju.domain.rights import Action, Located
from anju.domain.watch import VEHICLE, VISITOR, Entry
from anju.errors import Conflict, Invalid
from anju.store import places
from anju.store import watch as store
from anju.store.places import Editor
from anju.store.watch import sealed_for
from anju.web.context import Caller, Here, Me, Services
from anju.web.paging import PageQuery
from anju.web.sealed import opened, seal
from anju.web.words import Body, Name, Note, Time

router = APIRouter(prefix="/watch-list", tags=["watch-list"])
LONGEST = timedelta(days=366)
PERSONAL = ("name", "phone", "document")
Given = Annotated[Name, Query()]


class EntryIn(Body):
    """Whom or what to wait for, below which place, why, how urgent, until when."""

    kind: Literal["vehicle", "visitor"]
    place_id: Name
    plate: Annotated[str, Field(max_length=15)] = ""
    name: Name = ""
    phone: Annotated[str, Field(max_length=20)] = ""
    document: Annotated[str, Field(max_length=30)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    level: Annotated[int, Field(ge=1, le=3)] = 2
    expires_at: Time


class Ending(Body):
    """Why it ends."""

    note: Note


@router.get("")
async def list_entries(
    page: PageQuery,
    me: Me,
    here: Here,
    state: Literal["active", "all"] = "active",
    kind: Literal["", "vehicle", "visitor"] = "",
    site: Given = "",
    q: Given = "",
) -> dict[str, Any]:
    """Entries, newest first, those in force or all; ``q`` is any part of a plate. Visitors' names are hidden."""
    scope = await me.may(Action.WATCH_READ)
    found = await store.page(
        here.db,
        scope,
        at=here.clock(),
        until=page.before[0],
        before=page.before[1],
        limit=page.limit,
        in_force=state == "active",
        kind=kind,
        site=site,
        plate="".join(q.split()).upper(),
    )
    rows = await shown(here, found)
    return page.answer(rows, lambda row: (row["created_at"], row["id"]))


async def shown(here: Services, found: list[Entry]) -> list[dict[str, Any]]:
    """Return entries as lists show them."""
    ids = sorted({each.place_path.split("/")[-2] for each in found})
    names: dict[str, str] = dict(await here.db.fetch("SELECT id, name FROM place WHERE id = ANY(%(ids)s)", ids=ids))
    sites = await places.site_names(here.db)
    return [
        watch.body(each)
        | {name: MASK if each.kind == VISITOR and name == "name" else "" for name in PERSONAL}
        | {"site_name": sites.get(each.site_id, ""), "place_name": names.get(each.place_path.split("/")[-2], "")}
        for each in found
    ]


@router.post("", status_code=201)
async def add(told: EntryIn, me: Me, here: Here) -> dict[str, Any]:
    """Wait for a vehicle or a visitor. 409 ``not_ours`` for a place that a node below keeps."""
    scope = await me.may(Action.WATCH_WRITE)
    place = await places.find(here.db, scope, told.place_id)
    entry = wanted(told, place, me, here)
    personal = seal(here, {name: getattr(told, name).strip() for name in PERSONAL}, sealed_for(entry.id))
    detail = {"kind": entry.kind, "plate": entry.plate, "place": place.place_path, "reason": entry.reason}
    async with me.acting(Action.WATCH_WRITE, str(entry.id), detail), here.db.transaction() as tx:
        await store.add(tx, entry, Editor(here.node, me.principal.name, here.clock()), personal=personal)
    await here.told(frozenset({Lane.BULK}))
    return (await shown(here, [entry]))[0]


def wanted(told: EntryIn, place: Place, me: Caller, here: Services) -> Entry:
    """Return the entry that ``told`` asks for at ``place``. Raises Invalid and Conflict."""
    at, plate = here.clock(), plates.normalise(told.plate).plate
    if told.kind == VEHICLE and not plate:
        raise Invalid("plate_needed", "say which plate to wait for")
    if told.kind == VISITOR and not told.name.strip():
        raise Invalid("name_needed", "say whom to wait for")
    if not at < told.expires_at <= at + LONGEST:
        raise Invalid("bad_expiry", "an entry ends in the future, within a year")
    if place.home_node != here.node.id or not place.site_id:
        raise Conflict("not_ours", "a watch list belongs to a community: keep it at the node of that community")
    where = (place.site_id, place.place_path, place.jurisdiction)
    who = (me.principal.id, me.principal.name)
    return Entry(
        new_id(at), *where, told.kind, plate, told.reason.strip(), told.level, *who, at, told.expires_at, here.node.id
    )


@router.get("/{entry_id}")
async def one(entry_id: UUID, me: Me, here: Here, reason: Given = "") -> dict[str, Any]:
    """One entry. With ``reason`` and the right to it, what names a visitor is shown, and that is logged."""
    scope = await me.may(Action.WATCH_READ)
    entry, personal = await store.find(here.db, scope, entry_id)
    row = (await shown(here, [entry]))[0]
    if not reason.strip():
        return row
    await me.may(Action.PERSONAL_REVEAL, Located(entry.place_path, entry.jurisdiction))
    async with me.acting(Action.PERSONAL_REVEAL, str(entry_id), {"reason": reason}):
        return row | dict.fromkeys(PERSONAL, "") | opened(here, personal, sealed_for(entry_id))


@router.post("/{entry_id}/end")
async def end(entry_id: UUID, why: Ending, me: Me, here: Here) -> dict[str, Any]:
    """Take an entry off the list; it stays readable. 409 ``ended_already`` or ``not_ours``."""
    scope = await me.may(Action.WATCH_WRITE)
    if not why.note.strip():
        raise Invalid("reason_needed", "say why it ends")
    await store.find(here.db, scope, entry_id)
    async with me.acting("watch.end", str(entry_id), {"note": why.note}), here.db.transaction() as tx:
        entry = await store.end(tx, scope, entry_id, Editor(here.node, me.principal.name, here.clock()))
    await here.told(frozenset({Lane.BULK}))
    return (await shown(here, [entry]))[0]
