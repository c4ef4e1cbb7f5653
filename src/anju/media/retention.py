"""What ends recordings: their days, and before a volume is full those that are past their floor, oldest first.

Nothing younger than a camera's floor ends, unless an operator chose to overwrite; then it is told each time anew.
Evidence never ends. The pace is bounded: unlinking must not hold up what is being written.
Source: 5.4.1 (at least 30 days), 5.4.2.7 (falling objects may be kept shorter).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anju.domain.recording import FLOOR_DAYS, Plan, day_of, threshold
from anju.domain.recording_trouble import Told, Trouble
from anju.media import ledger
from anju.media.recover import empty_garbage
from anju.store import recording_ends, recording_ledger
from anju.store.database import Database
from anju.store.recording_ends import Piece
from anju.store.volumes import Volume, VolumeState

BITE = 50  # files whose rows go in one transaction
PAUSE_S = 0.5  # after each bite
MOST_BITES = 200  # in one round, of a camera or a volume
LEDGER_DAYS = 1_095
ROOM = 1.2
"""Space is made before the least important camera would have to give way: so much above where it does."""


@dataclass(slots=True)
class Ended:
    """What one round ended, files."""

    by_age: int = 0
    for_space: int = 0
    below_floor: int = 0
    unlinked: int = 0


class Retention:
    """Ends recordings of the volumes one media process has. ``plans`` tells the plan of each channel."""

    def __init__(
        self,
        db: Database,
        volumes: Sequence[Volume],
        plans: Callable[[], Mapping[str, Plan]],
        *,
        tell: Callable[[Told], None],
        overwrite: bool = False,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._db, self._volumes, self._plans, self._tell = db, volumes, plans, tell
        self._overwrite, self._pause_s = overwrite, pause_s

    async def round(self, *, now: datetime) -> Ended:
        """End what is over now. Raises DatabaseAway; the next round goes on where this one stopped."""
        done = Ended()
        done.by_age += await self._end_aged(now)
        for volume in self._usable():
            await self._make_room(volume, done, now)
        done.unlinked += await self._unlink()
        await recording_ends.forget_days(self._db)
        await recording_ledger.forget(self._db, before=day_of(now) - timedelta(days=LEDGER_DAYS))
        return done

    def _usable(self) -> list[Volume]:
        return [each for each in self._volumes if each.state in {VolumeState.OK, VolumeState.FULL}]

    async def _end_aged(self, now: datetime) -> int:
        plans = self._plans()
        before = {
            channel: _ms(now - timedelta(days=plans.get(channel, Plan()).days))
            for channel in await recording_ends.channels(self._db)
        }
        ended = 0
        for _ in range(MOST_BITES):
            found = await recording_ends.over(self._db, before, limit=BITE)
            ended += await self._end(found, "age", now)
            if len(found) < BITE:
                break
        return ended

    async def _make_room(self, volume: Volume, done: Ended, now: datetime) -> None:
        """End what is past its floor; and only where that is the operator's choice what is not."""
        floors = {channel: _ms(now - timedelta(days=plan.floor_days)) for channel, plan in self._plans().items()}
        usual = _ms(now - timedelta(days=FLOOR_DAYS))
        done.for_space += await self._shrink(volume, floors, usual, done, now)
        if self._overwrite and _short(volume):
            low = await self._shrink(volume, {}, _ms(now - timedelta(hours=1)), done, now)
            done.below_floor += low
            if low:
                detail = f"{low} files younger than their days ended to go on recording"
                self._tell(Told(Trouble.FLOOR_BROKEN, volume=str(volume.path), detail=detail))

    async def _shrink(self, volume: Volume, floors: Mapping[str, int], usual: int, done: Ended, now: datetime) -> int:
        ended = 0
        for _ in range(MOST_BITES):
            if not _short(volume):
                break
            found = await recording_ends.oldest(self._db, volume.number, floors, usual_ms=usual, limit=BITE)
            ended += await self._end(found, "space", now)
            if not found:
                break
            done.unlinked += await empty_garbage(self._db, volume)
            await asyncio.to_thread(volume.look)
        return ended

    async def _end(self, files: Sequence[Piece], why: str, now: datetime) -> int:
        if not files:
            return 0
        await ledger.ended(self._db, [(each.channel_id, each.start_ms, each.duration_ms) for each in files], now=now)
        ended = await recording_ends.discard(self._db, files, why=why, at=now)
        await asyncio.sleep(self._pause_s)
        return ended

    async def _unlink(self) -> int:
        gone = 0
        for volume in self._usable():
            while count := await empty_garbage(self._db, volume, limit=BITE):
                gone += count
                await asyncio.sleep(self._pause_s)
        return gone


def _short(volume: Volume) -> bool:
    """Return whether space must be made."""
    return volume.free < ROOM * threshold(9, volume.reserve)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
