"""Pictures asked for by the tier above: shown only of records it was sent, each look in the operator log of their home.

Whether the person may see the record is asked above, at the record's place; whether the tier above may see the picture
is asked here. Source: 4.2.2, 5.2.2.1, 6.3.2 (no data without rights; operations logged).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from anju.domain.changes import Lane
from anju.domain.far_pictures import MOST_BYTES, Asked, Given, Outcome, Source
from anju.domain.rights import Principal
from anju.errors import Damaged, DatabaseAway, Erased, Invalid, NotFound
from anju.security.operator_log import OperatorLog
from anju.store import record_pictures, traces
from anju.store.blobs import Blobs
from anju.store.database import Database
from anju.store.log import NodeId
from anju.store.thumbnails import Thumbnails

ACTION = "pictures.fetched"
ONE_LOOK = timedelta(minutes=10)
"""Looks of one person at one record within so long are one look, and one row of the operator log."""
LOOKS = 10_000
ON_ITS_WAY_S, LOOK_S = 1.5, 0.05
LANES: dict[str, Sequence[Lane]] = {"event": (Lane.ALARMS, Lane.BULK)}
Below = Callable[[Asked], Awaitable[Given]]


class PictureDesk:
    """Answers for this node, and hands on what lies further down. ``below`` asks the nodes below."""

    def __init__(
        self,
        db: Database,
        node: NodeId,
        blobs: Blobs,
        thumbnails: Thumbnails,
        operator_log: OperatorLog,
        below: Below,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._node, self._blobs, self._thumbnails = db, node, blobs, thumbnails
        self._log, self._below, self._clock = operator_log, below, clock
        self._looks: OrderedDict[tuple[str, str, UUID], datetime] = OrderedDict()

    async def answer(self, asked: Asked) -> Given:
        """Return the picture, or why there is none."""
        try:
            if not await self._was_sent(asked):
                return Given(asked.id, Outcome.NOT_SENT)
            if asked.source.home != self._node.id:
                return await self._below(asked.one_hop_on())
            await self._note(asked)
            return await self._read(asked)
        except tuple(_OUTCOMES) as error:
            return Given(asked.id, next(outcome for kind, outcome in _OUTCOMES.items() if isinstance(error, kind)))

    async def _was_sent(self, asked: Asked) -> bool:
        """Return whether the picture belongs to a record that the tier above acknowledged."""
        source = asked.source
        if asked.by.node == self._node.id:
            return False  # a person of this node does not come from above
        try:
            found = await record_pictures.find(self._db, source.kind, source.record_id)
        except NotFound:
            return False
        if asked.blob_id not in found.pictures:
            return False
        return await self._acknowledged(source, found.kept_at)

    async def _acknowledged(self, source: Source, kept_at: datetime) -> bool:
        """Return whether the record went up; who asks at once may be faster than his acknowledgement is noted here."""
        key, lanes = (source.kind, str(source.record_id), kept_at), LANES.get(source.kind, (Lane.BULK,))
        until = asyncio.get_running_loop().time() + ON_ITS_WAY_S
        while not await traces.sent_up(self._db, self._node, *key, lanes=lanes):
            if asyncio.get_running_loop().time() >= until:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    async def _note(self, asked: Asked) -> None:
        """Write down who looks, before he sees anything."""
        by, key, now = asked.by, (asked.by.node, asked.by.id, asked.source.record_id), self._clock()
        last = self._looks.get(key)
        if last is not None and now - last < ONE_LOOK:
            return
        who = Principal(by.id, by.name, "node", node=by.node)
        detail = {"record": f"{asked.source.kind} {asked.source.record_id}", "tier": by.tier}
        await self._log.write(who, ACTION, str(asked.blob_id), detail, outcome="done")
        self._looks[key] = now
        self._looks.move_to_end(key)
        if len(self._looks) > LOOKS:
            self._looks.popitem(last=False)

    async def _read(self, asked: Asked) -> Given:
        found = await self._blobs.find(asked.blob_id)
        if asked.known:
            return Given(asked.id, Outcome.SAME)
        if asked.thumbnail:
            return Given(asked.id, Outcome.SHOWN, await self._thumbnails.of(found))
        if found.length > MOST_BYTES:
            return Given(asked.id, Outcome.TOO_LARGE)
        return Given(asked.id, Outcome.SHOWN, await self._blobs.open(found))


_OUTCOMES: dict[type[Exception], Outcome] = {
    NotFound: Outcome.MISSING,
    Erased: Outcome.ERASED,
    Damaged: Outcome.DAMAGED,
    Invalid: Outcome.NO_PICTURE,
    DatabaseAway: Outcome.BUSY,  # or its pictures' store
}
