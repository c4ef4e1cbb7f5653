"""What the cascade needs of its neighbours, handed in by whoever composes a node: media, cameras, records, secrets."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from anju.domain.cascade import Recorded, Relay, Relaying, Upper
from anju.domain.video import PlayControl, Ptz


class Media(Protocol):
    """Sends copies of streams. All raise Refused with a code of ``domain.video.NO_PICTURE``."""

    async def relay(self, wanted: Relay) -> Relaying:
        """Begin to send a copy; return once the camera has answered, before the first picture goes."""
        ...

    async def end(self, relay_id: str) -> None:
        """Stop it; one that is over already stays so."""
        ...

    async def control(self, relay_id: str, control: PlayControl) -> None:
        """Steer a copy of a recording."""
        ...


Move = Callable[[Upper, str, Ptz], Awaitable[None]]
"""Has the camera of a channel id do something for an upper. Raises Refused."""
Records = Callable[[str, datetime, datetime], Awaitable[Sequence[Recorded]]]
"""Return the recordings of a channel id, the platform's and the device's, oldest first. Raises Refused."""
Presets = Callable[[str], Awaitable[Sequence[tuple[int, str]]]]
"""Return the presets of a channel id by number and name. Raises Refused."""
Opened = Callable[[bytes, str], bytes]
"""Open a sealed password. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Hands:
    """All of them."""

    media: Media
    move: Move
    records: Records
    presets: Presets
    opened: Opened
