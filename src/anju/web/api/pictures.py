"""Pictures of records, by ticket: who may see the record now sees its picture, and nobody else.

A picture lies at the node that made its record. What lies further down is fetched for each look and kept nowhere here.
Source: 5.2.2.1 (pictures of passages), 4.2.2 (seen at the tiers above), 6.3.2 (no data without rights).
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.responses import Response
from uuid_utils.compat import uuid7

from anju.domain.alarms import Person
from anju.domain.captures import media_type
from anju.domain.far_pictures import MOST_SMALL, Asked, Given, Outcome, Source
from anju.errors import Conflict, Damaged, Erased, Forbidden, Invalid, NotFound, OwnerAway, Refused, Silent
from anju.security.signed_words import MOST_CHARACTERS
from anju.web.context import Caller, Me
from anju.web.pictures import Pictures, Shown

router = APIRouter(tags=["pictures"])
TYPES = {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp", "image/gif": "gif", "image/webp": "webp"}
TicketQuery = Annotated[str, Query(max_length=MOST_CHARACTERS)]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a picture: which, small or whole, and what the browser says it has already."""

    blob_id: UUID
    thumbnail: bool
    has: str

    def tag(self, sha256: str) -> str:
        """Return what names these very bytes."""
        return f'"{sha256}{"-s" if self.thumbnail else ""}"'

    def answer(self, sha256: str, data: bytes | None, kind: str) -> Response:
        """Return the picture of ``kind``, or, without ``data``, that the browser may show what it has."""
        status, headers = (304 if data is None else 200), _headers(self.blob_id, kind, self.tag(sha256))
        shown = kind if kind in TYPES else "application/octet-stream"
        return Response(data, status, headers, None if data is None else shown)


@router.get("/pictures/{blob_id}", response_class=Response)
async def picture(
    blob_id: UUID,
    me: Me,
    shown: Shown,
    ticket: TicketQuery = "",
    *,
    thumbnail: bool = False,
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """The picture itself, or a JPEG of at most 320 points. A browser may keep it but asks each time.

    403 without a valid ticket of the caller's own or without the right it names; 404, 410 erased, 500 damaged;
    503 ``owner_away`` with the ``name`` of the node that is away and has it.
    """
    paper = shown.tickets.open(ticket, blob_id=blob_id, account_id=me.principal.id)
    await me.may(paper.action, paper.at)
    look = Look(blob_id, thumbnail, if_none_match)
    if paper.source is not None and paper.source.home != me.services.node.id:
        return await _from_below(look, me, shown, paper.source)
    return await _from_here(look, shown)


async def _from_here(look: Look, shown: Pictures) -> Response:
    found = await shown.blobs.find(look.blob_id)
    sha256, kind = found.sha256.hex(), "image/jpeg" if look.thumbnail else found.media_type
    if look.has == look.tag(sha256):
        return look.answer(sha256, None, kind)
    data = await shown.thumbnails.of(found) if look.thumbnail else await shown.blobs.open(found)
    return look.answer(sha256, data, kind)


async def _from_below(look: Look, me: Caller, shown: Pictures, source: Source) -> Response:
    node, who = me.services.node, me.principal
    by, known = Person(who.id, who.name, node.id, node.tier), look.has == look.tag(source.sha256)
    given = await shown.below.ask(Asked(uuid7(), look.blob_id, source, by, look.thumbnail, known))
    if given.outcome is Outcome.SAME:
        return look.answer(source.sha256, None, "image/jpeg")
    if given.outcome is not Outcome.SHOWN:
        raise _refusal(given, source)
    kind = media_type(given.data)
    small = kind == "image/jpeg" and len(given.data) <= MOST_SMALL
    if not (small if look.thumbnail else hashlib.sha256(given.data).hexdigest() == source.sha256):
        raise Damaged("damaged", "what came is not the picture that its record names")
    return look.answer(source.sha256, given.data, kind)


def _refusal(given: Given, source: Source) -> Refused:
    """Return what stands for a picture that the node below does not show."""
    if given.outcome is Outcome.AWAY:
        return OwnerAway(given.node or source.home, given.name)
    return _REFUSALS[given.outcome]


_REFUSALS: dict[Outcome, Refused] = {
    Outcome.ERASED: Erased("erased", "the picture was erased by the node that kept it"),
    Outcome.MISSING: NotFound("ended", "the node that made this record keeps the picture no longer"),
    Outcome.DAMAGED: Damaged("damaged", "the picture is damaged at the node that keeps it"),
    Outcome.TOO_LARGE: Conflict("too_large", "the picture is too large to be fetched: look at it at its own node"),
    Outcome.NO_PICTURE: Invalid("no_picture", "these bytes are no picture that can be shown"),
    Outcome.NOT_SENT: Forbidden("not_sent", "the node that keeps it does not know that it sent this record here"),
    Outcome.BUSY: Silent("silent", "it cannot be fetched just now: ask again soon"),
}


def _headers(blob_id: UUID, kind: str, tag: str) -> dict[str, str]:
    """Return headers under which no bytes a device sent can act as a page."""
    ending = TYPES.get(kind, "bin")
    return {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": f'{"inline" if ending != "bin" else "attachment"}; filename="{blob_id}.{ending}"',
    }
