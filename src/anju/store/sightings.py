"""Faces, persons and images as kept. What names a person is sealed in a column of its own and stays at its node.

Source: 4.3, 7-d (sensitive personal information).
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from anju.domain import sightings
from anju.domain.captures import MS, first_id, moment
from anju.domain.changes import Change
from anju.domain.rights import Scope
from anju.domain.sightings import Sighting
from anju.errors import NotFound
from anju.store import packed, recent
from anju.store.database import IN_SCOPE, Executor, Transaction
from anju.store.events import count_hour
from anju.store.log import Written
from anju.store.recent import After

METRIC = "sightings"
"""Hourly roll-up of sightings; its labels are their kinds."""
_COLUMNS = (
    *("kept_at", "id", "received_at", "site_id", "place_id", "place_path", "jurisdiction", "device_id", "kind"),
    *("object_id", "seen_at", "clock_offset_ms", "direction", "flags", "raw_id", "version", "personal", "body"),
)
_INTO = f"sighting ({', '.join(_COLUMNS)})"
_HEAD = packed.count(len(_COLUMNS))


def sealed_for(sighting_id: UUID) -> str:
    """Return what the personal part of a sighting is sealed about."""
    return f"sighting.personal|{sighting_id}"


def row(s: Sighting, body: bytes, raw_id: UUID | None, personal: bytes | None) -> bytes:
    """Return ``s``, whose JSON text is ``body``, as ``insert`` takes it; ``personal`` is sealed."""
    where = (s.site_id, s.place_id, s.place_path, s.jurisdiction, s.device_id, s.kind)
    return b"".join(
        (
            *(packed.uuid(s.id), packed.moment(s.received_at), *map(packed.word, where)),
            *(packed.text(s.object_id), packed.moment(s.seen_at), packed.bigint(s.clock_offset_ms)),
            *(packed.word(s.direction), packed.texts(s.flags), packed.uuid(raw_id), packed.bigint(s.version)),
            *(packed.data(personal), packed.data(body)),
        )
    )


async def insert(tx: Transaction, rows: Iterable[bytes], *, at: datetime) -> None:
    """Write what ``row`` made, kept ``at``."""
    head = _HEAD + packed.moment(at)
    await tx.copy_packed(_INTO, [part for each in rows for part in (head, each)])


def change(s: Sighting, body: bytes) -> Written:
    """Return ``s``, whose JSON text is ``body``, as a row of the log."""
    return Written("sighting", str(s.id), s.version, s.site_id, s.place_path, s.jurisdiction, body)


def counts(told: Iterable[Sighting]) -> dict[tuple[str, datetime, str, str], int]:
    """Return what the hourly roll-ups gain."""
    hours = ((s.site_id, s.received_at.replace(minute=0, second=0, microsecond=0), METRIC, s.kind) for s in told)
    return dict(Counter(hours))


_REMOTE = f"""
    INSERT INTO {_INTO}
    SELECT %(at)s, id, received_at, site_id, place_id, place_path, jurisdiction, device_id, kind, object_id, seen_at,
        clock_offset_ms, direction, flags, NULL, version, NULL, b.body
    FROM json_array_elements(%(bodies)s::json) AS b (body), json_to_record(b.body) AS r (id uuid,
        received_at timestamptz, site_id text, place_id text, place_path text, jurisdiction text, device_id text,
        kind text, object_id text, seen_at timestamptz, clock_offset_ms bigint, direction text, flags text[],
        version bigint)
    ON CONFLICT DO NOTHING RETURNING id
"""


async def insert_remote(tx: Transaction, told: Sequence[Sighting], *, at: datetime) -> list[bool]:
    """Write sightings of a node below; return of each whether it was news."""
    ordered = sorted({each.id: each for each in told}.values(), key=lambda each: (each.received_at, each.id))
    written = {row[0] for row in await tx.fetch(_REMOTE, at=at, bodies=msgspec.json.encode(ordered).decode())}
    await count_hour(tx, counts(each for each in ordered if each.id in written))
    news = []
    for each in told:
        news.append(each.id in written)
        written.discard(each.id)
    return news


@dataclass(frozen=True, slots=True)
class Query:
    """Which sightings are looked for; nothing asks for all. ``place`` is the id of any place above them."""

    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    device: str = ""
    site: str = ""
    place: str = ""
    direction: str = ""


_FILTERS = {
    "kind": "kind = %(kind)s",
    "device": "device_id = %(device)s",
    "site": "site_id = %(site)s",
    "place": recent.BELOW,
    "direction": "direction = %(direction)s",
}


async def search(db: Executor, scope: Scope, query: Query, *, after: After | None = None, limit: int) -> list[Sighting]:
    """Return sightings inside ``scope``, newest first; go on after the last one's time and id."""
    params: dict[str, Any] = {name: value for name in _FILTERS if (value := getattr(query, name))}
    where, bounds = recent.Page(limit, query.since, query.until, after).bounds()
    where, params = [*(_FILTERS[name] for name in params), *where], params | bounds
    if query.device:
        bodies = await recent.found(db, "sighting", scope, where, params)
    else:
        among = await recent.sites(db, scope, site=query.site, place=query.place)
        bodies = await recent.newest(db, "sighting", scope, where, params, among)
    return [sightings.read_body(each) for each in bodies]


@dataclass(frozen=True, slots=True)
class Kept:
    """A sighting as it is kept: with its raw record and what names the person, sealed; both only at its own node."""

    sighting: Sighting
    raw_id: UUID | None
    personal: bytes | None
    kept_at: datetime


async def find(db: Executor, scope: Scope, sighting_id: UUID) -> Kept:
    """Return a sighting inside ``scope``. Raises NotFound."""
    try:
        at = moment(sighting_id)
    except ValueError as error:
        raise NotFound("no_sighting", "there is no such sighting here") from error
    found = await db.fetch_one(
        f"""SELECT body, raw_id, personal, kept_at FROM sighting
            WHERE received_at >= %(since)s AND received_at < %(until)s AND id = %(id)s AND {IN_SCOPE}""",
        id=sighting_id,
        since=at,
        until=at + MS,
        **scope.bounds(),
    )
    if found is None:
        raise NotFound("no_sighting", "there is no such sighting here")
    return Kept(sightings.read_body(found[0]), *found[1:])


async def all_changes(db: Executor, *, since: datetime) -> AsyncIterator[Change]:
    """Yield every sighting received since ``since``, oldest first, for a tier above that lost rows."""
    after = first_id(since)
    while rows := await recent.following(db, "sighting", after):
        for _, body in rows:
            s = sightings.read_body(body)
            yield Change("sighting", str(s.id), s.version, s.site_id, s.place_path, s.jurisdiction, body)
        after = rows[-1][0]
