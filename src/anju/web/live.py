"""Live push: what the log gains goes to every open page that may see it. Alarms at once, the rest gathered.

One ``LogTail`` a process follows the log and keeps the last minute; each page is a ``Line`` over it. A page that was
away for less resumes by its token; after that it is told ``reset`` and loads again, merging by (id, version).
Source: 5.1.2.4 (alarms are shown at once); 6.3.2-a (only to whom they may be shown).
"""

import asyncio
import contextlib
import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from anju.domain.changes import Change, Lane, Logged
from anju.domain.events import masked
from anju.domain.rights import NOWHERE, Action, Located, Principal, Scope
from anju.errors import DatabaseAway
from anju.store import log, places
from anju.store.bell import Bell, lanes_of
from anju.store.database import Database
from anju.store.log import NodeId
from anju.web.context import COOKIE, Services
from anju.web.ticketed import Record, masked_passage, ticketed

RING_S, RING_ROWS = 60.0, 50_000
LEARN_S = 1.0
PAGE_ROWS = 1_000
GAP_S = 0.02
CHECK_S = 1.0
STATUS_S = 5.0
SEND_S = 10.0
MOST_LINES = 500
MOST_ROWS_A_MESSAGE = 2_000
GOING_AWAY, POLICY = 1001, 1008
_log = structlog.get_logger(__name__)

ACTION_OF = {
    "event": Action.EVENTS_READ,
    "alarm": Action.ALARMS_READ,
    "alarm_step": Action.ALARMS_READ,
    "device": Action.DEVICES_READ,
    "place": Action.PLACES_READ,
    "jurisdiction": Action.PLACES_READ,
    "command": Action.ALARMS_READ,
    "linkage_action": Action.LINKAGE_READ,
    "passage": Action.VEHICLES_READ,
    "watch_entry": Action.WATCH_READ,
    "sighting": Action.PEOPLE_READ,
}
"""What one must be allowed to, to see changes of a kind; a kind that is not here is shown to nobody."""


HIDING: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "event": masked,
    "alarm": masked,
    "passage": masked_passage,
}
"""How kinds that may name a person are shown; the page asks for the rest with a reason."""
NAMED_KINDS = frozenset({"event", "alarm", "passage", "sighting", "watch_entry"})
"""They stand in their 小区, whose name pages show."""
STREAMING_KINDS = frozenset({"passage", "sighting"})
"""They come by the thousand, and pages show the latest: of each kind a message brings ``MOST_STREAMING``."""
MOST_STREAMING = 24
STREAMING_RING = 200


@dataclass(frozen=True, slots=True)
class Place:
    """How far a page has seen: one seq for each lane of an epoch."""

    epoch: int
    alarms: int
    bulk: int

    def token(self) -> str:
        """Return the words a page resumes by."""
        return f"{self.epoch}.{self.alarms}.{self.bulk}"

    @staticmethod
    def read(token: str) -> "Place | None":
        """Return what ``token`` says, None where it is not one of ours."""
        parts = token.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
            return None
        return Place(*(int(part) for part in parts))

    def seen(self, row: Logged) -> bool:
        """Return whether ``row`` was shown already."""
        return row.seq <= (self.alarms if row.lane is Lane.ALARMS else self.bulk)


