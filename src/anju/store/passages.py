"""Passages of vehicles as kept: written by COPY in batches, searched by plate, time, lane, place, colour, resident.

Source: 5.2.2.1, 5.2.2.4 (passages now and before), 4.2.1.4 (statistics).
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from psycopg.errors import UniqueViolation
from uuid_utils.compat import uuid7

from anju.domain import vehicles
from anju.domain.captures import MS, first_id, moment
from anju.domain.changes import Change
from anju.domain.rights import Scope
from anju.domain.vehicles import NEAR, Correction, Passage
from anju.errors import Conflict, NotFound
from anju.store import packed, recent
from anju.store.database import IN_SCOPE, Executor, Transaction
from anju.store.events import count_hour
from anju.store.log import Written
from anju.store.packed import Texts
from anju.store.recent import After
from anju.store.statistics import Period

METRIC = "passages"
"""Hourly roll-up of passages; its labels are ``in``, ``out`` and nothing."""
PLATES_MOST, PLATES_OF_TWO = 300, 100
"""Plates that one fragment may stand for, and one of two letters: beyond them the fragment must be longer."""

_COLUMNS = (
    *("kept_at", "id", "received_at", "site_id", "place_id", "place_path", "jurisdiction", "device_id", "lane"),
    *("object_id", "passed_at", "clock_offset_ms", "plate", "kind", "direction", "plate_class", "plate_color"),
    *("vehicle_class", "vehicle_color", "resident_kind", "resident_id", "flags", "raw_id", "version", "body"),
)
_INTO = f"passage ({', '.join(_COLUMNS)})"
_HEAD = packed.count(len(_COLUMNS))
_NO_FLAGS = packed.texts(())


def row(p: Passage, body: bytes, raw_id: UUID | None) -> bytes:
    """Return ``p``, whose JSON text is ``body``, as ``insert`` takes it."""
    return b"".join(
        (
            *(packed.uuid(p.id), packed.moment(p.received_at)),
            _words(p.site_id, p.place_id, p.place_path, p.jurisdiction, p.device_id, p.lane),
            *(packed.text(p.object_id), packed.moment(p.passed_at), packed.bigint(p.clock_offset_ms)),
            packed.NULL if p.plate is None else packed.text(p.plate),
            _words(p.kind, p.direction, p.plate_class, p.plate_color),
            _words(p.vehicle_class, p.vehicle_color, p.resident_kind),
            *(packed.word(p.resident_id), packed.texts(p.flags) if p.flags else _NO_FLAGS),
            *(packed.uuid(raw_id), packed.bigint(p.version), packed.data(body)),
        )
    )


@lru_cache(4096)
def _words(*values: str) -> bytes:
    return b"".join(map(packed.text, values))


async def insert(tx: Transaction, rows: Iterable[bytes], *, at: datetime) -> None:
    """Write what ``row`` made, kept ``at``."""
    head = _HEAD + packed.moment(at)
    await tx.copy_packed(_INTO, [part for each in rows for part in (head, each)])


def change(p: Passage, body: bytes) -> Written:
    """Return ``p``, whose JSON text is ``body``, as a row of the log."""
    return Written("passage", str(p.id), p.version, p.site_id, p.place_path, p.jurisdiction, body)


_PLATES = """
    INSERT INTO plate (site_id, plate, first_seen_at)
    SELECT site, plate, %(at)s FROM unnest(%(sites)s, %(plates)s) AS told (site, plate) ON CONFLICT DO NOTHING
"""


async def note_plates(tx: Transaction, told: Iterable[Passage], *, at: datetime) -> None:
    """Write down each community's plates, so that fragments find them. In order against deadlock."""
    found = sorted({(each.site_id, each.plate) for each in told if each.plate})
    if found:
        sites, plates = zip(*found, strict=True)
        await tx.execute(_PLATES, at=at, sites=Texts(sites), plates=Texts(plates))


_FORGET = """
    DELETE FROM plate WHERE (site_id, plate) IN (
        SELECT site_id, plate FROM plate p WHERE first_seen_at < %(before)s AND NOT EXISTS (
            SELECT FROM passage WHERE passage.plate = p.plate AND passage.site_id = p.site_id)
        LIMIT %(limit)s)
"""


