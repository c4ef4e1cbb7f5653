"""What cameras saw around an alarm is kept: recorded where only events are, and locked as evidence everywhere.

Cameras that stand where the alarm was raised, or inside that place, belong to it.
Source: 5.1.2.4 (pictures of an alarm), 5.4.1 (recording by event).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from anju.domain.changes import Change, Lane
from anju.domain.recording import POST_S, PRE_S, Plan
from anju.errors import DatabaseAway
from anju.media.record import Recorder
from anju.store import channels, log, recording_locks
from anju.store.bell import Bell, lanes_of
from anju.store.database import Database
from anju.store.log import NodeId

PAGE = 500
BY = "Anju"
_log = structlog.get_logger(__name__)


class AlarmClips:
    """Follows this node's alarms for the cameras of one worker, whose ``plans`` it asks for."""

    def __init__(
        self,
        db: Database,
        node: NodeId,
        recorder: Recorder,
        plans: Callable[[], Mapping[str, Plan]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._node, self._recorder, self._plans, self._clock = db, node, recorder, plans, clock
        self._bell = Bell()
        self._after = -1

    async def wake(self, told: bytes = b"") -> None:
        """Look: what ``told`` names has grown."""
        self._bell.ring(lanes_of(told))

    async def run(self) -> None:
        """Follow until cancelled; what was raised before the start is left."""
        while True:
            try:
                await self._look()
            except DatabaseAway as away:
                _log.warning("alarms not followed for a moment", reason=str(away))
            await self._bell.heard()

    async def _look(self) -> None:
        epoch = self._node.epoch
        if self._after < 0:
            self._after = await log.head(self._db, Lane.ALARMS, epoch)
        while rows := await log.read(self._db, Lane.ALARMS, epoch, self._after, PAGE):
            for row in rows:
                await self._take(row.change)
                self._after = row.seq

    async def _take(self, change: Change) -> None:
        if change.kind != "alarm" or change.version != 1:
            return
        at = datetime.fromisoformat(str(change.body["raised_at"]))
        mine = [each for each in await channels.standing(self._db, change.place_path) if each in self._plans()]
        for channel_id in mine:
            if (recording := self._recorder.channels.get(channel_id)) is not None:
                recording.event(at.timestamp())
        await self._lock(mine, change, at)

    async def _lock(self, mine: Sequence[str], change: Change, at: datetime) -> None:
        first, last = round((at.timestamp() - PRE_S) * 1000), round((at.timestamp() + POST_S) * 1000)
        for channel_id in mine:
            reason = f"alarm {change.object_id}"
            await recording_locks.lock(self._db, channel_id, first, last, reason=reason, by=BY, at=self._clock())
