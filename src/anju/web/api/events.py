"""Events as kept, and the frames they came from.

Source: 5.1.2.4-e (signal, time, place, type), 6 (personal information is not disclosed).
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from anju.domain.events import EventKind, masked_frame
from anju.domain.rights import Action, Located
from anju.store import events, passage_marks
from anju.web import ticketed
from anju.web.context import Caller, Here, Me, Services
from anju.web.paging import PageQuery
from anju.web.words import Name, Time

router = APIRouter(prefix="/events", tags=["events"])
Given = Annotated[Name, Query()]


@router.get("")
async def list_events(
    page: PageQuery,
    me: Me,
    here: Here,
    kind: EventKind | None = None,
    device: Given = "",
    place: Given = "",
    since: Time | None = None,
    until: Time | None = None,
) -> dict[str, Any]:
    """Events, newest first, with what may name a person hidden."""
    scope = await me.may(Action.EVENTS_READ)
    rows = await events.page(
        here.db,
        scope,
        before=page.before,
        limit=page.limit,
        since=since,
        until=until,
        kind=kind,
        device=device,
        place=place,
    )
    homes = await _homes(here, rows)
    shown = [ticketed.event(me, row, home=homes[row["id"]]) for row in rows]
    return page.answer(shown, lambda row: (row["received_at"], row["id"]))


async def _homes(here: Services, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return at which node each event is at home: here, where its raw record is, else where its device is."""
    far = await passage_marks.homes(here.db, (row["device_id"] for row in rows if row["raw_id"] is None))
    return {row["id"]: here.node.id if row["raw_id"] else far.get(row["device_id"], "") for row in rows}


@router.get("/{event_id}")
async def one(event_id: UUID, me: Me, here: Here, reason: Given = "") -> dict[str, Any]:
    """One event. With ``reason`` and the right to it, what may name a person is shown, and that is logged."""
    scope = await me.may(Action.EVENTS_READ)
    event = await events.one(here.db, scope, event_id)
    home = (await _homes(here, [event]))[event["id"]]
    return ticketed.event(me, event, home=home, plain=await _reveals(me, event, reason))


@router.get("/{event_id}/raw")
async def raw(event_id: UUID, me: Me, here: Here, reason: Given = "") -> dict[str, Any]:
    """The bytes as received, in hexadecimal and, where they are, as text. Every look is in the operator log."""
    scope = await me.may(Action.EVENTS_RAW)
    event = await events.one(here.db, scope, event_id)
    async with me.acting(Action.EVENTS_RAW, str(event_id), {"reason": reason}):
        frame = await events.frame(here.db, UUID(event["raw_id"] or str(event_id)))
    plain = await _reveals(me, event, reason)
    data = frame.data if plain else masked_frame(frame.data, event["detail"])
    told = {name: getattr(frame, name) for name in ("protocol", "peer", "outcome", "reason")}
    times = {"id": str(frame.id), "received_at": frame.received_at.isoformat(), "masked": not plain}
    return {**told, **times, "hex": data.hex(), "text": data.decode("utf-8", "replace")}


async def _reveals(me: Caller, event: dict[str, Any], reason: str) -> bool:
    """Return whether personal text is shown: only for a reason, which goes into the operator log."""
    if not reason.strip():
        return False
    await me.may(Action.PERSONAL_REVEAL, Located(event["place_path"], event["jurisdiction"]))
    async with me.acting(Action.PERSONAL_REVEAL, event["id"], {"reason": reason}):
        return True
