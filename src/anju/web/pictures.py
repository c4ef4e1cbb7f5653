"""What the routes that show pictures share: the store, tickets, thumbnails, the way to pictures of nodes below.

Made once for each web process.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from anju.control.pictures_below import PicturesBelow
from anju.security.blob_keys import BlobKeys
from anju.security.tickets import Tickets
from anju.store.blobs import Blobs
from anju.store.thumbnails import Thumbnails
from anju.web.context import Here, Services


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of this node as its web process reads them; ``below`` are those of the nodes below."""

    blobs: Blobs
    tickets: Tickets
    thumbnails: Thumbnails
    below: PicturesBelow


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
    small = Thumbnails(blobs, here.data / "thumbnails")
    return Pictures(blobs, Tickets(keys, clock=here.clock), small, PicturesBelow(here.more.get("bus")))


Shown = Annotated[Pictures, Depends(pictures)]
