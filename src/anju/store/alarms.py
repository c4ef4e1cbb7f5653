"""Alarms as kept: each a row of its whole state, each step a row of its own, all of it told to the log."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from anju.domain.alarms import (
    LIFE,
    RAISING,
    STORM_COUNT,
    STORM_WITHIN,
    UNDO_WITHIN,
    Act,
    Alarm,
    AlarmState,
    Person,
    Step,
    decide,
    escalated,
    on_event,
    source_key,
)
from anju.domain.changes import Change
from anju.domain.events import Event
from anju.domain.rights import Scope
from anju.errors import Conflict, NotFound
from anju.store.database import IN_SCOPE, Executor, Transaction
from anju.store.events import count_hour

METRIC = "alarms"
"""Hourly roll-up of raised alarms; its labels are ``<level>|<kind>``."""
_OF_EVENT = (
    *("site_id", "place_id", "place_path", "place_name", "jurisdiction", "device_id", "device_name"),
    *("zone", "zone_name", "kind", "code", "drill", "flags"),
)
ANJU = Person("anju", "Anju", "", "")
"""Who raises, counts, returns and escalates."""


def body(alarm: Alarm) -> dict[str, Any]:
    """Return ``alarm`` as the log, the tiers above and the console see it: JSON only."""
    plain: dict[str, Any] = msgspec.to_builtins(alarm)
    event = plain.pop("event")
    return {
        **plain,
        **{name: event[name] for name in _OF_EVENT},
        "raised_at": event["received_at"],
        "event_id": event["id"],
        "storm_key": alarm.storm_key,
        "event": event,
    }


def read_body(stored: dict[str, Any]) -> Alarm:
    """Return the alarm that ``body`` wrote."""
    return msgspec.convert(stored, Alarm, strict=False)


_LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended('alarm|' || site || '|' || key, 722))
    FROM unnest(%(sites)s::text[], %(keys)s::text[]) AS source (site, key)
"""
_FIND = """
    SELECT s.site_id, s.source_key, a.body
    FROM unnest(%(sites)s::text[], %(keys)s::text[]) AS source (site, key)
    JOIN alarm_source s ON s.site_id = source.site AND s.source_key = source.key
    JOIN alarm a ON a.id = s.alarm_id AND a.raised_at = s.raised_at
    ORDER BY s.site_id, s.source_key FOR UPDATE OF a
"""
_COLUMNS = (
    *("id", "raised_at", "kept_at", "site_id", "place_id", "place_path", "jurisdiction", "device_id", "zone", "kind"),
    *("level", "state", "active", "drill", "owner_id", "shelved_until", "escalate_at", "storm_key", "version"),
    *("home_node", "body"),
)
_INTO = f"alarm ({', '.join(_COLUMNS)})"
_PUT = f"""
    INSERT INTO {_INTO} VALUES ({", ".join(f"%({name})s" for name in _COLUMNS)})
    ON CONFLICT (id, raised_at) DO UPDATE SET level = EXCLUDED.level, state = EXCLUDED.state, active = EXCLUDED.active,
        owner_id = EXCLUDED.owner_id, shelved_until = EXCLUDED.shelved_until, escalate_at = EXCLUDED.escalate_at,
        version = EXCLUDED.version, body = EXCLUDED.body
    WHERE alarm.version < EXCLUDED.version AND alarm.home_node = EXCLUDED.home_node
"""
_SOURCE = """
    INSERT INTO alarm_source (site_id, source_key, alarm_id, raised_at)
    SELECT * FROM unnest(%(sites)s::text[], %(keys)s::text[], %(ids)s::uuid[], %(times)s::timestamptz[])
    ON CONFLICT (site_id, source_key) DO UPDATE SET alarm_id = EXCLUDED.alarm_id, raised_at = EXCLUDED.raised_at
"""
_STEP_COLUMNS = ("id", "alarm_id", "raised_at", "at", "version", "site_id", "place_path", "jurisdiction", "body")
_STEP_INTO = f"alarm_step ({', '.join(_STEP_COLUMNS)})"
_STEP = f"""
    INSERT INTO {_STEP_INTO} VALUES ({", ".join(f"%({name})s" for name in _STEP_COLUMNS)}) ON CONFLICT DO NOTHING
"""
_Source = tuple[str, str]  # community and source key


