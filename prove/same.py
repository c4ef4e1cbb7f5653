"""What a community kept, compared row by row with what its county and city keep of it."""

from prove.tiers import Tier

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


async def same(tiers: dict[str, Tier], *, but: frozenset[str] = frozenset()) -> bool:
    """Print rows and different ids at the three tiers; return whether all tables ``but`` these are the same there."""
    found = {name: await digests(tiers[name]) for name in ("community", "county", "city")}
    held = True
    for table, below in found["community"].items():
        doubles = [found[name][table][0] - found[name][table][1] for name in found]
        alike = all(found[name][table] == below for name in found) and not any(doubles)
        counted = ", ".join(f"{name} {found[name][table][0]}" for name in found)
        word = "the same rows at all three" if alike else "as agreed" if table in but else "NOT THE SAME"
        print(f"{table}: {counted}; {sum(doubles)} double; {word}")
        held &= alike or (table in but and not any(doubles))
    return held
