"""How many reports a second go through ``keep``, against a bare COPY of the same rows in the same run.

Prints the figures and keeps them.
"""

import asyncio
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, keep
from uuid_utils.compat import uuid7

from anju.domain.cleaning import Reporter, clean
from anju.domain.events import DeviceReport, Event, EventKind, EventState
from anju.engines import Postgres
from anju.pipeline.keep import Accepted, Keeper
from anju.store import events
from anju.store.database import Database
from anju.store.log import make_node
from anju.store.migrate import migrate

COUNT = 10_000
AT_ONCE = 400
PANEL = Reporter("p1", "panel", "site", "site", "/510800/510802/site/", "site")


def reports(kind: EventKind) -> list[Accepted]:
    """Return COUNT different reports of ``kind``, each from a zone of its own."""
    now = datetime.now(UTC)
    bare = DeviceReport(
        "dc09", "0/1", kind, EventState.ACTIVE, "contact_id", "130", "01", "", now, "", 180, b"x" * 80, ""
    )
    told = [replace(bare, zone=f"{n:05}", dedup_key=f"{kind}|{n}") for n in range(COUNT)]
    return [Accepted(each, clean(each, PANEL, event_id=uuid7(), at=now)) for each in told]


async def through_keep(keeper: Keeper, items: list[Accepted]) -> float:
    """Return reports a second with AT_ONCE senders, each waiting for its answer."""
    waiting = iter(items)

    async def sender() -> None:
        for item in waiting:
            await keeper.keep(item)

    begin = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    return len(items) / (time.perf_counter() - begin)


async def bare_copy(db: Database, rows: list[Event]) -> float:
    """Return events a second written by COPY alone, 200 to a transaction."""
    begin = time.perf_counter()
    for start in range(0, len(rows), 200):
        async with db.transaction() as tx:
            await events.insert(tx, [(row, None) for row in rows[start : start + 200]], at=rows[0].received_at)
    return len(rows) / (time.perf_counter() - begin)


async def measure(data: Path) -> tuple[float, dict[str, float]]:
    """Return what bare COPY writes a second and what goes through ``keep``, with fsync on as in use."""
    server = Postgres(data)
    await server.start()
    await server.create_database("bench")
    migrate(server.owner_url("bench"))
    db = Database(server.app_url("bench"))
    await db.open()
    async with db.transaction() as tx:
        node = await make_node(tx, node_id="bench", name="bench", tier="community")

    async def ignore(_: object) -> None: ...

    keeper = Keeper(db, node, clock=lambda: datetime.now(UTC), on_committed=ignore, on_unsaved=ignore)
    running = asyncio.create_task(keeper.run())
    reference = await bare_copy(db, [replace(item.event, id=uuid7()) for item in reports(EventKind.INFO)])
    found = {
        "road.settings_per_s": await through_keep(keeper, reports(EventKind.ARM)),
        "road.alarms_per_s": await through_keep(keeper, reports(EventKind.INTRUSION)),
    }
    running.cancel()
    await db.close()
    await server.stop()
    return reference, found


def main() -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        Path(name).chmod(0o755)
        reference, found = asyncio.run(measure(Path(name)))
    keep([Figure.against(name, value, "1/s", reference) for name, value in found.items()])


if __name__ == "__main__":
    main()
