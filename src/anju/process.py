"""What every process of a node has: its configuration, the engines, its keys, and how it runs and reports of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from uuid_utils.compat import uuid7

from anju.bus.nats import Bus
from anju.config import Config
from anju.control.corridor import Corridor
from anju.control.desk import AlarmDesk
from anju.domain.changes import Lane
from anju.domain.events import Event
from anju.errors import AnjuError
from anju.security.keys import NodeKeys
from anju.security.operator_log import OperatorLog
from anju.security.sealing import Sealer
from anju.store import events
from anju.store.bell import spelled
from anju.store.database import Database
from anju.store.log import NodeId, this_node
from anju.supervisor import Addresses

TOLD_AGAIN_S = 8.0
_log = structlog.get_logger(__name__)

if TYPE_CHECKING:  # each process loads only what it needs
    from anju.pipeline.keep import Accepted


def clock() -> datetime:
    """Return the platform's time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Node:
    """What every process of a node has. ``number`` tells processes of the same kind apart, from 1."""

    config: Config
    db: Database
    bus: Bus
    node: NodeId
    keys: NodeKeys
    sealer: Sealer
    operator_log: OperatorLog
    corridor: Corridor
    desk: AlarmDesk
    number: int = 1

    async def told(self, lanes: frozenset[Lane]) -> None:
        """Wake whoever follows these lanes."""
        await self.bus.tell("log", spelled(lanes))

    async def unsaved(self, event: Event) -> None:
        """Let the desks sound an alarm that could not be written yet."""
        await self.bus.tell("unsaved", msgspec.json.encode(events.body(event)))


@asynccontextmanager
async def opened(config: Config, addresses: Addresses, *, role: str) -> AsyncIterator[Node]:
    """Open what a process of the node needs, and close it behind it."""
    db = Database(addresses.database, application=f"anju {role}")
    bus = Bus(list(addresses.bus), node=config.node.id)
    await db.open()
    await bus.open()
    try:
        node = await this_node(db)
        keys = NodeKeys.load_or_make(config.data)
        sealer = Sealer(config.data / "keys")
        operator_log = OperatorLog(db, keys, node=node.id)

        async def told(lanes: frozenset[Lane]) -> None:
            await bus.tell("log", spelled(lanes))

        corridor = Corridor(db, node, operator_log, told, clock)
        desk = AlarmDesk(db, node, corridor, operator_log, told, clock)
        number = int(role.partition("-")[2] or 1)  # intake-2 is one more intake
        yield Node(config, db, bus, node, keys, sealer, operator_log, corridor, desk, number)
    finally:
        await bus.close()
        await db.close()


async def together(*work: Coroutine[Any, Any, Any]) -> None:
    """Run all of ``work``; the first that fails ends the others and the process, which is started again.

    Who does not end when told is told again: a cancellation that comes together with an answer may have been lost.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            each.result()
    finally:
        while left := [each for each in tasks if not each.done()]:
            for each in left:
                each.cancel()
            await asyncio.wait(left, timeout=TOLD_AGAIN_S)
        await asyncio.gather(*tasks, return_exceptions=True)


async def every(seconds: float, act: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Do ``act`` again and again; a database or tier that is away is tried again next time."""
    while True:
        try:
            await act()
        except AnjuError as error:
            _log.warning("tried again later", what=act.__qualname__, reason=str(error))
        await asyncio.sleep(seconds)


def console_certificate(node: Node) -> tuple[Path, Path] | None:
    """Return (certificate, key) of what browsers reach, made on first use; None where that is loopback only."""
    from anju.wire.tls import make_certificate

    settings = node.config.web
    if settings.certificate and settings.key:
        return settings.certificate, settings.key
    return make_certificate(node.node.name, node.config.data / "web", now=clock()) if settings.tls else None


def of_itself(
    node: NodeId, code: str, about: str, key: str, detail: dict[str, Any], *, active: bool, at: datetime, kind: str = ""
) -> Accepted:
    """Return a report of ``node`` about itself: a lost link, rows dropped unsent; ``active`` False ends it."""
    from anju.domain.cleaning import Reporter, clean
    from anju.domain.events import DeviceReport, EventKind, EventState
    from anju.pipeline.keep import Accepted

    report = DeviceReport(
        protocol="anju",
        account=node.id,
        kind=EventKind(kind or EventKind.COMMUNICATION),
        state=EventState.ACTIVE if active else EventState.CLEARED,
        code_space="anju",
        code=code,
        area="",
        zone=about,
        occurred_at=at,
        dedup_key=key,
        dedup_window_s=86_400,
        frame=b"",
        peer="",
        detail=detail,
    )
    here = Reporter(node.id, node.name, "", "", "/", node.name)
    return Accepted(report, clean(report, here, event_id=uuid7(), at=at))
