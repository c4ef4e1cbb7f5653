"""What a camera costs: 1080p at 4 Mbit/s received and recorded by one media worker, over UDP and TCP.

The reference is a bare loop in the same run that receives the same packets and writes them away, unread. Cameras are
played by a process of their own; figures are percent of one core for each camera. A count of cameras is without loss
where nothing is missing, nothing was thrown away by the kernel, and no picture lay 200 ms behind its time stamp.
"""

import asyncio
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvloop
from bench import media_sender
from bench.figures import Figure, keep

from anju.domain.recording import read_plan
from anju.domain.video import Agreed, Grade, PlayControl, Transport, Wanted
from anju.engines import Postgres
from anju.media.outlet import Outlet, Target
from anju.media.ports import Ports
from anju.media.record import Recorder
from anju.media.relay import Relay, relay
from anju.media.room import Room
from anju.media.streams import Stream, Streams
from anju.store.database import Database
from anju.store.migrate import migrate
from anju.store.volumes import Volume, pair

SECONDS = 10.0
SETTLING = 2.5  # seconds before a measurement: one key frame of each camera is in
COUNTS = (1, 30, 100)
MANY = (150, 200, 250, 300)
LAG_S = 0.2
FREE = 5_000_000_000  # bytes left on the disk, or nothing is recorded
PORTS = Ports(46_000, 48_998)


@dataclass(frozen=True, slots=True)
class Found:
    """One measurement of ``cameras``: percent of a core for each, and what went wrong."""

    cameras: int
    percent: float
    missing: int
    lag: float

    @property
    def clean(self) -> bool:
        """Return whether nothing was lost or late."""
        return not self.missing and self.lag < LAG_S


class Asked:
    """Agrees to everything and remembers the ports."""

    def __init__(self) -> None:
        self.ports: list[int] = []

    async def invite(self, wanted: Wanted) -> Agreed:
        """Agree."""
        self.ports.append(wanted.port)
        return Agreed(f"call {wanted.port}", None, "127.0.0.1", 9, {96: "PS"})

    async def end(self, call_id: str) -> None:
        """Leave it: the sender stops by itself."""

    async def control(self, call_id: str, control: PlayControl) -> None:
        """Leave it."""


async def sender(transport: str, ports: list[int], seconds: float) -> asyncio.subprocess.Process:
    """Start the cameras."""
    words = (sys.executable, "-m", "bench.media_sender", transport, str(seconds), *map(str, ports))
    return await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)


async def measured(
    db: Database,
    folder: Path,
    transport: Transport,
    count: int,
    extra: Callable[[list[Stream]], Awaitable[None]] | None = None,
    *,
    seconds: float = SECONDS,
) -> Found:
    """Receive and record ``count`` cameras, on a volume in ``folder`` that is gone afterwards."""
    volume = folder / f"volume-{time.monotonic_ns()}"
    volume.mkdir()
    if shutil.disk_usage(volume).free < FREE:
        raise SystemExit(f"less than {FREE / 1e9:.0f} GB are free on {volume}")
    asked = Asked()
    streams = Streams(asked, PORTS, bind="127.0.0.1", transport=lambda _channel, _grade: transport, first_s=60)
    recorder = Recorder(db, Room(await _paired(db, volume)), tell=print)
    recording = asyncio.create_task(recorder.run())
    await asyncio.sleep(0.1)
    found = [await _recorded(streams, recorder, f"c{number}") for number in range(count)]
    while len(asked.ports) < count:  # noqa: ASYNC110 - each stream asks in its own time
        await asyncio.sleep(0.01)
    cameras = await sender("udp" if transport is Transport.UDP else "tcp", asked.ports, seconds + SETTLING + 3)
    while not all(each.stats.packets for each in found):  # noqa: ASYNC110 - another process makes it so
        await asyncio.sleep(0.01)
    if extra is not None:
        await extra(found)
    await asyncio.sleep(SETTLING)
    result = await _while_running(found, seconds)
    if cameras.returncode is None:
        cameras.terminate()
    await cameras.wait()
    await streams.close()
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await asyncio.to_thread(shutil.rmtree, volume)  # a run of all writes some gigabytes
    return result


async def _while_running(found: list[Stream], seconds: float) -> Found:
    for each in found:
        each.stats.most_lag = 0.0
    before = sum(each.stats.frames for each in found)
    cpu, begin = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    spent, passed = time.process_time() - cpu, time.perf_counter() - begin
    frames = sum(each.stats.frames for each in found) - before
    due = len(found) * passed * media_sender.FPS
    missing = sum(each.stats.lost + each.stats.broken + each.stats.kernel_drops for each in found)
    missing += max(0, round(due * 0.99 - frames))  # the edges of the measurement are one in a hundred
    return Found(len(found), 100 * spent / passed / len(found), missing, max(each.stats.most_lag for each in found))


async def _paired(db: Database, folder: Path) -> list[Volume]:
    return list(await pair(db, [folder], node="bench", reserve=0, at=datetime.now(UTC)))


