"""An ASGI application on a socket of ours, inside our own loop: uvicorn without its signals and its exits."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from anju.errors import EngineError

GRACE_S = 3
BACKLOG = 512
EXIT_PORT = 72


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int, *, tls: tuple[Path, Path] | None = None) -> AsyncIterator[int]:
    """Serve ``app`` while the block runs; give the port. ``tls`` is (certificate, key).

    Raises EngineError, with what to do, where the port is taken.
    """
    listener = _bound(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    loop = asyncio.create_task(server.main_loop())
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await loop
        await server.shutdown(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise EngineError(
            f"Port {port} of {host} cannot be opened: {error.strerror}. Choose another.", code=EXIT_PORT
        ) from error
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener
