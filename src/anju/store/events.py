"""Events as kept, and the frames they came from."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.alarms import RAISING
from anju.domain.changes import Change, Origin
from anju.domain.events import Event, EventState
from anju.domain.rights import Scope
from anju.errors import NotFound
from anju.store import packed
from anju.store.database import IN_SCOPE, Executor, Transaction

FRAME_BYTES = 4096
METRIC = "events"
"""Hourly roll-up of events; its labels are their kinds."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """The bytes as received, at most FRAME_BYTES of them, and what became of them."""

    id: UUID
    received_at: datetime
    site_id: str
    source_id: str
    protocol: str
    peer: str
    data: bytes
    outcome: str
    reason: str = ""


def body(event: Event) -> dict[str, Any]:
    """Return ``event`` as the log, the tiers above and the console see it: JSON only."""
    return {
        "id": str(event.id),
        "received_at": event.received_at.isoformat(),
        "site_id": event.site_id,
        "place_id": event.place_id,
        "place_path": event.place_path,
        "place_name": event.place_name,
        "jurisdiction": event.jurisdiction,
        "device_id": event.device_id,
        "device_name": event.device_name,
        "zone": event.zone,
        "zone_name": event.zone_name,
        "kind": event.kind,
        "state": event.state,
        "level": event.level,
        "code_space": event.code_space,
        "code": event.code,
        "occurred_at": event.occurred_at.isoformat() if event.occurred_at else None,
        "clock_offset_ms": event.clock_offset_ms,
        "flags": list(event.flags),
        "late": event.late,
        "drill": event.drill,
        "detail": event.detail,
    }


_COLUMNS = """event (id, received_at, kept_at, site_id, place_id, place_path, jurisdiction, device_id, zone, kind,
    state, level, code_space, code, occurred_at, clock_offset_ms, flags, late, drill, raw_id, body)"""


async def insert(tx: Transaction, events: Sequence[tuple[Event, UUID | None]], *, at: datetime) -> None:
    """Write events, each with the id of its raw frame."""
    await tx.copy(_COLUMNS, [_row(event, raw_id, at) for event, raw_id in events])


_REMOTE = f"""
    INSERT INTO {_COLUMNS}
    SELECT (b->>'id')::uuid, (b->>'received_at')::timestamptz, %(at)s, b->>'site_id', b->>'place_id', b->>'place_path',
        b->>'jurisdiction', b->>'device_id', b->>'zone', b->>'kind', b->>'state', (b->>'level')::smallint,
        b->>'code_space', b->>'code', (b->>'occurred_at')::timestamptz, (b->>'clock_offset_ms')::bigint,
        ARRAY(SELECT jsonb_array_elements_text(b->'flags')), (b->>'late')::boolean, (b->>'drill')::boolean, NULL, b
    FROM jsonb_array_elements(%(bodies)s::jsonb) AS b ON CONFLICT DO NOTHING RETURNING id
"""


async def insert_remote(tx: Transaction, events: Sequence[Event], *, at: datetime) -> list[bool]:
    """Write events of a node below, whose raw frames stay there; return of each whether it was new."""
    bodies = msgspec.json.encode([body(event) for event in events]).decode()
    missing = {row[0] for row in await tx.fetch(_REMOTE, at=at, bodies=bodies)}
    taken = [_taken(missing, event.id) for event in events]
    await count_hour(tx, counts(event for event, is_new in zip(events, taken, strict=True) if is_new))
    return taken


_SINCE = """
    SELECT e.received_at, e.id, e.site_id, e.place_path, e.jurisdiction, e.body,
        coalesce(CASE WHEN e.site_id = '' THEN e.device_id ELSE p.home_node END, '')
    FROM event e LEFT JOIN place p ON p.id = e.site_id
    WHERE (e.received_at, e.id) > (%(since)s, %(after)s) AND (e.kind = ANY(%(raising)s)) = %(urgent)s
    ORDER BY e.received_at, e.id LIMIT 500
