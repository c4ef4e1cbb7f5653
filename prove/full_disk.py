"""A recording volume runs full, once past its reserve and once to the last byte: nothing stops silently, all plays.

The volume is a small file system in memory, so that the kernel itself says that it is full. Run it as root.
Cameras give way by their priority and say so; what was written before is accepted by ffprobe with all its pictures;
once there is room again they go on and say that too.
"""

import asyncio
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from anju.domain.recording import Plan, read_plan, threshold
from anju.domain.recording_trouble import Told, Trouble
from anju.media.record import Recorder
from anju.media.retention import Retention
from anju.media.room import Room
from anju.protocols.fmp4 import Track
from anju.store import recordings
from anju.store.database import Database
from anju.store.volumes import Volume, pair
from prove.recording import Site, agrees, frames, pictures, probe, site

MB = 1_000_000
SIZE, RESERVE = 96 * MB, 24 * MB
PRIORITIES = {"gate": 1, "lane": 5, "garden": 9}
PLANS: dict[str, Plan] = {name: read_plan({"by": "platform", "priority": p}) for name, p in PRIORITIES.items()}
STEP_S = 10.0  # of video between two looks at the disk
MOST_S = 3_000.0


@contextmanager
def small_disk(path: Path) -> Iterator[None]:
    """Give a file system of SIZE bytes at ``path``."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@dataclass(slots=True)
class Filming:
    """Three cameras recorded to one volume; their time is that of their pictures."""

    db: Database
    volume: Volume
    units: list[list[bytes]]
    track: Track
    now: float
    told: list[Told] = field(default_factory=list)
    recorder: Recorder = field(init=False)
    least: int = SIZE  # bytes that were ever free

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.db, Room([self.volume], every_s=0.01), tell=self.told.append, clock=self.time)

    def time(self) -> float:
        """Return the cameras' time."""
        return self.now

    async def film(self, seconds: float) -> None:
        """Let all cameras send for so long, at the pace the disk takes."""
        channels = [self.recorder.channel(name, plan) for name, plan in PLANS.items()]
        for each in channels:
            each.track = lambda: self.track
            each.state("playing")
        begin = self.now
        for number, frame in enumerate(frames(self.units, begin)):
            if frame.arrived - begin >= seconds:
                break
            self.now = frame.arrived
            for each in channels:
                each.take(frame)
            if number % 25 == 24:
                await self.taken()

    async def taken(self) -> None:
        """Wait until the disk took what was handed to it, and the recorder looked at it."""
        while self.recorder.writers.waiting:
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.03)
        self.least = min(self.least, self.volume.free)

    def stopped(self) -> list[str]:
        """Return the cameras that said they stopped, in that order."""
        troubles = {Trouble.NO_SPACE, Trouble.WRITE_FAILED}
        return list(dict.fromkeys(each.channel_id for each in self.told if each.trouble in troubles))


@asynccontextmanager
async def filming(here: Site, reserve: int) -> AsyncIterator[Filming]:
    """Give running cameras on a volume of its own."""
    (volume,) = await pair(here.db, [here.root / "small"], node="prove", reserve=reserve, at=datetime.now(UTC))
    units, track = await asyncio.to_thread(pictures, here.root / "loops")
    found = Filming(here.db, volume, units, track, here.at)
    task = asyncio.create_task(found.recorder.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        here.at = found.now + 3_600


async def until_all_stopped(cameras: Filming) -> None:
    """Film until every camera said that it stopped."""
    begin = cameras.now
    while len(cameras.stopped()) < len(PLANS) and cameras.now - begin < MOST_S:
        await cameras.film(STEP_S)


async def go_on(cameras: Filming) -> bool:
    """Let recordings end, film again; return whether every camera says that it goes on.

    With a reserve an operator's choice overwrites what is younger than its days; without, its days are over.
    """
    cameras.now += 7_200 if cameras.volume.reserve else 31 * 86_400
    retention = Retention(
        cameras.db, [cameras.volume], lambda: PLANS, tell=cameras.told.append, overwrite=True, pause_s=0
    )
    ended = await retention.round(now=datetime.fromtimestamp(cameras.now, UTC))
    await cameras.film(12 * STEP_S)
    resumed = {each.channel_id for each in cameras.told if each.trouble is Trouble.RESUMED}
    broken = any(each.trouble is Trouble.FLOOR_BROKEN for each in cameras.told)
    print(f"  ended: {ended}; told that days are not kept: {broken}; on again: {', '.join(sorted(resumed))}")
    return resumed == set(PLANS) and broken == bool(ended.below_floor) and ended.unlinked > 0


async def run_full(here: Site, reserve: int) -> bool:
    """Let the volume run full; return whether all of it was told and everything written plays."""
    async with filming(here, reserve) as cameras:
        await until_all_stopped(cameras)
        order, least = cameras.stopped(), cameras.least
        print(f"  stopped in this order: {', '.join(order)}; least free {least / MB:.1f} MB of {SIZE / MB:.0f} MB")
        print(f"  told: {dict(Counter(each.trouble.value for each in cameras.told))}")
        held = set(order) == set(PLANS)
        if reserve:
            held &= order == sorted(PLANS, key=lambda name: -PRIORITIES[name])
            held &= least >= threshold(1, reserve) - 2 * MB  # what was on its way when it stopped
        held &= await go_on(cameras)
        for name in PLANS:
            cameras.recorder.forget(name)
        await cameras.recorder.settled()
        held &= await agrees(here.db, cameras.volume) and await probe(here, cameras.volume)
        await _empty(here.db, cameras.volume)
        return held


async def _empty(db: Database, volume: Volume) -> None:
    for each in await recordings.unfilled(db, volume.number, 0):
        (volume.path / each.name).unlink()
    await db.execute("DELETE FROM recording")
    await db.execute("DELETE FROM recording_day")


async def main() -> bool:
    """Return whether everything held."""
    if os.geteuid():
        print("a small disk can only be mounted by root: run this as root")
        return False
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        root = Path(name)
        root.chmod(0o755)
        with small_disk(root / "small"):
            async with site(root) as here:
                print(f"with a reserve of {RESERVE / MB:.0f} MB:")
                held = await run_full(here, RESERVE)
                print("without a reserve, to the last byte:")
                return await run_full(here, 0) and held


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
