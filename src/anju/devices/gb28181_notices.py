"""What registered GB/T 28181 devices tell: signs of life, alarms, catalogs, positions, ends of recordings, answers.

What must not be lost is answered after its commit, or 500 within 0.4 s; all else at once. A device speaks for its own
channels only. Source: 5.4.3 (GB/T 28181), 5.1.2.4-e, 7-d (hostile input).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from anju.devices.gb28181_alarms import channel_reports, report_of
from anju.devices.gb28181_catalog import Catalogs
from anju.devices.gb28181_invite import Streams
from anju.devices.gb28181_line import Line
from anju.devices.gb28181_presence import Emit, SipPresence
from anju.devices.gb28181_questions import Questions
from anju.devices.gb28181_tend import Tending
from anju.domain.channels import Status
from anju.domain.devices import Device
from anju.domain.events import DeviceReport
from anju.errors import DatabaseAway, DeviceSilent, Refused, SipRefused, WireError
from anju.protocols.manscdp import Message, Root, read
from anju.protocols.manscdp_alarms import alarm_answer
from anju.protocols.manscdp_devices import read_keepalive
from anju.protocols.manscdp_positions import read_positions
from anju.protocols.manscdp_records import FINISHED, read_media_status
from anju.protocols.manscdp_text import GB18030, UTF_8
from anju.protocols.sip import Request
from anju.store import channels
from anju.store.database import Database
from anju.wire.sip import Incoming, Peer

COMMIT_S = 0.4
"""How long an alarm may take to be kept before its sender hears 500 and repeats it."""
_log = structlog.get_logger(__name__)

Reject = Callable[[str, Request, Peer], Awaitable[None]]
"""Counts a request that cannot be used, by its reason, with a bounded copy."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Whom what is told concerns."""

    presence: SipPresence
    questions: Questions
    catalogs: Catalogs
    streams: Streams
    tending: Tending


class Notices:
    """Takes what registered devices tell. ``counters`` counts what nothing was done with."""

    def __init__(
        self,
        db: Database,
        line: Line,
        beside: Beside,
        emit: Emit,
        reject: Reject,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._line, self._beside, self._emit, self._reject = db, line, beside, emit, reject
        self._clock = clock
        self.counters: Counter[str] = Counter()
        self._charsets: dict[str, Counter[str]] = {}
        self._faulty: dict[str, frozenset[str]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give up what is still being done."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def told(self, device: Device, incoming: Incoming) -> None:
        """Answer a MESSAGE or NOTIFY of a registered device, and do what it asks for."""
        request = incoming.request
        try:
            told = self._read(device, request.body)
        except WireError as error:
            await incoming.reply(200)  # or it comes again, no better
            self._beside.presence.heard(device, None)
            await self._reject(error.reason, request, incoming.peer)
            return
        alive = told.root is Root.NOTIFY and told.cmd_type == "Keepalive"
        self._beside.presence.heard(device, incoming.peer if alive else None)
        if "terminated" in request.headers.get("Subscription-State").lower():
            self._beside.tending.ended(device.id, request.call_id)
        if told.root is Root.RESPONSE:
            await incoming.reply(200)
            self._answer(device, told)
        elif told.root is Root.NOTIFY:
            await self._notice(device, told, incoming)
        else:
            await incoming.reply(200)
            self.counters["questions to us"] += 1

    def _read(self, device: Device, body: bytes) -> Message:
        """Read a body in the charset an operator chose, else as most of the device's texts: short ones deceive."""
        chosen = device.particulars.gb28181.charset
        told = read(body, chosen or None)
        if chosen or not told.charset:
            return told
        seen = self._charsets.setdefault(device.id, Counter())
        if told.charset == UTF_8 and seen[GB18030] > seen[UTF_8]:
            return read(body, GB18030)
        seen[told.charset] += 1
        return told

    def _answer(self, device: Device, told: Message) -> None:
        if not self._beside.questions.answered(device.id, told) and told.cmd_type == "Catalog":
            self._spawn(self._beside.catalogs.answered(device, told))

    async def _notice(self, device: Device, told: Message, incoming: Incoming) -> None:
        match told.cmd_type:
            case "Keepalive":
                await incoming.reply(200)
                await self._children(device, told)
            case "Alarm":
                await self._alarm(device, told, incoming)
            case "Catalog":
                await self._catalog(device, told, incoming)
            case "MobilePosition":
                found = [(each.device_id, each.longitude, each.latitude) for each in read_positions(told)]
                await self._committed(incoming, self._beside.catalogs.position(device, found))
            case "MediaStatus":
                await incoming.reply(200)
                if read_media_status(told) in {FINISHED, 0}:
                    await self._beside.streams.finished(incoming.request.call_id, device.id, told.device_id)
            case _:
                await incoming.reply(200)
                self.counters["unknown notices"] += 1

    async def _alarm(self, device: Device, told: Message, incoming: Incoming) -> None:
        peer = incoming.peer
        report = report_of(device, told, incoming.request.body, peer.host)
        if await self._committed(incoming, self._emit(report)):
            self._spawn(self._line.send(device, alarm_answer(told)))

    async def _catalog(self, device: Device, told: Message, incoming: Incoming) -> None:
        found: list[tuple[bool, list[DeviceReport]]] = []

        async def noticed() -> None:
            found.append(await self._beside.catalogs.noticed(device, told))

        if not await self._committed(incoming, noticed()):
            return
        unknown, reports = found[0]
        if reports:
            self._spawn(self._report(device, reports))
        if unknown:
            self._spawn(self._beside.tending.catalog(device))

    async def _report(self, device: Device, reports: Sequence[DeviceReport]) -> None:
        """Report in the order in which it happened: an end never overtakes its beginning."""
        async with self._turns.setdefault(device.id, asyncio.Lock()):
            for each in reports:
                await self._emit(each)

    async def _committed(self, incoming: Incoming, work: Awaitable[object]) -> bool:
        """Answer 200 after ``work`` is on disk, 500 where that is not in time: then it comes again."""
        try:
            async with asyncio.timeout(COMMIT_S):
                await work
        except (TimeoutError, DatabaseAway):
            self.counters["not kept in time"] += 1
            await incoming.reply(500)
            return False
        await incoming.reply(200)
        return True

    async def _children(self, device: Device, told: Message) -> None:
        """A keepalive names the channels that are faulty now."""
        faulty = frozenset(read_keepalive(told).faulty)
        before = self._faulty.get(device.id, frozenset())
        if faulty == before:
            return
        statuses = dict.fromkeys(faulty - before, (Status.FAULT, "defect"))
        statuses |= dict.fromkeys(before - faulty, (Status.ON, "notify-on"))
        with suppress(DatabaseAway):
            async with self._db.transaction() as tx:
                turned = await channels.turn(tx, device.id, statuses, at=self._clock())
            self._faulty[device.id] = faulty
            await self._report(device, channel_reports(device, turned, self._clock()))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except (DatabaseAway, DeviceSilent, Refused, SipRefused) as error:
            _log.info("left undone", reason=str(error))
        except Exception:  # noqa: BLE001 - whatever a device wrote, the others go on
            _log.exception("left undone")
