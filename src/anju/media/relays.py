"""Copies of streams for platforms above, as the gateway asks for them over the bus.

Source: GB/T 28181-2016 annex N (cascade); 5.4.1, 5.4.3.
"""

import msgspec

from anju.bus.nats import Bus
from anju.domain.cascade import Relay, Relaying
from anju.domain.video import PlayControl
from anju.domain.viewing import worker_of
from anju.errors import Conflict, Silent
from anju.media.signalling import Control, Ended

BEGIN_S, STEER_S = 14.0, 6.0
RELAY_ENDED = "media.relay_ended"


class BusRelays:
    """Asks this node's media workers for copies: each has the cameras that are its own. Raises as ``Media`` says.

    The id of a copy begins with its worker's number.
    """

    def __init__(self, bus: Bus, workers: int) -> None:
        self._bus, self._workers = bus, workers

    async def relay(self, wanted: Relay) -> Relaying:
        """Begin to send a copy."""
        worker = worker_of(wanted.channel_id, self._workers)
        found = await self._asked(f"media.{worker}.relay", msgspec.json.encode(wanted), BEGIN_S)
        return msgspec.convert(found, Relaying)

    async def end(self, relay_id: str) -> None:
        """Stop it."""
        await self._asked(f"{_worker(relay_id)}.relay_end", msgspec.json.encode(Ended(relay_id)), STEER_S)

    async def control(self, relay_id: str, control: PlayControl) -> None:
        """Steer a copy of a recording."""
        asked = Control(relay_id, control.act, control.value)
        await self._asked(f"{_worker(relay_id)}.relay_control", msgspec.json.encode(asked), STEER_S)

    async def _asked(self, topic: str, data: bytes, within_s: float) -> object:
        try:
            answer = msgspec.json.decode(await self._bus.ask(topic, data, within_s=within_s))
        except Silent as silent:
            raise Conflict("media_away", str(silent)) from silent
        if "error" in answer:
            raise Conflict(str(answer["error"]), "the media worker says so")
        return answer["ok"]


def _worker(relay_id: str) -> str:
    return f"media.{relay_id.partition('-')[0]}"
