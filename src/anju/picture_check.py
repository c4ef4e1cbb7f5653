"""Proves the kept pictures: all of them when asked, segment by segment by itself; what is lost is an alarm, once.

Source: 4.2.3 (storage), 5.2.2.1 (every passage with its pictures).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any

from anju.config import Config
from anju.domain.events import EventKind
from anju.domain.pictures import Finding, losses
from anju.errors import PicturesAway
from anju.pictures import database_beside, picture_places
from anju.pipeline.keep import Accepted, Keeper
from anju.process import clock, of_itself
from anju.security.blob_keys import BlobKeys
from anju.store import segment_checks
from anju.store.blob_check import Check
from anju.store.database import Database
from anju.store.log import this_node

LOST = "picture_lost"
EVERY = timedelta(days=30)
"""Each finished segment is proved again when its last proof is so old."""
NAMED = 20  # pictures and records that one alarm names
Keep = Callable[[Accepted], Awaitable[Any]]


class Losses:
    """Raises the alarm about each segment of which something is lost, and ends it once nothing is."""

    def __init__(self, db: Database, keep: Keep) -> None:
        self._db, self._keep = db, keep

    async def checked(self, segment: str, findings: Sequence[Finding]) -> None:
        """Tell what changed since the segment was last proved. Raises DatabaseAway: then it is told next time."""
        before, lost = await segment_checks.last(self._db, segment), losses(findings)
        if before is None or lost is None:  # nothing is known of it, or nobody can say just now
            return
        if lost != before.lost:
            key = f"{segment}|{before.at}|{lost}"  # told again after a crash, and recognised
            await self._tell(segment, key, lost, findings)
        await segment_checks.note(self._db, segment, lost=lost, at=clock())

    async def _tell(self, segment: str, key: str, lost: str, findings: Sequence[Finding]) -> None:
        named = [each for each in findings if each.blob_id is not None][:NAMED]
        detail = {
            "segment": segment,
            "lost": lost,
            "pictures_lost": [str(each.blob_id) for each in named],
            "records": sorted({each.record for each in named if each.record}),
        }
        here = await this_node(self._db)  # by the name it has now
        report = of_itself(here, LOST, segment, key, detail, active=bool(lost), at=clock(), kind=EventKind.FAULT)
        await self._keep(report)


@asynccontextmanager
async def checking(config: Config) -> AsyncIterator[Check]:
    """Open a check of all pictures of a running node. Raises EngineError where it does not run."""
    async with database_beside(config, "anju blobs check") as db:

        async def nobody(_: object) -> None:
            """Its own processes look by themselves."""

        keeper = Keeper(db, await this_node(db), clock=clock, on_committed=nobody, on_unsaved=nobody)
        told = Losses(db, keeper.keep_alone).checked
        yield Check(db, picture_places(config), BlobKeys(config.data / "keys"), done=told)


async def prove_next(db: Database, config: Config, keep: Keep) -> None:
    """Prove the finished segment whose turn it is, if any is due. Raises DatabaseAway, PicturesAway."""
    name = await segment_checks.due(db, before=clock() - EVERY)
    if name is None:
        return
    check = Check(db, picture_places(config), BlobKeys(config.data / "keys"), done=Losses(db, keep).checked)
    try:
        async with aclosing(check.run(only=name)) as findings:
            async for _ in findings:
                continue
    except OSError as error:
        raise PicturesAway(f"segment {name} cannot be proved: {error}") from error
