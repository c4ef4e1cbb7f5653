"""Where recordings go: which volume takes which camera, and who gives way when space runs short.

Source: 5.4.1 (recordings are stored on the spot for at least 30 days).
"""

import asyncio
import math
import zlib
from collections.abc import Sequence

from anju.domain.recording import may_record
from anju.domain.recording_trouble import Told, Trouble
from anju.store.volumes import Volume, VolumeState

LOOK_S = 2.0
LOOK_WITHIN_S = 10.0  # a disk that takes longer to say how it is has failed
TROUBLES = {
    VolumeState.OK: Trouble.VOLUME_OK,
    VolumeState.FULL: Trouble.VOLUME_FULL,
    VolumeState.MISSING: Trouble.VOLUME_MISSING,
    VolumeState.WRONG: Trouble.VOLUME_WRONG,
    VolumeState.FAILED: Trouble.VOLUME_FAILED,
}


class Room:
    """The volumes of one media process. Channels keep to a volume as long as it takes them."""

    def __init__(self, volumes: Sequence[Volume], *, every_s: float = LOOK_S) -> None:
        self.volumes, self.every_s = list(volumes), every_s
        self._told = dict.fromkeys((each.path for each in volumes), VolumeState.OK)

    def choose(self, channel_id: str, priority: int) -> tuple[Volume | None, Trouble]:
        """Return the volume for a channel's next file, else why there is none.

        Larger volumes get more channels; a channel goes elsewhere only while its own volume cannot take it.
        """
        usable = [each for each in self.volumes if each.state is VolumeState.OK]
        free = [each for each in usable if may_record(priority, each.free, each.reserve, recording=False)]
        if free:
            return max(free, key=lambda each: _weight(channel_id, each)), Trouble.RESUMED
        full = any(each.readable for each in self.volumes)
        return None, Trouble.NO_SPACE if full else Trouble.NO_VOLUME

    def takes(self, number: int, priority: int) -> bool:
        """Return whether a channel that is recorded on a volume goes on there."""
        found = next((each for each in self.volumes if each.number == number), None)
        return (
            found is not None
            and found.state is VolumeState.OK
            and may_record(priority, found.free, found.reserve, recording=True)
        )

    async def look(self) -> list[Told]:
        """Find out how the volumes are; return what changed since it was told last."""
        await asyncio.gather(*(self._look(each) for each in self.volumes if each.number))
        told = []
        for each in self.volumes:
            if self._told[each.path] is not each.state:
                self._told[each.path] = each.state
                told.append(Told(TROUBLES[each.state], volume=str(each.path), detail=each.reason))
        return told

    async def _look(self, volume: Volume) -> None:
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                await asyncio.to_thread(volume.look)
        except TimeoutError:
            volume.state = VolumeState.FAILED
            volume.reason = f"{volume.path} does not answer within {LOOK_WITHIN_S:.0f} s"


def _weight(channel_id: str, volume: Volume) -> float:
    """Rendezvous: the highest of all volumes is the channel's own, in proportion to their sizes."""
    chance = (zlib.crc32(f"{channel_id}/{volume.id}".encode()) + 0.5) / 2**32
    return -max(volume.total, 1) / math.log(chance)