async def _recorded(streams: Streams, recorder: Recorder, channel_id: str) -> Stream:
    stream = await streams.open(channel_id, Grade.MAIN)
    sink = recorder.channel(channel_id, read_plan({"by": "platform"}))
    sink.track = lambda: stream.track
    stream.add(sink)
    return stream


def bare(volume: Path, transport: Transport, count: int) -> float:
    """Return the percent of a core for each camera that receiving and writing alone take."""
    udp = transport is Transport.UDP
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    lines = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for line in lines:
        line.bind(("127.0.0.1", 0))
        if not udp:
            line.listen(1)
    ports = [str(line.getsockname()[1]) for line in lines]
    words = [sys.executable, "-m", "bench.media_sender", "udp" if udp else "tcp", str(SECONDS + 3), *ports]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as cameras:
        if not udp:
            lines = [line.accept()[0] for line in lines]
        percent = _loop(volume, lines)
        cameras.terminate()
    for line in lines:
        line.close()
    return percent / count


def _loop(volume: Path, lines: list[socket.socket]) -> float:
    files = [(volume / f"bare-{number}").open("wb", buffering=0) for number in range(len(lines))]
    with selectors.DefaultSelector() as ready:
        for line, file in zip(lines, files, strict=True):
            line.setblocking(False)
            ready.register(line, selectors.EVENT_READ, file)
        ready.select()  # the first packet of all
        cpu, begin = time.process_time(), time.perf_counter()
        while time.perf_counter() - begin < SECONDS:
            for key, _ in ready.select(0.1):
                _write(key.fileobj, key.data)  # type: ignore[arg-type]
        percent = 100 * (time.process_time() - cpu) / (time.perf_counter() - begin)
    for file in files:
        file.close()
        Path(file.name).unlink()
    return percent


def _write(line: socket.socket, file: "os.PathLike[bytes]") -> None:
    try:
        while data := line.recv(65536):
            file.write(data)  # type: ignore[attr-defined]
    except BlockingIOError:
        return


class Upward:
    """Relays every camera to a port that swallows all."""

    def __init__(self) -> None:
        self._drain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._drain.bind(("127.0.0.1", 0))
        self.relays: list[Relay] = []

    async def __call__(self, streams: list[Stream]) -> None:
        """Begin."""
        for number, stream in enumerate(streams):
            target = Target("127.0.0.1", self._drain.getsockname()[1], number)
            outlet = Outlet(target, bind="127.0.0.1", ended=print)
            self.relays.append(await relay(stream, target, outlet, ended=print))

    def close(self) -> None:
        """End."""
        for each in self.relays:
            each.close()
        self._drain.close()


async def run(folder: Path) -> list[Figure]:
    """Return all figures."""
    async with AsyncExitStack() as stack:
        db = await database(folder, stack)
        figures, counts = [], dict[tuple[Transport, int], Found]()
        for transport, name in ((Transport.UDP, "udp"), (Transport.TCP_PASSIVE, "tcp")):
            reference = await asyncio.to_thread(bare, folder, transport, 30)
            for count in COUNTS:
                found = counts[transport, count] = await measured(db, folder, transport, count)
                print(f"{name} {found}")
                label = f"media.{name}_core_percent" + ("" if count == 30 else f"_{count}")
                figures.append(Figure.against(label, found.percent, "%", reference))
        figures.append(await _without_loss(db, folder, counts[Transport.UDP, COUNTS[-1]]))
        upward = Upward()
        plain = counts[Transport.UDP, 30].percent
        relayed = await measured(db, folder, Transport.UDP, 30, upward)
        upward.close()
        figures.append(Figure.against("media.relay_core_percent", relayed.percent - plain, "%", plain))
        return figures


async def _without_loss(db: Database, folder: Path, most: Found) -> Figure:
    best = most.cameras if most.clean else 0
    for count in MANY if best else (80, 60, 40):
        found = await measured(db, folder, Transport.UDP, count)
        print(f"without loss? {found}")
        if found.clean != most.clean:
            best = count if found.clean else best
            break
        best = count if found.clean else best
    return Figure.against("media.cameras_without_loss", best, "cameras", 100)


async def database(folder: Path, stack: AsyncExitStack) -> Database:
    server = Postgres(folder / "postgres")
    await server.start()
    stack.push_async_callback(server.stop)
    await server.create_database("bench")
    migrate(server.owner_url("bench"))
    db = Database(server.app_url("bench"))
    await db.open()
    stack.push_async_callback(db.close)
    return db


def to_stderr() -> None:
    """Keep the program's log out of what is told: it names folders of this machine."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def main() -> None:
    """Measure, print and keep."""
    media_sender.loop()
    to_stderr()
    with tempfile.TemporaryDirectory(prefix="anju-bench-", dir="build") as folder:
        path = Path(folder).resolve()
        path.chmod(0o755)  # PostgreSQL drops to another user where this runs as root
        (path / "postgres").mkdir()
        keep(uvloop.run(run(path)))


if __name__ == "__main__":
    main()