async def on_events(tx: Transaction, events: Sequence[Event], *, home_node: str, at: datetime) -> list[Change]:
    """Raise, count or return alarms for ``events``, in their order; return what changed, for the log.

    Runs inside the transaction that keeps the events: what a panel is told was kept has its alarm.
    """
    heard = [event for event in events if event.kind in RAISING]
    known = await _latest(tx, {(event.site_id, source_key(event)) for event in heard}) if heard else {}
    raised: dict[_Source, Alarm] = {}
    moved: list[tuple[Alarm | None, Alarm, Act]] = []
    for event in heard:
        source = (event.site_id, source_key(event))
        before = known.get(source)
        found = on_event(before, event, home_node=home_node)
        if found is None:
            continue
        step, known[source] = found
        if step is Step.RAISE:
            before, raised[source] = None, known[source]
        moved.append((before, known[source], Act(step, ANJU, at)))
    changes = await put(tx, moved, at=at)
    await _point(tx, raised)
    await count_hour(tx, _raised([after for _, after, act in moved if act.step is Step.RAISE]))
    return changes


async def _latest(tx: Transaction, sources: set[_Source]) -> dict[_Source, Alarm]:
    """Return the latest alarm of each source. Its lock is where two processes wait that meet a source at once.

    Locks are taken in one order by all, so that nobody waits in a ring.
    """
    ordered = sorted(sources)
    both = {"sites": [site for site, _ in ordered], "keys": [key for _, key in ordered]}
    await tx.execute(_LOCK, **both)
    return {(site, key): read_body(stored) for site, key, stored in await tx.fetch(_FIND, **both)}


async def _point(tx: Transaction, raised: dict[_Source, Alarm]) -> None:
    """Let the next report of each source find its newest alarm."""
    if not raised:
        return
    ordered = sorted(raised.items(), key=lambda each: each[0])
    await tx.execute(
        _SOURCE,
        sites=[site for (site, _), _ in ordered],
        keys=[key for (_, key), _ in ordered],
        ids=[alarm.id for _, alarm in ordered],
        times=[alarm.raised_at for _, alarm in ordered],
    )


def _raised(alarms: Iterable[Alarm]) -> dict[tuple[str, datetime, str, str], int]:
    """Return what the hourly roll-ups gain; drills are not counted."""
    return dict(Counter(_counted(alarm) for alarm in alarms if not alarm.event.drill))


def _counted(alarm: Alarm) -> tuple[str, datetime, str, str]:
    hour = alarm.raised_at.replace(minute=0, second=0, microsecond=0)
    return alarm.event.site_id, hour, METRIC, f"{alarm.level}|{alarm.event.kind}"


async def put(tx: Transaction, moved: Sequence[tuple[Alarm | None, Alarm, Act]], *, at: datetime) -> list[Change]:
    """Write alarms after their steps, each (before, after, act) in order; return both as changes.

    Of an alarm that moved more than once only the last state is written; every step is.
    """
    bodies = [body(after) for _, after, _ in moved]
    last = {after.id: _row(after, stored, at) for (_, after, _), stored in zip(moved, bodies, strict=True)}
    fresh = {after.id for before, after, _ in moved if before is None}
    await tx.copy(_INTO, [list(row.values()) for alarm_id, row in last.items() if alarm_id in fresh])
    old = [row for alarm_id, row in last.items() if alarm_id not in fresh]
    if old:
        await tx.execute_many(_PUT, old)
    steps = [_step(*each) for each in moved]
    await tx.copy(_STEP_INTO, [list(_step_row(step).values()) for step in steps])
    told = zip(moved, bodies, steps, strict=True)
    return [change for (_, after, _), stored, step in told for change in (_change(after, stored), step)]


def _change(alarm: Alarm, stored: dict[str, Any]) -> Change:
    event = alarm.event
    where = (event.site_id, event.place_path, event.jurisdiction)
    return Change("alarm", str(alarm.id), alarm.version, *where, body=stored)


def _step(before: Alarm | None, after: Alarm, act: Act) -> Change:
    event, step_id = after.event, str(uuid7())
    told = {
        "id": step_id,
        "alarm_id": str(after.id),
        "raised_at": after.raised_at.isoformat(),
        "at": act.at.isoformat(),
        "version": after.version,
        "action": act.step.value,
        "by": {"id": act.by.id, "name": act.by.name, "node": act.by.node, "tier": act.by.tier},
        "from": before.state.value if before else None,
        "to": after.state.value,
        "finding": act.finding,
        "note": act.note,
    }
    return Change("alarm_step", step_id, 1, event.site_id, event.place_path, event.jurisdiction, body=told)


