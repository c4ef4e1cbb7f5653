"""Faces, persons and images that devices saw. Names are shown only for a reason, which is logged.

Source: 4.3 (GA/T 1400 faces and persons), 6 and 7-d (personal information), 6.3.2-a.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from anju.domain import sightings
from anju.domain.rights import Action, Located
from anju.domain.sightings import Sighting
from anju.store import passage_marks, places
from anju.store import sightings as store
from anju.store.sightings import sealed_for
from anju.web import ticketed
from anju.web.context import Caller, Here, Me
from anju.web.paging import FIRST, PageQuery
from anju.web.sealed import opened
from anju.web.words import Name, Time

router = APIRouter(prefix="/sightings", tags=["sightings"])
Given = Annotated[Name, Query()]


def wanted(
    kind: Literal["", "face", "person", "image"] = "",
    since: Time | None = None,
    until: Time | None = None,
    device: Given = "",
    site: Given = "",
    place: Given = "",
    direction: Literal["", "in", "out"] = "",
) -> store.Query:
    """Return which sightings a query asks for."""
    return store.Query(kind, since, until, device, site, place, direction)


@router.get("")
async def list_sightings(
    query: Annotated[store.Query, Depends(wanted)], page: PageQuery, me: Me, here: Here
) -> dict[str, Any]:
    """Sightings, newest first; nothing in them names anybody."""
    scope = await me.may(Action.PEOPLE_READ)
    after = None if page.before == FIRST else page.before
    found = await store.search(here.db, scope, query, after=after, limit=page.limit)
    return page.answer(await shown(me, found), lambda row: (row["received_at"], row["id"]))


async def shown(me: Caller, found: Sequence[Sighting]) -> list[dict[str, Any]]:
    """Return sightings as lists show them, pictures with tickets."""
    here = me.services
    names, home = await places.site_names(here.db), await passage_marks.homes(here.db, (s.device_id for s in found))
    return [
        ticketed.sighting(me, sightings.body(each), home=home.get(each.device_id, ""))
        | {"site_name": names.get(each.site_id, "")}
        for each in found
    ]


@router.get("/{sighting_id}")
async def one(sighting_id: UUID, me: Me, here: Here, reason: Given = "") -> dict[str, Any]:
    """One sighting. With ``reason`` and the right to it, what names the person is shown, and that is logged."""
    scope = await me.may(Action.PEOPLE_READ)
    kept = await store.find(here.db, scope, sighting_id)
    row = (await shown(me, [kept.sighting]))[0] | {"kept_at": kept.kept_at.isoformat(), "personal": {}}
    if not reason.strip():
        return row
    await me.may(Action.PERSONAL_REVEAL, Located(kept.sighting.place_path, kept.sighting.jurisdiction))
    async with me.acting(Action.PERSONAL_REVEAL, str(sighting_id), {"reason": reason}):
        return row | {"personal": opened(here, kept.personal, sealed_for(sighting_id))}
