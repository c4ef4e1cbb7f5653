"""The viewers' door of a media worker: a WebSocket each, in by ticket, asked again every two seconds.

``GET /stream?ticket=…``. Source: 6.3.2 (no data without rights), 6.3.1 (protected listeners).
"""

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec
import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from anju.domain.viewing import Viewing
from anju.errors import DatabaseAway, EngineError, Refused
from anju.media.viewers import Viewer, said

MOST, MOST_OF_ONE = 256, 64
"""Viewers of one worker, and those of one address among them."""
ASK_AGAIN_S = 2.0
OPEN_S, SEND_S, END_S = 5.0, 20.0, 2.0
EXIT_PORT = 72
_log = structlog.get_logger(__name__)


class Admitted(Protocol):
    """A viewer that was let in."""

    @property
    def viewing(self) -> Viewing:
        """What it may see."""

    async def why_over(self) -> str:
        """Return why it must go (a code of NO_PICTURE), '' while it may stay."""

    async def began(self) -> None:
        """Write down that it looks. Raises DatabaseAway: then it must not."""

    async def ended(self, code: str, seconds: float) -> None:
        """Write down that it looked, how long, and why it ended. Raises DatabaseAway."""


class Watch(Protocol):
    """What one viewer is being shown."""

    async def hear(self, message: dict[str, Any]) -> None:
        """Do what the viewer says: seek, speed, pause, resume. What it cannot do it leaves."""

    async def over(self) -> str:
        """Return, once nothing more will come, why."""


Admit = Callable[[str, str], Awaitable[Admitted]]
"""Lets in by ticket and address. Raises Refused with a code of NO_PICTURE, DatabaseAway."""
Show = Callable[[Viewing, Viewer], AbstractAsyncContextManager[Watch]]
"""Shows the viewer what it may see as long as the block runs. Raises Refused with a code of NO_PICTURE."""


class ViewerServer:
    """Listens for viewers."""

    def __init__(self, admit: Admit, show: Show, *, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._admit, self._show = admit, show
        self._most, self._most_of_one = most, most_of_one
        self._by_address: Counter[str] = Counter()
        self._server: Server | None = None

    @property
    def viewers(self) -> int:
        """Return how many look now."""
        return self._by_address.total()

    async def open(self, host: str, port: int, *, tls: tuple[Path, Path] | None = None) -> int:
        """Listen; return the port. ``tls`` is (certificate, key). Raises EngineError where the port is taken."""
        try:
            self._server = await serve(
                self._talk,
                host,
                port,
                ssl=_context(tls) if tls else None,
                compression=None,
                open_timeout=OPEN_S,
                ping_interval=SEND_S,
                ping_timeout=SEND_S,
                close_timeout=END_S,
                max_size=4_096,
                max_queue=16,
            )
        except OSError as error:
            words = f"Port {port} of {host} cannot be opened: {error.strerror}. Choose another."
            raise EngineError(words, code=EXIT_PORT) from error
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def close(self) -> None:
        """Send everybody away."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _talk(self, connection: ServerConnection) -> None:
        address = str(connection.remote_address[0])
        self._by_address[address] += 1
        try:
            await _end(connection, await self._served(connection, address))
        finally:
            self._by_address[address] -= 1
            self._by_address += Counter()  # forgets those without viewers

    async def _served(self, connection: ServerConnection, address: str) -> str:
        """Serve one viewer; return why it ended."""
        if self.viewers > self._most or self._by_address[address] > self._most_of_one:
            return "too_many_viewers"
        try:
            admitted = await self._admit(_ticket(connection), address)
            await admitted.began()
        except Refused as refusal:
            return refusal.code
        except DatabaseAway:
            return "media_away"
        begun, code = time.monotonic(), "left"
        try:
            code = await self._shown(connection, admitted)
        finally:
            await _noted(admitted, code, time.monotonic() - begun)
        return code

    async def _shown(self, connection: ServerConnection, admitted: Admitted) -> str:
        viewer = Viewer(connection.send)
        try:
            async with self._show(admitted.viewing, viewer) as watch:
                return await _first(
                    _sent(viewer), _heard(connection, watch), _asked_again(admitted), _finished(watch, viewer)
                )
        except Refused as refusal:
            return refusal.code


def _ticket(connection: ServerConnection) -> str:
    request = connection.request
    found = urlsplit(request.path) if request else urlsplit("")
    tickets = parse_qs(found.query).get("ticket", [])
    return tickets[0] if found.path == "/stream" and tickets else ""


async def _first(*work: Awaitable[str]) -> str:
    """Return what the first of ``work`` returns; the others end."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _sent(viewer: Viewer) -> str:
    with contextlib.suppress(ConnectionClosed):
        await viewer.run()
    return "left"


async def _heard(connection: ServerConnection, watch: Watch) -> str:
    with contextlib.suppress(ConnectionClosed):
        async for text in connection:
            if isinstance(message := _read(text), dict):
                await watch.hear(message)
    return "left"


def _read(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None


async def _asked_again(admitted: Admitted) -> str:
    while True:
        if code := await admitted.why_over():
            return code
        await asyncio.sleep(ASK_AGAIN_S)


async def _finished(watch: Watch, viewer: Viewer) -> str:
    """Return why nothing more comes, once the viewer has all that came."""
    code = await watch.over()
    await viewer.emptied()
    return code


async def _end(connection: ServerConnection, code: str) -> None:
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(END_S):
            await connection.send(msgspec.json.encode(said("end", code)).decode())
            await connection.close()


async def _noted(admitted: Admitted, code: str, seconds: float) -> None:
    try:
        await admitted.ended(code, seconds)
    except DatabaseAway as away:
        _log.warning("end of a viewing not written down", channel=admitted.viewing.channel_id, reason=str(away))


def _context(tls: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context
