"""``kill -9`` of the process that records, at random times: each camera loses at most its open group of pictures.

Files and rows agree after every restart, every file is accepted by ffprobe with all its pictures, a camera that falls
silent for seven minutes has a gap of seven minutes with its reason, and the time nobody recorded is the store's. The
cameras' time runs twenty times as fast as the clock on the wall; their pictures are those of the simulated cameras.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from anju.domain import recorded
from anju.domain.recorded import Gap, Lack, completeness
from anju.domain.recording import Source, day_of, days_between, read_plan
from anju.engines import Postgres
from anju.media.ledger import SETTLED_S, Ledger
from anju.media.record import Recorder
from anju.media.recover import recover
from anju.media.room import Room
from anju.protocols import nal
from anju.protocols.fmp4 import Track, track_of
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.simulators.video_loops import Loops
from anju.simulators.video_scene import RATE
from anju.store import recording_ledger, recordings
from anju.store.database import Database
from anju.store.migrate import migrate
from anju.store.volumes import Volume, pair

CAMERAS, FASTER = 16, 20.0
SILENT_S, BEFORE_S, AFTER_S = 420.0, 120.0, 120.0 + SETTLED_S
READY_S, END_S = 120.0, 60.0
PLAN = read_plan({"by": "platform"})
SILENT = "c0"
PLANS = {f"c{each}": PLAN for each in range(CAMERAS)}


# the process that is killed


def pictures(folder: Path) -> tuple[list[list[bytes]], Track]:
    """Return one loop of a simulated camera's sub-stream, and its track."""
    loop = Loops(folder).prepared(Codec.H264, "sub")
    tops = asyncio.run(Loops(folder).clock(loop.shape, 1_795_334_400))
    units = [nal.split(loop.unit(n, tops[n % len(tops)], 0)) for n in range(len(loop.stills))]
    sets = {
        number: tuple(unit for unit in units[0] if nal.kind(Codec.H264, unit) == number)
        for number in nal.PARAMETERS[Codec.H264]
    }
    return units, track_of(Codec.H264, sets)


def frames(units: list[list[bytes]], begin: float) -> Iterator[Frame]:
    """Yield a camera's pictures for ever."""
    number = 0
    while True:
        at = number % len(units)
        key = any(unit[0] in nal.KEY[Codec.H264] for unit in units[at])
        yield Frame(Codec.H264, number * CLOCK // RATE, key, units[at], begin + number / RATE)
        number += 1


async def child(url: str, root: Path, begin: float, silent: tuple[float, float]) -> None:
    """Record until told to end; say in a file how far all cameras are on disk."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    units, track = await asyncio.to_thread(pictures, root / "loops")
    db = Database(url)
    await db.open()
    volumes = await pair(db, [root / "volume"], node="prove", reserve=0, at=datetime.now(UTC))
    time_is = Time(begin)
    recorder = Recorder(db, Room(volumes), tell=print, clock=time_is)
    ledger = Ledger(db, why=recorder.why, opened=recorder.open_spans)
    running = [asyncio.create_task(recorder.run()), asyncio.create_task(_settle(ledger, time_is))]
    await _film(recorder, units, track, time_is, stopped, root / "told", silent)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await ledger.settle(PLANS, now=datetime.fromtimestamp(time_is(), UTC))
    await db.close()


class Time:
    """The cameras' time: that of the last picture they sent, however slow the machine is."""

    def __init__(self, begin: float) -> None:
        self.begin = self.now = begin
        self._real = time.monotonic()

    def __call__(self) -> float:
        return self.now

    def come(self, at: float) -> bool:
        """Return whether ``at`` is there, and let it be now."""
        if at > self.begin + (time.monotonic() - self._real) * FASTER:
            return False
        self.now = at
        return True


async def _settle(ledger: Ledger, time_is: Time) -> None:
    while True:
        await ledger.settle(PLANS, now=datetime.fromtimestamp(time_is(), UTC))
        await asyncio.sleep(0.5)


async def _film(
    recorder: Recorder,
    units: list[list[bytes]],
    track: Track,
    time_is: Time,
    stopped: asyncio.Event,
    told: Path,
    silent: tuple[float, float],
) -> None:
    channels = [recorder.channel(f"c{each}", PLAN) for each in range(CAMERAS)]
    for each in channels:
        each.track = lambda: track
        each.state("playing")
    file, handed, mute = os.open(told, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 0.0, False
    for frame in frames(units, time_is.begin):
        while not time_is.come(frame.arrived) and not stopped.is_set():
            await asyncio.sleep(0.001)
        if stopped.is_set():
            return
        if mute != (silent[0] <= frame.arrived - time_is.begin < silent[1]):
            mute = not mute
            channels[0].state("no_answer" if mute else "playing")
        for each in channels[mute:]:
            each.take(frame)
        handed = frame.arrived if frame.key else handed
        if recorder.writers.waiting == 0:
            os.pwrite(file, f"{handed:.3f}".encode(), 0)


# who kills it


@dataclass(slots=True)
class Site:
    """The engine, the folder, and where time is."""

    url: str
    db: Database
    root: Path
    at: float

    async def start(self, silent: tuple[float, float] = (0.0, 0.0)) -> asyncio.subprocess.Process:
        """Start the recorder; return once it records."""
        (self.root / "told").unlink(missing_ok=True)
        given = (self.url, str(self.root), str(self.at), str(silent[0]), str(silent[1]))
        found = await asyncio.create_subprocess_exec(sys.executable, "-m", "prove.recording", "--child", *given)
        async with asyncio.timeout(READY_S):
            while not self.reached():
                await asyncio.sleep(0.02)
        return found

    def reached(self) -> float:
        """Return how far the cameras are on disk, Unix seconds; 0 while nothing was written."""
        with contextlib.suppress(OSError, ValueError):
            return float((self.root / "told").read_text())
        return 0.0


@asynccontextmanager
async def site(root: Path) -> AsyncIterator[Site]:
    """Give a database that syncs, and a folder."""
    server = Postgres(root / "data")
    await server.start()
    try:
        await server.create_database("prove")
        migrate(server.owner_url("prove"))
        db = Database(server.app_url("prove"))
        await db.open()
        yield Site(server.app_url("prove"), db, root, float(int(time.time()) // 60 * 60))
        await db.close()
    finally:
        await server.stop()


async def kill(here: Site, kills: int, chance: random.Random) -> bool:
    """Kill the recorder again and again; return whether no camera lost more than its open group of pictures."""
    held, worst = True, 0.0
    for number in range(kills):
        process = await here.start()
        await asyncio.sleep(chance.uniform(1.0, 8.0))
        process.kill()
        await process.wait()
        reached = here.reached()
        volume = await recovered(here)
        agree = await agrees(here.db, volume)
        lost = max([reached - await last(here.db, f"c{each}") for each in range(CAMERAS)])
        worst, held = max(worst, lost), held and agree and lost <= 0.05
        print(f"{number + 1:3} kill -9 after {reached - here.at:5.1f} s of video; files and rows agree: {agree}")
        here.at = reached + chance.uniform(60, 300)
    print(f"{kills} kills x {CAMERAS} cameras: at most {max(worst, 0) * 1000:.0f} ms lost besides the open group")
    return held


async def recovered(here: Site) -> Volume:
    """Bring files and rows together as a start does; return the volume."""
    (volume,) = await pair(here.db, [here.root / "volume"], node="prove", reserve=0, at=datetime.now(UTC))
    done = await recover(here.db, volume, now=datetime.now(UTC), tell=print)
    assert not done.lost
    return volume


async def last(db: Database, channel: str) -> float:
    """Return up to when a camera is recorded, Unix seconds."""
    newest = await recordings.newest(db, channel)
    return newest.end_ms / 1000 if newest else 0.0


async def agrees(db: Database, volume: Volume) -> bool:
    """Return whether exactly the files with rows are there, each of its row's length."""
    rows = await recordings.unfilled(db, volume.number, 0)
    names = {each.name for each in rows}
    files = {str(each.relative_to(volume.path)) for each in volume.path.rglob("*.mp4*")}
    return files == names and all((volume.path / each.name).stat().st_size == each.bytes for each in rows)


async def probe(here: Site, volume: Volume) -> bool:
    """Let ffprobe decode every file; return whether it finds no mistake and every picture."""
    rows, wrong = await recordings.unfilled(here.db, volume.number, 0), 0
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(row: recordings.Recording) -> bool:
        async with gate:
            return await _pictures(volume.path / row.name) == round(row.duration_ms * RATE / 1000)

    wrong = sum(not each for each in await asyncio.gather(*map(one, rows)))
    total = sum(row.duration_ms for row in rows) / 3_600_000
    print(f"ffprobe: {len(rows)} files, {total:.1f} camera hours, {wrong} not accepted or without all pictures")
    return not wrong


async def _pictures(path: Path) -> int:
    command = ("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0")
    process = await asyncio.create_subprocess_exec(
        *command, str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, errors = await process.communicate()
    return int(said.decode().strip().strip(",")) if not errors and process.returncode == 0 else -1


async def gap(here: Site) -> bool:
    """Let a camera be silent for seven minutes; return whether the ledger has just that, and its neighbour nothing."""
    process = await here.start((BEFORE_S, BEFORE_S + SILENT_S))
    while here.reached() < here.at + BEFORE_S + SILENT_S + AFTER_S:
        await asyncio.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(END_S):
        await process.wait()
    found, beside = await gaps(here, SILENT), await gaps(here, "c1")
    for each in found:
        print(f"{SILENT}: {each.start:%H:%M:%S} to {each.end:%H:%M:%S}: {(each.end - each.start)} {each.why}")
    length = abs((found[0].end - found[0].start).total_seconds() - SILENT_S) if len(found) == 1 else SILENT_S
    print(f"seven minutes of silence are one gap, {length:.0f} s off; c1 has {len(beside)} gaps in that time")
    return length <= 2 and found[0].why is Lack.DEVICE_OFFLINE and not beside


async def gaps(here: Site, channel: str) -> list[Gap]:
    """Return the gaps of a camera since the recorder's last start but for the minute of the start itself."""
    since, until = (datetime.fromtimestamp(each, UTC) for each in (here.at + 60, here.reached()))
    days = {
        each.day: each.codes
        for each in await recording_ledger.days(here.db, channel, day_of(since), day_of(until))
        if each.source is Source.PLATFORM
    }
    found = [gap for day in days_between(since, until) for gap in recorded.gaps(day, days[day])]
    return [each for each in found if each.start >= since]


async def counted(here: Site, begin: float) -> bool:
    """Print what the ledger says of all that time; return whether each minute has a code and each lack a reason."""
    first, until = datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(here.reached(), UTC)
    sums = await recording_ledger.sums(here.db, list(PLANS), day_of(first), day_of(until))
    lacks = {lack.value: sum(each.count.lacking.get(lack, 0) for each in sums) for lack in Lack}
    print(f"recorded {completeness(each.count for each in sums):.1%} of that time; minutes that lack: {lacks}")
    return bool(lacks[Lack.STORE_FAILED]) and not lacks[Lack.UNKNOWN]


async def prove(kills: int, seed: int) -> bool:
    """Return whether everything held."""
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="anju-prove-") as name:
        root = Path(name)
        root.chmod(0o755)
        async with site(root) as here:
            begin = here.at
            held = await kill(here, kills, random.Random(seed))
            held &= await gap(here)
            volume = await recovered(here)
            held &= await agrees(here.db, volume)
            held &= await probe(here, volume)
            return await counted(here, begin) and held


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        address, folder, start, first, end = sys.argv[2:]
        asyncio.run(child(address, Path(folder), float(start), (float(first), float(end))))
        raise SystemExit(0)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    raise SystemExit(0 if asyncio.run(prove(options.kills, options.seed)) else 1)
