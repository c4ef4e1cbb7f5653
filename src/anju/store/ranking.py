"""Communities side by side: whose alarms wait, whose word comes late, whose devices are silent.

Source: 4.2.2 (county and city see all communities), 8-g.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from anju.domain.docking import AWAY_AFTER
from anju.domain.rights import Scope
from anju.store.database import IN_SCOPE, Executor

LOOK_BACK = timedelta(days=30)
_RANKING = f"""
    WITH site AS (
        SELECT id, name, place_path, home_node, longitude, latitude FROM place
        WHERE kind = 'site' AND retired_at IS NULL AND {IN_SCOPE}),
    waiting AS (
        SELECT site_id, count(*) FILTER (WHERE level = 1) AS first, count(*) AS open,
            jsonb_build_object('1', count(*) FILTER (WHERE level = 1), '2', count(*) FILTER (WHERE level = 2),
                '3', count(*) FILTER (WHERE level = 3), '4', count(*) FILTER (WHERE level = 4)) AS levels,
            min(raised_at) FILTER (WHERE state = 'new') AS oldest FROM alarm
        WHERE state <> 'closed' AND NOT drill AND site_id IN (SELECT id FROM site) GROUP BY site_id),
    known AS (
        SELECT site_id, count(*) AS total, count(*) FILTER (WHERE state = 'online') AS online FROM device
        WHERE retired_at IS NULL AND protocol <> 'none' AND site_id IN (SELECT id FROM site) GROUP BY site_id)
    SELECT s.id, s.name, s.home_node, s.place_path, s.longitude, s.latitude, coalesce(w.first, 0), coalesce(w.open, 0),
        coalesce(w.levels, '{{}}'), w.oldest, coalesce(k.online, 0), coalesce(k.total, 0),
        coalesce(n.delay_ms, r.delay_ms), coalesce(n.last_seen, r.last_seen), coalesce(n.backlog, r.backlog, '{{}}'),
        n.state, e.received_at, s.home_node = (SELECT id FROM node)
    FROM site s LEFT JOIN waiting w ON w.site_id = s.id LEFT JOIN known k ON k.site_id = s.id
        LEFT JOIN lower_node n ON n.node = s.home_node
        LEFT JOIN lower_route r ON r.node = s.home_node AND n.node IS NULL
        LEFT JOIN LATERAL (SELECT received_at FROM event WHERE site_id = s.id AND received_at >= %(since)s
            ORDER BY received_at DESC LIMIT 1) e ON true
"""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One community as its county or city sees it. ``delay_s`` is None where its node was never heard.

    ``oldest_at`` is when the alarm was raised that nobody has acknowledged for the longest time.
    """

    site_id: str
    name: str
    node: str
    place_path: str
    longitude: float | None
    latitude: float | None
    open_level_1: int
    open: int
    open_by_level: dict[str, int]
    oldest_at: datetime | None
    online: int
    total: int
    delay_s: float | None
    last_seen_at: datetime | None
    backlog: dict[str, int]
    state: str
    last_event_at: datetime | None

    @property
    def online_rate(self) -> float | None:
        """Return the share of devices that are online, None where there are none."""
        return self.online / self.total if self.total else None

    @property
    def rank(self) -> tuple[Any, ...]:
        """Return what sorts who needs attention first to the front."""
        late = float("inf") if self.delay_s is None else self.delay_s
        return -self.open_level_1, -self.open, -late, 1.0 if self.online_rate is None else self.online_rate, self.name


_FIRST = tuple(each.name for each in fields(Ranked))[:12]  # in the order in which the query gives them


async def ranking(db: Executor, scope: Scope, *, now: datetime) -> list[Ranked]:
    """Return the communities inside ``scope``, those that need attention first."""
    rows = await db.fetch(_RANKING, since=now - LOOK_BACK, **scope.bounds())
    return sorted((_ranked(row, now) for row in rows), key=lambda each: each.rank)


def _ranked(row: tuple[Any, ...], now: datetime) -> Ranked:
    *_, delay_ms, last_seen, backlog, link_state, last_event, is_own = row
    silent = (now - last_seen).total_seconds() if last_seen else None
    delay = 0.0 if is_own else _delay_s(delay_ms, silent)
    state = "here" if is_own else link_state if link_state == "revoked" else _state(silent)
    known = dict(zip(_FIRST, row, strict=False))
    return Ranked(
        **known, delay_s=delay, last_seen_at=last_seen, backlog=backlog, state=state, last_event_at=last_event
    )


def _delay_s(delay_ms: int | None, silent_s: float | None) -> float | None:
    """Return how old the oldest word is that is still under way; a silent node's delay grows with its silence."""
    if silent_s is None or delay_ms is None:
        return None
    return silent_s + delay_ms / 1000 if silent_s > AWAY_AFTER.total_seconds() else delay_ms / 1000


def _state(silent_s: float | None) -> str:
    if silent_s is None:
        return "unknown"
    return "away" if silent_s > AWAY_AFTER.total_seconds() else "live"