async def apply(tx: Transaction, alarm: Alarm, *, at: datetime) -> bool:
    """Write an alarm as its home node told it; return False where this version or a newer one is here already."""
    query = f"{_PUT} RETURNING old.id IS NULL"
    row = await tx.fetch_one(query, **_row(alarm, body(alarm), at))
    if row and row[0]:  # seen here for the first time
        await count_hour(tx, _raised([alarm]))
    return row is not None


async def apply_many(tx: Transaction, told: Sequence[Alarm], *, at: datetime) -> list[bool]:
    """Do ``apply`` to many, in their order; return the same of each."""
    rows = [_row(alarm, body(alarm), at) for alarm in told]
    written = await tx.fetch_each(f"{_PUT} RETURNING old.id IS NULL", rows)
    fresh = [alarm for alarm, found in zip(told, written, strict=True) if found and found[0][0]]
    if fresh:  # seen here for the first time
        await count_hour(tx, _raised(fresh))
    return [bool(found) for found in written]


async def apply_steps(tx: Transaction, steps: Sequence[Change]) -> list[bool]:
    """Do ``apply_step`` to many, in their order; return the same of each."""
    return [bool(found) for found in await tx.fetch_each(f"{_STEP} RETURNING 1", [_step_row(each) for each in steps])]


async def apply_step(tx: Transaction, step: Change) -> bool:
    """Write one step; return False where it is here already."""
    return await tx.execute(_STEP, **_step_row(step)) == 1


def _step_row(step: Change) -> dict[str, Any]:
    told = step.body
    return {
        "id": UUID(told["id"]),
        "alarm_id": UUID(told["alarm_id"]),
        "raised_at": datetime.fromisoformat(told["raised_at"]),
        "at": datetime.fromisoformat(told["at"]),
        "version": int(told["version"]),
        "site_id": step.site_id,
        "place_path": step.place_path,
        "jurisdiction": step.jurisdiction,
        "body": Jsonb(told),
    }


