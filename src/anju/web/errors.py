"""Errors as the console and API clients see them: a stable code, words, and what to do by the status."""

from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from anju.errors import BusAway, DatabaseAway, Refused

RETRY_S = "2"
_log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error raised on purpose with ``{"code", "message"}`` and its status."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(DatabaseAway, _away)
    app.add_exception_handler(BusAway, _away)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(psycopg.DataError, _unkept)
    app.add_exception_handler(UnicodeEncodeError, _unkept)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def answer(status: int, code: str, message: str, **more: Any) -> JSONResponse:
    """Return the one shape of every refusal."""
    return JSONResponse({"code": code, "message": message, **more}, status)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101 - registered for Refused
    return answer(error.status, error.code, str(error), **getattr(error, "more", {}))


async def _away(_: Request, error: Exception) -> JSONResponse:
    _log.warning("away", reason=str(error))
    away = answer(503, "away", "the database or the bus does not answer: try again soon")
    away.headers["Retry-After"] = RETRY_S
    return away


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    fields = [
        {
            "field": ".".join(str(part) for part in each["loc"] if part not in {"body", "query", "path"}),
            "message": each["msg"],
        }
        for each in error.errors()
    ]
    words = "; ".join(f"{each['field']}: {each['message']}" for each in fields[:5])
    return answer(422, "invalid", words, fields=fields)


async def _unkept(_: Request, error: Exception) -> JSONResponse:
    """PostgreSQL keeps no NUL, no half of a surrogate pair, no number beyond its type."""
    return answer(422, "bad_value", f"a value cannot be kept: {str(error).splitlines()[0][:200]}")


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return answer(error.status_code, str(error.status_code), str(error.detail))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected", path=request.url.path, exc_info=error)
    return answer(500, "unexpected", "something went wrong here; it was written to the program's log")
