"""What stands beside passages on a page: whose device saw them, who is waited for, what was judged, each lane's last.

Source: 5.2.2.2 (rates by day and night), 5.2.2.3 (vehicles that are waited for), 5.2.2.4 (passages as they happen).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from anju.domain import vehicles
from anju.domain.accuracy import DAY_BEGINS, DAY_ENDS, Accuracy, Light
from anju.domain.rights import Scope
from anju.domain.vehicles import Passage
from anju.store.database import IN_SCOPE, Executor, Row
from anju.store.statistics import Period

LANES_MOST = 500
LANE_KINDS = ("lane", "camera")


async def homes(db: Executor, device_ids: Iterable[str]) -> dict[str, str]:
    """Return the node that each device belongs to: its pictures and raw records lie there."""
    return dict(await db.fetch("SELECT id, home_node FROM device WHERE id = ANY(%(ids)s)", ids=sorted(set(device_ids))))


async def watched(db: Executor, scope: Scope, plates: Iterable[str], at: datetime) -> list[tuple[str, str]]:
    """Return (plate, place path) of what is waited for at ``at`` among ``plates``, inside ``scope``."""
    if not scope or not (wanted := sorted(set(plates))):
        return []
    rows = await db.fetch(
        f"""SELECT plate, place_path FROM watch_entry WHERE plate = ANY(%(plates)s) AND ended_at IS NULL
            AND created_at <= %(at)s AND expires_at > %(at)s AND {IN_SCOPE}""",
        plates=wanted,
        at=at,
        **scope.bounds(),
    )
    return [(plate, path) for plate, path in rows]


@dataclass(frozen=True, slots=True)
class Lane:
    """A device that sees vehicles pass, and the last one it saw."""

    device_id: str
    device_name: str
    site_id: str
    place_name: str
    state: str
    home_node: str
    last: Passage | None


_LANES = f"""
    SELECT d.id, d.name, d.site_id, coalesce((SELECT name FROM place WHERE place.id = d.place_id), ''), d.state,
        d.home_node, last.body
    FROM (SELECT * FROM device WHERE retired_at IS NULL AND kind = ANY(%(kinds)s) AND {IN_SCOPE}
          ORDER BY site_id, name, id LIMIT %(most)s) AS d
    LEFT JOIN LATERAL (SELECT body FROM passage WHERE device_id = d.id
        ORDER BY received_at DESC, id DESC LIMIT 1) AS last ON true
    WHERE d.kind = 'lane' OR last.body IS NOT NULL ORDER BY d.site_id, d.name, d.id
"""


async def lanes(db: Executor, scope: Scope) -> list[Lane]:
    """Return the lanes inside ``scope``, and other cameras that saw a vehicle pass. Source: 5.2.2.4."""
    rows = await db.fetch(_LANES, kinds=list(LANE_KINDS), most=LANES_MOST, **scope.bounds())
    return [_lane(row) for row in rows]


def _lane(row: Row) -> Lane:
    last = vehicles.read_body(row[6]) if row[6] else None
    return Lane(row[0], row[1], row[2], row[3], row[4], row[5], last)


_JUDGED = f"""
    WITH told AS (
        SELECT passage_id, received_at, (array_agg(body -> 'was' ->> 'plate' ORDER BY version))[1] AS was,
            (array_agg(body -> 'became' ->> 'plate' ORDER BY version DESC))[1] AS became
        FROM passage_correction
        WHERE jsonb_exists(body -> 'became', 'plate') AND received_at >= %(since)s AND received_at < %(until)s
            AND (%(place)s = '' OR strpos(place_path, '/' || %(place)s || '/') > 0) AND {IN_SCOPE}
        GROUP BY passage_id, received_at),
    timed AS (
        SELECT was, became, extract(hour FROM coalesce(p.passed_at, t.received_at) AT TIME ZONE %(zone)s) AS hour
        FROM told t LEFT JOIN passage p ON p.received_at = t.received_at AND p.id = t.passage_id)
    SELECT hour >= %(begins)s AND hour < %(ends)s, count(*), count(*) FILTER (WHERE was IS DISTINCT FROM became)
    FROM timed GROUP BY 1
"""


async def accuracy(db: Executor, scope: Scope, period: Period, *, place: str = "") -> dict[Light, Accuracy]:
    """Return by day and night how many readings inside ``scope`` were judged, and how many of them were wrong.

    A reading is what the device first said, wrong where the last judgement of its plate differs. Source: 5.2.2.2.
    """
    hours = {"begins": DAY_BEGINS, "ends": DAY_ENDS, "zone": period.zone}
    rows = await db.fetch(_JUDGED, since=period.since, until=period.until, place=place, **hours, **scope.bounds())
    found = {Light.DAY if by_day else Light.NIGHT: Accuracy(n, wrong) for by_day, n, wrong in rows}
    return {light: found.get(light, Accuracy(0, 0)) for light in Light}


def is_watched(passage: Passage, entries: Sequence[tuple[str, str]]) -> bool:
    """Return whether one of ``entries`` waits for ``passage`` where it was seen."""
    return any(passage.plate == plate and passage.place_path.startswith(path) for plate, path in entries)
