"""Figures over time: from the hourly roll-ups where a whole community is in reach, else counted row by row.

Every figure can be had again from the rows themselves. Source: 4.2.1.4 (statistics).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from anju.domain.alarms import ACKNOWLEDGE_WITHIN, TRUE
from anju.domain.rights import Scope
from anju.store.database import IN_SCOPE, Executor

By = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` on and before ``until``, both full hours; days are those of ``zone`` (an IANA name)."""

    since: datetime
    until: datetime
    zone: str = "Asia/Shanghai"


_BELOW = "(%(place)s::text IS NULL OR strpos(place_path, '/' || %(place)s || '/') > 0)"
_WHOLE = f"""
    whole AS (SELECT id FROM place WHERE kind = 'site' AND {_BELOW}
        AND (%(scope_everything)s OR EXISTS (SELECT FROM unnest(%(scope_paths)s::text[]) AS p WHERE place_path ^@ p)))
"""
"""Communities that are in scope with everything in them: a jurisdiction may hold single devices only."""

_ALARMS = f"""
    WITH {_WHOLE}, counted AS (
        SELECT hour AS at, split_part(label, '|', 1)::smallint AS level, split_part(label, '|', 2) AS kind, count
        FROM rollup_hour WHERE metric = 'alarms' AND hour >= %(since)s AND hour < %(until)s
            AND site_id IN (SELECT id FROM whole)
        UNION ALL
        SELECT raised_at, level, kind, 1 FROM alarm
        WHERE raised_at >= %(since)s AND raised_at < %(until)s AND NOT drill AND {IN_SCOPE} AND {_BELOW}
            AND site_id NOT IN (SELECT id FROM whole))
    SELECT date_trunc(%(by)s, at, %(zone)s) AS start, level, kind, sum(count)::bigint FROM counted
    GROUP BY start, level, kind ORDER BY start, level, kind
"""


async def alarms(db: Executor, scope: Scope, period: Period, *, by: By, place: str | None) -> list[dict[str, Any]]:
    """Return how many alarms were raised inside ``scope`` by hour or day, level and kind; drills are not counted."""
    rows = await db.fetch(_ALARMS, by=by, place=place or None, **_bounds(period), **scope.bounds())
    return [{"at": row[0].isoformat(), "level": row[1], "kind": row[2], "count": row[3]} for row in rows]


_COUNTED_BY_HOUR = f"""
    WITH {_WHOLE}
    SELECT date_trunc(%(by)s, hour, %(zone)s) AS start, label, sum(count)::bigint FROM rollup_hour
    WHERE metric = %(metric)s AND hour >= %(since)s AND hour < %(until)s AND site_id IN (SELECT id FROM whole)
    GROUP BY start, label ORDER BY start, label
"""


async def counted(
    db: Executor, scope: Scope, period: Period, *, metric: str, by: By, place: str | None
) -> list[dict[str, Any]]:
    """Return how much of ``metric`` there was by hour or day and label, in whole communities inside ``scope``."""
    told = {"metric": metric, "by": by, "place": place or None}
    rows = await db.fetch(_COUNTED_BY_HOUR, **told, **_bounds(period), **scope.bounds())
    return [{"at": row[0].isoformat(), "label": row[1], "count": row[2]} for row in rows]


_EVENTS = f"""
    WITH {_WHOLE}
    SELECT (SELECT coalesce(sum(count), 0) FROM rollup_hour WHERE metric = 'events' AND hour >= %(since)s
                AND hour < %(until)s AND site_id IN (SELECT id FROM whole))::bigint
        + (SELECT count(*) FROM event WHERE received_at >= %(since)s AND received_at < %(until)s AND NOT drill
                AND {IN_SCOPE} AND site_id NOT IN (SELECT id FROM whole))
"""


async def events(db: Executor, scope: Scope, period: Period) -> int:
    """Return how many events came inside ``scope``; drills are not counted."""
    row = await db.fetch_one(_EVENTS, place=None, **_bounds(period), **scope.bounds())
    return int(row[0]) if row else 0


