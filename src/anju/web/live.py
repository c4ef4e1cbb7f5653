"""Live push: the log's tail to every open console, filtered after rights.

Alarms leave at once, everything else is gathered for at most 100 ms. A console that comes back with its token gets
what it missed from a ring of 60 s, or ``reset`` and reads again; it merges by (id, version).
Source: 4.2.1.3 (visual alarm prompt), 6.3.2-b (scope of use limited).
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from anju.domain.changes import Lane, Logged
from anju.domain.rights import Action, Located, Principal, Scope
from anju.errors import DatabaseAway, Refused
from anju.store import log as log_store
from anju.store.database import Database
from anju.store.log import NodeId

COALESCE_S = 0.1
RING_S = 60.0
RING_ROWS = 50_000
QUEUE_ROWS = 5_000  # per console; one that cannot keep up is told to reload
ASK_AGAIN_S = 1.0
LOOK_S = 1.0

READ_ACTION = {
    "alarm": Action.ALARMS_READ,
    "alarm_step": Action.ALARMS_READ,
    "event": Action.EVENTS_READ,
    "device": Action.DEVICES_READ,
    "zone": Action.DEVICES_READ,
    "place": Action.PLACES_READ,
    "command": Action.ALARMS_READ,
    "link": Action.LINKS_READ,
}
_encoder = msgspec.json.Encoder()
_log = structlog.get_logger(__name__)

Status = Callable[[], Awaitable[dict[str, Any]]]
MayNow = Callable[[Principal, Action], Awaitable[Scope]]
WhoNow = Callable[[], Awaitable[Principal]]


@dataclass(slots=True)
class Client:
    """One open console. ``scopes`` holds what it may see by change kind, asked again every second."""

    socket: WebSocket
    scopes: dict[str, Scope]
    queue: deque[Logged] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    urgent: bool = False
    overrun: bool = False

    def offer(self, row: Logged) -> None:
        """Queue ``row`` if this console may see it."""
        scope = self.scopes.get(row.change.kind)
        if scope is None or not scope.holds(Located(row.change.place_path, row.change.jurisdiction)):
            return
        if len(self.queue) >= QUEUE_ROWS:
            self.overrun = True
        else:
            self.queue.append(row)
        self.urgent = self.urgent or row.lane is Lane.ALARMS
        self.woken.set()


class LiveHub:
    """Reads the log once for all consoles of this process."""

    def __init__(self, db: Database, node: NodeId, *, clock: Callable[[], datetime], may: MayNow, status: Status) -> None:
        self._db, self._node, self._clock, self._may, self._status = db, node, clock, may, status
        self._position: dict[Lane, int] = {}
        self._ring: deque[tuple[float, Logged]] = deque(maxlen=RING_ROWS)
        self._clients: set[Client] = set()
        self._latest_status: dict[str, Any] = {"database": "ok"}

    async def run(self, wait: Callable[[float], Awaitable[object]]) -> None:
        """Follow the log for ever; ``wait`` returns on a wake-up or after the seconds given."""
        while not self._position:
            with contextlib.suppress(DatabaseAway):
                self._position = {lane: await log_store.head(self._db, lane, self._node.epoch) for lane in Lane}
            if not self._position:
                await asyncio.sleep(LOOK_S)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_status())
            while True:
                if not await self._look():
                    await wait(LOOK_S)

    async def unsaved(self, alarm: dict[str, Any]) -> None:
        """Show and sound an alarm that could not be written yet (未保存), to consoles whose last rights allow it."""
        at = Located(str(alarm.get("place_path", "/")), str(alarm.get("jurisdiction", "")))
        for client in list(self._clients):
            if client.scopes.get("alarm", Scope()).holds(at):
                await _send(client.socket, {"type": "unsaved", "alarm": alarm})

    async def serve(self, socket: WebSocket, who: WhoNow, *, resume: str) -> None:
        """Talk to one console until it leaves, its rights end, or its session does."""
        client = Client(socket, await self._scopes(await who()))
        missed = self._missed(resume)
        hello = {"type": "hello", "token": self._token(), "node": self._node.id, "at": self._clock()}
        await _send(socket, hello)
        if missed is None:
            await _send(socket, {"type": "reset", "reason": "token_too_old"})
        for row in missed or ():
            client.offer(row)
        self._clients.add(client)
        try:
            await _send(socket, {"type": "status", "at": self._clock(), **self._latest_status})
            await _until_first(_listen(socket), self._write(client), self._watch_rights(client, who))
        finally:
            self._clients.discard(client)
            if socket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await socket.close(1000)

    async def _look(self) -> bool:
        found = False
        for lane in Lane:  # alarms first
            try:
                rows = await log_store.read(self._db, lane, self._node.epoch, self._position[lane], 500)
            except DatabaseAway:
                return False
            for row in rows:
                self._position[lane] = row.seq
                self._ring.append((time.monotonic(), row))
                for client in self._clients:
                    client.offer(row)
            found = found or bool(rows)
        return found

    async def _tell_status(self) -> None:
        while True:
            try:
                self._latest_status = {**await self._status(), "database": "ok"}
            except DatabaseAway:
                self._latest_status = {**self._latest_status, "database": "away"}
            for client in list(self._clients):
                allowed = bool(client.scopes.get("link"))
                hidden = {} if allowed else {"links": None}
                await _send(client.socket, {"type": "status", "at": self._clock(), **self._latest_status, **hidden})
            await asyncio.sleep(LOOK_S)

    async def _write(self, client: Client) -> None:
        while True:
            await client.woken.wait()
            if not client.urgent:
                await asyncio.sleep(COALESCE_S)
            client.woken.clear()
            client.urgent = False
            if client.overrun:
                client.overrun = False
                client.queue.clear()
                await _send(client.socket, {"type": "reset", "reason": "too_slow"})
            rows = [client.queue.popleft() for _ in range(len(client.queue))]
            if rows:
                changes = [_view(row) for row in rows]
                await _send(client.socket, {"type": "changes", "token": self._token(), "changes": changes})

    async def _watch_rights(self, client: Client, who: WhoNow) -> None:
        while True:
            await asyncio.sleep(ASK_AGAIN_S)
            try:
                client.scopes = await self._scopes(await who())
            except Refused as refusal:
                await _send(client.socket, {"type": "closing", "reason": refusal.code})
                return
            except DatabaseAway:
                continue  # the desk keeps its last rights; everything else is refused by the rights function itself

    async def _scopes(self, principal: Principal) -> dict[str, Scope]:
        scopes: dict[str, Scope] = {}
        for kind, action in READ_ACTION.items():
            try:
                scopes[kind] = await self._may(principal, action)
            except Refused:
                scopes[kind] = Scope()
        return scopes

    def _token(self) -> str:
        return ".".join(str(each) for each in (self._node.epoch, *(self._position.get(lane, 0) for lane in Lane)))

    def _missed(self, resume: str) -> list[Logged] | None:
        """Return what came after ``resume``, [] for a first visit, None where the ring does not reach back."""
        if not resume:
            return []
        try:
            epoch, *marks = (int(each) for each in resume.split("."))
            after = dict(zip(Lane, marks, strict=True))
        except ValueError:
            return None
        while self._ring and self._ring[0][0] < time.monotonic() - RING_S:
            self._ring.popleft()
        rows = [row for _, row in self._ring if row.seq > after[row.lane]]
        wanted = sum(max(0, self._position[lane] - after[lane]) for lane in Lane)
        return rows if epoch == self._node.epoch and len(rows) == wanted else None


def _view(row: Logged) -> dict[str, Any]:
    change = row.change
    return {
        "kind": change.kind,
        "id": change.object_id,
        "version": change.version,
        "operation": change.operation,
        "body": change.body,
    }


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(5):
            await socket.send_text(_encoder.encode(message).decode())


async def _listen(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _until_first(*jobs: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
