"""What was held and what was refused: by cause, with a way to mend it.

Source: 4.2.2 (uniform cleaning), 8-g.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from anju.domain.rights import Action
from anju.errors import Conflict
from anju.pipeline.release import DISCARDED, Releaser
from anju.security.sealing import Sealer
from anju.store import quarantine, rejections
from anju.store.quarantine import Held
from anju.web.context import Here, Me, Services
from anju.web.paging import MOST, PageQuery
from anju.web.pictures import pictures
from anju.web.words import Body, Name, Note, Time

router = APIRouter(tags=["quarantine"])
GROUP_MOST = 500
_TOLD = ("protocol", "account", "kind", "state", "code_space", "code", "area", "zone", "occurred_at", "peer")
Given = Annotated[Name, Query()]


class Decision(Body):
    """Why."""

    note: Note = ""


class Group(Body):
    """Records held at one station for one reason."""

    reason: Name
    station: Name
    note: Note = ""


def shown(held: Held) -> dict[str, Any]:
    """Return a record as lists show it: what it says, without the bytes and texts that may name a person."""
    report, value = held.value.get("report"), held.value
    if isinstance(report, dict):
        value = {name: report.get(name) for name in _TOLD}
    elif "viid" in held.value:
        value = {"protocol": "viid", **{name: held.value.get(name) for name in ("kind", "device", "pictures")}}
    elif "object_id" in held.value:
        value = {name: held.value.get(name) for name in ("kind", "object_id", "version", "site_id", "place_path")}
    if "error" in held.value:
        value = {**value, "error": held.value["error"]}
    return {**asdict(held), "id": str(held.id), "held_at": held.held_at.isoformat(), "value": value}


@router.get("/quarantine")
async def list_held(
    page: PageQuery, me: Me, here: Here, state: Given = "held", reason: Given = "", station: Given = ""
) -> dict[str, Any]:
    """Records, newest first; ``state`` is held, released, discarded, or all."""
    scope = await me.may(Action.QUARANTINE_READ)
    rows = await quarantine.page(
        here.db,
        scope,
        until=page.before[0],
        before=page.before[1],
        limit=page.limit,
        state="" if state == "all" else state,
        reason=reason,
        station=station,
    )
    return page.answer([shown(each) for each in rows], lambda row: (row["held_at"], row["id"]))


@router.get("/quarantine/groups")
async def groups(me: Me, here: Here) -> dict[str, Any]:
    """What waits, by cause."""
    scope = await me.may(Action.QUARANTINE_READ)
    return {"items": await quarantine.groups(here.db, scope), "next": None}


@router.post("/quarantine/groups/rerun")
async def rerun_group(wanted: Group, me: Me, here: Here) -> dict[str, Any]:
    """Run the oldest 500 records of one cause again; those whose cause is not mended wait on."""
    scope = await me.may(Action.QUARANTINE_FIX)
    target = f"{wanted.station} {wanted.reason}"
    async with me.acting(Action.QUARANTINE_FIX, target, {"note": wanted.note}):
        found = await quarantine.waiting(here.db, scope, reason=wanted.reason, station=wanted.station, limit=GROUP_MOST)
        return asdict(await _releaser(here).run_all(found, by=me.principal.name, note=wanted.note))


@router.post("/quarantine/{held_id}/rerun")
async def rerun(held_id: UUID, why: Decision, me: Me, here: Here) -> dict[str, Any]:
    """Run a record again. 409 where its cause is not mended: then it waits on."""
    scope = await me.may(Action.QUARANTINE_FIX)
    held = await quarantine.find(here.db, scope, held_id)
    async with me.acting(Action.QUARANTINE_FIX, str(held_id), {"rerun": why.note}):
        fate = await _releaser(here).run(held, by=me.principal.name, note=why.note)
    return {**shown(await quarantine.find(here.db, scope, held_id)), "fate": fate}


@router.post("/quarantine/{held_id}/discard")
async def discard(held_id: UUID, why: Decision, me: Me, here: Here) -> dict[str, Any]:
    """Say that a record will not be used, and why; it stays, marked."""
    scope = await me.may(Action.QUARANTINE_FIX)
    if not why.note.strip():
        raise Conflict("reason_needed", "say why it is not used")
    held = await quarantine.find(here.db, scope, held_id)
    async with me.acting(Action.QUARANTINE_FIX, str(held_id), {"discard": why.note}):
        done = await quarantine.decide(
            here.db, held.id, DISCARDED, by=me.principal.name, note=why.note, at=here.clock()
        )
        if not done:
            raise Conflict("already_decided", "somebody decided on this record before")
    return shown(await quarantine.find(here.db, scope, held_id))


@router.get("/rejections")
async def list_rejections(
    me: Me,
    here: Here,
    station: Given = "",
    source: Given = "",
    reason: Given = "",
    since: Time | None = None,
    until: Time | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """What was not taken in, counted by hour, station, source and reason; the last 24 hours unless asked otherwise."""
    scope = await me.may(Action.QUARANTINE_READ)
    now = here.clock()
    rows = await rejections.listed(
        here.db,
        scope,
        since=since or now - timedelta(hours=24),
        until=until or now + timedelta(hours=1),
        limit=limit,
        station=station,
        source=source,
        reason=reason,
    )
    return {"items": rows, "next": None}


def _releaser(here: Services) -> Releaser:
    blobs, sealer = pictures(here).blobs, Sealer(here.data / "keys")
    return Releaser(here.db, here.node, clock=here.clock, told=here.told, pictures=blobs, sealing=sealer)
