"""When the device behind a camera was away, as its events tell. Source: 4.2.1.7 (device states), 8-h."""

from datetime import datetime, timedelta

from anju.store.database import Executor

BEFORE = timedelta(days=2)
_AWAY = """
    SELECT CASE WHEN e.state = 'active'
               THEN coalesce((nullif(e.body #>> '{detail,last_heard}', ''))::timestamptz, e.received_at)
               ELSE e.received_at END, e.state = 'active' FROM event e JOIN channel c ON c.device_id = e.device_id
    WHERE c.id = %(channel)s AND e.kind = 'communication' AND e.code_space = 'anju' AND e.code = %(code)s
        AND e.received_at >= %(since)s AND e.received_at < %(until)s ORDER BY e.received_at
"""
_NOW = """
    SELECT d.state_at FROM device d JOIN channel c ON c.device_id = d.id
    WHERE c.id = %(channel)s AND d.state = 'offline' AND d.state_at < %(until)s
"""


async def spans(
    db: Executor, channel_id: str, since: datetime, until: datetime, *, code: str
) -> list[tuple[datetime, datetime]]:
    """Return the spans inside the given one in which the device behind a channel was away.

    ``code`` names the event that tells of its silence and when it was last heard. Who went away more than two days
    before counts only if it still is.
    """
    rows = await db.fetch(_AWAY, channel=channel_id, code=code, since=since - BEFORE, until=until)
    still = await db.fetch_one(_NOW, channel=channel_id, until=until)
    found, began = [], None
    for at, away in rows:
        if away and began is None:
            began = at
        elif not away and began is not None:
            found.append((began, at))
            began = None
    if still:
        found.append((min(began, still[0]) if began else still[0], until))
    return [(max(first, since), min(last, until)) for first, last in found if last > since]
