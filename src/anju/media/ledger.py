"""Writes the recording ledger: what the platform recorded, minute by minute, and what devices say they did.

A recorder's own list (RecordInfo) is asked for again and again, never believed for good: what it listed once and lists
no more has expired. Each minute that lacks gets its reason here.
Source: 8-h (录像完整率), 5.4.1 (30 days proved per camera).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from anju.domain import recorded
from anju.domain.recorded import LACKING, MINUTE_S, UNSEEN, Lack, Span, settle
from anju.domain.recording import DAY, FLOOR_DAYS, Plan, Source, begins, day_of, days_between
from anju.errors import DeviceSilent, Refused
from anju.store import recording_ledger as store
from anju.store import recordings
from anju.store.database import Database

SETTLED_S = 150
"""So long after a minute its file is closed and has its row: then the minute is looked at."""
DEVICE_LAG = timedelta(minutes=10)
"""Recorders list a file some minutes after they wrote it."""
AT_ONCE = 4  # devices asked at the same time
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a device answered: spans of its recordings, and whether its answer broke off."""

    spans: Sequence[Span]
    partial: bool = False


Records = Callable[[str, datetime, datetime], Awaitable[Listed]]
"""Asks a channel's device for its recordings of a span. Raises DeviceSilent or Refused."""
Offline = Callable[[str, datetime, datetime], Awaitable[Sequence[Span]]]
"""Tells when a channel or its device was offline inside a span."""
Why = Callable[[str, float], Lack]
"""Tells why the platform did not record a channel at a moment (Unix seconds)."""
Opened = Callable[[], Mapping[str, tuple[int, int]]]
"""Tells by channel what files hold that have no row yet, Unix milliseconds."""


def wanted(plan: Plan, source: Source, day: date) -> bytes:
    """Return the minutes of ``day`` that must be recorded at ``source``."""
    return plan.wanted(day) if source in plan.sources() else bytes(DAY)


class Ledger:
    """Keeps the ledger of the channels one media process records, and of those devices record."""

    def __init__(self, db: Database, *, why: Why, opened: Opened) -> None:
        self._db, self._why, self._opened = db, why, opened
        self._whole_on: date | None = None

    async def settle(self, plans: Mapping[str, Plan], *, now: datetime) -> int:
        """Look at every minute that is over since the last time; return how many were written.

        A process that was away writes what it missed: what no file holds of that time is the store's failure.
        """
        until = _floor(now - timedelta(seconds=SETTLED_S))
        before = await store.looked(self._db, list(plans), Source.PLATFORM)
        written = 0
        for since, channels in _together(plans, before, until).items():
            held = await self._held(channels, since, until)
            for each in channels:
                written += await self._settle(each, plans[each], held[each], since, until, now)
        return written

    async def _held(self, channels: Sequence[str], since: datetime, until: datetime) -> dict[str, list[Span]]:
        bounds = _ms(since), _ms(until)
        found = await recordings.pieces(self._db, channels, *bounds)
        opened = self._opened()
        return {
            each: [_span(*piece) for piece in (*found[each], *([opened[each]] if each in opened else []))]
            for each in channels
        }

    async def _settle(
        self, channel: str, plan: Plan, spans: list[Span], since: datetime, until: datetime, now: datetime
    ) -> int:
        minutes = 0
        for day in days_between(since, until) if since < until else []:
            first, last = _within(day, since, until)
            seconds, mask = recorded.seconds_of(day, spans), wanted(plan, Source.PLATFORM, day)
            why = [Lack.UNKNOWN] * DAY
            for at in range(first, last):
                if mask[at] and not seconds[at]:
                    why[at] = self._why(channel, begins(day).timestamp() + (at + 0.5) * MINUTE_S)
            change = _settling(seconds, mask, why, (first, last))
            async with self._db.transaction() as tx:
                await store.change(tx, channel, day, Source.PLATFORM, change, at=now)
            minutes += last - first
        return minutes

    async def verify(
        self,
        channel: str,
        plan: Plan,
        days: Sequence[date],
        *,
        records: Records,
        offline: Offline,
        now: datetime,
    ) -> bool:
        """Ask a channel's device what it recorded on ``days``, which follow one another; write it down.

        Returns False where the device did not answer: nothing is known anew then, and nothing is written.
        """
        since, until = begins(days[0]), min(begins(days[-1]) + timedelta(days=1), _floor(now - DEVICE_LAG))
        if since >= until:
            return True
        try:
            listed = await records(channel, since, until)
        except (DeviceSilent, Refused):
            return False
        away = await offline(channel, since, until)
        usual = Lack.UNKNOWN if listed.partial else Lack.NOT_RECORDING
        for day in days:
            first, last = _within(day, since, until)
            if first < last:
                await self._verified(channel, plan, day, listed, _reasons(day, away, usual), (first, last), now)
        return True

    async def _verified(
        self,
        channel: str,
        plan: Plan,
        day: date,
        listed: Listed,
        why: Sequence[Lack],
        bounds: tuple[int, int],
        now: datetime,
    ) -> None:
        seconds, mask = recorded.seconds_of(day, listed.spans), wanted(plan, Source.DEVICE, day)

        def change(before: bytes) -> bytes:
            known = seconds
            if listed.partial:  # what it listed before may only be missing from this answer
                known = bytes(max(s, b if b <= MINUTE_S else 0) for s, b in zip(seconds, before, strict=True))
            return _settling(known, mask, why, bounds)(before)

        async with self._db.transaction() as tx:
            await store.change(tx, channel, day, Source.DEVICE, change, at=now)

    async def verify_all(
        self,
        plans: Mapping[str, Plan],
        *,
        records: Records,
        offline: Offline,
        now: datetime,
        whole: bool | None = None,
    ) -> list[str]:
        """Verify today and yesterday of every channel that a device records; return those that did not answer.

        ``whole``: all days a recording must be kept, which finds what a device overwrote too early; None: once a day.
        """
        theirs = {each: plan for each, plan in plans.items() if Source.DEVICE in plan.sources()}
        if whole is None:
            whole, self._whole_on = self._whole_on != day_of(now), day_of(now)
        gate, last = asyncio.Semaphore(AT_ONCE), day_of(now)

        async def one(channel: str, plan: Plan) -> bool:
            back = max(FLOOR_DAYS, plan.days) if whole else 1
            days = [last - timedelta(days=each) for each in range(back, -1, -1)]
            async with gate:
                return await self.verify(channel, plan, days, records=records, offline=offline, now=now)

        answered = await asyncio.gather(*(one(*each) for each in theirs.items()))
        return [channel for channel, found in zip(theirs, answered, strict=True) if not found]


