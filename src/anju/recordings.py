"""Recording as a node's configuration has it: volumes, recorder, retention and ledger of one media worker.

Source: 5.4.1 (recording, at least 30 days), 8-h (recording completeness).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from anju.domain.events import EventKind
from anju.domain.recorded import Span
from anju.domain.recording_trouble import GOOD, TROUBLE_WORDS, Told
from anju.errors import AnjuError, Conflict, Silent
from anju.media.alarm_clips import AlarmClips
from anju.media.ledger import Ledger, Listed
from anju.media.planned import Planned
from anju.media.record import Recorder
from anju.media.retention import Retention
from anju.media.room import Room
from anju.media.streams import Streams
from anju.pipeline.keep import Keeper
from anju.process import Node, clock, every, of_itself
from anju.store import device_away, volumes
from anju.store.log import this_node
from anju.store.volumes import Volume

SETTLE_S, RETAIN_S, VERIFY_S = 60.0, 60.0, 600.0
RECORDS_S = 45.0
GB = 1_000_000_000
Work = Callable[[], Coroutine[Any, Any, None]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """What one worker runs for recording; ``volumes`` can be read, ``recorder`` says what is open."""

    work: list[Work]
    recorder: Recorder
    volumes: Sequence[Volume]


@asynccontextmanager
async def recording(node: Node, streams: Streams, mine: Callable[[str], bool]) -> AsyncIterator[Recording]:
    """Pair the volumes and make what records the cameras that are ``mine``."""
    settings = node.config.video
    assert settings is not None  # noqa: S101 - a process of nodes that have the table
    reserve = round(settings.reserve_gb * GB)
    found = await volumes.pair(node.db, node.config.volumes, node=node.node.id, reserve=reserve, at=clock())
    keeper = Keeper(node.db, node.node, clock=clock, on_committed=node.told, on_unsaved=node.unsaved)
    troubles = _Troubles(node, keeper)
    recorder = Recorder(node.db, Room(found), tell=troubles.tell)
    planned = Planned(node.db, streams, recorder, mine)
    clips = AlarmClips(node.db, node.node, recorder, lambda: planned.plans, clock=clock)
    ledger = Ledger(node.db, why=recorder.why, opened=recorder.open_spans)
    await node.bus.listen("log", clips.wake)

    async def settle() -> None:
        await ledger.settle(planned.plans, now=clock())

    async def verify() -> None:
        silent = await ledger.verify_all(planned.plans, records=records_of(node), offline=offline_of(node), now=clock())
        _log.info("recordings of devices looked at", silent=len(silent), of=len(planned.plans))

    work: list[Work] = [keeper.run, troubles.run, recorder.run, planned.run, clips.run]
    work += [lambda: every(SETTLE_S, settle), lambda: every(VERIFY_S, verify)]
    if node.number == 1:  # one for all workers of a machine
        work.append(lambda: _tend(node, found, planned, troubles))
    yield Recording(work, recorder, found)


async def _tend(node: Node, found: Sequence[Volume], planned: Planned, troubles: "_Troubles") -> None:
    """End what is over."""
    retention = Retention(node.db, found, lambda: planned.every, tell=troubles.tell)

    async def once() -> None:
        await retention.round(now=clock())

    await every(RETAIN_S, once)


class _Troubles:
    """Makes alarms of what goes wrong with recording; who tells never waits."""

    def __init__(self, node: Node, keeper: Keeper) -> None:
        self._node, self._keeper = node, keeper
        self._waiting: asyncio.Queue[Told] = asyncio.Queue(1_000)

    def tell(self, told: Told) -> None:
        """Take it."""
        _log.warning("recording", trouble=told.trouble, channel=told.channel_id, volume=told.volume, why=told.detail)
        if not self._waiting.full():
            self._waiting.put_nowait(told)

    async def run(self) -> None:
        """Keep them one after the other."""
        while True:
            told = await self._waiting.get()
            try:
                await self._keep(told)
            except AnjuError as error:
                _log.warning("trouble of recording not kept", trouble=told.trouble, reason=str(error))

    async def _keep(self, told: Told) -> None:
        at, about = clock(), told.channel_id or told.volume
        words, active = TROUBLE_WORDS[told.trouble], told.trouble not in GOOD
        detail = {"trouble": told.trouble.value, "zh": words.zh, "en": words.en, "why": told.detail[:300]}
        code = "recording_camera" if told.channel_id else "recording_volume"
        key = f"{code}|{about}|{active}|{at:%Y%m%d%H%M%S}"
        here = await this_node(self._node.db)
        await self._keeper.keep(of_itself(here, code, about, key, detail, active=active, at=at, kind=EventKind.FAULT))


def records_of(node: Node) -> Callable[[str, datetime, datetime], Coroutine[Any, Any, Listed]]:
    """Ask devices for their recordings by the gateway."""

    async def records(channel_id: str, start: datetime, end: datetime) -> Listed:
        asked = {"query": "records", "channel_id": channel_id, "start": start.isoformat(), "end": end.isoformat()}
        try:
            answer = msgspec.json.decode(
                await node.bus.ask("sip.command", msgspec.json.encode(asked), within_s=RECORDS_S)
            )
        except Silent as silent:
            raise Conflict("signalling_away", str(silent)) from silent
        if "error" in answer:
            raise Conflict(str(answer["error"]), str(answer.get("message", "")))
        spans = [(_time(each["start"]), _time(each["end"])) for each in answer["ok"]["items"]]
        return Listed(spans, bool(answer["ok"]["partial"]))

    return records


def offline_of(node: Node) -> Callable[[str, datetime, datetime], Coroutine[Any, Any, Sequence[Span]]]:
    """Tell when a channel's device was away, as it was written down."""

    async def offline(channel_id: str, start: datetime, end: datetime) -> Sequence[Span]:
        return await device_away.spans(node.db, channel_id, start, end, code="silent")

    return offline


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