class LogTail:
    """Follows both lanes by wake-up and by looking each second; keeps the last minute for pages that come back."""

    def __init__(self, db: Database, node: NodeId, *, now: Callable[[], float] = time.monotonic) -> None:
        self._db, self._node, self._now = db, node, now
        self._ring: deque[tuple[float, Logged]] = deque()
        self._streaming: deque[tuple[float, Logged]] = deque(maxlen=STREAMING_RING)
        self._head = dict.fromkeys(Lane, 0)
        self._dropped = dict.fromkeys(Lane, 0)  # rows up to here are in no ring any more
        self._bell = Bell()
        self._lines: set[Line] = set()
        self._sites: dict[str, str] = {}
        self._sites_at = float("-inf")
        self.started = asyncio.Event()
        self.database_away = False

    @property
    def place(self) -> Place:
        """Return up to where we have read."""
        return Place(self._node.epoch, self._head[Lane.ALARMS], self._head[Lane.BULK])

    @property
    def lines(self) -> "frozenset[Line]":
        """Return the pages that follow now."""
        return frozenset(self._lines)

    async def wake(self, told: bytes = b"") -> None:
        """Look: what ``told`` names has grown."""
        self._bell.ring(lanes_of(told))

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                if not self.started.is_set():
                    await self._begin()
                await self._look()
                self.database_away = False
            except DatabaseAway as away:
                self.database_away = True
                _log.info("live push waits", reason=str(away))
            await self._bell.heard()

    def follow(self, line: "Line", after: Place | None) -> tuple[list[Logged], bool]:
        """Add ``line``; return what it missed since ``after``, and whether it must load again instead."""
        self._lines.add(line)
        if after is None:
            return [], False
        here = after.epoch == self._node.epoch
        there = after.alarms >= self._dropped[Lane.ALARMS] and after.bulk >= self._dropped[Lane.BULK]
        if not here or not there or after.alarms > self._head[Lane.ALARMS] or after.bulk > self._head[Lane.BULK]:
            return [], True
        kept = sorted((*self._ring, *self._streaming), key=lambda each: each[1].seq)
        return [row for _, row in kept if not after.seen(row)], False

    def leave(self, line: "Line") -> None:
        """Forget ``line``."""
        self._lines.discard(line)

    def site_name(self, site_id: str) -> str:
        """Return the name of a 小区, '' where it has none or is not known yet."""
        return self._sites.get(site_id, "")

    async def _begin(self) -> None:
        for lane in Lane:
            self._head[lane] = self._dropped[lane] = await log.head(self._db, lane, self._node.epoch)
        self._sites = await places.site_names(self._db)
        self.started.set()

    async def _look(self) -> None:
        for lane in Lane:
            while rows := await log.read(self._db, lane, self._node.epoch, self._head[lane], PAGE_ROWS):
                await self._learn_sites(rows)
                self._take(lane, rows)
                if len(rows) < PAGE_ROWS:
                    break
        self._forget()

    async def _learn_sites(self, rows: Sequence[Logged]) -> None:
        """Ask again for the names of 小区 where one of ``rows`` may have changed them or comes from a new one."""
        strange = any(row.change.site_id and row.change.site_id not in self._sites for row in rows)
        if any(row.change.kind == "place" for row in rows) or (strange and self._now() - self._sites_at > LEARN_S):
            self._sites, self._sites_at = await places.site_names(self._db), self._now()

    def _take(self, lane: Lane, rows: Sequence[Logged]) -> None:
        self._head[lane] = rows[-1].seq
        now = self._now()
        for row in rows:
            (self._streaming if row.change.kind in STREAMING_KINDS else self._ring).append((now, row))
        for line in self._lines:
            line.offer(rows)

    def _forget(self) -> None:
        oldest = self._now() - RING_S
        while self._ring and (self._ring[0][0] < oldest or len(self._ring) > RING_ROWS):
            _, row = self._ring.popleft()
            self._dropped[row.lane] = max(self._dropped[row.lane], row.seq)


@dataclass(eq=False, slots=True)
class Line:
    """One open page: what waits to be sent to it, and what it may see."""

    socket: WebSocket
    principal: Principal
    locked: bool
    token: str
    place: Place
    scopes: dict[Action, Scope] = field(default_factory=dict)
    waiting: list[Logged] = field(default_factory=list)
    some: asyncio.Event = field(default_factory=asyncio.Event)
    overflown: bool = False

    def offer(self, rows: Sequence[Logged]) -> None:
        """Take rows to send; more than the ring holds means the page must load again."""
        if len(self.waiting) + len(rows) > RING_ROWS:
            self.overflown = True
            self.waiting.clear()
        else:
            self.waiting.extend(rows)
        self.some.set()

    def may_see(self, change: Change) -> bool:
        """Return whether the page's account may see ``change`` now."""
        action = ACTION_OF.get(change.kind)
        scope = self.scopes.get(action) if action else None
        return bool(scope) and scope is not None and scope.holds(Located(change.place_path, change.jurisdiction))


