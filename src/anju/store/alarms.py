"""Alarms as kept: each a row of its whole state, each step a row of its own, all of it told to the log."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from anju.domain.alarms import (
    LIFE,
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

ANJU = Person("anju", "Anju", "", "")
"""Who raises, counts, returns and escalates."""


def body(alarm: Alarm) -> dict[str, Any]:
    """Return ``alarm`` as the log, the tiers above and the console see it: JSON only."""
    event = alarm.event
    plain: dict[str, Any] = msgspec.to_builtins(
        asdict(replace(alarm, review=dict(alarm.review) if alarm.review else None))
    )
    del plain["event"]
    where = ("site_id", "place_id", "place_path", "place_name", "jurisdiction", "device_id", "device_name")
    what = ("zone", "zone_name", "kind", "code", "drill")
    return {
        **plain,
        **{name: getattr(event, name) for name in (*where, *what)},
        "raised_at": alarm.raised_at.isoformat(),
        "event_id": str(event.id),
        "flags": list(event.flags),
        "storm_key": alarm.storm_key,
        "event": msgspec.to_builtins(asdict(event)),
    }


def read_body(stored: dict[str, Any]) -> Alarm:
    """Return the alarm that ``body`` wrote."""
    return msgspec.convert(stored, Alarm, strict=False)


_FIND = """
    SELECT s.source_key, a.body FROM alarm_source s JOIN alarm a ON a.id = s.alarm_id AND a.raised_at = s.raised_at
    WHERE s.site_id = %(site)s AND s.source_key = ANY(%(keys)s) ORDER BY s.source_key FOR UPDATE
"""
_PUT = """
    INSERT INTO alarm (id, raised_at, kept_at, site_id, place_id, place_path, jurisdiction, device_id, zone, kind,
        level, state, active, drill, owner_id, shelved_until, escalate_at, storm_key, version, home_node, body)
    VALUES (%(id)s, %(raised_at)s, %(at)s, %(site_id)s, %(place_id)s, %(place_path)s, %(jurisdiction)s, %(device_id)s,
        %(zone)s, %(kind)s, %(level)s, %(state)s, %(active)s, %(drill)s, %(owner_id)s, %(shelved_until)s,
        %(escalate_at)s, %(storm_key)s, %(version)s, %(home_node)s, %(body)s)
    ON CONFLICT (id, raised_at) DO UPDATE SET level = EXCLUDED.level, state = EXCLUDED.state, active = EXCLUDED.active,
        owner_id = EXCLUDED.owner_id, shelved_until = EXCLUDED.shelved_until, escalate_at = EXCLUDED.escalate_at,
        version = EXCLUDED.version, body = EXCLUDED.body
    WHERE alarm.version < EXCLUDED.version AND alarm.home_node = EXCLUDED.home_node
"""
_SOURCE = """
    INSERT INTO alarm_source (site_id, source_key, alarm_id, raised_at)
    VALUES (%(site_id)s, %(source_key)s, %(id)s, %(raised_at)s)
    ON CONFLICT (site_id, source_key) DO UPDATE SET alarm_id = EXCLUDED.alarm_id, raised_at = EXCLUDED.raised_at
"""
_STEP = """
    INSERT INTO alarm_step (id, alarm_id, raised_at, at, version, site_id, place_path, jurisdiction, body)
    VALUES (%(id)s, %(alarm_id)s, %(raised_at)s, %(at)s, %(version)s, %(site_id)s, %(place_path)s, %(jurisdiction)s,
        %(body)s) ON CONFLICT DO NOTHING
