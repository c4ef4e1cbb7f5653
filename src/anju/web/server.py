"""The web process: management API, live push, the built console; behind one set of guards.

Source: 6.3.1 (protected listeners), 6.3.2 (nothing without rights).
"""

import asyncio
import importlib
import pkgutil
import re
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

import anju.web.api
from anju import __version__
from anju.web import errors
from anju.web.context import Services
from anju.web.live import Live
from anju.web.streams import Doors

STATIC = Path(__file__).parent / "static"
MAX_BODY = 4 * 1024 * 1024
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; media-src 'self' blob:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "geolocation=(), camera=(), payment=()",
}
_POLICY = HEADERS["Content-Security-Policy"]
_READ = frozenset({b"x-anju", b"content-length", b"host"})
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
YEAR = "public, max-age=31536000, immutable"


def routers() -> list[APIRouter]:
    """Return the router of every subject under ``web/api``."""
    names = sorted(each.name for each in pkgutil.iter_modules(anju.web.api.__path__))
    return [importlib.import_module(f"anju.web.api.{name}").router for name in names]


def make_app(services: Services, live: Live | None = None, *, static: Path = STATIC) -> FastAPI:
    """Return the application of one node."""
    app = FastAPI(title="Anju", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.services = services
    errors.install(app)
    for router in routers():
        app.include_router(router, prefix="/api")
    _add_health(app, services)
    if live is not None:
        app.add_api_websocket_route("/api/live", _live(live))
    _add_console(app, static)
    app.add_middleware(Guard, doors=services.more.get("viewers"))
    return app


class Guard:
    """Refuses unsafe calls of other sites and bodies beyond measure; adds the headers that protect a page."""

    def __init__(self, app: ASGIApp, doors: Doors | None = None) -> None:
        """Let pages of this node connect to its media workers' ``doors`` too."""
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value for name, value in scope["headers"] if name in _READ}
        if scope["method"] not in SAFE and b"x-anju" not in headers:
            refusal = errors.answer(403, "csrf", "this call did not come from Anju's own page: send X-Anju: 1")
            await refusal(scope, receive, send)
            return
        if (size := headers.get(b"content-length", b"0")).isdigit() and int(size) > MAX_BODY:
            await errors.answer(413, "too_large", f"at most {MAX_BODY} bytes")(scope, receive, send)
            return
        policy = _policy(headers.get(b"host", b"").decode("latin-1"), self._doors)
        await self._app(scope, _bounded(receive), _guarded(send, policy))


def _policy(host: str, doors: Doors | None) -> str:
    """Return what a page may load: viewers are reached by the same name as the page itself."""
    found = _HOST.fullmatch(host)
    if found is None or doors is None:
        return _POLICY
    return _POLICY.replace("connect-src 'self'", f"connect-src 'self' {doors.all(found[1])}")


def _bounded(receive: Receive) -> Receive:
    read = 0

    async def take() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        return {"type": "http.disconnect"} if read > MAX_BODY else message

    return take


def _guarded(send: Send, policy: str) -> Send:
    async def give(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", policy)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return give


def _live(live: Live):  # type: ignore[no-untyped-def]  # noqa: ANN202 - FastAPI reads the inner signature
    async def talk(websocket: WebSocket) -> None:
        await live.talk(websocket)

    return talk


def _add_health(app: FastAPI, services: Services) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def health() -> JSONResponse:
        await services.db.fetch_one("SELECT 1")
        return JSONResponse({"status": "ok", "node": services.node.id, "tier": services.node.tier})

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if request.client is None or request.client.host not in {"127.0.0.1", "::1"}:
            return errors.answer(403, "forbidden", "metrics are for this machine: scrape them from it")
        return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _add_console(app: FastAPI, static: Path) -> None:
    @app.get("/{path:path}", include_in_schema=False)
    async def console(path: str) -> Response:
        if path.startswith("api/"):
            return errors.answer(404, "404", "there is no such address")
        if asset := await asyncio.to_thread(_file, static, path):
            return FileResponse(asset, headers={"Cache-Control": YEAR} if path.startswith("assets/") else None)
        return PlainTextResponse("The console is not built: run `make console`.", 503)


def _file(static: Path, path: str) -> Path | None:
    """Return the built file at ``path``; every address of the console's own is its one page."""
    for each in (static / path.replace("\0", ""), static / "index.html"):
        found = each.resolve()
        if found.is_relative_to(static.resolve()) and found.is_file():
            return found
    return None