"""


async def all_changes(db: Executor, *, since: datetime, urgent: bool) -> AsyncIterator[Change]:
    """Yield every event received since ``since``, oldest first, for a tier above that lost rows.

    ``urgent`` chooses those of kinds that raise alarms, else all others. The origin is the node they happened at.
    """
    raising, after = list(RAISING), UUID(int=0)
    while rows := await db.fetch(_SINCE, since=since, after=after, raising=raising, urgent=urgent):
        for _, event_id, site, path, jurisdiction, stored, home in rows:
            origin = Origin(home, 0, 0) if home else None
            yield Change("event", str(event_id), 1, site, path, jurisdiction, stored, origin=origin)
        since, after = rows[-1][0], rows[-1][1]


def _taken(missing: set[UUID], one: UUID) -> bool:
    if one not in missing:
        return False
    missing.remove(one)
    return True


def _row(e: Event, raw_id: UUID | None, at: datetime) -> list[Any]:
    where = [e.site_id, e.place_id, e.place_path, e.jurisdiction, e.device_id, e.zone]
    what = [e.kind.value, e.state.value, e.level, e.code_space, e.code]
    when = [e.occurred_at, e.clock_offset_ms]
    return [e.id, e.received_at, at, *where, *what, *when, list(e.flags), e.late, e.drill, raw_id, Jsonb(body(e))]


async def insert_frames(tx: Transaction, frames: Sequence[RawFrame], *, longest: int = FRAME_BYTES) -> None:
    """Write raw frames, each cut to ``longest`` bytes."""
    columns = "raw_frame (id, received_at, site_id, source_id, protocol, peer, bytes, outcome, reason)"
    await tx.copy_packed(columns, [_packed_frame(each, longest) for each in frames])


def _packed_frame(f: RawFrame, longest: int) -> bytes:
    names = (f.site_id, f.source_id, f.protocol, f.peer)
    fields = (
        *(packed.count(9), packed.uuid(f.id), packed.moment(f.received_at), *map(packed.word, names)),
        *(packed.data(f.data[:longest]), packed.word(f.outcome), packed.word(f.reason)),
    )
    return b"".join(fields)


_COUNT = """
    INSERT INTO rollup_hour (site_id, hour, metric, label, count)
    SELECT site, date_trunc('hour', at), metric, label, sum(count)
    FROM unnest(%(sites)s::text[], %(times)s::timestamptz[], %(metrics)s::text[], %(labels)s::text[],
        %(counts)s::bigint[]) AS gained (site, at, metric, label, count)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (site_id, hour, metric, label) DO UPDATE SET count = rollup_hour.count + EXCLUDED.count
"""


def counts(kept: Iterable[Event]) -> dict[tuple[str, datetime, str, str], int]:
    """Return what the hourly roll-ups gain by ``kept``; drills are not counted."""
    counted = Counter(
        (event.site_id, event.received_at.replace(minute=0, second=0, microsecond=0), METRIC, event.kind.value)
        for event in kept
        if not event.drill
    )
    return dict(counted)


async def count_hour(tx: Transaction, counts: dict[tuple[str, datetime, str, str], int]) -> None:
    """Add ``counts`` of (site, hour, metric, label) to the hourly roll-ups, in key order against deadlock."""
    if not counts:
        return
    rows = [(*key, count) for key, count in sorted(counts.items())]
    sites, times, metrics, labels, added = map(list, zip(*rows, strict=True))
    await tx.execute(_COUNT, sites=sites, times=times, metrics=metrics, labels=labels, counts=added)


async def note_clocks(tx: Transaction, events: Sequence[Event]) -> None:
    """Write what each contact told of the device's clock (校时台账)."""
    told = [
        Told(e.device_id, e.received_at, e.occurred_at, e.clock_offset_ms, e.site_id)
        for e in events
        if e.occurred_at is not None and e.clock_offset_ms is not None
    ]
    await note_times(tx, told)


class Told(NamedTuple):
    """What one contact told of a device's clock: its time, and how many ms that was ahead of ours."""

    device_id: str
    at: datetime
    device_time: datetime
    offset_ms: int
    site_id: str


