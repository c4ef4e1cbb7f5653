"""Pictures of records, by ticket: who may see the record now sees its picture, and nobody else.

Source: 5.2.2.1 (pictures of passages), 6.3.2 (no data without rights).
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from anju.security.signed_words import MOST_CHARACTERS
from anju.store.blobs import Found
from anju.web.context import Me
from anju.web.pictures import Shown

router = APIRouter(tags=["pictures"])
TYPES = {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp", "image/gif": "gif", "image/webp": "webp"}
TicketQuery = Annotated[str, Query(max_length=MOST_CHARACTERS)]


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

    403 without a valid ticket of the caller's own or without the right it names; 404, 410 erased, 500 damaged.
    """
    paper = shown.tickets.open(ticket, blob_id=blob_id, account_id=me.principal.id)
    await me.may(paper.action, paper.at)
    found = await shown.blobs.find(blob_id)
    tag = f'"{found.sha256.hex()}{"-s" if thumbnail else ""}"'
    if if_none_match == tag:
        return Response(None, 304, _headers(found, tag))
    if thumbnail:
        return Response(await shown.thumbnails.of(found), 200, _headers(found, tag), "image/jpeg")
    kind = found.media_type if found.media_type in TYPES else "application/octet-stream"
    return Response(await shown.blobs.open(found), 200, _headers(found, tag), kind)


def _headers(found: Found, tag: str) -> dict[str, str]:
    """Return headers under which no bytes a device sent can act as a page."""
    ending = TYPES.get(found.media_type, "bin")
    return {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": f'{"inline" if ending != "bin" else "attachment"}; filename="{found.id}.{ending}"',
    }