def _row(alarm: Alarm, stored: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Return the columns of ``alarm``, in the order of _COLUMNS."""
    event = alarm.event
    row = {
        **{name: getattr(event, name) for name in ("site_id", "place_id", "place_path", "jurisdiction")},
        **{name: getattr(event, name) for name in ("device_id", "zone", "drill")},
        **{name: getattr(alarm, name) for name in ("id", "raised_at", "level", "active", "shelved_until")},
        **{name: getattr(alarm, name) for name in ("storm_key", "version", "home_node")},
        "kept_at": at,
        "kind": event.kind.value,
        "state": alarm.state.value,
        "owner_id": alarm.owner.id if alarm.owner else "",
        "escalate_at": alarm.escalate_at(),
        "body": Jsonb(stored),
    }
    return {name: row[name] for name in _COLUMNS}


async def do(
    tx: Transaction, scope: Scope, alarm_id: UUID, act: Act, *, expected_version: int | None = None
) -> tuple[Alarm, list[Change]]:
    """Do one step to an alarm inside ``scope``; return it and what changed.

    Raises NotFound outside the scope, Conflict where somebody was faster, and what ``domain.alarms.decide`` refuses.
    Source: 4.2.1.3.
    """
    query = f"SELECT body FROM alarm WHERE id = %(id)s AND {IN_SCOPE} FOR UPDATE"
    row = await tx.fetch_one(query, id=alarm_id, **scope.bounds())
    if row is None:
        raise NotFound("no_alarm", "there is no such alarm here")
    before = read_body(row[0])
    if expected_version is not None and expected_version != before.version:
        raise Conflict("changed_meanwhile", "somebody changed this alarm meanwhile")
    after = decide(before, act)
    return after, await put(tx, [(before, after, act)], at=act.at)


async def find(db: Executor, scope: Scope, alarm_id: UUID) -> Alarm:
    """Return one alarm inside ``scope``. Raises NotFound."""
    row = await db.fetch_one(f"SELECT body FROM alarm WHERE id = %(id)s AND {IN_SCOPE}", id=alarm_id, **scope.bounds())
    if row is None:
        raise NotFound("no_alarm", "there is no such alarm here")
    return read_body(row[0])


_DUE = """
    SELECT body FROM alarm WHERE {due} AND home_node = %(home)s AND state <> 'closed'
    ORDER BY raised_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""


async def escalate_due(tx: Transaction, *, home_node: str, at: datetime, limit: int = 100) -> list[Change]:
    """Tell the next circle of every alarm raised here that nobody acknowledged in time; return what changed."""
    due = _DUE.format(due="state = 'new' AND escalate_at <= %(at)s")
    found = [read_body(row[0]) for row in await tx.fetch(due, home=home_node, at=at, limit=limit)]
    return await put(tx, [(each, escalated(each, at), Act(Step.ESCALATE, ANJU, at)) for each in found], at=at)


async def unshelve_due(tx: Transaction, *, home_node: str, at: datetime, limit: int = 100) -> list[Change]:
    """Bring back every alarm raised here whose shelving is over; return what changed."""
    due = _DUE.format(due="shelved_until <= %(at)s")
    found = [read_body(row[0]) for row in await tx.fetch(due, home=home_node, at=at, limit=limit)]
    act = Act(Step.UNSHELVE, ANJU, at)
    return await put(tx, [(each, decide(each, act), act) for each in found], at=at)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alarms of a scope are asked for; None or empty asks for all.

    ``place`` is the id of any place above them, ``words`` stand in a name or the note, ``since`` counts, ``until`` not.
    """

    states: tuple[AlarmState, ...] = tuple(AlarmState)
    level: int | None = None
    kind: str | None = None
    place: str | None = None
    site: str | None = None
    device: str | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    drill: bool | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """Return the condition and its parameters."""
        given = {name: getattr(self, name) for name in _CONDITIONS if getattr(self, name) not in {None, ""}}
        told = " AND ".join(["state = ANY(%(states)s)", *(_CONDITIONS[name] for name in given)])
        return told, {**given, "states": list(self.states)}


_CONDITIONS = {
    "level": "level = %(level)s",
    "kind": "kind = %(kind)s",
    "place": "strpos(place_path, '/' || %(place)s || '/') > 0",
    "site": "site_id = %(site)s",
    "device": "device_id = %(device)s",
    "words": """strpos(lower(concat_ws(' ', body ->> 'place_name', body ->> 'device_name', body ->> 'zone_name', zone,
        body ->> 'note')), lower(%(words)s)) > 0""",
    "since": "raised_at >= %(since)s",
    "until": "raised_at < %(until)s",
    "drill": "drill = %(drill)s",
}
ALL = Wanted()
_SHOWN = """SELECT body - 'event', (SELECT name FROM place WHERE place.id = alarm.site_id) FROM alarm"""


def shown(stored: dict[str, Any], site_name: str | None) -> dict[str, Any]:
    """Return an alarm's row as lists and pages show it."""
    closed = stored["closed_at"] if stored["review"] is None else None
    undo = datetime.fromisoformat(closed) + UNDO_WITHIN if closed else None
    return {**stored, "site_name": site_name or "", "undo_until": undo.isoformat() if undo else None}


async def page(
    db: Executor, scope: Scope, wanted: Wanted = ALL, *, before: tuple[datetime, UUID], limit: int
) -> list[dict[str, Any]]:
    """Return alarms inside ``scope``, newest first; go on with the last one's time and id."""
    where, given = wanted.where()
    query = f"""{_SHOWN} WHERE {IN_SCOPE} AND {where} AND (raised_at, id) < (%(before_at)s, %(before_id)s)
        ORDER BY raised_at DESC, id DESC LIMIT %(limit)s"""
    rows = await db.fetch(query, **given, before_at=before[0], before_id=before[1], limit=limit, **scope.bounds())
    return [shown(*row) for row in rows]


async def one(db: Executor, scope: Scope, alarm_id: UUID) -> dict[str, Any]:
    """Return one alarm inside ``scope`` as pages show it. Raises NotFound."""
    row = await db.fetch_one(f"{_SHOWN} WHERE id = %(id)s AND {IN_SCOPE}", id=alarm_id, **scope.bounds())
    if row is None:
        raise NotFound("no_alarm", "there is no such alarm here")
    return shown(*row)


_GROUPS = f"""
    SELECT storm_key, count(*), min(level), min(kind), min(site_id), min(device_id),
        max(body ->> 'device_name'), max(body ->> 'place_name'), min(raised_at), max(raised_at), bool_or(drill)
    FROM alarm WHERE state = 'new' AND {IN_SCOPE}
    GROUP BY storm_key ORDER BY min(level), max(raised_at) DESC LIMIT %(limit)s
"""
_GROUP_NAMES = ("storm_key", "count", "level", "kind", "site_id", "device_id", "device_name", "place_name")


async def groups(db: Executor, scope: Scope, *, limit: int) -> list[dict[str, Any]]:
    """Return what waits inside ``scope`` by device and kind: how many, how urgent, from when to when."""
    found = []
    for row in await db.fetch(_GROUPS, limit=limit, **scope.bounds()):
        named = dict(zip(_GROUP_NAMES, row[:8], strict=True))
        times = {"first_at": row[8].isoformat(), "last_at": row[9].isoformat()}
        found.append({**named, **times, "drill": row[10], "life": named["kind"] in LIFE})
    return found


async def is_storm(db: Executor, scope: Scope, *, at: datetime) -> bool:
    """Return whether more new alarms came than anybody reads one by one. Source: EEMUA 191 (alarm flood)."""
    row = await db.fetch_one(
        f"SELECT count(*) FROM alarm WHERE state = 'new' AND raised_at > %(since)s AND NOT drill AND {IN_SCOPE}",
        since=at - STORM_WITHIN,
        **scope.bounds(),
    )
    return bool(row and row[0] > STORM_COUNT)


async def of_group(db: Executor, scope: Scope, storm_key: str, *, limit: int) -> list[Alarm]:
    """Return the alarms of one group that wait inside ``scope``, oldest first."""
    rows = await db.fetch(
        f"""SELECT body FROM alarm WHERE state = 'new' AND storm_key = %(key)s AND {IN_SCOPE}
            ORDER BY raised_at, id LIMIT %(limit)s""",
        key=storm_key,
        limit=limit,
        **scope.bounds(),
    )
    return [read_body(row[0]) for row in rows]


async def steps(db: Executor, scope: Scope, alarm_id: UUID) -> list[dict[str, Any]]:
    """Return every step ever taken on an alarm inside ``scope``, first to last."""
    query = f"SELECT body FROM alarm_step WHERE alarm_id = %(id)s AND {IN_SCOPE} ORDER BY version, id"
    return [row[0] for row in await db.fetch(query, id=alarm_id, **scope.bounds())]


async def counters(db: Executor, scope: Scope) -> dict[int, int]:
    """Return how many alarms inside ``scope`` wait for somebody, by level; drills are not counted."""
    query = f"SELECT level, count(*) FROM alarm WHERE state = 'new' AND NOT drill AND {IN_SCOPE} GROUP BY level"
    found: dict[int, int] = dict(await db.fetch(query, **scope.bounds()))
    return {level: found.get(level, 0) for level in (1, 2, 3, 4)}


_WHOLE = """
    SELECT raised_at, id, version, site_id, place_path, jurisdiction, body FROM alarm
    WHERE (state <> 'closed' OR (raised_at, id) IN
            (SELECT raised_at, alarm_id FROM alarm_step WHERE at >= %(since)s))
        AND (raised_at, id) > (%(after_at)s, %(after_id)s)
    ORDER BY raised_at, id LIMIT %(limit)s
"""
_STEPS_OF = """
    SELECT alarm_id, id, site_id, place_path, jurisdiction, body FROM alarm_step
    WHERE alarm_id = ANY(%(ids)s) ORDER BY version, id
"""
_AT_ONCE = 200


async def all_changes(db: Executor, *, since: datetime | None = None) -> AsyncIterator[Change]:
    """Yield every open alarm, each followed by its steps, oldest first: what a tier above needs that lost the log.

    With ``since``, closed alarms that moved from then on are among them: above they may still stand open.
    """
    mark: tuple[datetime, UUID] | None = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    never = datetime(9999, 1, 1, tzinfo=UTC)
    while mark is not None:
        at, alarm_id = mark
        rows = await db.fetch(_WHOLE, since=since or never, after_at=at, after_id=alarm_id, limit=_AT_ONCE)
        steps: dict[UUID, list[Change]] = {}
        for owner, step_id, site, path, jurisdiction, stored in await db.fetch(_STEPS_OF, ids=[row[1] for row in rows]):
            steps.setdefault(owner, []).append(Change("alarm_step", str(step_id), 1, site, path, jurisdiction, stored))
        for _, alarm_id, version, site, path, jurisdiction, stored in rows:
            yield Change("alarm", str(alarm_id), version, site, path, jurisdiction, stored)
            for step in steps.get(alarm_id, []):
                yield step
        mark = rows[-1][:2] if len(rows) == _AT_ONCE else None
