"""What one more passage costs when fifty million are kept already, against what it costs at one million.

Old rows are made by generate_series over the 180 days that passages are kept, in partitions of a week as on a node that
has run so long; their bodies are short, their keys and indexes whole. Then passages go through ``keep`` as in use.
"""

import argparse
import asyncio
import gc
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from bench.figures import Figure, keep
from bench.passages import COUNT, Stand, requests, standing, through

DAYS, ONCE = 180, 500_000
PARTITIONS = """
DO $$
DECLARE first timestamptz := date_trunc('week', now()) - interval '26 weeks';
BEGIN
    WHILE first < date_trunc('week', now()) - interval '7 days' LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF passage FOR VALUES FROM (%L) TO (%L)',
                       'passage_' || to_char(first, 'YYYYMMDD'), first, first + interval '7 days');
        first := first + interval '7 days';
    END LOOP;
END $$
"""
FILL = """
    INSERT INTO passage (id, received_at, kept_at, site_id, place_id, place_path, jurisdiction, device_id, lane, kind,
        object_id, passed_at, direction, plate, plate_class, plate_color, vehicle_class, vehicle_color, resident_kind,
        resident_id, flags, body)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000a'
            || lpad(to_hex(n), 15, '0'))::uuid, at, at, 's' || n %% 60, 'p', '/510800/510802/s' || n %% 60 || '/', '',
        'd' || n %% 240, '1', 'motor', n::text, at, CASE WHEN n %% 2 = 0 THEN 'in' ELSE 'out' END,
        '川H' || lpad((n * 7919 %% 90000)::text, 5, '0'), '02', '5', 'K33', '2', '',
        CASE WHEN n %% 3 = 0 THEN 'r' || n %% 30000 ELSE '' END, '{}', '{}'
    FROM (SELECT n, %(begin)s::timestamptz + n * %(step)s::interval AS at
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS told
"""


def fill(root_url: str, first: int, last: int, whole: int) -> None:
    """Write rows ``first`` to ``last`` of ``whole`` that lie evenly over DAYS."""
    begin, step = datetime.now(UTC) - timedelta(days=DAYS), timedelta(days=DAYS) / whole
    with psycopg.connect(root_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET timezone = 'UTC'")
        connection.execute(PARTITIONS)
        for start in range(first, last, ONCE):
            given = {"begin": begin, "step": step, "first": start, "last": min(start + ONCE, last) - 1}
            connection.execute(FILL, given)
        connection.execute("VACUUM ANALYZE passage")
        connection.execute("CHECKPOINT")


async def cost(stand: Stand, start: int) -> float:
    """Return CPU seconds of this process and PostgreSQL for 1,000 passages."""
    ready = requests(stand, start, COUNT)
    gc.freeze()
    before = stand.cpu()
    await through(stand, ready)
    return sum(after - was for after, was in zip(stand.cpu(), before, strict=True)) / COUNT * 1_000


async def measure(folder: Path, few: int, many: int) -> list[Figure]:
    """Measure at ``few`` and at ``many`` rows."""
    stand = await standing(folder)
    running = asyncio.create_task(stand.keeper.run())
    url, found = stand.server.root_url("bench"), []
    try:
        await through(stand, requests(stand, 0, 5_000))
        for number, (first, last) in enumerate(((0, few), (few, many))):
            begin = time.perf_counter()
            await asyncio.to_thread(fill, url, first, last, many)
            print(f"{last:,} rows after {time.perf_counter() - begin:.0f} s", flush=True)
            found.append(await cost(stand, 1_000_000 * (number + 1)))
            print(f"{found[-1]:.4f} CPU s per 1,000 passages", flush=True)
    finally:
        running.cancel()
        await stand.db.close()
        await stand.server.stop()
    name = "growth.cost_ratio_50m" if many == 50_000_000 else f"growth.cost_ratio_{many // 1_000_000}m"
    return [Figure.against(name, found[1] / found[0], "ratio", 1.0)]


def main() -> None:
    """Measure, print and keep."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--few", type=int, default=1_000_000)
    asked.add_argument("--many", type=int, default=50_000_000)
    told = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        Path(name).chmod(0o755)
        keep(asyncio.run(measure(Path(name), told.few, told.many)))


if __name__ == "__main__":
    main()