async def forget_plates(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` plates first seen before ``before`` of which no passage is left; return how many."""
    return await tx.execute(_FORGET, before=before, limit=limit)


async def forget_corrections(db: Executor, *, before: datetime) -> None:
    """Forget corrections of passages from before ``before``: they name plates."""
    await db.execute("DELETE FROM passage_correction WHERE received_at < %(before)s", before=before)


def counts(passages: Iterable[Passage]) -> dict[tuple[str, datetime, str, str], int]:
    """Return what the hourly roll-ups gain."""
    counted = Counter((each.site_id, each.received_at, each.direction) for each in passages)
    hours: Counter[tuple[str, datetime, str, str]] = Counter()
    for (site, at, way), count in counted.items():
        hours[site, at.replace(minute=0, second=0, microsecond=0), METRIC, way] += count
    return dict(hours)


_REMOTE = f"""
    INSERT INTO {_INTO}
    SELECT %(at)s, id, received_at, site_id, place_id, place_path, jurisdiction, device_id, lane, object_id, passed_at,
        clock_offset_ms, plate, kind, direction, plate_class, plate_color, vehicle_class, vehicle_color, resident_kind,
        resident_id, flags, NULL, version, b.body
    FROM json_array_elements(%(bodies)s::json) AS b (body), json_to_record(b.body) AS r (id uuid,
        received_at timestamptz, site_id text, place_id text, place_path text, jurisdiction text, device_id text,
        lane text, object_id text, passed_at timestamptz, clock_offset_ms bigint, plate text, kind text,
        direction text, plate_class text, plate_color text, vehicle_class text, vehicle_color text,
        resident_kind text, resident_id text, flags text[], version bigint)
    ON CONFLICT (received_at, id) DO UPDATE SET plate = EXCLUDED.plate, direction = EXCLUDED.direction,
        plate_class = EXCLUDED.plate_class, plate_color = EXCLUDED.plate_color, flags = EXCLUDED.flags,
        vehicle_class = EXCLUDED.vehicle_class, vehicle_color = EXCLUDED.vehicle_color, version = EXCLUDED.version,
        body = EXCLUDED.body
    WHERE passage.version < EXCLUDED.version AND passage.site_id = EXCLUDED.site_id
        AND passage.device_id = EXCLUDED.device_id
    RETURNING id, old.id IS NULL
"""


async def insert_remote(tx: Transaction, told: Sequence[Passage], *, at: datetime) -> list[bool]:
    """Write passages of a node below, newer versions over older ones; return of each whether it was news.

    Of several versions in one batch only the newest is written, and all of them are news.
    """
    newest = {each.id: each for each in sorted(told, key=lambda each: each.version)}
    ordered = sorted(newest.values(), key=lambda each: (each.received_at, each.id))
    written = await _new_to_us(tx, ordered, at) or await _put(tx, ordered, at)
    fresh = [each for each in ordered if written.get(each.id)]
    await note_plates(tx, [each for each in ordered if each.id in written], at=at)
    await count_hour(tx, counts(fresh))
    return _news(told, written)


async def _new_to_us(tx: Transaction, told: Sequence[Passage], at: datetime) -> dict[UUID, bool]:
    """Write passages that are most likely all new, the cheap way; return nothing, and write nothing, where not."""
    if any(each.version > 1 for each in told):
        return {}
    try:
        async with tx.savepoint():
            await insert(tx, [row(each, vehicles.written(each), None) for each in told], at=at)
    except UniqueViolation:
        return {}
    return dict.fromkeys((each.id for each in told), True)


async def _put(tx: Transaction, told: Sequence[Passage], at: datetime) -> dict[UUID, bool]:
    """Write passages over older versions; return of each that was written whether it was new."""
    bodies = msgspec.json.encode(told).decode()
    return {each[0]: each[1] for each in await tx.fetch(_REMOTE, at=at, bodies=bodies)}


def _news(told: Sequence[Passage], written: dict[UUID, bool]) -> list[bool]:
    """A version told twice in one batch is news once."""
    known: set[tuple[UUID, int]] = set()
    news = []
    for each in told:
        news.append(each.id in written and (each.id, each.version) not in known)
        known.add((each.id, each.version))
    return news


def _window(passage_id: UUID) -> dict[str, datetime]:
    """Return the millisecond that the id tells. Raises NotFound for what is no passage's id."""
    try:
        at = moment(passage_id)
    except ValueError as error:
        raise NotFound("no_passage", "there is no such passage here") from error
    return {"since": at, "until": at + MS}


_BY_ID = f"""
    SELECT body, raw_id, kept_at FROM passage
    WHERE received_at >= %(since)s AND received_at < %(until)s AND id = %(id)s AND {IN_SCOPE}
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A passage as it is kept: with its raw record (None where that stayed at a node below) and when it came here."""

    passage: Passage
    raw_id: UUID | None
    kept_at: datetime


async def find(db: Executor, scope: Scope, passage_id: UUID, *, lock: bool = False) -> Kept:
    """Return a passage inside ``scope``. Raises NotFound."""
    query = f"{_BY_ID} FOR UPDATE" if lock else _BY_ID
    found = await db.fetch_one(query, id=passage_id, **_window(passage_id), **scope.bounds())
    if found is None:
        raise NotFound("no_passage", "there is no such passage here")
    return Kept(vehicles.read_body(found[0]), found[1], found[2])


_NEAR = """
    SELECT body FROM passage WHERE plate = %(plate)s AND device_id = %(device)s AND lane = %(lane)s
        AND received_at >= %(since)s AND received_at <= %(until)s AND passed_at BETWEEN %(first)s AND %(last)s
        AND direction = %(direction)s AND id <> %(id)s
    ORDER BY passed_at, id LIMIT 50
"""
_DELAY = timedelta(hours=1)


async def near(db: Executor, passage: Passage) -> list[Passage]:
    """Return what most likely is the same passage told again: same lane, plate and direction within 10 s.

    All processes' passages count; ask rights for ``passage`` first, the others are at the same device.
    """
    if passage.plate is None:
        return []
    rows = await db.fetch(
        _NEAR,
        plate=passage.plate,
        device=passage.device_id,
        lane=passage.lane,
        direction=passage.direction,
        id=passage.id,
        since=passage.received_at - _DELAY,
        until=passage.received_at + _DELAY,
        first=passage.passed_at - NEAR,
        last=passage.passed_at + NEAR,
    )
    return [vehicles.read_body(each[0]) for each in rows]


_UPDATE = """
    UPDATE passage SET plate = %(plate)s, plate_class = %(plate_class)s, plate_color = %(plate_color)s,
        vehicle_class = %(vehicle_class)s, vehicle_color = %(vehicle_color)s, direction = %(direction)s,
        flags = %(flags)s, version = %(version)s, body = %(body)s
    WHERE received_at = %(received_at)s AND id = %(id)s
"""
_CORRECTION = """
    INSERT INTO passage_correction (id, passage_id, received_at, site_id, place_path, jurisdiction, at, by_id, by_name,
        version, body)
    VALUES (%(id)s, %(passage_id)s, %(received_at)s, %(site_id)s, %(place_path)s, %(jurisdiction)s, %(at)s, %(by_id)s,
        %(by_name)s, %(version)s, %(body)s)
"""


async def correct(
    tx: Transaction,
    scope: Scope,
    passage_id: UUID,
    correction: Correction,
    *,
    by: tuple[str, str],
    at: datetime,
    expected_version: int | None = None,
) -> tuple[Passage, Written]:
    """Write what a person, ``by`` (id, name), says of a passage inside ``scope``; return it and what the log gains.

    The device's reading stays beside it, and every correction has a row of its own. Raises NotFound, and Conflict
    where somebody was faster. Source: 5.2.2.2 (feeds the accuracy figure).
    """
    before = (await find(tx, scope, passage_id, lock=True)).passage
    if expected_version is not None and expected_version != before.version:
        raise Conflict("changed_meanwhile", "somebody corrected this passage meanwhile")
    after = vehicles.corrected(before, correction)
    text = vehicles.written(after)
    names = ("id", "received_at", "plate", "plate_class", "plate_color", "vehicle_class", "vehicle_color", "direction")
    values = {name: getattr(after, name) for name in names}
    await tx.execute(_UPDATE, **values, flags=list(after.flags), version=after.version, body=text.decode())
    await _note_correction(tx, before, after, correction, by, at)
    await note_plates(tx, [after], at=at)
    return after, change(after, text)


async def _note_correction(
    tx: Transaction, before: Passage, after: Passage, correction: Correction, by: tuple[str, str], at: datetime
) -> None:
    told = correction.changed()
    was = {name: getattr(before, name) for name in told}
    became = {name: getattr(after, name) for name in told}
    await tx.execute(
        _CORRECTION,
        id=uuid7(),
        passage_id=after.id,
        received_at=after.received_at,
        site_id=after.site_id,
        place_path=after.place_path,
        jurisdiction=after.jurisdiction,
        at=at,
        by_id=by[0],
        by_name=by[1],
        version=after.version,
        body=msgspec.json.encode({"reason": correction.reason, "was": was, "became": became}).decode(),
    )


async def corrections(db: Executor, passage_id: UUID) -> list[dict[str, Any]]:
    """Return who corrected a passage, when, why and how, oldest first; ask rights for the passage first."""
    rows = await db.fetch(
        """SELECT at, by_id, by_name, version, body FROM passage_correction
           WHERE passage_id = %(id)s ORDER BY version""",
        id=passage_id,
    )
    return [
        {"at": at.isoformat(), "by": {"id": by_id, "name": by_name}, "version": version, **body}
        for at, by_id, by_name, version, body in rows
    ]


@dataclass(frozen=True, slots=True)
class Query:
    """Which passages are looked for; nothing asks for all.

    ``plate`` is whole and in normal form, ``fragment`` any part of one of at least two letters. ``place`` is the id of
    any place above them. ``since`` counts, ``until`` does not. ``flag`` is one mark of quality.
    """

    plate: str = ""
    fragment: str = ""
    color: str = ""
    vehicle_color: str = ""
    since: datetime | None = None
    until: datetime | None = None
    device: str = ""
    lane: str = ""
    site: str = ""
    place: str = ""
    direction: str = ""
    resident_kind: str = ""
    resident: str = ""
    kind: str = ""
    flag: str = ""


_TEXTS = tuple(each.name for each in fields(Query) if each.name not in {"since", "until", "fragment"})
_FILTERS = {
    "plate": "plate = %(plate)s",
    "color": "plate_color = %(color)s",
    "vehicle_color": "vehicle_color = %(vehicle_color)s",
    "device": "device_id = %(device)s",
    "lane": "lane = %(lane)s",
    "site": "site_id = %(site)s",
    "place": recent.BELOW,
    "direction": "direction = %(direction)s",
    "resident_kind": "resident_kind = %(resident_kind)s",
    "resident": "resident_id = %(resident)s AND resident_id <> ''",
    "kind": "kind = %(kind)s",
    "flag": "%(flag)s = ANY (flags)",
}


async def search(db: Executor, scope: Scope, query: Query, *, after: After | None = None, limit: int) -> list[Passage]:
    """Return passages inside ``scope``, newest first; go on after the last one's time and id.

    A fragment stands for the PLATES_MOST plates first seen last. Source: 5.2.2.4.
    """
    if not scope:
        return []
    where, params = _asked(query, after, limit)
    narrow = bool(params.keys() & _INDEXED)
    among = None if narrow else await recent.sites(db, scope, site=query.site, place=query.place)
    if query.fragment:
        params |= {"plates": await _plates_like(db, query.fragment, among), "sites": among}
        where += ["plate = ANY (%(plates)s)", *([] if among is None else ["site_id = ANY (%(sites)s)"])]
    if narrow or query.fragment:
        bodies = await recent.found(db, "passage", scope, where, params)
    else:
        bodies = await recent.newest(db, "passage", scope, where, params, among)
    return [vehicles.read_body(each) for each in bodies]


_INDEXED = frozenset({"plate", "device", "resident"})


def _asked(query: Query, after: After | None, limit: int) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of ``query`` and their parameters."""
    params: dict[str, Any] = {name: value for name in _TEXTS if (value := getattr(query, name))}
    where, bounds = recent.Page(limit, query.since, query.until, after).bounds()
    return [*(_FILTERS[name] for name in params), *where], params | bounds


async def count(db: Executor, scope: Scope, query: Query, *, most: int) -> int:
    """Return how many passages inside ``scope`` there are, counted no further than ``most``."""
    if not scope:
        return 0
    where, params = _asked(query, None, most)
    narrow = bool(params.keys() & _INDEXED)
    among = None if narrow else await recent.sites(db, scope, site=query.site, place=query.place)
    if query.fragment:
        params["plates"] = await _plates_like(db, query.fragment, among)
        where.append("plate = ANY (%(plates)s)")
    if among is not None:
        params["sites"] = among
        where.append("site_id = ANY (%(sites)s)")
    told = " AND ".join((*where, IN_SCOPE))
    counted = f"SELECT count(*) FROM (SELECT FROM passage WHERE {told} LIMIT %(limit)s) AS found"
    row = await db.fetch_one(counted, **params, **scope.bounds())
    return int(row[0]) if row else 0


_LIKE = """
    SELECT plate FROM (SELECT DISTINCT ON (plate) plate, first_seen_at FROM plate WHERE plate LIKE %(pattern)s
        AND {where} ORDER BY plate, first_seen_at DESC) AS found
    ORDER BY first_seen_at DESC LIMIT %(limit)s
"""


async def _plates_like(db: Executor, fragment: str, sites: list[str] | None) -> list[str]:
    """Return plates that have ``fragment`` in them, those first seen last in front."""
    most = PLATES_MOST if len(fragment) > 2 else PLATES_OF_TWO
    plain = fragment.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    where = "true" if sites is None else "site_id = ANY (%(sites)s)"
    found = await db.fetch(_LIKE.format(where=where), pattern=f"%{plain}%", sites=sites, limit=most)
    return [each[0] for each in found]


_COUNTS = """
    SELECT date_trunc(%(by)s, hour, %(zone)s) AS start, label, sum(count)::bigint FROM rollup_hour
    WHERE site_id = ANY (%(sites)s) AND metric = 'passages' AND hour >= %(since)s AND hour < %(until)s
    GROUP BY start, label ORDER BY start, label
"""
_WHOLE = """
    SELECT id FROM place WHERE kind = 'site' AND (%(place)s = '' OR strpos(place_path, '/' || %(place)s || '/') > 0)
        AND (%(scope_everything)s OR EXISTS (SELECT FROM unnest(%(scope_paths)s::text[]) AS p WHERE place_path ^@ p)
            OR EXISTS (SELECT FROM unnest(%(scope_jurisdictions)s::text[]) AS j
                WHERE jurisdiction <> '' AND jurisdiction ^@ j))
"""


async def hourly(
    db: Executor, scope: Scope, period: Period, *, by: str = "hour", place: str = ""
) -> list[dict[str, Any]]:
    """Return how many passages there were by hour or day and direction, in whole communities inside ``scope``.

    Source: 4.2.1.4 (statistics of vehicles).
    """
    sites = [row[0] for row in await db.fetch(_WHOLE, place=place, **scope.bounds())]
    bounds = {"since": period.since, "until": period.until, "zone": period.zone, "by": by}
    rows = await db.fetch(_COUNTS, sites=sites, **bounds)
    return [{"at": row[0].isoformat(), "direction": row[1], "count": row[2]} for row in rows]


async def all_changes(db: Executor, *, since: datetime) -> AsyncIterator[Change]:
    """Yield every passage received since ``since`` as it stands now, oldest first, for a tier above that lost rows."""
    after = first_id(since)
    while rows := await recent.following(db, "passage", after):
        for _, body in rows:
            p = vehicles.read_body(body)
            yield Change("passage", str(p.id), p.version, p.site_id, p.place_path, p.jurisdiction, body)
        after = rows[-1][0]
