"""A hundred cameras of 4 Mbit/s on one media worker, received and recorded for ten minutes without a loss.

Each closed file is compared with its row, read by ffprobe and then unlinked: an hour of a hundred cameras is 180 GB.
How late the latest picture was got at is told beside it.
"""

import argparse
import asyncio
import subprocess
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop
from bench import media, media_sender

from anju.domain.video import Transport
from anju.media.streams import Stream
from anju.store.database import Database
from anju.store.recordings import name_of

CAMERAS = 100
LOOK_S = 5.0


class Sweep:
    """Looks after closed files while cameras are recorded."""

    def __init__(self, db: Database, folder: Path) -> None:
        self._db, self._folder = db, folder
        self._seen = set[tuple[str, int]]()
        self.files = self.wrong = self.bytes = 0

    async def run(self, seconds: float) -> None:
        """Look for so long: afterwards the volume is taken away."""
        until = time.monotonic() + seconds
        while time.monotonic() < until - LOOK_S:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Judge the files closed since the last look."""
        rows = await self._db.fetch("SELECT channel_id, start_ms, bytes, duration_ms FROM recording")
        for channel, start, size, duration in rows:
            if (channel, start) not in self._seen:
                self._seen.add((channel, start))
                await asyncio.to_thread(self._judge, name_of(channel, start), size, duration / 1000)

    def _judge(self, name: str, size: int, duration: float) -> None:
        found = next(self._folder.glob(f"volume-*/{name}"))
        said = subprocess.run(
            ("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(found)),
            check=False,
            capture_output=True,
            text=True,
        )
        good = not said.stderr and found.stat().st_size == size and abs(float(said.stdout or 0) - duration) < 0.1
        self.files, self.wrong, self.bytes = self.files + 1, self.wrong + (not good), self.bytes + size
        found.unlink()


async def prove(folder: Path, cameras: int, seconds: float) -> bool:
    """Return whether nothing was lost, late or not readable."""
    async with AsyncExitStack() as stack:
        db = await media.database(folder, stack)
        sweep = Sweep(db, folder)
        sweeping = list[asyncio.Task[None]]()

        async def begin(_: list[Stream]) -> None:
            sweeping.append(asyncio.create_task(sweep.run(seconds)))

        found = await media.measured(db, folder, Transport.UDP, cameras, begin, seconds=seconds)
        await asyncio.gather(*sweeping)
    print(
        f"{cameras} cameras for {seconds:.0f} s: {found.percent:.2f} % of a core each, {found.missing} packets or ",
        end="",
    )
    print(f"pictures missing, latest {found.lag * 1000:.0f} ms after its time")
    print(f"{sweep.files} closed files of {sweep.bytes / 1e9:.1f} GB, {sweep.wrong} not as their rows or not read")
    return not found.missing and not sweep.wrong and sweep.files > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--seconds", type=float, default=600.0)
    given = parser.parse_args()
    media_sender.loop()
    media.to_stderr()
    with tempfile.TemporaryDirectory(prefix="anju-prove-", dir="build") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        (path / "postgres").mkdir()
        raise SystemExit(0 if uvloop.run(prove(path, given.cameras, given.seconds)) else 1)
