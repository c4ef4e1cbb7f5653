"""HTTP between Anju's own programs: a listener that bounds what it holds, a client that pins and signs.

Every wait is limited on both sides.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from anju.errors import UpperAway
from anju.wire import signing

CONNECT_S = 5.0
ANSWER_S = 15.0
ANSWER_BYTES = 8 * 1024 * 1024
HEAD_S, HEAD_BYTES = 10.0, 32 * 1024
IDLE_S = 75  # between two requests of one connection
STOP_S = 3  # what is still being answered after that is cut


class SignedClient:
    """Sends signed requests to one base URL. Raises UpperAway where no whole answer comes in time."""

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext,
        *,
        sign: signing.Sign,
        node: str,
        epoch: int,
        clock: Callable[[], datetime],
    ) -> None:
        limits = httpx2.Limits(max_connections=8, max_keepalive_connections=8, keepalive_expiry=IDLE_S - 10)
        self._client = httpx2.AsyncClient(base_url=url, verify=context, trust_env=False, limits=limits)
        self._sign, self._node, self._epoch, self._clock = sign, node, epoch, clock

    async def send(self, method: str, path: str, body: bytes = b"", *, wait_s: float = ANSWER_S) -> tuple[int, bytes]:
        """Return (status, body) within ``wait_s``. A repeat of the same call is signed anew."""
        headers = signing.headers(
            self._sign, method=method, path=path, body=body, node=self._node, epoch=self._epoch, at=self._clock()
        )
        limits = httpx2.Timeout(wait_s, connect=CONNECT_S)
        try:
            async with (
                asyncio.timeout(wait_s + CONNECT_S),
                self._client.stream(
                    method, path, content=body, headers=headers, timeout=limits, extensions={"trace": _Handshake().note}
                ) as answer,
            ):
                return answer.status_code, await _bounded(answer)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
            raise UpperAway(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()


class _Handshake:
    """Closes a connection whose TLS handshake was cut short: the HTTP library leaves it open where it is cancelled."""

    def __init__(self) -> None:
        self._stream: Any = None

    async def note(self, step: str, told: dict[str, Any]) -> None:
        """Follow one request through the library's documented ``trace`` extension."""
        if step == "connection.connect_tcp.complete":
            self._stream = told["return_value"]
        elif step == "connection.start_tls.failed" and self._stream:
            await self._stream.aclose()


async def _bounded(answer: httpx2.Response) -> bytes:
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > ANSWER_BYTES:
            raise UpperAway(f"an answer of more than {ANSWER_BYTES} bytes")
    return bytes(found)


class _Protocol(HttpToolsProtocol):
    """Ends connections that open, or begin a request, and do not come to the end of its head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_bytes, self._head_timer = 0, self.loop.call_later(HEAD_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES and (self.cycle is None or self.cycle.response_complete):
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._head_timer.cancel()
        self._head_timer = self.loop.call_later(HEAD_S, self.transport.abort)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = 0
        self._head_timer.cancel()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer.cancel()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program that runs us."""
        yield


class HttpServer:
    """An ASGI application on one address inside a running asyncio program; TLS where it has a certificate."""

    def __init__(self, app: Any, *, certificate: Path | None = None, key: Path | None = None, most: int = 500) -> None:
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_Protocol,
                ssl_certfile=certificate,
                ssl_keyfile=key,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=most,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=STOP_S,
            )
        )
        self._running: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self, host: str, port: int, *, shared: bool = False) -> int:
        """Start listening; return the port. Raises OSError where the address is taken.

        ``shared``: processes of one program divide the connections of one port among them.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((host, port))
        except OSError:
            listener.close()
            raise
        self.port = int(listener.getsockname()[1])
        self._running = asyncio.create_task(self._server.serve([listener]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._running, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._running.done():
            await self._running
        return self.port

    async def wait(self) -> None:
        """Return, or raise, when the listener ended by itself."""
        if self._running:
            await asyncio.shield(self._running)

    async def close(self) -> None:
        """Stop listening and wait, at most STOP_S and a little, for what is being answered."""
        self._server.should_exit = True
        if self._running:
            await self._running
