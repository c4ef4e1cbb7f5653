"""What the routes that show pictures share: the store, tickets, thumbnails; made once for each web process."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from anju.domain.rights import Located
from anju.security.blob_keys import BlobKeys
from anju.security.tickets import Tickets
from anju.store.blobs import Blobs
from anju.store.thumbnails import Thumbnails
from anju.web.context import Caller, Here, Services


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of this node as its web process reads them."""

    blobs: Blobs
    tickets: Tickets
    thumbnails: Thumbnails


def pictures(here: Here) -> Pictures:
    """Return this process's; made on first use, with the store that ``app`` handed over as ``blobs``, if any."""
    found = here.more.get("pictures")
    if not isinstance(found, Pictures):
        found = _make(here)
        here.more["pictures"] = found
    return found


def _make(here: Services) -> Pictures:
    keys, blobs = here.data / "keys", here.more.get("blobs")
    if not isinstance(blobs, Blobs):
        blobs = Blobs(here.db, here.data / "blobs", BlobKeys(keys), clock=here.clock)
    return Pictures(blobs, Tickets(keys, clock=here.clock), Thumbnails(blobs, here.data / "thumbnails"))


Shown = Annotated[Pictures, Depends(pictures)]


def ticket(me: Caller, blob_id: UUID, action: str, at: Located) -> str:
    """Return a ticket by which the caller may open a picture of a record he sees with ``action`` at ``at``.

    Lists and details carry it as ``ticket`` beside each picture. Source: 6.3.2.
    """
    return pictures(me.services).tickets.sign(blob_id, me.principal.id, action, at)
