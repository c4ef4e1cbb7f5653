"""How long the searches of passages take with ten million of them, each with rights to one community only.

Fills a database of its own by generate_series: thirty days of a county with 60 communities of four lanes each, 300,000
plates, a third of all passages by the 500 cars that live in each. Prints the median and the 95th percentile of each.
"""

import argparse
import asyncio
import math
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from bench.figures import Figure, keep

from anju.domain.captures import MS
from anju.domain.rights import Scope
from anju.engines import Postgres
from anju.store import passages
from anju.store.database import Database
from anju.store.migrate import migrate
from anju.store.passages import Query
from anju.store.statistics import Period

COMMUNITIES, LANES, PLATES, DAYS = 60, 4, 300_000, 30
ROUNDS = 60
LIMIT_MS = 200.0
CONDITIONS = "SET synchronous_commit = off; SET timezone = 'UTC'; SET maintenance_work_mem = '128MB'"
PLACES = """
    INSERT INTO place (id, kind, name, place_path, site_id, home_node)
    SELECT 's' || n, 'site', '小区 ' || n, '/510800/510802/s' || n || '/', 's' || n, 'bench'
    FROM generate_series(0, %(communities)s - 1) AS n
"""
INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
    WHERE i.indrelid = 'passage'::regclass AND NOT i.indisprimary
"""
FILL = """
    WITH told AS (
        SELECT n, %(begin)s::timestamptz + n * %(step)s::interval AS at, (hashint8(n) & 2147483647) AS dice,
            (hashint8(n + 77) & 2147483647) AS other, hashint8(n + 555) %% 100 < 36 AS lives_here
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n),
    placed AS (
        SELECT *, 's' || dice %% %(communities)s AS site, dice / 64 %% %(lanes)s AS lane,
            CASE WHEN lives_here THEN dice %% %(communities)s * 500 + other %% 500
                ELSE 30000 + other %% (%(plates)s - 30000) END AS car FROM told),
    seen AS (
        SELECT *, '川H' || lpad(upper(to_hex((car::bigint * 7919) %% 1048576)), 5, '0') AS plate,
            (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || '000a'
                || lpad(to_hex(n), 15, '0'))::uuid AS id
        FROM placed)
    INSERT INTO passage (id, received_at, kept_at, site_id, place_id, place_path, jurisdiction, device_id, lane, kind,
        object_id, passed_at, clock_offset_ms, direction, plate, plate_class, plate_color, vehicle_class,
        vehicle_color, resident_kind, resident_id, flags, body)
    SELECT id, at, at, site, site, '/510800/510802/' || site || '/', '', site || 'd' || lane, '1', 'motor', n::text,
        at, 0, CASE WHEN lane %% 2 = 0 THEN 'in' ELSE 'out' END, plate, '02', '5', 'K33', (1 + dice %% 13)::text,
        CASE WHEN lives_here THEN 'owner' ELSE '' END, CASE WHEN lives_here THEN 'r' || car ELSE '' END, '{}',
        json_build_object('id', id, 'received_at', at, 'site_id', site, 'place_id', site, 'place_path',
            '/510800/510802/' || site || '/', 'place_name', '小区', 'jurisdiction', '', 'device_id',
            site || 'd' || lane, 'device_name', '进口', 'lane', '1', 'kind', 'motor', 'object_id', n::text,
            'passed_at', at, 'clock_offset_ms', 0, 'direction', CASE WHEN lane %% 2 = 0 THEN 'in' ELSE 'out' END,
            'plate', plate, 'plate_text', plate, 'plate_kind', 'ordinary', 'plate_class', '02', 'plate_color', '5',
            'vehicle_class', 'K33', 'vehicle_color', (1 + dice %% 13)::text, 'brand', '', 'model', '', 'speed', 8.5,
            'reliability', 98, 'resident_kind', '', 'resident_id', '', 'flags', '[]'::json)
    FROM seen
"""
PLATES_TOLD = "INSERT INTO plate SELECT DISTINCT site_id, plate, now() FROM passage ON CONFLICT DO NOTHING"
COUNTED = """
    INSERT INTO rollup_hour SELECT site_id, date_trunc('hour', received_at), 'passages', direction, count(*)
    FROM passage GROUP BY 1, 2, 4
