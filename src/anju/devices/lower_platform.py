"""The door for nodes below: TLS, signed requests, rows with fates, commands by long poll.

Nothing is answered before its commit. Who is not approved is refused before a byte of the body is read.
Source: 4.2.2 (county and city receive from below), 6.3.3 (only known platforms exchange data).
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from anju.devices.lower_pictures import Questions
from anju.domain import docking as words
from anju.domain import far_pictures
from anju.domain.changes import Lane
from anju.domain.commands import Command
from anju.domain.docking import (
    MAX_BODY,
    MAX_ROWS,
    Batch,
    Beat,
    Gap,
    Handed,
    Lower,
    LowerState,
    Receipt,
    Refusal,
    Snapshot,
)
from anju.errors import DatabaseAway, Refused, WireError
from anju.store import anchors, docking, links, log, reconciliation
from anju.store.database import Database
from anju.store.log import NodeId
from anju.wire import signing
from anju.wire.http import HttpServer

BODY_S = 30.0  # a whole body, however slow the line
POLL_S, LOOK_S = 20.0, 2.0
ROOM = 8 * MAX_BODY  # bytes of all bodies held at once
PAIRINGS = 20  # attempts a minute
T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """What stands behind the routes.

    ``receive`` keeps a batch of an approved node, ``resync`` a part of a snapshot; both return after the commit.
    ``pair`` checks a one-time code; it raises Refused. ``take`` returns the commands that wait for a node.
    """

    receive: Callable[[Batch, Lower], Awaitable[Receipt]]
    resync: Callable[[Snapshot, Lower], Awaitable[Receipt]]
    pair: Callable[[words.PairAsk], Awaitable[words.PairAnswer]]
    take: Callable[[str], Awaitable[Sequence[Command]]]


class _No(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class LowerPlatforms:
    """All nodes below. ``rejected`` counts what was refused, by reason."""

    def __init__(self, db: Database, node: NodeId, doors: Doors, *, clock: Callable[[], datetime]) -> None:
        self._db, self._node, self._doors, self._clock = db, node, doors, clock
        self.questions = Questions()
        self._held = 0
        self._pairings: deque[datetime] = deque(maxlen=PAIRINGS)
        self._news, self._stopping = asyncio.Event(), False
        self.rejected: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                self._route(words.PAIR, self._pair),
                self._route(words.ROWS, self._rows),
                self._route(words.COMMANDS, self._commands),
                self._route(far_pictures.PICTURES, self._picture),
                self._route(words.HEARTBEAT, self._heartbeat),
                self._route(words.RESYNC, self._resync),
                self._route(words.ACCOUNT, self._account),
                self._route(words.RECONCILE, self._reconcile),
                self._route(words.ANCHORS, self._keep_anchor),
                self._route(words.ANCHORS, self._anchors, "GET"),
            ]
        )

    def wake(self) -> None:
        """Let those who poll for commands look now."""
        self._news.set()
        self._news = asyncio.Event()

    def stop(self) -> None:
        """Answer those who poll at once, for good."""
        self._stopping = True
        self.wake()

    def _route(self, path: str, handle: Callable[[Request], Awaitable[Any]], method: str = "POST") -> Route:
        async def answered(request: Request) -> Response:
            try:
                return _json(200, await handle(request))
            except _ANSWERED as error:
                return self._refusal(error)

        return Route(path, answered, methods=[method])

    def _refusal(self, error: Exception) -> Response:
        status, code, mark = _meaning(error)
        self.rejected[code] += 1
        if status != 503:
            _log.info("docking request refused", code=code, reason=str(error)[:200])
        return _json(status, Refusal(code, mark, self._clock()))

    @asynccontextmanager
    async def _from(self, request: Request) -> AsyncIterator[tuple[Lower, bytes, int]]:
        """Give the approved sender, the body and its epoch; hold room for the body until the block ends."""
        claim = signing.read(request.headers)
        if not claim.timely(self._clock()):
            raise _No(401, "clock")
        known = await links.lower(self._db, claim.node)
        if known is None:
            raise _No(401, "unknown")
        async with self._body(request) as body:
            claim.check(known.public_key, method=request.method, path=_path(request), body=body, now=self._clock())
            await self._once(claim)
            if known.state is not LowerState.APPROVED:
                raise _No(403, known.state.value)
            yield known, body, claim.epoch

    async def _once(self, claim: signing.Signed) -> None:
        if not await docking.first_time(self._db, claim.once, at=self._clock()):
            raise _No(401, "replayed")

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        size = _declared(request)
        if self._held + size > ROOM:
            raise _No(503, "busy")
        self._held += size
        try:
            yield await _read(request, size)
        finally:
            self._held -= size

    async def _rows(self, request: Request) -> Receipt:
        async with self._from(request) as (sender, body, epoch):
            batch = msgspec.json.decode(body, type=Batch)
            if (batch.node, batch.epoch) != (sender.node, epoch) or not batch.sound():
                raise _No(422, "malformed")
            return await self._doors.receive(batch, sender)

    async def _pair(self, request: Request) -> words.PairAnswer:
        claim, now = signing.read(request.headers), self._clock()
        if len(self._pairings) == PAIRINGS and now - self._pairings[0] < timedelta(minutes=1):
            raise _No(429, "too_many")
        self._pairings.append(now)
        async with self._body(request) as body:
            ask = msgspec.json.decode(body, type=words.PairAsk)
            claim.check(ask.public_key, method=request.method, path=_path(request), body=body, now=now)
            await self._once(claim)
            if claim.node != ask.node:
                raise _No(422, "malformed")
            return await self._doors.pair(ask)

    async def _heartbeat(self, request: Request) -> words.Welcome:
        async with self._from(request) as (sender, body, epoch):
            beat = msgspec.json.decode(body, type=Beat)
            await self._note(sender, beat, epoch)
            return self._welcome()

    def _welcome(self) -> words.Welcome:
        return words.Welcome(self._node.id, self._node.name, self._clock())

    async def _note(self, sender: Lower, beat: Beat, epoch: int) -> None:
        at = self._clock()
        async with self._db.transaction() as tx:
            told = await links.note_beat(tx, sender, beat, epoch=epoch, at=at)
            if told:
                await log.append(tx, Lane.BULK, [told], at=at, node=self._node)

    async def tell_silence(self, tell: Callable[[Lower, bool], Awaitable[object]]) -> None:
        """Have ``tell`` raise with True, end with False, the alarm about a node below that gives no sign of life.

        What cannot be told now is told next time. Source: 4.2.2; the silence of a link is an alarm of its own.
        """
        for node, silent in await links.silence_due(self._db, at=self._clock()):
            await tell(node, silent)
            await links.note_silence(self._db, node.node, silent=silent)

    async def _resync(self, request: Request) -> Receipt:
        async with self._from(request) as (sender, body, epoch):
            part = msgspec.json.decode(body, type=Snapshot)
            if part.epoch != epoch or len(part.changes) > MAX_ROWS or not 0 <= part.first <= max(part.last, 0) < 2**62:
                raise _No(422, "malformed")
            return await self._doors.resync(part, sender)

    async def _account(self, request: Request) -> words.Account:
        async with self._from(request) as (sender, body, epoch):
            asked = msgspec.json.decode(body, type=words.DayAsked)
            if asked.epoch != epoch:
                raise _No(422, "malformed")
            async with self._db.transaction() as tx:
                return await reconciliation.open_account(tx, sender.node, epoch, asked.day, at=self._clock())

    async def _reconcile(self, request: Request) -> words.Welcome:
        async with self._from(request) as (sender, body, epoch):
            told = msgspec.json.decode(body, type=words.Day)
            if told.epoch != epoch or not told.sound():
                raise _No(422, "malformed")
            async with self._db.transaction() as tx:
                account = await reconciliation.opened(tx, sender.node, told.day, told.account)
                if account is None:
                    raise _No(409, "no_account")
                await reconciliation.note(tx, sender.node, told, account, at=self._clock())
            return self._welcome()

    async def _keep_anchor(self, request: Request) -> words.Welcome:
        async with self._from(request) as (sender, body, _):
            head = msgspec.json.decode(body, type=words.Head)
            if head.node != sender.node or not 1 <= head.seq < 2**62 or len(head.signature) != 64:
                raise _No(422, "malformed")
            async with self._db.transaction() as tx:
                same = await anchors.keep(tx, head, at=self._clock())
            if not same:
                _log.error("operator log below was rewritten", node=sender.node, seq=head.seq)
                raise _No(409, "other_anchor")
            return self._welcome()

    async def _anchors(self, request: Request) -> tuple[words.Head, ...]:
        async with self._from(request) as (sender, _, _):
            after = int(request.query_params.get("after", "0")[:18])
            return tuple(await anchors.of(self._db, sender.node, after=after))

    async def _commands(self, request: Request) -> Handed:
        async with self._from(request) as (sender, _, _):
            with self.questions.polling(sender.node) as question:
                return await self._handed(request, sender.node, question)

    async def _handed(self, request: Request, node: str, question: asyncio.Event) -> Handed:
        """Return what goes down to ``node`` once there is anything; nothing is given to who hung up."""
        until = asyncio.get_running_loop().time() + POLL_S
        while True:
            news = self._news
            found = tuple(await self._doors.take(node))
            if await request.is_disconnected():
                return Handed(found)
            asked = self.questions.take(node)
            if found or asked or self._stopping or asyncio.get_running_loop().time() >= until:
                return Handed(found, asked)
            await _any(LOOK_S, news, question)

    async def _picture(self, request: Request) -> words.Welcome:
        async with self._from(request) as (sender, body, _):
            if not self.questions.answered(sender.node, msgspec.json.decode(body, type=far_pictures.Given)):
                raise _No(409, "not_asked")
            return self._welcome()


async def serve(platforms: LowerPlatforms, host: str, port: int, certificate: Path, key: Path) -> HttpServer:
    """Open the door; the caller closes it after ``platforms.stop()``."""
    server = HttpServer(platforms.app, certificate=certificate, key=key)
    await server.open(host, port)
    return server


_CODES: tuple[tuple[type[Exception], int, str], ...] = (
    (DatabaseAway, 503, "away"),
    (TimeoutError, 503, "away"),
    (ClientDisconnect, 400, "cut_off"),
    (msgspec.MsgspecError, 422, "malformed"),
    (ValueError, 422, "malformed"),
    (RecursionError, 422, "malformed"),
)
_ANSWERED: tuple[type[Exception], ...] = (_No, WireError, Refused, *(kind for kind, _, _ in _CODES))


def _meaning(error: Exception) -> tuple[int, str, int | None]:
    """Return status, code and mark that tell the node below what to do next."""
    if isinstance(error, Gap):
        return 409, "gap", error.mark
    if isinstance(error, WireError):
        return 401, error.reason.replace(" ", "_"), None
    if isinstance(error, (_No, Refused)):
        return error.status, error.code, None
    return next((status, code, None) for kind, status, code in _CODES if isinstance(error, kind))


def _json(status: int, answer: Any) -> Response:
    headers = {"retry-after": "2"} if status == 503 else None
    return Response(msgspec.json.encode(answer), status, headers, "application/json")


def _path(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _declared(request: Request) -> int:
    told = request.headers.get("content-length", "")
    if request.method == "GET" and not told:
        return 0
    if not (told.isascii() and told.isdigit() and len(told) < 20):
        raise _No(411, "length_needed")
    if int(told) > MAX_BODY:
        raise _No(413, "too_large")
    return int(told)


async def _read(request: Request, most: int) -> bytes:
    found = bytearray()
    async with asyncio.timeout(BODY_S):
        async for piece in request.stream():
            found += piece
            if len(found) > most:
                raise _No(413, "too_large")
    return bytes(found)


async def _any(seconds: float, *events: asyncio.Event) -> None:
    """Return once one of ``events`` happens, at the latest after ``seconds``."""
    waiting = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