"""


async def on_events(tx: Transaction, events: Sequence[Event], *, home_node: str, at: datetime) -> list[Change]:
    """Raise, count or return alarms for ``events``, in their order; return what changed, for the log.

    Runs inside the transaction that keeps the events: what a panel is told was kept has its alarm.
    """
    latest: dict[tuple[str, str], Alarm] = {}
    for site in sorted({event.site_id for event in events}):
        keys = sorted({source_key(event) for event in events if event.site_id == site})
        for key in keys:  # the row to wait at, where two processes meet the same source for the first time
            await tx.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 722))", name=f"alarm|{site}|{key}"
            )
        for key, stored in await tx.fetch(_FIND, site=site, keys=keys):
            latest[site, key] = read_body(stored)
    changes: list[Change] = []
    for event in events:
        source = (event.site_id, source_key(event))
        before = latest.get(source)
        found = on_event(before, event, home_node=home_node)
        if found is None:
            continue
        step, alarm = found
        latest[source] = alarm
        changes += await put(tx, before if step is not Step.RAISE else None, alarm, Act(step, ANJU, at), at=at)
        if step is Step.RAISE:
            await tx.execute(_SOURCE, site_id=source[0], source_key=source[1], id=alarm.id, raised_at=alarm.raised_at)
    return changes


async def put(tx: Transaction, before: Alarm | None, after: Alarm, act: Act, *, at: datetime) -> list[Change]:
    """Write ``after`` and the step that led to it; return both as changes."""
    stored, event = body(after), after.event
    await tx.execute(_PUT, **_row(after, stored, at))
    where = (event.site_id, event.place_path, event.jurisdiction)
    step: dict[str, Any] = {
        "id": str(uuid7()),
        "alarm_id": str(after.id),
        "raised_at": stored["raised_at"],
        "at": act.at.isoformat(),
        "version": after.version,
        "action": act.step.value,
        "by": asdict(act.by),
        "from": before.state.value if before else None,
        "to": after.state.value,
        "finding": act.finding,
        "note": act.note,
    }
    told = Change("alarm_step", str(step["id"]), 1, *where, body=step)
    await apply_step(tx, told)
    return [
        Change("alarm", str(after.id), after.version, *where, body=stored),
        told,
    ]


async def apply(tx: Transaction, alarm: Alarm, *, at: datetime) -> bool:
    """Write an alarm as its home node told it; return False where this version or a newer one is here already."""
    return await tx.execute(_PUT, **_row(alarm, body(alarm), at)) == 1


async def apply_many(tx: Transaction, told: Sequence[Alarm], *, at: datetime) -> list[bool]:
    """Do ``apply`` to many, in their order; return the same of each."""
    rows = [_row(alarm, body(alarm), at) for alarm in told]
    return [count == 1 for count in await tx.execute_each(_PUT, rows)]


async def apply_steps(tx: Transaction, steps: Sequence[Change]) -> list[bool]:
    """Do ``apply_step`` to many, in their order; return the same of each."""
    return [count == 1 for count in await tx.execute_each(_STEP, [_step_row(step) for step in steps])]


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
    same = ("site_id", "place_id", "place_path", "jurisdiction", "device_id", "zone", "drill")
    return {
        **{name: getattr(alarm.event, name) for name in same},
        "id": alarm.id,
        "raised_at": alarm.raised_at,
        "at": at,
        "kind": alarm.event.kind.value,
        "level": alarm.level,
        "state": alarm.state.value,
        "active": alarm.active,
        "owner_id": alarm.owner.id if alarm.owner else "",
        "shelved_until": alarm.shelved_until,
        "escalate_at": alarm.escalate_at(),
        "storm_key": alarm.storm_key,
        "version": alarm.version,
        "home_node": alarm.home_node,
        "body": Jsonb(stored),
    }


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
    return after, await put(tx, before, after, act, at=act.at)


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
    changes: list[Change] = []
    for (stored,) in await tx.fetch(due, home=home_node, at=at, limit=limit):
        before = read_body(stored)
        changes += await put(tx, before, escalated(before, at), Act(Step.ESCALATE, ANJU, at), at=at)
    return changes


async def unshelve_due(tx: Transaction, *, home_node: str, at: datetime, limit: int = 100) -> list[Change]:
    """Bring back every alarm raised here whose shelving is over; return what changed."""
    due = _DUE.format(due="shelved_until <= %(at)s")
    changes: list[Change] = []
    for (stored,) in await tx.fetch(due, home=home_node, at=at, limit=limit):
        before, act = read_body(stored), Act(Step.UNSHELVE, ANJU, at)
        changes += await put(tx, before, decide(before, act), act, at=at)
    return changes


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