async def note_times(tx: Transaction, told: Iterable[Told]) -> None:
    """Write what contacts told of clocks; one of a device at one instant is enough."""
    rows = sorted({(each.device_id, each.at): each for each in told}.values())
    if not rows:
        return
    devices, times, device_times, offsets, sites = map(list, zip(*rows, strict=True))
    await tx.execute(
        """INSERT INTO clock_ledger (device_id, at, device_time, offset_ms, site_id)
           SELECT * FROM unnest(%(devices)s::text[], %(times)s::timestamptz[], %(told)s::timestamptz[],
               %(offsets)s::bigint[], %(sites)s::text[]) ON CONFLICT DO NOTHING""",
        devices=devices,
        times=times,
        told=device_times,
        offsets=offsets,
        sites=sites,
    )


_SHOWN = "SELECT body, (SELECT name FROM place WHERE place.id = event.site_id), kept_at, raw_id FROM event"


def shown(stored: dict[str, Any], site_name: str | None, kept_at: datetime, raw_id: UUID | None) -> dict[str, Any]:
    """Return an event's row as lists and pages show it."""
    more = {"site_name": site_name or "", "kept_at": kept_at.isoformat(), "raw_id": str(raw_id) if raw_id else None}
    return {**stored, **more}


_PAGE = f"""
    {_SHOWN} WHERE {IN_SCOPE} AND received_at >= %(since)s AND received_at < %(until)s
        AND (received_at, id) < (%(before_at)s, %(before_id)s)
        AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(device)s::text IS NULL OR device_id = %(device)s)
        AND (%(place)s::text IS NULL OR strpos(place_path, '/' || %(place)s || '/') > 0)
    ORDER BY received_at DESC, id DESC LIMIT %(limit)s
"""
_EVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


async def page(
    db: Executor,
    scope: Scope,
    *,
    before: tuple[datetime, UUID],
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
    kind: str | None = None,
    device: str | None = None,
    place: str | None = None,
) -> list[dict[str, Any]]:
    """Return events inside ``scope`` from ``since`` on and before ``until``, newest first.

    ``place`` is the id of any place above them. Go on with the last one's time and id.
    """
    rows = await db.fetch(
        _PAGE,
        since=since or _EVER[0],
        until=until or _EVER[1],
        before_at=before[0],
        before_id=before[1],
        kind=kind or None,
        device=device or None,
        place=place or None,
        limit=limit,
        **scope.bounds(),
    )
    return [shown(*row) for row in rows]


async def one(db: Executor, scope: Scope, event_id: UUID) -> dict[str, Any]:
    """Return one event inside ``scope``. Raises NotFound."""
    row = await db.fetch_one(f"{_SHOWN} WHERE id = %(id)s AND {IN_SCOPE}", id=event_id, **scope.bounds())
    if row is None:
        raise NotFound("no_event", "there is no such event here")
    return shown(*row)


async def frame(db: Executor, raw_id: UUID) -> RawFrame:
    """Return a raw frame; ask rights for its event first. Raises NotFound: it stays at its own node, or is too old."""
    row = await db.fetch_one(
        """SELECT id, received_at, site_id, source_id, protocol, peer, bytes, outcome, reason FROM raw_frame
           WHERE id = %(id)s""",
        id=raw_id,
    )
    if row is None:
        raise NotFound("no_frame", "the raw frame is not here: it is kept where it was received, for a time")
    return RawFrame(*row)


async def last_state(db: Executor, device_id: str, code: str, *, since: datetime) -> EventState | None:
    """Return the state of the last event with ``code`` that is about a device itself, None where there is none."""
    row = await db.fetch_one(
        """SELECT state FROM event WHERE device_id = %(device)s AND zone = '/' AND code = %(code)s
               AND received_at >= %(since)s ORDER BY received_at DESC LIMIT 1""",
        device=device_id,
        code=code,
        since=since,
    )
    return EventState(row[0]) if row else None


async def clock_offsets(db: Executor, device_id: str, *, since: datetime) -> list[tuple[datetime, timedelta]]:
    """Return the device's clock offsets (device minus platform) since ``since``, oldest first."""
    rows = await db.fetch(
        "SELECT at, offset_ms FROM clock_ledger WHERE device_id = %(device)s AND at >= %(since)s ORDER BY at",
        device=device_id,
        since=since,
    )
    return [(row[0], timedelta(milliseconds=row[1])) for row in rows]
