"""How fast pictures are kept, against a bare write and fdatasync of the same bytes in the same run.

Pictures of 60 and 10 KB in turn, as a passage brings them; many senders, each waiting until its own are on disk.
Run it pinned to one core to see what the core can do.
"""

import asyncio
import hashlib
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, keep

from anju.engines import Postgres
from anju.security.blob_keys import BlobKeys
from anju.store.blobs import Blobs, NewBlob
from anju.store.database import Database
from anju.store.migrate import migrate

REQUESTS, PASSAGES, SENDERS = 400, 20, 8  # requests of 20 passages with two pictures each
SIZES = (60_000, 10_000)
PER_REQUEST = [os.urandom(size) for _ in range(PASSAGES) for size in SIZES]
TOTAL = REQUESTS * sum(map(len, PER_REQUEST))


def bare(folder: Path) -> tuple[float, float]:
    """Return (seconds, CPU seconds) of writing the same bytes with one fdatasync for each request."""
    begin, cpu = time.perf_counter(), time.process_time()
    file = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for _ in range(REQUESTS):
        os.writev(file, PER_REQUEST)
        os.fdatasync(file)
    os.close(file)
    return time.perf_counter() - begin, time.process_time() - cpu


async def through_store(blobs: Blobs) -> tuple[float, float]:
    """Return (seconds, CPU seconds) of SENDERS that write REQUESTS in all, each waiting for its answer."""
    items = [NewBlob("site", data, "image/jpeg") for data in PER_REQUEST]
    waiting = iter(range(REQUESTS))

    async def sender() -> None:
        for _ in waiting:
            await blobs.write(items)

    begin, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return time.perf_counter() - begin, time.process_time() - cpu


async def read_back(db: Database, blobs: Blobs) -> float:
    """Return pictures read, decrypted and proved a second, one after the other."""
    stored = await blobs.write([NewBlob("site", data, "image/jpeg") for data in PER_REQUEST])
    async with db.transaction() as tx:
        await blobs.record(tx, stored, datetime.now(UTC))
    begin = time.perf_counter()
    for each in stored:
        data, _ = await blobs.read(each.id)
        assert hashlib.sha256(data).digest() == each.sha256
    return len(stored) / (time.perf_counter() - begin)


async def main() -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - before anything runs
        server = Postgres(folder)
        await server.start()
        try:
            keep(report(*await measure(server, folder)))
        finally:
            await server.stop()


async def measure(server: Postgres, folder: Path) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Return what bare writing and the store took, and the rate of reading."""
    await server.create_database("bench")
    migrate(server.owner_url("bench"))
    db = Database(server.app_url("bench"))
    await db.open()
    blobs = Blobs(db, folder / "blobs", BlobKeys(folder / "keys"), clock=lambda: datetime.now(UTC))
    await blobs.write([NewBlob("site", b"warm", "image/jpeg")])
    try:
        plain = bare(folder)
        return plain, await through_store(blobs), await read_back(db, blobs)
    finally:
        await blobs.close()
        await db.close()


def report(plain: tuple[float, float], store: tuple[float, float], reads: float) -> list[Figure]:
    """Return the figures."""
    count, megabytes = REQUESTS * len(PER_REQUEST), TOTAL / 1e6
    cpu_us, bare_us = store[1] / count * 2e6, plain[1] / count * 2e6
    return [
        Figure.against("blobs.mb_per_s", megabytes / store[0], "MB/s", megabytes / plain[0]),
        Figure.against("blobs.pictures_per_s", count / store[0], "1/s", count / plain[0]),
        Figure.against("blobs.cpu_us_per_passage", cpu_us, "µs", bare_us),
        Figure.against("blobs.reads_per_s", reads, "1/s", count / store[0]),
    ]


if __name__ == "__main__":
    asyncio.run(main())