_OPEN = f"""
    SELECT level, count(*), min(raised_at) FILTER (WHERE state = 'new') FROM alarm
    WHERE state <> 'closed' AND NOT drill AND {IN_SCOPE} GROUP BY level
"""
_ONLINE = f"""
    SELECT count(*) FILTER (WHERE state = 'online'), count(*) FROM device
    WHERE retired_at IS NULL AND protocol <> 'none' AND {IN_SCOPE}
"""


async def summary(db: Executor, scope: Scope, today: Period) -> dict[str, Any]:
    """Return the figures of the front page inside ``scope``: open alarms, devices on line, events of today.

    ``online_rate`` is a share of the registered devices that report at all, None where there are none.
    """
    rows = await db.fetch(_OPEN, **scope.bounds())
    online = await db.fetch_one(_ONLINE, **scope.bounds()) or (0, 0)
    oldest = min((row[2] for row in rows if row[2]), default=None)
    found = {row[0]: row[1] for row in rows}
    return {
        "open_by_level": {str(level): found.get(level, 0) for level in (1, 2, 3, 4)},
        "online_rate": online[0] / online[1] if online[1] else None,
        "devices_online": online[0],
        "devices_total": online[1],
        "events_today": await events(db, scope, today),
        "unhandled_oldest": oldest.isoformat() if oldest else None,
    }


_HANDLING = f"""
    WITH handled AS (
        SELECT level, state, body ->> 'finding' AS finding, (body ->> 'escalation')::int AS escalation,
            extract(epoch FROM (body ->> 'acknowledged_at')::timestamptz - raised_at) AS acknowledged_s,
            extract(epoch FROM (body ->> 'closed_at')::timestamptz - raised_at) AS closed_s
        FROM alarm WHERE raised_at >= %(since)s AND raised_at < %(until)s AND NOT drill AND {IN_SCOPE} AND {_BELOW})
    SELECT level, count(*), count(acknowledged_s), count(closed_s),
        count(*) FILTER (WHERE acknowledged_s <= (%(targets)s::float[])[level]),
        count(*) FILTER (WHERE finding = %(true)s), count(*) FILTER (WHERE finding NOT IN ('', %(true)s)),
        count(*) FILTER (WHERE escalation > 0), count(*) FILTER (WHERE state = 'to_review'),
        percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY acknowledged_s),
        percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY closed_s)
    FROM handled GROUP BY level ORDER BY level
"""
_HANDLED = ("raised", "acknowledged", "closed", "in_time", "true", "false", "escalated", "to_review")


async def handling(db: Executor, scope: Scope, period: Period, *, place: str | None) -> list[dict[str, Any]]:
    """Return by level how alarms raised inside ``scope`` were handled: counts, and seconds until it was done.

    ``in_time`` counts acknowledgements within the level's target (``target_s``, None: none); ``true`` and ``false``
    are findings; ``acknowledged_s`` and ``closed_s`` are the median and the time that nine of ten did not exceed.
    """
    targets = [
        ACKNOWLEDGE_WITHIN[level].total_seconds() if level in ACKNOWLEDGE_WITHIN else None for level in range(1, 5)
    ]
    rows = await db.fetch(
        _HANDLING, targets=targets, true=TRUE, place=place or None, **_bounds(period), **scope.bounds()
    )
    return [
        {
            "level": level,
            "target_s": targets[level - 1],
            **dict(zip(_HANDLED, counted, strict=True)),
            "acknowledged_s": _median_and_p90(acknowledged),
            "closed_s": _median_and_p90(closed),
        }
        for level, *counted, acknowledged, closed in rows
    ]


def _median_and_p90(found: list[float | None] | None) -> dict[str, float | None]:
    median, p90 = found or (None, None)
    return {"median": median, "p90": p90}


def _bounds(period: Period) -> dict[str, Any]:
    return {"since": period.since, "until": period.until, "zone": period.zone}
