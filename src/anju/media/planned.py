"""Which cameras a worker records: those whose plan says so; a changed plan counts within a second or two.

Source: 5.4.1 (recording by plan).
"""

import asyncio
from collections.abc import Callable

import structlog

from anju.domain.recording import Plan, read_plan
from anju.domain.video import Grade
from anju.errors import DatabaseAway, Invalid
from anju.media.record import ChannelRecorder, Recorder
from anju.media.streams import Stream, Streams
from anju.store import channels
from anju.store.database import Database
from anju.store.versions import Subject, current

LOOK_S = 1.0
_log = structlog.get_logger(__name__)


class Planned:
    """Keeps the recorder at what is planned. ``mine`` says which cameras are this worker's.

    ``plans`` are theirs, ``every`` those of all cameras of the node.
    """

    def __init__(self, db: Database, streams: Streams, recorder: Recorder, mine: Callable[[str], bool]) -> None:
        self._db, self._streams, self._recorder, self._mine = db, streams, recorder, mine
        self.plans: dict[str, Plan] = {}
        self.every: dict[str, Plan] = {}
        self._running: dict[str, tuple[Stream, ChannelRecorder, Grade]] = {}
        self._version = -1

    async def run(self) -> None:
        """Follow the plans until cancelled."""
        while True:
            try:
                await self.refresh()
            except DatabaseAway as away:
                _log.warning("plans of recording not compared", reason=str(away))
            await asyncio.sleep(LOOK_S)

    async def refresh(self) -> None:
        """Begin and end what changed. Raises DatabaseAway: then everything goes on as it is."""
        version = await current(self._db, Subject.CHANNELS)
        if version == self._version:
            return
        self.every = {name: _read(plan) for name, plan in (await channels.plans(self._db)).items()}
        self.plans = plans = {name: plan for name, plan in self.every.items() if self._mine(name)}
        for name in [each for each in self._running if not self._stays(each, plans.get(each))]:
            self._end(name)
        for name, plan in plans.items():
            if plan.here:
                await self._begin(name, plan)
        self._version = version

    def _stays(self, channel_id: str, plan: Plan | None) -> bool:
        return plan is not None and plan.here and plan.grade is self._running[channel_id][2]

    async def _begin(self, channel_id: str, plan: Plan) -> None:
        sink = self._recorder.channel(channel_id, plan)
        if channel_id in self._running:
            return
        stream = await self._streams.open(channel_id, plan.grade)
        sink.track = lambda: stream.track
        self._running[channel_id] = (stream, sink, plan.grade)
        stream.add(sink)

    def _end(self, channel_id: str) -> None:
        stream, sink, _ = self._running.pop(channel_id)
        stream.remove(sink)
        self._recorder.forget(channel_id)


def _read(given: object) -> Plan:
    """Return a plan; one that cannot be read records nothing, and its camera's page says so."""
    try:
        return read_plan(given if isinstance(given, dict) else {})
    except Invalid:
        return Plan()
