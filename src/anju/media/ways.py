"""How each camera's device sends its pictures, as its page says: over UDP or TCP, and who connects.

Source: 5.4.1 (GB/T 28181).
"""

from anju.domain.video import Grade, Transport
from anju.errors import DatabaseAway
from anju.store import channels
from anju.store.database import Database
from anju.store.versions import Subject, current


class Ways:
    """What is written of devices, in memory; a database that is away changes nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, Transport] = {}
        self._versions: tuple[int, ...] = ()

    def of(self, channel_id: str, _grade: Grade) -> Transport:
        """Return how a camera's streams come, both the same way; UDP where nothing is known."""
        return self._known.get(channel_id, Transport.UDP)

    async def refresh(self) -> None:
        """Read again what changed."""
        try:
            versions = [await current(self._db, each) for each in (Subject.REGISTRY, Subject.CHANNELS)]
            if tuple(versions) != self._versions:
                self._known = {name: Transport(way) for name, way in (await channels.ways(self._db)).items()}
                self._versions = tuple(versions)
        except DatabaseAway:
            return
