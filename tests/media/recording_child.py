"""A process that records simulated cameras until it is killed; a file says what it had written when.

Called with the database's address, the volume, a file, and how many cameras. Its time runs by its frames: twenty times
as fast as the clock on the wall.
"""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from anju.domain.recording import read_plan
from anju.media.record import Recorder
from anju.media.room import Room
from anju.store.database import Database
from anju.store.volumes import pair
from tests.media import pictures

FASTER = 20.0
PLAN = read_plan({"by": "platform"})


async def main(url: str, volume: str, told: str, cameras: int) -> None:
    """Record for ever, and say how far the cameras are on disk."""
    db = Database(url)
    await db.open()
    volumes = await pair(db, [Path(volume)], node="n", reserve=0, at=datetime.now(UTC))
    begun, real = time.time(), time.monotonic()

    def clock() -> float:
        return begun + (time.monotonic() - real) * FASTER

    file = os.open(told, os.O_CREAT | os.O_WRONLY)

    def say(at: float) -> None:
        os.pwrite(file, f"{at:.3f}".encode(), 0)

    recorder = Recorder(db, Room(volumes), tell=print, clock=clock)
    running = asyncio.create_task(recorder.run())
    channels = [recorder.channel(f"c{each}", PLAN) for each in range(cameras)]
    for each in channels:
        each.track = lambda: pictures.loop()[1]
        each.state("playing")
    kept = 0.0  # up to here all was handed to the disk once nothing waits any more
    for frame in pictures.frames(begun, 100_000):
        while clock() < frame.arrived:  # noqa: ASYNC110 - the cameras' pace
            await asyncio.sleep(0.001)
        for each in channels:
            each.take(frame)
        kept = frame.arrived if frame.key else kept
        if recorder.writers.waiting == 0:
            say(kept)
    await running


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
