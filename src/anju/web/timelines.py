"""What is recorded of a camera, as a page draws it: segments, gaps with why, alarms at its place, evidence locks.

Source: 5.4.1 (recorded and kept), 8-h (gaps are seen and classed), 4.2.1.2 (playback).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from anju.domain import recorded
from anju.domain.recorded import Gap, Span
from anju.domain.recording import Source, days_between
from anju.domain.rights import Scope
from anju.domain.video import Channel
from anju.store import alarms, recording_ledger, recording_locks, recordings
from anju.store.alarms import Wanted
from anju.store.database import Database
from anju.store.recording_ledger import Day
from anju.web.paging import FIRST

LONGEST = timedelta(days=31)
MOST_ALARMS = 500


async def timeline(db: Database, channel: Channel, since: datetime, until: datetime, *, may: Scope) -> dict[str, Any]:
    """Return the time line of a camera; the alarms are those inside ``may``, the newest 500."""
    first, last = _ms(since), _ms(until)
    held = [(_at(begin), _at(end)) for begin, end in await recordings.spans(db, channel.id, first, last)]
    days = days_between(since, until)
    ledger = await recording_ledger.days(db, channel.id, days[0], days[-1])
    theirs = _clipped(
        (span for each in ledger if each.source is Source.DEVICE for span in recorded.segments(each.day, each.codes)),
        since,
        until,
    )
    locks = await recording_locks.locks(db, channel.id, first, last)
    return {
        "segments": [*_spans(held, Source.PLATFORM), *_spans(theirs, Source.DEVICE)],
        "gaps": [_gap(each) for each in _gaps(ledger) if each.start < until and each.end > since],
        "alarms": await _alarms(db, channel, since, until, may),
        "locks": [{"start": _at(each.start_ms), "end": _at(each.end_ms), "reason": each.reason} for each in locks],
    }


def _gaps(ledger: Iterable[Day]) -> list[Gap]:
    """Return what lacks: a minute that is held at one source does not."""
    by_day: dict[Any, bytes] = {}
    for each in ledger:
        before = by_day.get(each.day)
        by_day[each.day] = each.codes if before is None else recorded.merged(before, each.codes)
    return [gap for day in sorted(by_day) for gap in recorded.gaps(day, by_day[day])]


def _gap(gap: Gap) -> dict[str, Any]:
    words = recorded.LACK_WORDS[gap.why]
    return {"start": gap.start, "end": gap.end, "class": gap.why.value, "words": words._asdict()}


def _spans(spans: Iterable[Span], source: Source) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "source": source.value} for start, end in spans]


def _clipped(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    return recorded.joined((max(start, since), min(end, until)) for start, end in spans)


async def _alarms(
    db: Database, channel: Channel, since: datetime, until: datetime, scope: Scope
) -> list[dict[str, Any]]:
    if not scope:
        return []
    wanted = Wanted(place=channel.place_id, since=since, until=until)
    rows = await alarms.page(db, scope, wanted, before=FIRST, limit=MOST_ALARMS)
    return [{"id": row["id"], "at": row["raised_at"], "level": row["level"], "kind": row["kind"]} for row in rows]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