def _settling(seconds: bytes, mask: bytes, why: Sequence[Lack], bounds: tuple[int, int]) -> store.Change:
    return lambda before: settle(before, seconds, mask, why, first=bounds[0], last=bounds[1])


def _together(plans: Mapping[str, Plan], before: Mapping[str, store.Day], until: datetime) -> dict[datetime, list[str]]:
    """Return the channels the platform records, or did once, by the first minute nobody looked at."""
    found: dict[datetime, list[str]] = {}
    for channel, plan in plans.items():
        if plan.here or channel in before:
            since = _first_unseen(before[channel]) if channel in before else until - _MINUTE
            found.setdefault(max(since, until - timedelta(days=FLOOR_DAYS)), []).append(channel)
    return found


def _first_unseen(day: store.Day) -> datetime:
    seen = len(day.codes.rstrip(bytes([UNSEEN])))
    return begins(day.day) + seen * _MINUTE


def _within(day: date, since: datetime, until: datetime) -> tuple[int, int]:
    """Return the minutes of ``day`` inside a span, the first and the one after the last."""
    origin = begins(day)
    return max(0, (since - origin) // _MINUTE), min(DAY, (until - origin) // _MINUTE)


def _reasons(day: date, away: Sequence[Span], usual: Lack) -> list[Lack]:
    offline = recorded.seconds_of(day, away)
    return [Lack.DEVICE_OFFLINE if each else usual for each in offline]


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _span(start_ms: int, end_ms: int) -> Span:
    return datetime.fromtimestamp(start_ms / 1000, UTC), datetime.fromtimestamp(end_ms / 1000, UTC)


Pieces = Iterable[tuple[str, int, int]]
"""Channel, start and duration of files, milliseconds."""


async def ended(db: Database, files: Pieces, *, now: datetime) -> None:
    """Write down that the platform's ``files`` are gone: their minutes have expired."""
    await _marked(db, files, now, recorded.expired)


async def lost(db: Database, files: Pieces, *, now: datetime) -> None:
    """Write down that ``files`` are gone though nobody ended them: the store failed."""

    def change(codes: bytes, first: int, last: int) -> bytes:
        failed = LACKING[Lack.STORE_FAILED]
        return bytes(failed if first <= at < last and 0 < code <= MINUTE_S else code for at, code in enumerate(codes))

    await _marked(db, files, now, change)


async def found(db: Database, files: Pieces, *, now: datetime) -> None:
    """Write down that ``files`` turned up after all: minutes that were looked at already gain their seconds."""
    for (channel, day), spans in _by_day(files).items():
        seconds = recorded.seconds_of(day, spans)

        def change(codes: bytes, seconds: bytes = seconds) -> bytes:
            gained = zip(codes, seconds, strict=True)
            return bytes(max(s, c if c <= MINUTE_S else 0) if s and c != UNSEEN else c for c, s in gained)

        async with db.transaction() as tx:
            await store.change(tx, channel, day, Source.PLATFORM, change, at=now)


async def _marked(db: Database, files: Pieces, now: datetime, mark: Callable[[bytes, int, int], bytes]) -> None:
    for (channel, day), spans in _by_day(files).items():

        def change(codes: bytes, day: date = day, spans: list[Span] = spans) -> bytes:
            for start, end in recorded.joined(spans):
                codes = mark(codes, *_minutes(day, start, end))
            return codes

        async with db.transaction() as tx:
            await store.change(tx, channel, day, Source.PLATFORM, change, at=now)


def _by_day(files: Pieces) -> dict[tuple[str, date], list[Span]]:
    found: dict[tuple[str, date], list[Span]] = {}
    for channel, start, duration in files:
        span = _span(start, start + duration)
        for day in days_between(*span) if duration > 0 else []:
            found.setdefault((channel, day), []).append(span)
    return found


def _minutes(day: date, start: datetime, end: datetime) -> tuple[int, int]:
    """Return the minutes that a span fills for the most part."""
    first, last = ((each - begins(day)).total_seconds() / MINUTE_S for each in (start, end))
    return max(0, int(first + 0.5)), min(DAY, int(last + 0.5))
