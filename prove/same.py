"""What a community kept, compared row by row with what its county and city keep of it."""

import asyncio
import time

from prove.tiers import Tier

STILL_S = 120.0
_ROWS = {
    "event": "SELECT id, body FROM event WHERE site_id <> ''",
    "alarm": "SELECT id, body FROM alarm WHERE site_id <> ''",
    "alarm_step": "SELECT id, body FROM alarm_step WHERE site_id <> ''",
    "place": "SELECT id, (version, parent_id, kind, name, place_path, retired_at) FROM place"
    " WHERE home_node = 'community' AND site_id <> ''",
    "device": "SELECT id, (version, name, place_path, state, body) FROM device WHERE home_node = 'community'",
}
Digest = tuple[int, int, int]
"""Rows, different ids, and the sum of a hash of every row: the same rows give the same three, any other row another."""


async def digests(tier: Tier) -> dict[str, Digest]:
    """Return the digest of everything of the community at ``tier``, by table."""
    found = {}
    async with tier.opened() as db:
        for table, query in _ROWS.items():
            row = await db.fetch_one(
                f"""SELECT count(*), count(DISTINCT id), coalesce(sum(hashtextextended(t::text, 0)), 0)
                    FROM ({query}) t"""
            )
            assert row
            found[table] = (int(row[0]), int(row[1]), int(row[2]))
    return found


async def same(tiers: dict[str, Tier]) -> bool:
    """Print rows and double ids at the three tiers; return whether all tables are the same there.

    A community never stands still: alarms escalate. So it is read before and after the others, and all are read again
    while it moved, or rows may still be on their way.
    """
    end = time.monotonic() + STILL_S
    while True:
        below = await digests(tiers["community"])
        found = {"community": below, **{name: await digests(tiers[name]) for name in ("county", "city")}}
        moved = await digests(tiers["community"]) != below
        if all(each == below for each in found.values()) or time.monotonic() > end + moved * STILL_S:
            return _told(found)
        await asyncio.sleep(1)


def _told(found: dict[str, dict[str, Digest]]) -> bool:
    held = True
    for table, below in found["community"].items():
        double = sum(each[table][0] - each[table][1] for each in found.values())
        alike = not double and all(each[table] == below for each in found.values())
        counted = ", ".join(f"{name} {each[table][0]}" for name, each in found.items())
        print(f"{table}: {counted}; {double} double; {'the same rows at all three' if alike else 'NOT THE SAME'}")
        held &= alike
    return held
