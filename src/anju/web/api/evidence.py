"""Pictures kept as evidence, and pictures erased before their days are over; each for a reason that is written down.

Only where a picture lies: a tier above asks its home. Source: 5.2.2.1 (pictures as evidence), 6.3.2 (erasure; logged).
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from anju.domain.rights import Action
from anju.errors import Conflict, Invalid
from anju.security.signed_words import MOST_CHARACTERS
from anju.security.tickets import Ticket
from anju.store import evidence
from anju.store.evidence import Lock
from anju.web.api.pictures import TicketQuery
from anju.web.context import Caller, Me
from anju.web.pictures import Pictures, Shown
from anju.web.words import Body, Note

router = APIRouter(prefix="/pictures", tags=["pictures"])


class Deed(Body):
    """What is done to a picture: by whose ticket, and why."""

    ticket: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    reason: Note


@router.get("/{blob_id}/evidence")
async def state(blob_id: UUID, me: Me, shown: Shown, ticket: TicketQuery = "") -> dict[str, Any]:
    """Whether a picture is kept as evidence, why and by whom, and whether it was erased. 409 ``not_ours``."""
    await _paper(blob_id, me, shown, ticket)
    found = await evidence.state(me.services.db, blob_id)
    lock = found.lock
    told = {"reason": lock.reason, "by": lock.by, "at": lock.at.isoformat()} if lock else None
    return {"locked": told, "erased_at": found.erased_at.isoformat() if found.erased_at else None}


@router.post("/{blob_id}/lock")
async def lock(blob_id: UUID, deed: Deed, me: Me, shown: Shown) -> dict[str, Any]:
    """Keep a picture as evidence: a copy that no age ends. Again changes nothing. 410 erased, 500 damaged."""
    detail = await _may(Action.PICTURES_LOCK, blob_id, deed, me, shown)
    async with me.acting(Action.PICTURES_LOCK, str(blob_id), detail):
        why = Lock(deed.reason, me.principal.name, me.services.clock())
        await evidence.lock(me.services.db, shown.blobs, blob_id, why)
    return await state(blob_id, me, shown, deed.ticket)


@router.post("/{blob_id}/release")
async def release(blob_id: UUID, deed: Deed, me: Me, shown: Shown) -> dict[str, Any]:
    """End the lock of a picture and erase its copy; the original ends by its age. 404 ``not_locked``."""
    detail = await _may(Action.PICTURES_LOCK, blob_id, deed, me, shown)
    await me.services.sessions.fresh(me.session)
    async with me.acting("pictures.release", str(blob_id), detail):
        await evidence.release(me.services.db, blob_id, by=me.principal.name, at=me.services.clock())
    return await state(blob_id, me, shown, deed.ticket)


@router.post("/{blob_id}/erase")
async def erase(blob_id: UUID, deed: Deed, me: Me, shown: Shown) -> dict[str, Any]:
    """Erase a picture for ever, here and for every tier above: 409 ``locked`` while it is evidence."""
    detail = await _may(Action.PICTURES_ERASE, blob_id, deed, me, shown)
    await me.services.sessions.fresh(me.session)
    here = me.services
    async with me.acting(Action.PICTURES_ERASE, str(blob_id), detail):
        await evidence.erase(here.db, blob_id, at=here.clock(), small=here.data / "thumbnails")
    return await state(blob_id, me, shown, deed.ticket)


async def _may(action: Action, blob_id: UUID, deed: Deed, me: Caller, shown: Pictures) -> dict[str, str]:
    """Return what the operator log is told; raise where the caller may not do that at the place of the record."""
    paper = await _paper(blob_id, me, shown, deed.ticket)
    await me.may(action, paper.at)
    if not deed.reason.strip():
        raise Invalid("reason_needed", "say why")
    record = f"{paper.source.kind} {paper.source.record_id}" if paper.source else ""
    return {"reason": deed.reason, "record": record}


async def _paper(blob_id: UUID, me: Caller, shown: Pictures, ticket: str) -> Ticket:
    paper = shown.tickets.open(ticket, blob_id=blob_id, account_id=me.principal.id)
    await me.may(paper.action, paper.at)
    if paper.source is not None and paper.source.home != me.services.node.id:
        raise Conflict("not_ours", "this picture lies at a node below: do it there")
    return paper