"""
Search = Callable[[], Awaitable[object]]


def fill(owner_url: str, count: int, begin: datetime) -> None:
    """Write ``count`` passages of DAYS days from ``begin`` on, and what is derived from them."""
    step = timedelta(days=DAYS) / count
    given = {"communities": COMMUNITIES, "lanes": LANES, "plates": PLATES, "begin": begin, "step": step}
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(CONDITIONS)
        indexes = [row[0] for row in connection.execute(INDEXES)]
        for each in indexes:
            connection.execute(f"DROP INDEX {each.split()[2]}")
        week = begin - timedelta(days=begin.weekday() + 7, hours=begin.hour)
        while week < datetime.now(UTC) - timedelta(days=14):
            bounds = f"FROM ('{week.date()}') TO ('{week.date() + timedelta(days=7)}')"
            connection.execute(f"CREATE TABLE passage_{week:%Y%m%d} PARTITION OF passage FOR VALUES {bounds}")
            week += timedelta(days=7)
        connection.execute(PLACES, {"communities": COMMUNITIES})
        for first in range(0, count, 250_000):
            last = min(first + 250_000, count) - 1
            connection.execute(FILL, {**given, "first": first, "last": last})
        for each in indexes:
            connection.execute(each.replace(" ON ONLY ", " ON "))
        connection.execute(PLATES_TOLD)
        connection.execute(COUNTED)
        connection.execute("VACUUM ANALYZE passage")
        connection.execute("VACUUM ANALYZE plate, rollup_hour, place")


class Asking:
    """The searches, each with words of its own every time, with rights to one community."""

    def __init__(self, db: Database, begin: datetime) -> None:
        self.db, self.begin, self.dice = db, begin, random.Random(7)
        self.site, self.scope = "", Scope()

    def anew(self) -> None:
        """Be somebody of another community."""
        self.site = f"s{self.dice.randrange(COMMUNITIES)}"
        self.scope = Scope(paths=(f"/510800/510802/{self.site}/",))

    async def ask(self, **words: object) -> list[object]:
        """Search as the console does."""
        query = Query(**words)  # type: ignore[arg-type]
        return list(await passages.search(self.db, self.scope, query, limit=50))

    def plate(self) -> str:
        """Return a resident's plate."""
        car = int(self.site[1:]) * 500 + self.dice.randrange(500)
        return f"川H{car * 7919 % 1048576:05X}"

    def searches(self) -> dict[str, Search]:
        """Return what is measured, by name."""
        hour = self.begin + timedelta(hours=self.dice.randrange(DAYS * 24))
        plate, month = self.plate(), Period(self.begin, self.begin + timedelta(days=DAYS))
        lane = f"{self.site}d{self.dice.randrange(LANES)}"
        resident = f"r{int(self.site[1:]) * 500 + self.dice.randrange(500)}"
        at = self.dice.randrange(2, 5)
        return {
            "plate": lambda: self.ask(plate=plate),
            "fragment": lambda: self.ask(fragment=plate[at : at + 3]),
            "short_fragment": lambda: self.ask(fragment=plate[-2:]),
            "lane_time": lambda: self.ask(device=lane, since=hour, until=hour + timedelta(hours=1)),
            "resident": lambda: self.ask(resident=resident),
            "colour_newest": lambda: self.ask(vehicle_color="11", direction="in"),
            "newest": self.ask,
            "hour_counts": lambda: passages.hourly(self.db, self.scope, month),
        }


async def measured(asking: Asking) -> dict[str, list[float]]:
    """Return how many milliseconds each search took, ROUNDS times each."""
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        asking.anew()
        for name, search in asking.searches().items():
            begin = time.perf_counter()
            await search()
            took.setdefault(name, []).append((time.perf_counter() - begin) * 1_000)
    return took


def at_share(found: list[float], share: float) -> float:
    """Return what ``share`` of ``found`` did not exceed."""
    return sorted(found)[min(len(found) - 1, math.ceil(share * len(found)) - 1)]


async def measure(folder: Path, count: int) -> list[Figure]:
    """Fill, ask, and return the 95th percentile of each search against the limit."""
    server = Postgres(folder)
    await server.start()
    try:
        await server.create_database("search")
        migrate(server.owner_url("search"))
        begin = (datetime.now(UTC) - timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0) + MS
        started = time.perf_counter()
        await asyncio.to_thread(fill, server.owner_url("search"), count, begin)
        print(f"{count:,} passages written in {time.perf_counter() - started:.0f} s", flush=True)
        db = Database(server.app_url("search"))
        await db.open()
        asking = Asking(db, begin)
        await measured(asking)  # what is asked all day is in memory
        took = await measured(asking)
        await db.close()
    finally:
        await server.stop()
    for name, found in took.items():
        print(f"{name:16} p50 {at_share(found, 0.5):7.1f} ms   p95 {at_share(found, 0.95):7.1f} ms", flush=True)
    worst = max(at_share(found, 0.95) for found in took.values())
    each = [
        Figure.against(f"search.{name}_p95_ms", at_share(found, 0.95), "ms", LIMIT_MS) for name, found in took.items()
    ]
    return [*each, Figure.against("search.p95_ms", worst, "ms", LIMIT_MS)]


def main() -> None:
    """Measure, print and keep."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=10_000_000)
    asked.add_argument("--folder", default=None, help="where the database lies while this runs")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="anju-bench-", dir=told.folder) as name:
        Path(name).chmod(0o755)
        keep(asyncio.run(measure(Path(name), told.count)))


if __name__ == "__main__":
    main()
