"""The web listener: management API, live push, the built console. One app from one set of services."""

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from anju.errors import DatabaseAway, Refused
from anju.web.dependencies import Services
from anju.web.live import LiveHub
from anju.web.session import who_of_socket

CONSOLE = Path(__file__).parent / "console"
MAX_BODY = 2 * 1024 * 1024  # bytes; imports of whole sites go their own way
SUBJECTS = (
    "session",
    "setup",
    "users",
    "roles",
    "policies",
    "operator_log",
    "places",
    "jurisdictions",
    "devices",
    "alarms",
    "commands",
    "events",
    "quarantine",
    "statistics",
    "links",
)
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


def create(services: Services, hub: LiveHub) -> FastAPI:
    """Return the app; its routes ask ``services.rights`` for everything they show or do."""
    app = FastAPI(title="Anju", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.services = services
    app.add_middleware(BoundedBody)
    app.middleware("http")(_headers)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(DatabaseAway, _away)
    app.add_exception_handler(RequestValidationError, _invalid)
    for subject in SUBJECTS:
        app.include_router(import_module(f"anju.web.api.{subject}").router)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        await services.db.fetch_one("SELECT 1")
        return {"status": "ok", "node": services.node.id, "tier": services.node.tier}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.websocket("/api/live")
    async def live(socket: WebSocket, resume: str = "") -> None:
        who = who_of_socket(socket)
        try:
            await who()
        except Refused as refusal:
            await socket.close(4401, refusal.code)
            return
        await socket.accept()
        await hub.serve(socket, who, resume=resume)

    @app.get("/{path:path}", include_in_schema=False)
    async def console(path: str) -> Response:
        return _console_file(path)

    return app


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> Any:  # noqa: ANN401 - Starlette's signature
    yield


def _console_file(path: str) -> Response:
    if path.startswith("api/"):
        return JSONResponse({"code": "not_found", "message": "no such address"}, status_code=404)
    found = (CONSOLE / path).resolve()
    if found.is_relative_to(CONSOLE) and found.is_file():
        lasting = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(found, headers={"cache-control": lasting})
    index = CONSOLE / "index.html"
    if not index.is_file():
        return JSONResponse(
            {"code": "console_not_built", "message": "The console is not built: run `make console`."}, status_code=503
        )
    return FileResponse(index, headers={"cache-control": "no-cache"})


async def _headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path.startswith("/api/"):
        response.headers.setdefault("cache-control", "no-store")
    return response


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101 - registered for it
    return JSONResponse({"code": error.code, "message": str(error)}, status_code=error.status)


async def _away(_request: Request, _error: Exception) -> JSONResponse:
    message = "The database does not answer; nothing was changed. Trying again helps."
    return JSONResponse({"code": "database_away", "message": message}, status_code=503, headers={"retry-after": "2"})


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    fields = [{"at": [str(part) for part in each["loc"]], "message": each["msg"]} for each in error.errors()]
    return JSONResponse({"code": "invalid", "message": "Some fields are wrong.", "fields": fields}, status_code=422)


class BoundedBody:
    """Refuses bodies over MAX_BODY with 413, whatever their headers say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body on its way in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        left = MAX_BODY

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge
            return message

        try:
            await self._app(scope, bounded, send)
        except TooLarge:
            answer = JSONResponse({"code": "too_large", "message": f"At most {MAX_BODY} bytes."}, status_code=413)
            await answer(scope, receive, send)


class TooLarge(Refused):
    """The body is longer than this address takes. Send less."""

    status = 413

    def __init__(self) -> None:
        super().__init__("too_large", f"at most {MAX_BODY} bytes")
