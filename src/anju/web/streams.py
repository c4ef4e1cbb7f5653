"""Where this node's pictures flow, as the web process knows it: addresses with tickets, one picture by question.

Source: 5.4.2 (live video), 6.3.1 (protected listeners).
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from anju.bus import pieces
from anju.bus.nats import Bus
from anju.domain.rights import Located, Principal
from anju.domain.video import why_words
from anju.domain.viewing import Viewing, worker_of
from anju.errors import Conflict, Silent
from anju.security.stream_tickets import StreamTickets
from anju.web.context import Here

SNAPSHOT_S = 12.0


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the media workers of this node serve viewers: one port each, from ``first`` on; handed over by ``app``."""

    first: int
    workers: int = 1
    tls: bool = False

    def address(self, host: str, worker: int) -> str:
        """Return where a worker, numbered from 1, is reached on the ``host`` by which the browser came."""
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.first + worker - 1}"

    def all(self, host: str) -> str:
        """Return all of them as a page's policy names them."""
        return " ".join(self.address(host, number) for number in range(1, self.workers + 1))


@dataclass(frozen=True, slots=True)
class Streams:
    """The way to the media workers; made for each request."""

    doors: Doors
    bus: Bus
    tickets: StreamTickets

    def address(
        self, viewing: Viewing, account: Principal, session_id: str, at: Located, *, host: str
    ) -> tuple[str, datetime]:
        """Return a stream's WebSocket address on the ``host`` by which the browser came, and until when it opens."""
        ticket, expires_at = self.tickets.sign(viewing, account, session_id, at)
        worker = worker_of(viewing.channel_id, self.doors.workers)
        return f"{self.doors.address(f'[{host}]' if ':' in host else host, worker)}/stream?ticket={ticket}", expires_at

    async def snapshot(self, channel_id: str) -> bytes:
        """Return a JPEG of what the camera sees now. Raises Silent with why there is none."""
        worker = worker_of(channel_id, self.doors.workers)
        try:
            answer = await pieces.ask(self.bus, f"media.{worker}.snapshot", channel_id.encode(), within_s=SNAPSHOT_S)
        except Silent as silent:
            raise Silent("media_away", why_words("media_away").en) from silent
        if answer.startswith(b"{"):
            code = str(msgspec.json.decode(answer).get("error", "media_away"))
            raise Silent(code, why_words(code).en)
        return answer


def streams(here: Here) -> Streams:
    """Return the way to this node's media workers. Raises Conflict on a node without video."""
    doors, bus = here.more.get("viewers"), here.more.get("bus")
    if not isinstance(doors, Doors) or not isinstance(bus, Bus):
        raise Conflict("no_video", "this node has no video: add the table [video] to its configuration")
    return Streams(doors, bus, StreamTickets(here.data / "keys", clock=here.clock))
