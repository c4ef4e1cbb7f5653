"""A process that keeps pictures until it is killed, and tells each one after its commit: id and SHA-256 in a line.

Called with the database's address, the data folder and a seed.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from anju.security.blob_keys import BlobKeys
from anju.store.blobs import Blobs, NewBlob
from anju.store.database import Database

WRITERS = 4
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


async def write(db: Database, blobs: Blobs, chance: random.Random) -> None:
    """Keep a few pictures at a time, for ever."""
    while True:
        sizes = [chance.choice((10, 1_000, 60_000)) for _ in range(chance.randint(1, 6))]
        items = [NewBlob("site", JPEG + chance.randbytes(size), "image/jpeg") for size in sizes]
        stored = await blobs.write(items)
        async with db.transaction() as tx:
            await blobs.record(tx, stored, datetime.now(UTC))
        for each in stored:
            sys.stdout.write(f"{each.id} {each.sha256.hex()}\n")
        sys.stdout.flush()


async def main(url: str, data: str, seed: int) -> None:
    """Write with several writers at once, in small segments."""
    db = Database(url)
    await db.open()
    keys = BlobKeys(Path(data) / "keys")
    blobs = Blobs(db, Path(data) / "blobs", keys, clock=lambda: datetime.now(UTC), segment_bytes=1_000_000)
    await asyncio.gather(*(write(db, blobs, random.Random(seed * WRITERS + each)) for each in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
