"""What the recorder writes plays elsewhere, has a row, and says why where it stops."""

import asyncio
import errno
import json
import resource
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from anju.domain.recorded import Lack
from anju.domain.recording import Plan, read_plan
from anju.domain.recording_trouble import Told, Trouble
from anju.media.record import ChannelRecorder, Recorder, WallClock
from anju.media.recording_file import Appender
from anju.media.room import Room
from anju.media.writing import Writers
from anju.protocols.frames import CLOCK, Codec, Frame
from anju.store import recordings
from anju.store.database import Database
from anju.store.recordings import Flag, Recording
from anju.store.volumes import MARK, Volume, VolumeState, pair
from tests.media import pictures

T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC).timestamp()
ALWAYS = read_plan({"by": "platform"})
FFPROBE = (
    "ffprobe",
    "-v",
    "error",
    "-of",
    "json",
    "-show_entries",
    "stream=codec_name,nb_read_frames",
    "-count_frames",
)


class Clock:
    """Unix seconds that move with the frames."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


class Site:
    """A recorder on a volume of its own, its clock, what it told."""

    def __init__(self, db: Database, volumes: list[Volume]) -> None:
        self.clock, self.told = Clock(), list[Told]()
        self.volumes = volumes
        self.room = Room(volumes, every_s=0.02)
        self.recorder = Recorder(db, self.room, tell=self.told.append, clock=self.clock)
        self.db = db

    def camera(self, name: str = "c1", plan: Plan = ALWAYS, codec: Codec = Codec.H264) -> ChannelRecorder:
        channel = self.recorder.channel(name, plan)
        channel.track = lambda: pictures.loop(codec)[1]
        channel.state("playing")
        return channel

    async def feed(self, channel: ChannelRecorder, *frames: Iterable[Frame]) -> None:
        """Send ``frames`` in the order they arrive, at the pace the disk takes them."""
        for number, each in enumerate(sorted((e for some in frames for e in some), key=lambda e: e.arrived)):
            self.clock.now = each.arrived
            channel.take(each)
            if number % 200 == 0:
                await asyncio.sleep(0)

    async def files(self, name: str = "c1") -> list[Recording]:
        """Return the rows once all that was closed has one."""
        async with asyncio.timeout(20):
            await self.recorder.settled()
        return await recordings.between(self.db, name, 0, 2**52, limit=1000)

    def path(self, file: Recording) -> Path:
        return self.volumes[0].path / file.name

    async def until(self, held: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not held():  # noqa: ASYNC110 - a thread or a disk makes it so
                await asyncio.sleep(0.01)

    def troubles(self) -> list[Trouble]:
        return [each.trouble for each in self.told]


@pytest_asyncio.fixture
async def site(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    volumes = await pair(db, [tmp_path / "volume"], node="n", reserve=0, at=datetime.now(UTC))
    found = Site(db, volumes)
    task = asyncio.create_task(found.recorder.run())
    await asyncio.sleep(0)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def probed(path: Path) -> tuple[str, int]:
    """Return codec and frames as ffprobe counts them by decoding."""
    done = subprocess.run([*FFPROBE, str(path)], capture_output=True, text=True, check=True)
    assert not done.stderr
    (stream,) = json.loads(done.stdout)["streams"]
    return stream["codec_name"], int(stream["nb_read_frames"])


@pytest.mark.parametrize(("codec", "name"), [(Codec.H264, "h264"), (Codec.H265, "hevc")])
async def test_every_file_is_accepted_by_an_independent_reader(site: Site, codec: Codec, name: str) -> None:
    channel = site.camera(codec=codec)
    await site.feed(channel, pictures.frames(T0, 150, codec))
    channel.stop()
    files = await site.files()
    assert 3 <= len(files) <= 4
    assert [probed(site.path(each))[0] for each in files] == [name] * len(files)
    assert sum(probed(site.path(each))[1] for each in files) == 150 * 25
    assert sum(each.duration_ms for each in files) == pytest.approx(150_000, abs=40)


async def test_files_follow_one_another_without_a_seam(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 200))
    channel.stop()
    files = await site.files()
    assert await recordings.spans(site.db, "c1", 0, 2**52) == [(files[0].start_ms, files[-1].end_ms)]
    assert files[0].start_ms == T0 * 1000
    assert all(abs(after.start_ms - before.end_ms) <= 2 for before, after in pairwise(files))
    assert {each.duration_ms for each in files[1:-1]} == {60_000}


async def test_every_group_of_pictures_begins_where_its_row_says(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 10))
    channel.stop()
    (file,) = await site.files()
    data = site.path(file).read_bytes()
    assert [at for at, _ in file.gops] == [0, 2000, 4000, 6000, 8000]
    assert [data[offset + 4 : offset + 8] for _, offset in file.gops] == [b"moof"] * 5
    assert (file.bytes, file.width, file.height) == (len(data), 320, 180)


async def test_cameras_switch_files_at_seconds_of_their_own(site: Site) -> None:
    names = [f"c{each}" for each in range(12)]
    for each in names:
        await site.feed(site.camera(each), pictures.frames(T0, 70))
        site.recorder.forget(each)
    seconds = {(await site.files(each))[1].start_ms // 1000 % 60 for each in names}
    assert len(seconds) >= 6


async def test_a_break_of_the_stream_ends_a_file_and_the_next_says_so(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 10))
    channel.state("stalled")
    resumed = pictures.frames(T0 + 430, 10, pts=7_000 + 430 * CLOCK)
    await site.feed(channel, resumed)
    channel.stop()
    first, second, *_ = await site.files()
    assert await recordings.spans(site.db, "c1", 0, 2**52) == [
        ((T0 + at) * 1000, (T0 + at + 10) * 1000) for at in (0, 430)
    ]
    assert (first.flags, second.flags) == (Flag(0), Flag.GAP)


async def test_a_stream_that_stops_without_a_word_ends_its_file_too(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 10))
    site.clock.now += 30
    await site.until(lambda: channel.open_span() is None)
    assert [each.duration_ms for each in await site.files()] == [10_000]


async def test_changed_parameters_begin_a_new_file(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 4))
    units, track = pictures.loop(Codec.H264, 640, 360)
    channel.track = lambda: track
    larger = (Frame(Codec.H264, 7_000 + (4 * 25 + n) * 3600, n == 0, units[n], T0 + 4 + n / 25) for n in range(50))
    await site.feed(channel, larger)
    channel.stop()
    files = await site.files()
    assert [(each.width, each.height) for each in files] == [(320, 180), (640, 360)]
    assert [probed(site.path(each))[1] for each in files] == [100, 50]


async def test_a_group_of_pictures_longer_than_two_seconds_is_several_fragments(site: Site) -> None:
    channel = site.camera()
    long = list(pictures.frames(T0, 10))
    for number, each in enumerate(long):
        each.key = number == 0
    await site.feed(channel, long)
    channel.stop()
    (file,) = await site.files()
    assert len(file.gops) == 1
    assert site.path(file).read_bytes().count(b"moof") == 5


async def test_nothing_is_kept_before_the_first_key_frame(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, list(pictures.frames(T0, 8))[20:])
    channel.stop()
    (file,) = await site.files()
    assert (file.start_ms, probed(site.path(file))[1]) == ((T0 + 2) * 1000, 150)


async def test_broken_pictures_are_kept_and_flagged(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, [pictures.broken(e) if n == 60 else e for n, e in enumerate(pictures.frames(T0, 6))])
    channel.stop()
    (file,) = await site.files()
    assert (file.flags, probed(site.path(file))[1]) == (Flag.BROKEN, 150)


async def test_sound_lies_beside_the_pictures_in_step(site: Site) -> None:
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 10), pictures.sound(T0 + 4, 6))
    channel.stop()
    (file,) = await site.files()
    data = (site.volumes[0].path / file.sound).read_bytes()
    assert file.audio == "g711a"
    assert data[:32_000] == b"\xd5" * 32_000
    assert data[32_000:32_640] == bytes(320) + b"\1" * 320
    assert file.bytes == site.path(file).stat().st_size + len(data)


async def test_outside_its_windows_nothing_is_recorded(site: Site) -> None:
    minute = 16 * 60 + 1  # 16:01 on the local clock
    channel = site.camera(plan=read_plan({"by": "platform", "week": [[[minute, minute + 1]]] * 7}))
    await site.feed(channel, pictures.frames(T0, 180))
    files = await site.files()
    assert (files[0].start_ms, files[-1].end_ms) == ((T0 + 60) * 1000, (T0 + 120) * 1000)


async def test_an_event_keeps_what_was_before_it(site: Site) -> None:
    channel = site.camera(plan=read_plan({"by": "nvr", "events": True, "pre_s": 10, "post_s": 20}))
    await site.feed(channel, pictures.frames(T0, 100))
    assert await site.files() == []
    channel.event(site.clock())
    await site.feed(channel, pictures.frames(T0 + 100, 60, pts=7_000 + 100 * CLOCK))
    files = await site.files()
    first, last = files[0], files[-1]
    assert T0 + 88 <= first.start_ms / 1000 <= T0 + 90
    assert T0 + 119 <= last.end_ms / 1000 <= T0 + 122
    assert {bool(each.flags & Flag.EVENT) for each in files} == {True}
    assert await recordings.spans(site.db, "c1", 0, 2**52) == [(first.start_ms, last.end_ms)]


async def test_a_second_event_prolongs_the_first(site: Site) -> None:
    channel = site.camera(plan=read_plan({"by": "nvr", "events": True, "pre_s": 0, "post_s": 20}))
    await site.feed(channel, pictures.frames(T0, 10))
    channel.event(site.clock())
    await site.feed(channel, pictures.frames(T0 + 10, 10, pts=7_000 + 10 * CLOCK))
    channel.event(site.clock())
    await site.feed(channel, pictures.frames(T0 + 20, 40, pts=7_000 + 20 * CLOCK))
    assert (await site.files())[-1].end_ms / 1000 == pytest.approx(T0 + 40, abs=2.1)


async def test_memory_for_what_is_before_an_event_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anju.media.record.PRE_BYTES", 100_000)
    channel = site.camera(plan=read_plan({"by": "nvr", "events": True}))
    await site.feed(channel, pictures.frames(T0, 60))
    assert channel.before_bytes <= 100_000


def test_time_is_smoothed_and_a_jump_of_the_camera_is_seen() -> None:
    wall = WallClock()
    assert wall.at(0, 100.0) == (100.0, False)
    late, jumped = wall.at(CLOCK, 101.3)
    assert (round(late, 2), jumped) == (101.0, False)
    assert wall.at(90 * CLOCK, 102.0) == (102.0, True)
    assert wall.at(91 * CLOCK, 103.0) == (103.0, False)


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Let this process write no file beyond ``size`` bytes: the kernel then takes a part, and refuses the next."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_disk_that_takes_only_a_part_leaves_a_whole_file(tmp_path: Path) -> None:
    file = Appender(tmp_path / "c1" / "20261122" / "1.mp4")
    file.append(b"x" * 1000)
    with full_at(1500), pytest.raises(OSError, match="too large") as full:
        file.append(b"y" * 1000)
    assert full.value.errno == errno.EFBIG
    assert file.path.read_bytes() == b"x" * 1000
    file.append(b"z")
    assert file.path.read_bytes() == b"x" * 1000 + b"z"
    file.close()


async def test_a_disk_that_fills_up_is_told_and_what_was_written_plays(site: Site) -> None:
    channel = site.camera()
    with full_at(40_000):
        await site.feed(channel, pictures.frames(T0, 12))
        await site.until(lambda: Trouble.WRITE_FAILED in site.troubles())
    files = await site.files()
    assert files
    assert [probed(site.path(each))[1] for each in files] == [round(each.duration_ms / 40) for each in files]
    assert [each.bytes for each in files] == [site.path(each).stat().st_size for each in files]
    assert channel.why(site.clock()) is Lack.STORE_FAILED
    await site.feed(channel, pictures.frames(T0 + 20, 10, pts=7_000 + 20 * CLOCK))
    await site.until(lambda: site.troubles()[-1] is Trouble.RESUMED)


async def test_a_disk_that_hangs_is_told_and_what_waits_for_it_is_bounded(site: Site) -> None:
    site.recorder.writers = Writers(most_bytes=30_000)
    back = threading.Event()

    def hang() -> None:
        back.wait(30)

    site.recorder.writers.of(site.volumes[0].number, "c1").put(hang)
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 30))
    assert site.troubles() == [Trouble.TOO_SLOW]
    assert 0 < site.recorder.writers.waiting <= 30_000
    assert channel.lost > 0
    assert channel.why(site.clock()) is Lack.STORE_FAILED
    back.set()
    await site.until(lambda: site.recorder.writers.waiting == 0)
    await site.feed(channel, pictures.frames(T0 + 30, 4, pts=7_000 + 30 * CLOCK))
    await site.until(lambda: site.troubles()[-1] is Trouble.RESUMED)
    channel.stop()
    files = await site.files()
    assert [probed(site.path(each))[1] for each in files] == [round(each.duration_ms / 40) for each in files]
    assert files[-1].flags == Flag.GAP


async def test_space_running_out_stops_the_least_important_first_and_says_so(site: Site) -> None:
    guarded, spare = (
        site.camera(each, read_plan({"by": "platform", "priority": p})) for each, p in (("a", 1), ("b", 9))
    )
    await site.feed(guarded, pictures.frames(T0, 6))
    await site.feed(spare, pictures.frames(T0, 6))
    site.volumes[0].reserve = int(site.volumes[0].free / 1.5)
    await site.until(lambda: spare.open_span() is None)
    assert guarded.open_span() is not None
    await site.feed(spare, pictures.frames(T0 + 6, 6, pts=7_000 + 6 * CLOCK))
    assert site.told == [Told(Trouble.NO_SPACE, "b")]
    assert spare.why(site.clock()) is Lack.STORE_FAILED
    site.volumes[0].reserve = 0
    await site.feed(spare, pictures.frames(T0 + 12, 6, pts=7_000 + 12 * CLOCK))
    await site.until(lambda: Trouble.RESUMED in site.troubles())


async def test_below_the_reserve_nobody_records(site: Site) -> None:
    site.volumes[0].reserve = 10**18
    await site.until(lambda: Trouble.VOLUME_FULL in site.troubles())
    channel = site.camera(plan=read_plan({"by": "platform", "priority": 1}))
    await site.feed(channel, pictures.frames(T0, 6))
    assert site.troubles() == [Trouble.VOLUME_FULL, Trouble.NO_SPACE]
    assert await site.files() == []
    assert channel.lost > 0


async def test_a_disk_taken_out_is_told_and_recording_goes_on_elsewhere(db: Database, tmp_path: Path) -> None:
    volumes = await pair(db, [tmp_path / "a", tmp_path / "b"], node="n", reserve=0, at=datetime.now(UTC))
    site = Site(db, volumes)
    task = asyncio.create_task(site.recorder.run())
    await asyncio.sleep(0)
    channel = site.camera()
    await site.feed(channel, pictures.frames(T0, 6))
    await site.until(lambda: any(list(each.path.glob("c1/*/*.mp4")) for each in volumes))
    (first,) = [each for each in volumes if list(each.path.glob("c1"))]
    (first.path / MARK).unlink()
    await site.until(lambda: channel.open_span() is None)
    await site.feed(channel, pictures.frames(T0 + 6, 6, pts=7_000 + 6 * CLOCK))
    channel.stop()
    files = await site.files()
    assert first.state is VolumeState.MISSING
    assert files[-1].volume != first.number
    assert site.troubles() == [Trouble.VOLUME_MISSING]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_write_that_fails_is_told_and_tried_again(site: Site) -> None:
    channel = site.camera()
    blocked = site.volumes[0].path / "c1"
    blocked.write_text("in the way")
    await site.feed(channel, pictures.frames(T0, 4))
    await site.until(lambda: Trouble.WRITE_FAILED in site.troubles())
    assert channel.why(site.clock()) is Lack.STORE_FAILED
    blocked.unlink()
    await site.feed(channel, pictures.frames(T0 + 4, 10, pts=7_000 + 4 * CLOCK))
    await site.until(lambda: Trouble.RESUMED in site.troubles())
    channel.stop()
    assert len(await site.files()) == 1


async def test_ending_closes_every_file_with_its_row(db: Database, tmp_path: Path) -> None:
    volumes = await pair(db, [tmp_path / "a"], node="n", reserve=0, at=datetime.now(UTC))
    site = Site(db, volumes)
    task = asyncio.create_task(site.recorder.run())
    await asyncio.sleep(0)
    for each in ("c1", "c2"):
        await site.feed(site.camera(each), pictures.frames(T0, 5))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    rows = [await recordings.between(db, each, 0, 2**52, limit=9) for each in ("c1", "c2")]
    assert [probed(tmp_path / "a" / row.name)[1] for (row,) in rows] == [125, 125]


async def test_reasons_follow_the_stream(site: Site) -> None:
    channel = site.camera()
    site.clock.now = T0 + 10
    channel.state("no_answer")
    site.clock.now = T0 + 20
    channel.state("busy")
    assert [channel.why(T0 + at) for at in (15, 25)] == [Lack.DEVICE_OFFLINE, Lack.NOT_RECORDING]
    assert site.recorder.why("c1", T0 - 60) is Lack.STORE_FAILED
