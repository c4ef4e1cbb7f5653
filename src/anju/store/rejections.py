"""What was not taken in, counted by hour, station, source and reason; raw copies of some of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anju.domain.rights import Scope
from anju.store.database import Executor, Transaction


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the count. ``source_id`` is a device id, an account nobody registered, or an address."""

    hour: datetime
    station: str
    source_id: str
    outcome: str
    reason: str


_COUNT = """
    INSERT INTO rejection_hour (hour, station, source_id, outcome, reason, count, last_at)
    VALUES (%(hour)s, %(station)s, %(source_id)s, %(outcome)s, %(reason)s, %(count)s, %(at)s)
    ON CONFLICT (hour, station, source_id, outcome, reason) DO UPDATE
        SET count = rejection_hour.count + EXCLUDED.count, last_at = greatest(rejection_hour.last_at, EXCLUDED.last_at)
"""


async def count(tx: Transaction, counts: Mapping[Key, int], *, at: datetime) -> None:
    """Add ``counts``, in key order against deadlock."""
    found = sorted(counts.items(), key=lambda pair: tuple(str(part) for part in _parts(pair[0]).values()))
    await tx.execute_many(_COUNT, [{**_parts(key), "count": number, "at": at} for key, number in found])


def _parts(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in ("hour", "station", "source_id", "outcome", "reason")}


_LIST = """
    SELECT r.hour, r.station, r.source_id, r.outcome, r.reason, r.count, r.last_at, coalesce(d.name, '')
    FROM rejection_hour r LEFT JOIN device d ON d.id = r.source_id
    WHERE r.hour >= %(since)s AND r.hour < %(until)s
      AND (%(station)s = '' OR r.station = %(station)s) AND (%(reason)s = '' OR r.reason = %(reason)s)
      AND (%(source)s = '' OR r.source_id = %(source)s)
      AND (%(scope_everything)s OR EXISTS (SELECT FROM unnest(%(scope_paths)s::text[]) AS p WHERE d.place_path ^@ p)
           OR (d.jurisdiction <> '' AND EXISTS (SELECT FROM unnest(%(scope_jurisdictions)s::text[]) AS j
               WHERE d.jurisdiction ^@ j)))
    ORDER BY r.hour DESC, r.count DESC, r.source_id, r.station, r.outcome, r.reason
    LIMIT %(limit)s
"""


async def listed(
    db: Executor,
    scope: Scope,
    *,
    since: datetime,
    until: datetime,
    limit: int,
    station: str = "",
    source: str = "",
    reason: str = "",
) -> list[dict[str, Any]]:
    """Return counts of the hours ``since``..``until``, newest first. Who is no device is seen with EVERYWHERE only."""
    filters = {"since": since, "until": until, "station": station, "source": source, "reason": reason}
    rows = await db.fetch(_LIST, limit=limit, **filters, **scope.bounds())
    names = ("hour", "station", "source_id", "outcome", "reason", "count", "last_at", "device_name")
    return [dict(zip(names, row, strict=True)) for row in rows]


async def strangers(db: Executor, protocol: str, *, since: datetime, limit: int) -> list[str]:
    """Return the accounts of ``protocol`` that nobody registered and that called since, the latest first."""
    rows = await db.fetch(
        """SELECT substr(source_id, length(%(space)s) + 1) FROM rejection_hour
           WHERE hour >= %(since)s AND reason IN ('unknown_account', 'unknown_device') AND source_id ^@ %(space)s
           GROUP BY source_id ORDER BY max(last_at) DESC, source_id LIMIT %(limit)s""",
        space=f"{protocol}:",
        since=since,
        limit=limit,
    )
    return [row[0] for row in rows]