class Live:
    """The end of ``/api/live``: one coroutine a page, rights asked again every second."""

    def __init__(self, services: Services, tail: LogTail, status: "StatusOf") -> None:
        self._services, self._tail, self._status = services, tail, status

    async def unsaved(self, data: bytes) -> None:
        """Show an alarm that could not be written yet (未保存) to every page that may see it."""
        alarm = msgspec.json.decode(data)
        change = Change("alarm", alarm["id"], 0, alarm["site_id"], alarm["place_path"], alarm["jurisdiction"], alarm)
        for line in self._tail.lines:
            if line.may_see(change):
                with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                    await _send(line, {"type": "unsaved", "alarm": self._shown(change, line.principal.id)["body"]})

    async def talk(self, socket: WebSocket) -> None:
        """Serve one page until it leaves, its session ends or its rights are gone."""
        token = socket.cookies.get(COOKIE, "")
        found = await self._services.sessions.find(token) if token and _same_origin(socket) else None
        await socket.accept()
        if found is None or len(self._tail.lines) >= MOST_LINES:
            await _end(socket, "no_session" if found is None else "too_many")
            return
        await self._tail.started.wait()
        line = Line(socket, found[1], found[0].locked, token, self._tail.place)
        await self._ask_rights(line)
        tasks = {asyncio.create_task(each) for each in (self._push(line), self._check(line), _hear(socket))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._tail.leave(line)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _push(self, line: Line) -> None:
        after = Place.read(line.socket.query_params.get("resume", "")) if "resume" in line.socket.query_params else None
        missed, reset = self._tail.follow(line, after)
        line.place = self._tail.place if reset or after is None else after
        node, now = self._services.node, self._services.clock()
        about = {"id": node.id, "name": node.name, "tier": node.tier}
        rights = _rights_of(line.principal)
        hello = {"type": "hello", "token": line.place.token(), "rights": rights, "node": about, "at": now.isoformat()}
        await _send(line, hello)
        if reset or (after is None and "resume" in line.socket.query_params):
            await _send(line, {"type": "reset", "reason": "away_too_long"})
        await self._send_rows(line, missed)
        while True:
            await line.some.wait()
            line.some.clear()
            rows, line.waiting = line.waiting, []
            if line.overflown:
                line.overflown, line.place = False, self._tail.place
                await _send(line, {"type": "reset", "reason": "too_much"})
            await self._send_rows(line, rows)
            await asyncio.sleep(GAP_S)

    async def _send_rows(self, line: Line, rows: Sequence[Logged]) -> None:
        for start in range(0, len(rows), MOST_ROWS_A_MESSAGE):
            part = rows[start : start + MOST_ROWS_A_MESSAGE]
            line.place = _after(line.place, part)
            seen = latest([row.change for row in part if line.may_see(row.change)])
            shown = [self._shown(change, line.principal.id) for change in seen]
            if shown:
                await _send(line, {"type": "changes", "token": line.place.token(), "changes": shown})

    def _shown(self, change: Change, account_id: str) -> dict[str, Any]:
        """Return ``change`` as its page sees it: who may be named hidden, its 小区 named, its pictures by ticket."""
        kind, body = change.kind, HIDING.get(change.kind, dict)(change.body)
        if kind in NAMED_KINDS:
            body["site_name"] = self._tail.site_name(change.site_id)
            home = change.origin.node if change.origin else self._services.node.id
            record = Record.of(kind, {**body, "id": change.object_id}, home)
            body = ticketed(self._services, account_id, body, ACTION_OF[kind], record)
        about = {"kind": kind, "id": change.object_id, "version": change.version}
        return {**about, "operation": change.operation, "body": body}

    async def _check(self, line: Line) -> None:
        """End the line where the session or the rights ended; tell how things stand now and then."""
        told = 0.0
        while True:
            if time.monotonic() - told >= STATUS_S:
                told = time.monotonic()
                await _send(
                    line, {"type": "status", **await self._status(line.scopes, database_away=self._tail.database_away)}
                )
            await asyncio.sleep(CHECK_S)
            reason = await self._why_over(line)
            if reason:
                await _end(line.socket, reason)
                return
            await self._ask_rights(line)

    async def _why_over(self, line: Line) -> str:
        """Return why the page may not go on as it is, '' where it may; it shows what other rights would not."""
        grants = line.principal.grants
        if not await self._still_there(line):
            return "session_ended"
        if line.principal.grants == grants:
            return ""
        await self._services.rights.refresh()  # what the page asks for now must not be answered by the rights it had
        return "rights_changed"

    async def _still_there(self, line: Line) -> bool:
        """Ask for the session again; while the database is away it goes on: the desk must keep sounding alarms."""
        try:
            found = await self._services.sessions.find(line.token, active=False)
        except DatabaseAway:
            return True
        if found:
            line.locked, line.principal = found[0].locked, found[1]
        return found is not None

    async def _ask_rights(self, line: Line) -> None:
        allowed = self._services.sessions.allowed_while_locked if line.locked else frozenset(Action)
        line.scopes = {
            action: await self._services.rights.may(line.principal, action) if action in allowed else NOWHERE
            for action in set(ACTION_OF.values())
        }


class StatusOf(Protocol):
    """Gives a page's status message: link state, counters, when the last event came."""

    async def __call__(self, scopes: dict[Action, Scope], *, database_away: bool) -> dict[str, Any]: ...


def latest(changes: Sequence[Change]) -> list[Change]:
    """Return ``changes`` without those streaming ones that have ``MOST_STREAMING`` of their kind after them."""
    room, kept = dict.fromkeys(STREAMING_KINDS, MOST_STREAMING), []
    for change in reversed(changes):
        left = room.get(change.kind, 1)
        if change.kind in room:
            room[change.kind] = left - 1
        if left > 0:
            kept.append(change)
    return kept[::-1]


def _rights_of(principal: Principal) -> str:
    """Return a mark of everything ``principal`` was granted: a page that comes back sees whether it changed."""
    told = [
        f"{each.role} {sorted(each.actions)} {each.scope_kind} {each.scope_value} {each.expires_at}"
        for each in principal.grants
    ]
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:16]


def _after(place: Place, rows: Sequence[Logged]) -> Place:
    seqs = {lane: max((row.seq for row in rows if row.lane is lane), default=0) for lane in Lane}
    return Place(place.epoch, max(place.alarms, seqs[Lane.ALARMS]), max(place.bulk, seqs[Lane.BULK]))


def _same_origin(socket: WebSocket) -> bool:
    origin = socket.headers.get("origin")
    return origin is None or origin.partition("://")[2] == socket.headers.get("host")


async def _send(line: Line, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_S):
        await line.socket.send_text(msgspec.json.encode(message).decode())


async def _hear(socket: WebSocket) -> None:
    """Pages have nothing to say; read so that their leaving is noticed."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


async def _end(socket: WebSocket, reason: str) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_text(msgspec.json.encode({"type": "closing", "reason": reason}).decode())
        await socket.close(POLICY, reason)
