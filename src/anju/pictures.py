"""The pictures of one node as its configuration has them: store, care, check and repair.

Source: 4.2.3 (storage), 5.2.2.1 (pictures of passages).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from anju.config import Config
from anju.domain.pictures import Deed
from anju.security.blob_keys import BlobKeys
from anju.store import segment_care
from anju.store.blobs import Blobs
from anju.store.database import Database
from anju.store.segment_care import Places
from anju.supervisor import running

if TYPE_CHECKING:  # each process loads only what it needs
    from anju.bus.nats import Bus
    from anju.control.pictures import PictureDesk
    from anju.security.operator_log import OperatorLog
    from anju.store.log import NodeId


def now() -> datetime:
    """Return the platform's time."""
    return datetime.now(UTC)


def picture_places(config: Config) -> Places:
    """Return where the node's pictures lie."""
    s3 = config.pictures.s3
    if s3 is None:
        return Places.under(config.data)
    from anju.store.objects import Bucket, Objects  # only a node with an object store loads its client

    keys = (s3.access_key, s3.secret_key.get_secret_value())
    return Places.under(config.data, Objects(Bucket(s3.endpoint, s3.bucket, *keys, s3.region, config.node.id)))


def picture_store(db: Database, config: Config) -> Blobs:
    """Return the store through which one process writes and reads pictures."""
    places = picture_places(config)
    elsewhere = places.objects.range if places.objects else None
    return Blobs(db, places.segments, BlobKeys(config.data / "keys"), clock=now, elsewhere=elsewhere)


def picture_desk(db: Database, config: Config, node: NodeId, operator_log: OperatorLog, bus: Bus) -> PictureDesk:
    """Return what answers the tier above about pictures of this node and of those below."""
    from anju.control.pictures import PictureDesk
    from anju.control.pictures_below import PicturesBelow
    from anju.store.thumbnails import Thumbnails

    blobs = picture_store(db, config)
    thumbnails = Thumbnails(blobs, picture_places(config).thumbnails)
    return PictureDesk(db, node, blobs, thumbnails, operator_log, PicturesBelow(bus).ask, clock=now)


async def tend_pictures(db: Database, places: Places, config: Config) -> None:
    """Do once what time asks for. Raises DatabaseAway, PicturesAway, Damaged: the next time goes on."""
    here_days = config.pictures.s3.here_days if config.pictures.s3 else 0
    await segment_care.tend(db, places, at=now(), days=config.pictures.days, here_days=here_days)


async def repair_pictures(config: Config, *, settled_s: float) -> AsyncIterator[Deed]:
    """Mend what can be mended and proved, and tell each deed. Raises EngineError where the node does not run.

    Segments that no row names are left alone until ``settled_s`` seconds after their last byte.
    """
    async with database_beside(config, "anju blobs repair") as db:
        settled = timedelta(seconds=settled_s)
        async for deed in segment_care.repair(db, picture_places(config), at=now(), settled=settled):
            yield deed


@asynccontextmanager
async def database_beside(config: Config, application: str) -> AsyncIterator[Database]:
    """Open the database of a running node, from beside it. Raises EngineError where it does not run."""
    db = Database(running(config).database, application=application)
    await db.open()
    try:
        yield db
    finally:
        await db.close()
