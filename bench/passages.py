"""Passages a second through ``keep`` alone, without the wire: what one commit costs this process and PostgreSQL.

This process is pinned to one core and PostgreSQL to the other. The reference is a bare COPY of the same rows in the
same run, into a table of the same shape and indexes. Prints CPU seconds per 1,000 passages of both.
"""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from bench.figures import Figure, keep

from anju.control.seed import registry_seed
from anju.demo_site import spec
from anju.domain import vehicles
from anju.domain.changes import Fate
from anju.engines import Postgres
from anju.pipeline.captures import Owned
from anju.pipeline.passages import PassageKeeper
from anju.pipeline.registry import Registry
from anju.protocols.viid import ViidObject
from anju.security.blob_keys import BlobKeys
from anju.security.sealing import Sealer
from anju.store import passages
from anju.store.blobs import Blobs
from anju.store.database import Database
from anju.store.log import NodeId, make_node
from anju.store.migrate import migrate

COUNT, BATCH, AT_ONCE = 60_000, 20, 48
CODES = [f"5108020001121{n:07}" for n in range(1, 17)]
PLATES = 20_000
RAW = b"x" * 20_000


def now() -> datetime:
    return datetime.now(UTC)


async def ignore(_: object) -> None: ...


@dataclass(slots=True)
class Stand:
    """One community's database and its keeper."""

    server: Postgres
    db: Database
    node: NodeId
    registry: Registry
    keeper: PassageKeeper

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds used so far, of this process and of PostgreSQL with all its processes."""
        server = psutil.Process(self.server.pid)
        times = [server.cpu_times(), *(each.cpu_times() for each in server.children(recursive=True))]
        return time.process_time(), sum(each.user + each.system for each in times)


def requests(stand: Stand, start: int, count: int) -> list[list[Owned]]:
    """Return ``count`` passages as requests of BATCH, each of one lane."""
    found = []
    for first in range(start, start + count, BATCH):
        code = CODES[first // BATCH % len(CODES)]
        known = stand.registry.find("viid", code)
        assert known is not None
        found.append([Owned(told(code, number), known) for number in range(first, first + BATCH)])
    return found


def told(code: str, number: int) -> ViidObject:
    """Return one vehicle as the parser hands it on."""
    at = datetime(2026, 11, 22, 8, tzinfo=UTC) + number * timedelta(milliseconds=50)
    basic = f"{code}0220261122{number // 100_000:06}{number % 100_000:05}"
    members = {
        "MotorVehicleID": f"{basic}0200001",
        "InfoKind": 1,
        "SourceID": basic,
        "DeviceID": code,
        "LeftTopX": 120,
        "LeftTopY": 90,
        "RightBtmX": 1650,
        "RightBtmY": 1010,
        "LaneNo": 1,
        "HasPlate": True,
        "PlateClass": "02",
        "PlateColor": "5",
        "PlateNo": f"川H{number * 7919 % PLATES + 10_000:05}",
        "Speed": 8.5,
        "Direction": "3",
        "VehicleClass": "K33",
        "VehicleColor": "2",
        "PassTime": "20261122080000",
        "PlateReliability": "98",
    }
    return ViidObject("motor_vehicle", f"{basic}0200001", code, "", basic, at, "PassTime", members, (), ())


async def through(stand: Stand, told: Sequence[Sequence[Owned]]) -> float:
    """Return passages a second with AT_ONCE requests under way, each answered after its commit."""
    waiting, begin = iter(told), time.perf_counter()

    async def sender() -> None:
        for request in waiting:
            assert await stand.keeper.keep(request, RAW, "192.0.2.10") == [Fate.KEPT] * BATCH

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    return len(told) * BATCH / (time.perf_counter() - begin)


async def bare_copy(stand: Stand, told: Sequence[Sequence[Owned]]) -> float:
    """Return passages a second written by COPY alone, 1,000 to a transaction, everything ready before."""
    at = now()
    found = [vehicles.passage(each.told, each.known.reporter, at=at) for request in told for each in request]
    rows = [passages.row(each, vehicles.written(each), None) for each in found]
    begin = time.perf_counter()
    for start in range(0, len(rows), 1_000):
        async with stand.db.transaction() as tx:
            await passages.insert(tx, rows[start : start + 1_000], at=at)
    return len(rows) / (time.perf_counter() - begin)


async def standing(folder: Path) -> Stand:
    """Start PostgreSQL on core 1, with fsync on as in use, register lanes, and make a keeper on core 0."""
    os.sched_setaffinity(0, {1})  # children inherit it
    server = Postgres(folder)
    await server.start()
    os.sched_setaffinity(0, {0})
    await server.create_database("bench")
    migrate(server.owner_url("bench"))
    db = Database(server.app_url("bench"))
    await db.open()
    node = await registered(db)
    registry = Registry(db, node, clock=now)
    await registry.load()
    blobs = Blobs(db, folder / "blobs", BlobKeys(folder / "keys"), clock=now)
    seal = Sealer(folder / "keys").seal
    keeper = PassageKeeper(db, node, registry, blobs, seal=seal, clock=now, on_committed=ignore, on_unsaved=ignore)
    return Stand(server, db, node, registry, keeper)


async def registered(db: Database) -> NodeId:
    """Make a community with as many lanes as there are codes."""
    told = spec("community", 3)
    lane = {"kind": "lane", "place": "东大门", "protocol": "viid"}
    told["sites"][0]["devices"] += [{**lane, "name": code[-2:], "account": code} for code in CODES]
    async with db.transaction() as tx:
        node = await make_node(tx, node_id="bench", name="bench", tier="community")
        await registry_seed(tx, told, node=node, at=now())
    return node


async def measure(folder: Path) -> list[Figure]:
    """Measure the bare COPY and ``keep``."""
    stand = await standing(folder)
    running = asyncio.create_task(stand.keeper.run())
    try:
        await through(stand, requests(stand, 0, 5_000))  # everything is loaded and known once
        reference = await bare_copy(stand, requests(stand, 10_000, COUNT // 2))
        ready = requests(stand, 200_000, COUNT)
        gc.freeze()  # what was made in advance is no work of this process
        before = stand.cpu()
        rate = await through(stand, ready)
        mine, server = (after - was for after, was in zip(stand.cpu(), before, strict=True))
    finally:
        running.cancel()
        await stand.db.close()
        await stand.server.stop()
    print(f"CPU s per 1,000: this process {mine / COUNT * 1_000:.4f}, PostgreSQL {server / COUNT * 1_000:.4f}")
    return [
        Figure.against("keep.passages_per_s", rate, "1/s", reference),
        Figure.against("keep.cpu_s_per_1000", mine / COUNT * 1_000, "CPU s", server / COUNT * 1_000),
    ]


def main() -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        Path(name).chmod(0o755)
        keep(asyncio.run(measure(Path(name))))


if __name__ == "__main__":
    main()
