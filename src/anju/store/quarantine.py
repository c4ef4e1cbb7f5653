"""What was held because of something that can be mended: shown by cause, run again, or discarded with a note."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from anju.domain.cleaning import clean_json, clean_text
from anju.domain.events import DeviceReport
from anju.domain.rights import Scope
from anju.errors import Conflict, NotFound
from anju.store.database import IN_SCOPE, Executor, Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """One record that waits. ``state``: held, released, discarded. ``value`` is all that is needed to run it again."""

    id: UUID
    held_at: datetime
    site_id: str
    source_id: str
    place_path: str
    jurisdiction: str
    station: str
    reason: str
    raw_id: UUID | None
    value: dict[str, Any]
    state: str = "held"
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None


_COLUMNS = """id, held_at, site_id, source_id, place_path, jurisdiction, station, reason, raw_id, value, state,
    decided_by, decided_at, note"""


def written(report: DeviceReport) -> dict[str, Any]:
    """Return ``report`` as JSON that PostgreSQL takes: its texts cleaned, its frame as it came."""
    detail, _ = clean_json(report.detail)
    plain = replace(report, area=clean_text(report.area), zone=clean_text(report.zone), detail=detail)
    found: dict[str, Any] = msgspec.to_builtins(asdict(plain))
    return found


def read_report(value: Mapping[str, Any]) -> DeviceReport:
    """Return the report in a held record's ``value``. Raises Conflict where it cannot be read any more."""
    try:
        return msgspec.convert(value["report"], DeviceReport, strict=False)
    except (KeyError, msgspec.ValidationError) as error:
        raise Conflict("cannot_rerun", "the held report cannot be read") from error


async def hold(tx: Transaction, held: Held) -> None:
    """Put one record into quarantine."""
    await tx.execute(
        """INSERT INTO quarantine (id, held_at, site_id, source_id, place_path, jurisdiction, station, reason, raw_id,
               value)
           VALUES (%(id)s, %(held_at)s, %(site_id)s, %(source_id)s, %(place_path)s, %(jurisdiction)s, %(station)s,
               %(reason)s, %(raw_id)s, %(value)s)""",
        id=held.id,
        held_at=held.held_at,
        site_id=held.site_id,
        source_id=held.source_id,
        place_path=held.place_path,
        jurisdiction=held.jurisdiction,
        station=held.station,
        reason=held.reason,
        raw_id=held.raw_id,
        value=Jsonb(held.value),
    )


async def sources_since(db: Executor, station: str, reason: str, since: datetime) -> list[str]:
    """Return the sources that were held at ``station`` because of ``reason`` since ``since``."""
    rows = await db.fetch(
        """SELECT DISTINCT source_id FROM quarantine
           WHERE station = %(station)s AND reason = %(reason)s AND held_at >= %(since)s""",
        station=station,
        reason=reason,
        since=since,
    )
    return [row[0] for row in rows]


async def find(db: Executor, scope: Scope, held_id: UUID) -> Held:
    """Return one record inside ``scope``. Raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM quarantine WHERE id = %(id)s AND {IN_SCOPE}"
    row = await db.fetch_one(query, id=held_id, **scope.bounds())
    if row is None:
        raise NotFound("no_record", "there is no such record in quarantine here")
    return Held(*row)


_PAGE = f"""
    SELECT {_COLUMNS} FROM quarantine
    WHERE {IN_SCOPE} AND (%(state)s = '' OR state = %(state)s) AND (%(reason)s = '' OR reason = %(reason)s)
      AND (%(station)s = '' OR station = %(station)s) AND (held_at, id) < (%(until)s, %(before)s)
    ORDER BY held_at DESC, id DESC LIMIT %(limit)s
"""


async def page(
    db: Executor,
    scope: Scope,
    *,
    until: datetime,
    before: UUID,
    limit: int,
    state: str = "held",
    reason: str = "",
    station: str = "",
) -> list[Held]:
    """Return records inside ``scope``, newest first; go on with the last one's time and id."""
    filters = {"state": state, "reason": reason, "station": station}
    rows = await db.fetch(_PAGE, until=until, before=before, limit=limit, **filters, **scope.bounds())
    return [Held(*row) for row in rows]


_GROUPS = f"""
    SELECT station, reason, count(*), min(held_at), max(held_at), count(DISTINCT source_id),
           (array_agg(DISTINCT source_id))[1:5]
    FROM quarantine WHERE state = 'held' AND {IN_SCOPE}
    GROUP BY station, reason ORDER BY count(*) DESC, station, reason LIMIT 200
"""


async def groups(db: Executor, scope: Scope) -> list[dict[str, Any]]:
    """Return what waits inside ``scope``, by cause: how many, since when, from whom."""
    names = ("station", "reason", "count", "first_at", "last_at", "sources", "examples")
    return [dict(zip(names, row, strict=True)) for row in await db.fetch(_GROUPS, **scope.bounds())]


async def waiting(db: Executor, scope: Scope, *, reason: str, station: str, limit: int) -> list[Held]:
    """Return the oldest records that wait because of ``reason``."""
    query = f"""SELECT {_COLUMNS} FROM quarantine WHERE state = 'held' AND reason = %(reason)s
        AND station = %(station)s AND {IN_SCOPE} ORDER BY held_at, id LIMIT %(limit)s"""
    rows = await db.fetch(query, reason=reason, station=station, limit=limit, **scope.bounds())
    return [Held(*row) for row in rows]


async def decide(db: Executor, held_id: UUID, state: str, *, by: str, note: str, at: datetime) -> bool:
    """Write what became of a held record; return False where somebody decided before."""
    done = await db.execute(
        """UPDATE quarantine SET state = %(state)s, decided_by = %(by)s, note = %(note)s, decided_at = %(at)s
           WHERE id = %(id)s AND state = 'held'""",
        id=held_id,
        state=state,
        by=by,
        note=note,
        at=at,
    )
    return done == 1
