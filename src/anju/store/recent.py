"""Records of many communities, newest first: asked community by community, else looked for further and further back.

The table is partitioned by ``received_at`` and has an index (site_id, received_at); none has all communities by time,
because writing it would cost more than looking back does. Source: 5.2.2.4 (now and before).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from anju.domain.rights import Scope
from anju.store.database import IN_SCOPE, Executor, Row

FEW_SITES = 24  # so many communities are each asked for their newest; more of them are read by time
LOOK_BACK = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=8))
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
BELOW = "strpos(place_path, '/' || %(place)s || '/') > 0"
After = tuple[datetime, UUID]
"""Time and id of the last record of the page before."""

_LAST = "ORDER BY received_at DESC, id DESC LIMIT %(limit)s"
_PLAIN = f"SELECT body FROM {{table}} WHERE {{where}} AND {IN_SCOPE} {_LAST}"
_EACH = f"""
    SELECT p.body FROM unnest(%(sites)s::text[]) AS s (site), LATERAL (
        SELECT received_at, id, body FROM {{table}} WHERE site_id = s.site AND {{where}} AND {IN_SCOPE} {_LAST}) AS p
    ORDER BY p.received_at DESC, p.id DESC LIMIT %(limit)s
"""
_SITES = f"""
    SELECT DISTINCT site_id FROM (
        SELECT site_id FROM place WHERE {IN_SCOPE} AND site_id <> '' AND {{below}}
        UNION ALL SELECT site_id FROM device WHERE {IN_SCOPE} AND {{below}}) AS found
    LIMIT {FEW_SITES + 1}
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part is asked for: ``since`` counts, ``until`` does not; go on ``after`` the last one."""

    limit: int
    since: datetime | None = None
    until: datetime | None = None
    after: After | None = None

    def bounds(self) -> tuple[list[str], dict[str, Any]]:
        """Return conditions and their parameters."""
        where, params = list[str](), {"since": self.since or EVER[0], "until": self.until or EVER[1]}
        if self.since or self.until:
            where.append("received_at >= %(since)s AND received_at < %(until)s")
        if self.after:
            where.append("received_at <= %(after_at)s AND (received_at, id) < (%(after_at)s, %(after_id)s)")
        after = self.after or (EVER[1], UUID(int=0))
        return where, {**params, "limit": self.limit, "after_at": after[0], "after_id": after[1]}


async def sites(db: Executor, scope: Scope, *, site: str = "", place: str = "") -> list[str] | None:
    """Return the communities that may hold what is looked for, None where they are many."""
    if site:
        return [site]
    if scope.everything and not place:
        return None
    query = _SITES.format(below=BELOW if place else "true")
    rows = await db.fetch(query, **scope.bounds(), place=place)
    return None if len(rows) > FEW_SITES else [each[0] for each in rows]


async def found(db: Executor, table: str, scope: Scope, where: Sequence[str], params: dict[str, Any]) -> list[Any]:
    """Return bodies inside ``scope``, newest first, where a condition of ``where`` has an index of its own."""
    query = _PLAIN.format(table=table, where=" AND ".join(("true", *where)))
    return [each[0] for each in await db.fetch(query, **params, **scope.bounds())]


async def newest(
    db: Executor, table: str, scope: Scope, where: Sequence[str], params: dict[str, Any], among: list[str] | None
) -> list[Any]:
    """Return bodies inside ``scope``, newest first, in the communities ``among``, None for all."""
    if among is None:
        return await _look_back(db, table, scope, where, params)
    query = _EACH.format(table=table, where=" AND ".join(("true", *where)))
    return [each[0] for each in await db.fetch(query, **params, sites=among, **scope.bounds())]


async def _look_back(db: Executor, table: str, scope: Scope, where: Sequence[str], params: dict[str, Any]) -> list[Any]:
    since, begin = params["since"], min(params["after_at"], params["until"], datetime.now(UTC))
    for span in LOOK_BACK:
        part = {**params, "since": max(since, begin - span)}
        rows = await found(db, table, scope, (*where, "received_at >= %(since)s"), part)
        if len(rows) == params["limit"] or part["since"] == since:
            return rows
    return await found(db, table, scope, where, params)


_AFTER = "SELECT id, body FROM {table} WHERE id > %(after)s ORDER BY id LIMIT 500"


async def following(db: Executor, table: str, after: UUID) -> list[Row]:
    """Return (id, body) of the records that came next, oldest first: ids are in the order of their times."""
    return await db.fetch(_AFTER.format(table=table), after=after)
